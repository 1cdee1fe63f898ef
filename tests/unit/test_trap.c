/*
 * test_trap.c -- a process under the filter makes a call that is not allowed: it dies of SIGSYS, and its note names the call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/private.h"
#include "worker/contract/util.h"

#define STALE	77	/* exit status of a child that lived on */

static const struct {
	long		 nr, args[5];
	const char	*name;
} calls[] = {
	{ SYS_getppid, { 0 }, "getppid" },
	{ SYS_ptrace, { 0 }, "ptrace" },
	{ SYS_mremap, { 0, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, 4096 }, "mremap" },
	{ SYS_rt_sigaction, { SIGSYS, 0, 0, 8 }, "rt_sigaction" },
	{ SYS_rt_sigaction, { SIGTERM, 0, 0, 8 }, "rt_sigaction" },
	{ SYS_clone, { SIGCHLD, 0 }, "clone" },
	{ SYS_sendmsg, { 0 }, "sendmsg" },
	{ 9999, { 0 }, "9999" },
	{ -1, { 0 }, "-1" },
};

struct end {
	int	 status;
	char	 text[200];
	size_t	 len;
};

static void
blocked(void)
{
	sigset_t	 all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

/* A child in stage 2; in_child, if any, runs before the call. */
static struct end
child_run(void (*in_child)(void), const long *nr, const long args[5], bool own)
{
	struct end	 end = { 0 };
	int		 p[2];
	pid_t		 pid;
	ssize_t		 k;

	assert_int_equal(pipe(p), 0);
	if ((pid = fork()) == 0) {
		if (own)
			sandbox_trap(p[1], -1);
		else
			signal(SIGSYS, SIG_DFL);	/* the test library has a handler of its own */
		filter_enter(FILTER_ALONE);
		if (in_child != NULL)
			in_child();
		syscall(*nr, args[0], args[1], args[2], args[3], args[4]);
		syscall(SYS_exit_group, STALE);
	}
	close(p[1]);
	while ((k = read(p[0], end.text + end.len, sizeof(end.text) - 1 - end.len)) > 0)
		end.len += (size_t)k;
	close(p[0]);
	assert_int_equal(waitpid(pid, &end.status, 0), pid);
	return end;
}

static void
deaths_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(calls); i++) {
		struct end	 e = child_run(NULL, &calls[i].nr, calls[i].args, true);
		char		 name[SANDBOX_CALL_BYTES] = "";

		if (!WIFSIGNALED(e.status) || WTERMSIG(e.status) != SIGSYS)
			fail_msg("%s: status %x", calls[i].name, (unsigned int)e.status);
		if (e.len < 2 || e.text[0] != '\n' || e.text[e.len - 1] != '\n' ||
		    !sandbox_note(e.text + 1, e.len - 2, name) || strcmp(name, calls[i].name) != 0)
			fail_msg("%s: named \"%s\" by %s", calls[i].name, name, e.text);
	}
}

static void
deaths_without_a_name(void **state)
{
	const long	 args[5] = { 0 }, nr = SYS_getppid, the_end = SYS_nfsservctl;
	struct end	 e;

	(void)state;
	e = child_run(blocked, &nr, args, true);
	assert_true(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGSYS && e.len == 0);
	e = child_run(NULL, &nr, args, false);
	assert_true(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGSYS && e.len == 0);
	e = child_run(NULL, &the_end, args, true);
	assert_true(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGSYS && e.len == 0);
}

/* A SIGSYS that somebody sent is no trap: it ends the process all the same. */
static void
sent_by_hand(void **state)
{
	int	 status;
	pid_t	 pid;

	(void)state;
	if ((pid = fork()) == 0) {
		sandbox_trap(STDERR_FILENO, STDERR_FILENO);
		raise(SIGSYS);
		_exit(STALE);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == SANDBOX_EXIT);
}

/* A child writes where children do. */
static void
children_have_their_own(void **state)
{
	int	 p[2], status;
	char	 text[100], name[SANDBOX_CALL_BYTES];
	ssize_t	 n;
	pid_t	 pid;

	(void)state;
	assert_int_equal(pipe(p), 0);
	if ((pid = fork()) == 0) {
		sandbox_trap(-1, p[1]);
		filter_enter(FILTER_LOAD_BARE);
		if (sandbox_fork(1u << LAYER_NAMESPACES) == 0)
			syscall(SYS_getppid);
		_exit(0);
	}
	close(p[1]);
	n = read(p[0], text, sizeof(text));
	close(p[0]);
	assert_true(n > 2 && sandbox_note(text + 1, (size_t)n - 2, name));
	assert_string_equal(name, "getppid");
	/* CLONE_PARENT made both our children. */
	assert_true(wait(&status) > 0);
	assert_true(wait(&status) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deaths_are_named),
		cmocka_unit_test(deaths_without_a_name),
		cmocka_unit_test(sent_by_hand),
		cmocka_unit_test(children_have_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
