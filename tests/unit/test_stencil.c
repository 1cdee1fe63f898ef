/*
 * test_stencil.c -- rows that are copied to their lines: the same lines as are made, and no row that is not JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/stencil_kit.h"

#define ROW	"{\"id\":\"u1\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}"

/* What a list has learned from, then another row: is it met? */
static const struct {
	const char	*learned, *row;
	int		 met;		/* as of kit_row() */
} cases[] = {
	{ ROW, ROW, 1 },
	{ ROW, ROW ",{\"id\":\"u2\"", 1 },
	{ ROW, "{\"id\":\"u22\",\"name\":\"\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"\"},{\"v\":-0.5e+9}],\"meta\":{\"at\":\"\"}}", 1 },
	{ ROW, "{\"id\":\"ü€𝄞\",\"name\":\"a name of more than sixteen bytes, ßharp\",\"kind\":\"a\",\"on\":true,"
	    "\"list\":[{\"v\":\"x\"},{\"v\":12345678901234567890}],\"meta\":{\"at\":\"m\"}}", 1 },
	/* What make() looks at, or has another form, is another shape. */
	{ ROW, "{\"id\":\"u1\",\"name\":\"Ann\",\"kind\":\"b\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}", 0 },
	{ ROW, "{\"id\":\"u1\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":false,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}", 0 },
	{ ROW, "{\"id\":\"u1\",\"name\":null,\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}", 0 },
	{ ROW, "{\"id\":1,\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}", 0 },
	{ ROW, "{\"id\":\"u1\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"}],\"meta\":{\"at\":\"noon\"}}", 0 },
	{ ROW, "{\"id\":\"u1\", \"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}", 0 },
	/* What is written with an escape goes the usual way. */
	{ ROW, "{\"id\":\"u\\u0031\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}", 0 },
	{ ROW, "{\"id\":\"u1\",\"name\":\"A\\\"n\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}", 0 },
	/* What is no JSON, at each kind of place. */
	{ ROW, "{\"id\":\"u\n1\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}", 2 },
	{ ROW, "{\"id\":\"u\xc3\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}", 2 },
	{ ROW, "{\"id\":\"\xed\xa0\x80\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}", 2 },
	{ ROW, "{\"id\":\"\xc0\x80 and more than sixteen\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}}", 2 },
	{ ROW, "{\"id\":\"u1\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":07}],\"meta\":{\"at\":\"noon\"}}", 2 },
	{ ROW, "{\"id\":\"u1\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7.}],\"meta\":{\"at\":\"noon\"}}", 2 },
	{ ROW, "{\"id\":\"u1\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":-}],\"meta\":{\"at\":\"noon\"}}", 2 },
	{ ROW, "{\"id\":\"u1\",\"name\":\"Ann\",\"kind\":\"a\",\"on\":true,\"list\":[{\"v\":\"x\"},{\"v\":7}],\"meta\":{\"at\":\"noon\"}", 2 },
	{ ROW, "{\"id\":\"u1", 2 },
	{ ROW, "{\"id\":\"", 2 },
	{ ROW, "", 2 },
	/* Of one name twice the last counts: so in the copy. */
	{ "{\"id\":\"a\",\"id\":\"b\"}", "{\"id\":\"c\",\"id\":\"d\"}", 1 },
	{ "{\"id\":\"a\",\"name\":\"x\"}", "{\"id\":\"a\",\"id\":\"b\"}", 0 },
	{ "{\"id\":[\"a\"],\"name\":[[1,\"x\"],{}]}", "{\"id\":[\"b\"],\"name\":[[2,\"y\"],{}]}", 1 },
	/* The text of a name is never copied from another row's. */
	{ "{\"id\":{\"a\":\"x\"}}", "{\"id\":{\"b\":\"x\"}}", 0 },
	{ "{\"id\":{\"\\u0061\":\"x\"}}", "{\"id\":{\"\\u0061\":\"x\"}}", 0 },
	/* A fact that the row has not as it is cannot be told without reading it. */
	{ "{\"id\":true,\"name\":\"x\"}", "{\"id\":true,\"name\":\"x\"}", 0 },
	{ "{\"id\":\"\\u0061\",\"name\":\"x\"}", "{\"id\":\"\\u0061\",\"name\":\"x\"}", 0 },
	/* Marks that the row has itself. */
	{ "{\"id\":\"a\xee\x80\x80\xee\x80\x81" "0000\xee\x80\x82\"}", "{\"id\":\"b\"}", 0 },
	{ "{\"id\":-7.705070000e-77}", "{\"id\":1}", 0 },
	{ "{}", "{}", 0 },
	{ "[\"a\"]", "[\"a\"]", 0 },
	{ "{ \"id\" : \"a\" ,\n\t\"name\" : 1 }", "{ \"id\" : \"b\" ,\n\t\"name\" : 2 }", 1 },
};

