/*
 * test_nursery_reports.c -- what a nursery may say of a worker, and what becomes of one that says another thing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/nursery_kit.h"

static int
set_up(void **state)
{
	(void)state;
	kit_open();
	return 0;
}

static void
begin(unsigned int orders)
{
	kit_start();
	kit_report(0, KIT_ZERO);
	kit_turn();
	assert_true(nursery_ready(kit.n));
	while (orders-- > 0)
		kit_order();
}

static void
test_one_after_the_other(void **state)
{
	(void)state;
	begin(3);
	for (unsigned int i = 0; i < 3; i++) {
		kit_report(i + 1, (enum kit_pid)(KIT_FIRST + i));
		kit_turn();
		assert_int_equal(kit.nborn, i + 1);
	}
	assert_true(nursery_idle(kit.n) && nursery_ready(kit.n));
	assert_int_equal(nursery_forks(kit.n), 3);
	assert_true(kit_stop());
}

/* Each names a process that is not the nursery's to give; whoever waits is told, and it is not used again. */
static void
test_none_of_its_own(void **state)
{
	static const enum kit_pid	 others[] = {
		KIT_STRANGER, KIT_GRANDCHILD, KIT_NURSERY, KIT_SELF, KIT_INIT, KIT_NOBODY, KIT_ZERO,
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(others); i++) {
		begin(2);
		kit_report(1, others[i]);
		kit_turn();
		assert_int_equal(kit.nborn, 0);
		assert_int_equal(kit.nlost, 2);
		assert_true(nursery_gone(kit.n));
		assert_true(kit_stop());
	}
}

static void
test_one_given_twice(void **state)
{
	(void)state;
	begin(2);
	kit_report(1, KIT_FIRST);
	kit_report(2, KIT_FIRST);
	kit_turn();
	assert_int_equal(kit.nborn, 1);
	assert_int_equal(kit.nlost, 1);
	assert_true(nursery_gone(kit.n));
	assert_true(kit_stop());
}

/* Out of turn, before it is ready, unasked, of a wrong length. */
static void
test_nonsense(void **state)
{
	(void)state;
	begin(1);
	kit_report(2, KIT_FIRST);
	kit_turn();
	assert_true(nursery_gone(kit.n) && kit.nlost == 1);
	assert_true(kit_stop());
	kit_start();
	kit_order();
	kit_report(1, KIT_FIRST);
	kit_turn();
	assert_true(nursery_gone(kit.n) && kit.nlost == 1 && kit.nborn == 0);
	assert_true(kit_stop());
	begin(0);
	kit_report(1, KIT_FIRST);
	kit_turn();
	assert_true(nursery_gone(kit.n) && kit.nborn == 0);
	assert_true(kit_stop());
	begin(1);
	kit_say("123", 3);
	kit_turn();
	assert_true(nursery_gone(kit.n) && kit.nlost == 1);
	assert_true(kit_stop());
}

/* One that could not fork lives on. */
static void
test_fork_failed(void **state)
{
	(void)state;
	begin(2);
	kit_report(1, KIT_NEGATIVE);
	kit_turn();
	assert_int_equal(kit.nlost, 1);
	assert_true(nursery_ready(kit.n));
	kit_report(2, KIT_SECOND);
	kit_turn();
	assert_int_equal(kit.nborn, 1);
	assert_true(kit_stop());
}

/*
 * What is looked at once it is ready cannot be seen: of one that has died since, whoever waits tries another; of one that
 * lives, or died before it was ready, nobody does.  A worker that it named meanwhile is not taken.
 */
static void
test_not_seen(void **state)
{
	static const struct {
		bool	ready, lives, names, again;
	} cases[] = {
		{ true, false, false, true },
		{ true, false, true, true },
		{ true, true, false, false },
		{ false, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		kit_start();
		kit.n->waived = 0;		/* so it should be in others than ours */
		if (cases[i].lives) {
			close(kit.n->pidfd);
			kit.n->pidfd = (int)syscall(SYS_pidfd_open, kit.pids[KIT_NURSERY], 0);
		}
		kit_order();
		if (cases[i].ready)
			kit_report(0, KIT_ZERO);
		if (cases[i].names)
			kit_report(1, KIT_FIRST);
		if (!cases[i].lives)
			fd_closep(&kit.theirs);
		kit_turn();
		assert_true(nursery_gone(kit.n) && !nursery_ready(kit.n));
		assert_int_equal(kit.nborn, 0);
		assert_int_equal(kit.nlost, 1);
		assert_int_equal(kit.again, cases[i].again);
		assert_true(kit_stop());
	}
}

static bool
is_dead(pid_t pid)
{
	siginfo_t	 si = { 0 };

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == 0 && si.si_pid == pid && si.si_status == SIGKILL;
}

/* One of one worker is killed when that is born, not before, and is listened to no more.  The last test: the kit's own dies. */
static void
test_once(void **state)
{
	(void)state;
	begin(2);
	kit.n->once = true;
	kit_report(1, KIT_FIRST);
	kit_turn();
	assert_true(!nursery_gone(kit.n) && kit.nborn == 1);	/* somebody waits for another */
	kit_report(2, KIT_NEGATIVE);
	kit_turn();
	assert_true(!nursery_gone(kit.n) && kit.nlost == 1);	/* which it could not fork */
	kit_order();
	kit_report(3, KIT_SECOND);
	kit_report(4, KIT_THIRD);
	kit_turn();
	assert_true(nursery_gone(kit.n) && kit.nborn == 2 && kit.nlost == 1);
	assert_true(is_dead(kit.pids[KIT_NURSERY]));
	assert_true(kit_stop());
}

/* It has closed its socket and lives on: the loop does not wait for its death. */
static void
test_lives_on(void **state)
{
	siginfo_t	 si = { 0 };
	pid_t		 pid = fork();
	int		 pidfd;

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_true((pidfd = (int)syscall(SYS_pidfd_open, pid, 0)) != -1);
	begin(1);
	close(kit.n->pidfd);
	kit.n->pidfd = pidfd;
	fd_closep(&kit.theirs);
	kit_turn();
	assert_true(nursery_gone(kit.n));
	assert_int_equal(kit.nlost, 1);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG), 0);
	assert_int_equal(si.si_pid, pid);
	assert_int_equal(si.si_status, SIGKILL);
	assert_true(kit_stop());
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_one_after_the_other),
		cmocka_unit_test(test_none_of_its_own),
		cmocka_unit_test(test_one_given_twice),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_fork_failed),
		cmocka_unit_test(test_not_seen),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_lives_on),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
