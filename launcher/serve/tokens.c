/*
 * tokens.c -- the file of tokens, read and asked.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "launcher/core/files.h"
#include "launcher/serve/tokens.h"
#include "worker/contract/buf.h"
#include "worker/contract/util.h"

#define LINE_MAX_BYTES	4096

struct tokenset {
	size_t		 n;
	struct token	*list;
};

void
token_digest(const char *text, size_t len, unsigned char sha256[32])
{
	SHA256((const unsigned char *)text, len, sha256);
}

bool
token_name_ok(const char *name)
{
	size_t	 n = strlen(name);

	if (n == 0 || n > TOKEN_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && strchr("._-@", name[i]) == NULL)
			return false;
	return true;
}

static int
scope_take(struct token *t, const char *word, struct error *e)
{
	static const char	 prefix[] = "invoke:";
	const char		*connector = word + sizeof(prefix) - 1;

	if (strcmp(word, "read") == 0)
		t->read = true;
	else if (strcmp(word, "manage") == 0)
		t->manage = true;
	else if (strcmp(word, "invoke") == 0)
		t->invoke = true;
	else if (strncmp(word, prefix, sizeof(prefix) - 1) == 0 && connector[0] != '\0' &&
	    strlen(connector) <= CONNECTOR_NAME_MAX && t->nconnectors < SCOPES_MAX)
		snprintf(t->connectors[t->nconnectors++], CONNECTOR_NAME_MAX + 1, "%s", connector);
	else
		return error_set(e, ERR_USAGE, "scope %.80s: read, manage, invoke or invoke:CONNECTOR is wanted", word);
	return 0;
}

int
token_scopes(struct token *t, const char *list, struct error *e)
{
	char	 copy[LINE_MAX_BYTES], *rest = copy, *word;

	if (snprintf(copy, sizeof(copy), "%s", list) >= (int)sizeof(copy))
		return error_set(e, ERR_USAGE, "scopes: over %d bytes", LINE_MAX_BYTES);
	while ((word = strsep(&rest, ",")) != NULL)
		if (scope_take(t, word, e) == -1)
			return -1;
	return 0;
}

static int
digest_read(const char *hex, unsigned char sha256[32])
{
	if (strlen(hex) != 64 || hex[strspn(hex, "0123456789abcdef")] != '\0')
		return -1;
	for (size_t i = 0; i < 32; i++) {
		unsigned int	 byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return -1;
		sha256[i] = (unsigned char)byte;
	}
	return 0;
}

static int
line_read(char *line, struct token *t, struct error *e)
{
	char	*save = NULL, *name = strtok_r(line, " \t\n", &save), *hex = strtok_r(NULL, " \t\n", &save),
		*scopes = strtok_r(NULL, " \t\n", &save);

	if (scopes == NULL || strtok_r(NULL, " \t\n", &save) != NULL)
		return error_set(e, ERR_USAGE, "NAME SHA256 SCOPES or NAME SUBJECT SCOPES is wanted");
	if (!token_name_ok(name))
		return error_set(e, ERR_USAGE, "the name may have letters, digits and ._-@, at most %d", TOKEN_NAME_MAX);
	if (subject_ok(hex))
		snprintf(t->subject, sizeof(t->subject), "%s", hex);
	else if (digest_read(hex, t->sha256) == -1)
		return error_set(e, ERR_USAGE, "a digest of 64 lower-case hexadecimal digits is wanted, or cn:, dns: or uri: and a name");
	snprintf(t->name, sizeof(t->name), "%s", name);
	return token_scopes(t, scopes, e);
}

static int
file_read(FILE *f, const char *path, struct tokenset *ts, struct error *e)
{
	char		 line[LINE_MAX_BYTES];
	struct token	*more;

	for (unsigned int n = 1; fgets(line, sizeof(line), f) != NULL; n++) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (ts->n == TOKENS_MAX)
			return error_set(e, ERR_USAGE, "%.200s: over %d tokens", path, TOKENS_MAX);
		if ((more = reallocarray(ts->list, ts->n + 1, sizeof(*more))) == NULL)
			return error_set(e, ERR_SYSTEM, "no memory for tokens");
		ts->list = more;
		more[ts->n] = (struct token){ 0 };
		if (line_read(line, &more[ts->n], e) == -1)
			return error_in(e, "%.200s:%u", path, n);
		ts->n++;
	}
	return ferror(f) ? error_sys(e, "%.200s", path) : 0;
}

struct tokenset *
tokenset_load(const char *path, struct error *e)
{
	struct tokenset	*ts = calloc(1, sizeof(*ts));
	FILE		*f = files_read(path);
	struct stat	 st;
	int		 r = -1;

	if (ts == NULL)
		(void)error_set(e, ERR_SYSTEM, "no memory for tokens");
	else if (f == NULL || fstat(fileno(f), &st) == -1)
		(void)error_sys(e, "--tokens %.200s", path);
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		(void)error_set(e, ERR_USAGE, "--tokens %.200s: others than its owner may write it: chmod go-w", path);
	else
		r = file_read(f, path, ts, e);
	if (f != NULL)
		(void)fclose(f);
	if (r == 0)
		return ts;
	tokenset_free(ts);
	return NULL;
}

void
tokenset_free(struct tokenset *ts)
{
	if (ts != NULL)
		free(ts->list);
	free(ts);
}

size_t
tokenset_count(const struct tokenset *ts)
{
	return ts->n;
}

const struct token *
tokenset_at(const struct tokenset *ts, size_t i)
{
	return &ts->list[i];
}

/* Every row is compared, whatever was found before. */
const struct token *
tokenset_find(const struct tokenset *ts, const char *text)
{
	unsigned char		 sha256[32];
	const struct token	*found = NULL;

	token_digest(text, strlen(text), sha256);
	for (size_t i = 0; i < ts->n; i++)
		if (ts->list[i].subject[0] == '\0' && CRYPTO_memcmp(sha256, ts->list[i].sha256, sizeof(sha256)) == 0)
			found = &ts->list[i];
	return found;
}

