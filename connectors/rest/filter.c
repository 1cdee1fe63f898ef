/*
 * filter.c -- the filters: one table, each total and bounded by what goes in.
 *
 * A filter gets the value in front of it and its arguments, and makes a value; absent goes in as absent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/filter_private.h"

struct filter {
	const char	*name;
	size_t		 least, most;	/* arguments */
	const char	*wanted;	/* what is right, for a message */
	filter_fn	*run;
	bool		 text;		/* of scalars: an object or an array is a mistake, not "" */
	enum passes	 passes;
};

int
filter_no_memory(struct error *e)
{
	return error_set(e, ERR_SYSTEM, "no memory");
}

/* A made value; NULL: there was no memory. */
int
give(struct value *out, cJSON *v, struct error *e)
{
	out->v = v;
	return v == NULL ? filter_no_memory(e) : 0;
}

int
give_text(struct value *out, const char *s, struct error *e)
{
	return give(out, cJSON_CreateString(s), e);
}

/* What goes in goes out. */
static int
pass(struct filter_call *c, struct value *out)
{
	out->v = c->in.v;
	c->in.v = NULL;
	return 0;
}

const char *
text_of(const cJSON *v, char scratch[64])
{
	const char	*s = json_scalar_text(v, scratch, 64);

	return s == NULL ? "" : s;
}

const char *
arg_text(const struct filter_call *c, size_t i, char scratch[64])
{
	return i < c->nargs ? text_of(c->args[i].v, scratch) : "";
}

bool
arg_number(const struct filter_call *c, size_t i, int64_t *n)
{
	return i < c->nargs && c->args[i].v != NULL && json_i64_of(c->args[i].v, n);
}

/* Absent, null, false, "", an empty array or object. */
static bool
is_empty(const cJSON *v)
{
	return v == NULL || cJSON_IsNull(v) || cJSON_IsFalse(v) || (cJSON_IsString(v) && v->valuestring[0] == '\0') ||
	    ((cJSON_IsArray(v) || cJSON_IsObject(v)) && v->child == NULL);
}

static int
f_default(struct filter_call *c, struct value *out, struct error *e)
{
	if (c->in.v != NULL && !cJSON_IsNull(c->in.v))
		return pass(c, out);
	return c->args[0].v == NULL ? 0 : give(out, json_dup(c->args[0].v), e);
}

int
f_split(struct filter_call *c, struct value *out, struct error *e)
{
	char		 one[64], two[64];
	const char	*s = text_of(c->in.v, one), *by = arg_text(c, 0, two), *end;
	cJSON		*list;

	if (c->in.v == NULL)
		return 0;
	if (by[0] == '\0')
		return error_set(e, ERR_REQUEST, "split: by what?");
	if ((list = cJSON_CreateArray()) == NULL)
		return filter_no_memory(e);
	out->v = list;
	for (; *s != '\0'; s = *end == '\0' ? end : end + strlen(by)) {
		char	*piece;
		int	 r;

		end = strstr(s, by);
		end = end == NULL ? s + strlen(s) : end;
		if (scope_step(c->scope, 1, e) == -1)
			return -1;
		piece = strndup(s, (size_t)(end - s));
		r = piece == NULL ? -1 : json_push(list, cJSON_CreateString(piece));
		free(piece);
		if (r == -1)
			return filter_no_memory(e);
	}
	return 0;
}

static int
f_join(struct filter_call *c, struct value *out, struct error *e)
{
	struct buf	 b;
	char		 one[64], two[64];
	const char	*by = arg_text(c, 0, two);
	int		 r;

	if (c->in.v == NULL)
		return 0;
	buf_init(&b, EXPR_RESULT_BYTES_MAX);
	buf_adds(&b, "");
	for (size_t i = 0; i < value_count(c->in.v); i++) {
		if (scope_step(c->scope, 1, e) == -1) {
			buf_wipe(&b);
			return -1;
		}
		buf_adds(&b, i > 0 ? by : "");
		buf_adds(&b, text_of(value_at(c->in.v, i), one));
	}
	r = buf_check(&b, "join", e) == -1 ? -1 : give_text(out, b.data, e);
	buf_wipe(&b);
	return r;
}

