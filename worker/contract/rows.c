/*
 * rows.c -- takes a large JSON answer apart as it arrives.
 *
 * The scanner runs over the text once.  Outside the wanted array bytes go into a bounded buffer, which is parsed at the
 * end; inside it each element's tree grows with the scanner's events, out of the portion that is being fed.  Only a
 * token that lies in two portions is copied.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/contract/buf.h"
#include "worker/contract/json.h"
#include "worker/contract/json_build.h"
#include "worker/contract/limits.h"
#include "worker/contract/rows.h"
#include "worker/contract/scan.h"
#include "worker/contract/util.h"

#define ROWS_STEPS_MAX	8	/* tokens of the pointer */
#define TAIL_STEP_BYTES	2048	/* of the next portion, that a tail is tried with first; then twice as much */
#define TAIL_TRIES_MAX	8	/* who sends a row in many small pieces has it read as it comes: nothing is looked at again and again */

struct rows {
	struct rows_options	 o;
	char			*pointer;		/* our copy, cut into tokens */
	const char		*steps[ROWS_STEPS_MAX];	/* unescaped */
	unsigned int		 nsteps;
	struct scan		 scan;
	struct json_build	 build;			/* of the element at hand */
	uint64_t		 row_at;		/* behind the one before */
	bool			 row_begun;
	struct buf		 token, envelope;	/* token: of an element, what earlier portions had of it */
	struct buf		 tail;			/* an element's beginning, not read yet: offered again with more of it */
	const char		*portion;		/* now being fed */
	uint64_t		 portion_at;		/* its offset in the document */
	unsigned int		 tail_tries;
	uint64_t		 sorted;		/* bytes that are in a buffer, or dropped */
	unsigned int		 on_path;		/* open containers that lie on the way to the array */
	uint64_t		 index[ROWS_STEPS_MAX];	/* of the next element, where that container is an array */
	bool			 hit;			/* the value to come is the next step */
	bool			 in_array;		/* inside the wanted array */
	bool			 found;			/* it was seen */
	uint64_t		 count;			/* rows given out */
};

/* "~1" is '/', "~0" is '~', in place. */
static void
step_unescape(char *p)
{
	char	*out = p;

	for (; *p != '\0'; p++)
		if (p[0] == '~' && (p[1] == '0' || p[1] == '1'))
			*out++ = *++p == '0' ? '~' : '/';
		else
			*out++ = *p;
	*out = '\0';
}

/* -1: no JSON pointer, or too long. */
static int
pointer_split(struct rows *r)
{
	char	*rest = r->pointer;

	if (*rest == '\0')
		return 0;
	if (*rest++ != '/')
		return -1;
	for (char *step; (step = strsep(&rest, "/")) != NULL;) {
		if (r->nsteps == ROWS_STEPS_MAX)
			return -1;
		step_unescape(step);
		r->steps[r->nsteps++] = step;
	}
	return 0;
}

/* Moves the bytes before offset to into the buffer they belong to; NULL: nowhere. */
static void
sort_until(struct rows *r, uint64_t to, struct buf *b)
{
	if (to <= r->sorted)
		return;
	if (b != NULL)
		buf_add(b, r->portion + (r->sorted - r->portion_at), (size_t)(to - r->sorted));
	r->sorted = to;
}

/* The element at hand, with what separates it from the one before. */
static int
row_check(const struct rows *r, const struct scan *s, struct error *e)
{
	if (s->offset - r->row_at <= r->o.row_bytes_max && !r->token.failed)
		return 0;
	return error_set(e, ERR_LIMIT, "one element of the answer: over %zu bytes, or out of memory", r->o.row_bytes_max);
}

static int
envelope_check(const struct rows *r, struct error *e)
{
	return buf_check(&r->envelope, "the answer without its elements", e);
}

