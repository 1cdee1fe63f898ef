/*
 * test_emit.c -- results: the exact bytes, what is refused, and that a refusal sticks.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/contract/json.h"
#include "worker/contract/worker_fd.h"
#include "worker/runtime/runtime.h"

static struct {
	struct call	 c;
	struct error	 e;
	int		 read_fd, saved_fd;
	char		 got[2 * LINE_BYTES_MAX];
	size_t		 len;
} t;

static cJSON *
tree(const char *text)
{
	struct error	 e = ERROR_NONE;
	cJSON		*v = json_parse(text, strlen(text), NULL, &e);

	assert_non_null(v);
	return v;
}

static void
begin(enum command cmd)
{
	int	 p[2];

	memset(&t, 0, sizeof(t));
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_true(fcntl(p[1], F_SETPIPE_SZ, 1 << 20) > 0);
	t.saved_fd = dup(FD_RESULT);
	assert_int_equal(dup2(p[1], FD_RESULT), FD_RESULT);
	close(p[1]);
	t.read_fd = p[0];
	t.c = (struct call){ .cmd = cmd, .type = "a command", .version = -1, .err = &t.e };
	emit_reset();
}

/* Puts the test's own standard output back and reads what came. */
static void
finish(void)
{
	ssize_t	 n;

	dup2(t.saved_fd, FD_RESULT);
	close(t.saved_fd);
	while (t.len < sizeof(t.got) - 1 && (n = read(t.read_fd, t.got + t.len, sizeof(t.got) - 1 - t.len)) > 0)
		t.len += (size_t)n;
	close(t.read_fd);
	t.got[t.len] = '\0';
}

static void
test_bytes(void **state)
{
	int	 r = 0;

	(void)state;
	begin(CMD_ACCOUNT_LIST);
	r |= emit_output(&t.c, tree("{\"identity\":\"a\",\"n\":90071992547409931,\"s\":\"\xc3\xa9/\\u0001\"}"));
	r |= emit_keep_alive(&t.c);
	r |= emit_config_patch(&t.c, tree("[{\"op\":\"remove\",\"path\":\"/x\"}]"));
	r |= emit_state(&t.c, tree("{\"page\":2}"));
	r |= emit_finish(&t.c);
	finish();
	assert_int_equal(r, 0);
	assert_int_equal(emit_count(&t.c), 1);
	assert_string_equal(t.got,
	    "{\"data\":{\"identity\":\"a\",\"n\":90071992547409931,\"s\":\"\xc3\xa9/\\u0001\"},\"type\":\"output\"}\n"
	    "{\"data\":{},\"type\":\"keepAlive\"}\n"
	    "{\"data\":[{\"op\":\"remove\",\"path\":\"/x\"}],\"type\":\"config\"}\n"
	    "{\"data\":{\"page\":2},\"type\":\"state\"}\n");
}

/* What has come until now. */
static size_t
came(void)
{
	int	 n = 0;

	assert_int_equal(ioctl(t.read_fd, FIONREAD, &n), 0);
	return (size_t)n;
}

/* Lines of an answer's rows leave together: before a wait, at the end, when they are many or one is late. */
static void
test_held(void **state)
{
	static const char	 line[] = "{\"data\":{},\"type\":\"output\"}\n";
	size_t			 one = sizeof(line) - 1, many = 0, before[4], at[4];
	int			 r = 0;

	(void)state;
	begin(CMD_ACCOUNT_LIST);
	emit_hold();
	emit_hold();
	r |= emit_output(&t.c, tree("{}"));	/* the first is not held */
	before[0] = came();
	r |= emit_output(&t.c, tree("{}"));
	assert_int_equal(came(), before[0]);
	emit_flush();			/* a wait */
	at[0] = came();
	r |= emit_output(&t.c, tree("{}"));
	emit_release();
	before[1] = came();
	emit_release();			/* the end */
	at[1] = came();
	emit_hold();
	r |= emit_output(&t.c, tree("{}"));
	before[2] = came();
	usleep(60000);
	r |= emit_output(&t.c, tree("{}"));
	at[2] = came();
	before[3] = at[3] = at[2];
	for (many = 0; many < 20000 && at[3] == before[3]; many++) {
		r |= emit_output(&t.c, tree("{}"));
		at[3] = came();
	}
	r |= emit_finish(&t.c);
	finish();
	assert_int_equal(r, 0);
	assert_int_equal(before[0], one);
	assert_int_equal(at[0], 2 * one);
	assert_int_equal(before[1], 2 * one);
	assert_int_equal(at[1], 3 * one);
	assert_int_equal(before[2], 3 * one);
	assert_int_equal(at[2], 5 * one);
	assert_true(many < 20000);
	assert_int_equal(t.len, (5 + many) * one);
	for (size_t i = 0; i < t.len; i += one)
		assert_memory_equal(t.got + i, line, one);
}

