/*
 * test_fetch_http.c -- one request at a time against a server on loopback.
 */
#include "tests/unit/fetch_server.h"

#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED	true
#elif defined(__has_feature)
#define SANITIZED	__has_feature(address_sanitizer)
#else
#define SANITIZED	false
#endif

static const struct fetch_options	 plain = { .attempts = 3 };

/* One call, and what must come of it. */
struct http_case {
	const char		*name;
	struct route		 route;
	struct fetch_request	 rq;
	struct auth		 auth;
	enum err_code		 code;		/* ERR_NONE: success */
	const char		*says;		/* part of the error's text, or of the request */
	unsigned int		 hits;
	const char		*body;		/* of the answer, as text; NULL: none */
};

#define OK(text)	{ 200, (text), NULL, HOW_PLAIN }
#define HTML		"<html>down</html>"

static const struct http_case	 cases[] = {
	{ "json", { "/base/a", { OK("{\"x\":1}") } }, { .path = "/a" }, .hits = 1, .body = "{\"x\":1}" },
	{ "chunked", { "/base/a", { { 200, "[1]", NULL, HOW_CHUNKED } } }, { .path = "/a" }, .hits = 1, .body = "[1]" },
	{ "path without a slash", { "/base/a?b=1", { OK("1") } }, { .path = "a?b=1" }, .hits = 1, .body = "1" },
	{ "query", { "/base/a?q=x%20%26y", { OK("1") } }, { .path = "/a", .query = (const struct fetch_param[]){
	    { "q", "x &y" }, { "left", NULL }, { NULL, NULL } } }, .hits = 1, .body = "1" },
	{ "no body", { "/base/a", { { 204, "", NULL, HOW_PLAIN } } }, { .method = "DELETE", .path = "/a" }, .hits = 1 },
	{ "not json", { "/base/a", { OK(HTML) } }, { .path = "/a" }, .code = ERR_INVALID_RESPONSE,
	    .says = "<html>down", .hits = 1 },
	{ "scim detail", { "/base/a?s=secret", { { 404, "{\"detail\":\"no user\\n7\"}", NULL, HOW_PLAIN } } },
	    { .path = "/a?s=secret" }, .code = ERR_NOT_FOUND, .says = "no user 7", .hits = 1 },
	{ "conflict", { "/base/a", { { 409, "{\"detail\":\"dup\"}", NULL, HOW_PLAIN } } },
	    { .method = "POST", .path = "/a" }, .code = ERR_INVALID_REQUEST, .says = "dup", .hits = 1 },
	{ "post without a body says so", { "/base/a", { OK("1") } }, { .method = "POST", .path = "/a" },
	    .says = "Content-Length: 0", .hits = 1, .body = "1" },
	{ "html 503, then fine", { "/base/a", { { 503, HTML, NULL, HOW_PLAIN }, OK("2") } }, { .path = "/a" },
	    .hits = 2, .body = "2" },
	{ "503 for good", { "/base/a", { { 503, HTML, NULL, HOW_PLAIN } } }, { .path = "/a" },
	    .code = ERR_UPSTREAM, .says = "503", .hits = 3 },
	{ "post is not repeated on 500", { "/base/a", { { 500, "", NULL, HOW_PLAIN }, OK("1") } },
	    { .method = "POST", .path = "/a" }, .code = ERR_UPSTREAM, .says = "500", .hits = 1 },
	{ "post is repeated on 429", { "/base/a", { { 429, "", "Retry-After: 0\r\n", HOW_PLAIN }, OK("1") } },
	    { .method = "POST", .path = "/a" }, .hits = 2, .body = "1" },
	{ "post is not repeated once sent", { "/base/a", { { 200, "", NULL, HOW_DROP }, OK("1") } },
	    { .method = "POST", .path = "/a" }, .code = ERR_UPSTREAM, .hits = 1 },
	{ "once", { "/base/a", { { 503, "", NULL, HOW_PLAIN }, OK("1") } },
	    { .path = "/a", .flags = FETCH_ONCE }, .code = ERR_UPSTREAM, .hits = 1 },
	{ "cut, then whole", { "/base/a", { { 200, "{\"x\":", NULL, HOW_CUT }, OK("3") } }, { .path = "/a" },
	    .hits = 2, .body = "3" },
	{ "cut chunks", { "/base/a", { { 200, "{\"x\":", NULL, HOW_CHUNKED_CUT } } },
	    { .path = "/a", .flags = FETCH_ONCE }, .code = ERR_INVALID_RESPONSE, .hits = 1 },
	{ "waiting too long", { "/base/a", { { 429, "", "Retry-After: 900\r\n", HOW_PLAIN } } }, { .path = "/a" },
	    .code = ERR_UPSTREAM, .says = "900 s", .hits = 1 },
	{ "reset header", { "/base/a", { { 403, "", "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 0\r\n", HOW_PLAIN },
	    OK("1") } }, { .path = "/a" }, .hits = 2, .body = "1" },
	{ "a refusal is none", { "/base/a", { { 403, "", "X-RateLimit-Remaining: 9\r\nX-RateLimit-Reset: 0\r\n",
	    HOW_PLAIN } } }, { .path = "/a" }, .code = ERR_INSUFFICIENT_PERMISSION, .hits = 1 },
	{ "any status", { "/base/a", { { 404, "{\"x\":1}", NULL, HOW_PLAIN } } },
	    { .path = "/a", .flags = FETCH_ANY_STATUS }, .hits = 1, .body = "{\"x\":1}" },
	{ "redirect to elsewhere", { "/base/a", { { 302, "", "Location: http://refused.example/x\r\n", HOW_PLAIN } } },
	    { .path = "/a" }, .code = ERR_UPSTREAM, .says = "another origin", .hits = 1 },
	{ "redirect of a post", { "/base/a", { { 307, "", "Location: /base/b\r\n", HOW_PLAIN } } },
	    { .method = "POST", .path = "/a" }, .code = ERR_UPSTREAM, .says = "307", .hits = 1 },
	{ "redirect in a circle", { "/base/a", { { 301, "", "Location: a\r\n", HOW_PLAIN } } }, { .path = "/a" },
	    .code = ERR_UPSTREAM, .says = "redirects", .hits = FETCH_REDIRECTS_MAX + 1 },
	{ "redirect back", { "/base/a", { { 301, "", "Location: ../base/a\r\n", HOW_PLAIN }, OK("1") } },
	    { .path = "/a", .flags = FETCH_ANY_STATUS }, .hits = 2, .body = "1" },
	{ "basic", { "/base/a", { OK("1") } }, { .path = "/a" }, { .kind = AUTH_BASIC, .user = "u", .secret = "p" },
	    .says = "Authorization: Basic dTpw\r\n", .hits = 1, .body = "1" },
	{ "key in the query", { "/base/a?b=1&key=s%2B", { OK("1") } }, { .path = "/a?b=1" },
	    { .kind = AUTH_API_KEY, .name = "key", .secret = "s+", .in_query = true }, .hits = 1, .body = "1" },
	{ "prefix", { "/base/a", { OK("1") } }, { .path = "/a" },
	    { .kind = AUTH_API_KEY, .name = "Authorization", .secret = "abc", .prefix = "SSWS " },
	    .says = "Authorization: SSWS abc\r\n", .hits = 1, .body = "1" },
	{ "other origin", { "/base/a", { OK("1") } }, { .path = "http://refused.example/a" },
	    .code = ERR_INVALID_RESPONSE, .says = "another origin", .hits = 0 },
	{ "headers replace", { "/base/a", { OK("1") } }, { .path = "/a", .headers = (const char *const[]){
	    "accept: text/x", NULL } }, .says = "accept: text/x\r\n", .hits = 1, .body = "1" },
	{ "an empty answer to a rows call", { "/base/a", { OK("") } }, { .path = "/a", .rows = "/r", .on_row = row_seen,
	    .arg = &(struct rows_seen){ 0 } }, .code = ERR_INVALID_RESPONSE, .hits = 1 },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		const struct http_case	*t = &cases[i];
		struct fetch_options	 o = plain;
		struct fetch		*f;
		struct fetch_response	 rs;
		autofree char		*text = NULL;
		int			 r;

		o.auth = t->auth;
		server_start(&t->route, 1);
		f = client_new(o);
		assert_non_null(f);
		r = fetch_call(f, &t->rq, &rs, &err);
		text = r == 0 && rs.body != NULL ? json_text(rs.body) : NULL;
		print_message("%s: %d %s\n", t->name, r, err.msg);
		assert_int_equal(err.code, t->code);
		assert_int_equal(r, t->code == ERR_NONE ? 0 : -1);
		assert_int_equal(shared->hits[0], t->hits);
		if (t->code == ERR_NONE && t->body != NULL)
			assert_string_equal(text == NULL ? "nothing" : text, t->body);
		if (t->says != NULL)
			assert_non_null(strstr(t->code == ERR_NONE ? shared->asked[0] : err.msg, t->says));
		assert_null(strstr(err.msg, "secret"));
		fetch_response_free(&rs);
		fetch_free(f);
		server_stop();
	}
}

