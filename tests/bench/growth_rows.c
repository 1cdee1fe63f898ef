/*
 * growth_rows.c -- what an invocation costs while others live, and a record of a short list and of a long one.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"
#include "tests/bench/call.h"
#include "tests/bench/invoked.h"

#define WAIT_REQUEST	"{\"type\":\"bench:wait\",\"input\":{\"identity\":\"john.doe\"},\"config\":{}}"
#define LIVE_MAX	1000
#define AHEAD		8	/* begun at a time */

/* A sample of an invocation: its start to its end, with so many others that have given a record and wait. */
static int
live_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	static struct invoked	 live[LIVE_MAX];
	struct connector_ref	 ref;
	int			 nlive = 0, bad = 0;

	if (invoked_plan(0, e) == -1 || connector_find(bench_path(BENCH_CONNECTOR), &ref, e) == -1)
		return -1;
	for (; nlive < r->kind && bad == 0; nlive++) {
		bad = invoked_begin(&live[nlive], &ref, WAIT_REQUEST, e);
		if (bad == 0 && nlive >= AHEAD)
			bad = invoked_first(&live[nlive - AHEAD], e);
	}
	for (int i = nlive > AHEAD ? nlive - AHEAD : 0; i < nlive && bad == 0; i++)
		bad = invoked_first(&live[i], e);
	for (int i = 0; i < n && bad == 0; i++)
		bad = invoked_once(&ref, BENCH_REQUEST, &s[i], e);
	for (int i = 0; i < nlive; i++)
		if (live[i].iv != NULL && !live[i].done)
			inv_cancel(live[i].iv, ERR_CANCELLED, "the bench needs it no more");
	for (int i = 0; i < nlive; i++)
		invoked_cancel(&live[i]);
	connector_free(&ref);
	return bad;
}

/* Until the verdict of a list of so many. */
static int
list_time(struct connector_ref *ref, int records, int64_t *ns, struct error *e)
{
	char		 request[128];
	struct invoked	 v;

	snprintf(request, sizeof(request), "{\"type\":\"std:account:list\",\"input\":{\"identity\":\"john.doe\",\"records\":%d},"
	    "\"config\":{}}", records);
	if (invoked_begin(&v, ref, request, e) == -1 || invoked_end(&v, e) == -1)
		return -1;
	*ns = v.end_ns;
	return v.records == (uint64_t)records ? 0 :
	    error_set(e, ERR_GENERIC, "%llu records of %d", (unsigned long long)v.records, records);
}

/* Nanoseconds a record: first, without what a list of one takes; reaped, all of its time. */
static int
records_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	struct connector_ref	 ref;
	int64_t			 one, many;
	int			 bad = 0;

	if (invoked_plan(0, e) == -1 || connector_find(bench_path(BENCH_CONNECTOR), &ref, e) == -1)
		return -1;
	for (int i = 0; i < n && bad == 0; i++) {
		bad = list_time(&ref, 1, &one, e) == -1 || list_time(&ref, r->kind, &many, e) == -1 ? -1 : 0;
		if (bad == 0)
			s[i] = (struct sample){ .first_ns = (many - one) / (r->kind - 1), .reaped_ns = many / r->kind };
	}
	connector_free(&ref);
	return bad;
}

#define LIVE(n, text)	{ "live-" #n, "invocation while " text " others live", .floor = "live-1", .other = "clone3", .run = live_run, \
			    .kind = (n), .block = 10 }
#define RECORDS(n, text, few, times)	{ "records-" #n, "a record of " text, UNIT_NS, .floor = "records-1000", .run = records_run, \
			    .kind = (n), .block = (few), .rounds = (times) }
const struct row growth_rows[] = {
	LIVE(1, "1"), LIVE(10, "10"), LIVE(100, "100"), LIVE(1000, "1,000"),
	RECORDS(1000, "a thousand (reaped: with its start)", 10, 0),
	RECORDS(10000, "ten thousand", 5, 0),
	RECORDS(100000, "a hundred thousand", 1, 0),
	RECORDS(1000000, "a million", 1, 3),
	{ 0 }
};
