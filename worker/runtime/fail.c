/*
 * fail.c -- how a handler says that it failed, and the care every text of an
 * author's gets before anybody sees it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/util.h"
#include "worker/runtime/runtime.h"

/* How many bytes of valid UTF-8 begin at s (1..4), or 0. */
static size_t
utf8_length(const unsigned char *s)
{
	size_t		 n;
	unsigned char	 lo = 0x80, hi = 0xbf;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	/* The second byte rules out overlong forms, surrogates and what is past U+10FFFF. */
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	if (s[1] < lo || s[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

void
text_clean(char *s)
{
	while (*s != '\0') {
		size_t	 n = utf8_length((const unsigned char *)s);

		if (n == 0)
			*s = '?';
		s += n > 0 ? n : 1;
	}
}

char *
text_format(const char *fmt, va_list ap)
{
	autofree char	*text = NULL;
	char		*taken;
	int		 n;

	if ((n = vasprintf(&text, fmt, ap)) == -1) {
		text = NULL;
		return NULL;
	}
	/* A secret that this cuts in two is still found: redaction knows about ends. */
	if (n > LOG_TEXT_BYTES_MAX)
		text[LOG_TEXT_BYTES_MAX] = '\0';
	if (redact_overflowed() || !redact_string(text))
		return NULL;
	text_clean(text);
	taken = text;
	text = NULL;
	return taken;
}

static int
fail_v(struct call *c, enum err_code code, const char *type, const char *fmt, va_list ap)
{
	/* Formatted first: an argument may be the very text that is replaced. */
	autofree char	*text = text_format(fmt, ap);
	char		 own[sizeof(c->err->type)];

	(void)snprintf(own, sizeof(own), "%s", type != NULL ? type : "");
	error_set(c->err, code, "%s", text != NULL ? text : "(text withheld: its secrets could not be removed)");
	text_clean(c->err->msg);
	text_clean(own);
	memcpy(c->err->type, own, sizeof(own));
	return -1;
}

#define FAIL(name, code)					\
int								\
name(struct call *c, const char *fmt, ...)			\
{								\
	va_list	 ap;						\
								\
	va_start(ap, fmt);					\
	fail_v(c, code, NULL, fmt, ap);				\
	va_end(ap);						\
	return -1;						\
}

FAIL(fail_generic, ERR_GENERIC)
FAIL(fail_not_found, ERR_NOT_FOUND)
FAIL(fail_invalid_configuration, ERR_INVALID_CONFIGURATION)
FAIL(fail_insufficient_permission, ERR_INSUFFICIENT_PERMISSION)
FAIL(fail_invalid_request, ERR_INVALID_REQUEST)
FAIL(fail_invalid_response, ERR_INVALID_RESPONSE)
FAIL(fail_timeout, ERR_TIMEOUT)

int
fail_type(struct call *c, const char *type, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	/* One of the known words is that error, not a type of the connector's own. */
	fail_v(c, error_from_type(type), type, fmt, ap);
	va_end(ap);
	return -1;
}
