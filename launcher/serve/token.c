/*
 * token.c -- bascule serve token: makes, lists and removes tokens, and subjects that need none.
 *
 * The file is written beside itself and renamed; a server reads it again on SIGHUP.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "launcher/serve/serve.h"
#include "launcher/serve/tokens.h"
#include "worker/contract/buf.h"
#include "worker/contract/util.h"

#define FILE_BYTES_MAX	(TOKENS_MAX * 1024)
#define FILE_LINE_BYTES	4096

static int
fail(const struct error *e)
{
	fprintf(stderr, "bascule: %s\n", e->msg);
	return error_face(e->code)->exit;
}

static int
write_whole(int fd, const struct buf *b)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t	 n = write(fd, b->data + at, b->len - at);

		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			at += (size_t)n;
	}
	return fsync(fd);
}

static int
file_replace(const char *path, const struct buf *b, struct error *e)
{
	char	 beside[4096];
	autofd	 fd = -1;

	if (buf_check(b, "tokens", e) == -1)
		return -1;
	if (snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= (int)sizeof(beside))
		return error_set(e, ERR_USAGE, "--tokens: the path is too long");
	if ((fd = mkostemp(beside, O_CLOEXEC)) == -1)
		return error_sys(e, "%.200s", beside);
	if (write_whole(fd, b) == -1 || rename(beside, path) == -1) {
		(void)error_sys(e, "%.200s", path);
		(void)unlink(beside);
		return -1;
	}
	return 0;
}

static void
line_print(struct buf *b, const struct token *t)
{
	char	 scopes[FILE_LINE_BYTES];

	buf_addf(b, "%s %s", t->name, t->subject);
	for (size_t i = 0; t->subject[0] == '\0' && i < sizeof(t->sha256); i++)
		buf_addf(b, "%02x", t->sha256[i]);
	token_scope_print(t, ",", scopes, sizeof(scopes));
	buf_addf(b, " %s", scopes);
	buf_addc(b, '\n');
}

/* All but `without`; how many those are is left to the caller to compare. */
static size_t
lines_print(struct buf *b, const struct tokenset *ts, const char *without)
{
	size_t	 n = 0;

	for (size_t i = 0; ts != NULL && i < tokenset_count(ts); i++)
		if (without == NULL || strcmp(tokenset_at(ts, i)->name, without) != 0) {
			line_print(b, tokenset_at(ts, i));
			n++;
		}
	return n;
}

static int
token_make(struct token *t, char text[sizeof(TOKEN_PREFIX) + TOKEN_DIGITS], struct error *e)
{
	unsigned char	 secret[TOKEN_DIGITS / 2];

	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return error_sys(e, "random numbers");
	memcpy(text, TOKEN_PREFIX, sizeof(TOKEN_PREFIX));
	for (size_t i = 0; i < sizeof(secret); i++)
		snprintf(text + sizeof(TOKEN_PREFIX) - 1 + 2 * i, 3, "%02x", secret[i]);
	explicit_bzero(secret, sizeof(secret));
	token_digest(text, strlen(text), t->sha256);
	return 0;
}

/* What the caller is known by: a certificate's subject, or a token that is shown. */
static int
add(const char *path, const char *name, const char *subject, const char *scopes, const struct tokenset *ts, struct error *e)
{
	struct token	 t = { 0 };
	char		 text[sizeof(TOKEN_PREFIX) + TOKEN_DIGITS];
	autobuf		 b;

	buf_init(&b, FILE_BYTES_MAX);
	if (scopes == NULL)
		return error_set(e, ERR_USAGE, "--scope: read, manage, invoke, invoke:CONNECTOR; several with commas");
	if (token_scopes(&t, scopes, e) == -1)
		return -1;
	if (subject != NULL && !subject_ok(subject))
		return error_set(e, ERR_USAGE, "--subject: cn:NAME, dns:NAME or uri:URI is wanted, of at most %d bytes",
		    SUBJECT_BYTES_MAX);
	if (subject != NULL)
		snprintf(t.subject, sizeof(t.subject), "%s", subject);
	else if (token_make(&t, text, e) == -1)
		return -1;
	snprintf(t.name, sizeof(t.name), "%s", name);
	if (ts != NULL && lines_print(&b, ts, name) != tokenset_count(ts))
		return error_set(e, ERR_USAGE, "%s: there is a token of this name; remove it first", name);
	line_print(&b, &t);
	if (file_replace(path, &b, e) == -1)
		return -1;
	if (subject == NULL)
		printf("%s\n", text);
	fprintf(stderr, "%sA server that runs takes it on SIGHUP.\n", subject == NULL ? "This is shown once. " : "");
	explicit_bzero(text, sizeof(text));
	return 0;
}

