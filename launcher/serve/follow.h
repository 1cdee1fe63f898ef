/*
 * follow.h -- readers of results that are kept.
 *
 * A reader gets what there is from an offset on, then what comes, then the end: clean where the invocation ended well
 * and every byte of it was there; else the connection is cut, or a last record says what happened.  One that never
 * got a byte has the invocation's own status, as if it had run it.
 */
#ifndef SERVE_FOLLOW_H
#define SERVE_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/serve/accept.h"

struct exchange;

struct follow_plan {
	const char	*id;
	int64_t		 from;
	bool		 snapshot;	/* what there is now, and no more: 202 while it runs */
	bool		 keyed;		/* the answer to a write that must not run twice */
};
/* Takes over the request: what follows answers it. */
void	follow_begin(struct exchange *, const struct accepted *, const struct follow_plan *);
/* There is more of it, or its end. */
void	follow_news(const char *id);

#endif
