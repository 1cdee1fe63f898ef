/*
 * buf.c -- a growing byte buffer that is born with its maximum.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/buf.h"

#define BUF_START_BYTES	256	/* first allocation */

void
buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max = max_bytes };
}

void
buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void
buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = b->no_memory = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buf_cut(struct buf *b, size_t n)
{
	b->failed = b->no_memory = false;
	b->len = n < b->len ? n : b->len;
	if (b->data != NULL)
		b->data[b->len] = '\0';
}

/*
 * Makes room for n more bytes and a NUL.  Grown by a new allocation and not by
 * realloc: what may hold a secret must not be left behind on the heap.
 */
static bool
buf_room(struct buf *b, size_t n)
{
	char	*grown;
	size_t	 cap;

	if (b->failed)
		return false;
	if (n > b->max - b->len || b->max >= SIZE_MAX / 2) {
		b->failed = true;
		return false;
	}
	if (b->len + n < b->cap)
		return true;
	for (cap = b->cap != 0 ? b->cap : BUF_START_BYTES; cap <= b->len + n; cap *= 2)
		;
	if (cap > b->max + 1)
		cap = b->max + 1;
	if ((grown = malloc(cap)) == NULL) {
		b->failed = b->no_memory = true;
		return false;
	}
	if (b->data != NULL) {
		memcpy(grown, b->data, b->len);
		explicit_bzero(b->data, b->len);
		free(b->data);
	}
	grown[b->len] = '\0';
	b->data = grown;
	b->cap = cap;
	return true;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (!buf_room(b, n))
		return;
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

char *
buf_space(struct buf *b, size_t n)
{
	return buf_room(b, n) ? b->data + b->len : NULL;
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addc(struct buf *b, char c)
{
	if (!buf_room(b, 1))
		return;
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if (!buf_room(b, (size_t)n))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		n = b->len;
		b->len = 0;
	} else {
		memmove(b->data, b->data + n, b->len - n);
		b->len -= n;
	}
	if (b->data != NULL)
		b->data[b->len] = '\0';
}

int
buf_check(const struct buf *b, const char *what, struct error *e)
{
	if (!b->failed)
		return 0;
	return error_set(e, ERR_LIMIT, "%s: over %zu bytes, or out of memory", what, b->max);
}

char *
buf_steal(struct buf *b)
{
	char	*taken = b->data;

	if (taken == NULL)
		taken = calloc(1, 1);
	*b = (struct buf){ .max = b->max };
	return taken;
}
