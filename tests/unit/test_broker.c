/*
 * test_broker.c -- the launcher's side and the broker's program together, over a listener on loopback.
 *
 * Plays the worker by hand: it sends what a hostile one would.
 */
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

static uint16_t
bound(int fd)
{
	struct sockaddr_in	in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		len = sizeof(in);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	return ntohs(in.sin_port);
}

static int
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

static int
group_teardown(void **state)
{
	(void)state;
	broker_stop(broker);
	close(listen_fd);
	return 0;
}

static struct egress_rule
rule(const char *host, uint16_t p)
{
	struct egress_rule	r = { .port = p };

	snprintf(r.host, sizeof(r.host), "%s", host);
	return r;
}

static int
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

static void
question_send(int leg_fd, const char *host, uint16_t p)
{
	struct egress_question	q = { .port = p, .host_bytes = (uint16_t)strlen(host) };

	memcpy(q.host, host, strlen(host));
	assert_int_equal(send(leg_fd, &q, sizeof(q), MSG_NOSIGNAL), sizeof(q));
}

/* The answer's status and *fd, or -1 if the leg was closed instead. */
static int
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
	assert_int_equal(a->status == EGRESS_OK, *fd != -1);
	assert_int_equal(a->status == EGRESS_OK, a->reason[0] == '\0');
	return a->status;
}

static int
asked(int leg_fd, const char *host, uint16_t p)
{
	struct egress_answer	a;
	int			fd, status;

	question_send(leg_fd, host, p);
	status = answer_take(leg_fd, &a, &fd);
	fd_closep(&fd);
	return status;
}

/* How often a leg's contacts name this host and outcome. */
static int
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

static void
working_socket(void **state)
{
	static const char *const	hosts[] = { "127.0.0.1", "localhost", "localhost." };

	(void)state;
	for (size_t i = 0; i < N_ITEMS(hosts); i++) {
		uint32_t		leg;
		autofd			leg_fd = leg_open_n(&leg, hosts[i], port, opened, 0);
		struct sockaddr_in	elsewhere = { .sin_family = AF_INET, .sin_port = htons(port),
		    .sin_addr.s_addr = htonl(0x7f000002) };
		struct egress_answer	a;
		autojson		*contacts = NULL;
		autofd			fd = -1, peer = -1;
		char			text[3] = "";
		int			got;

		question_send(leg_fd, hosts[i], port);
		assert_int_equal(answer_take(leg_fd, &a, &got), EGRESS_OK);
		fd = got;
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
		peer = accept(listen_fd, NULL, NULL);
		assert_int_not_equal(peer, -1);
		assert_int_equal(send(fd, "hi", 2, 0), 2);
		assert_int_equal(recv(peer, text, 2, MSG_WAITALL), 2);
		assert_string_equal(text, "hi");
		/* Settled: it goes nowhere else. */
		assert_int_equal(connect(fd, (struct sockaddr *)&elsewhere, sizeof(elsewhere)), -1);
		assert_int_equal(errno, EISCONN);
		contacts = broker_close(broker, leg);
		assert_int_equal(cJSON_GetArraySize(contacts), 1);
		assert_int_equal(counted(contacts, i == 0 ? "127.0.0.1" : "localhost", "ok"), 1);
	}
}