/* Each header line but the last of its name is still to be had, and two values at a time. */
static void
test_headers(void **state)
{
	static const struct route	 r = { "/base/a", { { 200, "1", "A: 1\r\nB:  two \r\na: 3\r\n", HOW_PLAIN } } };
	struct fetch_response		 rs;
	struct fetch			*f;
	const char			*a, *b;

	(void)state;
	server_start(&r, 1);
	f = client_new(plain);
	assert_int_equal(fetch_call(f, &(struct fetch_request){ .path = "/a" }, &rs, &err), 0);
	a = fetch_header(&rs, "A");
	b = fetch_header(&rs, "b");
	assert_string_equal(a, "3");
	assert_string_equal(b, "two");
	assert_null(fetch_header(&rs, "c"));
	fetch_response_free(&rs);
	fetch_free(f);
	server_stop();
}

static void
test_oauth(void **state)
{
	static char			 url[64];
	static const struct route	 routes[] = {
		{ "/token", { OK("{\"access_token\":\"t1\",\"expires_in\":3600}"),
		    OK("{\"access_token\":\"t2\",\"expires_in\":\"3600\"}"), { 401, "{\"error\":\"invalid_client\","
		    "\"error_description\":\"bad secret\"}", NULL, HOW_PLAIN } } },
		{ "/base/a", { OK("1"), OK("2"), { 401, "", NULL, HOW_PLAIN }, OK("3"), { 401, "", NULL,
		    HOW_PLAIN } } },
	};
	struct fetch_options		 o = plain;
	struct fetch			*f;
	autojson			*out = NULL;

	(void)state;
	server_start(routes, N_ITEMS(routes));
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/token", server_port);
	o.auth = (struct auth){ .kind = AUTH_OAUTH2_CC, .user = "i d", .secret = "s:x", .token_url = url, .scope =
	    "a b" };
	o.accept = "application/scim+json";
	f = client_new(o);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fetch_get(f, "/a", NULL, &err), 0);
		assert_int_equal(shared->hits[0], i < 2 ? 1 : 2);	/* the third was refused and signed in again */
	}
	assert_non_null(strstr(shared->asked[1], "Authorization: Bearer t2\r\n"));
	assert_non_null(strstr(shared->asked[0], "Authorization: Basic aSUyMGQ6cyUzQXg=\r\n"));
	assert_non_null(strstr(shared->asked[0], "grant_type=client_credentials&scope=a%20b"));
	assert_int_equal(fetch_get(f, "/a", &out, &err), -1);
	assert_int_equal(err.code, ERR_INSUFFICIENT_PERMISSION);
	assert_non_null(strstr(err.msg, "invalid_client"));
	assert_non_null(strstr(err.msg, "bad secret"));
	fetch_free(f);
	server_stop();
}

