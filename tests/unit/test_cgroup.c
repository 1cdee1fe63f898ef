/*
 * test_cgroup.c -- where control groups are looked for, and what one does to a process.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "launcher/core/cgroup.h"
#include "launcher/core/cgroup_tree.c"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

#define UNIFIED	"30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1	"31 24 0:27 / /cg/memory rw - cgroup cgroup rw,memory\n" \
		"32 24 0:28 / /cg/pids rw,relatime - cgroup none rw,pids\n" \
		"33 24 0:29 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
#define HYBRID	V1 "34 24 0:30 / /cg/unified rw - cgroup2 cgroup2 rw\n"

static const struct {
	const char	*name, *mounts, *membership, *v2, *memory, *pids;
} trees[] = {
	{ "unified", UNIFIED, "0::/system.slice/bascule.service\n", "/sys/fs/cgroup/system.slice/bascule.service", "", "" },
	{ "unified, root", UNIFIED, "0::/\n", "/sys/fs/cgroup", "", "" },
	{ "hybrid", HYBRID, "9:name=systemd:/\n8:pids:/\n4:memory:/a/b\n0::/u\n", "/cg/unified/u", "/cg/memory/a/b", "/cg/pids" },
	{ "v1 alone", V1, "8:pids:/p\n4:memory:/m\n", "", "/cg/memory/m", "/cg/pids/p" },
	{ "controllers together", "31 24 0:27 / /cg/both rw - cgroup cgroup rw,pids,memory\n", "4:pids,memory:/m\n", "",
	    "/cg/both/m", "/cg/both/m" },
	{ "a part of the tree", "30 24 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n", "0::/docker/abc/x\n",
	    "/sys/fs/cgroup/x", "", "" },
	{ "a part that we are not in", "30 24 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n", "0::/docker/abcd\n",
	    "", "", "" },
	{ "outside the namespace", UNIFIED, "0::/../other\n", "", "", "" },
	{ "the first mount counts", UNIFIED "35 24 0:26 / /elsewhere rw - cgroup2 cgroup2 rw\n", "0::/\n", "/sys/fs/cgroup", "", "" },
	{ "a name with spaces", "30 24 0:26 / /sys\\040fs rw - cgroup2 cgroup2 rw\n", "0::/\n", "", "", "" },
	{ "no such word", "31 24 0:27 / /cg/memory rw - cgroup cgroup rw,memoryx\n", "4:memory:/m\n", "", "", "" },
	{ "nothing", "", "", "", "", "" },
	{ "nonsense", "1\n- - -\n30 24 0:26 / /x rw cgroup2\n", "0\n::\nx:y\n", "", "", "" },
};

static void
test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(trees); i++) {
		struct cgroup_tree	*t = calloc(1, sizeof(*t));

		assert_non_null(t);
		cgroup_tree_find(t, trees[i].mounts, trees[i].membership);
		if (strcmp(t->base[BRANCH_V2], trees[i].v2) != 0 || strcmp(t->base[BRANCH_MEMORY], trees[i].memory) != 0 ||
		    strcmp(t->base[BRANCH_PIDS], trees[i].pids) != 0)
			fail_msg("%s: \"%s\" \"%s\" \"%s\"", trees[i].name, t->base[BRANCH_V2], t->base[BRANCH_MEMORY],
			    t->base[BRANCH_PIDS]);
		free(t);
	}
}

/* False, and said, where this machine lets us make none. */
static bool
to_be_had(void)
{
	const char	*why = cgroup_absent();

	if (why != NULL)
		printf("skipped: machine: %s\n", why);
	return why == NULL;
}

/* A child that waits for one byte, then takes that many bytes and touches them. */
static pid_t
child(int *go, size_t bytes)
{
	int	 p[2];
	pid_t	 pid;
	char	 c, *m;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid != 0) {
		close(p[0]);
		*go = p[1];
		return pid;
	}
	close(p[1]);
	if (read(p[0], &c, 1) != 1)
		_exit(3);
	m = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		_exit(4);
	for (size_t i = 0; i < bytes; i += 4096)
		m[i] = 1;
	/* One process is what it may be. */
	_exit(fork() == -1 ? 0 : 5);
}

