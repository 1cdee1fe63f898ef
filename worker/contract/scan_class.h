/*
 * scan_class.h -- of scan.c: what each byte is inside a string (RFC 8259, and RFC 3629 section 4 for UTF-8).
 */
#ifndef CONTRACT_SCAN_CLASS_H
#define CONTRACT_SCAN_CLASS_H

#include <stdint.h>

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

#endif