int
take_at(struct filter_call *c, struct value *out, int64_t at, struct error *e)
{
	int64_t	 n = (int64_t)value_count(c->in.v);

	at = at < 0 ? n + at : at;
	return at < 0 || at >= n ? 0 : give(out, json_dup(value_at(c->in.v, (size_t)at)), e);
}

static int
f_first(struct filter_call *c, struct value *out, struct error *e)
{
	return take_at(c, out, 0, e);
}

static int
f_last(struct filter_call *c, struct value *out, struct error *e)
{
	return take_at(c, out, -1, e);
}

static int
f_at(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64];
	int64_t		 at;
	const cJSON	*found;

	if (arg_number(c, 0, &at) && !cJSON_IsObject(c->in.v))
		return take_at(c, out, at, e);
	found = json_at(c->in.v, arg_text(c, 0, scratch));
	return found == NULL ? 0 : give(out, json_dup(found), e);
}

static int
f_map(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64];
	const char	*pointer = arg_text(c, 0, scratch);

	if (c->in.v == NULL)
		return 0;
	if ((out->v = cJSON_CreateArray()) == NULL)
		return filter_no_memory(e);
	for (size_t i = 0; i < value_count(c->in.v); i++) {
		const cJSON	*found = json_at(value_at(c->in.v, i), pointer);

		if (scope_step(c->scope, 1, e) == -1)
			return -1;
		if (found != NULL && json_push(out->v, json_dup(found)) == -1)
			return filter_no_memory(e);
	}
	return 0;
}

/* Those whose member at the pointer is this value, or where one is and is not empty. */
static int
f_where(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64];
	const char	*pointer = arg_text(c, 0, scratch);

	if (c->in.v == NULL)
		return 0;
	if ((out->v = cJSON_CreateArray()) == NULL)
		return filter_no_memory(e);
	for (size_t i = 0; i < value_count(c->in.v); i++) {
		const cJSON	*one = value_at(c->in.v, i), *found = json_at(one, pointer);
		bool		 good = c->nargs < 2 ? !is_empty(found) : c->args[1].v != NULL && found != NULL &&
		    json_equal(found, c->args[1].v);

		if (scope_step(c->scope, 1, e) == -1)
			return -1;
		if (good && json_push(out->v, json_dup(one)) == -1)
			return filter_no_memory(e);
	}
	return 0;
}

static int
f_unique(struct filter_call *c, struct value *out, struct error *e)
{
	if (c->in.v == NULL)
		return 0;
	if ((out->v = cJSON_CreateArray()) == NULL)
		return filter_no_memory(e);
	for (size_t i = 0; i < value_count(c->in.v); i++) {
		const cJSON	*one = value_at(c->in.v, i), *seen;
		bool		 twice = false;

		cJSON_ArrayForEach(seen, out->v) {
			if (scope_step(c->scope, 1, e) == -1)
				return -1;
			twice = twice || json_equal(seen, one);
		}
		if (!twice && json_push(out->v, json_dup(one)) == -1)
			return filter_no_memory(e);
	}
	return 0;
}

static int
by_text(const void *a, const void *b)
{
	char	 one[64], two[64];

	return strcmp(text_of(*(cJSON *const *)a, one), text_of(*(cJSON *const *)b, two));
}

