/*
 * jwt.c -- signed tokens, by OpenSSL.
 */
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "connectors/rest/jwt.h"

#define KEY_BYTES_MAX	(64u << 10)
#define COORDINATE_MAX	66		/* bytes of half an ECDSA signature: P-521 */

enum family { FAMILY_RSA, FAMILY_PSS, FAMILY_EC, FAMILY_HMAC };

struct jws_alg {
	const char	*name;
	enum family	 family;
	const EVP_MD	*(*md)(void);
	size_t		 half;		/* of an EC signature, in bytes */
	const char	*curve;
};

static const struct jws_alg	 algs[] = {
	{ "RS256", FAMILY_RSA, EVP_sha256 }, { "RS384", FAMILY_RSA, EVP_sha384 }, { "RS512", FAMILY_RSA, EVP_sha512 },
	{ "PS256", FAMILY_PSS, EVP_sha256 },
	{ "ES256", FAMILY_EC, EVP_sha256, 32, "prime256v1" }, { "ES384", FAMILY_EC, EVP_sha384, 48, "secp384r1" },
	{ "HS256", FAMILY_HMAC, EVP_sha256 }, { "HS384", FAMILY_HMAC, EVP_sha384 }, { "HS512", FAMILY_HMAC, EVP_sha512 },
};

const struct jws_alg *
jws_alg_find(const char *name)
{
	for (size_t i = 0; i < N_ITEMS(algs); i++)
		if (strcmp(algs[i].name, name) == 0)
			return &algs[i];
	return NULL;
}

/* PEM with real line ends; wiped by the caller. */
static char *
pem_lines(const char *s)
{
	char	*out = strlen(s) > KEY_BYTES_MAX ? NULL : strdup(s), *to = out;

	for (const char *p = out; p != NULL && *p != '\0';)
		if (p[0] == '\\' && p[1] == 'n') {
			*to++ = '\n';
			p += 2;
		} else
			*to++ = *p++;
	if (to != NULL)
		*to = '\0';
	return out;
}

static void
wipe(char *s)
{
	if (s != NULL)
		explicit_bzero(s, strlen(s));
	free(s);
}

static EVP_PKEY *
key_read(const struct jws_alg *alg, const char *text, const char *password, struct error *e)
{
	char		*pem = pem_lines(text), curve[64] = "";
	EVP_PKEY	*key = pem == NULL ? NULL : fetch_key_read(pem, password);
	bool		 rsa = alg->family != FAMILY_EC, fits;

	wipe(pem);
	fits = key != NULL && (rsa ? EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA : EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	    EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1 && strcmp(curve, alg->curve) == 0);
	ERR_clear_error();
	if (fits)
		return key;
	EVP_PKEY_free(key);
	(void)error_set(e, ERR_INVALID_CONFIGURATION, "the private key is no %s key in PEM form%s", rsa ? "RSA" : alg->curve,
	    key == NULL ? ", or its password is wrong or missing" : "");
	return NULL;
}

/* DER to the two numbers side by side. */
static bool
ec_flat(const struct jws_alg *alg, unsigned char *sig, size_t *n)
{
	const unsigned char	*p = sig;
	ECDSA_SIG		*two = d2i_ECDSA_SIG(NULL, &p, (long)*n);
	unsigned char		 flat[2 * COORDINATE_MAX];
	bool			 ok = two != NULL && alg->half <= COORDINATE_MAX &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(two), flat, (int)alg->half) == (int)alg->half &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(two), flat + alg->half, (int)alg->half) == (int)alg->half;

	ECDSA_SIG_free(two);
	if (ok && 2 * alg->half <= *n) {
		memcpy(sig, flat, 2 * alg->half);
		*n = 2 * alg->half;
		return true;
	}
	return false;
}

