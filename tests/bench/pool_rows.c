/*
 * pool_rows.c -- whole invocations by a parked worker; and no cliff: one that finds the pool just emptied, beside one of a
 * core that keeps none.
 */
#include "tests/bench/bench.h"
#include "tests/bench/call.h"
#include "tests/bench/invoked.h"

#define PARKED	8	/* as bascule serve keeps at most, by default */

enum kind { NONE, EMPTY, FULL };

/*
 * One invocation; true if it was no parked worker's, and none was parked meanwhile.  Other connectors' parked ones
 * are in the count too, and do not move.
 */
static bool
unparked(struct connector_ref *ref, struct sample *s, int *bad, struct error *e)
{
	unsigned int	 before = core_count().parked;

	*bad = invoked_once(ref, BENCH_REQUEST, s, e);
	return *bad == 0 && core_count().parked == before;
}

/* All that are parked are used up; the pool looks after itself once a second, and what follows within that finds none. */
static int
sample_some(struct connector_ref *ref, enum kind k, struct sample *s, int n, struct error *e)
{
	struct sample	 spent;
	int		 i = 0, bad = 0;

	if (invoked_plan(k == EMPTY ? PARKED : 0, e) == -1 || invoked_once(ref, BENCH_REQUEST, &spent, e) == -1 ||
	    (k == EMPTY && invoked_fill(e) == -1))
		return -1;
	for (int tries = 0; tries < 2 * PARKED && !unparked(ref, &spent, &bad, e) && bad == 0; tries++)
		;
	while (i < n && bad == 0 && unparked(ref, &s[i], &bad, e))
		i++;
	return bad == 0 ? i : -1;
}

/* An invocation that must be a parked worker's. */
static int
parked_once(struct connector_ref *ref, struct sample *s, struct error *e)
{
	unsigned int	 before = core_count().parked;
	struct invoked	 v;

	if (invoked_begin(&v, ref, BENCH_REQUEST, e) == -1)
		return -1;
	if (core_count().parked + 1 != before)
		(void)error_set(e, ERR_SYSTEM, "it got no parked worker");
	if (invoked_end(&v, e) == -1)
		return -1;
	*s = (struct sample){ .first_ns = v.first_ns, .reaped_ns = now_ns() - v.start_ns };
	return 0;
}

/* As many as there are, one per 10 ms. */
static int
sample_parked(struct connector_ref *ref, struct sample *s, int n, struct error *e)
{
	int	 i = 0;

	if (invoked_plan(PARKED, e) == -1 || invoked_once(ref, BENCH_REQUEST, s, e) == -1 || invoked_fill(e) == -1)
		return -1;
	for (; i < n && i < PARKED; i++) {
		bench_pace();
		if (parked_once(ref, &s[i], e) == -1)
			return -1;
	}
	return i;
}

static int
pool_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	struct connector_ref	 ref;
	int			 k, done = 0, bad;

	if (call_open(e) == -1 || connector_find(bench_path(BENCH_CONNECTOR), &ref, e) == -1)
		return -1;
	while (done < n && (k = r->kind == FULL ? sample_parked(&ref, s + done, n - done, e) :
	    sample_some(&ref, (enum kind)r->kind, s + done, n - done, e)) != -1)
		done += k;
	bad = done < n || invoked_plan(0, e) == -1 ? -1 : 0;
	connector_free(&ref);
	return bad;
}

const struct row pool_rows[] = {
	{ "pool-parked", "invocation, parked worker, one per 10 ms", .floor = "pipe-paced", .other = "parked", .run = pool_run,
	    .kind = FULL, .block = PARKED },
	{ "pool-none", "invocation, no worker is ever parked", .floor = "clone3", .run = pool_run, .kind = NONE },
	{ "pool-empty", "invocation that finds the pool just emptied", .floor = "pool-none", .other = "clone3", .run = pool_run,
	    .kind = EMPTY },
	{ 0 }
};
