/*
 * fuzz_rows.c -- any bytes as an answer, for several pointers: the same rows and
 * envelope whole and in portions, and the same elements as the whole tree has.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/rows.h"
#include "worker/contract/scan.h"
#include "worker/contract/util.h"

#define ROW_BYTES	(64 * 1024)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static int
collect(void *arg, cJSON *row, struct error *e)
{
	(void)e;
	must(json_push(arg, row) == 0);
	return 0;
}

/* Of the elements that are asked about every third is taken as it stands: what the scanner finds to be an object, to its end. */
static int
end_found(void *arg, const struct scan *s, enum scan_event ev, struct error *e)
{
	if (ev != SCAN_OBJECT_END || s->depth > 1)
		return 0;
	*(size_t *)arg = (size_t)s->offset;
	return error_set(e, ERR_CANCELLED, "found");
}

static ssize_t
take_text(void *arg, const char *text, size_t n, struct error *e)
{
	static unsigned int	 turn;
	size_t			 len = 0;
	struct scan		 s;
	cJSON			*row;

	must(n > 0 && text[0] == '{');
	if (++turn % 3 == 0)
		return 0;
	scan_init(&s, JSON_DEPTH_MAX - 8);
	s.on = end_found;
	s.arg = &len;
	if (scan_feed(&s, text, n, e) == 0)
		return ROWS_SHORT;
	*e = ERROR_NONE;
	if (len == 0 || (row = json_parse(text, len, NULL, e)) == NULL) {
		*e = ERROR_NONE;
		return 0;
	}
	must(json_push(arg, row) == 0);
	return (ssize_t)len;
}

static int
take(const char *pointer, const char *text, size_t n, size_t portion, bool texts, cJSON *out, cJSON **envelope)
{
	struct rows_options	 o = { pointer, ROW_BYTES, ROW_BYTES, collect, out, texts ? take_text : NULL };
	struct rows		*r = rows_new(&o);
	struct error		 e = ERROR_NONE;
	int			 ret = 0;

	must(r != NULL);
	for (size_t i = 0; i < n && ret == 0; i += portion)
		ret = rows_feed(r, text + i, n - i < portion ? n - i : portion, &e);
	if (ret == 0)
		ret = rows_end(r, envelope, &e);
	rows_free(r);
	return ret;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const	 pointers[] = { "", "/R", "/a/b", "/1/R" };
	const char			*text = (const char *)data;
	struct error			 e = ERROR_NONE;

	if (n > ROW_BYTES)
		return 0;
	for (size_t i = 0; i < N_ITEMS(pointers); i++) {
		autojson	*a = cJSON_CreateArray(), *b = cJSON_CreateArray(), *c = cJSON_CreateArray(), *whole = NULL, *x = NULL, *y = NULL,
				*z = NULL;
		const cJSON	*at;
		int		 r = take(pointers[i], text, n, n + 1, false, a, &x);

		must(take(pointers[i], text, n, n > 0 ? data[n - 1] % 8 + 1 : 1, false, b, &y) == r && json_equal(a, b));
		must(take(pointers[i], text, n, n > 0 ? data[n - 1] % 64 + 8 : 1, true, c, &z) == r && json_equal(a, c));
		if (r == -1)
			continue;
		must(json_equal(x, y) && json_equal(x, z));
		/* A path that a duplicate name leads elsewhere has no single array to compare with. */
		if ((whole = json_parse(text, n, NULL, &e)) == NULL || memmem(text, n, "\\u", 2) != NULL)
			continue;
		if (cJSON_IsArray(at = json_at(whole, pointers[i])) && a->child != NULL && i < 2)
			must(json_equal(at, a));
	}
	return 0;
}
