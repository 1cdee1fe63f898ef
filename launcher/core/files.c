/*
 * files.c -- files by their paths: here, or by the supervisor's hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher/core/files.h"
#include "launcher/core/files_wire.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

#define ANSWER_MS	SECONDS(30)	/* a disk may be slow */
#define WATCHES_MAX	250u		/* then a new bell, so that no caller can use up what the supervisor watches */
#define WALK_FILES	16		/* descriptors while a tree is removed */

static int	 socket_fd = -1;
static bool	 is_far;
static int	 bell = -1;
static bool	 bell_lacks;		/* nothing can be watched here */
static unsigned int watches;		/* asked for since it was hung */
static uint32_t bell_no;			/* of the one that hangs */

void
files_socket(int fd)
{
	socket_fd = fd;
}

#define NO_ANSWER	(-1)	/* where an errno is said otherwise */

static int
answer_take(struct files_told *t, int *fd)
{
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg;
	struct iovec	 iov = { t, sizeof(*t) };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf, .msg_controllen = sizeof(cmsg.buf) };
	struct pollfd	 p = { .fd = socket_fd, .events = POLLIN };
	struct cmsghdr	*c;
	int		 r;

	while ((r = poll(&p, 1, ANSWER_MS)) == -1 && errno == EINTR)
		;
	if (r != 1 || recvmsg(socket_fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(*t))
		return NO_ANSWER;
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return t->error == 0 && (msg.msg_flags & MSG_CTRUNC) != 0 ? EMFILE : t->error;
}

