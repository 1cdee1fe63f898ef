/*
 * subject.h -- whom a caller's certificate names.
 *
 *   cn:NAME	its subject's common name, where there is one of them
 *   dns:NAME	a DNS name of its alternative names, whatever its case
 *   uri:URI	a URI of them, such as spiffe://example.org/scheduler
 */
#ifndef SERVE_SUBJECT_H
#define SERVE_SUBJECT_H

#include <openssl/x509.h>
#include <stdbool.h>

#define SUBJECT_BYTES_MAX	256

/* Is this text one?  Letters, digits and what URIs have, no blank. */
bool	subject_ok(const char *);
/* Does the certificate, which was verified, name it? */
bool	subject_is(X509 *, const char *subject);

#endif
