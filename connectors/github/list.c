/*
 * list.c -- all accounts, streamed.
 *
 * Memberships are read first and joined (join.c).  Then administrators into a
 * set, then everybody: somebody whose role changes in between is listed once
 * all the same, which two lists by role could not promise.
 */
#include <stdio.h>
#include <string.h>

#include "connectors/github/github.h"

struct lister {
	struct github		*g;
	struct join		*teams, *roles, *admins, *unprotected;
	enum account_type	 type;
	/* Rows that wait for a detail each: a profile, or an invitation's teams. */
	cJSON			*rows[GH_BATCH_ROWS], *details[GH_BATCH_ROWS];
	char			*paths[GH_BATCH_ROWS];
	size_t			 n;
};

static int
emit_row(struct lister *l, const cJSON *row, const cJSON *detail)
{
	struct account_view	 v = { .type = l->type, .user = row, .two_factor_off = -1 };
	const char		*login = json_str(row, "login", "");
	autojson		*teams = NULL, *roles = NULL;
	const cJSON		*team;

	if (l->type == ACCOUNT_INVITED) {
		v.role = role_from_invitation(json_str(row, "role", NULL));
		if (l->teams != NULL && (teams = cJSON_CreateArray()) == NULL)
			return fail_generic(l->g->c, "no memory left for an account");
		cJSON_ArrayForEach(team, detail)
			if (json_push(teams, cJSON_CreateString(json_str(team, "slug", ""))) == -1)
				return fail_generic(l->g->c, "no memory left for an account");
	} else {
		v.profile = detail;
		if (l->type == ACCOUNT_MEMBER)
			v.role = join_has(l->admins, login) ? "admin" : "member";
		if (l->type == ACCOUNT_MEMBER && l->unprotected != NULL)
			v.two_factor_off = join_has(l->unprotected, login);
		if (l->teams != NULL && (teams = join_keys(l->teams, &l->g->teams, login)) == NULL)
			return fail_generic(l->g->c, "no memory left for an account");
	}
	if (l->roles != NULL && (roles = join_keys(l->roles, &l->g->roles, login)) == NULL)
		return fail_generic(l->g->c, "no memory left for an account");
	v.teams = teams;
	v.roles = roles;
	return account_emit(l->g, &v);
}

/* What must still be asked about a row; *out NULL: nothing. */
static int
detail_path(const struct lister *l, const cJSON *row, char **out)
{
	char		 scratch[32];
	const char	*number = json_scalar_text(json_get(row, "id"), scratch, sizeof(scratch));
	autofree char	*path = NULL;

	*out = NULL;
	if (l->type != ACCOUNT_INVITED) {
		if (!l->g->s.profiles || (*out = gh_path("users", json_str(row, "login", ""), NULL)) != NULL)
			return 0;
		return fail_generic(l->g->c, "no memory left to read a profile");
	}
	/* A failed invitation is gone from where its teams could be asked. */
	if (l->teams == NULL || number == NULL || json_i64(row, "team_count", 1) == 0 ||
	    json_str(row, "failed_at", NULL) != NULL)
		return 0;
	path = gh_path("orgs", l->g->s.org, "invitations", number, "teams", NULL);
	if (path == NULL || asprintf(out, "%s?per_page=%d", path, GH_PAGE_ROWS) == -1)
		return fail_generic(l->g->c, "no memory left to read an invitation's teams");
	return 0;
}

static int
detail_done(void *arg, size_t i, struct fetch_response *rs, struct error *e)
{
	struct lister	*l = arg;

	/* Somebody who went away meanwhile. */
	if (rs->status == 404)
		return 0;
	if (rs->status != 200)
		return error_set(e, rs->status == 401 || rs->status == 403 ? ERR_INSUFFICIENT_PERMISSION : ERR_UPSTREAM,
		    "GET %s: status %d: %.200s", l->paths[i], rs->status,
		    json_str(rs->body, "message", "no reason given"));
	/* One page has no links at all. */
	if (fetch_header(rs, "Link") != NULL)
		return error_set(e, ERR_INVALID_RESPONSE, "GET %s: more rows than one page", l->paths[i]);
	l->details[i] = rs->body;
	rs->body = NULL;
	return 0;
}

