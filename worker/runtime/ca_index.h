/*
 * ca_index.h -- a bundle of CA certificates, parsed only where a chain asks for one.
 *
 * OpenSSL takes a fifth of a millisecond for each certificate, and a bundle holds 140: half of a cold
 * start, for the one or two that a command needs.  Here the file is cut into certificates and their subjects
 * read; the rest is done in the handshake that wants it.
 */
#ifndef RUNTIME_CA_INDEX_H
#define RUNTIME_CA_INDEX_H

#include <openssl/x509.h>
#include <stddef.h>

#define CA_BYTES_MAX	(8 * 1024 * 1024)	/* of a bundle */
#define CA_COUNT_MAX	4096			/* certificates in it */

/*
 * Puts what the file holds into the store's reach.  Returns how many; -1 if it is not a plain list of
 * certificates (some are marked as trusted for a purpose, one is broken, it is too large): then nothing was done,
 * and OpenSSL's own reader shall judge it.  Once per process; what was read stays in memory.
 */
int	ca_index_load(X509_STORE *, const char *file);
/*
 * The same, but the file is mapped only, and cut when the first chain asks.  Where it is no plain list then, OpenSSL's
 * reader is given what is mapped.  -1: it cannot be mapped.
 */
int	ca_index_later(X509_STORE *, const char *file);

#endif
