/*
 * ask.c -- the body of an invoke request, read strictly.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "launcher/serve/ask.h"
#include "launcher/serve/ref.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static const char *const	 members[] = { "type", "config", "input", "id", "source", "deadline", "limits", "customizer" };

static int
members_check(const cJSON *doc, struct error *e)
{
	const cJSON	*m;
	size_t		 i;

	if (!cJSON_IsObject(doc))
		return error_set(e, ERR_REQUEST, "the body must be a JSON object");
	cJSON_ArrayForEach(m, doc) {
		for (i = 0; i < N_ITEMS(members) && strcmp(members[i], m->string) != 0; i++)
			;
		if (i == N_ITEMS(members))
			return error_set(e, ERR_REQUEST, "%.64s: no such member (there are type, config, input, id, source, "
			    "deadline, limits, customizer)", m->string);
	}
	return 0;
}

static int
limit_read(const char *name, const cJSON *v, struct inv_limits *l, struct error *e)
{
	char		 pair[80];
	int64_t		 n;
	bool		 is_time = strcmp(name, "deadline") == 0 || strcmp(name, "silence") == 0;

	if (cJSON_IsString(v) && strlen(v->valuestring) < 32)
		snprintf(pair, sizeof(pair), "%.32s=%s", name, v->valuestring);
	else if (cJSON_IsNumber(v) && json_i64_of(v, &n))
		snprintf(pair, sizeof(pair), "%.32s=%lld%s", name, (long long)n, is_time ? "ms" : "");
	else
		return error_set(e, ERR_REQUEST, "%.32s: must be a whole number or a text such as \"30s\"", name);
	if (inv_limit_set(l, pair, e) == -1) {
		e->code = ERR_REQUEST;
		return -1;
	}
	return 0;
}

static int
limits_read(const cJSON *doc, struct inv_limits *l, struct error *e)
{
	const cJSON	*deadline = json_get(doc, "deadline"), *limits = json_get(doc, "limits"), *m;

	*l = (struct inv_limits){ 0 };
	if (deadline != NULL && !cJSON_IsNull(deadline) && limit_read("deadline", deadline, l, e) == -1)
		return -1;
	if (limits == NULL || cJSON_IsNull(limits))
		return 0;
	if (!cJSON_IsObject(limits))
		return error_set(e, ERR_REQUEST, "limits: must be an object");
	cJSON_ArrayForEach(m, limits) {
		if (strcmp(m->string, "deadline") == 0 && l->deadline_ms != 0)
			return error_set(e, ERR_REQUEST, "deadline: given twice, in limits too");
		if (limit_read(m->string, m, l, e) == -1)
			return error_in(e, "limits");
	}
	return 0;
}

#define ROW(name, member)	{ name, offsetof(struct inv_limits, member), sizeof(((struct inv_limits *)0)->member) }
static const struct {
	const char	*name;
	size_t		 at, bytes;
} ceilings[] = {
	ROW("deadline", deadline_ms), ROW("silence", silence_ms), ROW("memory", memory_bytes), ROW("cpu", cpu_s),
	ROW("records", records), ROW("connects", connects),
};

static uint64_t
limit_get(const struct inv_limits *l, size_t i)
{
	const char	*at = (const char *)l + ceilings[i].at;

	return ceilings[i].bytes == sizeof(unsigned int) ? *(const unsigned int *)(const void *)at :
	    *(const uint64_t *)(const void *)at;
}

static void
limit_put(struct inv_limits *l, size_t i, uint64_t v)
{
	char	*at = (char *)l + ceilings[i].at;

	if (ceilings[i].bytes == sizeof(unsigned int))
		*(unsigned int *)(void *)at = (unsigned int)v;
	else
		*(uint64_t *)(void *)at = v;
}

/* The operator's is what there is without a word of the caller, and the most there is with one. */
static int
limits_settle(struct inv_limits *l, const struct inv_limits *most, enum command cmd, struct error *e)
{
	int64_t	 usual = command_info(cmd)->deadline_ms;

	if (l->deadline_ms == 0 && usual > 0 && (most->deadline_ms == 0 || usual < most->deadline_ms))
		l->deadline_ms = usual;
	for (size_t i = 0; i < N_ITEMS(ceilings); i++) {
		uint64_t	 asked = limit_get(l, i), ceiling = limit_get(most, i);

		if (ceiling == 0)
			continue;
		if (asked > ceiling)
			return error_set(e, ERR_REQUEST, "limits.%s: this server allows %llu at most", ceilings[i].name,
			    (unsigned long long)ceiling);
		if (asked == 0)
			limit_put(l, i, ceiling);
	}
	return 0;
}

