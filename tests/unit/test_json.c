/*
 * test_json.c -- trees: reading, printing, getting, setting, comparing, bounds.
 */
#include <math.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/case_files.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

static cJSON *
parse(const char *text)
{
	struct error	 e = ERROR_NONE;
	cJSON		*v = json_parse(text, strlen(text), NULL, &e);

	if (v == NULL)
		fail_msg("%s: %s", text, e.msg);
	return v;
}

static void
accepted(const char *name, const char *text, size_t len, const char *want)
{
	struct error	 e = ERROR_NONE;
	autojson	*v = json_parse(text, len, NULL, &e), *again = NULL, *copy = NULL;
	autofree char	*printed = NULL, *twice = NULL;

	(void)want;
	if (v == NULL)
		fail_msg("%s: %s", name, e.msg);
	printed = json_text(v);
	again = parse(printed);
	copy = json_dup(v);
	twice = json_text(copy);
	if (!json_equal(v, again) || !json_equal(again, copy) || strcmp(printed, twice) != 0)
		fail_msg("%s: %s is not the same again", name, printed);
}

static void
refused(const char *name, const char *text, size_t len, const char *want)
{
	struct error	 e = ERROR_NONE;
	autojson	*v = json_parse(text, len, NULL, &e);

	(void)want;
	if (v != NULL || (e.code != ERR_REQUEST && e.code != ERR_LIMIT) || strncmp(e.msg, "byte ", 5) != 0)
		fail_msg("%s: taken, or \"%s\"", name, e.msg);
}

static void
case_files(void **state)
{
	(void)state;
	assert_true(case_each("tests/cases/json/accept", accepted) >= 100);
	assert_true(case_each("tests/cases/json/scan-only", refused) >= 8);
	assert_true(case_each("tests/cases/json/reject", refused) >= 180);
}

/* in: what is read; out: what is printed. */
static const struct { const char *in, *out; } print_cases[] = {
	{ "[90071992547409931,1E400,-0,1.0,-0.0e-0]", "[90071992547409931,1E400,-0,1.0,-0.0e-0]" },
	{ " { \"b\" : 1 , \"a\" : [ ] } ", "{\"b\":1,\"a\":[]}" },
	{ "\"\\u00e9\\ud83d\\ude00\\/\\u007f\"", "\"é😀/\x7f\"" },
	{ "\"\\u0001\\u001F\\b\\f\\n\\r\\t\\\"\\\\\"", "\"\\u0001\\u001f\\b\\f\\n\\r\\t\\\"\\\\\"" },
	{ "\"\\u2028\"", "\"\xe2\x80\xa8\"" },
	{ "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}" },
	{ "{\"a\":1,\"a\":2,\"a\":3,\"b\":0,\"a\":{\"a\":5,\"a\":6}}", "{\"a\":{\"a\":6},\"b\":0}" },
	{ "{\"\\u0061\":1,\"a\":2}", "{\"a\":2}" },
	{ "{\"a\":1,\"A\":2}", "{\"a\":1,\"A\":2}" },
};

static void
prints(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(print_cases); i++) {
		autojson	*v = parse(print_cases[i].in);
		autofree char	*text = json_text(v);

		assert_string_equal(text, print_cases[i].out);
	}
}

/* Doubles without digits of their own, as JSON.stringify prints them. */
static const struct { double d; const char *text; } double_cases[] = {
	{ 0, "0" }, { -0.0, "0" }, { 1, "1" }, { -1.5, "-1.5" }, { 100, "100" }, { 0.1, "0.1" },
	{ 1e20, "100000000000000000000" }, { 123456789012345680000.0, "123456789012345680000" }, { 1e21, "1e+21" },
	{ 1.25e25, "1.25e+25" }, { 1e-6, "0.000001" }, { 1.5e-6, "0.0000015" }, { 1e-7, "1e-7" }, { 1.5e-7, "1.5e-7" },
	{ 5e-324, "5e-324" }, { 1.7976931348623157e308, "1.7976931348623157e+308" },
	{ 5.684341886080802e-14, "5.684341886080802e-14" }, { 9007199254740993.0, "9007199254740992" },
	{ 0.1 + 0.2, "0.30000000000000004" }, { 4.35, "4.35" }, { 1.0 / 3, "0.3333333333333333" },
	{ 123456.789, "123456.789" }, { NAN, "null" }, { INFINITY, "null" }, { -INFINITY, "null" },
};

static void
doubles(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(double_cases); i++) {
		autojson	*v = cJSON_CreateNumber(double_cases[i].d);
		autofree char	*text = json_text(v);

		assert_string_equal(text, double_cases[i].text);
	}
}

