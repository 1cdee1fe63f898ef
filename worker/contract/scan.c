/*
 * scan.c -- the strict streaming JSON scanner.
 *
 * A push parser: the state between two bytes is in struct scan, so that text may
 * come in any portions.  Bytes inside strings are the bulk of every line; they
 * are passed over eight at a time.
 */
#include <string.h>

#include "worker/contract/scan.h"
#include "worker/contract/scan_class.h"
#include "worker/contract/scan_state.h"
#include "worker/contract/util.h"

#define IS_DIGIT(c)	((unsigned int)(c) - '0' < 10)

void
scan_init(struct scan *s, unsigned int depth_max)
{
	*s = (struct scan){ .state = ST_VALUE, .depth_max = depth_max, .around_max = JSON_DEPTH_MAX };
	if (depth_max < 1 || depth_max > JSON_DEPTH_MAX)
		s->depth_max = JSON_DEPTH_MAX;
}

/* state: what was expected instead of the byte at s->offset. */
static int
syntax(struct scan *s, enum scan_state state, struct error *e)
{
	s->state = ST_BROKEN;
	return error_set(e, ERR_REQUEST, "byte %llu: %s expected", (unsigned long long)s->offset, expected[state]);
}

static int
too_much(struct scan *s, const char *what, unsigned int max, struct error *e)
{
	s->state = ST_BROKEN;
	return error_set(e, ERR_LIMIT, "byte %llu: %s over %u", (unsigned long long)s->offset, what, max);
}

static int
tell(struct scan *s, enum scan_event ev, struct error *e)
{
	unsigned int	 around = s->depth - (ev <= SCAN_ARRAY_END);

	if (s->on == NULL || around > s->around_max || s->on(s->arg, s, ev, e) == 0)
		return 0;
	s->state = ST_BROKEN;
	return -1;
}

static bool
in_object(const struct scan *s)
{
	unsigned int	 level = s->depth - 1;

	return s->in_object[level / 8] >> level % 8 & 1;
}

/* A value has ended; what may follow depends on where it stands. */
static int
value_ended(struct scan *s, enum scan_event ev, struct error *e)
{
	s->state = s->depth == 0 ? ST_AFTER : ST_COMMA_OR_END;
	return tell(s, ev, e);
}

static int
container_begin(struct scan *s, bool object, struct error *e)
{
	unsigned int	 level = s->depth;

	if (s->depth == s->depth_max)
		return too_much(s, "containers inside each other", s->depth_max, e);
	s->token = s->offset++;
	s->depth++;
	s->in_object[level / 8] &= (uint8_t)~(1u << level % 8);
	s->in_object[level / 8] |= (uint8_t)((unsigned int)object << level % 8);
	s->state = object ? ST_NAME_OR_END : ST_VALUE_OR_END;
	return tell(s, object ? SCAN_OBJECT_BEGIN : SCAN_ARRAY_BEGIN, e);
}

static int
container_end(struct scan *s, bool object, struct error *e)
{
	if (in_object(s) != object)
		return syntax(s, s->state, e);
	s->offset++;
	if (tell(s, object ? SCAN_OBJECT_END : SCAN_ARRAY_END, e) == -1)
		return -1;
	s->depth--;
	s->state = s->depth == 0 ? ST_AFTER : ST_COMMA_OR_END;
	return 0;
}

static int
string_begin(struct scan *s, bool name)
{
	s->token = s->offset++;
	s->sub = name;
	s->escaped = false;
	s->state = ST_STRING;
	return 0;
}

static int
literal_begin(struct scan *s, uint8_t which, const unsigned char *p, const unsigned char *end, struct error *e)
{
	size_t	 len = literals[which].len;

	s->token = s->offset;
	if ((size_t)(end - p) >= len && memcmp(p, literals[which].text, len) == 0) {
		s->offset += len;
		return value_ended(s, literals[which].ev, e);
	}
	s->offset++;
	s->sub = which;
	s->hex = 1;
	s->state = ST_LITERAL;
	return 0;
}

/* The first byte of a value. */
static int
value_begin(struct scan *s, const unsigned char *p, const unsigned char *end, struct error *e)
{
	switch (*p) {
	case '{':
		return container_begin(s, true, e);
	case '[':
		return container_begin(s, false, e);
	case '"':
		return string_begin(s, false);
	case 't':
		return literal_begin(s, 0, p, end, e);
	case 'f':
		return literal_begin(s, 1, p, end, e);
	case 'n':
		return literal_begin(s, 2, p, end, e);
	case '-':
		s->state = ST_MINUS;
		break;
	case '0':
		s->state = ST_ZERO;
		break;
	case '1' ... '9':
		s->state = ST_INTEGER;
		break;
	default:
		return syntax(s, s->state, e);
	}
	s->token = s->offset++;
	return 0;
}

#define IS_SPACE(c)	((c) == ' ' || (c) == '\n' || (c) == '\r' || (c) == '\t')

