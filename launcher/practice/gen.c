/*
 * gen.c -- what a person or group made from a seed looks like.
 *
 * Every text here is free of characters that JSON must escape (a test sees to
 * it), so rendering is a chain of copies.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "launcher/practice/gen.h"
#include "launcher/practice/gen_private.h"
#include "worker/contract/util.h"

#define EPOCH_S		1577836800	/* 2020-01-01: nobody was created before */
#define CREATED_SPAN_S	(3 * 365 * 86400)
#define MODIFIED_SPAN_S	(365 * 86400)
#define INACTIVE_EVERY	20		/* each so manieth user is inactive */
#define GROUP_STEP	7		/* a user's second group, see gen_user_groups() */
#define INDEX_BITS	48		/* of an id hold the index */

static const struct gen_name given_names[] = {
	{ "Amelia", "amelia" }, { "Bao", "bao" }, { "Chloé", "chloe" }, { "Dmitri", "dmitri" },
	{ "Esperanza", "esperanza" }, { "Fatima", "fatima" }, { "Gustav", "gustav" }, { "Hiroshi", "hiroshi" },
	{ "Ingrid", "ingrid" }, { "João", "joao" }, { "Kwame", "kwame" }, { "Lakshmi", "lakshmi" },
	{ "Małgorzata", "malgorzata" }, { "Nadia", "nadia" }, { "Olumide", "olumide" }, { "Priya", "priya" },
	{ "Quentin", "quentin" }, { "Rosalind", "rosalind" }, { "Søren", "soren" }, { "Tomás", "tomas" },
	{ "Ursula", "ursula" }, { "Vikram", "vikram" }, { "Wei", "wei" }, { "Ximena", "ximena" },
	{ "Yusuf", "yusuf" }, { "Zoë", "zoe" }, { "Аня", "anya" }, { "Ελένη", "eleni" },
	{ "משה", "moshe" }, { "花子", "hanako" }, { "Anne-Marie", "annemarie" }, { "Jean Luc", "jeanluc" },
};

static const struct gen_name family_names[] = {
	{ "Adeyemi", "adeyemi" }, { "Bergström", "bergstrom" }, { "Castillo", "castillo" }, { "Dąbrowski", "dabrowski" },
	{ "Ek", "ek" }, { "Fischer", "fischer" }, { "García", "garcia" }, { "Hart", "hart" },
	{ "Ivanova", "ivanova" }, { "Jørgensen", "jorgensen" }, { "Kowalski", "kowalski" }, { "Lindqvist", "lindqvist" },
	{ "Müller", "muller" }, { "Nakamura", "nakamura" }, { "O'Brien", "obrien" }, { "Papadopoulos", "papadopoulos" },
	{ "Qureshi", "qureshi" }, { "Rossi", "rossi" }, { "Smith", "smith" }, { "Tran", "tran" },
	{ "Ueda", "ueda" }, { "van der Berg", "vanderberg" }, { "Weiß", "weiss" }, { "Xu", "xu" },
	{ "Yılmaz", "yilmaz" }, { "Žižek", "zizek" }, { "山田", "yamada" }, { "Петров", "petrov" },
	{ "de la Cruz", "delacruz" }, { "Null", "null" }, { "McDonald", "mcdonald" }, { "Smith-Jones", "smithjones" },
};

static const char *const titles[] = {
	"Accountant", "Analyst", "Architect", "Assistant", "Buyer", "Clerk", "Designer", "Director",
	"Engineer", "Intern", "Lawyer", "Manager", "Nurse", "Planner", "Recruiter", "Researcher",
};

static const char *const departments[] = {
	"Engineering", "Finance", "Human Resources", "Legal", "Marketing", "Operations", "Research & Development", "Sales",
};

static const char *const group_names[] = {
	"Administrators", "Auditors", "Contractors", "Developers", "Finance", "Helpdesk", "Managers", "Readers",
};

/* A known good mixer of 64 bits (splitmix). */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

int
gen_init(struct gen *g, uint64_t seed, uint32_t users, uint32_t groups, const char *base)
{
	size_t	 n = strlen(base);

	if (n > GEN_BASE_BYTES_MAX)
		return -1;
	*g = (struct gen){ .seed = seed, .users = users, .groups = groups, .base_bytes = n };
	memcpy(g->base, base, n + 1);
	for (unsigned int kind = 0; kind < KIND__MAX; kind++)
		g->salt[kind] = mix(seed * KIND__MAX + kind);
	return 0;
}

/* Eight digits, by spreading the nibbles over bytes and turning all into digits at once. */
static inline uint64_t
hex8(uint32_t v)
{
	uint64_t x, letters;

	x = (v >> 16) | (uint64_t)(v & 0xffff) << 32;
	x = ((x & 0x000000ff000000ff) << 16) | ((x & 0x0000ff000000ff00) >> 8);
	x = ((x & 0x000f000f000f000f) << 8) | ((x & 0x00f000f000f000f0) >> 4);
	letters = ((x + 0x0606060606060606) >> 4) & 0x0101010101010101;
	return x + 0x3030303030303030 + letters * ('a' - '0' - 10);
}

