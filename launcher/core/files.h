/*
 * files.h -- files by their paths, for code that runs in a server's front as well: which, once it has walls, asks its
 * supervisor, and is handed a descriptor or told no.
 *
 * Until files_far() all is done here and now.  After it, what may be asked for: reading, where connectors are found and
 * what was allowed by name; anything, below the registry and where code of bundles is kept.  Errors are errno's.
 */
#ifndef CORE_FILES_H
#define CORE_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Close-on-exec; -1 with errno. */
int	files_open(const char *path, int flags, mode_t mode);
/* For reading; NULL with errno. */
FILE	*files_read(const char *path);
/* What is there, links followed; its true name, unless real is NULL.  -1 with errno. */
int	files_stat(const char *path, struct stat *, char real[PATH_MAX]);
/*
 * What follows will be about this folder of a connector: all at once instead of one by one, until files_ahead_end(), which
 * is not far.
 */
void	files_ahead(const char *path);
void	files_ahead_end(void);
/* Of the last one: what was found there, or that nothing was, holds until files_changed(). */
bool	files_ahead_watched(void);
/* The specification that was opened there, the caller's now; -1: none was. */
int	files_ahead_spec(void);
/*
 * May anything that is watched have changed since this was asked last?  Then all of it may; true where nothing is watched.
 * No question to the supervisor, but after a change.
 */
bool	files_changed(void);
/* Becomes readable once something has changed; -1: nothing is watched. */
int	files_bell(void);
/* Which it is: another each time that one is hung; 0: none. */
uint32_t files_bell_no(void);
/* It was found readable, but by poll(2) of a caller's own, after which it need not be any more: files_changed() will say so. */
void	files_bell_heard(void);
/* access(2): F_OK, R_OK, X_OK. */
bool	files_may(const char *path, int how);
int	files_rename(const char *from, const char *to);
int	files_unlink(const char *path);
/* With just this mode. */
int	files_mkdir(const char *path, mode_t mode);
/* A folder with all that is in it; links are removed, not followed. */
void	files_remove_tree(const char *path);

/* Of a server, before it has walls: this file may be read, or removed, by name, later. */
enum files_right { FILES_READ, FILES_REMOVE };
int	files_allow(const char *path, enum files_right);
/* From here on the supervisor at the other end of this socket does it, and no more is allowed. */
int	files_far(void);

/* For far_open(): the socket. */
void	files_socket(int fd);

#endif
