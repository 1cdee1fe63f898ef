/*
 * test_ca_index.c -- certificates parsed on demand: a chain is good or bad exactly where OpenSSL's own
 * reader of the same file says so, and what is no plain list is left to it.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/contract/util.h"
#include "worker/runtime/ca_index.h"

#define DEBIAN_BUNDLE	"/etc/ssl/certs/ca-certificates.crt"
#define DAY_S		86400

struct party {
	EVP_PKEY	*key;
	X509		*cert;
};

static char	 dir[] = "/tmp/test_ca_index.XXXXXX";
static char	 bundle[64];

/* A name of one member, its text encoded as asked. */
static void
name_set(X509_NAME *name, const char *text, int encoding)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", encoding, (const unsigned char *)text, -1, -1, 0), 1);
}

static void
extension_add(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX	 ctx;
	X509_EXTENSION	*x;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(x);
	assert_int_equal(X509_add_ext(cert, x, -1), 1);
	X509_EXTENSION_free(x);
}

/* by NULL: self-signed.  issuer: how its issuer is written, NULL: as by's subject. */
static struct party
party_make(const char *subject, int encoding, const struct party *by, const X509_NAME *issuer, bool ca, long from_s, long to_s)
{
	struct party	 p = { EVP_EC_gen("P-256"), X509_new() };
	static long	 serial = 1;

	assert_non_null(p.key);
	assert_non_null(p.cert);
	X509_set_version(p.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(p.cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(p.cert), from_s);
	X509_gmtime_adj(X509_getm_notAfter(p.cert), to_s);
	name_set(X509_get_subject_name(p.cert), subject, encoding);
	X509_set_issuer_name(p.cert, issuer != NULL ? issuer : X509_get_subject_name(by != NULL ? by->cert : p.cert));
	X509_set_pubkey(p.cert, p.key);
	extension_add(p.cert, p.cert, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	/* By these OpenSSL tells keys of one name apart. */
	extension_add(p.cert, p.cert, NID_subject_key_identifier, "hash");
	extension_add(p.cert, by != NULL ? by->cert : p.cert, NID_authority_key_identifier, "keyid");
	assert_true(X509_sign(p.cert, by != NULL ? by->key : p.key, EVP_sha256()) > 0);
	return p;
}

static void
party_free(struct party *p)
{
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
}

static FILE *
bundle_open(const char *mode)
{
	FILE	*f = fopen(bundle, mode);

	assert_non_null(f);
	return f;
}

static void
bundle_write(const struct party *const *of, size_t n)
{
	FILE	*f = bundle_open("w");

	for (size_t i = 0; i < n; i++) {
		fprintf(f, "# a comment, as many bundles have\n");
		assert_int_equal(PEM_write_X509(f, of[i]->cert), 1);
	}
	assert_int_equal(fclose(f), 0);
}

static X509_STORE *
store_new(void)
{
	X509_STORE	*s = X509_STORE_new();

	assert_non_null(s);
	X509_STORE_set_flags(s, X509_V_FLAG_PARTIAL_CHAIN);
	return s;
}

static int
verdict_of(X509_STORE *store, X509 *leaf, STACK_OF(X509) *beside)
{
	X509_STORE_CTX	*ctx = X509_STORE_CTX_new();
	int		 r;

	assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, beside), 1);
	r = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	return r;
}

#define LATER	(-2)		/* it is mapped now and cut at the first question */

/* The index lives once in a process: each case has its own.  Twice, since the second finds the store filled. */
static int
verdict_by_index(X509 *leaf, STACK_OF(X509) *beside, int want_count)
{
	pid_t	 pid = fork();
	int	 status;

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		X509_STORE	*store = store_new();
		int		 r;

		if (want_count == LATER ? ca_index_later(store, bundle) != 0 : ca_index_load(store, bundle) != want_count)
			_exit(255);
		if (want_count == LATER && sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) != 0)
			_exit(253);
		r = verdict_of(store, leaf, beside);
		_exit(verdict_of(store, leaf, beside) == r ? r : 254);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
verdict_by_openssl(X509 *leaf, STACK_OF(X509) *beside)
{
	X509_STORE	*store = store_new();
	int		 r;

	assert_int_equal(X509_STORE_load_file(store, bundle), 1);
	r = verdict_of(store, leaf, beside);
	X509_STORE_free(store);
	return r;
}

