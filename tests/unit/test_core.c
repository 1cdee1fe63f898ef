/*
 * test_core.c -- many invocations in one loop: nurseries that are kept, replaced and lost; workers parked.
 *
 * With the real broker and the connector of the evil suite, copied to a name of its own.
 */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <event2/event.h>

#include "launcher/core/invoke.h"
#include "launcher/core/worker.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define MANY	60		/* invocations at once */
#define MOST_MS	30000		/* that any test may take */

static char		 folder[64], program[128];
static char		*broker;
static struct event_base *base;
static struct connector_ref ref;

struct one {
	struct invocation	*iv;
	unsigned int		 records;
	bool			 done;
};

static void
on_record(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	struct one	*o = arg;

	(void)line;
	(void)len;
	o->records += f->record == REC_OUTPUT;
}

static void
on_log(void *arg, const char *line, size_t len)
{
	(void)arg;
	(void)line;
	(void)len;
}

static bool
on_ready(void *arg)
{
	(void)arg;
	return true;
}

static void
on_done(void *arg)
{
	((struct one *)arg)->done = true;
}

static void
start_with(struct one *o, const char *type, void (*done)(void *))
{
	struct request		 rq = { 0 };
	struct error		 e = ERROR_NONE;
	char			 text[128];
	struct inv_request	 q = { .ref = &ref, .rq = &rq,
	    .sink = { on_record, on_log, on_ready, done, o } };

	*o = (struct one){ 0 };
	snprintf(text, sizeof(text), "{\"type\":\"%s\",\"config\":{},\"input\":{}}", type);
	if (request_parse(text, strlen(text), &rq, &e) == -1 || (o->iv = inv_start(&q, &e)) == NULL)
		fail_msg("%s: %s", type, e.msg);
	request_free(&rq);
}

