/*
 * accept.c -- Accept and Accept-Encoding, as far as they are used here: lists, parameters, q=0.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "launcher/serve/accept.h"
#include "worker/contract/util.h"

#define SPACE	" \t"

/* One element of a list: its value, and its parameters behind it. */
struct element {
	const char	*at;
	size_t		 len;		/* of the value alone */
	const char	*params;
	size_t		 nparams;
};

static bool
element_next(const char **list, struct element *el)
{
	size_t	 whole;

	*list += strspn(*list, SPACE ",");
	if (**list == '\0')
		return false;
	whole = strcspn(*list, ",");
	el->at = *list;
	el->len = strcspn(*list, ",; \t");
	el->params = *list + el->len;
	el->nparams = whole - el->len;
	*list += whole;
	return true;
}

static bool
is(const struct element *el, const char *word)
{
	return strlen(word) == el->len && strncasecmp(el->at, word, el->len) == 0;
}

/* The value of a parameter; NULL if it is not there. Ends at a separator. */
static const char *
param(const struct element *el, const char *name)
{
	size_t	 n = strlen(name);

	for (const char *p = el->params; p < el->params + el->nparams; p++) {
		if (*p != ';')
			continue;
		p += 1 + strspn(p + 1, SPACE);
		if (strncasecmp(p, name, n) == 0 && p[n] == '=')
			return p + n + 1;
		p--;
	}
	return NULL;
}

static bool
refused(const struct element *el)
{
	const char	*q = param(el, "q");

	return q != NULL && strtod(q, NULL) <= 0;
}

static void
form_take(const struct element *el, struct accepted *a)
{
	static const struct {
		const char	*type;
		enum form	 form;
	} forms[] = {
		{ "application/x-ndjson", FORM_LINES }, { "text/event-stream", FORM_EVENTS },
		{ "application/*", FORM_LINES }, { "text/*", FORM_EVENTS }, { "*/*", FORM_LINES },
	};
	const char	*verdict = param(el, "verdict");

	for (size_t i = 0; i < N_ITEMS(forms); i++)
		if (a->form == FORM_NONE && is(el, forms[i].type) && !refused(el)) {
			a->form = forms[i].form;
			a->verdict = a->form == FORM_EVENTS || (verdict != NULL && verdict[0] == '1');
		}
}

static void
coding_take(const struct element *el, struct accepted *a)
{
	enum coding	 c = CODING_NONE;

	if (is(el, "zstd"))
		c = CODING_ZSTD;
	else if (is(el, "gzip") || is(el, "x-gzip"))
		c = CODING_GZIP;
	if (c > a->coding && !refused(el))
		a->coding = c;
}

struct accepted
accept_read(const char *accept, const char *accept_encoding)
{
	struct accepted	 a = { FORM_NONE, false, CODING_NONE };
	struct element	 el;

	if (accept == NULL || accept[strspn(accept, SPACE)] == '\0')
		accept = "*/*";
	while (element_next(&accept, &el))
		form_take(&el, &a);
	while (accept_encoding != NULL && element_next(&accept_encoding, &el))
		coding_take(&el, &a);
	return a;
}

bool
is_json(const char *content_type)
{
	struct element	 el;

	return content_type != NULL && element_next(&content_type, &el) && is(&el, "application/json");
}
