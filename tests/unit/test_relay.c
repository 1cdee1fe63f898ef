/*
 * test_relay.c -- the border: what a worker may write, and what kills it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "launcher/core/core.h"

#define LOCKED	"{\"type\":\"locked\"}\n"
#define END	"{\"type\":\"end\"}\n"
#define OUT	"{\"data\":{},\"type\":\"output\"}\n"
#define STATE	"{\"data\":{},\"type\":\"state\"}\n"
#define KEEP	"{\"data\":{},\"type\":\"keepAlive\"}\n"
#define KEPT	"{\"data\":{\"name\":\"t\",\"ttlMs\":1000,\"value\":\"s3cret\"},\"type\":\"cache\"}\n"
#define ERROR	"{\"data\":{\"message\":\"gone\",\"type\":\"notFound\"},\"type\":\"error\"}\n"

static const struct {
	const char	*why;		/* the sentence a failure prints */
	enum command	 cmd;
	const char	*text;
	enum err_code	 code;		/* of the break; ERR_NONE: none */
	unsigned int	 lines;		/* passed on */
	bool		 verdict;
} cases[] = {
	{ "a list streams", CMD_ACCOUNT_LIST, LOCKED OUT OUT STATE KEEP END, ERR_NONE, 4, true },
	{ "an empty list is a list", CMD_ACCOUNT_LIST, LOCKED END, ERR_NONE, 0, true },
	{ "a read gives one", CMD_ACCOUNT_READ, LOCKED OUT END, ERR_NONE, 1, true },
	{ "a read gives one, not none", CMD_ACCOUNT_READ, LOCKED END, ERR_PROTOCOL, 0, false },
	{ "a read gives one, not two", CMD_ACCOUNT_READ, LOCKED OUT OUT END, ERR_PROTOCOL, 1, false },
	{ "a read keeps no state", CMD_ACCOUNT_READ, LOCKED STATE, ERR_PROTOCOL, 0, false },
	{ "a read may fail", CMD_ACCOUNT_READ, LOCKED ERROR, ERR_NONE, 0, true },
	{ "walls come first", CMD_ACCOUNT_LIST, OUT, ERR_PROTOCOL, 0, false },
	{ "walls stand once", CMD_ACCOUNT_LIST, LOCKED LOCKED, ERR_PROTOCOL, 0, false },
	{ "the verdict is last", CMD_ACCOUNT_LIST, LOCKED END OUT, ERR_PROTOCOL, 0, true },
	{ "the verdict is one", CMD_ACCOUNT_LIST, LOCKED END END, ERR_PROTOCOL, 0, true },
	{ "a cut line is no line", CMD_ACCOUNT_LIST, LOCKED OUT "{\"data\":{},\"ty", ERR_PROTOCOL, 1, false },
	{ "a last line without its end is cut", CMD_ACCOUNT_LIST, LOCKED "{\"type\":\"end\"}", ERR_PROTOCOL, 0, false },
	{ "no verdict is no verdict", CMD_ACCOUNT_LIST, LOCKED OUT, ERR_NONE, 1, false },
	{ "an empty line is nonsense", CMD_ACCOUNT_LIST, LOCKED "\n", ERR_PROTOCOL, 0, false },
	{ "an account is an object", CMD_ACCOUNT_LIST, LOCKED "{\"data\":[],\"type\":\"output\"}\n", ERR_PROTOCOL, 0, false },
	{ "source data is an array", CMD_SOURCE_DATA_READ, LOCKED OUT, ERR_PROTOCOL, 0, false },
	{ "source data is an array", CMD_SOURCE_DATA_READ, LOCKED "{\"data\":[],\"type\":\"output\"}\n" END, ERR_NONE, 1, true },
	{ "a custom command may send anything", CMD_CUSTOM, LOCKED "{\"data\":1,\"type\":\"output\"}\n" END, ERR_NONE, 1, true },
	{ "nothing is kept where nothing is to be", CMD_ACCOUNT_LIST, LOCKED KEPT END, ERR_PROTOCOL, 0, false },
	{ "an unknown type is refused", CMD_ACCOUNT_LIST, LOCKED "{\"data\":{},\"type\":\"exec\"}\n", ERR_PROTOCOL, 0, false },
};

struct heard {
	unsigned int	 lines;
	unsigned int	 room;		/* lines the caller still takes */
	unsigned int	 logs;
	char		 last_log[64];
};

static void
on_record(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	struct heard	*h = arg;

	assert_true(len > 0 && line[len] == '\n');
	assert_true(f->record < REC__PUBLIC);
	h->lines++;
	h->room--;
}