static void
refusals(void **state)
{
	static const struct {
		const char	*rule, *ask;
		int		 port_step;
		bool		 allow;
	} rows[] = {
		{ "127.0.0.1", "127.0.0.1", 0, false },
		{ "localhost", "localhost", 0, false },
		{ "localhost", "127.0.0.1", 0, true },
		{ "127.0.0.1", "localhost", 0, true },
		{ "127.0.0.1", "127.0.0.1", 1, true },
		{ "127.0.0.1", "127.0.0.2", 0, true },
		{ "0.0.0.0", "0.0.0.0", 0, true },
		{ "169.254.169.254", "169.254.169.254", 0, true },
		{ "*.0.0.1", "127.0.0.1", 0, true },
		{ "127.0.0.1", "LOCALHOST", 0, true },
		{ "127.0.0.1", "127.1", 0, true },
		{ "127.0.0.1", "2130706433", 0, true },
		{ "127.0.0.1", "::1", 0, true },
		{ "::1", "::1", 0, true },
		{ "intranet", "intranet", 0, true },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		const char *const	 allow[] = { "localhost", "127.0.0.1", "0.0.0.0", "169.254.169.254", "::1", NULL };
		uint32_t		 leg;
		autofd			 leg_fd = leg_open_n(&leg, rows[i].rule, port, rows[i].allow ? allow : NULL, 0);
		autojson		*contacts = NULL;
		struct error		 e = ERROR_NONE;

		if (asked(leg_fd, rows[i].ask, (uint16_t)(port + rows[i].port_step)) != EGRESS_REFUSED)
			fail_msg("%s was not refused", rows[i].ask);
		assert_int_equal(broker_read(broker, &e), 0);
		assert_string_equal(broker_refused(broker, leg), rows[i].ask);
		contacts = broker_close(broker, leg);
		assert_int_equal(counted(contacts, rows[i].ask, "refused"), 1);
		assert_null(broker_refused(broker, leg));
	}
	assert_int_equal(accept(listen_fd, NULL, NULL), -1);
}

static void
other_outcomes(void **state)
{
	uint32_t	 leg;
	autofd		 leg_fd = leg_open_n(&leg, "127.0.0.1", closed_port, opened, 0);
	autofd		 other_fd = -1;
	autojson	*contacts = NULL;

	(void)state;
	assert_int_equal(asked(leg_fd, "127.0.0.1", closed_port), EGRESS_UNREACHABLE);
	contacts = broker_close(broker, leg);
	assert_int_equal(counted(contacts, "127.0.0.1", "unreachable"), 1);
	other_fd = leg_open_n(&leg, "no-such-host.invalid", 443, NULL, 0);
	assert_int_equal(asked(other_fd, "no-such-host.invalid", 443), EGRESS_UNRESOLVED);
	cJSON_Delete(contacts);
	contacts = broker_close(broker, leg);
	assert_int_equal(counted(contacts, "no-such-host.invalid", "unresolved"), 1);
}

static void
budget(void **state)
{
	uint32_t	 leg;
	autofd		 leg_fd = leg_open_n(&leg, "127.0.0.1", port, opened, 2);
	autojson	*contacts = NULL;

	(void)state;
	assert_int_equal(asked(leg_fd, "127.0.0.1", port), EGRESS_OK);
	assert_int_equal(asked(leg_fd, "127.0.0.1", port), EGRESS_OK);
	assert_int_equal(asked(leg_fd, "127.0.0.1", port), EGRESS_BUDGET);
	assert_int_equal(asked(leg_fd, "127.0.0.1", port), EGRESS_BUDGET);
	contacts = broker_close(broker, leg);
	assert_int_equal(counted(contacts, "127.0.0.1", "ok"), 2);
	assert_int_equal(counted(contacts, "127.0.0.1", "budget"), 2);
	assert_int_equal(cJSON_GetArraySize(contacts), 2);
	for (int fd; (fd = accept(listen_fd, NULL, NULL)) != -1;)
		close(fd);
}

