/*
 * cgroup.c -- a small stock of control groups, one taken for each worker.
 *
 * Making a group costs more than a worker, joining a ready one little: used ones
 * are seen empty and used again.
 */
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "launcher/core/cgroup.h"
#include "launcher/core/cgroup_tree.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

#define SLACK_BYTES	((uint64_t)24 * MIB)	/* stack, page tables, buffers of pipes: a polite refusal comes first */
#define PROCESSES	1u
#define CPU		"100000 100000"		/* one processor: microseconds of work in each period */
#define EMPTY_TRIES	100			/* a killed process leaves its group within so many */
#define EMPTY_STEP_NS	5000000L

struct cgroup {
	struct cgroup	*next;			/* in the stock */
	unsigned int	 number;		/* its folders are called w<number> */
	int		 doors[BRANCH__MAX];	/* cgroup.procs, kept open: looked up anew they would cost more than a fork; -1 */
	int		 events;		/* the file that counts kills; -1 */
	uint64_t	 memory_bytes;		/* limit that is set; 0: none */
	unsigned int	 tasks;			/* likewise */
	uint64_t	 kills;			/* for memory, before this worker */
	bool		 used;
};

static struct {
	bool			 open;
	struct cgroup_tree	 tree;
	struct cgroup		*stock;
	unsigned int		 ready, made;	/* in the stock; folders that exist */
	unsigned int		 numbers;
} groups;

const char *
cgroup_absent(void)
{
	if (!groups.open)
		cgroup_tree_open(&groups.tree);
	groups.open = true;
	return groups.tree.why[0] != '\0' ? groups.tree.why : NULL;
}

/* False if the branch is not used. */
static bool
folder_of(const struct cgroup *g, enum cgroup_branch b, char *path, size_t n)
{
	if (b == BRANCH_NONE || groups.tree.mine[b][0] == '\0')
		return false;
	(void)snprintf(path, n, "%s/w%u", groups.tree.mine[b], g->number);
	return true;
}

#define FOLDER_BYTES	(CGROUP_PATH_BYTES + 128)

static int
put_file(const struct cgroup *g, enum cgroup_branch b, const char *file, const char *text)
{
	char	 path[FOLDER_BYTES];

	return folder_of(g, b, path, sizeof(path)) ? cgroup_write(path, file, text) : 0;
}

static void
group_free(struct cgroup *g)
{
	for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++)
		fd_closep(&g->doors[b]);
	fd_closep(&g->events);
	groups.made--;
	free(g);
}

static void
group_remove(struct cgroup *g)
{
	char	 path[FOLDER_BYTES];

	for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++)
		if (folder_of(g, b, path, sizeof(path)))
			(void)rmdir(path);
	group_free(g);
}

static int
file_open(const struct cgroup *g, enum cgroup_branch b, const char *file, int flags)
{
	char	 path[FOLDER_BYTES + 32];

	if (!folder_of(g, b, path, FOLDER_BYTES))
		return -1;
	(void)strlcat(path, "/", sizeof(path));
	(void)strlcat(path, file, sizeof(path));
	return open(path, flags | O_CLOEXEC);
}

static int
doors_open(struct cgroup *g)
{
	for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++)
		if (groups.tree.mine[b][0] != '\0' && (g->doors[b] = file_open(g, b, "cgroup.procs", O_RDWR)) == -1)
			return -1;
	g->events = file_open(g, groups.tree.memory,
	    groups.tree.memory == BRANCH_V2 ? "memory.events" : "memory.oom_control", O_RDONLY);
	return g->events == -1 ? -1 : 0;
}

static int
limit_memory(struct cgroup *g, uint64_t bytes)
{
	char	 text[32];
	bool	 v2 = groups.tree.memory == BRANCH_V2;

	if (g->memory_bytes == bytes)
		return 0;
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)(bytes + SLACK_BYTES));
	if (v2) {
		/* A kernel without swap has no such file. */
		if (put_file(g, BRANCH_V2, "memory.swap.max", "0") == -1 && errno != ENOENT)
			return -1;
		if (put_file(g, BRANCH_V2, "memory.max", text) == -1)
			return -1;
	} else {
		/* v1 limits memory and both together; the second may never be below the first. */
		bool	 both = put_file(g, BRANCH_MEMORY, "memory.memsw.limit_in_bytes", "-1") == 0;

		if (put_file(g, BRANCH_MEMORY, "memory.limit_in_bytes", text) == -1 ||
		    (both && put_file(g, BRANCH_MEMORY, "memory.memsw.limit_in_bytes", text) == -1) ||
		    (!both && put_file(g, BRANCH_MEMORY, "memory.swappiness", "0") == -1))
			return -1;
	}
	g->memory_bytes = bytes;
	return 0;
}

int
cgroup_tasks(struct cgroup *g, unsigned int n)
{
	char	 text[16];

	if (g->tasks == n)
		return 0;
	(void)snprintf(text, sizeof(text), "%u", n);
	if (put_file(g, groups.tree.pids, "pids.max", text) == -1)
		return -1;
	g->tasks = n;
	return 0;
}

