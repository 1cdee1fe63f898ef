/*
 * gateway_private.h -- between gateway.c (sockets and events), gateway_names.c and gateway_dial.c.
 */
#ifndef BROKER_GATEWAY_PRIVATE_H
#define BROKER_GATEWAY_PRIVATE_H

#include <sys/queue.h>

#include "launcher/broker/gateway.h"
#include "launcher/broker/stream.h"

#define PORTS_MAX	EGRESS_PORTS_MAX

/* What a key of epoll says: which leg, and which socket of it. */
enum { SLOT_UDP, SLOT_TCP, SLOT_HEARD, SLOT_PORTS, SLOT_STREAMS = SLOT_PORTS + PORTS_MAX };
#define SLOT_BITS	16

struct gateway {
	LIST_ENTRY(gateway)	 next;		/* of those with something to do later */
	bool			 waits;
	uint32_t		 leg;
	int			 udp, tcp, listeners[PORTS_MAX];
	int			 heard;		/* its forbidden calls; -1: not yet, or never */
	size_t			 nports;
	bool			 six;		/* its listeners take IPv6 as well */
	char			*names[GATEWAY_NAMES_MAX];
	size_t			 nnames;
	uint32_t		 questions;
	struct stream		*streams;	/* GATEWAY_STREAMS_MAX, made with the first */
	uint32_t		 serials;
	unsigned int		 dials;
};

/* gateway.c: what is waited for of both sides. */
void	stream_watch(const struct gateway *, struct stream *);
/* What can be moved is, and what has ended does. */
int	stream_serve(struct leg *, struct stream *);

/* gateway_names.c */
struct wire_contact gateway_contact(const struct leg *, const char *host, uint16_t port, enum egress_status, const char *reason);
/* On record; one too many, and the leg is cut off, which the launcher is told.  -1: it is gone. */
int	gateway_record(struct leg *, const struct wire_contact *);
int	gateway_refuse(struct leg *, const char *host, uint16_t port, enum egress_status, const char *reason);
bool	is_cut_off(const struct leg *);
/* Packets of UDP that are there; a connection's questions, and whether it has ended. */
int	udp_serve(struct leg *);
int	tcp_serve(struct leg *, struct stream *, bool *ended);
/* What an address was called when it was looked up; one that nobody was given is a number. */
void	place_of(const struct leg *, const union dial_address *, char host[EGRESS_HOST_BYTES_MAX + 1]);

/* gateway_dial.c: a new one, WAITING or NAMES; NULL: there are too many. */
struct stream *stream_new(struct gateway *, int fd, enum stream_state);
int	stream_end(struct leg *, struct stream *, bool abrupt);
int	stream_refuse(struct leg *, struct stream *, enum egress_status, const char *reason);
/* Those that wait are dialled, as far as may be. */
int	streams_dial(struct leg *);
/* It has nothing to do later. */
void	gateway_forget(struct gateway *);

#endif
