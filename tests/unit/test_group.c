/*
 * test_group.c -- who puts a worker into its group: the loop where it takes no time, the mover where it does.
 * It takes group.c in, and stands for the groups and the mover.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/contract/util.h"

static struct {
	uint64_t	 asked;		/* the mover's last order; 0: none */
	unsigned int	 put;		/* joins by the loop */
	int		 slow_us;	/* what one takes there */
	int64_t		 us;		/* the time */
} fake = { .us = 1000000 };

#define now_us()	(fake.us)
#define now_ms()	(fake.us / 1000)
#include "launcher/core/group.c"

static int	 groups_fake;

const char *
cgroup_absent(void)
{
	return NULL;
}

struct cgroup *
cgroup_take(uint64_t memory_bytes, struct error *e)
{
	(void)memory_bytes;
	(void)e;
	return (struct cgroup *)(void *)&groups_fake;
}

int
cgroup_return(struct cgroup *g)
{
	(void)g;
	return 0;
}

int
cgroup_put(struct cgroup *g, pid_t pid, struct error *e)
{
	(void)g;
	(void)pid;
	(void)e;
	fake.put++;
	fake.us += fake.slow_us;
	return 0;
}

int
cgroup_tasks(struct cgroup *g, unsigned int n)
{
	(void)g;
	(void)n;
	return 0;
}

void
cgroup_entered(struct cgroup *g)
{
	(void)g;
}

uint32_t
cgroup_doors(const struct cgroup *g, int fds[BRANCH__MAX])
{
	(void)g;
	fds[0] = -1;
	return 1;
}

uint32_t
cgroup_own_doors(int fds[BRANCH__MAX])
{
	(void)fds;
	return 0;
}

int
mover_start(void (*news)(const struct moved *))
{
	(void)news;
	return 0;
}

bool
mover_runs(void)
{
	return true;
}

bool
mover_warm(const int fds[BRANCH__MAX], uint32_t n)
{
	(void)fds;
	(void)n;
	return true;
}

bool
mover_ask(uint64_t serial, pid_t pid, const int fds[BRANCH__MAX], uint32_t n)
{
	(void)pid;
	(void)fds;
	(void)n;
	fake.asked = serial;
	return true;
}

void
mover_settle(void)
{
}

/* One worker after a pause; true if the loop put it in.  took_us: what it took the mover, if it was asked. */
static bool
joined_by_loop(int64_t took_us)
{
	struct worker	 w = { .pid = 1 };
	unsigned int	 before = fake.put;

	fake.us += GROUP_WARM_MS * 1000;
	fake.asked = 0;
	group_join(&w, NULL, NULL);
	if (fake.asked != 0) {
		assert_true(w.group.asked);
		assert_int_equal(fake.put, before);
		on_moved(&(struct moved){ .serial = fake.asked, .done = 1, .took_us = took_us });
	}
	assert_false(w.group.asked);
	assert_true(w.group.in);
	return fake.put > before;
}

/* The mover, until it was quick often enough; one slow join by the loop, and it is the mover again. */
static void
quick_kernel(void **state)
{
	(void)state;
	group_forget();
	for (unsigned int i = 0; i < GROUP_QUICK_RUN; i++)
		assert_false(joined_by_loop(GROUP_QUICK_US));
	for (int i = 0; i < 3; i++)
		assert_true(joined_by_loop(0));
	fake.slow_us = 2 * GROUP_QUICK_US;
	assert_true(joined_by_loop(0));
	fake.slow_us = 0;
	assert_false(joined_by_loop(GROUP_QUICK_US));
}

/* One slow one among them, and the run begins anew. */
static void
slow_kernel(void **state)
{
	(void)state;
	group_forget();
	for (unsigned int i = 0; i < 3 * GROUP_QUICK_RUN; i++)
		assert_false(joined_by_loop(i % GROUP_QUICK_RUN == 0 ? GROUP_QUICK_US + 1 : 0));
	group_forget();
	assert_false(joined_by_loop(0));
}

/* Soon after another it is the loop's in any case. */
static void
soon_after(void **state)
{
	struct worker	 w = { .pid = 1 };
	unsigned int	 put;

	(void)state;
	group_forget();
	assert_false(joined_by_loop(GROUP_QUICK_US + 1));
	put = fake.put;
	fake.us += GROUP_WARM_MS * 1000 - 1000;
	group_join(&w, NULL, NULL);
	assert_int_equal(fake.put, put + 1);
	assert_true(w.group.in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quick_kernel),
		cmocka_unit_test(slow_kernel),
		cmocka_unit_test(soon_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
