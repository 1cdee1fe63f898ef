/*
 * broker_wire.h -- what launcher and egress broker say to each other, on a
 * SOCK_SEQPACKET pair: one struct a packet.
 *
 * launcher:	OPEN (with one descriptor: the broker's end of a leg), CLOSE
 * broker:	READY once, when its privileges are gone
 *		CONTACT for each question of a worker, sent before the worker has its answer
 *		ENDED when a worker has lost its way out by its own doing; reason says why
 *		TALLY for each connection that came about, when it is no longer watched: its bytes
 *		CALL when a guest made a call that is death; it stands still until it is killed
 *		SPENT for a leg that was closed, if its source has a budget or kept it waiting
 *		CLOSED after the last of a leg that was closed
 *
 * Both are built together; the version catches a broker left over from another build.
 */
#ifndef CORE_BROKER_WIRE_H
#define CORE_BROKER_WIRE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/contract/egress.h"
#include "worker/contract/limits.h"
#include "worker/contract/spec.h"

#define WIRE_VERSION		8
#define WIRE_FD			3		/* in the broker */
#define WIRE_RULES_MAX		SPEC_EGRESS_MAX
#define WIRE_OPENED_MAX		64		/* hosts whose private addresses the operator opened */
#define WIRE_DIRECT_MAX		64		/* hosts that the operator's proxy is not used for */
#define WIRE_HOSTS_MAX		(WIRE_RULES_MAX + WIRE_OPENED_MAX + WIRE_DIRECT_MAX)
#define WIRE_CREDENTIAL_BYTES_MAX 255		/* SOCKS5 counts them in one byte */
#define WIRE_SOURCE_BYTES	16		/* of a digest that stands for connector and source */
#define WIRE_ADDRESS_BYTES	46		/* INET6_ADDRSTRLEN */

enum wire_type {
	WIRE_READY = 1,
	WIRE_OPEN,
	WIRE_CLOSE,
	WIRE_CONTACT,
	WIRE_ENDED,
	WIRE_TALLY,
	WIRE_CALL,
	WIRE_SPENT,
	WIRE_CLOSED,
};

struct wire_head {
	uint16_t	version;
	uint16_t	type;
	uint32_t	leg;		/* 0 in READY */
};

struct wire_host {
	char		host[EGRESS_HOST_BYTES_MAX + 1];
	uint16_t	port;		/* 0 in an opened or direct host: any */
};

enum wire_way {
	WIRE_ASKS,		/* a native worker */
	WIRE_NETWORKED,		/* a guest, whose first packet is its network (egress.h) */
	WIRE_KEPT,		/* a guest without namespaces, whose keeper asks for it */
	WIRE_WAY__MAX
};

enum wire_proxy_kind {
	WIRE_PROXY_NONE,
	WIRE_PROXY_HTTP,	/* CONNECT */
	WIRE_PROXY_SOCKS5,
	WIRE_PROXY__MAX
};

/* The operator's own proxy.  The one secret a broker is told. */
struct wire_proxy {
	uint16_t	kind;		/* enum wire_proxy_kind; NONE: the rest is zero */
	uint16_t	names;		/* 1: it gets names and resolves them; 0: addresses that were checked here */
	uint16_t	port;
	char		host[EGRESS_HOST_BYTES_MAX + 1];
	char		user[WIRE_CREDENTIAL_BYTES_MAX + 1];		/* "": none are sent */
	char		password[WIRE_CREDENTIAL_BYTES_MAX + 1];
};

/* The budget of the source, which all legs with this digest share; zeroed: there is none. */
struct wire_rate {
	struct rate_budget	budget;
	uint32_t		shared;		/* 1: without a budget too, what it tells one leg by Retry-After holds for all */
	uint8_t			source[WIRE_SOURCE_BYTES];
};

/* Sent as far as hosts are used: rules first, opened ones behind, then those without proxy. */
struct wire_open {
	struct wire_head	head;
	uint32_t		connects_max;
	uint32_t		worker;		/* by a supervisor's number, whose end of the leg goes along from there; 0 to the broker */
	uint32_t		pad;
	struct wire_rate	rate;
	uint16_t		nrules;
	uint16_t		nopened;
	uint16_t		ndirect;
	uint16_t		networked;	/* enum wire_way */
	struct wire_proxy	proxy;
	struct wire_host	hosts[WIRE_HOSTS_MAX];
};

/* CONTACT, ENDED, TALLY.  A TALLY repeats what its CONTACT said, so that it finds its place. */
struct wire_contact {
	struct wire_head	head;
	uint64_t		bytes_out;	/* TALLY: sent, each counted once */
	uint64_t		bytes_in;	/* TALLY: received */
	uint32_t		took_ms;	/* CONTACT: from the question to the connection */
	uint16_t		port;
	uint16_t		status;		/* enum egress_status */
	uint16_t		by_proxy;
	char			host[EGRESS_HOST_BYTES_MAX + 1];	/* "": the question was malformed */
	char			address[WIRE_ADDRESS_BYTES];		/* connected to, or refused; "": none */
	char			reason[EGRESS_REASON_BYTES_MAX + 1];
	char			pad;
};

struct wire_call {
	struct wire_head	head;
	uint32_t		arch;		/* AUDIT_ARCH_* */
	int32_t			nr;
};

struct wire_spent {
	struct wire_head	head;
	uint64_t		wait_ms;	/* for permits */
	uint32_t		permits;
	uint32_t		pad;
};

#define WIRE_OPEN_BYTES(n)	(offsetof(struct wire_open, hosts) + (n) * sizeof(struct wire_host))

static_assert(sizeof(struct wire_open) < 64 * KIB, "a policy fits one packet of any socket buffer");
static_assert(sizeof(struct wire_contact) == sizeof(struct wire_head) + 8 + 8 + 4 + 3 * 2 + EGRESS_HOST_BYTES_MAX + 1 +
    WIRE_ADDRESS_BYTES + EGRESS_REASON_BYTES_MAX + 1 + 1, "no holes: nothing of the sender's memory goes along");

#endif
