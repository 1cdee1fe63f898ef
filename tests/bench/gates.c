/*
 * gates.c -- what a fresh, confined worker may cost, counted and not timed: the
 * same on every machine and every run.
 *
 *	page faults from its fork to its exit, by its own resource usage
 *	system calls from its fork to its first read of the request, by a tracer
 *	seccomp filters it loads in all its life, by the same tracer
 * and that a nursery's random state is not its workers'.
 *
 * TAP on standard output.  A tracer needs privilege; without it those points are skipped.
 */
#include <limits.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/bench/bench.h"
#include "tests/bench/call.h"

/*
 * A bare clone3 child of a tiny static process has 5 or 6.  A worker has: one of stack, one of thread-local
 * storage, one of the runtime's state, two of malloc's own state, one of its lists, two of heap.
 */
#define FAULTS_MAX	8	/* minor, fork to exit */
#define TLS_FAULTS_MAX	20	/* with TLS objects made: six of heap beyond */
#define PARKED_FAULTS_MAX 3	/* of one that was parked, once it is asked */
#define PARKED_TLS_FAULTS_MAX 3	/* the same of one that was parked, and makes TLS objects */
#define PARKED_US	20000	/* for what it does before it waits */
#define CALLS_MAX	5	/* fork to first read */
#define TRIES		5	/* the least of so many counts: another's pressure on memory adds faults */
#define TRACED_MAX	512

static int	 points, failures;

static void ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void
ok(bool good, const char *fmt, ...)
{
	va_list	 ap;

	printf("%s %d - ", good ? "ok" : "not ok", ++points);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	failures += !good;
}

static void __attribute__((noreturn))
bail(const struct error *e)
{
	printf("Bail out! %s\n", e->msg);
	exit(1);
}

static const char *
program(void)
{
	return bench_path("tests/bench/connector/connector");
}

/* Minor faults so far, the tenth field of its stat. */
static long
faults_now(pid_t pid)
{
	char	 path[64], text[1024], *behind;
	long	 n = 0;
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	if (fgets(text, sizeof(text), f) == NULL || (behind = strrchr(text, ')')) == NULL ||
	    sscanf(behind, ") %*c %*d %*d %*d %*d %*d %*u %ld", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* Faults of one worker that was told this, in all and after its lock. */
static void
faults_of(struct nursery *n, const char *request, bool park, long *total, long *parked)
{
	struct error	 e = ERROR_NONE;

	*total = *parked = LONG_MAX;
	for (int i = 0; i < TRIES; i++) {
		struct call_run	 w = CALL_RUN(request);
		long		 before = 0;

		w.parked = park;
		if (call_begin(&w, n, program(), 0, &e) == 0) {
			if (park)
				usleep(PARKED_US);
			before = faults_now(w.w->pid);
			if (call_first(&w, &e) == 0)
				(void)call_rest(&w, &e);
		}
		if (call_end(&w, &e) == -1)
			bail(&e);
		if (w.usage.ru_minflt < *total)
			*total = w.usage.ru_minflt;
		if (before > 0 && w.usage.ru_minflt - before < *parked)
			*parked = w.usage.ru_minflt - before;
	}
}

/* What the tracer saw of one worker. */
struct trace {
	bool	 refused;		/* no leave to trace */
	int	 before_read;		/* system calls until the request was read */
	int	 filters;		/* attempts to load one */
	bool	 read;
	int	 numbers[TRACED_MAX];	/* of the calls until then */
};

static void
trace_call(struct trace *t, const struct __ptrace_syscall_info *si)
{
	uint64_t	 nr = si->entry.nr;
	const uint64_t	*args = (const uint64_t *)(const void *)si->entry.args;

	if (nr == SYS_seccomp || (nr == SYS_prctl && args[0] == PR_SET_SECCOMP))
		t->filters++;
	if (nr == SYS_read && args[0] == 0)
		t->read = true;
	if (!t->read && t->before_read < TRACED_MAX)
		t->numbers[t->before_read++] = (int)nr;
}

/* Follows the nursery's next worker to its end. */
static void
trace_worker(pid_t nursery, struct trace *t)
{
	struct __ptrace_syscall_info	 si;
	int				 status, sig;
	pid_t				 pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (pid != nursery)
				return;
			continue;
		}
		sig = WSTOPSIG(status);
		if (sig == (SIGTRAP | 0x80)) {
			if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(si), &si) > 0 && si.op == PTRACE_SYSCALL_INFO_ENTRY)
				trace_call(t, &si);
			sig = 0;
		} else if (status >> 16 != 0)
			sig = 0;		/* an event of the tracing itself */
		ptrace(pid == nursery ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, sig);
	}
}

