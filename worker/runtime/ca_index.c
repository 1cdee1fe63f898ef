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
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/runtime/ca_index.h"

#define BEGIN_PLAIN	"-----BEGIN CERTIFICATE-----"
#define BEGIN_ANY	"-----BEGIN "
#define END_PLAIN	"-----END CERTIFICATE-----"
#define SUBJECT_AT	5		/* fields of a certificate before its subject, the optional version not counted */

struct entry {
	const char	*text;		/* base64, in the file */
	unsigned int	 len;
	uint32_t	 subject;	/* hash of its canonical form; others may have the same */
	bool		 given;		/* it is in the store */
};

static const char	*bundle;	/* mapped, and not cut yet; NULL: there is none such */
static size_t		 bundle_len;
static struct entry	*entries;
static size_t		 count;
static X509_LOOKUP_METHOD *method;	/* a store refers to it, and does not own it */

/*
 * Mapped and not read: forks copy what was read, and of a mapping nothing.  A file that is cut short under
 * a worker's eyes ends the worker; whoever keeps such bundles puts a new one in the old one's place.
 */
static const char *
file_map(const char *path, size_t *len)
{
	struct stat	 st;
	void		*text = MAP_FAILED;
	int		 fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= CA_BYTES_MAX)
		text = mmap(NULL, *len = (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return text == MAP_FAILED ? NULL : text;
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
static bool
subject_read(const unsigned char *der, long len, uint32_t *subject)
{
	const unsigned char	*p = der, *end = der + len;
	X509_NAME		*name;
	int			 ok = 0;

	if (!sequence_enter(&p, &end) || !sequence_enter(&p, &end))
		return false;
	if (p < end && *p == (V_ASN1_CONTEXT_SPECIFIC | V_ASN1_CONSTRUCTED) && !element_skip(&p, end))
		return false;
	for (int i = 1; i < SUBJECT_AT; i++)
		if (!element_skip(&p, end))
			return false;
	if ((name = d2i_X509_NAME(NULL, &p, end - p)) == NULL)
		return false;
	*subject = (uint32_t)X509_NAME_hash_ex(name, NULL, NULL, &ok);
	X509_NAME_free(name);
	return ok == 1;
}

/* Base64 to bytes: lines of any length, "=" at the end only.  NULL: it is something else.  The caller frees it. */
static unsigned char *
base64_read(const char *from, size_t bytes, long *len)
{
	EVP_ENCODE_CTX	*ctx = EVP_ENCODE_CTX_new();
	unsigned char	*der = malloc(bytes);
	int		 n = 0, last = 0, r = -1;

	if (ctx != NULL && der != NULL && bytes <= CA_BYTES_MAX) {
		EVP_DecodeInit(ctx);
		r = EVP_DecodeUpdate(ctx, der, &n, (const unsigned char *)from, (int)bytes);
		if (r != -1 && EVP_DecodeFinal(ctx, der + n, &last) == -1)
			r = -1;
	}
	EVP_ENCODE_CTX_free(ctx);
	*len = n + last;
	if (r != -1 && *len > 0)
		return der;
	free(der);
	return NULL;
}

static bool
entry_add(const char *from, const char *end)
{
	struct entry	*en = &entries[count];
	long		 len;
	unsigned char	*der = base64_read(from, (size_t)(end - from), &len);
	bool		 ok = der != NULL && subject_read(der, len, &en->subject);

	free(der);
	if (!ok)
		return false;
	en->text = from;
	en->len = (unsigned int)(end - from);
	count++;
	return true;
}

/* The first place of `what` in text, or NULL. */
static const char *
find(const char *text, const char *end, const char *what)
{
	return memmem(text, (size_t)(end - text), what, strlen(what));
}

static bool
bundle_cut(const char *text, size_t len)
{
	const char	*p = text, *all = text + len, *end;

	while ((p = find(p, all, BEGIN_ANY)) != NULL) {
		if (count == CA_COUNT_MAX || (size_t)(all - p) < strlen(BEGIN_PLAIN) ||
		    memcmp(p, BEGIN_PLAIN, strlen(BEGIN_PLAIN)) != 0)
			return false;
		p += strlen(BEGIN_PLAIN);
		if ((end = find(p, all, END_PLAIN)) == NULL || !entry_add(p, end))
			return false;
		p = end + strlen(END_PLAIN);
	}
	return count > 0;
}

static X509 *
entry_read(const struct entry *en)
{
	long			 len;
	unsigned char		*der = base64_read(en->text, en->len, &len);
	const unsigned char	*p = der;
	X509			*x = der == NULL ? NULL : d2i_X509(NULL, &p, len);

	free(der);
	return x;
}

static void
index_drop(const char *text, size_t len)
{
	free(entries);
	(void)munmap((void *)(uintptr_t)text, len);
	entries = NULL;
	count = 0;
}

/* As X509_STORE_load_file() does, which wants the file's name. */
static void
all_read(X509_STORE *store, const char *text, size_t len)
{
	static char		 none[] = "";	/* is asked for where a key is locked */
	BIO			*bio = BIO_new_mem_buf(text, (int)len);
	STACK_OF(X509_INFO)	*all = bio == NULL ? NULL : PEM_X509_INFO_read_bio(bio, NULL, NULL, none);

	for (int i = 0; i < sk_X509_INFO_num(all); i++) {
		const X509_INFO	*one = sk_X509_INFO_value(all, i);

		if (one->x509 != NULL)
			(void)X509_STORE_add_cert(store, one->x509);
		if (one->crl != NULL)
			(void)X509_STORE_add_crl(store, one->crl);
	}
	sk_X509_INFO_pop_free(all, X509_INFO_free);
	BIO_free(bio);
}

/* At the first question. */
static void
bundle_open(X509_STORE *store)
{
	const char	*text = bundle;

	bundle = NULL;
	if (text == NULL)
		return;
	entries = calloc(CA_COUNT_MAX, sizeof(*entries));
	if (entries != NULL && bundle_cut(text, bundle_len))
		return;
	all_read(store, text, bundle_len);
	index_drop(text, bundle_len);
}

/* One that is in the store by now. */
static int
object_give(X509_STORE *store, X509_LOOKUP_TYPE type, const X509_NAME *name, X509_OBJECT *found)
{
	X509_OBJECT	*o;
	int		 r = 0;

	(void)X509_STORE_lock(store);
	o = X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), type, name);
	if (o != NULL && type == X509_LU_X509 && X509_OBJECT_set1_X509(found, X509_OBJECT_get0_X509(o)) == 1) {
		/* The caller takes a reference of its own, as below. */
		X509_free(X509_OBJECT_get0_X509(o));
		r = 1;
	}
	(void)X509_STORE_unlock(store);
	return r;
}

