/*
 * test_broker.c -- the launcher's side and the broker's program together, over a listener on loopback.
 */
#include "tests/unit/broker_kit.h"

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
		assert_int_equal(send(peer, "hello", 5, 0), 5);
		assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, WAIT_MS), 1);
		/* Settled: it goes nowhere else. */
		assert_int_equal(connect(fd, (struct sockaddr *)&elsewhere, sizeof(elsewhere)), -1);
		assert_int_equal(errno, EISCONN);
		contacts = broker_close(broker, leg);
		assert_int_equal(cJSON_GetArraySize(contacts), 1);
		assert_string_equal(cJSON_GetObjectItem(contacts->child, "address")->valuestring, "127.0.0.1");
		assert_int_equal(cJSON_GetObjectItem(contacts->child, "bytesOut")->valueint, 2);
		assert_int_equal(cJSON_GetObjectItem(contacts->child, "bytesIn")->valueint, 5);
		assert_true(cJSON_HasObjectItem(contacts->child, "connectMs"));
		assert_false(cJSON_HasObjectItem(contacts->child, "proxy"));
		assert_int_equal(counted(contacts, i == 0 ? "127.0.0.1" : "localhost", "ok"), 1);
	}
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

/* More than are watched at a time: each is counted, those that either end has closed as well. */
static void
many_connections(void **state)
{
	enum { MANY = 150 };
	uint32_t	 leg;
	autofd		 leg_fd = leg_open_n(&leg, "127.0.0.1", port, opened, 0);
	autojson	*contacts = NULL;
	struct error	 e = ERROR_NONE;
	char		 text[4];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		struct egress_answer	a;
		autofd			fd = -1, peer = -1;
		int			got;

		question_send(leg_fd, "127.0.0.1", port);
		assert_int_equal(answer_take(leg_fd, &a, &got), EGRESS_OK);
		fd = got;
		assert_int_not_equal(peer = accept(listen_fd, NULL, NULL), -1);
		assert_int_equal(send(fd, "abc", 3, 0), 3);
		assert_int_equal(recv(peer, text, 3, MSG_WAITALL), 3);
		assert_int_equal(send(peer, "de", 2, 0), 2);
		assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, WAIT_MS), 1);
		assert_int_equal(broker_read(broker, &e), 0);
		if (i % 2 == 0)		/* those are let go early */
			fd_closep(&peer);
		else
			(void)fd_steal(&peer);
	}
	contacts = broker_close(broker, leg);
	assert_int_equal(cJSON_GetArraySize(contacts), 1);
	assert_int_equal(counted(contacts, "127.0.0.1", "ok"), MANY);
	assert_int_equal(cJSON_GetObjectItem(contacts->child, "bytesOut")->valueint, MANY * 3);
	assert_int_equal(cJSON_GetObjectItem(contacts->child, "bytesIn")->valueint, MANY * 2);
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

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(working_socket),
		cmocka_unit_test(other_outcomes),
		cmocka_unit_test(budget),
		cmocka_unit_test(many_contacts),
		cmocka_unit_test(many_connections),
		cmocka_unit_test(many_legs),
	};

	BROKER_MAIN(tests);
}
