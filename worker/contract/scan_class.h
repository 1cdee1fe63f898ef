/*
 * scan_class.h -- of scan.c and json_print.c: what each byte is inside a string (RFC 8259, and RFC 3629 section 4 for UTF-8).
 */
#ifndef CONTRACT_SCAN_CLASS_H
#define CONTRACT_SCAN_CLASS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What a byte is inside a string. */
enum string_class {
	SC_PLAIN,		/* passed over */
	SC_QUOTE, SC_ESCAPE,
	SC_CONTROL,		/* not allowed raw */
	SC_TWO,			/* first of two bytes of UTF-8 */
	SC_E0, SC_THREE, SC_ED,	/* of three: E0 bars overlong forms, ED surrogates */
	SC_F0, SC_FOUR, SC_F4,	/* of four: F0 bars overlong forms, F4 what is over U+10FFFF */
	SC_BAD			/* never begins a character */
};

static const uint8_t string_class[256] = {
	[0x00 ... 0x1f] = SC_CONTROL,
	['"'] = SC_QUOTE, ['\\'] = SC_ESCAPE,
	[0x80 ... 0xc1] = SC_BAD,
	[0xc2 ... 0xdf] = SC_TWO,
	[0xe0] = SC_E0, [0xe1 ... 0xec] = SC_THREE, [0xed] = SC_ED, [0xee ... 0xef] = SC_THREE,
	[0xf0] = SC_F0, [0xf1 ... 0xf3] = SC_FOUR, [0xf4] = SC_F4,
	[0xf5 ... 0xff] = SC_BAD,
};

/* How many bytes follow the first one, and the range of the next. */
static const struct { uint8_t left, lo, hi; } utf8_tail[] = {
	[SC_TWO]	= { 1, 0x80, 0xbf },
	[SC_E0]		= { 2, 0xa0, 0xbf },
	[SC_THREE]	= { 2, 0x80, 0xbf },
	[SC_ED]		= { 2, 0x80, 0x9f },
	[SC_F0]		= { 3, 0x90, 0xbf },
	[SC_FOUR]	= { 3, 0x80, 0xbf },
	[SC_F4]		= { 3, 0x80, 0x8f },
};

/* What may follow a '\\', but for 'u'. */
static const uint8_t escape_short[256] = {
	['"'] = 1, ['\\'] = 1, ['/'] = 1, ['b'] = 1, ['f'] = 1, ['n'] = 1, ['r'] = 1, ['t'] = 1,
};

#define EACH(byte)	(0x0101010101010101u * (byte))	/* in every byte of a word */
#define TOPS		EACH(0x80)

/*
 * The first byte of [p, end) that is not SC_PLAIN.  In a word each such byte gets its top bit: those under ' ' and those equal to
 * '"' or '\\' by a borrow, those over 0x7f have it.  A borrow may mark plain bytes too, but only ones above one that is not
 * plain, and the lowest mark is the first in memory: words are read as on a little-endian machine.
 */
static inline const unsigned char *
plain_pass(const unsigned char *p, const unsigned char *end)
{
#ifdef __SSE2__
	/* Sixteen at a time; compared as signed, what is over 0x7f is less than ' ' too. */
	for (; end - p >= 16; p += 16) {
		__m128i		 v = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i		 stops = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
		    _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
		unsigned int	 marks16 = (unsigned int)_mm_movemask_epi8(stops);

		if (marks16 != 0)
			return p + __builtin_ctz(marks16);
	}
#endif
	for (; end - p >= 8; p += 8) {
		uint64_t	 w, quote, escape, marks;

		memcpy(&w, p, sizeof(w));
		w = le64toh(w);
		quote = w ^ EACH('"');
		escape = w ^ EACH('\\');
		marks = (w | (w - EACH(0x20)) | (quote - EACH(1)) | (escape - EACH(1))) & TOPS;
		if (marks != 0)
			return p + __builtin_ctzll(marks) / 8;
	}
	while (p < end && string_class[*p] == SC_PLAIN)
		p++;
	return p;
}

/* The multi-byte character of this class at p, if it is whole; else NULL. */
static inline const unsigned char *
utf8_pass(uint8_t class, const unsigned char *p, const unsigned char *end)
{
	size_t	 left = utf8_tail[class].left;

	if ((size_t)(end - p) <= left || p[1] < utf8_tail[class].lo || p[1] > utf8_tail[class].hi)
		return NULL;
	for (size_t i = 2; i <= left; i++)
		if ((p[i] & 0xc0) != 0x80)
			return NULL;
	return p + left + 1;
}

#endif
