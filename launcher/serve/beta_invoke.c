/*
 * beta_invoke.c -- the platform's envelope, made into ours.
 *
 *   {"connectorRef":"scim","tag":"latest","type":"std:account:list","config":{...},"input":{...}}
 *
 * "version" stands there instead of "tag" where the caller chose one.  Members that nobody knows are ignored, as the
 * platform does; type, config and input go on as they are.  Where the path or the config names an instance of here, its
 * customizer is linked; by the path, its config is added as well.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/registry/registry.h"
#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "launcher/serve/beta_instance.h"
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
	char	 instance[REG_ID_BYTES + 1];		/* of its config; "": none */
};

/* Where the platform says, among the members of a config, whose it is. */
#define INSTANCE_MEMBER	"spConnectorInstanceId"
#define STATE_AROUND	2	/* containers that a state lies in: the body, and its input */

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
	const char	*instance = json_str(json_get(doc, "config"), INSTANCE_MEMBER, "");

	if (!cJSON_IsObject(doc))
		return error_set(e, ERR_REQUEST, "the body must be a JSON object");
	en->version = -1;
	snprintf(en->instance, sizeof(en->instance), "%s", strlen(instance) == REG_ID_BYTES ? instance : "");
	if (v != NULL && !cJSON_IsNull(v) && (!cJSON_IsNumber(v) || !json_i64_of(v, &en->version) || en->version < 0))
		return error_set(e, ERR_REQUEST, "version: a whole number is wanted");
	return text_read(doc, "connectorRef", en->ref, e) == -1 || text_read(doc, "tag", en->tag, e) == -1 ? -1 : 0;
}

/* What was sent with this request, and beneath it what the instance keeps, which is little. */
static int
config_merge(cJSON *doc, const struct reg_instance *i, struct error *e)
{
	cJSON		*sent = cJSON_GetObjectItemCaseSensitive(doc, "config");
	const cJSON	*m;

	if (sent != NULL && !cJSON_IsNull(sent) && !cJSON_IsObject(sent))
		return error_set(e, ERR_REQUEST, "config: must be an object");
	if (!cJSON_IsObject(sent) && ((sent = cJSON_CreateObject()) == NULL || json_set(doc, "config", sent) == -1))
		return error_set(e, ERR_SYSTEM, "no memory");
	cJSON_ArrayForEach(m, i->config)
		if (json_get(sent, m->string) == NULL && json_set(sent, m->string, json_dup(m)) == -1)
			return error_set(e, ERR_SYSTEM, "no memory");
	return json_set_str(sent, INSTANCE_MEMBER, i->id) == 0 ? 0 : error_set(e, ERR_SYSTEM, "no memory");
}

/*
 * The tool sends as stateId, which is the platform's name for a state that it keeps, what it has printed of an earlier run;
 * nothing is kept here, and what was printed is the state.
 */
static int
state_turn(cJSON *doc, struct error *e)
{
	static const struct json_limits	 within = { REQUEST_BYTES_MAX, JSON_DEPTH_MAX - STATE_AROUND, JSON_NODES_MAX };
	cJSON		*input = cJSON_GetObjectItemCaseSensitive(doc, "input"), *state;
	const char	*text = cJSON_IsObject(input) ? json_str(input, "stateId", NULL) : NULL;
	struct error	 none = ERROR_NONE;

	if (text == NULL || text[0] != '{' || json_get(input, "state") != NULL)
		return 0;
	if ((state = json_parse(text, strlen(text), &within, e)) == NULL) {
		/* What is no JSON at all is somebody's id. */
		if ((state = json_parse(text, strlen(text), NULL, &none)) != NULL) {
			json_wipe(state);
			e->code = ERR_REQUEST;	/* too deep where it goes: not too large */
			return error_in(e, "input.stateId");
		}
		*e = ERROR_NONE;
		return 0;
	}
	if (json_set(input, "state", state) == -1)
		return error_set(e, ERR_SYSTEM, "no memory");
	cJSON_DeleteItemFromObjectCaseSensitive(input, "stateId");
	return 0;
}

