/*
 * test_cli_text.c -- nothing of a worker reaches a terminal raw, and widths are right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "launcher/cli/cli.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static const struct {
	const char	*in;
	size_t		 columns;
	const char	*out;
	size_t		 used;
} texts[] = {
	{ "plain", 0, "plain", 5 },
	{ "", 5, "", 0 },
	{ "a\tb\nc", 0, "a b c", 5 },
	{ "\033]0;owned\007", 0, "?]0;owned?", 10 },
	{ "\xc2\x9b" "31m", 0, "?31m", 4 },		/* CSI as a C1 control */
	{ "\x7f\r", 0, "??", 2 },
	{ "a\xe2\x80\xae" "b", 0, "a?b", 3 },		/* right-to-left override */
	{ "a\xf3\xa0\x81\x81" "b", 0, "a?b", 3 },	/* a tag */
	{ "\xff\xfe", 0, "??", 2 },
	{ "\xc0\x80", 0, "??", 2 },			/* overlong */
	{ "\xed\xa0\x80", 0, "???", 3 },		/* a surrogate */
	{ "\xf4\x90\x80\x80", 0, "????", 4 },		/* past the last */
	{ "\xe2\x82", 0, "??", 2 },			/* cut short */
	{ "J\xc3\xb6rg", 0, "J\xc3\xb6rg", 4 },
	{ "J\xc3\xb6rg", 4, "J\xc3\xb6rg", 4 },
	{ "J\xc3\xb6rgen", 4, "J\xc3\xb6r\xe2\x80\xa6", 4 },
	{ "\xe6\x97\xa5\xe6\x9c\xac", 0, "\xe6\x97\xa5\xe6\x9c\xac", 4 },	/* two columns each */
	{ "\xe6\x97\xa5\xe6\x9c\xac", 3, "\xe6\x97\xa5\xe2\x80\xa6", 3 },
	{ "\xe6\x97\xa5\xe6\x9c\xac", 2, "\xe2\x80\xa6", 1 },
	{ "e\xcc\x81x", 0, "e\xcc\x81x", 2 },		/* a combining mark has no width */
	{ "ab", 1, "\xe2\x80\xa6", 1 },
};

static void
test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(texts); i++) {
		autobuf	 b;
		size_t	 used;

		buf_init(&b, 1024);
		used = text_safe(&b, texts[i].in, strlen(texts[i].in), texts[i].columns);
		buf_addc(&b, '\0');
		assert_string_equal(b.data, texts[i].out);
		assert_int_equal(used, texts[i].used);
	}
}

static void
test_json_keeps_its_value(void **state)
{
	static const char	 in[] = "{\"a\":\"\x7f\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81 J\xc3\xb6rg \\u001b\"}";
	struct error		 e;
	autobuf			 b;

	(void)state;
	buf_init(&b, 1024);
	text_safe_json(&b, in, strlen(in));
	assert_string_equal(b.data, "{\"a\":\"\\u007f\\u009b\\u202e\\udb40\\udc41 J\xc3\xb6rg \\u001b\"}");
	autojson	*before = json_parse(in, strlen(in), NULL, &e);
	autojson	*after = json_parse(b.data, b.len, NULL, &e);
	assert_non_null(before);
	assert_non_null(after);
	assert_true(json_equal(before, after));
}

static const struct {
	const char	*in, *out;
} pretties[] = {
	{ "{}", "{}\n" },
	{ "[ ]", "[]\n" },
	{ "1.50", "1.50\n" },
	{ "\"a:{[\\\"\"", "\"a:{[\\\"\"\n" },
	{ "{\"a\":[1,{\"b\":null}],\"c\":{}}", "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {}\n}\n" },
	{ "{ \"a\" : \"\x1b[2J\" }", "{\n  \"a\": \"\\u001b[2J\"\n}\n" },
};

static void
test_pretty(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(pretties); i++) {
		autobuf	 b;

		buf_init(&b, 1024);
		pretty_json(&b, pretties[i].in, strlen(pretties[i].in), false);
		assert_string_equal(b.data, pretties[i].out);
	}
}

/* The deepest and widest record there can be still fits what the view makes for it. */
static void
test_pretty_is_bounded(void **state)
{
	size_t	 n = 0, depth = JSON_DEPTH_MAX - 1;
	char	*line = malloc(LINE_BYTES_MAX);
	autobuf	 b;

	(void)state;
	assert_non_null(line);
	for (size_t i = 0; i < depth; i++)
		line[n++] = '[';
	while (n + 2 + depth < LINE_BYTES_MAX) {
		line[n++] = '1';
		line[n++] = ',';
	}
	line[n++] = '1';
	for (size_t i = 0; i < depth; i++)
		line[n++] = ']';
	buf_init(&b, OUT_TEXT_BYTES_MAX);
	pretty_json(&b, line, n, false);
	assert_false(b.failed);
	free(line);
}

static const char *const words[] = { "invoke", "connectors", "practice", "help", "version", NULL };

static const char *
word_at(const void *arg, size_t i)
{
	(void)arg;
	return words[i];
}

static void
test_suggest(void **state)
{
	(void)state;
	assert_string_equal(suggest_word("invok", word_at, NULL), "invoke");
	assert_string_equal(suggest_word("conectors", word_at, NULL), "connectors");
	assert_string_equal(suggest_word("hlep", word_at, NULL), "help");
	assert_null(suggest_word("teleport", word_at, NULL));
	assert_null(suggest_word("", word_at, NULL));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json_keeps_its_value),
		cmocka_unit_test(test_pretty),
		cmocka_unit_test(test_pretty_is_bounded),
		cmocka_unit_test(test_suggest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
