/*
 * delete.c -- ends a membership, an invitation or an outside collaboration.
 */
#include <string.h>

#include "connectors/github/github.h"

static int
delete_invitation(struct github *g, const char *number)
{
	autofree char	*path = gh_path("orgs", g->s.org, "invitations", number, NULL);
	bool		 found;

	if (gh_try(g, "DELETE", path, &found) == -1)
		return -1;
	return found ? 0 : fail_not_found(g->c, "no pending invitation %s in the organisation %s", number, g->s.org);
}

/* Where the login is to be taken from; NULL: from nowhere. */
static int
delete_place(struct github *g, const char *login, const char **place)
{
	autofree char	*path = gh_path("orgs", g->s.org, "memberships", login, NULL);
	autojson	*membership = NULL;
	bool		 found;

	if (gh_find(g, path, &membership, &found) == -1)
		return -1;
	if (found && strcmp(json_str(membership, "state", ""), "active") == 0)
		*place = "members";
	else if (found)
		*place = g->s.invitations ? "memberships" : NULL;
	else
		*place = g->s.outside ? "outside_collaborators" : NULL;
	return 0;
}

static int
delete_login(struct github *g, const char *login)
{
	autofree char	*path = NULL;
	const char	*place;
	bool		 found = false;

	if (delete_place(g, login, &place) == -1)
		return -1;
	if (place != NULL) {
		path = gh_path("orgs", g->s.org, place, login, NULL);
		if (gh_try(g, "DELETE", path, &found) == -1)
			return -1;
	}
	return found ? 0 : fail_not_found(g->c, "%s is no account of the organisation %s", login, g->s.org);
}

int
cmd_account_delete(struct call *c)
{
	autogithub	 g;
	const char	*number;

	if (gh_open(&g, c) == -1)
		return -1;
	if (c->identity == NULL)
		return fail_invalid_request(c, "the request names no account");
	number = invitation_number(c->identity);
	if ((number != NULL ? delete_invitation(&g, number) : delete_login(&g, c->identity)) == -1)
		return -1;
	return emit_output(c, cJSON_CreateObject());
}