/* The name just read, compared with the step that is wanted in this container. */
static int
name_match(struct rows *r, const struct scan *s, struct error *e)
{
	size_t		 len = (size_t)(s->offset - s->token);
	autojson	*name = NULL;

	sort_until(r, s->offset, &r->envelope);
	if (envelope_check(r, e) == -1)
		return -1;
	if ((name = json_parse(r->envelope.data + r->envelope.len - len, len, NULL, e)) == NULL)
		return -1;
	r->hit = strcmp(name->valuestring, r->steps[s->depth - 1]) == 0;
	return 0;
}

/* True if the step wanted in an array is the element that begins or ends now. */
static bool
index_match(struct rows *r, unsigned int level)
{
	autojson	*index = json_int((int64_t)r->index[level]++);

	return index != NULL && strcmp(index->valuestring, r->steps[level]) == 0;
}

static int
array_begin(struct rows *r, const struct scan *s, enum scan_event ev, struct error *e)
{
	if (ev == SCAN_NULL)
		return 0;
	if (ev != SCAN_ARRAY_BEGIN)
		return error_set(e, ERR_INVALID_RESPONSE, "no array at \"%s\" of the answer", r->o.pointer);
	if (r->found)
		return error_set(e, ERR_INVALID_RESPONSE, "two arrays at \"%s\" of the answer", r->o.pointer);
	sort_until(r, s->offset, &r->envelope);
	r->found = r->in_array = true;
	r->row_at = s->offset;
	r->scan.halt = r->o.on_text != NULL;
	return 0;
}

/* A value outside the array; around: containers it stands in. */
static int
outside(struct rows *r, const struct scan *s, enum scan_event ev, unsigned int around, struct error *e)
{
	bool	 hit = r->hit;

	r->hit = false;
	if (r->on_path != around)
		return 0;
	if (around > 0 && !(s->in_object[(around - 1) / 8] >> (around - 1) % 8 & 1))
		hit = index_match(r, around - 1);
	if (around > 0 && !hit)
		return 0;
	if (around == r->nsteps)
		return array_begin(r, s, ev, e);
	if (ev == SCAN_OBJECT_BEGIN || ev == SCAN_ARRAY_BEGIN) {
		r->index[around] = 0;
		r->on_path++;
	}
	return 0;
}

static int
row_ended(struct rows *r, const struct scan *s, struct error *e)
{
	cJSON	*row = r->build.root;

	r->build.root = NULL;
	r->row_begun = false;
	r->row_at = s->offset;
	r->count++;
	r->scan.halt = r->o.on_text != NULL;
	return r->o.on_row(r->o.arg, row, e);
}

/* Where the builder finds the token at hand: in this portion, or put together. */
static void
token_place(struct rows *r, const struct scan *s)
{
	r->build.text = r->portion;
	r->build.text_at = r->portion_at;
	if (s->token >= r->portion_at)
		return;
	buf_add(&r->token, r->portion, (size_t)(s->offset - r->portion_at));
	r->build.text = r->token.data;
	r->build.text_at = s->token;
}

/* A failure of the builder's, as one of this element. */
static int
row_bad(const struct rows *r, const struct scan *s, struct error *e)
{
	json_build_tell(&r->build, s->depth - r->build.outer, e);
	return error_in(e, "element %llu", (unsigned long long)r->count);
}

/* Inside the array: elements grow and end, and the array ends. */
static int
inside(struct rows *r, const struct scan *s, enum scan_event ev, unsigned int around, struct error *e)
{
	if (around == r->nsteps) {
		/* Its ']' stays in the envelope. */
		sort_until(r, s->offset - 1, NULL);
		r->in_array = false;
		return 0;
	}
	if (!r->row_begun) {
		json_build_next(&r->build, r->nsteps + 1, s->token);
		r->row_begun = true;
	}
	token_place(r, s);
	if (row_check(r, s, e) == -1)
		return -1;
	if (json_build_event(&r->build, s, ev, e) == -1)
		return row_bad(r, s, e);
	buf_reset(&r->token);
	if (around == r->nsteps + 1 && ev != SCAN_OBJECT_BEGIN && ev != SCAN_ARRAY_BEGIN && ev != SCAN_NAME)
		return row_ended(r, s, e);
	return 0;
}

