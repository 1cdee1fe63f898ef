/*
 * rows.c -- splits a large JSON document into the elements of one array and an
 * envelope, as its bytes arrive.
 *
 * The scanner tells where values begin and end.  Bytes go to the row that is
 * open, else to the envelope; of the array itself the envelope gets "[]".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/rows.h"
#include "worker/contract/scan.h"

#define SEGMENTS_MAX	16		/* of the pointer */
#define SEGMENT_BYTES	128

enum place { PLACE_ENVELOPE, PLACE_ARRAY, PLACE_ROW };

struct rows {
	struct scan	 scan;
	char		 segments[SEGMENTS_MAX][SEGMENT_BYTES];
	unsigned int	 nsegments;
	unsigned int	 matched;	/* segments that the open containers follow */
	bool		 name_matches;	/* the name just read is the next segment */
	bool		 seen;		/* the array was found */
	enum place	 place;
	const char	*base;		/* the portion under way */
	uint64_t	 base_at;	/* offset of its first byte */
	uint64_t	 row_at;	/* offset of the first byte in row */
	uint64_t	 taken;		/* offset up to which bytes were handed on */
	struct buf	 row, envelope;
	int		(*on_row)(void *arg, cJSON *row, struct error *e);
	void		*arg;
	size_t		 row_bytes_max;
};

/* Bytes of this portion up to offset `to` go where they belong. */
static void
hand_on(struct rows *r, uint64_t to)
{
	struct buf	*b = r->place == PLACE_ENVELOPE ? &r->envelope : &r->row;

	if (to <= r->taken)
		return;
	if (b == &r->row && b->len == 0)
		r->row_at = r->taken;
	buf_add(b, r->base + (r->taken - r->base_at), (size_t)(to - r->taken));
	r->taken = to;
}

/* Commas and space between rows belong to nobody; a row may have begun in an earlier portion. */
static void
row_begins(struct rows *r, uint64_t token)
{
	r->place = PLACE_ROW;
	if (token >= r->taken) {
		buf_reset(&r->row);
		r->taken = token;
	} else
		buf_consume(&r->row, (size_t)(token - r->row_at));
}

static int
row_done(struct rows *r, struct error *e)
{
	struct json_limits	 limits = { r->row_bytes_max, JSON_DEPTH_MAX, JSON_NODES_MAX };
	cJSON			*row;

	if (buf_check(&r->row, "a row of the answer", e) == -1 ||
	    (row = json_parse(r->row.data, r->row.len, &limits, e)) == NULL)
		return -1;
	buf_reset(&r->row);
	r->place = PLACE_ARRAY;
	return r->on_row(r->arg, row, e);
}

/* Where a value begins: is it the array, or a row? */
static int
value_begins(struct rows *r, const struct scan *s, enum scan_event ev)
{
	bool		 container = ev == SCAN_OBJECT_BEGIN || ev == SCAN_ARRAY_BEGIN;
	unsigned int	 outside = container ? s->depth - 1 : s->depth;

	if (r->place == PLACE_ARRAY && outside == r->nsegments + 1) {
		row_begins(r, s->token);
		return 0;
	}
	if (r->place != PLACE_ENVELOPE || !container)
		return 0;
	if (outside == r->nsegments && r->matched == r->nsegments && (outside == 0 || r->name_matches) &&
	    ev == SCAN_ARRAY_BEGIN && !r->seen) {
		hand_on(r, s->offset);
		r->place = PLACE_ARRAY;
		r->seen = true;
	}
	return 0;
}

static bool
scalar(enum scan_event ev)
{
	return ev >= SCAN_STRING && ev <= SCAN_NULL;
}

