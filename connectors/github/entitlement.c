/*
 * entitlement.c -- teams (type group, team) and organisation roles (type role).
 */
#include <string.h>

#include "connectors/github/github.h"

enum entitlement { ENT_TEAM, ENT_ROLE };

static const struct {
	const char		*type;
	enum entitlement	 kind;
} types[] = {
	{ "group", ENT_TEAM },
	{ "team", ENT_TEAM },
	{ "role", ENT_ROLE },
};

struct emitting {
	struct github		*g;
	const char		*type;		/* as the caller named it */
	enum entitlement	 kind;
};

static int
copy(cJSON *a, const char *name, const cJSON *from, const char *member)
{
	char		 scratch[32];
	const char	*v = json_scalar_text(json_get(from, member), scratch, sizeof(scratch));

	return v == NULL || v[0] == '\0' ? 0 : json_set_str(a, name, v);
}

static cJSON *
team_attributes(const cJSON *row)
{
	autojson	*a = cJSON_CreateObject();

	if (a == NULL || copy(a, "slug", row, "slug") == -1 || copy(a, "name", row, "name") == -1 ||
	    copy(a, "teamId", row, "id") == -1 || copy(a, "description", row, "description") == -1 ||
	    copy(a, "privacy", row, "privacy") == -1 || copy(a, "parent", json_get(row, "parent"), "slug") == -1)
		return NULL;
	return json_steal(&a);
}

static cJSON *
role_attributes(const cJSON *row)
{
	autojson	*a = cJSON_CreateObject();
	const cJSON	*permissions = json_get(row, "permissions");

	if (a == NULL || copy(a, "id", row, "id") == -1 || copy(a, "name", row, "name") == -1 ||
	    copy(a, "description", row, "description") == -1 || copy(a, "source", row, "source") == -1 ||
	    copy(a, "baseRole", row, "base_role") == -1)
		return NULL;
	if (cJSON_IsArray(permissions) && json_set(a, "permissions", json_dup(permissions)) == -1)
		return NULL;
	return json_steal(&a);
}

static int
entitlement_emit(struct emitting *em, const cJSON *row)
{
	char		 scratch[32];
	const char	*id = json_scalar_text(json_get(row, em->kind == ENT_TEAM ? "slug" : "id"), scratch,
	    sizeof(scratch));
	autojson	*object = NULL;

	if (id == NULL)
		return fail_invalid_response(em->g->c, "GitHub sent a %s without an id", em->type);
	object = object_new(em->g->c, id, NULL, em->kind == ENT_TEAM ? team_attributes(row) : role_attributes(row));
	if (object == NULL || json_set_str(object, "type", em->type) == -1)
		return fail_generic(em->g->c, "no memory left for an entitlement");
	return emit_output(em->g->c, json_steal(&object));
}

static int
entitlement_row(void *arg, cJSON *taken, struct error *e)
{
	autojson	*row = taken;

	(void)e;
	return entitlement_emit(arg, row);
}

static int
emitting_start(struct call *c, struct github *g, struct emitting *em)
{
	const char	*type = json_str(c->input, "type", "");

	*g = (struct github){ 0 };
	for (size_t i = 0; i < N_ITEMS(types); i++)
		if (strcmp(type, types[i].type) == 0) {
			*em = (struct emitting){ g, types[i].type, types[i].kind };
			return gh_open(g, c);
		}
	return fail_invalid_request(c, "no entitlement type \"%.64s\": use \"group\" (teams) or \"role\" (organisation "
	    "roles)", type);
}

int
cmd_entitlement_list(struct call *c)
{
	autogithub	 g;
	struct emitting	 em;
	autofree char	*path = NULL;

	if (emitting_start(c, &g, &em) == -1)
		return -1;
	/* The administrator said that there are none to be governed. */
	if (em.kind == ENT_ROLE && !g.s.roles) {
		log_info(c, "organisation roles are turned off (readRoles): none are listed");
		return 0;
	}
	/* To somebody from outside only the visible teams would be shown. */
	if (access_check(&g) == -1)
		return -1;
	path = gh_path("orgs", g.s.org, em.kind == ENT_TEAM ? "teams" : "organization-roles", NULL);
	return gh_pages(&g, path, NULL, NULL, em.kind == ENT_TEAM ? "" : "/roles", entitlement_row, &em);
}

int
cmd_entitlement_read(struct call *c)
{
	autogithub	 g;
	struct emitting	 em;
	autofree char	*path = NULL;
	autojson	*row = NULL;
	bool		 found;

	if (emitting_start(c, &g, &em) == -1)
		return -1;
	if (c->identity == NULL)
		return fail_invalid_request(c, "the request names no entitlement");
	path = gh_path("orgs", g.s.org, em.kind == ENT_TEAM ? "teams" : "organization-roles", c->identity, NULL);
	if (gh_find(&g, path, &row, &found) == -1)
		return -1;
	if (!found)
		return fail_not_found(c, "the organisation %s has no %s %s", g.s.org, em.type, c->identity);
	return entitlement_emit(&em, row);
}
