/*
 * mover.c -- a process beside the loop that puts workers into their control groups.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/core/core.h"
#include "launcher/core/mover.h"

#define MOVER_FD	3	/* its end of the socket; nothing else is open */
#define WARM		0u	/* the serial of nobody's order */

struct order {
	uint64_t	serial;
	int32_t		pid;
	uint32_t	n;
};

union fds {
	char		buf[CMSG_SPACE(BRANCH__MAX * sizeof(int))];
	struct cmsghdr	align;
};

static struct {
	pid_t		  pid;		/* 0: none */
	int		  fd;
	unsigned int	  open;		/* orders without an answer */
	struct event	  answers;
	void		(*news)(const struct moved *);
} mover = { .fd = -1 };

/* One order with its files; false: the launcher is gone, or spoke nonsense. */
static bool
order_take(struct order *o, int fds[BRANCH__MAX])
{
	union fds		 cmsg;
	struct iovec		 iov = { o, sizeof(*o) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf,
	    .msg_controllen = sizeof(cmsg.buf) };
	const struct cmsghdr	*c;
	ssize_t			 n;

	while ((n = recvmsg(MOVER_FD, &msg, MSG_CMSG_CLOEXEC)) == -1 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof(*o))
		return false;
	if (o->n == 0)
		return true;
	c = CMSG_FIRSTHDR(&msg);
	if (o->n > BRANCH__MAX || c == NULL || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(o->n * sizeof(int)))
		return false;
	memcpy(fds, CMSG_DATA(c), o->n * sizeof(int));
	return true;
}

static void
move(const struct order *o, const int fds[BRANCH__MAX], struct moved *m)
{
	char	 text[16];
	int	 len = snprintf(text, sizeof(text), "%d", (int)o->pid);
	int64_t	 since = now_us();

	*m = (struct moved){ .serial = o->serial };
	while (m->done < o->n && m->error == 0)
		if (write(fds[m->done], text, (size_t)len) == len)
			m->done++;
		else
			m->error = errno != 0 ? errno : EIO;
	m->took_us = now_us() - since;
	for (uint32_t i = 0; i < o->n; i++)
		close(fds[i]);
}

/* Nothing of the launcher's is kept but its memory, and that is never looked at again. */
static void __attribute__((noreturn))
child(int fd, pid_t parent)
{
	int		 fds[BRANCH__MAX];
	struct order	 o;
	struct moved	 m;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1 || getppid() != parent || dup2(fd, MOVER_FD) == -1)
		_exit(1);
	(void)prctl(PR_SET_NAME, "bascule-mover");
	(void)close(0);
	(void)close(1);
	(void)close(2);
	(void)syscall(SYS_close_range, MOVER_FD + 1, ~0U, 0);
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_IGN);
	while (order_take(&o, fds)) {
		move(&o, fds, &m);
		if (send(MOVER_FD, &m, sizeof(m), MSG_NOSIGNAL) != (ssize_t)sizeof(m))
			break;
	}
	_exit(0);
}

static void
kill_now(void)
{
	if (mover.fd == -1)
		return;
	event_del(&mover.answers);
	close(mover.fd);
	mover.fd = -1;
	kill(mover.pid, SIGKILL);
}

void
mover_kill(void)
{
	if (mover.pid != 0 && mover.open == 0)
		kill_now();
}

/* It is gone: whoever waits hears that nothing was done. */
static void
mover_end(void)
{
	if (mover.pid == 0)
		return;
	kill_now();
	while (waitpid(mover.pid, NULL, 0) == -1 && errno == EINTR)
		;
	mover.pid = 0;
	mover.open = 0;
}

/* 1: an answer was taken; 0: none is there; -1: it died. */
static int
answer_take(void)
{
	struct moved	 m;
	ssize_t		 n = recv(mover.fd, &m, sizeof(m), MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != (ssize_t)sizeof(m))
		return -1;
	mover.open -= mover.open > 0;
	if (m.serial != WARM)
		mover.news(&m);
	return 1;
}

static void
on_answers(evutil_socket_t fd, short what, void *arg)
{
	int	 r;

	(void)fd;
	(void)what;
	(void)arg;
	if (mover.pid == 0)
		return;
	do
		r = answer_take();
	while (r == 1 && mover.pid != 0 && mover.open > 0);
	if (mover.pid != 0 && r == -1) {
		mover_end();
		mover.news(NULL);
	}
}

int
mover_start(void (*news)(const struct moved *))
{
	pid_t	 parent = getpid(), pid;
	int	 ends[2];

	mover.news = news;
	if (mover.pid != 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		return -1;
	if ((pid = fork()) == 0)
		child(ends[1], parent);
	close(ends[1]);
	if (pid == -1) {
		close(ends[0]);
		return -1;
	}
	mover.pid = pid;
	mover.fd = ends[0];
	event_assign(&mover.answers, core_base(), mover.fd, EV_READ | EV_PERSIST, on_answers, NULL);
	event_add(&mover.answers, NULL);
	return 0;
}

bool
mover_ask(uint64_t serial, pid_t pid, const int fds[BRANCH__MAX], uint32_t n)
{
	struct order	 o = { .serial = serial, .pid = pid, .n = n };
	union fds	 cmsg = { .buf = { 0 } };
	struct iovec	 iov = { &o, sizeof(o) };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf,
	    .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr	*c = CMSG_FIRSTHDR(&msg);

	if (mover.pid == 0 || n == 0 || n > BRANCH__MAX)
		return false;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	if (sendmsg(mover.fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(o))
		return false;
	mover.open++;
	return true;
}

bool
mover_runs(void)
{
	return mover.pid != 0;
}

bool
mover_warm(const int fds[BRANCH__MAX], uint32_t n)
{
	return mover_ask(WARM, mover.pid, fds, n);
}

void
mover_settle(void)
{
	int64_t	 until = now_ms() + MOVER_WAIT_MS;

	while (mover.pid != 0 && mover.open > 0) {
		struct pollfd	 p = { .fd = mover.fd, .events = POLLIN };
		int64_t		 left = until - now_ms();

		if (left <= 0 || (poll(&p, 1, (int)left) > 0 && answer_take() == -1)) {
			mover_end();
			mover.news(NULL);
		}
	}
}

void
mover_stop(void)
{
	mover_end();
}
