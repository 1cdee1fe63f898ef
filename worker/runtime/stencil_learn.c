/*
 * stencil_learn.c -- a stencil out of one row, and of what the connector makes of it.
 *
 * The row is read once more with a mark in place of each text that may differ; where the marks come out in the line is
 * where the texts of other rows belong.  What was learned must give this row's own line, to the byte, or it is forgotten.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/record.h"
#include "worker/contract/scan.h"
#include "worker/contract/util.h"
#include "worker/runtime/stencil_priv.h"

#define LINES_MAX	1024u		/* stencils of one list */
#define SIBLINGS_MAX	32u		/* ways on from one text: each is tried */
#define MARK_DIGITS	4u

/* A mark is its head, MARK_DIGITS digits and its tail: characters of nobody's in a string, and a number of nobody's. */
static const struct { const char *head, *tail; } marks[] = {
	[THEN_STRING] = { "\xee\x80\x80\xee\x80\x81", "\xee\x80\x82" },
	[THEN_NUMBER] = { "-7.70507", "e-77" },
};
static_assert(STENCIL_TEXTS_MAX <= 10000, "the digits of a mark count all texts");

/* The row under study. */
struct study {
	struct stencil	*st;
	const char	*text;
	size_t		 n;
	struct row_text	 names[JSON_DEPTH_MAX];
	uint32_t	 ntexts;
	size_t		 from[STENCIL_TEXTS_MAX], to[STENCIL_TEXTS_MAX];	/* offsets of the texts */
	enum piece_then	 kind[STENCIL_TEXTS_MAX];
	bool		 unfit;
};

static void
text_found(struct study *y, size_t from, size_t to, enum piece_then kind)
{
	if (y->ntexts == STENCIL_TEXTS_MAX) {
		y->unfit = true;
		return;
	}
	y->from[y->ntexts] = from;
	y->to[y->ntexts] = to;
	y->kind[y->ntexts++] = kind;
}

static int
on_event(void *arg, const struct scan *s, enum scan_event ev, struct error *e)
{
	struct study	*y = arg;

	(void)e;
	switch (ev) {
	case SCAN_NAME:
		y->unfit |= s->escaped;
		y->names[s->depth - 1] = (struct row_text){ y->text + s->token + 1, (size_t)(s->offset - s->token) - 2 };
		break;
	case SCAN_OBJECT_BEGIN:
	case SCAN_ARRAY_BEGIN:
		y->names[s->depth - 1] = (struct row_text){ NULL, 0 };
		break;
	case SCAN_STRING:
		if (!s->escaped && !y->st->m->looks(y->st->m->arg, y->names, s->depth))
			text_found(y, (size_t)s->token + 1, (size_t)s->offset - 1, THEN_STRING);
		break;
	case SCAN_NUMBER:
		if (!y->st->m->looks(y->st->m->arg, y->names, s->depth))
			text_found(y, (size_t)s->token, (size_t)s->offset, THEN_NUMBER);
		break;
	default:
		break;
	}
	return 0;
}

/* False: no mark could be told from what the row has itself, or nothing varies. */
static bool
row_study(struct study *y)
{
	struct error	 e = ERROR_NONE;
	struct scan	 s;

	for (size_t i = 0; i < N_ITEMS(marks); i++)
		if (memmem(y->text, y->n, marks[i].head, strlen(marks[i].head)) != NULL)
			return false;
	scan_init(&s, JSON_DEPTH_MAX);
	s.on = on_event;
	s.arg = y;
	return scan_feed(&s, y->text, y->n, &e) == 0 && scan_end(&s, &e) == 0 && !y->unfit && y->ntexts > 0;
}

static cJSON *
row_marked(const struct study *y)
{
	autobuf		 b = { .max = REQUEST_BYTES_MAX };
	struct error	 e = ERROR_NONE;
	size_t		 at = 0;

	for (uint32_t i = 0; i < y->ntexts; i++) {
		buf_add(&b, y->text + at, y->from[i] - at);
		buf_addf(&b, "%s%0*u%s", marks[y->kind[i]].head, (int)MARK_DIGITS, (unsigned int)i, marks[y->kind[i]].tail);
		at = y->to[i];
	}
	buf_add(&b, y->text + at, y->n - at);
	return b.failed ? NULL : json_parse(b.data, b.len, NULL, &e);
}

