/*
 * cache.c -- what the launcher keeps from one invocation to the next of the same source, connector and configuration.
 */
#include <string.h>

#include "worker/contract/worker_fd.h"
#include "worker/runtime/runtime.h"

static const cJSON	*handed;	/* an object where the launcher keeps values; else NULL */
static unsigned int	 declared;	/* bits of enum kept_kind: what the specification says */
static unsigned int	 nputs;

void
cache_setup(const cJSON *values, unsigned int kinds)
{
	handed = cJSON_IsObject(values) ? values : NULL;
	declared = kinds;
	nputs = 0;
}

bool
cache_keeps(enum kept_kind kind)
{
	return (declared & (1u << kind)) != 0 && handed != NULL;
}

static bool
names(const char *name, enum kept_kind kind)
{
	return (declared & (1u << kind)) != 0 && kept_kind(name, strlen(name)) == kind;
}

const char *
cache_get(struct call *c, const char *name, int64_t *left_ms)
{
	const cJSON	*v = names(name, KEPT_TOKEN) ? json_get(handed, name) : NULL;
	const char	*value = json_str(v, "value", NULL);

	(void)c;
	if (value == NULL)
		return NULL;
	redact_add(value);
	if (left_ms != NULL)
		*left_ms = json_i64(v, "ttlMs", 0);
	return value;
}

const char *
cache_take(const char *name, int64_t *left_ms)
{
	const cJSON	*v = names(name, KEPT_SESSION) ? json_get(handed, name) : NULL;

	*left_ms = json_i64(v, "ttlMs", 0);
	return json_str(v, "value", NULL);
}

static int
value_write(const char *name, const char *value, int64_t ttl_ms)
{
	struct kept_value	 v = { name, strlen(name), value, strlen(value), ttl_ms };
	struct buf		 b;
	int			 r = 0;

	if (handed == NULL || ttl_ms <= 0 || !kept_value_ok(&v) || nputs >= CACHE_PUTS_MAX)
		return 0;
	nputs++;
	buf_init(&b, LINE_BYTES_MAX);
	record_print_kept(&b, &v);
	emit_flush();
	if (!b.failed && write_all(FD_RESULT, b.data, b.len) == -1)
		r = -1;
	buf_wipe(&b);
	return r;
}

int
cache_put(struct call *c, const char *name, const char *value, int64_t ttl_ms)
{
	if (!names(name, KEPT_TOKEN))
		return error_set(c->err, ERR_GENERIC, "cache_put: \"cache\" in connector-spec.json does not name \"token\", or the name "
		    "is of another kind, so nothing is kept");
	redact_add(value);
	return value_write(name, value, ttl_ms) == 0 ? 0 : error_set(c->err, ERR_CLIENT_GONE, "results cannot be written");
}

/* Who reads no results reads no verdict either: nothing is to be said of it. */
void
cache_give(const char *name, const char *value, int64_t ttl_ms)
{
	if (names(name, KEPT_SESSION))
		(void)value_write(name, value, ttl_ms);
}
