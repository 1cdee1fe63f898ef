/*
 * door.h -- the addresses this server listens on.
 *
 * Loopback and unix sockets need nothing; at any other address TLS and tokens must be there, or the server
 * does not start.  Sockets handed over by systemd (LISTEN_FDS) are doors as well, and then no other.
 */
#ifndef SERVE_DOOR_H
#define SERVE_DOOR_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "worker/contract/error.h"

struct evhttp;
struct evhttp_request;
struct evhttp_bound_socket;

struct door {
	struct evhttp		*http;
	struct evhttp_bound_socket *bound;	/* NULL: closed */
	SSL_CTX			*ctx;		/* NULL: no TLS; replaced by doors_reload() */
	char			 name[160];	/* "unix:/run/x", "http://127.0.0.1:7080", "https://..." */
	char			 path[108];	/* of a unix socket that we made, "" otherwise */
	bool			 is_unix, loopback;
};

/* answer: evhttp's general callback. */
int	doors_open(void (*answer)(struct evhttp_request *, void *), struct error *e);
/* No more connections for now; doors_resume() once there is room. */
void	doors_pause(void);
void	doors_resume(void);
/* No more connections at all; those that are open go on. */
void	doors_close(void);
void	doors_free(void);
/* Sockets that are removed at the end, for files_allow(). */
int	doors_name(struct error *e);
/* Reads certificates again; the old ones stay where the new are no good. */
int	doors_reload(struct error *e);

#endif
