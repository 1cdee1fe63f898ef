/*
 * disk.c -- written beside, synced, renamed.
 */
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "launcher/core/files.h"
#include "launcher/registry/disk.h"
#include "worker/contract/util.h"

#define WALK_FILES	16	/* folders open at once */

void	(*registry_step)(const char *step);

void
disk_step(const char *step)
{
	if (registry_step != NULL)
		registry_step(step);
}

int
disk_sync_folder(const char *path, struct error *e)
{
	autofd	 fd = files_open(path, O_RDONLY | O_DIRECTORY, 0);

	return fd == -1 || fsync(fd) == -1 ? error_sys(e, "registry: %.200s", path) : 0;
}

int
disk_folder(const char *path, struct error *e)
{
	struct stat	 st;

	if (mkdir(path, 0700) == -1 && errno != EEXIST)	/* at its start */
		return error_sys(e, "registry: %.200s", path);
	if (lstat(path, &st) == -1)	/* at its start */
		return error_sys(e, "registry: %.200s", path);
	if (!S_ISDIR(st.st_mode))
		return error_set(e, ERR_USAGE, "registry: %.200s is no folder", path);
	/* Programs out of it are run: whoever may write here decides what. */
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return error_set(e, ERR_USAGE, "registry: %.200s: others may write it, or own it: chown it to this server's user "
		    "and chmod go-w", path);
	return 0;
}

static int
write_whole(int fd, const struct buf *b)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t	 n = write(fd, b->data + at, b->len - at);

		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			at += (size_t)n;
	}
	return fsync(fd);
}

static int
parent_sync(const char *path, struct error *e)
{
	char	 folder[REG_PATH_BYTES];

	snprintf(folder, sizeof(folder), "%s", path);
	return disk_sync_folder(dirname(folder), e);
}

int
disk_replace(const char *path, const struct buf *b, struct error *e)
{
	char	 beside[REG_PATH_BYTES];
	autofd	 fd = -1;

	if (buf_check(b, "registry", e) == -1)
		return -1;
	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return error_set(e, ERR_USAGE, "registry: the path is too long");
	if ((fd = files_open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600)) == -1)
		return error_sys(e, "registry: %.200s", beside);
	disk_step("beside");
	if (write_whole(fd, b) == -1) {
		(void)error_sys(e, "registry: %.200s", beside);
		(void)files_unlink(beside);
		return -1;
	}
	disk_step("written");
	if (files_rename(beside, path) == -1) {
		(void)error_sys(e, "registry: %.200s", path);
		(void)files_unlink(beside);
		return -1;
	}
	disk_step("renamed");
	return parent_sync(path, e);
}

int
disk_remove(const char *path, struct error *e)
{
	if (files_unlink(path) == -1)
		return error_sys(e, "registry: %.200s", path);
	disk_step("removed");
	return parent_sync(path, e);
}

static uint64_t	 walked;

static int
one_counted(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)path;
	(void)at;
	if (kind == FTW_F || kind == FTW_D)
		walked += (kind == FTW_F ? (uint64_t)st->st_size : 0) + REG_FILE_BYTES;
	return 0;
}

int
disk_tree_bytes(const char *path, uint64_t *n, struct error *e)
{
	walked = 0;
	if (nftw(path, one_counted, WALK_FILES, FTW_PHYS) == -1)	/* at its start */
		return error_sys(e, "registry: %.200s", path);
	*n += walked;
	return 0;
}

void
disk_remove_tree(const char *path)
{
	files_remove_tree(path);
}
