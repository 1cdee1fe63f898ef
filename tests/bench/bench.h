/*
 * bench.h -- between the files of the harness.  How it measures: main.c.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "tests/bench/floor.h"
#include "worker/contract/error.h"

#define BLOCK_MAX	100	/* samples of one row in one round */
#define ROUNDS_MAX	200
#define PATH_BYTES	4096

enum unit { UNIT_US, UNIT_MB_S, UNIT_PER_S, UNIT_NS, UNIT_KIB, UNIT_COUNT };

struct row {
	const char	*name;
	const char	*what;
	enum unit	 unit;
	const char	*floor;		/* row whose median of the same round it is divided by; NULL: none */
	const char	*other;		/* a second one; NULL: none */
	int		 block;		/* samples a round; 0: as asked */
	int		 rounds;	/* takes part in so many at most; 0: in all */
	/*
	 * Takes n samples.  -1: with *e; the row is left out from then on and the table says why.
	 */
	int		(*run)(const struct row *, struct sample *, int n, struct error *e);
	int		 kind;		/* the row function's own */
};

/* Each ends with a row without a name. */
extern const struct row floor_rows[], core_rows[], layer_rows[], link_rows[], pool_rows[], serve_rows[], tls_rows[], growth_rows[], memory_rows[],
    shell_rows[], stream_rows[], node_rows[], rival_rows[];

/* Finds the build folder that the program is in, makes bench/ there.  -1 with errno. */
int		 bench_find(void);
/* What is built for the bench alone; the sources are where make ran. */
#define BENCH_CONNECTOR	"tests/bench/connector/connector"
/* The built file, absolute: bench_path("bin/bascule"). */
const char	*bench_path(const char *below_build);
int64_t		 now_ns(void);
void		 bench_pace(void);	/* sleeps FLOOR_PACE_NS */
void		 bench_sleep(int ms);
/* Few samples of little data. */
extern bool	 bench_quick;

/* floor.c's processes, the core's nurseries, the practice source: started at first use. */
void	 floor_stop(void);
void	 core_rows_stop(void);
/* Runs a program to its end: first byte of its output, end; -1 too if it failed or said nothing.  input: one line, or NULL. */
int	 command_time(char *const argv[], const char *input, struct sample *, uint64_t *lines, struct error *e);

/*
 * service.c: programs that run beside the rows, started at first use, ended at the end.
 */
struct service {
	const char	*name;
	pid_t		 pid;		/* 0: not started */
	int		 in;		/* its standard input, open as long as it runs */
	char		 line[512];	/* what it said when it was there */
};
/* env: "NAME=value" beside ours, or NULL.  until: part of a line on its standard output or error; NULL: do not wait. */
int	 service_start(struct service *, const char *const *argv, const char *const *env, const char *until, struct error *e);
void	 service_stop(struct service *);
void	 services_stop(void);
/* A folder for sockets, with a short name; ended with the services. */
const char	*service_folder(void);

#define SOURCE_PAGE	1000	/* rows of a page that is asked for */
/* source.c: practice sources, each with its config in a file. */
struct practice {
	int		 users;
	bool		 tls;
	struct service	 service;
	char		 url[256];
	char		 config[PATH_BYTES];	/* a file */
	char		 authority[PATH_BYTES];	/* with tls: its certificate, a file */
};
struct practice	*practice_start(int users, bool tls, struct error *e);
/* Is it there to be run?  Where a path is given: an executable file. */
bool	 program_there(const char *name);

/* The breakdown of a cold start. */
int	 phases_report(int times, FILE *out);

#endif