static void
on_clock(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
start(struct one *o, const char *type)
{
	start_with(o, type, on_done);
}

/* One turn of the loop, 20 ms at most. */
static void
turn(void)
{
	struct timeval	 tv = { 0, 20000 };

	assert_int_equal(event_base_once(base, -1, EV_TIMEOUT, on_clock, NULL, &tv), 0);
	(void)event_base_loop(base, EVLOOP_ONCE);
}

static void
finish(struct one *o, enum err_code want)
{
	int64_t	 until = now_ms() + MOST_MS;

	while (!o->done && now_ms() < until)
		turn();
	if (!o->done)
		fail_msg("no end after %d ms", MOST_MS);
	if (inv_verdict(o->iv)->code != want)
		fail_msg("ended as %d: %s", (int)inv_verdict(o->iv)->code, inv_verdict(o->iv)->msg);
	inv_free(o->iv);
	o->iv = NULL;
}

static void
run_ok(void)
{
	struct one	 o;

	start(&o, "evil:ok");
	finish(&o, ERR_NONE);
	assert_int_equal(o.records, 1);
}

/* Our children with that in their command line, oldest first.  Returns how many; at most max are noted. */
static size_t
children(const char *what, pid_t *pids, size_t max)
{
	FILE	*list = fopen("/proc/thread-self/children", "r");
	size_t	 n = 0;
	int	 pid;

	assert_non_null(list);
	while (fscanf(list, "%d", &pid) == 1) {
		char	 path[64], line[512] = "";
		FILE	*f;
		size_t	 k;

		snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		k = fread(line, 1, sizeof(line) - 1, f);
		fclose(f);
		for (size_t i = 0; i < k; i++)
			if (line[i] == '\0')
				line[i] = ' ';
		if (strstr(line, what) != NULL && n++ < max)
			pids[n - 1] = pid;
	}
	fclose(list);
	return n;
}

static void
opened(struct core_plan plan)
{
	plan.broker = broker;
	core_open(base, &plan);
}

static int
closed(void **state)
{
	pid_t	 left[1];

	(void)state;
	core_close();
	/* Whatever a test did, nothing of it lives on. */
	if (children("", left, 1) != 0) {
		print_error("process %d is left\n", left[0]);
		return -1;
	}
	return 0;
}

static void
one_nursery_serves_all(void **state)
{
	pid_t	 a[4], b[4];

	(void)state;
	opened((struct core_plan){ 0 });
	run_ok();
	assert_int_equal(children(program, a, 4), 1);
	run_ok();
	assert_int_equal(children(program, b, 4), 1);
	assert_int_equal(a[0], b[0]);
}

static void
many_at_once(void **state)
{
	static struct one	 all[MANY];

	(void)state;
	opened((struct core_plan){ 0 });
	for (size_t i = 0; i < MANY; i++)
		start(&all[i], i % 3 == 2 ? "evil:no-verdict" : "evil:ok");
	for (size_t i = 0; i < MANY; i++)
		finish(&all[i], i % 3 == 2 ? ERR_PROTOCOL : ERR_NONE);
	assert_int_equal(children(program, NULL, 0), 1);
}

/* Killed between two invocations, and with orders in its hands. */
static void
nursery_killed(void **state)
{
	struct one	 all[8];
	pid_t		 pids[4];

	(void)state;
	opened((struct core_plan){ 0 });
	run_ok();
	for (int round = 0; round < 2; round++) {
		assert_int_equal(children(program, pids, 4), 1);
		if (round == 0)
			kill(pids[0], SIGKILL);
		for (size_t i = 0; i < N_ITEMS(all); i++)
			start(&all[i], "evil:ok");
		if (round == 1)
			kill(pids[0], SIGKILL);
		for (size_t i = 0; i < N_ITEMS(all); i++) {
			finish(&all[i], ERR_NONE);
			assert_int_equal(all[i].records, 1);
		}
	}
}

static unsigned int	 chain_left, chain_ok;

/* A server's way: the end of one begins the next, from within. */
static void
chain_next(void *arg)
{
	struct one	*o = arg;

	o->done = true;
	chain_ok += inv_verdict(o->iv)->code == ERR_NONE && o->records == 1;
	inv_free(o->iv);
	o->iv = NULL;
	if (chain_left == 0)
		return;
	chain_left--;
	start_with(o, "evil:ok", chain_next);
}

static void
one_begins_the_next(void **state)
{
	static struct one	 all[4];
	int64_t			 until = now_ms() + MOST_MS;
	pid_t			 pids[1];

	(void)state;
	opened((struct core_plan){ .parked_min = 1, .parked_max = 2, .nursery_forks = 5 });
	chain_left = 60;
	chain_ok = 0;
	for (size_t i = 0; i < N_ITEMS(all); i++)
		start_with(&all[i], "evil:ok", chain_next);
	for (int turns = 0; now_ms() < until; turns++) {
		bool	 over = true;

		for (size_t i = 0; i < N_ITEMS(all); i++)
			over = over && all[i].iv == NULL;
		if (over)
			break;
		/* New files while orders are out: who waits is served by the next nursery. */
		if (turns % 40 == 20)
			assert_int_equal(chmod(program, 0755), 0);
		turn();
	}
	assert_int_equal(chain_ok, 64);
	assert_true(children(program, pids, 1) >= 1);
}

static void
new_files_new_nursery(void **state)
{
	pid_t	 a[2], b[2];

	(void)state;
	opened((struct core_plan){ 0 });
	run_ok();
	assert_int_equal(children(program, a, 2), 1);
	/* The same bytes written again: its change time tells. */
	assert_int_equal(chmod(program, 0755), 0);
	run_ok();
	assert_int_equal(children(program, b, 2), 1);
	assert_int_not_equal(a[0], b[0]);
}

static void
renewed_by_count(void **state)
{
	int64_t	 until = now_ms() + MOST_MS;
	pid_t	 a[2], b[4];

	(void)state;
	opened((struct core_plan){ .parked_min = 1, .parked_max = 1, .nursery_forks = 3 });
	run_ok();
	/* The parked one is a child too, but not the nursery: the nursery is the older. */
	assert_true(children(program, a, 2) >= 1);
	do {
		run_ok();
		turn();
		assert_true(children(program, b, 4) >= 1);
	} while (b[0] == a[0] && now_ms() < until);
	assert_int_not_equal(a[0], b[0]);
	run_ok();
}

static void
parked_until(size_t n)
{
	int64_t	 until = now_ms() + MOST_MS;

	while (children(program, NULL, 0) != n + 1 && now_ms() < until)
		turn();
	assert_int_equal(children(program, NULL, 0), n + 1);
}

/* A parked worker serves one invocation; one that dies is replaced and nobody notices. */
static void
parked(void **state)
{
	pid_t	 before[8], after[8];
	size_t	 n, left = 0;

	(void)state;
	opened((struct core_plan){ .parked_min = 3, .parked_max = 3 });
	run_ok();
	parked_until(3);
	assert_int_equal(children(program, before, 8), 4);
	run_ok();
	n = children(program, after, 8);
	assert_int_equal(before[0], after[0]);
	/* The one that served is gone, and was one of the parked: the first that was ready. */
	for (int i = 1; i <= 3; i++)
		for (size_t k = 1; k < n && k < 8; k++)
			left += before[i] == after[k];
	assert_int_equal(left, 2);
	parked_until(3);
	assert_int_equal(children(program, before, 8), 4);
	for (int i = 1; i <= 2; i++) {
		siginfo_t	 si;

		kill(before[i], SIGKILL);
		assert_int_equal(waitid(P_PID, (id_t)before[i], &si, WEXITED | WNOWAIT), 0);
	}
	run_ok();
	parked_until(3);
	for (int i = 0; i < 10; i++)
		run_ok();
}

static void
broker_killed(void **state)
{
	struct one	 o;
	pid_t		 pids[1];

	(void)state;
	opened((struct core_plan){ 0 });
	start(&o, "evil:hang");
	for (int i = 0; i < 20; i++)
		turn();
	assert_int_equal(children("bascule-broker", pids, 1), 1);
	kill(pids[0], SIGKILL);
	finish(&o, ERR_SYSTEM);
	run_ok();
}

static void
cancelled(void **state)
{
	struct one	 at_once, later;

	(void)state;
	opened((struct core_plan){ 0 });
	start(&at_once, "evil:hang");
	start(&later, "evil:ignore-term");
	inv_cancel(at_once.iv, ERR_CANCELLED, "before it was born");
	finish(&at_once, ERR_CANCELLED);
	for (int i = 0; i < 10; i++)
		turn();
	inv_cancel(later.iv, ERR_CLIENT_GONE, "nobody reads");
	finish(&later, ERR_CLIENT_GONE);
}

/* The process that moves workers into their groups; 0 where there are none. */
static pid_t
mover_find(void)
{
	FILE	*list = fopen("/proc/thread-self/children", "r");
	pid_t	 found = 0;
	int	 pid;

	assert_non_null(list);
	while (found == 0 && fscanf(list, "%d", &pid) == 1) {
		char	 path[64], name[32] = "";
		FILE	*f;

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		if (fgets(name, sizeof(name), f) != NULL && strcmp(name, "bascule-mover\n") == 0)
			found = pid;
		fclose(f);
	}
	fclose(list);
	return found;
}

static void
turns(int n)
{
	for (int i = 0; i < n; i++)
		turn();
}

/* Until no group is joined by the loop itself. */
static void
mover_wanted(void)
{
	usleep(2 * GROUP_WARM_MS * 1000);
}

/* Dead between two invocations it is made anew; with workers in its hands, they are moved all the same. */
static void
mover_killed(void **state)
{
	struct one	 o;
	pid_t		 pid;

	(void)state;
	opened((struct core_plan){ 0 });
	run_ok();
	if ((pid = mover_find()) == 0)
		skip();
	kill(pid, SIGKILL);
	mover_wanted();
	run_ok();
	turns(5);
	mover_wanted();
	run_ok();
	pid = mover_find();
	assert_int_not_equal(pid, 0);
	kill(pid, SIGSTOP);
	mover_wanted();
	start(&o, "evil:ok");
	turns(20);
	assert_false(o.done);
	assert_int_equal(o.records, 0);
	kill(pid, SIGKILL);
	finish(&o, ERR_NONE);
	assert_int_equal(o.records, 1);
	run_ok();
}

/* A worker that ends while it is being moved keeps its number until it is not. */
static void
mover_hangs(void **state)
{
	struct one	 all[4];
	pid_t		 pid;

	(void)state;
	opened((struct core_plan){ 0 });
	run_ok();
	if ((pid = mover_find()) == 0)
		skip();
	kill(pid, SIGSTOP);
	mover_wanted();
	for (size_t i = 0; i < N_ITEMS(all); i++)
		start(&all[i], "evil:ok");
	turns(10);
	inv_cancel(all[0].iv, ERR_CANCELLED, "while it is moved");
	turns(10);
	assert_false(all[0].done);
	kill(pid, SIGCONT);
	finish(&all[0], ERR_CANCELLED);
	for (size_t i = 1; i < N_ITEMS(all); i++)
		finish(&all[i], ERR_NONE);
	/* All at once, from outside the loop. */
	kill(pid, SIGSTOP);
	mover_wanted();
	for (size_t i = 0; i < N_ITEMS(all); i++)
		start(&all[i], "evil:ok");
	turns(10);
	for (size_t i = 0; i < N_ITEMS(all); i++)
		inv_free(all[i].iv);
	run_ok();
}

static size_t
open_files(void)
{
	DIR	*d = opendir("/proc/self/fd");
	size_t	 n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
nothing_is_left_open(void **state)
{
	size_t	 before;

	(void)state;
	opened((struct core_plan){ .parked_min = 2, .parked_max = 2 });
	run_ok();
	core_close();
	before = open_files();
	opened((struct core_plan){ .parked_min = 2, .parked_max = 2 });
	for (int i = 0; i < 10; i++)
		run_ok();
	core_close();
	assert_int_equal(open_files(), before);
}

/* The connector under a name of its own, in a folder that everybody may read. */
static int
set_up(void **state)
{
	char		 command[1024];
	struct error	 e = ERROR_NONE;
	char		*at;

	(void)state;
	if ((at = strstr(broker, "/libexec/")) == NULL)
		return -1;
	snprintf(folder, sizeof(folder), "/tmp/bascule-core-%d", (int)getpid());
	snprintf(program, sizeof(program), "%s/core-test", folder);
	snprintf(command, sizeof(command), "mkdir -m 755 %s && cp %.*s/tests/evil/evil/evil %s && "
	    "cp %.*s/tests/evil/evil/connector-spec.json %s", folder, (int)(at - broker), broker, program,
	    (int)(at - broker), broker, folder);
	if (system(command) != 0 || connector_find(program, &ref, &e) == -1) {
		print_error("%s\n", e.msg);
		return -1;
	}
	base = event_base_new();
	return base == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	char	 command[128];

	(void)state;
	connector_free(&ref);
	event_base_free(base);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(one_nursery_serves_all, closed),
		cmocka_unit_test_teardown(many_at_once, closed),
		cmocka_unit_test_teardown(nursery_killed, closed),
		cmocka_unit_test_teardown(one_begins_the_next, closed),
		cmocka_unit_test_teardown(new_files_new_nursery, closed),
		cmocka_unit_test_teardown(renewed_by_count, closed),
		cmocka_unit_test_teardown(parked, closed),
		cmocka_unit_test_teardown(broker_killed, closed),
		cmocka_unit_test_teardown(cancelled, closed),
		cmocka_unit_test_teardown(mover_killed, closed),
		cmocka_unit_test_teardown(mover_hangs, closed),
		cmocka_unit_test_teardown(nothing_is_left_open, closed),
	};

	/* tests/run.sh names it; a sanitizer's build has no walls to put workers in. */
	if ((broker = getenv("BASCULE_BROKER")) == NULL) {
		printf("skipped: BASCULE_BROKER is not set\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
