/*
 * dial.h -- one host becomes one connected socket, or a reason why not.
 */
#ifndef BROKER_DIAL_H
#define BROKER_DIAL_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "worker/contract/egress.h"

#define DIAL_MS			SECONDS(15)	/* look-up and connection together */
#define DIAL_STAGGER_MS		250		/* before the next address is tried beside the last one */
#define DIAL_ADDRESSES_MAX	16		/* of one host; the rest are not tried */

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
	int64_t			 deadline_ms;	/* on the monotonic clock */
	atomic_bool		 abandoned;	/* nobody waits for it any more */

	enum egress_status	 status;
	const char		*reason;	/* static text */
	int			 fd;		/* with EGRESS_OK; else -1 */
};

/* Blocks until the deadline, or longer where the resolver does.  Threads may dial side by side. */
void	dial_run(struct dial *);

/* resolve.c: the addresses this dial may use; 0 and status and reason are set if there are none. */
size_t	dial_resolve(struct dial *, union dial_address out[DIAL_ADDRESSES_MAX]);
/* connect.c: sets status, reason and fd. */
void	dial_connect(struct dial *, const union dial_address *, size_t n);

#endif
