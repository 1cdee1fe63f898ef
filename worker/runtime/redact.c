/*
 * redact.c -- secrets are blotted out of logs and error texts.
 *
 * Each secret is looked for as it is, with any of its bytes percent-encoded or
 * escaped as in JSON, and inside base64 of either alphabet.  Base64 writes the
 * same bytes in three ways, by where they fall in a group of three: the
 * characters that depend on the secret alone are searched for in each, so
 * that "user:secret" of Basic credentials is found too.
 *
 * All matches are marked first and blotted out after, so that secrets which
 * overlap leave nothing of each other.  What cannot be kept is not forgotten
 * quietly: nothing is shown any more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/util.h"
#include "worker/runtime/runtime.h"

#define PEM_LINE_BYTES_MIN	16
#define BLOT			"****"
#define BLOT_BYTES		(sizeof(BLOT) - 1)

struct needle {
	char	*s;
	size_t	 len;		/* at least REDACT_SECRET_BYTES_MIN: a blot never makes a text longer */
	bool	 base64;	/* '-' and '_' stand for '+' and '/' */
};

static struct needle	 needles[REDACT_NEEDLES_MAX];
static struct {
	size_t		 nneedles;
	size_t		 nsecrets;
	bool		 overflowed;
} kept WORKER_STATE;

static void
needle_add(const char *s, size_t len, bool base64)
{
	struct needle	*nd = &needles[kept.nneedles];

	if (len < REDACT_SECRET_BYTES_MIN)
		return;
	for (size_t i = 0; i < kept.nneedles; i++)
		if (needles[i].len == len && needles[i].base64 == base64 &&
		    memcmp(needles[i].s, s, len) == 0)
			return;
	if (kept.nneedles == REDACT_NEEDLES_MAX || (nd->s = malloc(len)) == NULL) {
		kept.overflowed = true;
		return;
	}
	memcpy(nd->s, s, len);
	nd->len = len;
	nd->base64 = base64;
	kept.nneedles++;
}

/* The characters of base64 that s alone decides when it begins `at` bytes into a group. */
static void
needle_add_base64(const char *s, size_t len, size_t at)
{
	static const char	 alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t			 first = (at * 8 + 5) / 6, end = (at + len) * 8 / 6;
	autofree char		*enc = malloc(end - first);

	if (enc == NULL) {
		kept.overflowed = true;
		return;
	}
	for (size_t i = first; i < end; i++) {
		size_t		 bit = i * 6 - at * 8;
		const uint8_t	*p = (const uint8_t *)s + bit / 8;
		unsigned int	 pair = (unsigned int)p[0] << 8 | (bit / 8 + 1 < len ? p[1] : 0);

		enc[i - first] = alphabet[pair >> (10 - bit % 8) & 63];
	}
	needle_add(enc, end - first, true);
	explicit_bzero(enc, end - first);
}

/* A key is often shown line by line; the dashes around it are no secret. */
static void
needle_add_pem(const char *s)
{
	while (*s != '\0') {
		size_t	 n = strcspn(s, "\r\n\\");

		if (n >= PEM_LINE_BYTES_MIN && memchr(s, '-', n) == NULL)
			needle_add(s, n, false);
		s += n;
		/* A line break, or one that a form field made "\n" of. */
		if (*s == '\\' && s[1] != '\0')
			s++;
		if (*s != '\0')
			s++;
	}
}

void
redact_add(const char *secret)
{
	size_t	 len = secret != NULL ? strlen(secret) : 0;

	if (len < REDACT_SECRET_BYTES_MIN)
		return;
	for (size_t i = 0; i < kept.nneedles; i++)
		if (!needles[i].base64 && needles[i].len == len &&
		    memcmp(needles[i].s, secret, len) == 0)
			return;
	if (kept.nsecrets == REDACT_SECRETS_MAX || len > REDACT_SECRET_BYTES_MAX) {
		kept.overflowed = true;
		return;
	}
	kept.nsecrets++;
	needle_add(secret, len, false);
	for (size_t at = 0; at < 3; at++)
		needle_add_base64(secret, len, at);
	if (strncmp(secret, "-----BEGIN", 10) == 0)
		needle_add_pem(secret);
}

void
redact_wipe(void)
{
	for (size_t i = 0; i < kept.nneedles; i++) {
		explicit_bzero(needles[i].s, needles[i].len);
		free(needles[i].s);
		/* Not the whole table: a fresh worker would touch a dozen pages for nothing. */
		needles[i] = (struct needle){ 0 };
	}
	kept.nneedles = kept.nsecrets = 0;
	kept.overflowed = false;
}

