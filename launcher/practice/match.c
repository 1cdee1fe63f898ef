/*
 * match.c -- asks a filter of everybody, looking into a tree only where it must.
 */
#include <string.h>
#include <strings.h>

#include "launcher/practice/match.h"
#include "launcher/practice/render.h"
#include "worker/contract/util.h"

static const struct {
	const char	*dotted;
	const char	*urn;
	enum gen_field	 field;
} fields[] = {
	{ "userName", NULL, GEN_USER_NAME }, { "id", NULL, GEN_ID }, { "externalId", NULL, GEN_EXTERNAL_ID },
	{ "displayName", NULL, GEN_DISPLAY_NAME }, { "name.givenName", NULL, GEN_GIVEN_NAME },
	{ "name.familyName", NULL, GEN_FAMILY_NAME }, { "title", NULL, GEN_TITLE },
	{ "meta.lastModified", NULL, GEN_LAST_MODIFIED }, { "meta.created", NULL, GEN_CREATED },
	{ "department", SCIM_ENTERPRISE, GEN_DEPARTMENT }, { "employeeNumber", SCIM_ENTERPRISE, GEN_EMPLOYEE_NUMBER },
};

struct candidate {
	const struct people	*people;
	enum kind		 kind;
	uint64_t		 index;
	bool			 as_born;
	cJSON			*tree;
};

static const cJSON *
candidate_tree(void *arg)
{
	struct candidate *c = arg;

	if (c->tree == NULL)
		c->tree = render_tree(c->people, c->kind, c->index);
	return c->tree;
}

/* A group of this id among a user's groups, a user of this id among a group's members. */
static int
related(const struct candidate *c, const struct filter *f)
{
	const char		*list = c->kind == KIND_USER ? "groups" : "members";
	const char		*value = c->kind == KIND_USER ? "groups.value" : "members.value";
	const struct filter	*eq = f;
	int64_t			 other;

	if (f->op == FILTER_VALUE && filter_path_is(&f->path, list) && filter_path_is(&f->left->path, "value"))
		eq = f->left;
	else if (!filter_path_is(&f->path, list) && !filter_path_is(&f->path, value))
		return -1;
	if (c->kind == KIND_GROUP && eq->op == FILTER_PR) {
		struct member_walk walk;

		people_walk(c->people, c->index, &walk);
		return people_walk_next(c->people, &walk) != -1;
	}
	if (!cJSON_IsString(eq->value) || (eq->op != FILTER_EQ && (eq->op != FILTER_NE || eq != f)))
		return -1;
	other = people_by_id(c->people, c->kind == KIND_USER ? KIND_GROUP : KIND_USER, eq->value->valuestring);
	if (other == -1)
		return eq->op == FILTER_NE;
	return (eq->op == FILTER_EQ) == (c->kind == KIND_USER ?
	    people_is_member(c->people, c->index, (uint64_t)other) :
	    people_is_member(c->people, (uint64_t)other, c->index));
}

static bool
text_is(const struct candidate *c, const struct filter *f, enum gen_field field)
{
	char	 text[GEN_TEXT_BYTES_MAX];

	gen_text(people_gen(c->people), c->index, field, text);
	return filter_compare_text(f, text);
}

static int
candidate_leaf(void *arg, const struct filter *f)
{
	struct candidate	*c = arg;
	int			 known = related(c, f);

	if (known != -1 || !c->as_born || f->op == FILTER_VALUE || (f->value != NULL && cJSON_IsNull(f->value)))
		return known;
	if (filter_path_is(&f->path, "active"))
		return filter_compare_bool(f, gen_active(c->index));
	if (filter_path_is(&f->path, "emails.value") || filter_path_is(&f->path, "emails")) {
		bool work = text_is(c, f, GEN_EMAIL), home = text_is(c, f, GEN_HOME_EMAIL);

		return f->op == FILTER_NE ? work && home : work || home;
	}
	for (size_t i = 0; i < N_ITEMS(fields); i++) {
		if (fields[i].urn != NULL && f->path.urn != NULL && strcasecmp(fields[i].urn, f->path.urn) == 0) {
			struct filter_path bare = f->path;

			bare.urn = NULL;
			if (filter_path_is(&bare, fields[i].dotted))
				return text_is(c, f, fields[i].field);
		} else if (fields[i].urn == NULL && filter_path_is(&f->path, fields[i].dotted))
			return text_is(c, f, fields[i].field);
	}
	return -1;
}

static bool
matches(const struct people *p, enum kind kind, const struct filter *f, uint64_t index)
{
	struct candidate	c = { .people = p, .kind = kind, .index = index };
	struct filter_subject	s = { .leaf = candidate_leaf, .tree = candidate_tree, .arg = &c };
	bool			yes;

	c.as_born = kind == KIND_USER && people_changed(p, kind, index) == NULL;
	yes = filter_match(f, &s);
	cJSON_Delete(c.tree);
	return yes;
}

/* The only one who can match, if the filter names one; -2: it does not. */
static int64_t
named(const struct people *p, enum kind kind, const struct filter *f)
{
	const char *key;

	if ((key = filter_key(f, "id")) != NULL)
		return people_by_id(p, kind, key);
	if ((key = filter_key(f, kind == KIND_USER ? "userName" : "displayName")) != NULL)
		return people_by_name(p, kind, key);
	return -2;
}

uint64_t
match_all(const struct people *p, enum kind kind, const struct filter *f, uint64_t skip, uint64_t want,
    uint64_t *rows, uint64_t *n)
{
	int64_t		only = named(p, kind, f);
	uint64_t	total = 0, all = people_count(p, kind);

	*n = 0;
	if (only == -1)
		return 0;
	for (uint64_t place = 0; place < (only >= 0 ? 1 : all); place++) {
		uint64_t index = (uint64_t)(only >= 0 ? only : people_nth(p, kind, place));

		if (!matches(p, kind, f, index))
			continue;
		if (total >= skip && *n < want)
			rows[(*n)++] = index;
		total++;
	}
	return total;
}
