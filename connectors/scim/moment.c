/*
 * moment.c -- times as SCIM and HTTP write them, on one scale.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "connectors/scim/scim.h"

#define NS_PER_S	1000000000

/* ".123456789…": digits past the ninth are dropped. *s moves behind. */
static int64_t
fraction(const char **s)
{
	int64_t	ns = 0, unit = NS_PER_S / 10;

	if (**s != '.')
		return 0;
	for ((*s)++; isdigit((unsigned char)**s); (*s)++, unit /= 10)
		ns += (**s - '0') * unit;
	return ns;
}

/* "Z", "+02:00" or nothing (taken for UTC), up to the end. */
static int
zone(const char *s, int64_t *offset_s)
{
	int	h, m, used = 0;

	*offset_s = 0;
	if (s[0] == '\0' || strcmp(s, "Z") == 0)
		return 0;
	if ((s[0] != '+' && s[0] != '-') || sscanf(s + 1, "%2d:%2d%n", &h, &m, &used) != 2 || s[1 + used] != '\0')
		return -1;
	*offset_s = (h * 60 + m) * 60 * (s[0] == '-' ? -1 : 1);
	return 0;
}

int
scim_moment_parse(const char *s, int64_t *ns)
{
	struct tm	 tm = { 0 };
	const char	*rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t		 part, offset;

	if (rest == NULL || tm.tm_year < 70 || tm.tm_year > 300)
		return -1;
	part = fraction(&rest);
	if (zone(rest, &offset) == -1)
		return -1;
	*ns = ((int64_t)timegm(&tm) - offset) * NS_PER_S + part;
	return 0;
}

int
scim_moment_http(const char *s, int64_t *ns)
{
	struct tm	 tm = { 0 };
	const char	*rest = strptime(s, "%a, %d %b %Y %H:%M:%S GMT", &tm);

	if (rest == NULL || *rest != '\0')
		return -1;
	*ns = (int64_t)timegm(&tm) * NS_PER_S;
	return 0;
}

void
scim_moment_print(int64_t ns, char out[40])
{
	time_t		 t = (time_t)(ns / NS_PER_S);
	struct tm	 tm;
	size_t		 n;

	gmtime_r(&t, &tm);
	n = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 40 - n, ".%03dZ", (int)(ns % NS_PER_S / 1000000));
}
