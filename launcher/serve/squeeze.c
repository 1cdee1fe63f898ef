/*
 * squeeze.c -- gzip and zstd of a stream.
 */
#include <stdint.h>
#include <string.h>

#include <event2/buffer.h>
#include <zlib.h>
#include <zstd.h>

#include "launcher/serve/squeeze.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

#define PORTION_BYTES	(16 * KIB)
#define GZIP_LEVEL	6
#define GZIP_WINDOW	(15 + 16)	/* 16: with gzip's header */
#define ZSTD_LEVEL	3
#define ZSTD_WINDOW	17		/* 128 KiB: a stream's memory stays small at either end */

struct squeeze {
	enum coding	 coding;
	z_stream	 z;
	ZSTD_CCtx	*zstd;
};

const char *
coding_name(enum coding c)
{
	static const char *const	 names[] = {
		[CODING_NONE] = "identity", [CODING_GZIP] = "gzip", [CODING_ZSTD] = "zstd",
	};

	return names[c];
}

struct squeeze *
squeeze_new(enum coding coding)
{
	struct squeeze	*s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->coding = coding;
	if (coding == CODING_GZIP) {
		if (deflateInit2(&s->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK)
			return s;
		free(s);
		return NULL;
	}
	if ((s->zstd = ZSTD_createCCtx()) != NULL &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_windowLog, ZSTD_WINDOW)))
		return s;
	squeeze_free(s);
	return NULL;
}

void
squeeze_free(struct squeeze *s)
{
	if (s == NULL)
		return;
	if (s->coding == CODING_GZIP)
		(void)deflateEnd(&s->z);
	ZSTD_freeCCtx(s->zstd);
	free(s);
}

static int
gzip_move(struct squeeze *s, char *in, size_t n, struct evbuffer *to, int flush)
{
	unsigned char	 out[PORTION_BYTES];

	s->z.next_in = (unsigned char *)in;
	s->z.avail_in = (unsigned int)n;
	do {
		s->z.next_out = out;
		s->z.avail_out = sizeof(out);
		if (deflate(&s->z, flush) == Z_STREAM_ERROR ||
		    evbuffer_add(to, out, sizeof(out) - s->z.avail_out) == -1)
			return -1;
	} while (s->z.avail_out == 0);
	return 0;
}

static int
zstd_move(struct squeeze *s, char *in, size_t n, struct evbuffer *to, ZSTD_EndDirective flush)
{
	char		 out[PORTION_BYTES];
	ZSTD_inBuffer	 from = { in, n, 0 };
	size_t		 left;

	do {
		ZSTD_outBuffer	 o = { out, sizeof(out), 0 };

		left = ZSTD_compressStream2(s->zstd, &o, &from, flush);
		if (ZSTD_isError(left) || evbuffer_add(to, out, o.pos) == -1)
			return -1;
	} while (left > 0 || from.pos < from.size);
	return 0;
}

int
squeeze_move(struct squeeze *s, struct evbuffer *from, struct evbuffer *to, bool last)
{
	size_t	 n = evbuffer_get_length(from);
	char	*in = n == 0 ? NULL : (char *)evbuffer_pullup(from, -1);
	int	 r;

	if (n == 0 && !last)
		return 0;
	if (n > 0 && in == NULL)
		return -1;
	if (s->coding == CODING_GZIP)
		r = gzip_move(s, in, n, to, last ? Z_FINISH : Z_SYNC_FLUSH);
	else
		r = zstd_move(s, in, n, to, last ? ZSTD_e_end : ZSTD_e_flush);
	(void)evbuffer_drain(from, n);
	return r;
}
