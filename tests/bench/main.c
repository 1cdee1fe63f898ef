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
 * In the build folder's bench/ stay: samples.tsv (round, row, first ns, reaped ns, faults), results.json (what --json
 * prints), ratios.svg and latency.svg.
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/series.h"
#include "worker/contract/util.h"

bool			 bench_quick;

static const char usage[] =
"usage: bench [OPTIONS]          the table\n"
"       bench [OPTIONS] phases   where the time of a cold start goes\n"
"\n"
"  --rounds N   blocks of each row (10)\n"
"  --block N    samples of a block (20)\n"
"  --quick      3 rounds of 5, less data: two minutes\n"
"  --only NAME  only rows whose name starts so, and the floors; several: NAME,NAME\n"
"  --rivals     installs what it compares with first (Debian's packages, the SDK from npm)\n"
"  --layers     also a worker with one layer waived at a time: what each costs\n"
"  --json       one JSON object a line instead of the table\n"
"\n"
"Rows are interleaved in random order within each round.  A ratio is the median over rounds of\n"
"(the row's median / its floor's median in the same round).  In bench/ of the build folder: samples.tsv,\n"
"results.json, ratios.svg, latency.svg.\n";

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

/* A thousand live invocations hold some descriptors each. */
static void
descriptors_raise(void)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static int
rivals_install(void)
{
	char	 command[PATH_BYTES * 2 + 64];

	snprintf(command, sizeof(command), "tests/bench/rivals.sh '%s'", bench_path(""));
	return system(command) == 0 ? 0 : -1;
}

static void
rows_choose(const struct options *o)
{
	static const struct row *const tables[] = { floor_rows, core_rows, link_rows, pool_rows, serve_rows, tls_rows, growth_rows, memory_rows,
	    shell_rows, stream_rows, node_rows, rival_rows };

	for (size_t i = 0; i < N_ITEMS(tables); i++)
		series_add(o, tables[i]);
	if (o->layers)
		series_add(o, layer_rows);
}

static int
results_write(const struct options *o)
{
	FILE	*f = fopen(bench_path("bench/results.json"), "w");

	if (f == NULL)
		return -1;
	table_print_json(o, f);
	goals_print_json(f);
	return fclose(f) == 0 && plots_write() == 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	struct options	 o = { .rounds = 10, .block = 20 };
	int		 r;

	options_read(argc, argv, &o);
	signal(SIGPIPE, SIG_IGN);
	srand((unsigned int)now_ns());
	descriptors_raise();
	if (bench_find() == -1) {
		perror("bench: the build folder");
		return 1;
	}
	if (optind < argc && strcmp(argv[optind], "phases") == 0)
		return phases_report(o.rounds, stdout) == 0 ? 0 : 1;
	if (o.rivals && rivals_install() == -1)
		return 1;
	rows_choose(&o);
	r = series_run(&o);
	floor_stop();
	core_rows_stop();
	services_stop();
	if (r == -1)
		return 1;
	if (results_write(&o) == -1) {
		perror("bench: results");
		return 1;
	}
	if (o.json) {
		table_print_json(&o, stdout);
		goals_print_json(stdout);
	} else {
		table_print(&o, stdout);
		goals_print(stdout);
	}
	return 0;
}
