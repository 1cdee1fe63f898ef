/*
 * scan.h -- the strict streaming JSON scanner: no tree, no heap, bytes in any portions.
 *
 * Everything that reads JSON stands on it: the launcher's line validator, the
 * tree builder of json.c, the row splitter of rows.h.  It holds one bit per
 * level of depth.
 */
#ifndef CONTRACT_SCAN_H
#define CONTRACT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/contract/error.h"
#include "worker/contract/limits.h"

/* What ended or began at a byte. */
enum scan_event {
	SCAN_OBJECT_BEGIN, SCAN_OBJECT_END,
	SCAN_ARRAY_BEGIN, SCAN_ARRAY_END,
	SCAN_NAME,		/* a member name, closing quote just read */
	SCAN_STRING, SCAN_NUMBER, SCAN_TRUE, SCAN_FALSE, SCAN_NULL,
	SCAN__MAX
};

struct scan {
	uint64_t	 offset;		/* bytes fed so far */
	uint64_t	 token;			/* offset of the first byte of the value or name at hand */
	unsigned int	 depth;			/* open containers */
	unsigned int	 depth_max;		/* at most JSON_DEPTH_MAX */
	uint8_t		 state, sub;		/* private */
	uint8_t		 utf8_left, utf8_lo, utf8_hi;	/* private */
	uint8_t		 hex;			/* private */
	bool		 escaped;		/* the string or name at hand has an escape */
	bool		 halt;			/* set by on(): scan_feed() comes back soon behind this event */
	uint8_t		 in_object[(JSON_DEPTH_MAX + 7) / 8];	/* private */
	/*
	 * Called at each event with arg; s->depth is the depth *after* a begin and
	 * *before* an end (both name the container itself), and that of the
	 * containing container for scalars and names.  s->offset is one past the last byte of
	 * the token (for numbers: of its last digit).  Return -1 (with *e set) to stop.  May be NULL.
	 */
	unsigned int	 around_max;		/* events with more containers around them are not told; all are, if not set */
	int		(*on)(void *arg, const struct scan *s, enum scan_event ev, struct error *e);
	void		*arg;
};

/* depth_max 1..JSON_DEPTH_MAX. */
void	scan_init(struct scan *, unsigned int depth_max);
/* 0, or -1 with ERR_REQUEST (syntax, UTF-8), ERR_LIMIT (depth, number length) or the callback's error. */
int	scan_feed(struct scan *, const char *, size_t, struct error *);	/* s->offset tells how far, where on() may halt it */
/* 0 if exactly one value was read, else -1. */
int	scan_end(struct scan *, struct error *);
/* True within a string, a name, a number or a literal: it began at s->token. */
bool	scan_in_token(const struct scan *);
/*
 * For who reads elements of an array another way: where one may begin here, 0; behind a comma, 1; nowhere, -1.  Then so many
 * bytes, the comma and spaces among them, are passed over as one whole element: that they are one is the caller's word.
 */
int	scan_element_next(const struct scan *);
void	scan_element_pass(struct scan *, size_t);
/* True once one whole value has been read (numbers at top level: only after scan_end). */
bool	scan_done(const struct scan *);

#endif
