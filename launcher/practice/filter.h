/*
 * filter.h -- the filter language of RFC 7644, section 3.4.2.2: read once, asked of many resources.
 *
 * Names and operators ignore case.  Text is compared without case, except that
 * of id and externalId; where both sides are times, gt, ge, lt, le compare them as such.
 */
#ifndef PRACTICE_FILTER_H
#define PRACTICE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "worker/contract/error.h"

#define FILTER_BYTES_MAX	4096
#define FILTER_NODES_MAX	128	/* comparisons and connectives of one filter */
#define FILTER_DEPTH_MAX	32	/* parentheses inside each other */
#define FILTER_PATH_PARTS_MAX	4

enum filter_op {
	FILTER_AND, FILTER_OR, FILTER_NOT,
	FILTER_VALUE,			/* path[sub-filter] */
	FILTER_PR,
	FILTER_EQ, FILTER_NE, FILTER_CO, FILTER_SW, FILTER_EW, FILTER_GT, FILTER_GE, FILTER_LT, FILTER_LE,
	FILTER__MAX
};

/* A schema URN and up to three names: "urn:…:User:name.givenName". */
struct filter_path {
	char		*urn;				/* of an extension; NULL for the core schemas */
	char		*part[FILTER_PATH_PARTS_MAX];
	size_t		 n;
};

struct filter {
	enum filter_op		 op;
	struct filter		*left, *right;		/* AND, OR: both; NOT, VALUE: left */
	struct filter_path	 path;			/* from FILTER_VALUE on */
	cJSON			*value;			/* from FILTER_EQ on: string, number, boolean or null */
};

/* NULL with ERR_INVALID_REQUEST.  The caller frees it. */
struct filter	*filter_parse(const char *text, struct error *e) __attribute__((warn_unused_result));
void		 filter_free(struct filter *);

/* 0, or -1 with ERR_INVALID_REQUEST.  "urn:…:2.0:User:name.givenName", "emails", "manager.value". */
int		 filter_path_parse(const char *text, struct filter_path *, struct error *e);
void		 filter_path_free(struct filter_path *);
/* True if the path is this dotted name of a core schema; case is ignored. */
bool		 filter_path_is(const struct filter_path *, const char *dotted);

/* A resource that can answer some comparisons without being a tree. */
struct filter_subject {
	int		(*leaf)(void *arg, const struct filter *);	/* 1, 0, or -1: look into the tree; may be NULL */
	const cJSON	*(*tree)(void *arg);				/* NULL when there is no memory: nothing matches */
	void		*arg;
};
bool		 filter_match(const struct filter *, const struct filter_subject *);
bool		 filter_match_tree(const struct filter *, const cJSON *);
/* A comparison with one text, as filter_match() would do it. */
bool		 filter_compare_text(const struct filter *, const char *text);
bool		 filter_compare_bool(const struct filter *, bool);

/*
 * The text that the attribute must equal for the whole filter to be true:
 * `name eq "text"`, alone or as one side of an `and`.  NULL if there is none.
 */
const char	*filter_key(const struct filter *, const char *dotted);
/* Member of an object, the case of its name ignored. */
cJSON		*filter_member(const cJSON *object, const char *name);

#endif
