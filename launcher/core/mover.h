/*
 * mover.h -- a process beside the loop that puts workers into their control groups.
 *
 * The kernel makes whoever moves a process wait for all processors (10 ms and more after a quiet moment), and a loop
 * that waits keeps every caller waiting.  So a fork of the launcher does it, told by fixed messages: what
 * comes to it is the launcher's own, and it reads nothing else.
 */
#ifndef CORE_MOVER_H
#define CORE_MOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher/core/cgroup_tree.h"

/* What came of one order: the first `done` files took the process; error: errno of the next, or 0. */
struct moved {
	uint64_t	 serial;
	uint32_t	 done;
	int32_t		 error;
	int64_t		 took_us;	/* in the kernel */
};

/* Starts it, if it does not run.  -1: it cannot be.  news(NULL): it died with orders unanswered. */
int	mover_start(void (*news)(const struct moved *));
bool	mover_runs(void);
/* Puts the mover where it is already: the kernel's wait is over when the first worker comes.  Nobody is told. */
bool	mover_warm(const int fds[BRANCH__MAX], uint32_t n);
/*
 * Orders: write pid to each of these n files (cgroup.procs, open for writing; they stay the caller's).  news() tells,
 * from the loop.  False: it cannot be told, and nothing was done.
 */
bool	mover_ask(uint64_t serial, pid_t pid, const int fds[BRANCH__MAX], uint32_t n);
/*
 * Waits until every order has been answered: a process whose number may soon be another's is not to be moved
 * late.  One that does not answer within MOVER_WAIT_MS is killed, and no order of it is open any more.
 */
void	mover_settle(void);
void	mover_stop(void);
/* The first half of that, which does not wait; nothing, while an order is open. */
void	mover_kill(void);

#define MOVER_WAIT_MS	2000

#endif
