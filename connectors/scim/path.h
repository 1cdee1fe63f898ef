/*
 * path.h -- where an attribute lies in a SCIM resource.
 *
 *	userName
 *	name.givenName
 *	emails				values of a multi-valued attribute
 *	emails[type eq "work"].value
 *	emails[type eq "work" and primary eq true].value
 *	urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department
 *
 * Filters know "eq", joined by "and": enough to name one element, and enough
 * to make it where it is missing.
 */
#ifndef SCIM_PATH_H
#define SCIM_PATH_H

#include "worker/runtime/bascule.h"

#define SCIM_PATH_BYTES_MAX	511
#define SCIM_TERMS_MAX		4	/* comparisons in one filter */

struct scim_term {
	char	*name;
	cJSON	*value;		/* string, number or boolean */
};

struct scim_path {
	char			*urn;		/* extension the attribute belongs to; NULL: none */
	char			*attr;
	char			*sub;		/* NULL: none; "value" where a filter stands without one */
	struct scim_term	 terms[SCIM_TERMS_MAX];
	size_t			 nterms;
	char			*base;		/* [urn:]attr, as a PATCH names it */
	char			*element;	/* base[filter]; NULL without one */
	char			*text;		/* the whole */
};

/* 0, or -1 with ERR_INVALID_CONFIGURATION and the place.  *p needs no care before; scim_path_free() after success. */
int	 scim_path_parse(const char *text, struct scim_path *p, struct error *e);
void	 scim_path_free(struct scim_path *p);

/* Attributes that RFC 7643 makes lists of objects. */
bool	 scim_attr_is_list(const char *attr);
/* Member by name, case ignored as SCIM does; NULL for null too. */
const cJSON *scim_member(const cJSON *obj, const char *name);
/* The object or resource that holds p's attribute; NULL: not there. */
const cJSON *scim_path_container(const struct scim_path *p, const cJSON *resource);
/* True if the element meets every comparison of p. */
bool	 scim_path_matches(const struct scim_path *p, const cJSON *element);
/*
 * The only element of a list where it says nothing of what p compares: a server
 * that knows but one address and does not say which.  NULL: no such element.
 */
cJSON	*scim_path_unlabelled(const struct scim_path *p, const cJSON *list);

/*
 * The value there: a scalar, or an array of scalars where several may be
 * (multi, or a list without a filter).  *out NULL: nothing there.  -1: no memory.
 */
int	 scim_path_read(const struct scim_path *p, const cJSON *resource, bool multi, cJSON **out, struct error *e);

/*
 * True if whoever reads p may look at the text under these names: where it is compared, or, with `whole`, turned into something
 * else.  Says it of some that are only copied.
 */
bool	 scim_path_looks(const struct scim_path *p, bool whole, const struct row_text *names, size_t n);

/* Appends s as a literal of a SCIM filter, quotes and backslashes escaped. */
#define scim_quote(b, s)	json_print_string((b), (s))

#endif
