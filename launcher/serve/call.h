/*
 * call.h -- one invocation for a caller by HTTP: admission, worker, answer.
 */
#ifndef SERVE_CALL_H
#define SERVE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/serve/accept.h"
#include "worker/contract/buf.h"
#include "worker/contract/error.h"

struct ask;
struct connector_ref;
struct exchange;

/*
 * Takes over the request: what follows answers it.  a->rq.id names it; body is kept while it waits for its turn.
 * -1: no memory, and nothing was done.
 */
int	call_begin(struct exchange *, struct connector_ref *, struct ask *a, const struct accepted *, const char *trace,
	    struct buf *body);
/*
 * One that runs without its caller: its results go to the store, for follow.h to read.  It is on disk before it starts.
 * key: of a write that must not run twice, or NULL; it is released if this never starts.
 * -1 with *e: it was turned away, *retry_s says when to try again; the request is still the caller's to answer.
 */
int	call_begin_kept(struct exchange *, struct connector_ref *, struct ask *a, const char *key, const char *trace,
	    struct buf *body, int64_t *retry_s, struct error *e);
/* The status of such a refusal; 0: its error's own. */
int	call_status(const struct error *, int64_t retry_s);
/* Is there one of this id that has not ended? */
bool	call_lives(const char *id);
/* How many live. */
size_t	calls_live(void);
/* Ends them all for this reason. */
void	calls_cancel(enum err_code why, const char *text);

#endif
