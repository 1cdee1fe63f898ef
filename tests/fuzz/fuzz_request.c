/*
 * fuzz_request.c -- any bytes as a request: what is taken has the promised
 * shape, and a worker reads what is printed as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/request.h"
#include "worker/contract/util.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct request	 rq, again;
	struct error	 e = ERROR_NONE;
	autobuf		 first = { .max = SIZE_MAX / 4 }, second = { .max = SIZE_MAX / 4 };

	if (request_parse((const char *)data, n, &rq, &e) == -1) {
		must(e.code == ERR_REQUEST || e.code == ERR_LIMIT);
		return 0;
	}
	must(cJSON_IsObject(rq.config) && (rq.cmd == CMD_CUSTOM || cJSON_IsObject(rq.input)));
	must(rq.type[0] != '\0' && rq.version >= -1);
	if (command_info(rq.cmd)->needs & NEEDS_OBJECT)
		must(json_str(rq.input, "identity", "")[0] != '\0' && cJSON_IsObject(json_get(rq.input, "key")));
	request_print(&first, &rq);
	must(!first.failed && request_parse(first.data, first.len, &again, &e) == 0);
	request_print(&second, &again);
	must(strcmp(first.data, second.data) == 0);
	request_free(&rq);
	request_free(&again);
	return 0;
}
