/*
 * describe_step.c -- requests of a description: steps, rules, pages, pairs.
 */
#include <bsd/string.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/describe.h"

#define NAMES_BYTES	512u	/* of the names of an object's members */
#define PAGE_SIZE_MAX	10000u

const char *
inside(char out[WHERE_BYTES], const char *where, const char *name)
{
	(void)strlcpy(out, where, WHERE_BYTES);
	(void)strlcat(out, "/", WHERE_BYTES);
	(void)strlcat(out, name, WHERE_BYTES);
	return out;
}

void
fault(struct faults *f, const char *where, const char *fmt, ...)
{
	va_list	 ap;
	char	 text[1024];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->n++;
	buf_addf(&f->text, "%s: %s\n", where[0] == '\0' ? "/" : where, text);
}

/* Names without their types, for a message. */
static const char *
names_show(char out[NAMES_BYTES], const char *names)
{
	size_t	 n = 0;

	for (; *names != '\0' && n + 1 < NAMES_BYTES; names++)
		if (*names == ':' && names[1] != '\0')
			names++;
		else
			out[n++] = *names;
	out[n] = '\0';
	return out;
}

/* The word behind the name: ' ' or '\0', ':' before a type; NULL: it is not among them. */
static const char *
name_among(const char *names, const char *name)
{
	size_t		 n = strlen(name);
	const char	*p = names;

	/* The empty name is found everywhere. */
	while (n > 0 && (p = strstr(p, name)) != NULL) {
		if ((p == names || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0' || p[n] == ':'))
			return p + n;
		p += n;
	}
	return NULL;
}

static bool
type_fits(const cJSON *v, char type)
{
	int64_t	 n;

	switch (type) {
	case 's':
		return cJSON_IsString(v);
	case 'b':
		return cJSON_IsBool(v);
	case 'n':
		return cJSON_IsNumber(v) && json_i64_of(v, &n);
	default:
		return !cJSON_IsNull(v);
	}
}

void
members_only(const cJSON *object, const char *names, const char *where, struct faults *f)
{
	char		 shown[NAMES_BYTES], at[WHERE_BYTES];
	const cJSON	*m;

	if (object != NULL && !cJSON_IsObject(object)) {
		fault(f, where, "an object is wanted");
		return;
	}
	cJSON_ArrayForEach(m, object) {
		const char	*behind = name_among(names, m->string);
		char		 type = behind != NULL && *behind == ':' ? behind[1] : '\0';

		if (behind == NULL)
			fault(f, where, "\"%s\" is not known here; there are: %s", m->string, names_show(shown, names));
		else if (type != '\0' && !type_fits(m, type))
			fault(f, inside(at, where, m->string), "%s", type == 's' ? "a string is wanted" : type == 'b' ?
			    "true or false is wanted" : type == 'n' ? "a whole number is wanted" : "it is null");
	}
}

struct text *
text_read(const cJSON *v, const char *where, bool secrets, struct faults *f)
{
	struct error	 e = ERROR_NONE;
	struct text	*t;

	if (v == NULL)
		return NULL;
	if (!cJSON_IsString(v)) {
		fault(f, where, "a string is wanted");
		return NULL;
	}
	if ((t = text_parse(v->valuestring, &e)) == NULL) {
		fault(f, where, "%s", e.msg);
		return NULL;
	}
	if (!secrets && text_uses(t, ROOT_SECRET))
		fault(f, where, "a secret may not go there: only into sign-in and into bodies of writes");
	return t;
}

char *
pointer_read(const cJSON *v, const char *where, struct faults *f)
{
	if (v == NULL)
		return NULL;
	if (!cJSON_IsString(v) || (v->valuestring[0] != '\0' && v->valuestring[0] != '/')) {
		fault(f, where, "a JSON pointer is wanted: \"/a/b\"");
		return NULL;
	}
	return strdup(v->valuestring);
}

void
pairs_read(struct pairs *p, const cJSON *v, const char *where, bool secrets, struct faults *f)
{
	char		 at[WHERE_BYTES];
	const cJSON	*m;

	if (v != NULL && !cJSON_IsObject(v)) {
		fault(f, where, "an object is wanted: name to value");
		return;
	}
	cJSON_ArrayForEach(m, v) {
		inside(at, where, m->string);
		if (p->n == PAIRS_MAX) {
			fault(f, at, "more than %u of them", PAIRS_MAX);
			return;
		}
		if (m->string[strcspn(m->string, "\r\n: ")] != '\0' || m->string[0] == '\0')
			fault(f, at, "this is no name");
		p->at[p->n].name = strdup(m->string);
		p->at[p->n].value = text_read(m, at, secrets, f);
		p->n++;
	}
}

/* A number, or a word like "5xx". */
static bool
status_read(const cJSON *v, int *status)
{
	if (cJSON_IsString(v) && strlen(v->valuestring) == 3 && strcmp(v->valuestring + 1, "xx") == 0 &&
	    v->valuestring[0] >= '1' && v->valuestring[0] <= '5') {
		*status = v->valuestring[0] - '0';
		return true;
	}
	if (!cJSON_IsNumber(v) || !(v->valuedouble >= 100 && v->valuedouble <= 599))
		return false;
	*status = (int)v->valuedouble;
	return true;
}

static size_t
statuses_read(int out[OK_MAX], const cJSON *v, const char *where, struct faults *f)
{
	size_t	 n = 0;

	for (size_t i = 0; i < value_count(v); i++)
		if (n == OK_MAX || !status_read(value_at(v, i), &out[n++]))
			fault(f, where, "up to %u statuses are wanted: 404 or \"5xx\"", OK_MAX);
	return n;
}

static const char *const then_names[] = {
	[THEN_OK] = "ok", [THEN_NOT_FOUND] = "notFound", [THEN_EXISTS] = "exists", [THEN_INVALID] = "invalid",
	[THEN_AUTH] = "auth", [THEN_WAIT] = "wait", [THEN_RETRY] = "retry", [THEN_FATAL] = "fatal", [THEN_RESTART] = "restart",
};
static_assert(N_ITEMS(then_names) == THEN__MAX, "every outcome has its word");

static void
rule_read(struct rule *r, const cJSON *v, const char *where, struct faults *f)
{
	const char	*word = json_str(v, "then", "");
	char		 at[WHERE_BYTES];

	if (!cJSON_IsObject(v)) {
		fault(f, where, "an object is wanted");
		return;
	}
	members_only(v, "status:x header:s contains:s when then:s message waitFrom:s", where, f);
	r->where = strdup(where);
	r->nstatus = statuses_read(r->status, json_get(v, "status"), inside(at, where, "status"), f);
	r->header = json_str(v, "header", NULL) == NULL ? NULL : strdup(json_str(v, "header", ""));
	r->header_value = json_str(v, "contains", NULL) == NULL ? NULL : strdup(json_str(v, "contains", ""));
	r->when = text_read(json_get(v, "when"), inside(at, where, "when"), false, f);
	r->message = pointer_read(json_get(v, "message"), inside(at, where, "message"), f);
	r->wait_header = json_str(v, "waitFrom", NULL) == NULL ? NULL : strdup(json_str(v, "waitFrom", ""));
	for (r->then = 0; r->then < THEN__MAX && strcmp(then_names[r->then], word) != 0; r->then++)
		;
	if (r->then == THEN__MAX)
		fault(f, inside(at, where, "then"), "ok, notFound, exists, invalid, auth, wait, retry, fatal or restart is wanted");
	if (r->nstatus == 0 && r->header == NULL && r->when == NULL)
		fault(f, where, "it says of nothing when it holds: \"status\", \"header\" or \"when\"");
}

void
rules_read(struct rules *r, const cJSON *v, const char *where, struct faults *f)
{
	char		 at[WHERE_BYTES], name[16];
	const cJSON	*m;

	if (v != NULL && !cJSON_IsArray(v))
		fault(f, where, "an array of rules is wanted");
	cJSON_ArrayForEach(m, v) {
		snprintf(name, sizeof(name), "%zu", r->n);
		if (r->n == RULES_MAX) {
			fault(f, where, "more than %u rules", RULES_MAX);
			return;
		}
		rule_read(&r->at[r->n], m, inside(at, where, name), f);
		r->n++;
	}
}

static const struct {
	const char	*word;
	enum page_kind	 kind;
	const char	*members;	/* that it must have */
} page_kinds[] = {
	{ "none", PAGE_NONE, "" }, { "link", PAGE_LINK, "" }, { "next", PAGE_NEXT_URL, "next" },
	{ "cursor", PAGE_CURSOR, "next param" }, { "offset", PAGE_OFFSET, "param" }, { "page", PAGE_NUMBER, "param" },
	{ "scim", PAGE_SCIM, "" },
};

static const char *
string_of(const cJSON *v, const char *name)
{
	const char	*s = json_str(v, name, NULL);

	return s == NULL ? NULL : strdup(s);
}

static void
page_read(struct page_plan *p, const cJSON *v, const char *where, struct faults *f)
{
	const char	*word = json_str(v, "kind", "none");
	char		 at[WHERE_BYTES];
	int64_t		 size = json_i64(v, "size", 0);
	size_t		 i;

	members_only(v, "kind:s next:x more:x total:x param:s sizeParam:s size:n first:n in:s mayMiss:b totalMayMove:b "
	    "truncated:x distinct:b", where, f);
	for (i = 0; i < N_ITEMS(page_kinds) && strcmp(page_kinds[i].word, word) != 0; i++)
		;
	if (i == N_ITEMS(page_kinds)) {
		fault(f, inside(at, where, "kind"), "none, link, next, cursor, offset, page or scim is wanted");
		return;
	}
	if (strstr(page_kinds[i].members, "next") != NULL && json_get(v, "next") == NULL)
		fault(f, where, "\"next\" is wanted: where the %s is in the answer", word);
	if (strstr(page_kinds[i].members, "param") != NULL && json_str(v, "param", NULL) == NULL)
		fault(f, where, "\"param\" is wanted: the parameter that moves on");
	if (size < 0 || size > PAGE_SIZE_MAX)
		fault(f, inside(at, where, "size"), "0 to %u is wanted", PAGE_SIZE_MAX);
	p->kind = page_kinds[i].kind;
	p->next = pointer_read(json_get(v, p->kind == PAGE_NONE ? "truncated" : "next"), inside(at, where, "next"), f);
	p->more = pointer_read(json_get(v, "more"), inside(at, where, "more"), f);
	p->total = pointer_read(json_get(v, "total"), inside(at, where, "total"), f);
	p->param = string_of(v, "param");
	p->size_param = string_of(v, "sizeParam");
	p->size = (unsigned int)size;
	p->first = json_i64(v, "first", p->kind == PAGE_NUMBER);
	p->in_body = strcmp(json_str(v, "in", "query"), "body") == 0;
	p->in_headers = strcmp(json_str(v, "in", "query"), "header") == 0;
	if (!p->in_body && !p->in_headers && strcmp(json_str(v, "in", "query"), "query") != 0)
		fault(f, inside(at, where, "in"), "query, body or header is wanted");
	p->rows_may_miss = json_bool(v, "mayMiss", false);
	p->total_may_move = json_bool(v, "totalMayMove", false);
}

/* "pointer" into the body, {"header":"Name"} or {"cookie":"Name"}. */
size_t
keeps_read(struct keep keeps[KEEPS_MAX], const cJSON *v, const char *where, struct faults *f)
{
	char		 at[WHERE_BYTES];
	const cJSON	*m;
	size_t		 n = 0;

	if (v != NULL && !cJSON_IsObject(v)) {
		fault(f, where, "an object is wanted: name to where it is in the answer");
		return 0;
	}
	cJSON_ArrayForEach(m, v) {
		struct keep	*k = &keeps[n];

		if (n == KEEPS_MAX) {
			fault(f, where, "more than %u of them", KEEPS_MAX);
			return n;
		}
		k->name = strdup(m->string);
		if (cJSON_IsObject(m))
			members_only(m, "header:s cookie:s", inside(at, where, m->string), f);
		if (cJSON_IsObject(m) && json_str(m, "header", NULL) != NULL)
			k->header = strdup(json_str(m, "header", ""));
		else if (cJSON_IsObject(m) && json_str(m, "cookie", NULL) != NULL)
			k->cookie = strdup(json_str(m, "cookie", ""));
		else
			k->pointer = pointer_read(m, inside(at, where, m->string), f);
		n++;
	}
	return n;
}

static void
new_id_read(struct step *s, const cJSON *v, const char *where, struct faults *f)
{
	for (size_t i = 0; i < value_count(v); i++) {
		const cJSON	*one = value_at(v, i);
		const char	*text = cJSON_IsString(one) ? one->valuestring : "";
		struct new_id	*to = &s->new_id[s->nnew_id];
		bool		 path = text[0] == '/' || strcmp(text, "location") == 0 || strncmp(text, "input:/", 7) == 0;

		if (s->nnew_id == N_ITEMS(s->new_id) || (!path && strncmp(text, "${", 2) != 0)) {
			fault(f, where, "up to %zu of \"/pointer\", \"location\", \"input:/pointer\" or \"${response...}\" are wanted",
			    N_ITEMS(s->new_id));
			return;
		}
		if (path)
			to->from = strdup(text);
		else
			to->text = text_read(one, where, false, f);
		s->nnew_id++;
	}
}

static const struct { const char *member, *method; } methods[] = {
	{ "get", "GET" }, { "post", "POST" }, { "put", "PUT" }, { "patch", "PATCH" }, { "delete", "DELETE" },
};

static void
body_read(struct step *s, const cJSON *v, const char *where, struct faults *f)
{
	const cJSON	*json = json_get(v, "json"), *form = json_get(v, "form");
	char		 at[WHERE_BYTES];
	struct error	 e = ERROR_NONE;

	s->form = form != NULL;
	inside(at, where, s->form ? "form" : "json");
	if (json != NULL && form != NULL)
		fault(f, where, "\"json\" or \"form\", not both");
	if (json == NULL && form == NULL)
		return;
	if ((s->body = tmpl_parse(s->form ? form : json, &e)) == NULL)
		fault(f, at, "%s", e.msg);
	else if (strcmp(s->method, "GET") == 0)
		fault(f, at, "a GET has no body");
}

/* NULL: no memory, and a message has less to say. */
static char *
shown_make(const cJSON *v, const char *method)
{
	char	*shown = NULL;

	for (size_t i = 0; i < N_ITEMS(methods); i++)
		if (methods[i].method == method && asprintf(&shown, "%s %s", method, json_str(v, methods[i].member, "")) == -1)
			return NULL;
	return shown;
}

static void
step_read(struct step *s, const cJSON *v, const char *where, struct faults *f)
{
	char		 at[WHERE_BYTES];
	unsigned int	 n = 0;

	s->where = strdup(where);
	s->method = "GET";
	if (!cJSON_IsObject(v)) {
		fault(f, where, "an object is wanted: one request");
		return;
	}
	members_only(v, "get post put patch delete query headers json form when each ok:x repeatable:b errors items:x item:x page "
	    "keep newId:x", where, f);
	for (size_t i = 0; i < N_ITEMS(methods); i++) {
		const cJSON	*path = json_get(v, methods[i].member);

		if (path == NULL || n++ > 0)
			continue;
		s->method = methods[i].method;
		s->path = text_read(path, inside(at, where, methods[i].member), false, f);
		if (cJSON_IsString(path) && path->valuestring[0] != '/' && strncmp(path->valuestring, "${", 2) != 0)
			fault(f, at, "a path begins with '/'");
	}
	if (n != 1)
		fault(f, where, "one of get, post, put, patch and delete is wanted, with a path");
	else
		s->shown = shown_make(v, s->method);
	pairs_read(&s->query, json_get(v, "query"), inside(at, where, "query"), false, f);
	pairs_read(&s->headers, json_get(v, "headers"), inside(at, where, "headers"), s->sign_in, f);
	body_read(s, v, where, f);
	s->when = text_read(json_get(v, "when"), inside(at, where, "when"), true, f);
	s->each = text_read(json_get(v, "each"), inside(at, where, "each"), true, f);
	s->nok = statuses_read(s->ok, json_get(v, "ok"), inside(at, where, "ok"), f);
	s->repeatable = json_bool(v, "repeatable", false);
	rules_read(&s->errors, json_get(v, "errors"), inside(at, where, "errors"), f);
	s->items = pointer_read(json_get(v, "items"), inside(at, where, "items"), f);
	s->item = pointer_read(json_get(v, "item"), inside(at, where, "item"), f);
	page_read(&s->page, json_get(v, "page"), inside(at, where, "page"), f);
	s->page.rows = s->items;
	s->distinct = json_bool(json_get(v, "page"), "distinct", false);
	s->nkeeps = keeps_read(s->keeps, json_get(v, "keep"), inside(at, where, "keep"), f);
	new_id_read(s, json_get(v, "newId"), inside(at, where, "newId"), f);
}

static void
requests_read(struct op *op, const cJSON *v, const char *where, bool sign_in, struct faults *f)
{
	const cJSON	*steps = cJSON_IsArray(v) ? v : json_get(v, "steps");
	char		 at[WHERE_BYTES], name[16];
	size_t		 n = steps == NULL ? 1 : (size_t)cJSON_GetArraySize(steps);

	if (v == NULL)
		return;
	if (n == 0 || n > STEPS_MAX) {
		fault(f, where, "1 to %u steps are wanted", STEPS_MAX);
		return;
	}
	if (steps != NULL && !cJSON_IsArray(v))
		members_only(v, "steps", where, f);
	if ((op->steps = calloc(n, sizeof(*op->steps))) == NULL) {
		fault(f, where, "no memory");
		return;
	}
	op->n = n;
	for (size_t i = 0; i < n; i++) {
		op->steps[i].sign_in = sign_in;
		snprintf(name, sizeof(name), "%zu", i);
		if (steps == NULL)
			step_read(&op->steps[0], v, where, f);
		else
			step_read(&op->steps[i], value_at(steps, i), inside(at, where, name), f);
	}
}

void
op_read(struct op *op, const cJSON *v, const char *where, struct faults *f)
{
	requests_read(op, v, where, false, f);
}

void
sign_in_op_read(struct op *op, const cJSON *v, const char *where, struct faults *f)
{
	requests_read(op, v, where, true, f);
}
