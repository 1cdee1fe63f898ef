/*
 * test_broker_rate.c -- budgets of sources as workers meet them: the launcher's side, the broker's program, workers by hand.
 */
#include "tests/unit/broker_kit.h"

static int
leg_rated(uint32_t *leg, uint8_t source, struct rate_budget budget)
{
	struct egress_rule	r = rule("127.0.0.1", port);
	struct wire_rate	rate = { .budget = budget, .source = { source } };
	struct broker_policy	policy = { .rules = &r, .nrules = 1, .allow_private = opened, .rate = &rate };
	struct error		e = ERROR_NONE;
	int			fd = -1;

	if (broker_open(broker, &policy, leg, &fd, &e) == -1)
		fail_msg("%s", e.msg);
	return fd;
}

/* How long to wait, or -1 if the leg was closed instead. */
static int64_t
permit(int leg_fd)
{
	struct egress_question	q = { .kind = EGRESS_PERMIT };
	struct egress_answer	a = { 0 };
	struct pollfd		p = { .fd = leg_fd, .events = POLLIN };

	assert_int_equal(send(leg_fd, &q, sizeof(q), MSG_NOSIGNAL), sizeof(q));
	if (poll(&p, 1, WAIT_MS) != 1)
		fail_msg("no answer");
	if (recv(leg_fd, &a, sizeof(a), 0) <= 0)
		return -1;
	assert_int_equal(a.status, EGRESS_OK);
	return a.wait_ms;
}

static void
done(int leg_fd, uint32_t wait_ms)
{
	struct egress_question	q = { .kind = EGRESS_DONE, .wait_ms = wait_ms };

	assert_int_equal(send(leg_fd, &q, sizeof(q), MSG_NOSIGNAL), sizeof(q));
}

