/*
 * expr_parse.c -- a string into literals and expressions.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/expr_private.h"

#define PATH_DEPTH_MAX	32u

/* Where the parser is. */
struct reader {
	const char	*p;
	struct error	*e;
	const char	*from;
};

static int
wrong(struct reader *r, const char *what)
{
	return error_set(r->e, ERR_REQUEST, "character %zu: %s", (size_t)(r->p - r->from) + 1, what);
}

static void
blank(struct reader *r)
{
	while (*r->p == ' ')
		r->p++;
}

static bool
ends_path(char c)
{
	return c == '\0' || c == ' ' || c == '|' || c == '}' || c == ',' || c == '\'';
}

/* Appends "/name" of n bytes, '~' and '/' escaped. */
static void
pointer_add(struct buf *b, const char *name, size_t n)
{
	buf_addc(b, '/');
	for (size_t i = 0; i < n; i++)
		if (name[i] == '~' || name[i] == '/')
			buf_adds(b, name[i] == '~' ? "~0" : "~1");
		else
			buf_addc(b, name[i]);
}

/* ".a.b" or "/a/b" behind a root. */
static int
path_read(struct reader *r, struct operand *o)
{
	unsigned int	 depth = 0;
	struct buf	 b;

	buf_init(&b, EXPR_TEXT_BYTES_MAX);
	buf_adds(&b, "");
	while (*r->p == '.') {
		size_t	 n = 0;

		r->p++;
		while (!ends_path(r->p[n]) && r->p[n] != '.' && r->p[n] != '/')
			n++;
		if (n == 0 || ++depth > PATH_DEPTH_MAX) {
			buf_free(&b);
			return wrong(r, "a member's name is missing, or there are too many");
		}
		pointer_add(&b, r->p, n);
		r->p += n;
	}
	while (*r->p == '/' || (depth > 0 && !ends_path(*r->p)))
		buf_addc(&b, *r->p++), depth++;
	if (!ends_path(*r->p)) {
		buf_free(&b);
		return wrong(r, "'.', '/', '|' or '}' expected");
	}
	o->pointer = buf_steal(&b);
	return o->pointer == NULL ? wrong(r, "no memory") : 0;
}

static int
root_read(struct reader *r, struct operand *o)
{
	size_t	 n = 0;

	while (islower((unsigned char)r->p[n]))
		n++;
	for (enum root root = 0; root < ROOT__MAX; root++)
		if (strlen(root_name(root)) == n && memcmp(root_name(root), r->p, n) == 0) {
			o->root = root;
			r->p += n;
			return path_read(r, o);
		}
	return wrong(r, "config, secret, input, record, response, step, id, value, set, join, session or token expected");
}

/* 'text', with '' for one quote. */
static int
quoted_read(struct reader *r, struct operand *o)
{
	struct buf	 b;

	buf_init(&b, EXPR_TEXT_BYTES_MAX);
	buf_adds(&b, "");
	for (r->p++; *r->p != '\0' && (*r->p != '\'' || r->p[1] == '\''); r->p++) {
		r->p += *r->p == '\'';
		buf_addc(&b, *r->p);
	}
	if (*r->p == '\0' || b.failed) {
		buf_free(&b);
		return wrong(r, "the quote is not closed");
	}
	r->p++;
	o->constant = cJSON_CreateString(b.data);
	buf_free(&b);
	return o->constant == NULL ? wrong(r, "no memory") : 0;
}

