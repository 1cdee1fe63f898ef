/*
 * access.c -- do the credentials see everything that the config asks for?
 *
 * To somebody from outside GitHub shows an organisation's public members
 * without a word of the others.  Such a list must never pass for the whole.
 */
#include <string.h>

#include "connectors/github/github.h"

int
access_check(struct github *g)
{
	autojson	*me = NULL, *membership = NULL;
	autofree char	*path = NULL;
	const char	*login;
	bool		 found;

	/* An App's right to read members was checked when it signed in. */
	if (g->s.auth == GH_AUTH_APP)
		return 0;
	if (gh_get(g, "/user", &me) == -1)
		return -1;
	if ((login = json_str(me, "login", NULL)) == NULL)
		return fail_invalid_response(g->c, "GitHub does not say whose token this is");
	path = gh_path("orgs", g->s.org, "memberships", login, NULL);
	if (gh_find(g, path, &membership, &found) == -1)
		return -1;
	if (!found || strcmp(json_str(membership, "state", ""), "active") != 0)
		return fail_insufficient_permission(g->c, "the token's user %s is no active member of the organisation "
		    "%s: GitHub would show its public members only; use a token of an organisation owner", login,
		    g->s.org);
	return 0;
}

/* One row of each list that a command will read with this config. */
static int
lists_check(struct github *g)
{
	const struct {
		bool		 wanted;
		const char	*list;
	} lists[] = {
		{ true, "members" },
		{ true, "teams" },
		{ g->s.invitations, "invitations" },
		{ g->s.failed_invitations, "failed_invitations" },
		{ g->s.outside, "outside_collaborators" },
		{ g->s.roles, "organization-roles" },
	};

	for (size_t i = 0; i < N_ITEMS(lists); i++) {
		autofree char	*path = NULL, *first = NULL;

		if (!lists[i].wanted)
			continue;
		if ((path = gh_path("orgs", g->s.org, lists[i].list, NULL)) == NULL)
			return fail_generic(g->c, "no memory left for a request");
		autobuf	 b = { 0 };

		buf_init(&b, 8 * KIB);
		buf_adds(&b, path);
		if (strcmp(lists[i].list, "organization-roles") != 0)
			buf_adds(&b, "?per_page=1");
		if (gh_get(g, first = buf_steal(&b), NULL) == -1)
			return error_in(g->c->err, "read the organisation's %s", lists[i].list);
	}
	return 0;
}

int
cmd_test(struct call *c)
{
	autogithub	 g;
	autofree char	*path = NULL;
	bool		 found;

	if (gh_open(&g, c) == -1)
		return -1;
	path = gh_path("orgs", g.s.org, NULL);
	if (gh_find(&g, path, NULL, &found) == -1)
		return -1;
	if (!found)
		return fail_invalid_configuration(c, "there is no organisation %s, or the credentials cannot see it: "
		    "check org and baseUrl", g.s.org);
	if (access_check(&g) == -1 || lists_check(&g) == -1)
		return -1;
	return emit_output(c, cJSON_CreateObject());
}
