/*
 * path.c -- reads attribute paths, and resources along them.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "connectors/scim/path.h"

#define CORE_PREFIX	"urn:ietf:params:scim:schemas:core:2.0:"

static const char *const lists[] = {
	"emails", "phoneNumbers", "ims", "photos", "addresses", "groups", "entitlements", "roles",
	"x509Certificates", "members",
};

bool
scim_attr_is_list(const char *attr)
{
	for (size_t i = 0; i < N_ITEMS(lists); i++)
		if (strcasecmp(attr, lists[i]) == 0)
			return true;
	return false;
}

/* Length of an attribute name at s: a letter or '$', then letters, digits, '-' and '_'. */
static size_t
name_length(const char *s)
{
	size_t	n = 0;

	if (!isalpha((unsigned char)s[0]) && s[0] != '$')
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '-' || s[n] == '_' || s[n] == '$')
		n++;
	return n;
}

static const char *
skip_spaces(const char *s)
{
	return s + strspn(s, " ");
}

static int
bad_path(const char *text, const char *at, const char *why, struct error *e)
{
	return error_set(e, ERR_INVALID_CONFIGURATION, "attribute path \"%.200s\": %s at \"%.40s\"", text, why, at);
}

static int
take(char **out, const char *s, size_t n, struct error *e)
{
	if ((*out = strndup(s, n)) == NULL)
		return error_set(e, ERR_SYSTEM, "attribute path: no memory");
	return 0;
}

/* End of the literal at s: behind the closing quote, or at what ends a bare word. */
static const char *
literal_end(const char *s)
{
	if (*s != '"')
		return s + strcspn(s, " ]");
	for (s++; *s != '\0' && *s != '"'; s++)
		if (*s == '\\' && s[1] != '\0')
			s++;
	return *s == '"' ? s + 1 : NULL;
}

/* One comparison; *at moves behind it. */
static int
parse_term(struct scim_path *p, const char *text, const char **at, struct error *e)
{
	struct scim_term	*term;
	const char		*s = skip_spaces(*at), *end;
	size_t			 n;
	struct error		 ignored = ERROR_NONE;

	if (p->nterms == SCIM_TERMS_MAX)
		return bad_path(text, s, "too many comparisons", e);
	if ((n = name_length(s)) == 0)
		return bad_path(text, s, "an attribute's name is expected", e);
	term = &p->terms[p->nterms++];
	if (take(&term->name, s, n, e) == -1)
		return -1;
	s = skip_spaces(s + n);
	if (strncasecmp(s, "eq ", 3) != 0)
		return bad_path(text, s, "only \"eq\" is known here", e);
	s = skip_spaces(s + 3);
	if ((end = literal_end(s)) == NULL)
		return bad_path(text, s, "an open string", e);
	term->value = json_parse(s, (size_t)(end - s), NULL, &ignored);
	if (!cJSON_IsString(term->value) && !cJSON_IsNumber(term->value) && !cJSON_IsBool(term->value))
		return bad_path(text, s, "a string, number, true or false is expected", e);
	*at = skip_spaces(end);
	return 0;
}

/* The filter behind '['; *at moves behind ']'. */
static int
parse_filter(struct scim_path *p, const char *text, const char **at, struct error *e)
{
	for (;;) {
		if (parse_term(p, text, at, e) == -1)
			return -1;
		if (**at == ']') {
			(*at)++;
			return 0;
		}
		if (strncasecmp(*at, "and ", 4) != 0)
			return bad_path(text, *at, "\"and\" or ']' is expected", e);
		*at += 4;
	}
}

/* Splits off the URN; what is left is returned.  A core schema's URN says nothing and is dropped. */
static const char *
parse_urn(struct scim_path *p, const char *text, struct error *e)
{
	size_t		 head = strcspn(text, "[");
	const char	*colon = memrchr(text, ':', head);

	if (strncasecmp(text, "urn:", 4) != 0)
		return text;
	if (colon == NULL || colon == text + 3) {
		(void)bad_path(text, text, "no attribute behind the URN", e);
		return NULL;
	}
	if (strncasecmp(text, CORE_PREFIX, strlen(CORE_PREFIX)) != 0 &&
	    take(&p->urn, text, (size_t)(colon - text), e) == -1)
		return NULL;
	return colon + 1;
}