/* Each is answered by the end of the leg, and put on record. */
static void
malformed(void **state)
{
	struct egress_question	good = { .port = port, .host_bytes = 9, .host = "127.0.0.1" };
	struct egress_question	rows[8];
	size_t			bytes[8];
	char			packet[2 * sizeof(good)];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		rows[i] = good;
		bytes[i] = sizeof(good);
	}
	bytes[0] = sizeof(good) - 1;
	bytes[1] = sizeof(good) + 1;
	bytes[2] = 1;
	rows[3].port = 0;
	rows[4].host_bytes = 0;
	rows[5].host_bytes = 10;
	rows[6].host[4] = '\0';
	rows[7].host[EGRESS_HOST_BYTES_MAX] = 'x';
	for (size_t i = 0; i < 8; i++) {
		uint32_t		leg;
		autofd			leg_fd = leg_open_n(&leg, "127.0.0.1", port, opened, 0);
		autojson		*contacts = NULL;
		struct egress_answer	a;
		struct error		e = ERROR_NONE;
		int			fd;

		memset(packet, 0, sizeof(packet));
		memcpy(packet, &rows[i], sizeof(rows[i]));
		assert_int_equal(send(leg_fd, packet, bytes[i], MSG_NOSIGNAL), bytes[i]);
		assert_int_equal(answer_take(leg_fd, &a, &fd), -1);
		assert_int_equal(broker_read(broker, &e), 0);
		assert_null(broker_refused(broker, leg));
		contacts = broker_close(broker, leg);
		assert_int_equal(counted(contacts, "", "refused"), 1);
		assert_string_equal(cJSON_GetObjectItem(contacts->child, "reason")->valuestring, "malformed question");
	}
}

/* A second question before the first answer was taken ends the leg. */
static void
out_of_turn(void **state)
{
	uint32_t		leg;
	autofd			leg_fd = leg_open_n(&leg, "127.0.0.1", port, opened, 0);
	autojson		*contacts = NULL;
	struct egress_answer	a;
	int			fd, n = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct egress_question	q = { .port = port, .host_bytes = 9, .host = "127.0.0.1" };

		(void)send(leg_fd, &q, sizeof(q), MSG_NOSIGNAL);
	}
	while (answer_take(leg_fd, &a, &fd) != -1) {
		fd_closep(&fd);
		n++;
	}
	assert_true(n <= 1);
	contacts = broker_close(broker, leg);
	assert_int_equal(counted(contacts, "", "refused"), 1);
	for (int c; (c = accept(listen_fd, NULL, NULL)) != -1;)
		close(c);
}

/* What a worker passes is dropped at once: the pipe's reader sees the end. */
static void
passed_descriptors(void **state)
{
	struct egress_question	 q = { .port = port, .host_bytes = 9, .host = "127.0.0.1" };
	uint32_t		 leg;
	autofd			 leg_fd = leg_open_n(&leg, "127.0.0.1", port, opened, 0);
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg = { { 0 } };
	struct iovec		 iov = { &q, sizeof(q) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf,
	    .msg_controllen = sizeof(cmsg.buf) };
	struct egress_answer	 a;
	autojson		*contacts = NULL;
	int			 ends[2], fd;
	char			 c;
	struct pollfd		 p;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	cmsg.align.cmsg_level = SOL_SOCKET;
	cmsg.align.cmsg_type = SCM_RIGHTS;
	cmsg.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&cmsg.align), &ends[1], sizeof(int));
	assert_int_equal(sendmsg(leg_fd, &msg, 0), sizeof(q));
	close(ends[1]);
	assert_int_equal(answer_take(leg_fd, &a, &fd), EGRESS_OK);
	close(fd);
	p = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(read(ends[0], &c, 1), 0);
	close(ends[0]);
	contacts = broker_close(broker, leg);
	close(accept(listen_fd, NULL, NULL));
}

static void
many_contacts(void **state)
{
	uint32_t	 leg;
	autofd		 leg_fd = leg_open_n(&leg, "127.0.0.1", port, opened, 0);
	autojson	*contacts = NULL;
	char		 host[32];

	(void)state;
	for (unsigned int i = 0; i < BROKER_CONTACTS_MAX + 36; i++) {
		snprintf(host, sizeof(host), "h%u.example", i);
		assert_int_equal(asked(leg_fd, host, 443), EGRESS_REFUSED);
	}
	/* Nobody has read until now: nothing is lost, the first is remembered. */
	contacts = broker_close(broker, leg);
	assert_int_equal(cJSON_GetArraySize(contacts), BROKER_CONTACTS_MAX + 1);
	assert_int_equal(counted(contacts, "(others)", "refused"), 36);
}

