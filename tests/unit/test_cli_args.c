/*
 * test_cli_args.c -- what `bascule invoke` takes, and what it refuses.
 */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "launcher/cli/cli.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define ARGS_MAX	80

static int
options_read(const char *const words[], struct invoke_options *o, struct error *e)
{
	static char	 invoke[] = "invoke";
	char		*argv[ARGS_MAX + 2] = { invoke };
	int		 argc = 1;

	for (; argc <= ARGS_MAX && words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	optind = 0;		/* getopt starts anew */
	*e = ERROR_NONE;
	return invoke_options_read(argc, argv, o, e);
}

static const struct {
	const char	*words[8];
	const char	*says;		/* part of the refusal; NULL: taken */
} cases[] = {
	{ { "scim" }, NULL },
	{ { "scim", "account:list" }, NULL },
	{ { "--data", "scim", "-q", "account:list" }, NULL },
	{ { "scim", "account:list", "--config", "-" }, NULL },
	{ { "scim", "account:list", "--config=c.json", "--input", "-" }, NULL },
	{ { "scim", "--logs" }, NULL },
	{ { "scim", "--logs=none" }, NULL },
	{ { "scim", "--limit", "memory=64m", "--limit", "records=5" }, NULL },
	{ { "scim", "--without", "landlock", "--without", "namespaces" }, NULL },
	{ { "scim", "--sandbox", "container", "--require", "cgroup" }, NULL },
	{ { NULL }, "one connector" },
	{ { "a", "b", "c" }, "one connector" },
	{ { "scim", "--config", "c.json" }, "need a command" },
	{ { "scim", "--id", "x" }, "need a command" },
	{ { "scim", "x", "--config", "{\"token\":\"s\"}" }, "arguments are seen" },
	{ { "scim", "x", "--config", " \n{}" }, "arguments are seen" },
	{ { "scim", "x", "--config", "-", "--input", "-" }, "standard input" },
	{ { "scim", "--data", "--verdict" }, "exclude" },
	{ { "scim", "--data", "--json" }, "exclude" },
	{ { "scim", "--colour", "never" }, "did you mean --color?" },
	{ { "scim", "-x" }, "no such option" },
	{ { "scim", "--config" }, "needs a value" },
	{ { "scim", "--color", "blue" }, "auto, always or never" },
	{ { "scim", "--without", "ids" }, "never to be done without" },
	{ { "scim", "--without", "walls" }, "no such layer; to be done without are namespaces, landlock" },
	{ { "scim", "--waive", "landlock" }, "no such option" },
	{ { "scim", "--require", "walls" }, "no such layer; there are birth" },
	{ { "scim", "--sandbox", "lax" }, "no such set; there are strict, container" },
	{ { "scim", "--sandbox", "container", "--require", "namespaces" }, "takes it away" },
	{ { "scim", "--without", "cgroup", "--require", "cgroup" }, "takes it away" },
	{ { "scim", "--timeout", "soon" }, "deadline" },
	{ { "scim", "--limit", "patience=1" }, "patience" },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		struct invoke_options	 o;
		struct error		 e;
		int			 r = options_read(cases[i].words, &o, &e);

		if (cases[i].says == NULL) {
			assert_int_equal(r, 0);
			continue;
		}
		assert_int_equal(r, -1);
		assert_int_equal(e.code, ERR_USAGE);
		if (strstr(e.msg, cases[i].says) == NULL)
			fail_msg("case %zu: \"%s\" is not in \"%s\"", i, cases[i].says, e.msg);
	}
}

static void
test_values(void **state)
{
	const char *const	 words[] = { "scim", "account:list", "--timeout", "5m", "--limit", "records=5", "--table",
				     "--allow-private", "a", "--allow-private", "b", "--logs=l", "--no-progress", NULL };
	struct invoke_options	 o;
	struct error		 e;

	(void)state;
	assert_int_equal(options_read(words, &o, &e), 0);
	assert_string_equal(o.connector, "scim");
	assert_string_equal(o.command, "account:list");
	assert_true(o.limits.deadline_ms == 300000);
	assert_true(o.limits.records == 5);
	assert_int_equal(o.mode, OUT_TABLE);
	assert_string_equal(o.allow_private[1], "b");
	assert_null(o.allow_private[2]);
	assert_string_equal(o.logs, "l");
	assert_false(o.progress);
}

