/*
 * beta_invoke.c -- the platform's envelope, made into ours.
 *
 *   {"connectorRef":"scim","tag":"latest","type":"std:account:list","config":{...},"input":{...}}
 *
 * "version" stands there instead of "tag" where the caller chose one.  Members that nobody knows are ignored, as the
 * platform does; type, config and input go on as they are.
 */
#include <string.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "launcher/serve/call.h"
#include "launcher/serve/ref.h"
#include "launcher/serve/route.h"
#include "launcher/serve/take.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

struct envelope {
	char	 ref[REQUEST_ID_BYTES_MAX + 1];		/* "": none was given */
	char	 tag[REQUEST_ID_BYTES_MAX + 1];
	int64_t	 version;				/* -1: none */
};

static int
text_read(const cJSON *doc, const char *name, char out[REQUEST_ID_BYTES_MAX + 1], struct error *e)
{
	const cJSON	*v = json_get(doc, name);

	out[0] = '\0';
	if (v == NULL || cJSON_IsNull(v))
		return 0;
	if (!cJSON_IsString(v) || strlen(v->valuestring) > REQUEST_ID_BYTES_MAX)
		return error_set(e, ERR_REQUEST, "%s: a text of at most %d bytes is wanted", name, REQUEST_ID_BYTES_MAX);
	memcpy(out, v->valuestring, strlen(v->valuestring) + 1);
	return 0;
}

static int
envelope_read(const cJSON *doc, struct envelope *en, struct error *e)
{
	const cJSON	*v = json_get(doc, "version");

	if (!cJSON_IsObject(doc))
		return error_set(e, ERR_REQUEST, "the body must be a JSON object");
	en->version = -1;
	if (v != NULL && !cJSON_IsNull(v) && (!cJSON_IsNumber(v) || !json_i64_of(v, &en->version) || en->version < 0))
		return error_set(e, ERR_REQUEST, "version: a whole number is wanted");
	return text_read(doc, "connectorRef", en->ref, e) == -1 || text_read(doc, "tag", en->tag, e) == -1 ? -1 : 0;
}

/* Our body from theirs, in its place. */
static int
body_turn(struct buf *body, struct envelope *en, struct error *e)
{
	static const char *const	 kept[] = { "type", "config", "input" };
	cJSON				*doc = json_parse(body->data, body->len, NULL, e), *out, *v;
	int				 r;

	if (doc == NULL)
		return -1;
	if (envelope_read(doc, en, e) == -1) {
		json_wipe(doc);
		return -1;
	}
	out = cJSON_CreateObject();
	for (size_t i = 0; i < N_ITEMS(kept); i++) {
		v = cJSON_DetachItemFromObjectCaseSensitive(doc, kept[i]);
		/* A null is what Go makes of nothing. */
		if (cJSON_IsNull(v))
			cJSON_Delete(v);
		else if (v != NULL)
			(void)json_set(out, kept[i], v);
	}
	json_wipe(doc);
	buf_wipe(body);
	buf_init(body, REQUEST_BYTES_MAX);
	json_print(body, out);
	r = out == NULL ? error_set(e, ERR_SYSTEM, "no memory") : buf_check(body, "the body", e);
	json_wipe(out);
	return r;
}

static void
invoke(struct exchange *x, const char *named)
{
	struct connector_ref	 ref = { 0 };
	struct accepted		 accepted;
	struct envelope		 en;
	struct error		 e = ERROR_NONE;
	struct buf		 body = { 0 };

	if (!call_check(x, &accepted))
		return;
	/* Lines, whatever a client's library says it would like. */
	if (accepted.form != FORM_LINES)
		accepted.form = FORM_LINES, accepted.verdict = false;
	if (body_take(x, &body, &e) == -1 || body_turn(&body, &en, &e) == -1)
		;
	else if (named == NULL && en.ref[0] == '\0')
		(void)error_set(&e, ERR_REQUEST, "connectorRef: this path names no connector, so the body must");
	else if (ref_find(named != NULL ? named : en.ref, en.tag, en.version, &ref, &e) == 0)
		call_make(x, &accepted, &ref, &body);
	if (e.code != ERR_NONE)
		answer_problem(x->req, &(struct problem){ .error = &e });
	connector_free(&ref);
	buf_wipe(&body);
}

void
beta_invoke(struct exchange *x)
{
	invoke(x, x->arg);
}

void
beta_invoke_bare(struct exchange *x)
{
	invoke(x, NULL);
}
