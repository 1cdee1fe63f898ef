/*
 * route.h -- from a request to the room that answers it.
 */
#ifndef PRACTICE_ROUTE_H
#define PRACTICE_ROUTE_H

#include "launcher/practice/practice.h"

/* evhttp's general callback; arg is the struct practice. */
void	route_request(struct evhttp_request *, void *arg);

/* What the service says of itself; name is "Schemas", …; id NULL: all.  False: no such thing, nothing answered. */
bool	discover_answer(struct exchange *, const char *name, const char *id);

#endif
