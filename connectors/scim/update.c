/*
 * update.c -- std:account:update: attributes in one write, then groups one by one.
 */
#include <string.h>

#include "connectors/scim/scim.h"

/* Groups as they are and as they are to be: the second is a plan over {"ids":[…]}. */
struct membership_plan {
	bool			 used;
	struct scim_path	 ids;
	cJSON			*now;
	struct scim_plan	 target;
};

static void
membership_free(struct membership_plan *g)
{
	if (!g->used)
		return;
	scim_path_free(&g->ids);
	cJSON_Delete(g->now);
	scim_plan_free(&g->target);
}
#define autogroups	__attribute__((cleanup(membership_free))) struct membership_plan

static int
membership_open(struct scim *s, const cJSON *user, struct membership_plan *g)
{
	autojson	*holder = cJSON_CreateObject();

	if (g->used)
		return 0;
	if (scim_path_parse("ids", &g->ids, s->c->err) == -1)
		return -1;
	g->used = true;
	if (scim_groups_of(s, user, &g->now) == -1)
		return -1;
	if (holder == NULL || json_set(holder, "ids", json_dup(g->now)) == -1)
		return fail_generic(s->c, "no memory");
	return scim_plan_init(&g->target, json_steal(&holder), s->c->err);
}

/* Where membership cannot be read, what is to be removed is taken for there. */
static int
assume_members(struct scim *s, struct membership_plan *g, const struct change *ch)
{
	cJSON	*ids = cJSON_GetObjectItem(g->target.resource, "ids");

	if (ch->op == CHANGE_SET)
		return fail_invalid_request(s->c,
		    "groups cannot be Set: this source is set up as not telling who is in which group");
	if (ch->op == CHANGE_ADD)
		return 0;
	for (size_t i = 0; i < value_count(ch->value); i++)
		if (json_push(g->now, json_dup(value_at(ch->value, i))) == -1 ||
		    json_push(ids, json_dup(value_at(ch->value, i))) == -1)
			return fail_generic(s->c, "no memory");
	return 0;
}

static int
membership_change(struct scim *s, const cJSON *user, struct membership_plan *g, const struct change *ch)
{
	if (membership_open(s, user, g) == -1)
		return -1;
	if (s->set.groups_from == GROUPS_FROM_NONE && assume_members(s, g, ch) == -1)
		return -1;
	return scim_plan_change(&g->target, &g->ids, true, ch->op, ch->value, s->c->err);
}

static bool
contains(const cJSON *list, const cJSON *v)
{
	const cJSON	*one;

	cJSON_ArrayForEach(one, list)
		if (json_equal(one, v))
			return true;
	return false;
}

/* What is in a but not in b.  NULL: no memory. */
static cJSON *
minus(const cJSON *a, const cJSON *b)
{
	autojson	*out = cJSON_CreateArray();
	const cJSON	*one;

	if (out == NULL)
		return NULL;
	cJSON_ArrayForEach(one, a)
		if (!contains(b, one) && json_push(out, json_dup(one)) == -1)
			return NULL;
	return json_steal(&out);
}

static int
plan_all(struct scim *s, struct scim_plan *plan, struct membership_plan *g)
{
	struct change	 ch;
	int		 r;

	for (size_t i = 0; (r = change_at(s->c, i, &ch)) == 1; i++) {
		struct scim_attr	*a = scim_map_find(&s->map, ch.attribute, s->c->err);
		autojson		*value = NULL;

		if (a == NULL)
			return -1;
		if (a->is_groups) {
			if (membership_change(s, plan->resource, g, &ch) == -1)
				return -1;
			continue;
		}
		if (a->read_only)
			return fail_invalid_request(s->c, "attribute \"%s\" is the server's to set", ch.attribute);
		if (ch.value != NULL && (value = scim_coerce(ch.value, a->type)) == NULL)
			return fail_generic(s->c, "no memory");
		if (scim_plan_change(plan, &a->path, a->multi, ch.op, value, s->c->err) == -1)
			return -1;
	}
	return r;
}

/* Sends the group changes.  0 with what failed in results, or -1 where nothing at all was done. */
static int
membership_write(struct scim *s, const char *id, struct membership_plan *g, bool wrote, cJSON *results)
{
	autojson	*add = NULL, *remove = NULL;
	const cJSON	*target;

	if (!g->used || scim_plan_is_empty(&g->target))
		return 0;
	target = json_get(g->target.resource, "ids");
	add = minus(target, g->now);
	remove = minus(g->now, target);
	if (add == NULL || remove == NULL)
		return fail_generic(s->c, "no memory");
	if (scim_groups_change(s, id, add, remove, results) > 0 || results->child == NULL || wrote)
		return 0;
	*s->c->err = s->group_error;
	return -1;
}

int
scim_account_update(struct call *c)
{
	autoscim	*s = NULL;
	autoplan	 plan = { 0 };
	autogroups	 groups = { 0 };
	autojson	*results = cJSON_CreateArray();
	cJSON		*user = NULL;
	bool		 writes;

	if (c->identity == NULL)
		return fail_invalid_request(c, "input names no account: give identity or key");
	if (results == NULL)
		return fail_generic(c, "no memory");
	if ((s = scim_open(c)) == NULL || scim_get(s, "Users", c->identity, &user) == -1)
		return -1;
	if (scim_plan_init(&plan, user, c->err) == -1)
		return -1;
	plan.one_value = s->set.one_value;
	if (plan_all(s, &plan, &groups) == -1)
		return -1;
	writes = !scim_plan_is_empty(&plan);
	if (!writes && (!groups.used || scim_plan_is_empty(&groups.target)))
		return emit_output(c, cJSON_CreateObject());
	if (writes && scim_user_write(s, c->identity, &plan) == -1)
		return -1;
	if (membership_write(s, c->identity, &groups, writes, results) == -1)
		return -1;
	return scim_emit_user(s, c->identity, NULL, json_steal(&results));
}
