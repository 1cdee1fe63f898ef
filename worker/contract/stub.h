/*
 * stub.h -- a name server's packets: one question is taken apart, one answer is made.
 *
 * No sockets here, and nothing is looked up: names are numbered by who calls, and have addresses by their numbers.
 */
#ifndef BROKER_STUB_H
#define BROKER_STUB_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/contract/limits.h"

#define STUB_BYTES_MAX	512	/* a packet of UDP without extensions */
#define STUB_TTL_S	60

enum stub_answer {
	STUB_ADDRESS,		/* of the name, of the family that was asked for */
	STUB_NOTHING,		/* there is such a name, and nothing of the kind that was asked for */
	STUB_NO_NAME,
};

enum stub_kind {
	STUB_OTHER,
	STUB_FOUR,		/* an IPv4 address */
	STUB_SIX,
};

struct stub_question {
	char	host[EGRESS_HOST_BYTES_MAX + 1];	/* lower case, no trailing dot; "" where no host can be called so */
	enum stub_kind kind;
	size_t	bytes;					/* of header and question in the packet */
};

/* The addresses that stand for a name: of 198.18.0.0/15 and 2001:2::/64, which are nobody's. */
struct stub_place {
	uint8_t	four[4], six[16];
};
struct stub_place	stub_place(size_t name);
/* The IPv4 address that it stands for: it is one, is one mapped, or was made up beside one.  False: none. */
bool	stub_four(const struct sockaddr *, struct in_addr *four);
/* The number of the name, if less than `names`; -1: it is nobody's. */
long	stub_name(struct in_addr four, size_t names);

/* Any bytes at all are fine; -1: no question, and no answer to be given. */
int	stub_parse(const uint8_t *packet, size_t n, struct stub_question *q);
/* The answer to the packet that q was taken from; returns its length. */
size_t	stub_answer(const uint8_t *packet, const struct stub_question *q, enum stub_answer a, const struct stub_place *,
    uint8_t out[STUB_BYTES_MAX]);

#endif
