/*
 * test_haste.c -- short slices of a launcher, and ordinary ones of what it forks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "launcher/core/haste.c"

static struct attr
own(void)
{
	struct attr	 a = { .size = sizeof(a) };

	(void)syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0);
	return a;
}

/* In a process of its own: exit status 0 if all is as it should be, 2 on a kernel that has no slices. */
static int
judge(void)
{
	uint64_t	 before = own().runtime;
	struct attr	 a;
	int		 status;
	pid_t		 pid;

	if (before == 0)
		return 2;
	haste();
	a = own();
	if (a.runtime != SLICE_NS || a.policy != SCHED_OTHER || (a.flags & RESET_ON_FORK) == 0)
		return 3;
	if ((pid = fork()) == 0)
		_exit(own().runtime == before && (own().flags & RESET_ON_FORK) == 0 ? 0 : 4);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 5;
}

static void
slices(void **state)
{
	int	 status;
	pid_t	 pid = fork();

	(void)state;
	if (pid == 0)
		_exit(judge());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A policy that somebody chose stays. */
static void
settled(void **state)
{
	struct sched_param	 none = { 0 };
	int			 status;
	pid_t			 pid = fork();

	(void)state;
	if (pid == 0) {
		if (sched_setscheduler(0, SCHED_BATCH, &none) == -1)
			_exit(1);
		haste();
		_exit(own().policy == SCHED_BATCH && (own().flags & RESET_ON_FORK) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* So does a nice value below 0, for children too: the kernel takes it from those of one whose slices they shall not have. */
static void
preferred(void **state)
{
	int	 status;
	pid_t	 pid = fork(), below;

	(void)state;
	if (pid == 0) {
		if (setpriority(PRIO_PROCESS, 0, -5) == -1)
			_exit(2);
		haste();
		if ((below = fork()) == 0)
			_exit(own().nice == -5 ? 0 : 3);
		_exit(waitpid(below, &status, 0) == below && WIFEXITED(status) ? WEXITSTATUS(status) : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices),
		cmocka_unit_test(settled),
		cmocka_unit_test(preferred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