static void
sleep_ms(int64_t ms)
{
	struct timespec	ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static struct broker_spent
closed(uint32_t leg)
{
	struct broker_spent	 s;
	autojson		*contacts = broker_close_spent(broker, leg, &s);

	assert_non_null(contacts);
	return s;
}

static void
shared(void **state)
{
	const struct rate_budget	b = { 2, 60000, 0 };
	uint32_t			leg[3];
	autofd				one = leg_rated(&leg[0], 1, b), two = leg_rated(&leg[1], 1, b), other = leg_rated(&leg[2], 2, b);
	struct broker_spent		s;

	(void)state;
	assert_int_equal(permit(one), 0);
	assert_int_equal(permit(two), 0);
	assert_true(permit(one) > 0);
	assert_int_equal(permit(other), 0);
	sleep_ms(30);
	s = closed(leg[0]);
	assert_true(s.bounded);
	assert_int_equal(s.permits, 1);
	assert_in_range(s.wait_ms, 30, WAIT_MS);
	s = closed(leg[1]);
	assert_int_equal(s.wait_ms, 0);
	assert_int_equal(closed(leg[2]).permits, 1);
}

/* One that dies gives its places back before its leg is closed. */
static void
killed(void **state)
{
	const struct rate_budget	b = { 0, 0, 1 };
	uint32_t			leg[2];
	autofd				one = leg_rated(&leg[0], 3, b), two = leg_rated(&leg[1], 3, b);
	int64_t				wait;

	(void)state;
	assert_int_equal(permit(one), 0);
	assert_true((wait = permit(two)) > 0);
	fd_closep(&one);
	sleep_ms(wait + 200);
	assert_int_equal(permit(two), 0);
	done(two, 0);
	assert_int_equal(permit(two), 0);
	assert_int_equal(closed(leg[0]).permits, 1);
	assert_int_equal(closed(leg[1]).permits, 2);
}

static void
held(void **state)
{
	const struct rate_budget	b = { 100, 1000, 0 };
	uint32_t			leg[2];
	autofd				one = leg_rated(&leg[0], 4, b), two = leg_rated(&leg[1], 4, b);
	int64_t				wait;

	(void)state;
	assert_int_equal(permit(one), 0);
	done(one, 700);
	assert_int_equal(permit(one) > 0, 1);	/* by now it was read */
	assert_in_range(wait = permit(two), 300, 700);
	sleep_ms(wait + 5);
	assert_int_equal(permit(two), 0);
	closed(leg[0]);
	closed(leg[1]);
}

static void
connections(void **state)
{
	uint32_t	leg, plain;
	autofd		leg_fd = leg_rated(&leg, 5, (struct rate_budget){ 1, 60000, 0 });
	autofd		plain_fd = leg_open_n(&plain, "127.0.0.1", port, opened, 0);

	(void)state;
	assert_int_equal(asked(plain_fd, "127.0.0.1", port), EGRESS_OK);
	assert_int_equal(asked(leg_fd, "127.0.0.1", port), EGRESS_BUDGET);
	assert_int_equal(permit(leg_fd), 0);
	for (int i = 0; i < EGRESS_CONNECTS_PER_PERMIT; i++)
		assert_int_equal(asked(leg_fd, "127.0.0.1", port), EGRESS_OK);
	assert_int_equal(asked(leg_fd, "127.0.0.1", port), EGRESS_BUDGET);
	assert_false(closed(plain).bounded);
	closed(leg);
	for (int fd; (fd = accept(listen_fd, NULL, NULL)) != -1;)
		close(fd);
}

static void
must_be_cut(uint32_t leg, int leg_fd)
{
	struct egress_answer	a;
	struct error		e = ERROR_NONE;
	int			fd;

	assert_int_equal(answer_take(leg_fd, &a, &fd), -1);
	assert_int_equal(broker_read(broker, &e), 0);
	assert_int_equal(broker_ended(broker, leg, &e), -1);
	assert_int_equal(e.code, ERR_PROTOCOL);
	closed(leg);
}

static void
nonsense(void **state)
{
	const struct egress_question	rows[] = {
		{ .kind = EGRESS_DONE },			/* nothing was permitted */
		{ .kind = EGRESS_KIND__MAX },
		{ .kind = EGRESS_PERMIT, .inner = 2 },
		{ .kind = EGRESS_PERMIT, .port = 1 },
		{ .kind = EGRESS_PERMIT, .host = "x" },
		{ .kind = EGRESS_PERMIT, .wait_ms = 1 },
		{ .kind = EGRESS_PERMIT, .pad = { 1 } },
		{ .kind = EGRESS_CONNECT, .wait_ms = 1, .port = 1, .host_bytes = 1, .host = "x" },
		{ .kind = EGRESS_NAME, .host_bytes = 3, .host = "a.b" },	/* a keeper's to ask */
		{ .kind = EGRESS_CALL, .wait_ms = 101 },
	};
	uint32_t			leg;

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		autofd	leg_fd = leg_rated(&leg, 6, (struct rate_budget){ 10, 1000, 0 });

		assert_int_equal(send(leg_fd, &rows[i], sizeof(rows[i]), MSG_NOSIGNAL), sizeof(rows[i]));
		must_be_cut(leg, leg_fd);
	}
	/* Where there is no budget, nobody asks. */
	for (uint16_t kind = EGRESS_PERMIT; kind <= EGRESS_DONE; kind++) {
		struct egress_question	q = { .kind = kind };
		autofd			leg_fd = leg_open_n(&leg, "127.0.0.1", port, opened, 0);

		assert_int_equal(send(leg_fd, &q, sizeof(q), MSG_NOSIGNAL), sizeof(q));
		must_be_cut(leg, leg_fd);
	}
}

static int
leg_kept(uint32_t *leg, struct rate_budget budget)
{
	struct egress_rule	r = rule("localhost", port);
	struct wire_rate	rate = { .budget = budget, .source = { 8 } };
	struct broker_policy	policy = { .rules = &r, .nrules = 1, .allow_private = opened, .rate = &rate, .way = WIRE_KEPT };
	struct error		e = ERROR_NONE;
	int			fd = -1;

	if (broker_open(broker, &policy, leg, &fd, &e) == -1)
		fail_msg("%s", e.msg);
	return fd;
}

