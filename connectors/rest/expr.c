/*
 * expr.c -- expressions evaluated against a scope.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/expr_private.h"

static const char *const root_names[] = {
	[ROOT_CONFIG] = "config", [ROOT_SECRET] = "secret", [ROOT_INPUT] = "input", [ROOT_RECORD] = "record",
	[ROOT_RESPONSE] = "response", [ROOT_STEP] = "step", [ROOT_ID] = "id", [ROOT_VALUE] = "value",
	[ROOT_SET] = "set", [ROOT_JOIN] = "join",
	[ROOT_STATE] = "state",
	[ROOT_SESSION] = "session", [ROOT_TOKEN] = "token",
};
static_assert(N_ITEMS(root_names) == ROOT__MAX, "every root has its name");

const char *
root_name(enum root r)
{
	return r < ROOT__MAX ? root_names[r] : NULL;
}

void
scope_begin(struct scope *sc)
{
	sc->steps = EXPR_STEPS_MAX;
}

int
scope_step(struct scope *sc, unsigned int n, struct error *e)
{
	if (sc->steps < n)
		return error_set(e, ERR_LIMIT, "an expression took over %u steps", EXPR_STEPS_MAX);
	sc->steps -= n;
	return 0;
}

void
value_clear(struct value *v)
{
	if (v->secret)
		json_wipe(v->v);
	else
		cJSON_Delete(v->v);
	*v = (struct value){ 0 };
}

static void
operand_free(struct operand *o)
{
	free(o->pointer);
	cJSON_Delete(o->constant);
}

void
text_free(struct text *t)
{
	for (size_t i = 0; t != NULL && i < t->n; i++) {
		struct part	*pt = &t->parts[i];

		free(pt->literal);
		operand_free(&pt->source);
		for (size_t k = 0; k < pt->nstages; k++)
			for (size_t a = 0; a < pt->stages[k].nargs; a++)
				operand_free(&pt->stages[k].args[a]);
		free(pt->stages);
	}
	if (t != NULL)
		free(t->parts);
	free(t);
}

bool
text_plain(const struct text *t)
{
	return t->n == 0 || (t->n == 1 && t->parts[0].literal != NULL);
}

/* Roots of which every value is marked. */
static bool
is_marked(enum root r)
{
	return r == ROOT_SECRET || r == ROOT_TOKEN || r == ROOT_SESSION;
}

static bool
names(const struct operand *o, enum root r)
{
	return o->pointer != NULL && o->root == r;
}

static bool
uses(const struct operand *o, enum root r)
{
	return names(o, r) || (r == ROOT_SECRET && o->pointer != NULL && is_marked(o->root));
}

static bool
any_operand(const struct text *t, enum root r, bool (*is)(const struct operand *, enum root))
{
	for (size_t i = 0; i < t->n; i++) {
		const struct part	*pt = &t->parts[i];

		if (pt->literal == NULL && is(&pt->source, r))
			return true;
		for (size_t k = 0; k < pt->nstages; k++)
			for (size_t a = 0; a < pt->stages[k].nargs; a++)
				if (is(&pt->stages[k].args[a], r))
					return true;
	}
	return false;
}

bool
text_uses(const struct text *t, enum root r)
{
	return any_operand(t, r, uses);
}

bool
text_names(const struct text *t, enum root r)
{
	return any_operand(t, r, names);
}

/* A password that is to be set is a secret of the caller's. */
static bool
is_password(const struct operand *o)
{
	const char	*last = strrchr(o->pointer, '/');

	if (o->root != ROOT_INPUT && o->root != ROOT_SET && o->root != ROOT_VALUE)
		return false;
	return last != NULL && strcasestr(last, "password") != NULL;
}

/* What holds a password holds a secret: all of input, say. */
static bool
holds_password(const cJSON *v)
{
	const cJSON	*m;

	cJSON_ArrayForEach(m, v)
		if ((m->string != NULL && strcasestr(m->string, "password") != NULL) || holds_password(m))
			return true;
	return false;
}

bool
value_echoes(const cJSON *v)
{
	const cJSON	*m;

	if (cJSON_IsString(v))
		return redact_holds(v->valuestring);
	if (!cJSON_IsArray(v) && !cJSON_IsObject(v))
		return false;
	cJSON_ArrayForEach(m, v)
		if ((m->string != NULL && redact_holds(m->string)) || value_echoes(m))
			return true;
	return false;
}

/* Roots in which there is what a source said. */
static bool
is_said(enum root r)
{
	return r == ROOT_RECORD || r == ROOT_RESPONSE || r == ROOT_STEP || r == ROOT_JOIN || r == ROOT_VALUE || r == ROOT_STATE;
}

