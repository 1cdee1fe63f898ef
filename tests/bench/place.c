/*
 * place.c -- where the build is, and what time it is.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/bench/bench.h"
#include "worker/contract/util.h"

static char	 build[PATH_BYTES];

int64_t
now_ns(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
bench_pace(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = FLOOR_PACE_NS }, NULL);
}

void
bench_sleep(int ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

const char *
bench_path(const char *below)
{
	static char	 paths[16][PATH_BYTES * 2];
	static int	 next;

	next = (next + 1) % 16;
	snprintf(paths[next], sizeof(paths[next]), "%s/%s", build, below);
	return paths[next];
}

/* build/tests/bench/bench: three up. */
int
bench_find(void)
{
	ssize_t	 n = readlink("/proc/self/exe", build, sizeof(build) - 1);

	if (n <= 0)
		return -1;
	build[n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(build, '/') = '\0';
	return mkdir(bench_path("bench"), 0755) == -1 && errno != EEXIST ? -1 : 0;
}