static int
run(struct cgroup *g, size_t bytes)
{
	struct error	 e = ERROR_NONE;
	int		 go, status;
	pid_t		 pid = child(&go, bytes);

	assert_int_equal(cgroup_put(g, pid, &e), 0);
	assert_int_equal(write(go, "", 1), 1);
	close(go);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
test_limits(void **state)
{
	struct error	 e = ERROR_NONE;
	struct cgroup	*g, *again;
	int		 status;

	(void)state;
	if (!to_be_had())
		return;
	g = cgroup_take(64 * (uint64_t)MIB, &e);
	assert_non_null(g);
	status = run(g, 32 * (size_t)MIB);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_false(cgroup_oom(g));
	assert_int_equal(cgroup_return(g), 0);

	/* The same one, with less: killed for its memory, and only then said so. */
	again = cgroup_take(8 * (uint64_t)MIB, &e);
	assert_ptr_equal(again, g);
	assert_false(cgroup_oom(again));
	status = run(again, 512 * (size_t)MIB);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_true(cgroup_oom(again));
	assert_int_equal(cgroup_return(again), 0);

	/* The kill before is not this worker's. */
	again = cgroup_take(64 * (uint64_t)MIB, &e);
	assert_ptr_equal(again, g);
	assert_false(cgroup_oom(again));
	assert_int_equal(run(again, MIB), 0);
	assert_int_equal(cgroup_return(again), 0);

	/* A second process, for as long as it is asked for. */
	again = cgroup_take(64 * (uint64_t)MIB, &e);
	assert_int_equal(cgroup_tasks(again, 2), 0);
	status = run(again, MIB);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 5);
	assert_int_equal(cgroup_return(again), 0);
	again = cgroup_take(64 * (uint64_t)MIB, &e);
	assert_ptr_equal(again, g);
	assert_int_equal(run(again, MIB), 0);
	assert_int_equal(cgroup_return(again), 0);
	cgroup_shutdown();
}

static void
test_return_kills(void **state)
{
	struct error	 e = ERROR_NONE;
	struct cgroup	*g;
	int		 go, status;
	pid_t		 pid;

	(void)state;
	if (!to_be_had())
		return;
	g = cgroup_take(64 * (uint64_t)MIB, &e);
	assert_non_null(g);
	pid = child(&go, MIB);
	assert_int_equal(cgroup_put(g, pid, &e), 0);
	assert_int_equal(cgroup_return(g), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(go);
	cgroup_shutdown();
}

static struct cgroup_tree	 seen;

/* How many groups of this launcher stand in our own ones. */
static int
standing(pid_t launcher)
{
	char	 command[CGROUP_PATH_BYTES * 4];
	int	 n = -1;
	FILE	*f;

	(void)snprintf(command, sizeof(command), "ls -d '%s'/bascule-%d-* '%s'/bascule-%d-* '%s'/bascule-%d-* 2>/dev/null | wc -l",
	    seen.base[BRANCH_V2], (int)launcher, seen.base[BRANCH_MEMORY], (int)launcher, seen.base[BRANCH_PIDS],
	    (int)launcher);
	f = popen(command, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &n), 1);
	pclose(f);
	return n;
}

/* What was opened is undone to the last controller: it can be opened again, with a child that was there before. */
static void
test_again(void **state)
{
	struct cgroup_tree	*t = calloc(1, sizeof(*t));
	int			 go, status;
	pid_t			 pid;

	(void)state;
	assert_non_null(t);
	if (!to_be_had()) {
		free(t);
		return;
	}
	cgroup_shutdown();
	pid = child(&go, MIB);
	for (int i = 0; i < 3; i++) {
		cgroup_tree_open(t);
		assert_string_equal(t->why, "");
		/* Ours to wait for, and ours to take along. */
		if (i == 0) {
			close(go);
			assert_int_equal(waitpid(pid, &status, 0), pid);
		}
		cgroup_tree_close(t);
		assert_int_equal(t->enabled, 0);
		assert_false(t->moved);
	}
	free(t);
}