/* On a kept connection that turns out dead a GET is sent again, a POST is not; nor is it sent on one that nobody says is kept. */
static void
test_dead_connection(void **state)
{
	static const struct route	 routes[] = {
		{ "/base/a", { OK("1") } },
		{ "/base/post", { { 200, "", NULL, HOW_DROP }, OK("1") } },
		{ "/base/get", { { 200, "", NULL, HOW_DROP }, OK("1") } },
		{ "/base/keep", { { 200, "1", "Connection: keep-alive\r\n", HOW_PLAIN } } },
		{ "/base/made", { OK("1") } },
	};
	struct fetch_options		 o = { .attempts = 1 };
	int				 connections;
	struct fetch			*f;

	(void)state;
	server_start(routes, N_ITEMS(routes));
	f = client_new(o);
	assert_int_equal(fetch_get(f, "/a", NULL, &err), 0);
	assert_int_equal(fetch_get(f, "/get", NULL, &err), 0);
	assert_int_equal(shared->hits[2], 2);
	connections = shared->connections;
	assert_int_equal(fetch_send(f, "POST", "/made", NULL, NULL, &err), 0);
	assert_int_equal(shared->connections, connections + 1);
	assert_int_equal(fetch_get(f, "/keep", NULL, &err), 0);
	assert_int_equal(fetch_send(f, "POST", "/post", NULL, NULL, &err), -1);
	assert_int_equal(shared->hits[1], 1);
	assert_int_equal(err.code, ERR_UPSTREAM);
	assert_non_null(strstr(err.msg, "not known whether it was carried out"));
	fetch_free(f);
	server_stop();
}

