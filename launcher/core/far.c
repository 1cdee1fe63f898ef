/*
 * far.c -- workers and chores that are the supervisor's children.
 *
 * One record for each number.  What is to be said of it is a set of bits, not a queue of packets: however slow the
 * supervisor is, what waits here is bounded by what there is.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "launcher/core/desk_wire.h"
#include "launcher/core/far.h"
#include "launcher/core/files.h"
#include "launcher/core/found.h"
#include "launcher/core/worker.h"

#define BUCKETS		1024u
#define PACKETS_MAX	64u		/* read in one turn */
#define END_MS		SECONDS(10)	/* for the supervisor to bury its own, and to be gone */
#define END_STEP_MS	2
#define ASK_MS		SECONDS(5)	/* the supervisor takes no packet for this long: it is stuck */

#define SAY_FIRST	(1u << 0)	/* TAKE or RUN */
#define SAY_SIGNAL	(1u << 1)
#define SAY_FREE	(1u << 2)

struct far {
	LIST_ENTRY(far)		 next;
	TAILQ_ENTRY(far)	 order;		/* of those with something to be said */
	uint32_t		 no;
	unsigned int		 say;
	int			 sig;
	bool			 ahead, handed, gone, freed;
	struct worker		*w;		/* NULL: a chore */
	const struct nursery_plan *plan;
	enum relay_news		 how;
	struct error		 why;
	struct desk_gone	 end;
	enum chore		 chore;
	int			 fds[DESK_FDS_MAX];	/* a chore's, until they are sent */
	size_t			 nfds;
	void			(*ended)(void *arg);
	void			*arg;
};

static LIST_HEAD(, far)		 buckets[BUCKETS];
static TAILQ_HEAD(, far)	 waiting = TAILQ_HEAD_INITIALIZER(waiting);
static int			 desk = -1;
static uint32_t			 last;
static struct event		 readable, writable;
static void			(*on_lost)(void);
static struct desk_count	 counts;

static struct far *
find(uint32_t no)
{
	struct far	*f;

	LIST_FOREACH(f, &buckets[no % BUCKETS], next)
		if (f->no == no)
			return f;
	return NULL;
}

static struct far *
far_new(void)
{
	struct far	*f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	do
		f->no = ++last;
	while (f->no == 0 || find(f->no) != NULL);
	LIST_INSERT_HEAD(&buckets[f->no % BUCKETS], f, next);
	return f;
}

/* It is spoken of no more. */
static void
far_end(struct far *f)
{
	if (f->say != 0)
		TAILQ_REMOVE(&waiting, f, order);
	LIST_REMOVE(f, next);
	for (size_t i = 0; i < f->nfds; i++)
		fd_closep(&f->fds[i]);
	free(f);
}

static int
first_send(struct far *f)
{
	static struct desk_take	 t;
	struct desk_run		 r = { .head = { DESK_VERSION, DESK_RUN, f->no }, .what = f->chore };

	if (f->w == NULL)
		return desk_send(desk, &r, sizeof(r), f->fds, f->nfds);
	return desk_send(desk, &t, desk_take_put(&t, f->no, f->ahead, f->plan), NULL, 0);
}

static int
say_one(struct far *f, unsigned int what)
{
	struct desk_signal	 s = { .head = { DESK_VERSION, DESK_SIGNAL, f->no }, .sig = f->sig };
	struct desk_head	 h = { DESK_VERSION, DESK_FREE, f->no };

	switch (what) {
	case SAY_FIRST:
		return first_send(f);
	case SAY_SIGNAL:
		return desk_send(desk, &s, sizeof(s), NULL, 0);
	default:
		return desk_send(desk, &h, sizeof(h), NULL, 0);
	}
}

/* Says what there is to say of it, in order; as desk_send().  After its FREE there is no f any more. */
static int
say_all(struct far *f)
{
	int	 r = 0;

	for (unsigned int bit = SAY_FIRST; r == 0 && bit <= SAY_FREE; bit <<= 1) {
		if ((f->say & bit) == 0)
			continue;
		if ((r = say_one(f, bit)) != 0)
			break;
		if (bit == SAY_FREE) {
			far_end(f);
			return 0;
		}
		for (size_t i = 0; bit == SAY_FIRST && i < f->nfds; i++)
			fd_closep(&f->fds[i]);
		if ((f->say &= ~bit) == 0)
			TAILQ_REMOVE(&waiting, f, order);
	}
	return r;
}

/* A supervisor that is gone says so to the reader. */
static void
flush(void)
{
	struct far	*f;

	while (desk != -1 && (f = TAILQ_FIRST(&waiting)) != NULL)
		if (say_all(f) != 0) {
			event_add(&writable, NULL);
			return;
		}
}

