/*
 * dial.h -- one host becomes one connected socket, or a reason why not.
 */
#ifndef BROKER_DIAL_H
#define BROKER_DIAL_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "launcher/core/broker_wire.h"
#include "worker/contract/egress.h"

#define DIAL_MS			SECONDS(15)	/* look-up, connection and proxy together */
#define DIAL_STAGGER_MS		250		/* before the next address is tried beside the last one */
#define DIAL_ADDRESSES_MAX	16		/* of one host; the rest are not tried */
#define DIAL_POLL_MS_MAX	250		/* how late an abandoned dial notices */

/* Never says which address it was. */
#define DIAL_NOT_PUBLIC		"the address is private, loopback, link-local or reserved"

union dial_address {
	struct sockaddr		sa;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
};

struct dial {
	char			 host[EGRESS_HOST_BYTES_MAX + 1];
	uint16_t		 port;
	bool			 private_ok;
	struct wire_proxy	 proxy;		/* kind NONE: straight */
	int64_t			 deadline_ms;	/* on the monotonic clock */
	atomic_bool		 abandoned;	/* nobody waits for it any more */

	enum egress_status	 status;
	const char		*reason;	/* static text */
	int			 fd;		/* with EGRESS_OK; else -1 */
	char			 where[INET6_ADDRSTRLEN];	/* the address connected to, or the first refused; or "" */
	uint32_t		 took_ms;
};

/* The resolver's files cannot be read any more (sandbox_broker_outdated()): nothing is resolved. */
extern atomic_bool	dial_outdated;

/* Blocks until the deadline, or longer where the resolver does.  Threads may dial side by side. */
void	dial_run(struct dial *);
/* True once it is no use to go on. */
bool	dial_is_over(const struct dial *, int64_t now);
/* Sets status and reason. */
void	dial_fail(struct dial *, enum egress_status, const char *reason);
/* Notes this address for the record. */
void	dial_note(struct dial *, const union dial_address *);

/*
 * resolve.c: the addresses of a host that may be used; 0 and status and reason are set if there are none,
 * and the first that may not is noted.
 */
size_t	dial_resolve(struct dial *, const char *host, uint16_t port, bool private_ok,
	    union dial_address out[DIAL_ADDRESSES_MAX]);
/* connect.c: sets status, reason and fd.  private_ok: of these addresses, and the host we run on may be one. */
void	dial_connect(struct dial *, const union dial_address *, size_t n, bool private_ok);
/* tunnel.c: the same by way of d->proxy. */
void	dial_by_proxy(struct dial *);

#endif
