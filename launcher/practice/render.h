/*
 * render.h -- a resource as a tree or as text, with the attributes that were asked for.
 */
#ifndef PRACTICE_RENDER_H
#define PRACTICE_RENDER_H

#include <event2/buffer.h>

#include "launcher/practice/people.h"

#define PROJECTION_NAMES_MAX	64
#define NAME_BYTES_MAX		128

/* attributes= or excludedAttributes=, by top-level name. */
struct projection {
	bool		 only;			/* names are those wanted, not those unwanted */
	size_t		 n;			/* 0: everything */
	char		 names[PROJECTION_NAMES_MAX][NAME_BYTES_MAX];
	bool		 bad_types;		/* weather */
};

/* Either may be NULL; -1 when there are too many names or both are given. */
int	 projection_read(struct projection *, const char *attributes, const char *excluded);
bool	 projection_wants(const struct projection *, const char *name);
void	 projection_apply(const struct projection *, cJSON *tree);

/* A user with its groups, a group without its members; the caller's.  NULL: no memory. */
cJSON	*render_tree(const struct people *, enum kind, uint64_t index);
/* Adds one whole user; -1: no memory. */
int	 render_user(const struct people *, const struct projection *, uint64_t index, struct evbuffer *out);
/* True if gen_render_user() renders it as well. */
bool	 render_as_born(const struct people *, const struct projection *, uint64_t user);
/* A group up to its members: text that begins with '{' and lacks its '}'. */
int	 render_group_open(const struct people *, const struct projection *, uint64_t index, struct evbuffer *out);
/* The name of a group as it now is. */
void	 render_group_name(const struct people *, uint64_t index, char *out, size_t n);

#endif
