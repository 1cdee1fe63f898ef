/*
 * people.c -- resources: who exists, under which id, name and place.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "launcher/practice/people_private.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static const char *const name_of[] = {
	[KIND_USER] = "userName",
	[KIND_GROUP] = "displayName",
};
static_assert(N_ITEMS(name_of) == KIND__MAX, "a name for each kind");

struct people *
people_new(const struct gen *g)
{
	struct people *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->gen = *g;
	p->born[KIND_USER] = p->next[KIND_USER] = g->users;
	p->born[KIND_GROUP] = p->next[KIND_GROUP] = g->groups;
	return p;
}

void
people_free(struct people *p)
{
	struct changed	*c, *next;

	if (p == NULL)
		return;
	for (int kind = 0; kind < KIND__MAX; kind++) {
		for (size_t i = 0; i < BUCKETS; i++)
			for (c = p->by_index[kind][i]; c != NULL; c = next) {
				next = c->next_index;
				cJSON_Delete(c->tree);
				free(c);
			}
		free(p->gone[kind]);
	}
	memberships_free(p);
	free(p);
}

const struct gen *
people_gen(const struct people *p)
{
	return &p->gen;
}

static size_t
name_bucket(const char *name)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *name != '\0'; name++)
		h = (h ^ (uint64_t)tolower((unsigned char)*name)) * 0x100000001b3;
	return (h >> 16) % BUCKETS;
}

static struct changed *
find(const struct people *p, enum kind kind, uint64_t index)
{
	struct changed *c = p->by_index[kind][index % BUCKETS];

	while (c != NULL && c->index != index)
		c = c->next_index;
	return c;
}

uint64_t
people_count(const struct people *p, enum kind kind)
{
	return p->next[kind] - p->n_gone[kind];
}

int64_t
people_nth(const struct people *p, enum kind kind, uint64_t place)
{
	size_t	 lo = 0, hi = p->n_gone[kind];

	if (place >= people_count(p, kind))
		return -1;
	/* How many of the gone stand before this place. */
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (p->gone[kind][mid] - mid <= place)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (int64_t)(place + lo);
}

bool
people_exists(const struct people *p, enum kind kind, uint64_t index)
{
	const struct changed *c;

	if (index >= p->next[kind])
		return false;
	if (p->n_changed == 0)
		return true;
	c = find(p, kind, index);
	return c != NULL ? c->tree != NULL : index < p->born[kind];
}

int64_t
people_by_id(const struct people *p, enum kind kind, const char *id)
{
	int64_t index = gen_index(&p->gen, kind, id);

	return index != -1 && people_exists(p, kind, (uint64_t)index) ? index : -1;
}

int64_t
people_by_name(const struct people *p, enum kind kind, const char *name)
{
	int64_t index;

	for (const struct changed *c = p->by_name[kind][name_bucket(name)]; c != NULL; c = c->next_name)
		if (strcasecmp(json_str(c->tree, name_of[kind], ""), name) == 0)
			return (int64_t)c->index;
	index = gen_index_by_name(&p->gen, kind, name);
	return index != -1 && find(p, kind, (uint64_t)index) == NULL ? index : -1;
}

const cJSON *
people_changed(const struct people *p, enum kind kind, uint64_t index)
{
	const struct changed *c = p->n_changed > 0 ? find(p, kind, index) : NULL;

	return c != NULL ? c->tree : NULL;
}

bool
people_all_as_born(const struct people *p)
{
	return p->n_changed == 0 && p->n_memberships == 0;
}

bool
people_user_as_born(const struct people *p, uint64_t user)
{
	if (people_all_as_born(p))
		return true;
	if (user >= p->born[KIND_USER] || p->groups_changed || find(p, KIND_USER, user) != NULL)
		return false;
	for (const struct membership *m = p->of_user[user % BUCKETS]; m != NULL; m = m->next_of_user)
		if (m->user == user)
			return false;
	return true;
}

static void
name_forget(struct people *p, struct changed *c)
{
	struct changed **at;

	if (c->tree == NULL)
		return;
	at = &p->by_name[c->kind][name_bucket(json_str(c->tree, name_of[c->kind], ""))];
	while (*at != NULL && *at != c)
		at = &(*at)->next_name;
	if (*at == c)
		*at = c->next_name;
}

