/*
 * fuzz_filter.c -- any bytes as a filter, and as a PATCH path: no crash, and what a
 * filter says of a person does not change when it is negated twice.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/practice/amend.h"
#include "launcher/practice/filter.h"
#include "launcher/practice/gen.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static cJSON *
person(void)
{
	char		 text[GEN_USER_BYTES_MAX];
	struct gen	 g;
	struct error	 e = ERROR_NONE;

	if (gen_init(&g, 1, 10, 3, "http://h/scim/v2") == -1)
		abort();
	return json_parse(text, (size_t)(gen_render_user(&g, 7, text) - text), NULL, &e);
}

static void
try_filter(const char *text, const cJSON *tree)
{
	struct error	 e = ERROR_NONE;
	struct filter	*f = filter_parse(text, &e);

	if (f == NULL) {
		if (e.code != ERR_INVALID_REQUEST)
			abort();
		return;
	}
	struct filter	inner = { .op = FILTER_NOT, .left = f }, outer = { .op = FILTER_NOT, .left = &inner };
	if (filter_match_tree(f, tree) != filter_match_tree(&outer, tree))
		abort();
	(void)filter_key(f, "userName");
	filter_free(f);
}

static void
try_path(const char *text, cJSON *tree)
{
	static const enum amend_op	 ops[] = { AMEND_ADD, AMEND_REPLACE, AMEND_REMOVE };
	autojson			*value = cJSON_CreateObject();

	json_set_str(value, "value", "x");
	for (size_t i = 0; i < N_ITEMS(ops); i++) {
		struct error	 e = ERROR_NONE;
		struct target	 t;
		enum scim_type	 type;

		if (target_parse(text, &t, &e) == -1)
			return;
		(void)amend_apply(tree, ops[i], &t, value, &type, &e);
		target_free(&t);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autofree char	*text = strndup((const char *)data, n);
	autojson	*tree = person();

	if (text == NULL || tree == NULL)
		abort();
	try_filter(text, tree);
	try_path(text, tree);
	return 0;
}
