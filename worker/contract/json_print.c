/*
 * json_print.c -- tree to text, byte for byte as JSON.stringify writes it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/scan_class.h"
#include "worker/contract/util.h"

#define DOUBLE_DIGITS	17	/* enough for every double */
#define PLAIN_MAX	21	/* JavaScript writes no exponent for fewer digits before the point */
#define PLAIN_MIN	(-6)	/* nor for fewer zeros behind it */

/* How many bytes of valid UTF-8 begin here, 0 if none do. */
static size_t
utf8_bytes(const unsigned char *p)
{
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return (p[1] & 0xc0) == 0x80 ? 2 : 0;
	if ((p[0] & 0xf0) == 0xe0) {
		if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 ||
		    (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (p[0] < 0xf0 || p[0] > 0xf4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80 ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return 4;
}

/* What stands for a byte that may not stand for itself. */
static void
print_escaped(struct buf *b, unsigned char c)
{
	static const char	letters[] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['"'] = '"', ['\\'] = '\\',
	};

	if (c >= 0x80)
		buf_adds(b, "\xef\xbf\xbd");	/* U+FFFD: a string cut within a character must not spoil the line */
	else if (c < sizeof(letters) && letters[c] != '\0') {
		buf_addc(b, '\\');
		buf_addc(b, letters[c]);
	} else
		buf_addf(b, "\\u%04x", c);
}

/* As buf_add(), without the call where there is room. */
static inline void
put(struct buf *b, const void *p, size_t n)
{
	if (b->failed || n >= b->cap - b->len) {
		buf_add(b, p, n);
		return;
	}
	memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}
#define PUT(b, literal)	put((b), (literal), sizeof(literal) - 1)

/* The first byte that cannot stay as it is. */
static const unsigned char *
printable(const unsigned char *p, const unsigned char *end)
{
	size_t	 n;

	while ((p = plain_pass(p, end)) < end && *p >= 0x80 && (n = utf8_bytes(p)) > 0)
		p += n;
	return p;
}

void
json_print_string(struct buf *b, const char *s)
{
	const unsigned char	*from = (const unsigned char *)s, *end = from + strlen(s), *p;

	PUT(b, "\"");
	while ((p = printable(from, end)) < end) {
		put(b, from, (size_t)(p - from));
		print_escaped(b, *p);
		from = p + 1;
	}
	put(b, from, (size_t)(p - from));
	PUT(b, "\"");
}

/* Adds one to the last digit of "d.ddde+xx"; false where that would carry out of the first. */
static bool
digits_bump(char *text)
{
	char	*p = strchr(text, 'e');

	while (p-- > text) {
		if (*p == '.')
			continue;
		if (*p != '9') {
			++*p;
			return true;
		}
		*p = '0';
	}
	return false;
}

/*
 * The shortest text that reads as d again, in the form "d.ddde+xx".  Below a
 * power of two doubles lie closer than above it: there the nearest decimal of
 * a length may read as the neighbour while the next one up reads as d.
 */
static void
double_shortest(double d, char *text, size_t n)
{
	for (int digits = 1; digits <= DOUBLE_DIGITS; digits++) {
		char	 up[40];

		(void)snprintf(text, n, "%.*e", digits - 1, d);
		if (strtod(text, NULL) == d)
			return;
		memcpy(up, text, sizeof(up));
		if (digits_bump(up) && strtod(up, NULL) == d) {
			memcpy(text, up, sizeof(up));
			return;
		}
	}
}

/* d > 0 and finite, as JavaScript's Number.prototype.toString has it. */
static void
print_positive(struct buf *b, double d)
{
	char	 text[40] = "", digits[DOUBLE_DIGITS + 1];
	int	 n = 0, point;

	double_shortest(d, text, sizeof(text));
	for (const char *p = text; *p != 'e'; p++)
		if (*p != '.')
			digits[n++] = *p;
	point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	digits[n] = '\0';
	if (n <= point && point <= PLAIN_MAX)
		buf_addf(b, "%s%.*s", digits, point - n, "000000000000000000000");
	else if (point > 0 && point <= PLAIN_MAX)
		buf_addf(b, "%.*s.%s", point, digits, digits + point);
	else if (point > PLAIN_MIN && point <= 0)
		buf_addf(b, "0.%.*s%s", -point, "00000", digits);
	else
		buf_addf(b, "%c%s%se%c%d", digits[0], n > 1 ? "." : "", digits + 1, point > 0 ? '+' : '-',
		    abs(point - 1));
}

static void
print_double(struct buf *b, double d)
{
	if (!isfinite(d)) {
		buf_adds(b, "null");
		return;
	}
	if (d == 0) {
		buf_addc(b, '0');
		return;
	}
	if (d < 0)
		buf_addc(b, '-');
	print_positive(b, fabs(d));
}

static void	print_value(struct buf *, const cJSON *, unsigned int depth);

static void
print_container(struct buf *b, const cJSON *v, unsigned int depth)
{
	bool	 object = (v->type & 0xff) == cJSON_Object;

	/* A reader would refuse it, and no stack is endless. */
	if (depth > JSON_DEPTH_MAX) {
		b->failed = true;
		return;
	}
	put(b, object ? "{" : "[", 1);
	for (const cJSON *c = v->child; c != NULL; c = c->next) {
		if (c != v->child)
			PUT(b, ",");
		if (object) {
			json_print_string(b, c->string != NULL ? c->string : "");
			PUT(b, ":");
		}
		print_value(b, c, depth);
	}
	put(b, object ? "}" : "]", 1);
}

/* depth: containers around v. */
static void
print_value(struct buf *b, const cJSON *v, unsigned int depth)
{
	switch (v->type & 0xff) {
	case cJSON_True:
		PUT(b, "true");
		return;
	case cJSON_False:
		PUT(b, "false");
		return;
	case cJSON_Number:
		if (v->valuestring != NULL)
			buf_adds(b, v->valuestring);
		else
			print_double(b, v->valuedouble);
		return;
	case cJSON_String:
		json_print_string(b, v->valuestring != NULL ? v->valuestring : "");
		return;
	case cJSON_Object:
	case cJSON_Array:
		print_container(b, v, depth + 1);
		return;
	default:
		PUT(b, "null");
	}
}

void
json_print(struct buf *b, const cJSON *v)
{
	if (v == NULL)
		buf_adds(b, "null");
	else
		print_value(b, v, 0);
}

char *
json_text(const cJSON *v)
{
	autobuf	 b = { .max = REQUEST_BYTES_MAX };

	json_print(&b, v);
	return b.failed ? NULL : buf_steal(&b);
}

const char *
json_scalar_text(const cJSON *v, char *scratch, size_t n)
{
	autobuf	 b = { .max = 64 };

	if (v == NULL)
		return NULL;
	if (cJSON_IsBool(v))
		return cJSON_IsTrue(v) ? "true" : "false";
	if (!cJSON_IsString(v) && !cJSON_IsNumber(v))
		return NULL;
	if (v->valuestring != NULL)
		return v->valuestring;
	print_double(&b, v->valuedouble);
	if (b.failed || b.len >= n)
		return NULL;
	memcpy(scratch, b.data, b.len + 1);
	return scratch;
}
