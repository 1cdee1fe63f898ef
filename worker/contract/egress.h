/*
 * egress.h -- the question a worker asks the broker on FD_EGRESS, and the answer.
 *
 * FD_EGRESS is a SOCK_SEQPACKET socket.  One fixed-size question, then one
 * fixed-size answer with at most one descriptor (SCM_RIGHTS): a connected,
 * settled TCP socket.  One question at a time.
 */
#ifndef CONTRACT_EGRESS_H
#define CONTRACT_EGRESS_H

#include <stdint.h>

#include "worker/contract/limits.h"

struct egress_question {
	uint16_t	port;					/* host order, 1..65535 */
	uint16_t	host_bytes;				/* 1..EGRESS_HOST_BYTES_MAX */
	char		host[EGRESS_HOST_BYTES_MAX + 1];	/* rest is zero */
};

enum egress_status {
	EGRESS_OK,		/* a descriptor comes with it */
	EGRESS_REFUSED,		/* policy: host, port or address; reason says which, never the address */
	EGRESS_UNRESOLVED,	/* no such name, or the resolver failed */
	EGRESS_UNREACHABLE,	/* refused or unreachable */
	EGRESS_TIMEOUT,		/* connect or resolver took too long */
	EGRESS_BUDGET,		/* too many connections for one invocation */
	EGRESS__MAX
};

struct egress_answer {
	uint16_t	status;					/* enum egress_status */
	char		reason[EGRESS_REASON_BYTES_MAX + 1];	/* for people; "" when OK */
	char		pad;
};

#endif
