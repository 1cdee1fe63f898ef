/*
 * copied.c -- which texts of a row its mapping looks at, and which it only copies: most rows of a list are then copied to
 * their records without being taken apart (fetch_records() of the runtime).
 *
 * Told by the first member on the way to a text: what is looked at anywhere below one counts as looked at.
 */
#include <string.h>

#include "connectors/rest/copied.h"

static bool
member_add(void *arg, const char *pointer)
{
	struct copied	*c = arg;
	const char	*name = pointer + 1;
	size_t		 len = pointer[0] == '\0' ? 0 : strcspn(name, "/");

	/* The whole row, or a name that is written with an escape. */
	if (pointer[0] == '\0' || memchr(name, '~', len) != NULL || c->nlooked == COPIED_LOOKED_MAX)
		return false;
	c->looked[c->nlooked++] = (struct row_text){ name, len };
	return true;
}

bool
copied_read(struct copied *c, const struct object *o)
{
	*c = (struct copied){ 0 };
	if (o->njoins > 0 || o->where != NULL)
		return false;
	for (size_t i = 0; i < o->nattrs; i++)
		if (o->attrs[i].value != NULL && !tmpl_looks(o->attrs[i].value, member_add, c))
			return false;
	return (o->disabled == NULL || text_looks(o->disabled, true, member_add, c)) &&
	    (o->locked == NULL || text_looks(o->locked, true, member_add, c)) &&
	    (o->truncated == NULL || text_looks(o->truncated, true, member_add, c));
}

bool
copied_looks(const struct copied *c, const struct row_text *names, size_t n)
{
	for (size_t i = 0; i < c->nlooked; i++)
		if (n == 0 || names[0].text == NULL || (names[0].len == c->looked[i].len &&
		    memcmp(names[0].text, c->looked[i].text, names[0].len) == 0))
			return true;
	return false;
}
