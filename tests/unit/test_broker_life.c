/*
 * test_broker_life.c -- the broker as a process: privileges, legs that close, its end, programs that are none.
 */
#include "tests/unit/broker_kit.h"

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

/* What the broker has run for, in ns. */
static int64_t
ran(pid_t pid)
{
	clockid_t	 clock;
	struct timespec	 ts;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &ts), 0);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* A worker that is gone while its launcher still holds the broker's end: nothing more is to be done for it. */
static void
held_end(void **state)
{
	const struct timespec	 a_while = { .tv_nsec = 100000000 };
	struct broker_policy	 p = { 0 };
	struct error		 e = ERROR_NONE;
	int			 pair[2];
	int64_t			 before;
	uint32_t		 leg;
	pid_t			 pid = broker_pid();

	(void)state;
	if (pid <= 0)
		skip();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(broker_attach(broker, &p, pair[1], 0, &leg, &e), 0);
	close(pair[0]);
	nanosleep(&a_while, NULL);
	before = ran(pid);
	nanosleep(&a_while, NULL);
	assert_in_range(ran(pid) - before, 0, 5000000);
	close(pair[1]);
	cJSON_Delete(broker_close(broker, leg));
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

/* What broker_start() would have said is said by the first leg, whether the end was heard of before that or not. */
static void
begun(void **state)
{
	struct egress_rule	r = rule("localhost", port);
	struct broker_policy	p = { .rules = &r, .nrules = 1 };
	struct error		e = ERROR_NONE;
	struct broker		*b;
	struct pollfd		end;
	uint32_t		leg;
	int			fd;

	(void)state;
	assert_null(broker_begin("/nonexistent/bascule-broker", &e));
	assert_non_null(strstr(e.msg, "No such file"));
	for (int heard = 0; heard < 2; heard++) {
		assert_non_null(b = broker_begin("/bin/true", &e));
		end = (struct pollfd){ .fd = broker_fd(b), .events = POLLIN };
		if (heard == 1) {
			assert_int_equal(poll(&end, 1, 10000), 1);
			assert_int_equal(broker_read(b, &e), -1);
		}
		assert_int_equal(broker_open(b, &p, &leg, &fd, &e), -1);
		assert_int_equal(e.code, ERR_SYSTEM);
		assert_non_null(strstr(e.msg, "ended at once"));
		broker_stop(b);
	}
	/* Ready before the first leg, and before the loop or because of it. */
	for (int heard = 0; heard < 2; heard++) {
		assert_non_null(b = broker_begin(program, &e));
		end = (struct pollfd){ .fd = broker_fd(b), .events = POLLIN };
		if (heard == 1) {
			assert_int_equal(poll(&end, 1, 10000), 1);
			assert_int_equal(broker_read(b, &e), 0);
		}
		assert_int_equal(broker_open(b, &p, &leg, &fd, &e), 0);
		close(fd);
		cJSON_Delete(broker_close(b, leg));
		broker_stop(b);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(closed_legs),
		cmocka_unit_test(bad_policies),
		cmocka_unit_test(privileges),
		cmocka_unit_test(held_end),
		cmocka_unit_test(killed),
		cmocka_unit_test(bad_programs),
		cmocka_unit_test(begun),
	};

	BROKER_MAIN(tests);
}
