/*
 * resource.c -- checks resources on their way in.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "launcher/practice/filter.h"
#include "launcher/practice/resource.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static const struct kind_rules {
	const char	*schema, *name, *type;
	const char	*known[16];			/* how their names are spelt */
	const char	*dropped[4];			/* never taken from a client, or never kept */
} rules[] = {
	[KIND_USER] = { SCIM_USER, "userName", "User",
	    { "schemas", "externalId", "userName", "name", "displayName", "nickName", "title", "active", "emails",
	    "phoneNumbers", "id", "meta", "groups", "password", SCIM_ENTERPRISE }, { "id", "meta", "groups", "password" } },
	[KIND_GROUP] = { SCIM_GROUP, "displayName", "Group",
	    { "schemas", "externalId", "displayName", "members", "id", "meta" }, { "id", "meta", "members" } },
};
static_assert(N_ITEMS(rules) == KIND__MAX, "rules for each kind");

static int
spell(cJSON *tree, const struct kind_rules *r)
{
	for (size_t i = 0; i < N_ITEMS(r->known) && r->known[i] != NULL; i++) {
		cJSON *m = filter_member(tree, r->known[i]);

		if (m == NULL || strcmp(m->string, r->known[i]) == 0)
			continue;
		if (json_set(tree, r->known[i], cJSON_DetachItemViaPointer(tree, m)) == -1)
			return -1;
	}
	return 0;
}

static bool
has_schema(const cJSON *tree, const char *schema)
{
	const cJSON *s;

	cJSON_ArrayForEach(s, json_get(tree, "schemas"))
		if (cJSON_IsString(s) && strcasecmp(s->valuestring, schema) == 0)
			return true;
	return false;
}

/* A flag may come as "True" or "False", as some clients have it. */
static int
check_active(cJSON *tree, struct error *e)
{
	const cJSON *active = json_get(tree, "active");

	if (active == NULL)
		return json_set_bool(tree, "active", true);
	if (cJSON_IsBool(active))
		return 0;
	if (cJSON_IsString(active) && strcasecmp(active->valuestring, "true") == 0)
		return json_set_bool(tree, "active", true);
	if (cJSON_IsString(active) && strcasecmp(active->valuestring, "false") == 0)
		return json_set_bool(tree, "active", false);
	return error_set(e, ERR_INVALID_REQUEST, "active: true or false is wanted");
}

static int
check_list(const cJSON *tree, const char *name, struct error *e)
{
	const cJSON *list = json_get(tree, name), *element;

	if (list != NULL && !cJSON_IsArray(list))
		return error_set(e, ERR_INVALID_REQUEST, "%s: an array is wanted", name);
	cJSON_ArrayForEach(element, list)
		if (!cJSON_IsObject(element))
			return error_set(e, ERR_INVALID_REQUEST, "%s: objects are wanted", name);
	return 0;
}

static int
check_user(cJSON *tree, struct error *e)
{
	const cJSON *name = json_get(tree, "name"), *extension = json_get(tree, SCIM_ENTERPRISE);

	if (name != NULL && !cJSON_IsObject(name))
		return error_set(e, ERR_INVALID_REQUEST, "name: an object is wanted");
	if (extension != NULL && !cJSON_IsObject(extension))
		return error_set(e, ERR_INVALID_REQUEST, "the enterprise extension: an object is wanted");
	if (check_active(tree, e) == -1 || check_list(tree, "emails", e) == -1)
		return -1;
	return check_list(tree, "phoneNumbers", e);
}

int
resource_check(cJSON *tree, enum kind kind, enum scim_type *type, struct error *e)
{
	const struct kind_rules	*r = &rules[kind];
	const char		*name;

	*type = SCIM_INVALID_SYNTAX;
	if (spell(tree, r) == -1)
		return error_sys(e, "resource");
	if (!has_schema(tree, r->schema))
		return error_set(e, ERR_INVALID_REQUEST, "schemas: an array with %s is wanted", r->schema);
	*type = SCIM_INVALID_VALUE;
	name = json_str(tree, r->name, "");
	if (*name == '\0' || strlen(name) >= GEN_TEXT_BYTES_MAX * 2)
		return error_set(e, ERR_INVALID_REQUEST, "%s: a string of 1 to %d bytes is wanted", r->name,
		    GEN_TEXT_BYTES_MAX * 2 - 1);
	for (size_t i = 0; i < N_ITEMS(r->dropped) && r->dropped[i] != NULL; i++)
		json_wipe(cJSON_DetachItemFromObjectCaseSensitive(tree, r->dropped[i]));
	return kind == KIND_USER ? check_user(tree, e) : 0;
}

int
resource_stamp(cJSON *tree, const struct people *p, enum kind kind, uint64_t index, const char *created)
{
	const struct gen	*g = people_gen(p);
	char			 id[GEN_ID_BYTES + 1], location[GEN_BASE_BYTES_MAX + 64], now[32];
	struct timespec		 ts;
	cJSON			*meta = cJSON_CreateObject();

	clock_gettime(CLOCK_REALTIME, &ts);
	gen_time_print((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000, now);
	gen_id(g, kind, index, id);
	snprintf(location, sizeof(location), "%s/%s/%s", g->base, kind == KIND_USER ? "Users" : "Groups", id);
	if (json_set_str(meta, "resourceType", rules[kind].type) == -1 ||
	    json_set_str(meta, "created", created != NULL ? created : now) == -1 ||
	    json_set_str(meta, "lastModified", now) == -1 || json_set_str(meta, "location", location) == -1) {
		cJSON_Delete(meta);
		return -1;
	}
	if (json_set(tree, "meta", meta) == -1)
		return -1;
	return json_set_str(tree, "id", id);
}

void
member_changes_free(struct member_changes *c)
{
	free(c->change);
	*c = (struct member_changes){ 0 };
}

static int
add_one(struct member_changes *c, const struct people *p, const cJSON *value, bool is, struct error *e)
{
	const char	*id = cJSON_IsString(value) ? value->valuestring : json_str(value, "value", "");
	int64_t		 user = people_by_id(p, KIND_USER, id);

	if (user == -1)
		return is ? error_set(e, ERR_INVALID_REQUEST, "members: no user has this id") : 0;
	if (c->n == c->cap) {
		size_t			 cap = c->cap == 0 ? 16 : c->cap * 2;
		struct member_change	*grown = realloc(c->change, cap * sizeof(*grown));

		if (grown == NULL)
			return error_sys(e, "members");
		c->change = grown;
		c->cap = cap;
	}
	c->change[c->n++] = (struct member_change){ .user = (uint32_t)user, .is = is };
	return 0;
}

int
member_changes_add(struct member_changes *c, const struct people *p, const cJSON *value, bool is, struct error *e)
{
	const cJSON *element;

	if (!cJSON_IsArray(value))
		return add_one(c, p, value, is, e);
	cJSON_ArrayForEach(element, value)
		if (add_one(c, p, element, is, e) == -1)
			return -1;
	return 0;
}

int
member_changes_apply(const struct member_changes *c, struct people *p, uint64_t group, struct error *e)
{
	if (c->clear && people_clear_members(p, group, e) == -1)
		return -1;
	for (size_t i = 0; i < c->n; i++)
		if (people_set_member(p, c->change[i].user, group, c->change[i].is, e) == -1)
			return -1;
	return 0;
}
