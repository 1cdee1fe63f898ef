/*
 * goals.c -- what was set as a goal, beside what was measured.
 *
 * None decides whether anything passes: a shared machine's times do not.  What is counted does, in gates.c and counts.t.
 */
#include <string.h>

#include "tests/bench/series.h"
#include "worker/contract/util.h"

enum sense { AT_MOST, AT_LEAST };

struct goal {
	const char	*number;
	const char	*what;
	const char	*row, *to;	/* divided by it, round by round; NULL: the figure itself */
	enum field	 field;
	enum sense	 sense;
	double		 bound;
	const char	*unit;
};

#define RIVAL(name)	{ "5", "parked, times faster than " name, name, "parked", FIRST, AT_LEAST, 10, "" }, \
			{ "5", "not parked, times faster than " name, name, "fork", FIRST, AT_LEAST, 1, "" }
static const struct goal goals[] = {
	{ "1", "parked / one of 16 running processes in turn, same pace", "parked", "ring-paced", FIRST, AT_MOST, 2.5, "" },
	{ "1", "parked / P at the same pace", "parked", "pipe-paced", FIRST, AT_MOST, 6, "" },
	{ "1", "pool empty / no pool", "pool-empty", "pool-none", FIRST, AT_MOST, 1.05, "" },
	{ "2", "parked through HTTP / P at the same pace", "http-parked", "pipe-paced", FIRST, AT_MOST, 10, "" },
	{ "3", "not parked / F", "fork", "clone3", FIRST, AT_MOST, 1.2, "" },
	{ "3", "not parked, TLS objects made / F", "fork-tls", "clone3", FIRST, AT_MOST, 2.5, "" },
	{ "3a", "page faults of a worker", "fork", NULL, FAULTS, AT_MOST, 8, "" },
	{ "3a", "page faults of a worker with TLS objects", "fork-tls", NULL, FAULTS, AT_MOST, 40, "" },
	{ "3a", "seccomp filters loaded by a worker", "gates", NULL, REAPED, AT_MOST, 0, "" },
	{ "3a", "system calls, fork to first read", "gates", NULL, FIRST, AT_MOST, 5, "" },
	{ "3b", "confined / unconfined, until reaped", "fork", "fork-open", REAPED, AT_MOST, 1.1, "" },
	{ "3b", "kill of a confined worker / of a bare process", "kill-worker", "kill", REAPED, AT_MOST, 1.1, "" },
	{ "4", "invocations a second, 4 in flight / F's rate", "rate", "clone3-rate", FIRST, AT_LEAST, 0.9, "" },
	{ "4", "through HTTP / F's rate", "http-rate", "clone3-rate", FIRST, AT_LEAST, 0.6, "" },
	RIVAL("bwrap"),
	RIVAL("crun"),
	RIVAL("firejail"),
	RIVAL("nsjail"),
	RIVAL("minijail0"),
	{ "5", "parked, times faster than of-watchdog, both by HTTP", "of-watchdog", "http-parked", FIRST, AT_LEAST, 10, "" },
	{ "5", "not parked, times faster than of-watchdog, both by HTTP", "of-watchdog", "http-direct", FIRST, AT_LEAST, 1, "" },
	{ "5", "parked, times faster than the SDK's warm server, both by HTTP", "sdk-server", "http-parked", FIRST, AT_LEAST, 10, "" },
	{ "6", "bascule invoke, cold / curl to the same endpoint", "invoke", "curl", REAPED, AT_MOST, 1.5, "" },
	{ "7", "HTTPS page, parked / a warm libcurl program", "https-list", "https-curl", REAPED, AT_MOST, 1.3, "" },
	{ "8", "accounts a second / the SDK's warm server", "stream", "sdk-stream", FIRST, AT_LEAST, 10, "" },
	{ "8", "a record by a description / by the scim connector, the same list", "accounts", "described", FIRST, AT_MOST, 1.3, "" },
	{ "8", "relay, one core", "relay", NULL, FIRST, AT_LEAST, 400, "MB/s" },
	{ "9", "private memory of a parked worker", "memory", NULL, FIRST, AT_MOST, 128, "KiB" },
	{ "9", "the same with TLS objects made", "memory-tls", NULL, FIRST, AT_MOST, 640, "KiB" },
	{ "10", "1,000 slow readers: all processes", "streams", NULL, FIRST, AT_MOST, 1572864, "KiB" },
	{ "10", "1,000 slow readers: launcher", "streams", NULL, REAPED, AT_MOST, 65536, "KiB" },
	{ "11", "an invocation while 10 live / while 1 does", "live-10", "live-1", REAPED, AT_MOST, 1.2, "" },
	{ "11", "an invocation while 100 live / while 1 does", "live-100", "live-1", REAPED, AT_MOST, 1.2, "" },
	{ "11", "an invocation while 1,000 live / while 1 does", "live-1000", "live-1", REAPED, AT_MOST, 1.2, "" },
	{ "11", "a record of 10,000 / of 1,000", "records-10000", "records-1000", FIRST, AT_MOST, 1.2, "" },
	{ "11", "a record of 100,000 / of 1,000", "records-100000", "records-1000", FIRST, AT_MOST, 1.2, "" },
	{ "11", "a record of 1,000,000 / of 1,000", "records-1000000", "records-1000", FIRST, AT_MOST, 1.2, "" },
	{ "12", "Node bundle, parked / its own warm server", "node-parked", "sdk-server", FIRST, AT_MOST, 3, "" },
	{ "12", "Node bundle, not parked / node evaluating it", "node-direct", "node-alone", FIRST, AT_MOST, 1.3, "" },
};