/* Our body from theirs, in its place. */
static int
body_turn(struct buf *body, const struct reg_instance *i, struct envelope *en, struct error *e)
{
	static const char *const	 kept[] = { "type", "config", "input" };
	cJSON				*doc = json_parse(body->data, body->len, NULL, e), *out, *v;
	int				 r;

	if (doc == NULL)
		return -1;
	if (envelope_read(doc, en, e) == -1 || (i != NULL && config_merge(doc, i, e) == -1) || state_turn(doc, e) == -1) {
		json_wipe(doc);
		return -1;
	}
	out = cJSON_CreateObject();
	if (i != NULL)
		(void)json_set_str(out, "source", i->id);
	for (size_t k = 0; k < N_ITEMS(kept); k++) {
		v = cJSON_DetachItemFromObjectCaseSensitive(doc, kept[k]);
		/* A null is what Go makes of nothing. */
		if (cJSON_IsNull(v))
			cJSON_Delete(v);
		else if (v != NULL)
			(void)json_set(out, kept[k], v);
	}
	json_wipe(doc);
	buf_wipe(body);
	buf_init(body, REQUEST_BYTES_MAX);
	json_print(body, out);
	r = out == NULL ? error_set(e, ERR_SYSTEM, "no memory") : buf_check(body, "the body", e);
	json_wipe(out);
	return r;
}

/* Is it that connector's, by its id or name? */
static bool
is_of(const struct reg_instance *i, const char *ref)
{
	const struct reg_connector	*c;
	char				 name[CONNECTOR_NAME_MAX + 1], id[REF_ID_BYTES + 1];

	ref_base(ref, name);
	if (strcmp(name, i->connector) == 0)
		return true;
	if ((c = registry_find(name)) != NULL)
		return strcmp(c->id, i->connector) == 0;
	ref_own_id(name, id);
	return strcmp(id, i->connector) == 0;
}

/* The connector, with the customizer of its instance.  The path says which, but that of an instance leaves room for a version. */
static int
connector_get(const char *named, const struct envelope *en, const struct reg_instance *i, struct connector_ref *ref, struct error *e)
{
	const char	*said = i != NULL && en->ref[0] != '\0' ? en->ref : named != NULL ? named : en->ref;

	if (i == NULL && en->instance[0] != '\0')
		i = registry_instance(en->instance);	/* one that is not of here is the platform's, and nothing to us */
	if (i != NULL && said[0] != '\0' && !is_of(i, said))
		return error_set(e, ERR_REQUEST, "instance %s is of another connector than %.64s", i->id, said);
	if (said[0] == '\0')
		return error_set(e, ERR_REQUEST, "connectorRef: this path names no connector, so the body must");
	if (ref_find(said, en->tag, en->version, ref, e) == -1)
		return -1;
	return i == NULL ? 0 : beta_instance_link(i, ref, e);
}

/* named, i: what the path names, or NULL. */
static void
invoke(struct exchange *x, const char *named, const struct reg_instance *i)
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
	if (body_take(x, &body, &e) == 0 && body_turn(&body, i, &en, &e) == 0 && connector_get(named, &en, i, &ref, &e) == 0)
		call_make(x, &accepted, &ref, &body);
	if (e.code != ERR_NONE)
		answer_problem(x->req, &(struct problem){ .error = &e });
	connector_free(&ref);
	buf_wipe(&body);
}

void
beta_invoke(struct exchange *x)
{
	invoke(x, x->arg, NULL);
}

void
beta_invoke_bare(struct exchange *x)
{
	invoke(x, NULL, NULL);
}

/* A reference of the body may say it again, and chooses its version or tag. */
void
beta_instance_invoke(struct exchange *x)
{
	const struct reg_instance	*i;

	if (!beta_registry(x))
		return;
	if ((i = registry_instance(x->arg)) == NULL)
		answer_refuse(x->req, 404, ERR_NO_CONNECTOR, "there is no instance \"%.64s\"", x->arg);
	else
		invoke(x, i->connector, i);
}
