/*
 * test_fetch_many.c -- many requests at once: how many, in which order, and what
 * one of them means for the others.
 */
#include "tests/unit/fetch_server.h"

#define MANY	20u
#define OK(text)	{ 200, (text), NULL, HOW_PLAIN }

/* What came, by request. */
struct tally {
	unsigned int	 times[64];
	double		 value[64];
	size_t		 order[64], n;
	size_t		 refuse_at;	/* 0: never */
	struct fetch	*f;		/* asked from inside, if any */
};

static int
tally_done(void *arg, size_t i, struct fetch_response *rs, struct error *e)
{
	struct tally	*t = arg;

	assert_true(i < N_ITEMS(t->times));
	t->times[i]++;
	t->value[i] = rs->body == NULL ? -1 : rs->body->valuedouble;
	t->order[t->n++] = i;
	if (t->f != NULL && fetch_get(t->f, "/inside", NULL, e) == -1)
		return -1;
	return t->n == t->refuse_at ? error_set(e, ERR_GENERIC, "enough") : 0;
}

static void
requests_fill(struct fetch_request *rqs, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		rqs[i] = (struct fetch_request){ .path = path };
}

/* As many as are allowed are under way together, and never more. */
static void
test_bound(void **state)
{
	static const struct { unsigned int parallel, bound; } bounds[] = {
		{ 0, FETCH_PARALLEL }, { 1, 1 }, { 3, 3 }, { 16, 16 }, { 99, FETCH_PARALLEL_MAX },
	};
	static const struct route	 r = { "/base/g", { { 200, "7", NULL, HOW_GATE } } };
	struct fetch_request		 rqs[MANY];

	(void)state;
	requests_fill(rqs, MANY, "/g");
	for (size_t k = 0; k < N_ITEMS(bounds); k++) {
		struct tally	 t = { .n = 0 };
		struct fetch	*f;

		server_gate = bounds[k].bound;
		server_start(&r, 1);
		f = client_new((struct fetch_options){ .parallel = bounds[k].parallel });
		assert_int_equal(fetch_many(f, rqs, MANY, tally_done, &t, &err), 0);
		assert_int_equal(shared->peak, bounds[k].bound);
		assert_int_equal(shared->connections, bounds[k].bound);
		assert_int_equal(t.n, MANY);
		for (size_t i = 0; i < MANY; i++)
			assert_true(t.times[i] == 1 && t.value[i] == 7);
		/* The connections are kept, for one request too. */
		assert_int_equal(fetch_get(f, "/g", NULL, &err), 0);
		assert_int_equal(shared->connections, bounds[k].bound);
		assert_int_equal(f->held, 0);
		assert_int_equal(f->level, 0);
		fetch_free(f);
		server_stop();
	}
}

static void
test_any_order(void **state)
{
	static const struct route	 routes[] = { { "/base/slow", { { 200, "10", NULL, HOW_AFTER } } },
		{ "/base/1", { OK("11") } }, { "/base/2", { OK("12") } }, { "/base/3", { OK("13") } } };
	const struct fetch_request	 rqs[] = { { .path = "/slow" }, { .path = "/1" }, { .path = "/2" },
		{ .path = "/3" } };
	struct tally			 t = { .n = 0 };
	struct fetch			*f;

	(void)state;
	server_gate = N_ITEMS(routes);
	server_start(routes, N_ITEMS(routes));
	f = client_new((struct fetch_options){ .parallel = 2 });
	assert_int_equal(fetch_many(f, rqs, 4, tally_done, &t, &err), 0);
	for (size_t i = 0; i < 4; i++)
		assert_true(t.times[i] == 1 && t.value[i] == (double)(10 + i));
	assert_int_not_equal(t.order[0], 0);
	assert_int_equal(fetch_many(f, rqs, 0, tally_done, &t, &err), 0);
	fetch_free(f);
	server_stop();
}

/* All are refused together; one new token serves them all. */
static void
test_storm(void **state)
{
	static char			 url[64];
	static const struct route	 routes[] = {
		{ "/token", { OK("{\"access_token\":\"t1\"}"), OK("{\"access_token\":\"t2\"}"),
		    OK("{\"access_token\":\"t3\"}") } },
		{ "/base/g", { { 200, "1", NULL, HOW_STORM } } },
	};
	struct fetch_options		 o = { .parallel = 6 };
	struct fetch_request		 rqs[MANY];
	struct tally			 t = { .n = 0 };
	struct fetch			*f;

	(void)state;
	server_gate = 6;
	server_start(routes, N_ITEMS(routes));
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/token", server_port);
	o.auth = (struct auth){ .kind = AUTH_OAUTH2_CC, .user = "i", .secret = "s", .token_url = url };
	requests_fill(rqs, MANY, "/g");
	f = client_new(o);
	assert_int_equal(fetch_many(f, rqs, MANY, tally_done, &t, &err), 0);
	assert_int_equal(t.n, MANY);
	assert_int_equal(shared->peak, 6);
	assert_int_equal(shared->hits[0], 2);
	assert_int_equal(shared->hits[1], MANY + 6);
	fetch_free(f);
	server_stop();
}