/* The three texts that a PATCH may need, spelt one way whatever the spaces of the source. */
static int
spell(struct scim_path *p, struct error *e)
{
	autobuf	b = { 0 };

	buf_init(&b, 2 * SCIM_PATH_BYTES_MAX);
	if (p->urn != NULL)
		buf_addf(&b, "%s:", p->urn);
	buf_adds(&b, p->attr);
	if (buf_check(&b, "attribute path", e) == -1 || take(&p->base, b.data, b.len, e) == -1)
		return -1;
	if (p->nterms > 0) {
		for (size_t i = 0; i < p->nterms; i++) {
			buf_addf(&b, "%s%s eq ", i == 0 ? "[" : " and ", p->terms[i].name);
			json_print(&b, p->terms[i].value);
		}
		buf_addc(&b, ']');
		if (buf_check(&b, "attribute path", e) == -1 || take(&p->element, b.data, b.len, e) == -1)
			return -1;
	}
	if (p->sub != NULL)
		buf_addf(&b, ".%s", p->sub);
	if (buf_check(&b, "attribute path", e) == -1)
		return -1;
	return take(&p->text, b.data, b.len, e);
}

static int
parse(const char *text, struct scim_path *p, struct error *e)
{
	const char	*s;
	size_t		 n;

	if (strlen(text) > SCIM_PATH_BYTES_MAX)
		return bad_path(text, text, "too long", e);
	if ((s = parse_urn(p, text, e)) == NULL)
		return -1;
	if ((n = name_length(s)) == 0)
		return bad_path(text, s, "an attribute's name is expected", e);
	if (take(&p->attr, s, n, e) == -1)
		return -1;
	s += n;
	if (*s == '[') {
		s++;
		if (parse_filter(p, text, &s, e) == -1)
			return -1;
	}
	if (*s == '.') {
		s++;
		if ((n = name_length(s)) == 0)
			return bad_path(text, s, "an attribute's name is expected", e);
		if (take(&p->sub, s, n, e) == -1)
			return -1;
		s += n;
	}
	if (*s != '\0')
		return bad_path(text, s, "nothing more is expected", e);
	if (p->nterms > 0 && p->sub == NULL && take(&p->sub, "value", 5, e) == -1)
		return -1;
	return spell(p, e);
}

int
scim_path_parse(const char *text, struct scim_path *p, struct error *e)
{
	*p = (struct scim_path){ 0 };
	if (parse(text, p, e) == 0)
		return 0;
	scim_path_free(p);
	return -1;
}

void
scim_path_free(struct scim_path *p)
{
	for (size_t i = 0; i < p->nterms; i++) {
		free(p->terms[i].name);
		cJSON_Delete(p->terms[i].value);
	}
	free(p->urn);
	free(p->attr);
	free(p->sub);
	free(p->base);
	free(p->element);
	free(p->text);
	*p = (struct scim_path){ 0 };
}

/* Mostly they are spelt alike; letters differ in one bit by their case: a quick look, before the one that decides. */
static bool
is_name(const char *s, const char *name)
{
	for (; *s == *name; s++, name++)
		if (*s == '\0')
			return true;
	return ((*s ^ *name) & ~0x20) == 0 && strcasecmp(s, name) == 0;
}

const cJSON *
scim_member(const cJSON *obj, const char *name)
{
	const cJSON	*v = cJSON_IsObject(obj) ? obj->child : NULL;

	while (v != NULL && !is_name(v->string, name))
		v = v->next;
	return cJSON_IsNull(v) ? NULL : v;
}

const cJSON *
scim_path_container(const struct scim_path *p, const cJSON *resource)
{
	return p->urn != NULL ? scim_member(resource, p->urn) : resource;
}

static bool
term_matches(const struct scim_term *term, const cJSON *element)
{
	const cJSON	*v = scim_member(element, term->name);

	if (cJSON_IsBool(term->value))	/* an element that does not say it is primary is not */
		return cJSON_IsTrue(v) == cJSON_IsTrue(term->value);
	if (cJSON_IsString(term->value))
		return cJSON_IsString(v) && strcasecmp(v->valuestring, term->value->valuestring) == 0;
	return v != NULL && json_equal(v, term->value);
}

