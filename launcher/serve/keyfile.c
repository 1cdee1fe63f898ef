/*
 * keyfile.c -- a key in a file: 0600, whole or not at all.
 */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/serve/keyfile.h"
#include "worker/contract/util.h"

static int
key_make(unsigned char *key, size_t n, struct error *e)
{
	return getrandom(key, n, 0) == (ssize_t)n ? 0 : error_sys(e, "random numbers");
}

/* A name that a power cut takes back would be a key that is lost. */
static int
folder_sync(const char *path)
{
	char	 copy[PATH_MAX];
	autofd	 fd = -1;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd == -1 ? -1 : fsync(fd);
}

/* Beside its place first: a key that is cut short is never read. */
static int
key_write(const char *path, const unsigned char *key, size_t n, struct error *e)
{
	char	 beside[PATH_MAX];
	autofd	 fd = -1;

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return error_set(e, ERR_USAGE, "%.200s: the path is too long", path);
	(void)unlink(beside);
	if ((fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)) == -1 ||
	    write(fd, key, n) != (ssize_t)n || fsync(fd) == -1 || rename(beside, path) == -1 || folder_sync(path) == -1)
		return error_sys(e, "%.200s", path);
	return 0;
}

static int
key_load(int fd, const char *path, unsigned char *key, size_t n, struct error *e)
{
	struct stat	 st;

	if (fstat(fd, &st) == -1)
		return error_sys(e, "%.200s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0 || st.st_size != (off_t)n)
		return error_set(e, ERR_USAGE, "%.200s: a file of %zu bytes that nobody but this server's user reads is wanted; "
		    "remove it and a new one is made", path, n);
	return read(fd, key, n) == (ssize_t)n ? 0 : error_sys(e, "%.200s", path);
}

bool
keyfile_there(const char *path)
{
	return access(path, F_OK) == 0 || errno != ENOENT;
}

int
keyfile_open(const char *path, unsigned char *key, size_t n, struct error *e)
{
	autofd	 fd = -1;

	if (path == NULL)
		return key_make(key, n, e);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)) != -1)
		return key_load(fd, path, key, n, e);
	if (errno != ENOENT)
		return error_sys(e, "%.200s", path);
	return key_make(key, n, e) == -1 ? -1 : key_write(path, key, n, e);
}