/* A limit is the source's: what was not asked yet waits as well. */
static void
test_pause(void **state)
{
	static const struct route	 routes[] = {
		{ "/base/a", { { 429, "", "Retry-After: 1\r\n", HOW_PLAIN }, OK("1") } }, { "/base/b", { OK("2") } } };
	const struct fetch_request	 rqs[] = { { .path = "/a" }, { .path = "/b" }, { .path = "/b" } };
	struct tally			 t = { .n = 0 };
	struct fetch			*f;

	(void)state;
	server_start(routes, N_ITEMS(routes));
	f = client_new((struct fetch_options){ .parallel = 1 });
	assert_int_equal(fetch_many(f, rqs, 3, tally_done, &t, &err), 0);
	assert_int_equal(t.n, 3);
	assert_int_equal(shared->order_n, 4);
	for (size_t i = 1; i < 4; i++)
		assert_true(shared->at_ms[i] - shared->at_ms[0] >= 1000);
	fetch_free(f);
	server_stop();
}

static int64_t
wait_busy(void *arg, const struct fetch_response *rs, unsigned int attempt)
{
	(void)arg;
	(void)attempt;
	return rs->status == 409 ? 2000 : -1;
}

/* What is no limit holds nobody else up. */
static void
test_wait(void **state)
{
	static const struct route	 routes[] = {
		{ "/base/a", { { 409, "", NULL, HOW_PLAIN }, OK("1") } }, { "/base/b", { OK("2") } } };
	const struct fetch_request	 rqs[] = { { .path = "/a" }, { .path = "/b" }, { .path = "/b" } };
	struct tally			 t = { .n = 0 };
	struct fetch			*f;

	(void)state;
	server_start(routes, N_ITEMS(routes));
	f = client_new((struct fetch_options){ .parallel = 1, .wait_ms = wait_busy });
	assert_int_equal(fetch_many(f, rqs, 3, tally_done, &t, &err), 0);
	assert_int_equal(t.order[2], 0);
	assert_int_equal(shared->order[3], 0);
	fetch_free(f);
	server_stop();
}

