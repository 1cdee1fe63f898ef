/*
 * gen.h -- people and groups out of a seed: user i is a function of (seed, i).
 *
 * Nothing is stored, so that a million users start at once and cost no memory.
 * The same seed, counts and base address give the same bytes.
 */
#ifndef PRACTICE_GEN_H
#define PRACTICE_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GEN_USERS_MAX		100000000u
#define GEN_GROUPS_MAX		100000u
#define GEN_BASE_BYTES_MAX	128		/* of the service's address */
#define GEN_USER_BYTES_MAX	4096		/* of one rendered user with its own groups */
#define GEN_REF_BYTES_MAX	768		/* of one rendered reference to a group or member */
#define GEN_TEXT_BYTES_MAX	128		/* of one attribute's text with its NUL */
#define GEN_ID_BYTES		36		/* without the NUL */
#define GEN_RESIDUES_MAX	8		/* see gen_residues() */
#define GEN_OWN_GROUPS_MAX	2		/* groups a user is born into */

#define SCIM_USER	"urn:ietf:params:scim:schemas:core:2.0:User"
#define SCIM_GROUP	"urn:ietf:params:scim:schemas:core:2.0:Group"
#define SCIM_ENTERPRISE	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

enum kind { KIND_USER, KIND_GROUP, KIND__MAX };

struct gen {
	uint64_t	seed;
	uint64_t	salt[KIND__MAX];
	uint32_t	users, groups;			/* born with the seed */
	char		base[GEN_BASE_BYTES_MAX + 1];	/* "http://127.0.0.1:8080/scim/v2" */
	size_t		base_bytes;
};

/* Attributes that are known without rendering the user. */
enum gen_field {
	GEN_ID, GEN_EXTERNAL_ID, GEN_USER_NAME, GEN_DISPLAY_NAME, GEN_GIVEN_NAME, GEN_FAMILY_NAME, GEN_TITLE,
	GEN_EMAIL, GEN_HOME_EMAIL, GEN_DEPARTMENT, GEN_EMPLOYEE_NUMBER, GEN_CREATED, GEN_LAST_MODIFIED,
	GEN_FIELD__MAX
};

/* -1 when base is too long. */
int	 gen_init(struct gen *, uint64_t seed, uint32_t users, uint32_t groups, const char *base);
/* Any index has an id, born with the seed or not. */
void	 gen_id(const struct gen *, enum kind, uint64_t index, char out[GEN_ID_BYTES + 1]);
/* The index whose id this is, or -1. */
int64_t	 gen_index(const struct gen *, enum kind, const char *id);
/* The index that would be called so, or -1: case is ignored. */
int64_t	 gen_index_by_name(const struct gen *, enum kind, const char *name);
bool	 gen_active(uint64_t user);
/* The attribute's text, as it stands between the quotes of its JSON (no generated text needs an escape). */
void	 gen_text(const struct gen *, uint64_t user, enum gen_field, char out[GEN_TEXT_BYTES_MAX]);
void	 gen_group_name(const struct gen *, uint64_t group, char out[GEN_TEXT_BYTES_MAX]);
void	 gen_group_times(const struct gen *, uint64_t group, char created[32], char modified[32]);

/* Groups a user is born into; how many. */
size_t	 gen_user_groups(const struct gen *, uint64_t user, uint32_t out[GEN_OWN_GROUPS_MAX]);
/* User u is born into group g exactly if u modulo gen.groups is one of these. */
size_t	 gen_residues(const struct gen *, uint64_t group, uint32_t out[GEN_RESIDUES_MAX]);

/* Renders a user born into its own groups; the end.  At most GEN_USER_BYTES_MAX. */
char	*gen_render_user(const struct gen *, uint64_t user, char *out);
/* The same up to its groups: what is left to write is `,"groups":[…]}`, or `}`. */
char	*gen_render_user_open(const struct gen *, uint64_t user, char *out);
/* A reference as it stands in a user's groups; name (already fit for JSON) may be NULL.  At most GEN_REF_BYTES_MAX. */
char	*gen_render_group_ref(const struct gen *, uint64_t group, const char *name, char *out);
/* The same as it stands in a group's members.  Users born with the seed have their display name with them. */
char	*gen_render_member(const struct gen *, uint64_t user, char *out);

/* A time in milliseconds as "2024-01-31T10:20:30Z", with ".123" before the Z unless it is whole. */
void	 gen_time_print(int64_t ms, char out[32]);
/* -1 if it is no such time. */
int	 gen_time_parse(const char *, int64_t *ms);

#endif
