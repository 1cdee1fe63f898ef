/*
 * distinct.h -- did this id come before?
 *
 * A source whose order moves between pages gives one row twice and another never, with the count just right: only the ids
 * show it.  Of each its hash is kept (keyed.h), 8 bytes in a table that is half to seven eighths full: 9 to 18 bytes a
 * row, and as much as the smaller table once more while it grows.  Two of a hundred million ids would be taken for the
 * same with odds of 1 in 3,000.
 */
#ifndef REST_DISTINCT_H
#define REST_DISTINCT_H

#include "worker/runtime/bascule.h"

#define DISTINCT_IDS_MAX	100000000u

struct distinct;
struct distinct	*distinct_new(void);
void		 distinct_free(struct distinct *);
/* 1: it is new; 0: it came before; -1 with *e. */
int		 distinct_put(struct distinct *, const char *id, struct error *e);

#endif
