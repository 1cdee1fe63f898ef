/*
 * describe.c -- a description as a whole, against the connector's specification.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/describe.h"

/* The schema of this object in the specification. */
static const cJSON *
schema_of(const cJSON *spec, const char *type)
{
	const cJSON	*one;

	if (type == NULL)
		return json_get(spec, "accountSchema");
	cJSON_ArrayForEach(one, json_get(spec, "entitlementSchemas"))
		if (strcmp(json_str(one, "type", ""), type) == 0)
			return one;
	return NULL;
}

static const cJSON *
schema_attribute(const cJSON *schema, const char *name)
{
	const cJSON	*one;

	cJSON_ArrayForEach(one, json_get(schema, "attributes"))
		if (strcmp(json_str(one, "name", ""), name) == 0)
			return one;
	return NULL;
}

static void
attr_read(struct attr *a, const cJSON *v, const cJSON *schema, const char *where, struct faults *f)
{
	const cJSON	*known = schema_attribute(schema, v->string);
	const char	*type = json_str(known, "type", "string");
	struct error	 e = ERROR_NONE;

	a->name = strdup(v->string);
	if (known == NULL)
		fault(f, where, "the schema of connector-spec.json has no attribute \"%s\"", v->string);
	else if (strcmp(type, "secret") == 0)
		fault(f, where, "\"%s\" is a secret, and none is ever read", v->string);
	a->multi = json_bool(known, "multi", false);
	a->type = strcmp(type, "string") == 0 ? TYPE_STRING : strcmp(type, "boolean") == 0 ? TYPE_BOOLEAN :
	    strcmp(type, "int") == 0 || strcmp(type, "long") == 0 ? TYPE_INT : TYPE_ANY;
	if (cJSON_IsString(v) && v->valuestring[0] == '/') {
		a->pointer = strdup(v->valuestring);
		return;
	}
	if ((a->value = tmpl_parse(v, &e)) == NULL)
		fault(f, where, "%s", e.msg);
	else if (tmpl_uses(a->value, ROOT_SECRET))
		fault(f, where, "a secret may not go into results");
}

static void
attrs_read(struct object *o, const cJSON *v, const cJSON *schema, const char *where, struct faults *f)
{
	char		 at[WHERE_BYTES];
	const cJSON	*m;

	if (!cJSON_IsObject(v)) {
		fault(f, where, "an object is wanted: attribute to where it is in a record");
		return;
	}
	cJSON_ArrayForEach(m, v) {
		inside(at, where, m->string);
		if (o->nattrs == ATTRS_MAX) {
			fault(f, at, "more than %u attributes", ATTRS_MAX);
			return;
		}
		attr_read(&o->attrs[o->nattrs++], m, schema, at, f);
	}
	cJSON_ArrayForEach(m, json_get(schema, "attributes")) {
		const char	*name = json_str(m, "name", "");

		if (json_get(v, name) == NULL && strcmp(json_str(m, "type", ""), "secret") != 0)
			fault(f, where, "the schema's attribute \"%s\" is not mapped", name);
	}
}

static void
list_check(const struct object *o, const char *where, struct faults *f)
{
	for (size_t i = 0; i < o->list.n; i++)
		if (o->list.steps[i].items == NULL)
			fault(f, o->list.n == 1 ? where : o->list.steps[i].where,
			    "\"items\" is wanted: where the rows are in the answer (\"\" if the answer is the array)");
}

static void
object_read(struct object *o, const cJSON *v, const char *type, const cJSON *spec, const char *where, struct faults *f)
{
	struct { const char *name; struct op *op; } ops[] = {
		{ "list", &o->list }, { "read", &o->read }, { "create", &o->create }, { "update", &o->update },
		{ "delete", &o->remove }, { "disable", &o->disable }, { "enable", &o->enable }, { "unlock", &o->unlock },
		{ "password", &o->password }, { "upsert", &o->upsert },
	};
	const cJSON	*schema = schema_of(spec, type);
	char		 at[WHERE_BYTES];

	o->type = type == NULL ? NULL : strdup(type);
	members_only(v, "id uniqueId attributes where disabled locked truncated list read create update delete disable enable unlock "
	    "password upsert joins delta routed readBack:b", where, f);
	if (schema == NULL)
		fault(f, where, "connector-spec.json has no schema for it");
	if ((o->id = pointer_read(json_get(v, "id"), inside(at, where, "id"), f)) == NULL)
		fault(f, where, "\"id\" is wanted: where its id is in a record");
	o->unique_id = pointer_read(json_get(v, "uniqueId"), inside(at, where, "uniqueId"), f);
	attrs_read(o, json_get(v, "attributes"), schema, inside(at, where, "attributes"), f);
	o->where = text_read(json_get(v, "where"), inside(at, where, "where"), false, f);
	o->disabled = text_read(json_get(v, "disabled"), inside(at, where, "disabled"), false, f);
	o->truncated = text_read(json_get(v, "truncated"), inside(at, where, "truncated"), false, f);
	o->locked = text_read(json_get(v, "locked"), inside(at, where, "locked"), false, f);
	o->read_back = json_bool(v, "readBack", true);
	for (size_t i = 0; i < N_ITEMS(ops); i++)
		op_read(ops[i].op, json_get(v, ops[i].name), inside(at, where, ops[i].name), f);
	delta_read(&o->delta, json_get(v, "delta"), spec, inside(at, where, "delta"), f);
	joins_read(o, json_get(v, "joins"), inside(at, where, "joins"), f);
	routed_read(o, json_get(v, "routed"), inside(at, where, "routed"), f);
	list_check(o, inside(at, where, "list"), f);
}

