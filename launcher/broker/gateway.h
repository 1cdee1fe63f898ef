/*
 * gateway.h -- the way out of programs that resolve and connect by themselves.
 *
 * Such a worker's network has nothing in it but addresses that lead here.  Its name server answers names that the leg's
 * policy knows with addresses that are made up (198.18.x.y, 2001:2::x); whoever connects to one has its connection accepted, and
 * is connected to the name's real place by the same policy, record and budget as a worker that asks (gate.c).  Where the
 * program begins with TLS, the server it asks for must be the name that it looked up.  Then bytes are copied.
 */
#ifndef BROKER_GATEWAY_H
#define BROKER_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/broker/leg.h"

#define GATEWAY_NAMES_MAX	512u	/* that one leg has looked up, allowed or not */
#define GATEWAY_STREAMS_MAX	256u	/* connections of one leg at once */
#define GATEWAY_DIALS_MAX	8u	/* of them on their way to their places, given up ones included */
#define GATEWAY_QUESTIONS_MAX	100000u	/* to its name server; more are refusals */
#define GATEWAY_KEY		(1ull << 62)	/* of keys of epoll that are for here */

void	gateway_start(int epoll_fd);
/* The sockets of the leg's network, from its first packet, and the descriptor of the second; 1: the worker is at its end; -1: it is neither. */
int	gateway_take(struct leg *);
/* Each is 0, or -1: the launcher is gone. */
int	gateway_event(uint64_t key, uint32_t events);
int	gateway_dialled(struct job *);		/* a job with a `stream`; it stays the caller's */
int	gateway_tick(int64_t now);
/* When tick() has something to do; INT64_MAX: never. */
int64_t	gateway_due(int64_t now);
/* Its number is its only name, and a policy may have the other. */
void	localhost_of(const struct leg *, char host[EGRESS_HOST_BYTES_MAX + 1]);
/* Ends its connections.  NULL is fine. */
int	gateway_free(struct leg *);

#endif
