/*
 * read.c -- one account: who an id stands for, and everything about it.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/github/github.h"

void
found_free(struct found *fd)
{
	cJSON_Delete(fd->object);
	*fd = (struct found){ 0 };
}

/* Keeps the row whose member has this value. */
struct search {
	const char	*member, *value;
	cJSON		*hit;
};

static int
search_row(void *arg, cJSON *taken, struct error *e)
{
	struct search	*sr = arg;
	autojson	*row = taken;
	char		 scratch[32];
	const char	*v = json_scalar_text(json_get(row, sr->member), scratch, sizeof(scratch));

	(void)e;
	if (sr->hit == NULL && v != NULL && strcasecmp(v, sr->value) == 0)
		sr->hit = json_steal(&row);
	return 0;
}

/* No list but this one names the object: all of it is read. */
static int
search_list(struct github *g, const char *list, const char *member, const char *value, cJSON **hit)
{
	struct search	 sr = { member, value, NULL };
	autofree char	*path = gh_path("orgs", g->s.org, list, NULL);

	if (gh_pages(g, path, NULL, NULL, "", search_row, &sr) == -1) {
		cJSON_Delete(sr.hit);
		return -1;
	}
	*hit = sr.hit;
	return 0;
}

static int
find_invitation(struct github *g, const char *member, const char *value, struct found *fd)
{
	const struct {
		bool		 wanted;
		const char	*list;
	} lists[] = {
		{ g->s.invitations, "invitations" },
		{ g->s.failed_invitations, "failed_invitations" },
	};

	fd->type = ACCOUNT_INVITED;
	for (size_t i = 0; i < N_ITEMS(lists) && fd->object == NULL; i++)
		if (lists[i].wanted && search_list(g, lists[i].list, member, value, &fd->object) == -1)
			return -1;
	if (fd->object == NULL)
		return fail_not_found(g->c, "no pending invitation with the %s %s in the organisation %s", member, value,
		    g->s.org);
	(void)snprintf(fd->role, sizeof(fd->role), "%s", role_from_invitation(json_str(fd->object, "role", "")));
	return 0;
}

static int
find_outside(struct github *g, const char *login, struct found *fd)
{
	fd->type = ACCOUNT_OUTSIDE;
	if (g->s.outside && search_list(g, "outside_collaborators", "login", login, &fd->object) == -1)
		return -1;
	if (fd->object == NULL)
		return fail_not_found(g->c, "%s is no account of the organisation %s", login, g->s.org);
	return 0;
}

int
account_find(struct github *g, const char *id, struct found *fd)
{
	autojson	*membership = NULL;
	autofree char	*path = NULL;
	bool		 found;

	*fd = (struct found){ 0 };
	if (id == NULL)
		return fail_invalid_request(g->c, "the request names no account");
	if (invitation_number(id) != NULL)
		return find_invitation(g, "id", invitation_number(id), fd);
	path = gh_path("orgs", g->s.org, "memberships", id, NULL);
	if (gh_find(g, path, &membership, &found) == -1)
		return -1;
	if (!found)
		return find_outside(g, id, fd);
	if (strcmp(json_str(membership, "state", ""), "active") != 0)
		return find_invitation(g, "login", id, fd);
	fd->type = ACCOUNT_MEMBER;
	(void)snprintf(fd->role, sizeof(fd->role), "%s", json_str(membership, "role", "member"));
	fd->object = cJSON_DetachItemFromObjectCaseSensitive(membership, "user");
	if (json_str(fd->object, "login", NULL) == NULL)
		return fail_invalid_response(g->c, "GitHub's membership of %s names no user", id);
	return 0;
}

static int
slug_row(void *arg, cJSON *taken, struct error *e)
{
	autojson	*row = taken;
	const char	*slug = json_str(row, "slug", NULL);

	if (slug == NULL || json_push(arg, cJSON_CreateString(slug)) == -1)
		return error_set(e, ERR_INVALID_RESPONSE, "GitHub sent a team without a slug");
	return 0;
}

