/*
 * pretty.c -- JSON text on several lines, in colours.  It works on the text, so
 * that digits and escapes stay as the connector wrote them.
 */
#include <string.h>

#include "launcher/cli/cli.h"

#define INDENT_LEVELS_MAX	20	/* deeper goes no further right */

enum paint { PAINT_NAME, PAINT_STRING, PAINT_SCALAR, PAINT__MAX };

static const char *const paints[PAINT__MAX] = {
	[PAINT_NAME]	= "\033[34m",
	[PAINT_STRING]	= "\033[32m",
	[PAINT_SCALAR]	= "\033[36m",
};

static void
piece(struct buf *b, enum paint p, bool color, const char *s, size_t len)
{
	if (color)
		buf_adds(b, paints[p]);
	text_safe_json(b, s, len);
	if (color)
		buf_adds(b, "\033[0m");
}

static void
newline(struct buf *b, size_t depth)
{
	buf_addc(b, '\n');
	for (size_t i = 0; i < depth && i < INDENT_LEVELS_MAX; i++)
		buf_adds(b, "  ");
}

static size_t
blanks(const char *s, size_t len)
{
	size_t	 i = 0;

	while (i < len && memchr(" \t\r\n", s[i], 4) != NULL)
		i++;
	return i;
}

static size_t
string_bytes(const char *s, size_t len)
{
	size_t	 i = 1;

	while (i < len && s[i] != '"')
		i += s[i] == '\\' ? 2 : 1;
	return i < len ? i + 1 : len;
}

static size_t
scalar_bytes(const char *s, size_t len)
{
	size_t	 i = 1;

	while (i < len && memchr(",]} \t\r\n", s[i], 7) == NULL)
		i++;
	return i;
}

/* A string is a name if a colon follows. */
static bool
is_name(const char *s, size_t len)
{
	size_t	 i = blanks(s, len);

	return i < len && s[i] == ':';
}

/* An opening bracket; an empty container stays on its line.  Returns bytes taken. */
static size_t
open_bracket(struct buf *b, const char *s, size_t len, size_t *depth)
{
	size_t	 next = 1 + blanks(s + 1, len - 1);

	buf_addc(b, s[0]);
	if (next < len && (s[next] == '}' || s[next] == ']')) {
		buf_addc(b, s[next]);
		return next + 1;
	}
	newline(b, ++*depth);
	return 1;
}

void
pretty_json(struct buf *b, const char *s, size_t len, bool color)
{
	size_t	 depth = 0, n;

	for (size_t i = 0; i < len; i += n) {
		n = 1;
		switch (s[i]) {
		case ' ': case '\t': case '\r': case '\n':
			break;
		case '{': case '[':
			n = open_bracket(b, s + i, len - i, &depth);
			break;
		case '}': case ']':
			depth -= depth > 0;
			newline(b, depth);
			buf_addc(b, s[i]);
			break;
		case ',':
			buf_addc(b, ',');
			newline(b, depth);
			break;
		case ':':
			buf_adds(b, ": ");
			break;
		case '"':
			n = string_bytes(s + i, len - i);
			piece(b, is_name(s + i + n, len - i - n) ? PAINT_NAME : PAINT_STRING, color, s + i, n);
			break;
		default:
			n = scalar_bytes(s + i, len - i);
			piece(b, PAINT_SCALAR, color, s + i, n);
		}
	}
	buf_addc(b, '\n');
}
