/*
 * map.c -- account attributes and their places in a SCIM user.
 */
#include <string.h>
#include <strings.h>

#include "connectors/scim/map.h"
#include "connectors/scim/patch.h"

#define ENTERPRISE	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"

static const struct place {
	const char	*name, *path, *type;
} places[] = {
	{ "id",			"id",					"string" },
	{ "userName",		"userName",				"string" },
	{ "externalId",		"externalId",				"string" },
	{ "displayName",	"displayName",				"string" },
	{ "givenName",		"name.givenName",			"string" },
	{ "familyName",		"name.familyName",			"string" },
	{ "email",		"emails[type eq \"work\"].value",	"string" },
	{ "phone",		"phoneNumbers[type eq \"work\"].value",	"string" },
	{ "title",		"title",				"string" },
	{ "userType",		"userType",				"string" },
	{ "preferredLanguage",	"preferredLanguage",			"string" },
	{ "locale",		"locale",				"string" },
	{ "timezone",		"timezone",				"string" },
	{ "employeeNumber",	ENTERPRISE "employeeNumber",		"string" },
	{ "department",		ENTERPRISE "department",		"string" },
	{ "organization",	ENTERPRISE "organization",		"string" },
	{ "division",		ENTERPRISE "division",			"string" },
	{ "costCenter",		ENTERPRISE "costCenter",		"string" },
	{ "manager",		ENTERPRISE "manager.value",		"string" },
	{ "active",		"active",				"boolean" },
	{ "groups",		"groups",				"string" },
	{ "password",		"password",				"string" },
}, group_places[] = {
	{ "id",			"id",					"string" },
	{ "displayName",	"displayName",				"string" },
	{ "externalId",		"externalId",				"string" },
};

static const char *
known_type(const char *type)
{
	static const char *const types[] = { "string", "boolean", "int", "long" };

	for (size_t i = 0; i < N_ITEMS(types); i++)
		if (type != NULL && strcasecmp(type, types[i]) == 0)
			return types[i];
	return NULL;
}

static void
attr_free(struct scim_attr *a)
{
	free(a->name);
	scim_path_free(&a->path);
}

static struct scim_attr *
find(struct scim_map *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->v[i].name, name) == 0)
			return &m->v[i];
	return NULL;
}

static int
grow(struct scim_map *m, struct error *e)
{
	size_t			 cap = m->cap == 0 ? 32 : 2 * m->cap;
	struct scim_attr	*v;

	if (m->n < m->cap)
		return 0;
	if (m->n >= SCIM_ATTRIBUTES_MAX)
		return error_set(e, ERR_LIMIT, "over %u attributes", SCIM_ATTRIBUTES_MAX);
	if ((v = reallocarray(m->v, cap, sizeof(*v))) == NULL)
		return error_set(e, ERR_SYSTEM, "attributes: no memory");
	m->v = v;
	m->cap = cap;
	return 0;
}

/* A later place of the same name takes the earlier one's. */
static struct scim_attr *
put(struct scim_map *m, const char *name, const char *path, const char *type, struct error *e)
{
	struct scim_attr	*old = find(m, name), a = { .type = type, .wanted = true };

	if (scim_path_parse(path, &a.path, e) == -1)
		return NULL;
	if ((a.name = strdup(name)) == NULL || (old == NULL && grow(m, e) == -1)) {
		attr_free(&a);
		if (e->code == ERR_NONE)
			(void)error_set(e, ERR_SYSTEM, "attributes: no memory");
		return NULL;
	}
	if (a.path.urn == NULL && a.path.nterms == 0) {
		a.is_groups = strcasecmp(a.path.attr, "groups") == 0;
		a.write_only = strcasecmp(a.path.attr, "password") == 0;
		a.read_only = strcasecmp(a.path.attr, "id") == 0 || strcasecmp(a.path.attr, "meta") == 0 ||
		    strcasecmp(a.path.attr, "schemas") == 0;
	}
	if (old != NULL)
		attr_free(old);
	else
		old = &m->v[m->n++];
	*old = a;
	return old;
}

struct scim_attr *
scim_map_find(struct scim_map *m, const char *name, struct error *e)
{
	struct scim_attr	*a = find(m, name);

	if (a != NULL)
		return a;
	if ((a = put(m, name, name, "string", e)) != NULL)
		a->wanted = false;
	else if (e->code == ERR_INVALID_CONFIGURATION)
		e->code = ERR_INVALID_REQUEST;
	return a;
}

/* Types and multiplicity as a schema tells them. */
static void
learn(struct scim_map *m, const cJSON *schema)
{
	const cJSON	*one;

	cJSON_ArrayForEach(one, json_get(schema, "attributes")) {
		struct scim_attr	*a = find(m, json_str(one, "name", ""));

		if (a == NULL)
			continue;
		a->multi = json_bool(one, "multi", a->multi);
		if (known_type(json_str(one, "type", NULL)) != NULL)
			a->type = known_type(json_str(one, "type", NULL));
	}
}

