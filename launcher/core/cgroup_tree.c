/*
 * cgroup_tree.c -- where this process may make control groups.
 *
 * Names carry pid, start time and pid namespace of the launcher, so that a later
 * one can tell what a dead one left, and leaves alone what it cannot judge.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launcher/core/cgroup_tree.h"
#include "worker/contract/util.h"

#define MOUNTINFO_BYTES_MAX	(256 * 1024)
#define MEMBERSHIP_BYTES_MAX	(16 * 1024)
#define NAME			"bascule-"
#define SELF			"launcher"	/* our own place, where a v2 group with controllers may hold no process */
#define EMPTY_TRIES		50		/* a killed process leaves its group within so many */
#define EMPTY_STEP_NS		2000000L

int
cgroup_write(const char *folder, const char *file, const char *text)
{
	char	 path[CGROUP_PATH_BYTES + 192];
	size_t	 n = strlen(text);
	int	 fd, r, err;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return -1;
	r = write(fd, text, n) == (ssize_t)n ? 0 : -1;
	err = errno;
	(void)close(fd);
	errno = err;
	return r;
}

int
cgroup_read(const char *folder, const char *file, char *text, size_t n)
{
	char	 path[CGROUP_PATH_BYTES + 192];
	size_t	 len = 0;
	ssize_t	 k;
	int	 fd;

	text[0] = '\0';
	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	while (len < n - 1 && (k = read(fd, text + len, n - 1 - len)) > 0)
		len += (size_t)k;
	(void)close(fd);
	text[len] = '\0';
	return 0;
}

int
cgroup_end(const char *folder)
{
	char	 text[MEMBERSHIP_BYTES_MAX], *next;

	if (cgroup_write(folder, "cgroup.kill", "1") == 0)
		return 1;
	if (errno != ENOENT || cgroup_read(folder, "cgroup.procs", text, sizeof(text)) == -1)
		return 0;
	/* v1 knows no such file: those that it lists, and whoever they made meanwhile at the next look. */
	for (char *p = text; *p != '\0'; p = next) {
		pid_t	 pid = (pid_t)strtol(p, &next, 10);

		if (pid <= 0 || next == p)
			break;
		(void)kill(pid, SIGKILL);
		next += *next == '\n';
	}
	return text[0] != '\0';
}

static void __attribute__((format(printf, 2, 3)))
absent(struct cgroup_tree *t, const char *fmt, ...)
{
	va_list	 ap;

	if (t->why[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
}

/* True if word is in a list with these separators. */
static bool
listed(const char *list, const char *word, const char *separators)
{
	size_t	 n = strlen(word);

	for (const char *p = list; *p != '\0'; p += strcspn(p, separators)) {
		p += strspn(p, separators);
		if (strncmp(p, word, n) == 0 && (p[n] == '\0' || strchr(separators, p[n]) != NULL))
			return true;
	}
	return false;
}

/* Our group in the hierarchy of this controller (NULL: v2), as "12:cpu,memory:/path" has it. */
static bool
membership_of(const char *text, const char *controller, char *path, size_t n)
{
	char	 list[256];

	for (const char *p = text; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n') {
		const char	*a = strchr(p, ':'), *b = a == NULL ? NULL : strchr(a + 1, ':');

		if (b == NULL || (size_t)(b - a) > sizeof(list))
			return false;
		(void)snprintf(list, sizeof(list), "%.*s", (int)(b - a - 1), a + 1);
		if (controller == NULL ? list[0] != '\0' : !listed(list, controller, ","))
			continue;
		(void)snprintf(path, n, "%.*s", (int)strcspn(b + 1, "\n"), b + 1);
		return strlen(path) < n - 1;
	}
	return false;
}

/* A mount may show part of a hierarchy only; a group outside that part cannot be reached. */
static void
base_set(char *base, const char *root, const char *point, const char *path)
{
	size_t	 n = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (base[0] != '\0' || strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != '\0') ||
	    strstr(path, "/..") != NULL || strchr(point, '\\') != NULL)
		return;
	if (strlen(point) + strlen(path + n) < CGROUP_PATH_BYTES)
		(void)snprintf(base, CGROUP_PATH_BYTES, "%s%s", point, strcmp(path + n, "/") == 0 ? "" : path + n);
}

void
cgroup_tree_find(struct cgroup_tree *t, const char *mountinfo, const char *membership)
{
	static const struct {
		const char	*type, *controller;
	} kinds[] = {
		[BRANCH_V2]	= { "cgroup2", NULL },
		[BRANCH_MEMORY]	= { "cgroup", "memory" },
		[BRANCH_PIDS]	= { "cgroup", "pids" },
	};

	for (const char *p = mountinfo; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n') {
		char		 root[512], point[512], type[64], options[512], path[512], line[2048];
		const char	*dash;

		(void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(p, "\n"), p);
		if (sscanf(line, "%*s %*s %*s %511s %511s", root, point) != 2 || (dash = strstr(line, " - ")) == NULL ||
		    sscanf(dash + 3, "%63s %*s %511s", type, options) != 2)
			continue;
		for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++)
			if (strcmp(type, kinds[b].type) == 0 &&
			    (kinds[b].controller == NULL || listed(options, kinds[b].controller, ",")) &&
			    membership_of(membership, kinds[b].controller, path, sizeof(path)))
				base_set(t->base[b], root, point, path);
	}
}

