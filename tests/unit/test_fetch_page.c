/*
 * test_fetch_page.c -- whole lists: the decisions by themselves, and against a server.
 */
#include "tests/unit/fetch_server.h"

#define PAGES_MAX	4

/* Pages as a source gives them, and what the list comes to. */
struct step_case {
	const char		*name;
	struct page_plan	 plan;
	struct {
		const char	*envelope;	/* NULL: the answer had no body */
		uint64_t	 rows;
		const char	*link;
		int		 step;		/* what page_step must say; -1 ends */
		const char	*next;		/* the parameter or URL then */
	}			 pages[PAGES_MAX];
	const char		*says;
};

#define SCIM		{ .kind = PAGE_SCIM }
#define OFFSET(...)	{ .kind = PAGE_OFFSET, .rows = "/r", .param = "offset", __VA_ARGS__ }
#define CURSOR(...)	{ .kind = PAGE_CURSOR, .rows = "/r", .param = "cursor", .next = "/n", __VA_ARGS__ }
#define NEXT_URL	{ .kind = PAGE_NEXT_URL, .rows = "/r", .next = "/n" }
#define LINK		{ .kind = PAGE_LINK }
#define NONE(...)	{ .kind = PAGE_NONE, .rows = "/r", __VA_ARGS__ }