static char *
key_sign(const struct jws_alg *alg, EVP_PKEY *key, const char *data)
{
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX	*pctx = NULL;		/* ctx's */
	const void	*p = data;
	unsigned char	*sig = NULL;
	size_t		 n = 0, len = strlen(data);
	char		*out = NULL;
	bool		 ok = ctx != NULL && EVP_DigestSignInit(ctx, &pctx, alg->md(), NULL, key) == 1;

	if (ok && alg->family == FAMILY_PSS)
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_DigestSign(ctx, NULL, &n, p, len) == 1 && (sig = malloc(n)) != NULL &&
	    EVP_DigestSign(ctx, sig, &n, p, len) == 1 && (alg->family != FAMILY_EC || ec_flat(alg, sig, &n));
	if (ok)
		out = fetch_base64url(sig, n);
	free(sig);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return out;
}

char *
jws_sign(const struct jws_alg *alg, const char *key, const char *password, const char *data, struct error *e)
{
	unsigned char	 mac[EVP_MAX_MD_SIZE];
	unsigned int	 n = 0;
	EVP_PKEY	*pkey;
	char		*out = NULL;

	if (alg->family == FAMILY_HMAC) {
		if (key[0] == '\0' || strlen(key) > KEY_BYTES_MAX) {
			(void)error_set(e, ERR_INVALID_CONFIGURATION, "the key to sign with is empty or too long");
			return NULL;
		}
		if (HMAC(alg->md(), key, (int)strlen(key), (const unsigned char *)data, strlen(data), mac, &n) != NULL)
			out = fetch_base64url(mac, n);
	} else {
		if ((pkey = key_read(alg, key, password, e)) == NULL)
			return NULL;
		out = key_sign(alg, pkey, data);
		EVP_PKEY_free(pkey);
	}
	if (out == NULL)
		(void)error_set(e, ERR_SYSTEM, "cannot sign");
	return out;
}

static char *
part_make(const cJSON *v)
{
	char	*text = json_text(v), *out = text == NULL ? NULL : fetch_base64url(text, strlen(text));

	free(text);
	return out;
}

char *
jws_make(const struct jws_alg *alg, const char *key, const char *password, cJSON *header, const cJSON *claims, struct error *e)
{
	autofree char	*head = NULL, *body = NULL, *data = NULL, *signature = NULL;
	char		*out = NULL;

	if (json_set(header, "alg", cJSON_CreateString(alg->name)) == -1 ||
	    (json_get(header, "typ") == NULL && json_set(header, "typ", cJSON_CreateString("JWT")) == -1) ||
	    (head = part_make(header)) == NULL || (body = part_make(claims)) == NULL ||
	    asprintf(&data, "%s.%s", head, body) == -1) {
		(void)error_set(e, ERR_SYSTEM, "no memory for a token");
		return NULL;
	}
	if ((signature = jws_sign(alg, key, password, data, e)) != NULL && asprintf(&out, "%s.%s", data, signature) == -1) {
		out = NULL;
		(void)error_set(e, ERR_SYSTEM, "no memory for a token");
	}
	return out;
}

static int
thumbprint_set(cJSON *header, const char *name, const X509 *cert, const EVP_MD *md)
{
	unsigned char	 sum[EVP_MAX_MD_SIZE];
	unsigned int	 n = 0;
	autofree char	*text = X509_digest(cert, md, sum, &n) == 1 ? fetch_base64url(sum, n) : NULL;

	return text == NULL ? -1 : json_set(header, name, cJSON_CreateString(text));
}

int
jwt_thumbprints(cJSON *header, const char *text, struct error *e)
{
	char	*pem = pem_lines(text);
	BIO	*bio = pem == NULL ? NULL : BIO_new_mem_buf(pem, -1);
	X509	*cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	int	 r;

	BIO_free(bio);
	free(pem);
	ERR_clear_error();
	if (cert == NULL)
		return error_set(e, ERR_INVALID_CONFIGURATION, "the certificate is none in PEM form");
	r = thumbprint_set(header, "x5t", cert, EVP_sha1()) == -1 ||
	    thumbprint_set(header, "x5t#S256", cert, EVP_sha256()) == -1;
	X509_free(cert);
	return r == 0 ? 0 : error_set(e, ERR_SYSTEM, "no memory for a thumbprint");
}
