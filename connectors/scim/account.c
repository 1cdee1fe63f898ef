/*
 * account.c -- a SCIM user as an account.
 */
#include <string.h>

#include "connectors/scim/scim.h"

cJSON *
scim_user_groups(const cJSON *user)
{
	autojson	*out = cJSON_CreateArray();
	const cJSON	*one, *id;

	if (out == NULL)
		return NULL;
	cJSON_ArrayForEach(one, scim_member(user, "groups")) {
		id = cJSON_IsObject(one) ? scim_member(one, "value") : one;
		if ((cJSON_IsString(id) || cJSON_IsNumber(id)) && json_push(out, json_dup(id)) == -1)
			return NULL;
	}
	return json_steal(&out);
}

bool
scim_wants_groups(const struct scim *s)
{
	for (size_t i = 0; i < s->map.n; i++)
		if (s->map.v[i].is_groups && s->map.v[i].wanted)
			return s->set.groups_from != GROUPS_FROM_NONE;
	return false;
}

/* Sets every attribute that stands for membership. */
static int
groups_set(const struct scim *s, const cJSON *user, const cJSON *groups, cJSON *attributes)
{
	for (size_t i = 0; i < s->map.n; i++) {
		const struct scim_attr	*a = &s->map.v[i];

		if (!a->is_groups || !a->wanted || s->set.groups_from == GROUPS_FROM_NONE)
			continue;
		if (json_set(attributes, a->name, groups != NULL ? json_dup(groups) : scim_user_groups(user)) == -1)
			return -1;
	}
	return 0;
}

/* 1 disabled, 0 enabled, -1 the user does not say. */
static int
disabled(const struct scim *s, const cJSON *user, struct error *e)
{
	autojson	*v = NULL, *b = NULL;

	if (scim_path_read(&s->set.active, user, false, &v, e) == -1 || v == NULL)
		return -1;
	b = scim_coerce(v, "boolean");
	return cJSON_IsBool(b) ? cJSON_IsFalse(b) : -1;
}

cJSON *
scim_account(struct scim *s, const cJSON *user, cJSON *taken, struct error *e)
{
	autojson	*groups = taken;
	autojson	*attributes = NULL;
	autojson	*account = NULL;
	char		 scratch[32];
	const char	*id = json_scalar_text(json_get(user, "id"), scratch, sizeof(scratch));
	int		 off;

	if (id == NULL || id[0] == '\0') {
		(void)error_set(e, ERR_INVALID_RESPONSE, "the server gave a user without id");
		return NULL;
	}
	if ((attributes = scim_map_read(&s->map, user, e)) == NULL)
		return NULL;
	if (groups_set(s, user, groups, attributes) == -1 ||
	    (account = object_new(s->c, id, NULL, json_steal(&attributes))) == NULL) {
		(void)error_set(e, ERR_SYSTEM, "account: no memory");
		return NULL;
	}
	if ((off = disabled(s, user, e)) != -1 && json_set_bool(account, "disabled", off == 1) == -1) {
		(void)error_set(e, ERR_SYSTEM, "account: no memory");
		return NULL;
	}
	return json_steal(&account);
}

int
scim_emit_user(struct scim *s, const char *id, const cJSON *fallback, cJSON *taken)
{
	autojson	*results = taken;
	autojson	*user = NULL;
	autojson	*account = NULL;
	cJSON		*groups = NULL;

	if (scim_get(s, "Users", id, &user) == -1) {
		/* What was made must not look unmade because it cannot be shown yet. */
		if (fallback == NULL)
			return -1;
		log_warn(s->c, "shown as the server's answer had it: %s", s->c->err->msg);
		*s->c->err = ERROR_NONE;
		if ((user = json_dup(fallback)) == NULL)
			return fail_generic(s->c, "no memory");
	}
	if (scim_wants_groups(s) && scim_groups_of(s, user, &groups) == -1)
		return -1;
	if ((account = scim_account(s, user, groups, s->c->err)) == NULL)
		return -1;
	if (results != NULL && results->child != NULL &&
	    json_set(account, "results", json_steal(&results)) == -1)
		return fail_generic(s->c, "no memory");
	return emit_output(s->c, json_steal(&account));
}

int
scim_account_read(struct call *c)
{
	autoscim	*s = NULL;

	if (c->identity == NULL)
		return fail_invalid_request(c, "input names no account: give identity or key");
	if ((s = scim_open(c)) == NULL)
		return -1;
	return scim_emit_user(s, c->identity, NULL, NULL);
}

int
scim_account_delete(struct call *c)
{
	autoscim		*s = NULL;
	autofree char		*path = NULL;
	struct fetch_request	 rq = { .method = "DELETE" };

	if (c->identity == NULL)
		return fail_invalid_request(c, "input names no account: give identity or key");
	if ((s = scim_open(c)) == NULL)
		return -1;
	if (s->set.delete_deactivates) {
		if (scim_active_set(s, c->identity, false) == -1)
			return -1;
		return emit_output(c, cJSON_CreateObject());
	}
	if ((path = scim_resource_path("Users", c->identity)) == NULL)
		return fail_generic(c, "no memory");
	rq.path = path;
	if (fetch_call(s->f, &rq, NULL, c->err) == -1)
		return -1;
	return emit_output(c, cJSON_CreateObject());
}

/* One attribute of a user set; by PUT the rest has to be read first. */
static int
attribute_set(struct scim *s, const char *id, const struct scim_path *path, const cJSON *value)
{
	autoplan	 plan = { 0 };
	cJSON		*user = NULL;

	if (!scim_writes_by_put(s))
		user = cJSON_CreateObject();
	else if (scim_get(s, "Users", id, &user) == -1)
		return -1;
	if (scim_plan_init(&plan, user, s->c->err) == -1 ||
	    scim_plan_change(&plan, path, false, CHANGE_SET, value, s->c->err) == -1)
		return -1;
	return scim_plan_is_empty(&plan) ? 0 : scim_user_write(s, id, &plan);
}

int
scim_active_set(struct scim *s, const char *id, bool active)
{
	autojson	*value = cJSON_CreateBool(active);

	if (value == NULL)
		return fail_generic(s->c, "no memory");
	return attribute_set(s, id, &s->set.active, value);
}

static int
enable(struct call *c, bool active)
{
	autoscim	*s = NULL;

	if (c->identity == NULL)
		return fail_invalid_request(c, "input names no account: give identity or key");
	if ((s = scim_open(c)) == NULL || scim_active_set(s, c->identity, active) == -1)
		return -1;
	return scim_emit_user(s, c->identity, NULL, NULL);
}

int
scim_account_enable(struct call *c)
{
	return enable(c, true);
}

int
scim_account_disable(struct call *c)
{
	return enable(c, false);
}

int
scim_change_password(struct call *c)
{
	autoscim		*s = NULL;
	const struct scim_attr	*a;
	const cJSON		*password = json_get(c->input, "password");

	if (c->identity == NULL)
		return fail_invalid_request(c, "input names no account: give identity or key");
	if (!cJSON_IsString(password) || password->valuestring[0] == '\0')
		return fail_invalid_request(c, "input.password is missing");
	redact_add(password->valuestring);
	if ((s = scim_open(c)) == NULL || (a = scim_map_find(&s->map, "password", c->err)) == NULL)
		return -1;
	if (attribute_set(s, c->identity, &a->path, password) == -1)
		return -1;
	return emit_output(c, cJSON_CreateObject());
}