/* Why there is no figure; NULL with *v: there is. */
static const char *
measure(const struct goal *g, double *v)
{
	static const char	 absent[] = "not in this run";
	const struct series	*s = series_find(g->row), *to = g->to == NULL ? s : series_find(g->to);

	if (s == NULL || to == NULL)
		return absent;
	if (s->n == 0 || to->n == 0)
		return s->n == 0 ? s->error.msg : to->error.msg;
	*v = g->to == NULL ? series_quantile(s, g->field, 0.5) : series_ratio(s, g->to, g->field);
	return g->to != NULL && *v <= 0 ? "no round has both" : NULL;
}

static bool
is_met(const struct goal *g, double v)
{
	return g->sense == AT_MOST ? v <= g->bound : v >= g->bound;
}

void
goals_print(FILE *out)
{
	int	 met = 0, missed = 0;

	fprintf(out, "\n%-4s %-62s %14s %10s\n", "goal", "what", "wanted", "measured");
	for (size_t i = 0; i < N_ITEMS(goals); i++) {
		const struct goal	*g = &goals[i];
		double			 v = 0;
		const char		*why = measure(g, &v);
		char			 wanted[32];

		snprintf(wanted, sizeof(wanted), "%s %.*f%s%s", g->sense == AT_MOST ? "<=" : ">=", g->bound == (long)g->bound ? 0 : 2,
		    g->bound, *g->unit == '\0' ? "" : " ", g->unit);
		fprintf(out, "%-4s %-62s %14s", g->number, g->what, wanted);
		if (why != NULL) {
			fprintf(out, " %10s  unmeasured: %s\n", "-", why);
			continue;
		}
		fprintf(out, " %10.*f  %s\n", g->to == NULL ? 0 : 2, v, is_met(g, v) ? "met" : "NOT MET");
		*(is_met(g, v) ? &met : &missed) += 1;
	}
	fprintf(out, "\n%d met, %d not met, %d unmeasured\n", met, missed, (int)N_ITEMS(goals) - met - missed);
}

void
goals_print_json(FILE *out)
{
	for (size_t i = 0; i < N_ITEMS(goals); i++) {
		const struct goal	*g = &goals[i];
		double			 v = 0;
		const char		*why = measure(g, &v);

		fprintf(out, "{\"goal\":\"%s\"", g->number);
		string_print_json("what", g->what, out);
		fprintf(out, ",\"%s\":%g,\"unit\":\"%s\"", g->sense == AT_MOST ? "atMost" : "atLeast", g->bound, g->unit);
		if (why != NULL)
			string_print_json("unmeasured", why, out);
		else
			fprintf(out, ",\"measured\":%.4g,\"met\":%s", v, is_met(g, v) ? "true" : "false");
		fputs("}\n", out);
	}
}
