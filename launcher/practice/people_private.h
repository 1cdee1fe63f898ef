/*
 * people_private.h -- what people.c and members.c share.
 */
#ifndef PRACTICE_PEOPLE_PRIVATE_H
#define PRACTICE_PEOPLE_PRIVATE_H

#include "launcher/practice/people.h"

#define BUCKETS		65536

struct people {
	struct gen		 gen;
	uint64_t		 born[KIND__MAX], next[KIND__MAX];	/* first index not of the seed; first unused */
	uint64_t		*gone[KIND__MAX];			/* indexes of nobody, ascending */
	size_t			 n_gone[KIND__MAX], gone_cap[KIND__MAX];
	size_t			 n_changed, n_memberships;
	bool			 groups_changed;			/* one that users are born into has a new name or is gone */
	struct changed		*by_index[KIND__MAX][BUCKETS], *by_name[KIND__MAX][BUCKETS];
	struct membership	*by_pair[BUCKETS], *of_user[BUCKETS], *of_group[BUCKETS];
};

/* Room for one more index of nobody: 0 or -1. */
int	 gone_reserve(struct people *, enum kind);
void	 memberships_free(struct people *);

#endif
