/*
 * service.c -- programs that run beside the rows.  What they say goes to a file, bench/NAME.log in the build folder.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/bench/bench.h"
#include "worker/contract/util.h"

#define SERVICES_MAX	16
#define START_MS	30000	/* until it says that it is there */
#define LOOK_MS		10
#define END_MS		5000	/* after SIGTERM */
#define ENV_MAX		8

extern char	**environ;

static struct service	*started[SERVICES_MAX];
static char		 folder[64];

const char *
service_folder(void)
{
	if (folder[0] == '\0') {
		snprintf(folder, sizeof(folder), "/tmp/bascule-bench.XXXXXX");
		if (mkdtemp(folder) == NULL)
			folder[0] = '\0';
	}
	return folder;
}

bool
program_there(const char *name)
{
	char		 path[PATH_BYTES], *save = NULL, *dirs;
	const char	*env = getenv("PATH");
	bool		 there = false;

	if (strchr(name, '/') != NULL)
		return access(name, X_OK) == 0;
	if ((dirs = strdup(env == NULL ? "/usr/bin:/bin" : env)) == NULL)
		return false;
	for (char *d = strtok_r(dirs, ":", &save); d != NULL && !there; d = strtok_r(NULL, ":", &save)) {
		snprintf(path, sizeof(path), "%s/%s", d, name);
		there = access(path, X_OK) == 0;
	}
	free(dirs);
	return there;
}

static void __attribute__((noreturn))
become(const char *const *argv, const char *const *env, int in, int log, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	signal(SIGPIPE, SIG_DFL);
	dup2(in, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	for (int i = 0; env != NULL && env[i] != NULL && i < ENV_MAX; i++)
		(void)putenv((char *)(uintptr_t)env[i]);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* The first line of the file with this in it. */
static bool
line_find(const char *path, const char *until, char *line, size_t n)
{
	FILE	*f = fopen(path, "r");
	bool	 found = false;

	while (f != NULL && !found && fgets(line, (int)n, f) != NULL)
		found = strstr(line, until) != NULL && strchr(line, '\n') != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

int
service_start(struct service *s, const char *const *argv, const char *const *env, const char *until, struct error *e)
{
	char	 name[64];
	const char *path;
	int	 log, in[2], at = 0;
	pid_t	 own = getpid();

	if (s->pid != 0)
		return 0;
	while (at < SERVICES_MAX && started[at] != NULL)
		at++;
	if (at == SERVICES_MAX)
		return error_set(e, ERR_SYSTEM, "%s: over %d services", s->name, SERVICES_MAX);
	snprintf(name, sizeof(name), "bench/%s.log", s->name);
	path = bench_path(name);
	if ((log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644)) == -1)
		return error_sys(e, "%s", path);
	if (pipe2(in, O_CLOEXEC) == -1) {
		close(log);
		return error_sys(e, "%s", s->name);
	}
	if ((s->pid = fork()) == 0)
		become(argv, env, in[0], log, own);
	close(log);
	close(in[0]);
	s->in = in[1];
	if (s->pid == -1) {
		s->pid = 0;
		close(s->in);
		return error_sys(e, "%s", s->name);
	}
	started[at] = s;
	for (int ms = 0; until != NULL && !line_find(path, until, s->line, sizeof(s->line)); ms += LOOK_MS) {
		if (ms > START_MS || waitid(P_PID, (id_t)s->pid, &(siginfo_t){ 0 }, WEXITED | WNOHANG | WNOWAIT) == -1)
			return error_set(e, ERR_SYSTEM, "%s did not start: see %s", s->name, name);
		bench_sleep(LOOK_MS);
	}
	return 0;
}

void
service_stop(struct service *s)
{
	if (s->pid == 0)
		return;
	close(s->in);
	kill(s->pid, SIGTERM);
	for (int ms = 0; waitpid(s->pid, NULL, WNOHANG) == 0; ms += LOOK_MS) {
		if (ms == END_MS)
			kill(s->pid, SIGKILL);
		bench_sleep(LOOK_MS);
	}
	s->pid = 0;
	for (int i = 0; i < SERVICES_MAX; i++)
		if (started[i] == s)
			started[i] = NULL;
}

void
services_stop(void)
{
	for (int i = SERVICES_MAX - 1; i >= 0; i--)
		if (started[i] != NULL)
			service_stop(started[i]);
	if (folder[0] != '\0')
		(void)rmdir(folder);
	folder[0] = '\0';
}
