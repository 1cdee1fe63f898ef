/*
 * call.c -- one worker, as invocation.c leads it, without its clocks.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/bench/bench.h"
#include "tests/bench/call.h"

#define WAIT_S		10

static struct event_base	*base;
static struct event		*late;
static bool			 too_late;

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	too_late = true;
}

int
call_open(struct error *e)
{
	static const struct core_plan	 plan = { 0 };

	if (base != NULL)
		return 0;
	if ((base = event_base_new()) == NULL || (late = evtimer_new(base, on_late, NULL)) == NULL)
		return error_set(e, ERR_SYSTEM, "no event loop");
	core_open(base, &plan);
	return 0;
}

void
call_close(void)
{
	if (base == NULL)
		return;
	core_close();
	event_free(late);
	event_base_free(base);
	base = NULL;
}

int
call_turn(struct error *e)
{
	struct timeval	 tv = { WAIT_S, 0 };

	too_late = false;
	event_add(late, &tv);
	if (event_base_loop(base, EVLOOP_ONCE) == -1 || too_late)
		return error_set(e, ERR_TIMEOUT, "nothing happened for %d s", WAIT_S);
	return 0;
}

static void
no_news(void *arg)
{
	(void)arg;
}

static void
record_taken(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	struct call_run	*c = arg;

	if (c->record != NULL)
		c->record(c->arg, f, line, len);
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

static struct nursery_plan
plan_of(const char *program, unsigned int waived)
{
	struct nursery_plan	 p = { .waived = waived, .memory_bytes = WORKER_MEMORY_BYTES, .cpu_s = WORKER_CPU_S };

	snprintf(p.program, sizeof(p.program), "%s", program);
	return p;
}

struct nursery *
call_nursery(const char *program, unsigned int waived, struct error *e)
{
	const struct nursery_plan plan = plan_of(program, waived);
	struct nursery		*n = nursery_start(&plan, no_news, NULL, e);

	while (n != NULL && !nursery_ready(n))
		if (call_turn(e) == -1 || nursery_gone(n)) {
			if (e->code == ERR_NONE)
				error_set(e, ERR_SANDBOX, "the nursery did not start");
			nursery_stop(n);
			return NULL;
		}
	return n;
}

int
call_begin(struct call_run *c, struct nursery *n, const char *program, unsigned int waived, struct error *e)
{
	const struct nursery_plan plan = plan_of(program, waived);
	enum relay_news		 news;

	c->start_ns = now_ns();
	if ((c->w = worker_order(n, &plan, c->parked, no_news, NULL, e)) == NULL)
		return -1;
	while (c->w->state != WORKER_READY) {
		if (call_turn(e) == -1)
			return -1;
		if (c->w->state == WORKER_LOST) {
			*e = c->w->lost;
			return -1;
		}
		if (c->w->state == WORKER_LOCKING && (news = worker_turn(c->w, e)) != RELAY_QUIET && news != RELAY_LOCKED)
			return e->code != ERR_NONE ? -1 : error_set(e, ERR_SANDBOX, "the worker ended before it was locked");
	}
	return 0;
}

/* Moves on until the first record, or the end. */
static int
results_until(struct call_run *c, bool end, struct error *e)
{
	for (;;) {
		switch (relay_results(c->w->relay, e)) {
		case RELAY_MOVED:
			if (!end)
				return 0;
			break;
		case RELAY_ENDED:
			return 0;
		case RELAY_BROKEN:
			return -1;
		default:
			if (call_turn(e) == -1)
				return -1;
		}
	}
}

int
call_first(struct call_run *c, struct error *e)
{
	const struct inv_sink	 sink = { .record = record_taken, .log = log_taken, .ready = ready, .arg = c };
	size_t			 n = strlen(c->request);

	relay_begin(c->w->relay, CMD_CUSTOM, &sink, 0);
	if (write(c->w->request_fd, c->request, n) != (ssize_t)n)
		return error_sys(e, "request");
	fd_closep(&c->w->request_fd);
	return results_until(c, false, e);
}

int
call_rest(struct call_run *c, struct error *e)
{
	int	 r = results_until(c, true, e);

	ends_prepare();		/* while it exits, as invocation.c does */
	return r;
}

int
call_end(struct call_run *c, struct error *e)
{
	struct error	 verdict = ERROR_NONE;
	bool		 spoke = c->w != NULL && relay_verdict(c->w->relay, &verdict);

	if (c->w != NULL)
		group_settle(&c->w->group);
	if (c->w != NULL && c->w->pid > 0) {
		if (e->code != ERR_NONE)
			syscall(SYS_pidfd_send_signal, c->w->pidfd, SIGKILL, NULL, 0);
		while (wait4(c->w->pid, NULL, 0, &c->usage) == -1 && errno == EINTR)
			;
		c->w->pid = 0;
	}
	if (c->w != NULL && group_leave(&c->w->group) == -1)
		error_set(e, ERR_SANDBOX, "its control group is not empty");
	worker_free(c->w);
	if (c->request == NULL || e->code != ERR_NONE || (spoke && verdict.code == ERR_NONE))
		return e->code == ERR_NONE ? 0 : -1;
	return error_set(e, ERR_GENERIC, "the worker failed: %s", verdict.msg);
}
