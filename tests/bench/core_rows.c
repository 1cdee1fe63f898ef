/*
 * core_rows.c -- what a worker costs, through the core's own calls: a nursery
 * is kept, each sample is a fresh worker of it.
 */
#include <event2/event.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/bench/bench.h"
#include "tests/bench/call.h"

#define IN_FLIGHT	4
#define RATE_CALLS	100	/* of one sample of a rate */

enum kind {
	CONFINED,		/* every wall */
	OPEN,			/* as few as the calls allow: no namespace, Landlock, filter, limit, group */
	KINDS,
	TLS = KINDS,		/* every wall, TLS objects made */
	PARKED,			/* every wall, ready before the clock starts */
	PACED,			/* every wall, one per 10 ms */
	KILL_CONFINED,
	KILL_OPEN,
	INVOCATION,		/* the whole of inv_start() ... inv_free() */
	RATE,			/* of those, IN_FLIGHT at a time */
	WITHOUT,		/* every wall but the layer of this number, WITHOUT + LAYER_X */
	NURSERIES = WITHOUT + LAYER__MAX
};

static struct nursery	*nurseries[NURSERIES];

static bool
open_kind(enum kind k)
{
	return k == OPEN || k == KILL_OPEN;
}

static unsigned int
waived_by(enum kind k)
{
	return k >= WITHOUT ? 1u << (k - WITHOUT) : open_kind(k) ? CALL_EVERY_LAYER : 0;
}

static const char *
program(void)
{
	return bench_path("tests/bench/connector/connector");
}

static int
begin(struct call_run *c, enum kind k, struct error *e)
{
	enum kind	 i = k >= WITHOUT ? k : open_kind(k) ? OPEN : CONFINED;
	unsigned int	 waived = waived_by(k);

	if (nurseries[i] == NULL && (nurseries[i] = call_nursery(program(), waived, e)) == NULL)
		return -1;
	return call_begin(c, nurseries[i], program(), waived, e);
}

void
core_rows_stop(void)
{
	for (int i = 0; i < NURSERIES; i++) {
		nursery_stop(nurseries[i]);
		nurseries[i] = NULL;
	}
	call_close();
}

static int
call(enum kind k, struct sample *s, struct error *e)
{
	struct call_run	 c = CALL_RUN(k == TLS ? BENCH_TLS_REQUEST : BENCH_REQUEST);
	int64_t		 start = 0;
	int		 r;

	c.parked = k == PARKED;
	if (k == PACED)
		bench_pace();
	if ((r = begin(&c, k, e)) == 0) {
		if (k == PARKED)
			bench_pace();
		start = k == PARKED ? now_ns() : c.start_ns;
		r = call_first(&c, e);
		s->first_ns = now_ns() - start;
	}
	if (r == 0)
		r = call_rest(&c, e);
	r = call_end(&c, e);
	s->reaped_ns = now_ns() - start;
	s->faults = c.usage.ru_minflt;
	return r;
}

/* One that is locked and waits in its first read. */
static int
kill_waiting(enum kind k, struct sample *s, struct error *e)
{
	struct call_run	 c = CALL_RUN(NULL);
	int64_t		 start;

	if (begin(&c, k, e) == 0) {
		nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
		start = now_ns();
		syscall(SYS_pidfd_send_signal, c.w->pidfd, SIGKILL, NULL, 0);
		while (waitid(P_PID, (id_t)c.w->pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT) == -1 && errno == EINTR)
			;
		s->first_ns = s->reaped_ns = now_ns() - start;
	}
	s->faults = 0;
	return call_end(&c, e);
}

/* What the sink of an invocation notes. */
struct noted {
	int64_t	 first_ns;
	bool	 done;
};

static void
record_taken(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	(void)f;
	(void)line;
	(void)len;
	((struct noted *)arg)->first_ns = now_ns();
}

static void
log_taken(void *arg, const char *line, size_t len)
{
	(void)arg;
	fprintf(stderr, "worker: %.*s\n", (int)len, line);
}

static bool
ready(void *arg)
{
	(void)arg;
	return true;
}

static void
done(void *arg)
{
	((struct noted *)arg)->done = true;
}

static struct invocation *
invoke(struct connector_ref *ref, struct noted *n, struct error *e)
{
	struct request		 rq = { 0 };
	struct inv_request	 ir = { .ref = ref, .rq = &rq, .sink = { record_taken, log_taken, ready, done, n } };
	struct invocation	*iv;

	*n = (struct noted){ 0 };
	if (request_parse(BENCH_REQUEST, sizeof(BENCH_REQUEST) - 1, &rq, e) == -1)
		return NULL;
	iv = inv_start(&ir, e);
	request_free(&rq);
	return iv;
}

