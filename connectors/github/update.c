/*
 * update.c -- role, teams and organisation roles of a member.
 *
 * Each is a request of its own: when one fails, the error says which took
 * effect and which did not.
 */
#include <stdio.h>
#include <string.h>

#include "connectors/github/github.h"

#define STEPS_TEXT_BYTES_MAX	150	/* of the steps listed in an error */

static int
step_run(struct github *g, const char *login, const struct step *st)
{
	static const struct {
		const char	*method, *body;
	} how[] = {
		[STEP_ROLE]		= { "PUT", "role" },
		[STEP_TEAM_ADD]		= { "PUT", NULL },
		[STEP_TEAM_REMOVE]	= { "DELETE", NULL },
		[STEP_ROLE_ADD]		= { "PUT", NULL },
		[STEP_ROLE_REMOVE]	= { "DELETE", NULL },
	};
	autofree char	*path = NULL;
	autojson	*body = NULL;
	const char	*org = g->s.org;

	switch (st->kind) {
	case STEP_ROLE:
		path = gh_path("orgs", org, "memberships", login, NULL);
		break;
	case STEP_TEAM_ADD:
	case STEP_TEAM_REMOVE:
		path = gh_path("orgs", org, "teams", st->value, "memberships", login, NULL);
		break;
	case STEP_ROLE_ADD:
	case STEP_ROLE_REMOVE:
		path = gh_path("orgs", org, "organization-roles", "users", login, st->value, NULL);
		break;
	}
	if (st->kind == STEP_ROLE || st->kind == STEP_TEAM_ADD) {
		body = cJSON_CreateObject();
		if (body == NULL || json_set_str(body, "role", st->kind == STEP_ROLE ? st->value : "member") == -1)
			return fail_generic(g->c, "no memory left for a request");
	}
	return gh_send(g, how[st->kind].method, path, body, NULL);
}

static void
steps_text(const struct plan *p, size_t from, size_t to, char out[STEPS_TEXT_BYTES_MAX])
{
	size_t	 n = 0;

	(void)snprintf(out, STEPS_TEXT_BYTES_MAX, "nothing");
	for (size_t i = from; i < to && n < STEPS_TEXT_BYTES_MAX; i++) {
		char	 one[STEPS_TEXT_BYTES_MAX];

		step_text(&p->steps[i], one, sizeof(one));
		n += (size_t)snprintf(out + n, STEPS_TEXT_BYTES_MAX - n, "%s%s", i > from ? ", " : "", one);
	}
	if (n >= STEPS_TEXT_BYTES_MAX)
		memcpy(out + STEPS_TEXT_BYTES_MAX - 4, "...", 4);
}

static int
steps_run(struct github *g, const char *login, const struct plan *p)
{
	char	 done[STEPS_TEXT_BYTES_MAX], rest[STEPS_TEXT_BYTES_MAX];

	for (size_t i = 0; i < p->n; i++) {
		if (step_run(g, login, &p->steps[i]) == 0)
			continue;
		if (p->n == 1)
			return -1;
		steps_text(p, 0, i, done);
		steps_text(p, i, p->n, rest);
		return error_in(g->c->err, "done: %s; not done: %s", done, rest);
	}
	return 0;
}

/* What the plan is measured against; reads only what the changes name. */
static int
state_read(struct github *g, const struct found *fd, cJSON **teams, cJSON **roles)
{
	const char	*login = json_str(fd->object, "login", "");
	struct join	*j;
	int		 rc;

	if (changes_name(g->c, "teams") && (teams_load(g) == -1 ||
	    (fd->type == ACCOUNT_MEMBER && teams_of(g, login, teams) == -1)))
		return -1;
	if (!changes_name(g->c, "roles"))
		return 0;
	if ((j = join_new()) == NULL)
		return fail_generic(g->c, "no memory left to read roles");
	if ((rc = roles_join(g, login, j)) == 0 && (*roles = join_keys(j, &g->roles, login)) == NULL)
		rc = fail_generic(g->c, "no memory left to read roles");
	join_free(j);
	return rc;
}

static int
update_run(struct github *g, const struct found *fd, const struct plan *p)
{
	autofound	 after = { 0 };
	autojson	*account = NULL;
	const char	*login = json_str(fd->object, "login", "");

	if (p->n == 0)
		return emit_output(g->c, cJSON_CreateObject());
	if (fd->type == ACCOUNT_INVITED)
		return fail_invalid_request(g->c, "an invitation cannot be changed before it is accepted: delete it and "
		    "create the account anew");
	if (fd->type == ACCOUNT_OUTSIDE)
		return fail_invalid_request(g->c, "%s is an outside collaborator, who has neither role nor teams: "
		    "invite this user to the organisation first", login);
	if (steps_run(g, login, p) == -1)
		return -1;
	if (account_find(g, login, &after) == -1 || account_complete(g, &after, &account) == -1) {
		gh_was_absent(g);
		if (g->c->err->code == ERR_NONE)
			return fail_generic(g->c, "all changes were made, but the account is gone since");
		return error_in(g->c->err, "all changes were made, but the account could not be read again");
	}
	return emit_output(g->c, json_steal(&account));
}

int
cmd_account_update(struct call *c)
{
	autogithub		 g;
	autofound		 fd = { 0 };
	autojson		*teams = NULL, *roles = NULL;
	struct plan_state	 now;
	struct plan		 p = { 0 };
	int			 rc;

	if (gh_open(&g, c) == -1 || account_find(&g, c->identity, &fd) == -1 ||
	    state_read(&g, &fd, &teams, &roles) == -1)
		return -1;
	now = (struct plan_state){ fd.role[0] != '\0' ? fd.role : NULL, teams, roles, &g.teams, &g.roles };
	if ((rc = plan_make(c, &now, &p)) == 0)
		rc = update_run(&g, &fd, &p);
	plan_free(&p);
	return rc;
}