static const struct step_case	 steps[] = {
	{ "scim", SCIM, { { "{\"totalResults\":3,\"itemsPerPage\":9,\"Resources\":[]}", 2, NULL, 1, "3" },
	    { "{\"totalResults\":3,\"Resources\":[]}", 1, NULL, 0, NULL } }, NULL },
	{ "scim, none", SCIM, { { "{\"totalResults\":0}", 0, NULL, 0, NULL } }, NULL },
	{ "scim without total", SCIM, { { "{\"Resources\":[]}", 2, NULL, -1, NULL } }, "does not say the total" },
	{ "scim, empty page", SCIM, { { "{\"totalResults\":3}", 2, NULL, 1, "3" }, { "{\"totalResults\":3}", 0, NULL,
	    -1, NULL } },
	    "empty page" },
	{ "scim, too many", SCIM, { { "{\"totalResults\":1}", 2, NULL, -1, NULL } }, "2 rows came" },
	{ "scim, total moves", SCIM, { { "{\"totalResults\":4}", 2, NULL, 1, "3" }, { "{\"totalResults\":3}", 1, NULL,
	    -1, NULL } },
	    "total changed" },
	{ "total may move", { .kind = PAGE_SCIM, .total_may_move = true }, { { "{\"totalResults\":4}", 2, NULL, 1,
	    "3" },
	    { "{\"totalResults\":3}", 2, NULL, 0, NULL } }, NULL },
	{ "no body", LINK, { { NULL, 0, NULL, -1, NULL } }, "without a body" },
	{ "no array", CURSOR(.size = 5), { { "{\"ok\":false}", 0, NULL, -1, NULL } }, "no array at \"/r\"" },
	{ "array is null", CURSOR(.size = 5), { { "{\"r\":null}", 0, NULL, 0, NULL } }, NULL },
	{ "offset to an empty page", OFFSET(.first = 0, .size = 2), { { "{\"r\":[]}", 2, NULL, 1, "2" }, { "{\"r\":[]}",
	    1, NULL, 1, "3" },
	    { "{\"r\":[]}", 0, NULL, 0, NULL } }, NULL },
	{ "offset with total", OFFSET(.total = "/t"), { { "{\"r\":[],\"t\":3}", 2, NULL, 1, "2" }, { "{\"r\":[]}", 1,
	    NULL, 0, NULL } },
	    NULL },
	{ "has more", OFFSET(.more = "/m"), { { "{\"r\":[],\"m\":true}", 2, NULL, 1, "2" }, { "{\"r\":[],\"m\":false}",
	    1, NULL, 0, NULL } },
	    NULL },
	{ "has more, unsaid", OFFSET(.more = "/m"), { { "{\"r\":[]}", 2, NULL, -1, NULL } }, "whether there is more" },
	{ "has more, but empty", OFFSET(.more = "/m"), { { "{\"r\":[],\"m\":true}", 0, NULL, -1, NULL } },
	    "empty page" },
	{ "has more is text", OFFSET(.more = "/m"), { { "{\"r\":[],\"m\":\"no\"}", 2, NULL, -1, NULL } },
	    "neither true nor false" },
	{ "no more, but fewer", OFFSET(.more = "/m", .total = "/t"), { { "{\"r\":[],\"m\":false,\"t\":5}", 2, NULL, -1,
	    NULL } },
	    "2 rows came, the source says 5" },
	{ "page number", { .kind = PAGE_NUMBER, .param = "page", .first = 1 }, { { "[]", 2, NULL, 1, "2" }, { "[]", 1,
	    NULL, 1, "3" },
	    { "[]", 0, NULL, 0, NULL } }, NULL },
	{ "cursor", CURSOR(.size = 5), { { "{\"r\":[],\"n\":\"a\"}", 2, NULL, 1, "a" }, { "{\"r\":[],\"n\":7}", 0, NULL,
	    1, "7" },
	    { "{\"r\":[],\"n\":\"\"}", 1, NULL, 0, NULL } }, NULL },
	{ "cursor again", CURSOR(.size = 5), { { "{\"r\":[],\"n\":\"a\"}", 2, NULL, 1, "a" },
	    { "{\"r\":[],\"n\":\"b\"}", 2, NULL, 1, "b" },
	    { "{\"r\":[],\"n\":\"a\"}", 2, NULL, -1, NULL } }, "came twice" },
	{ "cursor, but no more", CURSOR(.more = "/m"), { { "{\"r\":[],\"n\":\"a\",\"m\":false}", 2, NULL, 0, NULL } },
	    NULL },
	{ "more, but no cursor", CURSOR(.more = "/m"), { { "{\"r\":[],\"m\":true}", 2, NULL, -1, NULL } },
	    "but not where" },
	{ "cursor is an object", CURSOR(.size = 5), { { "{\"r\":[],\"n\":{}}", 2, NULL, -1, NULL } }, "no text" },
	{ "next url, relative", NEXT_URL, { { "{\"r\":[],\"n\":\"/v1/u?p=2\"}", 2, NULL, 1, "https://h/v1/u?p=2" },
	    { "{\"r\":[],\"n\":null}", 2, NULL, 0, NULL } }, NULL },
	{ "next url elsewhere", NEXT_URL, { { "{\"r\":[],\"n\":\"https://other/v1?token=x\"}", 2, NULL, -1, NULL } },
	    "another origin: https://other/v1" },
	{ "next url without TLS", NEXT_URL, { { "{\"r\":[],\"n\":\"http://h/v1\"}", 2, NULL, -1, NULL } },
	    "another origin" },
	{ "next url on another port", NEXT_URL, { { "{\"r\":[],\"n\":\"https://h:444/v1\"}", 2, NULL, -1, NULL } },
	    "another origin" },
	{ "link", LINK, { { "[]", 2, "?page=2", 1, "https://h/base/x?page=2" }, { "[]", 1, NULL, 0, NULL } }, NULL },
	{ "link elsewhere", LINK, { { "[]", 2, "//other/x", -1, NULL } }, "another origin" },
	{ "one answer", NONE(.next = "/truncated"), { { "{\"r\":[],\"truncated\":false}", 2, NULL, 0, NULL } }, NULL },
	{ "one answer, cut", NONE(.next = "/truncated"), { { "{\"r\":[],\"truncated\":true}", 2, NULL, -1, NULL } },
	    "left some out" },
	{ "one answer, linked on", NONE(.total = NULL), { { "{\"r\":[]}", 2, "?p=2", -1, NULL } }, "left some out" },
	{ "one answer, fewer", NONE(.total = "/t"), { { "{\"r\":[],\"t\":3}", 2, NULL, -1, NULL } }, "2 rows came" },
};

