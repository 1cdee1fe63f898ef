/*
 * filter.c -- reads a filter by recursive descent: or, and, not, comparison.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "launcher/practice/filter.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

struct reader {
	const char	*start, *at;
	unsigned int	 nodes, depth;
	struct error	*e;
};

static const struct {
	const char	*word;
	enum filter_op	 op;
} operators[] = {
	{ "pr", FILTER_PR }, { "eq", FILTER_EQ }, { "ne", FILTER_NE }, { "co", FILTER_CO }, { "sw", FILTER_SW },
	{ "ew", FILTER_EW }, { "gt", FILTER_GT }, { "ge", FILTER_GE }, { "lt", FILTER_LT }, { "le", FILTER_LE },
};
static_assert(N_ITEMS(operators) == FILTER__MAX - FILTER_PR, "a word for each comparison");

static const char *const core_schemas[] = {
	"urn:ietf:params:scim:schemas:core:2.0:User",
	"urn:ietf:params:scim:schemas:core:2.0:Group",
};

static struct filter	*read_or(struct reader *);

static void *
refuse(const struct reader *r, const char *what)
{
	error_set(r->e, ERR_INVALID_REQUEST, "filter: %s at byte %zu", what, (size_t)(r->at - r->start));
	return NULL;
}

static void
skip(struct reader *r)
{
	while (*r->at == ' ')
		r->at++;
}

/* Steps over the word if it stands here as a whole. */
static bool
take_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	skip(r);
	if (strncasecmp(r->at, word, n) != 0 || isalnum((unsigned char)r->at[n]) || r->at[n] == '.' || r->at[n] == ':')
		return false;
	r->at += n;
	return true;
}

static bool
take_char(struct reader *r, char c)
{
	skip(r);
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

static struct filter *
node_new(struct reader *r, enum filter_op op)
{
	struct filter *f;

	if (++r->nodes > FILTER_NODES_MAX)
		return refuse(r, "too many terms");
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return refuse(r, "no memory");
	f->op = op;
	return f;
}

void
filter_path_free(struct filter_path *p)
{
	free(p->urn);
	for (size_t i = 0; i < p->n; i++)
		free(p->part[i]);
	*p = (struct filter_path){ 0 };
}

void
filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	filter_free(f->left);
	filter_free(f->right);
	filter_path_free(&f->path);
	cJSON_Delete(f->value);
	free(f);
}

/* The last ':' ends a URN; the dots of its version number are none of ours. */
static int
split_urn(const char **text, size_t *n, struct filter_path *p)
{
	const char *colon = memrchr(*text, ':', *n);

	if (colon == NULL)
		return 0;
	size_t	urn_bytes = (size_t)(colon - *text);
	for (size_t i = 0; i < N_ITEMS(core_schemas); i++)
		if (strlen(core_schemas[i]) == urn_bytes && strncasecmp(core_schemas[i], *text, urn_bytes) == 0)
			urn_bytes = 0;
	if (urn_bytes > 0 && (p->urn = strndup(*text, urn_bytes)) == NULL)
		return -1;
	*n -= (size_t)(colon + 1 - *text);
	*text = colon + 1;
	return 0;
}

static int
split_path(const char *text, size_t n, struct filter_path *p)
{
	*p = (struct filter_path){ 0 };
	if (split_urn(&text, &n, p) == -1)
		return -1;
	while (n > 0) {
		const char	*dot = memchr(text, '.', n);
		size_t		 part = dot != NULL ? (size_t)(dot - text) : n;

		if (part == 0 || p->n == FILTER_PATH_PARTS_MAX || (p->part[p->n] = strndup(text, part)) == NULL)
			return -1;
		p->n++;
		if (dot == NULL)
			break;
		text += part + 1;
		n -= part + 1;
		if (n == 0)
			return -1;
	}
	return p->n > 0 ? 0 : -1;
}

static size_t
path_length(const char *s)
{
	size_t	 n = 0;

	while (isalnum((unsigned char)s[n]) || (s[n] != '\0' && strchr("_-$.:", s[n]) != NULL))
		n++;
	return n;
}

int
filter_path_parse(const char *text, struct filter_path *p, struct error *e)
{
	size_t n = strlen(text);

	if (n == 0 || path_length(text) != n || split_path(text, n, p) == -1) {
		if (n > 0 && path_length(text) == n)
			filter_path_free(p);
		return error_set(e, ERR_INVALID_REQUEST, "no such attribute path");
	}
	return 0;
}

