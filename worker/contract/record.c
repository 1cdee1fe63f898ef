/*
 * record.c -- the lines a worker writes: making them, and judging them without a tree.
 */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/record.h"
#include "worker/contract/scan.h"
#include "worker/contract/util.h"

#define VERDICT_NODES_MAX	1000	/* values in an error verdict's data */

#define KIND(k)		(1u << (k))
#define ANY_KIND	(KIND(DATA_NULL) * 2 - 2)	/* all but absent */

static const struct {
	const char	*name;
	unsigned int	 kinds;		/* of data: KIND bits */
	const char	*needs;		/* the same for people */
} records[] = {
	[REC_OUTPUT]	 = { "output", ANY_KIND, "data" },
	[REC_STATE]	 = { "state", KIND(DATA_OBJECT), "data that is an object" },
	[REC_KEEP_ALIVE] = { "keepAlive", KIND(DATA_OBJECT), "data that is an object" },
	[REC_CONFIG]	 = { "config", KIND(DATA_ARRAY), "data that is an array" },
	[REC_LOCKED]	 = { "locked", KIND(DATA_ABSENT) | KIND(DATA_OBJECT), "no data, or an object" },
	[REC_END]	 = { "end", KIND(DATA_ABSENT) | KIND(DATA_OBJECT), "no data, or an object" },
	[REC_ERROR]	 = { "error", KIND(DATA_OBJECT), "data that is an object" },
	[REC_CACHE]	 = { "cache", KIND(DATA_OBJECT), "data that is an object" },
};
static_assert(N_ITEMS(records) == REC__MAX, "every record has a row");

const char *
record_name(enum record rec)
{
	return (unsigned int)rec < REC__MAX ? records[rec].name : "";
}

void
record_print(struct buf *b, enum record rec, const cJSON *data)
{
	buf_addc(b, '{');
	if (data != NULL || !(records[rec].kinds & KIND(DATA_ABSENT))) {
		buf_adds(b, "\"data\":");
		if (data != NULL)
			json_print(b, data);
		else
			buf_adds(b, "{}");
		buf_addc(b, ',');
	}
	buf_adds(b, "\"type\":\"");
	buf_adds(b, record_name(rec));
	buf_adds(b, "\"}\n");
}

void
record_print_verdict(struct buf *b, const struct error *e)
{
	if (e->code == ERR_NONE) {
		record_print(b, REC_END, NULL);
		return;
	}
	buf_adds(b, "{\"data\":{");
	/* The wire type is too coarse for some: an unreachable source is "generic". */
	if (error_from_cause(error_face(e->code)->word) != ERR_NONE) {
		buf_adds(b, "\"cause\":");
		json_print_string(b, error_face(e->code)->word);
		buf_addc(b, ',');
	}
	buf_adds(b, "\"message\":");
	json_print_string(b, e->msg);
	buf_adds(b, ",\"type\":");
	json_print_string(b, error_type(e));
	buf_adds(b, "},\"type\":\"error\"}\n");
}

/* What has been seen of a line so far. */
struct judge {
	const char		*line;
	struct line_facts	*f;
	enum { IN_NOTHING, IN_TYPE, IN_DATA } member;
	bool			 type_seen, data_seen;
};

static int
broken(struct error *e, const char *how)
{
	return error_set(e, ERR_PROTOCOL, "result line: %s", how);
}

/* True if the token is this string, written plainly. */
static bool
token_is(const struct judge *j, const struct scan *s, const char *text)
{
	size_t	 len = strlen(text);

	return s->offset - s->token == len + 2 && memcmp(j->line + s->token + 1, text, len) == 0;
}

static int
judge_name(struct judge *j, const struct scan *s, struct error *e)
{
	if (token_is(j, s, "data")) {
		if (j->data_seen)
			return broken(e, "two members \"data\"");
		j->data_seen = true;
		j->member = IN_DATA;
		return 0;
	}
	if (token_is(j, s, "type")) {
		if (j->type_seen)
			return broken(e, "two members \"type\"");
		j->type_seen = true;
		j->member = IN_TYPE;
		return 0;
	}
	return broken(e, "a member other than \"data\" and \"type\"");
}

static int
judge_type(struct judge *j, const struct scan *s, enum scan_event ev, struct error *e)
{
	if (ev != SCAN_STRING)
		return broken(e, "\"type\" is not a string");
	for (enum record rec = 0; rec < REC__MAX; rec++)
		if (token_is(j, s, records[rec].name)) {
			j->f->record = rec;
			return 0;
		}
	return broken(e, "unknown \"type\"");
}

