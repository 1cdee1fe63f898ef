/*
 * test_core_helpers.c -- the processes beside the loop, killed and hanging: the broker, and what moves workers into their groups.
 */
#include "tests/unit/core_kit.h"

static void
broker_killed(void **state)
{
	struct one	 o;
	pid_t		 pids[1];

	(void)state;
	opened((struct core_plan){ 0 });
	start(&o, "evil:hang");
	for (int i = 0; i < 20; i++)
		turn();
	assert_int_equal(children("bascule-broker", pids, 1), 1);
	kill(pids[0], SIGKILL);
	finish(&o, ERR_SYSTEM);
	run_ok();
}

/* The process that moves workers into their groups; 0 where there are none. */
static pid_t
mover_find(void)
{
	FILE	*list = fopen("/proc/thread-self/children", "r");
	pid_t	 found = 0;
	int	 pid;

	assert_non_null(list);
	while (found == 0 && fscanf(list, "%d", &pid) == 1) {
		char	 path[64], name[32] = "";
		FILE	*f;

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		if (fgets(name, sizeof(name), f) != NULL && strcmp(name, "bascule-mover\n") == 0)
			found = pid;
		fclose(f);
	}
	fclose(list);
	return found;
}

static void
turns(int n)
{
	for (int i = 0; i < n; i++)
		turn();
}

/* Until no group is joined by the loop itself. */
static void
mover_wanted(void)
{
	usleep(2 * GROUP_WARM_MS * 1000);
}

/* One that has moved a worker before; 0: no groups are to be had here. */
static pid_t
mover_had(void)
{
	opened((struct core_plan){ 0 });
	run_ok();
	return mover_find();
}

/* Dead between two invocations it is made anew; with workers in its hands, they are moved all the same. */
static void
mover_killed(void **state)
{
	struct one	 o;
	pid_t		 pid;

	(void)state;
	if ((pid = mover_had()) == 0)
		skip();
	kill(pid, SIGKILL);
	mover_wanted();
	run_ok();
	turns(5);
	mover_wanted();
	run_ok();
	pid = mover_find();
	assert_int_not_equal(pid, 0);
	kill(pid, SIGSTOP);
	mover_wanted();
	start(&o, "evil:ok");
	turns(20);
	assert_false(o.done);
	assert_int_equal(o.records, 0);
	kill(pid, SIGKILL);
	finish(&o, ERR_NONE);
	assert_int_equal(o.records, 1);
	run_ok();
}

/* A worker that ends while it is being moved keeps its number until it is not. */
static void
mover_hangs(void **state)
{
	struct one	 all[4];
	pid_t		 pid;

	(void)state;
	if ((pid = mover_had()) == 0)
		skip();
	kill(pid, SIGSTOP);
	mover_wanted();
	for (size_t i = 0; i < N_ITEMS(all); i++)
		start(&all[i], "evil:ok");
	turns(10);
	inv_cancel(all[0].iv, ERR_CANCELLED, "while it is moved");
	turns(10);
	assert_false(all[0].done);
	kill(pid, SIGCONT);
	finish(&all[0], ERR_CANCELLED);
	for (size_t i = 1; i < N_ITEMS(all); i++)
		finish(&all[i], ERR_NONE);
	/* All at once, from outside the loop. */
	kill(pid, SIGSTOP);
	mover_wanted();
	for (size_t i = 0; i < N_ITEMS(all); i++)
		start(&all[i], "evil:ok");
	turns(10);
	for (size_t i = 0; i < N_ITEMS(all); i++)
		inv_free(all[i].iv);
	run_ok();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(broker_killed, closed),
		cmocka_unit_test_teardown(mover_killed, closed),
		cmocka_unit_test_teardown(mover_hangs, closed),
	};

	return broker_named() ? cmocka_run_group_tests(tests, set_up, tear_down) : 0;
}