/* A thousand refusals are enough. */
static void
refused_without_end(void **state)
{
	uint32_t	 leg;
	autofd		 leg_fd = leg_open_n(&leg, "127.0.0.1", port, opened, 0);
	autojson	*contacts = NULL;
	struct error	 e = ERROR_NONE;
	int		 n = 0;

	(void)state;
	while (asked(leg_fd, "a.example", 443) == EGRESS_REFUSED) {
		assert_true(++n <= 2000);
		assert_int_equal(broker_read(broker, &e), 0);
		if (n == 1000)
			break;
	}
	assert_int_equal(n, 1000);
	question_send(leg_fd, "a.example", 443);
	assert_int_not_equal(poll(&(struct pollfd){ .fd = leg_fd, .events = POLLRDHUP }, 1, WAIT_MS), 0);
	contacts = broker_close(broker, leg);
	assert_int_equal(counted(contacts, "a.example", "refused"), 1001);
}

static void
closed_legs(void **state)
{
	uint32_t		leg;
	autofd			leg_fd = leg_open_n(&leg, "127.0.0.1", port, opened, 0);
	autojson		*contacts = broker_close(broker, leg);
	struct egress_answer	a;
	int			fd;
	struct error		e = ERROR_NONE;

	(void)state;
	assert_int_equal(cJSON_GetArraySize(contacts), 0);
	assert_int_equal(answer_take(leg_fd, &a, &fd), -1);
	for (int i = 0; i < 2; i++) {
		cJSON_Delete(contacts);
		contacts = broker_close(broker, i == 0 ? leg : 0xfffffffeu);
		assert_non_null(contacts);
		assert_int_equal(cJSON_GetArraySize(contacts), 0);
	}
	assert_null(broker_refused(broker, leg));
	assert_int_equal(broker_read(broker, &e), 0);
}

static void
many_legs(void **state)
{
	enum { LEGS = 200 };
	uint32_t	legs[LEGS];
	int		fds[LEGS];

	(void)state;
	for (int i = 0; i < LEGS; i++) {
		fds[i] = leg_open_n(&legs[i], "127.0.0.1", closed_port, opened, 0);
		question_send(fds[i], "127.0.0.1", closed_port);
	}
	for (int i = 0; i < LEGS; i++) {
		struct egress_answer	 a;
		autojson		*contacts = NULL;
		int			 fd;

		assert_int_equal(answer_take(fds[i], &a, &fd), EGRESS_UNREACHABLE);
		contacts = broker_close(broker, legs[i]);
		assert_int_equal(counted(contacts, "127.0.0.1", "unreachable"), 1);
		close(fds[i]);
	}
}

static void
bad_policies(void **state)
{
	struct egress_rule	rules[SPEC_EGRESS_MAX + 1] = { { .host = "a.b", .port = 1 } };
	struct broker_policy	p = { .rules = rules, .nrules = SPEC_EGRESS_MAX + 1 };
	const char		*many[WIRE_OPENED_MAX + 2];
	struct error		e = ERROR_NONE;
	uint32_t		leg;
	int			fd = -1;

	(void)state;
	assert_int_equal(broker_open(broker, &p, &leg, &fd, &e), -1);
	assert_int_equal(e.code, ERR_LIMIT);
	for (size_t i = 0; i < WIRE_OPENED_MAX + 1; i++)
		many[i] = "a.b";
	many[WIRE_OPENED_MAX + 1] = NULL;
	p = (struct broker_policy){ .rules = rules, .nrules = 1, .allow_private = many };
	assert_int_equal(broker_open(broker, &p, &leg, &fd, &e), -1);
	many[WIRE_OPENED_MAX] = NULL;
	assert_int_equal(broker_open(broker, &p, &leg, &fd, &e), 0);
	close(fd);
	cJSON_Delete(broker_close(broker, leg));
}