static struct stencil *
taught(const char *row)
{
	struct stencil	*st = stencil_new(&kit_maker);

	assert_non_null(st);
	for (unsigned int i = 0; i < STENCIL_ROWS_BEFORE + 1; i++)
		assert_int_equal(kit_row(st, row, strlen(row)), 0);
	return st;
}

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		struct stencil	*st = taught(cases[i].learned);
		int		 met = kit_row(st, cases[i].row, strlen(cases[i].row));

		if (met != cases[i].met)
			fail_msg("case %zu, %s: %d, not %d", i, cases[i].row, met, cases[i].met);
		stencil_free(st);
	}
}

/* A row that is known, with any one byte of it another: never met and wrong. */
static void
test_bytes(void **state)
{
	struct stencil	*st = taught(ROW);
	char		 row[sizeof(ROW)];
	int		 met[4] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(ROW) - 1; i++)
		for (int c = 0; c < 256; c++) {
			int	 m;

			memcpy(row, ROW, sizeof(row));
			row[i] = (char)c;
			m = kit_row(st, row, sizeof(row) - 1);
			if (m == -1)
				fail_msg("byte %zu as 0x%02x: met, and it is not so", i, (unsigned int)c);
			met[m]++;
		}
	assert_true(met[0] > 100 && met[1] > 1000 && met[2] > 1000);
	stencil_free(st);
}

/* Many shapes: those that are known are met, and what is kept is bounded. */
static void
test_shapes(void **state)
{
	struct stencil	*st = stencil_new(&kit_maker);
	char		 row[20000];
	int		 met = 0;

	(void)state;
	for (unsigned int i = 0; i < 4000; i++) {
		size_t	 n = (size_t)snprintf(row, sizeof(row), "{\"id\":\"u%u\",\"list\":[", i);
		int	 m;

		for (unsigned int k = 0; k < i % 40; k++)
			n += (size_t)snprintf(row + n, sizeof(row) - n, "%s{\"v\":\"%u\"}", k > 0 ? "," : "", i + k);
		n += (size_t)snprintf(row + n, sizeof(row) - n, "],\"on\":%s}", i % 3 == 0 ? "true" : "false");
		m = kit_row(st, row, n);
		assert_true(m == 0 || m == 1);
		met += m;
	}
	assert_true(met > 3500);
	/* No two alike. */
	for (unsigned int i = 0; i < 4000; i++) {
		size_t	 n = (size_t)snprintf(row, sizeof(row), "{\"id\":\"u%u\",\"kind\":\"k%u\",\"member%u\":[1,2,3]}", i, i, i);

		assert_int_equal(kit_row(st, row, n), 0);
	}
	stencil_free(st);
}

/* Rows with more texts than are counted, and long ones, go the usual way. */
static void
test_limits(void **state)
{
	static char	 row[2 * STENCIL_ROW_BYTES_MAX];
	struct stencil	*st;
	size_t		 n = (size_t)snprintf(row, sizeof(row), "{\"id\":[");

	(void)state;
	for (unsigned int i = 0; i <= STENCIL_TEXTS_MAX; i++)
		n += (size_t)snprintf(row + n, sizeof(row) - n, "%s%u", i > 0 ? "," : "", i);
	snprintf(row + n, sizeof(row) - n, "]}");
	st = taught(row);
	assert_int_equal(kit_row(st, row, strlen(row)), 0);
	stencil_free(st);
	snprintf(row, sizeof(row), "{\"id\":\"%0*d\"}", (int)STENCIL_ROW_BYTES_MAX, 1);
	st = taught(row);
	assert_int_equal(kit_row(st, row, strlen(row)), 0);
	stencil_free(st);
	/* A number longer than a scanner takes. */
	st = taught("{\"id\":1}");
	assert_int_equal(kit_row(st, "{\"id\":123}", 10), 1);
	snprintf(row, sizeof(row), "{\"id\":%0*d}", (int)JSON_NUMBER_BYTES_MAX + 1, 1);
	row[6] = '1';
	assert_int_equal(kit_row(st, row, strlen(row)), 2);
	stencil_free(st);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_table), cmocka_unit_test(test_bytes), cmocka_unit_test(test_shapes), cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
