/*
 * stencil_priv.h -- between stencil.c and stencil_learn.c.
 */
#ifndef RUNTIME_STENCIL_PRIV_H
#define RUNTIME_STENCIL_PRIV_H

#include "worker/contract/buf.h"
#include "worker/runtime/stencil.h"

#define STENCIL_NONE	UINT32_MAX

/* What stands behind a literal. */
enum piece_then { THEN_STRING, THEN_NUMBER, THEN_END };

/* Pieces are a tree: rows that begin alike share them.  The children of one are a list. */
struct piece {
	uint32_t	 at, len;		/* the literal, in `pool` */
	uint32_t	 child, next;
	uint32_t	 line;			/* THEN_END: which of `lines` */
	enum piece_then	 then;
};

/* A literal of a line, and the text behind it; the last has none. */
struct cut {
	uint32_t	 at, len;		/* in `pool` */
	uint32_t	 text;
};

struct line {
	uint32_t	 cut, ncuts;		/* in `cuts` */
	uint32_t	 literal_bytes;
	bool		 plain;
	uint32_t	 facts[ROW_FACTS_MAX];	/* numbers of texts; STENCIL_NONE: there is none */
};

struct stencil {
	const struct row_maker	*m;
	struct buf		 pool;
	struct piece		*pieces;	/* STENCIL_PIECES_MAX */
	struct cut		*cuts;		/* as many */
	struct line		*lines;		/* as many as there may be stencils */
	uint32_t		 npieces, ncuts, nlines;
	uint32_t		 root;		/* the first of the pieces that begin a row */
	uint64_t		 rows, met, learned;
	struct row_text		 texts[STENCIL_TEXTS_MAX];	/* of the row met last */
};

size_t		 stencil_line_bytes(const struct stencil *, const struct line *);

#endif
