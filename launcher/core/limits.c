/*
 * limits.c -- "name=value" of --limit: durations, sizes and counts.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "launcher/core/core.h"

enum unit { UNIT_TIME, UNIT_BYTES, UNIT_COUNT };

static const struct {
	const char	*suffix;
	enum unit	 unit;
	int64_t		 factor;
} suffixes[] = {
	{ "ms", UNIT_TIME, 1 }, { "s", UNIT_TIME, 1000 }, { "", UNIT_TIME, 1000 },
	{ "m", UNIT_TIME, 60000 }, { "h", UNIT_TIME, 3600000 }, { "d", UNIT_TIME, 86400000 },
	{ "", UNIT_BYTES, 1 }, { "k", UNIT_BYTES, KIB }, { "m", UNIT_BYTES, MIB }, { "g", UNIT_BYTES, 1024 * (int64_t)MIB },
	{ "t", UNIT_BYTES, 1024 * 1024 * (int64_t)MIB },
	{ "", UNIT_COUNT, 1 }, { "k", UNIT_COUNT, 1000 }, { "m", UNIT_COUNT, 1000000 },
};

enum limit { LIMIT_DEADLINE, LIMIT_SILENCE, LIMIT_MEMORY, LIMIT_CPU, LIMIT_RECORDS, LIMIT_CONNECTS, LIMIT__MAX };

static const struct {
	const char	*name;
	enum unit	 unit;
	int64_t		 least, most;
	const char	*range;
} limits[] = {
	[LIMIT_DEADLINE] = { "deadline", UNIT_TIME, 1, DEADLINE_MS_MAX, "1ms to 7d" },
	[LIMIT_SILENCE]	= { "silence", UNIT_TIME, 1, DEADLINE_MS_MAX, "1ms to 7d" },
	[LIMIT_MEMORY]	= { "memory", UNIT_BYTES, 32 * MIB, 64 * 1024 * (int64_t)MIB, "32m to 64g" },
	[LIMIT_CPU]	= { "cpu", UNIT_TIME, 1000, 30 * 86400 * (int64_t)1000, "1s to 30d" },
	[LIMIT_RECORDS]	= { "records", UNIT_COUNT, 1, INT64_MAX, "1 or more" },
	[LIMIT_CONNECTS] = { "connects", UNIT_COUNT, 1, 1000000, "1 to 1000000" },
};
static_assert(N_ITEMS(limits) == LIMIT__MAX, "every limit has a row");

static int
number(const char *text, enum unit unit, int64_t *out)
{
	char		*rest;
	long long	 n;

	if (text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	n = strtoll(text, &rest, 10);
	if (errno != 0)
		return -1;
	for (size_t i = 0; i < N_ITEMS(suffixes); i++)
		if (suffixes[i].unit == unit && strcmp(suffixes[i].suffix, rest) == 0)
			return __builtin_mul_overflow(n, suffixes[i].factor, out) ? -1 : 0;
	return -1;
}

int
inv_time_read(const char *text, int64_t *ms)
{
	return number(text, UNIT_TIME, ms);
}

int
inv_size_read(const char *text, int64_t *bytes)
{
	return number(text, UNIT_BYTES, bytes);
}

int
inv_limit_set(struct inv_limits *l, const char *text, struct error *e)
{
	size_t	 n = strcspn(text, "=");
	int64_t	 v;

	for (enum limit i = 0; i < LIMIT__MAX; i++) {
		if (strlen(limits[i].name) != n || strncmp(limits[i].name, text, n) != 0)
			continue;
		if (text[n] == '\0' || number(text + n + 1, limits[i].unit, &v) == -1 ||
		    v < limits[i].least || v > limits[i].most)
			return error_set(e, ERR_USAGE, "limit %s: must be %s", limits[i].name, limits[i].range);
		switch (i) {
		case LIMIT_DEADLINE:	l->deadline_ms = v; break;
		case LIMIT_SILENCE:	l->silence_ms = v; break;
		case LIMIT_MEMORY:	l->memory_bytes = (uint64_t)v; break;
		case LIMIT_CPU:		l->cpu_s = (unsigned int)(v / 1000); break;
		case LIMIT_RECORDS:	l->records = (uint64_t)v; break;
		default:		l->connects = (uint64_t)v; break;
		}
		return 0;
	}
	return error_set(e, ERR_USAGE, "no limit is called \"%.*s\" (deadline, silence, memory, cpu, records, connects)",
	    (int)(n > 40 ? 40 : n), text);
}