static struct cgroup *
group_make(struct error *e)
{
	struct cgroup	*g;
	char		 path[FOLDER_BYTES];

	if (groups.made >= CGROUPS_MAX) {
		(void)error_set(e, ERR_SANDBOX, "cgroup: over %d in use", CGROUPS_MAX);
		return NULL;
	}
	if ((g = calloc(1, sizeof(*g))) == NULL) {
		(void)error_set(e, ERR_SYSTEM, "cgroup: no memory");
		return NULL;
	}
	g->number = groups.numbers++;
	g->events = -1;
	for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++)
		g->doors[b] = -1;
	groups.made++;
	for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++)
		if (folder_of(g, b, path, sizeof(path)) && mkdir(path, 0755) == -1) {
			(void)error_set(e, ERR_SANDBOX, "cgroup: %.200s: %s", path, strerror(errno));
			group_remove(g);
			return NULL;
		}
	if (cgroup_tasks(g, PROCESSES) == -1 || put_file(g, groups.tree.cpu, "cpu.max", CPU) == -1 ||
	    doors_open(g) == -1) {
		(void)error_set(e, ERR_SANDBOX, "cgroup: set limits: %s", strerror(errno));
		group_remove(g);
		return NULL;
	}
	return g;
}

/* The kernel's count of those it killed for the memory of this group. */
static uint64_t
kills_of(const struct cgroup *g)
{
	char		 text[512];
	const char	*p;
	ssize_t		 n = pread(g->events, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return (p = strstr(text, "oom_kill ")) == NULL ? 0 : strtoull(p + strlen("oom_kill "), NULL, 10);
}

static void
stock_add(struct cgroup *g)
{
	g->next = groups.stock;
	groups.stock = g;
	groups.ready++;
}

struct cgroup *
cgroup_take(uint64_t memory_bytes, struct error *e)
{
	const char	*why = cgroup_absent();
	struct cgroup	*g = groups.stock;

	if (why != NULL) {
		(void)error_set(e, ERR_SANDBOX, "cgroup: %s", why);
		return NULL;
	}
	if (g != NULL) {
		groups.stock = g->next;
		groups.ready--;
	} else if ((g = group_make(e)) == NULL)
		return NULL;
	if (limit_memory(g, memory_bytes) == -1 || cgroup_tasks(g, PROCESSES) == -1) {
		(void)error_set(e, ERR_SANDBOX, "cgroup: set limits: %s", strerror(errno));
		group_remove(g);
		return NULL;
	}
	g->kills = kills_of(g);
	return g;
}

int
cgroup_put(struct cgroup *g, pid_t worker, struct error *e)
{
	char	 text[16];
	ssize_t	 len = snprintf(text, sizeof(text), "%d", (int)worker);

	for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++) {
		if (g->doors[b] == -1)
			continue;
		if (write(g->doors[b], text, (size_t)len) != len) {
			(void)error_set(e, ERR_SANDBOX, "cgroup: put the worker in: %s", strerror(errno));
			return g->used ? -1 : 1;
		}
		g->used = true;
	}
	return 0;
}

uint32_t
cgroup_doors(const struct cgroup *g, int fds[BRANCH__MAX])
{
	uint32_t	 n = 0;

	for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++)
		if (g->doors[b] != -1)
			fds[n++] = g->doors[b];
	return n;
}

uint32_t
cgroup_own_doors(int fds[BRANCH__MAX])
{
	char		 path[FOLDER_BYTES + 16];
	uint32_t	 n = 0;

	for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++) {
		if (!cgroup_tree_own(&groups.tree, b, path, FOLDER_BYTES))
			continue;
		(void)strlcat(path, "/cgroup.procs", sizeof(path));
		if ((fds[n] = open(path, O_WRONLY | O_CLOEXEC)) != -1)
			n++;
	}
	return n;
}

void
cgroup_entered(struct cgroup *g)
{
	g->used = true;
}

bool
cgroup_oom(const struct cgroup *g)
{
	return g != NULL && g->used && kills_of(g) > g->kills;
}

void
cgroup_kill(struct cgroup *g)
{
	char	 path[FOLDER_BYTES];

	for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++)
		if (folder_of(g, b, path, sizeof(path)))
			(void)cgroup_end(path);
}

static bool
empty(const struct cgroup *g)
{
	char	 text[16];

	for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++)
		if (g->doors[b] != -1 && pread(g->doors[b], text, sizeof(text), 0) != 0)
			return false;
	return true;
}

int
cgroup_return(struct cgroup *g)
{
	if (g == NULL)
		return 0;
	for (int i = 0; g->used && !empty(g); i++) {
		if (i == EMPTY_TRIES) {
			group_free(g);	/* its folders stay for whoever sweeps them */
			return -1;
		}
		cgroup_kill(g);
		(void)nanosleep(&(struct timespec){ .tv_nsec = EMPTY_STEP_NS }, NULL);
	}
	g->used = false;
	if (groups.ready < CGROUP_STOCK_MAX)
		stock_add(g);
	else
		group_remove(g);
	return 0;
}

void
cgroup_shutdown(void)
{
	struct cgroup	*g;

	if (!groups.open)
		return;
	while ((g = groups.stock) != NULL) {
		groups.stock = g->next;
		groups.ready--;
		group_remove(g);
	}
	cgroup_tree_close(&groups.tree);
	groups.open = false;
}