/* Its privileges are gone, nothing was inherited, and only its parent's death or ours ends it. */
static pid_t
broker_pid(void)
{
	char	path[64], line[256] = "";
	FILE	*f;
	pid_t	found = -1;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	if ((f = fopen(path, "r")) == NULL)
		return -1;
	if (fgets(line, sizeof(line), f) != NULL)
		found = atoi(line);
	fclose(f);
	return found;
}

static void
privileges(void **state)
{
	pid_t	pid = broker_pid();
	char	path[64], line[256];
	FILE	*f;
	int	seen = 0;

	(void)state;
	if (pid <= 0)
		skip();
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	assert_non_null(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned int	uid;

		if (sscanf(line, "Uid: %u", &uid) == 1) {
			assert_true(uid != 0);
			seen++;
		}
		if (strncmp(line, "NoNewPrivs:", 11) == 0) {
			assert_string_equal(line + 12, "1\n");
			seen++;
		}
		if (strncmp(line, "CapEff:", 7) == 0) {
			assert_string_equal(line + 8, "0000000000000000\n");
			seen++;
		}
	}
	fclose(f);
	assert_int_equal(seen, 3);
}

static void
killed(void **state)
{
	pid_t			 pid = broker_pid();
	uint32_t		 leg;
	autofd			 leg_fd = leg_open_n(&leg, "127.0.0.1", port, opened, 0);
	struct broker_policy	 p = { 0 };
	struct pollfd		 poll_fd = { .fd = broker_fd(broker), .events = POLLIN };
	struct egress_answer	 a;
	autojson		*contacts = NULL;
	struct error		 e = ERROR_NONE;
	int			 fd;

	(void)state;
	if (pid <= 0)
		skip();
	assert_int_equal(asked(leg_fd, "a.example", 443), EGRESS_REFUSED);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(answer_take(leg_fd, &a, &fd), -1);
	/* Legs may close before the control socket does. */
	do
		assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
	while (broker_read(broker, &e) == 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(broker_read(broker, &e), -1);
		assert_int_equal(e.code, ERR_SYSTEM);
	}
	assert_int_equal(broker_open(broker, &p, &(uint32_t){ 0 }, &fd, &e), -1);
	contacts = broker_close(broker, leg);
	assert_int_equal(counted(contacts, "a.example", "refused"), 1);
}

static void
bad_programs(void **state)
{
	struct error	e = ERROR_NONE;

	(void)state;
	assert_null(broker_start("/nonexistent/bascule-broker", &e));
	assert_int_equal(e.code, ERR_SYSTEM);
	assert_non_null(strstr(e.msg, "No such file"));
	assert_null(broker_start("/bin/true", &e));
	assert_non_null(strstr(e.msg, "ended at once"));
	broker_stop(NULL);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(working_socket),
		cmocka_unit_test(refusals),
		cmocka_unit_test(other_outcomes),
		cmocka_unit_test(budget),
		cmocka_unit_test(malformed),
		cmocka_unit_test(out_of_turn),
		cmocka_unit_test(passed_descriptors),
		cmocka_unit_test(many_contacts),
		cmocka_unit_test(refused_without_end),
		cmocka_unit_test(closed_legs),
		cmocka_unit_test(many_legs),
		cmocka_unit_test(bad_policies),
		cmocka_unit_test(privileges),
		cmocka_unit_test(killed),
		cmocka_unit_test(bad_programs),
	};

	if ((program = getenv("BASCULE_BROKER")) == NULL)
		program = "build/libexec/bascule-broker";
	if (access(program, X_OK) == -1) {
		printf("skipped: %s is not there (make it, or set BASCULE_BROKER)\n", program);
		return 0;
	}
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
