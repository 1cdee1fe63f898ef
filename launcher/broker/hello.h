/*
 * hello.h -- which server a TLS client asks for.
 */
#ifndef BROKER_HELLO_H
#define BROKER_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "worker/contract/limits.h"

enum hello {
	HELLO_PART,	/* may become one: more is needed */
	HELLO_NONE,	/* no TLS, or nothing that could be read as its first message */
	HELLO_NAMED,	/* and which name */
	HELLO_UNNAMED,
	HELLO_BROKEN,	/* TLS, and its first message makes no sense */
};

/* The first bytes of a connection, any at all.  name: lower case, "" unless HELLO_NAMED. */
enum hello	hello_look(const uint8_t *bytes, size_t n, char name[EGRESS_HOST_BYTES_MAX + 1]);

#endif
