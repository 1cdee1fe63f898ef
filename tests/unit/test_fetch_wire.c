/*
 * test_fetch_wire.c -- compressed answers, who we say we are, and signs of life.
 */
#include "tests/unit/fetch_server.h"

#include "worker/contract/version.h"
#include "worker/contract/worker_fd.h"
#include "worker/runtime/runtime.h"

#define OK(text)	{ 200, (text), NULL, HOW_PLAIN }

/* What the standard output of a command is; owned by the caller. */
static char *
output_of(const char *command, size_t *n)
{
	size_t	 cap = 1 * MIB, got;
	char	*out = malloc(cap);
	FILE	*p = popen(command, "r");

	assert_non_null(out);
	assert_non_null(p);
	for (*n = 0; (got = fread(out + *n, 1, cap - *n, p)) > 0;)
		*n += got;
	assert_true(*n < cap);
	assert_int_equal(pclose(p), 0);
	return out;
}

/* The cap is on what comes out: a few KiB can be a great deal. */
static void
test_gzip(void **state)
{
	static const struct route	 r = { "/base/z", { { 200, NULL, "Content-Encoding: gzip\r\n", HOW_BLOB } } };
	static const struct { const char *command; enum err_code code; const char *says; } cases[] = {
		{ "printf '{\"x\":\"%s\"}' \"$(printf '%05000d' 7)\" | gzip -c", ERR_NONE, "0007\"}" },
		{ "(printf '\"'; head -c 34000000 /dev/zero | tr '\\0' x; printf '\"') | gzip -c", ERR_LIMIT,
		    "the answer" },
		{ "printf 'no gzip at all'", ERR_INVALID_RESPONSE, "encoding" },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		autofree char	*blob = output_of(cases[i].command, &server_blob_bytes);
		autofree char	*text = NULL;
		autojson	*out = NULL;
		struct fetch	*f;

		server_blob = blob;
		server_gate = 0;
		server_start(&r, 1);
		f = client_new((struct fetch_options){ .attempts = 1 });
		assert_int_equal(fetch_get(f, "/z", &out, &err), cases[i].code == ERR_NONE ? 0 : -1);
		text = out == NULL ? strdup(err.msg) : json_text(out);
		print_message("%s: %.200s\n", cases[i].command, err.msg);
		assert_int_equal(err.code, cases[i].code);
		assert_non_null(strstr(text, cases[i].says));
		assert_non_null(strstr(shared->asked[0], "Accept-Encoding: gzip, deflate\r\n"));
		assert_int_equal(shared->hits[0], 1);
		assert_int_equal(f->held, 0);
		fetch_free(f);
		server_stop();
	}
}

