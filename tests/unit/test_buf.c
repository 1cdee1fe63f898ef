/*
 * test_buf.c -- the growing buffer: its maximum, its failure, its hand-over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "worker/contract/buf.h"

static void
grows_to_its_maximum(void **state)
{
	struct error	 e = ERROR_NONE;
	autobuf		 b;

	(void)state;
	buf_init(&b, 1000);
	for (int i = 0; i < 1000; i++)
		buf_addc(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 1000);
	assert_int_equal(strlen(b.data), 1000);
	assert_int_equal(buf_check(&b, "x", &e), 0);
	buf_addc(&b, 'z');
	assert_true(b.failed);
	assert_int_equal(b.len, 1000);
	assert_int_equal(buf_check(&b, "x", &e), -1);
	assert_int_equal(e.code, ERR_LIMIT);
	/* A failure stays until the buffer is emptied. */
	buf_adds(&b, "");
	assert_true(b.failed);
	buf_reset(&b);
	buf_addf(&b, "%d-%s", 7, "x");
	assert_string_equal(b.data, "7-x");
	assert_false(b.failed);
}

static void
no_room_at_all(void **state)
{
	autobuf	 b;

	(void)state;
	buf_init(&b, 0);
	buf_add(&b, NULL, 0);
	assert_false(b.failed);
	buf_addf(&b, "%s", "x");
	assert_true(b.failed);
	buf_free(&b);
	buf_init(&b, 10);
	buf_add(&b, "x", SIZE_MAX);
	assert_true(b.failed);
}

static void
consumes(void **state)
{
	autobuf	 b;

	(void)state;
	buf_init(&b, 100);
	buf_consume(&b, 5);
	buf_adds(&b, "abcdef");
	buf_consume(&b, 2);
	assert_string_equal(b.data, "cdef");
	buf_consume(&b, 100);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
}

static void
steals_and_wipes(void **state)
{
	struct buf	 b;
	char		*text;

	(void)state;
	buf_init(&b, 100);
	assert_string_equal(text = buf_steal(&b), "");
	free(text);
	buf_adds(&b, "abc");
	assert_string_equal(text = buf_steal(&b), "abc");
	free(text);
	assert_null(b.data);
	buf_adds(&b, "again");
	assert_string_equal(b.data, "again");
	buf_wipe(&b);
	buf_wipe(&b);
	buf_free(&b);
	assert_null(b.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_to_its_maximum), cmocka_unit_test(no_room_at_all), cmocka_unit_test(consumes),
		cmocka_unit_test(steals_and_wipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
