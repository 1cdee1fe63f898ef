/*
 * desk.c -- what the front asked for by number, until it is freed.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "launcher/core/inv.h"
#include "launcher/supervise/supervise.h"

#define BUCKETS		1024u
#define PACKETS_MAX	64u	/* read in one turn */
#define COUNT_MS	250	/* between two looks at what there is */

#define SAY_HANDED	(1u << 0)
#define SAY_LOST	(1u << 1)
#define SAY_GONE	(1u << 2)

struct post {
	LIST_ENTRY(post)	 next;
	TAILQ_ENTRY(post)	 order;		/* of those with something to be said */
	uint32_t		 no;
	unsigned int		 say;
	bool			 settled, gone;
	struct worker		*w;		/* NULL: a chore, or never born */
	struct chore_run	*chore;
	struct desk_handed	 handed;	/* to be sent, or sent */
	struct desk_lost	 lost;
	struct desk_gone	 end;
	int			 fds[DESK_FDS_MAX];	/* with HANDED */
};

static LIST_HEAD(, post)	 buckets[BUCKETS];
static TAILQ_HEAD(, post)	 waiting = TAILQ_HEAD_INITIALIZER(waiting);
static uint32_t			 nposts;
static int			 desk = -1;
static struct event		 readable, writable, tick;
static struct desk_count	 count;

static struct post *
find(uint32_t no)
{
	struct post	*p;

	LIST_FOREACH(p, &buckets[no % BUCKETS], next)
		if (p->no == no)
			return p;
	return NULL;
}

static int
say_one(struct post *p, unsigned int what)
{
	switch (what) {
	case SAY_HANDED:
		return desk_send(desk, &p->handed, sizeof(p->handed), p->fds, DESK_FDS_MAX);
	case SAY_LOST:
		return desk_send(desk, &p->lost, sizeof(p->lost), NULL, 0);
	default:
		return desk_send(desk, &p->end, sizeof(p->end), NULL, 0);
	}
}

static int
say_all(struct post *p)
{
	int	 r;

	for (unsigned int bit = SAY_HANDED; bit <= SAY_GONE; bit <<= 1) {
		if ((p->say & bit) == 0)
			continue;
		if ((r = say_one(p, bit)) != 0)
			return r;
		for (size_t i = 0; bit == SAY_HANDED && i < DESK_FDS_MAX; i++)
			fd_closep(&p->fds[i]);
		if ((p->say &= ~bit) == 0)
			TAILQ_REMOVE(&waiting, p, order);
	}
	return 0;
}

/* A front that is gone says so to the reader. */
static void
flush(void)
{
	struct post	*p;

	while ((p = TAILQ_FIRST(&waiting)) != NULL)
		if (say_all(p) != 0) {
			event_add(&writable, NULL);
			return;
		}
}

static void
say(struct post *p, unsigned int what)
{
	if (p->say == 0)
		TAILQ_INSERT_TAIL(&waiting, p, order);
	p->say |= what;
	flush();
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	flush();
}

static void
hand(struct post *p, enum relay_news how, const struct error *why)
{
	struct worker	*w = p->w;

	p->settled = true;
	event_del(&w->results);
	p->handed = (struct desk_handed){ .head = { DESK_VERSION, DESK_HANDED, p->no }, .how = (uint16_t)how,
	    .in_group = w->group.in, .why = *why };
	memcpy(p->handed.group_why, w->group.why, sizeof(p->handed.group_why));
	p->fds[0] = fd_steal(&w->request_fd);
	relay_ends_take(w->relay, &p->fds[1], &p->fds[2]);
	say(p, SAY_HANDED);
}

static void
lose(struct post *p, const struct error *why, bool again)
{
	p->settled = true;
	p->lost = (struct desk_lost){ .head = { DESK_VERSION, DESK_LOST, p->no }, .again = again, .why = *why };
	say(p, SAY_LOST);
}

/* A worker moves on: to its walls, which are looked at, and to its end. */
static void
post_turn(void *arg)
{
	struct post	*p = arg;
	struct worker	*w = p->w;
	struct error	 e = ERROR_NONE;
	enum relay_news	 how;

	if (!p->settled && w->state == WORKER_LOST)
		lose(p, &w->lost, w->again);
	if (!p->settled && w->state != WORKER_ORDERED) {
		how = w->state == WORKER_READY ? RELAY_LOCKED : worker_turn(w, &e);
		if (how != RELAY_QUIET)
			hand(p, how, &e);
	}
	if (!p->settled || p->gone)
		return;
	p->end = (struct desk_gone){ .head = { DESK_VERSION, DESK_GONE, p->no } };
	if (!worker_reap(w, &p->end.status, &p->end.usage))
		return;
	p->gone = true;
	p->end.oom = worker_oom(w);
	p->end.undying = worker_leave(w) == -1;
	say(p, SAY_GONE);
}

void
desk_chore_ended(void *arg)
{
	struct post	*p = arg;

	p->gone = true;
	p->end = (struct desk_gone){ .head = { DESK_VERSION, DESK_GONE, p->no } };
	say(p, SAY_GONE);
}

static struct post *
post_new(uint32_t no)
{
	struct post	*p = no == 0 || nposts >= told.numbers_max || find(no) != NULL ? NULL : calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->no = no;
	for (size_t i = 0; i < DESK_FDS_MAX; i++)
		p->fds[i] = -1;
	LIST_INSERT_HEAD(&buckets[no % BUCKETS], p, next);
	nposts++;
	return p;
}