bool
redact_overflowed(void)
{
	return kept.overflowed;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that t stands for when read as an encoded one, and how long that is; else the byte itself and 1. */
static size_t
unit_decode(const char *t, size_t n, unsigned char *byte)
{
	static const char	 names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char		*at;

	*byte = (unsigned char)t[0];
	if (t[0] == '%' && n >= 3 && hex_value(t[1]) >= 0 && hex_value(t[2]) >= 0) {
		*byte = (unsigned char)(hex_value(t[1]) << 4 | hex_value(t[2]));
		return 3;
	}
	if (t[0] != '\\' || n < 2)
		return 1;
	if (t[1] == 'u' && n >= 6 && t[2] == '0' && t[3] == '0' && hex_value(t[4]) >= 0 && hex_value(t[5]) >= 0) {
		*byte = (unsigned char)(hex_value(t[4]) << 4 | hex_value(t[5]));
		return 6;
	}
	if (t[1] == '\0' || (at = strchr(names, t[1])) == NULL)
		return 1;
	*byte = (unsigned char)values[at - names];
	return 2;
}

static bool
byte_fits(const struct needle *nd, size_t i, unsigned char byte)
{
	if (byte == (unsigned char)nd->s[i])
		return true;
	if (nd->base64)
		return (byte == '-' && nd->s[i] == '+') || (byte == '_' && nd->s[i] == '/');
	return false;
}

/*
 * How many bytes of text match the needle; 0 if they do not.  Where the text
 * ends inside the needle, its rest counts: it was cut there.
 */
static size_t
needle_match(const struct needle *nd, const char *t, size_t n, bool decode)
{
	size_t	 used = 0;

	for (size_t i = 0; i < nd->len; i++) {
		unsigned char	 byte;
		size_t		 step;

		if (used == n)
			return i >= REDACT_SECRET_BYTES_MIN ? used : 0;
		if (decode)
			step = unit_decode(t + used, n - used, &byte);
		else {
			byte = (unsigned char)t[used];
			step = 1;
		}
		/* Forms write a space as '+'. */
		if (!byte_fits(nd, i, byte) && !(decode && step == 1 && byte == '+' && nd->s[i] == ' '))
			return 0;
		used += step;
	}
	return used;
}

static void
text_mark(const char *s, size_t n, uint8_t *mask)
{
	for (size_t k = 0; k < kept.nneedles; k++)
		for (size_t at = 0; at < n; at++) {
			size_t	 plain = needle_match(&needles[k], s + at, n - at, false);
			size_t	 coded = needle_match(&needles[k], s + at, n - at, true);

			memset(mask + at, 1, plain > coded ? plain : coded);
		}
}

static void
text_blot(char *s, size_t n, const uint8_t *mask)
{
	size_t	 to = 0;

	for (size_t at = 0; at < n;) {
		if (!mask[at]) {
			s[to++] = s[at++];
			continue;
		}
		while (at < n && mask[at])
			at++;
		memcpy(s + to, BLOT, BLOT_BYTES);
		to += BLOT_BYTES;
	}
	explicit_bzero(s + to, n - to);
	s[to] = '\0';
}

bool
redact_holds(const char *s)
{
	return redact_holds_bytes(s, strlen(s));
}

bool
redact_holds_bytes(const char *s, size_t n)
{
	for (size_t k = 0; k < kept.nneedles; k++) {
		const struct needle	*nd = &needles[k];

		if (nd->len < REDACT_HELD_BYTES_MIN)
			continue;
		for (size_t at = 0; at + nd->len <= n; at++)
			if (byte_fits(nd, 0, (unsigned char)s[at]) && needle_match(nd, s + at, nd->len, false) == nd->len)
				return true;
	}
	return false;
}

bool
redact_string(char *s)
{
	size_t		 n = strlen(s);
	autofree uint8_t *mask = NULL;

	if (kept.nneedles == 0 || n < REDACT_SECRET_BYTES_MIN)
		return true;
	if ((mask = calloc(1, n)) == NULL)
		return false;
	text_mark(s, n, mask);
	text_blot(s, n, mask);
	return true;
}

void
redact_text(char *buf, size_t n)
{
	static const char	 withheld[] = "(text withheld: its secrets could not be removed)";

	if (n == 0)
		return;
	buf[n - 1] = '\0';
	if (kept.overflowed || !redact_string(buf)) {
		memset(buf, 0, n);
		memcpy(buf, withheld, sizeof(withheld) <= n ? sizeof(withheld) : n - 1);
		return;
	}
	text_clean(buf);
}
