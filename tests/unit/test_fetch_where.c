/*
 * test_fetch_where.c -- paging that speaks in the body or in headers instead of the query; arrays that are left out.
 */
#include "tests/unit/fetch_server.h"

#define OK(text)	{ 200, (text), NULL, HOW_PLAIN }

static unsigned int	 rows;

static int
on_row(void *arg, cJSON *row, struct error *e)
{
	(void)arg;
	(void)e;
	cJSON_Delete(row);
	rows++;
	return 0;
}

static int
list(const struct page_plan *p, const cJSON *body)
{
	static const char *const	 headers[] = { "X-Mine: 1", NULL };
	struct fetch_options		 o = { .attempts = 1 };
	struct fetch_request		 rq = { .method = "POST", .path = "/l", .body = body, .headers = headers, .flags = FETCH_REPEATABLE };
	struct fetch			*f = client_new(o);
	int				 r;

	rows = 0;
	r = fetch_pages(f, &rq, p, on_row, NULL, NULL, &err);
	fetch_free(f);
	return r;
}

static const struct route	 two[] = {
	{ "/base/l", { OK("{\"rows\":[1,2],\"next\":\"a b\"}"), OK("{\"rows\":[3]}") } },
};

static void
test_body(void **state)
{
	struct page_plan	 p = { .kind = PAGE_CURSOR, .rows = "/rows", .next = "/next", .param = "Token", .size_param = "Max", .size = 2,
	    .in_body = true };
	struct error		 e = ERROR_NONE;
	autojson		*body = json_parse("{\"Store\":\"d-1\",\"Token\":\"x\"}", 27, NULL, &e);

	(void)state;
	server_start(two, 1);
	assert_int_equal(list(&p, body), 0);
	assert_int_equal(rows, 3);
	assert_non_null(strstr(shared->asked[0], "POST /base/l HTTP"));
	assert_non_null(strstr(shared->asked[0], "{\"Store\":\"d-1\",\"Token\":\"a b\",\"Max\":2}"));
	assert_string_equal(json_str(body, "Token", ""), "x");
	server_stop();
}

static void
test_headers(void **state)
{
	struct page_plan	 p = { .kind = PAGE_CURSOR, .rows = "/rows", .next = "/next", .param = "X-Cursor", .size_param = "X-Size", .size = 2,
	    .in_headers = true };

	(void)state;
	server_start(two, 1);
	assert_int_equal(list(&p, NULL), 0);
	assert_int_equal(rows, 3);
	assert_non_null(strstr(shared->asked[0], "POST /base/l HTTP"));
	assert_non_null(strstr(shared->asked[0], "X-Mine: 1\r\n"));
	assert_non_null(strstr(shared->asked[0], "X-Cursor: a b\r\n"));
	assert_non_null(strstr(shared->asked[0], "X-Size: 2\r\n"));
	server_stop();
}

/* A cursor is the source's word: it makes no header of its own. */
static void
test_line_break(void **state)
{
	static const struct route	 routes[] = { { "/base/l", { OK("{\"rows\":[1],\"next\":\"a\\r\\nX-Evil: 1\"}"), OK("{\"rows\":[]}") } } };
	struct page_plan		 p = { .kind = PAGE_CURSOR, .rows = "/rows", .next = "/next", .param = "X-Cursor", .in_headers = true };

	(void)state;
	server_start(routes, 1);
	assert_int_equal(list(&p, NULL), -1);
	assert_int_equal(shared->hits[0], 1);
	server_stop();
}

static void
test_may_miss(void **state)
{
	static const struct { const char *answer; bool may_miss; int want; } t[] = {
		{ "{\"kind\":\"x\"}", false, -1 }, { "{\"kind\":\"x\"}", true, 0 }, { "{\"rows\":null}", true, 0 }, { "[]", true, -1 }, { "7", true, -1 },
		{ "{\"rows\":{}}", true, -1 },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(t); i++) {
		struct route		 routes[] = { { "/base/l", { OK(t[i].answer) } } };
		struct page_plan	 p = { .kind = PAGE_CURSOR, .rows = "/rows", .next = "/next", .param = "c", .rows_may_miss = t[i].may_miss };

		server_start(routes, 1);
		if (list(&p, NULL) != t[i].want)
			fail_msg("%s", t[i].answer);
		server_stop();
	}
}

int
main(void)
{
	static const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_line_break),
		cmocka_unit_test(test_may_miss),
	};
	int	 r = cmocka_run_group_tests(tests, NULL, NULL);

	cJSON_Delete(config);
	return r;
}
