/*
 * instant.c -- times as sources write them, without the C library's time zone files.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connectors/rest/instant.h"

#define MS_MAX	INT64_C(253402300799999)	/* 9999-12-31 */

static bool
iso_read(const char *s, int64_t *ms)
{
	struct tm	 tm = { 0 };
	int		 used = 0, hours = 0, minutes = 0, fraction = 0, digits = 0;
	char		 sign;

	if (sscanf(s, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &used) != 3 || used != 10)
		return false;
	s += used;
	if (*s == 'T' || *s == ' ') {
		used = 0;
		if (sscanf(s + 1, "%2d:%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 3 || used != 8)
			return false;
		s += 1 + used;
		if (*s == '.')
			for (s++; isdigit((unsigned char)*s); s++)
				if (digits++ < 3)
					fraction = fraction * 10 + (*s - '0');
		for (; digits > 0 && digits < 3; digits++)
			fraction *= 10;
	}
	sign = *s;
	if (sign == '+' || sign == '-') {
		used = 0;
		if (sscanf(s + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 && sscanf(s + 1, "%2d%2d%n", &hours, &minutes, &used) != 2)
			return false;
		s += 1 + used;
	} else if (sign == 'Z')
		s++;
	if (*s != '\0' || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 24 ||
	    tm.tm_min > 59 || tm.tm_sec > 60 || hours > 23 || minutes > 59)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*ms = ((int64_t)timegm(&tm) - (sign == '-' ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60)) * 1000 + fraction;
	return true;
}

static bool
http_read(const char *s, int64_t *ms)
{
	static const char	 months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm		 tm = { 0 };
	char			 month[4] = "";
	const char		*at;

	if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour,
	    &tm.tm_min, &tm.tm_sec) != 6 || (at = strstr(months, month)) == NULL || (at - months) % 3 != 0)
		return false;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;
	*ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

static bool
number_read(const char *s, int64_t times, int64_t *ms)
{
	char		*end;
	long long	 n = strtoll(s, &end, 10);

	if (end == s || *end != '\0' || n < -MS_MAX / times || n > MS_MAX / times)
		return false;
	*ms = n * times;
	return true;
}

bool
instant_read(const char *form, const char *text, int64_t *ms)
{
	if (strcmp(form, "iso") == 0)
		return iso_read(text, ms);
	if (strcmp(form, "http") == 0)
		return http_read(text, ms);
	if (strcmp(form, "epoch") == 0)
		return number_read(text, 1000, ms);
	return strcmp(form, "epochms") == 0 && number_read(text, 1, ms);
}

bool
instant_print(const char *form, int64_t ms, char *out, size_t n)
{
	time_t		 t = (time_t)(ms / 1000 - (ms % 1000 < 0));
	struct tm	 tm;
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int		 len;

	if (ms > MS_MAX || ms < -MS_MAX || gmtime_r(&t, &tm) == NULL)
		return false;
	if (strcmp(form, "iso") == 0)
		len = snprintf(out, n, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		    tm.tm_hour, tm.tm_min, tm.tm_sec);
	else if (strcmp(form, "http") == 0)
		len = snprintf(out, n, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
		    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	else if (strcmp(form, "epoch") == 0)
		len = snprintf(out, n, "%" PRId64, (int64_t)t);
	else if (strcmp(form, "epochms") == 0)
		len = snprintf(out, n, "%" PRId64, ms);
	else
		return false;
	return len > 0 && (size_t)len < n;
}

bool
instant_is_number(const char *form)
{
	return strcmp(form, "epoch") == 0 || strcmp(form, "epochms") == 0;
}
