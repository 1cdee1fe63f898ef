/*
 * weather.c -- names of bad weather, and when it strikes.
 */
#include <string.h>

#include "launcher/practice/weather.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define WEATHER_NAME_BYTES_MAX	32
#define EVERY_MAX		1000000
#define NTH			"each Nth request"

static const struct weather_info infos[] = {
	[WEATHER_LATENCY] = { "latency", "MS", 200, 600000, "answers come this much later" },
	[WEATHER_429] = { "429", "N", 1, EVERY_MAX, NTH " is answered 429 with Retry-After: 1" },
	[WEATHER_429_DATE] = { "429date", "N", 1, EVERY_MAX, "the same, Retry-After being a date" },
	[WEATHER_5XX] = { "5xx", "N", 1, EVERY_MAX, NTH " is answered 503" },
	[WEATHER_RESET] = { "reset", "N", 1, EVERY_MAX, NTH " ends in a connection reset in mid-body" },
	[WEATHER_TRUNCATE] = { "truncate", "N", 1, EVERY_MAX, NTH " gets half of its JSON in a whole reply" },
	[WEATHER_SHORT] = { "short", "N", 1, EVERY_MAX, NTH " gets fewer bytes than Content-Length says" },
	[WEATHER_TOTAL_HIGH] = { "total-high", "N", 7, EVERY_MAX, "totalResults is too high by N" },
	[WEATHER_TOTAL_LOW] = { "total-low", "N", 7, EVERY_MAX, "totalResults is too low by N" },
	[WEATHER_DUP_PAGE] = { "dup-page", "PAGE", 2, EVERY_MAX, "pages behind this one repeat it" },
	[WEATHER_EMPTY_PAGE] = { "empty-page", "PAGE", 2, EVERY_MAX, "this page has no rows though others follow" },
	[WEATHER_LOOP_CURSOR] = { "loop-cursor", "PAGE", 2, EVERY_MAX, "the cursor behind this page leads to it again" },
	[WEATHER_CROSS_ORIGIN] = { "cross-origin", "", 1, 1, "the next link leads to another host" },
	[WEATHER_HTML] = { "html", "N", 1, EVERY_MAX, NTH " is answered 200 with an HTML page" },
	[WEATHER_CONTENT_TYPE] = { "content-type", "", 1, 1, "JSON is labelled text/plain" },
	[WEATHER_BAD_TYPE] = { "badtype", "", 1, 1, "active and totalResults are strings, emails is no array" },
	[WEATHER_401_ONCE] = { "401-once", "", 1, 1, "the first request with each token is answered 401" },
	[WEATHER_EXPIRE] = { "expire", "S", 5, 86400, "tokens of /oauth/token are good for S seconds" },
	[WEATHER_EXPIRE_AFTER] = { "expire-after", "N", 3, EVERY_MAX, "tokens of /oauth/token are good for N requests" },
	[WEATHER_SLOW_DRIP] = { "slow-drip", "BYTES_PER_S", 1024, 1000000000, "bodies come this slowly" },
	[WEATHER_HANG] = { "hang", "N", 1, EVERY_MAX, NTH " is never answered" },
};
static_assert(N_ITEMS(infos) == WEATHER__MAX, "a row for each kind");

const struct weather_info *
weather_info(enum weather_kind kind)
{
	return &infos[kind];
}

static int
find(const char *name, struct error *e)
{
	for (int i = 0; i < WEATHER__MAX; i++)
		if (strcmp(infos[i].name, name) == 0)
			return i;
	return error_set(e, ERR_USAGE, "no weather is called that; see bascule practice --help");
}

static int
set_value(struct weather *w, int kind, const char *digits, struct error *e)
{
	char		*end;
	long long	 v;

	errno = 0;
	v = strtoll(digits, &end, 10);
	if (end == digits || *end != '\0' || errno != 0 || v < 0 || v > infos[kind].max)
		return error_set(e, ERR_USAGE, "weather %s: a number from 0 (off) to %lld is wanted", infos[kind].name,
		    (long long)infos[kind].max);
	w->value[kind] = v;
	return 0;
}

static int
read_one(struct weather *w, const char *text, size_t n, struct error *e)
{
	char	 item[2 * WEATHER_NAME_BYTES_MAX], *value;
	int	 kind;

	if (n >= sizeof(item))
		return error_set(e, ERR_USAGE, "no weather has such a long name");
	memcpy(item, text, n);
	item[n] = '\0';
	if ((value = strchr(item, '=')) != NULL)
		*value++ = '\0';
	if ((kind = find(item, e)) == -1)
		return -1;
	if (value != NULL && strcmp(value, "off") != 0)
		return set_value(w, kind, value, e);
	w->value[kind] = value == NULL ? infos[kind].dflt : 0;
	return 0;
}

int
weather_read(struct weather *w, const char *text, struct error *e)
{
	struct weather read = *w;

	for (;;) {
		size_t	 n;

		text += strspn(text, ", ");
		n = strcspn(text, ", ");
		if (n == 0)
			break;
		if (read_one(&read, text, n, e) == -1)
			return -1;
		text += n;
	}
	*w = read;
	return 0;
}

int
weather_read_json(struct weather *w, const cJSON *object, struct error *e)
{
	struct weather	 read = { 0 };
	const cJSON	*m;
	char		 scratch[32];
	int		 kind;

	if (!cJSON_IsObject(object))
		return error_set(e, ERR_USAGE, "weather: an object of names and values is wanted");
	cJSON_ArrayForEach(m, object) {
		const char *text = json_scalar_text(m, scratch, sizeof(scratch));

		if ((kind = find(m->string, e)) == -1)
			return -1;
		if (cJSON_IsBool(m))
			read.value[kind] = cJSON_IsTrue(m) ? infos[kind].dflt : 0;
		else if (text == NULL || set_value(&read, kind, text, e) == -1)
			return text != NULL ? -1 : error_set(e, ERR_USAGE, "weather %s: no such value", infos[kind].name);
	}
	*w = read;
	return 0;
}

cJSON *
weather_json(const struct weather *w)
{
	cJSON *object = cJSON_CreateObject();

	for (int i = 0; i < WEATHER__MAX && object != NULL; i++)
		if (w->value[i] != 0 && json_set(object, infos[i].name, json_int(w->value[i])) == -1) {
			cJSON_Delete(object);
			object = NULL;
		}
	return object;
}

bool
weather_strikes(const struct weather *w, enum weather_kind kind, uint64_t nth)
{
	return w->value[kind] != 0 && nth % (uint64_t)w->value[kind] == 0;
}
