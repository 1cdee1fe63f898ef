/*
 * guest.c -- walls of a worker that becomes a program of somebody else's: an interpreter with threads, sockets and
 * memory that it writes and then executes.
 *
 * Its nursery runs our code only, and nothing of the guest's, so it goes with less: the walls are each worker's own.
 * It is born into a mount, net and ipc namespace of its own beside the pid namespace, so that nothing in /tmp, on the
 * loopback or in shared memory is seen by the next one; files are settled by Landlock after the last mount, since
 * nothing can be mounted behind it.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/private.h"

#define TMP_OPTIONS	"size=64m,nr_inodes=4096,mode=1777"
#define PROC_OPTIONS	"subset=pid,hidepid=invisible"	/* Linux 5.8 */
#define THREADS_MAX	512				/* of all workers of a nursery: the kernel counts by user */

const char *const sandbox_guest_programs[] = {
	"/usr/bin/node",
	"/usr/local/bin/node",
	NULL
};

const char *const sandbox_guest_readable[] = {
	"/usr/share/nodejs",		/* Debian keeps parts of Node there */
	NULL
};

const char *
sandbox_guest_program(void)
{
	for (size_t i = 0; sandbox_guest_programs[i] != NULL; i++)
		if (access(sandbox_guest_programs[i], X_OK) == 0)
			return sandbox_guest_programs[i];
	return NULL;
}

pid_t
sandbox_fork_guest(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_PARENT | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | SIGCHLD,
	    0, 0, 0, 0);
}

static void
places_mount(void)
{
	if (mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, TMP_OPTIONS) == -1)
		sandbox_die(LAYER_NAMESPACES, "mount /tmp", errno);
	/* Over the host's, which must not be seen. */
	if (mount("none", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, PROC_OPTIONS) == -1)
		sandbox_die(LAYER_NAMESPACES, "mount /proc", errno);
}

static void
threads_bound(void)
{
	const struct rlimit	 most = { THREADS_MAX, THREADS_MAX };

	if (setrlimit(RLIMIT_NPROC, &most) == -1)
		sandbox_die(LAYER_RLIMITS, "threads", errno);
}

void
sandbox_guest(unsigned int waived, const char *program, unsigned int first_fd)
{
	birth_lock();
	birth_shed(first_fd);
	places_mount();
	if (ON(waived, LAYER_LANDLOCK))
		landlock_guest(program);
	ids_shed();
	birth_orphan_never();
	if (ON(waived, LAYER_RLIMITS))
		threads_bound();
	if (ON(waived, LAYER_SECCOMP))
		filter_enter(FILTER_GUEST);
}