static int
source_read(const cJSON *doc, struct ask *a, struct error *e)
{
	const cJSON	*v = json_get(doc, "source");

	if (v == NULL || cJSON_IsNull(v))
		return 0;
	if (!cJSON_IsString(v) || v->valuestring[0] == '\0' || strlen(v->valuestring) > SOURCE_BYTES_MAX)
		return error_set(e, ERR_REQUEST, "source: a text of 1 to %d bytes is wanted", SOURCE_BYTES_MAX);
	for (const char *p = v->valuestring; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("._:-", *p) == NULL)
			return error_set(e, ERR_REQUEST, "source: letters, digits and ._:- only");
	snprintf(a->source, sizeof(a->source), "%s", v->valuestring);
	a->source_given = true;
	return 0;
}

/* Another connector's reference, as in the path. */
static int
customizer_read(const cJSON *doc, struct ask *a, struct error *e)
{
	const cJSON	*v = json_get(doc, "customizer");

	if (v == NULL || cJSON_IsNull(v))
		return 0;
	if (!cJSON_IsString(v) || v->valuestring[0] == '\0' || strlen(v->valuestring) >= sizeof(a->customizer))
		return error_set(e, ERR_REQUEST, "customizer: a connector's name is wanted, of 1 to %zu bytes",
		    sizeof(a->customizer) - 1);
	snprintf(a->customizer, sizeof(a->customizer), "%s", v->valuestring);
	return 0;
}

int
ask_link(const struct ask *a, struct connector_ref *ref, struct error *e)
{
	struct connector_ref	 other;
	int			 r;

	if (a->customizer[0] == '\0')
		return 0;
	connector_clear(&other);
	if (ref_find(a->customizer, "", -1, &other, e) == -1)
		return error_in(e, "customizer");
	if (other.guest[0] == '\0')
		r = error_set(e, ERR_NO_CONNECTOR, "customizer: %.64s is no bundle", other.name);
	else
		r = connector_link(ref, other.guest, e);
	connector_free(&other);
	return r;
}

/* Without a name, a source is its connector and the hosts that it is at. */
static int
source_derive(const struct connector_ref *ref, struct ask *a, struct error *e)
{
	struct egress_rule	 rules[SPEC_EGRESS_MAX];
	unsigned char		 sha256[SHA256_DIGEST_LENGTH];
	size_t			 n;
	autobuf			 b = { 0 };

	if (a->source_given)
		return 0;
	if (spec_egress(&ref->spec, a->rq.config, rules, &n, e) == -1)
		return -1;
	buf_init(&b, SPEC_EGRESS_MAX * (EGRESS_HOST_BYTES_MAX + 8) + CONNECTOR_NAME_MAX + 1);
	buf_addf(&b, "%.*s", (int)strcspn(ref->name, "@"), ref->name);	/* whatever its version */
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, " %s:%u", rules[i].host, rules[i].port);
	SHA256((const unsigned char *)b.data, b.len, sha256);
	hex_put(a->source, sha256, 8);
	return 0;
}

/* What its context says of the connector. */
static void
connector_tell(struct request *rq, const struct connector_ref *ref)
{
	char		 id[REF_ID_BYTES + 1];
	uint32_t	 version;

	ref_identity(ref->name, id, &version);
	snprintf(rq->connector_ref, sizeof(rq->connector_ref), "%s", id);
	rq->version = version;
}

int
ask_read(const char *text, size_t len, const struct connector_ref *ref, struct ask *out, struct error *e)
{
	struct ask	 a = { 0 };
	cJSON		*doc = json_parse(text, len, NULL, e);

	if (doc == NULL)
		return -1;
	if (members_check(doc, e) == -1 || limits_read(doc, &a.limits, e) == -1 || source_read(doc, &a, e) == -1 || customizer_read(doc, &a, e) == -1 ||
	    request_from_tree(doc, &a.rq, e) == -1) {
		json_wipe(doc);
		return -1;
	}
	if (!spec_has_command(&ref->spec, a.rq.type))
		(void)error_set(e, ERR_UNSUPPORTED, "type: connector %s has no command \"%.128s\"; GET /v1/connectors/%s lists "
		    "those it has", ref->name, a.rq.type, ref->name);
	else if (limits_settle(&a.limits, &server.set.limits, a.rq.cmd, e) == 0 && source_derive(ref, &a, e) == 0) {
		connector_tell(&a.rq, ref);
		*out = a;
		return 0;
	}
	ask_free(&a);
	return -1;
}

void
ask_free(struct ask *a)
{
	request_free(&a->rq);
}