static void
name_learn(struct people *p, struct changed *c)
{
	struct changed **at = &p->by_name[c->kind][name_bucket(json_str(c->tree, name_of[c->kind], ""))];

	c->next_name = *at;
	*at = c;
}

int64_t
people_new_index(struct people *p, enum kind kind, struct error *e)
{
	if (p->n_changed >= CHANGED_MAX || gone_reserve(p, kind) == -1)
		return error_set(e, ERR_LIMIT, "too many changes since the start");
	/* Until it is put, the index is gone: the last of all. */
	p->gone[kind][p->n_gone[kind]++] = p->next[kind];
	return (int64_t)p->next[kind]++;
}

int
gone_reserve(struct people *p, enum kind kind)
{
	uint64_t	*grown;
	size_t		 cap = p->gone_cap[kind];

	if (p->n_gone[kind] < cap)
		return 0;
	cap = cap == 0 ? 64 : cap * 2;
	if ((grown = realloc(p->gone[kind], cap * sizeof(*grown))) == NULL)
		return -1;
	p->gone[kind] = grown;
	p->gone_cap[kind] = cap;
	return 0;
}

static size_t
gone_place(const struct people *p, enum kind kind, uint64_t index)
{
	size_t	 lo = 0, hi = p->n_gone[kind];

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (p->gone[kind][mid] < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
gone_add(struct people *p, enum kind kind, uint64_t index)
{
	size_t at = gone_place(p, kind, index);

	memmove(&p->gone[kind][at + 1], &p->gone[kind][at], (p->n_gone[kind] - at) * sizeof(uint64_t));
	p->gone[kind][at] = index;
	p->n_gone[kind]++;
}

static void
gone_remove(struct people *p, enum kind kind, uint64_t index)
{
	size_t at = gone_place(p, kind, index);

	if (at == p->n_gone[kind] || p->gone[kind][at] != index)
		return;
	p->n_gone[kind]--;
	memmove(&p->gone[kind][at], &p->gone[kind][at + 1], (p->n_gone[kind] - at) * sizeof(uint64_t));
}

/* The entry of a resource, made if there is none yet. */
static struct changed *
entry(struct people *p, enum kind kind, uint64_t index, struct error *e)
{
	struct changed *c = find(p, kind, index);

	if (c != NULL)
		return c;
	if (p->n_changed >= CHANGED_MAX) {
		error_set(e, ERR_LIMIT, "too many changes since the start");
		return NULL;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL) {
		error_sys(e, "practice source");
		return NULL;
	}
	*c = (struct changed){ .kind = kind, .index = index, .next_index = p->by_index[kind][index % BUCKETS] };
	p->by_index[kind][index % BUCKETS] = c;
	p->n_changed++;
	return c;
}

int
people_put(struct people *p, enum kind kind, uint64_t index, cJSON *tree, struct error *e)
{
	struct changed *c = entry(p, kind, index, e);

	if (c == NULL) {
		cJSON_Delete(tree);
		return -1;
	}
	if (kind == KIND_GROUP && index < p->born[kind]) {
		char born[GEN_TEXT_BYTES_MAX];

		gen_group_name(&p->gen, index, born);
		p->groups_changed = p->groups_changed || strcmp(json_str(tree, "displayName", ""), born) != 0;
	}
	name_forget(p, c);
	cJSON_Delete(c->tree);
	c->tree = tree;
	name_learn(p, c);
	gone_remove(p, kind, index);
	return 0;
}

int
people_delete(struct people *p, enum kind kind, uint64_t index, struct error *e)
{
	struct changed *c;

	if (gone_reserve(p, kind) == -1)
		return error_sys(e, "practice source");
	if ((c = entry(p, kind, index, e)) == NULL)
		return -1;
	name_forget(p, c);
	cJSON_Delete(c->tree);
	c->tree = NULL;
	p->groups_changed = p->groups_changed || kind == KIND_GROUP;
	gone_add(p, kind, index);
	return 0;
}
