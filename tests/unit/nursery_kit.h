/*
 * nursery_kit.h -- the launcher's side of a nursery's socket, without a nursery: reports of any bytes, about processes that
 * are real.  For one test program each: it takes nursery.c in, and stands for the files around it.
 */
#ifndef TESTS_NURSERY_KIT_H
#define TESTS_NURSERY_KIT_H

#include <event2/event.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "launcher/core/nursery.c"

/* Whom a report may name: living children of the nursery's session, and those that are none. */
enum kit_pid {
	KIT_FIRST, KIT_SECOND, KIT_THIRD,	/* a nursery may give these, each once */
	KIT_STRANGER,				/* another child of the launcher's */
	KIT_GRANDCHILD,				/* of that one */
	KIT_NURSERY, KIT_SELF, KIT_INIT, KIT_NOBODY, KIT_NEGATIVE, KIT_ZERO,
	KIT__COUNT
};
#define KIT_OWN		(KIT_THIRD + 1)
#define KIT_WORKERS	64

static struct {
	struct event_base	*base;
	pid_t			 pids[KIT__COUNT];
	int			 dead_pidfd, null_fd;
	struct nursery		*n;
	int			 theirs, complaint;	/* the nursery's ends */
	struct worker		*workers[KIT_WORKERS];	/* ordered */
	unsigned int		 nworkers, nborn, nlost, nnews;
	bool			 held[KIT_OWN];
	bool			 again;			/* the last that was lost may be tried with another nursery */
	bool			 wrong;			/* told twice, or of a process that was not the nursery's to give */
} kit;

struct event_base *
core_base(void)
{
	return kit.base;
}

const struct core_plan *
core_plan(void)
{
	static const struct core_plan	 plan;

	return &plan;
}

static int
kit_own(pid_t pid)
{
	for (int i = 0; i < KIT_OWN; i++)
		if (kit.pids[i] == pid)
			return i;
	return -1;
}

bool
worker_knows(pid_t pid)
{
	int	 i = kit_own(pid);

	return i != -1 && kit.held[i];
}

void
worker_born(struct worker *w, pid_t pid, int pidfd)
{
	int	 i = kit_own(pid);

	kit.wrong = kit.wrong || w->state != WORKER_ORDERED || i == -1 || kit.held[i] || pidfd == -1;
	if (i != -1)
		kit.held[i] = true;
	w->state = WORKER_LOCKING;
	kit.nborn++;
	close(pidfd);
}

void
worker_lose(struct worker *w, const struct error *why, bool again)
{
	kit.again = again;
	kit.wrong = kit.wrong || w->state != WORKER_ORDERED || why->code == ERR_NONE;
	w->state = WORKER_LOST;
	kit.nlost++;
}

int birth_open(struct birth *b, struct error *e) { *b = (struct birth){ { -1, -1 }, { -1, -1 }, { -1, -1 } }; return error_set(e, ERR_SYSTEM, "none"); }
void birth_close(struct birth *b) { (void)b; }
void birth_child(const struct nursery_plan *p, const struct birth *b, pid_t parent) { (void)p; (void)b; (void)parent; abort(); }
const char *birth_hint(int err) { (void)err; return ""; }
void group_prepare(unsigned int waived, uint64_t memory_bytes) { (void)waived; (void)memory_bytes; }
bool strays_any(pid_t session) { (void)session; return false; }
void strays_end(pid_t session) { (void)session; }

struct kit_here {
	int	index;
	pid_t	pid;
};

static void __attribute__((noreturn))
kit_child(int to, int index)
{
	struct kit_here	 here = { index, getpid() };

	prctl(PR_SET_PDEATHSIG, SIGKILL);		/* before its parent can hear of it, and end */
	if (write(to, &here, sizeof(here)) != (ssize_t)sizeof(here))	/* one call: others write too */
		_exit(1);
	for (;;)
		pause();
}

/* A session with three that are our own children, as a nursery's are. */
static void __attribute__((noreturn))
kit_nursery(int to)
{
	setsid();
	for (int i = KIT_FIRST; i <= KIT_THIRD; i++)
		if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0)
			kit_child(to, i);
	kit_child(to, KIT_NURSERY);
}