/* An event of the value of "data" itself, not inside it. */
static void
note_data(struct judge *j, const struct scan *s, enum scan_event ev)
{
	static const enum data_kind	kinds[SCAN__MAX] = {
		[SCAN_OBJECT_BEGIN] = DATA_OBJECT, [SCAN_ARRAY_BEGIN] = DATA_ARRAY,
		[SCAN_STRING] = DATA_STRING, [SCAN_NUMBER] = DATA_NUMBER,
		[SCAN_TRUE] = DATA_TRUE, [SCAN_FALSE] = DATA_FALSE, [SCAN_NULL] = DATA_NULL,
	};

	if (kinds[ev] != DATA_ABSENT) {
		j->f->kind = kinds[ev];
		j->f->data_at = (size_t)s->token;
	}
	j->f->data_bytes = (size_t)s->offset - j->f->data_at;
}

static int
judge_event(void *arg, const struct scan *s, enum scan_event ev, struct error *e)
{
	struct judge	*j = arg;
	bool		 container = ev <= SCAN_ARRAY_END;
	unsigned int	 around = s->depth - container;	/* containers around the token */

	if (around == 0)
		return ev == SCAN_OBJECT_BEGIN || ev == SCAN_OBJECT_END ? 0 : broken(e, "not an object");
	if (ev == SCAN_NAME)
		return judge_name(j, s, e);
	if (j->member == IN_TYPE)
		return judge_type(j, s, ev, e);
	note_data(j, s, ev);
	return 0;
}

int
line_judge(const char *line, size_t len, struct line_facts *f, struct error *e)
{
	struct judge	 j = { .line = line, .f = f };
	struct scan	 s;

	*f = (struct line_facts){ .kind = DATA_ABSENT };
	if (len > LINE_BYTES_MAX)
		return error_set(e, ERR_RECORD_TOO_LARGE, "result line: over %d KiB", LINE_BYTES_MAX / KIB);
	if (memchr(line, '\n', len) != NULL)
		return broken(e, "a line feed inside");
	scan_init(&s, JSON_DEPTH_MAX);
	s.on = judge_event;
	s.around_max = 1;
	s.arg = &j;
	if (scan_feed(&s, line, len, e) == -1 || scan_end(&s, e) == -1) {
		if (e->code != ERR_PROTOCOL)
			error_in(e, "result line");
		e->code = ERR_PROTOCOL;
		return -1;
	}
	if (!j.type_seen)
		return broken(e, "no member \"type\"");
	if (!(records[f->record].kinds & KIND(f->kind)))
		return error_set(e, ERR_PROTOCOL, "result line: type \"%s\" needs %s", records[f->record].name,
		    records[f->record].needs);
	return 0;
}

/* A message on one line and of our length, cut between characters. */
static void
message_take(char *out, size_t n, const char *text)
{
	size_t	 len = strlen(text);

	if (len >= n)
		for (len = n - 1; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
			;
	for (size_t i = 0; i < len; i++)
		out[i] = iscntrl((unsigned char)text[i]) ? ' ' : text[i];
	out[len] = '\0';
}

/* The word of a type travels into logs and receipts: short, printable ASCII. */
static bool
type_usable(const char *type, size_t max)
{
	size_t	 len = strlen(type);

	if (len == 0 || len >= max)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)type[i]))
			return false;
	return true;
}

int
verdict_read(const char *line, const struct line_facts *f, struct error *out, struct error *e)
{
	static const struct json_limits	 limits = { LINE_BYTES_MAX, JSON_DEPTH_MAX, VERDICT_NODES_MAX };
	autojson			*data = NULL;
	const char			*type, *text;

	if (f->record != REC_ERROR || f->kind != DATA_OBJECT)
		return error_set(e, ERR_PROTOCOL, "result line: not an error verdict");
	if ((data = json_parse(line + f->data_at, f->data_bytes, &limits, e)) == NULL) {
		error_in(e, "error verdict");
		e->code = ERR_PROTOCOL;
		return -1;
	}
	type = json_str(data, "type", "");
	text = json_str(data, "message", NULL);
	if (!type_usable(type, sizeof(out->type)) || text == NULL)
		return error_set(e, ERR_PROTOCOL, "error verdict: needs a short \"type\" and a \"message\", both text");
	*out = (struct error){ .code = error_from_cause(json_str(data, "cause", "")) };
	if (out->code == ERR_NONE)
		out->code = error_from_type(type);
	if (strcmp(error_face(out->code)->type, type) != 0)
		memcpy(out->type, type, strlen(type) + 1);
	message_take(out->msg, sizeof(out->msg), text);
	return 0;
}
