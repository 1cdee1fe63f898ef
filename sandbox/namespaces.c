/*
 * namespaces.c -- own user, mount, net, ipc, uts, cgroup and time namespaces for
 * a nursery, and a root file system that holds libraries and the connector's folder, read-only.
 *
 * The net namespace has nothing in it, not even a loopback that is up.  Mounts
 * are made from trees cloned beforehand, because the new root hides the place
 * it is mounted on, and the connector may lie there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/private.h"

#define NS_FLAGS	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | \
			 CLONE_NEWTIME)
#define TREES_MAX	64		/* sandbox_readable[], a guest's, and the folders of both programs */
#define NEW_ROOT	"/tmp"		/* covered in the child's own mount namespace only */
#define PATH_BYTES	4352		/* NEW_ROOT and a path */

#define INNER_ID	65534		/* what a worker sees as its user and group */
#define OUTER_ID	65534		/* what that is outside, when the launcher is root */

/* Without namespaces nothing is asked of clone3, which some containers' filters do not know. */
static pid_t
plain_fork(int *pidfd)
{
	pid_t	 pid = fork();

	if (pid > 0 && (*pidfd = (int)syscall(SYS_pidfd_open, pid, 0)) == -1) {
		int	 err = errno;

		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		errno = err;
		return -1;
	}
	return pid;
}

pid_t
sandbox_clone(unsigned int waived, int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD | (uint64_t)NS_FLAGS,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	if (!ON(waived, LAYER_NAMESPACES))
		return plain_fork(pidfd);
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int
put(pid_t pid, const char *file, const char *text)
{
	char	 path[64];
	int	 fd, r;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return -1;
	r = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return r;
}

int
sandbox_map_ids(pid_t child, unsigned int waived)
{
	bool	 root = geteuid() == 0;
	char	 map[64];

	if (!ON(waived, LAYER_NAMESPACES))
		return 0;
	/* Without privilege the kernel wants setgroups given up before a group is mapped. */
	if (!root && put(child, "setgroups", "deny") == -1)
		return -1;
	snprintf(map, sizeof(map), "%d %u 1\n", INNER_ID, root ? OUTER_ID : (unsigned int)getegid());
	if (put(child, "gid_map", map) == -1)
		return -1;
	snprintf(map, sizeof(map), "%d %u 1\n", INNER_ID, root ? OUTER_ID : (unsigned int)geteuid());
	return put(child, "uid_map", map);
}

static void
make_place(const char *path, bool folder)
{
	char	 part[PATH_BYTES];
	int	 fd;

	/* The last component is the place itself: a folder or an empty file to mount on. */
	for (const char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		snprintf(part, sizeof(part), "%.*s", (int)(p - path), path);
		if (mkdir(part, 0755) == -1 && errno != EEXIST)
			sandbox_die(LAYER_NAMESPACES, part, errno);
	}
	if (folder) {
		if (mkdir(path, 0755) == -1 && errno != EEXIST)
			sandbox_die(LAYER_NAMESPACES, path, errno);
	} else if ((fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0444)) == -1)
		sandbox_die(LAYER_NAMESPACES, path, errno);
	else
		close(fd);
}

struct tree {
	char	path[4096];
	char	link[256];	/* a symbolic link is made again, not followed */
	int	fd;
	bool	folder, device;
};

/* False where there is nothing at the path: a system without /lib64, say.  at: its place in the new root. */
static bool
tree_take_to(struct tree *t, const char *path, const char *at)
{
	struct stat	 st;
	ssize_t		 n;

	t->fd = -1;
	t->link[0] = '\0';
	if (lstat(path, &st) == -1)
		return false;
	snprintf(t->path, sizeof(t->path), "%s", at);
	t->folder = S_ISDIR(st.st_mode);
	if (S_ISLNK(st.st_mode)) {
		if ((n = readlink(path, t->link, sizeof(t->link) - 1)) == -1)
			return false;
		t->link[n] = '\0';
		return true;
	}
	t->fd = (int)syscall(SYS_open_tree, AT_FDCWD, path,
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (t->fd == -1)
		sandbox_die(LAYER_NAMESPACES, path, errno);
	return true;
}

static bool
tree_take(struct tree *t, const char *path)
{
	return tree_take_to(t, path, path);
}

static void
tree_place(const struct tree *t)
{
	struct mount_attr	 ro = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
				    (t->device ? MOUNT_ATTR_NOEXEC : MOUNT_ATTR_NODEV) };
	char			 at[PATH_BYTES];

	snprintf(at, sizeof(at), NEW_ROOT "%s", t->path);
	if (t->link[0] != '\0') {
		if (symlink(t->link, at) == -1)
			sandbox_die(LAYER_NAMESPACES, at, errno);
		return;
	}
	make_place(at, t->folder);
	if (syscall(SYS_mount_setattr, t->fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro, sizeof(ro)) == -1)
		sandbox_die(LAYER_NAMESPACES, "make a tree read-only", errno);
	if (syscall(SYS_move_mount, t->fd, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH) == -1)
		sandbox_die(LAYER_NAMESPACES, at, errno);
	close(t->fd);
}

