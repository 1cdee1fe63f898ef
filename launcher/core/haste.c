/*
 * haste.c -- a process that hands things on asks for its turn at once.
 */
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher/core/haste.h"

#define SLICE_NS	100000u		/* the shortest there is */
#define RESET_ON_FORK	0x01u		/* SCHED_FLAG_RESET_ON_FORK */

/* struct sched_attr as it was first, sched_setattr(2): the C library has it since 2.41 only. */
struct attr {
	uint32_t	 size, policy;
	uint64_t	 flags;
	int32_t		 nice;
	uint32_t	 priority;
	uint64_t	 runtime, deadline, period;
};

void
haste(void)
{
	struct attr	 a = { .size = sizeof(a) };

	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) == -1 || a.policy != SCHED_OTHER || a.runtime == 0)
		return;		/* whoever started us has settled that otherwise, or the kernel knows no slices */
	if (a.nice < 0)
		return;		/* that is for workers too, and the flag below would take it from them */
	a.flags |= RESET_ON_FORK;
	a.runtime = SLICE_NS;
	(void)syscall(SYS_sched_setattr, 0, &a, 0);
}
