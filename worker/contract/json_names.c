/*
 * json_names.c -- names of members of a list's rows: the same again and again, and mostly in the same order.
 *
 * Never freed, so that a node that has one may outlive its tree, or be copied.  For rows alone, whose names are the
 * source's: those of a config or a request are a tenant's.
 */
#include <stdbool.h>
#include <string.h>

#include "worker/contract/json_build.h"

#define NAMES_KEPT	512u	/* of them half are used */
#define NAME_KEPT_BYTES	80u	/* a longer name is not kept */

static struct {
	struct kept_name name[NAMES_KEPT];
	unsigned int	 n;
} kept;

static uint64_t
name_hash(const char *text, size_t len)
{
	uint64_t	 h = len, w;

	for (; len >= sizeof(w); text += sizeof(w), len -= sizeof(w)) {
		memcpy(&w, text, sizeof(w));
		h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	for (; len > 0; text++, len--)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t
hash_bit(uint64_t hash)
{
	return UINT64_C(1) << (hash >> 58);
}

uint64_t
name_bit(const char *text, size_t len)
{
	return hash_bit(name_hash(text, len));
}

static bool
name_is(const struct kept_name *k, const char *text, size_t len)
{
	return k->text != NULL && k->len == len && memcmp(k->text, text, len) == 0;
}

const struct kept_name *
name_find(const char *text, size_t len, unsigned int *last)
{
	unsigned int	 i = kept.name[*last].next;
	uint64_t	 hash;

	if (len > NAME_KEPT_BYTES)
		return NULL;
	if (!name_is(&kept.name[i], text, len)) {
		hash = name_hash(text, len);
		for (i = (unsigned int)hash % NAMES_KEPT; kept.name[i].text != NULL; i = (i + 1) % NAMES_KEPT)
			if (name_is(&kept.name[i], text, len))
				break;
		if (kept.name[i].text == NULL) {
			if (kept.n == NAMES_KEPT / 2 || (kept.name[i].text = strndup(text, len)) == NULL)
				return NULL;
			kept.n++;
			kept.name[i].len = len;
			kept.name[i].bit = hash_bit(hash);
		}
		kept.name[*last].next = i;
	}
	*last = i;
	return &kept.name[i];
}
