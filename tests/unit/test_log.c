/*
 * test_log.c -- log lines: their shape, what they hide, and where they are cut.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/contract/json.h"
#include "worker/contract/worker_fd.h"
#include "worker/runtime/runtime.h"

static struct {
	struct call	 c;
	struct error	 e;
	int		 read_fd, saved_fd;
	char		 got[4 * LOG_LINE_BYTES_MAX];
	size_t		 len;
} t;

static void
begin(bool debug)
{
	int	 p[2];

	memset(&t, 0, sizeof(t));
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	t.saved_fd = dup(FD_LOG);
	assert_int_equal(dup2(p[1], FD_LOG), FD_LOG);
	close(p[1]);
	t.read_fd = p[0];
	t.c = (struct call){ .cmd = CMD_ACCOUNT_LIST, .type = "std:account:list", .id = "inv-1", .version = 3,
	    .err = &t.e };
	redact_wipe();
	log_setup(debug);
}

static void
finish(void)
{
	ssize_t	 n;

	dup2(t.saved_fd, FD_LOG);
	close(t.saved_fd);
	while (t.len < sizeof(t.got) - 1 && (n = read(t.read_fd, t.got + t.len, sizeof(t.got) - 1 - t.len)) > 0)
		t.len += (size_t)n;
	close(t.read_fd);
	t.got[t.len] = '\0';
	redact_wipe();
}

/* The line with its time replaced by "T", once that was seen to be one. */
static const char *
untimed(void)
{
	static char	 s[sizeof(t.got)];
	char		*at = strstr(t.got, "\"timestamp\":\"");
	struct tm	 tm = { 0 };
	time_t		 then, now = time(NULL);
	char		*rest;

	assert_non_null(at);
	at += strlen("\"timestamp\":\"");
	rest = strptime(at, "%Y-%m-%dT%H:%M:%S", &tm);
	assert_ptr_equal(rest, at + 19);
	then = timegm(&tm);
	assert_true(then <= now && then >= now - 5);
	assert_int_equal(at[19], '.');
	assert_int_equal(at[23], 'Z');
	snprintf(s, sizeof(s), "%.*sT%s", (int)(at - t.got), t.got, at + 24);
	return s;
}

static cJSON *
tree(const char *text)
{
	struct error	 e = ERROR_NONE;
	cJSON		*v = json_parse(text, strlen(text), NULL, &e);

	assert_non_null(v);
	return v;
}

static const struct log_case {
	const char	*name;
	const char	*fields;
	int64_t		 version;
	const char	*id;
	const char	*message, *want;
} cases[] = {
	{ "plain", NULL, 3, "inv-1", "hello",
	    "{\"level\":\"INFO\",\"timestamp\":\"T\",\"version\":3,\"invocationId\":\"inv-1\","
	    "\"commandType\":\"std:account:list\",\"message\":\"hello\"}\n" },
	{ "no version, no id", NULL, -1, "", "hello",
	    "{\"level\":\"INFO\",\"timestamp\":\"T\",\"commandType\":\"std:account:list\",\"message\":\"hello\"}\n" },
	{ "fields", "{\"n\":1,\"deep\":{\"a\":[true]}}", 3, "", "x",
	    "{\"level\":\"INFO\",\"timestamp\":\"T\",\"n\":1,\"deep\":{\"a\":[true]},\"version\":3,"
	    "\"commandType\":\"std:account:list\",\"message\":\"x\"}\n" },
	{ "fields that claim to be context",
	    "{\"version\":9,\"message\":\"m\",\"level\":\"FATAL\",\"k\":0}", 3, "", "x",
	    "{\"level\":\"INFO\",\"timestamp\":\"T\",\"version\":3,\"k\":0,"
	    "\"commandType\":\"std:account:list\",\"message\":\"x\"}\n" },
	{ "secrets in fields", "{\"a\":{\"hunter22\":\"x hunter22\"},\"pin\":12345678}", 3, "", "hunter22",
	    "{\"level\":\"INFO\",\"timestamp\":\"T\",\"a\":{\"****\":\"x ****\"},\"pin\":\"****\",\"version\":3,"
	    "\"commandType\":\"std:account:list\",\"message\":\"****\"}\n" },
	{ "a line break and bad UTF-8", NULL, 3, "", "a\nb\xff",
	    "{\"level\":\"INFO\",\"timestamp\":\"T\",\"version\":3,"
	    "\"commandType\":\"std:account:list\",\"message\":\"a\\nb?\"}\n" },
};