static int
on_event(void *arg, const struct scan *s, enum scan_event ev, struct error *e)
{
	struct rows	*r = arg;
	unsigned int	 around = s->depth - (ev <= SCAN_ARRAY_END);

	if (r->in_array)
		return inside(r, s, ev, around, e);
	if (ev == SCAN_NAME)
		return r->on_path == around && around <= r->nsteps ? name_match(r, s, e) : 0;
	if (ev == SCAN_OBJECT_END || ev == SCAN_ARRAY_END) {
		if (r->on_path == s->depth)
			r->on_path--;
		return 0;
	}
	return outside(r, s, ev, around, e);
}

struct rows *
rows_new(const struct rows_options *o)
{
	struct rows	*r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->o = *o;
	r->o.pointer = r->pointer = strdup(o->pointer);
	if (r->pointer == NULL || pointer_split(r) == -1) {
		rows_free(r);
		return NULL;
	}
	json_build_init(&r->build, JSON_NODES_MAX);
	r->build.names_kept = true;
	buf_init(&r->token, o->row_bytes_max);
	buf_init(&r->tail, o->row_bytes_max + 1);
	buf_init(&r->envelope, o->envelope_bytes_max);
	scan_init(&r->scan, JSON_DEPTH_MAX);
	r->scan.on = on_event;
	r->scan.arg = r;
	return r;
}

void
rows_free(struct rows *r)
{
	if (r == NULL)
		return;
	json_build_drop(&r->build);
	buf_free(&r->token);
	buf_free(&r->tail);
	buf_free(&r->envelope);
	free(r->pointer);
	free(r);
}

/* Bad JSON came from the source: the request is not to blame. */
static int
blame_source(struct error *e)
{
	if (e->code == ERR_REQUEST)
		e->code = ERR_INVALID_RESPONSE;
	return -1;
}

const char *
rows_text(const struct rows *r, size_t *len)
{
	if (r->build.origin < r->portion_at)
		return NULL;
	*len = (size_t)(r->scan.offset - r->build.origin);
	return r->portion + (r->build.origin - r->portion_at);
}

/* Bytes of white space, with one comma among them where one must come, in front of an object's '{'; -1: there is none. */
static ssize_t
object_ahead(const char *p, size_t n, int commas)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '{')
			return commas == 0 ? (ssize_t)i : -1;
		if (p[i] == ',' ? commas-- == 0 : p[i] != ' ' && p[i] != '\n' && p[i] != '\r' && p[i] != '\t')
			return -1;
	}
	return -1;
}

/* Offers the element that begins here: how many bytes were taken with what lies in front of it; else as on_text says. */
static ssize_t
element_offer(struct rows *r, const char *text, size_t len, struct error *e)
{
	int		 commas = scan_element_next(&r->scan);
	ssize_t		 ahead = commas == -1 ? -1 : object_ahead(text, len, commas), n;
	uint64_t	 used;

	/* As row_check() counts. */
	if (ahead == -1 || (used = r->scan.offset - r->row_at + (uint64_t)ahead) >= r->o.row_bytes_max)
		return 0;
	if (len - (size_t)ahead > r->o.row_bytes_max - used) {
		n = r->o.on_text(r->o.arg, text + ahead, (size_t)(r->o.row_bytes_max - used), e);
		n = n == ROWS_SHORT ? 0 : n;
	} else
		n = r->o.on_text(r->o.arg, text + ahead, len - (size_t)ahead, e);
	if (n <= 0)
		return n;
	scan_element_pass(&r->scan, (size_t)(ahead + n));
	r->row_at = r->scan.offset;
	r->count++;
	return ahead + n;
}

/* What is not read yet begins an element that is not whole: it waits for the next portion. */
static int
tail_keep(struct rows *r, const char *text, size_t len, struct error *e)
{
	buf_add(&r->tail, text, len);
	return buf_check(&r->tail, "one element of the answer", e);
}

