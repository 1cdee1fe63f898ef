/*
 * rival_rows.c -- what a user would pick instead: each reads the same line and answers one, by the same static program
 * where it confines a command.  rivals.sh installs those that Debian has.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/bench/bench.h"
#include "tests/bench/http.h"
#include "worker/contract/util.h"

#define ARGS_MAX	32
#define FLOOR		"@floor"	/* in a rival's arguments: the program it is to run */
#define WATCHDOG_PORT	"18467"
#define WATCHDOG_MS	10000

static const struct rival {
	const char	*program;
	const char	*why;		/* if it is not there */
	const char	*argv[ARGS_MAX];
} rivals[] = {
	{ "env", NULL, { "env", "-i", FLOOR, "echo", NULL } },
	{ "unshare", NULL, { "unshare", "--user", "--pid", "--fork", "--net", "--ipc", "--uts", "--mount", "--cgroup", FLOOR,
	    "echo", NULL } },
	{ "bwrap", "--rivals installs it", { "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
	    "--ro-bind", FLOOR, "/floor", "--proc", "/proc", "--dev", "/dev", "--clearenv", "/floor", "echo", NULL } },
	{ "firejail", "--rivals installs it", { "firejail", "--quiet", "--noprofile", "--net=none", "--seccomp", "--caps.drop=all",
	    FLOOR, "echo", NULL } },
	{ "nsjail", "Debian 12 has no package of it: build it, put it into PATH", { "nsjail", "-Mo", "-Q", "--chroot", "/", "--",
	    FLOOR, "echo", NULL } },
	{ "minijail0", "Debian 12 has no package of it: build it, put it into PATH", { "minijail0", "-p", "-e", "-l", "-n", "-N",
	    "-v", FLOOR, "echo", NULL } },
	{ "python3", "--rivals installs it", { "python3", "-I", "-S", "-c",
	    "import json, sys; json.loads(sys.stdin.readline()); print('{}')", NULL } },
	{ "node", "--rivals installs it", { "node", "-e", "JSON.parse(require('fs').readFileSync(0)); console.log('{}')", NULL } },
};

static int
rival_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	const struct rival	*v = &rivals[r->kind];
	char			*argv[ARGS_MAX] = { NULL };
	uint64_t		 lines;

	if (!program_there(v->program))
		return error_set(e, ERR_SYSTEM, "not installed: %s", v->why == NULL ? "" : v->why);
	for (int i = 0; v->argv[i] != NULL; i++)
		argv[i] = (char *)(uintptr_t)(strcmp(v->argv[i], FLOOR) == 0 ? bench_path("tests/bench/floor") : v->argv[i]);
	for (int i = 0; i < n; i++)
		if (command_time(argv, BENCH_REQUEST, &s[i], &lines, e) == -1)
			return -1;
	return 0;
}

/*
 * crun takes no hybrid control groups: it gets a mount namespace with version 2 alone, and manages none.  Its bundle is the
 * static program and nothing else.
 */
#define BUNDLE_MAKE \
	"set -e; mkdir -p \"$1/rootfs\"; cd \"$1\"; cp -f \"$2\" rootfs/floor; rm -f config.json; crun spec; " \
	"sed -i -e 's/\"terminal\": true/\"terminal\": false/' -e 's,^\\([ \t]*\\)\"sh\"$,\\1\"/floor\"\\, \"echo\",' config.json; echo ok"

static int
groups_only_v2(void)
{
	return unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    umount2("/sys/fs/cgroup", MNT_DETACH) == -1 || mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL) == -1 ? -1 : 0;
}

