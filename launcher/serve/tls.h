/*
 * tls.h -- what a TLS door shows, and wants to be shown.
 */
#ifndef SERVE_TLS_H
#define SERVE_TLS_H

#include <openssl/ssl.h>

#include "worker/contract/error.h"

/* TLS 1.2 or later; client_ca NULL: callers need no certificate.  NULL with ERR_USAGE, which names the file. */
SSL_CTX	*tls_open(const char *cert, const char *key, const char *client_ca, struct error *e);

#endif
