/*
 * bench.h -- between the files of the harness.  How it measures: main.c.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/bench/floor.h"
#include "worker/contract/error.h"

#define BLOCK_MAX	100	/* samples of one row in one round */
#define ROUNDS_MAX	200
#define PATH_BYTES	4096

enum unit { UNIT_US, UNIT_MB_S, UNIT_PER_S };

struct row {
	const char	*name;
	const char	*what;
	enum unit	 unit;
	const char	*floor;		/* row whose median of the same round it is divided by; NULL: none */
	const char	*other;		/* a second one; NULL: none */
	int		 block;		/* samples a round; 0: as asked */
	/*
	 * Takes n samples.  -1: with *e; the row is left out from then on and the table says why.
	 */
	int		(*run)(const struct row *, struct sample *, int n, struct error *e);
	int		 kind;		/* the row function's own */
};

/* Each ends with a row without a name. */
extern const struct row floor_rows[], core_rows[], layer_rows[], shell_rows[], stream_rows[], rival_rows[];

/* Finds the build folder that the program is in, makes bench/ there.  -1 with errno. */
int		 bench_find(void);
/* The built file, absolute: bench_path("bin/bascule"). */
const char	*bench_path(const char *below_build);
int64_t		 now_ns(void);
void		 bench_pace(void);	/* sleeps FLOOR_PACE_NS */
/* Few samples of little data. */
extern bool	 bench_quick;

/* floor.c's processes, the core's nurseries, the practice source: started at first use. */
void	 floor_stop(void);
void	 core_rows_stop(void);
void	 shell_stop(void);
/* A started practice source with that many people; the config for it in *config (a file), its URL in *url. */
int	 practice_start(int users, const char **config, const char **url, struct error *e);
/* Runs a program to its end, its output to /dev/null: first byte, end, status 0 or -1. */
int	 command_run(char *const argv[], struct sample *, uint64_t *lines, struct error *e);

/* The breakdown of a cold start. */
int	 phases_report(int times, FILE *out);

#endif
