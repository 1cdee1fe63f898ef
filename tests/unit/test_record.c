/*
 * test_record.c -- a worker's lines: printed as the platform prints them, judged strictly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/case_files.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/record.h"
#include "worker/contract/util.h"

static void
accepted(const char *name, const char *text, size_t len, const char *want)
{
	struct line_facts	 f;
	struct error		 e = ERROR_NONE;
	const char		*word;

	(void)want;
	if (line_judge(text, len, &f, &e) == -1)
		fail_msg("%s: %s", name, e.msg);
	/* The file's name begins with the record's. */
	word = f.record == REC_KEEP_ALIVE ? "keep_alive" : record_name(f.record);
	if (strncmp(name, word, strlen(word)) != 0)
		fail_msg("%s: taken for %s", name, word);
	if ((f.kind == DATA_ABSENT) != (f.data_bytes == 0) || f.data_at + f.data_bytes > len)
		fail_msg("%s: data at %zu of %zu bytes", name, f.data_at, f.data_bytes);
}

static void
refused(const char *name, const char *text, size_t len, const char *want)
{
	struct line_facts	 f;
	struct error		 e = ERROR_NONE;

	(void)want;
	if (line_judge(text, len, &f, &e) == 0 || e.code != ERR_PROTOCOL || strncmp(e.msg, "result line: ", 13) != 0)
		fail_msg("%s: taken, or \"%s\"", name, e.msg);
}

static void
case_files(void **state)
{
	(void)state;
	assert_true(case_each("tests/cases/line/accept", accepted) >= 25);
	assert_true(case_each("tests/cases/line/reject", refused) >= 59);
}

static void
facts(void **state)
{
	static const struct { const char *line; enum data_kind kind; const char *data; } rows[] = {
		{ "{\"data\": {\"a\":[1]} ,\"type\":\"output\"}", DATA_OBJECT, "{\"a\":[1]}" },
		{ "{\"type\":\"output\",\"data\":12}", DATA_NUMBER, "12" },
		{ "{\"type\":\"output\",\"data\":12 }", DATA_NUMBER, "12" },
		{ "{\"data\":[[],{}],\"type\":\"config\"}", DATA_ARRAY, "[[],{}]" },
		{ "{\"data\":\"x\\\"y\",\"type\":\"output\"}", DATA_STRING, "\"x\\\"y\"" },
		{ "{\"data\":null,\"type\":\"output\"}", DATA_NULL, "null" },
		{ "{\"type\":\"end\"}", DATA_ABSENT, "" },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct line_facts	 f;
		struct error		 e = ERROR_NONE;

		assert_int_equal(line_judge(rows[i].line, strlen(rows[i].line), &f, &e), 0);
		assert_int_equal(f.kind, rows[i].kind);
		assert_int_equal(f.data_bytes, strlen(rows[i].data));
		assert_memory_equal(rows[i].line + f.data_at, rows[i].data, f.data_bytes);
	}
}

static void
line_size(void **state)
{
	static char		 line[LINE_BYTES_MAX + 2];
	const char		*head = "{\"data\":\"", *tail = "\",\"type\":\"output\"}";
	struct line_facts	 f;
	struct error		 e = ERROR_NONE;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, head, strlen(head));
	memcpy(line + LINE_BYTES_MAX - strlen(tail), tail, strlen(tail) + 1);
	assert_int_equal(line_judge(line, LINE_BYTES_MAX, &f, &e), 0);
	assert_int_equal(line_judge(line, LINE_BYTES_MAX + 1, &f, &e), -1);
	assert_int_equal(e.code, ERR_RECORD_TOO_LARGE);
}

static const struct { enum record rec; const char *data; const char *line; } print_cases[] = {
	{ REC_OUTPUT, "{\"b\":1,\"a\":[true,null,\"é\"]}",
	    "{\"data\":{\"b\":1,\"a\":[true,null,\"é\"]},\"type\":\"output\"}\n" },
	{ REC_OUTPUT, NULL, "{\"data\":{},\"type\":\"output\"}\n" },
	{ REC_OUTPUT, "null", "{\"data\":null,\"type\":\"output\"}\n" },
	{ REC_STATE, "{\"c\":90071992547409931}", "{\"data\":{\"c\":90071992547409931},\"type\":\"state\"}\n" },
	{ REC_KEEP_ALIVE, NULL, "{\"data\":{},\"type\":\"keepAlive\"}\n" },
	{ REC_CONFIG, "[]", "{\"data\":[],\"type\":\"config\"}\n" },
	{ REC_LOCKED, NULL, "{\"type\":\"locked\"}\n" },
	{ REC_END, NULL, "{\"type\":\"end\"}\n" },
	{ REC_END, "{}", "{\"data\":{},\"type\":\"end\"}\n" },
};

