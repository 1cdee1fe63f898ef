/*
 * fetch_ident.h -- certificates made for a test of fetch, their keys, and a place for their server.
 */
#ifndef TESTS_FETCH_IDENT_H
#define TESTS_FETCH_IDENT_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define HOST		"source.example"
#define DAY_S		(24 * 3600)

/* A certificate and its key. */
struct ident {
	X509		*cert;
	EVP_PKEY	*key;
};

static void
extension_add(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION	*ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static struct ident
ident_make(const char *name, const struct ident *issuer, bool ca, long from_s, long until_s)
{
	static long	 serial;
	struct ident	 id = { X509_new(), EVP_EC_gen("P-256") };
	X509_NAME	*n;

	assert_non_null(id.cert);
	assert_non_null(id.key);
	n = X509_get_subject_name(id.cert);
	X509_set_version(id.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(id.cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(id.cert), from_s);
	X509_gmtime_adj(X509_getm_notAfter(id.cert), until_s);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(id.cert, issuer == NULL ? n : X509_get_subject_name(issuer->cert));
	X509_set_pubkey(id.cert, id.key);
	extension_add(id.cert, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (!ca) {
		char	 san[128];

		snprintf(san, sizeof(san), "DNS:%s", name);
		extension_add(id.cert, NID_subject_alt_name, san);
	}
	assert_true(X509_sign(id.cert, issuer == NULL ? id.key : issuer->key, EVP_sha256()) > 0);
	return id;
}

static char *
pem_of(const X509 *cert)
{
	BIO	*b = BIO_new(BIO_s_mem());
	char	*data, *text;
	long	 n;

	assert_int_equal(PEM_write_bio_X509(b, cert), 1);
	n = BIO_get_mem_data(b, &data);
	assert_non_null(text = strndup(data, (size_t)n));
	BIO_free(b);
	return text;
}

static int
listener(uint16_t *port)
{
	struct sockaddr_in	 a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		 len = sizeof(a);
	int			 fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 32), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

#endif
