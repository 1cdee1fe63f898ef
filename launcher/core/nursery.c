/*
 * nursery.c -- starts a connector's nursery behind its walls and orders workers from it.
 *
 * A nursery runs the connector's code, so what it says is not believed either: a
 * pid it reports must be a living child of ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "launcher/core/nursery_birth.h"
#include "launcher/core/worker.h"
#include "sandbox/sandbox.h"

#define COMPLAINT_BYTES	480
#define DEATH_MS	250		/* from the end of its socket to its death */
#define UNANSWERED_MAX	32u		/* orders in its socket at once */

TAILQ_HEAD(worker_list, worker);

struct nursery {
	int			 orders_fd;	/* to it */
	int			 complaint_fd;	/* from it: why it could not start */
	int			 pidfd;
	pid_t			 pid;
	bool			 ready, gone;
	bool			 once;		/* of one worker: it ends when that is born */
	bool			 loaded;	/* has said so: it may be another's doing that it ends, and a new one will do */
	unsigned int		 inside;	/* its own events are on the stack: who stops it now does not free it */
	bool			 stopped;
	unsigned int		 waived;
	unsigned int		 serial, unanswered;
	uint64_t		 forks;
	int64_t			 start_ms;
	struct worker_list	 orders;	/* oldest first; the first `unanswered` of them were sent */
	struct event		 reports, late;
	void			(*news)(void *arg);
	void			*arg;
};

/* One that is ending has lost what is looked for before it is dead: that is waited for. */
static bool
dead(const struct nursery *n)
{
	struct pollfd	 p = { .fd = n->pidfd, .events = POLLIN };

	return poll(&p, 1, DEATH_MS) == 1;
}

