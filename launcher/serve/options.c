/*
 * options.c -- the command line of bascule-serve: a row for each option.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "launcher/core/vault.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/slog.h"
#include "sandbox/sandbox.h"
#include "worker/contract/util.h"
#include "worker/contract/version.h"

#define FRONT	"front"		/* a layer of the server's own */
/* What each SIZE and TIME may be. */
#define SIZE_BYTES_MIN	(32 * (int64_t)MIB)
#define SIZE_BYTES_MAX	(1024 * 1024 * 1024 * (int64_t)MIB)
#define SIZE_RANGE	"32m to 1024t"
#define TIME_RANGE	"1ms to 7d"

enum kind { TEXT, COUNT, TIME, BYTES, CALL };

static int	listen_take(struct settings *, const char *, struct error *);
static int	mode_take(struct settings *, const char *, struct error *);
static int	peer_take(struct settings *, const char *, struct error *);
static int	opened_take(struct settings *, const char *, struct error *);
static int	limit_take(struct settings *, const char *, struct error *);
static int	rate_take(struct settings *, const char *, struct error *);
static int	no_cache_take(struct settings *, const char *, struct error *);
static int	sandbox_take(struct settings *, const char *, struct error *);
static int	without_take(struct settings *, const char *, struct error *);
static int	durable_take(struct settings *, const char *, struct error *);
static int	level_take(struct settings *, const char *, struct error *);
static int	worker_logs_take(struct settings *, const char *, struct error *);

#define AT(member)	offsetof(struct settings, member)
static const struct row {
	const char	*name, *value, *what;
	enum kind	 kind;
	size_t		 at;
	int		(*take)(struct settings *, const char *, struct error *);
	uint64_t	 least, most;
} rows[] = {
	{ "listen", "PLACE", "address:port, [v6]:port or unix:PATH; several (127.0.0.1:7080)", CALL, 0, listen_take },
	{ "socket-mode", "MODE", "permissions of unix sockets, octal (0600)", CALL, 0, mode_take },
	{ "peer", "WHO[=SCOPES]", "also lets in at unix sockets UID, uid:UID or gid:GID, to do all or what these scopes say; several",
	    CALL, 0, peer_take },
	{ "tls-cert", "FILE", "certificate chain, PEM: TLS at every TCP address", TEXT, AT(cert) },
	{ "tls-key", "FILE", "its key, PEM", TEXT, AT(key) },
	{ "client-ca", "FILE", "callers must show a certificate of these authorities", TEXT, AT(client_ca) },
	{ "tokens", "FILE", "callers by TCP need a token of this file: bascule serve token", TEXT, AT(tokens) },
	{ "registry", "DIR", "keeps connectors that are uploaded, and runs them", TEXT, AT(registry) },
	{ "registry-budget", "SIZE", "of all that was uploaded, together (8g)", BYTES, AT(registry_bytes) },
	{ "concurrency", "N", "invocations at once (64)", COUNT, AT(concurrency), NULL, 1, 100000 },
	{ "per-source", "N", "of one source (16)", COUNT, AT(per_source), NULL, 1, 100000 },
	{ "queue", "N", "waiting for their turn; 0: none (1000)", COUNT, AT(queue), NULL, 0, 1000000 },
	{ "connections", "N", "open connections (10000)", COUNT, AT(connections), NULL, 1, 1000000 },
	{ "memory-budget", "SIZE", "of all requests held together (256m)", BYTES, AT(memory_bytes) },
	{ "parked-min", "N", "workers kept ready for each connector in use (0)", COUNT, AT(plan.parked_min), NULL, 0, 1000 },
	{ "parked-max", "N", "at most, by demand (8)", COUNT, AT(plan.parked_max), NULL, 0, 1000 },
	{ "nursery-forks", "N", "a nursery is replaced after so many workers; 0: never (10000)", COUNT,
	    AT(plan.nursery_forks), NULL, 0, 1000000000 },
	{ "nursery-age", "TIME", "or at this age (1h)", TIME, AT(plan.nursery_age_ms) },
	{ "limit", "NAME=VALUE", "default and ceiling of an invocation's limit: see bascule invoke --help", CALL, 0, limit_take },
	{ "limits", "FILE", "more of them, NAME=VALUE a line; read again on SIGHUP", TEXT, AT(limits_file) },
	{ "rate", "SOURCE=RATE", "requests that all workers of a source may send: 100/1m, 100/1m,4 (at once), none; *: any; several",
	    CALL, 0, rate_take },
	{ "no-token-cache", NULL, "keep no sign-in tokens and TLS sessions in memory for connectors that ask for it", CALL, 0, no_cache_take },
	{ "allow-private", "HOST", "workers may reach this private address; several", CALL, 0, opened_take },
	{ "sandbox", "NAME", "set of layers: strict (default), container", CALL, 0, sandbox_take },
	{ "without", "LAYER", "run without this layer; front: the server itself without its list of system calls", CALL, 0, without_take },
	{ "journal", "FILE", "keeps invocations and receipts, SQLite ($STATE_DIRECTORY/journal.db, else in memory)", TEXT,
	    AT(store.path) },
	{ "durable", NULL, "the journal survives a power cut, not only a crash", CALL, 0, durable_take },
	{ "history", "N", "invocations remembered (1000000; in memory 1000)", COUNT, AT(history), NULL, 1, 1000000000 },
	{ "history-days", "N", "and for how long (90)", COUNT, AT(history_days), NULL, 1, 36500 },
	{ "results-budget", "SIZE", "of results that are kept, all together (4g; in memory 64m)", BYTES, AT(store.results_bytes_max) },
	{ "results-age", "TIME", "and for how long, with keys of writes (24h)", TIME, AT(store.results_age_ms_max) },
	{ "grace", "TIME", "for invocations in flight when told to end (30s)", TIME, AT(grace_ms) },
	{ "request-timeout", "TIME", "for a request to come whole (30s)", TIME, AT(request_ms) },
	{ "idle-timeout", "TIME", "for a connection between two requests (75s)", TIME, AT(idle_ms) },
	{ "log-level", "LEVEL", "error, warn, info, debug (info)", CALL, 0, level_take },
	{ "worker-logs", NULL, "log what workers log, too", CALL, 0, worker_logs_take },
	{ "help", NULL, "this text", CALL, 0, NULL },
	{ "version", NULL, "print the version", CALL, 0, NULL },
};