/* Clock ticks between boot and the start of a process; 0 if there is none. */
static unsigned long long
start_of(pid_t pid)
{
	char		 folder[64], text[1024];
	const char	*p;

	(void)snprintf(folder, sizeof(folder), "/proc/%d", (int)pid);
	if (cgroup_read(folder, "stat", text, sizeof(text)) == -1 || (p = strrchr(text, ')')) == NULL)
		return 0;
	/* State is the 3rd field, behind the name; the start is the 22nd. */
	for (int field = 2; field < 22 && p != NULL; field++)
		p = strchr(p + 1, ' ');
	return p == NULL ? 0 : strtoull(p, NULL, 10);
}

static unsigned long
pid_namespace(void)
{
	struct stat	 st;

	return stat("/proc/self/ns/pid", &st) == 0 ? (unsigned long)st.st_ino : 0;
}

/* Groups below it, then itself. */
static void
folder_remove(const char *path)
{
	char		 below[CGROUP_PATH_BYTES + 512];
	struct dirent	*d;
	DIR		*dir = opendir(path);

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		(void)snprintf(below, sizeof(below), "%s/%s", path, d->d_name);
		(void)rmdir(below);
	}
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(path);
}

/* Ends who is in the group or in those below it; true if somebody may have been. */
static bool
members_end(const char *path)
{
	char		 below[CGROUP_PATH_BYTES + 512];
	bool		 any = cgroup_end(path) == 1;
	struct dirent	*d;
	DIR		*dir = opendir(path);

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(below, sizeof(below), "%s/%s", path, d->d_name) >= sizeof(below))
			continue;
		any = cgroup_end(below) == 1 || any;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return any;
}

/* Only killing makes it worth to wait. */
static void
group_clear(const char *path)
{
	bool	 killed = members_end(path);

	folder_remove(path);
	for (int i = 0; killed && i < EMPTY_TRIES && access(path, F_OK) == 0; i++) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = EMPTY_STEP_NS }, NULL);
		folder_remove(path);
	}
}

/* What launchers left that were killed.  Those of another pid namespace may live. */
static void
sweep(const struct cgroup_tree *t, enum cgroup_branch b)
{
	char			 path[CGROUP_PATH_BYTES + 512];
	unsigned long long	 start;
	unsigned long		 ns;
	struct dirent		*d;
	DIR			*dir = opendir(t->base[b]);
	int			 pid;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (sscanf(d->d_name, NAME "%d-%llu-%lu", &pid, &start, &ns) != 3 || ns != pid_namespace() ||
		    start_of((pid_t)pid) == start)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", t->base[b], d->d_name);
		group_clear(path);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

static pid_t	 companion;		/* 0: none */

void
cgroup_companion(pid_t pid)
{
	companion = pid;
}

static int
both_move(const char *folder)
{
	char	 pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)companion);
	if (cgroup_write(folder, "cgroup.procs", "0") == -1)
		return -1;
	return companion > 0 ? cgroup_write(folder, "cgroup.procs", pid) : 0;
}

