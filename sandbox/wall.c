/*
 * wall.c -- the order in which the layers go on.  It is fixed: each step needs
 * what the next one takes away.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/private.h"

#define SYNC_MS		10000		/* the launcher writes the id maps at once */
#define SET_MDWE	65		/* PR_SET_MDWE, Linux 6.3 */
#define MDWE_NO_EXEC	1

static void
wait_for_maps(int fd)
{
	struct pollfd	 p = { .fd = fd, .events = POLLIN };
	char		 c;

	if (poll(&p, 1, SYNC_MS) != 1 || read(fd, &c, 1) != 1)
		sandbox_die(LAYER_IDS, "the launcher did not map the ids", 0);
	close(fd);
}

static void
die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		sandbox_die(LAYER_BIRTH, "die with the parent", errno);
	if (getppid() != parent)		/* it went before the line above */
		_exit(SANDBOX_EXIT);
}

void
sandbox_wall(const struct sandbox_wall *w)
{
	if (setsid() == -1)			/* no terminal, no signals of its keys */
		sandbox_die(LAYER_BIRTH, "own session", errno);
	umask(077);
	die_with(w->parent);
	if (ON(w->waived, LAYER_NAMESPACES)) {
		wait_for_maps(w->sync_fd);
		root_take(w->program);
	}
	ids_become(w->waived);
	if (ON(w->waived, LAYER_NAMESPACES))
		root_enter();
	ids_drop(w->waived);
	die_with(w->parent);			/* the change of ids cleared it */
	if (ON(w->waived, LAYER_RLIMITS))
		rlimits_set(w);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		sandbox_die(LAYER_SECCOMP, "no_new_privs", errno);
	if (ON(w->waived, LAYER_LANDLOCK))
		landlock_load(w->program);
	if (ON(w->waived, LAYER_SECCOMP))
		filter_enter(FILTER_LOAD, w->waived);
}

void
sandbox_lock(unsigned int waived)
{
	/* exec made the process dumpable again. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		sandbox_die(LAYER_BIRTH, "no core, no tracer", errno);
	/* From 6.3 on; the filter refuses executable memory on any kernel. */
	if (prctl(SET_MDWE, MDWE_NO_EXEC, 0, 0, 0) == -1 && errno != EINVAL)
		sandbox_die(LAYER_SECCOMP, "no memory both written and executed", errno);
	if (ON(waived, LAYER_LANDLOCK))
		landlock_close();
	if (ON(waived, LAYER_SECCOMP))
		filter_enter(FILTER_LOCK, waived);
}

void
sandbox_lock_alone(void)
{
	const unsigned int	 waived = 1u << LAYER_NAMESPACES;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		sandbox_die(LAYER_BIRTH, "no core, no tracer", errno);
	landlock_close();
	filter_enter(FILTER_ALONE, waived);
}

/*
 * Old clone with exactly this flag word: a filter cannot see clone3's flags.
 * CLONE_PARENT: the launcher reaps, and a nursery cannot hide a child.
 */
pid_t
sandbox_fork(unsigned int waived)
{
	unsigned long	 flags = CLONE_PARENT | SIGCHLD;

	if (ON(waived, LAYER_NAMESPACES))
		flags |= CLONE_NEWPID;
	return (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
}

int
sandbox_filters(unsigned int waived)
{
	if (!ON(waived, LAYER_SECCOMP))
		return 0;
	return ON(waived, LAYER_NAMESPACES) ? 2 : 3;
}
