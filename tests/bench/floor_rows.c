/*
 * floor_rows.c -- orders the yardsticks from floor.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/bench/bench.h"
#include "worker/contract/util.h"

/* One for those that run already, one that makes processes: it must hold as little as can be. */
enum { RUNNING, MAKING, PROGRAMS };

static struct {
	pid_t	pid;
	int	to, from;
} programs[PROGRAMS];

static int
program_start(int which, struct error *e)
{
	char		*argv[] = { (char *)(uintptr_t)bench_path("tests/bench/floor"), NULL }, *envp[] = { NULL };
	int		 down[2], up[2], err;
	posix_spawn_file_actions_t a;

	if (pipe2(down, O_CLOEXEC) == -1 || pipe2(up, O_CLOEXEC) == -1)
		return error_sys(e, "floor: pipes");
	posix_spawn_file_actions_init(&a);
	posix_spawn_file_actions_adddup2(&a, down[0], 0);
	posix_spawn_file_actions_adddup2(&a, up[1], 1);
	err = posix_spawn(&programs[which].pid, argv[0], &a, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&a);
	close(down[0]);
	close(up[1]);
	programs[which].to = down[1];
	programs[which].from = up[0];
	return err == 0 ? 0 : error_set(e, ERR_SYSTEM, "%s: %s", argv[0], strerror(err));
}

static int
floor_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	int			 which = r->kind == FLOOR_PIPE || r->kind == FLOOR_RING || r->kind == FLOOR_RING_PACED || r->kind == FLOOR_PIPE_PACED ?
				    RUNNING : MAKING;
	struct floor_order	 o = { .kind = (enum floor_kind)r->kind, .n = n };

	if (programs[which].pid == 0 && program_start(which, e) == -1)
		return -1;
	if (write(programs[which].to, &o, sizeof(o)) != (ssize_t)sizeof(o))
		return error_sys(e, "floor");
	for (int i = 0; i < n; i++)
		if (read(programs[which].from, &s[i], sizeof(s[i])) != (ssize_t)sizeof(s[i]))
			return error_set(e, ERR_SYSTEM, "floor ended");
	return 0;
}

void
floor_stop(void)
{
	for (int i = 0; i < PROGRAMS; i++) {
		if (programs[i].pid == 0)
			continue;
		close(programs[i].to);
		close(programs[i].from);
		kill(programs[i].pid, SIGTERM);
		waitpid(programs[i].pid, NULL, 0);
		programs[i].pid = 0;
	}
}

const struct row floor_rows[] = {
	{ "pipe", "P: answer of a running process", .run = floor_run, .kind = FLOOR_PIPE },
	{ "pipe-paced", "the same, one per 10 ms", .run = floor_run, .kind = FLOOR_PIPE_PACED },
	{ "ring", "one of 16 running processes in turn", .run = floor_run, .kind = FLOOR_RING },
	{ "ring-paced", "the same, one per 10 ms", .run = floor_run, .kind = FLOOR_RING_PACED },
	{ "clone3-rate", "bare clone3 children, 4 in flight", UNIT_PER_S, .run = floor_run, .kind = FLOOR_RATE, .block = 1 },
	{ "clone3", "F: bare clone3 child of a tiny process", .floor = "clone3", .run = floor_run, .kind = FLOOR_CLONE3 },
	{ "clone3-paced", "the same, one per 10 ms", .floor = "clone3", .run = floor_run, .kind = FLOOR_CLONE3_PACED },
	{ "exec", "vfork + exec of a static program", .floor = "clone3", .run = floor_run, .kind = FLOOR_VFORK },
	{ "kill", "kill of a bare process", .floor = "clone3", .run = floor_run, .kind = FLOOR_KILL },
	{ 0 }
};
