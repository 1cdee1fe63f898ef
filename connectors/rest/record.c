/*
 * record.c -- a row of the source as an account or entitlement: what the description lists, in the schema's types, and nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/rest.h"

static int
truth(struct rest *r, const struct text *t, bool secrets, struct error *e)
{
	autovalue	 v = { 0 };

	if (text_value(t, &r->sc, &v, e) == -1)
		return -1;
	if (v.secret && !secrets)
		return error_set(e, ERR_REQUEST, "a secret may not decide that");
	if (v.v == NULL || cJSON_IsNull(v.v) || cJSON_IsFalse(v.v))
		return 0;
	if (cJSON_IsString(v.v))
		return v.v->valuestring[0] != '\0' && strcmp(v.v->valuestring, "false") != 0;
	if (cJSON_IsArray(v.v) || cJSON_IsObject(v.v))
		return v.v->child != NULL;
	return 1;
}

int
text_true(struct rest *r, const struct text *t, struct error *e)
{
	return truth(r, t, false, e);
}

int
text_holds(struct rest *r, const struct text *t, struct error *e)
{
	return truth(r, t, true, e);
}

/* A scalar in the schema's type; NULL: it is none of it, or there was no memory. */
static cJSON *
scalar_typed(const cJSON *v, const struct attr *a)
{
	char		 scratch[64];
	const char	*s;

	switch (a->type) {
	case TYPE_STRING:
		if (cJSON_IsString(v))
			break;
		s = json_scalar_text(v, scratch, sizeof(scratch));
		return s == NULL ? NULL : cJSON_CreateString(s);
	case TYPE_INT:
		if (cJSON_IsNumber(v))
			break;
		s = json_scalar_text(v, scratch, sizeof(scratch));
		return s == NULL ? NULL : json_number_text(s);
	case TYPE_BOOLEAN:
		if (cJSON_IsBool(v))
			break;
		s = json_scalar_text(v, scratch, sizeof(scratch));
		if (s == NULL)
			return NULL;
		return strcasecmp(s, "true") == 0 || strcmp(s, "1") == 0 ? cJSON_CreateTrue() :
		    strcasecmp(s, "false") == 0 || strcmp(s, "0") == 0 ? cJSON_CreateFalse() : NULL;
	default:
		break;
	}
	return cJSON_IsObject(v) || cJSON_IsArray(v) ? NULL : json_dup(v);
}

static int
not_of_type(const struct attr *a, struct error *e)
{
	return error_set(e, ERR_INVALID_RESPONSE, "attribute \"%s\": the source's value is not of the schema's type", a->name);
}

/* What is absent or null is left out; one value of a multi-valued attribute is a list of one. */
static int
attribute_set(cJSON *attributes, const struct attr *a, const cJSON *v, struct error *e)
{
	cJSON	*list;

	if (v == NULL || cJSON_IsNull(v))
		return 0;
	if (!a->multi) {
		cJSON	*one = scalar_typed(cJSON_IsArray(v) && value_count(v) == 1 ? value_at(v, 0) : v, a);

		return one == NULL ? not_of_type(a, e) : json_set(attributes, a->name, one) == -1 ?
		    error_set(e, ERR_SYSTEM, "no memory") : 0;
	}
	if ((list = cJSON_CreateArray()) == NULL || json_set(attributes, a->name, list) == -1)
		return error_set(e, ERR_SYSTEM, "no memory");
	for (size_t i = 0; i < value_count(v); i++) {
		cJSON	*one = scalar_typed(value_at(v, i), a);

		if (one == NULL)
			return not_of_type(a, e);
		if (json_push(list, one) == -1)
			return error_set(e, ERR_SYSTEM, "no memory");
	}
	return 0;
}

static int
secret_said(const char *name, struct error *e)
{
	return error_set(e, ERR_REQUEST, "attribute \"%s\": a secret may not go into results", name);
}