static void __attribute__((noreturn))
tracer(pid_t nursery, int ready_fd, int report_fd)
{
	static struct trace	 t;

	t.refused = ptrace(PTRACE_SEIZE, nursery, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD) == -1;
	if (write(ready_fd, "", 1) == 1 && !t.refused)
		trace_worker(nursery, &t);
	_exit(write(report_fd, &t, sizeof(t)) == (ssize_t)sizeof(t) ? 0 : 1);
}

/* Our only child, the nursery. */
static pid_t
child_find(void)
{
	char	 path[64];
	FILE	*f;
	int	 pid = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	fclose(f);
	return pid;
}

static void
traced_call(struct nursery *n, struct trace *t, struct error *e)
{
	struct call_run	 w = CALL_RUN(BENCH_REQUEST);
	pid_t		 nursery = child_find(), pid;
	int		 ready[2], report[2];
	char		 c;

	if (nursery == 0 || pipe(ready) == -1 || pipe(report) == -1) {
		t->refused = true;
		return;
	}
	ends_forget();		/* a tracer would keep them open */
	if ((pid = fork()) == 0)
		tracer(nursery, ready[1], report[1]);
	close(report[1]);
	if (pid != -1 && read(ready[0], &c, 1) == 1 && call_begin(&w, n, program(), 0, e) == 0 && call_first(&w, e) == 0)
		(void)call_rest(&w, e);
	(void)call_end(&w, e);
	t->refused = read(report[0], t, sizeof(*t)) != (ssize_t)sizeof(*t) || t->refused;
	(void)waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	close(report[0]);
}

static void
calls_judge(const struct trace *t)
{
	if (t->refused) {
		printf("ok %d - system calls # SKIP machine: no leave to trace\n", ++points);
		printf("ok %d - filters # SKIP machine: no leave to trace\n", ++points);
		return;
	}
	ok(t->read && t->before_read <= CALLS_MAX, "%d system calls between fork and the first read (at most %d)",
	    t->before_read, CALLS_MAX);
	printf("#");
	for (int i = 0; i < t->before_read; i++)
		printf(" %d", t->numbers[i]);
	printf("\n");
	ok(t->read && t->filters == 0, "%d seccomp filters loaded by a worker (none)", t->filters);
}

static void
drawn_taken(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	(void)f;
	snprintf(arg, LINE_MAX, "%.*s", (int)len, line);
}

static void
random_judge(struct nursery *n)
{
	char		 drawn[2][LINE_MAX] = { "", "" };
	struct error	 e = ERROR_NONE;

	for (int i = 0; i < 2; i++) {
		struct call_run	 w = CALL_RUN("{\"type\":\"bench:random\",\"config\":{},\"input\":{}}");

		w.record = drawn_taken;
		w.arg = drawn[i];
		if (call_begin(&w, n, program(), 0, &e) == 0 && call_first(&w, &e) == 0)
			(void)call_rest(&w, &e);
		if (call_end(&w, &e) == -1)
			bail(&e);
	}
	ok(strstr(drawn[0], "\"drawn\":\"") != NULL && strstr(drawn[1], "\"drawn\":\"") != NULL &&
	    strcmp(drawn[0], drawn[1]) != 0, "two workers of a nursery draw different random numbers");
}

int
main(void)
{
	struct error	 e = ERROR_NONE;
	struct trace	 t = { 0 };
	struct nursery	*n;
	long		 faults, parked;

	if (bench_find() == -1)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (call_open(&e) == -1 || (n = call_nursery(program(), 0, &e)) == NULL)
		bail(&e);
	faults_of(n, BENCH_REQUEST, false, &faults, &parked);
	ok(faults <= FAULTS_MAX, "%ld page faults of a worker (at most %d)", faults, FAULTS_MAX);
	faults_of(n, BENCH_REQUEST, true, &faults, &parked);
	ok(parked <= PARKED_FAULTS_MAX, "%ld page faults of a parked worker once it is asked (at most %d)", parked, PARKED_FAULTS_MAX);
	faults_of(n, BENCH_TLS_REQUEST, true, &faults, &parked);
	ok(parked <= PARKED_TLS_FAULTS_MAX, "%ld page faults of a parked worker that makes TLS objects, once it is asked (at most %d)",
	    parked, PARKED_TLS_FAULTS_MAX);
	faults_of(n, BENCH_TLS_REQUEST, false, &faults, &parked);
	ok(faults <= TLS_FAULTS_MAX, "%ld page faults of a worker that makes TLS objects (at most %d)", faults, TLS_FAULTS_MAX);
	random_judge(n);
	traced_call(n, &t, &e);
	if (e.code != ERR_NONE)
		bail(&e);
	calls_judge(&t);
	printf("1..%d\n", points);
	nursery_stop(n);
	call_close();
	return failures > 0;
}
