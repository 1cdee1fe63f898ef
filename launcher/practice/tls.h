/*
 * tls.h -- a certificate authority made at the start, and its one certificate.
 */
#ifndef PRACTICE_TLS_H
#define PRACTICE_TLS_H

#include <openssl/ssl.h>

#include "worker/contract/error.h"

/* The authority's certificate goes to ca_out (PEM) unless that is NULL; keys never leave memory.  NULL on failure. */
SSL_CTX	*tls_new(const char *address, const char *ca_out, struct error *e);

#endif
