/*
 * people.h -- what the source knows: the people of the seed, and what was changed since.
 *
 * A resource is an index.  Indexes below gen.users (gen.groups) are born with
 * the seed and cost nothing until they are changed; only then, or when made by
 * a request, they are held as a tree.  Memberships are held as differences.
 */
#ifndef PRACTICE_PEOPLE_H
#define PRACTICE_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "launcher/practice/gen.h"
#include "worker/contract/error.h"

#define CHANGED_MAX		1000000		/* resources held as trees or as gone */
#define MEMBERSHIPS_MAX		1000000		/* differences */
#define USER_GROUPS_MAX		1024		/* groups of one user */

/* A resource that is no longer as it was born.  Its tree has neither groups nor members. */
struct changed {
	enum kind	 kind;
	uint64_t	 index;
	cJSON		*tree;			/* NULL: gone */
	struct changed	*next_index, *next_name;
};

/* One membership that differs from birth. */
struct membership {
	uint32_t		 user, group;
	bool			 is;
	struct membership	*next_pair, *next_of_user, *next_of_group;
};

struct people;

struct people	*people_new(const struct gen *);		/* NULL: no memory */
void		 people_free(struct people *);
const struct gen *people_gen(const struct people *);

uint64_t	 people_count(const struct people *, enum kind);
/* The resource at this place (from 0) of the list of all, or -1. */
int64_t		 people_nth(const struct people *, enum kind, uint64_t place);
bool		 people_exists(const struct people *, enum kind, uint64_t index);
/* -1: nobody.  Names are userName and displayName; their case is ignored. */
int64_t		 people_by_id(const struct people *, enum kind, const char *id);
int64_t		 people_by_name(const struct people *, enum kind, const char *name);
/* Its tree if it was changed, else NULL; owned here. */
const cJSON	*people_changed(const struct people *, enum kind, uint64_t index);
bool		 people_all_as_born(const struct people *);
/* True if gen_render_user() still tells the truth of this user. */
bool		 people_user_as_born(const struct people *, uint64_t user);

/* A new index, or -1 with ERR_LIMIT; nothing exists under it before people_put(). */
int64_t		 people_new_index(struct people *, enum kind, struct error *);
/* Takes the tree, also when it fails: ERR_LIMIT, ERR_SYSTEM. */
int		 people_put(struct people *, enum kind, uint64_t index, cJSON *tree, struct error *);
int		 people_delete(struct people *, enum kind, uint64_t index, struct error *);

bool		 people_is_member(const struct people *, uint64_t user, uint64_t group);
int		 people_set_member(struct people *, uint64_t user, uint64_t group, bool is, struct error *);
/* Makes everybody a non-member. */
int		 people_clear_members(struct people *, uint64_t group, struct error *);
/* The user's living groups in ascending order of birth, then of joining; how many. */
size_t		 people_groups_of(const struct people *, uint64_t user, uint32_t out[USER_GROUPS_MAX]);

/* Walks the living members of a group, which must not be changed meanwhile. */
struct member_walk {
	uint64_t			 group;
	uint32_t			 residue[GEN_RESIDUES_MAX];
	size_t				 residues, at;
	uint64_t			 next;
	const struct membership		*joined;
};
void		 people_walk(const struct people *, uint64_t group, struct member_walk *);
int64_t		 people_walk_next(const struct people *, struct member_walk *);

#endif
