/*
 * line_buf.h -- of relay.c: lines of a worker on their way.
 */
#ifndef CORE_LINE_BUF_H
#define CORE_LINE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/contract/limits.h"

#define PORTION_BYTES	(64 * KIB)		/* read at once */
#define BUF_BYTES_MAX	(LINE_BYTES_MAX + PORTION_BYTES)

struct line_buf {
	int	 fd;
	bool	 ended;
	size_t	 start, len;			/* data[start, len) is not judged yet */
	size_t	 seen;				/* no '\n' in data[start, seen) */
	char	*data;				/* NULL: nothing is held */
	size_t	 size;
	size_t	 most;				/* of it that ever held anything */
};

/* So many relays more, or fewer. */
void	line_bufs_count(int more);
/* What is read at once: less where relays are many. */
size_t	line_buf_portion(void);
/* Room for another `want` bytes, at most BUF_BYTES_MAX in all; -1: no memory. */
int	line_buf_room(struct line_buf *, size_t want);
/* Nothing is to be judged in it: it is given back where relays are many. */
void	line_buf_rest(struct line_buf *);
/* Given back, and wiped. */
void	line_buf_drop(struct line_buf *);

#endif