static void
prints(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(print_cases); i++) {
		struct error		 e = ERROR_NONE;
		struct line_facts	 f;
		autobuf			 b = { .max = LINE_BYTES_MAX };
		const char		*data = print_cases[i].data;
		autojson		*v = data != NULL ? json_parse(data, strlen(data), NULL, &e) : NULL;

		record_print(&b, print_cases[i].rec, v);
		assert_string_equal(b.data, print_cases[i].line);
		assert_int_equal(line_judge(b.data, b.len - 1, &f, &e), 0);
		assert_int_equal(f.record, print_cases[i].rec);
	}
}

static int
verdict(const char *line, struct error *out, struct error *e)
{
	struct line_facts	 f;

	return line_judge(line, strlen(line), &f, e) == -1 ? -1 : verdict_read(line, &f, out, e);
}

static const struct { const char *data; enum err_code code; const char *type, *message; } verdict_cases[] = {
	{ "{\"message\":\"no such user\",\"type\":\"notFound\"}", ERR_NOT_FOUND, "", "no such user" },
	{ "{\"message\":\"m\",\"type\":\"generic\"}", ERR_GENERIC, "", "m" },
	{ "{\"type\":\"vendorSpecific\",\"message\":\"m\",\"stack\":[]}", ERR_GENERIC, "vendorSpecific", "m" },
	{ "{\"type\":\"timeout\",\"message\":\"\"}", ERR_TIMEOUT, "", "" },
	{ "{\"type\":\"generic\",\"message\":\"a\\nb\\u001b[0m\"}", ERR_GENERIC, "", "a b [0m" },
	{ "{\"type\":\"generic\",\"cause\":\"upstream\",\"message\":\"m\"}", ERR_UPSTREAM, "", "m" },
	/* A worker may not name the cause of its own death. */
	{ "{\"type\":\"generic\",\"cause\":\"memory\",\"message\":\"m\"}", ERR_GENERIC, "", "m" },
	{ "{\"type\":\"generic\",\"cause\":7,\"message\":\"m\"}", ERR_GENERIC, "", "m" },
	{ "{}", ERR_NONE, NULL, NULL },
	{ "{\"message\":\"m\"}", ERR_NONE, NULL, NULL },
	{ "{\"message\":\"m\",\"type\":\"\"}", ERR_NONE, NULL, NULL },
	{ "{\"message\":\"m\",\"type\":\"two words\"}", ERR_NONE, NULL, NULL },
	{ "{\"message\":\"m\",\"type\":\"é\"}", ERR_NONE, NULL, NULL },
	{ "{\"message\":1,\"type\":\"generic\"}", ERR_NONE, NULL, NULL },
	{ "{\"message\":\"m\",\"type\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
	    ERR_NONE,
	    NULL, NULL },
	{ "{\"message\":\"\\ud800\",\"type\":\"generic\"}", ERR_NONE, NULL, NULL },
};

static void
verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(verdict_cases); i++) {
		struct error	 out = ERROR_NONE, e = ERROR_NONE;
		autobuf		 b = { .max = LINE_BYTES_MAX };
		int		 r;

		buf_addf(&b, "{\"data\":%s,\"type\":\"error\"}", verdict_cases[i].data);
		r = verdict(b.data, &out, &e);
		if (verdict_cases[i].message == NULL) {
			if (r != -1 || e.code != ERR_PROTOCOL)
				fail_msg("%s: taken, or \"%s\"", verdict_cases[i].data, e.msg);
			continue;
		}
		if (r == -1)
			fail_msg("%s: %s", verdict_cases[i].data, e.msg);
		assert_int_equal(out.code, verdict_cases[i].code);
		assert_string_equal(out.type, verdict_cases[i].type);
		assert_string_equal(out.msg, verdict_cases[i].message);
	}
}

/* A worker's verdict of more values than one needs is refused, whatever the one too many is. */
static void
verdict_of_many(void **state)
{
	static const char *const	 last[] = { "0", "[]", "{}" };

	(void)state;
	for (size_t i = 0; i < N_ITEMS(last); i++) {
		struct error	 out, e = ERROR_NONE;
		autobuf		 b = { .max = LINE_BYTES_MAX };

		buf_adds(&b, "{\"data\":{\"message\":\"m\",\"type\":\"generic\",\"more\":[");
		for (int n = 4; n < 1000; n++)
			buf_adds(&b, "0,");
		buf_addf(&b, "%s]},\"type\":\"error\"}", last[i]);
		assert_int_equal(verdict(b.data, &out, &e), -1);
		assert_int_equal(e.code, ERR_PROTOCOL);
		assert_non_null(strstr(e.msg, "over 1000 values (at /more/996)"));
	}
}