static int
attribute_map(struct rest *r, const struct attr *a, const cJSON *row, cJSON *attributes, struct error *e)
{
	autovalue	 v = { 0 };

	if (a->pointer != NULL) {
		const cJSON	*said = json_at(row, a->pointer);

		return value_echoes(said) ? secret_said(a->name, e) : attribute_set(attributes, a, said, e);
	}
	if (tmpl_value(a->value, &r->sc, &v, e) == -1)
		return error_in(e, "attribute \"%s\"", a->name);
	if (v.secret)
		return secret_said(a->name, e);
	return attribute_set(attributes, a, v.v, e);
}

/* "disabled", "locked". */
static int
flag_set(struct rest *r, cJSON *out, const char *name, const struct text *t, struct error *e)
{
	int	 on;

	if (t == NULL)
		return 0;
	if ((on = text_true(r, t, e)) == -1)
		return error_in(e, "%s", name);
	return json_set_bool(out, name, on == 1) == -1 ? error_set(e, ERR_SYSTEM, "no memory") : 0;
}

/* Half of a record taken for a whole one takes things away. */
static int
whole(struct rest *r, const struct object *o, const char *id, struct error *e)
{
	int	 cut = o->truncated == NULL ? 0 : text_true(r, o->truncated, e);

	if (cut == -1)
		return error_in(e, "truncated");
	return cut == 0 ? 0 : error_set(e, ERR_INVALID_RESPONSE, "record %.64s was cut off by its source (\"truncated\")", id);
}

static cJSON *
map(struct rest *r, const struct object *o, const cJSON *row, struct error *e)
{
	autojson	*attributes = cJSON_CreateObject();
	char		 one[64], two[64];
	const char	*id = json_scalar_text(json_at(row, o->id), one, sizeof(one));
	const char	*unique = o->unique_id == NULL ? NULL : json_scalar_text(json_at(row, o->unique_id), two, sizeof(two));
	cJSON		*out;

	if (id == NULL || id[0] == '\0') {
		(void)error_set(e, ERR_INVALID_RESPONSE, "a record has no id at %s", o->id);
		return NULL;
	}
	if (redact_holds(id) || (unique != NULL && redact_holds(unique))) {
		(void)error_set(e, ERR_REQUEST, "an id at %s: a secret may not go into results", o->id);
		return NULL;
	}
	if (whole(r, o, id, e) == -1)
		return NULL;
	for (size_t i = 0; i < o->nattrs; i++)
		if (attribute_map(r, &o->attrs[i], row, attributes, e) == -1)
			return NULL;
	if ((out = object_new(r->c, id, unique, json_steal(&attributes))) == NULL) {
		(void)error_set(e, ERR_SYSTEM, "no memory");
		return NULL;
	}
	if (flag_set(r, out, "disabled", o->disabled, e) == 0 && flag_set(r, out, "locked", o->locked, e) == 0 &&
	    (o->type == NULL || json_set_str(out, "type", o->type) == 0))
		return out;
	cJSON_Delete(out);
	return NULL;
}

cJSON *
record_map_joined(struct rest *r, const struct object *o, const cJSON *row, const cJSON *joined, struct error *e)
{
	cJSON	*out;

	r->sc.roots[ROOT_RECORD] = row;
	r->sc.roots[ROOT_JOIN] = joined;
	scope_begin(&r->sc);
	out = map(r, o, row, e);
	r->sc.roots[ROOT_RECORD] = r->sc.roots[ROOT_JOIN] = NULL;
	return out;
}

cJSON *
record_map(struct rest *r, const struct object *o, const cJSON *row, struct error *e)
{
	autojson	*joined = NULL;

	if (o->njoins > 0 && joins_run(r, o, &row, 1, &joined, e) == -1)
		return NULL;
	return record_map_joined(r, o, row, joined, e);
}

int
record_counts(struct rest *r, const struct object *o, const cJSON *row, struct error *e)
{
	int	 counts;

	if (o->where == NULL)
		return 1;
	scope_begin(&r->sc);
	r->sc.roots[ROOT_RECORD] = row;
	counts = text_true(r, o->where, e);
	r->sc.roots[ROOT_RECORD] = NULL;
	return counts;
}

const cJSON *
answer_record(const struct step *s, const struct fetch_response *rs)
{
	return json_at(rs->body, s->item == NULL ? "" : s->item);
}
