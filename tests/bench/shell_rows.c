/*
 * shell_rows.c -- whole programs, from posix_spawn to their end: bascule
 * beside curl at the same practice endpoint, and what others use to confine a command.
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
#define PRACTICES	2
#define ARGS_MAX	32

extern char	**environ;

static struct practice {
	int	users;
	pid_t	pid;
	char	url[256];
	char	config[PATH_BYTES];
} practices[PRACTICES];

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

static int
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

int
command_run(char *const argv[], struct sample *s, uint64_t *lines, struct error *e)
{
	return command_time(argv, NULL, s, lines, e);
}

static int
practice_spawn(struct practice *p, struct error *e)
{
	char	 users[16], line[512] = "", *url;
	char	*argv[] = { (char *)(uintptr_t)bench_path("bin/bascule"), (char[]){ "practice" }, (char[]){ "--users" }, users,
	    (char[]){ "--die-with-parent" }, NULL };
	FILE	*f;
	int	 out;

	snprintf(users, sizeof(users), "%d", p->users);
	if (spawn(argv, NULL, &out, &p->pid, e) == -1)
		return -1;
	if ((f = fdopen(out, "r")) == NULL || fgets(line, sizeof(line), f) == NULL ||
	    (url = strstr(line, "http://")) == NULL)
		return error_set(e, ERR_SYSTEM, "the practice source did not start");
	/* The stream stays open: what it says later must not end it. */
	snprintf(p->url, sizeof(p->url), "%.*s", (int)strcspn(url, " \n"), url);
	snprintf(p->config, sizeof(p->config), "%s", bench_path(p == practices ? "bench/config-0.json" :
	    "bench/config-1.json"));
	if ((f = fopen(p->config, "w")) == NULL)
		return error_sys(e, "%s", p->config);
	fprintf(f, "{\"baseUrl\":\"%s\",\"token\":\"practice\"}\n", p->url);
	return fclose(f) == 0 ? 0 : error_sys(e, "%s", p->config);
}

int
practice_start(int users, const char **config, const char **url, struct error *e)
{
	struct practice	*p = practices;

	while (p < practices + PRACTICES && p->pid != 0 && p->users != users)
		p++;
	if (p == practices + PRACTICES)
		return error_set(e, ERR_SYSTEM, "too many practice sources");
	if (p->pid == 0) {
		p->users = users;
		if (practice_spawn(p, e) == -1)
			return -1;
	}
	*config = p->config;
	*url = p->url;
	return 0;
}

void
shell_stop(void)
{
	for (struct practice *p = practices; p < practices + PRACTICES; p++) {
		if (p->pid == 0)
			continue;
		kill(p->pid, SIGTERM);
		waitpid(p->pid, NULL, 0);
		p->pid = 0;
	}
}

enum kind { CURL, INVOKE };

static int
shell_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	const char	*config, *url;
	char		 ask[512];
	uint64_t	 lines;

	if (practice_start(FEW_PEOPLE, &config, &url, e) == -1)
		return -1;
	snprintf(ask, sizeof(ask), "%s/Users?startIndex=1&count=1", url);

	char	*invoke[] = { (char *)(uintptr_t)bench_path("bin/bascule"), (char[]){ "invoke" }, (char[]){ "scim" },
	    (char[]){ "std:test-connection" }, (char[]){ "--config" }, (char *)(uintptr_t)config,
	    (char[]){ "--allow-private" }, (char[]){ "127.0.0.1" }, NULL };
	char	*curl[] = { (char[]){ "curl" }, (char[]){ "-sS" }, (char[]){ "-f" }, (char[]){ "-H" },
	    (char[]){ "Authorization: Bearer practice" }, ask, NULL };

	for (int i = 0; i < n; i++)
		if (command_time(r->kind == CURL ? curl : invoke, NULL, &s[i], &lines, e) == -1)
			return -1;
	return 0;
}

const struct row shell_rows[] = {
	{ "curl", "curl at the practice source, one user", .run = shell_run, .kind = CURL, .block = 5 },
	{ "invoke", "bascule invoke scim std:test-connection, cold", .floor = "curl", .run = shell_run, .kind = INVOKE,
	    .block = 5 },
	{ 0 }
};

#define FLOOR	"@floor"	/* in a rival's arguments: the program it is to run */
static const struct rival {
	const char	*program;
	const char	*argv[ARGS_MAX];
} rivals[] = {
	{ "env", { "env", "-i", FLOOR, "echo", NULL } },
	{ "unshare", { "unshare", "--user", "--pid", "--fork", "--net", "--ipc", "--uts", "--mount", "--cgroup", FLOOR,
	    "echo", NULL } },
	{ "bwrap", { "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--ro-bind", FLOOR,
	    "/floor", "--proc", "/proc", "--dev", "/dev", "--clearenv", "/floor", "echo", NULL } },
	{ "firejail", { "firejail", "--quiet", "--noprofile", "--net=none", "--seccomp", "--caps.drop=all", FLOOR, "echo",
	    NULL } },
	{ "nsjail", { "nsjail", "-Mo", "-q", "--chroot", "/", "--", FLOOR, "echo", NULL } },
	{ "minijail0", { "minijail0", "-p", "-e", "-l", "-n", "-N", "-v", FLOOR, "echo", NULL } },
	{ "python3", { "python3", "-I", "-S", "-c", "import json, sys; json.loads(sys.stdin.readline()); print('{}')", NULL } },
	{ "node", { "node", "-e", "JSON.parse(require('fs').readFileSync(0)); console.log('{}')", NULL } },
};

static int
rival_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	const struct rival	*v = &rivals[r->kind];
	char			*argv[ARGS_MAX] = { NULL };
	uint64_t		 lines;

	for (int i = 0; v->argv[i] != NULL; i++)
		argv[i] = (char *)(uintptr_t)(strcmp(v->argv[i], FLOOR) == 0 ? bench_path("tests/bench/floor") : v->argv[i]);
	for (int i = 0; i < n; i++)
		if (command_time(argv, BENCH_REQUEST, &s[i], &lines, e) == -1)
			return -1;
	return 0;
}

#define RIVAL(i, text)	{ .name = text, .what = "confines and runs the static program", .floor = "fork", \
			    .run = rival_run, .kind = (i), .block = 5 }
const struct row rival_rows[] = {
	{ .name = "env", .what = "env -i, the static program, no walls", .floor = "fork", .run = rival_run, .kind = 0, .block = 5 },
	RIVAL(1, "unshare"), RIVAL(2, "bwrap"), RIVAL(3, "firejail"), RIVAL(4, "nsjail"), RIVAL(5, "minijail0"),
	{ .name = "python3", .what = "read JSON, print a line", .floor = "fork", .run = rival_run, .kind = 6, .block = 5 },
	{ .name = "node", .what = "read JSON, print a line", .floor = "fork", .run = rival_run, .kind = 7, .block = 5 },
	{ 0 }
};
