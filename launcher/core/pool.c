/*
 * pool.c -- nurseries that are kept, and workers parked before their first read.
 *
 * One pool for each connector's files and limits.  Parked workers buy latency,
 * never throughput: few, as many as are asked for in a second, and when there is none a
 * worker is ordered directly.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "launcher/core/far.h"
#include "launcher/core/inv.h"
#include "launcher/core/reserve.h"

#define POOLS_MAX	64u		/* connectors times limits; the one longest unused goes */
#define TICK_MS		1000
#define IDLE_MS		MINUTES(10)	/* a pool that nobody used for so long ends */

TAILQ_HEAD(worker_list, worker);

struct pool {
	TAILQ_ENTRY(pool)	 next;
	struct nursery_plan	 plan;
	struct connector_files	 files;
	struct nursery		*nursery;	/* orders go here; NULL: none */
	struct nursery		*heir;		/* starting, to take its place */
	struct nursery		*old;		/* answers what it was ordered, then ends */
	struct worker_list	 parked;	/* born or not yet */
	struct worker_list	 lent;		/* ready, and with whoever will have a call for it */
	unsigned int		 nparked, nlent;
	uint32_t		 no;
	unsigned int		 taken, demand;	/* in this second; a decaying maximum of it */
	int64_t			 used_ms;
	int64_t			 ticked_ms;	/* the tick that saw it last */
	unsigned int		 busy;		/* on the stack: whoever is told of a lost worker may begin others, not end this */
};

static TAILQ_HEAD(pool_list, pool) pools = TAILQ_HEAD_INITIALIZER(pools);	/* last used first */
static unsigned int	 npools;
static uint32_t		 last_no;
static struct event	 tick;
static bool		 ticking;

static void
discard(struct pool *p, struct worker *w)
{
	TAILQ_REMOVE(&p->parked, w, next);
	p->nparked--;
	worker_free(w);
}

static void
discard_all(struct pool *p)
{
	struct worker	*w;

	while ((w = TAILQ_FIRST(&p->parked)) != NULL)
		discard(p, w);
}

/* Whoever still waits for a worker of it finds it gone, and gets another. */
static void
stop(struct nursery **at)
{
	struct nursery	*n = *at;

	*at = NULL;
	nursery_stop(n);
}

static void
pool_end(struct pool *p)
{
	discard_all(p);
	stop(&p->nursery);
	stop(&p->heir);
	stop(&p->old);
	TAILQ_REMOVE(&pools, p, next);
	npools--;
	free(p);
}

static bool
pool_quiet(const struct pool *p)
{
	return p->busy == 0 && (p->nursery == NULL || nursery_idle(p->nursery)) && p->old == NULL;
}

/* n is no longer the pool's: a worker that is told of its end may have begun another. */
static void
retire(struct pool *p, struct nursery *n)
{
	if (n != NULL && p->old == NULL && !nursery_idle(n))
		p->old = n;
	else
		nursery_stop(n);
}

static void
nursery_news(void *arg)
{
	struct pool		*p = arg;
	struct nursery		**const all[] = { &p->nursery, &p->heir, &p->old };
	struct nursery		*n;

	p->busy++;
	for (size_t i = 0; i < N_ITEMS(all); i++)
		if (*all[i] != NULL && nursery_gone(*all[i]))
			stop(all[i]);
	if (p->old != NULL && nursery_idle(p->old))
		stop(&p->old);
	if (p->heir != NULL && nursery_ready(p->heir)) {
		n = p->nursery;
		p->nursery = p->heir;
		p->heir = NULL;
		retire(p, n);
	}
	p->busy--;
}

/* Replaced in time: its heir starts beside it, and nobody waits. */
static void
nursery_renew(struct pool *p, int64_t now)
{
	const struct core_plan	*c = core_plan();
	struct error		 e = ERROR_NONE;

	if (p->nursery == NULL || p->heir != NULL || !nursery_ready(p->nursery))
		return;
	if ((c->nursery_forks == 0 || nursery_forks(p->nursery) < c->nursery_forks) &&
	    (c->nursery_age_ms == 0 || now - nursery_start_ms(p->nursery) < c->nursery_age_ms))
		return;
	p->heir = nursery_start(&p->plan, nursery_news, p, &e);	/* if not, the old one goes on */
}

static unsigned int
parked_wanted(const struct pool *p)
{
	const struct core_plan	*c = core_plan();

	return p->demand < c->parked_min ? c->parked_min : p->demand > c->parked_max ? c->parked_max : p->demand;
}

