/*
 * record.h -- what the broker tells its launcher, and the connections it watches for that.
 *
 * Each connection a worker was given stays open here as well, so that its bytes
 * can be read off at the end.  The other end therefore sees a connection closed
 * when the leg is, or at the latest KEPT_MAX connections later; one that the
 * other end has closed is let go with the next question.
 */
#ifndef BROKER_RECORD_H
#define BROKER_RECORD_H

#include <stddef.h>

#include "launcher/core/broker_wire.h"

#define KEPT_MAX	WORKER_FILES_MAX	/* watched at the same time, of one leg: a worker cannot hold more */

struct kept;

struct mark {
	uint64_t	out, in;	/* bytes */
};

struct watch {
	struct kept	*oldest, **last;	/* NULL, NULL: none yet */
	size_t		 n;
};

/* files_max: descriptors of this process; at most half of them are for watching. */
void	record_start(int control_fd, size_t files_max);
/* Each is 0, or -1: the launcher is gone. */
int	record_send(const struct wire_contact *);
int	record_spent(uint32_t leg, uint64_t wait_ms, uint32_t permits);
int	record_call(uint32_t leg, uint32_t arch, int nr);
int	record_closed(uint32_t leg);
/* What has crossed a connection so far; before the worker has it. */
struct mark watch_mark(int fd);
/* Takes fd; c is the CONTACT that was sent for it, and what crosses it from mark on is counted. */
int	watch_add(struct watch *, int fd, const struct wire_contact *c, struct mark);
/* Sends the TALLY of each and closes it. */
int	watch_end(struct watch *);

#endif
