/*
 * test_fetch_retry.c -- whether to ask again, and when: no clock, no server.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "worker/runtime/fetch_priv.h"

#define NOW		INT64_C(1800000000)
#define BACKOFF		(-9)	/* in the table: some wait of our own */
#define LAST		"\0"

static const struct {
	const char		*name;
	struct retry_facts	 r;
	int64_t			 wait_ms;
} waits[] = {
	{ "get, no answer", { "GET", 0, 0, true, -1, false, 1, 5 }, BACKOFF },
	{ "put, no answer", { "PUT", 0, 0, true, -1, false, 1, 5 }, BACKOFF },
	{ "post, no answer", { "POST", 0, 0, true, -1, false, 1, 5 }, RETRY_NO },
	{ "patch, no answer", { "PATCH", 0, 0, true, -1, false, 1, 5 }, RETRY_NO },
	{ "post, never sent", { "POST", 0, 0, false, -1, false, 1, 5 }, BACKOFF },
	{ "post, repeatable", { "POST", FETCH_REPEATABLE, 500, true, -1, false, 1, 5 }, BACKOFF },
	{ "post, 500", { "POST", 0, 500, true, -1, false, 1, 5 }, RETRY_NO },
	{ "post, 503", { "POST", 0, 503, true, -1, false, 1, 5 }, RETRY_NO },
	{ "post, 503 with Retry-After", { "POST", 0, 503, true, 7000, false, 1, 5 }, 7000 },
	{ "post, 429", { "POST", 0, 429, true, -1, false, 1, 5 }, BACKOFF },
	{ "get, 500", { "GET", 0, 500, true, -1, false, 1, 5 }, BACKOFF },
	{ "get, 502", { "GET", 0, 502, true, -1, false, 4, 5 }, BACKOFF },
	{ "get, 408", { "GET", 0, 408, true, -1, false, 1, 5 }, BACKOFF },
	{ "get, 501", { "GET", 0, 501, true, -1, false, 1, 5 }, RETRY_NO },
	{ "get, 404", { "GET", 0, 404, true, 5, false, 1, 5 }, RETRY_NO },
	{ "a refusal", { "GET", 0, 403, true, -1, false, 1, 5 }, RETRY_NO },
	{ "a limit", { "GET", 0, 403, true, 9000, false, 1, 5 }, 9000 },
	{ "the last attempt", { "GET", 0, 500, true, -1, false, 5, 5 }, RETRY_NO },
	{ "once", { "GET", FETCH_ONCE, 500, true, -1, false, 1, 5 }, RETRY_NO },
	{ "too long", { "GET", 0, 429, true, FETCH_WAIT_MS_MAX + 1, false, 1, 5 }, RETRY_TOO_LONG },
	{ "just not", { "GET", 0, 429, true, FETCH_WAIT_MS_MAX, false, 1, 5 }, FETCH_WAIT_MS_MAX },
	{ "told", { "POST", 0, 409, true, 5, true, 1, 5 }, 5 },
	{ "told, too long", { "POST", 0, 409, true, FETCH_WAIT_MS_MAX + 1, true, 1, 5 }, RETRY_TOO_LONG },
	{ "told, but once", { "POST", FETCH_ONCE, 409, true, 5, true, 1, 5 }, RETRY_NO },
};

static void
test_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(waits); i++)
		for (uint32_t chance = 0; chance < 5000; chance += 499) {
			int64_t	 w = retry_wait_ms(&waits[i].r, chance);

			if (waits[i].wait_ms == BACKOFF ? w < 0 || w > FETCH_BACKOFF_MS << waits[i].r.attempt :
			    waits[i].wait_ms < 0 ? w != waits[i].wait_ms :
			    w < waits[i].wait_ms || w >= waits[i].wait_ms + 250)
				fail_msg("%s: %lld", waits[i].name, (long long)w);
		}
}

static void
test_backoff(void **state)
{
	(void)state;
	assert_int_equal(retry_backoff_ms(1, 0), 0);
	assert_int_equal(retry_backoff_ms(1, FETCH_BACKOFF_MS), FETCH_BACKOFF_MS);
	assert_int_equal(retry_backoff_ms(1, FETCH_BACKOFF_MS + 1), 0);
	assert_int_equal(retry_backoff_ms(3, 4 * FETCH_BACKOFF_MS), 4 * FETCH_BACKOFF_MS);
	for (unsigned int attempt = 0; attempt < 100; attempt++)
		assert_in_range(retry_backoff_ms(attempt, UINT32_MAX), 0, FETCH_BACKOFF_MS_MAX);
}

/* Headers as a response keeps them: each ended by NUL, the last by two. */
static const struct {
	const char	*headers;
	int64_t		 ms;
} asked[] = {
	{ "HTTP/1.1 429 X\0Retry-After: 7\0" LAST, 7000 },
	{ "HTTP/1.1 429 X\0retry-after: Fri, 15 Jan 2027 08:00:10 GMT\0" LAST, 10000 },
	{ "HTTP/1.1 429 X\0retry-after: Fri, 15 Jan 2027 07:00:00 GMT\0" LAST, 0 },
	{ "HTTP/1.1 429 X\0retry-after: soon\0" LAST, -1 },
	{ "HTTP/1.1 429 X\0retry-after: -5\0" LAST, -1 },
	{ "HTTP/1.1 429 X\0retry-after: 99999999999999999999\0" LAST, -1 },
	{ "HTTP/1.1 403 X\0X-RateLimit-Remaining: 0\0X-RateLimit-Reset: 1800000030\0" LAST, 30000 },
	{ "HTTP/1.1 403 X\0X-RateLimit-Remaining: 0\0X-RateLimit-Reset: 45\0" LAST, 45000 },
	{ "HTTP/1.1 403 X\0X-RateLimit-Remaining: 0\0X-RateLimit-Reset: 1700000000\0" LAST, 0 },
	{ "HTTP/1.1 403 X\0X-RateLimit-Remaining: 3\0X-RateLimit-Reset: 1800000030\0" LAST, -1 },
	{ "HTTP/1.1 429 X\0x-rate-limit-remaining: 0\0x-rate-limit-reset: 1800000005\0" LAST, 5000 },
	{ "HTTP/1.1 429 X\0RateLimit-Remaining: 0\0RateLimit-Reset: 5\0" LAST, 5000 },
	{ "HTTP/1.1 429 X\0" LAST, -1 },
	{ LAST, -1 },
};

static void
test_asked(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(asked); i++) {
		struct fetch_response	 rs = { .headers = (void *)(uintptr_t)asked[i].headers };

		assert_int_equal(retry_asked_ms(&rs, NOW), asked[i].ms);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_waits), cmocka_unit_test(test_backoff), cmocka_unit_test(test_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