/* A parked worker moved although nobody spoke to it: locked at last, or dead. */
static void
parked_news(void *arg)
{
	struct worker	*w;
	struct pool	*p;
	struct error	 e = ERROR_NONE;

	TAILQ_FOREACH(p, &pools, next)
		TAILQ_FOREACH(w, &p->parked, next)
			if (w == arg)
				goto found;
	return;
found:
	if (w->state == WORKER_ORDERED || (w->state == WORKER_LOCKING && worker_turn(w, &e) <= RELAY_LOCKED))
		return;
	discard(p, w);
}

static void
pool_fill(struct pool *p)
{
	struct error	 e = ERROR_NONE;
	struct worker	*w;

	while (p->nursery != NULL && p->nparked + p->nlent < parked_wanted(p)) {
		if ((w = worker_order(p->nursery, &p->plan, true, parked_news, NULL, &e)) == NULL)
			return;
		worker_adopt(w, parked_news, w);
		TAILQ_INSERT_TAIL(&p->parked, w, next);
		p->nparked++;
	}
}

static void
pool_look(struct pool *p, int64_t now)
{
	struct worker	*w;

	p->busy++;
	p->ticked_ms = now;
	p->demand = p->taken > p->demand ? p->taken : p->demand - (p->demand - p->taken + 3) / 4;
	p->taken = 0;
	while (p->nparked > 0 && p->nparked + p->nlent > parked_wanted(p))
		discard(p, TAILQ_FIRST(&p->parked));
	if (p->nursery != NULL && nursery_hides(p->nursery)) {
		discard_all(p);
		TAILQ_FOREACH(w, &p->lent, next)
			worker_signal(w, SIGKILL);
		stop(&p->nursery);
	}
	nursery_renew(p, now);
	nursery_news(p);
	pool_fill(p);
	p->busy--;
	if (now - p->used_ms > IDLE_MS && pool_quiet(p))
		pool_end(p);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct timeval	 tv = { TICK_MS / 1000, 0 };
	int64_t		 now = now_ms();
	struct pool	*p;

	(void)fd;
	(void)what;
	(void)arg;
	/* From the start again after each: pools come, go and change places meanwhile. */
	do {
		TAILQ_FOREACH(p, &pools, next)
			if (p->ticked_ms != now)
				break;
		if (p != NULL)
			pool_look(p, now);
	} while (p != NULL);
	event_add(&tick, &tv);
}

static void
tick_start(void)
{
	struct timeval	 tv = { TICK_MS / 1000, 0 };

	if (ticking)
		return;
	evtimer_assign(&tick, core_base(), on_tick, NULL);
	event_add(&tick, &tv);
	ticking = true;
}

bool
plan_same(const struct nursery_plan *a, const struct nursery_plan *b)
{
	return a->waived == b->waived && a->memory_bytes == b->memory_bytes && a->cpu_s == b->cpu_s &&
	    strcmp(a->program, b->program) == 0 && strcmp(a->guest, b->guest) == 0 && strcmp(a->described, b->described) == 0 &&
	    a->words.bytes == b->words.bytes && memcmp(a->words.text, b->words.text, b->words.bytes) == 0;
}

static struct pool *
pool_find(const struct nursery_plan *plan)
{
	struct pool	*p;

	TAILQ_FOREACH(p, &pools, next)
		if (plan_same(&p->plan, plan))
			return p;
	return NULL;
}

static struct pool *
pool_new(const struct nursery_plan *plan, struct error *e)
{
	struct pool	*p, *last;

	/* Ordered by use: the last one that nobody waits for goes. */
	for (p = TAILQ_LAST(&pools, pool_list); npools >= POOLS_MAX && p != NULL; p = last) {
		last = TAILQ_PREV(p, pool_list, next);
		if (pool_quiet(p))
			pool_end(p);
	}
	if ((p = calloc(1, sizeof(*p))) == NULL) {
		error_set(e, ERR_SYSTEM, "no memory");
		return NULL;
	}
	p->plan = *plan;
	p->ticked_ms = now_ms();
	p->no = ++last_no;
	TAILQ_INIT(&p->parked);
	TAILQ_INIT(&p->lent);
	TAILQ_INSERT_HEAD(&pools, p, next);
	npools++;
	return p;
}

/* What was made from files that have changed since is not used any more. */
static void
pool_refresh(struct pool *p)
{
	struct nursery	*n = p->nursery;
	struct connector_files	 files;

	files_look(&p->plan, &files);
	if (file_same(&files.program, &p->files.program) && file_same(&files.spec, &p->files.spec) &&
	    file_same(&files.description, &p->files.description))
		return;
	p->files = files;
	discard_all(p);
	p->nursery = NULL;
	retire(p, n);
	stop(&p->heir);
}

/* One that died since the loop last turned is not given out. */
static bool
is_dead(const struct worker *w)
{
	struct pollfd	 p = { .fd = w->pidfd, .events = POLLIN };

	return w->state == WORKER_LOST || poll(&p, 1, 0) == 1;
}

