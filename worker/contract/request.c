/*
 * request.c -- the request document: checked once at the border, so that
 * neither launcher nor connector meets a shape that it does not expect.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/request.h"
#include "worker/contract/util.h"

#define KEY_TEXT	"must be {\"simple\":{\"id\":...}} or {\"compound\":{\"lookupId\":...,\"uniqueId\":...}}"

static int
refuse(struct error *e, const char *member, const char *what)
{
	return error_set(e, ERR_REQUEST, "%s: %s", member, what);
}

/* Absent and null are the same to every client of the protocol. */
static const cJSON *
given(const cJSON *obj, const char *name)
{
	const cJSON	*v = json_get(obj, name);

	return cJSON_IsNull(v) ? NULL : v;
}

/* Copies an optional text member; n is the size of out. */
static int
text_read(const cJSON *doc, const char *name, char *out, size_t n, bool (*allowed)(unsigned char), struct error *e)
{
	const cJSON	*v = given(doc, name);

	out[0] = '\0';
	if (v == NULL)
		return 0;
	if (!cJSON_IsString(v))
		return refuse(e, name, "must be a string");
	if (strlen(v->valuestring) >= n)
		return error_set(e, ERR_REQUEST, "%s: over %zu bytes", name, n - 1);
	for (const char *p = v->valuestring; *p != '\0'; p++)
		if (!allowed((unsigned char)*p))
			return refuse(e, name, "has a character that is not allowed");
	memcpy(out, v->valuestring, strlen(v->valuestring) + 1);
	return 0;
}

static bool
id_char(unsigned char c)
{
	return isalnum(c) || (c != '\0' && strchr("._:-", c) != NULL);
}

static bool
command_char(unsigned char c)
{
	return isgraph(c) && c != '"' && c != '\\';
}

static bool
text_char(unsigned char c)
{
	return !iscntrl(c);
}

/* The simplest members of input, a row each. */
static const struct {
	unsigned int	 need;		/* NEEDS_* */
	const char	*name;
	int		 type;		/* cJSON_* */
	const char	*refusal;
} needs[] = {
	{ NEEDS_ATTRIBUTES, "attributes", cJSON_Object, "must be an object" },
	{ NEEDS_CHANGES, "changes", cJSON_Array, "must be an array" },
	{ NEEDS_TYPE, "type", cJSON_String, "must be a string" },
	{ NEEDS_PASSWORD, "password", cJSON_String, "must be a string" },
	{ NEEDS_USERNAME, "username", cJSON_String, "must be a string" },
	{ NEEDS_KEY_NAME, "key", cJSON_String, "must be a string" },
	{ NEEDS_DATA_KEY, "sourceDataKey", cJSON_String, "must be a string" },
	{ NEEDS_DATASETS, "datasetIds", cJSON_Array, "must be an array" },
};

static int
needs_check(const struct command_info *info, const cJSON *input, struct error *e)
{
	for (size_t i = 0; i < N_ITEMS(needs); i++) {
		const cJSON	*v = json_get(input, needs[i].name);
		char		 where[64];

		if (!(info->needs & needs[i].need) || (v != NULL && (v->type & 0xff) == needs[i].type))
			continue;
		(void)snprintf(where, sizeof(where), "input.%s", needs[i].name);
		return refuse(e, where, needs[i].refusal);
	}
	return 0;
}

/* The id by which a key addresses its object, "" if there is no usable one. */
static const char *
key_id(const cJSON *key)
{
	const cJSON	*simple = given(key, "simple"), *compound = given(key, "compound");

	if ((simple != NULL) == (compound != NULL))
		return "";
	if (simple != NULL)
		return json_str(simple, "id", "");
	if (given(compound, "uniqueId") != NULL && json_str(compound, "uniqueId", NULL) == NULL)
		return "";
	return json_str(compound, "lookupId", "");
}

