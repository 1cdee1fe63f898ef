/*
 * fuzz_broker.c -- any bytes as a worker's question: what passes the parser and the policy is what is on the list.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/broker/policy.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct wire_host	hosts[] = {
		{ "a.b", 1 }, { "*.c.d", 2 }, { "1.2.3.4", 3 }, { "localhost", 4 }, { "localhost", 0 },
	};
	struct policy		p = { .connects_max = 1, .nrules = 4, .nopened = 1, .hosts = hosts };
	struct egress_question	q;
	bool			private_ok;
	enum host_kind		kind;

	if (question_parse(data, n, &q) == -1)
		return 0;
	must(q.kind < EGRESS_KIND__MAX && (q.wait_ms == 0 || q.kind == EGRESS_DONE || q.kind == EGRESS_CALL) &&
	    (q.inner == 0 || q.kind == EGRESS_PERMIT));
	must((q.port != 0) == (q.kind == EGRESS_CONNECT) && q.host_bytes == strlen(q.host));
	must((q.host_bytes > 0) == (q.kind == EGRESS_CONNECT || q.kind == EGRESS_NAME));
	if (q.kind != EGRESS_CONNECT)
		return 0;
	kind = host_kind(q.host);
	if (policy_refuses(&p, &q, &private_ok) != NULL)
		return 0;
	must(kind != HOST_BAD);
	must(private_ok == (kind == HOST_LOCAL));
	switch (q.port) {
	case 1:
		must(strcmp(q.host, "a.b") == 0);
		break;
	case 2:
		must(kind == HOST_NAME && q.host_bytes > 4 && strcmp(q.host + q.host_bytes - 4, ".c.d") == 0);
		break;
	case 3:
		must(strcmp(q.host, "1.2.3.4") == 0);
		break;
	case 4:
		must(kind == HOST_LOCAL);
		break;
	default:
		abort();
	}
	return 0;
}