/* The whole portion, elements that are taken as they stand first. */
static int
portion_read(struct rows *r, const char *text, size_t len, struct error *e)
{
	size_t	 at = 0;
	ssize_t	 n;

	while (at < len) {
		while (r->o.on_text != NULL && r->in_array && !r->row_begun && at < len &&
		    (n = element_offer(r, text + at, len - at, e)) != 0) {
			if (n == ROWS_SHORT)
				return tail_keep(r, text + at, len - at, e);
			if (n == -1)
				return blame_source(e);
			at += (size_t)n;
		}
		if (scan_feed(&r->scan, text + at, len - at, e) == -1)
			return blame_source(e);
		at = (size_t)(r->scan.offset - r->portion_at);
	}
	return 0;
}

static void
portion_begin(struct rows *r, const char *text)
{
	r->portion = text;
	r->portion_at = r->scan.offset;
}

/* What has been read of the portion goes where it is needed later. */
static int
portion_end(struct rows *r, struct error *e)
{
	if (!r->in_array) {
		sort_until(r, r->scan.offset, &r->envelope);
		return envelope_check(r, e);
	}
	r->sorted = r->scan.offset;
	if (scan_in_token(&r->scan)) {
		uint64_t	 from = r->scan.token > r->portion_at ? r->scan.token : r->portion_at;

		buf_add(&r->token, r->portion + (from - r->portion_at), (size_t)(r->scan.offset - from));
	}
	return row_check(r, &r->scan, e);
}

/* What is left of the tail goes the usual way. */
static int
tail_read(struct rows *r, struct error *e)
{
	size_t	 at = 0;

	portion_begin(r, r->tail.data);
	while (at < r->tail.len) {
		if (scan_feed(&r->scan, r->tail.data + at, r->tail.len - at, e) == -1)
			return blame_source(e);
		at = (size_t)(r->scan.offset - r->portion_at);
	}
	if (portion_end(r, e) == -1)
		return -1;
	buf_reset(&r->tail);
	return 0;
}

/* With the beginning of the next portion the tail may be whole, or longer than an element may be.  *used: how much of that is done with. */
static int
tail_offer(struct rows *r, const char *text, size_t len, size_t *used, struct error *e)
{
	size_t	 had = r->tail.len, more = 0;
	ssize_t	 n = ROWS_SHORT;

	*used = 0;
	for (size_t step = TAIL_STEP_BYTES; n == ROWS_SHORT && more < len; step *= 2) {
		size_t	 add = len - more < step ? len - more : step;

		if (add > r->o.row_bytes_max + 1 - r->tail.len)
			add = r->o.row_bytes_max + 1 - r->tail.len;
		if (tail_keep(r, text + more, add, e) == -1)
			return -1;
		more += add;
		portion_begin(r, r->tail.data);
		n = ++r->tail_tries > TAIL_TRIES_MAX ? 0 : element_offer(r, r->tail.data, r->tail.len, e);
	}
	if (n == -1)
		return blame_source(e);
	if (n == ROWS_SHORT) {
		*used = more;
		return 0;
	}
	r->tail_tries = 0;
	*used = (size_t)n > had ? (size_t)n - had : 0;
	buf_cut(&r->tail, had);
	buf_consume(&r->tail, (size_t)n);
	return tail_read(r, e);
}

int
rows_feed(struct rows *r, const char *text, size_t len, struct error *e)
{
	size_t	 used = 0;

	if (r->tail.len > 0 && tail_offer(r, text, len, &used, e) == -1)
		return -1;
	if (r->tail.len > 0)
		return 0;
	portion_begin(r, text + used);
	return portion_read(r, text + used, len - used, e) == -1 ? -1 : portion_end(r, e);
}

int
rows_end(struct rows *r, cJSON **envelope, struct error *e)
{
	const struct json_limits	 limits = { r->o.envelope_bytes_max, JSON_DEPTH_MAX, JSON_NODES_MAX };

	if (r->tail.len > 0 && tail_read(r, e) == -1)
		return -1;
	if (scan_end(&r->scan, e) == -1)
		return blame_source(e);
	if ((*envelope = json_parse(r->envelope.data, r->envelope.len, &limits, e)) == NULL)
		return blame_source(e);
	return 0;
}