static int
key_add(cJSON *input, const char *identity)
{
	cJSON	*simple = cJSON_CreateObject();
	autojson *key = cJSON_CreateObject();

	if (json_set(key, "simple", simple) == -1 || json_set_str(simple, "id", identity) == -1)
		return -1;
	return json_set(input, "key", json_steal(&key));
}

/*
 * Clients send identity, key, or both (protocol page, "Addressing"); connectors
 * read either.  Where one is missing it is made from the other; where both are
 * there they stay as they are: a native identity need not be the key.
 */
static int
request_settle_key(cJSON *input, struct error *e)
{
	const cJSON	*identity = given(input, "identity"), *key = given(input, "key");

	if (identity != NULL && (!cJSON_IsString(identity) || identity->valuestring[0] == '\0'))
		return refuse(e, "input.identity", "must be a string that is not empty");
	if (key != NULL && key_id(key)[0] == '\0')
		return refuse(e, "input.key", KEY_TEXT);
	if (identity == NULL && key == NULL)
		return refuse(e, "input.identity", "must be given, or input.key");
	if (identity == NULL && json_set_str(input, "identity", key_id(key)) == -1)
		return error_set(e, ERR_LIMIT, "out of memory for the request");
	if (key == NULL && key_add(input, identity->valuestring) == -1)
		return error_set(e, ERR_LIMIT, "out of memory for the request");
	return 0;
}

/* The words of delta aggregation: some clients write the switch as a string. */
static int
state_check(cJSON *input, struct error *e)
{
	const cJSON	*stateful = given(input, "stateful"), *state = given(input, "state");
	bool		 on;

	if (state != NULL && !cJSON_IsObject(state))
		return refuse(e, "input.state", "must be an object");
	if (stateful == NULL || cJSON_IsBool(stateful))
		return 0;
	on = strcmp(json_str(input, "stateful", ""), "true") == 0;
	if (!on && strcmp(json_str(input, "stateful", ""), "false") != 0)
		return refuse(e, "input.stateful", "must be true or false");
	if (json_set_bool(input, "stateful", on) == -1)
		return error_set(e, ERR_LIMIT, "out of memory for the request");
	return 0;
}

/* The member, made as an empty object where it is absent or null. NULL: no memory. */
static cJSON *
object_member(cJSON *doc, const char *name)
{
	if (given(doc, name) == NULL && json_set(doc, name, cJSON_CreateObject()) == -1)
		return NULL;
	/* The tree is the caller's and writable; only the getter's view of it is const. */
	return cJSON_GetObjectItemCaseSensitive(doc, name);
}

static int
input_check(const struct request *rq, struct error *e)
{
	const struct command_info	*info = command_info(rq->cmd);

	if (rq->cmd == CMD_CUSTOM)
		return 0;
	if (!cJSON_IsObject(rq->input))
		return refuse(e, "input", "must be an object");
	if (info->needs & NEEDS_OBJECT && request_settle_key(rq->input, e) == -1)
		return -1;
	if (info->flags & CMD_STATEFUL && state_check(rq->input, e) == -1)
		return -1;
	return needs_check(info, rq->input, e);
}

bool
traceparent_ok(const char *t)
{
	static const char	 form[] = "00-00000000000000000000000000000000-0000000000000000-00";

	if (t == NULL || strlen(t) != TRACEPARENT_BYTES || strncmp(t, "ff", 2) == 0)
		return false;
	for (size_t i = 0; i < TRACEPARENT_BYTES; i++)
		if (form[i] == '-' ? t[i] != '-' : strchr("0123456789abcdef", t[i]) == NULL)
			return false;
	return strncmp(t + 3, form + 3, 32) != 0 && strncmp(t + 36, form + 36, 16) != 0;
}

