/*
 * jwt.h -- short-lived tokens that this server makes and reads itself: JWTs, HMAC-SHA256, one key.
 *
 * Nothing of a token is looked at before its signature is right, and its head is no question at all: it is the one
 * head that we write, byte for byte, or the token is not ours.
 */
#ifndef SERVE_JWT_H
#define SERVE_JWT_H

#include <stdint.h>

#include "launcher/serve/tokens.h"
#include "worker/contract/buf.h"

#define JWT_KEY_BYTES		32
#define JWT_LIFE_S		600	/* a client logs in again after so long */
#define JWT_SKEW_S		30	/* a clock may have been put back by so much */
#define JWT_BYTES_MAX		8192
#define JWT_AUDIENCE		"bascule-serve"

struct jwt {
	char	 subject[TOKEN_NAME_MAX + 1];		/* a token's name */
	char	 binding[TOKEN_BINDING_BYTES + 1];	/* and what it was: see token_binding() */
	int64_t	 issued_s, expires_s;
};

/* scope: what it may do, as a text for its reader; jti: any.  b->failed: no memory. */
void	jwt_make(struct buf *b, const struct jwt *, const char *scope, const char *jti, const unsigned char key[JWT_KEY_BYTES]);
/* Signs a payload. */
void	jwt_seal(struct buf *b, const char *payload, size_t len, const unsigned char key[JWT_KEY_BYTES]);
/* -1 with ERR_INSUFFICIENT_PERMISSION: not ours, not for us, or not now. */
int	jwt_read(const char *text, const unsigned char key[JWT_KEY_BYTES], int64_t now_s, struct jwt *, struct error *e);

#endif