static int
read_teams(struct github *g, const struct found *fd, cJSON **teams)
{
	char		 scratch[32];
	const char	*number;
	autofree char	*path = NULL;

	if (!g->s.teams)
		return 0;
	if (fd->type == ACCOUNT_MEMBER)
		return teams_of(g, json_str(fd->object, "login", ""), teams);
	if ((*teams = cJSON_CreateArray()) == NULL)
		return fail_generic(g->c, "no memory left for an account");
	/* A failed invitation is gone from where its teams could be asked. */
	if (fd->type != ACCOUNT_INVITED || json_i64(fd->object, "team_count", 1) == 0 ||
	    json_str(fd->object, "failed_at", NULL) != NULL)
		return 0;
	number = json_scalar_text(json_get(fd->object, "id"), scratch, sizeof(scratch));
	path = gh_path("orgs", g->s.org, "invitations", number != NULL ? number : "", "teams", NULL);
	return gh_pages(g, path, NULL, NULL, "", slug_row, *teams);
}

static int
read_roles(struct github *g, const struct found *fd, cJSON **keys)
{
	const char	*login = json_str(fd->object, "login", "");
	struct join	*j;
	int		 rc;

	if (!g->s.roles)
		return 0;
	if (fd->type == ACCOUNT_INVITED)
		return (*keys = cJSON_CreateArray()) != NULL ? 0 : fail_generic(g->c, "no memory left for an account");
	if ((j = join_new()) == NULL)
		return fail_generic(g->c, "no memory left for an account");
	if ((rc = roles_join(g, login, j)) == 0 && (*keys = join_keys(j, &g->roles, login)) == NULL)
		rc = fail_generic(g->c, "no memory left for an account");
	join_free(j);
	return rc;
}

static int
two_factor_off(struct github *g, const struct found *fd, int *off)
{
	struct search	 sr = { "login", json_str(fd->object, "login", ""), NULL };
	autofree char	*path = NULL;
	int		 rc;

	*off = -1;
	if (!g->s.two_factor || fd->type != ACCOUNT_MEMBER)
		return 0;
	path = gh_path("orgs", g->s.org, "members", NULL);
	rc = gh_pages(g, path, "filter", "2fa_disabled", "", search_row, &sr);
	*off = sr.hit != NULL;
	cJSON_Delete(sr.hit);
	return rc;
}

int
account_complete(struct github *g, const struct found *fd, cJSON **account)
{
	autojson		*teams = NULL, *roles = NULL, *profile = NULL;
	autofree char		*path = NULL, *id = NULL;
	struct account_view	 v = { .type = fd->type, .user = fd->object };
	bool			 found;

	v.role = fd->role[0] != '\0' ? fd->role : NULL;
	if (read_teams(g, fd, &teams) == -1 || read_roles(g, fd, &roles) == -1 ||
	    two_factor_off(g, fd, &v.two_factor_off) == -1)
		return -1;
	if (g->s.profiles && fd->type != ACCOUNT_INVITED) {
		path = gh_path("users", json_str(fd->object, "login", ""), NULL);
		if (gh_find(g, path, &profile, &found) == -1)
			return -1;
	}
	v.teams = teams;
	v.roles = roles;
	v.profile = profile;
	if ((id = account_id(&v)) == NULL)
		return fail_invalid_response(g->c, "GitHub sent an account without an id");
	if ((*account = object_new(g->c, id, NULL, account_attributes(&v))) == NULL)
		return fail_generic(g->c, "no memory left for an account");
	return 0;
}

int
cmd_account_read(struct call *c)
{
	autogithub	 g;
	autofound	 fd = { 0 };
	autojson	*account = NULL;

	if (gh_open(&g, c) == -1 || account_find(&g, c->identity, &fd) == -1 ||
	    account_complete(&g, &fd, &account) == -1)
		return -1;
	return emit_output(c, json_steal(&account));
}
