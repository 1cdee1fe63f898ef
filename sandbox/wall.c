/*
 * wall.c -- the order in which the layers go on.  It is fixed: each step needs
 * what the next one takes away.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/private.h"

#define SYNC_MS		10000		/* the launcher writes the id maps at once */

static void
wait_for_maps(int fd)
{
	struct pollfd	 p = { .fd = fd, .events = POLLIN };
	char		 c;

	if (poll(&p, 1, SYNC_MS) != 1 || read(fd, &c, 1) != 1)
		sandbox_die(LAYER_IDS, "the launcher did not map the ids", 0);
	close(fd);
}

void
sandbox_wall(const struct sandbox_wall *w)
{
	if (w->guest != NULL && !ON(w->waived, LAYER_NAMESPACES) && !ON(w->waived, LAYER_LANDLOCK))
		sandbox_die(LAYER_LANDLOCK, "without namespaces a connector that is no native one needs it: no other wall is "
		    "around its files", 0);
	birth_begin(w->parent);
	memory_begin();
	if (ON(w->waived, LAYER_NAMESPACES)) {
		wait_for_maps(w->sync_fd);
		if (w->guest != NULL) {
			root_take_guest(w);
			ids_keep_network();
		} else
			root_take(w->program, w->beside);
	}
	ids_become(w->waived);
	if (ON(w->waived, LAYER_NAMESPACES))
		root_enter();
	ids_drop(w->waived);
	birth_die_with(w->parent);
	if (ON(w->waived, LAYER_RLIMITS))
		rlimits_set(w);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		sandbox_die(LAYER_SECCOMP, "no_new_privs", errno);
	if (w->guest != NULL) {			/* our own code until each worker's guest.c */
		if (ON(w->waived, LAYER_SECCOMP))
			filter_enter(FILTER_GUEST_BIRTH);
		return;
	}
	if (ON(w->waived, LAYER_LANDLOCK))
		landlock_load(w->program, w->beside);
	if (ON(w->waived, LAYER_SECCOMP))
		filter_enter(ON(w->waived, LAYER_NAMESPACES) ? FILTER_LOAD : FILTER_LOAD_BARE);
}

void
sandbox_lock(unsigned int waived)
{
	birth_lock();
	memory_lock();
	if (ON(waived, LAYER_LANDLOCK))
		landlock_close();
	if (ON(waived, LAYER_SECCOMP))
		filter_enter(ON(waived, LAYER_NAMESPACES) ? FILTER_LOCK : FILTER_LOCK_BARE);
}

void
sandbox_lock_alone(void)
{
	birth_lock();
	memory_lock();
	birth_childless();
	landlock_close();
	filter_enter(FILTER_ALONE);
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

/* Capabilities first: the kernel clears the death signal with them. */
void
sandbox_shed(unsigned int waived, unsigned int first_fd)
{
	birth_shed(first_fd);
	ids_shed();
	birth_orphan_never();
	if (ON(waived, LAYER_RLIMITS))
		birth_childless();
	if (!ON(waived, LAYER_NAMESPACES) && ON(waived, LAYER_SECCOMP))
		filter_enter(FILTER_NOFORK);
}

int
sandbox_filters(unsigned int waived)
{
	if (!ON(waived, LAYER_SECCOMP))
		return 0;
	return ON(waived, LAYER_NAMESPACES) ? 2 : 3;
}
