/*
 * spec_rate.c -- how often a source may be asked: the "rate" of a specification, and an operator's word for one.
 */
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/spec.h"
#include "worker/contract/spec_private.h"
#include "worker/contract/util.h"

#define PER_MS_DEFAULT	SECONDS(1)

static const struct {
	const char	*name;
	uint32_t	 ms;
} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 60 * 60 * 1000 } };

/* Decimal digits, 1..most; the place behind them, NULL if there is no such number. */
static const char *
number_take(const char *p, uint32_t most, uint32_t *out)
{
	uint64_t	n = 0;

	if (*p < '1' || *p > '9')
		return NULL;
	for (; *p >= '0' && *p <= '9'; p++)
		if ((n = n * 10 + (uint64_t)(*p - '0')) > most)
			return NULL;
	*out = (uint32_t)n;
	return p;
}

/* "1s", "500ms", "1m", "1h", of n bytes. */
static int
window_read(const char *text, size_t n, uint32_t *ms)
{
	uint32_t	 count;
	const char	*unit = number_take(text, RATE_PER_MS_MAX, &count);

	for (size_t i = 0; unit != NULL && unit < text + n && i < N_ITEMS(units); i++)
		if (strlen(units[i].name) == (size_t)(text + n - unit) &&
		    strncmp(units[i].name, unit, (size_t)(text + n - unit)) == 0 &&
		    count <= RATE_PER_MS_MAX / units[i].ms) {
			*ms = count * units[i].ms;
			return 0;
		}
	return -1;
}

static int
broken(struct error *e, const char *where, const char *what)
{
	return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: rate%s: %s", where, what);
}

static bool
count_ok(const cJSON *v, int64_t most)
{
	int64_t	n;

	return v == NULL || (cJSON_IsNumber(v) && json_i64_of(v, &n) && n >= 1 && n <= most);
}

int
rate_check(const cJSON *rate, struct error *e)
{
	const cJSON	*requests = json_get(rate, "requests"), *concurrency = json_get(rate, "concurrency");
	const cJSON	*per = json_get(rate, "per"), *m;
	uint32_t	 ms;

	if (rate == NULL)
		return 0;
	if (!cJSON_IsObject(rate))
		return broken(e, "", "must be an object");
	cJSON_ArrayForEach(m, rate)
		if (strcmp(m->string, "requests") != 0 && strcmp(m->string, "per") != 0 &&
		    strcmp(m->string, "concurrency") != 0)
			return broken(e, "", "has requests, per and concurrency, and nothing else");
	if (!count_ok(requests, RATE_REQUESTS_MAX))
		return broken(e, ".requests", "must be a whole number from 1 to 10000");
	if (!count_ok(concurrency, RATE_CONCURRENCY_MAX))
		return broken(e, ".concurrency", "must be a whole number from 1 to 1000");
	if (requests == NULL && (concurrency == NULL || per != NULL))
		return broken(e, "", "requests or concurrency must be given, and per only with requests");
	if (per != NULL && (!cJSON_IsString(per) || window_read(per->valuestring, strlen(per->valuestring), &ms) == -1))
		return broken(e, ".per", "must be a time such as 1s, 1m or 1h, an hour at most");
	return 0;
}
static_assert(RATE_REQUESTS_MAX == 10000 && RATE_CONCURRENCY_MAX == 1000, "as the texts say");

void
spec_rate(const struct spec *sp, struct rate_budget *out)
{
	const cJSON	*rate = json_get(sp->doc, "rate");
	const char	*per = json_str(rate, "per", NULL);

	*out = (struct rate_budget){ .requests = (uint32_t)json_i64(rate, "requests", 0),
	    .concurrency = (uint32_t)json_i64(rate, "concurrency", 0) };
	if (out->requests > 0 && (per == NULL || window_read(per, strlen(per), &out->per_ms) == -1))
		out->per_ms = PER_MS_DEFAULT;
}

int
rate_read(const char *text, struct rate_budget *out, struct error *e)
{
	struct rate_budget	 b = { 0 };
	const char		*p = text;
	size_t			 n;

	*out = b;
	if (strcmp(text, "none") == 0)
		return 0;
	if (*p != ',') {
		if ((p = number_take(p, RATE_REQUESTS_MAX, &b.requests)) == NULL || *p++ != '/' ||
		    window_read(p, n = strcspn(p, ","), &b.per_ms) == -1)
			goto bad;
		p += n;
	}
	if (*p == ',')
		p = number_take(p + 1, RATE_CONCURRENCY_MAX, &b.concurrency);
	if (p == NULL || *p != '\0')
		goto bad;
	*out = b;
	return 0;
bad:
	return error_set(e, ERR_USAGE, "a rate is REQUESTS/TIME[,CONCURRENCY], as 100/1m or 100/1m,4; or ,CONCURRENCY; or none "
	    "(at most %d requests, an hour, %d at once)", RATE_REQUESTS_MAX, RATE_CONCURRENCY_MAX);
}