static int
envelope_read(const cJSON *doc, struct request *rq, struct error *e)
{
	const cJSON	*version;
	const char	*trace;

	if (!cJSON_IsObject(doc))
		return refuse(e, "request", "must be a JSON object");
	if (text_read(doc, "type", rq->type, sizeof(rq->type), command_char, e) == -1 ||
	    text_read(doc, "id", rq->id, sizeof(rq->id), id_char, e) == -1 ||
	    text_read(doc, "connectorRef", rq->connector_ref, sizeof(rq->connector_ref), text_char, e) == -1 ||
	    text_read(doc, "tag", rq->tag, sizeof(rq->tag), text_char, e) == -1)
		return -1;
	if (rq->type[0] == '\0')
		return refuse(e, "type", "must be the name of a command");
	rq->cmd = command_from_name(rq->type);
	rq->version = -1;
	rq->cache = json_get(json_get(doc, "runtime"), "cache");
	rq->rated = json_bool(json_get(doc, "runtime"), "rate", false);
	trace = json_str(json_get(doc, "runtime"), "trace", NULL);
	if (traceparent_ok(trace))
		memcpy(rq->trace, trace, sizeof(rq->trace));
	if ((version = given(doc, "version")) == NULL)
		return 0;
	if (!cJSON_IsNumber(version) || !json_i64_of(version, &rq->version) || rq->version < 0)
		return refuse(e, "version", "must be a whole number");
	return 0;
}

int
request_from_tree(cJSON *doc, struct request *out, struct error *e)
{
	struct request	 rq = { .doc = doc };
	bool		 any_input;

	if (envelope_read(doc, &rq, e) == -1)
		return -1;
	any_input = rq.cmd == CMD_CUSTOM && json_get(doc, "input") != NULL;
	rq.config = object_member(doc, "config");
	rq.input = any_input ? cJSON_GetObjectItemCaseSensitive(doc, "input") : object_member(doc, "input");
	if (rq.config == NULL || rq.input == NULL)
		return error_set(e, ERR_LIMIT, "out of memory for the request");
	if (!cJSON_IsObject(rq.config))
		return refuse(e, "config", "must be an object");
	if (input_check(&rq, e) == -1)
		return -1;
	*out = rq;
	return 0;
}

int
request_parse(const char *text, size_t len, struct request *rq, struct error *e)
{
	cJSON	*doc = json_parse(text, len, NULL, e);

	if (doc == NULL)
		return error_in(e, "request");
	if (request_from_tree(doc, rq, e) == -1) {
		json_wipe(doc);
		return -1;
	}
	return 0;
}

void
request_free(struct request *rq)
{
	json_wipe(rq->doc);
	explicit_bzero(rq, sizeof(*rq));
}

/* Between launcher and runtime; absent where it says nothing. */
static void
runtime_print(struct buf *b, const struct request *rq)
{
	const char	*before = ",\"runtime\":{";

	if (rq->cache_text != NULL) {
		buf_adds(b, before);
		buf_adds(b, "\"cache\":");
		buf_adds(b, rq->cache_text);
		before = ",";
	}
	if (rq->trace[0] != '\0') {
		buf_addf(b, "%s\"trace\":\"%s\"", before, rq->trace);
		before = ",";
	}
	if (rq->rated) {
		buf_addf(b, "%s\"rate\":true", before);
		before = ",";
	}
	if (before[1] == '\0')
		buf_addc(b, '}');
}

void
request_print(struct buf *b, const struct request *rq)
{
	buf_addc(b, '{');
	if (rq->id[0] != '\0') {
		buf_adds(b, "\"id\":");
		json_print_string(b, rq->id);
		buf_addc(b, ',');
	}
	buf_adds(b, "\"type\":");
	json_print_string(b, rq->type);
	if (rq->version >= 0)
		buf_addf(b, ",\"version\":%lld", (long long)rq->version);
	if (rq->connector_ref[0] != '\0') {
		buf_adds(b, ",\"connectorRef\":");
		json_print_string(b, rq->connector_ref);
	}
	buf_adds(b, ",\"config\":");
	json_print(b, rq->config);
	buf_adds(b, ",\"input\":");
	json_print(b, rq->input);
	runtime_print(b, rq);
	buf_addc(b, '}');
}