/* One that lives on without its socket is not waited for: killed, it is dead at once; how one dies that is dying stays as it was. */
static bool
died_of_sigsys(const struct nursery *n)
{
	siginfo_t	 si = { 0 };

	(void)syscall(SYS_pidfd_send_signal, n->pidfd, SIGKILL, NULL, 0);
	return dead(n) && waitid(P_PIDFD, (id_t)n->pidfd, &si, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    (si.si_code == CLD_KILLED || si.si_code == CLD_DUMPED) && si.si_status == SIGSYS;
}

/* Its last line may be the trap's note, as it may be a worker's. */
static int
refused_call(const char *text, size_t len, struct error *e)
{
	char		 call[SANDBOX_CALL_BYTES] = "";
	const char	*nl = memrchr(text, '\n', len), *last = nl == NULL ? text : nl + 1;
	bool		 known = sandbox_note(last, (size_t)(text + len - last), call);

	error_set(e, ERR_SYSCALL, "the connector made a system call that is not allowed (%s) while it was loaded, "
	    "and was killed", known ? call : "unknown call");
	snprintf(e->what, sizeof(e->what), "%s", call);
	return -1;
}

/* What the nursery wrote before it died, on one line. */
static int
complain(struct nursery *n, struct error *e, const char *what)
{
	char	 text[COMPLAINT_BYTES];
	size_t	 len = 0;
	ssize_t	 k;

	fcntl(n->complaint_fd, F_SETFL, O_NONBLOCK);
	while (len < sizeof(text) - 1 && (k = read(n->complaint_fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)k;
	while (len > 0 && (unsigned char)text[len - 1] <= ' ')
		len--;
	text[len] = '\0';
	if (died_of_sigsys(n))
		return refused_call(text, len, e);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	if (strncmp(text, "exec: ", 6) == 0)
		return error_set(e, ERR_SANDBOX, "the connector's program cannot be started: %s (it and its folder must "
		    "be readable by everybody)", strerror(atoi(text + 6)));
	return error_set(e, ERR_SANDBOX, "%s%s%s", len > 0 ? text : what, len > 0 ? "" : "; a start-up call was "
	    "refused by the walls, or it crashed", "");
}

/* It is not to be used again: whoever waits for a worker of it is told. */
static void
lose(struct nursery *n, const struct error *why)
{
	struct worker	*w;

	n->gone = true;
	event_del(&n->reports);
	event_del(&n->late);
	while ((w = TAILQ_FIRST(&n->orders)) != NULL) {
		TAILQ_REMOVE(&n->orders, w, order);
		w->nursery = NULL;
		worker_lose(w, why, n->loaded);
	}
	if (!n->stopped)
		n->news(n->arg);
}

/*
 * Its only worker is born.  It dies while that works, and is reaped, and what it may have hidden ended, when it is
 * stopped: by the pool's next tick, or at the end.
 */
static void
retire(struct nursery *n)
{
	n->gone = true;
	event_del(&n->reports);
	event_del(&n->late);
	nursery_kill(n);
}

static void
lose_because(struct nursery *n, const char *what)
{
	struct error	 e = ERROR_NONE;

	complain(n, &e, what);
	lose(n, &e);
}

static int
order_send(struct nursery *n, struct worker *w)
{
	struct nursery_order	 o = { .serial = w->serial, .parked = w->to_park };
	union {
		char		 buf[CMSG_SPACE(FD__COUNT * sizeof(int))];
		struct cmsghdr	 align;
	} cmsg = { { 0 } };
	struct iovec		 iov = { &o, sizeof(o) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf,
	    .msg_controllen = sizeof(cmsg.buf) };
	struct cmsghdr		*c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(FD__COUNT * sizeof(int));
	memcpy(CMSG_DATA(c), w->theirs, FD__COUNT * sizeof(int));
	return sendmsg(n->orders_fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(o) ? 0 : -1;
}

/* Sends what may be sent; the answers make room for more. */
static void
orders_send(struct nursery *n)
{
	struct timeval	 most = { LOCK_MS / 1000, 0 };
	struct worker	*w;

	TAILQ_FOREACH(w, &n->orders, order) {
		if (w->sent)
			continue;
		if (n->unanswered == UNANSWERED_MAX || order_send(n, w) == -1)
			return;		/* a dead one's socket says so to the reader */
		for (int i = 0; i < FD__COUNT; i++)
			fd_closep(&w->theirs[i]);
		w->sent = true;
		if (n->unanswered++ == 0)
			event_add(&n->late, &most);
	}
}

/*
 * A pid it names must be a child of ours that nobody has yet, and of this nursery: another's worker is not its to
 * give, nor the broker.  Its children are in its session, which none of them can leave.
 */
static int
child_take(const struct nursery *n, pid_t pid, int *pidfd)
{
	siginfo_t	 si;

	if (pid == n->pid || worker_knows(pid) || (*pidfd = (int)syscall(SYS_pidfd_open, pid, 0)) == -1)
		return -1;
	/* An unreaped child of ours keeps its pid, and its session; anybody else's fails waitid. */
	if (getsid(pid) != n->pid || waitid(P_PIDFD, (id_t)*pidfd, &si, WEXITED | WNOHANG | WNOWAIT) == -1) {
		fd_closep(pidfd);
		return -1;
	}
	return 0;
}

/* It has loaded, and waits.  -1: nonsense. */
static int
ready_handle(struct nursery *n, const struct nursery_report *r)
{
	struct error	 e = ERROR_NONE;
	char		 why[200];

	if (r->serial != 0 || r->pid != 0)
		return -1;
	if (sandbox_verify_namespaces(n->pid, n->waived, why, sizeof(why)) == -1) {
		if (dead(n)) {		/* that is told by the end of its socket; until then it gives nobody */
			n->loaded = true;
			return 0;
		}
		error_set(&e, ERR_SANDBOX, "the nursery is not confined as it should be: it %s", why);
		lose(n, &e);
		return 0;
	}
	n->ready = n->loaded = true;
	if (n->unanswered == 0)
		event_del(&n->late);
	n->news(n->arg);
	return 0;
}

/* -1: nonsense. */
static int
report_handle(struct nursery *n, const struct nursery_report *r)
{
	struct timeval	 most = { LOCK_MS / 1000, 0 };
	struct worker	*w = TAILQ_FIRST(&n->orders);
	struct error	 e = ERROR_NONE;
	int		 pidfd = -1;

	if (!n->ready)
		return ready_handle(n, r);
	if (w == NULL || !w->sent || r->serial != w->serial || r->pid == 0 ||
	    (r->pid > 0 && child_take(n, r->pid, &pidfd) == -1))
		return -1;
	TAILQ_REMOVE(&n->orders, w, order);
	w->nursery = NULL;
	n->unanswered--;
	n->forks++;
	if (n->unanswered == 0)
		event_del(&n->late);
	else
		event_add(&n->late, &most);
	if (r->pid > 0) {
		if (n->once && nursery_idle(n))
			retire(n);
		worker_born(w, r->pid, pidfd);
	} else {
		error_set(&e, ERR_SANDBOX, "the nursery could not fork: %s", strerror(-r->pid));
		worker_lose(w, &e, false);
	}
	return 0;
}

static void
leave(struct nursery *n)
{
	if (--n->inside == 0 && n->stopped)
		free(n);
}

static void
reports_take(struct nursery *n)
{
	struct nursery_report	 r;
	ssize_t			 k = 0;

	/* Until nothing is owed any more: what comes unasked, and the end, wake the loop again. */
	do {
		if ((k = recv(n->orders_fd, &r, sizeof(r), MSG_TRUNC | MSG_DONTWAIT)) == -1)
			break;
		if (k != (ssize_t)sizeof(r))
			lose_because(n, n->loaded ? "the nursery ended" : "the nursery ended before it was ready");
		else if (report_handle(n, &r) == -1)
			lose(n, &(struct error){ .code = ERR_SANDBOX, .msg = "the nursery answered nonsense" });
	} while (!n->gone && n->unanswered > 0);
	if (!n->gone && k == -1 && errno != EAGAIN && errno != EINTR)
		lose_because(n, "the nursery ended");
	if (!n->gone)
		orders_send(n);
}

static void
on_report(evutil_socket_t fd, short what, void *arg)
{
	struct nursery	*n = arg;

	(void)fd;
	(void)what;
	n->inside++;
	reports_take(n);
	leave(n);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct nursery	*n = arg;
	struct error	 e = ERROR_NONE;

	(void)fd;
	(void)what;
	error_set(&e, ERR_SANDBOX, "the nursery did not answer within %d s", LOCK_MS / 1000);
	n->inside++;
	lose(n, &e);
	leave(n);
}

/* The walls go up on both sides: ids are mapped from here. */
static int
walls_up(struct nursery *n, const struct nursery_plan *p, struct birth *b, struct error *e)
{
	pid_t	 parent = getpid();

	if ((n->pid = sandbox_clone(p->waived, &n->pidfd)) == 0)
		birth_child(p, b, parent);
	if (n->pid == -1) {
		n->pid = 0;
		return error_set(e, ERR_SANDBOX, "namespaces: %s%s", strerror(errno), birth_hint(errno));
	}
	n->orders_fd = fd_steal(&b->orders[0]);
	n->complaint_fd = fd_steal(&b->complaint[0]);
	if (sandbox_map_ids(n->pid, p->waived) == -1)
		return error_set(e, ERR_SANDBOX, "ids: map: %s (--without namespaces runs without)", strerror(errno));
	return write(b->sync[1], "", 1) == 1 ? 0 : error_sys(e, "nursery: sync");
}

struct nursery *
nursery_start(const struct nursery_plan *p, void (*news)(void *), void *arg, struct error *e)
{
	struct timeval	 most = { LOCK_MS / 1000, 0 };
	struct nursery	*n = calloc(1, sizeof(*n));
	struct birth	 b;
	int		 r;

	if (n == NULL) {
		error_set(e, ERR_SYSTEM, "nursery: no memory");
		return NULL;
	}
	n->orders_fd = n->complaint_fd = n->pidfd = -1;
	n->start_ms = now_ms();
	n->waived = p->waived;
	n->once = core_plan()->once && p->guest[0] == '\0';
	n->news = news;
	n->arg = arg;
	TAILQ_INIT(&n->orders);
	r = birth_open(&b, e) == -1 ? -1 : walls_up(n, p, &b, e);
	birth_close(&b);
	event_assign(&n->reports, core_base(), n->orders_fd, EV_READ | EV_PERSIST, on_report, n);
	evtimer_assign(&n->late, core_base(), on_late, n);
	if (r == -1) {
		nursery_stop(n);
		return NULL;
	}
	event_add(&n->reports, NULL);
	event_add(&n->late, &most);
	/* What a guest without a pid namespace leaves behind comes to us, who end it (worker.c). */
	if (p->guest[0] != '\0' && (p->waived & (1u << LAYER_NAMESPACES)) != 0)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	group_prepare(p->waived, p->memory_bytes);
	sandbox_verify_prepare(p->waived);
	return n;
}

void
nursery_order(struct nursery *n, struct worker *w)
{
	w->nursery = n;
	w->serial = ++n->serial;
	TAILQ_INSERT_TAIL(&n->orders, w, order);
	orders_send(n);
}

void
nursery_forget(struct nursery *n, struct worker *w)
{
	TAILQ_REMOVE(&n->orders, w, order);
	w->nursery = NULL;
}

bool
nursery_ready(const struct nursery *n)
{
	return n->ready && !n->gone;
}

bool
nursery_gone(const struct nursery *n)
{
	return n->gone;
}

bool
nursery_idle(const struct nursery *n)
{
	return TAILQ_EMPTY(&n->orders);
}

uint64_t
nursery_forks(const struct nursery *n)
{
	return n->forks;
}

int64_t
nursery_start_ms(const struct nursery *n)
{
	return n->start_ms;
}

bool
nursery_hides(const struct nursery *n)
{
	return n->ready && !n->gone && nursery_idle(n) && strays_any(n->pid);
}

void
nursery_kill(struct nursery *n)
{
	if (n != NULL && n->pid > 0)
		(void)kill(n->pid, SIGKILL);
}

void
nursery_stop(struct nursery *n)
{
	struct worker	*w;
	siginfo_t	 si;

	if (n == NULL)
		return;
	n->gone = n->stopped = true;
	event_del(&n->reports);
	event_del(&n->late);
	while ((w = TAILQ_FIRST(&n->orders)) != NULL) {
		nursery_forget(n, w);
		worker_lose(w, &(struct error){ .code = ERR_SYSTEM, .msg = "the nursery was ended before it could fork" },
		    n->ready);
	}
	nursery_kill(n);
	if (n->pid > 0) {
		while (waitid(P_PID, (id_t)n->pid, &si, WEXITED | WNOWAIT) == -1 && errno == EINTR)
			;
		strays_end(n->pid);	/* while its pid is its own */
		while (waitpid(n->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	fd_closep(&n->orders_fd);
	fd_closep(&n->complaint_fd);
	fd_closep(&n->pidfd);
	if (n->inside == 0)
		free(n);
}
