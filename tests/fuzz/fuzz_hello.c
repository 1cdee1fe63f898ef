/*
 * fuzz_hello.c -- what a guest begins a connection with, and what it sends to its name server.
 */
#include <stdlib.h>
#include <string.h>

#include "launcher/broker/hello.h"
#include "worker/contract/stub.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char			 name[EGRESS_HOST_BYTES_MAX + 1];
	struct stub_question	 q;
	uint8_t			 out[STUB_BYTES_MAX];
	enum hello		 h = hello_look(data, n, name);

	if ((h == HELLO_NAMED) != (name[0] != '\0') || strlen(name) > EGRESS_HOST_BYTES_MAX)
		abort();
	if (stub_parse(data, n, &q) == -1)
		return 0;
	if (strlen(q.host) > EGRESS_HOST_BYTES_MAX || q.bytes > n || stub_answer(data, &q, STUB_ADDRESS, &(struct stub_place){ { 1 }, { 1 } }, out) > STUB_BYTES_MAX)
		abort();
	return 0;
}
