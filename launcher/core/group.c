/*
 * group.c -- a worker and its control group.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launcher/core/mover.h"
#include "launcher/core/worker.h"
#include "sandbox/sandbox.h"

static LIST_HEAD(, group)	 waiting = LIST_HEAD_INITIALIZER(waiting);
static uint64_t			 serials;
static int64_t			 joined_ms;	/* the last that got in */
static unsigned int		 quick;		/* joins after a pause, in a row, that took no time to speak of */

/* One slow one is enough: until it is seen again and again that there is nothing to wait for, the mover waits. */
static void
haste_note(int64_t took_us)
{
	quick = took_us > GROUP_QUICK_US ? 0 : quick + (quick < GROUP_QUICK_RUN);
}

static bool
is_quick(void)
{
	return now_ms() - joined_ms < GROUP_WARM_MS || quick == GROUP_QUICK_RUN;
}

void
group_forget(void)
{
	quick = 0;
	joined_ms = 0;
}

/* What came of it; half in is worse than out: that ends the worker. */
static void
group_note(struct group *g, uint32_t done, uint32_t of, int err)
{
	if (done > 0)
		cgroup_entered(g->of);
	g->in = done == of && of > 0;
	joined_ms = now_ms();
	if (g->in)
		return;
	(void)snprintf(g->why, sizeof(g->why), "cgroup: put the worker in: %.200s", strerror(err));
	g->broken = done > 0;
	if (!g->broken)
		(void)group_leave(g);
}

/* By ourselves: it takes no time now, or there is no mover and the loop waits for once. */
static void
group_put(struct group *g)
{
	struct error	 e = ERROR_NONE;
	int64_t		 since = now_us(), took;
	int		 r = cgroup_put(g->of, g->pid, &e);

	if ((took = now_us() - since) > GROUP_QUICK_US)
		haste_note(took);
	g->in = r == 0;
	g->broken = r == -1;
	joined_ms = now_ms();
	if (g->in)
		return;
	(void)snprintf(g->why, sizeof(g->why), "%.250s", e.msg);
	if (!g->broken)
		(void)group_leave(g);
}

/* m NULL: the mover died. */
static void
group_answer(struct group *g, const struct moved *m)
{
	void	(*settled)(void *) = g->settled;

	LIST_REMOVE(g, next);
	g->asked = false;
	if (m != NULL) {
		haste_note(m->took_us);
		group_note(g, m->done, m->done + (m->error != 0), m->error);
	} else {
		/* How far it came is not known; done again it is done. */
		cgroup_entered(g->of);
		group_put(g);
	}
	if (settled != NULL)
		settled(g->arg);
}

static void
on_moved(const struct moved *m)
{
	struct group	*g, *after;

	for (g = LIST_FIRST(&waiting); g != NULL; g = after) {
		after = LIST_NEXT(g, next);
		if (m != NULL && g->serial != m->serial)
			continue;
		group_answer(g, m);
		if (m != NULL)
			return;
		/* What was told may have taken others of the list away. */
		after = LIST_FIRST(&waiting);
	}
}

void
group_prepare(unsigned int waived, uint64_t memory_bytes)
{
	struct error	 e = ERROR_NONE;
	int		 fds[BRANCH__MAX];
	uint32_t	 n;

	if ((waived & (1u << LAYER_CGROUP)) != 0 || cgroup_absent() != NULL || mover_runs())
		return;
	(void)cgroup_return(cgroup_take(memory_bytes, &e));
	if (mover_start(on_moved) == -1)
		return;
	n = cgroup_own_doors(fds);
	(void)mover_warm(fds, n);
	while (n > 0)
		(void)close(fds[--n]);
}

void
group_join(struct worker *w, void (*settled)(void *), void *arg)
{
	struct group	*g = &w->group;
	struct error	 e = ERROR_NONE;
	int		 fds[BRANCH__MAX];
	uint32_t	 n;

	if (w->waived & (1u << LAYER_CGROUP))
		return;
	if ((g->of = cgroup_take(w->memory_bytes, &e)) == NULL) {
		(void)snprintf(g->why, sizeof(g->why), "%.250s", e.msg);
		return;
	}
	if (w->guest && cgroup_tasks(g->of, w->tasks) == -1) {
		(void)snprintf(g->why, sizeof(g->why), "cgroup: allow threads: %s", strerror(errno));
		(void)group_leave(g);
		return;
	}
	g->pid = w->pid;
	if (is_quick()) {
		group_put(g);
		return;
	}
	n = cgroup_doors(g->of, fds);
	g->serial = ++serials;
	g->settled = settled;
	g->arg = arg;
	if (mover_start(on_moved) == 0 && mover_ask(g->serial, w->pid, fds, n)) {
		g->asked = true;
		LIST_INSERT_HEAD(&waiting, g, next);
	} else
		group_put(g);
}

void
group_settle(struct group *g)
{
	g->settled = NULL;
	if (g->asked)
		mover_settle();
}

int
group_leave(struct group *g)
{
	struct cgroup	*of = g->of;

	g->of = NULL;
	return cgroup_return(of);
}

bool
group_missing(const struct group *g, unsigned int required, struct error *e)
{
	if (g->in || (required & (1u << LAYER_CGROUP)) == 0)
		return false;
	(void)error_set(e, ERR_SANDBOX, "%s", g->why);
	return true;
}
