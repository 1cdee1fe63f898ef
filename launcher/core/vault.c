/*
 * vault.c -- sealed values, the bounds on them, and the key that they are sealed with.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <unistd.h>

#include "launcher/core/vault.h"
#include "worker/contract/util.h"

#define KEY_BYTES	32
#define NONCE_BYTES	12
#define TAG_BYTES	16

/* One page of its own. */
struct secrets {
	uint8_t	 seal[KEY_BYTES];
	uint8_t	 mark[KEY_BYTES];	/* keys are made with it: a digest of a credential is none to try passwords on */
	bool	 made;
};

struct entry {
	TAILQ_ENTRY(entry)	 next;
	struct vault_key	 key;
	char			 name[CACHE_NAME_BYTES_MAX + 1];
	int64_t			 until_ms;
	uint8_t			 nonce[NONCE_BYTES], tag[TAG_BYTES];
	size_t			 n;
	uint8_t			 sealed[];
};

static TAILQ_HEAD(entries, entry) entries = TAILQ_HEAD_INITIALIZER(entries);	/* last used first */
static struct vault_counts	 counts;
static struct secrets		*secrets;
static uint64_t			 sealed_ever;	/* no nonce comes twice */

static void
secrets_end(void)
{
	if (secrets == NULL)
		return;
	explicit_bzero(secrets, sizeof(*secrets));
	(void)munmap(secrets, (size_t)sysconf(_SC_PAGESIZE));
	secrets = NULL;
}

static int
secrets_make(void)
{
	size_t	 page = (size_t)sysconf(_SC_PAGESIZE);
	void	*at;

	if (secrets != NULL)
		return secrets->made ? 0 : -1;	/* a child's copy is empty */
	if ((at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) == MAP_FAILED)
		return -1;
	secrets = at;
	if (mlock(at, page) == -1 || madvise(at, page, MADV_DONTDUMP) == -1 || madvise(at, page, MADV_WIPEONFORK) == -1 ||
	    getrandom(secrets, offsetof(struct secrets, made), 0) != offsetof(struct secrets, made)) {
		secrets_end();
		return -1;
	}
	secrets->made = true;
	return 0;
}

int
vault_key_of(const void *text, size_t n, struct vault_key *k)
{
	unsigned int	len = 0;

	if (secrets_make() == -1 || HMAC(EVP_sha256(), secrets->mark, KEY_BYTES, text, n, k->digest, &len) == NULL ||
	    len != sizeof(k->digest))
		return -1;
	return 0;
}

static void
entry_drop(struct entry *x)
{
	TAILQ_REMOVE(&entries, x, next);
	counts.entries--;
	counts.bytes -= x->n;
	explicit_bzero(x->sealed, x->n);
	free(x);
}

static bool
of_key(const struct entry *x, const struct vault_key *k)
{
	return CRYPTO_memcmp(x->key.digest, k->digest, sizeof(k->digest)) == 0;
}

static enum kept_kind
kind_of(const struct entry *x)
{
	return kept_kind(x->name, strlen(x->name));
}

/* What a value is bound to beside its bytes: whose it is, its name, its end. */
static bool
bind_to(EVP_CIPHER_CTX *c, const struct entry *x)
{
	int	 n;

	return EVP_CipherUpdate(c, NULL, &n, x->key.digest, sizeof(x->key.digest)) == 1 &&
	    EVP_CipherUpdate(c, NULL, &n, (const uint8_t *)x->name, sizeof(x->name)) == 1 &&
	    EVP_CipherUpdate(c, NULL, &n, (const uint8_t *)&x->until_ms, sizeof(x->until_ms)) == 1;
}

static bool
seal(struct entry *x, const char *plain)
{
	EVP_CIPHER_CTX	*c = EVP_CIPHER_CTX_new();
	int		 n = 0, last = 0;
	bool		 ok;

	sealed_ever++;
	memcpy(x->nonce, &sealed_ever, sizeof(sealed_ever));
	ok = c != NULL && EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, secrets->seal, x->nonce, 1) == 1 && bind_to(c, x) &&
	    EVP_CipherUpdate(c, x->sealed, &n, (const uint8_t *)plain, (int)x->n) == 1 && (size_t)n == x->n &&
	    EVP_CipherFinal_ex(c, x->sealed + n, &last) == 1 && last == 0 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, x->tag) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok;
}

/* plain has room for x->n bytes, which are to be wiped whatever comes of it. */
static bool
unseal(const struct entry *x, char *plain)
{
	EVP_CIPHER_CTX	*c = EVP_CIPHER_CTX_new();
	uint8_t		 tag[TAG_BYTES];
	int		 n = 0, last = 0;
	bool		 ok;

	memcpy(tag, x->tag, sizeof(tag));
	ok = c != NULL && EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, secrets->seal, x->nonce, 0) == 1 && bind_to(c, x) &&
	    EVP_CipherUpdate(c, (uint8_t *)plain, &n, x->sealed, (int)x->n) == 1 && (size_t)n == x->n &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
	    EVP_CipherFinal_ex(c, (uint8_t *)plain + n, &last) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok;
}

