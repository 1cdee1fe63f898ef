/*
 * subject.c -- names in a certificate.  Lengths are compared first: a name with a NUL in it is none of ours.
 */
#include <string.h>
#include <strings.h>

#include <openssl/x509v3.h>

#include "launcher/serve/subject.h"
#include "worker/contract/util.h"

static const struct {
	const char	*prefix;
	int		 kind;		/* GEN_*; -1: the common name */
	int		(*differ)(const char *, const char *, size_t);
} kinds[] = {
	{ "cn:", -1, strncmp }, { "dns:", GEN_DNS, strncasecmp }, { "uri:", GEN_URI, strncmp },
};

/* Its row, and its name behind the prefix; -1: none. */
static int
kind_of(const char *subject, const char **name)
{
	for (size_t i = 0; i < N_ITEMS(kinds); i++)
		if (strncmp(subject, kinds[i].prefix, strlen(kinds[i].prefix)) == 0) {
			*name = subject + strlen(kinds[i].prefix);
			return (int)i;
		}
	return -1;
}

bool
subject_ok(const char *text)
{
	const char	*name;

	if (kind_of(text, &name) == -1 || *name == '\0' || strlen(text) > SUBJECT_BYTES_MAX)
		return false;
	for (; *name != '\0'; name++)
		if (*name <= ' ' || *name > '~')
			return false;
	return true;
}

static bool
same(const ASN1_STRING *s, const char *name, int (*differ)(const char *, const char *, size_t))
{
	size_t	 n = strlen(name);

	return s != NULL && (size_t)ASN1_STRING_length(s) == n && differ((const char *)ASN1_STRING_get0_data(s), name, n) == 0;
}

/* A certificate with two of them says nothing for sure. */
static bool
common_is(X509 *x, const char *name)
{
	X509_NAME	*subject = X509_get_subject_name(x);
	int		 at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char	*text = NULL;
	int		 n;
	bool		 is;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return false;
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	is = n >= 0 && (size_t)n == strlen(name) && memcmp(text, name, (size_t)n) == 0;
	OPENSSL_free(text);
	return is;
}

bool
subject_is(X509 *x, const char *subject)
{
	const char	*name;
	int		 kind = kind_of(subject, &name);
	GENERAL_NAMES	*names;
	bool		 found = false;

	if (kind == -1)
		return false;
	if (kinds[kind].kind == -1)
		return common_is(x, name);
	names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME	*g = sk_GENERAL_NAME_value(names, i);

		if (g->type == kinds[kind].kind)
			found = same(g->d.ia5, name, kinds[kind].differ);
	}
	GENERAL_NAMES_free(names);
	return found;
}
