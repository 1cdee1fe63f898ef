/*
 * desk_take.c -- a plan in a packet: most of a plan is room for longer paths and more words than it has.
 */
#include <string.h>

#include "launcher/core/desk_wire.h"

struct field {
	size_t	 at, bytes;		/* in the plan */
};
#define FIELD(name)	{ offsetof(struct nursery_plan, name), sizeof(((struct nursery_plan *)0)->name) }
static const struct field	 fields[DESK_TAKE_TEXTS] = { FIELD(program), FIELD(described), FIELD(guest), FIELD(main) };

size_t
desk_take_put(struct desk_take *t, uint32_t no, bool ahead, const struct nursery_plan *p)
{
	size_t	 at = 0, n;

	t->head = (struct desk_head){ DESK_VERSION, DESK_TAKE, no };
	t->memory_bytes = p->memory_bytes;
	t->cpu_s = p->cpu_s;
	t->waived = p->waived;
	t->tasks = p->tasks;
	t->words = p->words.bytes;
	t->behind = p->words.behind;
	t->ahead = ahead;
	t->spec = p->spec;
	for (size_t i = 0; i < DESK_TAKE_TEXTS; i++) {
		const char	*text = (const char *)p + fields[i].at;

		n = strlen(text) + 1;
		memcpy(t->text + at, text, n);
		at += n;
	}
	memcpy(t->text + at, p->words.text, p->words.bytes);
	return DESK_TAKE_BYTES(at + p->words.bytes);
}

int
desk_take_get(const struct desk_take *t, size_t bytes, struct nursery_plan *p)
{
	const char	*at = t->text, *end = (const char *)t + bytes, *nul;

	if (bytes < DESK_TAKE_BYTES(0) || bytes > sizeof(*t))
		return -1;
	for (size_t i = 0; i < DESK_TAKE_TEXTS; i++) {
		if ((nul = memchr(at, '\0', (size_t)(end - at))) == NULL || (size_t)(nul - at) >= fields[i].bytes)
			return -1;
		memcpy((char *)p + fields[i].at, at, (size_t)(nul - at) + 1);
		at = nul + 1;
	}
	if (t->words != (size_t)(end - at) || t->words > sizeof(p->words.text) || t->behind > t->words ||
	    (t->words > 0 && end[-1] != '\0'))
		return -1;
	memcpy(p->words.text, at, t->words);
	p->words.bytes = t->words;
	p->words.behind = t->behind;
	p->memory_bytes = t->memory_bytes;
	p->cpu_s = t->cpu_s;
	p->waived = t->waived;
	p->tasks = t->tasks;
	p->spec = t->spec;
	return 0;
}
