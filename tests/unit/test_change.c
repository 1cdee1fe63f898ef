/*
 * test_change.c -- changes and values as they come, objects as they go, and what a call is filled with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/contract/json.h"
#include "worker/runtime/runtime.h"

static cJSON *
tree(const char *text)
{
	struct error	 e = ERROR_NONE;
	cJSON		*v = json_parse(text, strlen(text), NULL, &e);

	assert_non_null(v);
	return v;
}

static const struct change_case {
	const char	*input;
	int		 r;
	enum change_op	 op;
	const char	*attribute, *value;	/* value: JSON, NULL where none */
} changes[] = {
	{ "{\"changes\":[{\"op\":\"Set\",\"attribute\":\"a\",\"value\":\"x\"}]}", 1, CHANGE_SET, "a", "\"x\"" },
	{ "{\"changes\":[{\"op\":\"Add\",\"attribute\":\"a\",\"value\":[1,2]}]}", 1, CHANGE_ADD, "a", "[1,2]" },
	{ "{\"changes\":[{\"op\":\"Remove\",\"attribute\":\"a\",\"value\":null}]}", 1, CHANGE_REMOVE, "a", NULL },
	{ "{\"changes\":[{\"op\":\"Remove\",\"attribute\":\"a\"}]}", 1, CHANGE_REMOVE, "a", NULL },
	{ "{\"changes\":[{\"op\":\"set\",\"attribute\":\"a\"}]}", -1, 0, NULL, NULL },
	{ "{\"changes\":[{\"attribute\":\"a\"}]}", -1, 0, NULL, NULL },
	{ "{\"changes\":[{\"op\":\"Set\",\"value\":1}]}", -1, 0, NULL, NULL },
	{ "{\"changes\":[{\"op\":\"Set\",\"attribute\":\"\"}]}", -1, 0, NULL, NULL },
	{ "{\"changes\":[7]}", -1, 0, NULL, NULL },
	{ "{\"changes\":[]}", 0, 0, NULL, NULL },
	{ "{}", 0, 0, NULL, NULL },
};

static void
test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(changes); i++) {
		cJSON		*input = tree(changes[i].input);
		struct error	 e = ERROR_NONE;
		struct call	 c = { .type = "std:account:update", .input = input, .err = &e };
		struct change	 ch;

		print_message("%s\n", changes[i].input);
		assert_int_equal(change_at(&c, 0, &ch), changes[i].r);
		assert_int_equal(change_at(&c, 1, &ch), 0);
		assert_int_equal(e.code, changes[i].r == -1 ? ERR_INVALID_REQUEST : ERR_NONE);
		if (changes[i].r == 1) {
			assert_int_equal(change_at(&c, 0, &ch), 1);
			assert_int_equal(ch.op, changes[i].op);
			assert_string_equal(ch.attribute, changes[i].attribute);
			if (changes[i].value == NULL)
				assert_null(ch.value);
			else {
				char	*text = json_text(ch.value);

				assert_string_equal(text, changes[i].value);
				free(text);
			}
		}
		cJSON_Delete(input);
	}
}

static const struct value_case {
	const char	*value;
	size_t		 n;
	const char	*array;
} values[] = {
	{ "\"one\"", 1, "[\"one\"]" },
	{ "[\"one\",\"two\"]", 2, "[\"one\",\"two\"]" },
	{ "[]", 0, "[]" },
	{ "null", 0, "[]" },
	{ "90071992547409931", 1, "[90071992547409931]" },
	{ "false", 1, "[false]" },
};

static void
test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(values); i++) {
		cJSON	*v = tree(values[i].value);
		cJSON	*array = value_array(v);
		char	*text = json_text(array);

		assert_int_equal(value_count(v), values[i].n);
		assert_string_equal(text, values[i].array);
		for (size_t k = 0; k < values[i].n; k++)
			assert_true(json_equal(value_at(v, k), cJSON_GetArrayItem(array, (int)k)));
		assert_null(value_at(v, values[i].n));
		free(text);
		cJSON_Delete(array);
		cJSON_Delete(v);
	}
	assert_int_equal(value_count(NULL), 0);
	assert_null(value_at(NULL, 0));
}

static const struct object_case {
	const char	*spec, *id, *unique_id, *want;
} objects[] = {
	{ "{}", "joe", "u1", "{\"identity\":\"joe\",\"uuid\":\"u1\",\"key\":{\"simple\":{\"id\":\"joe\"}},"
	    "\"attributes\":{\"a\":1}}" },
	{ "{\"keyType\":\"simple\"}", "joe", NULL, "{\"identity\":\"joe\",\"key\":{\"simple\":{\"id\":\"joe\"}},"
	    "\"attributes\":{\"a\":1}}" },
	{ "{\"keyType\":\"compound\"}", "joe", "u1",
	    "{\"key\":{\"compound\":{\"lookupId\":\"joe\",\"uniqueId\":\"u1\"}},\"attributes\":{\"a\":1}}" },
	{ "{\"keyType\":\"compound\"}", "joe", NULL,
	    "{\"key\":{\"compound\":{\"lookupId\":\"joe\",\"uniqueId\":\"joe\"}},\"attributes\":{\"a\":1}}" },
};

static void
test_objects(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(objects); i++) {
		cJSON		*spec = tree(objects[i].spec);
		struct call	 c = { .spec = spec };
		cJSON		*o = object_new(&c, objects[i].id, objects[i].unique_id, tree("{\"a\":1}"));
		char		*text = json_text(o);

		assert_non_null(text);
		assert_string_equal(text, objects[i].want);
		free(text);
		cJSON_Delete(o);
		cJSON_Delete(spec);
	}
}

static void
test_call(void **state)
{
	struct request	 rq = { .cmd = CMD_CHANGE_PASSWORD, .type = "std:change-password", .id = "i", .version = 4 };
	struct spec	 sp = { .doc = tree("{\"sourceConfig\":[{\"type\":\"section\",\"items\":["
	    "{\"key\":\"token\",\"type\":\"secret\",\"label\":\"t\"}]}]}") };
	struct error	 e = { .code = ERR_TIMEOUT };
	struct call	 c;
	char		 text[64] = "config-secret new-password plain";

	(void)state;
	rq.config = tree("{\"token\":\"config-secret\",\"url\":\"plain\"}");
	rq.input = tree("{\"key\":{\"compound\":{\"lookupId\":\"joe\",\"uniqueId\":\"u1\"}},"
	    "\"password\":\"new-password\"}");
	call_init(&c, &rq, &sp, &e);
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(c.cmd, CMD_CHANGE_PASSWORD);
	assert_int_equal(c.version, 4);
	assert_string_equal(c.identity, "joe");
	assert_string_equal(c.unique_id, "u1");
	assert_int_equal(emit_count(&c), 0);
	redact_text(text, sizeof(text));
	assert_string_equal(text, "**** **** plain");
	redact_wipe();
	cJSON_Delete(rq.config);
	cJSON_Delete(rq.input);
	cJSON_Delete(sp.doc);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
