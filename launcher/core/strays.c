/*
 * strays.c -- children of ours that a nursery did not tell of: it was killed before it could, or hides them.
 * They are known by their session, which no worker can leave.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "launcher/core/worker.h"

#define AT_ONCE	64

static size_t
find(pid_t session, pid_t *found, size_t max)
{
	FILE	*list = fopen("/proc/thread-self/children", "re");
	size_t	 n = 0;
	int	 pid;

	while (list != NULL && n < max && fscanf(list, "%d", &pid) == 1)
		/* A keeper is in its guest's process group, and ends with it (worker.c). */
		if (pid != session && getsid(pid) == session && !worker_knows(pid) && !worker_knows(getpgid(pid)))
			found[n++] = pid;
	if (list != NULL)
		fclose(list);
	return n;
}

bool
strays_any(pid_t session)
{
	pid_t	 found[1];

	return find(session, found, 1) > 0;
}

void
strays_end(pid_t session)
{
	pid_t	 found[AT_ONCE];
	size_t	 n;

	while ((n = find(session, found, AT_ONCE)) > 0)
		for (size_t i = 0; i < n; i++) {
			kill(found[i], SIGKILL);
			while (waitpid(found[i], NULL, 0) == -1 && errno == EINTR)
				;
		}
}
