/*
 * members.c -- who is in which team, and who has which organisation role.
 *
 * The first page of many lists is asked for together; for most there is no
 * other.  A longer list is then read as a whole, page by page, as any list is.
 * Lists are joined in the catalogue's order, in whatever order they came.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/github/github.h"

#define LISTS_BATCH	64u	/* first pages held at a time, as logins */

/* What is joined: "teams/{slug}/members". */
struct joining {
	struct github		*g;
	const struct catalogue	*cat;
	const char		*kind, *leaf;
	const char		*only;		/* NULL: everybody */
	struct join		*join;
	uint32_t		 value;
};

struct batch {
	const struct joining	*jg;
	char			*paths[LISTS_BATCH];
	cJSON			*logins[LISTS_BATCH];	/* NULL: there are more pages */
};

/* *login NULL: the row does not count. */
static int
row_login(const struct joining *jg, const cJSON *row, const char **login, struct error *e)
{
	if ((*login = json_str(row, "login", NULL)) == NULL)
		return error_set(e, ERR_INVALID_RESPONSE, "GitHub sent a member without a login");
	/* Through a team only: taking it away here is refused by GitHub. */
	if ((jg->only != NULL && strcasecmp(jg->only, *login) != 0) ||
	    strcmp(json_str(row, "assignment", "direct"), "indirect") == 0)
		*login = NULL;
	return 0;
}

static int
join_row(void *arg, cJSON *taken, struct error *e)
{
	const struct joining	*jg = arg;
	autojson		*row = taken;
	const char		*login;

	if (row_login(jg, row, &login, e) == -1)
		return -1;
	return login == NULL ? 0 : join_add(jg->join, login, jg->value, e);
}

static int
first_page(void *arg, size_t i, struct fetch_response *rs, struct error *e)
{
	struct batch	*b = arg;
	autojson	*logins = NULL;
	const char	*login;
	const cJSON	*row;

	/* A list of one page has no links at all; what a link says is for the paging to read. */
	if (fetch_header(rs, "Link") != NULL)
		return 0;
	if (!cJSON_IsArray(rs->body))
		return error_set(e, ERR_INVALID_RESPONSE, "GET %s: the answer is not a list", b->paths[i]);
	if ((logins = cJSON_CreateArray()) == NULL)
		return error_set(e, ERR_MEMORY, "no memory left to read members");
	cJSON_ArrayForEach(row, rs->body) {
		if (row_login(b->jg, row, &login, e) == -1)
			return -1;
		if (login != NULL && json_push(logins, cJSON_CreateString(login)) == -1)
			return error_set(e, ERR_MEMORY, "no memory left to read members");
	}
	b->logins[i] = json_steal(&logins);
	return 0;
}

static void
batch_free(struct batch *b)
{
	for (size_t i = 0; i < LISTS_BATCH; i++) {
		free(b->paths[i]);
		cJSON_Delete(b->logins[i]);
	}
}

static int
list_join(struct joining *jg, const char *path, const cJSON *logins)
{
	const cJSON	*login;

	if (logins == NULL)
		return gh_pages(jg->g, path, NULL, NULL, "", join_row, jg);
	cJSON_ArrayForEach(login, logins)
		if (join_add(jg->join, login->valuestring, jg->value, jg->g->c->err) == -1)
			return -1;
	return 0;
}

static int
batch_join(struct joining *jg, size_t from, size_t n)
{
	__attribute__((cleanup(batch_free))) struct batch	 b = { .jg = jg };
	struct fetch_request					 rqs[LISTS_BATCH];
	char							 size[16];
	const struct fetch_param				 query[] = { { "per_page", size }, { NULL, NULL } };

	(void)snprintf(size, sizeof(size), "%d", GH_PAGE_ROWS);
	for (size_t i = 0; i < n; i++) {
		b.paths[i] = gh_path("orgs", jg->g->s.org, jg->kind, jg->cat->rows[from + i].key, jg->leaf, NULL);
		if (b.paths[i] == NULL)
			return error_set(jg->g->c->err, ERR_MEMORY, "no memory left to read members");
		rqs[i] = (struct fetch_request){ .path = b.paths[i], .query = query };
	}
	if (gh_many(jg->g, rqs, n, first_page, &b) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		jg->value = (uint32_t)(from + i);
		if (list_join(jg, b.paths[i], b.logins[i]) == -1)
			return -1;
	}
	return 0;
}

static int
lists_join(struct joining *jg)
{
	size_t	 n = jg->cat->n;

	for (size_t at = 0; at < n; at += LISTS_BATCH)
		if (batch_join(jg, at, n - at < LISTS_BATCH ? n - at : LISTS_BATCH) == -1)
			return -1;
	return 0;
}

int
teams_join(struct github *g, struct join *j)
{
	struct joining	 jg = { .g = g, .cat = &g->teams, .kind = "teams", .leaf = "members", .join = j };

	return teams_load(g) == -1 ? -1 : lists_join(&jg);
}

int
roles_join(struct github *g, const char *only, struct join *j)
{
	struct joining	 jg = { .g = g, .cat = &g->roles, .kind = "organization-roles", .leaf = "users", .only = only,
	    .join = j };

	return roles_load(g) == -1 ? -1 : lists_join(&jg);
}
