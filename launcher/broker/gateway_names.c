/*
 * gateway_names.c -- the name server of a guest's network, and which of its addresses is whose.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <bsd/string.h>

#include "launcher/broker/gateway_private.h"
#include "worker/contract/stub.h"
#include "worker/contract/util.h"

#define PACKETS_AT_ONCE	32

struct wire_contact
gateway_contact(const struct leg *l, const char *host, uint16_t port, enum egress_status status, const char *reason)
{
	struct wire_contact	 c = { .head = { WIRE_VERSION, WIRE_CONTACT, l->id }, .port = port, .status = (uint16_t)status };

	strncpy(c.host, host, sizeof(c.host) - 1);
	strncpy(c.reason, reason, sizeof(c.reason) - 1);
	return c;
}

int
gateway_record(struct leg *l, const struct wire_contact *said)
{
	struct wire_contact	 c = *said;

	if (record_send(&c) == -1)
		return -1;
	if ((c.status == EGRESS_REFUSED || c.status == EGRESS_BUDGET) && ++l->refusals == LEG_REFUSALS_MAX + 1) {
		c.head.type = WIRE_ENDED;
		return record_send(&c);
	}
	return 0;
}

int
gateway_refuse(struct leg *l, const char *host, uint16_t port, enum egress_status status, const char *reason)
{
	struct wire_contact	 c = gateway_contact(l, host, port, status, reason);

	return gateway_record(l, &c);
}

bool
is_cut_off(const struct leg *l)
{
	return l->refusals > LEG_REFUSALS_MAX;
}

/* Its place among the names, a new one if need be; GATEWAY_NAMES_MAX: there is no room. */
static size_t
name_place(struct gateway *g, const char *host, bool *is_new)
{
	size_t	 i;

	*is_new = false;
	for (i = 0; i < g->nnames; i++)
		if (strcmp(g->names[i], host) == 0)
			return i;
	if (i == GATEWAY_NAMES_MAX || (g->names[i] = strdup(host)) == NULL)
		return GATEWAY_NAMES_MAX;
	g->nnames++;
	*is_new = true;
	return i;
}

/* The answer to one packet, 0 bytes: none.  -1: the launcher is gone. */
static int
name_answer(struct leg *l, const uint8_t *packet, size_t n, uint8_t out[STUB_BYTES_MAX], size_t *bytes)
{
	struct stub_question	 q;
	enum stub_answer	 a = STUB_NO_NAME;
	const char		*why = NULL;
	size_t			 place = GATEWAY_NAMES_MAX;
	struct stub_place	 made;
	bool			 is_new = false;
	int			 r = 0;

	*bytes = 0;
	if (++l->gateway->questions > GATEWAY_QUESTIONS_MAX)
		return gateway_refuse(l, "", 0, EGRESS_BUDGET, "too many questions to the name server");
	if (stub_parse(packet, n, &q) == -1)
		return 0;
	if (q.host[0] != '\0')
		place = name_place(l->gateway, q.host, &is_new);
	if (place < GATEWAY_NAMES_MAX && (why = policy_knows(&l->policy, q.host)) == NULL)
		a = q.kind == STUB_FOUR || (q.kind == STUB_SIX && l->gateway->six) ? STUB_ADDRESS : STUB_NOTHING;
	else if (place == GATEWAY_NAMES_MAX)
		r = gateway_refuse(l, q.host, 0, EGRESS_BUDGET, "no host name, or too many of them");
	else if (is_new)
		r = gateway_refuse(l, q.host, 0, EGRESS_REFUSED, why);
	made = stub_place(place);
	*bytes = stub_answer(packet, &q, a, &made, out);
	return r;
}

int
udp_serve(struct leg *l)
{
	uint8_t			 packet[STUB_BYTES_MAX], out[STUB_BYTES_MAX];
	struct sockaddr_in	 from;
	size_t			 bytes;
	ssize_t			 n;

	for (int i = 0; i < PACKETS_AT_ONCE && !is_cut_off(l); i++) {
		socklen_t	 len = sizeof(from);

		if ((n = recvfrom(l->gateway->udp, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC,
		    (struct sockaddr *)&from, &len)) == -1)
			return 0;
		if (n > (ssize_t)sizeof(packet))
			continue;
		if (name_answer(l, packet, (size_t)n, out, &bytes) == -1)
			return -1;
		if (bytes > 0)
			(void)sendto(l->gateway->udp, out, bytes, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&from, len);
	}
	return 0;
}

/* A question behind its length, and so the answers: no more of them than fit its buffer at once. */
int
tcp_serve(struct leg *l, struct stream *s, bool *ended)
{
	uint8_t	 out[2 + STUB_BYTES_MAX];
	char	 none[EGRESS_HOST_BYTES_MAX + 1];
	size_t	 n, bytes;

	*ended = stream_move(s, none) != STREAM_GOES_ON || s->up.ended;
	while (s->up.end - s->up.start >= 2) {
		const uint8_t	*p = s->up.data + s->up.start;

		n = (size_t)p[0] << 8 | p[1];
		if (n > STUB_BYTES_MAX) {
			*ended = true;
			return 0;
		}
		if (s->up.end - s->up.start < 2 + n)
			return 0;
		if (name_answer(l, p + 2, n, out + 2, &bytes) == -1)
			return -1;
		out[0] = (uint8_t)(bytes >> 8);
		out[1] = (uint8_t)bytes;
		s->up.start += 2 + n;
		if (bytes > 0 && send(s->in, out, 2 + bytes, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)(2 + bytes))
			*ended = true;
	}
	return 0;
}

void
localhost_of(const struct leg *l, char host[EGRESS_HOST_BYTES_MAX + 1])
{
	if (strcmp(host, "127.0.0.1") == 0 && policy_knows(&l->policy, host) != NULL)
		(void)strlcpy(host, "localhost", EGRESS_HOST_BYTES_MAX + 1);
}

/* What it was called when it was looked up; an address that nobody was given is refused as what it is. */
void
place_of(const struct leg *l, const union dial_address *to, char host[EGRESS_HOST_BYTES_MAX + 1])
{
	const struct gateway	*g = l->gateway;
	struct in_addr		 a;
	long			 name;

	memset(host, 0, EGRESS_HOST_BYTES_MAX + 1);
	if (!stub_four(&to->sa, &a))
		(void)inet_ntop(AF_INET6, &to->in6.sin6_addr, host, INET6_ADDRSTRLEN);
	else if ((name = stub_name(a, g->nnames)) != -1)
		strncpy(host, g->names[name], EGRESS_HOST_BYTES_MAX);
	else
		(void)inet_ntop(AF_INET, &a, host, INET_ADDRSTRLEN);
	localhost_of(l, host);
}