const struct token *
tokenset_named(const struct tokenset *ts, const char *name)
{
	for (size_t i = 0; i < ts->n; i++)
		if (strcmp(ts->list[i].name, name) == 0)
			return &ts->list[i];
	return NULL;
}

void
token_scope_print(const struct token *t, const char *between, char *out, size_t n)
{
	const struct { bool on; const char *word; } words[] = {
		{ t->read, "read" }, { t->manage, "manage" }, { t->invoke, "invoke" },
	};
	struct buf	 b;

	buf_init(&b, n - 1);
	for (size_t i = 0; i < N_ITEMS(words); i++)
		if (words[i].on)
			buf_addf(&b, "%s%s", b.len > 0 ? between : "", words[i].word);
	for (size_t i = 0; i < t->nconnectors; i++)
		buf_addf(&b, "%sinvoke:%s", b.len > 0 ? between : "", t->connectors[i]);
	snprintf(out, n, "%s", b.data == NULL ? "" : b.data);
	buf_free(&b);
}

void
token_binding(const struct token *t, char out[TOKEN_BINDING_BYTES + 1])
{
	char		 scopes[LINE_MAX_BYTES], text[LINE_MAX_BYTES + TOKEN_NAME_MAX + 80];
	unsigned char	 sha256[32];
	size_t		 n;

	token_scope_print(t, ",", scopes, sizeof(scopes));
	n = (size_t)snprintf(text, sizeof(text), "%s %s ", t->name, scopes);
	/* Of its digest, too: a token of the same name that was made anew is another. */
	memcpy(text + n, t->sha256, sizeof(t->sha256));
	token_digest(text, n + sizeof(t->sha256), sha256);
	for (size_t i = 0; i < TOKEN_BINDING_BYTES / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", sha256[i]);
}

const struct token *
tokenset_find_subject(const struct tokenset *ts, X509 *cert)
{
	for (size_t i = 0; i < ts->n; i++)
		if (ts->list[i].subject[0] != '\0' && subject_is(cert, ts->list[i].subject))
			return &ts->list[i];
	return NULL;
}

bool
token_may(const struct token *t, enum scope wanted, const char *connector)
{
	switch (wanted) {
	case SCOPE_NONE:
	case SCOPE_ANY:
		return true;
	case SCOPE_READ:
		return t->read || t->manage;
	case SCOPE_MANAGE:
		return t->manage;
	default:
		break;
	}
	if (t->invoke || (connector == NULL && t->nconnectors > 0))
		return true;
	for (size_t i = 0; connector != NULL && i < t->nconnectors; i++)
		if (strcmp(t->connectors[i], connector) == 0)
			return true;
	return false;
}
