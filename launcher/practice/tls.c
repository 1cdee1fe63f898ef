/*
 * tls.c -- makes an authority and a server certificate in memory.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "launcher/practice/tls.h"
#include "worker/contract/util.h"

#define GOOD_S		(30L * 24 * 60 * 60)
#define BACKDATE_S	(60L * 60)		/* for clocks that are behind */

struct issue {
	const char	*name;
	long		 serial;
	X509		*issuer;		/* NULL: itself */
	EVP_PKEY	*key, *issuer_key;
	const char	*const (*extensions)[2];
	size_t		 n;
};

static int
add_extensions(X509 *cert, const struct issue *is)
{
	X509V3_CTX	 context;

	X509V3_set_ctx(&context, is->issuer != NULL ? is->issuer : cert, cert, NULL, NULL, 0);
	for (size_t i = 0; i < is->n; i++) {
		X509_EXTENSION	*ext = X509V3_EXT_conf(NULL, &context, is->extensions[i][0], is->extensions[i][1]);
		int		 added = ext != NULL && X509_add_ext(cert, ext, -1);

		X509_EXTENSION_free(ext);
		if (!added)
			return -1;
	}
	return 0;
}

static X509 *
certificate(const struct issue *is)
{
	X509		*cert = X509_new();
	X509_NAME	*subject;

	if (cert == NULL)
		return NULL;
	subject = X509_get_subject_name(cert);
	if (X509_set_version(cert, 2) && ASN1_INTEGER_set(X509_get_serialNumber(cert), is->serial) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -BACKDATE_S) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), GOOD_S) != NULL && X509_set_pubkey(cert, is->key) &&
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)is->name, -1, -1, 0) &&
	    X509_set_issuer_name(cert, is->issuer != NULL ? X509_get_subject_name(is->issuer) : subject) &&
	    add_extensions(cert, is) == 0 && X509_sign(cert, is->issuer_key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

static int
write_ca(const char *path, X509 *ca, struct error *e)
{
	FILE	*f = fopen(path, "we");
	int	 ok;

	if (f == NULL)
		return error_sys(e, "%s", path);
	ok = PEM_write_X509(f, ca);
	if (fclose(f) != 0 || !ok)
		return error_sys(e, "%s", path);
	return 0;
}

static SSL_CTX *
context(X509 *leaf, EVP_PKEY *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
	    SSL_CTX_use_certificate(ctx, leaf) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

SSL_CTX *
tls_new(const char *address, const char *ca_out, struct error *e)
{
	static const char *const ca_extensions[][2] = {
		{ "basicConstraints", "critical,CA:TRUE,pathlen:0" },
		{ "keyUsage", "critical,keyCertSign,cRLSign" },
		{ "subjectKeyIdentifier", "hash" },
	};
	char			 names[256];
	const char *const	 leaf_extensions[][2] = {
		{ "basicConstraints", "critical,CA:FALSE" },
		{ "keyUsage", "critical,digitalSignature" },
		{ "extendedKeyUsage", "serverAuth" },
		{ "authorityKeyIdentifier", "keyid" },
		{ "subjectAltName", names },
	};
	EVP_PKEY		*ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509			*ca = NULL, *leaf = NULL;
	SSL_CTX			*ctx = NULL;

	snprintf(names, sizeof(names), "DNS:localhost,IP:127.0.0.1,IP:::1,IP:%s", address);
	if (ca_key != NULL && key != NULL)
		ca = certificate(&(struct issue){ .name = "practice authority", .serial = 1, .key = ca_key,
		    .issuer_key = ca_key, .extensions = ca_extensions, .n = N_ITEMS(ca_extensions) });
	if (ca != NULL)
		leaf = certificate(&(struct issue){ .name = "practice source", .serial = 2, .issuer = ca, .key = key,
		    .issuer_key = ca_key, .extensions = leaf_extensions, .n = N_ITEMS(leaf_extensions) });
	if (leaf == NULL || (ctx = context(leaf, key)) == NULL)
		error_set(e, ERR_SYSTEM, "no certificate could be made");
	else if (ca_out != NULL && write_ca(ca_out, ca, e) == -1) {
		SSL_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	X509_free(ca);
	X509_free(leaf);
	return ctx;
}