bool
scim_path_matches(const struct scim_path *p, const cJSON *element)
{
	for (size_t i = 0; i < p->nterms; i++)
		if (!term_matches(&p->terms[i], element))
			return false;
	return true;
}

cJSON *
scim_path_unlabelled(const struct scim_path *p, const cJSON *list)
{
	cJSON	*one = cJSON_IsArray(list) && cJSON_GetArraySize(list) == 1 ? list->child : NULL;

	if (!cJSON_IsObject(one))
		return NULL;
	for (size_t i = 0; i < p->nterms; i++)
		if (scim_member(one, p->terms[i].name) != NULL)
			return NULL;
	return one;
}

static bool
name_among(const char *name, const struct row_text *names, size_t n)
{
	size_t	 len = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (names[i].text != NULL && names[i].len == len && strncasecmp(names[i].text, name, len) == 0)
			return true;
	return false;
}

bool
scim_path_looks(const struct scim_path *p, bool whole, const struct row_text *names, size_t n)
{
	if (whole && name_among(p->attr, names, n))
		return true;
	for (size_t i = 0; i < p->nterms; i++)
		if (name_among(p->terms[i].name, names, n))
			return true;
	return false;
}

static bool
is_scalar(const cJSON *v)
{
	return cJSON_IsString(v) || cJSON_IsNumber(v) || cJSON_IsBool(v);
}

/* What an element stands for where no sub-attribute is named. */
static const cJSON *
leaf_of(const cJSON *element, const char *sub)
{
	static const char *const	 names[] = { "value", "formatted", "display", "displayName" };
	const cJSON			*v;

	if (!cJSON_IsObject(element))
		return sub == NULL || strcasecmp(sub, "value") == 0 ? element : NULL;
	if (sub != NULL)
		return scim_member(element, sub);
	for (size_t i = 0; i < N_ITEMS(names); i++)
		if ((v = scim_member(element, names[i])) != NULL && is_scalar(v))
			return v;
	return NULL;
}

/* What was found: one value, or several in an array. */
struct found {
	bool	 many;		/* an array is wanted, whatever there is */
	cJSON	*v;
};

/* Of several where one is wanted the first stays. */
static int
found_add(struct found *f, const cJSON *v, struct error *e)
{
	if (!is_scalar(v) || (!f->many && f->v != NULL))
		return 0;
	if (!f->many)
		return (f->v = json_dup(v)) == NULL ? error_set(e, ERR_SYSTEM, "attribute: no memory") : 0;
	if (json_push(f->v, json_dup(v)) == -1)
		return error_set(e, ERR_SYSTEM, "attribute: no memory");
	return 0;
}

static int
collect(const cJSON *v, struct found *f, struct error *e)
{
	const cJSON	*one;

	if (!cJSON_IsArray(v))
		return found_add(f, v, e);
	cJSON_ArrayForEach(one, v)
		if (found_add(f, one, e) == -1)
			return -1;
	return 0;
}

static int
collect_all(const struct scim_path *p, const cJSON *node, struct found *f, struct error *e)
{
	const cJSON	*one;
	bool		 any = false;

	if (!cJSON_IsArray(node))
		return scim_path_matches(p, node) ? collect(leaf_of(node, p->sub), f, e) : 0;
	cJSON_ArrayForEach(one, node)
		if (scim_path_matches(p, one)) {
			if (collect(leaf_of(one, p->sub), f, e) == -1)
				return -1;
		}
	any = f->many ? f->v->child != NULL : f->v != NULL;
	if (p->nterms > 0 && !any && (one = scim_path_unlabelled(p, node)) != NULL)
		return collect(leaf_of(one, p->sub), f, e);
	return 0;
}

int
scim_path_read(const struct scim_path *p, const cJSON *resource, bool multi, cJSON **out, struct error *e)
{
	const cJSON	*node = scim_member(scim_path_container(p, resource), p->attr);
	struct found	 f = { .many = multi || (cJSON_IsArray(node) && p->nterms == 0) };

	*out = NULL;
	if (node == NULL)
		return 0;
	if (f.many && (f.v = cJSON_CreateArray()) == NULL)
		return error_set(e, ERR_SYSTEM, "attribute: no memory");
	if (collect_all(p, node, &f, e) == -1) {
		cJSON_Delete(f.v);
		return -1;
	}
	*out = f.v;
	return 0;
}
