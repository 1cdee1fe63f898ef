/*
 * watch.c -- what the front remembers of connectors' files, so that it need not ask for it at each call.
 *
 * The kernel notes a change within the call that makes it: who polls the bell after it finds it rung.  What it does not
 * note is not watched: names that lead over links, file systems that others may write to as well.  A change of mounts rings, too.
 * One bell for all: changes are rare, and rung it is thrown away with all that was watched.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "launcher/core/files_wire.h"
#include "launcher/supervise/supervise.h"

#define WATCH_MAX	256	/* places, between two bells */
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC	0x58465342
#endif

#define OF_ITSELF	(IN_MOVE_SELF | IN_DELETE_SELF)
#define OF_ENTRIES	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define OF_CONTENT	(IN_ATTRIB | IN_MODIFY | IN_CLOSE_WRITE)

static int	 notes = -1, bell = -1, mounts = -1;
static size_t	 nwatched;

static void
watch_close(void)
{
	fd_closep(&notes);
	fd_closep(&mounts);
	fd_closep(&bell);
}

static int
bell_hang(int fd, uint32_t events)
{
	struct epoll_event	 ev = { .events = events };

	return fd == -1 ? -1 : epoll_ctl(bell, EPOLL_CTL_ADD, fd, &ev);
}

int
watch_open(void)
{
	int	 fd = -1;

	watch_close();
	nwatched = 0;
	bell = epoll_create1(EPOLL_CLOEXEC);
	notes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (bell != -1 && bell_hang(notes, EPOLLIN) == 0 && bell_hang(mounts, EPOLLPRI) == 0)
		fd = fcntl(bell, F_DUPFD_CLOEXEC, 0);
	if (fd == -1)
		watch_close();
	return fd;
}

/* Kept by this kernel alone: whoever changes it does so by a call that is seen here. */
static bool
is_local(const char *path)
{
	static const long	 known[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC };
	struct statfs		 fs;

	if (statfs(path, &fs) == -1)
		return false;
	for (size_t i = 0; i < N_ITEMS(known); i++)
		if ((long)fs.f_type == known[i])
			return true;
	return false;
}

static int
note(const char *path, uint32_t what)
{
	return inotify_add_watch(notes, path, what | IN_DONT_FOLLOW | IN_MASK_ADD);
}

/* A file, if it is there; else its folder's entries are watched. */
static bool
file_note(const char *folder, const char *name)
{
	char		 path[PATH_MAX * 2];
	struct stat	 st;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (note(path, OF_ITSELF | OF_CONTENT) == -1)
		return errno == ENOENT;
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && is_local(path);
}

/* What is looked at in the folder of a connector, whose program may have any name. */
static bool
folder_note(const char *folder, const char *program)
{
	const char	*name;

	if (note(folder, OF_ITSELF | OF_ENTRIES | IN_ATTRIB) == -1)
		return false;
	for (size_t i = 0; i < FILES_IN_FOLDER; i++) {
		name = files_in_folder[i].name[0] != '\0' ? files_in_folder[i].name : program;
		if (!file_note(folder, name))
			return false;
	}
	return true;
}

/* A part of the path, from its beginning.  1: it is a folder; 0: the last there is, and watched; -1: not to be watched. */
static int
part_note(const char *part, const char *above, bool last)
{
	char		 folder[PATH_MAX];
	const char	*name = strrchr(part, '/') + 1;
	struct stat	 st;

	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -1;
	if (note(part, OF_ITSELF) == -1) {
		if (errno != ENOENT || !is_local(above) || note(above, OF_ENTRIES) == -1)
			return -1;
		return lstat(part, &st) == -1 && errno == ENOENT ? 0 : -1;	/* it came meanwhile */
	}
	if (lstat(part, &st) == -1 || !is_local(part))
		return -1;
	if (S_ISREG(st.st_mode) && last) {
		(void)snprintf(folder, sizeof(folder), "%s", above);
		return folder_note(folder, name) ? 0 : -1;
	}
	if (!S_ISDIR(st.st_mode))
		return -1;
	return !last ? 1 : folder_note(part, name) ? 0 : -1;
}

bool
watch_add(const char *path)
{
	char	 part[PATH_MAX], above[PATH_MAX] = "/";
	size_t	 n;
	int	 r = 1;

	if (bell == -1 || path[0] != '/' || strlen(path) >= sizeof(part) || nwatched == WATCH_MAX)
		return false;
	nwatched++;
	/* From above: one that is moved away while the next is taken has rung. */
	for (const char *p = path; r == 1 && *p == '/'; p += n) {
		n = strcspn(p + 1, "/") + 1;
		(void)snprintf(part, sizeof(part), "%.*s", (int)(p + n - path), path);
		r = part_note(part, above, p[n] == '\0');
		memcpy(above, part, sizeof(above));
	}
	return r == 0;
}
