/*
 * test_govern.c -- budgets of sources, with a clock of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "launcher/broker/govern.h"
#include "worker/contract/util.h"

static uint8_t	serial;

/* Of a source that no other test has. */
static struct wire_rate
rate(uint32_t requests, uint32_t per_ms, uint32_t concurrency)
{
	struct wire_rate	r = { .budget = { requests, per_ms, concurrency } };

	r.source[0] = ++serial;
	return r;
}

static struct governed
join(const struct wire_rate *r)
{
	struct governed	g = { 0 };

	assert_int_equal(govern_join(&g, r, 0), 0);
	return g;
}

static void
no_budget(void **state)
{
	struct wire_rate	r = rate(0, 0, 0);
	struct governed		g = join(&r);

	(void)state;
	assert_null(g.source);
	assert_false(g.bounded);
	for (int i = 0; i < 1000; i++)
		assert_true(govern_connect(&g));
	govern_leave(&g, 0);
}

/* Whatever two honest workers do, no window of a second has more than ten. */
static void
window(void **state)
{
	struct wire_rate	r = rate(10, 1000, 0);
	struct governed		g[2] = { join(&r), join(&r) };
	int64_t			due[2] = { 0, 0 }, given[200];
	unsigned int		n = 0, of[2] = { 0, 0 };

	(void)state;
	for (int64_t now = 0; n < 105; now++)
		for (int i = 0; i < 2 && n < 105; i++) {
			int64_t	wait = now < due[i] ? 1 : govern_ask(&g[i], false, now);

			assert_true(wait >= 0);
			if (now >= due[i] && wait == 0) {
				given[n++] = now;
				of[i]++;
				assert_int_equal(govern_done(&g[i], 0, now), 0);
			} else if (now >= due[i])
				due[i] = now + wait;
		}
	for (unsigned int i = 10; i < n; i++)
		assert_true(given[i] - given[i - 10] >= 1000);
	/* And nothing of the budget is lost. */
	assert_true(given[104] <= 10 * 1000 + 20);
	assert_in_range(of[0], 45, 60);
	assert_in_range(of[1], 45, 60);
	assert_int_equal(g[0].permits + g[1].permits, n);
	assert_true(g[0].wait_ms > 8000);
	govern_leave(&g[0], 0);
	govern_leave(&g[1], 0);
}

static void
others_budget(void **state)
{
	struct wire_rate	r = rate(1, 1000, 0), s = rate(1, 1000, 0);
	struct governed		g = join(&r), h = join(&s), same = join(&r);

	(void)state;
	assert_int_equal(govern_ask(&g, false, 0), 0);
	assert_int_equal(govern_ask(&h, false, 0), 0);
	assert_int_equal(govern_ask(&same, false, 0), 1000);
	govern_leave(&g, 0);
	govern_leave(&h, 0);
	govern_leave(&same, 0);
	/* Nobody has a leg any more: the window is still known. */
	g = join(&r);
	assert_int_equal(govern_ask(&g, false, 999), 1);
	assert_int_equal(govern_ask(&g, false, 1000), 0);
	govern_leave(&g, 1000);
}

static void
concurrency(void **state)
{
	struct wire_rate	r = rate(0, 0, 2);
	struct governed		a = join(&r), b = join(&r), c = join(&r);

	(void)state;
	assert_int_equal(govern_ask(&a, false, 0), 0);
	assert_int_equal(govern_ask(&a, false, 0), 0);
	assert_int_equal(govern_ask(&b, false, 0), GOVERN_SLOT_MS);
	assert_int_equal(govern_ask(&c, false, 0), 2 * GOVERN_SLOT_MS);
	assert_int_equal(govern_done(&a, 0, 5), 0);
	/* One place, and who came first has it, though another asks first. */
	assert_true(govern_ask(&c, false, 20) > 0);
	assert_int_equal(govern_ask(&b, false, 20), 0);
	/* Whoever is killed gives back what it held. */
	govern_leave(&a, 30);
	assert_int_equal(govern_ask(&c, false, 30), 0);
	assert_int_equal(c.wait_ms, 30);
	assert_int_equal(govern_done(&b, 0, 40), 0);
	assert_int_equal(govern_done(&b, 0, 40), -1);
	govern_leave(&b, 40);
	govern_leave(&c, 40);
}

