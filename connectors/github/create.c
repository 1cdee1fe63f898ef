/*
 * create.c -- invites somebody, by login or e-mail address.
 *
 * Nobody becomes a member without accepting: what comes back is an account of
 * type invited.
 */
#include <string.h>

#include "connectors/github/github.h"

/* A login is looked up: an invitation takes the number. */
static int
set_invitee(struct github *g, const char *login, cJSON *body)
{
	autofree char	*member = gh_path("orgs", g->s.org, "memberships", login, NULL);
	autofree char	*user = gh_path("users", login, NULL);
	autojson	*membership = NULL, *profile = NULL;
	int64_t		 id;
	bool		 found;

	if (gh_find(g, member, &membership, &found) == -1)
		return -1;
	if (found && strcmp(json_str(membership, "state", ""), "pending") == 0)
		return fail_invalid_request(g->c, "%s is invited to %s already: aggregate the source, or delete the "
		    "invitation first", login, g->s.org);
	if (found)
		return fail_invalid_request(g->c, "%s is a member of %s already: aggregate the source and update the "
		    "account", login, g->s.org);
	if (gh_find(g, user, &profile, &found) == -1)
		return -1;
	if (!found)
		return fail_invalid_request(g->c, "GitHub has no user %s: check the login, or invite by e-mail", login);
	if ((id = json_i64(profile, "id", -1)) < 0)
		return fail_invalid_response(g->c, "GitHub's user %s has no id", login);
	return json_set(body, "invitee_id", json_int(id)) == 0 ? 0 : fail_generic(g->c, "no memory left for a request");
}

static int
set_teams(struct github *g, const cJSON *wanted, cJSON *body, cJSON *keys)
{
	cJSON	*ids = cJSON_AddArrayToObject(body, "team_ids");

	if (ids == NULL)
		return fail_generic(g->c, "no memory left for a request");
	if (teams_load(g) == -1)
		return -1;
	for (size_t i = 0; i < value_count(wanted); i++) {
		const cJSON			*v = value_at(wanted, i);
		const struct catalogue_row	*row;

		if (!cJSON_IsString(v))
			return fail_invalid_request(g->c, "attributes.teams: a value is no text");
		if ((row = catalogue_find(&g->teams, v->valuestring)) == NULL || row->id < 0)
			return fail_invalid_request(g->c, "the organisation has no \"%.100s\" among its teams",
			    v->valuestring);
		if (json_push(ids, json_int(row->id)) == -1 || json_push(keys, cJSON_CreateString(row->key)) == -1)
			return fail_generic(g->c, "no memory left for a request");
	}
	return 0;
}

static int
invitation_fill(struct github *g, const cJSON *attributes, cJSON *body, cJSON *keys)
{
	const char	*login = json_str(attributes, "login", ""), *email = json_str(attributes, "email", "");
	const char	*role = json_str(attributes, "role", ""), *invited;

	if (login[0] == '\0' && email[0] == '\0')
		return fail_invalid_request(g->c, "an invitation needs attributes.login or attributes.email");
	if ((invited = role_to_invitation(role[0] != '\0' ? role : "member")) == NULL)
		return fail_invalid_request(g->c, "no role \"%.64s\": use admin or member", role);
	if (json_set_str(body, "role", invited) == -1)
		return fail_generic(g->c, "no memory left for a request");
	if (value_count(json_get(attributes, "teams")) > 0 &&
	    set_teams(g, json_get(attributes, "teams"), body, keys) == -1)
		return -1;
	if (login[0] != '\0')
		return set_invitee(g, login, body);
	return json_set_str(body, "email", email) == 0 ? 0 : fail_generic(g->c, "no memory left for a request");
}

/* Roles can be given to members only: said in the platform's own way, since the rest took effect. */
static int
add_results(struct github *g, const cJSON *attributes, cJSON *account)
{
	static const char	 text[] = "[{\"attribute\":\"roles\",\"status\":\"error\",\"messages\":[{\"level\":"
	    "\"ERROR\",\"message\":\"an organisation role cannot be assigned before the invitation is accepted: request "
	    "it again then\"}]}]";

	if (value_count(json_get(attributes, "roles")) == 0)
		return 0;
	return json_set(account, "results", json_parse(text, sizeof(text) - 1, NULL, g->c->err));
}

static int
invited_emit(struct github *g, const cJSON *attributes, const cJSON *invitation, const cJSON *keys)
{
	autojson		*account = NULL, *none = cJSON_CreateArray();
	autofree char		*id = NULL;
	struct account_view	 v = {
		.type = ACCOUNT_INVITED,
		.user = invitation,
		.role = role_from_invitation(json_str(invitation, "role", NULL)),
		.teams = g->s.teams ? keys : NULL,
		.roles = g->s.roles ? none : NULL,
		.two_factor_off = -1,
	};

	if ((id = account_id(&v)) == NULL)
		return fail_invalid_response(g->c, "the invitation was sent, but GitHub's answer names no id: aggregate the "
		    "source");
	account = object_new(g->c, id, NULL, account_attributes(&v));
	if (account == NULL || none == NULL || add_results(g, attributes, account) == -1)
		return fail_generic(g->c, "no memory left for an account");
	return emit_output(g->c, json_steal(&account));
}

int
cmd_account_create(struct call *c)
{
	autogithub	 g;
	autofree char	*path = NULL;
	autojson	*body = cJSON_CreateObject(), *keys = cJSON_CreateArray(), *invitation = NULL;
	const cJSON	*attributes = json_get(c->input, "attributes");

	if (gh_open(&g, c) == -1)
		return -1;
	if (body == NULL || keys == NULL)
		return fail_generic(c, "no memory left for a request");
	if (invitation_fill(&g, attributes, body, keys) == -1)
		return -1;
	path = gh_path("orgs", g.s.org, "invitations", NULL);
	if (gh_send(&g, "POST", path, body, &invitation) == -1)
		return -1;
	return invited_emit(&g, attributes, invitation, keys);
}
