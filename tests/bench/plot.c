/*
 * plot.c -- two pictures of a run, as SVG: how long until the first record, beside the floor and beside what others do; and
 * how those times are spread.
 */
#include <math.h>
#include <string.h>

#include "tests/bench/series.h"
#include "worker/contract/util.h"

#define WIDTH		880
#define LEFT		330		/* of names */
#define RIGHT		70		/* of figures behind the bars */
#define TOP		64
#define BAR		14
#define STEP		22
#define CURVES_HEIGHT	360
#define CURVES_LEFT	56

enum who { FLOOR, OURS, OTHERS };
static const char	*const colours[] = { [FLOOR] = "#8a8f98", [OURS] = "#1f6feb", [OTHERS] = "#d9822b" };

static const struct bar {
	const char	*row;
	enum who	 who;
	const char	*text;
} bars[] = {
	{ "pipe-paced", FLOOR, "pipe to a running process, one per 10 ms" },
	{ "ring-paced", FLOOR, "one of 16 running processes in turn" },
	{ "parked", OURS, "Bascule, worker parked" },
	{ "http-parked", OURS, "Bascule by HTTP, worker parked" },
	{ "clone3", FLOOR, "F: bare clone3 child, nothing confined" },
	{ "fork", OURS, "Bascule, not parked" },
	{ "fork-tls", OURS, "Bascule, not parked, TLS objects made" },
	{ "http-direct", OURS, "Bascule by HTTP, not parked" },
	{ "exec", FLOOR, "vfork + exec of a static program" },
	{ "sdk-server", OTHERS, "SDK's warm server, HTTP, no process each" },
	{ "of-watchdog", OTHERS, "of-watchdog, HTTP, confines nothing" },
	{ "unshare", OTHERS, "unshare(1), namespaces alone" },
	{ "bwrap", OTHERS, "bubblewrap" },
	{ "minijail0", OTHERS, "minijail" },
	{ "nsjail", OTHERS, "nsjail" },
	{ "crun", OTHERS, "crun" },
	{ "firejail", OTHERS, "firejail" },
	{ "python3", OTHERS, "python3, small script, confines nothing" },
	{ "node-parked", OURS, "Bascule by HTTP, Node bundle, parked" },
	{ "node", OTHERS, "node, small script, confines nothing" },
	{ "node-direct", OURS, "Bascule by HTTP, Node bundle, not parked" },
};

static const struct curve {
	const char	*row, *colour, *text;
} curves[] = {
	{ "ring-paced", "#8a8f98", "one of 16 running" },
	{ "parked", "#1f6feb", "parked" },
	{ "http-parked", "#0a9396", "parked, by HTTP" },
	{ "clone3", "#b0563f", "F: bare clone3" },
	{ "fork", "#6f42c1", "not parked" },
};

static void
picture_begin(FILE *f, int width, int height, const char *title, const char *below)
{
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
	    "font-family=\"sans-serif\" font-size=\"13\" fill=\"#1c2128\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
	    "<text x=\"12\" y=\"22\" font-size=\"16\" font-weight=\"bold\">%s</text>\n"
	    "<text x=\"12\" y=\"42\" fill=\"#57606a\">%s</text>\n", width, height, width, height, title, below);
}

/* Where v is between lo and hi, both powers of ten, on a width. */
static double
log_x(double v, double lo, double hi, double width)
{
	return (log10(v) - log10(lo)) / (log10(hi) - log10(lo)) * width;
}

static void
grid(FILE *f, double lo, double hi, int left, int width, int top, int bottom, const char *unit)
{
	for (double v = lo; v <= hi * 1.01; v *= 10) {
		double	 x = left + log_x(v, lo, hi, width);

		fprintf(f, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"%s\"/>\n<text x=\"%.1f\" y=\"%d\" "
		    "text-anchor=\"%s\" fill=\"#57606a\">%g%s</text>\n", x, x, top, bottom, v == 1 && *unit == '\0' ? "#1c2128" : "#e1e4e8",
		    x, bottom + 18, v < hi * 0.99 ? "middle" : "end", v, unit);
	}
}

static void
powers(double least, double most, double *lo, double *hi)
{
	*lo = pow(10, floor(log10(least)));
	*hi = pow(10, ceil(log10(most)));
}