static int
listen_take(struct settings *s, const char *text, struct error *e)
{
	if (s->nlisten == DOORS_MAX)
		return error_set(e, ERR_USAGE, "at most %d places", DOORS_MAX);
	s->listen[s->nlisten++] = text;
	return 0;
}

static int
durable_take(struct settings *s, const char *text, struct error *e)
{
	(void)text;
	(void)e;
	s->store.durable = true;
	return 0;
}

static int
octal(const char *text, unsigned int *out)
{
	char		*rest;
	unsigned long	 n = strtoul(text, &rest, 8);

	if (text[0] < '0' || text[0] > '7' || *rest != '\0' || n > 0777)
		return -1;
	*out = (unsigned int)n;
	return 0;
}

static int
mode_take(struct settings *s, const char *text, struct error *e)
{
	return octal(text, &s->socket_mode) == 0 ? 0 : error_set(e, ERR_USAGE, "an octal mode, such as 0660, is wanted");
}

static int
count_read(const char *text, uint64_t least, uint64_t most, uint64_t *out, struct error *e)
{
	char			*rest;
	unsigned long long	 n;

	errno = 0;
	n = strtoull(text, &rest, 10);
	if (text[0] < '0' || text[0] > '9' || *rest != '\0' || errno != 0 || n < least || n > most)
		return error_set(e, ERR_USAGE, "a number from %llu to %llu is wanted", (unsigned long long)least,
		    (unsigned long long)most);
	*out = n;
	return 0;
}