/* One that is too large takes nothing away that came before it, and nothing of it goes out. */
static void
test_held_too_large(void **state)
{
	cJSON	*large = cJSON_CreateObject();
	char	*text = calloc(1, LINE_BYTES_MAX + 1);
	int	 r[2];

	(void)state;
	memset(text, 'a', LINE_BYTES_MAX);
	cJSON_AddStringToObject(large, "identity", "x");
	cJSON_AddStringToObject(large, "text", text);
	free(text);
	begin(CMD_ACCOUNT_LIST);
	emit_hold();
	r[0] = emit_output(&t.c, tree("{}"));
	r[1] = emit_output(&t.c, large);
	finish();
	emit_reset();
	assert_int_equal(r[0], 0);
	assert_int_equal(r[1], -1);
	assert_int_equal(t.e.code, ERR_RECORD_TOO_LARGE);
	assert_string_equal(t.got, "{\"data\":{},\"type\":\"output\"}\n");
}

static const struct rule_case {
	const char	*name;
	enum command	 cmd;
	const char	*outputs[3];	/* NULL-terminated; each must succeed but the last if fails is set */
	const char	*state;
	const char	*patch;
	bool		 fails;		/* the last emit call */
	bool		 finish_fails;
	const char	*says;
} rules[] = {
	{ "one output of a single command", CMD_ACCOUNT_READ, { "{}" }, NULL, NULL, false, false, NULL },
	{ "two outputs of a single command", CMD_ACCOUNT_READ, { "{}", "{}" }, NULL, NULL, true, true, "second output" },
	{ "no output of a single command", CMD_ACCOUNT_READ, { NULL }, NULL, NULL, false, true, "without an output" },
	{ "no output of a list", CMD_ACCOUNT_LIST, { NULL }, NULL, NULL, false, false, NULL },
	{ "an array where an object belongs", CMD_ACCOUNT_READ, { "[]" }, NULL, NULL, true, true,
	    "must be an object" },
	{ "a string in a list", CMD_ACCOUNT_LIST, { "\"x\"" }, NULL, NULL, true, true, "must be an object" },
	{ "an object where an array belongs", CMD_SOURCE_DATA_READ, { "{}" }, NULL, NULL, true, true, "an array" },
	{ "an array where one belongs", CMD_SOURCE_DATA_READ, { "[1]" }, NULL, NULL, false, false, NULL },
	{ "anything from a custom command", CMD_CUSTOM, { "null", "\"x\"" }, NULL, NULL, false, false, NULL },
	{ "state of a read", CMD_ACCOUNT_READ, { "{}" }, "{}", NULL, true, true, "keeps none" },
	{ "state of a custom command", CMD_CUSTOM, { NULL }, "{}", NULL, true, true, "keeps none" },
	{ "state that is no object", CMD_ACCOUNT_LIST, { NULL }, "[]", NULL, true, true, "must be an object" },
	{ "a patch that is no array", CMD_ACCOUNT_LIST, { NULL }, NULL, "{}", true, true, "must be an array" },
};

static void
test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(rules); i++) {
		const struct rule_case	*k = &rules[i];
		int			 r = 0, f;

		begin(k->cmd);
		for (size_t n = 0; k->outputs[n] != NULL; n++)
			r = emit_output(&t.c, tree(k->outputs[n]));
		if (k->state != NULL)
			r = emit_state(&t.c, tree(k->state));
		if (k->patch != NULL)
			r = emit_config_patch(&t.c, tree(k->patch));
		f = emit_finish(&t.c);
		finish();
		print_message("%s\n", k->name);
		assert_int_equal(r, k->fails ? -1 : 0);
		assert_int_equal(f, k->finish_fails ? -1 : 0);
		assert_int_equal(t.e.code, k->finish_fails ? ERR_GENERIC : ERR_NONE);
		if (k->says != NULL)
			assert_non_null(strstr(t.e.msg, k->says));
	}
}

