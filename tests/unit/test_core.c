/*
 * test_core.c -- many invocations in one loop: nurseries that are kept, replaced and lost; workers parked.
 */
#include "tests/unit/core_kit.h"

#define MANY	60		/* invocations at once */

static void
one_nursery_serves_all(void **state)
{
	pid_t	 a[4], b[4];

	(void)state;
	opened((struct core_plan){ 0 });
	run_ok();
	assert_int_equal(children(program, a, 4), 1);
	run_ok();
	assert_int_equal(children(program, b, 4), 1);
	assert_int_equal(a[0], b[0]);
}

static void
many_at_once(void **state)
{
	static struct one	 all[MANY];

	(void)state;
	opened((struct core_plan){ 0 });
	for (size_t i = 0; i < MANY; i++)
		start(&all[i], i % 3 == 2 ? "evil:no-verdict" : "evil:ok");
	for (size_t i = 0; i < MANY; i++)
		finish(&all[i], i % 3 == 2 ? ERR_PROTOCOL : ERR_NONE);
	assert_int_equal(children(program, NULL, 0), 1);
}

/* Killed between two invocations, and with orders in its hands. */
static void
nursery_killed(void **state)
{
	struct one	 all[8];
	pid_t		 pids[4];

	(void)state;
	opened((struct core_plan){ 0 });
	run_ok();
	for (int round = 0; round < 2; round++) {
		assert_int_equal(children(program, pids, 4), 1);
		if (round == 0)
			kill(pids[0], SIGKILL);
		for (size_t i = 0; i < N_ITEMS(all); i++)
			start(&all[i], "evil:ok");
		if (round == 1)
			kill(pids[0], SIGKILL);
		for (size_t i = 0; i < N_ITEMS(all); i++) {
			finish(&all[i], ERR_NONE);
			assert_int_equal(all[i].records, 1);
		}
	}
}

static unsigned int	 chain_left, chain_ok;

/* A server's way: the end of one begins the next, from within. */
static void
chain_next(void *arg)
{
	struct one	*o = arg;

	o->done = true;
	chain_ok += inv_verdict(o->iv)->code == ERR_NONE && o->records == 1;
	inv_free(o->iv);
	o->iv = NULL;
	if (chain_left == 0)
		return;
	chain_left--;
	start_with(o, "evil:ok", chain_next);
}

static void
one_begins_the_next(void **state)
{
	static struct one	 all[4];
	int64_t			 until = now_ms() + MOST_MS;
	pid_t			 pids[1];

	(void)state;
	opened((struct core_plan){ .parked_min = 1, .parked_max = 2, .nursery_forks = 5 });
	chain_left = 60;
	chain_ok = 0;
	for (size_t i = 0; i < N_ITEMS(all); i++)
		start_with(&all[i], "evil:ok", chain_next);
	for (int turns = 0; now_ms() < until; turns++) {
		bool	 over = true;

		for (size_t i = 0; i < N_ITEMS(all); i++)
			over = over && all[i].iv == NULL;
		if (over)
			break;
		/* New files while orders are out: who waits is served by the next nursery. */
		if (turns % 40 == 20)
			assert_int_equal(chmod(program, 0755), 0);
		turn();
	}
	assert_int_equal(chain_ok, 64);
	assert_true(children(program, pids, 1) >= 1);
}

static void
new_files_new_nursery(void **state)
{
	pid_t	 a[2], b[2];

	(void)state;
	opened((struct core_plan){ 0 });
	run_ok();
	assert_int_equal(children(program, a, 2), 1);
	/* The same bytes written again: its change time tells. */
	assert_int_equal(chmod(program, 0755), 0);
	run_ok();
	assert_int_equal(children(program, b, 2), 1);
	assert_int_not_equal(a[0], b[0]);
}

static void
renewed_by_count(void **state)
{
	int64_t	 until = now_ms() + MOST_MS;
	pid_t	 a[2], b[4];

	(void)state;
	opened((struct core_plan){ .parked_min = 1, .parked_max = 1, .nursery_forks = 3 });
	run_ok();
	/* The parked one is a child too, but not the nursery: the nursery is the older. */
	assert_true(children(program, a, 2) >= 1);
	do {
		run_ok();
		turn();
		assert_true(children(program, b, 4) >= 1);
	} while (b[0] == a[0] && now_ms() < until);
	assert_int_not_equal(a[0], b[0]);
	run_ok();
}

static void
parked_until(size_t n)
{
	int64_t	 until = now_ms() + MOST_MS;

	while (children(program, NULL, 0) != n + 1 && now_ms() < until)
		turn();
	assert_int_equal(children(program, NULL, 0), n + 1);
}

/* A parked worker serves one invocation; one that dies is replaced and nobody notices. */
static void
parked(void **state)
{
	pid_t	 before[8], after[8];
	size_t	 n, left = 0;

	(void)state;
	opened((struct core_plan){ .parked_min = 3, .parked_max = 3 });
	run_ok();
	parked_until(3);
	assert_int_equal(children(program, before, 8), 4);
	run_ok();
	n = children(program, after, 8);
	assert_int_equal(before[0], after[0]);
	/* The one that served is gone, and was one of the parked: the first that was ready. */
	for (int i = 1; i <= 3; i++)
		for (size_t k = 1; k < n && k < 8; k++)
			left += before[i] == after[k];
	assert_int_equal(left, 2);
	parked_until(3);
	assert_int_equal(children(program, before, 8), 4);
	for (int i = 1; i <= 2; i++) {
		siginfo_t	 si;

		kill(before[i], SIGKILL);
		assert_int_equal(waitid(P_PID, (id_t)before[i], &si, WEXITED | WNOWAIT), 0);
	}
	run_ok();
	parked_until(3);
	for (int i = 0; i < 10; i++)
		run_ok();
}

static void
cancelled(void **state)
{
	struct one	 at_once, later;

	(void)state;
	opened((struct core_plan){ 0 });
	start(&at_once, "evil:hang");
	start(&later, "evil:ignore-term");
	inv_cancel(at_once.iv, ERR_CANCELLED, "before it was born");
	finish(&at_once, ERR_CANCELLED);
	for (int i = 0; i < 10; i++)
		turn();
	inv_cancel(later.iv, ERR_CLIENT_GONE, "nobody reads");
	finish(&later, ERR_CLIENT_GONE);
}

static size_t
open_files(void)
{
	DIR	*d = opendir("/proc/self/fd");
	size_t	 n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
nothing_is_left_open(void **state)
{
	size_t	 before;

	(void)state;
	opened((struct core_plan){ .parked_min = 2, .parked_max = 2 });
	run_ok();
	core_close();
	before = open_files();
	opened((struct core_plan){ .parked_min = 2, .parked_max = 2 });
	for (int i = 0; i < 10; i++)
		run_ok();
	core_close();
	assert_int_equal(open_files(), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(one_nursery_serves_all, closed),
		cmocka_unit_test_teardown(many_at_once, closed),
		cmocka_unit_test_teardown(nursery_killed, closed),
		cmocka_unit_test_teardown(one_begins_the_next, closed),
		cmocka_unit_test_teardown(new_files_new_nursery, closed),
		cmocka_unit_test_teardown(renewed_by_count, closed),
		cmocka_unit_test_teardown(parked, closed),
		cmocka_unit_test_teardown(cancelled, closed),
		cmocka_unit_test_teardown(nothing_is_left_open, closed),
	};

	return broker_named() ? cmocka_run_group_tests(tests, set_up, tear_down) : 0;
}