/* What is printed is read as the same, for every code and for the longest text. */
static void
verdict_round_trip(void **state)
{
	(void)state;
	for (enum err_code c = ERR_GENERIC; c < ERR__MAX; c++) {
		struct error	 in = { .code = c }, out, e = ERROR_NONE;
		autobuf		 b = { .max = LINE_BYTES_MAX };

		/* Cut within a character, as a bounded print leaves it. */
		for (size_t i = 0; i + 1 < sizeof(in.msg); i++)
			in.msg[i] = i % 2 == 0 ? '\xc3' : '\xa9';
		record_print_verdict(&b, &in);
		b.data[b.len - 1] = '\0';
		if (verdict(b.data, &out, &e) == -1)
			fail_msg("%s: %s", b.data, e.msg);
		assert_string_equal(error_type(&out), error_type(&in));
		assert_true(strlen(out.msg) > sizeof(out.msg) - 8);
		if (c <= ERR_TIMEOUT)
			assert_int_equal(out.code, c);
	}
}

static void
verdict_end(void **state)
{
	struct error	 none = ERROR_NONE;
	autobuf		 b = { .max = LINE_BYTES_MAX };

	(void)state;
	record_print_verdict(&b, &none);
	assert_string_equal(b.data, "{\"type\":\"end\"}\n");
}

/* One spelling, and nothing else. */
static void
kept_values(void **state)
{
	static const char *const	 bad[] = {
		"{}", "{\"name\":\"\",\"ttlMs\":1,\"value\":\"b\"}", "{\"name\":\"a b\",\"ttlMs\":1,\"value\":\"b\"}",
		"{\"name\":\"a\",\"ttlMs\":0,\"value\":\"b\"}", "{\"name\":\"a\",\"ttlMs\":-1,\"value\":\"b\"}",
		"{\"name\":\"a\",\"ttlMs\":1.5,\"value\":\"b\"}", "{\"name\":\"a\",\"ttlMs\":9999999999999999,\"value\":\"b\"}",
		"{\"name\":\"a\",\"ttlMs\":1,\"value\":\"\"}", "{\"name\":\"a\",\"ttlMs\":1,\"value\":\"b c\"}",
		"{\"name\":\"a\",\"ttlMs\":1,\"value\":\"b\\u0041\"}", "{\"name\":\"a\",\"ttlMs\":1,\"value\":\"b\",\"more\":1}",
		"{\"name\":\"a\", \"ttlMs\":1,\"value\":\"b\"}", "{\"ttlMs\":1,\"name\":\"a\",\"value\":\"b\"}",
		"{\"name\":\"a\",\"ttlMs\":1,\"value\":{\"x\":\"b\"}}",
		"{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"ttlMs\":1,\"value\":\"b\"}",
	};
	struct kept_value		 v = { "oauth:1", 7, "a.b-c~d+/=", 10, 3570000 }, got;
	struct line_facts		 f;
	struct error			 e = ERROR_NONE;
	char				 line[1024], big[CACHE_VALUE_BYTES_MAX + 1];
	struct buf			 b;

	(void)state;
	buf_init(&b, LINE_BYTES_MAX);
	record_print_kept(&b, &v);
	assert_string_equal(b.data, "{\"data\":{\"name\":\"oauth:1\",\"ttlMs\":3570000,\"value\":\"a.b-c~d+/=\"},\"type\":\"cache\"}\n");
	assert_int_equal(line_judge(b.data, b.len - 1, &f, &e), 0);
	assert_int_equal(f.record, REC_CACHE);
	assert_int_equal(kept_value_read(b.data, &f, &got, &e), 0);
	assert_int_equal(got.ttl_ms, v.ttl_ms);
	assert_int_equal(got.name_bytes, 7);
	assert_memory_equal(got.value, v.value, got.value_bytes);
	buf_free(&b);
	for (size_t i = 0; i < N_ITEMS(bad); i++) {
		snprintf(line, sizeof(line), "{\"data\":%s,\"type\":\"cache\"}", bad[i]);
		if (line_judge(line, strlen(line), &f, &e) == 0 && kept_value_read(line, &f, &got, &e) == 0)
			fail_msg("%s", bad[i]);
	}
	memset(big, 'x', sizeof(big));
	v.value = big;
	v.value_bytes = sizeof(big) - 1;
	assert_true(kept_value_ok(&v));
	v.value_bytes++;
	assert_false(kept_value_ok(&v));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(case_files), cmocka_unit_test(kept_values), cmocka_unit_test(facts), cmocka_unit_test(line_size),
		cmocka_unit_test(prints), cmocka_unit_test(verdicts), cmocka_unit_test(verdict_of_many), cmocka_unit_test(verdict_round_trip),
		cmocka_unit_test(verdict_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
