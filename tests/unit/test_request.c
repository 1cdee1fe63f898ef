/*
 * test_request.c -- request documents: each file of cases with what a worker would be sent, or why it is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/case_files.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/request.h"
#include "worker/contract/util.h"

static void
accepted(const char *name, const char *text, size_t len, const char *want)
{
	struct request	 rq, again;
	struct error	 e = ERROR_NONE;
	autobuf		 b = { .max = REQUEST_BYTES_MAX }, c = { .max = REQUEST_BYTES_MAX };

	if (request_parse(text, len, &rq, &e) == -1)
		fail_msg("%s: %s", name, e.msg);
	request_print(&b, &rq);
	if (want == NULL || strcmp(b.data, want) != 0)
		fail_msg("%s: %s", name, b.data);
	/* What a worker reads, it reads as the same. */
	if (request_parse(b.data, b.len, &again, &e) == -1)
		fail_msg("%s: %s", name, e.msg);
	request_print(&c, &again);
	assert_string_equal(b.data, c.data);
	request_free(&rq);
	request_free(&rq);
	request_free(&again);
}

static void
refused(const char *name, const char *text, size_t len, const char *want)
{
	struct request	 rq, before;
	struct error	 e = ERROR_NONE;

	memset(&rq, 0x5a, sizeof(rq));
	before = rq;
	if (request_parse(text, len, &rq, &e) == 0)
		fail_msg("%s: taken", name);
	if (want == NULL || strcmp(e.msg, want) != 0)
		fail_msg("%s: %s", name, e.msg);
	assert_int_equal(e.code, ERR_REQUEST);
	assert_memory_equal(&rq, &before, sizeof(rq));
}

static void
case_files(void **state)
{
	(void)state;
	assert_true(case_each("tests/cases/request/accept", accepted) >= 25);
	assert_true(case_each("tests/cases/request/reject", refused) >= 55);
}

static void
fields(void **state)
{
	static const char	 text[] =
	    "{\"connectorRef\":\"my ref\",\"tag\":\"t1\",\"id\":\"i\",\"type\":\"std:account:list\","
				    "\"version\":9007199254740993,\"config\":{\"a\":1},\"input\":{\"b\":2}}";
	struct request		 rq;
	struct error		 e = ERROR_NONE;

	(void)state;
	assert_int_equal(request_parse(text, sizeof(text) - 1, &rq, &e), 0);
	assert_int_equal(rq.cmd, CMD_ACCOUNT_LIST);
	assert_string_equal(rq.type, "std:account:list");
	assert_string_equal(rq.id, "i");
	assert_string_equal(rq.connector_ref, "my ref");
	assert_string_equal(rq.tag, "t1");
	assert_true(rq.version == 9007199254740993);
	assert_int_equal(json_i64(rq.config, "a", 0), 1);
	assert_int_equal(json_i64(rq.input, "b", 0), 2);
	request_free(&rq);
	assert_null(rq.doc);
}

static void
tree_stays_with_the_caller(void **state)
{
	autojson	*doc = cJSON_CreateObject();
	struct request	 rq;
	struct error	 e = ERROR_NONE;

	(void)state;
	assert_int_equal(json_set_str(doc, "type", "std:account:update"), 0);
	assert_int_equal(request_from_tree(doc, &rq, &e), -1);
	assert_string_equal(json_str(doc, "type", ""), "std:account:update");
	assert_int_equal(json_set_str(doc, "type", "std:spec:read"), 0);
	assert_int_equal(request_from_tree(doc, &rq, &e), 0);
	assert_ptr_equal(rq.doc, doc);
	(void)json_steal(&doc);
	request_free(&rq);
}

static void
too_large(void **state)
{
	autofree char	*text = malloc(REQUEST_BYTES_MAX + 1);
	struct request	 rq;
	struct error	 e = ERROR_NONE;

	(void)state;
	memset(text, ' ', REQUEST_BYTES_MAX + 1);
	assert_int_equal(request_parse(text, REQUEST_BYTES_MAX + 1, &rq, &e), -1);
	assert_int_equal(e.code, ERR_LIMIT);
}

static void
traceparents(void **state)
{
	static const struct { const char *text; bool ok; } rows[] = {
		{ "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01", true },
		{ "01-0123456789abcdef0123456789abcdef-0123456789abcdef-ff", true },
		{ "ff-0123456789abcdef0123456789abcdef-0123456789abcdef-01", false },
		{ "00-0123456789ABCDEF0123456789abcdef-0123456789abcdef-01", false },
		{ "00-00000000000000000000000000000000-0123456789abcdef-01", false },
		{ "00-0123456789abcdef0123456789abcdef-0000000000000000-01", false },
		{ "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01-x", false },
		{ "00-0123456789abcdef0123456789abcdef-0123456789abcdef-0\n", false },
		{ "", false }, { NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++)
		assert_int_equal(traceparent_ok(rows[i].text), rows[i].ok);
}

/* What passes between launcher and worker is what the launcher sets, not what a caller wrote. */
static void
runtime_member(void **state)
{
	static const char	 text[] = "{\"type\":\"std:account:list\",\"runtime\":{\"rate\":true,\"trace\":\"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\",\"cache\":{\"a\":{\"value\":\"x\"}}}}";
	struct request		 rq, again;
	struct error		 e = ERROR_NONE;
	struct buf		 b;
	char			 given[TRACEPARENT_BYTES + 1];

	(void)state;
	assert_int_equal(request_parse(text, strlen(text), &rq, &e), 0);
	assert_true(rq.rated);
	assert_non_null(rq.cache);
	assert_string_equal(rq.trace, "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01");
	memcpy(given, rq.trace, sizeof(given));
	rq.trace[0] = '\0';
	rq.rated = false;
	buf_init(&b, REQUEST_BYTES_MAX);
	request_print(&b, &rq);
	assert_null(strstr(b.data, "runtime"));
	for (int i = 0; i < 6; i++) {
		buf_reset(&b);
		rq.rated = i % 3 != 1;
		memcpy(rq.trace, given, sizeof(given));
		if (i < 3)
			rq.trace[0] = '\0';
		rq.cache_text = i % 3 != 0 ? "{\"t\":{\"ttlMs\":5,\"value\":\"v\"}}" : NULL;
		request_print(&b, &rq);
		assert_int_equal(request_parse(b.data, b.len, &again, &e), 0);
		assert_int_equal(again.rated, i % 3 != 1);
		assert_string_equal(again.trace, i < 3 ? "" : given);
		assert_int_equal(json_i64(json_get(again.cache, "t"), "ttlMs", 0), i % 3 != 0 ? 5 : 0);
		request_free(&again);
	}
	buf_free(&b);
	request_free(&rq);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traceparents), cmocka_unit_test(runtime_member), cmocka_unit_test(case_files), cmocka_unit_test(fields), cmocka_unit_test(tree_stays_with_the_caller),
		cmocka_unit_test(too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
