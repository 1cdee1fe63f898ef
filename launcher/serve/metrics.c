/*
 * metrics.c -- counters and histograms, and their page.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "launcher/core/invoke.h"
#include "launcher/registry/registry.h"
#include "launcher/serve/admit.h"
#include "launcher/serve/answer.h"
#include "launcher/serve/call.h"
#include "launcher/serve/conn.h"
#include "launcher/serve/metrics.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "worker/contract/buf.h"
#include "worker/contract/util.h"

#define PAGE_BYTES_MAX	(8 * MIB)
#define SERIES_MAX	4096		/* connectors times commands; what is beyond is counted as "other" */
#define LABEL_BYTES	(REQUEST_TYPE_BYTES_MAX + 1)

static const int	 bounds_ms[] = { 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000 };
#define NBOUNDS		N_ITEMS(bounds_ms)

struct histogram {
	uint64_t	 n[NBOUNDS + 1];	/* the last: above all bounds */
	uint64_t	 count;
	int64_t		 sum_ms;
};

struct series {
	LIST_ENTRY(series) next;
	char		 connector[CONNECTOR_NAME_MAX + 1];
	char		 command[LABEL_BYTES];
	uint64_t	 ends[ERR__MAX];	/* by cause */
	uint64_t	 records, bytes;
	struct histogram first, total;
};

static LIST_HEAD(, series)	 all = LIST_HEAD_INITIALIZER(all);
static size_t			 nseries;

static void
observe(struct histogram *h, int64_t ms)
{
	size_t	 i = 0;

	while (i < NBOUNDS && ms > bounds_ms[i])
		i++;
	h->n[i]++;
	h->count++;
	h->sum_ms += ms;
}

static struct series *
series_get(const char *connector, const char *command)
{
	struct series	*s;

	LIST_FOREACH(s, &all, next)
		if (strcmp(s->connector, connector) == 0 && strcmp(s->command, command) == 0)
			return s;
	if (nseries >= SERIES_MAX && strcmp(command, "other") != 0)
		return series_get("other", "other");
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	snprintf(s->connector, sizeof(s->connector), "%s", connector);
	snprintf(s->command, sizeof(s->command), "%s", command);
	LIST_INSERT_HEAD(&all, s, next);
	nseries++;
	return s;
}

void
metrics_end(const struct metrics_end *m)
{
	struct series	*s = series_get(m->connector, m->command);

	if (s == NULL)
		return;
	s->ends[m->cause]++;
	s->records += m->records;
	s->bytes += m->bytes;
	if (m->first_ms >= 0)
		observe(&s->first, m->first_ms);
	observe(&s->total, m->total_ms);
}

void
metrics_free(void)
{
	struct series	*s;

	while ((s = LIST_FIRST(&all)) != NULL) {
		LIST_REMOVE(s, next);
		free(s);
	}
	nseries = 0;
}

static void
head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Names of connectors and commands have neither quotes nor backslashes. */
static void
labels(struct buf *b, const struct series *s)
{
	buf_addf(b, "connector=\"%s\",command=\"%s\"", s->connector, s->command);
}

static void
ends_print(struct buf *b)
{
	const struct series	*s;

	head(b, "bascule_invocations_total", "counter", "Invocations that ended, by outcome and cause.");
	LIST_FOREACH(s, &all, next)
		for (enum err_code c = ERR_NONE; c < ERR__MAX; c++) {
			if (s->ends[c] == 0)
				continue;
			buf_adds(b, "bascule_invocations_total{");
			labels(b, s);
			buf_addf(b, ",outcome=\"%s\",cause=\"%s\"} %llu\n", c == ERR_NONE ? "ok" : "failed",
			    error_face(c)->word, (unsigned long long)s->ends[c]);
		}
}

static void
sums_print(struct buf *b)
{
	const struct series	*s;

	head(b, "bascule_records_total", "counter", "Output records passed on.");
	LIST_FOREACH(s, &all, next) {
		buf_adds(b, "bascule_records_total{");
		labels(b, s);
		buf_addf(b, "} %llu\n", (unsigned long long)s->records);
	}
	head(b, "bascule_result_bytes_total", "counter", "Bytes of result lines passed on, before any encoding.");
	LIST_FOREACH(s, &all, next) {
		buf_adds(b, "bascule_result_bytes_total{");
		labels(b, s);
		buf_addf(b, "} %llu\n", (unsigned long long)s->bytes);
	}
}

static void
histogram_print(struct buf *b, const char *name, const struct series *s, const struct histogram *h)
{
	uint64_t	 n = 0;

	for (size_t i = 0; i <= NBOUNDS; i++) {
		n += h->n[i];
		buf_addf(b, "%s_bucket{", name);
		labels(b, s);
		if (i < NBOUNDS)
			buf_addf(b, ",le=\"%d.%03d\"} %llu\n", bounds_ms[i] / 1000, bounds_ms[i] % 1000, (unsigned long long)n);
		else
			buf_addf(b, ",le=\"+Inf\"} %llu\n", (unsigned long long)n);
	}
	buf_addf(b, "%s_sum{", name);
	labels(b, s);
	buf_addf(b, "} %lld.%03d\n%s_count{", (long long)(h->sum_ms / 1000), (int)(h->sum_ms % 1000), name);
	labels(b, s);
	buf_addf(b, "} %llu\n", (unsigned long long)h->count);
}