/* The mark at p, moved behind it; STENCIL_NONE: there is none. */
static uint32_t
mark_read(const struct study *y, const char **p, const char *end)
{
	for (size_t kind = 0; kind < N_ITEMS(marks); kind++) {
		size_t		 head = strlen(marks[kind].head), tail = strlen(marks[kind].tail);
		const char	*digits = *p + head;
		uint32_t	 n = 0;

		if ((size_t)(end - *p) < head + MARK_DIGITS + tail || memcmp(*p, marks[kind].head, head) != 0 ||
		    memcmp(digits + MARK_DIGITS, marks[kind].tail, tail) != 0)
			continue;
		for (size_t i = 0; i < MARK_DIGITS; i++)
			n = n * 10 + (uint32_t)(digits[i] - '0');
		if (n >= y->ntexts || y->kind[n] != kind)
			continue;
		*p = digits + MARK_DIGITS + tail;
		return n;
	}
	return STENCIL_NONE;
}

/* Takes the line with marks apart; false: no room. */
static bool
line_cut(struct study *y, const struct buf *marked, struct line *l)
{
	struct stencil	*st = y->st;
	const char	*p = marked->data, *end = p + marked->len, *from = p;

	l->cut = st->ncuts;
	while (p <= end) {
		const char	*to = p;
		uint32_t	 text = p == end ? STENCIL_NONE : mark_read(y, &p, end);

		if (p != end && text == STENCIL_NONE) {
			p++;
			continue;
		}
		if (st->ncuts == STENCIL_PIECES_MAX)
			return false;
		st->cuts[st->ncuts++] = (struct cut){ (uint32_t)st->pool.len, (uint32_t)(to - from), text };
		buf_add(&st->pool, from, (size_t)(to - from));
		l->literal_bytes += (uint32_t)(to - from);
		from = p;
		if (text == STENCIL_NONE)
			break;
	}
	l->ncuts = st->ncuts - l->cut;
	return !st->pool.failed;
}

/* Facts must be texts of the row's own, each whole. */
static bool
facts_find(const struct study *y, const cJSON *marked, struct line *l)
{
	struct row_text	 facts[ROW_FACTS_MAX] = { { NULL, 0 } };

	y->st->m->facts(y->st->m->arg, marked, facts);
	for (size_t i = 0; i < ROW_FACTS_MAX; i++) {
		const char	*p = facts[i].text;

		l->facts[i] = STENCIL_NONE;
		if (p != NULL && ((l->facts[i] = mark_read(y, &p, p + facts[i].len)) == STENCIL_NONE ||
		    p != facts[i].text + facts[i].len))
			return false;
	}
	return true;
}

static bool
line_make(const struct row_maker *m, const cJSON *row, struct buf *b)
{
	struct error	 e = ERROR_NONE;
	autojson	*data = m->make(m->arg, row, &e);

	if (!cJSON_IsObject(data))
		return false;
	record_print(b, REC_OUTPUT, data);
	return !b->failed;
}

/* Does the line with this row's texts come out as the connector makes it? */
static bool
line_proven(struct study *y, const struct line *l, const cJSON *row)
{
	autobuf			 made = { .max = REQUEST_BYTES_MAX }, copied = { .max = REQUEST_BYTES_MAX };
	struct stencil_met	 met = { .line = l };

	for (uint32_t i = 0; i < y->ntexts; i++)
		y->st->texts[i] = (struct row_text){ y->text + y->from[i], y->to[i] - y->from[i] };
	met.line_bytes = stencil_line_bytes(y->st, l);
	if (!line_make(y->st->m, row, &made) || made.len != met.line_bytes || buf_space(&copied, met.line_bytes) == NULL)
		return false;
	stencil_write(y->st, &met, copied.data);
	return memcmp(made.data, copied.data, made.len) == 0;
}

