/*
 * fetch_session.c -- TLS sessions from one invocation to the next, where the specification says "cache":["tls"].
 *
 * Each origin's newest session goes to the launcher at the end, and comes back with the next invocation of the same source,
 * connector and configuration: a handshake without certificates and signatures.  One that came is used for the first
 * connection only; what follows has libcurl's own sessions.  The host's name is checked anew against the certificate in
 * the session, as libcurl does with every connection; whether an authority vouches for it was checked in the handshake
 * that the session is of, by this configuration and this nursery's like, an hour ago at most.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "worker/contract/record.h"
#include "worker/runtime/fetch_priv.h"
#include "worker/runtime/runtime.h"

#define NAME_DIGITS	32		/* of a digest */
#define BASE64_BYTES(n)	(((n) + 2) / 3 * 4)

struct place {
	char		 name[sizeof(KEPT_SESSION_PREFIX) + NAME_DIGITS];
	SSL_SESSION	*in;		/* that came, until it is used */
	SSL_SESSION	*out;		/* the newest of this invocation */
	int64_t		 in_until_ms;	/* what comes of the one that came is no longer good than that; 0: none came */
	int64_t		 out_until_ms;
};

static struct place	 places[FETCH_SESSIONS_MAX];
static unsigned int	 nplaces WORKER_STATE;
static int		 place_of = -1;		/* of an SSL_CTX's extra data */
static int		(*theirs)(SSL *, SSL_SESSION *);	/* libcurl's, which is the same for all contexts */

void
sessions_forget(void)
{
	for (; nplaces > 0; nplaces--) {
		SSL_SESSION_free(places[nplaces - 1].in);
		SSL_SESSION_free(places[nplaces - 1].out);
		places[nplaces - 1].in = places[nplaces - 1].out = NULL;
	}
}

/* Which server, and shown which certificate. */
static bool
name_make(const struct origin *o, const X509 *shown, char out[sizeof(places[0].name)])
{
	unsigned char	 text[EGRESS_HOST_BYTES_MAX + 16 + EVP_MAX_MD_SIZE], sha256[EVP_MAX_MD_SIZE];
	int		 n = snprintf((char *)text, EGRESS_HOST_BYTES_MAX + 16, "%s:%u\n", o->host, o->port);
	unsigned int	 more = 0;

	if ((shown != NULL && X509_digest(shown, EVP_sha256(), text + n, &more) != 1) ||
	    EVP_Digest(text, (size_t)n + more, sha256, NULL, EVP_sha256(), NULL) != 1)
		return false;
	memcpy(out, KEPT_SESSION_PREFIX, sizeof(KEPT_SESSION_PREFIX));
	for (size_t i = 0; i < NAME_DIGITS / 2; i++)
		snprintf(out + strlen(KEPT_SESSION_PREFIX) + 2 * i, 3, "%02x", sha256[i]);
	return true;
}

static SSL_SESSION *
session_read(const char *text)
{
	size_t			 n = strlen(text);
	int			 bytes;
	unsigned char		*der = n == 0 || n % 4 != 0 || n > CACHE_VALUE_BYTES_MAX ? NULL : malloc(n);
	const unsigned char	*at = der;
	SSL_SESSION		*s = NULL;

	if (der == NULL)
		return NULL;
	/* Padding counts as bytes here, and the DER says how long it is. */
	if ((bytes = EVP_DecodeBlock(der, (const unsigned char *)text, (int)n)) > 0)
		s = d2i_SSL_SESSION(NULL, &at, bytes);
	OPENSSL_cleanse(der, n);
	free(der);
	ERR_clear_error();
	return s;
}

