/*
 * logs.h -- what workers logged, in memory: the newest lines of the newest invocations, gone with the process.
 *
 * Never on disk: a connector may say in its log what nobody may keep.  Lines are
 *   {"at":ms,"line":{...}}	what its runtime wrote
 *   {"at":ms,"text":"..."}	anything else
 *   {"at":ms,"dropped":n}	so many before this one are no longer here
 */
#ifndef SERVE_LOGS_H
#define SERVE_LOGS_H

#include <stddef.h>

#define LOG_BYTES_OF_ONE	(64 * KIB)	/* of one invocation; its oldest lines go first */
#define LOG_BYTES_OF_ALL	(16 * MIB)	/* of all; the oldest invocation goes first */
#define LOG_INVOCATIONS_MAX	1000

/* A new invocation of this id: what one before it logged is forgotten. */
void	logs_begin(const char *id);
void	logs_line(const char *id, const char *line, size_t len);
/* It has ended: there will be no more. */
void	logs_end(const char *id);
/* Its lines that are still here, oldest first, each one as above. */
void	logs_each(const char *id, void (*fn)(void *arg, const char *text, size_t len), void *arg);
void	logs_free(void);

#endif
