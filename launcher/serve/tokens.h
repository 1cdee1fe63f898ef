/*
 * tokens.h -- who may do what.
 *
 * A line of the file: NAME SHA256 SCOPE[,SCOPE...].  The token itself is 256 random bits, shown once when it is
 * made; only its digest is kept, so the file gives nobody a way in.

 * In the place of the digest may stand a subject (subject.h): whoever shows a certificate of --client-ca that names it
 * needs no token.
 * Scopes: invoke (any connector), invoke:NAME, read (see invocations and metrics), manage (cancel any).
 */
#ifndef SERVE_TOKENS_H
#define SERVE_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/serve/subject.h"
#include "worker/contract/error.h"
#include "worker/contract/limits.h"

#define TOKEN_NAME_MAX		64
#define TOKEN_PREFIX		"bsc_"
#define TOKEN_DIGITS		64
#define TOKEN_BINDING_BYTES	32
#define TOKENS_MAX		10000
#define SCOPES_MAX		32

/* NONE: no token is needed; ANY: one of whatever scope. */
enum scope { SCOPE_NONE, SCOPE_ANY, SCOPE_READ, SCOPE_INVOKE, SCOPE_MANAGE };

struct token {
	char		 name[TOKEN_NAME_MAX + 1];
	unsigned char	 sha256[32];			/* of the token, where subject is "" */
	char		 subject[SUBJECT_BYTES_MAX + 1];
	bool		 read, manage, invoke;		/* invoke: any connector */
	size_t		 nconnectors;
	char		 connectors[SCOPES_MAX][CONNECTOR_NAME_MAX + 1];
};

struct tokenset;

/* -1 with ERR_USAGE, which names file and line. */
struct tokenset		*tokenset_load(const char *path, struct error *e);
void			 tokenset_free(struct tokenset *);
size_t			 tokenset_count(const struct tokenset *);
const struct token	*tokenset_at(const struct tokenset *, size_t i);
/* Whose token this is, in a time that says nothing about how near it is; NULL: nobody's. */
const struct token	*tokenset_find(const struct tokenset *, const char *text);
/* By name, which is no secret; NULL: there is none. */
const struct token	*tokenset_named(const struct tokenset *, const char *name);
/* Whom this certificate, which was verified, names: the first of the file; NULL: nobody. */
const struct token	*tokenset_find_subject(const struct tokenset *, X509 *);
/* connector: for SCOPE_INVOKE; NULL: is there any it may invoke? */
bool			 token_may(const struct token *, enum scope, const char *connector);

/* Reads "read,invoke:scim"; -1 names the scope that is none. */
int			 token_scopes(struct token *, const char *list, struct error *e);
/* "read,invoke:scim"; what does not fit is left out. */
void			 token_scope_print(const struct token *, const char *between, char *out, size_t n);
/* Digits that are others once anything of the token is: its name, its secret, its scopes. */
void			 token_binding(const struct token *, char out[TOKEN_BINDING_BYTES + 1]);
bool			 token_name_ok(const char *);
void			 token_digest(const char *text, size_t len, unsigned char sha256[32]);

#endif