/* The answer, and whether a socket came with it; false: none. */
static bool
kept_ask(int leg_fd, uint16_t kind, const char *host, uint16_t at, struct egress_answer *a, bool *socket_came)
{
	struct egress_question	q = { .kind = kind, .port = at, .host_bytes = (uint16_t)strlen(host) };
	struct pollfd		p = { .fd = leg_fd, .events = POLLIN };
	autofd			fd = -1;

	memcpy(q.host, host, q.host_bytes);
	assert_int_equal(send(leg_fd, &q, sizeof(q), MSG_NOSIGNAL), sizeof(q));
	if (poll(&p, 1, WAIT_MS) != 1 || answer_take(leg_fd, a, &fd) == -1)
		return false;
	*socket_came = fd != -1;
	return true;
}

static void
kept(void **state)
{
	static const struct {
		uint16_t		kind;
		const char		*host;
		int			 at;		/* 0: none; 1: the source's; 2: another */
		enum egress_status	 want;
		bool			 socket;
	} rows[] = {
		{ EGRESS_NAME, "localhost", 0, EGRESS_OK, false },
		{ EGRESS_NAME, "evil.example", 0, EGRESS_REFUSED, false },
		{ EGRESS_NAME, "a_b.example", 0, EGRESS_REFUSED, false },
		{ EGRESS_CONNECT, "localhost", 1, EGRESS_OK, true },
		{ EGRESS_CONNECT, "127.0.0.1", 1, EGRESS_OK, true },	/* localhost by its number */
		{ EGRESS_CONNECT, "127.0.0.1", 2, EGRESS_REFUSED, false },
		{ EGRESS_CONNECT, "::1", 1, EGRESS_REFUSED, false },
		{ EGRESS_CONNECT, "169.254.169.254", 1, EGRESS_REFUSED, false },
	};
	const struct egress_question	call = { .kind = EGRESS_CALL, .wait_ms = 101 };
	uint32_t			leg;
	autofd				leg_fd = leg_kept(&leg, (struct rate_budget){ 0 });
	struct egress_answer		a;
	struct error			e = ERROR_NONE;
	bool				came;

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		uint16_t	at = rows[i].at == 0 ? 0 : rows[i].at == 1 ? port : (uint16_t)(port + 1);

		if (!kept_ask(leg_fd, rows[i].kind, rows[i].host, at, &a, &came) || a.status != rows[i].want || came != rows[i].socket)
			fail_msg("%s %d: %d", rows[i].host, rows[i].at, a.status);
	}
	assert_int_equal(send(leg_fd, &call, sizeof(call), MSG_NOSIGNAL), sizeof(call));
	for (int i = 0; i < 100 && broker_ended(broker, leg, &e) == 0; i++) {
		sleep_ms(20);
		assert_int_equal(broker_read(broker, &e), 0);
	}
	assert_int_equal(e.code, ERR_SYSCALL);
	closed(leg);
}

/* Each connection is a permit, for which a keeper is told to come back. */
static void
kept_waits(void **state)
{
	uint32_t		leg;
	autofd			leg_fd = leg_kept(&leg, (struct rate_budget){ 2, 60000, 0 });
	struct egress_answer	a;
	bool			came;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_true(kept_ask(leg_fd, EGRESS_CONNECT, "localhost", port, &a, &came) && came);
	assert_true(kept_ask(leg_fd, EGRESS_CONNECT, "localhost", port, &a, &came));
	assert_int_equal(a.status, EGRESS_OK);
	assert_false(came);
	assert_true(a.wait_ms > 0);
	assert_int_equal(closed(leg).permits, 2);
}

static void
hammering(void **state)
{
	uint32_t	leg;
	autofd		leg_fd = leg_rated(&leg, 7, (struct rate_budget){ 1, 60000, 0 });
	struct error	e = ERROR_NONE;
	int		n = 0;

	(void)state;
	while (n < 1000 && permit(leg_fd) != -1)
		n++;
	assert_in_range(n, 10, 999);
	assert_int_equal(broker_read(broker, &e), 0);
	assert_int_equal(broker_ended(broker, leg, &e), -1);
	closed(leg);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(shared),
		cmocka_unit_test(killed),
		cmocka_unit_test(held),
		cmocka_unit_test(kept),
		cmocka_unit_test(kept_waits),
		cmocka_unit_test(connections),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(hammering),
	};

	BROKER_MAIN(tests);
}
