/*
 * cgroup.h -- a control group for each worker, where the host lets us make one.
 *
 * Found without configuration: below the group that this process is in, on the
 * unified tree (v2) or, for memory and pids, on v1 with an empty v2 tree beside it.  Where
 * none can be made, cgroup_absent() says why and nothing else happens.
 *
 * A group is for one worker at a time; it is used again only after it was seen empty.
 */
#ifndef CORE_CGROUP_H
#define CORE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher/core/cgroup_tree.h"
#include "worker/contract/error.h"

#define CGROUP_STOCK_MAX	32	/* ready ones kept */
#define CGROUPS_MAX		4096	/* ready and in use */

struct cgroup;

/* NULL if groups can be had; else why not.  The first call looks, and sweeps what dead launchers left. */
const char	*cgroup_absent(void);
/*
 * One with these limits: memory_bytes of memory and what the kernel needs for one worker, no swap,
 * one process, one processor.  NULL with ERR_SANDBOX.
 */
struct cgroup	*cgroup_take(uint64_t memory_bytes, struct error *e);
/* So many processes and threads instead of one, until it is returned; -1 with errno. */
int		 cgroup_tasks(struct cgroup *, unsigned int n);
/*
 * Puts the worker in; before it gets its request.  1: it could not be, and is in none; -1: it is in a
 * part of it.  Both with ERR_SANDBOX.
 */
int		 cgroup_put(struct cgroup *, pid_t worker, struct error *e);
/*
 * The same for another to do (mover.h): the open files that a process's number is written to; they stay the group's.
 * Returns how many.
 */
uint32_t	 cgroup_doors(const struct cgroup *, int fds[BRANCH__MAX]);
/* Likewise of the group that we are in ourselves; they are the caller's to close. */
uint32_t	 cgroup_own_doors(int fds[BRANCH__MAX]);
/* It was done, in part at least. */
void		 cgroup_entered(struct cgroup *);
/* True if the kernel killed the worker for its memory. */
bool		 cgroup_oom(const struct cgroup *);
/* Kills all that is in it. */
void		 cgroup_kill(struct cgroup *);
/*
 * The worker is gone: the group is killed, seen empty, and kept or removed.
 * -1 if something in it would not die: it is never used again.  NULL is fine.
 */
int		 cgroup_return(struct cgroup *);
/* Removes all of ours. */
void		 cgroup_shutdown(void);

#endif
