/*
 * test_scrub.c -- a worker is stopped at each of its system calls and searched for its secret:
 * it is there while the worker works, and nowhere when the verdict is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/contract/util.h"

#define SECRET		"planted-secret-0123456789abcdef"
#define CONFIG(auth)	"{\"type\":\"std:test-connection\",\"config\":{\"baseUrl\":\"https://scim.example\"," auth "},\"input\":{}}"
#define MAP_BYTES_MAX	((size_t)64 << 20)

static const struct {
	const char	*name, *request;
} cases[] = {
	{ "a bearer token", CONFIG("\"authKind\":\"bearer\",\"token\":\"" SECRET "\"") },
	{ "a password", CONFIG("\"authKind\":\"basic\",\"username\":\"joe\",\"password\":\"" SECRET "\"") },
	{ "a key in a header", CONFIG("\"authKind\":\"apiKey\",\"apiKey\":\"" SECRET "\"") },
	{ "a client secret", CONFIG("\"authKind\":\"oauth2\",\"tokenUrl\":\"https://x.example\",\"clientId\":\"c\","
	    "\"clientSecret\":\"" SECRET "\"") },
	{ "an unknown member", CONFIG("\"authKind\":\"none\",\"other\":[[\"" SECRET "\"]]") },
	{ "a broken request", "{\"type\":\"std:test-connection\",\"config\":{\"token\":\"" SECRET "\"},,}" },
	{ "a bad input", "{\"type\":\"std:account:read\",\"config\":{\"token\":\"" SECRET "\"},\"input\":7}" },
};

static const char *
connector(void)
{
	static char	 path[4096];
	const char	*bascule = getenv("BASCULE");

	if (bascule == NULL)
		bascule = "build/bin/bascule";
	(void)snprintf(path, sizeof(path), "%.*s/../connectors/scim/scim", (int)(strrchr(bascule, '/') - bascule), bascule);
	return path;
}

/* How often the secret is in the memory that the process may write. */
static unsigned int
found(pid_t pid)
{
	char		 path[64], line[512], mode[8], what[256];
	unsigned long	 from, to;
	unsigned int	 n = 0;
	FILE		*maps;
	int		 mem;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "r");
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	assert_non_null(maps);
	assert_int_not_equal(mem, -1);
	while (fgets(line, sizeof(line), maps) != NULL) {
		char	*copy, *p;
		ssize_t	 k;

		what[0] = '\0';
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &from, &to, mode, what) < 3 || mode[1] != 'w' ||
		    to - from > MAP_BYTES_MAX)
			continue;
		copy = malloc(to - from);
		assert_non_null(copy);
		k = pread(mem, copy, to - from, (off_t)from);
		for (p = copy; k > 0 && (p = memmem(p, (size_t)(copy + k - p), SECRET, sizeof(SECRET) - 1)) != NULL; p++) {
			if (getenv("SCRUB_SHOW") != NULL)
				(void)fprintf(stderr, "in %s at +%ld of %lx\n", what, (long)(p - copy), from);
			n++;
		}
		free(copy);
	}
	(void)fclose(maps);
	(void)close(mem);
	return n;
}

struct seen {
	unsigned int	 before, verdict, end;	/* most of them before; at the verdict's write; at the exit */
	bool		 said;
};

/* At a system call that has not been made yet. */
static void
look(pid_t pid, struct seen *s)
{
	struct __ptrace_syscall_info	 info;
	char				 text[256] = "";
	unsigned int			 n;
	char				 path[64];
	int				 mem;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	if (info.entry.nr != SYS_write && info.entry.nr != SYS_exit_group && info.entry.nr != SYS_read &&
	    info.entry.nr != SYS_madvise)
		return;
	n = found(pid);
	if (info.entry.nr == SYS_write && info.entry.args[0] == STDOUT_FILENO) {
		(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
		mem = open(path, O_RDONLY | O_CLOEXEC);
		(void)!pread(mem, text, sizeof(text) - 1, (off_t)info.entry.args[1]);
		(void)close(mem);
	}
	if (strstr(text, "\"type\":\"error\"") != NULL || strstr(text, "\"message\"") != NULL) {
		s->said = true;
		s->verdict = n;
	} else if (info.entry.nr == SYS_exit_group)
		s->end = n;
	else if (!s->said && n > s->before)
		s->before = n;
}

static void __attribute__((noreturn))
child(int in, int out)
{
	char	*argv[] = { (char *)(uintptr_t)connector(), NULL };
	char	*envp[] = { NULL };

	(void)dup2(in, STDIN_FILENO);
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(out, STDERR_FILENO);
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	(void)execve(argv[0], argv, envp);
	_exit(127);
}

static bool
follow(const char *request, struct seen *s)
{
	int	 in[2], out[2], status, sig = 0;
	pid_t	 pid;

	*s = (struct seen){ 0, 0, 0, false };
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	if ((pid = fork()) == 0)
		child(in[0], out[1]);
	assert_int_equal(write(in[1], request, strlen(request)), (ssize_t)strlen(request));
	close(in[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSTOPPED(status) || ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == -1)
		return false;
	for (;;) {
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)sig);
		if (waitpid(pid, &status, 0) == -1 || !WIFSTOPPED(status))
			break;
		sig = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
		if (sig == 0)
			look(pid, s);
	}
	close(in[0]);
	close(out[0]);
	close(out[1]);
	return WIFEXITED(status);
}

static void
test_secrets(void **state)
{
	(void)state;
	/* A process that may not be dumped is read by root only. */
	if (geteuid() != 0 || access(connector(), X_OK) == -1) {
		printf("skipped: needs root and %s\n", connector());
		return;
	}
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		struct seen	 s;

		assert_true(follow(cases[i].request, &s));
		if (!s.said || s.before == 0 || s.verdict != 0 || s.end != 0)
			fail_msg("%s: %s; found %u times before, %u at the verdict, %u at the end", cases[i].name,
			    s.said ? "a verdict" : "no verdict", s.before, s.verdict, s.end);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
