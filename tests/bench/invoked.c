/*
 * invoked.c -- invocations in this process's loop, by themselves or many at a time.
 */
#include <event2/event.h>
#include <string.h>

#include "tests/bench/call.h"
#include "tests/bench/invoked.h"

#define FILL_MS		15000	/* for none to be left */
#define TICK_MS		1000	/* the pool looks after itself once in so long */
#define REST_MS		200	/* for those that it orders then to be born, and to do what they do ahead */

static void
record_taken(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	struct invoked	*v = arg;

	(void)f;
	(void)line;
	(void)len;
	v->last_ns = now_ns() - v->start_ns;
	if (v->records++ == 0)
		v->first_ns = v->last_ns;
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
	struct invoked	*v = arg;

	v->end_ns = now_ns() - v->start_ns;
	v->done = true;
}

static int
turn_for(int64_t ms, struct error *e)
{
	for (int64_t end = now_ms() + ms; now_ms() < end; bench_sleep(1))
		if (event_base_loop(core_base(), EVLOOP_NONBLOCK) == -1)
			return error_set(e, ERR_SYSTEM, "the loop");
	return 0;
}

int
invoked_plan(unsigned int parked, struct error *e)
{
	const struct core_plan	 plan = { .parked_min = parked, .parked_max = parked };
	int64_t			 end = now_ms() + FILL_MS;

	if (call_open(e) == -1)
		return -1;
	core_open(core_base(), &plan);
	while (parked == 0 && core_count().parked > 0)
		if (now_ms() > end)
			return error_set(e, ERR_TIMEOUT, "%u workers are still parked", core_count().parked);
		else if (call_turn(e) == -1)
			return -1;
	return 0;
}

int
invoked_fill(struct error *e)
{
	return turn_for(TICK_MS + REST_MS, e);
}

int
invoked_begin(struct invoked *v, struct connector_ref *ref, const char *request, struct error *e)
{
	static const char *const local[] = { "127.0.0.1", "localhost", NULL };
	struct request		 rq = { 0 };
	struct inv_request	 ir = { .ref = ref, .rq = &rq, .sink = { record_taken, log_taken, ready, done, v },
					.allow_private = local };

	*v = (struct invoked){ .start_ns = now_ns() };
	if (request_parse(request, strlen(request), &rq, e) == -1)
		return -1;
	v->iv = inv_start(&ir, e);
	request_free(&rq);
	return v->iv == NULL ? -1 : 0;
}

int
invoked_first(struct invoked *v, struct error *e)
{
	while (v->records == 0 && !v->done)
		if (call_turn(e) == -1)
			return -1;
	return v->records > 0 ? 0 : error_set(e, ERR_GENERIC, "no record: %s", inv_verdict(v->iv)->msg);
}

int
invoked_end(struct invoked *v, struct error *e)
{
	while (!v->done && e->code == ERR_NONE && call_turn(e) == 0)
		;
	if (v->done && e->code == ERR_NONE)
		*e = *inv_verdict(v->iv);
	inv_free(v->iv);
	v->iv = NULL;
	return e->code == ERR_NONE ? 0 : -1;
}

void
invoked_cancel(struct invoked *v)
{
	struct error	 e = ERROR_NONE;

	if (v->iv == NULL)
		return;
	if (!v->done)
		inv_cancel(v->iv, ERR_CANCELLED, "the bench needs it no more");
	while (!v->done && call_turn(&e) == 0)
		;
	inv_free(v->iv);
	v->iv = NULL;
}

int
invoked_once(struct connector_ref *ref, const char *request, struct sample *s, struct error *e)
{
	struct invoked	 v;

	if (invoked_begin(&v, ref, request, e) == -1 || invoked_end(&v, e) == -1)
		return -1;
	*s = (struct sample){ .first_ns = v.first_ns, .reaped_ns = now_ns() - v.start_ns };
	return 0;
}
