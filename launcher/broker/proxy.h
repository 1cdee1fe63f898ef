/*
 * proxy.h -- what is said to a proxy before it is out of the way: HTTP CONNECT, SOCKS5.
 *
 * No input or output here.  Bytes of the proxy are taken exactly up to the end
 * of its answer: what follows belongs to the worker.  Any bytes at all are fine.
 */
#ifndef BROKER_PROXY_H
#define BROKER_PROXY_H

#include <stddef.h>
#include <stdint.h>

#include "launcher/core/broker_wire.h"

#define PROXY_ANSWER_BYTES_MAX	(16 * KIB)	/* of an HTTP answer's head, interim ones included */
#define PROXY_SAY_BYTES_MAX	2048		/* the longest thing said: a name twice and credentials in base64 */

enum proxy_step {
	PROXY_SAY,	/* say[] goes to the proxy, then its answer is wanted */
	PROXY_MORE,	/* more of its answer is wanted */
	PROXY_OPEN,	/* from here on it is the other end's connection */
	PROXY_FAILED,	/* status and reason say why */
};

struct proxy_talk {
	const struct wire_proxy	*proxy;
	const char		*target;	/* name or address */
	uint16_t		 port;
	unsigned int		 state;

	char			 say[PROXY_SAY_BYTES_MAX];
	size_t			 say_bytes;

	uint8_t			 heard[512];	/* SOCKS5: the answer being put together; HTTP: its first line */
	size_t			 heard_bytes, want_bytes;
	size_t			 total_bytes;	/* HTTP: of all heads */
	unsigned int		 ends;		/* HTTP: how much of CR LF CR LF was seen last */

	enum egress_status	 status;
	const char		*reason;	/* static text */
	bool			 elsewhere;	/* another address of the same host may fare better */
};

/* Strings stay the caller's, and have to live as long.  PROXY_SAY, or PROXY_FAILED. */
enum proxy_step	proxy_begin(struct proxy_talk *, const struct wire_proxy *, const char *target, uint16_t port);
/* n > 0 bytes of the proxy; *used of them are its answer's (all but in the end). */
enum proxy_step	proxy_hear(struct proxy_talk *, const uint8_t *, size_t n, size_t *used);

#endif