/* One that is inside another takes no place, or it would wait for itself; and those that wait for it do not hold it up. */
static void
inner(void **state)
{
	struct wire_rate	r = rate(2, 1000, 1);
	struct governed		a = join(&r), b = join(&r);

	(void)state;
	assert_int_equal(govern_ask(&a, false, 0), 0);
	assert_true(govern_ask(&b, false, 0) > 0);
	assert_int_equal(govern_ask(&a, true, 0), 0);
	assert_int_equal(govern_done(&a, 0, 1), 0);
	/* The outer one is still under way, */
	assert_int_equal(govern_ask(&b, false, 1001), GOVERN_SLOT_MS);
	assert_int_equal(govern_done(&a, 0, 1002), 0);
	/* and now it is not. */
	assert_int_equal(govern_ask(&b, false, 1011), 0);
	govern_leave(&a, 2000);
	govern_leave(&b, 2000);
}

static void
hold(void **state)
{
	struct wire_rate	r = rate(100, 1000, 0);
	struct governed		a = join(&r), b = join(&r);

	(void)state;
	assert_int_equal(govern_ask(&a, false, 0), 0);
	assert_int_equal(govern_done(&a, 3000, 0), 0);
	assert_int_equal(govern_ask(&b, false, 1), GOVERN_ASK_MS_MAX);
	assert_int_equal(govern_ask(&b, false, 2500), 500);
	assert_int_equal(govern_ask(&a, false, 2500), 500);
	assert_int_equal(govern_ask(&a, false, 3000), 0);
	assert_int_equal(govern_ask(&b, false, 3000), 0);
	assert_int_equal(b.wait_ms, 2999);
	/* A shorter one does not cut a longer one off, and none is for ever. */
	assert_int_equal(govern_done(&a, UINT32_MAX, 3000), 0);
	assert_int_equal(govern_done(&b, 1, 3000), 0);
	assert_true(govern_ask(&b, false, 3000 + EGRESS_HOLD_MS_MAX - 1) > 0);
	assert_int_equal(govern_ask(&b, false, 3000 + EGRESS_HOLD_MS_MAX), 0);
	govern_leave(&a, 0);
	govern_leave(&b, 0);
}

