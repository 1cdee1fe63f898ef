/*
 * digest.h -- SHA-256 by libcrypto's own hands.
 *
 * Its EVP would load configuration, providers and the texts of all errors first: for a program that runs once and digests a
 * line that is half of its start.  The code that computes is the same.
 */
#ifndef CORE_DIGEST_H
#define CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES	32

struct digest;

struct digest	*digest_new(void);	/* NULL: no memory */
void		 digest_free(struct digest *);
void		 digest_add(struct digest *, const void *, size_t n);
/* Of all that was added by now; more may be. */
void		 digest_get(const struct digest *, uint8_t out[DIGEST_BYTES]);
/* The same as hexadecimal digits. */
void		 digest_print(const uint8_t digest[DIGEST_BYTES], char hex[2 * DIGEST_BYTES + 1]);
/* Of one piece. */
void		 digest_of(const void *, size_t n, uint8_t out[DIGEST_BYTES]);

#endif
