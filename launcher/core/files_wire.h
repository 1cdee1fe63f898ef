/*
 * files_wire.h -- what front and supervisor say to each other about files, on a SOCK_SEQPACKET pair of its own: one
 * question, one answer, and the front waits for it.
 */
#ifndef CORE_FILES_WIRE_H
#define CORE_FILES_WIRE_H

#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_VERSION	2
#define FILES_ALLOWED_MAX 64	/* paths allowed by name */

enum files_op {
	FILES_OPEN = 1,
	FILES_LOOK,
	FILES_MAY,
	FILES_RENAME,
	FILES_UNLINK,
	FILES_MKDIR,
	FILES_TREE,
	FILES_FOLDER,		/* LOOK, and what a connector's folder holds, and its specification opened */
	FILES_BELL,		/* a descriptor that can be read once anything watched has changed; then it is to be asked for anew */
	FILES_ALLOW,		/* until SEAL; flags: enum files_right */
	FILES_SEAL,
};

struct files_ask {
	uint16_t	version, op;
	int32_t		flags;		/* of open, of access; FOLDER: 1 if it is to be watched from before it is looked at */
	uint32_t	mode;
	char		path[PATH_MAX];
	char		to[PATH_MAX];	/* RENAME's; not sent otherwise */
};

/* FOLDER's, in this order; an empty name is the folder's own. */
static const struct {
	const char	*name;
	int		 how;		/* of access */
} files_in_folder[] = { { "connector-spec.json", R_OK }, { "rest.json", R_OK }, { "index.js", R_OK }, { "", X_OK } };
#define FILES_IN_FOLDER	(sizeof(files_in_folder) / sizeof(files_in_folder[0]))

/* With one descriptor where it was OPEN or BELL and error is 0; where it was FOLDER, and there is a specification, perhaps. */
struct files_told {
	int32_t		error;		/* errno */
	uint32_t	there;		/* FOLDER: bits of files_in_folder */
	uint32_t	watched;	/* FOLDER: 1: no change of what was found there stays unseen, and none of that it is not there */
	uint32_t	pad;
	struct stat	st;		/* LOOK's, as real is */
	char		real[PATH_MAX];
};

#define FILES_ASK_BYTES(op)	((op) == FILES_RENAME ? sizeof(struct files_ask) : offsetof(struct files_ask, to))

#endif
