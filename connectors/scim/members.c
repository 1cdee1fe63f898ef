/*
 * members.c -- whose member is whom, read from the groups' side.
 *
 * A membership is a user's hash and a group's number, 12 bytes; sorted once,
 * then searched.  A million users in two groups and a half each fit in 32 MiB;
 * the bound below is 120 MiB, well inside a worker's memory.
 */
#include <bsd/stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/scim/scim.h"

#define MEMBERSHIPS_MAX	10000000u

struct membership {
	uint64_t	user;
	uint32_t	group;
} __attribute__((packed));
static_assert(sizeof(struct membership) == 12, "the figures above hold");

struct scim_members {
	struct membership	*v;
	size_t			 n, cap;
	char			**groups;
	size_t			 ngroups, groups_cap;
};

struct scim_members *
scim_members_new(void)
{
	return calloc(1, sizeof(struct scim_members));
}

void
scim_members_free(struct scim_members *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->ngroups; i++)
		free(m->groups[i]);
	free(m->groups);
	free(m->v);
	free(m);
}

int
scim_members_group(struct scim_members *m, const char *id, struct error *e)
{
	size_t	 cap = m->groups_cap == 0 ? 64 : 2 * m->groups_cap;
	char	**groups;

	if (m->ngroups >= SCIM_GROUPS_MAX)
		return error_set(e, ERR_LIMIT, "groups: over %u", SCIM_GROUPS_MAX);
	if (m->ngroups == m->groups_cap) {
		if ((groups = reallocarray(m->groups, cap, sizeof(*groups))) == NULL)
			return error_set(e, ERR_SYSTEM, "groups: no memory");
		m->groups = groups;
		m->groups_cap = cap;
	}
	if ((m->groups[m->ngroups] = strdup(id)) == NULL)
		return error_set(e, ERR_SYSTEM, "groups: no memory");
	m->ngroups++;
	return 0;
}

static int
member_put(struct scim_members *m, size_t group, const char *user, struct error *e)
{
	size_t			 cap = m->cap == 0 ? 4096 : m->cap + m->cap / 2;
	struct membership	*v;

	if (m->n >= MEMBERSHIPS_MAX)
		return error_set(e, ERR_LIMIT, "groups: over %u memberships", MEMBERSHIPS_MAX);
	if (m->n == m->cap) {
		if ((v = reallocarray(m->v, cap, sizeof(*v))) == NULL)
			return error_set(e, ERR_SYSTEM, "groups: no memory");
		m->v = v;
		m->cap = cap;
	}
	m->v[m->n++] = (struct membership){ scim_id_hash(user, strlen(user)), (uint32_t)group };
	return 0;
}

int
scim_members_add(struct scim_members *m, const char *user, struct error *e)
{
	return member_put(m, m->ngroups - 1, user, e);
}

static int
compare(const void *a, const void *b)
{
	const struct membership	*x = a, *y = b;

	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	return x->group < y->group ? -1 : x->group > y->group;
}

/* heapsort(3) needs no second copy, where qsort(3) would take one. */
void
scim_members_done(struct scim_members *m)
{
	if (m->n > 1)
		(void)heapsort(m->v, m->n, sizeof(*m->v), compare);
}

cJSON *
scim_members_groups(const struct scim_members *m, const char *user)
{
	autojson	*out = cJSON_CreateArray();
	uint64_t	 h = scim_id_hash(user, strlen(user));
	size_t		 lo = 0, hi = m->n;

	if (out == NULL)
		return NULL;
	while (lo < hi) {
		size_t	mid = lo + (hi - lo) / 2;

		if (m->v[mid].user < h)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < m->n && m->v[lo].user == h; lo++) {
		/* A server may name a member twice. */
		if (out->child != NULL && m->v[lo - 1].group == m->v[lo].group)
			continue;
		if (json_push(out, cJSON_CreateString(m->groups[m->v[lo].group])) == -1)
			return NULL;
	}
	return json_steal(&out);
}

/* Whose members come. */
struct group_at {
	struct scim_members	*m;
	size_t			 group;
};

