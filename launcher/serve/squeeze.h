/*
 * squeeze.h -- Content-Encoding of a stream: gzip or zstd, flushed with every batch.
 */
#ifndef SERVE_SQUEEZE_H
#define SERVE_SQUEEZE_H

#include <stdbool.h>

#include "launcher/serve/accept.h"

struct evbuffer;
struct squeeze;

/* NULL: no memory. */
struct squeeze	*squeeze_new(enum coding);
void		 squeeze_free(struct squeeze *);
/* Moves all of from, compressed, to the end of to, such that a reader has it all; last: and closes it.  -1: no memory. */
int		 squeeze_move(struct squeeze *, struct evbuffer *from, struct evbuffer *to, bool last);
/* "gzip", "zstd". */
const char	*coding_name(enum coding);

#endif