/* Is the row written as it is printed?  Then its text stands for it. */
static bool
row_plain(const struct study *y, const cJSON *row)
{
	autobuf	 b = { .max = REQUEST_BYTES_MAX };

	json_print(&b, row);
	return !b.failed && b.len == y->n && memcmp(b.data, y->text, y->n) == 0;
}

/* The piece with this literal in the list at *from, put there if it is not; NULL: no room. */
static struct piece *
piece_put(struct stencil *st, uint32_t *from, const char *literal, size_t n, enum piece_then then)
{
	unsigned int	 siblings = 0;
	struct piece	*c;

	for (; *from != STENCIL_NONE; from = &c->next, siblings++) {
		c = &st->pieces[*from];
		if (c->then == then && c->len == n && memcmp(st->pool.data + c->at, literal, n) == 0)
			return c;
	}
	if (siblings == SIBLINGS_MAX || st->npieces == STENCIL_PIECES_MAX)
		return NULL;
	c = &st->pieces[st->npieces];
	*c = (struct piece){ (uint32_t)st->pool.len, (uint32_t)n, STENCIL_NONE, STENCIL_NONE, STENCIL_NONE, then };
	buf_add(&st->pool, literal, n);
	if (st->pool.failed)
		return NULL;
	*from = st->npieces++;
	return c;
}

/* What was begun and found no room leads nowhere, and does no harm. */
static void
row_put(struct study *y, const struct line *l)
{
	struct stencil	*st = y->st;
	uint32_t	*list = &st->root;
	struct piece	*c;
	size_t		 at = 0;

	for (uint32_t i = 0; i < y->ntexts; i++) {
		if ((c = piece_put(st, list, y->text + at, y->from[i] - at, y->kind[i])) == NULL)
			return;
		at = y->to[i];
		list = &c->child;
	}
	if ((c = piece_put(st, list, y->text + at, y->n - at, THEN_END)) == NULL || c->line != STENCIL_NONE)
		return;
	st->lines[st->nlines] = *l;
	c->line = st->nlines++;
}

static bool
room(struct stencil *st)
{
	if (st->pieces == NULL) {
		st->pieces = calloc(STENCIL_PIECES_MAX, sizeof(*st->pieces));
		st->cuts = calloc(STENCIL_PIECES_MAX, sizeof(*st->cuts));
		st->lines = calloc(LINES_MAX, sizeof(*st->lines));
	}
	return st->pieces != NULL && st->cuts != NULL && st->lines != NULL && !st->pool.failed && st->nlines < LINES_MAX;
}

static void
study(struct study *y, const cJSON *row)
{
	struct stencil	*st = y->st;
	uint32_t	 ncuts = st->ncuts;
	size_t		 pool = st->pool.len;
	autojson	*marked = NULL;
	autobuf		 line = { .max = REQUEST_BYTES_MAX };
	struct line	 l = { 0 };

	if (!row_study(y) || (marked = row_marked(y)) == NULL || !line_make(st->m, marked, &line))
		return;
	if (!facts_find(y, marked, &l) || !line_cut(y, &line, &l) || !line_proven(y, &l, row)) {
		st->ncuts = ncuts;
		buf_cut(&st->pool, pool);
		return;
	}
	l.plain = row_plain(y, row);
	row_put(y, &l);
}

void
stencil_learn(struct stencil *st, const char *text, size_t n, const cJSON *row)
{
	struct study	*y;

	if (++st->rows <= STENCIL_ROWS_BEFORE || n > STENCIL_ROW_BYTES_MAX || !cJSON_IsObject(row) ||
	    st->learned >= STENCIL_LEARNED_FEW + st->met / STENCIL_LEARN_PER || !room(st) ||
	    (y = calloc(1, sizeof(*y))) == NULL)
		return;
	st->learned++;
	y->st = st;
	y->text = text;
	y->n = n;
	study(y, row);
	free(y);
}