/* Every certificate of this subject comes into the store, since OpenSSL looks there for all once one was found. */
static int
by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name, X509_OBJECT *found)
{
	X509_STORE	*store = X509_LOOKUP_get_store(lookup);
	int		 ok = 0, r = 0;
	uint32_t	 subject = (uint32_t)X509_NAME_hash_ex(name, NULL, NULL, &ok);

	if (bundle != NULL) {
		bundle_open(store);
		if (entries == NULL) {
			ERR_clear_error();
			return object_give(store, type, name, found);
		}
	}
	for (size_t i = 0; ok == 1 && type == X509_LU_X509 && i < count; i++) {
		X509	*x;

		if (entries[i].given || entries[i].subject != subject || (x = entry_read(&entries[i])) == NULL)
			continue;
		if (X509_NAME_cmp(X509_get_subject_name(x), name) == 0) {
			entries[i].given = true;
			if (X509_STORE_add_cert(store, x) == 1 && r == 0 && X509_OBJECT_set1_X509(found, x) == 1) {
				r = 1;
				/* The caller takes a reference of its own to what it finds in `found` (X509_LOOKUP_meth_new(3)). */
				X509_free(x);
			}
		}
		X509_free(x);
	}
	ERR_clear_error();
	return r;
}

static int
lookup_add(X509_STORE *store)
{
	method = X509_LOOKUP_meth_new("bundle, parsed on demand");
	if (method != NULL && X509_LOOKUP_meth_set_get_by_subject(method, by_subject) == 1 &&
	    X509_STORE_add_lookup(store, method) != NULL)
		return 0;
	X509_LOOKUP_meth_free(method);
	method = NULL;
	return -1;
}

int
ca_index_load(X509_STORE *store, const char *file)
{
	size_t		 len = 0;
	const char	*text;

	if (method != NULL || (text = file_map(file, &len)) == NULL)
		return -1;
	entries = calloc(CA_COUNT_MAX, sizeof(*entries));
	if (entries == NULL || !bundle_cut(text, len) || lookup_add(store) == -1) {
		index_drop(text, len);
		ERR_clear_error();
		return -1;
	}
	return (int)count;
}

int
ca_index_later(X509_STORE *store, const char *file)
{
	size_t		 len = 0;
	const char	*text;

	if (method != NULL || (text = file_map(file, &len)) == NULL)
		return -1;
	if (lookup_add(store) == -1) {
		(void)munmap((void *)(uintptr_t)text, len);
		return -1;
	}
	bundle = text;
	bundle_len = len;
	return 0;
}
