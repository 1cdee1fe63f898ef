/*
 * test_report.c -- the journal read forward and summed up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "launcher/store/store.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static int64_t	 start;

static void
row(unsigned int n, const char *connector, const char *command, int64_t accepted_ms, const char *outcome)
{
	char	 id[32];
	cJSON	*receipt;

	snprintf(id, sizeof(id), "r%u", n);
	journal_begin(&(struct journal_row){ .id = id, .connector = connector, .command = command, .accepted_ms = accepted_ms });
	if (outcome == NULL)
		return;
	receipt = cJSON_CreateObject();
	(void)json_set_str(receipt, "outcome", outcome);
	journal_end(id, receipt);
}

static int
fresh(void **state)
{
	struct error	 e = ERROR_NONE;

	(void)state;
	start = (int64_t)time(NULL) * 1000;
	return store_open(&(struct store_plan){ 0 }, NULL, &e);
}

static int
done(void **state)
{
	(void)state;
	store_close();
	return 0;
}

static void
seeks(void **state)
{
	(void)state;
	assert_int_equal(journal_last(), 0);
	assert_int_equal(journal_seek(0), 0);
	assert_int_equal(journal_seek(INT64_MAX), 0);
	for (unsigned int i = 1; i <= 100; i++)
		row(i, "c", "x", 10 * i, NULL);
	assert_int_equal(journal_last(), 100);
	assert_int_equal(journal_seek(0), 0);
	assert_int_equal(journal_seek(10), 0);
	for (unsigned int i = 1; i <= 100; i++) {
		assert_int_equal(journal_seek(10 * i), i - 1);
		assert_int_equal(journal_seek(10 * i + 1), i);
	}
	assert_int_equal(journal_seek(INT64_MAX), 100);
}

/* Pages of any length give each row once, in order, and end. */
static void
pages(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 25; i++)
		row(i, "c", "x", i, i % 2 ? "ok" : NULL);
	for (size_t limit = 1; limit < 30; limit++) {
		uint64_t	 after = 0;
		unsigned int	 n = 0;

		for (unsigned int turn = 0; turn < 30; turn++) {
			autojson	*page = journal_forward(after, 20, limit);
			const cJSON	*one;
			char		 id[16];

			cJSON_ArrayForEach(one, json_get(page, "invocations")) {
				snprintf(id, sizeof(id), "r%u", ++n);
				assert_string_equal(json_str(one, "id", ""), id);
				assert_int_equal(json_get(one, "ended") != NULL, n % 2);
			}
			if ((after = (uint64_t)json_i64(page, "next", 0)) == 0)
				break;
		}
		assert_int_equal(after, 0);
		assert_int_equal(n, 20);
	}
}

static char	 said[512];

static void
say(void *arg, const struct journal_tally *t)
{
	bool	 is_time = t->mean_ms >= 90 && t->p95_ms >= 90;

	(void)arg;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s %s %llu %llu%s;", t->connector, t->command,
	    (unsigned long long)t->count, (unsigned long long)t->errors, is_time ? "" : " fast");
}

static void
tallies(void **state)
{
	(void)state;
	row(1, "b", "x", start - 5000, "ok");
	row(2, "a@1", "x", start - 100, "ok");
	row(3, "a@2", "x", start - 100, "failed");
	row(4, "a@10", "y", start - 100, "ok");
	row(5, "b", "x", start - 100, "failed");
	row(6, "b", "x", start - 100, NULL);
	said[0] = '\0';
	journal_tally(start - 1000, 1000, say, NULL);
	assert_string_equal(said, "a x 2 1;a y 1 0;b x 1 1;");
	said[0] = '\0';
	journal_tally(0, 1000, say, NULL);
	assert_string_equal(said, "a x 2 1;a y 1 0;b x 2 1;");
	said[0] = '\0';
	journal_tally(0, 3, say, NULL);
	assert_string_equal(said, "a y 1 0;b x 1 1;");
}

static void
take_last(void *arg, const struct journal_tally *t)
{
	*(struct journal_tally *)arg = *t;
}

/* Of 100 that took about 1 s, 2 s, ... 100 s, the 95th is the one in place 95. */
static void
ranks(void **state)
{
	struct journal_tally	 t = { 0 };

	(void)state;
	for (unsigned int i = 100; i >= 1; i--)
		row(i, "c", "x", start - 1000 * (int64_t)i, "ok");
	journal_tally(0, 1000, take_last, &t);
	assert_int_equal(t.count, 100);
	assert_in_range((uint64_t)t.p95_ms, 95000, 97500);
	assert_in_range((uint64_t)t.mean_ms, 50500, 53000);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(seeks, fresh, done),
		cmocka_unit_test_setup_teardown(pages, fresh, done),
		cmocka_unit_test_setup_teardown(tallies, fresh, done),
		cmocka_unit_test_setup_teardown(ranks, fresh, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