static int
peer_take(struct settings *s, const char *text, struct error *e)
{
	struct peer	*p = &s->peers[s->npeers];

	if (s->npeers == PEERS_MAX)
		return error_set(e, ERR_USAGE, "at most %d users and groups", PEERS_MAX);
	if (peer_read(text, p, e) == -1)
		return -1;
	for (size_t i = 0; i < s->npeers; i++)
		if (s->peers[i].group == p->group && s->peers[i].id == p->id)
			return error_set(e, ERR_USAGE, "%s is named twice", p->may.name);
	s->npeers++;
	return 0;
}

static int
opened_take(struct settings *s, const char *text, struct error *e)
{
	if (s->nopened == OPENED_MAX)
		return error_set(e, ERR_USAGE, "at most %d hosts", OPENED_MAX);
	s->opened[s->nopened++] = text;
	return 0;
}

static int
no_cache_take(struct settings *s, const char *text, struct error *e)
{
	(void)text;
	(void)e;
	s->plan.vault = NULL;
	return 0;
}

static int
rate_take(struct settings *s, const char *text, struct error *e)
{
	size_t		 n = strcspn(text, "=");
	struct rate_row	*r = &s->rates[s->nrates];

	if (s->nrates == RATES_MAX)
		return error_set(e, ERR_USAGE, "at most %d sources", RATES_MAX);
	if (text[n] == '\0' || n == 0 || n > SOURCE_BYTES_MAX)
		return error_set(e, ERR_USAGE, "SOURCE=RATE is wanted, as crm=100/1m");
	snprintf(r->source, sizeof(r->source), "%.*s", (int)n, text);
	for (size_t i = 0; i < s->nrates; i++)
		if (strcmp(s->rates[i].source, r->source) == 0)
			return error_set(e, ERR_USAGE, "%s has one already", r->source);
	if (rate_read(text + n + 1, &r->budget, e) == -1)
		return -1;
	s->nrates++;
	return 0;
}

const struct rate_budget *
settings_rate(const struct settings *s, const char *source)
{
	const struct rate_budget	*any = NULL;

	for (size_t i = 0; i < s->nrates; i++) {
		if (strcmp(s->rates[i].source, source) == 0)
			return &s->rates[i].budget;
		if (strcmp(s->rates[i].source, "*") == 0)
			any = &s->rates[i].budget;
	}
	return any;
}

static int
limit_take(struct settings *s, const char *text, struct error *e)
{
	return inv_limit_set(&s->limits, text, e);
}

static int
sandbox_take(struct settings *s, const char *text, struct error *e)
{
	const struct sandbox_set	*set = sandbox_set_from_name(text);

	if (set == NULL)
		return error_set(e, ERR_USAGE, "no such set; there are strict and container");
	s->waived |= set->waived;
	return 0;
}

static int
without_take(struct settings *s, const char *text, struct error *e)
{
	enum sandbox_layer	 l = sandbox_layer_from_name(text);

	if (strcmp(text, FRONT) == 0) {
		s->unfiltered = true;
		return 0;
	}
	if (l == LAYER_INVALID || !sandbox_layer_waivable(l))
		return error_set(e, ERR_USAGE, "no such layer, or never to be done without");
	s->waived |= 1u << l;
	return 0;
}

static int
level_take(struct settings *s, const char *text, struct error *e)
{
	static const char *const	 names[] = {
		[SLOG_ERROR] = "error", [SLOG_WARN] = "warn", [SLOG_INFO] = "info", [SLOG_DEBUG] = "debug",
	};

	for (size_t i = 0; i < N_ITEMS(names); i++)
		if (strcmp(text, names[i]) == 0) {
			s->level = (int)i;
			return 0;
		}
	return error_set(e, ERR_USAGE, "error, warn, info or debug is wanted");
}

static int
worker_logs_take(struct settings *s, const char *text, struct error *e)
{
	(void)text;
	(void)e;
	s->worker_logs = true;
	return 0;
}

static int
time_read(const char *text, int64_t *ms, struct error *e)
{
	int64_t	 n;

	if (inv_time_read(text, &n) == -1 || n < 1 || n > DEADLINE_MS_MAX)
		return error_set(e, ERR_USAGE, "a time of " TIME_RANGE " is wanted");
	*ms = n;
	return 0;
}

