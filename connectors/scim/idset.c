/*
 * idset.c -- which ids a list gave already.
 *
 * A server whose order moves between pages gives one row twice and another
 * never, with the count just right; only the ids show it.  Kept as 64-bit
 * hashes: among a million ids the odds of a false alarm are 1 in 30 million.
 */
#include "connectors/scim/scim.h"

#define IDSET_SLOTS_MIN	1024u

/* FNV-1a, then mixed: the table uses the low bits. */
uint64_t
scim_id_hash(const char *id)
{
	uint64_t	h = 0xcbf29ce484222325u;

	for (; *id != '\0'; id++)
		h = (h ^ (unsigned char)*id) * 0x100000001b3u;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	h ^= h >> 33;
	return h != 0 ? h : 1;		/* 0 is an empty slot */
}

static bool
place(uint64_t *slots, size_t cap, uint64_t h)
{
	size_t	i = (size_t)h & (cap - 1);

	for (; slots[i] != 0; i = (i + 1) & (cap - 1))
		if (slots[i] == h)
			return false;
	slots[i] = h;
	return true;
}

static int
grow(struct scim_idset *set, struct error *e)
{
	size_t		 cap = set->cap == 0 ? IDSET_SLOTS_MIN : 2 * set->cap;
	uint64_t	*slots;

	if (set->n >= SCIM_IDS_MAX)
		return error_set(e, ERR_LIMIT, "list: over %zu rows", SCIM_IDS_MAX);
	if ((slots = calloc(cap, sizeof(*slots))) == NULL)
		return error_set(e, ERR_SYSTEM, "list: no memory");
	for (size_t i = 0; i < set->cap; i++)
		if (set->slots[i] != 0)
			(void)place(slots, cap, set->slots[i]);
	free(set->slots);
	set->slots = slots;
	set->cap = cap;
	return 0;
}

int
scim_idset_add(struct scim_idset *set, const char *id, struct error *e)
{
	if (set->n >= set->cap / 4 * 3 && grow(set, e) == -1)
		return -1;
	if (!place(set->slots, set->cap, scim_id_hash(id)))
		return 0;
	set->n++;
	return 1;
}

bool
scim_idset_has(const struct scim_idset *set, const char *id)
{
	uint64_t	h = scim_id_hash(id);

	if (set->cap == 0)
		return false;
	for (size_t i = (size_t)h & (set->cap - 1); set->slots[i] != 0; i = (i + 1) & (set->cap - 1))
		if (set->slots[i] == h)
			return true;
	return false;
}

void
scim_idset_free(struct scim_idset *set)
{
	free(set->slots);
	*set = (struct scim_idset){ 0 };
}