static void
post_free(struct post *p)
{
	if (p->say != 0)
		TAILQ_REMOVE(&waiting, p, order);
	LIST_REMOVE(p, next);
	nposts--;
	for (size_t i = 0; i < DESK_FDS_MAX; i++)
		fd_closep(&p->fds[i]);
	if (p->w != NULL)
		pool_lent_end(p->w, false);
	worker_free(p->w);
	chore_end(p->chore);
	free(p);
}

static int
take(const struct desk_take *t, size_t bytes)
{
	static struct nursery_plan	 plan;
	struct post			*p;
	struct error			 e = ERROR_NONE;

	if (desk_take_get(t, bytes, &plan) == -1 || (p = post_new(t->head.no)) == NULL)
		return -1;
	if (plan_check(&plan, &e) == -1 || (p->w = (t->ahead == 1 ? pool_lend : pool_take)(&plan, post_turn, p, &e)) == NULL)
		lose(p, &e, false);
	else
		post_turn(p);		/* a parked one is ready, and will not say so again */
	return 0;
}

static int
send_signal(const struct desk_signal *s)
{
	struct post	*p = find(s->head.no);

	if (p == NULL || (s->sig != SIGTERM && s->sig != SIGKILL))
		return -1;
	if (p->w != NULL && !p->gone)
		worker_signal(p->w, s->sig);
	if (p->chore != NULL && !p->gone)
		chore_kill(p->chore);
	return 0;
}

static int
run(const struct desk_run *r, const int fds[DESK_FDS_MAX])
{
	struct post	*p = post_new(r->head.no);

	if (p == NULL || r->what >= CHORE__MAX)
		return -1;
	if ((p->chore = chore_start((enum chore)r->what, fds, desk_chore_ended, p)) == NULL)
		desk_chore_ended(p);
	return 0;
}

/* -1: it makes no sense. */
static int
packet_take(const union desk_packet *p, size_t bytes, int fds[DESK_FDS_MAX])
{
	struct post	*of;

	switch (p->head.type) {
	case DESK_TAKE:
		return take(&p->take, bytes);
	case DESK_SIGNAL:
		return bytes == sizeof(p->signal) ? send_signal(&p->signal) : -1;
	case DESK_RUN:
		return bytes == sizeof(p->run) ? run(&p->run, fds) : -1;
	case DESK_FREE:
		if (bytes != sizeof(p->head) || (of = find(p->head.no)) == NULL)
			return -1;
		post_free(of);
		ends_prepare();		/* nobody waits for us now */
		return 0;
	case DESK_FILES:
		if (bytes != sizeof(p->head) || fds[0] == -1)
			return -1;
		files_serve(fd_steal(&fds[0]));
		return 0;
	case DESK_BROKER:
		if (bytes != sizeof(p->head))
			return -1;
		if (fds[0] != -1)	/* else its other end is closed, and says so */
			legs_open(fd_steal(&fds[0]));
		return 0;
	default:
		return -1;
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	static union desk_packet	 p;
	int				 fds[DESK_FDS_MAX];
	size_t				 bytes = 0;
	int				 r = 0;

	(void)fd;
	(void)what;
	(void)arg;
	for (unsigned int i = 0; i < PACKETS_MAX && (r = desk_receive(desk, &p, &bytes, fds)) == 0; i++) {
		r = packet_take(&p, bytes, fds);
		for (size_t k = 0; k < DESK_FDS_MAX; k++)
			fd_closep(&fds[k]);
		if (r == -1) {
			supervise_end("the front asked for what it never asks for: everything ends");
			return;
		}
	}
	if (r == -1)
		supervise_end(NULL);	/* the front has ended, or wants us to */
}

int
desk_leg_take(uint32_t worker)
{
	struct post	*p = find(worker);

	if (p == NULL || p->w == NULL)
		return -1;
	pool_lent_end(p->w, true);
	return fd_steal(&p->w->egress_fd);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct core_counts	 c = core_count();
	struct desk_count	 now = { { DESK_VERSION, DESK_COUNT, 0 }, c.nurseries, c.parked };
	struct timeval		 tv = { COUNT_MS / 1000, COUNT_MS % 1000 * 1000 };

	(void)fd;
	(void)what;
	(void)arg;
	if ((now.nurseries != count.nurseries || now.parked != count.parked) &&
	    desk_send(desk, &now, sizeof(now), NULL, 0) == 0)
		count = now;
	event_add(&tick, &tv);
}

void
desk_open(int fd)
{
	desk = fd;
	event_assign(&readable, core_base(), desk, EV_READ | EV_PERSIST, on_readable, NULL);
	event_assign(&writable, core_base(), desk, EV_WRITE, on_writable, NULL);
	evtimer_assign(&tick, core_base(), on_tick, NULL);
	event_add(&readable, NULL);
	on_tick(-1, 0, NULL);
}

void
desk_close(void)
{
	struct post	*p;

	event_del(&readable);
	event_del(&writable);
	event_del(&tick);
	for (size_t i = 0; i < BUCKETS; i++)
		while ((p = LIST_FIRST(&buckets[i])) != NULL)
			post_free(p);
}
