/*
 * series.c -- takes the samples, round by round, and figures of them.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/bench/series.h"
#include "worker/contract/util.h"

#define WATCH_MS	60	/* before a round */
#define SETTLE_MS	500	/* before that: what the last round left is still ending */

struct series	 all[ROWS_MAX];
int		 nrows;

static int	 nrounds;
static double	 load[ROUNDS_MAX];	/* what others used, 0 to 1 */

static double
busy_ticks(void)
{
	unsigned long long	 t[8] = { 0 };
	FILE			*f = fopen("/proc/stat", "r");

	if (f == NULL)
		return 0;
	if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6],
	    &t[7]) != 8)
		t[0] = 0;
	fclose(f);
	return (double)(t[0] + t[1] + t[2] + t[5] + t[6] + t[7]);
}

/* What others use while we do nothing, of all processors. */
static double
load_watch(void)
{
	double	 before, ticks = (double)sysconf(_SC_CLK_TCK) * WATCH_MS / 1000;

	bench_sleep(SETTLE_MS);
	before = busy_ticks();
	bench_sleep(WATCH_MS);
	before = (busy_ticks() - before) / (ticks * (double)sysconf(_SC_NPROCESSORS_ONLN));
	return before > 1 ? 1 : before;
}

/* list: beginnings of names, with commas between them. */
static bool
is_among(const char *name, const char *list)
{
	for (size_t n; list[0] != '\0'; list += n + (list[n] == ','))
		if ((n = strcspn(list, ",")) > 0 && strncmp(name, list, n) == 0)
			return true;
	return false;
}

static bool
wanted(const struct options *o, const struct row *r)
{
	static const char *const always[] = { "clone3", "kill" };

	if (o->only == NULL || is_among(r->name, o->only))
		return true;
	for (size_t i = 0; i < N_ITEMS(always); i++)
		if (strcmp(r->name, always[i]) == 0)
			return true;
	return o->layers && strcmp(r->name, "fork") == 0;
}

void
series_add(const struct options *o, const struct row *rows)
{
	for (; rows->name != NULL && nrows < ROWS_MAX; rows++) {
		if (!wanted(o, rows))
			continue;
		all[nrows].row = rows;
		all[nrows].samples = calloc((size_t)o->rounds * BLOCK_MAX, sizeof(struct sample));
		if (all[nrows++].samples == NULL)
			exit(1);
	}
}

static void
block_run(struct series *s, int round, const struct options *o, FILE *raw)
{
	int	 n = s->row->block > 0 && s->row->block < o->block ? s->row->block : o->block;
	bool	 part = s->row->rounds == 0 || round < s->row->rounds;

	if (part && s->error.code == ERR_NONE && s->row->run(s->row, s->samples + s->n, n, &s->error) == 0) {
		for (int i = s->n; i < s->n + n; i++)
			fprintf(raw, "%d\t%s\t%lld\t%lld\t%lld\n", round, s->row->name, (long long)s->samples[i].first_ns,
			    (long long)s->samples[i].reaped_ns, (long long)s->samples[i].faults);
		s->n += n;
	}
	s->at[round + 1] = s->n;
}

int
series_run(const struct options *o)
{
	FILE	*raw = fopen(bench_path("bench/samples.tsv"), "w");
	int	 order[ROWS_MAX];

	if (raw == NULL) {
		perror("bench: samples.tsv");
		return -1;
	}
	fputs("round\trow\tfirst_ns\treaped_ns\tfaults\n", raw);
	for (int r = 0; r < o->rounds; r++) {
		nrounds = r + 1;
		load[r] = load_watch();
		fprintf(raw, "# round %d: others used %.0f %% of the machine\n", r, load[r] * 100);
		fprintf(stderr, "round %d of %d: others use %.0f %%\n", r + 1, o->rounds, load[r] * 100);
		for (int i = 0; i < nrows; i++) {	/* a fresh shuffle */
			int	 k = rand() % (i + 1);

			order[i] = order[k];
			order[k] = i;
		}
		for (int i = 0; i < nrows; i++)
			block_run(&all[order[i]], r, o, raw);
		fflush(raw);
	}
	return fclose(raw);
}

static int
compare(const void *a, const void *b)
{
	double	 x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
value(const struct sample *s, enum field f)
{
	return f == FIRST ? (double)s->first_ns : f == REAPED ? (double)s->reaped_ns : (double)s->faults;
}

/* Samples [from, to) in order. */
static double *
sorted(const struct series *s, int from, int to, enum field f)
{
	static double	 v[ROUNDS_MAX * BLOCK_MAX];

	for (int i = from; i < to; i++)
		v[i - from] = value(&s->samples[i], f);
	qsort(v, (size_t)(to - from), sizeof(*v), compare);
	return v;
}

static double
quantile(const struct series *s, int from, int to, enum field f, double q)
{
	return to == from ? 0 : sorted(s, from, to, f)[(int)(q * (to - from - 1) + 0.5)];
}

double
series_quantile(const struct series *s, enum field f, double q)
{
	return quantile(s, 0, s->n, f, q);
}

int
series_sorted(const struct series *s, enum field f, double **out)
{
	*out = sorted(s, 0, s->n, f);
	return s->n;
}

const struct series *
series_find(const char *name)
{
	for (int i = 0; i < nrows; i++)
		if (strcmp(all[i].row->name, name) == 0)
			return &all[i];
	return NULL;
}

double
series_ratio(const struct series *s, const char *name, enum field f)
{
	double			 v[ROUNDS_MAX];
	const struct series	*to = name == NULL ? NULL : series_find(name);
	int			 n = 0;

	for (int r = 0; to != NULL && r < nrounds; r++) {
		double	 own = quantile(s, s->at[r], s->at[r + 1], f, 0.5);
		double	 floor = quantile(to, to->at[r], to->at[r + 1], f, 0.5);

		if (own > 0 && floor > 0)
			v[n++] = own / floor;
	}
	qsort(v, (size_t)n, sizeof(*v), compare);
	return n == 0 ? 0 : v[n / 2];
}

void
series_load(double out[3])
{
	double	 v[ROUNDS_MAX] = { 0 };

	memcpy(v, load, sizeof(*v) * (size_t)nrounds);
	qsort(v, (size_t)nrounds, sizeof(*v), compare);
	out[0] = v[nrounds / 2];
	out[1] = v[0];
	out[2] = nrounds > 0 ? v[nrounds - 1] : 0;
}
