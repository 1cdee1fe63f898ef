/*
 * memory_rows.c -- what waits costs in memory: parked workers, and a thousand streams whose readers are slow.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"
#include "tests/bench/call.h"
#include "tests/bench/serve.h"

#define REST_MS		30	/* until a parked worker has done what it does ahead */
#define STREAMS		1000
#define READ_BYTES_S	2000	/* of each reader, a second */
#define SETTLE_MS	5000	/* until every buffer is full */

enum kind { PARKED, PARKED_TLS, STREAMING };

/* "Name:   123 kB" of a file of /proc/PID; -1: there is none. */
static long
kib_of(pid_t pid, const char *file, const char *name)
{
	char	 path[64], line[256];
	size_t	 n = strlen(name);
	long	 kib = -1;
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	if ((f = fopen(path, "r")) == NULL)
		return -1;
	while (kib == -1 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			kib = atol(line + n + 1);
	fclose(f);
	return kib;
}

/* A worker before its first read, or one that has made what TLS needs on a made-up request; private and dirty. */
static int
parked_memory(struct nursery *n, enum kind k, struct sample *s, struct error *e)
{
	struct call_run	 c = CALL_RUN(k == PARKED ? NULL : "{\"type\":\"bench:tls-wait\",\"input\":{\"identity\":\"a\"},\"config\":{}}");
	long		 kib = -1;

	c.parked = true;
	if (call_begin(&c, n, bench_path(BENCH_CONNECTOR), 0, e) == 0) {
		bench_sleep(REST_MS);
		if (k == PARKED || call_first(&c, e) == 0)
			kib = kib_of(c.w->pid, "smaps_rollup", "Private_Dirty");
		*s = (struct sample){ kib, kib, 0 };
		if (c.w->pid > 0)
			kill(c.w->pid, SIGKILL);
	}
	c.request = NULL;		/* it was killed: no verdict is owed */
	if (call_end(&c, e) == -1)
		return -1;
	return kib >= 0 ? 0 : error_set(e, ERR_SYSTEM, "no smaps_rollup of a worker");
}

/* A process's proportional share, and that of all below it. */
static long
family_kib(pid_t pid)
{
	char	 path[64];
	long	 sum = kib_of(pid, "smaps_rollup", "Pss");
	int	 child;
	FILE	*f;

	sum = sum < 0 ? 0 : sum;	/* it has ended meanwhile */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return sum;
	while (fscanf(f, "%d", &child) == 1)
		sum += family_kib(child);
	fclose(f);
	return sum;
}

/* first: all processes; reaped: the launcher at its most. */
static int
streams_hold(struct sample *s, struct error *e)
{
	static struct service	 hold = { .name = "hold" };
	static struct server	 server = { .service.name = "serve-streams", .connectors = { "tests/evil" },
				    .options = { "--concurrency", "1200", "--per-source", "1200" } };
	char			 streams[16], bytes[16];
	int			 r;

	if (server_start(&server, e) == -1)
		return -1;
	snprintf(streams, sizeof(streams), "%d", STREAMS);
	snprintf(bytes, sizeof(bytes), "%d", READ_BYTES_S);

	const char	*argv[] = { bench_path("tests/bench/hold"), server.socket, "slow", streams, bytes, "/v1/connectors/evil/invoke",
			    "{\"type\":\"evil:flood\",\"config\":{}}", NULL };

	if ((r = service_start(&hold, argv, NULL, "held", e)) == 0) {
		bench_sleep(SETTLE_MS);
		*s = (struct sample){ family_kib(server.service.pid), kib_of(server.service.pid, "status", "VmHWM"), 0 };
	}
	service_stop(&hold);
	service_stop(&server.service);
	return r;
}

static int
memory_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	struct nursery	*nursery;
	int		 bad = 0;

	if (r->kind == STREAMING)
		return streams_hold(s, e);
	if (call_open(e) == -1 || (nursery = call_nursery(bench_path(BENCH_CONNECTOR), 0, e)) == NULL)
		return -1;
	for (int i = 0; i < n && bad == 0; i++)
		bad = parked_memory(nursery, (enum kind)r->kind, &s[i], e);
	nursery_stop(nursery);
	return bad;
}

const struct row memory_rows[] = {
	{ "memory", "parked worker: private dirty memory", UNIT_KIB, .run = memory_run, .kind = PARKED, .block = 3 },
	{ "memory-tls", "the same once it has made its TLS objects", UNIT_KIB, .run = memory_run, .kind = PARKED_TLS, .block = 3 },
	{ "streams", "1,000 slow readers: all (first), launcher (reaped)", UNIT_KIB, .run = memory_run, .kind = STREAMING, .block = 1,
	    .rounds = 1 },
	{ 0 }
};
