/*
 * serve.h -- the listening socket.
 */
#ifndef PRACTICE_SERVE_H
#define PRACTICE_SERVE_H

#include <openssl/ssl.h>

#include "launcher/practice/practice.h"

/*
 * Listens on address and port (0: any free one, written back); ctx NULL: no TLS.
 * p->base must be there; fills p->http.
 */
int	serve_listen(struct practice *p, const char *address, uint16_t *port, SSL_CTX *ctx, struct error *e);

#endif
