/*
 * tmpl.c -- JSON in which strings are templates: what is absent leaves its member out.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/expr.h"

#define TMPL_DEPTH_MAX	32u

enum kind { KIND_CONSTANT, KIND_TEXT, KIND_OBJECT, KIND_ARRAY };

struct tmpl {
	enum kind	 kind;
	cJSON		*constant;
	struct text	*text;
	struct tmpl	**inside;	/* of an object or array */
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
	} else if (cJSON_IsObject(v) || cJSON_IsArray(v))
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
	if (t->kind == KIND_TEXT)
		return text_uses(t->text, r);
	for (size_t i = 0; i < t->n; i++)
		if (tmpl_uses(t->inside[i], r))
			return true;
	return false;
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
		if ((r = inside_value(t, sc, out, e)) == -1)
			value_clear(out);
		return r;
	}
}