/* Where there is no budget, a hold is all there is, and it is the source's alone. */
static void
hold_open(void **state)
{
	struct wire_rate	r = rate(0, 0, 0), other = rate(0, 0, 0), budget = rate(2, 1000, 1);
	struct governed		a, b, c;

	(void)state;
	r.shared = other.shared = 1;
	a = join(&r);
	b = join(&r);
	c = join(&other);
	assert_false(a.bounded);
	for (int i = 0; i < 1000; i++) {
		assert_true(govern_connect(&a));
		assert_int_equal(govern_ask(&a, i % 2 == 1, 0), 0);
	}
	assert_int_equal(govern_done(&a, 3000, 0), 0);
	assert_int_equal(govern_ask(&b, false, 1), GOVERN_ASK_MS_MAX);
	assert_int_equal(govern_ask(&a, false, 1), GOVERN_ASK_MS_MAX);
	assert_int_equal(govern_ask(&c, false, 1), 0);
	assert_true(govern_connect(&b));
	/* It outlives those that were told. */
	govern_leave(&a, 2);
	govern_leave(&b, 2);
	assert_int_equal(b.wait_ms, 1);
	b = join(&r);
	assert_int_equal(govern_ask(&b, false, 2500), 500);
	/* One with a budget is held up with them, and its budget is none of theirs. */
	memcpy(budget.source, r.source, sizeof(budget.source));
	a = join(&budget);
	assert_int_equal(govern_ask(&a, false, 2600), 400);
	assert_int_equal(govern_ask(&a, false, 3000), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(govern_ask(&b, false, 3000), 0);
	assert_int_equal(govern_done(&a, 0, 3000), 0);
	assert_int_equal(govern_ask(&a, false, 3000), 0);
	/* Capped; whoever asks far too often is told so here as well. */
	assert_int_equal(govern_done(&b, UINT32_MAX, 3000), 0);
	for (int i = 0; i <= GOVERN_EARLY_MAX; i++)
		assert_true(govern_ask(&c, false, 3000) == 0 && govern_ask(&b, false, 3000) > 0);
	assert_int_equal(govern_ask(&b, false, 3000), -1);
	govern_leave(&b, 3000);
	b = join(&r);
	assert_int_equal(govern_ask(&b, false, 3000 + EGRESS_HOLD_MS_MAX), 0);
	govern_leave(&a, 0);
	govern_leave(&b, 0);
	govern_leave(&c, 0);
	assert_int_equal(govern_done(&(struct governed){ 0 }, 0, 0), -1);
	assert_int_equal(govern_ask(&(struct governed){ 0 }, false, 0), -1);
}

/* More sources than can be remembered, one after the other and all at once. */
static void
many_open(void **state)
{
	static struct governed	g[GOVERN_SOURCES_MAX + 100];
	struct wire_rate	r = { .shared = 1 };

	(void)state;
	for (uint32_t i = 0; i < N_ITEMS(g); i++) {
		memcpy(r.source + 4, &i, sizeof(i));
		assert_int_equal(govern_join(&g[i], &r, 0), 0);
		assert_int_equal(govern_ask(&g[i], false, 0), 0);
	}
	for (uint32_t i = 0; i < N_ITEMS(g); i++) {
		assert_int_equal(govern_done(&g[i], 10, 0), 0);
		govern_leave(&g[i], 0);
	}
	for (uint32_t i = 0; i < 2 * N_ITEMS(g); i++) {
		r.source[0] = 1;
		memcpy(r.source + 4, &i, sizeof(i));
		g[0] = (struct governed){ 0 };
		assert_int_equal(govern_join(&g[0], &r, 0), 0);
		assert_non_null(g[0].source);
		govern_leave(&g[0], 0);
	}
}

/* Whoever is away for too long holds up nobody. */
static void
lapse(void **state)
{
	struct wire_rate	r = rate(1, 1000, 0);
	struct governed		a = join(&r), b = join(&r), c = join(&r);

	(void)state;
	assert_int_equal(govern_ask(&a, false, 0), 0);
	assert_int_equal(govern_ask(&b, false, 0), 1000);
	assert_int_equal(govern_ask(&c, false, 0), 1000);
	/* b is first in the line, and not here. */
	assert_true(govern_ask(&c, false, 1000) > 0);
	assert_true(govern_ask(&c, false, 2000) > 0);
	assert_int_equal(govern_ask(&c, false, 1000 + GOVERN_LAPSE_MS), 0);
	assert_false(b.waiting);
	/* A killed one does not either. */
	assert_true(govern_ask(&b, false, 3000) > 0);
	assert_true(govern_ask(&a, false, 3000) > 0);
	govern_leave(&b, 3500);
	assert_int_equal(govern_ask(&a, false, 4000), 0);
	govern_leave(&a, 4000);
	govern_leave(&c, 4000);
}

static void
abuse(void **state)
{
	struct wire_rate	r = rate(1, 60000, 0);
	struct governed		g = join(&r);
	int			n = 0;

	(void)state;
	assert_false(govern_connect(&g));
	assert_int_equal(govern_done(&g, 60000, 0), -1);
	assert_int_equal(govern_ask(&g, false, 0), 0);
	for (int i = 0; i < EGRESS_CONNECTS_PER_PERMIT; i++)
		assert_true(govern_connect(&g));
	assert_false(govern_connect(&g));
	while (n < 1000 && govern_ask(&g, false, 1) != -1)
		n++;
	assert_int_equal(n, GOVERN_EARLY_MAX + 1);
	govern_leave(&g, 1);
}

/* As many as a budget can be, and the ring goes round more than once. */
static void
large(void **state)
{
	struct wire_rate	r = rate(RATE_REQUESTS_MAX, 1000, 0);
	struct governed		g = join(&r);
	int64_t			now = 0;

	(void)state;
	for (unsigned int turn = 0; turn < 3; turn++, now += 1000) {
		for (unsigned int i = 0; i < RATE_REQUESTS_MAX; i++)
			assert_int_equal(govern_ask(&g, false, now + i / 20), 0);
		assert_int_equal(govern_ask(&g, false, now + 500), 500);
		govern_leave(&g, now + 500);
		g = join(&r);
	}
	govern_leave(&g, now);
}

/* Another word on the budget of a source that is known. */
static void
other_word(void **state)
{
	struct wire_rate	r = rate(4, 1000, 0);
	struct governed		a = join(&r), b;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(govern_ask(&a, false, i), 0);
	r.budget.requests = 2;
	b = join(&r);
	assert_int_equal(govern_ask(&b, false, 4), 998);
	r.budget.requests = 6;
	govern_leave(&a, 4);
	a = join(&r);
	govern_leave(&b, 5);
	for (int i = 0; i < 4; i++)
		assert_int_equal(govern_ask(&a, false, 5), 0);
	assert_int_equal(govern_ask(&a, false, 5), 997);
	govern_leave(&a, 5);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(no_budget),
		cmocka_unit_test(window),
		cmocka_unit_test(others_budget),
		cmocka_unit_test(concurrency),
		cmocka_unit_test(inner),
		cmocka_unit_test(hold),
		cmocka_unit_test(hold_open),
		cmocka_unit_test(many_open),
		cmocka_unit_test(lapse),
		cmocka_unit_test(abuse),
		cmocka_unit_test(large),
		cmocka_unit_test(other_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