static void
test_chains(void **state)
{
	struct party		 root = party_make("Root", V_ASN1_UTF8STRING, NULL, NULL, true, -DAY_S, DAY_S);
	struct party		 again = party_make("Root", V_ASN1_UTF8STRING, NULL, NULL, true, -DAY_S, DAY_S);
	struct party		 other = party_make("Other", V_ASN1_UTF8STRING, NULL, NULL, true, -DAY_S, DAY_S);
	struct party		 old = party_make("Old", V_ASN1_UTF8STRING, NULL, NULL, true, -3 * DAY_S, -DAY_S);
	struct party		 middle = party_make("Middle", V_ASN1_UTF8STRING, &root, NULL, true, -DAY_S, DAY_S);
	X509_NAME		*spelled = X509_NAME_new();
	const struct party	*all[] = { &other, &again, &root, &old }, *partial[] = { &other, &middle }, *none[] = { &other };
	STACK_OF(X509)		*beside = sk_X509_new_null();
	struct party		 leaf, printable, expired;

	(void)state;
	/* RFC 5280: the same name in other letters and another type of string. */
	name_set(spelled, "  ROOT ", V_ASN1_PRINTABLESTRING);
	leaf = party_make("leaf", V_ASN1_UTF8STRING, &middle, NULL, false, -DAY_S, DAY_S);
	printable = party_make("leaf 2", V_ASN1_UTF8STRING, &root, spelled, false, -DAY_S, DAY_S);
	expired = party_make("leaf 3", V_ASN1_UTF8STRING, &old, NULL, false, -DAY_S, DAY_S);
	sk_X509_push(beside, middle.cert);

	const struct {
		const char		*name;
		const struct party	*const *in;
		int			 n;
		X509			*leaf;
		int			 want;
	} rows[] = {
		{ "a chain, one of two roots of its name", all, 4, leaf.cert, X509_V_OK },
		{ "a name spelled otherwise", all, 4, printable.cert, X509_V_OK },
		{ "a root that is over", all, 4, expired.cert, X509_V_ERR_CERT_HAS_EXPIRED },
		{ "an intermediate that is trusted itself", partial, 2, leaf.cert, X509_V_OK },
		{ "a root that is not there", none, 1, leaf.cert, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
		{ "a root itself", all, 4, root.cert, X509_V_OK },
		{ "a root of a name that is there, with another key", all, 4, middle.cert, X509_V_OK },
	};
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		bundle_write(rows[i].in, (size_t)rows[i].n);
		if (verdict_by_openssl(rows[i].leaf, beside) != rows[i].want)
			fail_msg("%s: OpenSSL says %d", rows[i].name, verdict_by_openssl(rows[i].leaf, beside));
		if (verdict_by_index(rows[i].leaf, beside, rows[i].n) != rows[i].want)
			fail_msg("%s: the index says %d", rows[i].name, verdict_by_index(rows[i].leaf, beside, rows[i].n));
		if (verdict_by_index(rows[i].leaf, beside, LATER) != rows[i].want)
			fail_msg("%s: cut later it says %d", rows[i].name, verdict_by_index(rows[i].leaf, beside, LATER));
	}
	sk_X509_free(beside);
	X509_NAME_free(spelled);
	party_free(&root);
	party_free(&again);
	party_free(&other);
	party_free(&old);
	party_free(&middle);
	party_free(&leaf);
	party_free(&printable);
	party_free(&expired);
}

/* Not a plain list: nothing is taken, and the store is as it was. */
static void
test_not_plain(void **state)
{
	struct party		 root = party_make("Root", V_ASN1_UTF8STRING, NULL, NULL, true, -DAY_S, DAY_S);
	X509_STORE		*store = store_new();
	FILE			*f;
	static const struct {
		const char	*name, *text;
		size_t		 len;
	} rows[] = {
		{ "empty", "", 0 },
		{ "no certificate", "hello\n", 6 },
		{ "no end", "-----BEGIN CERTIFICATE-----\nMAAA\n", 33 },
		{ "no base64", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", 60 },
		{ "nothing in it", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", 55 },
		{ "no certificate in it", "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n", 60 },
		{ "a length over its end", "-----BEGIN CERTIFICATE-----\nMIIFazCC\n-----END CERTIFICATE-----\n", 64 },
		{ "a key", "-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n", 59 },
		{ "a NUL", "\0-----BEGIN CERTIFICATE-----\n", 29 },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++)
		for (int behind = 0; behind < 2; behind++) {
			f = bundle_open("w");
			if (behind == 1)
				assert_int_equal(PEM_write_X509(f, root.cert), 1);
			assert_int_equal(fwrite(rows[i].text, 1, rows[i].len, f), rows[i].len);
			assert_int_equal(fclose(f), 0);
			/* Text that is no certificate may stand beside one. */
			if (behind == 1 && strstr(rows[i].text, "BEGIN") == NULL && rows[i].text[0] != '\0')
				continue;
			if (behind == 1 && rows[i].len == 0)
				continue;
			if (ca_index_load(store, bundle) != -1)
				fail_msg("%s: taken", rows[i].name);
		}
	f = bundle_open("w");
	assert_int_equal(PEM_write_X509(f, root.cert), 1);
	assert_int_equal(PEM_write_X509_AUX(f, root.cert), 1);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(ca_index_load(store, bundle), -1);
	assert_int_equal(ca_index_load(store, "/nonexistent"), -1);
	assert_int_equal(ca_index_load(store, dir), -1);
	assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(store)), 0);
	assert_int_equal(ERR_peek_error(), 0);
	X509_STORE_free(store);
	party_free(&root);
}