static void
say(struct far *f, unsigned int what)
{
	if (f->say == 0)
		TAILQ_INSERT_TAIL(&waiting, f, order);
	f->say |= what;
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

/* Its pipes are ours now. */
static void
handed_take(struct far *f, const struct desk_handed *p, int fds[DESK_FDS_MAX])
{
	struct worker	*w = f->w;

	f->handed = true;
	f->how = (enum relay_news)p->how;
	f->why = p->why;
	w->state = f->how == RELAY_LOCKED ? WORKER_READY : WORKER_LOCKING;
	w->locked = f->how == RELAY_LOCKED;
	w->group.in = p->in_group != 0;
	memcpy(w->group.why, p->group_why, sizeof(w->group.why));
	w->group.why[sizeof(w->group.why) - 1] = '\0';
	w->request_fd = fd_steal(&fds[0]);
	relay_ends_give(w->relay, fd_steal(&fds[1]), fd_steal(&fds[2]));
	worker_listen(w);
	w->news(w->arg);
}

static void
gone_take(struct far *f, const struct desk_gone *p)
{
	f->gone = true;
	f->end = *p;
	if (f->w != NULL)
		f->w->news(f->w->arg);
	else
		f->ended(f->arg);
}

/* -1: it makes no sense. */
static int
packet_take(const union desk_packet *p, size_t bytes, int fds[DESK_FDS_MAX])
{
	struct far	*f = find(p->head.no);

	if (p->head.type == DESK_COUNT && bytes == sizeof(p->count)) {
		counts = p->count;
		return 0;
	}
	/* Freed meanwhile. */
	if (f == NULL || f->freed)
		return 0;
	switch (p->head.type) {
	case DESK_HANDED:
		if (bytes != sizeof(p->handed) || f->w == NULL || f->handed)
			return -1;
		if (fds[DESK_FDS_MAX - 1] == -1)
			worker_lose(f->w, &(struct error){ .code = ERR_SYSTEM, .sys = EMFILE, .msg = "no descriptors are left for "
			    "another worker; raise the limit of open files (LimitNOFILE)" }, false);
		else
			handed_take(f, &p->handed, fds);
		return 0;
	case DESK_LOST:
		if (bytes != sizeof(p->lost) || f->w == NULL || f->handed)
			return -1;
		worker_lose(f->w, &p->lost.why, p->lost.again != 0);
		if (p->lost.why.code != ERR_NONE)
			found_forget();		/* it may be for what was believed of files */
		return 0;
	case DESK_GONE:
		if (bytes != sizeof(p->gone) || f->gone)
			return -1;
		if (f->handed)
			gone_take(f, &p->gone);
		return 0;
	default:
		return -1;
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	static union desk_packet p;
	int			 fds[DESK_FDS_MAX];
	size_t			 bytes = 0;
	int			 r = 0;

	(void)fd;
	(void)what;
	(void)arg;
	for (unsigned int i = 0; i < PACKETS_MAX && desk != -1 && (r = desk_receive(desk, &p, &bytes, fds)) == 0; i++) {
		if (packet_take(&p, bytes, fds) == -1)
			r = -1;
		for (size_t k = 0; k < DESK_FDS_MAX; k++)
			fd_closep(&fds[k]);
		if (r == -1)
			break;
	}
	if (r != -1)
		return;
	event_del(&readable);
	event_del(&writable);
	fd_closep(&desk);
	on_lost();
}

void
far_open(int fd, void (*lost)(void))
{
	struct desk_head	 h = { DESK_VERSION, DESK_FILES, 0 };
	int			 pair[2];

	desk = fd;
	on_lost = lost;
	event_assign(&readable, core_base(), desk, EV_READ | EV_PERSIST, on_readable, NULL);
	event_assign(&writable, core_base(), desk, EV_WRITE, on_writable, NULL);
	event_add(&readable, NULL);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return;			/* whoever asks for a file is told that it failed */
	if (desk_send(desk, &h, sizeof(h), &pair[1], 1) == 0)
		files_socket(fd_steal(&pair[0]));
	fd_closep(&pair[0]);
	(void)close(pair[1]);
}

/* It buries its own when it reads the end, and then ends: so does our reading. */
void
far_close(void)
{
	struct pollfd		 p = { .fd = desk, .events = POLLIN };
	static union desk_packet ignored;
	int			 fds[DESK_FDS_MAX];
	size_t			 bytes;
	int64_t			 until = now_ms() + END_MS, left;
	int			 r = 1;

	if (desk == -1)
		return;
	event_del(&readable);
	event_del(&writable);
	(void)shutdown(desk, SHUT_WR);
	while (r != -1 && (left = until - now_ms()) > 0) {
		(void)poll(&p, 1, (int)left);
		while ((r = desk_receive(desk, &ignored, &bytes, fds)) == 0)
			for (size_t k = 0; k < DESK_FDS_MAX; k++)
				fd_closep(&fds[k]);
	}
	fd_closep(&desk);
	/* Its descriptors go before the process does; whoever looks when we have ended shall find none of it. */
	while (waitpid(-1, NULL, WNOHANG) == 0 && now_ms() < until)
		(void)poll(NULL, 0, END_STEP_MS);
}

struct worker *
far_take(const struct nursery_plan *plan, bool ahead, void (*news)(void *), void *arg, struct error *e)
{
	struct worker	*w = calloc(1, sizeof(*w));
	struct far	*f = w == NULL ? NULL : far_new();

	if (f == NULL || (w->relay = relay_new(-1, -1)) == NULL) {
		error_set(e, ERR_SYSTEM, "no memory for a worker");
		if (f != NULL)
			far_end(f);
		free(w);
		return NULL;
	}
	w->pidfd = w->request_fd = w->egress_fd = -1;
	for (int i = 0; i < FD__COUNT; i++)
		w->theirs[i] = -1;
	w->waived = plan->waived;
	w->memory_bytes = plan->memory_bytes;
	w->guest = plan->guest[0] != '\0';
	w->tasks = plan->tasks;
	w->order_ms = now_ms();
	w->far = f;
	worker_adopt(w, news, arg);
	f->w = w;
	f->plan = plan;
	f->ahead = ahead;
	say(f, SAY_FIRST);
	return w;
}

uint32_t
far_number(const struct far *f)
{
	return f->no;
}

enum relay_news
far_turn(struct far *f, struct error *e)
{
	if (!f->handed)
		return RELAY_QUIET;
	*e = f->why;
	return f->how;
}

bool
far_alive(const struct far *f)
{
	return f->handed && !f->gone;
}

void
far_signal(struct far *f, int sig)
{
	if (!far_alive(f))
		return;
	f->sig = sig;
	say(f, SAY_SIGNAL);
}

bool
far_reap(struct far *f, int *status, struct rusage *usage)
{
	if (!f->gone)
		return false;
	*status = f->end.status;
	*usage = f->end.usage;
	return true;
}

bool
far_oom(const struct far *f)
{
	return f->end.oom != 0;
}

int
far_leave(const struct far *f)
{
	return f->end.undying != 0 ? -1 : 0;
}

void
far_free(struct far *f)
{
	f->freed = true;
	if (f->say & SAY_FIRST)		/* nobody has heard of it */
		far_end(f);
	else
		say(f, SAY_FREE);
}

void
far_count(struct core_counts *n)
{
	n->nurseries = counts.nurseries;
	n->parked = counts.parked;
}

struct far *
far_run(enum chore chore, const int *fds, size_t nfds, void (*ended)(void *), void *arg, struct error *e)
{
	struct far	*f = far_new();

	if (f == NULL) {
		error_set(e, ERR_SYSTEM, "no memory");
		return NULL;
	}
	f->chore = chore;
	f->ended = ended;
	f->arg = arg;
	for (; f->nfds < nfds; f->nfds++)
		if ((f->fds[f->nfds] = fcntl(fds[f->nfds], F_DUPFD_CLOEXEC, 0)) == -1) {
			error_sys(e, "descriptors");
			far_end(f);
			return NULL;
		}
	f->handed = true;
	say(f, SAY_FIRST);
	return f;
}

void
far_kill(struct far *f)
{
	far_signal(f, SIGKILL);
}

struct broker *
far_broker(struct error *e)
{
	struct desk_head	 h = { DESK_VERSION, DESK_BROKER, 0 };
	int64_t			 until = now_ms() + ASK_MS, left;
	int			 pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		error_sys(e, "egress broker: socket pair");
		return NULL;
	}
	while ((r = desk == -1 ? -1 : desk_send(desk, &h, sizeof(h), &pair[1], 1)) == 1 && (left = until - now_ms()) > 0)
		(void)poll(&(struct pollfd){ .fd = desk, .events = POLLOUT }, 1, (int)left);
	close(pair[1]);
	if (r != 0) {
		close(pair[0]);
		error_set(e, ERR_SYSTEM, "egress broker: the supervisor %s", r == 1 ? "takes nothing" : "is gone");
		return NULL;
	}
	return broker_reach(pair[0], e);
}
