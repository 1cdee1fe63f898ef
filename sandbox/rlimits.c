/*
 * rlimits.c -- hard limits, inherited by every worker of a nursery.
 */
#include <errno.h>
#include <sys/resource.h>

#include "sandbox/private.h"

#define GUEST_SLACK_BYTES	((uint64_t)512 << 20)	/* stacks of threads and what is kept for code; the limit proper is V8's and the group's */
#define GUEST_FILE_BYTES	((uint64_t)64 << 20)	/* in its own /tmp */
#define ADDRESS_SLACK_BYTES	((uint64_t)512 << 20)	/* libraries are mapped, not owned */
#define STACK_BYTES		((uint64_t)8 << 20)
#define NURSERY_PROCESSES	1024			/* itself and its workers; each of those may start none */
#define SIGNALS_PENDING		64

void
rlimits_set(const struct sandbox_wall *w)
{
	const struct {
		int		 what;
		const char	*name;
		rlim_t		 most;
	} limits[] = {
		{ RLIMIT_DATA, "data", w->memory_bytes + (w->guest != NULL ? GUEST_SLACK_BYTES : 0) },
		/* V8 reserves addresses by the gigabyte. */
		{ RLIMIT_AS, "address space", w->guest != NULL ? RLIM_INFINITY : w->memory_bytes + ADDRESS_SLACK_BYTES },
		{ RLIMIT_CPU, "cpu", w->cpu_s },
		{ RLIMIT_NOFILE, "files", w->files_max },
		{ RLIMIT_STACK, "stack", STACK_BYTES },
		{ RLIMIT_FSIZE, "file size", w->guest != NULL ? GUEST_FILE_BYTES : 0 },
		{ RLIMIT_CORE, "core", 0 },
		{ RLIMIT_MEMLOCK, "locked memory", 0 },
		{ RLIMIT_MSGQUEUE, "message queues", 0 },
		{ RLIMIT_SIGPENDING, "pending signals", SIGNALS_PENDING },
		{ RLIMIT_RTPRIO, "priority", 0 },
		{ RLIMIT_NPROC, "processes", NURSERY_PROCESSES },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit	 now, set = { limits[i].most, limits[i].most };

		/* Counted by user, hence by namespace; without one it would count strangers'. */
		if (limits[i].what == RLIMIT_NPROC && !ON(w->waived, LAYER_NAMESPACES))
			continue;
		if (getrlimit(limits[i].what, &now) == -1)
			sandbox_die(LAYER_RLIMITS, limits[i].name, errno);
		/* A tighter limit of the host stands: only privilege raises one. */
		if (now.rlim_max < set.rlim_max)
			set.rlim_cur = set.rlim_max = now.rlim_max;
		if (setrlimit(limits[i].what, &set) == -1)
			sandbox_die(LAYER_RLIMITS, limits[i].name, errno);
	}
}
