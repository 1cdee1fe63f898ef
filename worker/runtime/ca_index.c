/*
 * ca_index.c -- a bundle of CA certificates, parsed only where a chain asks for one.
 */
#include <fcntl.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/runtime/ca_index.h"

#define BEGIN_PLAIN	"-----BEGIN CERTIFICATE-----"
#define BEGIN_ANY	"-----BEGIN "
#define END_PLAIN	"-----END CERTIFICATE-----"
#define SUBJECT_AT	5		/* fields of a certificate before its subject, the optional version not counted */

struct entry {
	X509_NAME		*subject;
	const unsigned char	*der;
	long			 len;
	bool			 given;		/* it is in the store */
};

static struct entry	*entries;
static size_t		 count;
static X509_LOOKUP_METHOD *method;	/* a store refers to it, and does not own it */

static char *
file_read(const char *path, size_t *len)
{
	struct stat	 st;
	char		*text = NULL;
	ssize_t		 n, got = 0;
	int		 fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= CA_BYTES_MAX)
		text = malloc((size_t)st.st_size + 1);
	while (text != NULL && got < st.st_size && (n = read(fd, text + got, (size_t)(st.st_size - got))) > 0)
		got += n;
	close(fd);
	if (text != NULL)
		text[got] = '\0';
	*len = (size_t)got;
	return text;
}

/* The next element at *p is passed over; false: there is none, or it is larger than what is left. */
static bool
element_skip(const unsigned char **p, const unsigned char *end)
{
	long	 len;
	int	 tag, class;

	if ((ASN1_get_object(p, &len, &tag, &class, end - *p) & 0x80) != 0 || len > end - *p)
		return false;
	*p += len;
	return true;
}

/* Into the element at *p, which must be a SEQUENCE: *end becomes its end. */
static bool
sequence_enter(const unsigned char **p, const unsigned char **end)
{
	long	 len;
	int	 tag, class;

	if ((ASN1_get_object(p, &len, &tag, &class, *end - *p) & 0x80) != 0 || tag != V_ASN1_SEQUENCE || len > *end - *p)
		return false;
	*end = *p + len;
	return true;
}

/* Certificate { tbsCertificate { [0] version, serial, signature, issuer, validity, subject, ... */
static X509_NAME *
subject_read(const unsigned char *der, long len)
{
	const unsigned char	*p = der, *end = der + len;

	if (!sequence_enter(&p, &end) || !sequence_enter(&p, &end))
		return NULL;
	if (p < end && *p == (V_ASN1_CONTEXT_SPECIFIC | V_ASN1_CONSTRUCTED) && !element_skip(&p, end))
		return NULL;
	for (int i = 1; i < SUBJECT_AT; i++)
		if (!element_skip(&p, end))
			return NULL;
	return d2i_X509_NAME(NULL, &p, end - p);
}

/* Base64 to bytes, in place: lines of any length, "=" at the end only.  -1: it is something else. */
static long
base64_read(char *from, const char *end)
{
	EVP_ENCODE_CTX	*ctx = EVP_ENCODE_CTX_new();
	int		 n = 0, last = 0, r = -1;

	if (ctx == NULL)
		return -1;
	EVP_DecodeInit(ctx);
	if (end - from <= CA_BYTES_MAX)
		r = EVP_DecodeUpdate(ctx, (unsigned char *)from, &n, (const unsigned char *)from, (int)(end - from));
	if (r != -1 && EVP_DecodeFinal(ctx, (unsigned char *)from + n, &last) == -1)
		r = -1;
	EVP_ENCODE_CTX_free(ctx);
	return r == -1 || n + last == 0 ? -1 : n + last;
}

static bool
entry_add(char *from, const char *end)
{
	struct entry	*en = &entries[count];
	long		 len = base64_read(from, end);

	if (len == -1 || (en->subject = subject_read((unsigned char *)from, len)) == NULL)
		return false;
	en->der = (unsigned char *)from;
	en->len = len;
	count++;
	return true;
}

static bool
bundle_cut(char *text)
{
	char	*p = text, *end;

	while ((p = strstr(p, BEGIN_ANY)) != NULL) {
		if (count == CA_COUNT_MAX || strncmp(p, BEGIN_PLAIN, strlen(BEGIN_PLAIN)) != 0 ||
		    (end = strstr(p, END_PLAIN)) == NULL || !entry_add(p + strlen(BEGIN_PLAIN), end))
			return false;
		p = end + strlen(END_PLAIN);
	}
	return count > 0;
}

/* Every certificate of this subject comes into the store, since OpenSSL looks there for all once one was found. */
static int
by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name, X509_OBJECT *found)
{
	X509_STORE	*store = X509_LOOKUP_get_store(lookup);
	int		 r = 0;

	for (size_t i = 0; type == X509_LU_X509 && i < count; i++) {
		const unsigned char	*p = entries[i].der;
		X509			*x;

		if (entries[i].given || X509_NAME_cmp(entries[i].subject, name) != 0)
			continue;
		entries[i].given = true;
		if ((x = d2i_X509(NULL, &p, entries[i].len)) == NULL)
			continue;
		if (X509_STORE_add_cert(store, x) == 1 && r == 0 && X509_OBJECT_set1_X509(found, x) == 1) {
			r = 1;
			/* The caller takes a reference of its own to what it finds in `found` (X509_LOOKUP_meth_new(3)). */
			X509_free(x);
		}
		X509_free(x);
	}
	ERR_clear_error();
	return r;
}

static void
index_drop(char *text)
{
	for (size_t i = 0; i < count; i++)
		X509_NAME_free(entries[i].subject);
	free(entries);
	free(text);
	entries = NULL;
	count = 0;
}

int
ca_index_load(X509_STORE *store, const char *file)
{
	size_t	 len;
	char	*text;

	if (entries != NULL || (text = file_read(file, &len)) == NULL)
		return -1;
	/* A NUL would hide what is behind it. */
	entries = calloc(CA_COUNT_MAX, sizeof(*entries));
	if (entries == NULL || strlen(text) != len || !bundle_cut(text) ||
	    (method = X509_LOOKUP_meth_new("bundle, parsed on demand")) == NULL) {
		index_drop(text);
		ERR_clear_error();
		return -1;
	}
	if (X509_LOOKUP_meth_set_get_by_subject(method, by_subject) != 1 || X509_STORE_add_lookup(store, method) == NULL) {
		X509_LOOKUP_meth_free(method);
		method = NULL;
		index_drop(text);
		ERR_clear_error();
		return -1;
	}
	return (int)count;
}
