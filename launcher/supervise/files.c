/*
 * files.c -- files that the front may have: connectors and what they need, to look at and read; the registry and kept
 * code; and what was allowed by name before it listened.
 *
 * Whoever may write where connectors are is trusted with what runs; so a path that was looked at is the one that is
 * opened then.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "launcher/core/code.h"
#include "launcher/core/files.h"
#include "launcher/core/files_wire.h"
#include "launcher/supervise/supervise.h"

#define ASKS_MAX	64u	/* in one turn */

static struct {
	char			*path;
	enum files_right	 right;
} allowed[FILES_ALLOWED_MAX];
static size_t		 nallowed;
static bool		 sealed;
static int		 front = -1;
static struct event	 readable;

/* Programs of this host, which guests may be or run: to be looked at. */
static const char *const	 looked_at[] = { "/usr/bin", "/usr/local/bin", "/bin" };

static bool
below(const char *folder, const char *path)
{
	size_t	 n = strlen(folder);

	return n > 1 && strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool
is_allowed(const char *path, enum files_right right)
{
	for (size_t i = 0; i < nallowed; i++)
		if (allowed[i].right == right && strcmp(allowed[i].path, path) == 0)
			return true;
	return false;
}

struct looking {
	const char	*real;
	bool		 found;
};

static void
folder_look(void *arg, const char *folder)
{
	struct looking	*l = arg;
	char		 full[PATH_MAX];

	l->found = l->found || (folder[0] != '\0' && realpath(folder, full) != NULL && below(full, l->real));
}

/* What the server itself keeps: the registry, code of bundles. */
static bool
is_ours(const char *real)
{
	static char	 code[PATH_MAX];

	if (code[0] == '\0' && (code_base()[0] == '\0' || realpath(code_base(), code) == NULL))
		code[0] = '\0';
	return below(told.registry, real) || below(code, real);
}

/* Where connectors are: their folders, the registry. */
static bool
is_connector(const char *real)
{
	struct looking	 l = { real, false };

	connector_folders(folder_look, &l);
	return l.found || is_ours(real);
}

/* 0, or an errno; real: the true name of what is there. */
static int
may_read(const char *path, char real[PATH_MAX])
{
	if (realpath(path, real) == NULL)
		return errno;
	return is_allowed(path, FILES_READ) || is_connector(real) ? 0 : EACCES;
}

static int
may_look(const char *path, char real[PATH_MAX])
{
	char	 full[PATH_MAX];

	if (realpath(path, real) == NULL)
		return errno;
	for (size_t i = 0; i < N_ITEMS(looked_at); i++)
		if (below(looked_at[i], path))
			return 0;
	if (core_beside("..", full, sizeof(full)) == 0 && below(full, real))
		return 0;
	return is_allowed(path, FILES_READ) || is_connector(real) || connector_is_host(real) ? 0 : EACCES;
}

/* Something of ours, there or to be made: its folder is, and its name leads nowhere else. */
static int
may_write(const char *path)
{
	char		 folder[PATH_MAX], real[PATH_MAX];
	const char	*name = strrchr(path, '/');

	if (name == NULL || name == path || strcmp(name, "/..") == 0 || strcmp(name, "/.") == 0 ||
	    name[1] == '\0')
		return EACCES;
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(name - path), path);
	if (realpath(folder, real) == NULL)
		return errno;
	return is_ours(real) ? 0 : EACCES;
}

static int
open_it(const struct files_ask *a, int *fd)
{
	const int	 writing = O_WRONLY | O_CREAT | O_EXCL | O_TRUNC | O_NOFOLLOW;
	char		 real[PATH_MAX];
	bool		 writes = (a->flags & (O_ACCMODE | O_CREAT)) != O_RDONLY;
	int		 err = writes ? may_write(a->path) : may_read(a->path, real);

	if (err == 0 && writes && (a->flags & ~(writing | O_CLOEXEC)) != 0)
		err = EINVAL;
	if (err != 0)
		return err;
	*fd = writes ? open(a->path, (a->flags & writing) | O_NOFOLLOW | O_CLOEXEC, (mode_t)a->mode & 0700) :
	    open(a->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (a->flags & (O_DIRECTORY | O_NOFOLLOW)));
	return *fd == -1 ? errno : 0;
}

static int
rename_it(const struct files_ask *a)
{
	int	 err = may_write(a->path);

	if (err == 0)
		err = may_write(a->to);
	return err != 0 ? err : rename(a->path, a->to) == -1 ? errno : 0;
}

