/*
 * unpack.h -- bascule-unpack: takes an uploaded archive apart, for the registry.
 *
 *	0	the archive, a file
 *	1	one line of JSON: {"ok":true,"kind":"native","program":"x","files":n,"bytes":n} or {"ok":false,"message":"..."};
 *		a message beside "ok":true says what it lacks to be a connector
 *	3	the folder to fill, empty
 *
 * Two processes.  The decoder reads the archive with libarchive, which is large and meets bytes from anywhere: it
 * can compute, read its pipe's end and write frames, and nothing else (sandbox_lock_alone()).  The placer
 * believes no frame: names, numbers and sizes are checked here, and only plain files are made, below descriptor 3.
 */
#ifndef UNPACK_UNPACK_H
#define UNPACK_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/contract/limits.h"

#define UNPACK_FOLDER_FD	3
#define UNPACK_ARCHIVE_BYTES	(64 * MIB)
#define UNPACK_BYTES_MAX	(256 * MIB)	/* of all files together */
#define UNPACK_RATIO_MAX	200		/* and so many times the archive */
#define UNPACK_RATIO_FREE	(1 * MIB)	/* which matters from here on */
#define UNPACK_FILES_MAX	2000
#define UNPACK_NAME_BYTES	200
#define UNPACK_DEPTH_MAX	8		/* folders inside each other */
#define UNPACK_CPU_S		60
#define UNPACK_MEMORY_BYTES	((uint64_t)512 * MIB)

/* From the decoder: a head, and len bytes behind it. */
enum frame_kind {
	FRAME_FILE,		/* its name; DATA follows */
	FRAME_DATA,
	FRAME_DONE,
	FRAME_FAIL,		/* why, for the caller */
};
#define FRAME_BYTES_MAX		(64 * KIB)
struct frame {
	uint32_t	kind, len;
};

struct outcome {
	bool		 ok;
	/* "native": program at the top; "bundle": index.js there; "script": neither, perhaps a description; "customizer":
	 * index.js and no specification, which the message says */
	const char	*kind;
	unsigned int	 files, folders;	/* that were made */
	uint64_t	 bytes;
	char		 program[UNPACK_NAME_BYTES + 1];	/* "": there is none */
	char		 message[512];
};

/* decode.c: never returns. */
void	decode(int archive_fd, int out_fd) __attribute__((noreturn));
/* place.c: reads frames to their end.  *o says how it went; nothing is left open. */
void	place_all(int in_fd, int folder_fd, uint64_t archive_bytes, struct outcome *o);

#endif
