/*
 * govern.c -- budgets of sources: a sliding window of permits, a line, a hold.
 */
#include <stdlib.h>
#include <string.h>

#include "launcher/broker/govern.h"
#include "worker/contract/util.h"

#define RING_START	16	/* places */
#define CLOCKS_MS	2	/* a worker's clock turns over at another moment than ours */

struct govern_source {
	LIST_ENTRY(govern_source) all;
	uint8_t			 key[WIRE_SOURCE_BYTES];
	struct rate_budget	 budget;
	uint32_t		 users;		/* legs */
	uint32_t		 held;		/* requests under way, but those inside others */
	int64_t			 hold_ms;	/* nobody asks it before */
	int64_t			 used_ms;	/* last */
	/* When the permits of the window were given: a ring, oldest first. */
	int64_t			*given;
	uint32_t		 cap, ngiven, first;
	TAILQ_HEAD(line, governed) line;
};

static LIST_HEAD(, govern_source)	 all = LIST_HEAD_INITIALIZER(all);
static unsigned int			 nall;

static void
source_free(struct govern_source *s)
{
	LIST_REMOVE(s, all);
	nall--;
	free(s->given);
	free(s);
}

/* Room for one more: the one that nobody has used for longest goes.  False: all are in use. */
static bool
room_make(void)
{
	struct govern_source	*s, *stale = NULL;

	if (nall < GOVERN_SOURCES_MAX)
		return true;
	LIST_FOREACH(s, &all, all)
		if (s->users == 0 && (stale == NULL || s->used_ms < stale->used_ms))
			stale = s;
	if (stale == NULL)
		return false;
	source_free(stale);
	return true;
}

