/*
 * amend.h -- PATCH operations of RFC 7644, section 3.5.2, on one tree.
 */
#ifndef PRACTICE_AMEND_H
#define PRACTICE_AMEND_H

#include "launcher/practice/filter.h"
#include "launcher/practice/practice.h"

enum amend_op { AMEND_ADD, AMEND_REPLACE, AMEND_REMOVE, AMEND__MAX };

/* What a path says: head, of it the elements that match filter (NULL: all), of these sub (NULL: the whole). */
struct target {
	struct filter_path	 head;		/* n == 0: the extension itself */
	struct filter		*filter;
	char			*sub;
};

/* -1 with *e; type says what kind of refusal it is. */
int	 target_parse(const char *path, struct target *, struct error *e);
void	 target_free(struct target *);
bool	 target_is(const struct target *, const char *name);	/* its first part; case is ignored */

int	 amend_op_read(const cJSON *operation, enum amend_op *, struct error *e);
int	 amend_apply(cJSON *tree, enum amend_op, const struct target *, const cJSON *value, enum scim_type *type,
	    struct error *e);

#endif
