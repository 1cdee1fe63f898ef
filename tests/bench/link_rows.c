/*
 * link_rows.c -- the release build, where a connector is one file, beside one whose libraries are the system's
 * (make SHARED=1): a nursery's start, and a worker of it.
 */
#include "tests/bench/bench.h"
#include "tests/bench/call.h"
#include "worker/contract/util.h"

#define SHARED_CONNECTOR	"shared/" BENCH_CONNECTOR

enum kind { START, START_SHARED, FORK_SHARED };

/* From its exec until it takes orders. */
static int
start(const char *program, struct sample *s, struct error *e)
{
	int64_t		 from = now_ns();
	struct nursery	*n = call_nursery(program, 0, e);

	if (n == NULL)
		return -1;
	s->first_ns = now_ns() - from;
	nursery_stop(n);
	s->reaped_ns = now_ns() - from;
	s->faults = 0;
	return 0;
}

static int
forked(struct nursery *n, const char *program, struct sample *s, struct error *e)
{
	struct call_run	 c = CALL_RUN(BENCH_REQUEST);
	int		 r;

	if ((r = call_begin(&c, n, program, 0, e)) == 0 && (r = call_first(&c, e)) == 0) {
		s->first_ns = now_ns() - c.start_ns;
		r = call_rest(&c, e);
	}
	r = call_end(&c, e) == -1 ? -1 : r;
	s->reaped_ns = now_ns() - c.start_ns;
	s->faults = c.usage.ru_minflt;
	return r;
}

static int
link_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	const char	*program = bench_path(r->kind == START ? BENCH_CONNECTOR : SHARED_CONNECTOR);
	struct nursery	*nursery;
	int		 bad = 0;

	if (access(program, X_OK) == -1)
		return error_set(e, ERR_SYSTEM, "not built: make bench builds it");
	if (call_open(e) == -1)
		return -1;
	for (int i = 0; i < n && bad == 0 && r->kind != FORK_SHARED; i++)
		bad = start(program, &s[i], e);
	if (r->kind != FORK_SHARED)
		return bad;
	if ((nursery = call_nursery(program, 0, e)) == NULL)
		return -1;
	for (int i = 0; i < n && bad == 0; i++)
		bad = forked(nursery, program, &s[i], e);
	nursery_stop(nursery);
	return bad;
}

const struct row link_rows[] = {
	{ "start", "nursery start until it forks, release build", .floor = "clone3", .run = link_run, .kind = START, .block = 5 },
	{ "start-shared", "the same with the system's libraries (SHARED=1)", .floor = "start", .run = link_run, .kind = START_SHARED,
	    .block = 5 },
	{ "fork-shared", "nursery fork with the system's libraries", .floor = "clone3", .other = "fork", .run = link_run,
	    .kind = FORK_SHARED },
	{ 0 }
};
