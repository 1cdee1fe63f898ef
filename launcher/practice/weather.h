/*
 * weather.h -- the ways in which the source may misbehave, on request.
 */
#ifndef PRACTICE_WEATHER_H
#define PRACTICE_WEATHER_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/error.h"

enum weather_kind {
	WEATHER_LATENCY,
	WEATHER_429,
	WEATHER_429_DATE,
	WEATHER_5XX,
	WEATHER_RESET,
	WEATHER_TRUNCATE,
	WEATHER_SHORT,
	WEATHER_TOTAL_HIGH,
	WEATHER_TOTAL_LOW,
	WEATHER_DUP_PAGE,
	WEATHER_EMPTY_PAGE,
	WEATHER_LOOP_CURSOR,
	WEATHER_CROSS_ORIGIN,
	WEATHER_HTML,
	WEATHER_CONTENT_TYPE,
	WEATHER_BAD_TYPE,
	WEATHER_401_ONCE,
	WEATHER_EXPIRE,
	WEATHER_EXPIRE_AFTER,
	WEATHER_SLOW_DRIP,
	WEATHER_HANG,
	WEATHER__MAX
};

struct weather_info {
	const char	*name;
	const char	*unit;		/* of its value, for --help */
	int64_t		 dflt, max;	/* value without "="; greatest */
	const char	*meaning;
};
const struct weather_info	*weather_info(enum weather_kind);

struct weather {
	int64_t	 value[WEATHER__MAX];	/* 0: fine weather */
};

/* Reads "name", "name=value", "name=off", several with commas.  -1 with ERR_USAGE, nothing changed. */
int	 weather_read(struct weather *, const char *text, struct error *);
/* Reads {"name": value | true | false, …} as the whole weather. */
int	 weather_read_json(struct weather *, const cJSON *, struct error *);
/* What is on, as an object; NULL when out of memory. */
cJSON	*weather_json(const struct weather *);
/* For the kinds that strike each so manieth request: does it strike the nth (from 1)? */
bool	 weather_strikes(const struct weather *, enum weather_kind, uint64_t nth);

#endif
