/*
 * desk_io.c -- packets between front and supervisor, and descriptors that go along.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "launcher/core/desk_wire.h"

union ancillary {
	char		buf[CMSG_SPACE(DESK_FDS_MAX * sizeof(int))];
	struct cmsghdr	align;
};

int
desk_send(int fd, const void *packet, size_t bytes, const int *fds, size_t nfds)
{
	union ancillary	 cmsg = { { 0 } };
	struct iovec	 iov = { (void *)(uintptr_t)packet, bytes };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t		 n;

	if (nfds > 0) {
		msg.msg_control = cmsg.buf;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cmsg.align.cmsg_level = SOL_SOCKET;
		cmsg.align.cmsg_type = SCM_RIGHTS;
		cmsg.align.cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(&cmsg.align), fds, nfds * sizeof(int));
	}
	while ((n = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL)) == -1 && errno == EINTR)
		;
	if (n == (ssize_t)bytes)
		return 0;
	/* Too many descriptors under way is no end either. */
	return n == -1 && (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS) ? 1 : -1;
}

int
desk_receive(int fd, union desk_packet *p, size_t *bytes, int fds[DESK_FDS_MAX])
{
	union ancillary	 cmsg;
	struct iovec	 iov = { p, sizeof(*p) };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf, .msg_controllen = sizeof(cmsg.buf) };
	struct cmsghdr	*c;
	ssize_t		 n;

	for (size_t i = 0; i < DESK_FDS_MAX; i++)
		fds[i] = -1;
	while ((n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) == -1 && errno == EINTR)
		;
	if (n == -1 && errno == EAGAIN)
		return 1;
	c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	/* Some or none of them, where this process may have no more: then it is as if none had been sent. */
	for (size_t i = 0; i < DESK_FDS_MAX && (n <= 0 || (msg.msg_flags & MSG_CTRUNC) != 0); i++)
		fd_closep(&fds[i]);
	if (n < (ssize_t)sizeof(p->head) || p->head.version != DESK_VERSION || (msg.msg_flags & MSG_TRUNC) != 0) {
		for (size_t i = 0; i < DESK_FDS_MAX; i++)
			fd_closep(&fds[i]);
		return -1;
	}
	*bytes = (size_t)n;
	return 0;
}
