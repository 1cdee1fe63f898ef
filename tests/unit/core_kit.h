/*
 * core_kit.h -- invocations in one loop, with the real broker and the connector of the evil suite, copied to a name of its own.
 */
#ifndef TESTS_CORE_KIT_H
#define TESTS_CORE_KIT_H

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

#define KIT	static __attribute__((unused))	/* no test needs all of it */
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

KIT void
on_record(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	struct one	*o = arg;

	(void)line;
	(void)len;
	o->records += f->record == REC_OUTPUT;
}

KIT void
on_log(void *arg, const char *line, size_t len)
{
	(void)arg;
	(void)line;
	(void)len;
}

KIT bool
on_ready(void *arg)
{
	(void)arg;
	return true;
}

KIT void
on_done(void *arg)
{
	((struct one *)arg)->done = true;
}

KIT void
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

KIT void
on_clock(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

KIT void
start(struct one *o, const char *type)
{
	start_with(o, type, on_done);
}

/* One turn of the loop, 20 ms at most. */
KIT void
turn(void)
{
	struct timeval	 tv = { 0, 20000 };

	assert_int_equal(event_base_once(base, -1, EV_TIMEOUT, on_clock, NULL, &tv), 0);
	(void)event_base_loop(base, EVLOOP_ONCE);
}

KIT void
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

KIT void
run_ok(void)
{
	struct one	 o;

	start(&o, "evil:ok");
	finish(&o, ERR_NONE);
	assert_int_equal(o.records, 1);
}

/* Our children with that in their command line, oldest first.  Returns how many; at most max are noted. */
KIT size_t
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

KIT void
opened(struct core_plan plan)
{
	plan.broker = broker;
	core_open(base, &plan);
}

KIT int
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

/* The connector under a name of its own, in a folder that everybody may read. */
KIT int
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

/* How main() ends.  tests/run.sh names the broker; a sanitizer's build has no walls to put workers in. */
KIT bool
broker_named(void)
{
	if ((broker = getenv("BASCULE_BROKER")) == NULL)
		printf("skipped: BASCULE_BROKER is not set\n");
	return broker != NULL;
}

KIT int
tear_down(void **state)
{
	char	 command[128];

	(void)state;
	connector_free(&ref);
	event_base_free(base);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

#endif