static void
test_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		begin(false);
		t.c.version = cases[i].version;
		t.c.id = cases[i].id;
		redact_add("hunter22");
		redact_add("12345678");
		if (cases[i].fields != NULL)
			log_with(&t.c, LOG_INFO, tree(cases[i].fields), "%s", cases[i].message);
		else
			log_info(&t.c, "%s", cases[i].message);
		finish();
		print_message("%s\n", cases[i].name);
		assert_string_equal(untimed(), cases[i].want);
	}
}

/* A secret whose blot could break the line, were it looked for in the line. */
static void
test_structure(void **state)
{
	(void)state;
	begin(false);
	redact_add("\",\"message\":\"");
	redact_add("INFO");
	redact_add("commandType");
	log_info(&t.c, "INFO");
	finish();
	assert_non_null(strstr(t.got, "\"level\":\"INFO\""));
	assert_non_null(strstr(t.got, "\"commandType\":\"std:account:list\",\"message\":\"****\"}\n"));
}

static void
test_levels(void **state)
{
	for (int debug = 0; debug < 2; debug++) {
		(void)state;
		begin(debug != 0);
		log_at(&t.c, LOG_TRACE, "t");
		log_debug(&t.c, "d");
		log_warn(&t.c, "w");
		log_error(&t.c, "e");
		log_at(&t.c, LOG_FATAL, "f");
		log_at(&t.c, LOG__MAX, "none");
		finish();
		assert_null(strstr(t.got, "\"TRACE\""));
		assert_int_equal(strstr(t.got, "\"DEBUG\"") != NULL, debug);
		assert_non_null(strstr(t.got, "\"WARN\""));
		assert_non_null(strstr(t.got, "\"ERROR\""));
		assert_non_null(strstr(t.got, "\"FATAL\""));
		assert_null(strstr(t.got, "none"));
	}
}

static cJSON *
line_tree(void)
{
	struct error	 e = ERROR_NONE;
	cJSON		*v;

	assert_true(t.len >= 2 && t.len <= LOG_LINE_BYTES_MAX + 1);
	assert_int_equal(t.got[t.len - 1], '\n');
	assert_ptr_equal(memchr(t.got, '\n', t.len), t.got + t.len - 1);
	v = json_parse(t.got, t.len - 1, NULL, &e);
	assert_non_null(v);
	return v;
}

static void
test_cut(void **state)
{
	static const char *const	 units[] = { "a", "\x01", "\"", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

	(void)state;
	for (size_t i = 0; i < N_ITEMS(units); i++) {
		size_t	 n = 40000, unit = strlen(units[i]);
		char	*text = calloc(1, n * unit + 2);
		cJSON	*v;

		text[0] = 'x';
		for (size_t k = 0; k < n; k++)
			memcpy(text + 1 + k * unit, units[i], unit);
		begin(false);
		log_info(&t.c, "%s", text);
		finish();
		v = line_tree();
		assert_true(json_bool(v, "cut", false));
		assert_true(t.len > LOG_LINE_BYTES_MAX - 8);
		assert_int_equal((strlen(json_str(v, "message", "")) - 1) % unit, 0);
		cJSON_Delete(v);
		free(text);
	}
}

static void
test_large_fields(void **state)
{
	cJSON	*fields = cJSON_CreateObject();
	char	 text[LOG_LINE_BYTES_MAX + 1];
	cJSON	*v;

	(void)state;
	memset(text, 'f', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cJSON_AddStringToObject(fields, "big", text);
	begin(false);
	log_with(&t.c, LOG_WARN, fields, "still here");
	finish();
	v = line_tree();
	assert_true(json_bool(v, "fieldsCut", false));
	assert_null(json_get(v, "big"));
	assert_string_equal(json_str(v, "message", ""), "still here");
	cJSON_Delete(v);
}

static void
test_withheld(void **state)
{
	char	 secret[32];
	cJSON	*v;

	(void)state;
	begin(false);
	for (int i = 0; i <= REDACT_SECRETS_MAX; i++) {
		snprintf(secret, sizeof(secret), "secret-number-%03d", i);
		redact_add(secret);
	}
	log_with(&t.c, LOG_INFO, tree("{\"f\":\"hidden\"}"), "hidden");
	finish();
	v = line_tree();
	assert_null(strstr(t.got, "hidden"));
	assert_string_equal(json_str(v, "message", ""), "(log line withheld: too many secrets)");
	cJSON_Delete(v);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_large_fields),
		cmocka_unit_test(test_withheld),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
