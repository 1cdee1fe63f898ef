/*
 * stencil.h -- rows that become records by copying.
 *
 * The rows of a list are mostly alike: the same members in the same order, and other texts.  What a connector makes of such a row
 * is mostly the same line with those texts in other places.  A stencil is that, learned from one row: the row's text as
 * literal pieces with texts between them, and the line as pieces and the numbers of texts.  A row that is met piece by piece, and
 * whose texts are valid, is JSON of the same shape without having been taken apart, and its line is copied together.  Any other
 * row goes the usual way; so does what holds an escape, and whatever a stencil does not know.
 *
 * It rests on one promise of the connector's: of a row's texts and numbers it looks only at those that looks() names,
 * and copies the others as they are.  What it looks at is part of the literal pieces.
 */
#ifndef RUNTIME_STENCIL_H
#define RUNTIME_STENCIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/error.h"
#include "worker/runtime/fetch.h"

#define STENCIL_TEXTS_MAX	1000u		/* of one row */
#define STENCIL_PIECES_MAX	8192u		/* of all stencils of a list */
#define STENCIL_BYTES_MAX	(512u * 1024)	/* of their literals, and of their lines */
#define STENCIL_ROW_BYTES_MAX	(64u * 1024)	/* from a longer row nothing is learned */
#define STENCIL_ROWS_BEFORE	16u		/* a short list does without */
#define STENCIL_LEARNED_FEW	64u		/* and one more for so many rows that met one: who never meets, never learns long */
#define STENCIL_LEARN_PER	16u

struct stencil;

/* A row that met one.  Its texts point into the row. */
struct stencil_met {
	size_t		 row_bytes;
	size_t		 line_bytes;		/* with its '\n' */
	bool		 plain;			/* the row is written as json_print() writes it */
	uint32_t	 ntexts;		/* in the row, copied or not */
	const void	*line;			/* private */
	struct row_text	 facts[ROW_FACTS_MAX];
};

/* NULL: no memory. */
struct stencil	*stencil_new(const struct row_maker *m);
void		 stencil_free(struct stencil *);

/* Does text begin with a row that it knows?  STENCIL_SHORT: so far it does. */
enum stencil_answer { STENCIL_UNKNOWN, STENCIL_MET, STENCIL_SHORT };
enum stencil_answer stencil_meet(struct stencil *, const char *text, size_t n, struct stencil_met *);
/* Writes the line of the row met last: met->line_bytes. */
void		 stencil_write(const struct stencil *, const struct stencil_met *, char *out);
/* Is it so of any text of that row? */
bool		 stencil_any(const struct stencil *, const struct stencil_met *, bool (*is)(const char *text, size_t n));
/* From a row that went the usual way, of which this is the text.  Where nothing can be learned nothing is. */
void		 stencil_learn(struct stencil *, const char *text, size_t n, const cJSON *row);

#endif
