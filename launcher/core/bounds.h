/*
 * bounds.h -- what the operator said at the start of a server, and no policy of it may go beyond: checked by its
 * supervisor, which believes no more of the front than it has to.
 *
 * The hosts of the policy's rules are no part of it: they come from configurations, which only the front reads.
 */
#ifndef CORE_BOUNDS_H
#define CORE_BOUNDS_H

#include <stdbool.h>

#include "launcher/core/broker_wire.h"
#include "worker/contract/error.h"

/* proxy.c: from --allow-private and the environment; connections without a bound.  -1 with *e. */
int		 bounds_make(struct wire_open *, const char *const *opened, struct error *e);
/*
 * *most: opened hosts, the proxy without its credentials, hosts that it is not for, and connections.  NULL: asked, a packet
 * of so many bytes, keeps within it; else what does not.
 */
const char	*bounds_broken(const struct wire_open *most, const struct wire_open *asked, size_t bytes);
/* The same place, whoever signs in there. */
bool		 bounds_proxy_same(const struct wire_proxy *, const struct wire_proxy *);

#endif