static void
strings_print(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "", "\"\"" }, { "a/b", "\"a/b\"" }, { "\x1b[0m", "\"\\u001b[0m\"" },
		/* A string that was cut within a character still makes a valid line. */
		{ "caf\xc3", "\"caf\xef\xbf\xbd\"" }, { "\xff", "\"\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"" },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		autobuf	 b = { .max = 100 };

		json_print_string(&b, rows[i].in);
		assert_string_equal(b.data, rows[i].out);
	}
}

static const struct { const char *text, *message; } message_cases[] = {
	{ "", "byte 0: the text ends too early" },
	{ "[1", "byte 2: the text ends too early (at /0)" },
	{ "{\"a\":[1,{\"b\":tru}]}", "byte 16: true, false or null expected (at /a/1/b)" },
	{ "{\"a\":{\"b\":1},x}", "byte 13: a member name expected (at /a)" },
	{ "[[],[1,2,]]", "byte 9: a value expected (at /1/2)" },
	{ "[\"\\ud800\"]", "byte 1: a string with \\u0000 or half a surrogate pair (at /0)" },
	{ "{\"a\\nb\":?}", "byte 8: a value expected (at /a?b)" },
};

static void
messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(message_cases); i++) {
		struct error	 e = ERROR_NONE;

		assert_null(json_parse(message_cases[i].text, strlen(message_cases[i].text), NULL, &e));
		assert_string_equal(e.msg, message_cases[i].message);
		assert_int_equal(e.code, ERR_REQUEST);
	}
}

/* Where one value too many begins a container, the message ends at what holds it. */
static void
values_bound(void **state)
{
	static const struct { const char *text; size_t nodes; const char *message; } rows[] = {
		{ "[[", 1, "byte 1: over 1 values (at /0)" },
		{ "[1,{", 2, "byte 3: over 2 values (at /1)" },
		{ "{\"a\":[],\"b\":{\"c\":[", 3, "byte 17: over 3 values (at /b/c)" },
		{ "{\"a\":[[1]],\"a\":[[", 5, "byte 16: over 5 values (at /a/0)" },
		{ "[[[[[[[[[", 8, "byte 8: over 8 values (at /0/0/0/0/0/0/0/0)" },
		{ "[[[[[[[[[[", 9, "byte 9: over 9 values (at /0/0/0/0/0/0/0/0/0)" },
		{ "[", 0, "byte 0: over 0 values" },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct error	 e = ERROR_NONE;

		assert_null(json_parse(rows[i].text, strlen(rows[i].text),
		    &(struct json_limits){ 1000, JSON_DEPTH_MAX, rows[i].nodes }, &e));
		assert_string_equal(e.msg, rows[i].message);
		assert_int_equal(e.code, ERR_LIMIT);
	}
}

