/*
 * catalogue.c -- the organisation's teams and roles, and who holds them.
 *
 * GitHub tells who is in a team, not which teams somebody is in.  A list reads
 * every team once and joins; one account asks each team for that one member.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/github/github.h"

int
catalogue_add(struct catalogue *cat, const char *key, const char *name, int64_t id, struct error *e)
{
	struct catalogue_row	 row;

	if (cat->n == cat->max)
		return error_set(e, ERR_LIMIT, "the organisation has more than %zu %s", cat->max, cat->what);
	if (cat->n == cat->cap) {
		size_t			 cap = cat->cap == 0 ? 64 : cat->cap * 2;
		struct catalogue_row	*p = realloc(cat->rows, cap * sizeof(*p));

		if (p == NULL)
			return error_set(e, ERR_MEMORY, "no memory left for the %s", cat->what);
		cat->rows = p;
		cat->cap = cap;
	}
	row = (struct catalogue_row){ strdup(key), strdup(name), id };
	if (row.key == NULL || row.name == NULL) {
		free(row.key);
		free(row.name);
		return error_set(e, ERR_MEMORY, "no memory left for the %s", cat->what);
	}
	cat->rows[cat->n++] = row;
	return 0;
}

const struct catalogue_row *
catalogue_find(const struct catalogue *cat, const char *key)
{
	for (size_t i = 0; i < cat->n; i++)
		if (strcmp(cat->rows[i].key, key) == 0)
			return &cat->rows[i];
	for (size_t i = 0; i < cat->n; i++)
		if (strcasecmp(cat->rows[i].name, key) == 0)
			return &cat->rows[i];
	return NULL;
}

void
catalogue_free(struct catalogue *cat)
{
	for (size_t i = 0; i < cat->n; i++) {
		free(cat->rows[i].key);
		free(cat->rows[i].name);
	}
	free(cat->rows);
	cat->rows = NULL;
	cat->n = cat->cap = 0;
	cat->loaded = false;
}

static int
team_row(void *arg, cJSON *taken, struct error *e)
{
	autojson	*row = taken;
	const char	*slug = json_str(row, "slug", NULL);

	if (slug == NULL)
		return error_set(e, ERR_INVALID_RESPONSE, "GitHub sent a team without a slug");
	return catalogue_add(arg, slug, json_str(row, "name", slug), json_i64(row, "id", -1), e);
}

static int
role_row(void *arg, cJSON *taken, struct error *e)
{
	autojson	*row = taken;
	char		 scratch[32];
	const char	*id = json_scalar_text(json_get(row, "id"), scratch, sizeof(scratch));

	if (id == NULL)
		return error_set(e, ERR_INVALID_RESPONSE, "GitHub sent an organisation role without an id");
	return catalogue_add(arg, id, json_str(row, "name", id), json_i64(row, "id", -1), e);
}

static int
catalogue_load(struct github *g, struct catalogue *cat, const char *kind, const char *rows,
    int (*on_row)(void *arg, cJSON *row, struct error *e))
{
	autofree char	*path = gh_path("orgs", g->s.org, kind, NULL);

	if (cat->loaded)
		return 0;
	if (gh_pages(g, path, NULL, NULL, rows, on_row, cat) == -1)
		return -1;
	cat->loaded = true;
	return 0;
}

int
teams_load(struct github *g)
{
	return catalogue_load(g, &g->teams, "teams", "", team_row);
}

int
roles_load(struct github *g)
{
	return catalogue_load(g, &g->roles, "organization-roles", "/roles", role_row);
}

struct key_list {
	const struct catalogue	*cat;
	cJSON			*array;
};

static int
key_push(void *arg, uint32_t value)
{
	struct key_list	*kl = arg;

	return json_push(kl->array, cJSON_CreateString(kl->cat->rows[value].key));
}

cJSON *
join_keys(const struct join *j, const struct catalogue *cat, const char *login)
{
	autojson	*array = cJSON_CreateArray();
	struct key_list	 kl = { cat, array };

	if (array == NULL || join_each(j, login, key_push, &kl) == -1)
		return NULL;
	return json_steal(&array);
}

/* Every team of one page is asked at once, as many at a time as fetch allows. */
#define ASK_BATCH	64

struct asking {
	struct github	*g;
	char		*paths[ASK_BATCH];
	char		*conditions[ASK_BATCH];
	bool		 in[ASK_BATCH];
};

static void
asking_free(struct asking *as)
{
	for (size_t i = 0; i < ASK_BATCH; i++) {
		free(as->paths[i]);
		free(as->conditions[i]);
	}
}

static int
asked(void *arg, size_t i, struct fetch_response *rs, struct error *e)
{
	struct asking		*as = arg;
	const struct memo_entry	*known = NULL;
	const cJSON		*body = rs->body;

	if (rs->status == 404)
		return 0;
	if (rs->status == 304 && (known = memo_find(&as->g->memo, as->paths[i])) != NULL)
		body = known->body;
	else if (rs->status != 200)
		return error_set(e, rs->status == 403 || rs->status == 401 ? ERR_INSUFFICIENT_PERMISSION : ERR_UPSTREAM,
		    "GET %s: status %d: %.200s", as->paths[i], rs->status,
		    json_str(rs->body, "message", "no reason given"));
	/* A pending member is in no list of the team's members either. */
	as->in[i] = strcmp(json_str(body, "state", ""), "active") == 0;
	if (known == NULL && as->g->c->cmd == CMD_ACCOUNT_UPDATE)
		memo_keep(&as->g->memo, as->paths[i], fetch_header(rs, "ETag"), rs->body);
	return 0;
}

static int
ask_batch(struct github *g, const char *login, size_t from, size_t n, cJSON *keys)
{
	__attribute__((cleanup(asking_free))) struct asking	 as = { .g = g };
	struct fetch_request					 rqs[ASK_BATCH] = { 0 };
	const char						*headers[ASK_BATCH][2] = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct memo_entry	*known;

		as.paths[i] = gh_path("orgs", g->s.org, "teams", g->teams.rows[from + i].key, "memberships", login,
		    NULL);
		if (as.paths[i] == NULL)
			return error_set(g->c->err, ERR_MEMORY, "no memory left to read memberships");
		rqs[i] = (struct fetch_request){ .path = as.paths[i], .flags = FETCH_ANY_STATUS };
		if ((known = memo_find(&g->memo, as.paths[i])) == NULL)
			continue;
		if (asprintf(&as.conditions[i], "If-None-Match: %s", known->etag) == -1)
			as.conditions[i] = NULL;
		headers[i][0] = as.conditions[i];
		rqs[i].headers = headers[i];
	}
	if (fetch_many(g->f, rqs, n, asked, &as, g->c->err) == -1)
		return gh_failed(g);
	for (size_t i = 0; i < n; i++)
		if (as.in[i] && json_push(keys, cJSON_CreateString(g->teams.rows[from + i].key)) == -1)
			return error_set(g->c->err, ERR_MEMORY, "no memory left to read memberships");
	return 0;
}

int
teams_of(struct github *g, const char *login, cJSON **out)
{
	autojson	*keys = cJSON_CreateArray();

	if (keys == NULL)
		return error_set(g->c->err, ERR_MEMORY, "no memory left to read memberships");
	if (teams_load(g) == -1)
		return -1;
	for (size_t at = 0; at < g->teams.n; at += ASK_BATCH)
		if (ask_batch(g, login, at, g->teams.n - at < ASK_BATCH ? g->teams.n - at : ASK_BATCH, keys) == -1)
			return -1;
	*out = json_steal(&keys);
	return 0;
}
