/*
 * test_github_limit.c -- GitHub's three rate-limit rules, their order, and what
 * is no rate limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/github/github.h"

#define NOW_S	INT64_C(1700000000)

static void
test_rules(void **state)
{
	static const struct {
		const char		*what;
		struct limit_facts	 lf;
		unsigned int		 attempt;
		enum limit_kind		 kind;
		int64_t			 wait_ms;
	} rows[] = {
		{ "plain refusal", { 403, NULL, "4999", "1700000060", "Must be an owner" }, 1, LIMIT_NONE, -1 },
		{ "no headers", { 403, NULL, NULL, NULL, NULL }, 1, LIMIT_NONE, -1 },
		{ "success with a spent budget", { 200, NULL, "0", "1700000060", NULL }, 1, LIMIT_NONE, -1 },
		{ "absent with a spent budget", { 404, NULL, "0", "1700000060", NULL }, 1, LIMIT_NONE, -1 },
		{ "Retry-After", { 403, "7", "100", NULL, NULL }, 1, LIMIT_RETRY_AFTER, 7000 },
		{ "Retry-After before reset", { 429, "7", "0", "1700000060", NULL }, 1, LIMIT_RETRY_AFTER, 7000 },
		{ "Retry-After before secondary", { 403, "30", NULL, NULL, "secondary rate limit" }, 3,
		    LIMIT_RETRY_AFTER, 30000 },
		{ "Retry-After that is no number", { 403, "soon", "0", "1700000060", NULL }, 1, LIMIT_PRIMARY, 61000 },
		{ "huge Retry-After", { 429, "99999999999999999999", NULL, NULL, NULL }, 1, LIMIT_RETRY_AFTER,
		    INT64_C(100000000000) },
		{ "reset", { 403, NULL, "0", "1700000060", "API rate limit exceeded" }, 1, LIMIT_PRIMARY, 61000 },
		{ "reset in the past", { 403, NULL, "0", "1699999999", NULL }, 1, LIMIT_PRIMARY, 1000 },
		{ "spent without a reset", { 403, NULL, "0", NULL, NULL }, 1, LIMIT_NONE, -1 },
		{ "429 without headers", { 429, NULL, NULL, NULL, NULL }, 1, LIMIT_SECONDARY, 60000 },
		{ "secondary, first", { 403, NULL, "4000", NULL, "You have exceeded a secondary rate limit." }, 1,
		    LIMIT_SECONDARY, 60000 },
		{ "secondary, second", { 403, NULL, "4000", NULL, "You have exceeded a Secondary Rate Limit." }, 2,
		    LIMIT_SECONDARY, 120000 },
		{ "secondary, third", { 403, NULL, NULL, NULL, "triggered an abuse detection mechanism" }, 3,
		    LIMIT_SECONDARY, 240000 },
		{ "secondary, absurd attempt", { 429, NULL, NULL, NULL, NULL }, 4000, LIMIT_SECONDARY, 60000 << 10 },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		int64_t	 wait_ms = 0;

		if (limit_judge(&rows[i].lf, NOW_S, rows[i].attempt, &wait_ms) != rows[i].kind ||
		    wait_ms != rows[i].wait_ms)
			fail_msg("%s: %lld ms", rows[i].what, (long long)wait_ms);
	}
}

static void
test_budget(void **state)
{
	(void)state;
	assert_int_equal(limit_budget_ms(0, 0), FETCH_WAIT_MS_MAX);
	assert_int_equal(limit_budget_ms(60000, 0), 55000);
	assert_int_equal(limit_budget_ms(60000, 50000), 5000);
	assert_int_equal(limit_budget_ms(60000, 58000), 0);
	assert_int_equal(limit_budget_ms(100000000, 0), FETCH_WAIT_MS_MAX);
}

static void
test_text_names_the_time(void **state)
{
	char	 text[300];

	(void)state;
	limit_text(LIMIT_PRIMARY, NOW_S, 3600000, text, sizeof(text));
	assert_non_null(strstr(text, "2023-11-14T23:13:20Z"));
	assert_non_null(strstr(text, "3600 s"));
	limit_text(LIMIT_SECONDARY, NOW_S, 60000, text, 10);
	assert_int_equal(strlen(text), 9);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_text_names_the_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
