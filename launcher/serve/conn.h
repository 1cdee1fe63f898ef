/*
 * conn.h -- the connections that are open, as far as evhttp does not say.
 *
 * evhttp tells neither when a connection comes nor how far its request has come.  Here each has a
 * record, found by descriptor, from the moment its bufferevent is made until its descriptor is closed:
 * for the cap on connections, the time a request may take to come whole, and the memory all may hold.
 */
#ifndef SERVE_CONN_H
#define SERVE_CONN_H

#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>

struct door;
struct peer;
struct conn;

/* evhttp's callback for a new connection; arg is its struct door. */
struct bufferevent	*conn_new(struct event_base *, void *door);
/* The connection of a request; NULL: it is no more. */
struct conn		*conn_of(struct evhttp_request *);
struct door		*conn_door(const struct conn *);
/* User id at the other end of a unix socket, -1 if it is none. */
long			 conn_peer(const struct conn *);
/* The row of --peer that is about it; NULL: none. */
const struct peer	*conn_peer_row(const struct conn *);
/* A request of it is being answered, from here to the last byte of the answer. */
void			 conn_begin(struct conn *, struct evhttp_request *);
/* What was held of its request is not held any more. */
void			 conn_release(struct conn *);
/* Bytes of requests that are kept without their connection; less again where n is negative. */
void			 conns_charge(ssize_t n);
/* Its answer takes as long as it takes, while the caller reads; ends with the answer. */
void			 conn_patient(struct conn *, struct bufferevent *);
/* Cuts it; evhttp finds out by itself, later in the loop. */
void			 conn_cut(struct conn *);

/* Each second: forgets the closed, cuts those whose request takes too long.  True: there is room for more. */
bool			 conns_sweep(void);

struct conn_counts {
	size_t		 open, busy;
	size_t		 held_bytes;
	uint64_t	 accepted, cut_slow, cut_budget, cut_ahead;
};
struct conn_counts	 conns_count(void);

#endif
