/*
 * main.c -- main() of a connector whose workers become guests.
 *
 * Nothing of the guest is run or looked at here.  What is made once, before a worker is ordered, is little; the time
 * goes into the program's own start, which is why workers are parked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/sandbox.h"
#include "worker/contract/error.h"
#include "worker/contract/util.h"
#include "worker/contract/worker_fd.h"
#include "worker/guest/guest.h"
#include "worker/runtime/worker.h"

#define SPARE_FD	GUEST_FD__COUNT	/* free while descriptors change places */

static void __attribute__((noreturn))
cannot(const char *what, int err)
{
	char	 text[256];
	int	 n = snprintf(text, sizeof(text), "%s%s%s\n", what, err != 0 ? ": " : "", err != 0 ? strerror(err) : "");

	(void)!write(STDERR_FILENO, text, (size_t)n);
	_exit(SANDBOX_EXIT);
}

/* Whatever the guest prints is log; results have a place that no library writes to by habit. */
static void
places_change(void)
{
	if (dup2(FD_RESULT, SPARE_FD) == -1 || dup2(FD_LOG, GUEST_FD_LOG) == -1 || dup2(SPARE_FD, GUEST_FD_RESULT) == -1)
		cannot("the guest's descriptors", errno);
	close(SPARE_FD);
}

static void __attribute__((noreturn))
become(const struct guest_start *g, unsigned int waived)
{
	static const char	 locked[] = "{\"type\":\"locked\"}\n";
	const char		*argv[GUEST_ARGS_MAX] = { NULL };
	char			*none[] = { NULL };

	guest_arguments(g, argv);
	sandbox_guest(waived, g->program, FD__COUNT);
	if (write(FD_RESULT, locked, sizeof(locked) - 1) != (ssize_t)(sizeof(locked) - 1))
		_exit(error_face(ERR_CLIENT_GONE)->exit);
	places_change();
	execve(g->program, (char **)(uintptr_t)argv, none);
	cannot("the guest's program cannot be started", errno);
}

static const char usage[] =
"Runs connector bundles; started by a launcher.  Use: bascule invoke FOLDER COMMAND --config FILE\n";

int
main(int argc, char **argv)
{
	struct guest_start	 g = { .program = sandbox_guest_program(), .home = SANDBOX_GUEST_HOME,
				    .folder = SANDBOX_GUEST_FOLDER };
	const char		*slash;
	unsigned int		 waived;

	if (argc != 5 || strcmp(argv[1], NURSERY_ARG) != 0) {
		(void)!write(STDERR_FILENO, usage, sizeof(usage) - 1);
		return error_face(ERR_USAGE)->exit;
	}
	if (g.program == NULL)
		cannot("Node is not installed as /usr/bin/node or /usr/local/bin/node", 0);
	waived = (unsigned int)strtoul(argv[2], NULL, 10);
	slash = strrchr(argv[3], '/');
	g.name = slash == NULL ? argv[3] : slash + 1;
	g.memory_mib = strtoul(argv[4], NULL, 10);
	g.parked = nursery_run(waived, true);
	become(&g, waived);
}
