/*
 * way_out.c -- what the egress broker must survive: much of it, in a hurry, and in odd shapes.
 *
 * Each ends the invocation, so what is reported here is never the last word.
 */
#include <string.h>
#include <sys/socket.h>

#include "tests/evil/evil/evil.h"
#include "worker/contract/egress.h"
#include "worker/contract/util.h"
#include "worker/contract/worker_fd.h"

#define MANY	500

static bool
asked(const char *host, size_t bytes, uint16_t port)
{
	struct egress_question	q = { .port = port, .host_bytes = (uint16_t)bytes };

	memcpy(q.host, host, bytes);
	return send(FD_EGRESS, &q, sizeof(q), 0) == (ssize_t)sizeof(q);
}

/* False once nothing comes any more. */
static bool
answered(void)
{
	struct egress_answer	a;

	return recv(FD_EGRESS, &a, sizeof(a), 0) == (ssize_t)sizeof(a);
}

/* One question after the other, each refused. */
int
attack_hammer(struct call *c)
{
	for (int i = 0; i < MANY; i++)
		if (!asked("internal.example", 16, 443) || !answered())
			return report(c, "cut-off", 0);
	return report(c, "ESCAPED", 0);
}

/* All of them at once. */
int
attack_hurry(struct call *c)
{
	for (int i = 0; i < MANY && asked("internal.example", 16, 443); i++)
		;
	while (answered())
		;
	return report(c, "cut-off", 0);
}

int
attack_nul_host(struct call *c)
{
	if (!asked("allowed.invalid\0.example", 24, 443) || !answered())
		return report(c, "cut-off", 0);
	return report(c, "ESCAPED", 0);
}

/* As long as a host may be, and no host: refused, and nothing worse. */
int
attack_huge_host(struct call *c)
{
	char	host[EGRESS_HOST_BYTES_MAX];

	memset(host, 'a', sizeof(host));
	if (!asked(host, sizeof(host), 443) || !answered())
		return report(c, "cut-off", 0);
	return report(c, "refused", 0);
}

/* Every length but the right one; the first ends it. */
int
attack_lengths(struct call *c)
{
	char	packet[2 * sizeof(struct egress_question)] = { 1 };

	for (size_t n = 1; n < sizeof(packet); n++)
		if (n != sizeof(struct egress_question) && (send(FD_EGRESS, packet, n, 0) == -1 || !answered()))
			return report(c, "cut-off", 0);
	return report(c, "ESCAPED", 0);
}