/* A byte between tokens; white space is passed already. */
static int
structure(struct scan *s, const unsigned char *p, const unsigned char *end, struct error *e)
{
	unsigned char	 c = *p;

	switch ((enum scan_state)s->state) {
	case ST_VALUE_OR_END:
		if (c == ']')
			return container_end(s, false, e);
		return value_begin(s, p, end, e);
	case ST_VALUE:
		return value_begin(s, p, end, e);
	case ST_NAME_OR_END:
		if (c == '}')
			return container_end(s, true, e);
		return c == '"' ? string_begin(s, true) : syntax(s, s->state, e);
	case ST_NAME:
		return c == '"' ? string_begin(s, true) : syntax(s, s->state, e);
	case ST_COLON:
		if (c != ':')
			return syntax(s, s->state, e);
		s->state = ST_VALUE;
		s->offset++;
		if (++p == end || IS_SPACE(*p))
			return 0;
		return value_begin(s, p, end, e);
	case ST_COMMA_OR_END:
		if (c == '}' || c == ']')
			return container_end(s, c == '}', e);
		if (c != ',')
			return syntax(s, s->state, e);
		s->state = in_object(s) ? ST_NAME : ST_VALUE;
		s->offset++;
		return 0;
	default:
		return syntax(s, s->state, e);
	}
}

static int
string_ended(struct scan *s, struct error *e)
{
	s->offset++;
	if (!s->sub)
		return value_ended(s, SCAN_STRING, e);
	s->state = ST_COLON;
	return tell(s, SCAN_NAME, e);
}

/*
 * Behind a string's closing quote at p - 1: into the next string, if it follows at once.  Most of what records hold
 * does, and the way by structure() is as long as the string.
 */
static bool
string_follows(struct scan *s, const unsigned char *p, const unsigned char *end)
{
	if (end - p < 2 || p[1] != '"')
		return false;
	if (s->state == ST_COLON && p[0] == ':')
		s->sub = false;
	else if (s->state == ST_COMMA_OR_END && p[0] == ',')
		s->sub = in_object(s);
	else
		return false;
	s->token = s->offset + 1;
	s->offset += 2;
	s->escaped = false;
	s->state = ST_STRING;
	return true;
}

/* The byte at s->offset begins what is not whole here, or is wrong: its own state says which. */
static int
string_part(struct scan *s, uint8_t class, struct error *e)
{
	switch (class) {
	case SC_ESCAPE:
		s->state = ST_ESCAPE;
		break;
	case SC_CONTROL:
		return syntax(s, ST_STRING, e);
	case SC_BAD:
		return syntax(s, ST_UTF8, e);
	default:
		s->utf8_left = utf8_tail[class].left;
		s->utf8_lo = utf8_tail[class].lo;
		s->utf8_hi = utf8_tail[class].hi;
		s->state = ST_UTF8;
	}
	s->offset++;
	return 0;
}

/* From inside a string up to something that needs a state of its own. */
static int
string_bytes(struct scan *s, const unsigned char *p, const unsigned char *end, struct error *e)
{
	const unsigned char	*from = p, *behind;
	uint8_t			 class;

	for (;;) {
		if ((p = plain_pass(p, end)) == end) {
			s->offset += (uint64_t)(p - from);
			return 0;
		}
		class = string_class[*p];
		if (class == SC_QUOTE) {
			s->offset += (uint64_t)(p - from);
			if (string_ended(s, e) == -1)
				return -1;
			if (!string_follows(s, ++p, end))
				return 0;
			from = p += 2;
		} else if (class == SC_ESCAPE && end - p > 1 && escape_short[p[1]]) {
			s->escaped = true;
			p += 2;
		} else if (class >= SC_TWO && class < SC_BAD && (behind = utf8_pass(class, p, end)) != NULL) {
			p = behind;
		} else {
			s->escaped |= class == SC_ESCAPE;
			s->offset += (uint64_t)(p - from);
			return string_part(s, class, e);
		}
	}
}

/* The bytes of a multi-byte character behind its first. */
static int
utf8_bytes(struct scan *s, const unsigned char *p, const unsigned char *end, struct error *e)
{
	for (; p < end; p++) {
		if (*p < s->utf8_lo || *p > s->utf8_hi)
			return syntax(s, ST_UTF8, e);
		s->offset++;
		s->utf8_lo = 0x80;
		s->utf8_hi = 0xbf;
		if (--s->utf8_left == 0) {
			s->state = ST_STRING;
			return 0;
		}
	}
	return 0;
}

static int
escape_byte(struct scan *s, unsigned char c, struct error *e)
{
	if (c == 'u') {
		s->hex = 4;
		s->state = ST_HEX;
	} else if (escape_short[c])
		s->state = ST_STRING;
	else
		return syntax(s, ST_ESCAPE, e);
	s->offset++;
	return 0;
}

static int
hex_byte(struct scan *s, unsigned char c, struct error *e)
{
	if (!IS_DIGIT(c) && ((c | 0x20) < 'a' || (c | 0x20) > 'f'))
		return syntax(s, ST_HEX, e);
	if (--s->hex == 0)
		s->state = ST_STRING;
	s->offset++;
	return 0;
}

