/*
 * digest.c -- SHA-256 by libcrypto's own hands.
 */
#define OPENSSL_SUPPRESS_DEPRECATED	/* its manual sends everybody to EVP: see digest.h */

#include <assert.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "launcher/core/digest.h"
#include "worker/contract/util.h"

static_assert(DIGEST_BYTES == SHA256_DIGEST_LENGTH, "one size");

struct digest {
	SHA256_CTX	ctx;
};

struct digest *
digest_new(void)
{
	struct digest	*d = malloc(sizeof(*d));

	if (d != NULL)
		(void)SHA256_Init(&d->ctx);	/* it cannot fail, nor can the others */
	return d;
}

void
digest_free(struct digest *d)
{
	free(d);
}

void
digest_add(struct digest *d, const void *data, size_t n)
{
	(void)SHA256_Update(&d->ctx, data, n);
}

void
digest_get(const struct digest *d, uint8_t out[DIGEST_BYTES])
{
	SHA256_CTX	 copy = d->ctx;

	(void)SHA256_Final(out, &copy);
}

void
digest_print(const uint8_t digest[DIGEST_BYTES], char hex[2 * DIGEST_BYTES + 1])
{
	hex_put(hex, digest, DIGEST_BYTES);
}

void
digest_of(const void *data, size_t n, uint8_t out[DIGEST_BYTES])
{
	SHA256_CTX	 ctx;

	(void)SHA256_Init(&ctx);
	(void)SHA256_Update(&ctx, data, n);
	(void)SHA256_Final(out, &ctx);
}
