/*
 * schema.c -- std:account:discover-schema: what the server's User schema and
 * its extensions have, under the names that the attribute map gives them.
 */
#include <string.h>
#include <strings.h>

#include "connectors/scim/scim.h"

#define CORE_USER	"urn:ietf:params:scim:schemas:core:2.0:User"
#define ENTERPRISE_USER	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

struct discovery {
	const struct scim_map	*map;
	cJSON			*out;		/* attributes */
	struct error		*e;
};

static int
no_memory(struct discovery *d)
{
	return error_set(d->e, ERR_SYSTEM, "schema: no memory");
}

static bool
has_name(const cJSON *attributes, const char *name)
{
	const cJSON	*one;

	cJSON_ArrayForEach(one, attributes)
		if (strcmp(json_str(one, "name", ""), name) == 0)
			return true;
	return false;
}

static const char *
platform_type(const cJSON *def)
{
	const char	*type = json_str(def, "type", "string");

	if (strcmp(type, "boolean") == 0)
		return "boolean";
	return strcmp(type, "integer") == 0 ? "int" : "string";
}

static bool
is_never(const cJSON *def)
{
	return strcmp(json_str(def, "returned", "default"), "never") == 0 ||
	    strcmp(json_str(def, "mutability", "readWrite"), "writeOnly") == 0;
}

/* One attribute of the platform's; def is the server's description. */
static int
add(struct discovery *d, const char *name, const cJSON *def, bool multi)
{
	autojson	*one = cJSON_CreateObject();

	if (has_name(d->out, name))
		return 0;
	if (one == NULL || json_set_str(one, "name", name) == -1 ||
	    json_set_str(one, "description", json_str(def, "description", name)) == -1 ||
	    json_set_str(one, "type", platform_type(def)) == -1 ||
	    (multi && json_set_bool(one, "multi", true) == -1) ||
	    (json_bool(def, "required", false) && json_set_bool(one, "required", true) == -1) ||
	    json_push(d->out, json_steal(&one)) == -1)
		return no_memory(d);
	return 0;
}

/* The names mapped to this place; how many, or -1. */
static int
add_mapped(struct discovery *d, const char *path, const cJSON *def, bool multi)
{
	int	n = 0;

	for (size_t i = 0; i < d->map->n; i++) {
		const struct scim_attr	*a = &d->map->v[i];

		if (a->is_groups || a->write_only || strcasecmp(a->path.text, path) != 0)
			continue;
		if (add(d, a->name, def, multi) == -1)
			return -1;
		n++;
	}
	return n;
}

/* A list's mapped elements (emails[type eq "work"].value as "email"), then the list itself. */
static int
add_list(struct discovery *d, const char *base, const cJSON *def)
{
	for (size_t i = 0; i < d->map->n; i++) {
		const struct scim_attr	*a = &d->map->v[i];

		if (a->path.nterms > 0 && strcasecmp(a->path.base, base) == 0 && add(d, a->name, def, false) == -1)
			return -1;
	}
	if (strcasecmp(base, "groups") == 0)
		return 0;
	return add_mapped(d, base, def, true) == 0 ? add(d, base, def, true) : 0;
}

static int
add_place(struct discovery *d, const char *path, const cJSON *def, bool multi)
{
	int	n = add_mapped(d, path, def, multi);

	return n == 0 ? add(d, path, def, multi) : n == -1 ? -1 : 0;
}

/* One attribute as the schema describes it; prefix is "" or "urn:…:". */
static int
describe(struct discovery *d, const char *prefix, const cJSON *def)
{
	autobuf		 path = { 0 };
	const char	*name = json_str(def, "name", "");
	const cJSON	*sub;
	size_t		 base;
	bool		 complex = strcmp(json_str(def, "type", ""), "complex") == 0;

	if (name[0] == '\0' || is_never(def))
		return 0;
	buf_init(&path, SCIM_PATH_BYTES_MAX);
	buf_addf(&path, "%s%s", prefix, name);
	if (path.failed)	/* a path too long to be used is left out */
		return 0;
	if (json_bool(def, "multiValued", false))
		return complex ? add_list(d, path.data, def) : add_place(d, path.data, def, true);
	if (!complex)
		return add_place(d, path.data, def, false);
	base = path.len;
	cJSON_ArrayForEach(sub, json_get(def, "subAttributes")) {
		if (is_never(sub) || strcmp(json_str(sub, "name", "$ref"), "$ref") == 0)
			continue;
		path.len = base;
		buf_addf(&path, ".%s", json_str(sub, "name", ""));
		if (!path.failed && add_place(d, path.data, sub, json_bool(sub, "multiValued", false)) == -1)
			return -1;
	}
	return 0;
}

