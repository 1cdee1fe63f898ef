/*
 * stream.h -- one connection of a guest: from its network to its place and back.
 */
#ifndef BROKER_STREAM_H
#define BROKER_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/broker/crew.h"
#include "launcher/broker/record.h"

#define STREAM_BUFFER_BYTES	(32 * KIB)	/* each way; more than a ClientHello */

enum stream_state {
	STREAM_FREE,
	STREAM_WAITING,		/* for a permit, or for others to be dialled */
	STREAM_DIALLING,
	STREAM_OPEN,
	STREAM_NAMES,		/* to the name server, by TCP */
};

struct half {
	uint8_t		*data;		/* NULL until there is some */
	size_t		 start, end;
	bool		 ended, told;	/* nothing more comes; and the other side knows */
};

struct stream {
	enum stream_state	 state;
	uint32_t		 serial;	/* of its leg's; for its job */
	int			 in, out;	/* to the guest; to its place, -1 until there */
	uint32_t		 in_wants, out_wants;	/* epoll's */
	struct half		 up, down;	/* to the place, to the guest */
	bool			 looked;	/* its first bytes were no TLS, or of the right name */
	bool			 permitted;	/* it holds a permit */
	struct job		*job;
	int64_t			 deadline_ms;	/* WAITING: when to ask again; DIALLING: when it is stuck */
	struct wire_contact	 c;
	struct mark		 begin;
};

enum stream_news { STREAM_GOES_ON, STREAM_ENDED, STREAM_OTHER_NAME };

/* Moves what can be moved.  OTHER_NAME: it asks for `name`, which is not its host's. */
enum stream_news	stream_move(struct stream *, char name[EGRESS_HOST_BYTES_MAX + 1]);
/* What it waits for, of each side. */
void			stream_wants(const struct stream *, uint32_t *in, uint32_t *out);
/* Closes both sides; abrupt: the guest sees it reset.  Its memory stays. */
void			stream_close(struct stream *, bool abrupt);

#endif
