/*
 * scan_state.h -- of scan.c: its states, and what each of them expects.
 */
#ifndef CONTRACT_SCAN_STATE_H
#define CONTRACT_SCAN_STATE_H

#include "worker/contract/scan.h"
#include "worker/contract/util.h"

enum scan_state {
	ST_VALUE,		/* a value must come */
	ST_VALUE_OR_END,	/* behind '[' */
	ST_NAME_OR_END,		/* behind '{' */
	ST_NAME,		/* behind ',' in an object */
	ST_COLON,
	ST_COMMA_OR_END,	/* behind a value in a container */
	ST_AFTER,		/* behind the whole value: white space only */
	ST_STRING, ST_ESCAPE, ST_HEX, ST_UTF8,
	ST_LITERAL,
	ST_MINUS, ST_ZERO, ST_INTEGER, ST_POINT, ST_FRACTION, ST_E, ST_E_SIGN, ST_EXPONENT,
	ST_BROKEN,
	ST__MAX
};

static const struct { const char *text; uint8_t len; enum scan_event ev; } literals[] = {
	{ "true", 4, SCAN_TRUE }, { "false", 5, SCAN_FALSE }, { "null", 4, SCAN_NULL },
};

static const char *const expected[] = {
	[ST_VALUE]		= "a value",
	[ST_VALUE_OR_END]	= "a value or ']'",
	[ST_NAME_OR_END]	= "a member name or '}'",
	[ST_NAME]		= "a member name",
	[ST_COLON]		= "':'",
	[ST_COMMA_OR_END]	= "',' or the end of the container",
	[ST_AFTER]		= "nothing behind the value",
	[ST_STRING]		= "no control character in a string",
	[ST_ESCAPE]		= "one of \"\\/bfnrtu behind '\\'",
	[ST_HEX]		= "four hexadecimal digits behind '\\u'",
	[ST_UTF8]		= "valid UTF-8",
	[ST_LITERAL]		= "true, false or null",
	[ST_MINUS]		= "a digit behind '-'",
	[ST_ZERO]		= "no digit behind a leading zero",
	[ST_INTEGER]		= "a digit",
	[ST_POINT]		= "a digit behind '.'",
	[ST_FRACTION]		= "a digit",
	[ST_E]			= "a digit or a sign behind 'e'",
	[ST_E_SIGN]		= "a digit behind the sign of the exponent",
	[ST_EXPONENT]		= "a digit",
	[ST_BROKEN]		= "nothing more",
};
static_assert(N_ITEMS(expected) == ST__MAX, "every state says what it expects");

#endif