static int
drop(const char *path, const char *name, const struct tokenset *ts, struct error *e)
{
	autobuf	 b;

	buf_init(&b, FILE_BYTES_MAX);
	if (lines_print(&b, ts, name) == tokenset_count(ts))
		return error_set(e, ERR_USAGE, "%s: no token has this name", name);
	return file_replace(path, &b, e);
}

static int
list(const struct tokenset *ts)
{
	for (size_t i = 0; i < tokenset_count(ts); i++) {
		autobuf	 b;

		buf_init(&b, LINE_BYTES_MAX);
		line_print(&b, tokenset_at(ts, i));
		/* Name and scopes; a digest is of no use to a reader. */
		printf("%-24s %s", tokenset_at(ts, i)->name, b.data == NULL ? "" : strrchr(b.data, ' ') + 1);
	}
	return 0;
}

static int
token_command(const char *verb, const char *name, const char *path, const char *subject, const char *scopes, struct error *e)
{
	struct tokenset	*ts = NULL;
	int		 r = -1;

	/* Only the first token may find no file. */
	if ((strcmp(verb, "add") != 0 || access(path, F_OK) == 0) && (ts = tokenset_load(path, e)) == NULL)
		return -1;
	if (strcmp(verb, "list") == 0)
		r = list(ts);
	else if (name == NULL || !token_name_ok(name))
		r = error_set(e, ERR_USAGE, "a NAME of letters, digits and ._-@ is wanted, of at most %d", TOKEN_NAME_MAX);
	else if (strcmp(verb, "add") == 0)
		r = add(path, name, subject, scopes, ts, e);
	else
		r = drop(path, name, ts, e);
	tokenset_free(ts);
	return r;
}

int
cmd_token(int argc, char **argv)
{
	static const struct option	 options[] = {
		{ "tokens", required_argument, NULL, 't' }, { "scope", required_argument, NULL, 's' },
		{ "subject", required_argument, NULL, 'x' }, { NULL, 0, NULL, 0 },
	};
	const char			*path = NULL, *scopes = NULL, *subject = NULL, *verb;
	struct error			 e = ERROR_NONE;
	int				 o;

	opterr = 0;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 't')
			path = optarg;
		else if (o == 's')
			scopes = optarg;
		else if (o == 'x')
			subject = optarg;
		else
			path = scopes = verb = NULL;
	}
	verb = optind < argc ? argv[optind] : "";
	if (path == NULL || (strcmp(verb, "add") != 0 && strcmp(verb, "list") != 0 && strcmp(verb, "remove") != 0) ||
	    argc - optind > 2) {
		(void)error_set(&e, ERR_USAGE, "usage: bascule serve token add NAME --tokens FILE --scope SCOPE[,SCOPE...] [--subject SUBJECT] | "
		    "list --tokens FILE | remove NAME --tokens FILE");
		return fail(&e);
	}
	umask(077);
	if (token_command(verb, optind + 1 < argc ? argv[optind + 1] : NULL, path, subject, scopes, &e) == -1)
		return fail(&e);
	return fflush(stdout) == 0 ? 0 : error_face(ERR_SYSTEM)->exit;
}
