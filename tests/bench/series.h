/*
 * series.h -- the samples of all rows, and figures of them.
 */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include "tests/bench/bench.h"

#define ROWS_MAX	96

enum field { FIRST, REAPED, FAULTS };

/* One row's samples of all rounds. */
struct series {
	const struct row *row;
	struct sample	 *samples;
	int		  n;
	int		  at[ROUNDS_MAX + 1];	/* samples of round i: at[i] to at[i + 1] */
	struct error	  error;		/* why it was left out */
};

struct options {
	int		 rounds, block;
	bool		 json, rivals, layers;
	const char	*only;			/* rows whose name starts so, or as another between commas, and floors */
};

extern struct series	 all[ROWS_MAX];
extern int		 nrows;

void		 series_add(const struct options *, const struct row *rows);
/* Takes all samples, writes them to bench/samples.tsv. */
int		 series_run(const struct options *);
/* NULL: not in this run. */
const struct series *series_find(const char *name);
/* The q-th part of all samples, 0.5 being the median. */
double		 series_quantile(const struct series *, enum field, double q);
/* All samples in order; returns how many. */
int		 series_sorted(const struct series *, enum field, double **out);
/* Median over rounds of this row's median by that one's; 0: none. */
double		 series_ratio(const struct series *, const char *to, enum field);
/* What others used of the machine before each round: median, least, most. */
void		 series_load(double load[3]);

/* table.c */
void		 table_print(const struct options *, FILE *);
void		 table_print_json(const struct options *, FILE *);
/* ,"key":"text" */
void		 string_print_json(const char *key, const char *text, FILE *);
/* goals.c: those of the project, beside what was measured. */
void		 goals_print(FILE *);
void		 goals_print_json(FILE *);
/* plot.c: bench/ratios.svg and bench/latency.svg in the build folder. */
int		 plots_write(void);

#endif
