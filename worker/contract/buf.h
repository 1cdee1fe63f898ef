/*
 * buf.h -- a growing byte buffer that is born with its maximum.
 *
 * Growth past the maximum, or out of memory, marks the buffer failed; further
 * appends do nothing, so a chain of appends is checked once at its end.
 */
#ifndef CONTRACT_BUF_H
#define CONTRACT_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/contract/error.h"

struct buf {
	char	*data;		/* NUL behind data[len]; NULL while empty and unused */
	size_t	 len;		/* bytes in use */
	size_t	 cap;		/* bytes allocated */
	size_t	 max;		/* never longer than this */
	bool	 failed;	/* an append did not fit */
	bool	 no_memory;	/* ... since there was none left */
};

void	buf_init(struct buf *, size_t max_bytes);
/* Frees; harmless twice.  buf_wipe() zeroes with explicit_bzero first. */
void	buf_free(struct buf *);
void	buf_wipe(struct buf *);
/* Forgets the content and a failure, keeps the memory. */
void	buf_reset(struct buf *);
/* Takes away what is behind the first n bytes, and the failure to add it. */
void	buf_cut(struct buf *, size_t n);
void	buf_add(struct buf *, const void *, size_t);
void	buf_adds(struct buf *, const char *);
void	buf_addc(struct buf *, char);
void	buf_addf(struct buf *, const char *, ...) __attribute__((format(printf, 2, 3)));
/*
 * Room for n bytes behind the content, to be written by the caller, who then adds what was written to len.
 * NULL: does not fit.
 */
char	*buf_space(struct buf *, size_t n);
/* Drops n bytes from the front. */
void	buf_consume(struct buf *, size_t n);
/* 0, or -1 with ERR_LIMIT and what in the message. */
int	buf_check(const struct buf *, const char *what, struct error *);
/* The NUL-terminated text ("" for an empty buffer), owned by the caller; the buffer is empty after. NULL: no memory. */
char	*buf_steal(struct buf *);

static inline void
buf_freep(struct buf *b)
{
	buf_free(b);
}
#define autobuf		__attribute__((cleanup(buf_freep))) struct buf

#endif