/* Made by a child, which then ends: the descriptor keeps it. */
static int
mounts_make(struct error *e)
{
	char	 path[64], c = 1;
	int	 ready[2], until[2], fd = -1;
	pid_t	 pid;

	if (pipe2(ready, O_CLOEXEC) == -1 || pipe2(until, O_CLOEXEC) == -1)
		return error_sys(e, "pipes");
	if ((pid = fork()) == 0) {
		close(until[1]);
		c = groups_only_v2() == 0;
		_exit(write(ready[1], &c, 1) == 1 && read(until[0], &c, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	close(until[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	if (read(ready[0], &c, 1) == 1 && c == 1)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	close(ready[0]);
	close(until[1]);
	waitpid(pid, NULL, 0);
	return fd != -1 ? fd : error_set(e, ERR_SYSTEM, "a mount namespace with cgroup2 alone cannot be had here");
}

static int
crun_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	static int	 mounts = -1;
	char		*make[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ BUNDLE_MAKE }, (char[]){ "sh" },
	    (char *)(uintptr_t)bench_path("bench/crun"), (char *)(uintptr_t)bench_path("tests/bench/floor"), NULL };
	char		 id[32], *run[] = { (char[]){ "crun" }, (char[]){ "--cgroup-manager=disabled" }, (char[]){ "run" },
	    (char[]){ "--bundle" }, make[4], id, NULL };
	int		 own, here, bad = 0;
	struct sample	 t;
	uint64_t	 lines;

	(void)r;
	if (!program_there("crun"))
		return error_set(e, ERR_SYSTEM, "not installed: --rivals installs it");
	if (mounts == -1 && (command_time(make, NULL, &t, &lines, e) == -1 || (mounts = mounts_make(e)) == -1))
		return -1;
	own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (own == -1 || here == -1 || setns(mounts, CLONE_NEWNS) == -1)
		bad = error_sys(e, "crun: mount namespace");
	for (int i = 0; i < n && bad == 0; i++) {
		snprintf(id, sizeof(id), "bench-%d-%d", (int)getpid(), i);
		bad = command_time(run, BENCH_REQUEST, &s[i], &lines, e);
	}
	if (setns(own, CLONE_NEWNS) == -1 || fchdir(here) == -1)
		abort();		/* nothing that follows would be what it says */
	close(own);
	close(here);
	return bad;
}

/* of-watchdog forks the program for each request by HTTP; it confines nothing. */
static int
watchdog_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	static struct service	 dog = { .name = "of-watchdog" };
	char			 program[PATH_BYTES + 32];
	const char		*argv[] = { "of-watchdog", NULL };
	const char		*env[] = { program, "mode=streaming", "port=" WATCHDOG_PORT, NULL };
	struct http		 h;
	int			 bad = -1;

	(void)r;
	if (!program_there("of-watchdog"))
		return error_set(e, ERR_SYSTEM, "not installed: its source needs a newer Go than Debian 12 has: build it, put it into PATH");
	snprintf(program, sizeof(program), "fprocess=%s echo", bench_path("tests/bench/floor"));
	if (service_start(&dog, argv, env, NULL, e) == -1)
		return -1;
	for (int64_t end = now_ms() + WATCHDOG_MS; bad == -1 && now_ms() < end; bench_sleep(20)) {
		*e = ERROR_NONE;
		bad = http_open(&h, WATCHDOG_PORT, e);
	}
	bad = bad == -1 || http_prepare(&h, "/", BENCH_REQUEST, e) == -1 ? -1 : 0;
	for (int i = 0; i < n && bad == 0; i++) {
		bad = http_ask(&h, e);
		s[i] = (struct sample){ .first_ns = h.first_ns, .reaped_ns = h.end_ns };
	}
	http_close(&h);
	return bad;
}

#define RIVAL(i, text, does)	{ .name = text, .what = does, .floor = "fork", .other = "parked", .run = rival_run, .kind = (i), \
				    .block = 5 }
#define CONFINES		"confines and runs the static program"
const struct row rival_rows[] = {
	RIVAL(0, "env", "env -i, the static program, no walls"), RIVAL(1, "unshare", CONFINES), RIVAL(2, "bwrap", CONFINES),
	RIVAL(3, "firejail", CONFINES), RIVAL(4, "nsjail", CONFINES), RIVAL(5, "minijail0", CONFINES),
	{ .name = "crun", .what = CONFINES, .floor = "fork", .other = "parked", .run = crun_run, .block = 5 },
	{ .name = "of-watchdog", .what = "HTTP, kept connection, a process each, no walls", .floor = "http-direct",
	    .other = "http-parked", .run = watchdog_run, .block = 5 },
	RIVAL(6, "python3", "read JSON, print a line"), RIVAL(7, "node", "read JSON, print a line"),
	{ 0 }
};
