/*
 * reserve.c -- workers handed over before there is a call for them.
 *
 * What the supervisor looks at when it hands one over, the connector's files, holds until the bell rings (files.h): it is
 * looked at once more when the worker is given out, and where nothing rings for its files there is none.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/core/far.h"
#include "launcher/core/files.h"
#include "launcher/core/inv.h"
#include "launcher/core/reserve.h"

#define IDLE_MS		SECONDS(10)	/* then it goes */
#define NONE_MS		100		/* not asked for again so soon after there was none */

struct reserve {
	LIST_ENTRY(reserve)	 next;
	struct worker		*w;
	struct event		 idle;
	struct nursery_plan	 plan;
};

static LIST_HEAD(, reserve)	 all = LIST_HEAD_INITIALIZER(all);
static unsigned int		 nreserves;
static int64_t			 none_ms;	/* until then */

static struct worker *
reserve_end(struct reserve *r)
{
	struct worker	*w = r->w;

	LIST_REMOVE(r, next);
	nreserves--;
	event_del(&r->idle);
	free(r);
	return w;
}

void
reserve_forget(void)
{
	while (!LIST_EMPTY(&all))
		worker_free(reserve_end(LIST_FIRST(&all)));
}

static struct reserve *
find(const struct nursery_plan *plan)
{
	struct reserve	*r;

	LIST_FOREACH(r, &all, next)
		if (plan_same(&r->plan, plan))
			return r;
	return NULL;
}

/* It is handed over, or there is none, or it has died. */
static void
on_news(void *arg)
{
	struct reserve	*r = arg;

	if (r->w->state == WORKER_LOST)
		none_ms = now_ms() + NONE_MS;
	if (r->w->state != WORKER_READY || !worker_alive(r->w))
		worker_free(reserve_end(r));
}

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	worker_free(reserve_end(arg));
}

/* Nothing has rung, and it has not ended; nobody may have been told of either yet. */
static bool
is_good(const struct worker *w)
{
	struct pollfd	 p[] = { { .fd = files_bell(), .events = POLLIN }, { .fd = relay_result_fd(w->relay), .events = POLLIN } };

	if (p[0].fd == -1 || poll(p, N_ITEMS(p), 0) == 0)
		return p[0].fd != -1;
	if (p[0].revents != 0)
		files_bell_heard();
	return false;
}

/* Does the bell that hangs now ring for its files?  A call may outlast the one that it began under. */
static bool
is_watched(const struct nursery_plan *plan)
{
	return plan->watched != 0 && plan->watched == files_bell_no();
}

struct worker *
reserve_take(const struct nursery_plan *plan, void (*news)(void *), void *arg)
{
	struct reserve	*r = is_watched(plan) ? find(plan) : NULL;
	struct worker	*w;

	if (r == NULL || r->w->state != WORKER_READY)
		return NULL;
	w = reserve_end(r);
	if (!is_good(w)) {
		worker_free(w);
		return NULL;
	}
	worker_adopt(w, news, arg);
	return w;
}

void
reserve_want(const struct nursery_plan *plan)
{
	struct timeval	 tv = { IDLE_MS / 1000, 0 };
	struct error	 ignored = ERROR_NONE;
	struct reserve	*r;

	if (!is_watched(plan) || core_plan()->parked_max == 0 || core_plan()->supervisor <= 0 || nreserves == RESERVES_MAX ||
	    find(plan) != NULL || now_ms() < none_ms || (r = malloc(sizeof(*r))) == NULL)
		return;
	r->plan = *plan;
	if ((r->w = far_take(&r->plan, true, on_news, r, &ignored)) == NULL) {
		free(r);
		return;
	}
	evtimer_assign(&r->idle, core_base(), on_idle, r);
	event_add(&r->idle, &tv);
	LIST_INSERT_HEAD(&all, r, next);
	nreserves++;
}