static int
describe_schema(struct discovery *d, const cJSON *schema, bool core)
{
	autobuf		 prefix = { 0 };
	const cJSON	*def;

	buf_init(&prefix, SCIM_PATH_BYTES_MAX);
	if (!core)
		buf_addf(&prefix, "%s:", json_str(schema, "id", ""));
	if (prefix.failed)
		return 0;
	cJSON_ArrayForEach(def, json_get(schema, "attributes"))
		if (describe(d, core ? "" : prefix.data, def) == -1)
			return -1;
	return 0;
}

static bool
is_extension(const cJSON *extensions, const char *id)
{
	const cJSON	*one;

	if (!cJSON_IsArray(extensions))
		return strcasecmp(id, ENTERPRISE_USER) == 0;
	cJSON_ArrayForEach(one, extensions)
		if (strcasecmp(json_str(one, "schema", ""), id) == 0)
			return true;
	return false;
}

/* The entitlement attribute, whatever the administrator calls it. */
static int
add_groups(struct discovery *d, const char **name)
{
	cJSON	*one;

	*name = NULL;
	for (size_t i = 0; i < d->map->n; i++) {
		if (!d->map->v[i].is_groups)
			continue;
		if (add(d, d->map->v[i].name, NULL, true) == -1)
			return -1;
		one = cJSON_GetArrayItem(d->out, cJSON_GetArraySize(d->out) - 1);
		if (json_set_str(one, "description", "Groups the user is a member of") == -1 ||
		    json_set_bool(one, "entitlement", true) == -1 || json_set_bool(one, "managed", true) == -1 ||
		    json_set_str(one, "schemaObjectType", "group") == -1)
			return no_memory(d);
		*name = d->map->v[i].name;
	}
	return 0;
}

cJSON *
scim_schema(const cJSON *schemas, const cJSON *extensions, const struct scim_map *map, struct error *e)
{
	autojson		*out = cJSON_CreateObject();
	autojson		*attributes = cJSON_CreateArray();
	struct discovery	 d = { .map = map, .out = attributes, .e = e };
	const cJSON		*one;
	const char		*groups = NULL;
	bool			 found = false;

	if (out == NULL || attributes == NULL || add(&d, "id", NULL, false) == -1)
		goto memory;
	for (int core = 1; core >= 0; core--)
		cJSON_ArrayForEach(one, schemas) {
			const char	*id = json_str(one, "id", "");
			bool		 is_core = strcasecmp(id, CORE_USER) == 0;

			if (is_core != (core == 1) || (!is_core && !is_extension(extensions, id)))
				continue;
			found = found || is_core;
			if (describe_schema(&d, one, is_core) == -1)
				return NULL;
		}
	if (!found) {
		(void)error_set(e, ERR_INVALID_RESPONSE, "GET /Schemas: the server does not describe its users");
		return NULL;
	}
	if (add_groups(&d, &groups) == -1)
		return NULL;
	if (json_set_str(out, "displayAttribute", "userName") == 0 &&
	    json_set_str(out, "identityAttribute", "id") == 0 &&
	    json_set_str(out, "groupAttribute", groups != NULL ? groups : "groups") == 0 &&
	    json_set(out, "attributes", json_steal(&attributes)) == 0)
		return json_steal(&out);
memory:
	(void)no_memory(&d);
	return NULL;
}

/* Which extensions users have, as /ResourceTypes tells; NULL where it does not. */
static const cJSON *
user_extensions(const cJSON *types)
{
	const cJSON	*list = cJSON_IsArray(types) ? types : json_get(types, "Resources"), *one;

	cJSON_ArrayForEach(one, list)
		if (strcasecmp(json_str(one, "schema", ""), CORE_USER) == 0)
			return json_get(one, "schemaExtensions");
	return NULL;
}

int
scim_discover_schema(struct call *c)
{
	autoscim	*s = scim_open(c);
	autojson	*schemas = NULL, *types = NULL;
	cJSON		*schema;
	struct error	 e = ERROR_NONE;

	if (s == NULL)
		return -1;
	if (fetch_get(s->f, "/Schemas", &schemas, c->err) == -1)
		return scim_not_missing(s, ERR_INVALID_RESPONSE, "the server does not describe its users");
	if (fetch_get(s->f, "/ResourceTypes", &types, &e) == -1)
		log_warn(c, "taking the enterprise extension only: %s", e.msg);
	schema = scim_schema(cJSON_IsArray(schemas) ? schemas : json_get(schemas, "Resources"),
	    user_extensions(types), &s->map, c->err);
	return schema != NULL ? emit_output(c, schema) : -1;
}
