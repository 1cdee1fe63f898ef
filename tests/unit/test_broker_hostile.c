/*
 * test_broker_hostile.c -- what a hostile worker sends the broker, and what becomes of its leg.
 */
#include "tests/unit/broker_kit.h"

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
		assert_int_equal(broker_ended(broker, leg, &e), -1);
		assert_int_equal(e.code, ERR_PROTOCOL);
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
	struct error		e = ERROR_NONE;
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
	assert_int_equal(broker_read(broker, &e), 0);
	assert_int_equal(broker_ended(broker, leg, &e), -1);
	assert_int_equal(e.code, ERR_PROTOCOL);
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

/* A hundred refusals are enough: the next is not answered, and the launcher is told. */
static void
refused_without_end(void **state)
{
	uint32_t		 leg;
	autofd			 leg_fd = leg_open_n(&leg, "127.0.0.1", port, opened, 0);
	autojson		*contacts = NULL;
	struct egress_answer	 a;
	struct error		 e = ERROR_NONE;
	int			 fd;

	(void)state;
	for (int n = 0; n < 100; n++)
		assert_int_equal(asked(leg_fd, "a.example", 443), EGRESS_REFUSED);
	assert_int_equal(broker_read(broker, &e), 0);
	assert_int_equal(broker_ended(broker, leg, &e), 0);
	question_send(leg_fd, "b.example", 444);
	assert_int_equal(answer_take(leg_fd, &a, &fd), -1);
	assert_int_equal(broker_read(broker, &e), 0);
	assert_int_equal(broker_ended(broker, leg, &e), -1);
	assert_int_equal(e.code, ERR_NO_EGRESS);
	assert_non_null(strstr(e.msg, "b.example:444"));
	contacts = broker_close(broker, leg);
	assert_int_equal(counted(contacts, "a.example", "refused"), 100);
	assert_int_equal(counted(contacts, "b.example", "refused"), 1);
	assert_int_equal(broker_ended(broker, leg, &e), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(malformed),
		cmocka_unit_test(out_of_turn),
		cmocka_unit_test(passed_descriptors),
		cmocka_unit_test(refused_without_end),
	};

	BROKER_MAIN(tests);
}
