/*
 * fuzz_scan.c -- any bytes as JSON: the same verdict in any portions, trees no
 * laxer than the scanner, and what is printed reads as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/scan.h"
#include "worker/contract/util.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static int
scan(const char *text, size_t n, size_t portion, struct error *e)
{
	struct scan	 s;

	scan_init(&s, JSON_DEPTH_MAX);
	for (size_t i = 0; i < n; i += portion)
		if (scan_feed(&s, text + i, n - i < portion ? n - i : portion, e) == -1)
			return -1;
	must(s.offset == n);
	return scan_end(&s, e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char	*text = (const char *)data;
	struct error	 e = ERROR_NONE, f = ERROR_NONE, g = ERROR_NONE;
	int		 whole = scan(text, n, n + 1, &e);
	autojson	*v = NULL, *again = NULL;
	autobuf		 first = { .max = SIZE_MAX / 4 }, second = { .max = SIZE_MAX / 4 };

	must(scan(text, n, 1, &f) == whole && strcmp(e.msg, f.msg) == 0);
	must(scan(text, n, n > 0 ? data[n / 2] % 16 + 1 : 1, &g) == whole && strcmp(e.msg, g.msg) == 0);
	if ((v = json_parse(text, n, NULL, &e)) == NULL)
		return 0;
	must(whole == 0);
	json_print(&first, v);
	must(!first.failed && (again = json_parse(first.data, first.len, NULL, &e)) != NULL);
	must(json_equal(v, again));
	json_print(&second, again);
	must(strcmp(first.data, second.data) == 0);
	return 0;
}
