/*
 * tokens.h -- who may ask: one standing token, and short-lived ones of a client-credentials grant.
 */
#ifndef PRACTICE_TOKENS_H
#define PRACTICE_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#define TOKENS_MAX		256	/* living at a time; the oldest makes room */
#define TOKENS_GREETED_MAX	1024	/* remembered by the weather 401-once */
#define TOKEN_GOOD_S		3600	/* in fine weather */
#define CLIENT_ID		"practice"
#define CLIENT_SECRET		"practice-secret"

struct tokens;

/* standing "": everybody may ask.  NULL: no memory. */
struct tokens	*tokens_new(const char *standing);
void		 tokens_free(struct tokens *);
/* Writes a fresh token of 32 hexadecimal digits; requests 0: any number. */
void		 tokens_issue(struct tokens *, int64_t good_ms, int64_t requests, char out[33]);
/* Is the value of an Authorization header good?  Counts one request of a short-lived token. */
bool		 tokens_check(struct tokens *, const char *authorization);
/* True the first time that this value is seen. */
bool		 tokens_first(struct tokens *, const char *authorization);

#endif
