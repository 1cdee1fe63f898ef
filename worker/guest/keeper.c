/*
 * keeper.c -- what a guest without namespaces asks for, one call after the other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/sandbox.h"
#include "worker/contract/util.h"
#include "worker/guest/keeper.h"

#define DNS_PORT	53
#define WAITS_MAX	10000u		/* of one connection, for permits */

static int	 broker, heard;

/* Kernels may know more members than these headers. */
union call {
	struct seccomp_notif	 n;
	char			 room[256];
};

union address {
	struct sockaddr		 sa;
	struct sockaddr_in	 in;
	struct sockaddr_in6	 in6;
};

static bool
is_waiting(const struct seccomp_notif *n)
{
	return ioctl(heard, SECCOMP_IOCTL_NOTIF_ID_VALID, &n->id) == 0;
}

/* err 0: the call has this value. */
static void
answer(const struct seccomp_notif *n, int64_t value, int err)
{
	union {
		struct seccomp_notif_resp	 r;
		char				 room[256];
	} a;

	memset(&a, 0, sizeof(a));
	a.r.id = n->id;
	a.r.val = value;
	a.r.error = -err;
	(void)ioctl(heard, SECCOMP_IOCTL_NOTIF_SEND, &a);
}

/* Its new descriptor in the guest, or -1.  at: in whose place, or -1. */
static int
give(const struct seccomp_notif *n, int fd, int at, bool cloexec)
{
	struct seccomp_notif_addfd	 add = { .id = n->id, .srcfd = (uint32_t)fd, .newfd_flags = cloexec ? O_CLOEXEC : 0 };

	if (at != -1) {
		add.flags = SECCOMP_ADDFD_FLAG_SETFD;
		add.newfd = (uint32_t)at;
	}
	return ioctl(heard, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
}

/* 0 or an errno.  One copy, and it is that process's only if it still waits after it. */
static int
address_read(const struct seccomp_notif *n, union address *to)
{
	size_t		 len = n->data.args[2] & 0xffffffffu;
	struct iovec	 here = { to, sizeof(*to) }, there = { (void *)(uintptr_t)n->data.args[1], sizeof(*to) };

	memset(to, 0, sizeof(*to));
	if (len < sizeof(sa_family_t))
		return EINVAL;
	here.iov_len = there.iov_len = len < sizeof(*to) ? len : sizeof(*to);
	if (process_vm_readv((pid_t)n->pid, &here, 1, &there, 1, 0) != (ssize_t)here.iov_len)
		return errno == EPERM ? EACCES : EFAULT;
	if (!is_waiting(n))
		return ESRCH;
	switch (to->sa.sa_family) {
	case AF_INET:
		return len >= sizeof(to->in) ? 0 : EINVAL;
	case AF_INET6:
		return len >= sizeof(to->in6) ? 0 : EINVAL;
	default:
		return EACCES;
	}
}

/* What the guest has by that number: the inode of a socket.  0 or an errno. */
static int
socket_look(const struct seccomp_notif *n, int fd, uint64_t *inode, unsigned int *flags)
{
	char	 path[64], text[256], *p;
	ssize_t	 len;
	autofd	 info = -1;

	snprintf(path, sizeof(path), "/proc/%u/fd/%d", n->pid, fd);
	if ((len = readlink(path, text, sizeof(text) - 1)) == -1)
		return errno == ENOENT ? EBADF : EACCES;
	text[len] = '\0';
	if (strncmp(text, "socket:[", 8) != 0)
		return ENOTSOCK;
	*inode = strtoull(text + 8, NULL, 10);
	snprintf(path, sizeof(path), "/proc/%u/fdinfo/%d", n->pid, fd);
	if ((info = open(path, O_RDONLY | O_CLOEXEC)) == -1 || (len = read(info, text, sizeof(text) - 1)) <= 0)
		return EACCES;
	text[len] = '\0';
	if ((p = strstr(text, "flags:")) == NULL)
		return EACCES;
	*flags = (unsigned int)strtoul(p + 6, NULL, 8);
	return is_waiting(n) ? 0 : ESRCH;
}

static int
error_of(enum egress_status s)
{
	switch (s) {
	case EGRESS_UNRESOLVED:
		return EHOSTUNREACH;
	case EGRESS_UNREACHABLE:
		return ECONNREFUSED;
	case EGRESS_TIMEOUT:
		return ETIMEDOUT;
	default:
		return EACCES;
	}
}

/* A connected socket, or -1 and *err. */
static int
place_ask(const union address *to, int *err)
{
	char			 host[EGRESS_HOST_BYTES_MAX + 1];
	struct egress_answer	 a;
	int			 fd = -1;

	names_host(&to->sa, host);
	for (unsigned int i = 0; i < WAITS_MAX; i++) {
		/* The port is at the same place in both families. */
		a = keeper_ask(broker, EGRESS_CONNECT, host, ntohs(to->in.sin_port), &fd);
		if (fd != -1 || a.status != EGRESS_OK || a.wait_ms == 0)
			break;
		const struct timespec	 ts = { a.wait_ms / 1000, (long)(a.wait_ms % 1000) * 1000000 };

		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
	}
	*err = fd != -1 ? 0 : a.status == EGRESS_OK ? EACCES : error_of(a.status);
	return fd;
}

/* Where programs look for a name server that cannot read which there is: port 53 of this very host. */
static bool
is_resolver(const union address *to)
{
	struct in_addr	 four;

	if (ntohs(to->in.sin_port) != DNS_PORT)
		return false;
	if (stub_four(&to->sa, &four))
		return four.s_addr == htonl(INADDR_LOOPBACK);
	return IN6_IS_ADDR_LOOPBACK(&to->in6.sin6_addr);
}

/* 0 or an errno. */
static int
connect_serve(const struct seccomp_notif *n)
{
	union address	 to;
	uint64_t	 inode;
	unsigned int	 flags;
	int		 at = (int)n->data.args[0], err;
	autofd		 fd = -1;

	if ((err = address_read(n, &to)) != 0 || (err = socket_look(n, at, &inode, &flags)) != 0)
		return err;
	if (to.in.sin_port == 0)
		return EADDRNOTAVAIL;
	if (names_is_datagrams(inode))
		return is_resolver(&to) ? 0 : EACCES;
	if (is_resolver(&to))
		err = (fd = names_connection()) == -1 ? EMFILE : 0;
	else
		fd = place_ask(&to, &err);
	if (err != 0)
		return err;
	if (fcntl(fd, F_SETFL, flags & O_NONBLOCK) == -1 || give(n, fd, at, (flags & O_CLOEXEC) != 0) == -1)
		return ECONNABORTED;
	return 0;
}

static void
socket_serve(const struct seccomp_notif *n)
{
	int	 kind = (int)n->data.args[1], protocol = (int)n->data.args[2], fd, at;

	if (protocol != 0 && protocol != IPPROTO_UDP)
		answer(n, 0, EACCES);
	else if ((fd = names_datagrams()) == -1 || fcntl(fd, F_SETFL, kind & SOCK_NONBLOCK) == -1)
		answer(n, 0, EACCES);
	else if ((at = give(n, fd, -1, (kind & SOCK_CLOEXEC) != 0)) == -1)
		answer(n, 0, EMFILE);
	else
		answer(n, at, 0);
}

static void
call_serve(void)
{
	union call	 c;

	memset(&c, 0, sizeof(c));
	if (ioctl(heard, SECCOMP_IOCTL_NOTIF_RECV, &c) == -1)
		return;		/* its caller is dead by now */
	switch (c.n.data.nr) {
	case SYS_connect:
		answer(&c.n, 0, connect_serve(&c.n));
		break;
	case SYS_socket:
		socket_serve(&c.n);
		break;
	default:
		keeper_tell(broker, c.n.data.nr);	/* and it stands still until it is killed */
		break;
	}
}

/* -1: it has died. */
static int
heard_take(int from)
{
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg;
	char			 c;
	struct iovec		 iov = { &c, 1 };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf, .msg_controllen = sizeof(cmsg.buf) };
	const struct cmsghdr	*m;
	int			 fd = -1;

	if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) == 1 && (m = CMSG_FIRSTHDR(&msg)) != NULL && m->cmsg_type == SCM_RIGHTS &&
	    m->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(m), sizeof(int));
	close(from);
	return fd;
}

void
keeper_run(int broker_fd, int from_guest)
{
	struct pollfd	 fds[2 + NAMES_FDS_MAX];
	size_t		 n;

	broker = broker_fd;
	names_open(broker);
	if ((heard = heard_take(from_guest)) == -1)
		_exit(0);
	sandbox_keeper();
	for (;;) {
		fds[0] = (struct pollfd){ .fd = heard, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = broker };	/* for its end alone: it speaks when it is asked */
		n = 2 + names_wait(fds + 2);
		if (poll(fds, n, -1) == -1)
			continue;
		if (fds[0].revents & POLLIN)
			call_serve();
		else if (fds[0].revents != 0)
			_exit(0);		/* nobody is left behind that filter */
		if (fds[1].revents != 0)
			keeper_end();
		names_serve(fds + 2);
	}
}
