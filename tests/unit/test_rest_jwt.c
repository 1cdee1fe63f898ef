/*
 * test_rest_jwt.c -- signed tokens against RFC 7515, appendix A; what a signature is made with, and by which keys it is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bsd/string.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "connectors/rest/jwt.h"

/* The keys of RFC 7515, A.1, A.2 and A.3: known to everybody, used for nothing. */
static const char	 hmac_key[] =
"\x03\x23\x35\x4b\x2b\x0f\xa5\xbc\x83\x7e\x06\x65\x77\x7b\xa6\x8f\x5a\xb3\x28\xe6\xf0\x54\xc9\x28\xa9\x0f\x84\xb2\xd2\x50\x2e\xbf"
"\xd3\xfb\x5a\x92\xd2\x06\x47\xef\x96\x8a\xb4\xc3\x77\x62\x3d\x22\x3d\x2e\x21\x72\x05\x2e\x4f\x08\xc0\xcd\x9a\xf5\x67\xd0\x80\xa3";
static const char	 rsa_key[] =
"-----BEGIN PRIVATE KEY-----\n"
"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n"
"jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n"
"aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n"
"juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n"
"ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n"
"toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n"
"VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n"
"PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n"
"O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n"
"kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n"
"XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n"
"4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n"
"pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n"
"0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n"
"lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n"
"kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n"
"rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n"
"kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n"
"5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n"
"9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n"
"evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n"
"yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n"
"OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n"
"tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n"
"ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n"
"03k2+ZQwVK0JKSHuLFkuQ3U=\n"
"-----END PRIVATE KEY-----\n";
static const char	 ec_key[] =
"-----BEGIN PRIVATE KEY-----\n"
"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
"H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
"7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
"-----END PRIVATE KEY-----\n";
#define CLAIMS	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

static void
test_known_answers(void **state)
{
	static const struct { const char *alg, *key, *data, *signature; } t[] = {
		{ "HS256", hmac_key, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS,	/* A.1 */
		    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" },
		{ "RS256", rsa_key, "eyJhbGciOiJSUzI1NiJ9." CLAIMS,				/* A.2 */
		    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU"
		    "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d"
		    "O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
		    "cN_IoypGlUPQGe77Rw" },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(t); i++) {
		struct error	 e = ERROR_NONE;
		autofree char	*got = jws_sign(jws_alg_find(t[i].alg), t[i].key, NULL, t[i].data, &e);

		assert_non_null(got);
		assert_string_equal(got, t[i].signature);
	}
}

static size_t
decode(const char *s, unsigned char out[1024])
{
	char	 padded[1024];
	size_t	 n = strlen(s), pad = (4 - n % 4) % 4;

	assert_true(n + pad < sizeof(padded));
	for (size_t i = 0; i < n; i++)
		padded[i] = (char)(s[i] == '-' ? '+' : s[i] == '_' ? '/' : s[i]);
	memset(padded + n, '=', pad);
	return (size_t)EVP_DecodeBlock(out, (unsigned char *)padded, (int)(n + pad)) - pad;
}

/* By the public half, whose key is the private one's.  Flat EC signatures are made DER again. */
static bool
verifies(const char *pem, const char *data, const char *signature, bool pss)
{
	unsigned char	 raw[1024], *der = NULL;
	size_t		 n = decode(signature, raw);
	BIO		*bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY	*key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX	*pctx;
	bool		 ok;

	BIO_free(bio);
	assert_int_equal(EVP_DigestVerifyInit(ctx, &pctx, EVP_sha256(), NULL, key), 1);
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
		ECDSA_SIG	*two = ECDSA_SIG_new();

		assert_int_equal(n, 64);
		ECDSA_SIG_set0(two, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
		n = (size_t)i2d_ECDSA_SIG(two, &der);
		ECDSA_SIG_free(two);
	}
	if (pss) {
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST);
	}
	ok = EVP_DigestVerify(ctx, der != NULL ? der : raw, n, (const unsigned char *)data, strlen(data)) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok;
}