static int
on_event(void *arg, const struct scan *s, enum scan_event ev, struct error *e)
{
	struct rows	*r = arg;
	bool		 end = ev == SCAN_OBJECT_END || ev == SCAN_ARRAY_END;

	if (ev == SCAN_NAME) {
		/* Names are compared as written; an escaped one never matches. */
		if (r->place == PLACE_ENVELOPE && s->depth <= r->nsegments && s->depth >= 1) {
			const char	*want = r->segments[s->depth - 1];

			hand_on(r, s->offset);
			r->name_matches = (s->depth == 1 || r->matched >= s->depth - 1) &&
			    r->envelope.len >= strlen(want) + 2 &&
			    r->envelope.data[r->envelope.len - 1] == '"' &&
			    r->envelope.data[r->envelope.len - strlen(want) - 2] == '"' &&
			    memcmp(r->envelope.data + r->envelope.len - 1 - strlen(want), want, strlen(want)) == 0;
			r->matched = r->name_matches ? s->depth : s->depth - 1;
		}
		return 0;
	}
	if (!end && !scalar(ev))
		return value_begins(r, s, ev);
	if (r->place == PLACE_ARRAY && scalar(ev) && s->depth == r->nsegments + 1) {
		row_begins(r, s->token);
		hand_on(r, s->offset);
		return row_done(r, e);
	}
	if (r->place == PLACE_ROW && end && s->depth == r->nsegments + 2) {
		hand_on(r, s->offset);
		return row_done(r, e);
	}
	if (r->place == PLACE_ARRAY && ev == SCAN_ARRAY_END && s->depth == r->nsegments + 1) {
		buf_reset(&r->row);
		r->taken = s->offset - 1;	/* what stood between is dropped, the ']' is kept */
		r->place = PLACE_ENVELOPE;
	}
	return 0;
}

static int
pointer_split(struct rows *r, const char *p)
{
	while (*p == '/') {
		size_t	 n = strcspn(++p, "/");

		if (r->nsegments == SEGMENTS_MAX || n >= SEGMENT_BYTES || memchr(p, '~', n) != NULL)
			return -1;
		memcpy(r->segments[r->nsegments], p, n);
		r->segments[r->nsegments++][n] = '\0';
		p += n;
	}
	return *p == '\0' ? 0 : -1;
}

struct rows *
rows_new(const struct rows_options *o)
{
	struct rows	*r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	scan_init(&r->scan, JSON_DEPTH_MAX);
	r->scan.on = on_event;
	r->scan.arg = r;
	r->on_row = o->on_row;
	r->arg = o->arg;
	r->row_bytes_max = o->row_bytes_max;
	buf_init(&r->row, o->row_bytes_max);
	buf_init(&r->envelope, o->envelope_bytes_max);
	if (pointer_split(r, o->pointer) == -1) {
		rows_free(r);
		return NULL;
	}
	return r;
}

void
rows_free(struct rows *r)
{
	if (r == NULL)
		return;
	buf_free(&r->row);
	buf_free(&r->envelope);
	free(r);
}

int
rows_feed(struct rows *r, const char *data, size_t n, struct error *e)
{
	r->base = data;
	r->base_at = r->scan.offset;
	if (r->taken < r->base_at)
		r->taken = r->base_at;
	if (scan_feed(&r->scan, data, n, e) == -1)
		return -1;
	hand_on(r, r->base_at + n);
	if (buf_check(&r->row, "a row of the answer", e) == -1)
		return -1;
	return buf_check(&r->envelope, "the answer around its rows", e);
}

int
rows_end(struct rows *r, cJSON **envelope, struct error *e)
{
	struct json_limits	 limits = { r->envelope.max, JSON_DEPTH_MAX, JSON_NODES_MAX };
	cJSON			*doc;
	const cJSON		*at;
	char			 pointer[SEGMENTS_MAX * SEGMENT_BYTES] = "";

	r->base = "";
	if (scan_end(&r->scan, e) == -1)
		return -1;
	if ((doc = json_parse(r->envelope.data == NULL ? "" : r->envelope.data, r->envelope.len, &limits, e)) == NULL)
		return -1;
	for (unsigned int i = 0; i < r->nsegments; i++)
		snprintf(pointer + strlen(pointer), sizeof(pointer) - strlen(pointer), "/%s", r->segments[i]);
	at = json_at(doc, pointer);
	if (at != NULL && !cJSON_IsArray(at) && !cJSON_IsNull(at)) {
		cJSON_Delete(doc);
		return error_set(e, ERR_INVALID_RESPONSE, "no array at \"%s\" of the answer", pointer);
	}
	*envelope = doc;
	return 0;
}
