/*
 * tmpl.c -- JSON in which strings are templates: what is absent leaves its member out.  Two objects are more than they look:
 *
 *	{"$each": "${...}", "$item": ...}	an array of items, one for each ${value}
 *	{"$merge": [..., ...]}			the objects over each other, the last on top, inside them too
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/expr.h"

#define TMPL_DEPTH_MAX	32u

enum kind { KIND_CONSTANT, KIND_TEXT, KIND_OBJECT, KIND_ARRAY, KIND_EACH, KIND_MERGE };

struct tmpl {
	enum kind	 kind;
	cJSON		*constant;
	struct text	*text;		/* of an each: its values */
	struct tmpl	**inside;	/* of an object or array; of an each its item; of a merge its parts */
	char		**names;	/* of an object's members */
	size_t		 n;
};

void
tmpl_free(struct tmpl *t)
{
	if (t == NULL)
		return;
	cJSON_Delete(t->constant);
	text_free(t->text);
	for (size_t i = 0; i < t->n; i++) {
		tmpl_free(t->inside[i]);
		if (t->names != NULL)
			free(t->names[i]);
	}
	free(t->inside);
	free(t->names);
	free(t);
}

static struct tmpl	*parse(const cJSON *v, unsigned int depth, struct error *e);

/* Of an object or an array. */
static int
inside_parse(struct tmpl *t, const cJSON *v, unsigned int depth, struct error *e)
{
	size_t		 n = (size_t)cJSON_GetArraySize(v);
	const cJSON	*m;

	t->kind = cJSON_IsObject(v) ? KIND_OBJECT : KIND_ARRAY;
	t->inside = calloc(n + 1, sizeof(struct tmpl *));
	t->names = t->kind == KIND_OBJECT ? calloc(n + 1, sizeof(char *)) : NULL;
	if (t->inside == NULL || (t->kind == KIND_OBJECT && t->names == NULL))
		return error_set(e, ERR_SYSTEM, "no memory");
	cJSON_ArrayForEach(m, v) {
		if ((t->inside[t->n] = parse(m, depth + 1, e)) == NULL)
			return m->string == NULL ? -1 : error_in(e, "%s", m->string);
		if (t->names != NULL && (t->names[t->n] = strdup(m->string)) == NULL) {
			t->n++;
			return error_set(e, ERR_SYSTEM, "no memory");
		}
		t->n++;
	}
	return 0;
}

