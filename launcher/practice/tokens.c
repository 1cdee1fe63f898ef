/*
 * tokens.c -- keeps the tokens of the practice source.
 */
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "launcher/practice/tokens.h"
#include "worker/contract/util.h"

#define BEARER	"Bearer "

struct tokens {
	char		 standing[257];
	struct token {
		char	 text[33];		/* "": free */
		int64_t	 until_ms;
		int64_t	 requests;		/* left; -1: any number */
	}		 living[TOKENS_MAX];
	size_t		 next;			/* slot of the next one */
	uint64_t	 greeted[TOKENS_GREETED_MAX];
	size_t		 n_greeted;
};

struct tokens *
tokens_new(const char *standing)
{
	struct tokens *t;

	if (strlen(standing) >= sizeof(t->standing) || (t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	memcpy(t->standing, standing, strlen(standing) + 1);
	return t;
}

void
tokens_free(struct tokens *t)
{
	free(t);
}

void
tokens_issue(struct tokens *t, int64_t good_ms, int64_t requests, char out[33])
{
	struct token	*slot = &t->living[t->next++ % TOKENS_MAX];
	unsigned char	 random[16];

	if (RAND_bytes(random, sizeof(random)) != 1)
		abort();
	for (size_t i = 0; i < sizeof(random); i++) {
		out[2 * i] = "0123456789abcdef"[random[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
	}
	out[32] = '\0';
	*slot = (struct token){ .until_ms = now_ms() + good_ms, .requests = requests == 0 ? -1 : requests };
	memcpy(slot->text, out, sizeof(slot->text));
}

static bool
same(const char *a, const char *b)
{
	size_t n = strlen(a);

	return n > 0 && n == strlen(b) && CRYPTO_memcmp(a, b, n) == 0;
}

bool
tokens_check(struct tokens *t, const char *authorization)
{
	const char *token;

	if (t->standing[0] == '\0')
		return true;
	if (authorization == NULL || strncasecmp(authorization, BEARER, strlen(BEARER)) != 0)
		return false;
	token = authorization + strlen(BEARER);
	if (same(t->standing, token))
		return true;
	for (size_t i = 0; i < TOKENS_MAX; i++) {
		struct token *l = &t->living[i];

		if (!same(l->text, token) || l->until_ms <= now_ms() || l->requests == 0)
			continue;
		if (l->requests > 0)
			l->requests--;
		return true;
	}
	return false;
}

bool
tokens_first(struct tokens *t, const char *authorization)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; authorization != NULL && *authorization != '\0'; authorization++)
		h = (h ^ (unsigned char)*authorization) * 0x100000001b3;
	for (size_t i = 0; i < t->n_greeted && i < TOKENS_GREETED_MAX; i++)
		if (t->greeted[i] == h)
			return false;
	t->greeted[t->n_greeted++ % TOKENS_GREETED_MAX] = h;
	return true;
}