static int
allow_it(const struct files_ask *a)
{
	if (sealed)
		return EACCES;
	if (nallowed == FILES_ALLOWED_MAX || (allowed[nallowed].path = strdup(a->path)) == NULL)
		return ENOMEM;
	allowed[nallowed++].right = a->flags == FILES_REMOVE ? FILES_REMOVE : FILES_READ;
	return 0;
}

static int
folder_it(const struct files_ask *a, struct files_told *t, int *fd)
{
	char	 path[PATH_MAX * 2];
	int	 err;

	/* First: whatever changes while it is looked at is seen. */
	t->watched = a->flags == 1 && is_connector(a->path) && watch_add(a->path);
	err = may_look(a->path, t->real);
	if (err != 0 || stat(t->real, &t->st) == -1)
		return err != 0 ? err : errno;
	if (!S_ISDIR(t->st.st_mode) || !is_connector(t->real))
		return 0;
	for (size_t i = 0; i < FILES_IN_FOLDER; i++) {
		const char	*name = files_in_folder[i].name;

		(void)snprintf(path, sizeof(path), "%s/%s", t->real, name[0] != '\0' ? name : strrchr(t->real, '/') + 1);
		t->there |= access(path, files_in_folder[i].how) == 0 ? 1u << i : 0;
	}
	(void)snprintf(path, sizeof(path), "%s/%s", t->real, files_in_folder[0].name);
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);	/* a link is asked for by itself */
	return 0;
}

/* An errno. */
static int
do_it(const struct files_ask *a, struct files_told *t, int *fd)
{
	int	 err;

	switch (a->op) {
	case FILES_OPEN:
		return open_it(a, fd);
	case FILES_LOOK:
		err = may_look(a->path, t->real);
		return err != 0 ? err : stat(a->path, &t->st) == -1 ? errno : 0;
	case FILES_FOLDER:
		return folder_it(a, t, fd);
	case FILES_BELL:
		return (*fd = watch_open()) == -1 ? errno : 0;
	case FILES_MAY:
		err = may_look(a->path, t->real);
		return err != 0 ? err : access(a->path, a->flags & (R_OK | X_OK)) == -1 ? errno : 0;
	case FILES_RENAME:
		return rename_it(a);
	case FILES_UNLINK:
		err = is_allowed(a->path, FILES_REMOVE) ? 0 : may_write(a->path);
		return err != 0 ? err : unlink(a->path) == -1 ? errno : 0;
	case FILES_MKDIR:
		err = may_write(a->path);
		return err != 0 ? err : files_mkdir(a->path, (mode_t)a->mode & 0755) == -1 ? errno : 0;
	case FILES_TREE:
		if ((err = may_write(a->path)) == 0)
			files_remove_tree(a->path);
		return err;
	case FILES_ALLOW:
		return allow_it(a);
	case FILES_SEAL:
		sealed = true;
		return 0;
	default:
		return EINVAL;
	}
}

static bool
is_question(const struct files_ask *a, ssize_t n)
{
	return n >= (ssize_t)FILES_ASK_BYTES(0) && a->version == FILES_VERSION && n == (ssize_t)FILES_ASK_BYTES(a->op) &&
	    memchr(a->path, '\0', sizeof(a->path)) != NULL &&
	    (a->op != FILES_RENAME || memchr(a->to, '\0', sizeof(a->to)) != NULL);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	static struct files_ask	 a;
	struct files_told	 t = { 0 };
	ssize_t			 n;
	int			 given;

	(void)what;
	(void)arg;
	for (unsigned int i = 0; i < ASKS_MAX; i++) {
		if ((n = recv(fd, &a, sizeof(a), MSG_DONTWAIT | MSG_TRUNC)) == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0 || !is_question(&a, n)) {
			if (n > 0)
				supervise_end("the front asked for a file in a way it never asks: everything ends");
			event_del(&readable);
			return;
		}
		given = -1;
		t.error = do_it(&a, &t, &given);
		(void)desk_send(fd, &t, sizeof(t), &given, given != -1);
		fd_closep(&given);
	}
}

void
files_serve(int fd)
{
	if (front != -1) {
		(void)close(fd);
		return;
	}
	front = fd;
	event_assign(&readable, core_base(), front, EV_READ | EV_PERSIST, on_readable, NULL);
	event_add(&readable, NULL);
}