static int
operand_value(const struct operand *o, struct scope *sc, struct value *out, struct error *e)
{
	const cJSON	*v = o->pointer == NULL ? o->constant : json_at(sc->roots[o->root], o->pointer);

	*out = (struct value){ 0 };
	if (scope_step(sc, 1, e) == -1)
		return -1;
	if (v == NULL)
		return 0;
	if ((out->v = json_dup(v)) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	if (o->pointer != NULL)
		out->secret = is_marked(o->root) || is_password(o) ||
		    ((o->root == ROOT_INPUT || o->root == ROOT_SET) && holds_password(v)) || (is_said(o->root) && value_echoes(v));
	return 0;
}

static int
stage_run(const struct stage *st, struct scope *sc, struct value *v, struct error *e)
{
	struct value		 args[EXPR_ARGS_MAX] = { 0 }, out = { 0 };
	struct filter_call	 call = { .args = args, .nargs = st->nargs, .scope = sc };
	bool			 secret = v->secret;
	int			 r = scope_step(sc, 1, e);

	for (size_t i = 0; r == 0 && i < st->nargs; i++) {
		r = operand_value(&st->args[i], sc, &args[i], e);
		secret = secret || args[i].secret;
	}
	call.in = *v;
	*v = (struct value){ 0 };
	if (r == 0)
		r = filter_run(st->filter, &call, &out, e);
	value_clear(&call.in);
	for (size_t i = 0; i < st->nargs; i++)
		value_clear(&args[i]);
	*v = out;
	v->secret = secret;
	return r;
}

static int
part_value(const struct part *pt, struct scope *sc, struct value *out, struct error *e)
{
	int	 r = operand_value(&pt->source, sc, out, e);

	for (size_t k = 0; r == 0 && k < pt->nstages; k++)
		r = stage_run(&pt->stages[k], sc, out, e);
	if (r == -1)
		value_clear(out);
	return r;
}

int
text_value(const struct text *t, struct scope *sc, struct value *out, struct error *e)
{
	char	*s;

	*out = (struct value){ 0 };
	if (t->n == 1 && t->parts[0].literal == NULL)
		return part_value(&t->parts[0], sc, out, e);
	if ((s = text_string(t, sc, ESCAPE_NONE, &out->secret, e)) == NULL)
		return -1;
	out->v = cJSON_CreateString(s);
	if (out->secret)
		explicit_bzero(s, strlen(s));
	free(s);
	return out->v == NULL ? error_set(e, ERR_SYSTEM, "no memory") : 0;
}

static int
escaped_add(struct buf *b, const char *s, enum escape how, struct error *e)
{
	char	*coded;

	switch (how) {
	case ESCAPE_SEGMENT:
		if ((coded = fetch_escape(s)) == NULL)
			return error_set(e, ERR_SYSTEM, "no memory");
		buf_adds(b, coded);
		free(coded);
		return 0;
	case ESCAPE_HEADER:
		for (const char *p = s; *p != '\0'; p++)
			if (iscntrl((unsigned char)*p))
				return error_set(e, ERR_REQUEST, "a control character in a header");
		break;
	default:
		break;
	}
	buf_adds(b, s);
	return 0;
}

static int
part_add(const struct part *pt, struct scope *sc, enum escape how, bool *secret, struct buf *b, struct error *e)
{
	autovalue	 v = { 0 };
	char		 scratch[64];
	const char	*s;

	if (pt->literal != NULL) {
		buf_adds(b, pt->literal);
		return 0;
	}
	if (part_value(pt, sc, &v, e) == -1)
		return -1;
	if (v.secret && secret == NULL)
		return error_set(e, ERR_REQUEST, "a secret may not go there");
	if (v.secret)
		*secret = true;
	if ((s = json_scalar_text(v.v, scratch, sizeof(scratch))) == NULL)
		return error_set(e, ERR_REQUEST, "${%s%s}: %s", root_names[pt->source.root],
		    pt->source.pointer == NULL ? "" : pt->source.pointer, v.v == NULL ? "nothing is there" :
		    "an object, an array or null does not fit into a text");
	return escaped_add(b, s, how, e);
}

char *
text_string(const struct text *t, struct scope *sc, enum escape how, bool *secret, struct error *e)
{
	struct buf	 b;

	buf_init(&b, EXPR_RESULT_BYTES_MAX);
	buf_adds(&b, "");
	for (size_t i = 0; i < t->n; i++)
		if (part_add(&t->parts[i], sc, how, secret, &b, e) == -1) {
			buf_wipe(&b);
			return NULL;
		}
	if (buf_check(&b, "text", e) == -1) {
		buf_wipe(&b);
		return NULL;
	}
	return buf_steal(&b);
}