/* Only what the schema of the request names; what it names and nobody mapped is a path. */
static int
narrow(struct scim_map *m, const cJSON *schema, struct error *e)
{
	const cJSON		*one;
	struct scim_attr	*a;

	if (!cJSON_IsArray(json_get(schema, "attributes")))
		return 0;
	for (size_t i = 0; i < m->n; i++)
		m->v[i].wanted = false;
	cJSON_ArrayForEach(one, json_get(schema, "attributes")) {
		const char	*name = json_str(one, "name", "");

		if (name[0] == '\0')
			continue;
		if ((a = scim_map_find(m, name, e)) == NULL)
			return error_in(e, "schema attribute \"%.64s\" is not mapped", name);
		a->wanted = true;
	}
	learn(m, schema);
	return 0;
}

int
scim_map_init(struct scim_map *m, const cJSON *config, const cJSON *schema, const cJSON *spec, struct error *e)
{
	const cJSON	*one;

	*m = (struct scim_map){ 0 };
	for (size_t i = 0; i < N_ITEMS(places); i++)
		if (put(m, places[i].name, places[i].path, places[i].type, e) == NULL)
			goto fail;
	cJSON_ArrayForEach(one, json_get(config, "attributes")) {
		const char	*name = json_str(one, "key", ""), *path = json_str(one, "value", "");

		if (name[0] == '\0' || path[0] == '\0')
			continue;
		if (put(m, name, path, "string", e) == NULL)
			goto fail;
	}
	learn(m, json_get(spec, "accountSchema"));
	if (narrow(m, schema, e) == 0)
		return 0;
fail:
	scim_map_free(m);
	return -1;
}

int
scim_map_init_group(struct scim_map *m, const cJSON *schema, struct error *e)
{
	*m = (struct scim_map){ 0 };
	for (size_t i = 0; i < N_ITEMS(group_places); i++)
		if (put(m, group_places[i].name, group_places[i].path, group_places[i].type, e) == NULL) {
			scim_map_free(m);
			return -1;
		}
	if (narrow(m, schema, e) == 0)
		return 0;
	scim_map_free(m);
	return -1;
}

void
scim_map_free(struct scim_map *m)
{
	for (size_t i = 0; i < m->n; i++)
		attr_free(&m->v[i]);
	free(m->v);
	*m = (struct scim_map){ 0 };
}

cJSON *
scim_map_read(const struct scim_map *m, const cJSON *resource, struct error *e)
{
	autojson	*out = cJSON_CreateObject();

	if (out == NULL) {
		(void)error_set(e, ERR_SYSTEM, "account: no memory");
		return NULL;
	}
	for (size_t i = 0; i < m->n; i++) {
		const struct scim_attr	*a = &m->v[i];
		autojson		*v = NULL, *typed = NULL;

		if (!a->wanted || a->is_groups || a->write_only)
			continue;
		if (scim_path_read(&a->path, resource, a->multi, &v, e) == -1)
			return NULL;
		if (v == NULL)
			continue;
		/* A string, which most are to be, is left as it is. */
		typed = a->type[0] == 's' ? json_steal(&v) : scim_coerce(v, a->type);
		/* A map has no name twice, and its names outlive what is read by it. */
		if (typed == NULL || !cJSON_AddItemToObjectCS(out, a->name, typed)) {
			(void)error_set(e, ERR_SYSTEM, "account: no memory");
			return NULL;
		}
		typed = NULL;
	}
	return json_steal(&out);
}

bool
scim_map_looks(const struct scim_map *m, const struct row_text *names, size_t n)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].wanted && scim_path_looks(&m->v[i].path, m->v[i].type[0] != 's', names, n))
			return true;
	return false;
}

/* True if an earlier attribute asks for the same base. */
static bool
asked_before(const struct scim_map *m, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (m->v[k].wanted && strcasecmp(m->v[k].path.base, m->v[i].path.base) == 0)
			return true;
	return false;
}

char *
scim_map_query(const struct scim_map *m, const char *besides)
{
	autobuf	b = { 0 };

	buf_init(&b, 64 * KIB);
	buf_adds(&b, "id,meta");
	if (besides != NULL && besides[0] != '\0')
		buf_addf(&b, ",%s", besides);
	for (size_t i = 0; i < m->n; i++) {
		const struct scim_attr	*a = &m->v[i];

		if (a->wanted && !a->write_only && !a->read_only && !asked_before(m, i))
			buf_addf(&b, ",%s", a->path.base);
	}
	return buf_steal(&b);
}