/* All of them, the grandchild too, which is ours when its parent has ended. */
static void
kit_close(void)
{
	for (int i = 0; i < KIT_SELF; i++)
		kill(kit.pids[i], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static void
kit_open(void)
{
	int		 pipe_fds[2];
	struct kit_here	 here;
	pid_t		 pid;

	kit.base = event_base_new();
	kit.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (kit.base == NULL || kit.null_fd == -1 || pipe(pipe_fds) == -1)
		abort();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (fork() == 0)
		kit_nursery(pipe_fds[1]);
	if (fork() == 0) {
		if (fork() == 0)
			kit_child(pipe_fds[1], KIT_GRANDCHILD);
		kit_child(pipe_fds[1], KIT_STRANGER);
	}
	kit.pids[KIT_SELF] = getpid();
	kit.pids[KIT_INIT] = 1;
	kit.pids[KIT_NOBODY] = 0x3fffffff;
	kit.pids[KIT_NEGATIVE] = -EAGAIN;
	for (int i = 0; i < KIT_SELF; i++)
		if (read(pipe_fds[0], &here, sizeof(here)) != (ssize_t)sizeof(here))
			abort();
		else
			kit.pids[here.index] = here.pid;
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	if ((pid = fork()) == 0)
		_exit(0);
	atexit(kit_close);
	kit.dead_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
}

static void
kit_news(void *arg)
{
	(void)arg;
	kit.nnews++;
}

/* One that has been started, and has said nothing yet. */
static void
kit_start(void)
{
	int	 pair[2], complaint[2];

	if ((kit.n = calloc(1, sizeof(*kit.n))) == NULL || pipe2(complaint, O_CLOEXEC) == -1 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == -1)
		abort();
	kit.n->orders_fd = pair[0];
	kit.theirs = pair[1];
	kit.n->complaint_fd = complaint[0];
	kit.complaint = complaint[1];
	kit.n->pidfd = dup(kit.dead_pidfd);
	kit.n->pid = kit.pids[KIT_NURSERY];
	kit.n->waived = 1u << LAYER_NAMESPACES;
	kit.n->news = kit_news;
	TAILQ_INIT(&kit.n->orders);
	event_assign(&kit.n->reports, kit.base, kit.n->orders_fd, EV_READ | EV_PERSIST, on_report, kit.n);
	evtimer_assign(&kit.n->late, kit.base, on_late, kit.n);
	kit.nworkers = kit.nborn = kit.nlost = kit.nnews = 0;
	memset(kit.held, 0, sizeof(kit.held));
	kit.wrong = false;
}

static void
kit_order(void)
{
	struct worker	*w;
	char		 order[64];

	if (kit.nworkers == KIT_WORKERS || nursery_gone(kit.n) || (w = calloc(1, sizeof(*w))) == NULL)
		return;
	for (int i = 0; i < FD__COUNT; i++)
		w->theirs[i] = dup(kit.null_fd);
	kit.workers[kit.nworkers++] = w;
	nursery_order(kit.n, w);
	/* Descriptors that nobody has room for are closed. */
	while (kit.theirs != -1 && recv(kit.theirs, order, sizeof(order), MSG_DONTWAIT) > 0)
		;
}

static void
kit_say(const void *bytes, size_t n)
{
	if (kit.theirs != -1)
		(void)send(kit.theirs, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
kit_report(unsigned int serial, enum kit_pid who)
{
	struct nursery_report	 r = { .serial = serial, .pid = kit.pids[who] };

	kit_say(&r, sizeof(r));
}

static void
kit_turn(void)
{
	(void)event_base_loop(kit.base, EVLOOP_NONBLOCK);
	if (!nursery_gone(kit.n))
		on_report(kit.n->orders_fd, EV_READ, kit.n);
}

/* Nobody ordered is left without an answer. */
static bool
kit_stop(void)
{
	bool	 good;

	kit.n->pid = 0;			/* ours to keep */
	fd_closep(&kit.theirs);
	fd_closep(&kit.complaint);
	nursery_stop(kit.n);
	good = !kit.wrong && kit.nborn + kit.nlost == kit.nworkers;
	for (unsigned int i = 0; i < kit.nworkers; i++) {
		for (int k = 0; k < FD__COUNT; k++)
			fd_closep(&kit.workers[i]->theirs[k]);
		free(kit.workers[i]);
	}
	return good;
}

#endif
