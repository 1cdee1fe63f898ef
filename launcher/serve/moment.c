/*
 * moment.c -- moments as RFC 3339 has them, durations as Go has them.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "launcher/serve/moment.h"
#include "worker/contract/limits.h"

void
moment_print(int64_t wall_ms, char out[MOMENT_BYTES])
{
	time_t		 s = (time_t)(wall_ms / 1000);
	struct tm	 tm;
	size_t		 n;

	gmtime_r(&s, &tm);
	n = strftime(out, MOMENT_BYTES - 8, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, MOMENT_BYTES - n, ".%03dZ", (int)(wall_ms % 1000));
}

/* n digits, between least and most; -1: they are none. */
static int
digits(const char **at, int n, int least, int most)
{
	int	 v = 0;

	for (; n > 0; n--, ++*at) {
		if (**at < '0' || **at > '9')
			return -1;
		v = 10 * v + (**at - '0');
	}
	return v < least || v > most ? -1 : v;
}

static int
fraction(const char **at)
{
	int	 ms = 0, worth = 100;

	if (**at != '.')
		return 0;
	if (*++*at < '0' || **at > '9')
		return -1;
	for (; **at >= '0' && **at <= '9'; ++*at, worth /= 10)
		ms += worth * (**at - '0');
	return ms;
}

/* Minutes east, or -1 in *bad. */
static int
offset(const char **at, int *bad)
{
	int	 sign, h, m;

	if (**at == 'Z' || **at == 'z') {
		++*at;
		return 0;
	}
	sign = **at == '-' ? -1 : 1;
	if (**at != '-' && **at != '+') {
		*bad = -1;
		return 0;
	}
	++*at;
	h = digits(at, 2, 0, 23);
	if (h == -1 || *(*at)++ != ':' || (m = digits(at, 2, 0, 59)) == -1) {
		*bad = -1;
		return 0;
	}
	return sign * (60 * h + m);
}

int
moment_read(const char *text, int64_t *wall_ms)
{
	static const struct { int n, least, most; char behind; } parts[] = {
		{ 4, 1970, 9999, '-' }, { 2, 1, 12, '-' }, { 2, 1, 31, 'T' }, { 2, 0, 23, ':' }, { 2, 0, 59, ':' }, { 2, 0, 60, '\0' },
	};
	int		 v[6], ms, east, bad = 0;
	struct tm	 tm = { 0 };
	const char	*at = text;

	for (int i = 0; i < 6; i++) {
		if ((v[i] = digits(&at, parts[i].n, parts[i].least, parts[i].most)) == -1)
			return -1;
		if (parts[i].behind != '\0' && *at != parts[i].behind && !(parts[i].behind == 'T' && (*at == 't' || *at == ' ')))
			return -1;
		at += parts[i].behind != '\0';
	}
	if ((ms = fraction(&at)) == -1)
		return -1;
	east = offset(&at, &bad);
	if (bad == -1 || *at != '\0')
		return -1;
	tm = (struct tm){ .tm_year = v[0] - 1900, .tm_mon = v[1] - 1, .tm_mday = v[2], .tm_hour = v[3], .tm_min = v[4],
	    .tm_sec = v[5] };
	*wall_ms = ((int64_t)timegm(&tm) - 60 * east) * 1000 + ms;
	/* The 31st of a month that has none. */
	return tm.tm_mon != v[1] - 1 && v[5] != 60 ? -1 : 0;
}

void
duration_print(int64_t ms, char out[DURATION_BYTES])
{
	char	 second[24];
	size_t	 n;

	n = (size_t)snprintf(second, sizeof(second), "%d.%03d", (int)(ms / 1000 % 60), (int)(ms % 1000));
	while (second[n - 1] == '0')
		second[--n] = '\0';
	if (second[n - 1] == '.')
		second[--n] = '\0';
	if (ms > 0 && ms < 1000)
		snprintf(out, DURATION_BYTES, "%dms", (int)ms);
	else if (ms < MINUTES(1))
		snprintf(out, DURATION_BYTES, "%ss", second);
	else if (ms < 60 * MINUTES(1))
		snprintf(out, DURATION_BYTES, "%dm%ss", (int)(ms / MINUTES(1)), second);
	else
		snprintf(out, DURATION_BYTES, "%lldh%dm%ss", (long long)(ms / (60 * MINUTES(1))), (int)(ms / MINUTES(1) % 60), second);
}
