/*
 * stream_rows.c -- rates: the line validator, the relay, and accounts from the
 * practice source through everything.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "launcher/core/core.h"
#include "tests/bench/bench.h"

#define LINES_BYTES	(4 * MIB)	/* of prepared lines, sent again and again */
#define PIPE_BYTES	(256 * KIB)	/* as ends.c asks for */
#define PEOPLE		20000
#define PEOPLE_QUICK	2000

enum kind { VALIDATOR, RELAY, ACCOUNTS, DESCRIBED };

static char	*lines;
static size_t	 lines_len;

/* Accounts as a connector writes them, each a little different. */
static int
lines_make(struct error *e)
{
	struct buf	 b;

	if (lines != NULL)
		return 0;
	buf_init(&b, LINES_BYTES + KIB);
	for (unsigned int i = 0; b.len < LINES_BYTES && !b.failed; i++)
		buf_addf(&b, "{\"data\":{\"key\":{\"simple\":{\"id\":\"%08u\"}},\"attributes\":{\"userName\":\"j\xc3\xb6rg.%u\","
		    "\"displayName\":\"J\xc3\xb6rg \\\"%u\\\" Meier\",\"active\":%s,\"age\":%u.5,\"emails\":[\"a%u@example.test\","
		    "\"b%u@example.test\"],\"groups\":[\"g1\",\"g2\",\"g%u\"],\"manager\":null},\"disabled\":false},"
		    "\"type\":\"output\"}\n", i, i, i, i % 2 == 0 ? "true" : "false", i % 90, i, i, i % 50);
	if (buf_check(&b, "lines", e) == -1)
		return -1;
	lines_len = b.len;
	lines = buf_steal(&b);
	return 0;
}

static int64_t
own_cpu_ns(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* MB per second of one core. */
static int64_t
rate(double bytes, int64_t ns)
{
	return ns <= 0 ? 0 : (int64_t)(bytes * 1e3 / (double)ns);
}

static int
validate(struct sample *s, struct error *e)
{
	int64_t		 start = own_cpu_ns();
	struct line_facts f;
	const char	*nl;

	for (const char *p = lines; p < lines + lines_len; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(lines + lines_len - p));
		if (line_judge(p, (size_t)(nl - p), &f, e) == -1)
			return -1;
	}
	s->first_ns = s->reaped_ns = rate((double)lines_len, own_cpu_ns() - start);
	return 0;
}

static void
record_taken(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	(void)f;
	(void)line;
	*(size_t *)arg += len + 1;
}

static void
log_taken(void *arg, const char *line, size_t len)
{
	(void)arg;
	(void)line;
	(void)len;
}

static bool
ready(void *arg)
{
	(void)arg;
	return true;
}

static void __attribute__((noreturn))
feed(int fd, int times)
{
	static const char	 locked[] = "{\"type\":\"locked\"}\n", end[] = "{\"type\":\"end\"}\n";
	bool			 ok = write(fd, locked, sizeof(locked) - 1) > 0;

	for (int i = 0; i < times && ok; i++)
		for (size_t at = 0; at < lines_len && ok;) {
			ssize_t	 n = write(fd, lines + at, lines_len - at);

			ok = n > 0;
			at += (size_t)n;
		}
	ok = ok && write(fd, end, sizeof(end) - 1) > 0;
	_exit(ok ? 0 : 1);
}

/* first: of the relay's own processor time; reaped: by the wall clock, the writer on the other core. */
static int
relay_feed(struct sample *s, struct error *e)
{
	size_t			 got = 0;
	const struct inv_sink	 sink = { .record = record_taken, .log = log_taken, .ready = ready, .arg = &got };
	int			 times = bench_quick ? 4 : 16, in[2];
	int64_t			 wall, cpu;
	enum relay_news		 news;
	struct relay		*r;
	pid_t			 pid;

	if (pipe2(in, O_CLOEXEC) == -1)
		return error_sys(e, "pipe");
	(void)fcntl(in[0], F_SETPIPE_SZ, PIPE_BYTES);
	if ((pid = fork()) == 0)
		feed(in[1], times);
	close(in[1]);
	fcntl(in[0], F_SETFL, O_NONBLOCK);
	if ((r = relay_new(in[0], -1)) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	while ((news = relay_locked(r, e)) == RELAY_QUIET)
		(void)poll(&(struct pollfd){ .fd = in[0], .events = POLLIN }, 1, -1);
	relay_begin(r, CMD_ACCOUNT_LIST, &sink, 0);
	wall = now_ns();
	cpu = own_cpu_ns();
	while ((news = relay_results(r, e)) != RELAY_ENDED && news != RELAY_BROKEN) {
		struct pollfd	 p = { .fd = relay_result_fd(r), .events = POLLIN };

		if (news == RELAY_QUIET)
			(void)poll(&p, 1, -1);
	}
	s->first_ns = rate((double)got, own_cpu_ns() - cpu);
	s->reaped_ns = rate((double)got, now_ns() - wall);
	relay_free(r);
	waitpid(pid, NULL, 0);
	return news == RELAY_ENDED ? 0 : -1;
}

/* Accounts a second of a list by bascule invoke of that connector. */
static int
accounts(char *connector, struct sample *s, struct error *e)
{
	int		 people = bench_quick ? PEOPLE_QUICK : PEOPLE;
	struct practice	*p = practice_start(people, false, e);
	struct sample	 t;
	uint64_t	 n;

	if (p == NULL)
		return -1;

	char	*argv[] = { (char *)(uintptr_t)bench_path("bin/bascule"), (char[]){ "invoke" }, connector,
	    (char[]){ "std:account:list" }, (char[]){ "--config" }, p->config, (char[]){ "--allow-private" }, (char[]){ "127.0.0.1" },
	    (char[]){ "--data" }, NULL };

	if (command_time(argv, NULL, &t, &n, e) == -1)
		return -1;
	if (n != (uint64_t)people)
		return error_set(e, ERR_GENERIC, "%llu accounts of %d", (unsigned long long)n, people);
	s->first_ns = s->reaped_ns = (int64_t)((double)n * 1e9 / (double)t.reaped_ns);
	s->faults = t.faults;
	return 0;
}

static int
stream_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	if (lines_make(e) == -1)
		return -1;
	for (int i = 0; i < n; i++) {
		s[i] = (struct sample){ 0 };
		if ((r->kind == VALIDATOR ? validate(&s[i], e) : r->kind == RELAY ? relay_feed(&s[i], e) :
		    accounts(r->kind == ACCOUNTS ? (char[]){ "scim" } : (char *)(uintptr_t)bench_path("tests/rest/practice"),
		    &s[i], e)) == -1)
			return -1;
	}
	return 0;
}

const struct row stream_rows[] = {
	{ "validator", "line_judge, accounts of 300 bytes, one core", UNIT_MB_S, .run = stream_run, .kind = VALIDATOR, .block = 3 },
	{ "relay", "pipe, judge, digest (first: cpu, reaped: wall)", UNIT_MB_S, .run = stream_run, .kind = RELAY, .block = 2 },
	{ "accounts", "practice list through bascule invoke scim", UNIT_PER_S, .run = stream_run, .kind = ACCOUNTS, .block = 1 },
	{ "described", "the same list by a description (tests/rest/practice)", UNIT_PER_S, .run = stream_run, .kind = DESCRIBED, .block = 1 },
	{ 0 }
};