/* The first failure ends the others, wherever they are, and the client lives on. */
static void
test_failure(void **state)
{
	static const struct route	 routes[] = { { "/base/hang", { { 200, "", NULL, HOW_HANG } } },
		{ "/base/lost", { { 404, "", NULL, HOW_AFTER } } }, { "/base/busy", { { 409, "", NULL, HOW_PLAIN } } },
		{ "/base/1", { OK("1") } } };
	const struct fetch_request	 rqs[] = { { .path = "/busy" }, { .path = "/hang" }, { .path = "/hang" },
		{ .path = "/lost" }, { .path = "/1" }, { .path = "/1" } };
	const struct fetch_request	 elsewhere[] = { { .path = "/hang" }, { .path = "http://refused.example/x" } };
	struct tally			 t = { .n = 0 };
	struct fetch			*f;

	(void)state;
	server_gate = 4;
	server_start(routes, N_ITEMS(routes));
	f = client_new((struct fetch_options){ .parallel = 3, .wait_ms = wait_busy });
	assert_int_equal(fetch_many(f, rqs, 6, tally_done, &t, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(t.n, 0);
	err = ERROR_NONE;
	assert_int_equal(fetch_many(f, elsewhere, 2, tally_done, &t, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_RESPONSE);
	err = ERROR_NONE;
	t.refuse_at = 1;
	assert_int_equal(fetch_many(f, (const struct fetch_request[]){ { .path = "/hang" }, { .path = "/1" },
	    { .path = "/hang" } }, 3, tally_done, &t, &err), -1);
	assert_string_equal(err.msg, "enough");
	assert_int_equal(f->held, 0);
	assert_int_equal(f->level, 0);
	assert_int_equal(fetch_get(f, "/1", NULL, &err), 0);
	fetch_free(f);
	server_stop();
}

/* Each wants its own thing of a 404. */
static void
test_may_miss(void **state)
{
	static const struct route	 routes[] = { { "/base/1", { OK("1") } }, { "/base/bad", { { 400, "", NULL,
	    HOW_PLAIN } } } };
	const struct fetch_request	 rqs[] = { { .path = "/1" }, { .path = "/no", .flags = FETCH_MAY_MISS } };
	const struct fetch_request	 bad = { .path = "/bad", .flags = FETCH_MAY_MISS };
	struct tally			 t = { .n = 0 };
	struct fetch			*f;

	(void)state;
	server_start(routes, N_ITEMS(routes));
	f = client_new((struct fetch_options){ .parallel = 2 });
	assert_int_equal(fetch_many(f, rqs, 2, tally_done, &t, &err), 0);
	assert_int_equal(t.n, 2);
	assert_int_equal(fetch_many(f, &bad, 1, tally_done, &t, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_REQUEST);
	fetch_free(f);
	server_stop();
}

/* Rows of several answers at once, and calls from inside rows and from inside done. */
struct rows_nest {
	struct fetch	*f;
	unsigned int	 n;
};

static int
row_nests(void *arg, cJSON *row, struct error *e)
{
	struct rows_nest	*n = arg;

	cJSON_Delete(row);
	return ++n->n % 50 == 1 ? fetch_get(n->f, "/inside", NULL, e) : 0;
}

static void
test_rows(void **state)
{
	static const struct route	 routes[] = { { "/base/r", { { 200, "100", NULL, HOW_ROWS } } },
		{ "/base/inside", { OK("1") } } };
	struct fetch_request		 rqs[12];
	struct rows_nest		 seen[12];
	struct tally			 t = { .n = 0 };
	struct fetch			*f;

	(void)state;
	server_start(routes, N_ITEMS(routes));
	f = client_new((struct fetch_options){ .parallel = 4 });
	t.f = f;
	for (size_t i = 0; i < 12; i++) {
		seen[i] = (struct rows_nest){ .f = f };
		rqs[i] = (struct fetch_request){ .path = "/r", .rows = "/rows", .on_row = row_nests, .arg = &seen[i] };
	}
	assert_int_equal(fetch_many(f, rqs, 12, tally_done, &t, &err), 0);
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(seen[i].n, 100);
	assert_int_equal(shared->hits[1], 12 * 2 + 12);
	assert_true(shared->connections <= 5);		/* those inside have one of their own */
	assert_int_equal(f->level, 0);
	fetch_free(f);
	server_stop();
}

/* Answers that do not fit together are taken one after the other.  Four: some lie in the kernel. */
static void
test_crowd(void **state)
{
	static const struct route	 r = { "/base/b", { { 200, NULL, NULL, HOW_BLOB } } };
	char				*blob;
	struct fetch_request		 rqs[4];
	struct tally			 t = { .n = 0 };
	struct fetch			*f;

	(void)state;
	server_blob = blob = server_blob_make();
	server_gate = 4;
	requests_fill(rqs, 4, "/b");
	server_start(&r, 1);
	f = client_new((struct fetch_options){ .parallel = 4 });
	assert_int_equal(fetch_many(f, rqs, 4, tally_done, &t, &err), 0);
	assert_int_equal(t.n, 4);
	assert_in_range(shared->hits[0], 5, 7);
	assert_int_equal(f->held, 0);
	fetch_free(f);
	server_stop();
	free(blob);
}

/* More that wait than there is room for. */
static void
test_window(void **state)
{
	static const struct route	 r = { "/base/w", { { 503, "", "Retry-After: 0\r\n", HOW_PLAIN }, { 500, "", NULL,
	    HOW_PLAIN }, { 502, "", NULL, HOW_PLAIN }, OK("1") } };
	struct fetch_request		 rqs[MANY];
	struct tally			 t = { .n = 0 };
	struct fetch			*f;

	(void)state;
	requests_fill(rqs, MANY, "/w");
	server_start(&r, 1);
	f = client_new((struct fetch_options){ .parallel = 2 });
	assert_int_equal(fetch_many(f, rqs, MANY, tally_done, &t, &err), 0);
	assert_int_equal(t.n, MANY);
	assert_int_equal(shared->hits[0], MANY + 3);
	fetch_free(f);
	server_stop();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_bound), cmocka_unit_test(test_any_order), cmocka_unit_test(test_storm),
		cmocka_unit_test(test_pause), cmocka_unit_test(test_wait), cmocka_unit_test(test_failure),
		cmocka_unit_test(test_may_miss), cmocka_unit_test(test_rows), cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_window),
	};
	struct error	 e = ERROR_NONE;

	if (fetch_preload(&e) == -1)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
