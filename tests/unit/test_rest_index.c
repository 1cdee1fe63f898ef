/*
 * test_rest_index.c -- belongings read from the other side, and bodies made of lists and of objects over each other.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/rest/distinct.h"
#include "connectors/rest/expr.h"
#include "connectors/rest/index.h"

static struct error	 err;

static void
test_index(void **state)
{
	struct index	*x = index_new();
	char		 name[32];
	uint32_t	 number, again;

	(void)state;
	assert_non_null(x);
	for (int g = 0; g < 3000; g++) {
		snprintf(name, sizeof(name), "g%d", g);
		assert_int_equal(index_value(x, cJSON_CreateString(name), &number, &err), 0);
		assert_int_equal(index_value(x, cJSON_CreateString(name), &again, &err), 0);
		assert_int_equal(number, again);
		for (int u = 0; u < 2; u++) {
			snprintf(name, sizeof(name), "u%d", (g + u) % 1500);
			assert_int_equal(index_put(x, name, number, &err), 0);
		}
	}
	assert_int_equal(index_value(x, NULL, &number, &err), 0);
	assert_int_equal(number, UINT32_MAX);
	assert_int_equal(index_put(x, "u7", number, &err), 0);
	assert_int_equal(index_value(x, cJSON_CreateString("g7"), &number, &err), 0);
	assert_int_equal(index_put(x, "u7", number, &err), 0);	/* once more: still once */
	index_done(x);

	cJSON		*found = index_find(x, "u7"), *none = index_find(x, "nobody");
	autofree char	*text = json_text(found);

	assert_string_equal(text, "[\"g6\",\"g7\",\"g1506\",\"g1507\"]");
	assert_int_equal(cJSON_GetArraySize(none), 0);
	cJSON_Delete(found);
	cJSON_Delete(none);
	index_free(x);
	x = index_new();
	index_done(x);
	found = index_find(x, "u7");
	assert_int_equal(cJSON_GetArraySize(found), 0);
	cJSON_Delete(found);
	index_free(x);
}

/* Two names with one hash, where the hash is FNV-1a: each has its own. */
static void
test_names_of_one_hash(void **state)
{
	static const char *const	 names[] = { "8yn0iYCKYHlIj4-BwPqk", "GReLUrM4wMqfg9yzV3KQ" };
	struct index			*x = index_new();
	uint32_t			 number;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(index_value(x, cJSON_CreateString(names[i]), &number, &err), 0);
		assert_int_equal(index_put(x, names[i], number, &err), 0);
	}
	index_done(x);
	for (size_t i = 0; i < 2; i++) {
		cJSON	*found = index_find(x, names[i]);

		assert_int_equal(cJSON_GetArraySize(found), 1);
		assert_string_equal(cJSON_GetArrayItem(found, 0)->valuestring, names[i]);
		cJSON_Delete(found);
	}
	index_free(x);
}

static void
test_bodies(void **state)
{
	static const struct { const char *tmpl, *want; } rows[] = {
		{ "{\"$each\":\"${input.l}\",\"$item\":{\"v\":\"${value}\",\"n\":\"${input.n}\"}}", "[{\"v\":\"a\",\"n\":1},{\"v\":\"b\",\"n\":1}]" },
		{ "{\"x\":{\"$each\":\"${input.none}\",\"$item\":1},\"y\":2}", "{\"y\":2}" },
		{ "{\"$each\":\"${input.one}\",\"$item\":\"<${value}>\"}", "[\"<s>\"]" },
		{ "{\"$each\":\"${input.ll}\",\"$item\":{\"$each\":\"${value}\",\"$item\":\"${value}\"}}", "[[1],[2,3]]" },
		{ "{\"$merge\":[\"${input.o}\",{\"a\":{\"c\":9},\"d\":null}]}", "{\"a\":{\"b\":1,\"c\":9},\"e\":12345678901234567890,\"d\":null}" },
		{ "{\"$merge\":[\"${input.none}\",{\"a\":\"${input.none}\"},{\"z\":1}]}", "{\"z\":1}" },
		{ "{\"$merge\":[{\"a\":1},\"${input.one}\"]}", NULL },
		{ "{\"$merge\":{}}", NULL }, { "{\"$each\":\"${input.l}\"}", NULL }, { "{\"$each\":1,\"$item\":2}", NULL },
		{ "{\"$each\":\"${input.l}\",\"$item\":\"${\"}", NULL },
	};
	static const char	 input[] = "{\"l\":[\"a\",\"b\"],\"ll\":[[1],[2,3]],\"n\":1,\"one\":\"s\",\"o\":{\"a\":{\"b\":1,\"c\":2},\"e\":12345678901234567890}}";
	cJSON			*in = json_parse(input, strlen(input), NULL, &err);

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		cJSON		*doc = json_parse(rows[i].tmpl, strlen(rows[i].tmpl), NULL, &err);
		struct tmpl	*t = tmpl_parse(doc, &err);
		struct scope	 sc = { .roots = { [ROOT_INPUT] = in } };
		autovalue	 v = { 0 };
		int		 got;

		scope_begin(&sc);
		got = t == NULL ? -1 : tmpl_value(t, &sc, &v, &err);
		assert_int_equal(got, rows[i].want == NULL ? -1 : 0);
		if (got == 0) {
			autofree char	*text = json_text(v.v);

			assert_string_equal(text, rows[i].want);
		}
		tmpl_free(t);
		cJSON_Delete(doc);
		err = ERROR_NONE;
	}
	cJSON_Delete(in);
}

static void
test_distinct(void **state)
{
	struct distinct	*d = distinct_new();
	char		 name[32];

	(void)state;
	assert_non_null(d);
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "id-%d", i);
		assert_int_equal(distinct_put(d, name, &err), 1);
	}
	for (int i = 0; i < 100000; i += 997) {
		snprintf(name, sizeof(name), "id-%d", i);
		assert_int_equal(distinct_put(d, name, &err), 0);
	}
	assert_int_equal(distinct_put(d, "", &err), 1);
	assert_int_equal(distinct_put(d, "", &err), 0);
	distinct_free(d);
	distinct_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = { cmocka_unit_test(test_index),
		cmocka_unit_test(test_distinct), cmocka_unit_test(test_names_of_one_hash),
	    cmocka_unit_test(test_bodies) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
