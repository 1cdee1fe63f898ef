/*
 * take.h -- what all doors for invocations do with a request.
 */
#ifndef SERVE_TAKE_H
#define SERVE_TAKE_H

#include <stdbool.h>

#include "launcher/serve/accept.h"
#include "worker/contract/buf.h"
#include "worker/contract/error.h"

struct connector_ref;
struct exchange;

/* What must hold before a body is looked at; false: refused, answered. */
bool	call_check(struct exchange *, struct accepted *);
/* The body as text, out of evhttp's buffers, where nothing of it stays; at most REQUEST_BYTES_MAX.  -1 with *e. */
int	body_take(struct exchange *, struct buf *, struct error *);
/* Answers the request with an invocation, or a refusal.  body: as ask.h has it. */
void	call_make(struct exchange *, const struct accepted *, struct connector_ref *, struct buf *body);

#endif