static int
verdict_by_openssl_or_nothing(X509 *leaf)
{
	X509_STORE	*store = store_new();
	int		 r;

	(void)X509_STORE_load_file(store, bundle);
	r = verdict_of(store, leaf, NULL);
	X509_STORE_free(store);
	return r;
}

/* Found out only when a chain asks: then it is as if OpenSSL had read the file. */
static void
test_not_plain_later(void **state)
{
	struct party	 root = party_make("Root", V_ASN1_UTF8STRING, NULL, NULL, true, -DAY_S, DAY_S);
	struct party	 leaf = party_make("leaf", V_ASN1_UTF8STRING, &root, NULL, false, -DAY_S, DAY_S);
	X509_STORE	*store = store_new();
	static const struct {
		const char	*name, *behind;
		bool		 aux, trusted;
	} rows[] = {
		{ "marked as trusted", "", true, true },
		{ "a certificate that is broken behind it", "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n",
		    false, false },
		{ "no end behind it", "-----BEGIN CERTIFICATE-----\nMAAA\n", false, false },
		{ "something of another kind behind it", "-----BEGIN MESSAGE-----\nMAAA\n-----END MESSAGE-----\n", false, true },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		FILE	*f = bundle_open("w");

		assert_int_equal(rows[i].aux ? PEM_write_X509_AUX(f, root.cert) : PEM_write_X509(f, root.cert), 1);
		assert_true(fputs(rows[i].behind, f) >= 0);
		assert_int_equal(fclose(f), 0);
		if ((verdict_by_openssl_or_nothing(leaf.cert) == X509_V_OK) != rows[i].trusted)
			fail_msg("%s: OpenSSL says %d", rows[i].name, verdict_by_openssl_or_nothing(leaf.cert));
		if (verdict_by_index(leaf.cert, NULL, LATER) != verdict_by_openssl_or_nothing(leaf.cert))
			fail_msg("%s: cut later it says %d", rows[i].name, verdict_by_index(leaf.cert, NULL, LATER));
	}
	assert_int_equal(ca_index_later(store, "/nonexistent"), -1);
	assert_int_equal(ca_index_later(store, dir), -1);
	X509_STORE_free(store);
	party_free(&root);
	party_free(&leaf);
}

/* What workers read: as many as the file says, and each of them trusted. */
static void
test_debian(void **state)
{
	X509_STORE	*store = store_new();
	FILE		*f = fopen(DEBIAN_BUNDLE, "r");
	X509		*x;
	int		 n = 0, loaded;

	(void)state;
	if (f == NULL)
		skip();
	loaded = ca_index_load(store, DEBIAN_BUNDLE);
	while ((x = PEM_read_X509(f, NULL, NULL, NULL)) != NULL) {
		X509_OBJECT	*o = X509_OBJECT_new();
		X509_STORE_CTX	*ctx = X509_STORE_CTX_new();

		assert_int_equal(X509_STORE_CTX_init(ctx, store, NULL, NULL), 1);
		assert_int_equal(X509_STORE_CTX_get_by_subject(ctx, X509_LU_X509, X509_get_subject_name(x), o), 1);
		X509_OBJECT_free(o);
		X509_STORE_CTX_free(ctx);
		X509_free(x);
		n++;
	}
	ERR_clear_error();
	fclose(f);
	assert_true(n > 50);
	assert_int_equal(loaded, n);
	assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(store)), n);
	X509_STORE_free(store);
}

static int
folder_make(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(bundle, sizeof(bundle), "%s/bundle.pem", dir);
	return 0;
}

static int
folder_remove(void **state)
{
	(void)state;
	(void)unlink(bundle);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_not_plain),
		cmocka_unit_test(test_not_plain_later),
		cmocka_unit_test(test_debian),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