/* -1 with errno; an answer that is late would be taken for the next one's: then there are no more. */
static int
ask(enum files_op op, const char *path, int flags, mode_t mode, const char *to, struct files_told *t, int *fd)
{
	struct files_ask	 a = { .version = FILES_VERSION, .op = (uint16_t)op, .flags = flags, .mode = mode };
	size_t			 bytes = FILES_ASK_BYTES(op);
	int			 err;

	*fd = -1;
	if (strlen(path) >= sizeof(a.path) || (to != NULL && strlen(to) >= sizeof(a.to))) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.path, path, strlen(path) + 1);
	if (to != NULL)
		memcpy(a.to, to, strlen(to) + 1);
	if (socket_fd == -1 || send(socket_fd, &a, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
		err = NO_ANSWER;
	else
		err = answer_take(t, fd);
	if (err == 0)
		return 0;
	if (err == NO_ANSWER)
		fd_closep(&socket_fd);
	fd_closep(fd);
	errno = err == NO_ANSWER ? EIO : err;
	return -1;
}

static int
ask_plain(enum files_op op, const char *path, int flags, mode_t mode, const char *to)
{
	struct files_told	 t;
	int			 fd, r = ask(op, path, flags, mode, to, &t, &fd);

	fd_closep(&fd);
	return r;
}

static struct {
	bool			 valid;
	char			 path[PATH_MAX];
	int			 err, fd;
	struct files_told	 told;
} ahead = { .fd = -1 };

void
files_ahead_end(void)
{
	ahead.valid = false;
	fd_closep(&ahead.fd);
}

void
files_ahead(const char *path)
{
	files_ahead_end();
	if (!is_far || strlen(path) >= sizeof(ahead.path))
		return;
	memcpy(ahead.path, path, strlen(path) + 1);
	ahead.told.watched = 0;
	if (bell != -1 && ++watches > WATCHES_MAX)
		fd_closep(&bell);
	ahead.err = ask(FILES_FOLDER, path, bell != -1, 0, NULL, &ahead.told, &ahead.fd) == -1 ? errno : 0;
	ahead.told.real[sizeof(ahead.told.real) - 1] = '\0';
	ahead.valid = true;
}

bool
files_ahead_watched(void)
{
	return ahead.valid && ahead.told.watched == 1 && (ahead.err == 0 || ahead.err == ENOENT);
}

int
files_ahead_spec(void)
{
	return fd_steal(&ahead.fd);
}

bool
files_changed(void)
{
	struct files_told	 t;
	struct pollfd		 p = { .fd = bell, .events = POLLIN };

	if (bell != -1 && poll(&p, 1, 0) == 0)
		return false;
	fd_closep(&bell);
	watches = 0;
	if (is_far && !bell_lacks && ask(FILES_BELL, "", 0, 0, NULL, &t, &bell) == -1)
		bell_lacks = true;
	if (bell != -1 && ++bell_no == 0)
		bell_no = 1;
	return true;
}

int
files_bell(void)
{
	return bell;
}

uint32_t
files_bell_no(void)
{
	return bell == -1 ? 0 : bell_no;
}

void
files_bell_heard(void)
{
	fd_closep(&bell);
}

/* The i-th name of that folder; -1: it was not asked about this. */
static int
ahead_find(const char *path, int how)
{
	const char	*real = ahead.told.real, *own = strrchr(real, '/'), *name;
	size_t		 n = strlen(real);

	if (!ahead.valid || ahead.err != 0 || own == NULL || strncmp(path, real, n) != 0 || path[n] != '/')
		return -1;
	for (size_t i = 0; i < FILES_IN_FOLDER; i++) {
		name = files_in_folder[i].name[0] != '\0' ? files_in_folder[i].name : own + 1;
		if (files_in_folder[i].how == how && strcmp(path + n + 1, name) == 0)
			return (int)i;
	}
	return -1;
}

int
files_open(const char *path, int flags, mode_t mode)
{
	struct files_told	 t;
	int			 fd;

	if (!is_far)
		return open(path, flags | O_CLOEXEC, mode);
	if (ahead.fd != -1 && (flags & O_ACCMODE) == O_RDONLY && ahead_find(path, R_OK) == 0)
		return fcntl(ahead.fd, F_DUPFD_CLOEXEC, 0);
	return ask(FILES_OPEN, path, flags, mode, NULL, &t, &fd) == 0 ? fd : -1;
}

FILE *
files_read(const char *path)
{
	int	 fd = files_open(path, O_RDONLY, 0);
	FILE	*f = fd == -1 ? NULL : fdopen(fd, "r");

	if (f == NULL)
		fd_closep(&fd);
	return f;
}

int
files_stat(const char *path, struct stat *st, char real[PATH_MAX])
{
	struct files_told	 t;
	int			 fd;

	if (!is_far)
		return stat(path, st) == -1 || (real != NULL && realpath(path, real) == NULL) ? -1 : 0;
	if (ahead.valid && strcmp(path, ahead.path) == 0) {
		t = ahead.told;
		errno = ahead.err;
		if (ahead.err != 0)
			return -1;
	} else if (ask(FILES_LOOK, path, 0, 0, NULL, &t, &fd) == -1)
		return -1;
	*st = t.st;
	t.real[sizeof(t.real) - 1] = '\0';
	if (real != NULL)
		memcpy(real, t.real, sizeof(t.real));
	return 0;
}

bool
files_may(const char *path, int how)
{
	int	 i = ahead_find(path, how);

	if (i != -1)
		return (ahead.told.there & 1u << i) != 0;
	return (is_far ? ask_plain(FILES_MAY, path, how, 0, NULL) : access(path, how)) == 0;
}

int
files_rename(const char *from, const char *to)
{
	return is_far ? ask_plain(FILES_RENAME, from, 0, 0, to) : rename(from, to);
}

int
files_unlink(const char *path)
{
	return is_far ? ask_plain(FILES_UNLINK, path, 0, 0, NULL) : unlink(path);
}

int
files_mkdir(const char *path, mode_t mode)
{
	if (is_far)
		return ask_plain(FILES_MKDIR, path, 0, mode, NULL);
	return mkdir(path, 0700) == -1 ? -1 : chmod(path, mode);
}

static int
remove_one(const char *path, const struct stat *st, int what, struct FTW *at)
{
	(void)st;
	(void)what;
	(void)at;
	(void)remove(path);
	return 0;
}

void
files_remove_tree(const char *path)
{
	if (is_far)
		(void)ask_plain(FILES_TREE, path, 0, 0, NULL);
	else
		(void)nftw(path, remove_one, WALK_FILES, FTW_DEPTH | FTW_PHYS);
}

int
files_allow(const char *path, enum files_right right)
{
	return ask_plain(FILES_ALLOW, path, (int)right, 0, NULL);
}

int
files_far(void)
{
	if (ask_plain(FILES_SEAL, "", 0, 0, NULL) == -1)
		return -1;
	is_far = true;
	return 0;
}
