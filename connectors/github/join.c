/*
 * join.c -- login -> values, for joining memberships that GitHub gives by team
 * or role to accounts that are streamed.
 *
 * A login costs its bytes and 8, a membership 8: a million memberships of
 * 100,000 people are about 11 MB.  Both are bounded.
 */
#include <string.h>
#include <strings.h>

#include "connectors/github/github.h"

#define JOIN_SLOTS_FIRST	1024u
#define JOIN_NONE		UINT32_MAX
/* Pointers into the names must fit beside JOIN_NONE. */
static_assert(JOIN_NAME_BYTES_MAX < JOIN_NONE && JOIN_LINKS_MAX < JOIN_NONE, "32-bit offsets suffice");

struct slot {
	uint32_t	 name;		/* offset in names, or JOIN_NONE */
	uint32_t	 last;		/* newest link; the links form a ring, newest -> oldest */
};
struct link {
	uint32_t	 value, next;
};
struct join {
	char		*names;
	size_t		 names_len, names_cap;
	struct slot	*slots;
	size_t		 nslots, used;
	struct link	*links;
	size_t		 nlinks, links_cap;
};

static int
no_memory(struct error *e)
{
	return error_set(e, ERR_MEMORY, "no memory left to join memberships to accounts: raise the memory limit");
}

struct join *
join_new(void)
{
	return calloc(1, sizeof(struct join));
}

void
join_free(struct join *j)
{
	if (j == NULL)
		return;
	free(j->names);
	free(j->slots);
	free(j->links);
	free(j);
}

static uint32_t
login_hash(const char *s)
{
	uint32_t	 h = 2166136261u;

	for (; *s != '\0'; s++) {
		unsigned char	 ch = (unsigned char)*s;

		if (ch >= 'A' && ch <= 'Z')
			ch |= 0x20;
		h = (h ^ ch) * 16777619u;
	}
	return h;
}

/* The login's slot, or the free one where it would go; NULL only before the first add. */
static struct slot *
slot_of(const struct join *j, const char *login)
{
	size_t	 i;

	if (j->nslots == 0)
		return NULL;
	i = login_hash(login) & (j->nslots - 1);
	while (j->slots[i].name != JOIN_NONE && strcasecmp(j->names + j->slots[i].name, login) != 0)
		i = (i + 1) & (j->nslots - 1);
	return &j->slots[i];
}

static int
slots_grow(struct join *j, struct error *e)
{
	struct join	 wider = *j;

	if (j->used * 4 < j->nslots * 3)
		return 0;
	wider.nslots = j->nslots == 0 ? JOIN_SLOTS_FIRST : j->nslots * 2;
	if ((wider.slots = malloc(wider.nslots * sizeof(*wider.slots))) == NULL)
		return no_memory(e);
	memset(wider.slots, 0xff, wider.nslots * sizeof(*wider.slots));
	for (size_t i = 0; i < j->nslots; i++)
		if (j->slots[i].name != JOIN_NONE)
			*slot_of(&wider, j->names + j->slots[i].name) = j->slots[i];
	free(j->slots);
	*j = wider;
	return 0;
}

static int
name_add(struct join *j, const char *login, uint32_t *at, struct error *e)
{
	size_t	 n = strlen(login) + 1;

	if (n > JOIN_NAME_BYTES_MAX - j->names_len)
		return error_set(e, ERR_LIMIT, "more logins than can be joined (%u MiB): turn off readTeams",
		    JOIN_NAME_BYTES_MAX >> 20);
	if (j->names_len + n > j->names_cap) {
		size_t	 cap = (j->names_len + n) * 2;
		char	*p = realloc(j->names, cap);

		if (p == NULL)
			return no_memory(e);
		j->names = p;
		j->names_cap = cap;
	}
	memcpy(j->names + j->names_len, login, n);
	*at = (uint32_t)j->names_len;
	j->names_len += n;
	return 0;
}

static int
links_grow(struct join *j, struct error *e)
{
	size_t		 cap = j->links_cap == 0 ? JOIN_SLOTS_FIRST : j->links_cap * 2;
	struct link	*p;

	if (j->nlinks < j->links_cap)
		return 0;
	if (j->nlinks >= JOIN_LINKS_MAX)
		return error_set(e, ERR_LIMIT, "more than %u memberships to join: turn off readTeams", JOIN_LINKS_MAX);
	if ((p = realloc(j->links, cap * sizeof(*p))) == NULL)
		return no_memory(e);
	j->links = p;
	j->links_cap = cap;
	return 0;
}

int
join_add(struct join *j, const char *login, uint32_t value, struct error *e)
{
	struct slot	*s;
	uint32_t	 l;

	if (slots_grow(j, e) == -1 || links_grow(j, e) == -1)
		return -1;
	s = slot_of(j, login);
	if (s->name == JOIN_NONE) {
		if (name_add(j, login, &s->name, e) == -1)
			return -1;
		j->used++;
		s->last = (uint32_t)j->nlinks;
		j->links[j->nlinks] = (struct link){ value, (uint32_t)j->nlinks };
		j->nlinks++;
		return 0;
	}
	/* A list that moved while it was paged may name somebody twice. */
	if (j->links[s->last].value == value)
		return 0;
	l = (uint32_t)j->nlinks++;
	j->links[l] = (struct link){ value, j->links[s->last].next };
	j->links[s->last].next = l;
	s->last = l;
	return 0;
}

bool
join_has(const struct join *j, const char *login)
{
	const struct slot	*s = slot_of(j, login);

	return s != NULL && s->name != JOIN_NONE;
}

int
join_each(const struct join *j, const char *login, int (*fn)(void *arg, uint32_t value), void *arg)
{
	const struct slot	*s = slot_of(j, login);
	uint32_t		 l;

	if (s == NULL || s->name == JOIN_NONE)
		return 0;
	l = s->last;
	do {
		l = j->links[l].next;
		if (fn(arg, j->links[l].value) == -1)
			return -1;
	} while (l != s->last);
	return 0;
}

size_t
join_logins(const struct join *j)
{
	return j->used;
}