static int
argument_read(struct reader *r, struct operand *o)
{
	static const char *const	 words[] = { "true", "false", "null" };
	char				 digits[64];
	size_t				 n = 0;

	if (*r->p == '\'')
		return quoted_read(r, o);
	if (*r->p == '-' || isdigit((unsigned char)*r->p)) {
		while (n < sizeof(digits) - 1 && (isalnum((unsigned char)r->p[n]) || strchr("+-.", r->p[n]) != NULL) &&
		    r->p[n] != '\0')
			n++;
		snprintf(digits, sizeof(digits), "%.*s", (int)n, r->p);
		if ((o->constant = json_number_text(digits)) == NULL)
			return wrong(r, "this is no number");
		r->p += n;
		return 0;
	}
	for (size_t i = 0; i < N_ITEMS(words); i++)
		if (strncmp(r->p, words[i], strlen(words[i])) == 0 && ends_path(r->p[strlen(words[i])])) {
			r->p += strlen(words[i]);
			o->constant = i < 2 ? cJSON_CreateBool(i == 0) : cJSON_CreateNull();
			return o->constant == NULL ? wrong(r, "no memory") : 0;
		}
	return root_read(r, o);
}

static int
stage_read(struct reader *r, struct stage *st)
{
	const char	*wanted;
	size_t		 n = 0;

	blank(r);
	while (isalnum((unsigned char)r->p[n]))
		n++;
	if ((st->filter = filter_find(r->p, n)) == NULL)
		return wrong(r, "there is no such filter");
	r->p += n;
	if (*r->p == ':')
		do {
			r->p++;
			blank(r);
			if (st->nargs == EXPR_ARGS_MAX)
				return wrong(r, "too many arguments");
			if (argument_read(r, &st->args[st->nargs++]) == -1)
				return -1;
			blank(r);
		} while (*r->p == ',');
	if (!filter_takes(st->filter, st->nargs, &wanted))
		return wrong(r, wanted);
	blank(r);
	return 0;
}

/* Behind "${". */
static int
expression_read(struct reader *r, struct part *pt)
{
	struct stage	*more;

	blank(r);
	if (*r->p == '\'' ? quoted_read(r, &pt->source) == -1 : root_read(r, &pt->source) == -1)
		return -1;
	blank(r);
	while (*r->p == '|') {
		r->p++;
		if (pt->nstages == EXPR_FILTERS_MAX)
			return wrong(r, "too many filters");
		if ((more = reallocarray(pt->stages, pt->nstages + 1, sizeof(*more))) == NULL)
			return wrong(r, "no memory");
		pt->stages = more;
		pt->stages[pt->nstages] = (struct stage){ 0 };
		if (stage_read(r, &pt->stages[pt->nstages++]) == -1)
			return -1;
	}
	if (*r->p != '}')
		return wrong(r, "'|' or '}' expected");
	r->p++;
	return 0;
}

static int
literal_read(struct reader *r, struct part *pt)
{
	const char	*end = strstr(r->p, "${");
	size_t		 n = end == NULL ? strlen(r->p) : (size_t)(end - r->p);

	if ((pt->literal = strndup(r->p, n)) == NULL)
		return wrong(r, "no memory");
	r->p += n;
	return 0;
}

struct text *
text_parse(const char *s, struct error *e)
{
	struct reader	 r = { .p = s, .from = s, .e = e };
	struct text	*t = calloc(1, sizeof(*t));

	if (t == NULL || (t->parts = calloc(EXPR_PARTS_MAX, sizeof(*t->parts))) == NULL) {
		text_free(t);
		error_set(e, ERR_SYSTEM, "no memory");
		return NULL;
	}
	if (strlen(s) > EXPR_TEXT_BYTES_MAX) {
		error_set(e, ERR_LIMIT, "over %u bytes in one string", EXPR_TEXT_BYTES_MAX);
		text_free(t);
		return NULL;
	}
	while (*r.p != '\0') {
		struct part	*pt = &t->parts[t->n];
		bool		 expression = strncmp(r.p, "${", 2) == 0;

		if (t->n == EXPR_PARTS_MAX) {
			(void)wrong(&r, "too many expressions in one string");
			text_free(t);
			return NULL;
		}
		t->n++;
		r.p += expression ? 2 : 0;
		if ((expression ? expression_read(&r, pt) : literal_read(&r, pt)) == -1) {
			text_free(t);
			return NULL;
		}
	}
	return t;
}