static int
details_fetch(struct lister *l)
{
	struct fetch_request	 rqs[GH_BATCH_ROWS] = { 0 };
	size_t			 asked = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (detail_path(l, l->rows[i], &l->paths[i]) == -1)
			return -1;
		if (l->paths[i] == NULL)
			continue;
		/* Rows that need nothing trail behind the others' numbers: swap them. */
		cJSON	*row = l->rows[i];
		char	*path = l->paths[i];

		l->rows[i] = l->rows[asked];
		l->rows[asked] = row;
		l->paths[i] = NULL;
		l->paths[asked] = path;
		rqs[asked++] = (struct fetch_request){ .path = path, .flags = FETCH_ANY_STATUS };
	}
	if (asked > 0 && fetch_many(l->g->f, rqs, asked, detail_done, l, l->g->c->err) == -1)
		return gh_failed(l->g);
	return 0;
}

static void
batch_forget(struct lister *l)
{
	for (size_t i = 0; i < l->n; i++) {
		cJSON_Delete(l->rows[i]);
		cJSON_Delete(l->details[i]);
		free(l->paths[i]);
		l->rows[i] = l->details[i] = NULL;
		l->paths[i] = NULL;
	}
	l->n = 0;
}

static int
batch_flush(struct lister *l)
{
	int	 rc = details_fetch(l);

	for (size_t i = 0; rc == 0 && i < l->n; i++)
		rc = emit_row(l, l->rows[i], l->details[i]);
	batch_forget(l);
	return rc;
}

static int
account_row(void *arg, cJSON *taken, struct error *e)
{
	struct lister	*l = arg;

	(void)e;
	if (l->type == ACCOUNT_INVITED || l->g->s.profiles) {
		l->rows[l->n++] = taken;
		return l->n == GH_BATCH_ROWS ? batch_flush(l) : 0;
	}
	autojson	*row = taken;

	return emit_row(l, row, NULL);
}

static int
login_row(void *arg, cJSON *taken, struct error *e)
{
	autojson	*row = taken;
	const char	*login = json_str(row, "login", NULL);

	if (login == NULL)
		return error_set(e, ERR_INVALID_RESPONSE, "GitHub sent a member without a login");
	return join_add(arg, login, 0, e);
}

/* The members that a filter leaves, as a set. */
static int
members_set(struct github *g, const char *name, const char *value, struct join **set)
{
	autofree char	*path = gh_path("orgs", g->s.org, "members", NULL);

	if ((*set = join_new()) == NULL)
		return fail_generic(g->c, "no memory left to list accounts");
	return gh_pages(g, path, name, value, "", login_row, *set);
}

static int
joins_read(struct lister *l)
{
	struct github	*g = l->g;

	if ((g->s.teams && (l->teams = join_new()) == NULL) || (g->s.roles && (l->roles = join_new()) == NULL))
		return fail_generic(g->c, "no memory left to list accounts");
	if ((l->teams != NULL && teams_join(g, l->teams) == -1) ||
	    (l->roles != NULL && roles_join(g, NULL, l->roles) == -1) ||
	    members_set(g, "role", "admin", &l->admins) == -1)
		return -1;
	return g->s.two_factor ? members_set(g, "filter", "2fa_disabled", &l->unprotected) : 0;
}

static int
accounts_stream(struct lister *l)
{
	const struct {
		bool			 wanted;
		const char		*list;
		enum account_type	 type;
	} lists[] = {
		{ true, "members", ACCOUNT_MEMBER },
		{ l->g->s.invitations, "invitations", ACCOUNT_INVITED },
		{ l->g->s.failed_invitations, "failed_invitations", ACCOUNT_INVITED },
		{ l->g->s.outside, "outside_collaborators", ACCOUNT_OUTSIDE },
	};

	for (size_t i = 0; i < N_ITEMS(lists); i++) {
		autofree char	*path = gh_path("orgs", l->g->s.org, lists[i].list, NULL);

		if (!lists[i].wanted)
			continue;
		l->type = lists[i].type;
		if (gh_pages(l->g, path, NULL, NULL, "", account_row, l) == -1 || batch_flush(l) == -1)
			return -1;
	}
	return 0;
}

int
cmd_account_list(struct call *c)
{
	autogithub	 g;
	struct lister	 l = { .g = &g };
	int		 rc;

	if (gh_open(&g, c) == -1 || access_check(&g) == -1)
		return -1;
	if ((rc = joins_read(&l)) == 0)
		rc = accounts_stream(&l);
	batch_forget(&l);
	join_free(l.teams);
	join_free(l.roles);
	join_free(l.admins);
	join_free(l.unprotected);
	return rc;
}