/* In the order of their length; returns how many there are. */
static int
bars_order(const double *ratios, int order[N_ITEMS(bars)])
{
	int	 n = 0, k;

	for (int i = 0; i < (int)N_ITEMS(bars); i++) {
		if (ratios[i] <= 0)
			continue;
		for (k = n++; k > 0 && ratios[order[k - 1]] > ratios[i]; k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	return n;
}

static void
bars_draw(FILE *f, const double *ratios)
{
	int	 order[N_ITEMS(bars)], n = bars_order(ratios, order), width = WIDTH - LEFT - RIGHT, y = TOP;
	double	 lo, hi;

	powers(n > 0 && ratios[order[0]] < 1 ? ratios[order[0]] : 0.9, n > 0 && ratios[order[n - 1]] > 1 ? ratios[order[n - 1]] : 9, &lo, &hi);
	picture_begin(f, WIDTH, TOP + n * STEP + 40, "Request to first record, in bare clone3 children (F = 1, logarithmic)",
	    "Medians of interleaved rounds. Blue: Bascule, every wall up, a fresh process each. Orange: others. Grey: floors.");
	grid(f, lo, hi, LEFT, width, TOP - 8, TOP + n * STEP, "");
	for (int i = 0; i < n; i++, y += STEP) {
		double			 v = ratios[order[i]], x = log_x(v, lo, hi, width);
		const struct bar	*b = &bars[order[i]];

		fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" "
		    "fill=\"%s\"/>\n<text x=\"%.1f\" y=\"%d\">%.*f</text>\n", LEFT - 8, y + 12, b->text, LEFT, y, x < 1 ? 1 : x, BAR,
		    colours[b->who], LEFT + x + 6, y + 12, v < 10 ? 2 : 0, v);
	}
	fputs("</svg>\n", f);
}

static void
curve_draw(FILE *f, const struct curve *c, double lo, double hi, int place)
{
	const struct series	*s = series_find(c->row);
	int			 width = WIDTH - CURVES_LEFT - 24, height = CURVES_HEIGHT - TOP - 40, n;
	double			*v;

	if (s == NULL || s->n == 0)
		return;
	n = series_sorted(s, FIRST, &v);
	fprintf(f, "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"%s\" points=\"", c->colour);
	for (int i = 0; i < n; i++)
		fprintf(f, "%.1f,%.1f ", CURVES_LEFT + log_x(v[i] / 1e3, lo, hi, width), TOP + height * (1 - (i + 1.0) / n));
	fprintf(f, "\"/>\n<text x=\"%d\" y=\"%d\" fill=\"%s\">%s: %.0f us</text>\n", WIDTH - 230, TOP + height - 12 - 18 * place,
	    c->colour, c->text, v[n / 2] / 1e3);
}

static void
curves_draw(FILE *f)
{
	int	 width = WIDTH - CURVES_LEFT - 24, bottom = CURVES_HEIGHT - 40;
	double	 least = 1e9, most = 0, lo, hi, *v;

	for (size_t i = 0; i < N_ITEMS(curves); i++) {
		const struct series	*s = series_find(curves[i].row);
		int			 n = s == NULL ? 0 : series_sorted(s, FIRST, &v);

		if (n == 0)
			continue;
		least = v[0] / 1e3 < least ? v[0] / 1e3 : least;
		most = v[n - 1] / 1e3 > most ? v[n - 1] / 1e3 : most;
	}
	if (most <= 0)
		least = most = 1;
	powers(least, most + 1, &lo, &hi);
	picture_begin(f, WIDTH, CURVES_HEIGHT, "Request to first record: how many came within which time",
	    "All samples of all rounds; beside each name its median. Microseconds of this machine, logarithmic.");
	grid(f, lo, hi, CURVES_LEFT, width, TOP, bottom, " us");
	for (int p = 0; p <= 100; p += 25)
		fprintf(f, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\" fill=\"#57606a\">%d %%</text>\n", CURVES_LEFT - 6,
		    TOP + (bottom - TOP) * (1 - p / 100.0) + 4, p);
	for (size_t i = 0; i < N_ITEMS(curves); i++)
		curve_draw(f, &curves[i], lo, hi, (int)(N_ITEMS(curves) - i));
	fputs("</svg>\n", f);
}

int
plots_write(void)
{
	double	 ratios[N_ITEMS(bars)];
	FILE	*f;

	for (size_t i = 0; i < N_ITEMS(bars); i++) {
		const struct series	*s = series_find(bars[i].row);

		ratios[i] = s == NULL ? 0 : series_ratio(s, "clone3", FIRST);
	}
	if ((f = fopen(bench_path("bench/ratios.svg"), "w")) == NULL)
		return -1;
	bars_draw(f, ratios);
	if (fclose(f) != 0 || (f = fopen(bench_path("bench/latency.svg"), "w")) == NULL)
		return -1;
	curves_draw(f);
	return fclose(f) == 0 ? 0 : -1;
}