static void
size_bomb(void **state)
{
	const size_t	 len = REQUEST_BYTES_MAX;
	autofree char	*text = malloc(len + 2);
	struct error	 e = ERROR_NONE;

	(void)state;
	memset(text, '0', len + 2);
	for (size_t i = 0; i < len; i += 2)
		text[i] = i == 0 ? '[' : ',';
	text[len] = ']';
	/* Four million values: over the bound of values, not of bytes. */
	assert_null(json_parse(text, len, NULL, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_non_null(strstr(e.msg, "over 500000 values"));
	assert_null(json_parse(text, len + 1, NULL, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_non_null(strstr(e.msg, "bytes of JSON"));
}

/* Objects of very many members, with names once and many times, in time that grows with n log n. */
static void
many_members(void **state)
{
	enum { N = 100000 };
	autobuf		 b = { .max = REQUEST_BYTES_MAX };
	struct error	 e = ERROR_NONE;
	int64_t		 began = now_ms();
	autojson	*v = NULL;

	(void)state;
	buf_addc(&b, '{');
	for (int i = 0; i < N; i++)
		buf_addf(&b, "%s\"n%d\":%d", i > 0 ? "," : "", i % (N / 2), i);
	buf_addc(&b, '}');
	assert_non_null(v = json_parse(b.data, b.len, NULL, &e));
	assert_int_equal(cJSON_GetArraySize(v), N / 2);
	assert_string_equal(v->child->string, "n0");
	assert_int_equal(v->child->valueint, N / 2);
	assert_string_equal(v->child->prev->string, "n49999");
	assert_true(now_ms() - began < 5000);
}

static void
getters(void **state)
{
	autojson	*v = parse("{\"s\":\"x\",\"n\":12,\"b\":true,\"d\":\"34\",\"a\":[0,{\"k\":null}],"
			    "\"\":5,\"m~n\":{\"p/q\":6}}");
	char		 scratch[32];

	(void)state;
	assert_string_equal(json_str(v, "s", "-"), "x");
	assert_string_equal(json_str(v, "n", "-"), "-");
	assert_string_equal(json_str(NULL, "s", "-"), "-");
	assert_null(json_get(v, "S"));
	assert_null(json_get(json_get(v, "a"), "0"));
	assert_true(json_bool(v, "b", false));
	assert_true(json_bool(v, "s", true));
	assert_int_equal(json_i64(v, "n", -1), 12);
	assert_int_equal(json_i64(v, "d", -1), 34);
	assert_int_equal(json_i64(v, "s", -1), -1);
	assert_ptr_equal(json_at(v, ""), v);
	assert_true(cJSON_IsNull(json_at(v, "/a/1/k")));
	assert_int_equal(json_at(v, "/")->valueint, 5);
	assert_int_equal(json_at(v, "/m~0n/p~1q")->valueint, 6);
	assert_null(json_at(v, "/a/01"));
	assert_null(json_at(v, "/a/2"));
	assert_null(json_at(v, "/a/-"));
	assert_null(json_at(v, "/s/0"));
	assert_null(json_at(v, "s"));
	assert_null(json_at(NULL, "/a"));
	assert_string_equal(json_scalar_text(json_get(v, "n"), scratch, sizeof(scratch)), "12");
	assert_string_equal(json_scalar_text(json_get(v, "b"), scratch, sizeof(scratch)), "true");
	assert_null(json_scalar_text(json_get(v, "a"), scratch, sizeof(scratch)));
	assert_null(json_scalar_text(json_at(v, "/a/1/k"), scratch, sizeof(scratch)));
}

static const struct { const char *json; bool whole; int64_t value; } i64_cases[] = {
	{ "0", true, 0 }, { "-0", true, 0 }, { "1.0", true, 1 }, { "1e3", true, 1000 }, { "1.50e2", true, 150 },
	{ "1500e-2", true, 15 }, { "1e-1", false, 0 }, { "1.5", false, 0 }, { "1.0000000000000000001", false, 0 },
	{ "9223372036854775807", true, INT64_MAX }, { "-9223372036854775808", true, INT64_MIN },
	{ "9223372036854775808", false, 0 }, { "-9223372036854775809", false, 0 }, { "99999999999999999999", false, 0 },
	{ "9007199254740993", true, 9007199254740993 }, { "1e1000000", false, 0 }, { "0e1000000", true, 0 },
	{ "1e99999999999999999999", false, 0 }, { "\"-17\"", true, -17 }, { "\"1-7\"", false, 0 }, { "\"\"", false, 0 },
	{ "\"-\"", false, 0 },
	{ "\"1.0\"", false, 0 }, { "\" 1\"", false, 0 }, { "null", false, 0 }, { "true", false, 0 },
};

static void
whole_numbers(void **state)
{
	static const struct { double d; bool whole; } made[] = {
		{ 5, true }, { 5.5, false }, { 0x1p63, false }, { -0x1p63, true }, { NAN, false }, { INFINITY, false },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(i64_cases); i++) {
		autojson	*v = parse(i64_cases[i].json);
		int64_t		 got = 0;

		if (json_i64_of(v, &got) != i64_cases[i].whole || (i64_cases[i].whole && got != i64_cases[i].value))
			fail_msg("%s: %lld", i64_cases[i].json, (long long)got);
	}
	for (size_t i = 0; i < N_ITEMS(made); i++) {
		autojson	*v = cJSON_CreateNumber(made[i].d);
		int64_t		 got;

		assert_int_equal(json_i64_of(v, &got), made[i].whole);
	}
}

static const struct { const char *a, *b; bool equal; } equal_cases[] = {
	{ "1", "1", true }, { "1", "1.0", true }, { "1", "2", false }, { "-0", "0", true }, { "1e2", "100", true },
	{ "90071992547409931", "90071992547409932", false }, { "1E400", "1E401", false }, { "1E400", "1E400", true },
	{ "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true }, { "{\"a\":1}", "{\"a\":1,\"b\":2}", false },
	{ "{\"a\":1}", "{\"A\":1}", false }, { "[1,2]", "[2,1]", false }, { "[1]", "[1,2]", false },
	{ "[]", "{}", false },
	{ "true", "false", false }, { "null", "null", true }, { "\"1\"", "1", false }, { "\"a\"", "\"a\"", true },
};

static void
equality(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(equal_cases); i++) {
		autojson	*a = parse(equal_cases[i].a), *b = parse(equal_cases[i].b);

		if (json_equal(a, b) != equal_cases[i].equal || json_equal(b, a) != equal_cases[i].equal)
			fail_msg("%s and %s", equal_cases[i].a, equal_cases[i].b);
	}
}

static void
setters(void **state)
{
	autojson	*v = cJSON_CreateObject();
	autofree char	*text = NULL;
	cJSON		*array = cJSON_CreateArray();

	(void)state;
	assert_int_equal(json_set(v, "a", array), 0);
	assert_int_equal(json_set_str(v, "s", "x"), 0);
	assert_int_equal(json_set_str(v, "none", NULL), 0);
	assert_int_equal(json_set_bool(v, "b", true), 0);
	assert_int_equal(json_set(v, "s", json_int(INT64_MIN)), 0);
	assert_int_equal(json_push(array, json_number_text("90071992547409931")), 0);
	assert_int_equal(json_push(array, NULL), -1);
	assert_int_equal(json_push(v, cJSON_CreateNull()), -1);
	assert_int_equal(json_set(array, "x", cJSON_CreateNull()), -1);
	assert_int_equal(json_set(NULL, "x", cJSON_CreateNull()), -1);
	assert_int_equal(json_set(v, "x", NULL), -1);
	text = json_text(v);
	assert_string_equal(text, "{\"a\":[90071992547409931],\"s\":-9223372036854775808,\"b\":true}");
	json_wipe(json_steal(&v));
	json_wipe(NULL);
	assert_null(json_number_text("01"));
	assert_null(json_number_text(" 1"));
	assert_null(json_number_text("1 "));
	assert_null(json_number_text(""));
	assert_null(json_number_text("true"));
}

static void
print_bounds(void **state)
{
	autojson	*v = parse("[\"abcdefgh\"]"), *deep = cJSON_CreateArray();
	autobuf		 b = { .max = 11 };
	cJSON		*at = deep;

	(void)state;
	json_print(&b, v);
	assert_true(b.failed);
	for (int i = 0; i < JSON_DEPTH_MAX; i++) {
		cJSON	*inner = cJSON_CreateArray();

		assert_int_equal(json_push(at, inner), 0);
		at = inner;
	}
	assert_null(json_text(deep));
}

static bool	 secret_freed;

static void
spying_free(void *p)
{
	if (p != NULL && memmem(p, malloc_usable_size(p), "s3cret", 6) != NULL)
		secret_freed = true;
	free(p);
}

/* A wiped tree leaves no text on the heap, wherever its nodes keep it; nor does a copy of it. */
static void
wiped(void **state)
{
	static const char	 text[] = "{\"a\":\"s3cret\",\"s3cret\":[\"xs3cret\",\"\\u0073s3cret\"]}";
	struct error		 e = ERROR_NONE;
	cJSON			*v, *copy;

	(void)state;
	cJSON_InitHooks(&(cJSON_Hooks){ malloc, spying_free });
	v = json_parse(text, sizeof(text) - 1, NULL, &e);
	copy = json_dup(v);
	assert_int_equal(json_set_str(copy, "added", "s3cret"), 0);
	json_wipe(v);
	json_wipe(copy);
	cJSON_InitHooks(NULL);
	assert_false(secret_freed);
}

/* Nor does a member that another of its name took the place of, or a text that is refused. */
static void
wiped_early(void **state)
{
	static const char *const	 texts[] = {
		"{\"a\":\"s3cret\",\"a\":[\"xs3cret\"],\"b\":1,\"a\":\"s3cret\"}",
		"[\"xs3cret\\ud800\"]",
		"[\"s3cret\",\"xs3cret\\u0000s3cret\"]",
	};

	(void)state;
	cJSON_InitHooks(&(cJSON_Hooks){ malloc, spying_free });
	for (size_t i = 0; i < N_ITEMS(texts); i++) {
		struct error	 e = ERROR_NONE;

		json_wipe(json_parse(texts[i], strlen(texts[i]), NULL, &e));
	}
	cJSON_InitHooks(NULL);
	assert_false(secret_freed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(case_files), cmocka_unit_test(prints), cmocka_unit_test(doubles),
		cmocka_unit_test(strings_print), cmocka_unit_test(messages), cmocka_unit_test(values_bound), cmocka_unit_test(size_bomb),
		cmocka_unit_test(many_members), cmocka_unit_test(getters), cmocka_unit_test(whole_numbers),
		cmocka_unit_test(equality), cmocka_unit_test(wiped), cmocka_unit_test(wiped_early), cmocka_unit_test(setters), cmocka_unit_test(print_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
