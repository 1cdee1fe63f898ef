/*
 * oauth.h -- POST /oauth/token: a token of --tokens for a short-lived one (RFC 6749, client credentials).
 *
 * client_id is the token's name, client_secret the token.  What comes back is a JWT that says so: it is good at every
 * door for JWT_LIFE_S, as long as the token's line in the file is what it was.  The key that signs is kept in
 * --registry's folder (jwt.key, 0600), else made at each start.  A server without --tokens asks nobody who they are:
 * there everybody gets one, and it opens nothing that was not open.
 */
#ifndef SERVE_OAUTH_H
#define SERVE_OAUTH_H

#include "launcher/serve/tokens.h"

#define OAUTH_BYTES_MAX	8192		/* of a login's body */

struct exchange;

/* folder: where the key is kept; NULL: nowhere. */
int			 oauth_open(const char *folder, struct error *e);
void			 oauth_close(void);
void			 oauth_token(struct exchange *);
/* Whose this is: a token itself, or a JWT of it.  NULL with *e. */
const struct token	*oauth_bearer(const struct tokenset *, const char *text, struct error *e);

#endif
