/*
 * test_fetch_sign.c -- base64url, percent-encoding and RS256.
 *
 * The key is made afresh; its signatures are checked with its public half.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "worker/runtime/fetch_priv.h"

static void
test_base64url(void **state)
{
	static const struct { const char *in; size_t n; const char *out; } t[] = {
		{ "", 0, "" }, { "f", 1, "Zg" }, { "fo", 2, "Zm8" }, { "foo", 3, "Zm9v" }, { "foobar", 6, "Zm9vYmFy" },
		{ "\xfb\xff\xfe", 3, "-__-" }, { "\0\0", 2, "AAA" },
		{ "{\"alg\":\"RS256\"}", 15, "eyJhbGciOiJSUzI1NiJ9" },		/* RFC 7515, A.2 */
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(t); i++) {
		autofree char	*out = fetch_base64url(t[i].in, t[i].n);

		assert_string_equal(out, t[i].out);
	}
}

static void
test_escape(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "aZ09-._~", "aZ09-._~" }, { "a/b c?d#e&f=g+h%", "a%2Fb%20c%3Fd%23e%26f%3Dg%2Bh%25" },
		{ ".", "%2E" }, { "..", "%2E%2E" }, { "...", "..." }, { "a.b", "a.b" }, { "\xc3\xa9\r\n",
		    "%C3%A9%0D%0A" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(t); i++) {
		autofree char	*out = fetch_escape(t[i].in);

		assert_string_equal(out, t[i].out);
	}
}

static char *
pem_of(EVP_PKEY *key, bool traditional)
{
	BIO	*bio = BIO_new(BIO_s_mem());
	char	*data, *pem;
	long	 n;

	if (traditional)
		assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	else
		assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(bio, &data);
	pem = strndup(data, (size_t)n);
	BIO_free(bio);
	return pem;
}

/* base64url back to bytes. */
static size_t
decode(const char *s, unsigned char out[512])
{
	char	 padded[512];
	size_t	 n = strlen(s), pad = (4 - n % 4) % 4;

	assert_true(n + pad < sizeof(padded));
	for (size_t i = 0; i < n; i++)
		padded[i] = (char)(s[i] == '-' ? '+' : s[i] == '_' ? '/' : s[i]);
	memset(padded + n, '=', pad);
	return (size_t)EVP_DecodeBlock(out, (unsigned char *)padded, (int)(n + pad)) - pad;
}

static void
test_rs256(void **state)
{
	static const char	 text[] = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiI3In0";
	EVP_PKEY		*key = EVP_RSA_gen(2048);

	(void)state;
	for (int traditional = 0; traditional < 2; traditional++) {
		struct error	 e = ERROR_NONE;
		autofree char	*pem = pem_of(key, traditional), *signature = fetch_sign_rs256(pem, text, &e);
		EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
		unsigned char	 raw[512];

		assert_non_null(strstr(pem, traditional ? "BEGIN RSA PRIVATE" : "BEGIN PRIVATE"));
		assert_non_null(signature);
		assert_int_equal(decode(signature, raw), 256);
		assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
		assert_int_equal(EVP_DigestVerify(ctx, raw, 256, (const unsigned char *)text, strlen(text)), 1);
		EVP_MD_CTX_free(ctx);
	}
	EVP_PKEY_free(key);
}

static void
test_wrong_keys(void **state)
{
	EVP_PKEY	*ec = EVP_EC_gen("P-256");
	autofree char	*pem = pem_of(ec, false);
	const char	*keys[] = { pem, "", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	    "secret" };

	(void)state;
	for (size_t i = 0; i < N_ITEMS(keys); i++) {
		struct error	 e = ERROR_NONE;

		assert_null(fetch_sign_rs256(keys[i], "x", &e));
		assert_int_equal(e.code, ERR_INVALID_CONFIGURATION);
		assert_null(strstr(e.msg, "secret"));
	}
	EVP_PKEY_free(ec);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_base64url), cmocka_unit_test(test_escape), cmocka_unit_test(test_rs256),
		cmocka_unit_test(test_wrong_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