/* NULL: it is not for keeping, or one origin too many. */
static struct place *
place_get(const struct origin *o, const X509 *shown)
{
	struct place	*p;
	const char	*text;
	int64_t		 left_ms;
	char		 name[sizeof(p->name)];

	if (!cache_keeps(KEPT_SESSION) || !name_make(o, shown, name))
		return NULL;
	for (unsigned int i = 0; i < nplaces; i++)
		if (strcmp(places[i].name, name) == 0)
			return &places[i];
	if (nplaces == FETCH_SESSIONS_MAX)
		return NULL;
	p = &places[nplaces++];
	memcpy(p->name, name, sizeof(name));
	SSL_SESSION_free(p->out);	/* of a connection that was closed after all was forgotten */
	p->out = NULL;
	p->in = (text = cache_take(name, &left_ms)) == NULL ? NULL : session_read(text);
	p->in_until_ms = p->in == NULL ? 0 : now_ms() + left_ms;
	return p;
}

/*
 * A session that came of another is no younger than that: certificates were looked at when the first of them was made, and
 * are to be again within the hour.  Which one it came of is not known where there are two.
 */
static int64_t
until_ms(const struct place *p, SSL *ssl)
{
	int64_t	 until = now_ms() + CACHE_TTL_MS_MAX;

	if (!SSL_session_reused(ssl))
		return until;
	if (p->in_until_ms != 0 && p->in_until_ms < until)
		until = p->in_until_ms;
	return p->out != NULL && p->out_until_ms < until ? p->out_until_ms : until;
}

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct place	*p = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place_of);

	if (p != NULL && SSL_get_verify_result(ssl) == X509_V_OK && SSL_SESSION_is_resumable(session) == 1 &&
	    SSL_SESSION_up_ref(session) == 1) {
		p->out_until_ms = until_ms(p, ssl);
		SSL_SESSION_free(p->out);
		p->out = session;
	}
	return theirs != NULL ? theirs(ssl, session) : 0;
}

/* Before its first word.  Where libcurl has a session already, that is newer. */
static void
on_start(const SSL *ssl, int where, int ret)
{
	struct place	*p = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place_of);

	(void)ret;
	if ((where & SSL_CB_HANDSHAKE_START) == 0 || p == NULL || p->in == NULL || SSL_get_session(ssl) != NULL)
		return;
	(void)SSL_set_session((SSL *)(uintptr_t)ssl, p->in);
	SSL_SESSION_free(p->in);
	p->in = NULL;
}

void
session_attach(SSL_CTX *ctx, const struct origin *o, const X509 *shown)
{
	struct place	*p = place_get(o, shown);

	if (p == NULL || (place_of == -1 && (place_of = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL)) == -1) ||
	    SSL_CTX_set_ex_data(ctx, place_of, p) != 1)
		return;
	theirs = SSL_CTX_sess_get_new_cb(ctx);
	/* libcurl wants none of TLS 1.2: they would be of no use within one process. */
	SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	SSL_CTX_set_info_callback(ctx, on_start);
}

/* As long as both sides say. */
static int64_t
life_ms(const struct place *p)
{
	unsigned long	 hint = SSL_SESSION_get_ticket_lifetime_hint(p->out);
	long		 timeout = SSL_SESSION_get_timeout(p->out);
	int64_t		 left = p->out_until_ms - now_ms();

	if (hint > 0 && (timeout <= 0 || hint < (unsigned long)timeout))
		timeout = (long)hint;
	return timeout < left / 1000 ? (int64_t)timeout * 1000 : left;
}

static void
session_give(const struct place *p)
{
	unsigned char	*der = NULL;
	int		 n = i2d_SSL_SESSION(p->out, &der);
	size_t		 size = n > 0 ? BASE64_BYTES((size_t)n) + 1 : 0;
	char		*text = size == 0 || size - 1 > CACHE_VALUE_BYTES_MAX ? NULL : malloc(size);

	if (text != NULL) {
		(void)EVP_EncodeBlock((unsigned char *)text, der, n);
		cache_give(p->name, text, life_ms(p));
		OPENSSL_cleanse(text, size);
	}
	free(text);
	if (n > 0)
		OPENSSL_clear_free(der, (size_t)n);
}

void
sessions_give(void)
{
	for (unsigned int i = 0; i < nplaces; i++)
		if (places[i].out != NULL)
			session_give(&places[i]);
	sessions_forget();
}
