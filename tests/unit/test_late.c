/*
 * test_late.c -- OpenSSL's texts of errors, loaded late: those that were asked for, and no other.  Linked as connectors are.
 */
#include <openssl/err.h>
#include <openssl/evperr.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void
test_texts(void **state)
{
	unsigned long	 crypto = ERR_PACK(ERR_LIB_EVP, 0, EVP_R_BAD_DECRYPT), ssl = ERR_PACK(ERR_LIB_SSL, 0, SSL_R_WRONG_VERSION_NUMBER);
	char		 text[256];

	(void)state;
	assert_int_equal(OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL), 1);
	assert_null(ERR_reason_error_string(crypto));	/* not yet: whoever reads them by this call has to be wrapped too */
	assert_null(ERR_reason_error_string(ssl));
	ERR_error_string_n(crypto, text, sizeof(text));
	assert_string_equal(text, "error:03000064:digital envelope routines::bad decrypt");
	ERR_error_string_n(ssl, text, sizeof(text));
	assert_string_equal(text, "error:0A00010B:SSL routines::wrong version number");
	assert_string_equal(ERR_reason_error_string(ssl), "wrong version number");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