static int
size_read(const char *text, int64_t *bytes, struct error *e)
{
	int64_t	 n;

	if (inv_size_read(text, &n) == -1 || n < SIZE_BYTES_MIN || n > SIZE_BYTES_MAX)
		return error_set(e, ERR_USAGE, "a size of " SIZE_RANGE " is wanted");
	*bytes = n;
	return 0;
}

static int
row_take(const struct row *r, struct settings *s, const char *text, struct error *e)
{
	char		*at = (char *)s + r->at;
	uint64_t	 n = 0;

	switch (r->kind) {
	case TEXT:
		*(const char **)(void *)at = text;
		return 0;
	case COUNT:
		if (count_read(text, r->least, r->most, &n, e) == -1)
			return -1;
		*(unsigned int *)(void *)at = (unsigned int)n;
		return 0;
	case TIME:
		return time_read(text, (int64_t *)(void *)at, e);
	case BYTES:
		return size_read(text, (int64_t *)(void *)at, e);
	default:
		return r->take(s, text, e);
	}
}

static void
help(void)
{
	printf("Usage: bascule serve [options]\n"
	    "       bascule serve token add NAME --tokens FILE --scope SCOPE[,SCOPE...] [--subject SUBJECT]\n"
	    "       bascule serve token list|remove ...\n"
	    "       bascule serve check [PLACE]\n"
	    "Runs commands of connectors for callers by HTTP, each in a fresh, confined process.\n\n");
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		char	 left[64];

		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].value == NULL ? "" : " ",
		    rows[i].value == NULL ? "" : rows[i].value);
		printf("  %-24s %s\n", left, rows[i].what);
	}
}

static void
defaults(struct settings *s)
{
	*s = (struct settings){
		.socket_mode = 0600, .connections = 10000, .concurrency = 64, .per_source = 16, .queue = 1000,
		.memory_bytes = 256 * MIB, .grace_ms = SECONDS(30), .request_ms = SECONDS(30),
		.idle_ms = SECONDS(75), .level = SLOG_INFO,
		.plan = { .parked_max = 8, .nursery_forks = 10000, .nursery_age_ms = MINUTES(60), .vault = &vault },
	};
}

static int
settings_check(struct settings *s, struct error *e)
{
	if ((s->cert == NULL) != (s->key == NULL))
		return error_set(e, ERR_USAGE, "--tls-cert and --tls-key belong together");
	if (s->client_ca != NULL && s->cert == NULL)
		return error_set(e, ERR_USAGE, "--client-ca needs --tls-cert and --tls-key");
	if (s->plan.parked_min > s->plan.parked_max)
		return error_set(e, ERR_USAGE, "--parked-min: at most --parked-max (%u)", s->plan.parked_max);
	s->limits_given = s->limits;
	return 0;
}

int
settings_read(int argc, char **argv, struct settings *s, struct error *e)
{
	struct option	 options[N_ITEMS(rows) + 1] = { 0 };
	int		 at;

	defaults(s);
	for (size_t i = 0; i < N_ITEMS(rows); i++)
		options[i] = (struct option){ rows[i].name, rows[i].value == NULL ? no_argument : required_argument, NULL,
		    (int)i + 1 };
	opterr = 0;
	while ((at = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (at == '?')
			return error_set(e, ERR_USAGE, "%.64s: no such option, or its value is missing; see bascule serve "
			    "--help", argv[optind - 1]);
		if (strcmp(rows[at - 1].name, "help") == 0) {
			help();
			return 1;
		}
		if (strcmp(rows[at - 1].name, "version") == 0) {
			printf("bascule-serve " BASCULE_VERSION "\n");
			return 1;
		}
		if (row_take(&rows[at - 1], s, optarg, e) == -1)
			return error_in(e, "--%s", rows[at - 1].name);
	}
	if (optind < argc)
		return error_set(e, ERR_USAGE, "%.64s: no arguments but options are wanted", argv[optind]);
	return settings_check(s, e);
}