static int
member_row(void *arg, cJSON *row, struct error *e)
{
	const struct group_at	*at = arg;
	autojson		*member = row;
	const char		*id = json_str(member, "value", NULL);

	/* A group inside a group is no user's membership. */
	if (id == NULL || strcasecmp(json_str(member, "type", ""), "Group") == 0)
		return 0;
	return member_put(at->m, at->group, id, e);
}

static int
group_row(void *arg, cJSON *row, struct error *e)
{
	autojson		*group = row;
	struct scim_members	*m = arg;
	const char		*id = json_str(group, "id", NULL);
	const cJSON		*members = scim_member(group, "members");
	struct group_at		 at = { m, m->ngroups };
	cJSON			*one;

	if (id == NULL || id[0] == '\0')
		return error_set(e, ERR_INVALID_RESPONSE, "Groups: a row without id");
	if (scim_members_group(m, id, e) == -1)
		return -1;
	cJSON_ArrayForEach(one, members)
		if (member_row(&at, json_dup(one), e) == -1)
			return -1;
	return 0;
}

static bool
is_group(const void *arg, const char *id)
{
	const struct scim_members	*m = arg;

	for (size_t i = 0; i < m->ngroups; i++)
		if (strcmp(m->groups[i], id) == 0)
			return true;
	return false;
}

static int
list_groups(struct scim *s, struct scim_members *m, const char *attributes, const char *excluded)
{
	if (scim_list(s, "Groups", s->set.group_filter, attributes, excluded, group_row, m) == -1)
		return -1;
	return scim_list_ends(s, "Groups", s->set.group_filter, m->ngroups, is_group, m);
}

#define EACH_BATCH	64u	/* groups whose requests are made together */

static int
each_done(void *arg, size_t i, struct fetch_response *rs, struct error *e)
{
	/* The members went by as rows; a group deleted since it was listed has none. */
	(void)arg;
	(void)i;
	(void)rs;
	(void)e;
	return 0;
}

/* Groups from..from + n of those that were listed; they have the same numbers in m. */
static int
load_batch(struct scim *s, const struct scim_members *names, size_t from, size_t n, struct scim_members *m)
{
	struct fetch_request	 rqs[EACH_BATCH];
	struct group_at		 at[EACH_BATCH];
	char			*paths[EACH_BATCH] = { NULL };
	int			 r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		at[i] = (struct group_at){ m, m->ngroups };
		if ((paths[i] = scim_resource_path("Groups", names->groups[from + i])) == NULL)
			r = fail_generic(s->c, "no memory");
		else
			r = scim_members_group(m, names->groups[from + i], s->c->err);
		rqs[i] = (struct fetch_request){ .path = paths[i], .flags = FETCH_MAY_MISS, .rows = "/members",
		    .on_row = member_row, .arg = &at[i] };
	}
	if (r == 0)
		r = fetch_many(s->f, rqs, n, each_done, NULL, s->c->err);
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	return r;
}

/* Each group on its own, its members row by row: for groups too large to be held. */
static int
load_each(struct scim *s, struct scim_members *m)
{
	struct scim_members	*names = scim_members_new();
	int			 r;

	if (names == NULL)
		return fail_generic(s->c, "no memory");
	r = list_groups(s, names, NULL, "members");
	for (size_t i = 0; r == 0 && i < names->ngroups; i += EACH_BATCH)
		r = load_batch(s, names, i, names->ngroups - i < EACH_BATCH ? names->ngroups - i : EACH_BATCH, m);
	scim_members_free(names);
	return r;
}

struct scim_members *
scim_members_load(struct scim *s)
{
	struct scim_members	*m = scim_members_new();
	int			 r;

	if (m == NULL) {
		(void)fail_generic(s->c, "no memory");
		return NULL;
	}
	if (s->set.groups_from == GROUPS_FROM_EACH)
		r = load_each(s, m);
	else
		r = list_groups(s, m, s->set.limit_attributes ? "id,displayName,members" : NULL, NULL);
	if (r == -1) {
		scim_members_free(m);
		return NULL;
	}
	scim_members_done(m);
	return m;
}