static void
test_hosts_are_bounded(void **state)
{
	const char		*words[ARGS_MAX + 1] = { "scim" };
	struct invoke_options	 o;
	struct error		 e;

	(void)state;
	for (size_t i = 1; i < ARGS_MAX - 1; i += 2) {
		words[i] = "--allow-private";
		words[i + 1] = "host";
	}
	assert_int_equal(options_read(words, &o, &e), -1);
	assert_non_null(strstr(e.msg, "at most"));
}

static const struct {
	const char	*typed, *full;
} names[] = {
	{ "account:list", "std:account:list" },
	{ "std:account:list", "std:account:list" },
	{ "own:thing", "own:thing" },
	{ "account:read", "account:read" },	/* the connector has it as it stands */
	{ "teleport", "teleport" },
};

static int
scim_like(struct connector_ref *ref)
{
	static const char	 text[] = "{\"name\":\"x\",\"commands\":[\"std:account:list\",\"own:thing\",\"account:read\","
				     "\"std:account:create\"]}";
	struct error		 e;

	*ref = (struct connector_ref){ .name = "x" };
	return spec_parse(text, strlen(text), &ref->spec, &e);
}

static void
test_names(void **state)
{
	struct connector_ref	 ref;

	(void)state;
	assert_int_equal(scim_like(&ref), 0);
	for (size_t i = 0; i < N_ITEMS(names); i++) {
		char	 full[REQUEST_TYPE_BYTES_MAX + 1];

		command_full_name(&ref.spec, names[i].typed, full);
		assert_string_equal(full, names[i].full);
	}
	spec_free(&ref.spec);
}

static const struct {
	struct invoke_options	 o;
	enum err_code		 code;	/* ERR_NONE: made */
	const char		*says;
} requests[] = {
	{ { .command = "account:list", .id = "i-1", .input = "{\"stateful\":true}" }, ERR_NONE, NULL },
	{ { .command = "account:lst" }, ERR_UNSUPPORTED, "did you mean \"std:account:list\"?" },
	{ { .command = "account:list", .input = "{" }, ERR_REQUEST, "--input" },
	{ { .command = "account:create", .input = "{\"attributes\":{\"password\":\"s3cret\"}}" }, ERR_USAGE, "password" },
	{ { .command = "own:thing", .input = "{\"password\":\"s3cret\"}" }, ERR_USAGE, "password" },
	{ { .command = "account:list", .config = "/nonexistent" }, ERR_USAGE, "/nonexistent" },
	{ { .command = "account:list", .config = "/dev/null" }, ERR_REQUEST, "config" },
};

static void
test_requests(void **state)
{
	struct connector_ref	 ref;

	(void)state;
	assert_int_equal(scim_like(&ref), 0);
	for (size_t i = 0; i < N_ITEMS(requests); i++) {
		struct request	 rq = { 0 };
		struct error	 e = ERROR_NONE;
		int		 r = invoke_request_make(&requests[i].o, &ref, &rq, &e);

		assert_int_equal(r, requests[i].code == ERR_NONE ? 0 : -1);
		assert_int_equal(e.code, requests[i].code);
		assert_null(strstr(e.msg, "s3cret"));
		if (requests[i].says != NULL)
			assert_non_null(strstr(e.msg, requests[i].says));
		if (r == 0) {
			assert_string_equal(rq.type, "std:account:list");
			assert_string_equal(rq.id, "i-1");
			assert_true(cJSON_IsTrue(json_get(rq.input, "stateful")));
		}
		request_free(&rq);
	}
	spec_free(&ref.spec);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_hosts_are_bounded),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