/* Our name and version, unless the connector has its own. */
static void
test_user_agent(void **state)
{
	static const struct route	 r = { "/base/a", { OK("1") } };
	static const char *const	 own[] = { "user-agent: own/1", NULL }, *const other[] = { "User-Agent: two", NULL };
	const struct {
		const char *const	*client, *const *request;
		const char		*line;
	} cases[] = {
		{ NULL, NULL, "\r\nUser-Agent: bascule/" BASCULE_VERSION "\r\n" },
		{ own, NULL, "\r\nuser-agent: own/1\r\n" },
		{ own, other, "\r\nUser-Agent: two\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		struct fetch		*f;
		const char		*line;

		server_start(&r, 1);
		f = client_new((struct fetch_options){ .headers = cases[i].client });
		assert_int_equal(fetch_call(f, &(struct fetch_request){ .path = "/a", .headers = cases[i].request }, NULL,
		    &err), 0);
		line = strcasestr(shared->asked[0], "\r\nUser-Agent:");
		assert_non_null(line);
		assert_null(strcasestr(line + 2, "\r\nUser-Agent:"));
		assert_memory_equal(line, cases[i].line, strlen(cases[i].line));
		fetch_free(f);
		server_stop();
	}
}

/* The caller's trace, and a span of its own for each request; nothing where there is none. */
static void
test_trace(void **state)
{
	static const struct route	 r = { "/base/a", { OK("1") } };
	static const char		 given[] = "00-0123456789abcdef0123456789abcdef-00000000000000ff-ff";
	char				 spans[2][17] = { "", "" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct fetch	*f;
		const char	*line;

		trace_setup(i < 2 ? given : "");
		server_start(&r, 1);
		f = client_new((struct fetch_options){ .attempts = 1 });
		assert_int_equal(fetch_call(f, &(struct fetch_request){ .path = "/a" }, NULL, &err), 0);
		line = strcasestr(shared->asked[0], "\r\ntraceparent: ");
		if (i == 2)
			assert_null(line);
		else {
			char	 trace[64];

			assert_non_null(line);
			snprintf(trace, sizeof(trace), "%.55s", line + strlen("\r\ntraceparent: "));
			assert_true(traceparent_ok(trace));
			assert_memory_equal(trace, given, 3 + 32 + 1);
			assert_string_equal(trace + 52, "-01");
			memcpy(spans[i], trace + 36, 16);
			assert_string_not_equal(spans[i], "00000000000000ff");
		}
		fetch_free(f);
		server_stop();
	}
	assert_string_not_equal(spans[0], spans[1]);
}

/* What is written to FD_RESULT meanwhile; it is the test's own output otherwise. */
struct capture {
	int	 saved, fd;
	char	 text[4096];
};

static void
capture_begin(struct capture *c)
{
	int	 p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	fflush(stdout);
	c->saved = dup(FD_RESULT);
	assert_int_equal(dup2(p[1], FD_RESULT), FD_RESULT);
	close(p[1]);
	c->fd = p[0];
	emit_reset();
}

static size_t
capture_end(struct capture *c, const char *line)
{
	ssize_t	 n;
	size_t	 count = 0;

	dup2(c->saved, FD_RESULT);
	close(c->saved);
	n = read(c->fd, c->text, sizeof(c->text) - 1);
	c->text[n > 0 ? n : 0] = '\0';
	close(c->fd);
	for (const char *p = c->text; (p = strstr(p, line)) != NULL; p += strlen(line))
		count++;
	return count;
}

/* A wait for the source, one between attempts, and one for its leave: each is told of. */
static void
test_keep_alive(void **state)
{
	static const struct route	 routes[] = {
		{ "/base/slow", { { 200, "1", NULL, HOW_SLOW } } },
		{ "/base/later", { { 503, "", "Retry-After: 1\r\n", HOW_PLAIN }, OK("1") } },
		{ "/base/quick", { OK("1") } },
	};
	static const struct { const char *path; int64_t after_ms; bool told; } cases[] = {
		{ "/slow", 100, true }, { "/later", 400, true }, { "/quick", FETCH_ALIVE_MS, false },
		{ "/slow", FETCH_ALIVE_MS, false },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		struct capture	 c;
		struct fetch	*f;
		size_t		 told;
		int		 r;

		fetch_alive_after_ms = cases[i].after_ms;
		server_slow_ms = 300;
		server_start(routes, N_ITEMS(routes));
		f = client_new((struct fetch_options){ .attempts = 2 });
		capture_begin(&c);
		r = fetch_get(f, cases[i].path, NULL, &err);
		told = capture_end(&c, "\"type\":\"keepAlive\"");
		print_message("%s: %zu keepAlives\n", cases[i].path, told);
		assert_int_equal(r, 0);
		assert_int_equal(told > 0, cases[i].told);
		fetch_free(f);
		server_stop();
	}
	fetch_alive_after_ms = FETCH_ALIVE_MS;
}

/* Inside a row's handler lines are held, but none for as long as the runtime sleeps. */
static void
test_sleep_held(void **state)
{
	struct capture	 c;
	struct fetch	*f = client_new((struct fetch_options){ 0 });
	size_t		 told;
	int		 r;

	(void)state;
	capture_begin(&c);
	emit_hold();
	r = emit_output(&call, cJSON_CreateObject());
	fetch_alive(f);
	fetch_alive_after_ms = 950;
	fetch_sleep(f, 1500);		/* in two pieces: the sign of life comes between them */
	told = capture_end(&c, "\"type\":\"keepAlive\"");
	emit_reset();
	fetch_alive_after_ms = FETCH_ALIVE_MS;
	fetch_free(f);
	assert_int_equal(r, 0);
	assert_true(told > 0);
}

static void
explain(void *arg, const struct fetch_response *rs, struct error *e)
{
	*(int *)arg = rs->status;
	error_in(e, "explained");
}

/* That the source asks for too long a wait is explained as any other refusal. */
static void
test_explain(void **state)
{
	static const struct route	 r = { "/base/a", { { 429, "", "Retry-After: 900\r\n", HOW_PLAIN } } };
	int				 status = 0;
	struct fetch			*f;

	(void)state;
	server_start(&r, 1);
	f = client_new((struct fetch_options){ .explain = explain, .explain_arg = &status });
	assert_int_equal(fetch_get(f, "/a", NULL, &err), -1);
	assert_int_equal(status, 429);
	assert_non_null(strstr(err.msg, "explained"));
	assert_non_null(strstr(err.msg, "900 s"));
	fetch_free(f);
	server_stop();
}

#define SILENT_MS	4500	/* of the source; of that: */
#define ROW_MS		2500	/* in a handler */
#define PATIENT_MS	3000

/* Silence is counted while we listen, not while a handler takes its time. */
static int
row_takes_time(void *arg, cJSON *row, struct error *e)
{
	unsigned int	*n = arg;

	(void)e;
	cJSON_Delete(row);
	if ((*n)++ == 0)
		usleep(ROW_MS * 1000);
	return 0;
}

static int
nothing_done(void *arg, size_t i, struct fetch_response *rs, struct error *e)
{
	(void)arg;
	(void)i;
	(void)rs;
	(void)e;
	return 0;
}

static void
test_silence(void **state)
{
	static const struct route	 routes[] = { { "/base/r", { { 200, "10", NULL, HOW_ROWS } } },
		{ "/base/slow", { { 200, "1", NULL, HOW_SLOW } } }, { "/base/hang", { { 200, "", NULL, HOW_HANG } } } };
	unsigned int			 n = 0;
	const struct fetch_request	 rqs[] = { { .path = "/slow" }, { .path = "/r", .rows = "/rows",
	    .on_row = row_takes_time, .arg = &n } };
	struct fetch			*f;

	(void)state;
	server_slow_ms = SILENT_MS;
	server_start(routes, N_ITEMS(routes));
	f = client_new((struct fetch_options){ .attempts = 1, .parallel = 2, .timeout_ms = PATIENT_MS });
	assert_int_equal(fetch_many(f, rqs, 2, nothing_done, NULL, &err), 0);
	assert_int_equal(n, 10);
	fetch_free(f);
	f = client_new((struct fetch_options){ .attempts = 1, .timeout_ms = 1000 });
	assert_int_equal(fetch_get(f, "/hang", NULL, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_non_null(strstr(err.msg, "no byte came or went for 1 s"));
	fetch_free(f);
	server_stop();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_gzip), cmocka_unit_test(test_trace), cmocka_unit_test(test_user_agent), cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_sleep_held),
		cmocka_unit_test(test_explain), cmocka_unit_test(test_silence),
	};
	struct error	 e = ERROR_NONE;

	if (fetch_preload(&e) == -1)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