/* A record that fills its line exactly goes out whole; one byte more does not go out at all. */
static void
test_size(void **state)
{
	static const char	 shell[] = "{\"data\":{\"identity\":\"joe\",\"x\":\"\"},\"type\":\"output\"}";

	(void)state;
	for (size_t over = 0; over < 2; over++) {
		size_t	 n = LINE_BYTES_MAX - (sizeof(shell) - 1) + over;
		char	*x = malloc(n + 1);
		cJSON	*data = cJSON_CreateObject();
		int	 r, again, f;

		memset(x, 'a', n);
		x[n] = '\0';
		cJSON_AddStringToObject(data, "identity", "joe");
		cJSON_AddStringToObject(data, "x", x);
		free(x);
		begin(CMD_ACCOUNT_LIST);
		r = emit_output(&t.c, data);
		again = emit_keep_alive(&t.c);
		f = emit_finish(&t.c);
		finish();
		assert_int_equal(r, over ? -1 : 0);
		assert_int_equal(again, over ? -1 : 0);
		assert_int_equal(f, over ? -1 : 0);
		if (over) {
			assert_int_equal(t.len, 0);
			assert_int_equal(t.e.code, ERR_RECORD_TOO_LARGE);
			assert_non_null(strstr(t.e.msg, "\"joe\""));
		} else {
			assert_true(t.len > LINE_BYTES_MAX);
			assert_int_equal(t.got[LINE_BYTES_MAX], '\n');
		}
	}
}

static void
test_nobody_reads(void **state)
{
	int	 r;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	begin(CMD_ACCOUNT_LIST);
	close(t.read_fd);
	t.read_fd = -1;
	r = emit_output(&t.c, cJSON_CreateObject());
	finish();
	assert_int_equal(r, -1);
	assert_int_equal(t.e.code, ERR_CLIENT_GONE);
}

static void
test_no_memory(void **state)
{
	int	 r;

	(void)state;
	begin(CMD_ACCOUNT_LIST);
	r = emit_output(&t.c, NULL);
	finish();
	assert_int_equal(r, -1);
	assert_int_equal(t.e.code, ERR_MEMORY);
}

/* A line for which there is no memory is not one that is too large. */
static void
test_no_memory_line(void **state)
{
#ifdef BASCULE_SANITIZER
	(void)state;
	skip();
#else
	enum { TEXT = LINE_BYTES_MAX - 1000 };
	struct rlimit	 had, none = { 0, 0 };
	cJSON		*large = cJSON_CreateObject();
	char		*text = calloc(1, TEXT + 1);
	int		 r[2];

	(void)state;
	memset(text, 'a', TEXT);
	cJSON_AddStringToObject(large, "text", text);
	free(text);
	begin(CMD_ACCOUNT_LIST);
	emit_hold();
	r[0] = emit_output(&t.c, tree("{}"));
	assert_int_equal(getrlimit(RLIMIT_AS, &had), 0);
	none.rlim_max = had.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	r[1] = emit_output(&t.c, large);
	assert_int_equal(setrlimit(RLIMIT_AS, &had), 0);
	finish();
	emit_reset();
	assert_int_equal(r[0], 0);
	assert_int_equal(r[1], -1);
	assert_int_equal(t.e.code, ERR_MEMORY);
	assert_string_equal(t.got, "{\"data\":{},\"type\":\"output\"}\n");
#endif
}

/* An error that the handler got over is no failure; one that emit_ gave is, whatever the handler says. */
static void
test_finish(void **state)
{
	int	 f;

	(void)state;
	begin(CMD_ACCOUNT_LIST);
	error_set(&t.e, ERR_NOT_FOUND, "got over");
	f = emit_finish(&t.c);
	finish();
	assert_int_equal(f, 0);
	assert_int_equal(t.e.code, ERR_NONE);
}

static void
test_fail(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.c.err = &t.e;
	redact_wipe();
	redact_add("hunter22");
	assert_int_equal(fail_not_found(&t.c, "no %s, hunter22", "joe"), -1);
	assert_int_equal(t.e.code, ERR_NOT_FOUND);
	assert_string_equal(t.e.msg, "no joe, ****");
	/* The old text may be part of the new one. */
	assert_int_equal(fail_generic(&t.c, "outer: %s", t.e.msg), -1);
	assert_string_equal(t.e.msg, "outer: no joe, ****");
	assert_int_equal(fail_type(&t.c, "licenceExpired", "pay\xff"), -1);
	assert_int_equal(t.e.code, ERR_GENERIC);
	assert_string_equal(error_type(&t.e), "licenceExpired");
	assert_string_equal(t.e.msg, "pay?");
	assert_int_equal(fail_type(&t.c, "notFound", "x"), -1);
	assert_int_equal(t.e.code, ERR_NOT_FOUND);
	/* A text longer than its place, with a secret where it is cut. */
	assert_int_equal(fail_generic(&t.c, "%0*dhunter22", (int)sizeof(t.e.msg) - 5, 0), -1);
	assert_null(strstr(t.e.msg, "hunt"));
	redact_wipe();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_held_too_large),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_nobody_reads),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_memory_line),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
