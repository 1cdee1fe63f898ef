/*
 * birth.c -- what a process is born with, and that it dies with its parent.
 *
 * The descriptors by their numbers and the empty environment come from who
 * makes the process (the launcher, a nursery); here is the rest.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/private.h"

void
birth_die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		sandbox_die(LAYER_BIRTH, "die with the parent", errno);
	if (getppid() != parent)		/* it went before the line above */
		_exit(SANDBOX_EXIT);
}

void
birth_begin(pid_t parent)
{
	if (setsid() == -1)			/* no terminal, no signals of its keys, a process group of its own */
		sandbox_die(LAYER_BIRTH, "own session", errno);
	umask(077);
	birth_die_with(parent);
}

void
birth_lock(void)
{
	/* exec made the process dumpable again. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		sandbox_die(LAYER_BIRTH, "no core, no tracer", errno);
}

void
birth_shed(unsigned int first_fd)
{
	if (syscall(SYS_close_range, first_fd, ~0U, 0) == -1)
		sandbox_die(LAYER_BIRTH, "close the rest", errno);
}

/*
 * The kernel counts processes by user, so a nursery could not fork with 0: each worker
 * gives up its own.  By the old call: libc's goes through prlimit64, which the filter refuses.
 */
void
birth_childless(void)
{
	const struct rlimit	 none = { 0, 0 };

	if (syscall(SYS_setrlimit, RLIMIT_NPROC, &none) == -1)
		sandbox_die(LAYER_RLIMITS, "no process", errno);
}

void
birth_orphan_never(void)
{
	/* Who the parent is cannot be asked: it may live in another pid namespace. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		sandbox_die(LAYER_BIRTH, "die with the parent", errno);
}