static struct tree	 trees[TREES_MAX];
static size_t		 ntrees;

static void
trees_take(const char *const *paths)
{
	for (; *paths != NULL && ntrees < TREES_MAX; paths++)
		ntrees += tree_take(&trees[ntrees], *paths) ? 1 : 0;
}

static void
take_to(const char *path, const char *at)
{
	if (ntrees == TREES_MAX)
		sandbox_die(LAYER_NAMESPACES, "too many parts of a root", 0);
	if (!tree_take_to(&trees[ntrees++], path, at))
		sandbox_die(LAYER_NAMESPACES, path, errno);
}

void
root_take(const char *program, const char *beside)
{
	char	 folder[4096];

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		sandbox_die(LAYER_NAMESPACES, "own the mounts", errno);
	trees_take(sandbox_readable);
	folder_of(program, folder, sizeof(folder));
	take_to(folder, folder);
	if (beside != NULL && strcmp(beside, folder) != 0)
		take_to(beside, beside);
}

/* It lies in a folder that is there already. */
static bool
is_covered(const char *path)
{
	for (size_t i = 0; i < ntrees; i++) {
		size_t	 n = strlen(trees[i].path);

		if (trees[i].folder && trees[i].link[0] == '\0' && strncmp(path, trees[i].path, n) == 0 && path[n] == '/')
			return true;
	}
	return false;
}

/* A file by its own name, whatever it is a link to. */
static void
file_take(const char *path, bool device)
{
	char	 real[4096];

	if (is_covered(path))
		return;
	if (realpath(path, real) == NULL)
		sandbox_die(LAYER_NAMESPACES, path, errno);
	take_to(real, path);
	trees[ntrees - 1].device = device;
}

static bool	 guests;

void
root_take_guest(const struct sandbox_wall *w)
{
	/* Only who sees one may mount another, and each worker puts its own over it. */
	static const char *const	 proc[] = { "/proc", NULL };
	char				 folder[4096];

	guests = true;
	root_take(w->program, NULL);
	trees_take(sandbox_guest_readable);
	trees_take(proc);
	for (size_t i = 0; sandbox_guest_devices[i] != NULL; i++)
		file_take(sandbox_guest_devices[i], true);
	for (size_t i = 0; w->guest_programs[i] != NULL; i++)
		file_take(w->guest_programs[i], false);
	/* Whatever is below /tmp outside is not seen under its own name: each worker's own lies over it. */
	folder_of(w->program, folder, sizeof(folder));
	take_to(w->guest, SANDBOX_GUEST_FOLDER);
	take_to(folder, SANDBOX_GUEST_HOME);
	if (w->guest_linked != NULL)
		take_to(w->guest_linked, SANDBOX_GUEST_LINKED);
	if (w->guest_code != NULL && ntrees < TREES_MAX)
		ntrees += tree_take_to(&trees[ntrees], w->guest_code, SANDBOX_GUEST_CODE) ? 1 : 0;
}

static void
files_make(void)
{
	char	 at[PATH_BYTES];
	int	 fd;

	make_place(NEW_ROOT "/tmp", true);
	for (const struct made_file *f = sandbox_guest_files; f->path != NULL; f++) {
		snprintf(at, sizeof(at), NEW_ROOT "%s", f->path);
		make_place(at, false);
		if ((fd = open(at, O_WRONLY | O_CLOEXEC)) == -1 || fchmod(fd, 0444) == -1 ||
		    write(fd, f->text, strlen(f->text)) != (ssize_t)strlen(f->text))
			sandbox_die(LAYER_NAMESPACES, f->path, errno);
		close(fd);
	}
}

void
root_enter(void)
{
	struct mount_attr	 ro = { .attr_set = MOUNT_ATTR_RDONLY };

	if (mount("none", NEW_ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,nr_inodes=256,mode=0755") == -1)
		sandbox_die(LAYER_NAMESPACES, "make a root", errno);
	for (size_t i = 0; i < ntrees; i++)
		tree_place(&trees[i]);
	if (guests)
		files_make();
	if (chdir(NEW_ROOT) == -1 || syscall(SYS_pivot_root, ".", ".") == -1 ||
	    umount2(".", MNT_DETACH) == -1 || chdir("/") == -1)
		sandbox_die(LAYER_NAMESPACES, "enter the root", errno);
	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &ro, sizeof(ro)) == -1)
		sandbox_die(LAYER_NAMESPACES, "close the root", errno);
}