/* Our own child, as the kernel knows without /proc, which may hide it. */
static bool
is_child(pid_t pid)
{
	siginfo_t	 si;

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* What we started before: a broker, a nursery.  Others in the group are not ours to move. */
static void
children_move(const char *from, const char *to)
{
	char	 text[MEMBERSHIP_BYTES_MAX], pid[16], *next;

	if (cgroup_read(from, "cgroup.procs", text, sizeof(text)) == -1)
		return;
	for (char *p = text; *p != '\0'; p = next) {
		long	 n = strtol(p, &next, 10);

		if (next == p)
			break;
		next += *next == '\n';
		(void)snprintf(pid, sizeof(pid), "%ld", n);
		if (n > 0 && is_child((pid_t)n))
			(void)cgroup_write(to, "cgroup.procs", pid);
	}
}

/* A v2 group with controllers for its children may hold no process itself: we step aside. */
static int
step_aside(struct cgroup_tree *t)
{
	char	 self[CGROUP_PATH_BYTES + 128];

	(void)snprintf(self, sizeof(self), "%s/" SELF, t->mine[BRANCH_V2]);
	if (mkdir(self, 0755) == -1 || both_move(self) == -1)
		return -1;
	t->moved = true;
	children_move(t->base[BRANCH_V2], self);
	return 0;
}

/* On v2; without the last there are groups all the same. */
static const struct {
	const char	*name, *on, *off;
	bool		 must;
} controllers[] = {
	{ "memory", "+memory", "-memory", true },
	{ "pids", "+pids", "-pids", true },
	{ "cpu", "+cpu", "-cpu", false },
};

/* One by one: the kernel takes all that it is told at once, or nothing. */
static int
controller_enable(struct cgroup_tree *t, size_t i)
{
	const char	*base = t->base[BRANCH_V2];

	if (cgroup_write(base, "cgroup.subtree_control", controllers[i].on) == -1 &&
	    (errno != EBUSY || t->moved || step_aside(t) == -1 ||
	    cgroup_write(base, "cgroup.subtree_control", controllers[i].on) == -1))
		return -1;
	t->enabled |= 1u << i;
	return 0;
}

static void
controllers_enable(struct cgroup_tree *t)
{
	const char	*base = t->base[BRANCH_V2];
	char		 now[256];

	if (cgroup_read(base, "cgroup.subtree_control", now, sizeof(now)) == -1)
		absent(t, "%s: %s", base, strerror(errno));
	for (size_t i = 0; i < N_ITEMS(controllers) && t->why[0] == '\0'; i++) {
		if (!controllers[i].must && t->cpu != BRANCH_V2)
			continue;
		if ((listed(now, controllers[i].name, " \n") || controller_enable(t, i) == 0) &&
		    cgroup_write(t->mine[BRANCH_V2], "cgroup.subtree_control", controllers[i].on) == 0)
			continue;
		if (!controllers[i].must)
			t->cpu = BRANCH_NONE;
		else
			absent(t, "%s: controllers cannot be passed on: %s%s", base, strerror(errno),
			    errno == EBUSY ? " (other processes are in this group; run as a service with Delegate=yes)" : "");
	}
}

/* While a group below passes one on, so must those above; while one passes anything on, no process may be in it. */
static void
controllers_disable(const struct cgroup_tree *t)
{
	for (size_t i = 0; i < N_ITEMS(controllers); i++) {
		if ((t->enabled & 1u << i) == 0)
			continue;
		(void)cgroup_write(t->mine[BRANCH_V2], "cgroup.subtree_control", controllers[i].off);
		(void)cgroup_write(t->base[BRANCH_V2], "cgroup.subtree_control", controllers[i].off);
	}
}

/* Which branch holds what. */
static void
roles_choose(struct cgroup_tree *t)
{
	char	 has[256] = "";

	if (t->base[BRANCH_V2][0] != '\0')
		(void)cgroup_read(t->base[BRANCH_V2], "cgroup.controllers", has, sizeof(has));
	t->memory = listed(has, "memory", " \n") ? BRANCH_V2 : t->base[BRANCH_MEMORY][0] != '\0' ? BRANCH_MEMORY : BRANCH_NONE;
	t->pids = listed(has, "pids", " \n") ? BRANCH_V2 : t->base[BRANCH_PIDS][0] != '\0' ? BRANCH_PIDS : BRANCH_NONE;
	t->cpu = listed(has, "cpu", " \n") ? BRANCH_V2 : BRANCH_NONE;
	if (t->memory == BRANCH_NONE && t->pids == BRANCH_NONE && t->base[BRANCH_V2][0] == '\0')
		absent(t, "no control groups are mounted here");
	else if (t->memory == BRANCH_NONE || t->pids == BRANCH_NONE)
		absent(t, "this process's group has no %s controller (systemd: Delegate=yes)",
		    t->memory == BRANCH_NONE ? "memory" : "pids");
	else if ((t->memory == BRANCH_V2) != (t->pids == BRANCH_V2))
		absent(t, "memory and pids are on trees of different kinds");
}

static void
mine_make(struct cgroup_tree *t)
{
	char	 base[CGROUP_PATH_BYTES];

	for (enum cgroup_branch b = 0; b < BRANCH__MAX && t->why[0] == '\0'; b++) {
		/* A v2 tree without the controllers would only cost each worker one move more. */
		if (t->base[b][0] == '\0' || (t->memory != b && t->pids != b))
			continue;
		sweep(t, b);
		memcpy(base, t->base[b], sizeof(base));	/* a sanitizer's compiler takes both for one object */
		(void)snprintf(t->mine[b], sizeof(t->mine[b]), "%s/" NAME "%d-%llu-%lu", base, (int)getpid(),
		    start_of(getpid()), pid_namespace());
		if (mkdir(t->mine[b], 0755) == 0)
			continue;
		absent(t, "%s: %s%s", t->base[b], strerror(errno), errno == EACCES || errno == EROFS ?
		    " (it must be delegated to this user; systemd: Delegate=yes)" : "");
		t->mine[b][0] = '\0';
	}
}

static char *
text_of(const char *file, size_t max)
{
	char	*text = malloc(max);

	if (text != NULL)
		(void)cgroup_read("/proc/self", file, text, max);
	return text;
}

void
cgroup_tree_open(struct cgroup_tree *t)
{
	char	*mounts = text_of("mountinfo", MOUNTINFO_BYTES_MAX);
	char	*membership = text_of("cgroup", MEMBERSHIP_BYTES_MAX);

	*t = (struct cgroup_tree){ .memory = BRANCH_NONE, .pids = BRANCH_NONE, .cpu = BRANCH_NONE };
	if (mounts == NULL || membership == NULL)
		absent(t, "no memory");
	else
		cgroup_tree_find(t, mounts, membership);
	free(mounts);
	free(membership);
	if (t->why[0] == '\0')
		roles_choose(t);
	if (t->why[0] == '\0')
		mine_make(t);
	if (t->why[0] == '\0' && t->memory == BRANCH_V2)
		controllers_enable(t);
	if (t->why[0] != '\0')
		cgroup_tree_close(t);
}

void
cgroup_tree_close(struct cgroup_tree *t)
{
	char	 self[CGROUP_PATH_BYTES + 128];

	controllers_disable(t);
	if (t->moved) {
		(void)snprintf(self, sizeof(self), "%s/" SELF, t->mine[BRANCH_V2]);
		(void)both_move(t->base[BRANCH_V2]);
		children_move(self, t->base[BRANCH_V2]);	/* where nothing came of it they live on */
	}
	for (enum cgroup_branch b = 0; b < BRANCH__MAX; b++) {
		if (t->mine[b][0] != '\0')
			folder_remove(t->mine[b]);
		t->mine[b][0] = '\0';
	}
	t->enabled = 0;
	t->moved = false;
}

bool
cgroup_tree_own(const struct cgroup_tree *t, enum cgroup_branch b, char *path, size_t n)
{
	if (t->mine[b][0] == '\0')
		return false;
	if (b == BRANCH_V2 && t->moved)
		(void)snprintf(path, n, "%s/launcher", t->mine[b]);
	else
		(void)snprintf(path, n, "%s", t->base[b]);
	return true;
}
