/*
 * stream.h -- an answer that comes in pieces, over evhttp.
 *
 * The status line is held back until the first line, or the end.  Lines of one turn of the loop go out
 * together.  An answer ends cleanly, or its connection is cut once what was written before has gone out: a
 * caller never takes a part for the whole.
 *
 * What of evhttp must be known stands here: it says nothing of a caller that leaves while nothing is being
 * written, unless reading is on and its read callback off; a request whose connection has gone
 * belongs to whoever answers it, until evhttp_send_reply_end(); cutting is evhttp_connection_free(), and
 * not from within its own callbacks.
 */
#ifndef SERVE_STREAM_H
#define SERVE_STREAM_H

#include <event2/event_struct.h>
#include <event2/http.h>
#include <stdbool.h>

#include "launcher/serve/accept.h"
#include "worker/contract/buf.h"
#include "worker/contract/record.h"

struct conn;
struct squeeze;

enum stream_state {
	STREAM_HELD,		/* no status line yet */
	STREAM_OPEN,		/* lines go out */
	STREAM_CUTTING,		/* to be cut when all has gone out */
	STREAM_OVER,		/* evhttp's alone, or gone */
};

struct stream {
	struct evhttp_request	*req;		/* NULL: over */
	struct bufferevent	*bev;
	struct conn		*conn;
	enum stream_state	 state;
	struct accepted		 accepted;
	int			 status;	/* of the answer; 0: 200 */
	struct squeeze		*squeeze;	/* NULL: lines go out as they are */
	struct evbuffer		*pending, *coded;
	struct event		 flush, cut;
	uint64_t		 bytes;		/* that went to the connection */
	void			(*drained)(void *arg);	/* the caller has taken everything */
	void			(*gone)(void *arg);	/* the caller has left; the last call */
	void			*arg;
};

/* Takes over the request.  -1: no memory; it is still the caller's to answer. */
int	stream_open(struct stream *, struct evhttp_request *, struct conn *, const struct accepted *,
	    void (*drained)(void *), void (*gone)(void *), void *arg);
void	stream_line(struct stream *, const struct line_facts *, const char *line, size_t len);
/* Lines as they stand, or a piece of them; not for events. */
void	stream_bytes(struct stream *, const char *bytes, size_t n);
/* The last record, as inv_print_verdict() makes it, with its '\n'. */
void	stream_verdict(struct stream *, const struct buf *);
bool	stream_ready(const struct stream *);
bool	stream_held(const struct stream *);
bool	stream_over(const struct stream *);
/* Ends it cleanly; one that is held gets its status line. */
void	stream_end(struct stream *);
/* Cuts it.  Not for one that is held. */
void	stream_cut(struct stream *);
/* Gives back the request of one that is held, for a whole answer; no more is heard of it. */
struct evhttp_request *stream_release(struct stream *);
/* Frees what it holds; over, released or not. */
void	stream_close(struct stream *);

#endif