static int
literal_byte(struct scan *s, unsigned char c, struct error *e)
{
	const char	*text = literals[s->sub].text;

	if ((unsigned char)text[s->hex] != c)
		return syntax(s, ST_LITERAL, e);
	s->offset++;
	s->hex++;
	if (text[s->hex] == '\0')
		return value_ended(s, literals[s->sub].ev, e);
	return 0;
}

/* The state behind c inside a number; ST__MAX: c is not of the number, which may end here; ST_BROKEN: may not. */
static enum scan_state
number_next(enum scan_state state, unsigned char c)
{
	bool	 digit = IS_DIGIT(c), e = c == 'e' || c == 'E';

	switch (state) {
	case ST_MINUS:
		return c == '0' ? ST_ZERO : digit ? ST_INTEGER : ST_BROKEN;
	case ST_ZERO:
		return digit ? ST_BROKEN : c == '.' ? ST_POINT : e ? ST_E : ST__MAX;
	case ST_INTEGER:
		return digit ? ST_INTEGER : c == '.' ? ST_POINT : e ? ST_E : ST__MAX;
	case ST_POINT:
		return digit ? ST_FRACTION : ST_BROKEN;
	case ST_FRACTION:
		return digit ? ST_FRACTION : e ? ST_E : ST__MAX;
	case ST_E:
		return digit ? ST_EXPONENT : c == '+' || c == '-' ? ST_E_SIGN : ST_BROKEN;
	case ST_E_SIGN:
		return digit ? ST_EXPONENT : ST_BROKEN;
	default:
		return digit ? ST_EXPONENT : ST__MAX;
	}
}

static int
number_bytes(struct scan *s, const unsigned char *p, const unsigned char *end, struct error *e)
{
	for (; p < end; p++) {
		enum scan_state	 next = number_next(s->state, *p);

		if (next == ST__MAX)
			return value_ended(s, SCAN_NUMBER, e);
		if (next == ST_BROKEN)
			return syntax(s, s->state, e);
		s->state = (uint8_t)next;
		if (++s->offset - s->token > JSON_NUMBER_BYTES_MAX)
			return too_much(s, "bytes of one number", JSON_NUMBER_BYTES_MAX, e);
	}
	return 0;
}

/* At least one byte further, or an event, or -1. */
static int
step(struct scan *s, const unsigned char *p, const unsigned char *end, struct error *e)
{
	const unsigned char	*from = p;

	switch ((enum scan_state)s->state) {
	case ST_STRING:
		return string_bytes(s, p, end, e);
	case ST_UTF8:
		return utf8_bytes(s, p, end, e);
	case ST_ESCAPE:
		return escape_byte(s, *p, e);
	case ST_HEX:
		return hex_byte(s, *p, e);
	case ST_LITERAL:
		return literal_byte(s, *p, e);
	case ST_MINUS ... ST_EXPONENT:
		return number_bytes(s, p, end, e);
	case ST_BROKEN:
		return syntax(s, ST_BROKEN, e);
	default:
		while (p < end && IS_SPACE(*p))
			p++;
		s->offset += (uint64_t)(p - from);
		return p == end ? 0 : structure(s, p, end, e);
	}
}

int
scan_feed(struct scan *s, const char *text, size_t len, struct error *e)
{
	const unsigned char	*from = (const unsigned char *)text, *end = from + len;
	uint64_t		 base = s->offset;

	s->halt = false;
	while (s->offset - base < len && !s->halt)
		if (step(s, from + (s->offset - base), end, e) == -1)
			return -1;
	return 0;
}

int
scan_end(struct scan *s, struct error *e)
{
	/* A number at top level has no byte behind it that would end it; a space does. */
	if (s->depth == 0 && s->state >= ST_MINUS && s->state <= ST_EXPONENT) {
		static const unsigned char	space[1] = { ' ' };

		if (number_bytes(s, space, space + 1, e) == -1)
			return -1;
	}
	if (s->state == ST_AFTER)
		return 0;
	if (s->state == ST_BROKEN)
		return syntax(s, ST_BROKEN, e);
	s->state = ST_BROKEN;
	return error_set(e, ERR_REQUEST, "byte %llu: the text ends too early", (unsigned long long)s->offset);
}

int
scan_element_next(const struct scan *s)
{
	if (s->depth == 0 || in_object(s))
		return -1;
	return s->state == ST_COMMA_OR_END ? 1 : s->state == ST_VALUE || s->state == ST_VALUE_OR_END ? 0 : -1;
}

void
scan_element_pass(struct scan *s, size_t n)
{
	s->offset += n;
	s->state = ST_COMMA_OR_END;
}

bool
scan_in_token(const struct scan *s)
{
	return s->state >= ST_STRING && s->state <= ST_EXPONENT;
}

bool
scan_done(const struct scan *s)
{
	return s->state == ST_AFTER;
}
