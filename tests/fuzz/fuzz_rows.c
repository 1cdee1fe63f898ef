/*
 * fuzz_rows.c -- any bytes as an answer, for several pointers: the same rows and
 * envelope whole and in portions, and the same elements as the whole tree has.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/rows.h"
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

static int
take(const char *pointer, const char *text, size_t n, size_t portion, cJSON *out, cJSON **envelope)
{
	struct rows_options	 o = { pointer, ROW_BYTES, ROW_BYTES, collect, out };
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
		autojson	*a = cJSON_CreateArray(), *b = cJSON_CreateArray(), *whole = NULL, *x = NULL, *y = NULL;
		const cJSON	*at;
		int		 r = take(pointers[i], text, n, n + 1, a, &x);

		must(take(pointers[i], text, n, n > 0 ? data[n - 1] % 8 + 1 : 1, b, &y) == r && json_equal(a, b));
		if (r == -1)
			continue;
		must(json_equal(x, y));
		/* A path that a duplicate name leads elsewhere has no single array to compare with. */
		if ((whole = json_parse(text, n, NULL, &e)) == NULL || memmem(text, n, "\\u", 2) != NULL)
			continue;
		if (cJSON_IsArray(at = json_at(whole, pointers[i])) && a->child != NULL && i < 2)
			must(json_equal(at, a));
	}
	return 0;
}
