/*
 * plan.c -- the changes of an update as requests, without those that change nothing.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/github/github.h"

/* Values that can be many. */
static const struct {
	const char	*attribute;
	enum step_kind	 add, remove;
} lists[] = {
	{ "teams", STEP_TEAM_ADD, STEP_TEAM_REMOVE },
	{ "roles", STEP_ROLE_ADD, STEP_ROLE_REMOVE },
};

static const char *const step_names[] = {
	[STEP_ROLE]		= "set role",
	[STEP_TEAM_ADD]		= "add to team",
	[STEP_TEAM_REMOVE]	= "remove from team",
	[STEP_ROLE_ADD]		= "assign organisation role",
	[STEP_ROLE_REMOVE]	= "take organisation role",
};

void
step_text(const struct step *st, char *out, size_t n)
{
	(void)snprintf(out, n, "%s %s", step_names[st->kind], st->value);
}

bool
changes_name(const struct call *c, const char *attribute)
{
	const cJSON	*ch;

	cJSON_ArrayForEach(ch, json_get(c->input, "changes"))
		if (strcmp(json_str(ch, "attribute", ""), attribute) == 0)
			return true;
	return false;
}

void
plan_free(struct plan *p)
{
	free(p->steps);
	*p = (struct plan){ 0 };
}

static int
plan_push(struct call *c, struct plan *p, enum step_kind kind, const char *value)
{
	if (p->n == GH_CHANGES_MAX)
		return fail_invalid_request(c, "more than %d changes at once", GH_CHANGES_MAX);
	if (p->steps == NULL && (p->steps = calloc(GH_CHANGES_MAX, sizeof(*p->steps))) == NULL)
		return fail_generic(c, "no memory left to plan the changes");
	p->steps[p->n++] = (struct step){ kind, value };
	return 0;
}

static int
find(const cJSON *array, const char *key)
{
	const cJSON	*v;
	int		 i = 0;

	cJSON_ArrayForEach(v, array) {
		if (cJSON_IsString(v) && strcmp(v->valuestring, key) == 0)
			return i;
		i++;
	}
	return -1;
}

static int
plan_role(struct call *c, const struct change *ch, const char **role, struct plan *p)
{
	static const char *const	 known[] = { "admin", "member" };
	const char			*wanted = cJSON_IsString(ch->value) ? ch->value->valuestring : "";

	if (ch->op == CHANGE_REMOVE)
		return fail_invalid_request(c, "the attribute role cannot be removed: set it to admin or member, or "
		    "delete the account");
	for (size_t i = 0; i < N_ITEMS(known); i++) {
		if (strcasecmp(wanted, known[i]) != 0)
			continue;
		if (*role != NULL && strcmp(*role, known[i]) == 0)
			return 0;
		*role = known[i];
		return plan_push(c, p, STEP_ROLE, known[i]);
	}
	return fail_invalid_request(c, "no role \"%.64s\": use admin or member", wanted);
}

struct list_change {
	const struct change	*ch;
	const struct catalogue	*cat;
	cJSON			*have;		/* as it will be when the steps so far are done */
	enum step_kind		 add, remove;
};

static int
list_add(struct call *c, const struct list_change *lc, const char *text, struct plan *p)
{
	const struct catalogue_row	*row = catalogue_find(lc->cat, text);

	if (row == NULL)
		return fail_invalid_request(c, "the organisation has no \"%.100s\" among its %s", text, lc->cat->what);
	if (find(lc->have, row->key) >= 0)
		return 0;
	if (json_push(lc->have, cJSON_CreateString(row->key)) == -1)
		return fail_generic(c, "no memory left to plan the changes");
	return plan_push(c, p, lc->add, row->key);
}

static int
list_remove(struct call *c, const struct list_change *lc, const char *text, struct plan *p)
{
	const struct catalogue_row	*row = catalogue_find(lc->cat, text);
	int				 i;

	/* What does not exist is held by nobody. */
	if (row == NULL || (i = find(lc->have, row->key)) < 0)
		return 0;
	cJSON_DeleteItemFromArray(lc->have, i);
	return plan_push(c, p, lc->remove, row->key);
}

/* Set: what is held and not wanted goes. */
static int
list_prune(struct call *c, const struct list_change *lc, struct plan *p)
{
	char	 scratch[32];

	for (int i = cJSON_GetArraySize(lc->have) - 1; i >= 0; i--) {
		const char			*key = cJSON_GetArrayItem(lc->have, i)->valuestring;
		const struct catalogue_row	*row = catalogue_find(lc->cat, key);
		bool				 wanted = row == NULL;

		for (size_t k = 0; !wanted && k < value_count(lc->ch->value); k++) {
			const char	*text = json_scalar_text(value_at(lc->ch->value, k), scratch, sizeof(scratch));

			wanted = text != NULL && catalogue_find(lc->cat, text) == row;
		}
		if (!wanted && list_remove(c, lc, row->key, p) == -1)
			return -1;
	}
	return 0;
}

static int
plan_list(struct call *c, const struct list_change *lc, struct plan *p)
{
	char	 scratch[32];

	for (size_t k = 0; k < value_count(lc->ch->value); k++) {
		const char	*text = json_scalar_text(value_at(lc->ch->value, k), scratch, sizeof(scratch));
		int		 rc;

		if (text == NULL)
			return fail_invalid_request(c, "a value of %s is no text", lc->ch->attribute);
		rc = lc->ch->op == CHANGE_REMOVE ? list_remove(c, lc, text, p) : list_add(c, lc, text, p);
		if (rc == -1)
			return -1;
	}
	return lc->ch->op == CHANGE_SET ? list_prune(c, lc, p) : 0;
}

int
plan_make(struct call *c, const struct plan_state *now, struct plan *p)
{
	autojson			*teams = value_array(now->teams), *roles = value_array(now->roles);
	const struct catalogue		*catalogues[] = { now->team_catalogue, now->role_catalogue };
	cJSON				*have[] = { teams, roles };
	const char			*role = now->role;
	struct change			 ch;
	size_t				 l;
	int				 rc;

	static_assert(N_ITEMS(lists) == 2, "a catalogue and an array for each");
	if (teams == NULL || roles == NULL)
		return fail_generic(c, "no memory left to plan the changes");
	for (size_t i = 0; (rc = change_at(c, i, &ch)) == 1; i++) {
		if (strcmp(ch.attribute, "role") == 0) {
			if (plan_role(c, &ch, &role, p) == -1)
				return -1;
			continue;
		}
		for (l = 0; l < N_ITEMS(lists) && strcmp(ch.attribute, lists[l].attribute) != 0; l++)
			continue;
		if (l == N_ITEMS(lists))
			return fail_invalid_request(c, "the attribute %.64s cannot be changed: only role, teams and roles "
			    "can", ch.attribute);
		if (plan_list(c, &(struct list_change){ &ch, catalogues[l], have[l], lists[l].add, lists[l].remove },
		    p) == -1)
			return -1;
	}
	return rc;
}