/* Signatures with chance in them are checked, not compared; the check itself against A.3. */
static void
test_with_chance(void **state)
{
	static const char	 data[] = "eyJhbGciOiJFUzI1NiJ9." CLAIMS;
	struct error		 e = ERROR_NONE;

	(void)state;
	assert_true(verifies(ec_key, data,
	    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", false));
	for (int i = 0; i < 64; i++) {		/* numbers with leading zeros come now and then */
		autofree char	*es = jws_sign(jws_alg_find("ES256"), ec_key, NULL, data, &e);
		autofree char	*ps = i > 1 ? NULL : jws_sign(jws_alg_find("PS256"), rsa_key, NULL, data, &e);

		assert_non_null(es);
		assert_true(verifies(ec_key, data, es, false));
		assert_false(verifies(ec_key, CLAIMS, es, false));
		assert_true(ps == NULL || verifies(rsa_key, data, ps, true));
		assert_true(ps != NULL || i > 1);
	}
}

static void
test_whole(void **state)
{
	struct error	 e = ERROR_NONE;
	autojson	*header = cJSON_CreateObject(), *claims = json_parse("{\"iss\":\"joe\",\"n\":300000047674147123}", 36, NULL, &e);
	autofree char	*jwt = NULL;
	unsigned char	 raw[1024];
	char		*first, *second;

	(void)state;
	assert_int_equal(json_set_str(header, "kid", "k1"), 0);
	jwt = jws_make(jws_alg_find("HS256"), "secret", NULL, header, claims, &e);
	assert_non_null(jwt);
	first = strchr(jwt, '.');
	second = strrchr(jwt, '.');
	assert_ptr_not_equal(first, second);
	*first = *second = '\0';
	raw[decode(jwt, raw)] = '\0';
	assert_string_equal((char *)raw, "{\"kid\":\"k1\",\"alg\":\"HS256\",\"typ\":\"JWT\"}");
	raw[decode(first + 1, raw)] = '\0';
	assert_string_equal((char *)raw, "{\"iss\":\"joe\",\"n\":300000047674147123}");
}

/* A key as a JSON file holds it; wrong ones. */
static void
test_keys(void **state)
{
	static const struct { const char *alg, *key; } wrong[] = {
		{ "RS256", "" }, { "RS256", "no key" }, { "RS256", ec_key }, { "ES256", rsa_key }, { "ES384", ec_key }, { "HS256", "" },
	};
	char		 one_line[4096] = "";
	struct error	 e = ERROR_NONE;
	autofree char	*plain = jws_sign(jws_alg_find("RS256"), rsa_key, NULL, "x", &e), *lined = NULL;

	(void)state;
	for (const char *p = rsa_key; *p != '\0'; p++)
		(void)strlcat(one_line, *p == '\n' ? "\\n" : (char[]){ *p, '\0' }, sizeof(one_line));
	lined = jws_sign(jws_alg_find("RS256"), one_line, NULL, "x", &e);
	assert_non_null(plain);
	assert_non_null(lined);
	assert_string_equal(plain, lined);
	for (size_t i = 0; i < N_ITEMS(wrong); i++) {
		e = ERROR_NONE;
		assert_null(jws_sign(jws_alg_find(wrong[i].alg), wrong[i].key, NULL, "x", &e));
		assert_int_equal(e.code, ERR_INVALID_CONFIGURATION);
		assert_null(strstr(e.msg, "PRIVATE"));
	}
	assert_null(jws_alg_find("none"));
	assert_null(jws_alg_find("RS1"));
}

/* With a password; without it the key is refused, and nobody is asked at a terminal. */
static void
test_locked_key(void **state)
{
	BIO		*in = BIO_new_mem_buf(rsa_key, -1), *out = BIO_new(BIO_s_mem());
	EVP_PKEY	*key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	struct error	 e = ERROR_NONE;
	autofree char	*locked = NULL, *got = NULL;
	char		*data;
	long		 n;

	(void)state;
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_256_cbc(), "open", 4, NULL, NULL), 1);
	n = BIO_get_mem_data(out, &data);
	locked = strndup(data, (size_t)n);
	BIO_free(in);
	BIO_free(out);
	EVP_PKEY_free(key);
	got = jws_sign(jws_alg_find("RS256"), locked, "open", "x", &e);
	assert_non_null(got);
	assert_null(jws_sign(jws_alg_find("RS256"), locked, "shut", "x", &e));
	assert_null(jws_sign(jws_alg_find("RS256"), locked, NULL, "x", &e));
}

int
main(void)
{
	static const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_with_chance),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_locked_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
