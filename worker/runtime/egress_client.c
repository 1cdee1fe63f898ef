/*
 * egress_client.c -- how a worker gets a socket: it asks the broker, and one comes or does not.
 *
 * The process has no socket() and no resolver; what arrives is connected already.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/contract/egress.h"
#include "worker/contract/util.h"
#include "worker/contract/worker_fd.h"
#include "worker/runtime/fetch_priv.h"

#define ANSWER_MS	(2 * FETCH_CONNECT_MS)	/* resolving and connecting; the broker's own clock is shorter */

union one_fd {
	char		buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr	align;
};

/* An answer that comes after its question was given up would be taken for the next one's. */
static bool	 out_of_step;

/* The enum's answers but EGRESS_OK. */
static const struct {
	enum err_code	 code;
	const char	*what;
} refusals[] = {
	[EGRESS_OK]		= { ERR_UPSTREAM, "no socket came" },
	[EGRESS_REFUSED]	= { ERR_NO_EGRESS, "not allowed" },
	[EGRESS_UNRESOLVED]	= { ERR_UPSTREAM, "the name could not be resolved" },
	[EGRESS_UNREACHABLE]	= { ERR_UPSTREAM, "could not connect" },
	[EGRESS_TIMEOUT]	= { ERR_TIMEOUT, "connecting took too long" },
	[EGRESS_BUDGET]		= { ERR_NO_EGRESS, "too many connections for one invocation" },
};
static_assert(N_ITEMS(refusals) == EGRESS__MAX, "every answer has its error");

static int
egress_refused(const char *host, uint16_t port, const struct egress_answer *a, struct error *e)
{
	const char	*what = a->reason[0] != '\0' ? a->reason : refusals[a->status].what;

	if (refusals[a->status].code == ERR_NO_EGRESS)
		return error_set(e, ERR_NO_EGRESS, "no-egress: %s:%u: %s", host, port, what);
	return error_set(e, refusals[a->status].code, "%s:%u: %s", host, port, what);
}

static int
egress_ask(const char *host, uint16_t port, struct error *e)
{
	struct egress_question	 q = { .port = port, .host_bytes = (uint16_t)strlen(host) };
	ssize_t			 n;

	memcpy(q.host, host, q.host_bytes);
	while ((n = send(FD_EGRESS, &q, sizeof(q), MSG_NOSIGNAL)) == -1 && errno == EINTR)
		;
	if (n == (ssize_t)sizeof(q))
		return 0;
	out_of_step = true;
	return error_set(e, ERR_NO_EGRESS, "no-egress: %s:%u: there is no way out of this process", host, port);
}

/* 0, and *fd is the socket that came or -1. */
static int
egress_hear(struct egress_answer *a, int *fd)
{
	union one_fd		 cmsg;
	struct iovec		 iov = { a, sizeof(*a) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf,
	    .msg_controllen = sizeof(cmsg.buf) };
	const struct cmsghdr	*c;
	ssize_t			 n;

	*fd = -1;
	while ((n = recvmsg(FD_EGRESS, &msg, MSG_CMSG_CLOEXEC)) == -1 && errno == EINTR)
		;
	if (n > 0 && (c = CMSG_FIRSTHDR(&msg)) != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	if (n != (ssize_t)sizeof(*a) || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || a->status >= EGRESS__MAX)
		return -1;
	a->reason[sizeof(a->reason) - 1] = '\0';
	return 0;
}

int
egress_open(const char *host, uint16_t port, struct error *e)
{
	struct egress_answer	 a = { 0 };
	struct pollfd		 p = { .fd = FD_EGRESS, .events = POLLIN };
	autofd			 fd = -1;
	int64_t			 until = now_ms() + ANSWER_MS, left;
	int			 r;

	if (host[0] == '\0' || strlen(host) > EGRESS_HOST_BYTES_MAX)
		return error_set(e, ERR_INVALID_REQUEST, "a host name of %zu bytes", strlen(host));
	if (out_of_step)
		return error_set(e, ERR_NO_EGRESS, "no-egress: %s:%u: the broker is lost", host, port);
	if (egress_ask(host, port, e) == -1)
		return -1;
	do {
		left = until - now_ms();
	} while ((r = poll(&p, 1, left > 0 ? (int)left : 0)) == -1 && errno == EINTR);
	if (r == 0) {
		out_of_step = true;
		return error_set(e, ERR_TIMEOUT, "%s:%u: the egress broker does not answer", host, port);
	}
	if (egress_hear(&a, &fd) == -1) {
		out_of_step = true;
		return error_set(e, ERR_NO_EGRESS, "no-egress: %s:%u: the broker is lost", host, port);
	}
	if (a.status != EGRESS_OK || fd == -1)
		return egress_refused(host, port, &a, e);
	return fd_steal(&fd);
}
