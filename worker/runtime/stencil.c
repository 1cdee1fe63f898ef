/*
 * stencil.c -- rows that become records by copying: meeting them, and writing their lines.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/contract/limits.h"
#include "worker/contract/scan_class.h"
#include "worker/runtime/stencil_priv.h"

#define UTF8_BYTES_MAX	4

struct stencil *
stencil_new(const struct row_maker *m)
{
	struct stencil	*st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->m = m;
	st->root = STENCIL_NONE;
	buf_init(&st->pool, STENCIL_BYTES_MAX);
	return st;
}

void
stencil_free(struct stencil *st)
{
	if (st == NULL)
		return;
	buf_free(&st->pool);
	free(st->pieces);
	free(st->cuts);
	free(st->lines);
	free(st);
}

#define IS_DIGIT(c)	((unsigned int)(c) - '0' < 10)

/* Behind the inside of a string at p, if it is plain: no escape, valid UTF-8, and a quote behind it.  NULL: it is not, or not yet. */
static const char *
string_pass(const char *from, const char *to)
{
	const unsigned char	*p = (const unsigned char *)from, *end = (const unsigned char *)to;

	while ((p = plain_pass(p, end)) < end && *p >= 0x80)
		if (string_class[*p] == SC_BAD || (p = utf8_pass(string_class[*p], p, end)) == NULL)
			return NULL;
	return p < end && *p == '"' ? (const char *)p : NULL;
}

static const char *
digits_pass(const char *p, const char *end)
{
	const char	*from = p;

	while (p < end && IS_DIGIT(*p))
		p++;
	return p == from ? NULL : p;
}

/* Behind a number at p; NULL: there is none, or not yet. */
static const char *
number_pass(const char *p, const char *end)
{
	const char	*from = p;

	p += p < end && *p == '-';
	if (p < end && *p == '0')
		p++;
	else if ((p = digits_pass(p, end)) == NULL)
		return NULL;
	if (p < end && *p == '.' && (p = digits_pass(p + 1, end)) == NULL)
		return NULL;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '+' || *p == '-');
		if ((p = digits_pass(p, end)) == NULL)
			return NULL;
	}
	/* What follows is for the next literal to say, but that the number ends here. */
	return p < end && !IS_DIGIT(*p) && p - from <= JSON_NUMBER_BYTES_MAX ? p : NULL;
}

/* Is what began at p, and is no text, only not whole yet?  It may be said of what will turn out to be none. */
static bool
unfinished(const char *from, const char *to)
{
	const unsigned char	*p = (const unsigned char *)from, *end = (const unsigned char *)to;

	while ((p = plain_pass(p, end)), end - p >= UTF8_BYTES_MAX && *p >= 0x80)
		p++;
	return end - p < UTF8_BYTES_MAX;
}

/* Both have n bytes. */
static inline bool
same(const char *a, const char *b, size_t n)
{
	uint64_t	 x, y;

	if (n < sizeof(x)) {
		for (size_t i = 0; i < n; i++)
			if (a[i] != b[i])
				return false;
		return true;
	}
	for (size_t i = 0; i + sizeof(x) < n; i += sizeof(x)) {
		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		if (x != y)
			return false;
	}
	memcpy(&x, a + n - sizeof(x), sizeof(x));
	memcpy(&y, b + n - sizeof(y), sizeof(y));
	return x == y;
}

/* The piece of this list whose literal stands at p; *begun: one stands there as far as there is any text. */
static const struct piece *
piece_at(const struct stencil *st, uint32_t i, const char *p, size_t left, bool *begun)
{
	for (; i != STENCIL_NONE; i = st->pieces[i].next) {
		const struct piece	*c = &st->pieces[i];

		if (same(p, st->pool.data + c->at, c->len < left ? c->len : left)) {
			if (c->len <= left)
				return c;
			*begun = true;
		}
	}
	return NULL;
}

size_t
stencil_line_bytes(const struct stencil *st, const struct line *l)
{
	size_t	 n = l->literal_bytes;

	for (uint32_t i = l->cut; i + 1 < l->cut + l->ncuts; i++)
		n += st->texts[st->cuts[i].text].len;
	return n;
}

static void
met_fill(const struct stencil *st, const struct line *l, size_t row_bytes, uint32_t ntexts, struct stencil_met *met)
{
	*met = (struct stencil_met){ row_bytes, stencil_line_bytes(st, l), l->plain, ntexts, l, { { NULL, 0 } } };
	for (size_t i = 0; i < ROW_FACTS_MAX; i++)
		if (l->facts[i] != STENCIL_NONE)
			met->facts[i] = st->texts[l->facts[i]];
}

enum stencil_answer
stencil_meet(struct stencil *st, const char *text, size_t n, struct stencil_met *met)
{
	const char		*p = text, *end = text + n, *from;
	uint32_t		 i = st->root, ntexts = 0;
	const struct piece	*c;
	bool			 begun = false;

	while ((c = piece_at(st, i, p, (size_t)(end - p), &begun)) != NULL) {
		from = p += c->len;
		if (c->then == THEN_END) {
			met_fill(st, &st->lines[c->line], (size_t)(p - text), ntexts, met);
			st->rows++;
			st->met++;
			return STENCIL_MET;
		}
		p = c->then == THEN_STRING ? string_pass(from, end) : number_pass(from, end);
		if (p == NULL)
			return unfinished(from, end) ? STENCIL_SHORT : STENCIL_UNKNOWN;
		if (ntexts == STENCIL_TEXTS_MAX)
			return STENCIL_UNKNOWN;
		st->texts[ntexts++] = (struct row_text){ from, (size_t)(p - from) };
		i = c->child;
	}
	return begun ? STENCIL_SHORT : STENCIL_UNKNOWN;
}

bool
stencil_any(const struct stencil *st, const struct stencil_met *met, bool (*is)(const char *text, size_t n))
{
	for (uint32_t i = 0; i < met->ntexts; i++)
		if (is(st->texts[i].text, st->texts[i].len))
			return true;
	return false;
}

void
stencil_write(const struct stencil *st, const struct stencil_met *met, char *out)
{
	const struct line	*l = met->line;

	for (uint32_t i = l->cut; i < l->cut + l->ncuts; i++) {
		const struct cut	*c = &st->cuts[i];

		memcpy(out, st->pool.data + c->at, c->len);
		out += c->len;
		if (c->text != STENCIL_NONE) {
			memcpy(out, st->texts[c->text].text, st->texts[c->text].len);
			out += st->texts[c->text].len;
		}
	}
}
