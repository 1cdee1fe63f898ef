/*
 * address.h -- which addresses a connection may go to.
 */
#ifndef BROKER_ADDRESS_H
#define BROKER_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* From the laxest to the strictest. */
enum address_class {
	ADDRESS_GLOBAL,		/* for everybody */
	ADDRESS_PRIVATE,	/* where the operator opened the host: private ranges, loopback */
	ADDRESS_NEVER,		/* link-local, metadata services, reserved, tunnelled, no such family */
};

enum address_class	address_class(const struct sockaddr *);
bool			address_allowed(const struct sockaddr *, bool private_ok);

#endif
