/*
 * fuzz_link.c -- any text as a Link header: what is found stands in it between < and >.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/runtime/fetch_priv.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autofree char	*header = strndup((const char *)data, n), *target = link_find(header, "next"), *url = NULL;
	const char	*at = header;
	bool		 there = false;

	if (target == NULL)
		return 0;
	while ((at = strchr(at, '<')) != NULL && !there) {
		at++;
		there = strncmp(at, target, strlen(target)) == 0 && at[strlen(target)] == '>';
	}
	if (!there)
		abort();
	url = url_resolve("https://h.example/base/x?y", target);
	return 0;
}