static void
on_log(void *arg, const char *line, size_t len)
{
	struct heard	*h = arg;

	h->logs++;
	snprintf(h->last_log, sizeof(h->last_log), "%.*s", (int)len, line);
}

static bool
on_ready(void *arg)
{
	return ((struct heard *)arg)->room > 0;
}

static struct relay *
relay_of(enum command cmd, struct heard *h, const char *results, const char *logs)
{
	struct inv_sink	 sink = { on_record, on_log, on_ready, NULL, h };
	struct relay	*r;
	int		 a[2], b[2];

	assert_int_equal(pipe2(a, O_NONBLOCK), 0);
	assert_int_equal(pipe2(b, O_NONBLOCK), 0);
	assert_int_equal(write(a[1], results, strlen(results)), (ssize_t)strlen(results));
	assert_int_equal(write(b[1], logs, strlen(logs)), (ssize_t)strlen(logs));
	close(a[1]);
	close(b[1]);
	r = relay_new(a[0], b[0]);
	relay_begin(r, cmd, &sink, 0);
	return r;
}

static void
relay_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		struct heard	 h = { .room = 1000 };
		struct relay	*r = relay_of(cases[i].cmd, &h, cases[i].text, "");
		struct error	 e = ERROR_NONE, v = ERROR_NONE;
		enum relay_news	 news;

		news = relay_locked(r, &e);
		while (news == RELAY_LOCKED || news == RELAY_MOVED || news == RELAY_QUIET)
			news = relay_results(r, &e);
		if (e.code != cases[i].code || (news == RELAY_BROKEN) != (cases[i].code != ERR_NONE))
			fail_msg("%s: got %d (%s)", cases[i].why, (int)e.code, e.msg);
		if (h.lines != cases[i].lines)
			fail_msg("%s: %u lines went on", cases[i].why, h.lines);
		if (relay_verdict(r, &v) != cases[i].verdict)
			fail_msg("%s: verdict", cases[i].why);
		relay_free(r);
	}
}

static void
slow_caller(void **state)
{
	struct heard	 h = { .room = 2 };
	struct relay	*r = relay_of(CMD_ACCOUNT_LIST, &h, LOCKED OUT OUT OUT END, "");
	struct error	 e = ERROR_NONE;

	(void)state;
	assert_int_equal(relay_locked(r, &e), RELAY_LOCKED);
	assert_int_equal(relay_results(r, &e), RELAY_MOVED);
	assert_int_equal(h.lines, 2);
	assert_int_equal(relay_results(r, &e), RELAY_QUIET);
	assert_true(relay_paused(r));
	h.room = 5;
	assert_int_equal(relay_results(r, &e), RELAY_MOVED);
	assert_int_equal(relay_results(r, &e), RELAY_ENDED);
	assert_int_equal(h.lines, 3);
	relay_free(r);
}

static void
logs_are_made_harmless(void **state)
{
	struct heard	 h = { .room = 1 };
	struct relay	*r = relay_of(CMD_ACCOUNT_LIST, &h, "", "one\x1b[31m\ntwo");

	(void)state;
	relay_logs(r);
	relay_logs(r);
	assert_int_equal(h.logs, 2);
	assert_string_equal(h.last_log, "two");
	relay_free(r);
}

/* ptrace; only what was written for this machine counts. */
#define NOTE_AMD64	"\n\001filter 00000065 c000003e\n"
#define NOTE_ARM64	"\n\001filter 00000075 c00000b7\n"
#define OTHER_AMD64	"\n\001filter 00002710 c000003e\n"
#define OTHER_ARM64	"\n\001filter 00002710 c00000b7\n"
#ifdef __aarch64__
#define NOTE_HERE	NOTE_ARM64
#define NOTE_THERE	NOTE_AMD64
#define OTHER_HERE	OTHER_ARM64
#else
#define NOTE_HERE	NOTE_AMD64
#define NOTE_THERE	NOTE_ARM64
#define OTHER_HERE	OTHER_AMD64
#endif

static const struct {
	const char	*why, *text, *call, *last_log;
	unsigned int	 logs;
} notes[] = {
	{ "no note", "one\ntwo\n", NULL, "two", 2 },
	{ "a note is no log line", "one" NOTE_HERE, "ptrace", "one", 1 },
	{ "nor its own line end", "one\n" NOTE_HERE, "ptrace", "one", 1 },
	{ "but an empty line is one", "one\n\n\ntwo\n", NULL, "two", 4 },
	{ "and one before a note", "one\n\n" NOTE_HERE, "ptrace", "", 2 },
	{ "the last note counts", OTHER_HERE NOTE_HERE, "ptrace", "", 0 },
	{ "a call without a name is its number", OTHER_HERE, "10000", "", 0 },
	{ "a note of another machine is a line", NOTE_THERE, NULL, " filter", 2 },
	{ "a note with more behind it is a line", "\001filter 00000065 c000003e \n", NULL, " filter", 1 },
	{ "a note with other digits is a line", "\001filter 0000006Z c000003e\n", NULL, " filter", 1 },
	{ "a note of few digits is a line", "\001filter 65 c000003e\n", NULL, " filter", 1 },
	{ "a note without its end is cut", "\n\001filter 00000065 c000", NULL, " filter", 2 },
};

