/*
 * cache.c -- what the launcher keeps from one invocation to the next of the same source, connector and configuration.
 */
#include <string.h>

#include "worker/contract/record.h"
#include "worker/contract/worker_fd.h"
#include "worker/runtime/runtime.h"

static const cJSON	*handed;	/* an object where the launcher keeps values; else NULL */
static bool		 declared;	/* the specification says "cache" */
static unsigned int	 nputs;

void
cache_setup(const cJSON *values, bool spec_says)
{
	handed = cJSON_IsObject(values) ? values : NULL;
	declared = spec_says;
	nputs = 0;
}

bool
cache_used(void)
{
	return declared && handed != NULL;
}

const char *
cache_get(struct call *c, const char *name, int64_t *left_ms)
{
	const cJSON	*v = declared ? json_get(handed, name) : NULL;
	const char	*value = json_str(v, "value", NULL);

	(void)c;
	if (value == NULL)
		return NULL;
	redact_add(value);
	if (left_ms != NULL)
		*left_ms = json_i64(v, "ttlMs", 0);
	return value;
}

int
cache_put(struct call *c, const char *name, const char *value, int64_t ttl_ms)
{
	struct kept_value	 v = { name, strlen(name), value, strlen(value), ttl_ms };
	struct buf		 b;
	int			 r = 0;

	if (!declared)
		return error_set(c->err, ERR_GENERIC, "cache_put: \"cache\" in connector-spec.json does not name it, so nothing "
		    "is kept");
	redact_add(value);
	if (handed == NULL || ttl_ms <= 0 || !kept_value_ok(&v) || ++nputs > CACHE_PUTS_MAX)
		return 0;
	buf_init(&b, LINE_BYTES_MAX);
	record_print_kept(&b, &v);
	emit_flush();
	if (!b.failed && write_all(FD_RESULT, b.data, b.len) == -1)
		r = error_set(c->err, ERR_CLIENT_GONE, "results cannot be written");
	buf_wipe(&b);
	return r;
}
