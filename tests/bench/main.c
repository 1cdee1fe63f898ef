/*
 * main.c -- the benchmark: what one fresh, confined process per command costs.
 *
 * Rounds.  In each, every row takes a block of samples, and the order of the
 * rows is drawn anew: what else runs on the machine falls on all of them.  A row's
 * figure is the median over all of its samples; its ratio is the median over
 * rounds of (its median / the floor's median in the same round).  Times start before
 * the first descriptor is made; "first" ends with the first record, "reaped" when the
 * process is gone and all that was made for it is closed.  Before each round the
 * machine is watched for a moment in which we do nothing: what others used of it is
 * noted with the round.  Absolute times are this machine's; ratios are the result.
 *
 * Raw samples go to bench/samples.tsv in the build folder: round, row, first ns, reaped ns, faults.
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/bench/bench.h"
#include "worker/contract/util.h"

#define ROWS_MAX	64
#define WATCH_MS	60	/* before a round */

/* One row's samples of all rounds. */
struct series {
	const struct row *row;
	struct sample	 *samples;
	int		  n;
	int		  at[ROUNDS_MAX + 1];	/* samples of round i: at[i] to at[i + 1] */
	struct error	  error;
};

struct options {
	int		 rounds, block;
	bool		 json, rivals, layers;
	const char	*only;			/* rows whose name starts so, and floors */
	const char	*svg;
};

bool			 bench_quick;
static struct series	 all[ROWS_MAX];
static int		 nrows;
static double		 load[ROUNDS_MAX];	/* what others used, 0 to 1 */

static const char usage[] =
"usage: bench [OPTIONS]          the table\n"
"       bench [OPTIONS] phases   where the time of a cold start goes\n"
"\n"
"  --rounds N   blocks of each row (10)\n"
"  --block N    samples of a block (20)\n"
"  --quick      3 rounds of 5, less data\n"
"  --only NAME  only rows whose name starts so, and the floors\n"
"  --rivals     bwrap, crun, firejail and others doing the same, where installed\n"
"  --layers     also a worker with one layer waived at a time: what each costs\n"
"  --json       one JSON object a line instead of the table\n"
"\n"
"Rows are interleaved in random order within each round.  A ratio is the median over rounds of\n"
"(the row's median / its floor's median in the same round).  Raw samples: bench/samples.tsv.\n";

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
	double	 before = busy_ticks(), ticks = (double)sysconf(_SC_CLK_TCK) * WATCH_MS / 1000;

	nanosleep(&(struct timespec){ .tv_nsec = WATCH_MS * 1000000L }, NULL);
	before = (busy_ticks() - before) / (ticks * (double)sysconf(_SC_NPROCESSORS_ONLN));
	return before > 1 ? 1 : before;
}

static bool
wanted(const struct options *o, const struct row *r)
{
	return o->only == NULL || strncmp(r->name, o->only, strlen(o->only)) == 0 || strcmp(r->name, "clone3") == 0 || (o->layers && strcmp(r->name, "fork") == 0) ||
	    strcmp(r->name, "kill") == 0;
}

static void
rows_add(const struct options *o, const struct row *rows)
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

	if (s->error.code == ERR_NONE && s->row->run(s->row, s->samples + s->n, n, &s->error) == 0) {
		for (int i = s->n; i < s->n + n; i++)
			fprintf(raw, "%d\t%s\t%lld\t%lld\t%lld\n", round, s->row->name, (long long)s->samples[i].first_ns,
			    (long long)s->samples[i].reaped_ns, (long long)s->samples[i].faults);
		s->n += n;
	}
	s->at[round + 1] = s->n;
}

static int
rounds_run(const struct options *o)
{
	FILE	*raw = fopen(bench_path("bench/samples.tsv"), "w");
	int	 order[ROWS_MAX];

	if (raw == NULL) {
		perror("bench: samples.tsv");
		return -1;
	}
	fputs("round\trow\tfirst_ns\treaped_ns\tfaults\n", raw);
	for (int r = 0; r < o->rounds; r++) {
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
	}
	return fclose(raw);
}