static int64_t
wait_told(void *arg, const struct fetch_response *rs, unsigned int attempt)
{
	(void)arg;
	assert_int_equal(attempt, 1);
	return rs->status == 409 && json_bool(rs->body, "busy", false) ? 1 : -1;
}

static void
explain(void *arg, const struct fetch_response *rs, struct error *e)
{
	(void)arg;
	error_set(e, ERR_NOT_FOUND, "explained %d", rs->status);
}

static void
test_hooks(void **state)
{
	static const struct route	 r = { "/base/a", { { 409, "{\"busy\":true}", NULL, HOW_PLAIN }, OK("1"),
	    { 410, "", NULL, HOW_PLAIN } } };
	struct fetch_options		 o = { .attempts = 2, .wait_ms = wait_told, .explain = explain };
	struct fetch			*f;

	(void)state;
	server_start(&r, 1);
	f = client_new(o);
	assert_int_equal(fetch_send(f, "POST", "/a", NULL, NULL, &err), 0);
	assert_int_equal(err.code, ERR_NONE);
	assert_int_equal(fetch_send(f, "POST", "/a", NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.msg, "explained 410");
	fetch_free(f);
	server_stop();
}

struct nest {
	struct fetch	*f;
	unsigned int	 n;
};

static int
row_nests(void *arg, cJSON *row, struct error *e)
{
	struct nest	*n = arg;
	autojson	*out = NULL;

	cJSON_Delete(row);
	n->n++;
	return fetch_get(n->f, "/one", &out, e);
}

static void
test_rows(void **state)
{
	static const struct route	 routes[] = {
		{ "/base/rows", { { 200, "{\"t\":2,\"r\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", NULL, HOW_CHUNKED } } },
		{ "/base/cut", { { 200, "{\"r\":[{\"id\":\"a\"},{\"id\":\"b\"},{", NULL, HOW_CUT } } },
		{ "/base/one", { OK("{}") } },
	};
	struct rows_seen		 seen = { 0 };
	struct fetch_request		 rq = { .path = "/rows", .rows = "/r", .on_row = row_seen, .arg = &seen };
	struct fetch_response		 rs;
	struct nest			 nest = { 0 };

	(void)state;
	server_start(routes, N_ITEMS(routes));
	nest.f = client_new(plain);
	assert_int_equal(fetch_call(nest.f, &rq, &rs, &err), 0);
	assert_string_equal(seen.ids, "a b ");
	assert_int_equal(rs.rows, 2);
	assert_int_equal(json_i64(rs.body, "t", 0), 2);
	fetch_response_free(&rs);

	seen = (struct rows_seen){ 0 };
	rq.path = "/cut";
	assert_int_equal(fetch_call(nest.f, &rq, NULL, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_RESPONSE);
	assert_int_equal(shared->hits[1], 1);	/* rows went on: not repeated */
	err = ERROR_NONE;

	seen = (struct rows_seen){ .fail_at = 1 };
	rq.path = "/rows";
	assert_int_equal(fetch_call(nest.f, &rq, NULL, &err), -1);
	assert_string_equal(err.msg, "enough");
	err = ERROR_NONE;

	rq.on_row = row_nests;
	rq.arg = &nest;
	assert_int_equal(fetch_call(nest.f, &rq, NULL, &err), 0);
	assert_int_equal(nest.n, 2);
	assert_int_equal(shared->hits[2], 2);
	fetch_free(nest.f);
	server_stop();
}

static int
row_drop(void *arg, cJSON *row, struct error *e)
{
	(void)arg;
	(void)e;
	cJSON_Delete(row);
	return 0;
}

/* A list that would not fit is read in flat memory. */
static void
test_flat(void **state)
{
	static const struct route	 routes[] = {
		{ "/base/small", { { 200, "1000", NULL, HOW_ROWS } } }, { "/base/large", { { 200, "200000", NULL,
		    HOW_ROWS } } },
	};
	struct fetch_request		 rq = { .path = "/small", .rows = "/rows", .on_row = row_drop };
	struct fetch_response		 rs;
	struct rusage			 before, after;
	struct fetch			*f;

	(void)state;
	server_start(routes, N_ITEMS(routes));
	f = client_new(plain);
	assert_int_equal(fetch_call(f, &rq, NULL, &err), 0);
	getrusage(RUSAGE_SELF, &before);
	rq.path = "/large";
	assert_int_equal(fetch_call(f, &rq, &rs, &err), 0);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(rs.rows, 200000);
	if (!SANITIZED)		/* there, freed memory is kept back for a while */
		assert_true(after.ru_maxrss - before.ru_maxrss < 2048);
	fetch_response_free(&rs);
	fetch_free(f);
	server_stop();
}

static int
many_done(void *arg, size_t i, struct fetch_response *rs, struct error *e)
{
	int64_t	*sum = arg;

	(void)e;
	*sum += (int64_t)(i + 1) * (int64_t)rs->body->valuedouble;
	return 0;
}

static void
test_many(void **state)
{
	static const struct route	 routes[] = { { "/base/1", { OK("1") } }, { "/base/2", { OK("2") } },
		{ "/base/3", { OK("3") } } };
	const struct fetch_request	 rqs[] = { { .path = "/1" }, { .path = "/2" }, { .path = "/3" }, { .path =
	    "/4" } };
	struct fetch_options		 o = plain;
	struct fetch			*f;
	int64_t				 sum = 0;

	(void)state;
	o.parallel = 2;
	server_start(routes, N_ITEMS(routes));
	f = client_new(o);
	assert_int_equal(fetch_many(f, rqs, 3, many_done, &sum, &err), 0);
	assert_int_equal(sum, 1 + 4 + 9);
	assert_true(shared->connections <= 2);
	assert_int_equal(fetch_many(f, rqs, 4, many_done, &sum, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	fetch_free(f);
	server_stop();
}

static void
test_refused(void **state)
{
	struct fetch_options	 o = { .base_url = "http://refused.example" };
	struct fetch		*f = client_new(o);

	(void)state;
	assert_int_equal(fetch_get(f, "/", NULL, &err), -1);
	assert_int_equal(err.code, ERR_NO_EGRESS);
	assert_string_equal(err.msg, "no-egress: refused.example:80: not allowed");
	fetch_free(f);
	o.base_url = "ftp://x";
	assert_null(client_new(o));
	assert_int_equal(err.code, ERR_INVALID_CONFIGURATION);
	o = (struct fetch_options){ .base_url = "https://x", .auth = { .kind = AUTH_BEARER } };
	assert_null(client_new(o));
	assert_int_equal(err.code, ERR_INVALID_CONFIGURATION);
	o = (struct fetch_options){ .base_url = "https://x", .ca_bundle = "no PEM" };
	assert_null(client_new(o));
	assert_int_equal(err.code, ERR_INVALID_CONFIGURATION);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_headers), cmocka_unit_test(test_oauth),
		cmocka_unit_test(test_dead_connection),
		cmocka_unit_test(test_hooks), cmocka_unit_test(test_rows), cmocka_unit_test(test_flat),
		    cmocka_unit_test(test_many),
		cmocka_unit_test(test_refused),
	};
	struct error	 e = ERROR_NONE;

	if (fetch_preload(&e) == -1)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
