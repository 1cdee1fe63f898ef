/*
 * broker_kit.h -- what the tests of the egress broker share: its program, a listener on loopback, and a worker
 * played by hand.  Include it once, after cmocka's needs; main() is BROKER_MAIN(tests).
 */
#ifndef UNIT_BROKER_KIT_H
#define UNIT_BROKER_KIT_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "launcher/core/broker.h"
#include "launcher/core/broker_wire.h"
#include "worker/contract/egress.h"
#include "worker/contract/util.h"

#define WAIT_MS		SECONDS(20)

static const char	*program;
static struct broker	*broker;
static int		 listen_fd = -1;
static uint16_t		 port, closed_port;

static const char *const opened[] = { "localhost", "127.0.0.1", NULL };

#define KIT	static __attribute__((unused))	/* no test needs all of it */

KIT uint16_t
bound(int fd)
{
	struct sockaddr_in	in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		len = sizeof(in);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	return ntohs(in.sin_port);
}

KIT int
group_setup(void **state)
{
	struct error	e = ERROR_NONE;
	int		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	closed_port = bound(fd);
	close(fd);
	listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	port = bound(listen_fd);
	assert_int_equal(listen(listen_fd, 64), 0);
	if ((broker = broker_start(program, &e)) == NULL)
		fail_msg("%s", e.msg);
	return 0;
}

KIT int
group_teardown(void **state)
{
	(void)state;
	broker_stop(broker);
	close(listen_fd);
	return 0;
}

KIT struct egress_rule
rule(const char *host, uint16_t p)
{
	struct egress_rule	r = { .port = p };

	snprintf(r.host, sizeof(r.host), "%s", host);
	return r;
}

KIT int
leg_open_n(uint32_t *leg, const char *host, uint16_t p, const char *const *allow, unsigned int budget)
{
	struct egress_rule	r = rule(host, p);
	struct broker_policy	policy = { .rules = &r, .nrules = 1, .allow_private = allow, .connects_max = budget };
	struct error		e = ERROR_NONE;
	int			fd = -1;

	if (broker_open(broker, &policy, leg, &fd, &e) == -1)
		fail_msg("%s", e.msg);
	assert_true(*leg > 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	return fd;
}

KIT void
question_send(int leg_fd, const char *host, uint16_t p)
{
	struct egress_question	q = { .port = p, .host_bytes = (uint16_t)strlen(host) };

	memcpy(q.host, host, strlen(host));
	assert_int_equal(send(leg_fd, &q, sizeof(q), MSG_NOSIGNAL), sizeof(q));
}

/* The answer's status and *fd, or -1 if the leg was closed instead. */
KIT int
answer_take(int leg_fd, struct egress_answer *a, int *fd)
{
	union {
		char		 buf[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr	 align;
	} cmsg;
	struct iovec		 iov = { a, sizeof(*a) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf,
	    .msg_controllen = sizeof(cmsg.buf) };
	struct pollfd		 p = { .fd = leg_fd, .events = POLLIN };
	struct cmsghdr		*c;
	ssize_t			 n;

	*fd = -1;
	if (poll(&p, 1, WAIT_MS) != 1)
		fail_msg("no answer");
	n = recvmsg(leg_fd, &msg, MSG_CMSG_CLOEXEC);
	if (n == 0 || (n == -1 && errno == ECONNRESET))
		return -1;
	assert_int_equal(n, sizeof(*a));
	if ((c = CMSG_FIRSTHDR(&msg)) != NULL) {
		assert_int_equal(c->cmsg_len, CMSG_LEN(sizeof(int)));
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	}
	assert_true(a->status == EGRESS_OK || *fd == -1);
	assert_int_equal(a->status == EGRESS_OK, a->reason[0] == '\0');
	return a->status;
}

KIT int
asked(int leg_fd, const char *host, uint16_t p)
{
	struct egress_answer	a;
	int			fd, status;

	question_send(leg_fd, host, p);
	status = answer_take(leg_fd, &a, &fd);
	assert_int_equal(status == EGRESS_OK, fd != -1);
	fd_closep(&fd);
	return status;
}

/* How often a leg's contacts name this host and outcome. */
KIT int
counted(const cJSON *contacts, const char *host, const char *outcome)
{
	const cJSON	*c;
	int		 n = 0;

	cJSON_ArrayForEach(c, contacts)
		if (strcmp(cJSON_GetObjectItem(c, "host")->valuestring, host) == 0 &&
		    strcmp(cJSON_GetObjectItem(c, "outcome")->valuestring, outcome) == 0)
			n += cJSON_GetObjectItem(c, "count")->valueint;
	return n;
}

#define BROKER_MAIN(tests) do {									\
	if ((program = getenv("BASCULE_BROKER")) == NULL)					\
		program = "build/libexec/bascule-broker";					\
	if (access(program, X_OK) == -1) {							\
		printf("skipped: %s is not there (make it, or set BASCULE_BROKER)\n", program);	\
		return 0;									\
	}											\
	return cmocka_run_group_tests(tests, group_setup, group_teardown);			\
} while (0)

#endif