static int
compare(const void *a, const void *b)
{
	double	 x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

enum field { FIRST, REAPED, FAULTS };

static double
value(const struct sample *s, enum field f)
{
	return f == FIRST ? (double)s->first_ns : f == REAPED ? (double)s->reaped_ns : (double)s->faults;
}

/* The q-th part of samples [from, to), 0.5 being the median. */
static double
quantile(const struct series *s, int from, int to, enum field f, double q)
{
	static double	 v[ROUNDS_MAX * BLOCK_MAX];
	int		 n = to - from;

	for (int i = 0; i < n; i++)
		v[i] = value(&s->samples[from + i], f);
	qsort(v, (size_t)n, sizeof(*v), compare);
	return n == 0 ? 0 : v[(int)(q * (n - 1) + 0.5)];
}

/* Median over rounds of this row's median by that one's; 0: none. */
static double
ratio(const struct series *s, const char *name, enum field f, int rounds)
{
	double			 v[ROUNDS_MAX];
	const struct series	*to = NULL;
	int			 n = 0;

	for (int i = 0; name != NULL && i < nrows; i++)
		if (strcmp(all[i].row->name, name) == 0)
			to = &all[i];
	for (int r = 0; to != NULL && r < rounds; r++) {
		double	 own = quantile(s, s->at[r], s->at[r + 1], f, 0.5);
		double	 floor = quantile(to, to->at[r], to->at[r + 1], f, 0.5);

		if (own > 0 && floor > 0)
			v[n++] = own / floor;
	}
	qsort(v, (size_t)n, sizeof(*v), compare);
	return n == 0 ? 0 : v[n / 2];
}

static const struct {
	const char	*name;
	double		 per;		/* samples are in ns, or the rate itself */
} units[] = { [UNIT_US] = { "us", 1e3 }, [UNIT_MB_S] = { "MB/s", 1 }, [UNIT_PER_S] = { "/s", 1 } };

static void
number(double v, const char *fmt)
{
	char	 text[32];

	snprintf(text, sizeof(text), fmt, v);
	printf(" %9s", v > 0 ? text : "-");
}

static void
line_print(const struct series *s, int rounds)
{
	double	 per = units[s->row->unit].per;

	printf("%-12s %-46s", s->row->name, s->row->what);
	if (s->n == 0) {
		printf("  skipped: %s\n", s->error.msg);
		return;
	}
	printf(" %5d %5s", s->n, units[s->row->unit].name);
	number(quantile(s, 0, s->n, FIRST, 0.5) / per, "%.0f");
	number(s->row->unit == UNIT_US ? quantile(s, 0, s->n, FIRST, 0.99) / per : 0, "%.0f");
	number(quantile(s, 0, s->n, REAPED, 0.5) / per, "%.0f");
	number(s->row->unit == UNIT_US ? quantile(s, 0, s->n, REAPED, 0.99) / per : 0, "%.0f");
	number(ratio(s, s->row->floor, FIRST, rounds), "%.2f");
	number(ratio(s, s->row->floor, REAPED, rounds), "%.2f");
	number(ratio(s, s->row->other, REAPED, rounds), "%.2f");
	printf(" %7.0f %s%s%s%s\n", quantile(s, 0, s->n, FAULTS, 0.5), s->row->floor == NULL ? "" : "/ ",
	    s->row->floor == NULL ? "" : s->row->floor, s->row->other == NULL ? "" : ", ",
	    s->row->other == NULL ? "" : s->row->other);
}

static void
table_print(const struct options *o)
{
	double	 v[ROUNDS_MAX];

	memcpy(v, load, sizeof(v));
	qsort(v, (size_t)o->rounds, sizeof(*v), compare);
	printf("%-12s %-46s %5s %5s %9s %9s %9s %9s %9s %9s %9s %7s\n", "row", "what", "n", "unit", "first", "p99",
	    "reaped", "p99", "first/", "reaped/", "reaped//", "faults");
	for (int i = 0; i < nrows; i++)
		line_print(&all[i], o->rounds);
	printf("\n%d rounds, at most %d samples each; before a round others used %.0f %% of %ld processors "
	    "(median; %.0f to %.0f %%).\n", o->rounds, o->block, v[o->rounds / 2] * 100, sysconf(_SC_NPROCESSORS_ONLN),
	    v[0] * 100, v[o->rounds - 1] * 100);
	printf("first/ and reaped/: by the row behind \"/\" in the same round; reaped//: by the one behind the comma.\n");
}

static void
json_print_rows(const struct options *o)
{
	for (int i = 0; i < nrows; i++) {
		const struct series	*s = &all[i];
		double			 per = units[s->row->unit].per;

		if (s->n == 0) {
			printf("{\"row\":\"%s\",\"skipped\":true}\n", s->row->name);
			continue;
		}
		printf("{\"row\":\"%s\",\"n\":%d,\"unit\":\"%s\",\"first\":%.1f,\"firstP99\":%.1f,\"reaped\":%.1f,"
		    "\"reapedP99\":%.1f,\"faults\":%.0f", s->row->name, s->n, units[s->row->unit].name,
		    quantile(s, 0, s->n, FIRST, 0.5) / per, quantile(s, 0, s->n, FIRST, 0.99) / per,
		    quantile(s, 0, s->n, REAPED, 0.5) / per, quantile(s, 0, s->n, REAPED, 0.99) / per,
		    quantile(s, 0, s->n, FAULTS, 0.5));
		if (s->row->floor != NULL)
			printf(",\"floor\":\"%s\",\"firstRatio\":%.3f,\"reapedRatio\":%.3f", s->row->floor,
			    ratio(s, s->row->floor, FIRST, o->rounds), ratio(s, s->row->floor, REAPED, o->rounds));
		if (s->row->other != NULL)
			printf(",\"other\":\"%s\",\"otherRatio\":%.3f", s->row->other,
			    ratio(s, s->row->other, REAPED, o->rounds));
		puts("}");
	}
}

static const struct option	 longs[] = {
	{ "rounds", required_argument, NULL, 'r' }, { "block", required_argument, NULL, 'b' },
	{ "quick", no_argument, NULL, 'q' }, { "only", required_argument, NULL, 'o' },
	{ "rivals", no_argument, NULL, 'R' }, { "layers", no_argument, NULL, 'l' }, { "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' }, { 0 }
};

static int
count_of(const char *text, int most)
{
	char	*end;
	long	 n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 1 || n > most) {
		fprintf(stderr, "bench: \"%s\" is no number from 1 to %d\n", text, most);
		exit(64);
	}
	return (int)n;
}

static void
options_read(int argc, char **argv, struct options *o)
{
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;)
		switch (c) {
		case 'r':
			o->rounds = count_of(optarg, ROUNDS_MAX);
			break;
		case 'b':
			o->block = count_of(optarg, BLOCK_MAX);
			break;
		case 'q':
			bench_quick = true;
			o->rounds = 3;
			o->block = 5;
			break;
		case 'o':
			o->only = optarg;
			break;
		case 'R':
			o->rivals = true;
			break;
		case 'l':
			o->layers = true;
			break;
		case 'j':
			o->json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(64);
		}
}

int
main(int argc, char **argv)
{
	struct options	 o = { .rounds = 10, .block = 20 };
	int		 r;

	options_read(argc, argv, &o);
	signal(SIGPIPE, SIG_IGN);
	srand((unsigned int)now_ns());
	if (bench_find() == -1) {
		perror("bench: the build folder");
		return 1;
	}
	if (optind < argc && strcmp(argv[optind], "phases") == 0)
		return phases_report(o.rounds, stdout) == 0 ? 0 : 1;
	rows_add(&o, floor_rows);
	rows_add(&o, core_rows);
	if (o.layers)
		rows_add(&o, layer_rows);
	rows_add(&o, shell_rows);
	rows_add(&o, stream_rows);
	if (o.rivals)
		rows_add(&o, rival_rows);
	r = rounds_run(&o);
	floor_stop();
	core_rows_stop();
	shell_stop();
	if (r == 0)
		o.json ? json_print_rows(&o) : table_print(&o);
	return r == 0 ? 0 : 1;
}
