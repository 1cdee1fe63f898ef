/*
 * texts.c -- OpenSSL's texts of errors, made ready when one is asked for.
 *
 * OpenSSL takes in some four thousand at its first start: a third of that, and memory that each fork's tables are
 * larger by.  One program's error in thousands is printed.  The linker puts these in front of its own (Makefile: --wrap);
 * what was asked for at the start is done before the first text is looked up, and nothing else is different.
 */
#include <openssl/err.h>
#include <stdbool.h>
#include <stddef.h>

static bool	 crypto_wanted, ssl_wanted;

int	__real_ossl_err_load_crypto_strings(void);
int	__wrap_ossl_err_load_crypto_strings(void);
int	__real_ossl_err_load_SSL_strings(void);
int	__wrap_ossl_err_load_SSL_strings(void);
void	__real_ERR_error_string_n(unsigned long error, char *text, size_t n);
void	__wrap_ERR_error_string_n(unsigned long error, char *text, size_t n);

int
__wrap_ossl_err_load_crypto_strings(void)
{
	crypto_wanted = true;
	return 1;
}

int
__wrap_ossl_err_load_SSL_strings(void)
{
	ssl_wanted = true;
	return 1;
}

/* The only one of its kind that a connector's libraries call. */
void
__wrap_ERR_error_string_n(unsigned long error, char *text, size_t n)
{
	if (crypto_wanted)
		(void)__real_ossl_err_load_crypto_strings();
	if (ssl_wanted)
		(void)__real_ossl_err_load_SSL_strings();
	crypto_wanted = ssl_wanted = false;
	__real_ERR_error_string_n(error, text, n);
}
