/*
 * call.c -- a request becomes what a handler sees; its secrets become known.
 */
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/util.h"
#include "worker/runtime/runtime.h"

static void
secret_found(void *arg, const char *value)
{
	(void)arg;
	redact_add(value);
}

/* Passwords come as input too: to check, to set, or as an attribute of a new account. */
static void
input_secrets(const cJSON *input)
{
	static const char *const	 places[] = { "/password", "/oldPassword", "/attributes/password" };
	const cJSON			*change;

	for (size_t i = 0; i < N_ITEMS(places); i++) {
		const cJSON	*v = json_at(input, places[i]);

		if (cJSON_IsString(v))
			redact_add(v->valuestring);
	}
	cJSON_ArrayForEach(change, json_get(input, "changes"))
		if (strcasecmp(json_str(change, "attribute", ""), "password") == 0)
			redact_add(json_str(change, "value", NULL));
}

static const char *
text_at(const cJSON *input, const char *pointer)
{
	const cJSON	*v = json_at(input, pointer);

	return cJSON_IsString(v) && v->valuestring[0] != '\0' ? v->valuestring : NULL;
}

void
call_init(struct call *c, const struct request *rq, const struct spec *sp, struct error *err)
{
	*err = ERROR_NONE;
	*c = (struct call){
		.cmd = rq->cmd,
		.type = rq->type,
		.id = rq->id,
		.version = rq->version,
		.config = rq->config,
		.input = rq->input,
		.spec = sp->doc,
		.err = err,
	};
	if ((c->identity = text_at(rq->input, "/identity")) == NULL &&
	    (c->identity = text_at(rq->input, "/key/simple/id")) == NULL)
		c->identity = text_at(rq->input, "/key/compound/lookupId");
	c->unique_id = text_at(rq->input, "/key/compound/uniqueId");

	redact_wipe();
	spec_secrets(sp, rq->config, secret_found, NULL);
	input_secrets(rq->input);
	emit_reset();
	permit_setup(rq->rated);
	trace_setup(rq->trace);
	cache_setup(rq->cache, spec_caches(sp));
	sessions_forget();
	log_setup(json_bool(rq->config, "spConnDebugLoggingEnabled", false));
}
