/*
 * delete.c -- ends a membership, an invitation or an outside collaboration.
 */
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

/* From the likeliest to the rarest: member, invited by login, outside. */
static int
delete_login(struct github *g, const char *login)
{
	const struct {
		bool		 wanted;
		const char	*list;
	} places[] = {
		{ true, "members" },
		{ g->s.invitations, "memberships" },
		{ g->s.outside, "outside_collaborators" },
	};

	for (size_t i = 0; i < N_ITEMS(places); i++) {
		autofree char	*path = gh_path("orgs", g->s.org, places[i].list, login, NULL);
		bool		 found;

		if (!places[i].wanted)
			continue;
		if (gh_try(g, "DELETE", path, &found) == -1)
			return -1;
		if (found)
			return 0;
	}
	return fail_not_found(g->c, "%s is no account of the organisation %s", login, g->s.org);
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
