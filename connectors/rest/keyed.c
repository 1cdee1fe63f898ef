/*
 * keyed.c -- SipHash by libcrypto.
 */
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/keyed.h"

#define SECRET_BYTES	16	/* SipHash's key */

struct keyed {
	EVP_MAC_CTX	*mac;
};

struct keyed *
keyed_new(void)
{
	struct keyed	*k = calloc(1, sizeof(*k));
	EVP_MAC		*mac = k == NULL ? NULL : EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	size_t		 bytes = sizeof(uint64_t);
	OSSL_PARAM	 params[] = { OSSL_PARAM_size_t("size", &bytes), OSSL_PARAM_END };
	unsigned char	 secret[SECRET_BYTES];
	bool		 ok = mac != NULL && (k->mac = EVP_MAC_CTX_new(mac)) != NULL && RAND_bytes(secret, sizeof(secret)) == 1 &&
	    EVP_MAC_init(k->mac, secret, sizeof(secret), params) == 1;

	EVP_MAC_free(mac);
	explicit_bzero(secret, sizeof(secret));
	if (ok)
		return k;
	keyed_free(k);
	return NULL;
}

void
keyed_free(struct keyed *k)
{
	if (k == NULL)
		return;
	EVP_MAC_CTX_free(k->mac);
	free(k);
}

int
keyed_hash(const struct keyed *k, const char *text, uint64_t *hash)
{
	size_t	 n = 0;

	return EVP_MAC_init(k->mac, NULL, 0, NULL) == 1 &&
	    EVP_MAC_update(k->mac, (const unsigned char *)text, strlen(text)) == 1 &&
	    EVP_MAC_final(k->mac, (unsigned char *)hash, &n, sizeof(*hash)) == 1 && n == sizeof(*hash) ? 0 : -1;
}