static void
test_steps(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(steps); i++) {
		const struct step_case	*t = &steps[i];
		struct page_state	 s;
		struct error		 e = ERROR_NONE;
		int			 r = 1;

		page_init(&s, &t->plan);
		for (size_t k = 0; k < PAGES_MAX && r == 1; k++) {
			const char		*text = t->pages[k].envelope;
			autojson		*envelope = text == NULL ? NULL : json_parse(text, strlen(text), NULL,
			    &e);
			struct page_facts	 pf = { envelope, t->pages[k].link, "https://h/base/x?page=1",
			    t->pages[k].rows, k + 1 };
			struct fetch_param	 q[PAGE_PARAMS_MAX];
			char			 at[32], size[32];

			r = page_step(&s, &pf, &e);
			if (r != t->pages[k].step)
				print_error("%s, page %zu: %d %s\n", t->name, k, r, e.msg);
			assert_int_equal(r, t->pages[k].step);
			if (r == 1 && page_by_link(&t->plan))
				assert_string_equal(s.next, t->pages[k].next);
			else if (r == 1) {
				assert_true(page_params(&s, q, at, size) > 0);
				assert_string_equal(q[0].value, t->pages[k].next);
			}
		}
		assert_int_equal(r, t->says == NULL ? 0 : -1);
		assert_int_equal(e.code, t->says == NULL ? ERR_NONE : ERR_INVALID_RESPONSE);
		if (t->says != NULL && strstr(e.msg, t->says) == NULL)
			fail_msg("%s: %s", t->name, e.msg);
		page_free(&s);
	}
}

/* Ten thousand cursors are all remembered. */
static void
test_seen(void **state)
{
	const struct page_plan	 plan = CURSOR(.size = 5);
	struct page_state	 s;
	struct error		 e = ERROR_NONE;

	(void)state;
	page_init(&s, &plan);
	for (int i = 0; i <= 10000; i++) {
		autojson	*o = cJSON_CreateObject();

		json_set(o, "r", cJSON_CreateArray());
		json_set(o, "n", json_int(i == 10000 ? 1234 : i));
		assert_int_equal(page_step(&s, &(struct page_facts){ .envelope = o, .rows = 1, .url = "https://h" },
		    &e),
		    i == 10000 ? -1 : 1);
	}
	page_free(&s);
}

static void
test_same_page(void **state)
{
	const struct page_plan	 plan = OFFSET(.size = 5);
	struct page_state	 s;
	struct error		 e = ERROR_NONE;
	autojson		*o = json_parse("{\"r\":[]}", 8, NULL, &e);

	(void)state;
	page_init(&s, &plan);
	assert_int_equal(page_step(&s, &(struct page_facts){ o, NULL, "https://h", 2, 77 }, &e), 1);
	assert_int_equal(page_step(&s, &(struct page_facts){ o, NULL, "https://h", 2, 77 }, &e), -1);
	assert_non_null(strstr(e.msg, "same page"));
	page_free(&s);
}

struct list_case {
	const char		*name;
	struct route		 routes[4];
	struct fetch_request	 first;
	struct page_plan	 plan;
	const char		*ids;
	const char		*says;		/* NULL: it comes to its end */
	unsigned int		 hits0;		/* of the first route */
};

#define P(text)			{ 200, (text), NULL, HOW_PLAIN }
#define LINKED(text, link)	{ 200, (text), (link), HOW_PLAIN }

