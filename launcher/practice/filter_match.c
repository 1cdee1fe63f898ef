/*
 * filter_match.c -- asks a filter of one resource.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "launcher/practice/filter.h"
#include "launcher/practice/gen.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

cJSON *
filter_member(const cJSON *object, const char *name)
{
	cJSON *m;

	if (!cJSON_IsObject(object))
		return NULL;
	cJSON_ArrayForEach(m, object)
		if (strcasecmp(m->string, name) == 0)
			return m;
	return NULL;
}

static bool
exact_case(const struct filter_path *p)
{
	return filter_path_is(p, "id") || filter_path_is(p, "externalId");
}

/* <0, 0, >0 as strcmp(); times that are both times compare as times. */
static int
order_text(const char *a, const char *b, bool exact)
{
	int64_t	 a_ms, b_ms;

	if (gen_time_parse(a, &a_ms) == 0 && gen_time_parse(b, &b_ms) == 0)
		return (a_ms > b_ms) - (a_ms < b_ms);
	return exact ? strcmp(a, b) : strcasecmp(a, b);
}

static bool
order_holds(enum filter_op op, int order)
{
	switch (op) {
	case FILTER_EQ:
		return order == 0;
	case FILTER_NE:
		return order != 0;
	case FILTER_GT:
		return order > 0;
	case FILTER_GE:
		return order >= 0;
	case FILTER_LT:
		return order < 0;
	case FILTER_LE:
		return order <= 0;
	default:
		return false;
	}
}

static bool
text_holds(const struct filter *f, const char *text, const char *wanted)
{
	bool	 exact = exact_case(&f->path);
	size_t	 n = strlen(text), w = strlen(wanted);

	switch (f->op) {
	case FILTER_CO:
		return (exact ? strstr(text, wanted) : strcasestr(text, wanted)) != NULL;
	case FILTER_SW:
		return (exact ? strncmp : strncasecmp)(text, wanted, w) == 0;
	case FILTER_EW:
		return n >= w && (exact ? strcmp : strcasecmp)(text + n - w, wanted) == 0;
	case FILTER_EQ:
	case FILTER_NE:
		return order_holds(f->op, (exact ? strcmp : strcasecmp)(text, wanted));
	default:
		return order_holds(f->op, order_text(text, wanted, exact));
	}
}

bool
filter_compare_text(const struct filter *f, const char *text)
{
	if (f->op == FILTER_PR)
		return *text != '\0';
	if (!cJSON_IsString(f->value))
		return f->op == FILTER_NE;
	return text_holds(f, text, f->value->valuestring);
}

bool
filter_compare_bool(const struct filter *f, bool b)
{
	if (f->op == FILTER_PR)
		return true;
	if (!cJSON_IsBool(f->value))
		return f->op == FILTER_NE;
	return (f->op == FILTER_EQ) == (cJSON_IsTrue(f->value) == b) && (f->op == FILTER_EQ || f->op == FILTER_NE);
}

static bool
compare_one(const struct filter *f, const cJSON *v)
{
	const cJSON *sub;

	if (cJSON_IsObject(v)) {
		/* A complex value stands for its "value". */
		if (f->op == FILTER_PR)
			return v->child != NULL;
		return (sub = filter_member(v, "value")) != NULL && !cJSON_IsObject(sub) && compare_one(f, sub);
	}
	if (cJSON_IsString(v))
		return filter_compare_text(f, v->valuestring);
	if (cJSON_IsBool(v))
		return filter_compare_bool(f, cJSON_IsTrue(v));
	if (cJSON_IsNull(v) || cJSON_IsInvalid(v))
		return false;
	if (f->op == FILTER_PR)
		return true;
	if (!cJSON_IsNumber(f->value))
		return f->op == FILTER_NE;
	return order_holds(f->op, (v->valuedouble > f->value->valuedouble) - (v->valuedouble < f->value->valuedouble));
}

/* True for the first value under v, by the path's parts from i on, that holds. */
static bool
any_value(const struct filter *f, const cJSON *v, size_t i, bool *seen)
{
	const cJSON *element;

	if (v == NULL)
		return false;
	if (cJSON_IsArray(v)) {
		cJSON_ArrayForEach(element, v)
			if (!cJSON_IsArray(element) && any_value(f, element, i, seen))
				return true;
		return false;
	}
	if (i < f->path.n)
		return any_value(f, filter_member(v, f->path.part[i]), i + 1, seen);
	if (f->op == FILTER_VALUE)
		return filter_match_tree(f->left, v);
	*seen = *seen || !cJSON_IsNull(v);
	return compare_one(f, v);
}

static bool
leaf_matches(const struct filter *f, const cJSON *tree)
{
	bool	 seen = false, wants_null = f->value != NULL && cJSON_IsNull(f->value);

	if (f->path.urn != NULL)
		tree = filter_member(tree, f->path.urn);
	if (wants_null) {
		struct filter pr = *f;

		pr.op = FILTER_PR;
		return (f->op == FILTER_NE) == any_value(&pr, tree, 0, &seen) &&
		    (f->op == FILTER_EQ || f->op == FILTER_NE);
	}
	if (f->op == FILTER_NE) {
		/* Not equal means: no value is equal; what is absent is not equal. */
		struct filter eq = *f;

		eq.op = FILTER_EQ;
		return !any_value(&eq, tree, 0, &seen);
	}
	return any_value(f, tree, 0, &seen);
}

bool
filter_match(const struct filter *f, const struct filter_subject *s)
{
	const cJSON	*tree;
	int		 known;

	switch (f->op) {
	case FILTER_AND:
		return filter_match(f->left, s) && filter_match(f->right, s);
	case FILTER_OR:
		return filter_match(f->left, s) || filter_match(f->right, s);
	case FILTER_NOT:
		return !filter_match(f->left, s);
	default:
		if (s->leaf != NULL && (known = s->leaf(s->arg, f)) != -1)
			return known == 1;
		return (tree = s->tree(s->arg)) != NULL && leaf_matches(f, tree);
	}
}

static const cJSON *
tree_itself(void *arg)
{
	return arg;
}

bool
filter_match_tree(const struct filter *f, const cJSON *tree)
{
	struct filter_subject s = { .tree = tree_itself, .arg = (void *)(uintptr_t)tree };

	return filter_match(f, &s);
}

const char *
filter_key(const struct filter *f, const char *dotted)
{
	const char *key;

	if (f->op == FILTER_AND)
		return (key = filter_key(f->left, dotted)) != NULL ? key : filter_key(f->right, dotted);
	if (f->op == FILTER_EQ && cJSON_IsString(f->value) && filter_path_is(&f->path, dotted))
		return f->value->valuestring;
	return NULL;
}