static void
histograms_print(struct buf *b)
{
	const struct series	*s;

	head(b, "bascule_first_record_seconds", "histogram", "From the request to the first record.");
	LIST_FOREACH(s, &all, next)
		histogram_print(b, "bascule_first_record_seconds", s, &s->first);
	head(b, "bascule_invocation_seconds", "histogram", "From the request to the verdict.");
	LIST_FOREACH(s, &all, next)
		histogram_print(b, "bascule_invocation_seconds", s, &s->total);
}

static int	 statm = -1;
static long	 page_bytes;

void
metrics_open(void)
{
	page_bytes = sysconf(_SC_PAGESIZE);
	statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);	/* at its start */
}

static int64_t
rss_bytes(void)
{
	char	 text[128];
	long	 pages = 0;
	ssize_t	 n = statm == -1 ? -1 : pread(statm, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "%*d %ld", &pages) == 1 ? (int64_t)pages * page_bytes : 0;
}

static void
now_print(struct buf *b)
{
	struct admit_counts	 a = admit_count();
	struct conn_counts	 c = conns_count();
	struct core_counts	 k = core_count();
	const struct {
		const char	*name, *type, *help;
		int64_t		 v;
		bool		 ms;		/* told in seconds */
	} rows[] = {
		{ "bascule_invocations_running", "gauge", "Invocations that have a worker.", (int64_t)a.running },
		{ "bascule_queue_length", "gauge", "Invocations that wait for their turn.", (int64_t)a.waiting },
		{ "bascule_sources_active", "gauge", "Sources with an invocation running or waiting.", (int64_t)a.sources },
		{ "bascule_shed_total", "counter", "Invocations turned away with 429.", (int64_t)a.shed },
		{ "bascule_nurseries", "gauge", "Nurseries alive.", k.nurseries },
		{ "bascule_parked_workers", "gauge", "Workers parked before their first read.", k.parked },
		{ "bascule_rate_permits_total", "counter", "Requests permitted to workers of sources with a budget.",
		    (int64_t)k.rate_requests },
		{ "bascule_rate_wait_seconds_total", "counter", "How long they were waited for.", (int64_t)k.rate_wait_ms, true },
		{ "bascule_token_cache_hits_total", "counter", "Invocations that were handed a kept token.", (int64_t)k.cache_hits },
		{ "bascule_token_cache_misses_total", "counter", "Invocations that may be, and were handed none.",
		    (int64_t)k.cache_misses },
		{ "bascule_tls_cache_hits_total", "counter", "Invocations that were handed a kept TLS session.", (int64_t)k.tls_hits },
		{ "bascule_tls_cache_misses_total", "counter", "Invocations that may be, and were handed none.", (int64_t)k.tls_misses },
		{ "bascule_token_cache_puts_total", "counter", "Tokens and TLS sessions kept.", (int64_t)k.cache_puts },
		{ "bascule_token_cache_entries", "gauge", "Tokens and TLS sessions kept now.", (int64_t)k.cache_entries },
		{ "bascule_connections_open", "gauge", "Connections of callers.", (int64_t)c.open },
		{ "bascule_connections_busy", "gauge", "Connections with a request being answered.", (int64_t)c.busy },
		{ "bascule_connections_total", "counter", "Connections accepted.", (int64_t)c.accepted },
		{ "bascule_connections_cut_slow_total", "counter", "Cut: the request took too long to come.", (int64_t)c.cut_slow },
		{ "bascule_connections_cut_memory_total", "counter", "Cut: all requests together were over the memory budget.",
		    (int64_t)c.cut_budget },
		{ "bascule_connections_cut_ahead_total", "counter", "Cut: too much sent ahead of an answer.", (int64_t)c.cut_ahead },
		{ "bascule_request_bytes_held", "gauge", "Bytes of requests in memory.", (int64_t)c.held_bytes },
		{ "bascule_registry_bytes", "gauge", "Bytes on disk of connectors that were uploaded.", (int64_t)registry_stored() },
		{ "process_resident_memory_bytes", "gauge", "Resident memory of this process.", rss_bytes() },
		{ "bascule_uptime_seconds", "gauge", "Since the start.", (now_ms() - server.start_ms) / 1000 },
	};

	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		head(b, rows[i].name, rows[i].type, rows[i].help);
		if (rows[i].ms)
			buf_addf(b, "%s %lld.%03d\n", rows[i].name, (long long)(rows[i].v / 1000), (int)(rows[i].v % 1000));
		else
			buf_addf(b, "%s %lld\n", rows[i].name, (long long)rows[i].v);
	}
}

void
show_metrics(struct exchange *x)
{
	autobuf	 b;

	buf_init(&b, PAGE_BYTES_MAX);
	now_print(&b);
	ends_print(&b);
	sums_print(&b);
	histograms_print(&b);
	if (b.failed)
		answer_refuse(x->req, 500, ERR_LIMIT, "the page is over %d bytes", PAGE_BYTES_MAX);
	else
		answer_text(x->req, 200, "text/plain; version=0.0.4; charset=utf-8", b.data, b.len);
}
