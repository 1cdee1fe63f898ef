/*
 * index.h -- who has what, read from the other side: keys of records to values, in bounded memory.
 *
 * A belonging is a key's hash (64 bits, under a secret) and a value's number, 12 bytes; sorted once, then searched.  Values are kept once each.
 */
#ifndef REST_INDEX_H
#define REST_INDEX_H

#include "worker/runtime/bascule.h"

#define INDEX_BELONGINGS_MAX	8000000u	/* 96 MB */
#define INDEX_VALUES_MAX	200000u
#define INDEX_VALUES_BYTES_MAX	(32u << 20)	/* of all values as text */

struct index;
struct index	*index_new(void);
void		 index_free(struct index *);
/* The number of a value (taken; absent is none: UINT32_MAX).  -1 with *e. */
int		 index_value(struct index *, cJSON *v, uint32_t *number, struct error *e);
int		 index_put(struct index *, const char *key, uint32_t number, struct error *e);
/* Before the first search. */
void		 index_done(struct index *);
/* The values of a key as an array, in the order in which they became known; NULL: no memory. */
cJSON		*index_find(const struct index *, const char *key);

#endif
