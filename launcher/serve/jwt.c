/*
 * jwt.c -- made, sealed, read.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "launcher/serve/jwt.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

/* {"alg":"HS256","typ":"JWT"} */
#define HEAD		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
#define MAC_BYTES	32
#define ISSUER		"bascule"

static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void
base64_add(struct buf *b, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t	 v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
		size_t		 chars = n - i >= 3 ? 4 : n - i + 1;

		for (size_t k = 0; k < chars; k++)
			buf_addc(b, digits[v >> (18 - 6 * k) & 63]);
	}
}

/* Strictly: one text for one value.  The number of bytes, or -1. */
static int
base64_read(const char *text, size_t n, unsigned char *out, size_t room)
{
	uint32_t	 v = 0;
	unsigned int	 bits = 0;
	size_t		 len = 0;

	if (n % 4 == 1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char	*d = text[i] == '\0' ? NULL : strchr(digits, text[i]);

		if (d == NULL)
			return -1;
		v = v << 6 | (uint32_t)(d - digits);
		if ((bits += 6) < 8)
			continue;
		bits -= 8;
		if (len == room)
			return -1;
		out[len++] = (unsigned char)(v >> bits);
		v &= (1u << bits) - 1;
	}
	return v != 0 ? -1 : (int)len;
}

static bool
mac(const char *text, size_t n, const unsigned char key[JWT_KEY_BYTES], unsigned char out[MAC_BYTES])
{
	unsigned int	 len = 0;

	return HMAC(EVP_sha256(), key, JWT_KEY_BYTES, (const unsigned char *)text, n, out, &len) != NULL && len == MAC_BYTES;
}

void
jwt_seal(struct buf *b, const char *payload, size_t len, const unsigned char key[JWT_KEY_BYTES])
{
	unsigned char	 m[MAC_BYTES];
	size_t		 start = b->len;

	buf_adds(b, HEAD ".");
	base64_add(b, (const unsigned char *)payload, len);
	if (b->failed || !mac(b->data + start, b->len - start, key, m)) {
		b->failed = true;
		return;
	}
	buf_addc(b, '.');
	base64_add(b, m, sizeof(m));
}

void
jwt_make(struct buf *b, const struct jwt *j, const char *scope, const char *jti, const unsigned char key[JWT_KEY_BYTES])
{
	autojson	*o = cJSON_CreateObject();
	autobuf		 text;

	buf_init(&text, JWT_BYTES_MAX / 2);
	(void)json_set_str(o, "iss", ISSUER);
	(void)json_set_str(o, "aud", JWT_AUDIENCE);
	(void)json_set_str(o, "sub", j->subject);
	/* Clients of the platform warn without a user, and look for the client by this name. */
	(void)json_set_str(o, "user_name", j->subject);
	(void)json_set_str(o, "client_id", j->subject);
	(void)json_set_str(o, "scope", scope);
	(void)json_set_str(o, "bnd", j->binding);
	(void)json_set_str(o, "jti", jti);
	(void)json_set(o, "iat", json_int(j->issued_s));
	(void)json_set(o, "exp", json_int(j->expires_s));
	json_print(&text, o);
	if (o == NULL || text.failed)
		b->failed = true;
	else
		jwt_seal(b, text.data, text.len, key);
}

static int
not_ours(struct error *e)
{
	return error_set(e, ERR_INSUFFICIENT_PERMISSION, "this token is none of this server's");
}

static int
claims_read(const cJSON *o, int64_t now_s, struct jwt *j, struct error *e)
{
	const char	*aud = json_str(o, "aud", ""), *iss = json_str(o, "iss", ""), *sub = json_str(o, "sub", ""),
			*bnd = json_str(o, "bnd", "");

	*j = (struct jwt){ .issued_s = json_i64(o, "iat", INT64_MAX), .expires_s = json_i64(o, "exp", 0) };
	if (strcmp(aud, JWT_AUDIENCE) != 0 || strcmp(iss, ISSUER) != 0)
		return error_set(e, ERR_INSUFFICIENT_PERMISSION, "this token is for another server");
	if ((size_t)snprintf(j->subject, sizeof(j->subject), "%s", sub) >= sizeof(j->subject) || !token_name_ok(sub) ||
	    (size_t)snprintf(j->binding, sizeof(j->binding), "%s", bnd) >= sizeof(j->binding))
		return not_ours(e);
	if (now_s >= j->expires_s)
		return error_set(e, ERR_INSUFFICIENT_PERMISSION, "this token has expired: log in again at /oauth/token");
	if (j->issued_s < 0 || j->issued_s > now_s + JWT_SKEW_S || j->expires_s - j->issued_s > JWT_LIFE_S)
		return error_set(e, ERR_INSUFFICIENT_PERMISSION, "this token is not valid yet, or for too long");
	return 0;
}

int
jwt_read(const char *text, const unsigned char key[JWT_KEY_BYTES], int64_t now_s, struct jwt *j, struct error *e)
{
	static const struct json_limits	 limits = { JWT_BYTES_MAX, 4, 64 };
	const char			*first = strchr(text, '.'), *second = first == NULL ? NULL : strchr(first + 1, '.');
	unsigned char			 ours[MAC_BYTES], theirs[MAC_BYTES], payload[JWT_BYTES_MAX];
	struct error			 bad = ERROR_NONE;
	cJSON				*o;
	int				 n, r;

	if (second == NULL || strlen(text) > JWT_BYTES_MAX || (size_t)(first - text) != strlen(HEAD) ||
	    memcmp(text, HEAD, strlen(HEAD)) != 0)
		return not_ours(e);
	if (base64_read(second + 1, strlen(second + 1), theirs, sizeof(theirs)) != MAC_BYTES ||
	    !mac(text, (size_t)(second - text), key, ours) || CRYPTO_memcmp(ours, theirs, MAC_BYTES) != 0)
		return not_ours(e);
	if ((n = base64_read(first + 1, (size_t)(second - first - 1), payload, sizeof(payload))) <= 0 ||
	    (o = json_parse((const char *)payload, (size_t)n, &limits, &bad)) == NULL)
		return not_ours(e);
	r = claims_read(o, now_s, j, e);
	cJSON_Delete(o);
	return r;
}
