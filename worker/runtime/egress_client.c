/*
 * egress_client.c -- how a worker gets a socket: it asks the broker, and one comes or does not; and where its source has
 * a budget, a permit for each request.
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
#include "worker/runtime/runtime.h"

#define ANSWER_MS	(2 * FETCH_CONNECT_MS)	/* resolving and connecting; the broker's own clock is shorter */

union one_fd {
	char		buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr	align;
};

/* An answer that comes after its question was given up would be taken for the next one's. */
static bool	 out_of_step WORKER_STATE;

/* The source has a budget; requests that were permitted and have not ended. */
static bool		 permits_wanted;
static unsigned int	 permits_held;

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
question_send(const struct egress_question *q)
{
	ssize_t	 n;

	while ((n = send(FD_EGRESS, q, sizeof(*q), MSG_NOSIGNAL)) == -1 && errno == EINTR)
		;
	out_of_step = out_of_step || n != (ssize_t)sizeof(*q);
	return n == (ssize_t)sizeof(*q) ? 0 : -1;
}

static int
egress_ask(const char *host, uint16_t port, struct error *e)
{
	struct egress_question	 q = { .kind = EGRESS_CONNECT, .port = port, .host_bytes = (uint16_t)strlen(host) };

	memcpy(q.host, host, q.host_bytes);
	if (question_send(&q) == 0)
		return 0;
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

/* 1: an answer is there; 0: none came in time. */
static int
answer_wait(void)
{
	struct pollfd	p = { .fd = FD_EGRESS, .events = POLLIN };
	int64_t		until = now_ms() + ANSWER_MS, left;
	int		r;

	do {
		left = until - now_ms();
	} while ((r = poll(&p, 1, left > 0 ? (int)left : 0)) == -1 && errno == EINTR);
	out_of_step = out_of_step || r == 0;
	return r != 0;
}

void
permit_setup(bool wanted)
{
	permits_wanted = wanted;
	permits_held = 0;
}

unsigned int
permit_count(void)
{
	return permits_held;
}

int64_t
permit_ask(bool inner, struct error *e)
{
	struct egress_question	 q = { .kind = EGRESS_PERMIT, .inner = inner };
	struct egress_answer	 a = { 0 };
	autofd			 fd = -1;

	if (!permits_wanted)
		return 0;
	emit_flush();
	if (out_of_step || question_send(&q) == -1 || !answer_wait() || egress_hear(&a, &fd) == -1 ||
	    a.status != EGRESS_OK) {
		out_of_step = true;
		return error_set(e, ERR_NO_EGRESS, "no-egress: the broker is lost, and the source's budget with it");
	}
	if (a.wait_ms == 0)
		permits_held++;
	return a.wait_ms;
}

void
permit_done(int64_t hold_ms)
{
	struct egress_question	 q = { .kind = EGRESS_DONE };

	if (!permits_wanted || permits_held == 0)
		return;
	permits_held--;
	if (hold_ms > 0)
		q.wait_ms = hold_ms > EGRESS_HOLD_MS_MAX ? EGRESS_HOLD_MS_MAX : (uint32_t)hold_ms;
	if (!out_of_step)
		(void)question_send(&q);
}

int
egress_open(const char *host, uint16_t port, struct error *e)
{
	struct egress_answer	 a = { 0 };
	autofd			 fd = -1;

	if (host[0] == '\0' || strlen(host) > EGRESS_HOST_BYTES_MAX)
		return error_set(e, ERR_INVALID_REQUEST, "a host name of %zu bytes", strlen(host));
	if (out_of_step)
		return error_set(e, ERR_NO_EGRESS, "no-egress: %s:%u: the broker is lost", host, port);
	if (egress_ask(host, port, e) == -1)
		return -1;
	if (!answer_wait())
		return error_set(e, ERR_TIMEOUT, "%s:%u: the egress broker does not answer", host, port);
	if (egress_hear(&a, &fd) == -1) {
		out_of_step = true;
		return error_set(e, ERR_NO_EGRESS, "no-egress: %s:%u: the broker is lost", host, port);
	}
	if (a.status != EGRESS_OK || fd == -1)
		return egress_refused(host, port, &a, e);
	return fd_steal(&fd);
}
