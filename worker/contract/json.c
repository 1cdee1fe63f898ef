/*
 * json.c -- text to tree: a cJSON tree built from the scanner's events, so that
 * a tree is read by the same strict rules as a line is judged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/json_build.h"
#include "worker/contract/scan.h"
#include "worker/contract/util.h"

const struct json_limits json_limits_default = { REQUEST_BYTES_MAX, JSON_DEPTH_MAX, JSON_NODES_MAX };

cJSON *
json_number_text(const char *digits)
{
	struct scan	 s;
	struct error	 e;
	size_t		 len = strlen(digits);

	if (len == 0 || (digits[0] != '-' && (digits[0] < '0' || digits[0] > '9')) ||
	    digits[len - 1] < '0' || digits[len - 1] > '9')
		return NULL;
	scan_init(&s, 1);
	if (scan_feed(&s, digits, len, &e) == -1 || scan_end(&s, &e) == -1)
		return NULL;
	return json_number_node(digits, len);
}

cJSON *
json_int(int64_t i)
{
	char		 digits[24], *at = digits + sizeof(digits);
	uint64_t	 left = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;

	*--at = '\0';
	do
		*--at = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (i < 0)
		*--at = '-';
	return json_number_node(at, (size_t)(digits + sizeof(digits) - 1 - at));
}

static int
on_event(void *arg, const struct scan *s, enum scan_event ev, struct error *e)
{
	return json_build_event(arg, s, ev, e);
}

cJSON *
json_parse(const char *text, size_t len, const struct json_limits *limits, struct error *e)
{
	struct json_build	 b;
	struct scan		 s;
	cJSON			*v = NULL;

	if (limits == NULL)
		limits = &json_limits_default;
	if (len > limits->bytes_max) {
		error_set(e, ERR_LIMIT, "over %zu bytes of JSON", limits->bytes_max);
		return NULL;
	}
	json_build_init(&b, limits->nodes_max);
	b.text = text;
	scan_init(&s, limits->depth_max);
	s.on = on_event;
	s.arg = &b;
	if (scan_feed(&s, text, len, e) == -1 || scan_end(&s, e) == -1)
		json_build_tell(&b, s.depth, e);
	else {
		v = b.root;
		b.root = NULL;
	}
	json_build_drop(&b);
	return v;
}
