/*
 * crew.h -- the threads that dial.
 *
 * The resolver blocks, so it has threads; all else of the broker is one.
 */
#ifndef BROKER_CREW_H
#define BROKER_CREW_H

#include "launcher/broker/dial.h"

#define CREW_THREADS_MAX	64
#define CREW_WAITING_MAX	4096	/* jobs no thread has taken yet */
#define CREW_IDLE_S		30	/* a thread without a job ends after this */
#define CREW_STACK_BYTES	(256 * KIB)

struct job {
	struct job	*next;
	uint32_t	 leg, stream;	/* stream: of a guest's network (gateway.h), or 0 */
	struct dial	 dial;
};

/* -1 with errno.  *done_fd (an eventfd) is readable while crew_done() has something. */
int		 crew_start(int *done_fd);
/* -1: full, or no thread to be had; the job stays the caller's. */
int		 crew_submit(struct job *);
/* A job that has ended, the caller's to free; NULL if none. Clears the eventfd first. */
struct job	*crew_done(void);
/* It may hold a proxy's credentials. */
void		 job_free(struct job *);

#endif
