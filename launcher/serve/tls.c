/*
 * tls.c -- a server's TLS context from files.
 */
#include <openssl/err.h>

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
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return refuse(ctx, "--tls-cert", cert, e);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		return refuse(ctx, "--tls-key", key, e);
	if (client_ca == NULL)
		return ctx;
	if (SSL_CTX_load_verify_file(ctx, client_ca) != 1)
		return refuse(ctx, "--client-ca", client_ca, e);
	SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(client_ca));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return ctx;
}
