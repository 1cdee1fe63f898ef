/*
 * resource.h -- what a client sent, made into what is kept.
 */
#ifndef PRACTICE_RESOURCE_H
#define PRACTICE_RESOURCE_H

#include "launcher/practice/practice.h"

/* Members of a group, changed all at once when everything else has gone well. */
struct member_changes {
	bool		 clear;			/* first everybody leaves */
	size_t		 n, cap;
	struct member_change {
		uint32_t user;
		bool	 is;
	}		*change;
};
void	 member_changes_free(struct member_changes *);
/* value: {"value": id}, or an array of such; -1 with ERR_INVALID_REQUEST. */
int	 member_changes_add(struct member_changes *, const struct people *, const cJSON *value, bool is, struct error *);
int	 member_changes_apply(const struct member_changes *, struct people *, uint64_t group, struct error *);

/*
 * Makes a tree fit to be kept: names spelt as they should be, read-only and
 * secret attributes gone, types checked.  -1 with *type and *e.
 */
int	 resource_check(cJSON *tree, enum kind, enum scim_type *type, struct error *e);
/* Sets id and meta; created NULL: now. */
int	 resource_stamp(cJSON *tree, const struct people *, enum kind, uint64_t index, const char *created);

#endif