static int
f_sort(struct filter_call *c, struct value *out, struct error *e)
{
	size_t	 n = value_count(c->in.v);
	cJSON	**all;
	int	 r = 0;

	if (c->in.v == NULL)
		return 0;
	if (scope_step(c->scope, (unsigned int)(n > EXPR_STEPS_MAX ? EXPR_STEPS_MAX + 1 : n), e) == -1)
		return -1;
	out->v = cJSON_CreateArray();
	all = calloc(n + 1, sizeof(*all));
	for (size_t i = 0; all != NULL && i < n; i++)
		all[i] = (cJSON *)(uintptr_t)value_at(c->in.v, i);
	if (all != NULL)
		qsort(all, n, sizeof(*all), by_text);
	for (size_t i = 0; r == 0 && all != NULL && i < n; i++)
		r = json_push(out->v, json_dup(all[i]));
	free(all);
	return out->v == NULL || all == NULL || r == -1 ? filter_no_memory(e) : 0;
}

static int
f_count(struct filter_call *c, struct value *out, struct error *e)
{
	return give(out, json_int((int64_t)value_count(c->in.v)), e);
}

static int
f_not(struct filter_call *c, struct value *out, struct error *e)
{
	return give(out, cJSON_CreateBool(is_empty(c->in.v)), e);
}

/* By value; a number and the text of the same digits are equal too, since sources mix them. */
static bool
same(const cJSON *a, const cJSON *b)
{
	char	 one[64], two[64];

	if (a == NULL || b == NULL)
		return a == b;
	if (json_equal(a, b))
		return true;
	return ((cJSON_IsNumber(a) && cJSON_IsString(b)) || (cJSON_IsString(a) && cJSON_IsNumber(b))) &&
	    strcmp(text_of(a, one), text_of(b, two)) == 0;
}

static int
f_eq(struct filter_call *c, struct value *out, struct error *e)
{
	return give(out, cJSON_CreateBool(same(c->in.v, c->args[0].v)), e);
}

static int
f_in(struct filter_call *c, struct value *out, struct error *e)
{
	bool	 found = false;

	for (size_t i = 0; i < c->nargs; i++)
		for (size_t k = 0; k < value_count(c->args[i].v); k++) {
			if (scope_step(c->scope, 1, e) == -1)
				return -1;
			found = found || same(c->in.v, value_at(c->args[i].v, k));
		}
	return give(out, cJSON_CreateBool(found), e);
}

static int
f_if(struct filter_call *c, struct value *out, struct error *e)
{
	const cJSON	*v = !is_empty(c->in.v) ? c->args[0].v : c->nargs > 1 ? c->args[1].v : NULL;

	return v == NULL ? 0 : give(out, json_dup(v), e);
}

/* Its argument is an object, of the configuration say. */
static int
f_lookup(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64];
	const cJSON	*found = json_get(c->args[0].v, text_of(c->in.v, scratch));

	return found == NULL ? 0 : give(out, json_dup(found), e);
}

static int
f_str(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64];
	const char	*s = json_scalar_text(c->in.v, scratch, sizeof(scratch));

	return s == NULL ? 0 : give_text(out, s, e);
}

/* Digits stay as they are, however many. */
static int
f_int(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64];
	const char	*s = json_scalar_text(c->in.v, scratch, sizeof(scratch));
	size_t		 sign;

	if (c->in.v == NULL || cJSON_IsNull(c->in.v))
		return 0;
	sign = s != NULL && s[0] == '-';
	if (s == NULL || s[sign] == '\0' || s[sign + strspn(s + sign, "0123456789")] != '\0')
		return error_set(e, ERR_REQUEST, "int: this is no whole number");
	return (out->v = json_number_text(s)) == NULL ? error_set(e, ERR_REQUEST, "int: this is no whole number") : 0;
}

static int
f_bool(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64];
	const char	*s = text_of(c->in.v, scratch);
	bool		 yes = !is_empty(c->in.v) && strcasecmp(s, "false") != 0 && strcmp(s, "0") != 0 && strcasecmp(s, "no") != 0;

	return c->in.v == NULL ? 0 : give(out, cJSON_CreateBool(yes), e);
}