/* One that is ready before one that is still being born. */
static struct worker *
parked_take(struct pool *p)
{
	struct worker	*w, *following, *best = NULL;

	for (w = TAILQ_FIRST(&p->parked); w != NULL; w = following) {
		following = TAILQ_NEXT(w, next);
		if (is_dead(w))
			discard(p, w);
		else if (best == NULL || (w->state == WORKER_READY && best->state != WORKER_READY))
			best = w;
		if (best != NULL && best->state == WORKER_READY)
			break;
	}
	if (best == NULL)
		return NULL;
	TAILQ_REMOVE(&p->parked, best, next);
	p->nparked--;
	return best;
}

/* What was judged by a specification is not run by another. */
static int
spec_check(const struct pool *p, const struct file_id *read, struct error *e)
{
	if (read->ino == 0 || file_same(&p->files.spec, read))
		return 0;
	return error_set(e, ERR_SYSTEM, "the connector's files changed while this was begun: ask again");
}

static struct worker *
take(struct pool *p, const struct file_id *spec, void (*news)(void *), void *arg, struct error *e)
{
	struct worker	*w;

	pool_refresh(p);
	if (spec_check(p, spec, e) == -1)
		return NULL;
	if ((w = parked_take(p)) != NULL) {
		worker_adopt(w, news, arg);
		return w;
	}
	if (p->nursery != NULL && nursery_gone(p->nursery))
		stop(&p->nursery);
	if (p->nursery == NULL && (p->nursery = nursery_start(&p->plan, nursery_news, p, e)) == NULL)
		return NULL;
	return worker_order(p->nursery, &p->plan, false, news, arg, e);
}

struct worker *
pool_take(const struct nursery_plan *plan, void (*news)(void *), void *arg, struct error *e)
{
	struct pool	*p;
	struct worker	*w;

	if (core_plan()->supervisor > 0)
		return (w = reserve_take(plan, news, arg)) != NULL ? w : far_take(plan, false, news, arg, e);
	p = pool_find(plan);
	if (p == NULL && (p = pool_new(plan, e)) == NULL)
		return NULL;
	TAILQ_REMOVE(&pools, p, next);
	TAILQ_INSERT_HEAD(&pools, p, next);
	p->taken++;
	p->used_ms = now_ms();
	tick_start();
	p->busy++;
	w = take(p, &plan->spec, news, arg, e);
	p->busy--;
	return w;
}

struct worker *
pool_lend(const struct nursery_plan *plan, void (*news)(void *), void *arg, struct error *e)
{
	struct pool	*p = pool_find(plan);
	struct worker	*w = NULL;

	if (p == NULL)
		return NULL;
	p->busy++;
	pool_refresh(p);
	if (spec_check(p, &plan->spec, e) == 0 && (w = TAILQ_FIRST(&p->parked)) != NULL && w->state == WORKER_READY &&
	    (w = parked_take(p)) != NULL) {
		worker_adopt(w, news, arg);
		w->lent = p->no;
		TAILQ_INSERT_TAIL(&p->lent, w, next);
		p->nlent++;
		TAILQ_REMOVE(&pools, p, next);
		TAILQ_INSERT_HEAD(&pools, p, next);
	} else
		w = NULL;
	p->busy--;
	return w;
}

void
pool_lent_end(struct worker *w, bool used)
{
	struct pool	*p;

	TAILQ_FOREACH(p, &pools, next)
		if (w->lent != 0 && p->no == w->lent)
			break;
	w->lent = 0;
	if (p == NULL)
		return;
	TAILQ_REMOVE(&p->lent, w, next);
	p->nlent--;
	if (!used)
		return;
	p->taken++;
	p->used_ms = now_ms();
	tick_start();
}

struct core_counts
core_count(void)
{
	struct core_counts	 n = { 0 };
	const struct pool	*p;

	TAILQ_FOREACH(p, &pools, next) {
		n.nurseries += (p->nursery != NULL) + (p->heir != NULL) + (p->old != NULL);
		n.parked += p->nparked + p->nlent;
	}
	if (core_plan()->supervisor > 0)
		far_count(&n);
	egress_count(&n);
	keep_count(&n);
	return n;
}

bool
pool_knows(const struct nursery_plan *plan)
{
	return pool_find(plan) != NULL;
}

void
pool_close(void)
{
	struct pool	*p;

	if (ticking)
		event_del(&tick);
	ticking = false;
	TAILQ_FOREACH(p, &pools, next) {
		nursery_kill(p->nursery);
		nursery_kill(p->heir);
		nursery_kill(p->old);
	}
	while ((p = TAILQ_FIRST(&pools)) != NULL)
		pool_end(p);
}
