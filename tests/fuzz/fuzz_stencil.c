/*
 * fuzz_stencil.c -- lines of any bytes as the rows of a list: what is met is JSON, and becomes the line that is made of it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tests/unit/stencil_kit.h"

#define TEXT_BYTES	(16 * 1024)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stencil	*st = stencil_new(&kit_maker);
	const char	*end = (const char *)data + n, *nl;

	if (st == NULL || n > TEXT_BYTES) {
		stencil_free(st);
		return 0;
	}
	for (unsigned int i = 0; i < STENCIL_ROWS_BEFORE; i++)
		(void)kit_row(st, "{}", 2);
	for (const char *p = (const char *)data; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		if (kit_row(st, p, (size_t)(nl - p)) == -1 || kit_row(st, p, (size_t)(nl - p)) == -1)
			abort();
	}
	stencil_free(st);
	return 0;
}