static struct govern_source *
source_get(const uint8_t key[WIRE_SOURCE_BYTES])
{
	struct govern_source	*s;

	LIST_FOREACH(s, &all, all)
		if (memcmp(s->key, key, WIRE_SOURCE_BYTES) == 0)
			return s;
	if (!room_make() || (s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	memcpy(s->key, key, WIRE_SOURCE_BYTES);
	TAILQ_INIT(&s->line);
	LIST_INSERT_HEAD(&all, s, all);
	nall++;
	return s;
}

static int64_t
given_at(const struct govern_source *s, uint32_t i)
{
	return s->given[(s->first + i) % s->cap];
}

static void
given_drop(struct govern_source *s)
{
	s->first = (s->first + 1) % s->cap;
	s->ngiven--;
}

/* The ring grows with use, to the budget and no further.  -1: no memory. */
static int
given_room(struct govern_source *s)
{
	uint32_t	 cap = s->cap == 0 ? RING_START : s->cap * 2;
	int64_t		*ring;

	if (s->ngiven < s->cap)
		return 0;
	if ((ring = calloc(cap, sizeof(*ring))) == NULL)
		return -1;
	for (uint32_t i = 0; i < s->ngiven; i++)
		ring[i] = given_at(s, i);
	free(s->given);
	s->given = ring;
	s->cap = cap;
	s->first = 0;
	return 0;
}

/* Of a source that there is no room for it hears nothing: better than no way out. */
static int
open_join(struct governed *g, const struct wire_rate *r, int64_t now)
{
	struct govern_source	*s;

	if (r->shared == 0)
		return 0;
	g->open = true;
	if ((s = source_get(r->source)) == NULL)
		return 0;
	s->users++;
	s->used_ms = now;
	g->source = s;
	return 0;
}

int
govern_join(struct governed *g, const struct wire_rate *r, int64_t now)
{
	struct govern_source	*s;
	struct rate_budget	 b = r->budget;

	if (b.requests == 0 && b.concurrency == 0)
		return open_join(g, r, now);
	if (b.requests == 0)
		b = (struct rate_budget){ RATE_REQUESTS_MAX, SECONDS(1), b.concurrency };
	if ((s = source_get(r->source)) == NULL)
		return -1;
	/* The last word counts; of what was given the newest is kept as far as it fits. */
	s->budget = b;
	while (s->ngiven > b.requests)
		given_drop(s);
	s->users++;
	s->used_ms = now;
	g->source = s;
	g->bounded = true;
	return 0;
}

static void
line_leave(struct governed *g, int64_t now)
{
	if (!g->waiting)
		return;
	if (!g->open)
		TAILQ_REMOVE(&g->source->line, g, line);
	g->waiting = false;
	g->wait_ms += (uint64_t)(now - g->asked_ms);
}

void
govern_leave(struct governed *g, int64_t now)
{
	struct govern_source	*s = g->source;

	if (s == NULL)
		return;
	line_leave(g, now);
	if (!g->open)
		s->held -= g->held - g->held_inner;
	g->held = g->held_inner = 0;
	g->source = NULL;
	s->used_ms = now;
	/* Where nothing is to be remembered of it, it makes room. */
	if (--s->users == 0 && s->cap == 0 && s->hold_ms <= now)
		source_free(s);
}

/* Those that have not come back do not hold up the others. */
static void
line_sweep(struct govern_source *s, int64_t now)
{
	struct governed	*g, *next;

	for (g = TAILQ_FIRST(&s->line); g != NULL; g = next) {
		next = TAILQ_NEXT(g, line);
		if (now >= g->until_ms + GOVERN_LAPSE_MS)
			line_leave(g, now);
	}
}

static void
window_slide(struct govern_source *s, int64_t now)
{
	while (s->ngiven > 0 && given_at(s, 0) + s->budget.per_ms <= now)
		given_drop(s);
}

/* How long until the window has room for n others and one more. */
static int64_t
window_ms(const struct govern_source *s, uint32_t n, int64_t now)
{
	uint32_t	room = s->budget.requests - s->ngiven;

	if (room > n)
		return 0;
	/* So many of those in the window have to leave it first; more than there are is a whole window at least. */
	if (n - room >= s->ngiven)
		return s->budget.per_ms;
	return given_at(s, n - room) + s->budget.per_ms - now;
}

static int64_t
hold_left_ms(const struct govern_source *s, int64_t now)
{
	return s->hold_ms > now ? s->hold_ms - now : 0;
}

/*
 * How long g has to wait, 0 if it need not.  Ahead of it are those in front of it that could go now: whoever waits for
 * somebody's request to end holds up none that do not.
 */
static int64_t
turn_ms(const struct govern_source *s, const struct governed *g, int64_t now)
{
	const struct governed	*w;
	uint32_t		 ahead = 0, blocked = 0;
	int64_t			 places = s->budget.concurrency == 0 ? INT64_MAX :
				    (int64_t)s->budget.concurrency - s->held;

	if (s->hold_ms > now)
		return hold_left_ms(s, now);
	TAILQ_FOREACH(w, &s->line, line) {
		if (w == g)
			break;
		if (w->inner || places > 0)
			ahead++;
		else
			blocked++;
		if (!w->inner && places > 0)
			places--;
	}
	if (!g->inner && places <= 0) {
		int64_t	 ms = (int64_t)GOVERN_SLOT_MS * (1 + blocked);

		return ms < GOVERN_SLOT_MS_MAX ? ms : GOVERN_SLOT_MS_MAX;
	}
	return window_ms(s, ahead, now);
}

static void
grant(struct governed *g, int64_t now)
{
	struct govern_source	*s = g->source;

	line_leave(g, now);
	g->held++;
	g->permits++;
	if (g->inner)
		g->held_inner++;
	if (g->open)
		return;
	s->given[(s->first + s->ngiven++) % s->cap] = now;
	if (!g->inner)
		s->held++;
	g->credit += EGRESS_CONNECTS_PER_PERMIT;
	if (g->credit > GOVERN_CREDIT_MAX)
		g->credit = GOVERN_CREDIT_MAX;
}

int64_t
govern_ask(struct governed *g, bool inner, int64_t now)
{
	struct govern_source	*s = g->source;
	int64_t			 wait;

	if (s == NULL)
		return g->open ? 0 : -1;
	s->used_ms = now;
	if (g->waiting && g->inner == inner && now + CLOCKS_MS < g->until_ms && ++g->early > GOVERN_EARLY_MAX)
		return -1;
	line_sweep(s, now);
	window_slide(s, now);
	g->inner = inner;
	if (!g->waiting) {
		g->waiting = true;
		g->asked_ms = now;
		if (!g->open)
			TAILQ_INSERT_TAIL(&s->line, g, line);
	}
	wait = g->open ? hold_left_ms(s, now) : turn_ms(s, g, now);
	if (wait == 0 && !g->open && given_room(s) == -1)
		wait = GOVERN_SLOT_MS_MAX;
	if (wait == 0) {
		grant(g, now);
		return 0;
	}
	if (wait > GOVERN_ASK_MS_MAX)
		wait = GOVERN_ASK_MS_MAX;
	g->until_ms = now + wait;
	return wait;
}

int
govern_done(struct governed *g, uint32_t hold_ms, int64_t now)
{
	struct govern_source	*s = g->source;

	if (s == NULL)
		return g->open ? 0 : -1;
	if (g->held == 0)
		return -1;
	g->held--;
	/* What is inside another ends before it. */
	if (g->held_inner > 0)
		g->held_inner--;
	else if (!g->open)
		s->held--;
	if (hold_ms > EGRESS_HOLD_MS_MAX)
		hold_ms = EGRESS_HOLD_MS_MAX;
	if (hold_ms > 0 && now + hold_ms > s->hold_ms)
		s->hold_ms = now + hold_ms;
	return 0;
}

bool
govern_connect(struct governed *g)
{
	if (g->source == NULL || g->open)
		return true;
	if (g->credit == 0)
		return false;
	g->credit--;
	return true;
}