/* 1: it was one of the two; 0; -1. */
static int
special_parse(struct tmpl *t, const cJSON *v, unsigned int depth, struct error *e)
{
	const cJSON	*each = json_get(v, "$each"), *merge = json_get(v, "$merge"), *item = json_get(v, "$item");

	if (!cJSON_IsObject(v) || (each == NULL && merge == NULL))
		return 0;
	if (merge != NULL) {
		if (!cJSON_IsArray(merge) || cJSON_GetArraySize(v) != 1)
			return error_set(e, ERR_REQUEST, "$merge: an array is wanted, and nothing beside it");
		if (inside_parse(t, merge, depth, e) == -1)
			return error_in(e, "$merge");
		t->kind = KIND_MERGE;
		return 1;
	}
	if (!cJSON_IsString(each) || item == NULL || cJSON_GetArraySize(v) != 2)
		return error_set(e, ERR_REQUEST, "$each: an expression is wanted, and \"$item\" beside it");
	if ((t->text = text_parse(each->valuestring, e)) == NULL)
		return error_in(e, "$each");
	if ((t->inside = calloc(1, sizeof(struct tmpl *))) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	if ((t->inside[0] = parse(item, depth + 1, e)) == NULL)
		return error_in(e, "$item");
	t->n = 1;
	t->kind = KIND_EACH;
	return 1;
}

static struct tmpl *
parse(const cJSON *v, unsigned int depth, struct error *e)
{
	struct tmpl	*t = calloc(1, sizeof(*t));
	int		 r = 0;

	if (t == NULL || depth > TMPL_DEPTH_MAX) {
		(void)error_set(e, ERR_LIMIT, t == NULL ? "no memory" : "too deep");
		free(t);
		return NULL;
	}
	if (cJSON_IsString(v)) {
		t->kind = KIND_TEXT;
		r = (t->text = text_parse(v->valuestring, e)) == NULL ? -1 : 0;
	} else if ((r = special_parse(t, v, depth, e)) != 0)
		r = r == 1 ? 0 : -1;
	else if (cJSON_IsObject(v) || cJSON_IsArray(v))
		r = inside_parse(t, v, depth, e);
	else if ((t->constant = json_dup(v)) == NULL)
		r = error_set(e, ERR_SYSTEM, "no memory");
	if (r == 0)
		return t;
	tmpl_free(t);
	return NULL;
}

struct tmpl *
tmpl_parse(const cJSON *v, struct error *e)
{
	return parse(v, 0, e);
}

bool
tmpl_uses(const struct tmpl *t, enum root r)
{
	if (t->text != NULL && text_uses(t->text, r))
		return true;
	for (size_t i = 0; i < t->n; i++)
		if (tmpl_uses(t->inside[i], r))
			return true;
	return false;
}

bool
tmpl_looks(const struct tmpl *t, bool (*fn)(void *arg, const char *pointer), void *arg)
{
	if (t->kind == KIND_EACH || t->kind == KIND_MERGE || (t->text != NULL && !text_looks(t->text, false, fn, arg)))
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (!tmpl_looks(t->inside[i], fn, arg))
			return false;
	return true;
}

static int
inside_value(const struct tmpl *t, struct scope *sc, struct value *out, struct error *e)
{
	out->v = t->kind == KIND_OBJECT ? cJSON_CreateObject() : cJSON_CreateArray();
	for (size_t i = 0; out->v != NULL && i < t->n; i++) {
		struct value	 v = { 0 };
		int		 r = scope_step(sc, 1, e);

		if (r == -1 || tmpl_value(t->inside[i], sc, &v, e) == -1)
			return t->names == NULL || r == -1 ? -1 : error_in(e, "%s", t->names[i]);
		out->secret = out->secret || v.secret;
		if (v.v == NULL)
			continue;
		if ((t->names != NULL ? json_set(out->v, t->names[i], v.v) : json_push(out->v, v.v)) == -1)
			return error_set(e, ERR_SYSTEM, "no memory");
	}
	if (out->v == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	/* An object whose members are all absent is absent as well: {"password": {"value": ...}} without a password. */
	if (t->kind == KIND_OBJECT && t->n > 0 && out->v->child == NULL)
		value_clear(out);
	return 0;
}

static int
each_value(const struct tmpl *t, struct scope *sc, struct value *out, struct error *e)
{
	const cJSON	*outer = sc->roots[ROOT_VALUE];
	autovalue	 list = { 0 };
	int		 r = text_value(t->text, sc, &list, e);

	if (r == -1 || list.v == NULL)
		return r;
	out->secret = list.secret;
	if ((out->v = cJSON_CreateArray()) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	for (size_t i = 0; r == 0 && i < value_count(list.v); i++) {
		struct value	 one = { 0 };

		sc->roots[ROOT_VALUE] = value_at(list.v, i);
		if ((r = scope_step(sc, 1, e)) == 0 && (r = tmpl_value(t->inside[0], sc, &one, e)) == 0) {
			out->secret = out->secret || one.secret;
			if (one.v != NULL && json_push(out->v, one.v) == -1)
				r = error_set(e, ERR_SYSTEM, "no memory");
		}
	}
	sc->roots[ROOT_VALUE] = outer;
	return r;
}

/* The members of from (taken) into onto; objects in both are merged as well. */
static int
merge_into(cJSON *onto, cJSON *from, struct scope *sc, struct error *e)
{
	autojson	*taken = from;
	cJSON		*m;
	int		 r = 0;

	while (r == 0 && (m = taken->child) != NULL) {
		cJSON		*there = cJSON_GetObjectItemCaseSensitive(onto, m->string);
		autofree char	*name = strdup(m->string);

		cJSON_DetachItemViaPointer(taken, m);
		if ((r = scope_step(sc, 1, e)) == -1 || name == NULL)
			cJSON_Delete(m);
		else if (cJSON_IsObject(there) && cJSON_IsObject(m))
			r = merge_into(there, m, sc, e);
		else
			r = json_set(onto, name, m);
		if (r == -1 || name == NULL)
			return e->code != ERR_NONE ? -1 : error_set(e, ERR_SYSTEM, "no memory");
	}
	return r;
}

static int
merge_value(const struct tmpl *t, struct scope *sc, struct value *out, struct error *e)
{
	int	 r = 0;

	for (size_t i = 0; r == 0 && i < t->n; i++) {
		struct value	 one = { 0 };

		if ((r = tmpl_value(t->inside[i], sc, &one, e)) == -1 || one.v == NULL)
			continue;
		out->secret = out->secret || one.secret;
		if (!cJSON_IsObject(one.v)) {
			value_clear(&one);
			r = error_set(e, ERR_REQUEST, "$merge: objects are wanted");
		} else if (out->v == NULL)
			out->v = one.v;
		else
			r = merge_into(out->v, one.v, sc, e);
	}
	return r;
}

int
tmpl_value(const struct tmpl *t, struct scope *sc, struct value *out, struct error *e)
{
	int	 r;

	*out = (struct value){ 0 };
	switch (t->kind) {
	case KIND_TEXT:
		return text_value(t->text, sc, out, e);
	case KIND_CONSTANT:
		out->v = json_dup(t->constant);
		return out->v == NULL ? error_set(e, ERR_SYSTEM, "no memory") : 0;
	default:
		r = t->kind == KIND_EACH ? each_value(t, sc, out, e) : t->kind == KIND_MERGE ? merge_value(t, sc, out, e) :
		    inside_value(t, sc, out, e);
		if (r == -1)
			value_clear(out);
		return r;
	}
}
