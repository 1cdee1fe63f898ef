/*
 * members.c -- who is in which group: born into it, or by a difference.
 */
#include <stdlib.h>

#include "launcher/practice/people_private.h"
#include "worker/contract/util.h"

static size_t
pair_bucket(uint64_t user, uint64_t group)
{
	return ((user * 0x9e3779b97f4a7c15 + group) * 0xbf58476d1ce4e5b9 >> 32) % BUCKETS;
}

static struct membership *
find(const struct people *p, uint64_t user, uint64_t group)
{
	struct membership *m = p->by_pair[pair_bucket(user, group)];

	while (m != NULL && (m->user != user || m->group != group))
		m = m->next_pair;
	return m;
}

void
memberships_free(struct people *p)
{
	struct membership *m, *next;

	for (size_t i = 0; i < BUCKETS; i++)
		for (m = p->by_pair[i]; m != NULL; m = next) {
			next = m->next_pair;
			free(m);
		}
}

static bool
born_member(const struct people *p, uint64_t user, uint64_t group)
{
	uint32_t	 own[GEN_OWN_GROUPS_MAX];
	size_t		 n = gen_user_groups(&p->gen, user, own);

	for (size_t i = 0; i < n; i++)
		if (own[i] == group)
			return true;
	return false;
}

bool
people_is_member(const struct people *p, uint64_t user, uint64_t group)
{
	const struct membership *m = p->n_memberships > 0 ? find(p, user, group) : NULL;

	return (m != NULL ? m->is : born_member(p, user, group)) && people_exists(p, KIND_USER, user) &&
	    people_exists(p, KIND_GROUP, group);
}

int
people_set_member(struct people *p, uint64_t user, uint64_t group, bool is, struct error *e)
{
	struct membership	*m = find(p, user, group);
	uint32_t		 groups[USER_GROUPS_MAX];
	size_t			 pair = pair_bucket(user, group);

	if (m == NULL && born_member(p, user, group) == is)
		return 0;
	if (is && people_groups_of(p, user, groups) == USER_GROUPS_MAX)
		return error_set(e, ERR_LIMIT, "a user may be in %d groups", USER_GROUPS_MAX);
	if (m == NULL) {
		if (p->n_memberships >= MEMBERSHIPS_MAX)
			return error_set(e, ERR_LIMIT, "too many changed memberships since the start");
		if ((m = calloc(1, sizeof(*m))) == NULL)
			return error_sys(e, "practice source");
		*m = (struct membership){
			.user = (uint32_t)user, .group = (uint32_t)group,
			.next_pair = p->by_pair[pair],
			.next_of_user = p->of_user[user % BUCKETS],
			.next_of_group = p->of_group[group % BUCKETS],
		};
		p->by_pair[pair] = p->of_user[user % BUCKETS] = p->of_group[group % BUCKETS] = m;
		p->n_memberships++;
	}
	m->is = is;
	return 0;
}

int
people_clear_members(struct people *p, uint64_t group, struct error *e)
{
	struct member_walk	 w;
	int64_t			 user;

	/* A walk passes over differences that are added behind it. */
	people_walk(p, group, &w);
	while ((user = people_walk_next(p, &w)) != -1)
		if (people_set_member(p, (uint64_t)user, group, false, e) == -1)
			return -1;
	return 0;
}

size_t
people_groups_of(const struct people *p, uint64_t user, uint32_t out[USER_GROUPS_MAX])
{
	uint32_t	 own[GEN_OWN_GROUPS_MAX];
	size_t		 born = gen_user_groups(&p->gen, user, own), n = 0;

	for (size_t i = 0; i < born; i++)
		if (people_is_member(p, user, own[i]))
			out[n++] = own[i];
	for (const struct membership *m = p->of_user[user % BUCKETS]; m != NULL; m = m->next_of_user)
		if (m->user == user && m->is && !born_member(p, user, m->group) && n < USER_GROUPS_MAX &&
		    people_exists(p, KIND_GROUP, m->group))
			out[n++] = m->group;
	return n;
}

void
people_walk(const struct people *p, uint64_t group, struct member_walk *w)
{
	*w = (struct member_walk){ .group = group, .joined = p->of_group[group % BUCKETS] };
	w->residues = gen_residues(&p->gen, group, w->residue);
	if (w->residues > 0)
		w->next = w->residue[0];
}

int64_t
people_walk_next(const struct people *p, struct member_walk *w)
{
	while (w->at < w->residues) {
		uint64_t user = w->next;

		if (user >= p->gen.users) {
			if (++w->at < w->residues)
				w->next = w->residue[w->at];
			continue;
		}
		w->next += p->gen.groups;
		if (people_all_as_born(p) || people_is_member(p, user, w->group))
			return (int64_t)user;
	}
	while (w->joined != NULL) {
		const struct membership *m = w->joined;

		w->joined = m->next_of_group;
		if (m->group == w->group && m->is && !born_member(p, m->user, m->group) &&
		    people_exists(p, KIND_USER, m->user))
			return m->user;
	}
	return -1;
}
