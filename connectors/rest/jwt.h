/*
 * jwt.h -- signed tokens (RFC 7515 compact form, RFC 7519).
 */
#ifndef REST_JWT_H
#define REST_JWT_H

#include "worker/runtime/bascule.h"

struct jws_alg;
/* RS256, RS384, RS512, PS256, ES256, ES384, HS256, HS384, HS512; NULL: none of them. */
const struct jws_alg	*jws_alg_find(const char *name);
#define JWS_ALGS	"RS256, RS384, RS512, PS256, ES256, ES384, HS256, HS384 or HS512"

/*
 * The signature of data, base64url; NULL with *e.  key: of HS... the secret itself, else a private key in PEM form (a "\n" of two
 * characters stands for a line's end: how JSON files and one-line fields hold it).  password: of the key; NULL: none.
 */
char	*jws_sign(const struct jws_alg *, const char *key, const char *password, const char *data, struct error *e);

/* "header.claims.signature"; takes nothing.  "alg" (and "typ", where it is not there) are put into header. */
char	*jws_make(const struct jws_alg *, const char *key, const char *password, cJSON *header, const cJSON *claims,
	    struct error *e);

/* Sets "x5t" and "x5t#S256" of a header to the thumbprints of a certificate in PEM form. -1 with *e. */
int	 jwt_thumbprints(cJSON *header, const char *cert, struct error *e);

#endif
