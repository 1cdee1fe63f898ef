/*
 * record_kept.c -- the line by which a worker has a value kept: one spelling only, so that it is read without a tree
 * and the value is copied nowhere on the way.
 */
#include <ctype.h>
#include <string.h>

#include "worker/contract/limits.h"
#include "worker/contract/record.h"

#define NAME_BEGIN	"{\"name\":\""
#define TTL_BEGIN	"\",\"ttlMs\":"
#define VALUE_BEGIN	",\"value\":\""
#define VALUE_END	"\"}"
#define TTL_DIGITS_MAX	15

static bool
name_char(unsigned char c)
{
	return isalnum(c) || (c != '\0' && strchr("._:-", c) != NULL);
}

static bool
value_char(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

enum kept_kind
kept_kind(const char *name, size_t n)
{
	return n >= strlen(KEPT_SESSION_PREFIX) && memcmp(name, KEPT_SESSION_PREFIX, strlen(KEPT_SESSION_PREFIX)) == 0 ?
	    KEPT_SESSION : KEPT_TOKEN;
}

bool
kept_value_ok(const struct kept_value *v)
{
	if (v->name_bytes == 0 || v->name_bytes > CACHE_NAME_BYTES_MAX || v->value_bytes == 0 ||
	    v->value_bytes > CACHE_VALUE_BYTES_MAX || v->ttl_ms <= 0)
		return false;
	for (size_t i = 0; i < v->name_bytes; i++)
		if (!name_char((unsigned char)v->name[i]))
			return false;
	for (size_t i = 0; i < v->value_bytes; i++)
		if (!value_char((unsigned char)v->value[i]))
			return false;
	return true;
}

void
record_print_kept(struct buf *b, const struct kept_value *v)
{
	buf_adds(b, "{\"data\":" NAME_BEGIN);
	buf_add(b, v->name, v->name_bytes);
	buf_addf(b, TTL_BEGIN "%lld" VALUE_BEGIN, (long long)(v->ttl_ms < CACHE_TTL_MS_MAX ? v->ttl_ms : CACHE_TTL_MS_MAX));
	buf_add(b, v->value, v->value_bytes);
	buf_adds(b, VALUE_END ",\"type\":\"cache\"}\n");
}

/* The place behind this text, NULL if something else is there. */
static const char *
past(const char *p, const char *end, const char *text)
{
	size_t	n = strlen(text);

	return p != NULL && (size_t)(end - p) >= n && memcmp(p, text, n) == 0 ? p + n : NULL;
}

static const char *
run_of(const char *p, const char *end, bool (*is)(unsigned char), const char **from, size_t *n)
{
	if ((*from = p) == NULL)
		return NULL;
	while (p < end && is((unsigned char)*p))
		p++;
	*n = (size_t)(p - *from);
	return p;
}

static bool
digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

int
kept_value_read(const char *line, const struct line_facts *f, struct kept_value *out, struct error *e)
{
	const char	*p = line + f->data_at, *end = p + f->data_bytes, *digits;
	size_t		 n = 0;

	*out = (struct kept_value){ 0 };
	p = run_of(past(p, end, NAME_BEGIN), end, name_char, &out->name, &out->name_bytes);
	p = run_of(past(p, end, TTL_BEGIN), end, digit, &digits, &n);
	for (size_t i = 0; p != NULL && i < n && n <= TTL_DIGITS_MAX; i++)
		out->ttl_ms = out->ttl_ms * 10 + (digits[i] - '0');
	p = run_of(past(p, end, VALUE_BEGIN), end, value_char, &out->value, &out->value_bytes);
	p = past(p, end, VALUE_END);
	if (p != end || !kept_value_ok(out))
		return error_set(e, ERR_PROTOCOL, "result line: a value to keep is written as the runtime writes it, or not at all");
	return 0;
}
