/*
 * egress.h -- what a worker asks the broker on FD_EGRESS, and the answers.
 *
 * FD_EGRESS is a SOCK_SEQPACKET socket.  One fixed-size question, then one fixed-size answer; one
 * question at a time.
 *
 *	CONNECT	the answer has at most one descriptor (SCM_RIGHTS): a connected, settled TCP socket
 *	PERMIT	before each HTTP request, of whatever kind, where the request document says "runtime":{"rate":true}, and
 *		nowhere else (budgets; in a server any source, for what it told other workers): OK and wait_ms 0, and the request may be sent; else it is to be asked again
 *		in so many milliseconds, not before.  Whoever comes back keeps its place in the line.
 *	DONE	such a request has ended; it has no answer.  wait_ms: so long the source wants none of anybody
 *	NAME	of a keeper (worker/guest/keeper.h), and of nobody else: OK where the policy has the host, on whatever port
 *	CALL	likewise: its guest made a call that is death; wait_ms is its number.  It has no answer
 *
 * A keeper asks for no permits: its CONNECT takes one where the source has a budget, and has OK, no descriptor and
 * wait_ms for an answer where it is to be asked again in so many milliseconds.
 *
 * Each permit is good for EGRESS_CONNECTS_PER_PERMIT connections, where permits are wanted.
 */
#ifndef CONTRACT_EGRESS_H
#define CONTRACT_EGRESS_H

#include <assert.h>
#include <stdint.h>

#include "worker/contract/limits.h"

enum egress_kind { EGRESS_CONNECT, EGRESS_PERMIT, EGRESS_DONE, EGRESS_NAME, EGRESS_CALL, EGRESS_KIND__MAX };

struct egress_question {
	uint16_t	kind;					/* enum egress_kind */
	uint16_t	inner;					/* PERMIT: 1: another of this worker's is held open for it */
	uint32_t	wait_ms;				/* DONE, CALL */
	uint16_t	port;					/* CONNECT: host order, 1..65535; else 0 */
	uint16_t	host_bytes;				/* CONNECT, NAME: 1..EGRESS_HOST_BYTES_MAX; else 0 */
	char		host[EGRESS_HOST_BYTES_MAX + 1];	/* rest is zero */
	char		pad[2];
};

enum egress_status {
	EGRESS_OK,		/* CONNECT: a descriptor comes with it; PERMIT: see wait_ms */
	EGRESS_REFUSED,		/* policy: host, port or address; reason says which, never the address */
	EGRESS_UNRESOLVED,	/* no such name, or the resolver failed */
	EGRESS_UNREACHABLE,	/* refused or unreachable */
	EGRESS_TIMEOUT,		/* connect or resolver took too long */
	EGRESS_BUDGET,		/* too many connections for one invocation, or for its permits */
	EGRESS__MAX
};

struct egress_answer {
	uint32_t	wait_ms;				/* PERMIT: ask again then; 0: granted */
	uint16_t	status;					/* enum egress_status */
	char		reason[EGRESS_REASON_BYTES_MAX + 1];	/* for people; "" when OK */
	char		pad;
};

/*
 * A foreign program asks nothing here: its host sends a NETWORK with the sockets of the worker's network, which the
 * broker answers on (launcher/broker/gateway.h): its name server's of UDP and of TCP, and one that listens for each port.
 * Then, behind its walls, a HEARD with one descriptor, on which the filter tells which forbidden call was made; and
 * nothing after it.
 */
enum egress_packet { EGRESS_NETWORK = 1, EGRESS_HEARD };
#define EGRESS_PORTS_MAX	16
struct egress_network {
	uint16_t	kind;				/* enum egress_packet */
	uint16_t	nports;
	uint16_t	ports[EGRESS_PORTS_MAX];
};

static_assert(sizeof(struct egress_question) == 4 * 2 + 4 + EGRESS_HOST_BYTES_MAX + 1 + 2 &&
    sizeof(struct egress_answer) == 4 + 2 + EGRESS_REASON_BYTES_MAX + 1 + 1, "no holes: nothing of the sender's memory goes along");

#endif
