/*
 * admit.c -- admission, fair between sources.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/serve/admit.h"
#include "launcher/serve/serve.h"
#include "worker/contract/util.h"

#define MEAN_SHARE	16	/* the newest duration counts one in so many */

struct admit_source {
	LIST_ENTRY(admit_source) all;
	TAILQ_ENTRY(admit_source) turn;		/* while somebody of it waits */
	TAILQ_HEAD(, admit_ticket) waiting;
	size_t			 nwaiting, nrunning;
	char			 name[SOURCE_BYTES_MAX + 1];
};

static LIST_HEAD(, admit_source)	 all = LIST_HEAD_INITIALIZER(all);
static TAILQ_HEAD(, admit_source)	 turns = TAILQ_HEAD_INITIALIZER(turns);
static struct admit_counts		 counts;
static unsigned int			 most, most_of_one, most_waiting;
static bool				 serving;	/* in serve_next(): no second time */

void
admit_open(unsigned int at_once, unsigned int of_one_source, unsigned int waiting)
{
	most = at_once;
	most_of_one = of_one_source;
	most_waiting = waiting;
}

static struct admit_source *
source_get(const char *name)
{
	struct admit_source	*s;

	LIST_FOREACH(s, &all, all)
		if (strcmp(s->name, name) == 0)
			return s;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	snprintf(s->name, sizeof(s->name), "%s", name);
	TAILQ_INIT(&s->waiting);
	LIST_INSERT_HEAD(&all, s, all);
	counts.sources++;
	return s;
}

static void
source_put(struct admit_source *s)
{
	if (s->nwaiting > 0 || s->nrunning > 0)
		return;
	LIST_REMOVE(s, all);
	counts.sources--;
	free(s);
}

static void
run(struct admit_ticket *t, struct admit_source *s)
{
	t->place = ADMIT_RUNNING;
	t->since_ms = now_ms();
	s->nrunning++;
	counts.running++;
}

static void
wait_end(struct admit_ticket *t, struct admit_source *s)
{
	TAILQ_REMOVE(&s->waiting, t, next);
	counts.waiting--;
	if (--s->nwaiting == 0)
		TAILQ_REMOVE(&turns, s, turn);
}

/* How long the last in the queue would wait, as things are. */
static int64_t
wait_ms(void)
{
	return (int64_t)(counts.waiting / most + 1) * counts.mean_ms;
}

static enum admit_place
shed(int64_t wait, int64_t *retry_s, struct error *e)
{
	counts.shed++;
	*retry_s = wait / 1000 + 1;
	(void)error_set(e, ERR_SHED, "%zu invocations run and %zu wait: try again in %lld s", counts.running, counts.waiting,
	    (long long)*retry_s);
	return ADMIT_OUT;
}

enum admit_place
admit_enter(struct admit_ticket *t, const char *source, int64_t deadline_ms, int64_t *retry_s, struct error *e)
{
	struct admit_source	*s = source_get(source);
	int64_t			 wait = wait_ms();

	if (s == NULL) {
		(void)error_set(e, ERR_SYSTEM, "no memory");
		return ADMIT_OUT;
	}
	t->source = s;
	if (counts.running < most && s->nrunning < most_of_one && s->nwaiting == 0) {
		run(t, s);
		return ADMIT_RUNNING;
	}
	if (counts.waiting >= most_waiting || (deadline_ms > 0 && wait > deadline_ms)) {
		source_put(s);
		t->source = NULL;
		return shed(wait, retry_s, e);
	}
	t->place = ADMIT_WAITING;
	t->since_ms = now_ms();
	TAILQ_INSERT_TAIL(&s->waiting, t, next);
	counts.waiting++;
	if (s->nwaiting++ == 0)
		TAILQ_INSERT_TAIL(&turns, s, turn);
	return ADMIT_WAITING;
}

/* The next source in turn that may run one more. */
static struct admit_source *
turn_next(void)
{
	struct admit_source	*s;

	TAILQ_FOREACH(s, &turns, turn)
		if (s->nrunning < most_of_one)
			return s;
	return NULL;
}

static void
serve_next(void)
{
	struct admit_source	*s;
	struct admit_ticket	*t;

	if (serving)
		return;
	serving = true;
	while (counts.running < most && (s = turn_next()) != NULL) {
		t = TAILQ_FIRST(&s->waiting);
		TAILQ_REMOVE(&turns, s, turn);
		TAILQ_INSERT_TAIL(&turns, s, turn);
		wait_end(t, s);
		run(t, s);
		t->go(t->arg);
	}
	serving = false;
}

void
admit_leave(struct admit_ticket *t)
{
	struct admit_source	*s = t->source;
	int64_t			 ran;

	if (t->place == ADMIT_WAITING)
		wait_end(t, s);
	else if (t->place == ADMIT_RUNNING) {
		ran = now_ms() - t->since_ms;
		counts.mean_ms += (ran - counts.mean_ms) / MEAN_SHARE;
		if (counts.mean_ms == 0)
			counts.mean_ms = ran;
		s->nrunning--;
		counts.running--;
	} else
		return;
	t->place = ADMIT_OUT;
	t->source = NULL;
	source_put(s);
	serve_next();
}

struct admit_counts
admit_count(void)
{
	return counts;
}
