/*
 * stub.c -- a name server's packets (RFC 1035, 4).
 */
#include <arpa/inet.h>
#include <string.h>

#include "worker/contract/stub.h"

#define NET		0xc6120000u		/* 198.18.0.0/15, of which the name server has .0.1 */
#define FIRST_NAME	(NET + 256)
/* 2001:2::/64, whose last 32 bits are those of the same name's address in the other family. */
static const uint8_t	 net6[12] = { 0x20, 0x01, 0x00, 0x02 };

struct stub_place
stub_place(size_t name)
{
	struct stub_place	 p = { 0 };
	uint32_t		 four = htonl(FIRST_NAME + (uint32_t)name);

	memcpy(p.four, &four, sizeof(p.four));
	memcpy(p.six, net6, sizeof(net6));
	memcpy(p.six + sizeof(net6), &four, sizeof(four));
	return p;
}

bool
stub_four(const struct sockaddr *sa, struct in_addr *four)
{
	struct sockaddr_in	 in;
	struct sockaddr_in6	 in6;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		*four = in.sin_addr;
		return true;
	}
	memcpy(&in6, sa, sizeof(in6));
	if (!IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) && memcmp(&in6.sin6_addr, net6, sizeof(net6)) != 0)
		return false;
	memcpy(four, in6.sin6_addr.s6_addr + sizeof(net6), sizeof(*four));
	return true;
}

long
stub_name(struct in_addr four, size_t names)
{
	uint32_t	 a = ntohl(four.s_addr);

	return a >= FIRST_NAME && a - FIRST_NAME < names ? (long)(a - FIRST_NAME) : -1;
}

#define HEADER_BYTES	12
#define LABEL_BYTES_MAX	63
#define TYPE_A		1
#define TYPE_AAAA	28
#define CLASS_IN	1

/* Bits of the header's second word. */
#define IS_ANSWER	0x8000u
#define OPCODE		0x7800u
#define WANTS_RECURSION	0x0100u
#define RECURSES	0x0080u
#define NO_SUCH_NAME	3u

static unsigned int
word(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

static void
word_put(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* One label; false: no host has such a one. */
static bool
label_take(char *host, size_t *len, const uint8_t *label, size_t n)
{
	bool	 plain = *len + n + 1 <= EGRESS_HOST_BYTES_MAX;

	for (size_t i = 0; plain && i < n; i++) {
		uint8_t	 c = label[i] >= 'A' && label[i] <= 'Z' ? (uint8_t)(label[i] - 'A' + 'a') : label[i];

		plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
		host[*len + (*len > 0) + i] = (char)c;
	}
	if (!plain)
		return false;
	if (*len > 0)
		host[*len] = '.';
	*len += (*len > 0) + n;
	host[*len] = '\0';
	return true;
}

int
stub_parse(const uint8_t *packet, size_t n, struct stub_question *q)
{
	size_t	 at = HEADER_BYTES, len = 0;
	bool	 plain = true;

	memset(q, 0, sizeof(*q));
	if (n < HEADER_BYTES || n > STUB_BYTES_MAX || (word(packet + 2) & (IS_ANSWER | OPCODE)) != 0 || word(packet + 4) != 1)
		return -1;
	while (at < n && packet[at] != 0) {
		size_t	 label = packet[at];

		/* A pointer makes no sense in the first name of a packet. */
		if (label > LABEL_BYTES_MAX || at + 1 + label >= n)
			return -1;
		plain = plain && label_take(q->host, &len, packet + at + 1, label);
		at += 1 + label;
	}
	if (at + 5 > n)
		return -1;
	if (!plain)
		q->host[0] = '\0';
	if (word(packet + at + 3) == CLASS_IN)
		q->kind = word(packet + at + 1) == TYPE_A ? STUB_FOUR : word(packet + at + 1) == TYPE_AAAA ? STUB_SIX : STUB_OTHER;
	q->bytes = at + 5;
	return 0;
}

size_t
stub_answer(const uint8_t *packet, const struct stub_question *q, enum stub_answer a, const struct stub_place *place,
    uint8_t out[STUB_BYTES_MAX])
{
	bool		 six = q->kind == STUB_SIX;
	const uint8_t	*address = six ? place->six : place->four;
	uint8_t		 bytes = six ? sizeof(place->six) : sizeof(place->four);
	/* The name of the question again, kind, class, how long it is good for, and how long it is. */
	uint8_t		 record[] = { 0xc0, HEADER_BYTES, 0, six ? TYPE_AAAA : TYPE_A, 0, CLASS_IN, 0, 0, 0, STUB_TTL_S, 0, bytes };
	bool		 fits = a == STUB_ADDRESS && q->kind != STUB_OTHER && q->bytes + sizeof(record) + bytes <= STUB_BYTES_MAX;
	size_t		 n = q->bytes;

	memcpy(out, packet, n);
	word_put(out + 2, IS_ANSWER | RECURSES | (word(packet + 2) & WANTS_RECURSION) | (a == STUB_NO_NAME ? NO_SUCH_NAME : 0));
	word_put(out + 6, fits ? 1 : 0);
	word_put(out + 8, 0);
	word_put(out + 10, 0);
	if (!fits)
		return n;
	memcpy(out + n, record, sizeof(record));
	memcpy(out + n + sizeof(record), address, bytes);
	return n + sizeof(record) + bytes;
}
