/*
 * tls.c -- a server's TLS context from files.
 */
#include <errno.h>
#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "launcher/core/files.h"
#include "launcher/serve/tls.h"

static SSL_CTX *
refuse(SSL_CTX *ctx, const char *option, const char *file, struct error *e)
{
	char	 why[160];

	ERR_error_string_n(ERR_peek_last_error(), why, sizeof(why));
	ERR_clear_error();
	SSL_CTX_free(ctx);
	error_set(e, ERR_USAGE, "%s %.200s: %s", option, file, why);
	return NULL;
}

/* A key that is locked is refused: nobody is there to be asked. */
static int
no_password(char *text, int n, int writing, void *arg)
{
	(void)text;
	(void)n;
	(void)writing;
	(void)arg;
	return -1;
}

/* Files are opened by whoever may; NULL with what OpenSSL would have said. */
static BIO *
bio_of(const char *path)
{
	FILE	*f = files_read(path);
	BIO	*b = f == NULL ? NULL : BIO_new_fp(f, BIO_CLOSE);

	if (f == NULL)
		ERR_raise(ERR_LIB_SYS, errno);
	else if (b == NULL)
		(void)fclose(f);
	return b;
}

/* The end of a file is an error to the reader of PEM. */
static bool
pem_ended(void)
{
	unsigned long	 last = ERR_peek_last_error();

	if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

static bool
chain_read(SSL_CTX *ctx, const char *path)
{
	BIO	*b = bio_of(path);
	X509	*x = b == NULL ? NULL : PEM_read_bio_X509_AUX(b, NULL, no_password, NULL);
	bool	 good = x != NULL && SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_clear_chain_certs(ctx) == 1;

	X509_free(x);
	while (good && (x = PEM_read_bio_X509(b, NULL, no_password, NULL)) != NULL)
		if (SSL_CTX_add0_chain_cert(ctx, x) != 1) {
			X509_free(x);
			good = false;
		}
	good = good && pem_ended();
	BIO_free(b);
	return good;
}

static bool
key_read(SSL_CTX *ctx, const char *path)
{
	BIO		*b = bio_of(path);
	EVP_PKEY	*key = b == NULL ? NULL : PEM_read_bio_PrivateKey(b, NULL, no_password, NULL);
	bool		 good = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;

	EVP_PKEY_free(key);
	BIO_free(b);
	return good;
}

/* Whose certificates are taken, and told to callers. */
static bool
authorities_read(SSL_CTX *ctx, const char *path)
{
	BIO	*b = bio_of(path);
	X509	*x;
	size_t	 n = 0;
	bool	 good = b != NULL;

	while (good && (x = PEM_read_bio_X509(b, NULL, no_password, NULL)) != NULL) {
		good = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x) == 1 && SSL_CTX_add_client_CA(ctx, x) == 1;
		X509_free(x);
		n++;
	}
	BIO_free(b);
	return good && n > 0 && pem_ended();
}

SSL_CTX *
tls_open(const char *cert, const char *key, const char *client_ca, struct error *e)
{
	static const unsigned char	 id[] = "bascule";
	SSL_CTX				*ctx = SSL_CTX_new(TLS_server_method());

	ERR_clear_error();
	if (ctx == NULL || !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
	    !SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1))
		return refuse(ctx, "TLS", "context", e);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* An idle connection keeps no buffers. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (!chain_read(ctx, cert))
		return refuse(ctx, "--tls-cert", cert, e);
	if (!key_read(ctx, key))
		return refuse(ctx, "--tls-key", key, e);
	if (client_ca == NULL)
		return ctx;
	if (!authorities_read(ctx, client_ca))
		return refuse(ctx, "--client-ca", client_ca, e);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return ctx;
}