static const struct list_case	 lists[] = {
	{ "scim, a page breaks off", { { "/base/U?f=x&startIndex=1&count=2", { { 200,
	    "{\"totalResults\":3,\"Resources\":[{\"id\":\"a\"},{\"id",
	    NULL, HOW_CUT } } }, { "/base/U?f=x&startIndex=2&count=2",
	    { P("{\"totalResults\":3,\"Resources\":[{\"id\":\"b\"},{\"id\":\"c\"}]}") } } },
	    { .path = "/U", .query = (const struct fetch_param[]){ { "count", "99" }, { "f", "x" }, { NULL, NULL } } },
	    { .kind = PAGE_SCIM, .size = 2 }, "a b c ", NULL, 1 },
	{ "links, a page breaks off", { { "/base/L", { { 200, "[{\"id\":\"a\"},{\"id\":\"b\"},{",
	    "Link: <L?p=2>; rel=next\r\n", HOW_CHUNKED_CUT },
	    { 200, "[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]",
	    "Link: <L>; rel=\"self\"\r\nLink: <L?p=2>; rel=\"next\"\r\n"
	    "Link: <L?p=9>; rel=\"last\"\r\n", HOW_CHUNKED } } }, { "/base/L?p=2", { P("[{\"id\":\"d\"}]") } } },
	    { .path = "/L" }, { .kind = PAGE_LINK }, "a b c d ", NULL, 2 },
	{ "a page comes shorter than it was", { { "/base/L", { { 200, "[{\"id\":\"a\"},{\"id\":\"b\"},{", NULL,
	    HOW_CUT },
	    P("[{\"id\":\"a\"}]") } } }, { .path = "/L" }, { .kind = PAGE_LINK }, "a b ", "fewer rows", 2 },
	{ "always breaks off", { { "/base/L", { { 200, "[{\"id\":\"a\"},{", NULL, HOW_CUT } } } }, { .path = "/L" },
	    { .kind = PAGE_LINK }, "a ", "/base/L", 3 },
	{ "link to elsewhere", { { "/base/L", { LINKED("[{\"id\":\"a\"}]",
	    "Link: <http://refused.example/L>; rel=next\r\n") } } },
	    { .path = "/L" }, { .kind = PAGE_LINK }, "a ", "another origin: http://refused.example/L", 1 },
	{ "an empty answer", { { "/base/L", { P("") } } }, { .path = "/L" }, { .kind = PAGE_LINK }, "",
	    "ends too early", 1 },
	{ "no content", { { "/base/L", { { 204, "", NULL, HOW_PLAIN } } } }, { .path = "/L" }, { .kind = PAGE_LINK },
	    "", "without a body", 1 },
	{ "not a list", { { "/base/L", { P("{\"ok\":false}") } } }, { .path = "/L" }, { .kind = PAGE_CURSOR, .rows =
	    "/r", .next = "/n",
	    .param = "c" }, "", "no array", 1 },
	{ "a failure is no page", { { "/base/L", { { 404, "[]", NULL, HOW_PLAIN } } } }, { .path = "/L", .flags =
	    FETCH_ANY_STATUS },
	    { .kind = PAGE_LINK }, "", "404", 1 },
	{ "cursor, escaped", { { "/base/L", { P("{\"r\":[{\"id\":\"a\"}],\"n\":\"x=&\"}") } }, { "/base/L?c=x%3D%26",
	    { P("{\"r\":[{\"id\":\"b\"}]}") } } },
	    { .path = "/L" }, { .kind = PAGE_CURSOR, .rows = "/r", .next = "/n", .param = "c" }, "a b ", NULL, 1 },
	{ "the offset is ignored", { { "/base/L?o=0", { P("[{\"id\":\"a\"}]") } }, { "/base/L?o=1",
	    { P("[{\"id\":\"a\"}]") } } },
	    { .path = "/L" }, { .kind = PAGE_OFFSET, .param = "o" }, "a a ", "same page", 1 },
};

static void
test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(lists); i++) {
		const struct list_case	*t = &lists[i];
		struct rows_seen	 seen = { 0 };
		struct fetch_options	 o = { .attempts = 3 };
		uint64_t		 rows = 99;
		struct fetch		*f;
		int			 r;

		server_start(t->routes, t->routes[1].target != NULL ? 2 : 1);
		f = client_new(o);
		r = fetch_pages(f, &t->first, &t->plan, row_seen, &seen, &rows, &err);
		print_message("%s: %d %s\n", t->name, r, err.msg);
		assert_int_equal(r, t->says == NULL ? 0 : -1);
		assert_int_equal(err.code == ERR_NONE, t->says == NULL);
		if (t->says != NULL)
			assert_non_null(strstr(err.msg, t->says));
		assert_string_equal(seen.ids, t->ids);
		assert_int_equal(rows, seen.n);
		assert_int_equal(shared->hits[0], t->hits0);
		fetch_free(f);
		server_stop();
	}
}

/* The handler's own failure is passed on as it is, and nothing is asked again. */
static void
test_handler(void **state)
{
	static const struct route	 r = { "/base/L", { P("[{\"id\":\"a\"},{\"id\":\"b\"}]") } };
	struct rows_seen		 seen = { .fail_at = 2 };
	struct fetch			*f;

	(void)state;
	server_start(&r, 1);
	f = client_new((struct fetch_options){ .attempts = 3 });
	assert_int_equal(fetch_pages(f, &(struct fetch_request){ .path = "/L" }, &(struct page_plan){ .kind =
	    PAGE_LINK },
	    row_seen, &seen, NULL, &err), -1);
	assert_string_equal(err.msg, "enough");
	assert_int_equal(shared->hits[0], 1);
	fetch_free(f);
	server_stop();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_steps), cmocka_unit_test(test_seen), cmocka_unit_test(test_same_page),
		cmocka_unit_test(test_lists), cmocka_unit_test(test_handler),
	};
	struct error	 e = ERROR_NONE;

	if (fetch_preload(&e) == -1)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
