/*
 * index.c -- belongings, sorted once and searched.
 */
#include <bsd/stdlib.h>
#include <string.h>

#include "connectors/rest/index.h"
#include "connectors/rest/keyed.h"

#define FIRST		1024u	/* slots, values, belongings */

struct belonging {
	uint64_t	key;
	uint32_t	value;
} __attribute__((packed));
static_assert(sizeof(struct belonging) == 12, "the figures of index.h hold");

struct index {
	struct keyed		*key;
	struct belonging	*v;
	size_t			 n, cap;
	cJSON			**values;
	uint64_t		*hashes;	/* of them */
	size_t			 nvalues, values_cap, bytes;
	uint32_t		*slots;		/* open addressing: number + 1, 0 is free */
	size_t			 nslots;
};

/*
 * A belonging has its key's hash only, and people choose names: with a hash that anybody can compute, one could choose
 * a name that has another's belongings.  So it is under a secret of this index; that of values, which a source chooses, too.
 */
struct index *
index_new(void)
{
	struct index	*x = calloc(1, sizeof(*x));

	if (x != NULL && (x->key = keyed_new()) != NULL)
		return x;
	index_free(x);
	return NULL;
}

void
index_free(struct index *x)
{
	if (x == NULL)
		return;
	for (size_t i = 0; i < x->nvalues; i++)
		cJSON_Delete(x->values[i]);
	free(x->values);
	free(x->hashes);
	free(x->slots);
	free(x->v);
	keyed_free(x->key);
	free(x);
}

static void
slot_set(uint32_t *slots, size_t nslots, uint64_t hash, uint32_t number)
{
	size_t	 at = (size_t)hash & (nslots - 1);

	while (slots[at] != 0)
		at = (at + 1) & (nslots - 1);
	slots[at] = number + 1;
}

/* Room for one more value, and twice as many slots as values. */
static int
values_grow(struct index *x)
{
	size_t		 cap = x->values_cap == 0 ? FIRST : 2 * x->values_cap;
	cJSON		**values;
	uint64_t	*hashes;
	uint32_t	*slots;

	if (x->nvalues < x->values_cap)
		return 0;
	if ((values = reallocarray(x->values, cap, sizeof(*values))) == NULL)
		return -1;
	x->values = values;
	if ((hashes = reallocarray(x->hashes, cap, sizeof(*hashes))) == NULL)
		return -1;
	x->hashes = hashes;
	if ((slots = calloc(2 * cap, sizeof(*slots))) == NULL)
		return -1;
	free(x->slots);
	x->slots = slots;
	x->nslots = 2 * cap;
	x->values_cap = cap;
	for (size_t i = 0; i < x->nvalues; i++)
		slot_set(x->slots, x->nslots, x->hashes[i], (uint32_t)i);
	return 0;
}

static bool
value_known(const struct index *x, uint64_t hash, const cJSON *v, uint32_t *number)
{
	if (x->nslots == 0)
		return false;
	for (size_t at = (size_t)hash & (x->nslots - 1); x->slots[at] != 0; at = (at + 1) & (x->nslots - 1)) {
		*number = x->slots[at] - 1;
		if (x->hashes[*number] == hash && json_equal(x->values[*number], v))
			return true;
	}
	return false;
}

int
index_value(struct index *x, cJSON *v, uint32_t *number, struct error *e)
{
	autojson	*taken = v;
	autofree char	*text = NULL;
	uint64_t	 hash;

	*number = UINT32_MAX;
	if (taken == NULL || cJSON_IsNull(taken))
		return 0;
	if ((text = json_text(taken)) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	if (keyed_hash(x->key, text, &hash) == -1)
		return error_set(e, ERR_SYSTEM, "a join's values cannot be hashed");
	if (value_known(x, hash, taken, number))
		return 0;
	if (x->nvalues == INDEX_VALUES_MAX || (x->bytes += strlen(text)) > INDEX_VALUES_BYTES_MAX)
		return error_set(e, ERR_LIMIT, "a join has over %u values, or over %u MiB of them", INDEX_VALUES_MAX,
		    INDEX_VALUES_BYTES_MAX >> 20);
	if (values_grow(x) == -1)
		return error_set(e, ERR_SYSTEM, "no memory");
	*number = (uint32_t)x->nvalues;
	x->hashes[x->nvalues] = hash;
	x->values[x->nvalues++] = json_steal(&taken);
	slot_set(x->slots, x->nslots, hash, *number);
	return 0;
}

int
index_put(struct index *x, const char *key, uint32_t number, struct error *e)
{
	size_t			 cap = x->cap == 0 ? FIRST : x->cap + x->cap / 2;
	struct belonging	*v;
	uint64_t		 hash;

	if (number == UINT32_MAX)
		return 0;
	if (x->n >= INDEX_BELONGINGS_MAX)
		return error_set(e, ERR_LIMIT, "a join has over %u rows", INDEX_BELONGINGS_MAX);
	if (x->n == x->cap) {
		if ((v = reallocarray(x->v, cap, sizeof(*v))) == NULL)
			return error_set(e, ERR_SYSTEM, "no memory");
		x->v = v;
		x->cap = cap;
	}
	if (keyed_hash(x->key, key, &hash) == -1)
		return error_set(e, ERR_SYSTEM, "a join's keys cannot be hashed");
	x->v[x->n++] = (struct belonging){ hash, number };
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct belonging	*x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

/* heapsort(3) needs no second copy, where qsort(3) would take one. */
void
index_done(struct index *x)
{
	if (x->n > 1)
		(void)heapsort(x->v, x->n, sizeof(*x->v), compare);
}

cJSON *
index_find(const struct index *x, const char *key)
{
	autojson	*out = cJSON_CreateArray();
	uint64_t	 h;
	size_t		 lo = 0, hi = x->n;

	if (keyed_hash(x->key, key, &h) == -1)
		return NULL;
	while (lo < hi) {
		size_t	 mid = lo + (hi - lo) / 2;

		if (x->v[mid].key < h)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; out != NULL && lo < x->n && x->v[lo].key == h; lo++) {
		/* What is named twice belongs once. */
		if (lo > 0 && x->v[lo - 1].key == h && x->v[lo - 1].value == x->v[lo].value)
			continue;
		if (json_push(out, json_dup(x->values[x->v[lo].value])) == -1)
			return NULL;
	}
	return json_steal(&out);
}
