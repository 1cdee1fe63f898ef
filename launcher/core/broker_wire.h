/*
 * broker_wire.h -- what launcher and egress broker say to each other, on a
 * SOCK_SEQPACKET pair: one struct a packet.
 *
 * launcher:	OPEN (with one descriptor: the broker's end of a leg), CLOSE
 * broker:	READY once, when its privileges are gone; CONTACT for each question
 *		of a worker, sent before the worker has its answer
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

#define WIRE_VERSION		1
#define WIRE_FD			3		/* in the broker */
#define WIRE_RULES_MAX		SPEC_EGRESS_MAX
#define WIRE_OPENED_MAX		64		/* hosts whose private addresses the operator opened */
#define WIRE_HOSTS_MAX		(WIRE_RULES_MAX + WIRE_OPENED_MAX)

enum wire_type {
	WIRE_READY = 1,
	WIRE_OPEN,
	WIRE_CLOSE,
	WIRE_CONTACT,
};

struct wire_head {
	uint16_t	version;
	uint16_t	type;
	uint32_t	leg;		/* 0 in READY */
};

struct wire_host {
	char		host[EGRESS_HOST_BYTES_MAX + 1];
	uint16_t	port;		/* 0 in an opened host: any */
};

/* Sent as far as hosts are used: rules first, opened ones behind. */
struct wire_open {
	struct wire_head	head;
	uint32_t		connects_max;
	uint16_t		nrules;
	uint16_t		nopened;
	struct wire_host	hosts[WIRE_HOSTS_MAX];
};

struct wire_contact {
	struct wire_head	head;
	uint16_t		port;
	uint16_t		status;	/* enum egress_status */
	char			host[EGRESS_HOST_BYTES_MAX + 1];	/* "": the question was malformed */
	char			reason[EGRESS_REASON_BYTES_MAX + 1];
	char			pad;
};

#define WIRE_OPEN_BYTES(n)	(offsetof(struct wire_open, hosts) + (n) * sizeof(struct wire_host))

static_assert(sizeof(struct wire_open) < 64 * KIB, "a policy fits one packet of any socket buffer");
static_assert(sizeof(struct wire_contact) == sizeof(struct wire_head) + 4 + EGRESS_HOST_BYTES_MAX +
    EGRESS_REASON_BYTES_MAX + 3, "no holes: nothing of the sender's memory goes along");

#endif
