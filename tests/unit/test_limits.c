/*
 * test_limits.c -- "name=value" of --limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "launcher/core/core.h"

static const struct {
	const char	*text;
	int		 r;
	int64_t		 want;		/* in the field that the name means */
} cases[] = {
	{ "deadline=30s", 0, 30000 }, { "deadline=30", 0, 30000 }, { "deadline=500ms", 0, 500 },
	{ "silence=5m", 0, 300000 }, { "deadline=2h", 0, 7200000 }, { "deadline=7d", 0, 604800000 },
	{ "deadline=8d", -1, 0 }, { "deadline=0", -1, 0 }, { "deadline=-1", -1, 0 }, { "deadline=", -1, 0 },
	{ "deadline", -1, 0 }, { "deadline=1x", -1, 0 }, { "deadline= 1", -1, 0 },
	{ "deadline=99999999999999999999", -1, 0 }, { "deadline=9223372036854775807d", -1, 0 },
	{ "memory=64m", 0, 64 * MIB }, { "memory=1g", 0, 1024 * (int64_t)MIB }, { "memory=1k", -1, 0 },
	{ "memory=5s", -1, 0 }, { "memory=64g", 0, 65536 * (int64_t)MIB }, { "memory=65g", -1, 0 }, { "memory=1t", -1, 0 },
	{ "memory=9999999t", -1, 0 }, { "cpu=10s", 0, 10 }, { "cpu=1ms", -1, 0 }, { "records=1000000", 0, 1000000 },
	{ "records=0", -1, 0 }, { "connects=5", 0, 5 }, { "nonsense=1", -1, 0 }, { "", -1, 0 }, { "=", -1, 0 },
};

static void
limit_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		struct inv_limits	 l = { 0 };
		struct error		 e = ERROR_NONE;
		int64_t			 sum;

		if (inv_limit_set(&l, cases[i].text, &e) != cases[i].r)
			fail_msg("%s: %s", cases[i].text, e.msg);
		sum = l.deadline_ms + l.silence_ms + (int64_t)l.memory_bytes + l.cpu_s + (int64_t)l.records +
		    (int64_t)l.connects;
		if (sum != cases[i].want)
			fail_msg("%s: %lld", cases[i].text, (long long)sum);
	}
}

/* Whoever writes times and sizes as limits are has bounds of its own. */
static void
value_table(void **state)
{
	int64_t	 n = 0;

	(void)state;
	assert_int_equal(inv_time_read("1500ms", &n), 0);
	assert_int_equal(n, 1500);
	assert_int_equal(inv_time_read("30d", &n), 0);
	assert_int_equal(n, 30 * 86400000LL);
	assert_int_equal(inv_size_read("2t", &n), 0);
	assert_int_equal(n, 2LL << 40);
	assert_int_equal(inv_size_read("0", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(inv_time_read("5k", &n), -1);
	assert_int_equal(inv_size_read("5s", &n), -1);
	assert_int_equal(inv_size_read("-1m", &n), -1);
	assert_int_equal(inv_size_read("8388608t", &n), -1);
	assert_int_equal(inv_size_read("", &n), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(limit_table), cmocka_unit_test(value_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
