/*
 * shell_rows.c -- whole programs, from posix_spawn to their end: bascule beside curl at the same practice endpoint.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/bench/bench.h"
#include "worker/contract/util.h"

#define FEW_PEOPLE	100

extern char	**environ;

/* argv[0] with its own output in a pipe; input: one request line, or NULL for none. */
static int
spawn(char *const argv[], const char *input, int *out, pid_t *pid, struct error *e)
{
	posix_spawn_file_actions_t	 a;
	int				 down[2], up[2], err;

	if (pipe2(down, O_CLOEXEC) == -1 || pipe2(up, O_CLOEXEC) == -1)
		return error_sys(e, "pipes");
	posix_spawn_file_actions_init(&a);
	posix_spawn_file_actions_adddup2(&a, down[0], 0);
	posix_spawn_file_actions_adddup2(&a, up[1], 1);
	err = posix_spawnp(pid, argv[0], &a, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&a);
	close(down[0]);
	close(up[1]);
	if (err == 0 && input != NULL)
		(void)!write(down[1], input, strlen(input));
	close(down[1]);
	*out = up[0];
	if (err == 0)
		return 0;
	close(up[0]);
	return error_set(e, ERR_SYSTEM, "%s: %s", argv[0], strerror(err));
}

int
command_time(char *const argv[], const char *input, struct sample *s, uint64_t *lines, struct error *e)
{
	static char	 buf[64 * 1024];
	int64_t		 start = now_ns();
	int		 out, status = 0;
	struct rusage	 ru;
	ssize_t		 n;
	pid_t		 pid;

	*s = (struct sample){ 0 };
	*lines = 0;
	if (spawn(argv, input, &out, &pid, e) == -1)
		return -1;
	while ((n = read(out, buf, sizeof(buf))) > 0) {
		if (s->first_ns == 0)
			s->first_ns = now_ns() - start;
		for (const char *p = buf; (p = memchr(p, '\n', (size_t)(buf + n - p))) != NULL; p++)
			(*lines)++;
	}
	while (wait4(pid, &status, 0, &ru) == -1 && errno == EINTR)
		;
	close(out);
	s->reaped_ns = now_ns() - start;
	s->faults = ru.ru_minflt;
	if (status != 0 || s->first_ns == 0)
		return error_set(e, ERR_GENERIC, "%s ended with status %d after %llu lines", argv[0],
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1, (unsigned long long)*lines);
	return 0;
}

enum kind { CURL, INVOKE };

static int
shell_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	struct practice	*p = practice_start(FEW_PEOPLE, false, e);
	char		 ask[512];
	uint64_t	 lines;

	if (p == NULL)
		return -1;
	snprintf(ask, sizeof(ask), "%s/Users?startIndex=1&count=1", p->url);

	char	*invoke[] = { (char *)(uintptr_t)bench_path("bin/bascule"), (char[]){ "invoke" }, (char[]){ "scim" },
	    (char[]){ "std:test-connection" }, (char[]){ "--config" }, p->config,
	    (char[]){ "--allow-private" }, (char[]){ "127.0.0.1" }, NULL };
	char	*curl[] = { (char[]){ "curl" }, (char[]){ "-sS" }, (char[]){ "-f" }, (char[]){ "-H" },
	    (char[]){ "Authorization: Bearer practice" }, ask, NULL };

	for (int i = 0; i < n; i++)
		if (command_time(r->kind == CURL ? curl : invoke, NULL, &s[i], &lines, e) == -1)
			return -1;
	return 0;
}

/* Counted by gates, whose lines say how many of what. */
static int
gates_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	char	 line[512];
	FILE	*f = popen(bench_path("tests/bench/gates"), "r");
	long	 calls = -1, filters = -1, v;

	(void)r;
	(void)n;
	if (f == NULL)
		return error_sys(e, "gates");
	while (fgets(line, sizeof(line), f) != NULL) {
		const char	*dash = strstr(line, " - ");

		v = dash == NULL ? -1 : strtol(dash + 3, NULL, 10);
		if (strstr(line, "system calls between") != NULL)
			calls = v;
		else if (strstr(line, "seccomp filters") != NULL)
			filters = v;
	}
	pclose(f);
	*s = (struct sample){ calls, filters, 0 };
	return calls >= 0 && filters >= 0 ? 0 : error_set(e, ERR_SYSTEM, "gates has not counted: it needs leave to trace");
}

const struct row shell_rows[] = {
	{ "curl", "curl at the practice source, one user", .run = shell_run, .kind = CURL, .block = 5 },
	{ "invoke", "bascule invoke scim std:test-connection, cold", .floor = "curl", .run = shell_run, .kind = INVOKE,
	    .block = 5 },
	{ "gates", "system calls before the first read, filters loaded", UNIT_COUNT, .run = gates_run, .block = 1, .rounds = 1 },
	{ 0 }
};
