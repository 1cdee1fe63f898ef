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
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "launcher/core/core.h"
#include "sandbox/sandbox.h"

#define COMPLAINT_BYTES	480

struct nursery {
	int		orders_fd;	/* to it */
	int		complaint_fd;	/* from it: why it could not start */
	int		pidfd;
	pid_t		pid;
	unsigned int	serial;
};

struct birth {
	int	orders[2], complaint[2], sync[2];
};

static void
birth_close(struct birth *b)
{
	for (int i = 0; i < 2; i++) {
		fd_closep(&b->orders[i]);
		fd_closep(&b->complaint[i]);
		fd_closep(&b->sync[i]);
	}
}

static int
birth_open(struct birth *b, struct error *e)
{
	*b = (struct birth){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, b->orders) == -1 ||
	    pipe2(b->complaint, O_CLOEXEC) == -1 || pipe2(b->sync, O_CLOEXEC) == -1) {
		error_sys(e, "nursery: descriptors");
		birth_close(b);
		return -1;
	}
	return 0;
}

/* Between clone and exec; lift first, then place, so that no target is overwritten. */
static void __attribute__((noreturn))
child(const struct nursery_plan *p, const struct birth *b, pid_t parent)
{
	char			 waived[16];
	char			*argv[] = { (char *)(uintptr_t)p->program, (char *)(uintptr_t)NURSERY_ARG, waived, NULL };
	char			*envp[] = { NULL };
	int			 orders = fcntl(b->orders[1], F_DUPFD_CLOEXEC, FD__NURSERY_COUNT + 1);
	int			 complaint = fcntl(b->complaint[1], F_DUPFD_CLOEXEC, FD__NURSERY_COUNT + 1);
	int			 sync = fcntl(b->sync[0], F_DUPFD_CLOEXEC, FD__NURSERY_COUNT + 1);
	struct sandbox_wall	 wall = {
		.program = p->program, .waived = p->waived, .memory_bytes = p->memory_bytes,
		.cpu_s = p->cpu_s, .files_max = WORKER_FILES_MAX, .sync_fd = FD__NURSERY_COUNT, .parent = parent,
	};
	sigset_t		 none;

	if (orders == -1 || complaint == -1 || sync == -1 || dup2(orders, FD_ORDERS) == -1 ||
	    dup2(complaint, FD_COMPLAINT) == -1 || dup2(complaint, STDERR_FILENO) == -1 ||
	    dup2(sync, FD__NURSERY_COUNT) == -1)
		_exit(SANDBOX_EXIT);
	close(FD_REQUEST);
	close(FD_RESULT);
	close(FD_EGRESS);
	syscall(SYS_close_range, FD__NURSERY_COUNT + 1, ~0U, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(waived, sizeof(waived), "%u", p->waived);
	sandbox_wall(&wall);
	execve(p->program, argv, envp);
	snprintf(waived, sizeof(waived), "exec: %d\n", errno);
	(void)!write(STDERR_FILENO, waived, strlen(waived));
	_exit(SANDBOX_EXIT);
}

static const char *
clone_hint(int err)
{
	switch (err) {
	case EPERM:
	case EACCES:
		return "; this host forbids user namespaces (--without namespaces runs without)";
	case ENOSPC:
		return "; too many namespaces (sysctl user.max_user_namespaces; --without namespaces runs without)";
	case EINVAL:
	case ENOSYS:
		return "; this kernel lacks one of them (--without namespaces runs without)";
	default:
		return "";
	}
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
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	if (strncmp(text, "exec: ", 6) == 0)
		return error_set(e, ERR_SANDBOX, "the connector's program cannot be started: %s (it and its folder must "
		    "be readable by everybody)", strerror(atoi(text + 6)));
	return error_set(e, ERR_SANDBOX, "%s%s%s", len > 0 ? text : what, len > 0 ? "" : "; a start-up call was "
	    "refused by the walls, or it crashed", "");
}

/* One report within LOCK_MS. */
static int
report_take(struct nursery *n, struct nursery_report *r, struct error *e)
{
	struct pollfd	 p = { .fd = n->orders_fd, .events = POLLIN };
	int64_t		 until = now_ms() + LOCK_MS;
	int		 k;

	while ((k = poll(&p, 1, (int)(until - now_ms() > 0 ? until - now_ms() : 0))) == -1 && errno == EINTR)
		;
	if (k == 0)
		return error_set(e, ERR_SANDBOX, "the nursery did not answer within %d s", LOCK_MS / 1000);
	if (k == -1 || recv(n->orders_fd, r, sizeof(*r), MSG_TRUNC | MSG_DONTWAIT) != (ssize_t)sizeof(*r))
		return complain(n, e, "the nursery ended before it was ready");
	return 0;
}

struct nursery *
nursery_start(const struct nursery_plan *p, struct error *e)
{
	struct nursery		*n = calloc(1, sizeof(*n));
	struct nursery_report	 r;
	struct birth		 b;
	pid_t			 parent = getpid();

	if (n == NULL) {
		error_set(e, ERR_SYSTEM, "nursery: no memory");
		return NULL;
	}
	n->orders_fd = n->complaint_fd = n->pidfd = -1;
	if (birth_open(&b, e) == -1) {
		free(n);
		return NULL;
	}
	if ((n->pid = sandbox_clone(p->waived, &n->pidfd)) == 0)
		child(p, &b, parent);
	if (n->pid == -1) {
		error_set(e, ERR_SANDBOX, "namespaces: %s%s", strerror(errno), clone_hint(errno));
		birth_close(&b);
		free(n);
		return NULL;
	}
	n->orders_fd = fd_steal(&b.orders[0]);
	n->complaint_fd = fd_steal(&b.complaint[0]);
	if (sandbox_map_ids(n->pid, p->waived) == -1)
		error_set(e, ERR_SANDBOX, "ids: map: %s (--without namespaces runs without)", strerror(errno));
	else if (write(b.sync[1], "", 1) != 1)
		error_sys(e, "nursery: sync");
	birth_close(&b);
	if (e->code != ERR_NONE || report_take(n, &r, e) == -1) {
		nursery_stop(n);
		return NULL;
	}
	return n;
}

static int
order_send(struct nursery *n, const int fds[FD__COUNT])
{
	struct nursery_order	 o = { .serial = ++n->serial };
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
	memcpy(CMSG_DATA(c), fds, FD__COUNT * sizeof(int));
	return sendmsg(n->orders_fd, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(o) ? 0 : -1;
}

int
nursery_fork(struct nursery *n, const int fds[FD__COUNT], pid_t *pid, int *pidfd, struct error *e)
{
	struct nursery_report	 r;
	siginfo_t		 si;

	if (order_send(n, fds) == -1)
		return error_sys(e, "nursery: order");
	if (report_take(n, &r, e) == -1)
		return -1;
	if (r.serial != n->serial || r.pid == 0)
		return error_set(e, ERR_SANDBOX, "the nursery answered nonsense");
	if (r.pid < 0)
		return error_set(e, ERR_SANDBOX, "the nursery could not fork: %s", strerror(-r.pid));
	/* An unreaped child of ours keeps its pid; anybody else's fails waitid. */
	if (r.pid == n->pid || (*pidfd = (int)syscall(SYS_pidfd_open, r.pid, 0)) == -1 ||
	    waitid(P_PIDFD, (id_t)*pidfd, &si, WEXITED | WNOHANG | WNOWAIT) == -1)
		return error_set(e, ERR_SANDBOX, "the nursery named a process that is not its worker");
	fcntl(*pidfd, F_SETFD, FD_CLOEXEC);
	*pid = r.pid;
	return 0;
}

void
nursery_stop(struct nursery *n)
{
	if (n == NULL)
		return;
	if (n->pid > 0) {
		kill(n->pid, SIGKILL);
		while (waitpid(n->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	fd_closep(&n->orders_fd);
	fd_closep(&n->complaint_fd);
	fd_closep(&n->pidfd);
	free(n);
}