/* Every command that the specification names must be described, and no other. */
static void
commands_check(const struct description *d, const cJSON *spec, struct faults *f)
{
	const struct object	*a = &d->account, *en = &d->entitlements[0];
	const struct { const char *command, *where; bool have; } all[] = {
		{ "std:test-connection", "/test", d->test.n > 0 },
		{ "std:account:list", "/account/list", a->list.n > 0 },
		{ "std:account:read", "/account/read", a->read.n > 0 },
		{ "std:account:create", "/account/create", a->create.n > 0 },
		{ "std:account:update", "/account/update", a->update.n > 0 || a->nrouted > 0 },
		{ "std:account:delete", "/account/delete", a->remove.n > 0 },
		{ "std:account:disable", "/account/disable", a->disable.n > 0 },
		{ "std:account:enable", "/account/enable", a->enable.n > 0 },
		{ "std:account:unlock", "/account/unlock", a->unlock.n > 0 },
		{ "std:change-password", "/account/password", a->password.n > 0 },
		{ "std:entitlement:list", "/entitlements", d->nentitlements > 0 && en->list.n > 0 },
		{ "std:entitlement:read", "/entitlements", d->nentitlements > 0 && en->read.n > 0 },
	};
	const cJSON		*one;

	cJSON_ArrayForEach(one, json_get(spec, "commands")) {
		size_t	 i = 0;

		while (i < N_ITEMS(all) && (!cJSON_IsString(one) || strcmp(all[i].command, one->valuestring) != 0))
			i++;
		if (i < N_ITEMS(all) && !all[i].have)
			fault(f, all[i].where, "connector-spec.json names %s, and nothing here does it", all[i].command);
		else if (i == N_ITEMS(all) && cJSON_IsString(one) && strcmp(one->valuestring, "std:spec:read") != 0)
			fault(f, "/", "connector-spec.json names %.64s, which no description can do", one->valuestring);
	}
}

static void
http_read(struct description *d, const cJSON *v, struct faults *f)
{
	int64_t	 parallel = json_i64(v, "parallel", 0);

	members_only(v, "base auth tls headers errors contentType:s accept:s parallel:n", "/http", f);
	d->base = text_read(json_get(v, "base"), "/http/base", true, f);
	if (d->base != NULL && (text_names(d->base, ROOT_SECRET) || text_names(d->base, ROOT_TOKEN)))
		fault(f, "/http/base", "a secret may not go there: only into sign-in and into bodies of writes");
	if (d->base == NULL)
		fault(f, "/http", "\"base\" is wanted: the URL that paths are appended to");
	sign_ins_read(d, json_get(v, "auth"), "/http/auth", f);
	tls_read(&d->tls, json_get(v, "tls"), "/http/tls", f);
	pairs_read(&d->headers, json_get(v, "headers"), "/http/headers", false, f);
	rules_read(&d->errors, json_get(v, "errors"), "/http/errors", f);
	d->content_type = json_str(v, "contentType", NULL) == NULL ? NULL : strdup(json_str(v, "contentType", ""));
	d->accept = json_str(v, "accept", NULL) == NULL ? NULL : strdup(json_str(v, "accept", ""));
	if (parallel < 0 || parallel > FETCH_PARALLEL_MAX)
		fault(f, "/http/parallel", "0 to %u is wanted", FETCH_PARALLEL_MAX);
	d->parallel = (unsigned int)parallel;
}

struct description *
describe(const cJSON *doc, const cJSON *spec, struct faults *f)
{
	struct description	*d = calloc(1, sizeof(*d));
	char			 at[WHERE_BYTES];
	const cJSON		*m;

	if (d == NULL)
		return NULL;
	if (json_i64(doc, "format", 0) != FORMAT)
		fault(f, "/format", "%d is wanted", FORMAT);
	members_only(doc, "$schema:s format name:s http test account entitlements", "", f);
	http_read(d, json_get(doc, "http"), f);
	op_read(&d->test, json_get(doc, "test"), "/test", f);
	if (json_get(doc, "account") != NULL)
		object_read(&d->account, json_get(doc, "account"), NULL, spec, "/account", f);
	if (json_get(doc, "entitlements") != NULL && !cJSON_IsObject(json_get(doc, "entitlements")))
		fault(f, "/entitlements", "an object is wanted: type to what it is");
	else cJSON_ArrayForEach(m, json_get(doc, "entitlements")) {
		if (d->nentitlements == ENTITLEMENTS_MAX) {
			fault(f, "/entitlements", "more than %u kinds", ENTITLEMENTS_MAX);
			break;
		}
		object_read(&d->entitlements[d->nentitlements++], m, m->string, spec, inside(at, "/entitlements", m->string), f);
	}
	commands_check(d, spec, f);
	if (f->n == 0)
		return d;
	describe_free(d);
	return NULL;
}
