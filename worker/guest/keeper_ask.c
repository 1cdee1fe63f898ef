/*
 * keeper_ask.c -- the broker, as a keeper speaks to it.  Who is not answered any more has nothing left to do.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/guest/keeper.h"

void
keeper_end(void)
{
	(void)kill(0, SIGKILL);
	_exit(0);
}

static void
send_question(int broker, const struct egress_question *q)
{
	if (send(broker, q, sizeof(*q), MSG_NOSIGNAL) != (ssize_t)sizeof(*q))
		keeper_end();
}

void
keeper_tell(int broker, int nr)
{
	struct egress_question	 q = { .kind = EGRESS_CALL, .wait_ms = (uint32_t)nr };

	send_question(broker, &q);
}

static struct egress_answer
answer_take(int broker, int *fd)
{
	struct egress_answer	 a;
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg;
	struct iovec		 iov = { &a, sizeof(a) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf, .msg_controllen = sizeof(cmsg.buf) };
	const struct cmsghdr	*c;
	ssize_t			 n;

	while ((n = recvmsg(broker, &msg, MSG_CMSG_CLOEXEC)) == -1 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof(a) || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		keeper_end();
	*fd = -1;
	if ((c = CMSG_FIRSTHDR(&msg)) != NULL && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return a;
}

struct egress_answer
keeper_ask(int broker, enum egress_kind kind, const char *host, uint16_t port, int *fd)
{
	struct egress_question	 q = { .kind = (uint16_t)kind, .port = port, .host_bytes = (uint16_t)strnlen(host, EGRESS_HOST_BYTES_MAX) };

	memcpy(q.host, host, q.host_bytes);
	send_question(broker, &q);
	return answer_take(broker, fd);
}