static void
notes_of_the_trap(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(notes); i++) {
		struct heard	 h = { .room = 1 };
		struct relay	*r = relay_of(CMD_ACCOUNT_LIST, &h, "", notes[i].text);
		const char	*call;

		relay_logs(r);
		relay_logs(r);
		call = relay_refused_call(r);
		if ((call == NULL) != (notes[i].call == NULL) || (call != NULL && strcmp(call, notes[i].call) != 0))
			fail_msg("%s: call %s", notes[i].why, call == NULL ? "none" : call);
		if (h.logs != notes[i].logs || strncmp(h.last_log, notes[i].last_log, strlen(notes[i].last_log)) != 0)
			fail_msg("%s: %u log lines, last: %s", notes[i].why, h.logs, h.last_log);
		relay_free(r);
	}
}

#define SESSION	"{\"data\":{\"name\":\"tls:1\",\"ttlMs\":1000,\"value\":\"s3cret\"},\"type\":\"cache\"}\n"

static void
on_value(void *arg, const struct kept_value *v)
{
	unsigned int	*n = arg;

	assert_int_equal(v->ttl_ms, 1000);
	assert_int_equal(v->name_bytes, 1);
	assert_int_equal(v->value_bytes, 6);
	assert_memory_equal(v->value, "s3cret", 6);
	(*n)++;
}

/* What is to be kept is no record: not counted, not passed on, not in the digest; and there is a bound. */
static void
values_kept(void **state)
{
	struct heard	 h = { .room = 1000 };
	struct relay	*r = relay_of(CMD_ACCOUNT_LIST, &h, LOCKED OUT KEPT OUT END, ""), *plain;
	struct error	 e = ERROR_NONE;
	unsigned int	 n = 0;
	char		 with[65], without[65], many[64 * KIB] = LOCKED;

	(void)state;
	relay_keep(r, 1u << KEPT_TOKEN, on_value, &n);
	assert_int_equal(relay_locked(r, &e), RELAY_LOCKED);
	while (relay_results(r, &e) == RELAY_MOVED)
		;
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(n, 1);
	assert_int_equal(h.lines, 2);
	assert_int_equal(relay_counts(r)->lines, 2);
	relay_sha256(r, with);
	relay_free(r);
	plain = relay_of(CMD_ACCOUNT_LIST, &h, LOCKED OUT OUT END, "");
	assert_int_equal(relay_locked(plain, &e), RELAY_LOCKED);
	while (relay_results(plain, &e) == RELAY_MOVED)
		;
	relay_sha256(plain, without);
	assert_string_equal(with, without);
	relay_free(plain);
	for (int i = 0; i <= CACHE_PUTS_MAX; i++)
		strcat(many, KEPT);
	r = relay_of(CMD_ACCOUNT_LIST, &h, many, "");
	relay_keep(r, 1u << KEPT_TOKEN, on_value, &n);
	assert_int_equal(relay_locked(r, &e), RELAY_LOCKED);
	assert_int_equal(relay_results(r, &e), RELAY_BROKEN);
	assert_int_equal(e.code, ERR_PROTOCOL);
	assert_int_equal(n, 1 + CACHE_PUTS_MAX);
	relay_free(r);
	/* Of a kind that is not asked for by its specification. */
	for (enum kept_kind k = 0; k < KEPT__MAX; k++) {
		n = 0;
		e = ERROR_NONE;
		r = relay_of(CMD_ACCOUNT_LIST, &h, k == KEPT_TOKEN ? LOCKED KEPT END : LOCKED SESSION END, "");
		relay_keep(r, 1u << (KEPT__MAX - 1 - k), on_value, &n);
		assert_int_equal(relay_locked(r, &e), RELAY_LOCKED);
		assert_int_equal(relay_results(r, &e), RELAY_BROKEN);
		assert_non_null(strstr(e.msg, "of a kind"));
		assert_int_equal(n, 0);
		relay_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relay_table), cmocka_unit_test(values_kept),
		cmocka_unit_test(slow_caller),
		cmocka_unit_test(logs_are_made_harmless),
		cmocka_unit_test(notes_of_the_trap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