bool
filter_path_is(const struct filter_path *p, const char *dotted)
{
	if (p->urn != NULL)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		size_t n = strlen(p->part[i]);

		if (strncasecmp(dotted, p->part[i], n) != 0 || dotted[n] != (i + 1 < p->n ? '.' : '\0'))
			return false;
		dotted += n + 1;
	}
	return true;
}

/* A JSON string, number, true, false or null. */
static cJSON *
read_value(struct reader *r)
{
	const char	*end;
	struct error	 e = ERROR_NONE;
	cJSON		*v;

	skip(r);
	end = r->at;
	if (*end == '"') {
		for (end++; *end != '"' && *end != '\0'; end++)
			if (*end == '\\' && end[1] != '\0')
				end++;
		if (*end == '"')
			end++;
	} else
		while (isalnum((unsigned char)*end) || (*end != '\0' && strchr("+-.", *end) != NULL))
			end++;
	if ((v = json_parse(r->at, (size_t)(end - r->at), NULL, &e)) == NULL)
		return refuse(r, "a string in quotes, a number, true, false or null is wanted");
	r->at = end;
	return v;
}

/* path pr, path op value, path[sub-filter]: into f, which is the caller's to free. */
static int
read_term(struct reader *r, struct filter *f)
{
	size_t	n;

	skip(r);
	n = path_length(r->at);
	if (n == 0 || split_path(r->at, n, &f->path) == -1)
		return refuse(r, "an attribute is wanted"), -1;
	r->at += n;
	if (*r->at == '[') {
		f->op = FILTER_VALUE;
		r->at++;
		if ((f->left = read_or(r)) == NULL)
			return -1;
		return take_char(r, ']') ? 0 : (refuse(r, "']' is wanted"), -1);
	}
	for (size_t i = 0; i < N_ITEMS(operators); i++)
		if (take_word(r, operators[i].word)) {
			f->op = operators[i].op;
			if (f->op == FILTER_PR)
				return 0;
			return (f->value = read_value(r)) != NULL ? 0 : -1;
		}
	return refuse(r, "an operator is wanted"), -1;
}

static struct filter *
read_factor(struct reader *r)
{
	struct filter	*f, *inner;
	bool		 negated = take_word(r, "not");

	if (take_char(r, '(')) {
		if ((inner = read_or(r)) == NULL)
			return NULL;
		if (!take_char(r, ')')) {
			filter_free(inner);
			return refuse(r, "')' is wanted");
		}
		if (!negated)
			return inner;
		if ((f = node_new(r, FILTER_NOT)) == NULL) {
			filter_free(inner);
			return NULL;
		}
		f->left = inner;
		return f;
	}
	if (negated)
		return refuse(r, "'(' is wanted behind not");
	if ((f = node_new(r, FILTER_PR)) == NULL)
		return NULL;
	if (read_term(r, f) == -1) {
		filter_free(f);
		return NULL;
	}
	return f;
}

/* One level of precedence: terms joined by a word. */
static struct filter *
read_joined(struct reader *r, const char *word, enum filter_op op, struct filter *(*term)(struct reader *))
{
	struct filter	*f = term(r), *joined;

	while (f != NULL && take_word(r, word)) {
		if ((joined = node_new(r, op)) == NULL) {
			filter_free(f);
			return NULL;
		}
		joined->left = f;
		f = joined;
		if ((joined->right = term(r)) == NULL) {
			filter_free(f);
			return NULL;
		}
	}
	return f;
}

static struct filter *
read_and(struct reader *r)
{
	return read_joined(r, "and", FILTER_AND, read_factor);
}

static struct filter *
read_or(struct reader *r)
{
	struct filter	*f;

	if (r->depth == FILTER_DEPTH_MAX)
		return refuse(r, "too many parentheses");
	r->depth++;
	f = read_joined(r, "or", FILTER_OR, read_and);
	r->depth--;
	return f;
}

struct filter *
filter_parse(const char *text, struct error *e)
{
	struct reader	 r = { .start = text, .at = text, .e = e };
	struct filter	*f;

	if (strlen(text) > FILTER_BYTES_MAX)
		return refuse(&r, "too long");
	if ((f = read_or(&r)) == NULL)
		return NULL;
	skip(&r);
	if (*r.at != '\0') {
		filter_free(f);
		return refuse(&r, "the end is wanted");
	}
	return f;
}