static const struct filter	 filters[] = {
	{ "default", 1, 1, "default:VALUE", f_default, .passes = PASSES_ALL },
	{ "lower", 0, 0, "lower takes nothing", f_lower, true },
	{ "upper", 0, 0, "upper takes nothing", f_upper, true },
	{ "trim", 0, 0, "trim takes nothing", f_trim, true },
	{ "split", 1, 1, "split:'BY'", f_split, true },
	{ "join", 1, 1, "join:'BY'", f_join },
	{ "first", 0, 0, "first takes nothing", f_first, .passes = PASSES_INPUT },
	{ "last", 0, 0, "last takes nothing", f_last, .passes = PASSES_INPUT },
	{ "at", 1, 1, "at:NUMBER or at:'/POINTER'", f_at, .passes = PASSES_INPUT },
	{ "map", 1, 1, "map:'/POINTER'", f_map, .passes = PASSES_INPUT },
	{ "where", 1, 2, "where:'/POINTER'[,VALUE]", f_where },
	{ "unique", 0, 0, "unique takes nothing", f_unique },
	{ "sort", 0, 0, "sort takes nothing", f_sort },
	{ "count", 0, 0, "count takes nothing", f_count },
	{ "not", 0, 0, "not takes nothing", f_not },
	{ "eq", 1, 1, "eq:VALUE", f_eq },
	{ "in", 1, EXPR_ARGS_MAX, "in:VALUE,...", f_in },
	{ "if", 1, 2, "if:VALUE[,ELSE]", f_if },
	{ "lookup", 1, 1, "lookup:config.TABLE", f_lookup },
	{ "str", 0, 0, "str takes nothing", f_str },
	{ "int", 0, 0, "int takes nothing", f_int },
	{ "bool", 0, 0, "bool takes nothing", f_bool },
	{ "date", 2, 2, "date:'FROM','TO': iso, epoch, epochms, http", f_date, true },
	{ "addsec", 1, 1, "addsec:SECONDS", f_addsec },
	{ "now", 0, 1, "now[:'FORM']: iso, epoch, epochms, http", f_now, .passes = PASSES_NEVER },
	{ "sha256", 0, 0, "sha256 takes nothing", f_sha256, true },
	{ "hmac", 1, 1, "hmac:KEY", f_hmac, true },
	{ "b64", 0, 0, "b64 takes nothing", f_b64, true },
	{ "b64url", 0, 0, "b64url takes nothing", f_b64url, true },
	{ "hex", 0, 0, "hex takes nothing", f_hex, true },
	{ "uuid", 0, 0, "uuid takes nothing", f_uuid, .passes = PASSES_NEVER },
	{ "json", 0, 0, "json takes nothing", f_json },
	{ "match", 2, 2, "match:'prefix'|'suffix'|'contains','TEXT'", f_match, true },
	{ "cut", 2, 2, "cut:'BY',NUMBER", f_cut, true },
	{ "scimstr", 0, 0, "scimstr takes nothing", f_scimstr, true },
	{ "soqlstr", 0, 0, "soqlstr takes nothing", f_soqlstr, true },
	{ "adfstr", 0, 0, "adfstr takes nothing", f_adfstr, true },
};

const struct filter *
filter_find(const char *name, size_t len)
{
	for (size_t i = 0; i < N_ITEMS(filters); i++)
		if (strlen(filters[i].name) == len && memcmp(filters[i].name, name, len) == 0)
			return &filters[i];
	return NULL;
}

bool
filter_takes(const struct filter *f, size_t nargs, const char **wanted)
{
	*wanted = f->wanted;
	return nargs >= f->least && nargs <= f->most;
}

enum passes
filter_passes(const struct filter *f)
{
	return f->passes;
}

int
filter_run(const struct filter *f, struct filter_call *c, struct value *out, struct error *e)
{
	*out = (struct value){ 0 };
	if (f->text && (cJSON_IsArray(c->in.v) || cJSON_IsObject(c->in.v)))
		return error_set(e, ERR_REQUEST, "%s: an object or an array is no text", f->name);
	if (f->run(c, out, e) == 0)
		return 0;
	value_clear(out);
	return error_in(e, "%s", f->name);
}
