/*
 * idset.c -- which ids a list gave already.
 *
 * A server whose order moves between pages gives one row twice and another
 * never, with the count just right; only the ids show it.  Kept as hashes.
 *
 * A short list gets a table that grows.  A long one gets a table of fixed size, so
 * that memory is the same for a hundred thousand rows and for a million: each id has two
 * buckets to lie in and goes to the emptier one, which holds 1.5 million ids.  When both
 * are full, another table like it is begun.
 *
 * Odds of a false alarm in a list of a million: 1 in 30 million.
 */
#include <string.h>
#include <sys/mman.h>

#include "connectors/scim/scim.h"

#define SMALL_SLOTS_MIN	1024u
#define SMALL_SLOTS_MAX	(1u << 16)	/* 512 KiB */
#define BUCKETS		(1u << 18)	/* of 48 bytes: 12 MiB */
#define BUCKET_IDS	8u

struct scim_bucket {
	uint32_t	 low[BUCKET_IDS];
	uint16_t	 high[BUCKET_IDS];	/* with `low` an id's 48 bits; all zero: empty */
};

/* Eight bytes at a time, each step one to one in what came before; then mixed: the small table uses the low bits. */
uint64_t
scim_id_hash(const char *id, size_t n)
{
	uint64_t	h = 0xcbf29ce484222325u ^ n, w;

	for (; n >= sizeof(w); id += sizeof(w), n -= sizeof(w)) {
		memcpy(&w, id, sizeof(w));
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, id, n);
	h = (h ^ w) * 0x9e3779b97f4a7c15u;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	h ^= h >> 33;
	return h != 0 ? h : 1;		/* 0 is an empty slot */
}

static bool
small_put(uint64_t *slots, size_t cap, uint64_t h)
{
	size_t	i = (size_t)h & (cap - 1);

	for (; slots[i] != 0; i = (i + 1) & (cap - 1))
		if (slots[i] == h)
			return false;
	slots[i] = h;
	return true;
}

static bool
small_has(const struct scim_idset *set, uint64_t h)
{
	for (size_t i = (size_t)h & (set->cap - 1); set->cap > 0 && set->slots[i] != 0; i = (i + 1) & (set->cap - 1))
		if (set->slots[i] == h)
			return true;
	return false;
}

/* An id's place: the upper 48 bits are kept, and the rest with them chooses the two buckets. */
struct place {
	uint32_t	 low;
	uint16_t	 high;
	size_t		 bucket[2];
};

static struct place
place_of(uint64_t h)
{
	struct place	 p = { (uint32_t)(h >> 16), (uint16_t)(h >> 48), { 0 } };

	if (p.low == 0 && p.high == 0)
		p.low = 1;
	p.bucket[0] = (size_t)(h * 0x9e3779b97f4a7c15u >> 46);
	p.bucket[1] = (size_t)((h ^ h >> 29) * 0xbf58476d1ce4e5b9u >> 46);
	return p;
}

/* How many ids lie in it, or BUCKET_IDS + 1 where this one does. */
static unsigned int
bucket_look(const struct scim_bucket *b, const struct place *p)
{
	for (unsigned int i = 0; i < BUCKET_IDS; i++) {
		if (b->low[i] == p->low && b->high[i] == p->high)
			return BUCKET_IDS + 1;
		if (b->low[i] == 0 && b->high[i] == 0)
			return i;
	}
	return BUCKET_IDS;
}

static bool
large_has(const struct scim_idset *set, const struct place *p)
{
	for (size_t i = 0; i < set->nlarge; i++)
		if (bucket_look(&set->large[i][p->bucket[0]], p) > BUCKET_IDS ||
		    bucket_look(&set->large[i][p->bucket[1]], p) > BUCKET_IDS)
			return true;
	return false;
}

static int
large_start(struct scim_idset *set, struct error *e)
{
	size_t	 bytes = BUCKETS * sizeof(**set->large);
	void	*m;

	if (set->nlarge == SCIM_ID_TABLES_MAX)
		return error_set(e, ERR_LIMIT, "list: over %zu rows", set->n);
	if ((m = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) == MAP_FAILED)
		return error_set(e, ERR_SYSTEM, "list: no memory");
	(void)madvise(m, bytes, MADV_HUGEPAGE);		/* looked up at random: each in a page of its own, else */
	(void)madvise(m, bytes, MADV_POPULATE_WRITE);	/* one call for 3072 faults; an older kernel takes those */
	set->large[set->nlarge++] = m;
	return 0;
}

/* It is not in the set. */
static int
large_put(struct scim_idset *set, const struct place *p, struct error *e)
{
	struct scim_bucket	*two[2], *b;
	unsigned int		 n[2], at;

	for (int i = 0; i < 2; i++) {
		two[i] = &set->large[set->nlarge - 1][p->bucket[i]];
		n[i] = bucket_look(two[i], p);
	}
	b = two[n[1] < n[0]];
	at = n[n[1] < n[0]];
	if (at >= BUCKET_IDS) {
		if (large_start(set, e) == -1)
			return -1;
		b = &set->large[set->nlarge - 1][p->bucket[0]];
		at = 0;
	}
	b->low[at] = p->low;
	b->high[at] = p->high;
	return 0;
}

/* From the small table to the first large one. */
static int
large_move(struct scim_idset *set, struct error *e)
{
	if (large_start(set, e) == -1)
		return -1;
	for (size_t i = 0; i < set->cap; i++) {
		struct place	 p = place_of(set->slots[i]);

		if (set->slots[i] != 0 && !large_has(set, &p) && large_put(set, &p, e) == -1)
			return -1;
	}
	free(set->slots);
	set->slots = NULL;
	set->cap = 0;
	return 0;
}

static int
small_grow(struct scim_idset *set, struct error *e)
{
	size_t		 cap = set->cap == 0 ? SMALL_SLOTS_MIN : 2 * set->cap;
	uint64_t	*slots = calloc(cap, sizeof(*slots));

	if (slots == NULL)
		return error_set(e, ERR_SYSTEM, "list: no memory");
	for (size_t i = 0; i < set->cap; i++)
		if (set->slots[i] != 0)
			(void)small_put(slots, cap, set->slots[i]);
	free(set->slots);
	set->slots = slots;
	set->cap = cap;
	return 0;
}

int
scim_idset_add(struct scim_idset *set, const char *id, size_t n, struct error *e)
{
	uint64_t	 h = scim_id_hash(id, n);
	struct place	 p = place_of(h);

	if (set->nlarge == 0 && set->n >= set->cap / 4 * 3 &&
	    (set->cap < SMALL_SLOTS_MAX ? small_grow(set, e) : large_move(set, e)) == -1)
		return -1;
	if (set->nlarge == 0) {
		if (!small_put(set->slots, set->cap, h))
			return 0;
	} else {
		if (large_has(set, &p))
			return 0;
		if (large_put(set, &p, e) == -1)
			return -1;
	}
	set->n++;
	return 1;
}

bool
scim_idset_has(const struct scim_idset *set, const char *id)
{
	uint64_t	 h = scim_id_hash(id, strlen(id));
	struct place	 p = place_of(h);

	return set->nlarge > 0 ? large_has(set, &p) : small_has(set, h);
}

void
scim_idset_free(struct scim_idset *set)
{
	free(set->slots);
	for (size_t i = 0; i < set->nlarge; i++)
		munmap(set->large[i], BUCKETS * sizeof(**set->large));
	*set = (struct scim_idset){ 0 };
}
