/*
 * text.c -- what a worker wrote, made harmless for a terminal.
 *
 * A terminal obeys more than ESC: the C1 controls do the same as UTF-8, and
 * direction marks make text read otherwise than it is.
 */
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "launcher/cli/cli.h"
#include "worker/contract/util.h"

#define ELLIPSIS	"\xe2\x80\xa6"
#define COLUMNS_LEAST	20
#define COLUMNS_MOST	1000
#define COLUMNS_USUAL	80	/* a terminal that does not tell */

static const struct {
	uint32_t	first, last;
} unsafe[] = {
	{ 0x00, 0x1f }, { 0x7f, 0x9f },		/* C0, DEL, C1 */
	{ 0xad, 0xad },				/* soft hyphen */
	{ 0x61c, 0x61c }, { 0x200b, 0x200f },	/* invisible, direction marks */
	{ 0x2028, 0x202e }, { 0x2060, 0x206f },	/* line separators, overrides, isolates */
	{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
	{ 0xe0000, 0xe0fff },			/* tags */
};

static bool
char_unsafe(uint32_t c)
{
	for (size_t i = 0; i < N_ITEMS(unsafe); i++)
		if (c >= unsafe[i].first && c <= unsafe[i].last)
			return true;
	return false;
}

/* Length of the UTF-8 character at s, 0 if there is none. */
static size_t
char_read(const char *s, size_t len, uint32_t *c)
{
	static const uint32_t	 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char	*u = (const unsigned char *)s;
	size_t			 n = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 :
				     u[0] < 0xf5 ? 4 : 0;

	if (n == 0 || n > len)
		return 0;
	*c = n == 1 ? u[0] : u[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (u[i] & 0x3f);
	}
	return *c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff) ? 0 : n;
}

struct glyph {
	const char	*text;
	size_t		 bytes;		/* of text */
	size_t		 columns;
	size_t		 taken;		/* bytes of the input */
};

/* Nothing else of a locale is wanted, and its files are read when the first such character comes. */
static int
columns_of(uint32_t c)
{
	static bool	 known;

	if (!known)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
	known = true;
	return wcwidth((wchar_t)c);
}

static struct glyph
glyph_at(const char *s, size_t len)
{
	uint32_t	 c;
	size_t		 n = char_read(s, len, &c);
	int		 w;

	if (n == 0)
		return (struct glyph){ "?", 1, 1, 1 };
	if (c == '\t' || c == '\n')
		return (struct glyph){ " ", 1, 1, 1 };
	w = char_unsafe(c) ? -1 : c < 0x80 ? 1 : columns_of(c);
	if (w < 0)
		return (struct glyph){ "?", 1, 1, n };
	return (struct glyph){ s, n, (size_t)w, n };
}

size_t
text_safe(struct buf *b, const char *s, size_t len, size_t columns)
{
	size_t	 used = 0, cut_at = b->len, cut_used = 0;

	for (size_t i = 0; i < len;) {
		struct glyph	 g = glyph_at(s + i, len - i);

		/* The last place that leaves a column for the ellipsis. */
		if (used < columns) {
			cut_at = b->len;
			cut_used = used;
		}
		if (columns != 0 && used + g.columns > columns) {
			b->len = cut_at;
			buf_adds(b, ELLIPSIS);
			return cut_used + 1;
		}
		buf_add(b, g.text, g.bytes);
		used += g.columns;
		i += g.taken;
	}
	return used;
}

void
text_safe_json(struct buf *b, const char *s, size_t len)
{
	uint32_t	 c;
	size_t		 from = 0, n;

	for (size_t i = 0; i < len; i += n) {
		if ((n = char_read(s + i, len - i, &c)) == 0) {
			n = 1;
			c = 0xfffd;
		} else if (!char_unsafe(c))
			continue;
		buf_add(b, s + from, i - from);
		if (c < 0x10000)
			buf_addf(b, "\\u%04x", c);
		else
			buf_addf(b, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 | (c & 0x3ff));
		from = i + n;
	}
	buf_add(b, s + from, len - from);
}

bool
color_wanted(const char *mode, int fd)
{
	const char	*no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (mode != NULL && strcmp(mode, "always") == 0)
		return true;
	if ((mode != NULL && strcmp(mode, "never") == 0) || !isatty(fd))
		return false;
	return (no == NULL || no[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

size_t
terminal_columns(int fd)
{
	struct winsize	 ws;
	const char	*env = getenv("COLUMNS");
	bool		 tty = isatty(fd);
	long		 n = tty ? COLUMNS_USUAL : 0;

	if (tty && ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
		n = ws.ws_col;
	else if (env != NULL && env[0] != '\0')
		n = strtol(env, NULL, 10);
	if (n <= 0)
		return 0;
	return n < COLUMNS_LEAST ? COLUMNS_LEAST : n > COLUMNS_MOST ? COLUMNS_MOST : (size_t)n;
}
