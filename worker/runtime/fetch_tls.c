/*
 * fetch_tls.c -- what TLS needs, loaded before the walls: afterwards no file can be opened.
 *
 * One CA store for the process; libcurl gets it for each connection.  There is
 * no way to turn verification off.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>

#include "worker/runtime/ca_index.h"
#include "worker/runtime/fetch_priv.h"

#define CA_FILE	"/etc/ssl/certs/ca-certificates.crt"

#define SPARES	2	/* an API, and where its tokens come from */

static X509_STORE	*store;
static SSL_CTX		*spares[SPARES];	/* made in the nursery, given away in the worker; NULL: given */

/*
 * The linker puts this in front of libcurl's SSL_CTX_new() (Makefile: --wrap).  libcurl makes a context for every
 * connection, and fetching some forty algorithms for it costs more than the fork of a worker; those that a nursery
 * made are as fresh, used once, and libcurl's own from here on.
 */
SSL_CTX	*__wrap_SSL_CTX_new(const SSL_METHOD *);
SSL_CTX *
__wrap_SSL_CTX_new(const SSL_METHOD *method)
{
	for (size_t i = 0; i < SPARES; i++)
		if (spares[i] != NULL && SSL_CTX_get_ssl_method(spares[i]) == method) {
			SSL_CTX	*ctx = spares[i];

			spares[i] = NULL;
			return ctx;
		}
	return SSL_CTX_new_ex(NULL, NULL, method);
}

/* later: certificates are looked through when the first chain asks for one. */
static int
libraries_load(bool later, struct error *e)
{
	tzset();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(e, ERR_SYSTEM, "libcurl cannot start");
	if ((store = X509_STORE_new()) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for the CA store");
	/*
	 * What the administrator gives is trusted, be it a private intermediate
	 * without its root: libcurl does the same with a store of its own.
	 */
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	/* Without the file the store is empty, and TLS fails closed unless config brings a caBundle. */
	if ((later ? ca_index_later(store, CA_FILE) : ca_index_load(store, CA_FILE)) == -1)
		(void)X509_STORE_load_file(store, CA_FILE);
	ERR_clear_error();
	return 0;
}

int
fetch_preload_once(struct error *e)
{
	return libraries_load(true, e);
}

int
fetch_preload(struct error *e)
{
	SSL_CTX	*ctx;
	SSL	*ssl;
	CURL	*easy;

	if (libraries_load(false, e) == -1)
		return -1;
	/* Touch once what is otherwise set up at first use, perhaps from files. */
	easy = curl_easy_init();
	ctx = SSL_CTX_new_ex(NULL, NULL, TLS_client_method());
	ssl = ctx == NULL ? NULL : SSL_new(ctx);
	if (easy == NULL || ssl == NULL)
		return error_set(e, ERR_SYSTEM, "TLS cannot start");
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	curl_easy_cleanup(easy);
	/* One that cannot be had here is made when it is wanted. */
	for (size_t i = 0; i < SPARES; i++)
		spares[i] = SSL_CTX_new_ex(NULL, NULL, TLS_client_method());
	return 0;
}

/*
 * The first half of a handshake with nobody.  Random numbers are drawn in it; OpenSSL seeds
 * itself anew in each process that was forked from here.
 */
void
fetch_rehearse(void)
{
	CURL	*easy = curl_easy_init();
	SSL_CTX	*ctx = SSL_CTX_new_ex(NULL, NULL, TLS_client_method());
	SSL	*ssl = ctx == NULL ? NULL : SSL_new(ctx);
	BIO	*in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	if (ssl != NULL && in != NULL && out != NULL) {
		SSL_set_bio(ssl, in, out);
		(void)SSL_connect(ssl);
	} else {
		BIO_free(in);
		BIO_free(out);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	curl_easy_cleanup(easy);
	ERR_clear_error();
}

int
tls_trust(const char *pem, struct error *e)
{
	BIO	*bio = BIO_new_mem_buf(pem, -1);
	X509	*cert;
	int	 n = 0;

	if (bio == NULL || store == NULL) {
		BIO_free(bio);
		return error_set(e, ERR_SYSTEM, "no memory for the CA store");
	}
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(store, cert);
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (n == 0)
		return error_set(e, ERR_INVALID_CONFIGURATION, "config.caBundle: no certificate in PEM form in it");
	return 0;
}

struct tls_ident {
	X509		*cert;
	STACK_OF(X509)	*chain;
	EVP_PKEY	*key;
};

/* OpenSSL would ask at a terminal. */
static int
password_give(char *out, int max, int writing, void *password)
{
	size_t	 n = password == NULL ? 0 : strlen(password);

	(void)writing;
	if (n == 0 || n > (size_t)max)
		return -1;
	memcpy(out, password, n);
	return (int)n;
}

struct evp_pkey_st *
fetch_key_read(const char *pem, const char *password)
{
	BIO		*bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY	*key = bio == NULL ? NULL :
	    PEM_read_bio_PrivateKey(bio, NULL, password_give, (void *)(uintptr_t)password);

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

void
tls_ident_free(struct tls_ident *id)
{
	if (id == NULL)
		return;
	X509_free(id->cert);
	sk_X509_pop_free(id->chain, X509_free);
	EVP_PKEY_free(id->key);
	free(id);
}

/* The first is ours, the others lead to its root. */
static void
certificates_read(struct tls_ident *id, const char *pem)
{
	BIO	*bio = BIO_new_mem_buf(pem, -1);
	X509	*cert;

	id->cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	while (id->cert != NULL && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(id->chain, cert) == 0) {
			X509_free(cert);
			break;
		}
	BIO_free(bio);
	ERR_clear_error();
}

struct tls_ident *
tls_ident_new(const char *cert, const char *key, const char *password, struct error *e)
{
	struct tls_ident	*id = calloc(1, sizeof(*id));
	const char		*wrong = NULL;

	if (id == NULL || (id->chain = sk_X509_new_null()) == NULL) {
		tls_ident_free(id);
		(void)error_set(e, ERR_SYSTEM, "no memory for a certificate");
		return NULL;
	}
	certificates_read(id, cert);
	id->key = key == NULL ? NULL : fetch_key_read(key, password);
	if (id->cert == NULL)
		wrong = "the client certificate is none in PEM form";
	else if (id->key == NULL)
		wrong = "the client certificate's key is none in PEM form, or its password is wrong or missing";
	else if (X509_check_private_key(id->cert, id->key) != 1)
		wrong = "the client certificate and its key do not belong together";
	ERR_clear_error();
	if (wrong == NULL)
		return id;
	tls_ident_free(id);
	(void)error_set(e, ERR_INVALID_CONFIGURATION, "%s", wrong);
	return NULL;
}

CURLcode
tls_context(CURL *easy, void *ssl_ctx, void *arg)
{
	const struct attempt	*a = arg;
	const struct tls_ident	*id = a->f->ident;

	(void)easy;
	if (store == NULL)
		return CURLE_SSL_CACERT_BADFILE;
	SSL_CTX_set1_cert_store(ssl_ctx, store);
	if (id != NULL && SSL_CTX_use_cert_and_key(ssl_ctx, id->cert, id->key, id->chain, 1) != 1) {
		ERR_clear_error();
		return CURLE_SSL_CERTPROBLEM;
	}
	session_attach(ssl_ctx, &a->origin, id != NULL ? id->cert : NULL);
	return CURLE_OK;
}
