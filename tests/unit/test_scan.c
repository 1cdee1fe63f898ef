/*
 * test_scan.c -- the scanner: what it takes and refuses, whole and byte by byte,
 * its events, offsets and limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/case_files.h"
#include "worker/contract/scan.h"
#include "worker/contract/util.h"

/* Events with their offsets and depth, as text. */
static int
note(void *arg, const struct scan *s, enum scan_event ev, struct error *e)
{
	static const char	letters[SCAN__MAX + 1] = "{}[]ksdtfn";

	(void)e;
	buf_addf(arg, "%c%u:%llu-%llu ", letters[ev], s->depth, (unsigned long long)s->token,
	    (unsigned long long)s->offset);
	return 0;
}

static int
run(const char *text, size_t len, size_t portion, struct buf *events, struct error *e)
{
	struct scan	 s;

	scan_init(&s, JSON_DEPTH_MAX);
	s.on = events != NULL ? note : NULL;
	s.arg = events;
	for (size_t i = 0; i < len; i += portion) {
		size_t	 n = len - i < portion ? len - i : portion;
		/* Of its exact size, so that a sanitizer sees a byte too many. */
		autofree char *copy = malloc(n);

		memcpy(copy, text + i, n);
		if (scan_feed(&s, copy, n, e) == -1)
			return -1;
	}
	return scan_end(&s, e);
}

/* The same verdict, message and events in portions of any size. */
static int
run_all(const char *name, const char *text, size_t len)
{
	autobuf		 whole = { .max = CASE_BYTES_MAX };
	struct error	 e = ERROR_NONE;
	int		 r = run(text, len, len + 1, &whole, &e);

	for (size_t portion = 1; portion <= 7; portion++) {
		autobuf		 parts = { .max = CASE_BYTES_MAX };
		struct error	 f = ERROR_NONE;

		if (run(text, len, portion, &parts, &f) != r || strcmp(e.msg, f.msg) != 0 || parts.len != whole.len ||
		    (whole.len > 0 && memcmp(parts.data, whole.data, whole.len) != 0))
			fail_msg("%s: in portions of %zu: \"%s\", whole: \"%s\"", name, portion, f.msg, e.msg);
	}
	return r;
}

static void
accepted(const char *name, const char *text, size_t len, const char *want)
{
	(void)want;
	if (run_all(name, text, len) == -1)
		fail_msg("%s: refused", name);
}

static void
refused(const char *name, const char *text, size_t len, const char *want)
{
	(void)want;
	if (run_all(name, text, len) == 0)
		fail_msg("%s: taken", name);
}

static void
case_files(void **state)
{
	(void)state;
	assert_true(case_each("tests/cases/json/accept", accepted) >= 100);
	assert_true(case_each("tests/cases/json/scan-only", accepted) >= 8);
	assert_true(case_each("tests/cases/json/reject", refused) >= 180);
}

/* Every sequence of two bytes at the start of a character, against the table of RFC 3629 written out plainly. */
static void
utf8_pairs(void **state)
{
	(void)state;
	for (unsigned int a = 0x80; a <= 0xff; a++)
		for (unsigned int b = 0x80; b <= 0xff; b++) {
			char		 text[8] = { '"', (char)a, (char)b };
			size_t		 n = 3;
			struct error	 e = ERROR_NONE;
			bool		 tail = b <= 0xbf, good;

			if (a >= 0xe0)
				text[n++] = (char)0x80;
			if (a >= 0xf0)
				text[n++] = (char)0x80;
			text[n++] = '"';
			good = tail && a >= 0xc2 && a <= 0xf4 && !(a == 0xe0 && b < 0xa0) && !(a == 0xed && b > 0x9f) &&
			    !(a == 0xf0 && b < 0x90) && !(a == 0xf4 && b > 0x8f);
			if ((run(text, n, n, NULL, &e) == 0) != good)
				fail_msg("%02x %02x: %s", a, b, good ? "refused" : "taken");
		}
}

static const struct {
	const char	*text;
	const char	*events;
} event_cases[] = {
	{ "12", "d0:0-2 " },
	{ " \"ab\" ", "s0:1-5 " },
	{ "{\"a\":[1,true],\"b\":{}}",
	    "{1:0-1 k1:1-4 [2:5-6 d2:6-7 t2:8-12 ]2:8-13 k1:14-17 {2:18-19 }2:18-20 }1:18-21 " },
	{ "[-1.5e+3 ,false,null]", "[1:0-1 d1:1-8 f1:10-15 n1:16-20 ]1:16-21 " },
};

static void
events(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(event_cases); i++) {
		autobuf		 got = { .max = CASE_BYTES_MAX };
		struct error	 e = ERROR_NONE;

		assert_int_equal(run_all(event_cases[i].text, event_cases[i].text, strlen(event_cases[i].text)), 0);
		assert_int_equal(run(event_cases[i].text, strlen(event_cases[i].text), 100, &got, &e), 0);
		assert_string_equal(got.data, event_cases[i].events);
	}
}

static void
depth_bombs(void **state)
{
	static const char	*const units[] = { "[", "{\"a\":" };

	(void)state;
	for (size_t i = 0; i < N_ITEMS(units); i++) {
		struct scan	 s;
		struct error	 e = ERROR_NONE;
		int		 r = 0, taken = 0;

		scan_init(&s, JSON_DEPTH_MAX);
		for (; taken < 100000 && r == 0; taken++)
			r = scan_feed(&s, units[i], strlen(units[i]), &e);
		assert_int_equal(r, -1);
		assert_int_equal(taken, JSON_DEPTH_MAX + 1);
		assert_int_equal(e.code, ERR_LIMIT);
		/* Once broken, always broken. */
		assert_int_equal(scan_feed(&s, "]", 1, &e), -1);
		assert_int_equal(scan_end(&s, &e), -1);
	}
}

static int
stop(void *arg, const struct scan *s, enum scan_event ev, struct error *e)
{
	(void)arg;
	(void)s;
	return ev == SCAN_NULL ? error_set(e, ERR_CANCELLED, "enough") : 0;
}

static void
callback_stops(void **state)
{
	struct scan	 s;
	struct error	 e = ERROR_NONE;

	(void)state;
	scan_init(&s, 4);
	s.on = stop;
	assert_int_equal(scan_feed(&s, "[1,null,2]", 10, &e), -1);
	assert_int_equal(e.code, ERR_CANCELLED);
	assert_int_equal(scan_feed(&s, "]", 1, &e), -1);
}

static void
done(void **state)
{
	struct scan	 s;
	struct error	 e = ERROR_NONE;

	(void)state;
	scan_init(&s, 4);
	assert_int_equal(scan_feed(&s, "[]", 2, &e), 0);
	assert_true(scan_done(&s));
	scan_init(&s, 4);
	assert_int_equal(scan_feed(&s, "12", 2, &e), 0);
	assert_false(scan_done(&s));
	assert_int_equal(scan_end(&s, &e), 0);
	assert_true(scan_done(&s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(case_files),
		cmocka_unit_test(utf8_pairs),
		cmocka_unit_test(events),
		cmocka_unit_test(depth_bombs),
		cmocka_unit_test(callback_stops),
		cmocka_unit_test(done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