/* What has expired, what has that name, and the oldest of too many go. */
static void
room_make(const struct vault_key *k, const struct kept_value *v, int64_t now)
{
	enum kept_kind	 kind = kept_kind(v->name, v->name_bytes);
	struct entry	*x, *prev;
	unsigned int	 of = 0;

	TAILQ_FOREACH(x, &entries, next)
		of += of_key(x, k) && kind_of(x) == kind;
	for (x = TAILQ_LAST(&entries, entries); x != NULL; x = prev) {
		bool	same = of_key(x, k) && kind_of(x) == kind, named = strlen(x->name) == v->name_bytes &&
			    memcmp(x->name, v->name, v->name_bytes) == 0;

		prev = TAILQ_PREV(x, entries, next);
		if (now < x->until_ms && !(same && (named || of >= VAULT_OF_KEY_MAX)))
			continue;
		of -= same;
		entry_drop(x);
	}
	while ((x = TAILQ_LAST(&entries, entries)) != NULL &&
	    (counts.entries >= VAULT_ENTRIES_MAX || counts.bytes + v->value_bytes > VAULT_BYTES_MAX))
		entry_drop(x);
}

int
vault_put(const struct vault_key *k, const struct kept_value *v, int64_t now)
{
	struct entry	*x;

	if (secrets_make() == -1 || v->ttl_ms <= 0 || v->name_bytes > CACHE_NAME_BYTES_MAX ||
	    v->value_bytes > CACHE_VALUE_BYTES_MAX)
		return -1;
	room_make(k, v, now);
	if ((x = calloc(1, sizeof(*x) + v->value_bytes)) == NULL)
		return -1;
	x->key = *k;
	memcpy(x->name, v->name, v->name_bytes);
	x->until_ms = now + (v->ttl_ms < CACHE_TTL_MS_MAX ? v->ttl_ms : CACHE_TTL_MS_MAX);
	x->n = v->value_bytes;
	if (!seal(x, v->value)) {
		free(x);
		return -1;
	}
	TAILQ_INSERT_HEAD(&entries, x, next);
	counts.entries++;
	counts.bytes += x->n;
	return 0;
}

static bool
entry_print(const struct entry *x, struct buf *b, bool first, int64_t now)
{
	static char	plain[CACHE_VALUE_BYTES_MAX];
	bool		ok = unseal(x, plain);

	/* Names and values are of characters that need no escapes: record.h. */
	if (ok) {
		buf_addf(b, "%s\"%s\":{\"ttlMs\":%lld,\"value\":\"", first ? "" : ",", x->name, (long long)(x->until_ms - now));
		buf_add(b, plain, x->n);
		buf_adds(b, "\"}");
	}
	explicit_bzero(plain, x->n);
	return ok;
}

void
vault_print(const struct vault_key *k, struct buf *b, int64_t now, unsigned int counted[KEPT__MAX])
{
	struct entries	 used = TAILQ_HEAD_INITIALIZER(used);
	struct entry	*x, *next;
	unsigned int	 n = 0;

	memset(counted, 0, KEPT__MAX * sizeof(*counted));
	buf_addc(b, '{');
	for (x = secrets_make() == 0 ? TAILQ_FIRST(&entries) : NULL; x != NULL; x = next) {
		next = TAILQ_NEXT(x, next);
		if (!of_key(x, k))
			continue;
		if (now >= x->until_ms || !entry_print(x, b, n == 0, now)) {
			entry_drop(x);
			continue;
		}
		n++;
		counted[kind_of(x)]++;
		TAILQ_REMOVE(&entries, x, next);
		TAILQ_INSERT_TAIL(&used, x, next);
	}
	TAILQ_CONCAT(&used, &entries, next);
	TAILQ_CONCAT(&entries, &used, next);
	buf_addc(b, '}');
}

unsigned int
vault_forget(const struct vault_key *k)
{
	struct entry	*x, *next;
	unsigned int	 n = 0;

	for (x = TAILQ_FIRST(&entries); x != NULL; x = next) {
		next = TAILQ_NEXT(x, next);
		if (of_key(x, k)) {
			entry_drop(x);
			n++;
		}
	}
	return n;
}

struct vault_counts
vault_count(void)
{
	return counts;
}

void
vault_close(void)
{
	while (!TAILQ_EMPTY(&entries))
		entry_drop(TAILQ_FIRST(&entries));
	secrets_end();
}

const struct vault	 vault = {
	.key_of = vault_key_of, .put = vault_put, .print = vault_print, .forget = vault_forget, .count = vault_count,
	.close = vault_close,
};
