/*
 * distinct.c -- a set of hashes, open addressing.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "connectors/rest/distinct.h"
#include "connectors/rest/keyed.h"

#define FIRST	1024u	/* slots */

struct distinct {
	struct keyed	*key;
	uint64_t	*slots;		/* 0 is free */
	size_t		 cap, n;
};

struct distinct *
distinct_new(void)
{
	struct distinct	*d = calloc(1, sizeof(*d));

	if (d != NULL && (d->key = keyed_new()) != NULL)
		return d;
	distinct_free(d);
	return NULL;
}

void
distinct_free(struct distinct *d)
{
	if (d == NULL)
		return;
	keyed_free(d->key);
	free(d->slots);
	free(d);
}

static bool
slot_put(uint64_t *slots, size_t cap, uint64_t h)
{
	size_t	 at = (size_t)h & (cap - 1);

	for (; slots[at] != 0; at = (at + 1) & (cap - 1))
		if (slots[at] == h)
			return false;
	slots[at] = h;
	return true;
}

static int
grow(struct distinct *d)
{
	size_t		 cap = d->cap == 0 ? FIRST : 2 * d->cap;
	uint64_t	*more;

	if (d->n < d->cap / 8 * 7)
		return 0;
	if ((more = calloc(cap, sizeof(*more))) == NULL)
		return -1;
	for (size_t i = 0; i < d->cap; i++)
		if (d->slots[i] != 0)
			slot_put(more, cap, d->slots[i]);
	free(d->slots);
	d->slots = more;
	d->cap = cap;
	return 0;
}

int
distinct_put(struct distinct *d, const char *id, struct error *e)
{
	uint64_t	 h;

	if (d->n == DISTINCT_IDS_MAX)
		return error_set(e, ERR_LIMIT, "a list whose rows must be distinct has over %u", DISTINCT_IDS_MAX);
	if (keyed_hash(d->key, id, &h) == -1 || grow(d) == -1)
		return error_set(e, ERR_SYSTEM, "no memory to tell rows apart");
	if (!slot_put(d->slots, d->cap, h == 0 ? 1 : h))
		return 0;
	d->n++;
	return 1;
}