char *
gen_put_id(const struct gen *g, enum kind kind, uint64_t index, char *p)
{
	uint64_t	 salt = g->salt[kind], h = mix(salt ^ index), digits[4];
	const char	*d = (const char *)digits;

	index = (index ^ salt) & ((UINT64_C(1) << INDEX_BITS) - 1);
	digits[0] = hex8((uint32_t)(h >> 32));
	digits[1] = hex8((uint32_t)h);
	digits[2] = hex8((uint32_t)(salt >> 20 & 0xfff) << 16 | (uint32_t)(index >> 32));
	digits[3] = hex8((uint32_t)index);
	/* Of the third group of eight: three of the seed, four of the index. */
	memcpy(p, d, 8);
	p[8] = '-';
	memcpy(p + 9, d + 8, 4);
	memcpy(p + 13, "-4", 2);
	memcpy(p + 15, d + 13, 3);
	memcpy(p + 18, "-a", 2);
	memcpy(p + 20, d + 17, 3);
	p[23] = '-';
	memcpy(p + 24, d + 20, 12);
	return p + GEN_ID_BYTES;
}
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hex8() lays its digits out so");

void
gen_id(const struct gen *g, enum kind kind, uint64_t index, char out[GEN_ID_BYTES + 1])
{
	*gen_put_id(g, kind, index, out) = '\0';
}

int64_t
gen_index(const struct gen *g, enum kind kind, const char *id)
{
	char		 expected[GEN_ID_BYTES + 1], *end;
	uint64_t	 index;

	if (strlen(id) != GEN_ID_BYTES)
		return -1;
	index = strtoull(id + GEN_ID_BYTES - INDEX_BITS / 4, &end, 16);
	index = (index ^ g->salt[kind]) & ((UINT64_C(1) << INDEX_BITS) - 1);
	gen_id(g, kind, index, expected);
	return strcmp(id, expected) == 0 ? (int64_t)index : -1;
}

bool
gen_active(uint64_t user)
{
	return user % INACTIVE_EVERY != INACTIVE_EVERY - 1;
}

void
gen_look(const struct gen *g, uint64_t user, struct gen_look *look)
{
	uint64_t h = mix(g->salt[KIND_USER] + user * 2 + 1);

	look->given = &given_names[h % N_ITEMS(given_names)];
	look->family = &family_names[(h >> 8) % N_ITEMS(family_names)];
	look->title = titles[(h >> 16) % N_ITEMS(titles)];
	look->department = departments[(h >> 24) % N_ITEMS(departments)];
	look->created_s = EPOCH_S + (int64_t)((h >> 20) % CREATED_SPAN_S);
	look->modified_s = look->created_s + (int64_t)((h >> 32) % MODIFIED_SPAN_S);
}

void
gen_group_name(const struct gen *g, uint64_t group, char out[GEN_TEXT_BYTES_MAX])
{
	const char	*name = group_names[group % N_ITEMS(group_names)];
	size_t		 n = strlen(name);

	(void)g;
	memcpy(out, name, n);
	out[n] = ' ';
	*gen_put_number(out + n + 1, group, 0) = '\0';
}

void
gen_group_times(const struct gen *g, uint64_t group, char created[32], char modified[32])
{
	uint64_t	 h = mix(g->salt[KIND_GROUP] + group * 2 + 1);
	int64_t		 at = EPOCH_S + (int64_t)((h >> 20) % CREATED_SPAN_S);

	gen_time_print(at * 1000, created);
	gen_time_print((at + (int64_t)((h >> 32) % MODIFIED_SPAN_S)) * 1000, modified);
}

/* Both kinds of name hold the index: behind the last '.' or ' '. */
int64_t
gen_index_by_name(const struct gen *g, enum kind kind, const char *name)
{
	char		 expected[GEN_TEXT_BYTES_MAX], *end;
	const char	*digits = strrchr(name, ' ');
	uint64_t	 index;

	if (kind == KIND_USER) {
		const char *at = strchr(name, '@');

		for (digits = at; digits != NULL && digits > name && isdigit((unsigned char)digits[-1]);)
			digits--;
	} else if (digits != NULL)
		digits++;
	if (digits == NULL || !isdigit((unsigned char)*digits))
		return -1;
	index = strtoull(digits, &end, 10);
	if (index >= (kind == KIND_USER ? g->users : g->groups))
		return -1;
	if (kind == KIND_USER)
		gen_text(g, index, GEN_USER_NAME, expected);
	else
		gen_group_name(g, index, expected);
	return strcasecmp(name, expected) == 0 ? (int64_t)index : -1;
}

size_t
gen_user_groups(const struct gen *g, uint64_t user, uint32_t out[GEN_OWN_GROUPS_MAX])
{
	uint32_t second;

	if (g->groups == 0 || user >= g->users)
		return 0;
	out[0] = (uint32_t)(user % g->groups);
	second = (uint32_t)(user * GROUP_STEP % g->groups);
	if (second == out[0])
		return 1;
	out[1] = second;
	return 2;
}

size_t
gen_residues(const struct gen *g, uint64_t group, uint32_t out[GEN_RESIDUES_MAX])
{
	size_t	 n = 0;

	if (group >= g->groups)
		return 0;
	out[n++] = (uint32_t)group;
	/* GROUP_STEP * r = group (mod groups), solved. */
	for (uint64_t k = 0; k < GROUP_STEP; k++) {
		uint64_t at = group + k * g->groups;

		if (at % GROUP_STEP == 0 && at / GROUP_STEP != group)
			out[n++] = (uint32_t)(at / GROUP_STEP);
	}
	return n;
}
static_assert(GROUP_STEP + 1 <= GEN_RESIDUES_MAX, "residues");