/* Ended well? */
static int
settle(struct invocation *iv, struct error *e)
{
	if (e->code == ERR_NONE)
		*e = *inv_verdict(iv);
	inv_free(iv);
	return e->code == ERR_NONE ? 0 : -1;
}

static int
invocation(struct connector_ref *ref, struct sample *s, struct error *e)
{
	int64_t			 start = now_ns();
	struct noted		 n;
	struct invocation	*iv = invoke(ref, &n, e);

	if (iv == NULL)
		return -1;
	while (!n.done && call_turn(e) == 0)
		;
	if (settle(iv, e) == -1)
		return -1;
	*s = (struct sample){ n.first_ns - start, now_ns() - start, 0 };
	return 0;
}

static int
rate(struct connector_ref *ref, struct sample *s, struct error *e)
{
	struct invocation	*live[IN_FLIGHT] = { NULL };
	struct noted		 notes[IN_FLIGHT];
	int64_t			 start = now_ns();
	int			 started = 0, ended = 0, bad = 0;

	while (ended < RATE_CALLS && bad == 0) {
		for (int i = 0; i < IN_FLIGHT && bad == 0; i++) {
			if (live[i] != NULL && notes[i].done) {
				bad = settle(live[i], e);
				live[i] = NULL;
				ended++;
			}
			if (live[i] == NULL && started < RATE_CALLS && bad == 0) {
				bad = (live[i] = invoke(ref, &notes[i], e)) == NULL ? -1 : 0;
				started++;
			}
		}
		if (bad == 0 && ended < RATE_CALLS)
			bad = call_turn(e);
	}
	for (int i = 0; i < IN_FLIGHT; i++)
		inv_free(live[i]);
	s->first_ns = s->reaped_ns = (int64_t)(RATE_CALLS * 1e9 / (double)(now_ns() - start));
	s->faults = 0;
	return bad;
}

static int
core_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	enum kind		 k = (enum kind)r->kind;
	struct connector_ref	 ref;
	int			 bad = 0;

	if (call_open(e) == -1 || connector_find(program(), &ref, e) == -1)
		return -1;
	for (int i = 0; i < n && bad == 0; i++)
		bad = k == INVOCATION ? invocation(&ref, &s[i], e) : k == RATE ? rate(&ref, &s[i], e) :
		    k == KILL_CONFINED || k == KILL_OPEN ? kill_waiting(k, &s[i], e) : call(k, &s[i], e);
	connector_free(&ref);
	return bad;
}

const struct row core_rows[] = {
	{ "fork", "nursery fork, every layer, verified", .floor = "clone3", .other = "fork-open", .run = core_run,
	    .kind = CONFINED },
	{ "fork-tls", "the same, with TLS objects made", .floor = "clone3", .run = core_run, .kind = TLS },
	{ "fork-paced", "nursery fork, every layer, one per 10 ms", .floor = "clone3-paced", .run = core_run, .kind = PACED },
	{ "fork-open", "the same nursery with no layer that can go", .floor = "clone3", .run = core_run, .kind = OPEN },
	{ "parked", "request to a parked worker, one per 10 ms", .floor = "ring-paced", .other = "pipe", .run = core_run,
	    .kind = PARKED },
	{ "kill-worker", "kill of a confined worker", .floor = "kill", .other = "kill-open", .run = core_run,
	    .kind = KILL_CONFINED },
	{ "kill-open", "kill of that worker without layers", .floor = "kill", .run = core_run, .kind = KILL_OPEN },
	{ "invocation", "inv_start() to inv_free(), nursery kept", .floor = "clone3", .run = core_run, .kind = INVOCATION },
	{ "rate", "invocations, 4 in flight", UNIT_PER_S, .floor = "clone3-rate", .run = core_run, .kind = RATE, .block = 1 },
	{ 0 }
};

#define ROW(layer, name) { "without-" name, "fork with every layer but this one", .floor = "clone3", .other = "fork", \
    .run = core_run, .kind = (int)WITHOUT + (layer) }
/* Those that can be waived and cost a worker something. */
const struct row layer_rows[] = {
	ROW(LAYER_NAMESPACES, "namespaces"),
	ROW(LAYER_LANDLOCK, "landlock"),
	ROW(LAYER_CGROUP, "cgroup"),
	ROW(LAYER_MEMORY, "memory"),
	{ 0 }
};