/* True if a process of ours is in this group. */
static bool
is_in(pid_t pid, const char *folder)
{
	char	 text[MEMBERSHIP_BYTES_MAX], line[16];

	(void)snprintf(line, sizeof(line), "%d", (int)pid);
	return cgroup_read(folder, "cgroup.procs", text, sizeof(text)) == 0 && listed(text, line, "\n");
}

/* In a process that is in t's base: 0 if a child goes aside with it, comes back with it, and nothing is left. */
static int
back_and_forth(struct cgroup_tree *t)
{
	char	 self[CGROUP_PATH_BYTES + 128];
	int	 r, go;
	pid_t	 pid;

	(void)snprintf(self, sizeof(self), "%s/" SELF, t->mine[BRANCH_V2]);
	if (cgroup_write(t->base[BRANCH_V2], "cgroup.procs", "0") == -1 || mkdir(t->mine[BRANCH_V2], 0755) == -1)
		return 2;
	pid = child(&go, MIB);
	r = step_aside(t) == -1 ? 3 : !is_in(pid, self) || !is_in(getpid(), self) ? 4 : 0;
	cgroup_tree_close(t);
	if (r == 0)
		r = !is_in(pid, t->base[BRANCH_V2]) || !is_in(getpid(), t->base[BRANCH_V2]) ? 5 : access(self, F_OK) == 0 ? 6 : 0;
	close(go);
	(void)waitpid(pid, NULL, 0);
	return r;
}

/* Others were in the group: stepping aside was for nothing, and is undone, while a broker and a nursery live. */
static void
test_back(void **state)
{
	static struct cgroup_tree	 t, here;
	int				 status;
	pid_t				 pid;

	(void)state;
	cgroup_tree_open(&here);
	cgroup_tree_close(&here);
	(void)snprintf(t.base[BRANCH_V2], sizeof(t.base[0]), "%.300s/test-%d", here.base[BRANCH_V2], (int)getpid());
	(void)snprintf(t.mine[BRANCH_V2], sizeof(t.mine[0]), "%.300s/mine", t.base[BRANCH_V2]);
	if (here.base[BRANCH_V2][0] == '\0' || mkdir(t.base[BRANCH_V2], 0755) == -1) {
		printf("skipped: machine: no unified tree to make a group in\n");
		return;
	}
	if ((pid = fork()) == 0)
		_exit(back_and_forth(&t));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	folder_remove(t.mine[BRANCH_V2]);
	folder_remove(t.base[BRANCH_V2]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A launcher that is killed leaves its groups, with somebody in one; the next removes them. */
static void
test_sweep(void **state)
{
	struct error	 e = ERROR_NONE;
	struct cgroup	*g;
	int		 status, go;
	pid_t		 pid;
	bool		 aside;

	(void)state;
	if (!to_be_had())
		return;
	cgroup_shutdown();
	cgroup_tree_open(&seen);
	aside = seen.moved;
	cgroup_tree_close(&seen);
	/* Nobody can come into a group that passes controllers on: with the last process there systemd removes it. */
	if (aside) {
		printf("skipped: machine: a launcher's group is its own here\n");
		return;
	}
	if ((pid = fork()) == 0) {
		g = cgroup_take(64 * (uint64_t)MIB, &e);
		_exit(g != NULL && cgroup_put(g, child(&go, MIB), &e) == 0 && standing(getpid()) > 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_null(cgroup_absent());
	cgroup_shutdown();
	assert_int_equal(standing(pid), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_return_kills),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
