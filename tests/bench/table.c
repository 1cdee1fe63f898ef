/*
 * table.c -- a line for each row, for people and for programs.
 */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/bench/series.h"
#include "worker/contract/buf.h"
#include "worker/contract/json.h"

#define STRING_BYTES	8192

static const struct {
	const char	*name;
	double		 per;		/* samples are in ns, or the figure itself */
	bool		 time;
} units[] = {
	[UNIT_US] = { "us", 1e3, true }, [UNIT_NS] = { "ns", 1, true }, [UNIT_MB_S] = { "MB/s", 1, false },
	[UNIT_PER_S] = { "/s", 1, false }, [UNIT_KIB] = { "KiB", 1, false }, [UNIT_COUNT] = { "", 1, false },
};

static void
number(FILE *out, double v, const char *fmt)
{
	char	 text[32];

	snprintf(text, sizeof(text), fmt, v);
	fprintf(out, " %8s", v > 0 ? text : "-");
}

static void
line_print(const struct series *s, FILE *out)
{
	const struct row	*r = s->row;
	double			 per = units[r->unit].per;
	bool			 time = units[r->unit].time;

	fprintf(out, "%-15s %-50s", r->name, r->what);
	if (s->n == 0) {
		fprintf(out, "  skipped: %s\n", s->error.msg);
		return;
	}
	fprintf(out, " %5d %4s", s->n, units[r->unit].name);
	number(out, series_quantile(s, FIRST, 0.5) / per, "%.0f");
	number(out, time ? series_quantile(s, FIRST, 0.99) / per : 0, "%.0f");
	number(out, series_quantile(s, REAPED, 0.5) / per, "%.0f");
	number(out, time ? series_quantile(s, REAPED, 0.99) / per : 0, "%.0f");
	number(out, series_ratio(s, r->floor, FIRST), "%.2f");
	number(out, series_ratio(s, r->floor, REAPED), "%.2f");
	number(out, series_ratio(s, r->other, FIRST), "%.2f");
	number(out, series_ratio(s, r->other, REAPED), "%.2f");
	fprintf(out, " %6.0f %s%s%s%s\n", series_quantile(s, FAULTS, 0.5), r->floor == NULL ? "" : "/ ",
	    r->floor == NULL ? "" : r->floor, r->other == NULL ? "" : ", ", r->other == NULL ? "" : r->other);
}

void
table_print(const struct options *o, FILE *out)
{
	double	 load[3];

	series_load(load);
	fprintf(out, "%-15s %-50s %5s %4s %8s %8s %8s %8s %8s %8s %8s %8s %6s\n", "row", "what", "n", "unit", "first", "p99",
	    "reaped", "p99", "first/", "reaped/", "first//", "reaped//", "faults");
	for (int i = 0; i < nrows; i++)
		line_print(&all[i], out);
	fprintf(out, "\n%d rounds, at most %d samples each; before a round others used %.0f %% of %ld processors "
	    "(median; %.0f to %.0f %%).\n", o->rounds, o->block, load[0] * 100, sysconf(_SC_NPROCESSORS_ONLN), load[1] * 100,
	    load[2] * 100);
	fprintf(out, "first/ and reaped/: by the row behind \"/\" in the same round; first// and reaped//: by the one behind the "
	    "comma.\n");
}

void
string_print_json(const char *key, const char *text, FILE *out)
{
	struct buf	 b;

	buf_init(&b, STRING_BYTES);
	json_print_string(&b, text);
	fprintf(out, ",\"%s\":%.*s", key, (int)b.len, b.failed ? "" : b.data);
	buf_free(&b);
}

static void
ratios_print_json(const struct series *s, const char *key, const char *to, FILE *out)
{
	if (to == NULL || series_find(to) == NULL)
		return;
	fprintf(out, ",\"%s\":\"%s\",\"%sFirst\":%.3f,\"%sReaped\":%.3f", key, to, key, series_ratio(s, to, FIRST), key,
	    series_ratio(s, to, REAPED));
}

static const char *
processor_model(void)
{
	static char	 line[256];
	FILE		*f = fopen("/proc/cpuinfo", "r");
	char		*at = NULL;

	while (f != NULL && at == NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "model name", 10) == 0 && (at = strchr(line, ':')) != NULL)
			line[strcspn(line, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
	return at == NULL ? "unknown processor" : at + 2;
}

void
table_print_json(const struct options *o, FILE *out)
{
	struct utsname	 u;
	double		 load[3];

	series_load(load);
	uname(&u);
	fprintf(out, "{\"rounds\":%d,\"block\":%d,\"processors\":%ld,\"othersUsed\":%.2f,\"othersUsedMost\":%.2f", o->rounds,
	    o->block, sysconf(_SC_NPROCESSORS_ONLN), load[0], load[2]);
	string_print_json("model", processor_model(), out);
	u.release[strspn(u.release, "0123456789.")] = '\0';
	string_print_json("kernel", u.release, out);
	fputs("}\n", out);
	for (int i = 0; i < nrows; i++) {
		const struct series	*s = &all[i];
		double			 per = units[s->row->unit].per;

		fprintf(out, "{\"row\":\"%s\"", s->row->name);
		string_print_json("what", s->row->what, out);
		if (s->n == 0) {
			string_print_json("skipped", s->error.msg, out);
			fputs("}\n", out);
			continue;
		}
		fprintf(out, ",\"n\":%d,\"unit\":\"%s\",\"first\":%.1f,\"firstP99\":%.1f,\"reaped\":%.1f,"
		    "\"reapedP99\":%.1f,\"faults\":%.0f", s->n, units[s->row->unit].name, series_quantile(s, FIRST, 0.5) / per,
		    series_quantile(s, FIRST, 0.99) / per, series_quantile(s, REAPED, 0.5) / per,
		    series_quantile(s, REAPED, 0.99) / per, series_quantile(s, FAULTS, 0.5));
		ratios_print_json(s, "floor", s->row->floor, out);
		ratios_print_json(s, "other", s->row->other, out);
		fputs("}\n", out);
	}
}
