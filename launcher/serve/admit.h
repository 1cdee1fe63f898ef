/*
 * admit.h -- whose turn it is.
 *
 * So many at once, so many of one source, and a bounded queue that is served source by source in turn:
 * a flood on one source never starves another.  Whoever would wait longer than its deadline
 * allows is turned away at once.
 */
#ifndef SERVE_ADMIT_H
#define SERVE_ADMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "worker/contract/error.h"

struct admit_source;

enum admit_place { ADMIT_OUT, ADMIT_WAITING, ADMIT_RUNNING };

/* Of one invocation; zeroed at first, and then admit.c's alone. */
struct admit_ticket {
	TAILQ_ENTRY(admit_ticket) next;
	struct admit_source	*source;
	enum admit_place	 place;
	int64_t			 since_ms;
	void			(*go)(void *arg);	/* its turn has come; never from within admit_enter() */
	void			*arg;
};

void	admit_open(unsigned int at_once, unsigned int of_one_source, unsigned int waiting);
/*
 * ADMIT_RUNNING: it may start now; ADMIT_WAITING: go(arg) will follow; ADMIT_OUT with ERR_SHED: *retry_s
 * says when to try again.  deadline_ms: from now, 0: none.
 */
enum admit_place admit_enter(struct admit_ticket *, const char *source, int64_t deadline_ms, int64_t *retry_s,
	    struct error *e);
/* It has ended, or does not want to wait any more; harmless twice. */
void	admit_leave(struct admit_ticket *);

struct admit_counts {
	size_t	 running, waiting, sources;
	uint64_t shed;
	int64_t	 mean_ms;		/* how long one runs, of late */
};
struct admit_counts admit_count(void);

#endif
