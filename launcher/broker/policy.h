/*
 * policy.h -- is this a question, and may this worker ask it?
 */
#ifndef BROKER_POLICY_H
#define BROKER_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/core/broker_wire.h"

enum host_kind {
	HOST_BAD,	/* none of these */
	HOST_NAME,	/* two labels or more, the last is not a number */
	HOST_IPV4,	/* four decimal numbers, as inet_ntop would write them */
	HOST_LOCAL,	/* "localhost" */
};

/* Of a host without trailing dot. */
enum host_kind	host_kind(const char *host);

/*
 * Takes a packet apart: 0, and q->host has lost one trailing dot; -1 if it is
 * malformed (size, kind, lengths, padding, port, a byte no URL's host can have).  Any bytes at all are fine.
 */
int		question_parse(const void *packet, size_t packet_bytes, struct egress_question *q);

struct policy {
	uint32_t		 connects_max;
	size_t			 nrules, nopened, ndirect;
	struct wire_host	*hosts;		/* rules, then opened, then direct; owned */
	struct wire_proxy	 proxy;
};

/* From a packet of the launcher; -1 if it is malformed or there is no memory. */
int		policy_take(struct policy *, const struct wire_open *, size_t packet_bytes);
void		policy_free(struct policy *);

/*
 * NULL if the host and port may be looked up, and *private_ok says whether its
 * private addresses may be reached; else why not, for people.
 */
const char	*policy_refuses(const struct policy *, const struct egress_question *, bool *private_ok);
/* NULL if the host is in the list, on any port, or why not. */
const char	*policy_knows(const struct policy *, const char *host);
/* The proxy for this host, NULL if it is dialled straight. */
const struct wire_proxy *policy_proxy(const struct policy *, const struct egress_question *);

#endif
