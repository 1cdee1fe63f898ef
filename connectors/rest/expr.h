/*
 * expr.h -- the expression language of descriptions: ${path | filter:argument}, and nothing else.
 *
 * Total: no loops, no functions of the author's, no regular expressions; parsed once, when the description is loaded,
 * and bounded in length, filters, steps and size of what comes out.
 *
 *	${config.host}			a root and members; a number takes an element of an array
 *	${record/urn:x:1.0/dept}	behind '/' an RFC 6901 pointer: names may hold dots
 *	${input.attributes.mail | lower | default:'none'}
 *
 * A string that is one ${...} keeps the value's JSON type, numbers their digits; any other becomes text.  What is
 * absent leaves its member out of a body, and is an error in a path.
 *
 * Secrets: a value that came from the root `secret`, or from a password of the input, is marked, and so is all that is
 * made of it.  Where a mark may not go (paths, queries, results, texts) it is an error, when the description is
 * loaded where that can be seen, and when it is evaluated in any case.
 */
#ifndef REST_EXPR_H
#define REST_EXPR_H

#include "worker/runtime/bascule.h"

#define EXPR_TEXT_BYTES_MAX	4096u		/* one template string */
#define EXPR_FILTERS_MAX	64u		/* of one expression */
#define EXPR_ARGS_MAX		4u		/* of one filter */
#define EXPR_PARTS_MAX		64u		/* of one string */
#define EXPR_RESULT_BYTES_MAX	(1u << 20)	/* of one result, as text */
#define EXPR_STEPS_MAX		10000u		/* filters run and elements looked at for one record or request */

enum root {
	ROOT_CONFIG,		/* the source's configuration, without its secrets */
	ROOT_SECRET,		/* its secrets */
	ROOT_INPUT,		/* the command's input */
	ROOT_RECORD,		/* a row of the source */
	ROOT_RESPONSE,		/* of this step: status, headers, body */
	ROOT_STEP,		/* what steps before it kept, by name */
	ROOT_ID,		/* of the addressed object */
	ROOT_VALUE,		/* one value of a change, or of "each" */
	ROOT_SET,		/* changes that set: an object */
	ROOT_STATE,		/* what the last list of changes left */
	ROOT_JOIN,		/* rows that belong to the record, by the join's name */
	ROOT_SESSION,		/* what sign-in said of where it leads: an instance's URL; marked too, but may be in the base */
	ROOT_TOKEN,		/* what sign-in said that is one */
	ROOT__MAX
};
/* "config"; NULL past the last. */
const char	*root_name(enum root);

/* What expressions see.  NULL: nothing is there. */
struct scope {
	const cJSON	*roots[ROOT__MAX];
	unsigned int	 steps;		/* left; scope_begin() */
};
/* For each record or request anew. */
void	scope_begin(struct scope *);

struct value {
	cJSON	*v;			/* owned; NULL: absent */
	bool	 secret;
};
void	value_clear(struct value *);
/* Does what a source said hold one of our secrets?  It is marked as one, however it came here. */
bool	value_echoes(const cJSON *);
#define autovalue	__attribute__((cleanup(value_clear))) struct value

struct text;				/* a parsed string */

/* NULL with *e: what is wrong and where in the string. */
struct text	*text_parse(const char *s, struct error *e);
void		 text_free(struct text *);
/* Is there an expression in it, and does one use this root?  ROOT_SECRET: or any other whose values are marked. */
bool		 text_plain(const struct text *);
bool		 text_uses(const struct text *, enum root);
/* This very root. */
bool		 text_names(const struct text *, enum root);
/* 0, *out owned by the caller (absent is no error); -1 with *e. */
int		 text_value(const struct text *, struct scope *, struct value *out, struct error *e);

/*
 * For lists: tells the pointers into the record whose values decide what comes out, and are not just passed on; looks: all of
 * them do.  False: fn said so, or the outcome hangs on something else that differs from record to record, or from time to time.
 */
bool		 text_looks(const struct text *, bool looks, bool (*fn)(void *arg, const char *pointer), void *arg);

/* How a value is written where it goes. */
enum escape {
	ESCAPE_NONE,
	ESCAPE_SEGMENT,		/* of a path: percent-encoded, "." and ".." too */
	ESCAPE_HEADER		/* no control character */
};
/*
 * The whole as text, each value escaped for its place and literals left alone.  An absent value is an error
 * unless it has a default.  *secret may be NULL: then secrets are refused.  Owned by the caller.
 */
char		*text_string(const struct text *, struct scope *, enum escape, bool *secret, struct error *e);

/* A JSON value in which any string may be a template; parsed once. */
struct tmpl;
struct tmpl	*tmpl_parse(const cJSON *, struct error *e);
void		 tmpl_free(struct tmpl *);
bool		 tmpl_uses(const struct tmpl *, enum root);
/* As text_looks(), of values. */
bool		 tmpl_looks(const struct tmpl *, bool (*fn)(void *arg, const char *pointer), void *arg);
int		 tmpl_value(const struct tmpl *, struct scope *, struct value *out, struct error *e);

/* filter.c: one step of a pipeline.  in is taken; args belong to the caller.  -1 with *e. */
struct filter;
struct filter_call {
	struct value		 in;
	const struct value	*args;
	size_t			 nargs;
	struct scope		*scope;
};
const struct filter	*filter_find(const char *name, size_t len);
/* Is so many arguments right?  Else what is. */
bool			 filter_takes(const struct filter *, size_t nargs, const char **wanted);
/* Strings and numbers of its input, and of its arguments too, come out as they are or not at all, whatever they hold; never: not twice the same. */
enum passes { PASSES_NOT, PASSES_INPUT, PASSES_ALL, PASSES_NEVER };
enum passes		 filter_passes(const struct filter *);
int			 filter_run(const struct filter *, struct filter_call *, struct value *out, struct error *e);
/* One step used; -1 with *e if there are none left. */
int			 scope_step(struct scope *, unsigned int n, struct error *e);

#endif
