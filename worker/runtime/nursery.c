/*
 * nursery.c -- a connector that has been loaded once and forks a worker when told.
 *
 * It holds the connector's code, libcurl, OpenSSL and the CA store, and nothing
 * of any tenant: it never reads a request.  Stage 1 stood before it was exec'd;
 * stage 2 is entered here, after everything that needs a file has been read.
 *
 * Descriptors 0 to FD__COUNT-1 are kept closed, so that the ones that come with
 * an order land on their right numbers by themselves.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/sandbox.h"
#include "worker/contract/worker_fd.h"
#include "worker/runtime/runtime.h"
#include "worker/runtime/worker.h"

union fds {
	char		buf[CMSG_SPACE(FD__COUNT * sizeof(int))];
	struct cmsghdr	align;
};

static void
on_term(int sig)
{
	(void)sig;
	_exit(error_face(ERR_CANCELLED)->exit);
}

/* A first process of a pid namespace ignores what it has no handler for. */
static void
signals_set(void)
{
	struct sigaction	 term = { .sa_handler = on_term }, pipe = { .sa_handler = SIG_IGN };

	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGINT, &term, NULL);
	sigaction(SIGPIPE, &pipe, NULL);
}

static int
report(unsigned int serial, int pid)
{
	struct nursery_report	 r = { .serial = serial, .pid = pid };

	return send(FD_ORDERS, &r, sizeof(r), MSG_NOSIGNAL) == (ssize_t)sizeof(r) ? 0 : -1;
}

/* 1: an order, its descriptors in place; 0: the launcher is gone; -1: nonsense. */
static int
order_take(struct nursery_order *o)
{
	union fds		 cmsg;
	struct iovec		 iov = { o, sizeof(*o) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf,
	    .msg_controllen = sizeof(cmsg.buf) };
	const struct cmsghdr	*c;
	ssize_t			 n;

	while ((n = recvmsg(FD_ORDERS, &msg, 0)) == -1 && errno == EINTR)
		;
	if (n == 0)
		return 0;
	c = CMSG_FIRSTHDR(&msg);
	if (n != (ssize_t)sizeof(*o) || c == NULL || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(FD__COUNT * sizeof(int)))
		return -1;
	for (int i = 0; i < FD__COUNT; i++)
		if (((const int *)(const void *)CMSG_DATA(c))[i] != i)
			return -1;
	return 1;
}

/*
 * The kernel writes to a registered area of each thread at every switch, so that a forked worker copies that
 * page at once; and nothing here uses it.  A host's C library that registered none is as good.
 */
static void
rseq_leave(void)
{
	struct rseq	*area = (struct rseq *)(void *)((char *)__builtin_thread_pointer() + __rseq_offset);

	if (__rseq_size == 0 || syscall(SYS_rseq, area, sizeof(*area), RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == -1)
		return;
	area->cpu_id = (__u32)RSEQ_CPU_ID_REGISTRATION_FAILED;
}

/* Returns in workers only. */
bool
nursery_run(unsigned int waived, enum workers kind)
{
	bool			 guest = kind == WORKERS_GUEST;
	struct nursery_order	 o;
	pid_t			 pid;

	signals_set();
	sandbox_trap(FD_COMPLAINT, FD_LOG);
	syscall(SYS_close_range, 0, FD_ORDERS - 1, 0);
	/* What stage 2 has to complain of goes where the launcher listens. */
	if (dup2(FD_COMPLAINT, STDERR_FILENO) == -1)
		_exit(error_face(ERR_SYSTEM)->exit);
	if (!guest) {
		rseq_leave();
		sandbox_lock(waived);
		if (kind == WORKERS_MANY)
			heap_settle();
	}
	close(STDERR_FILENO);
	if (report(0, 0) == -1)
		_exit(error_face(ERR_SYSTEM)->exit);
	while (order_take(&o) == 1) {
		if ((pid = guest ? sandbox_fork_guest(waived) : sandbox_fork(waived)) == 0) {
			if (!guest)
				sandbox_shed(waived, FD__COUNT);
			return o.parked != 0;
		}
		if (pid == -1)
			pid = -errno;
		syscall(SYS_close_range, 0, FD__COUNT - 1, 0);
		if (report(o.serial, pid) == -1)
			break;
	}
	_exit(0);
}
