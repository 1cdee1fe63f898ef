/*
 * memory.c -- no memory that is both written and executed, and none in a dump.
 *
 * What a worker does itself is elsewhere: it wipes its request before the
 * verdict (worker/runtime/scrub.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sandbox/private.h"

#define SET_MDWE	65		/* PR_SET_MDWE, PR_GET_MDWE: Linux 6.3, newer than Debian 12's headers */
#define GET_MDWE	66
#define MDWE_NO_EXEC	1
#define DUMP_NOTHING	"0"

/*
 * A bit for each kind of mapping; kept across fork and exec.  With no core and
 * no tracer this is for whoever dumps with privilege.  A kernel without core dumps has no such file.
 */
void
memory_begin(void)
{
	int	 fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

	if (fd == -1) {
		if (errno == ENOENT)
			return;
		sandbox_die(LAYER_MEMORY, "keep memory out of dumps", errno);
	}
	if (write(fd, DUMP_NOTHING, sizeof(DUMP_NOTHING) - 1) == -1)
		sandbox_die(LAYER_MEMORY, "keep memory out of dumps", errno);
	close(fd);
}

void
memory_lock(void)
{
	/* From 6.3 on; the filter refuses executable memory on any kernel. */
	if (prctl(SET_MDWE, MDWE_NO_EXEC, 0, 0, 0) == -1 && errno != EINVAL)
		sandbox_die(LAYER_MEMORY, "no memory both written and executed", errno);
}

bool
sandbox_mdwe(void)
{
	return prctl(GET_MDWE, 0, 0, 0, 0) != -1;
}
