/*
 * worker.h -- a worker as the launcher sees it, from the order to the request.
 *
 * A worker is ordered from a nursery, is born as our child, says that its walls
 * stand, is looked at from outside, and then waits before its first read: parked.
 * It serves one invocation and never another.
 *
 * All that happens here, or in a supervisor (far.h): then the launcher holds its three pipes and is told the rest.
 */
#ifndef CORE_WORKER_H
#define CORE_WORKER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

#include "launcher/core/cgroup.h"
#include "launcher/core/core.h"

enum worker_state {
	WORKER_ORDERED,		/* the nursery has not answered yet */
	WORKER_LOCKING,		/* born, walls not yet seen */
	WORKER_READY,		/* walls verified: it may be given a request */
	WORKER_LOST,		/* never born; error says why */
};

/* group.c: its control group, where one can be had; asked for at its birth. */
struct group {
	LIST_ENTRY(group) next;		/* of those that wait for the mover */
	struct cgroup	*of;		/* NULL: none, or returned */
	bool		 asked;		/* the mover has not answered yet: the process is not to be reaped */
	bool		 broken;	/* neither in nor out: the worker must end */
	bool		 in;
	uint64_t	 serial;
	pid_t		 pid;
	char		 why[256];	/* if not */
	void		(*settled)(void *arg);	/* no longer asked */
	void		*arg;
};
/*
 * The kernel lets a process into a group at once, but for the first after a while: that one waits until every
 * processor has passed through the scheduler, some milliseconds with many kernels and hardly any time with others.
 * The mover (mover.h) waits in the loop's place, at the price of two wake-ups.  Who comes so soon after another
 * that the kernel cannot have forgotten is put in by the loop; and so is everybody where the mover has seen again
 * and again that there is no wait, until the loop sees one.
 */
#define GROUP_WARM_MS	2
#define GROUP_QUICK_US	300	/* no wait: two wake-ups take longer than most of this */
#define GROUP_QUICK_RUN	8u	/* joins in a row */
/* What was seen of it. */
void		 group_forget(void);
/* While a nursery loads: what would make its first worker wait is done beside it.  Nothing to hear of. */
void		 group_prepare(unsigned int waived, uint64_t memory_bytes);
/* Asks for it; settled(arg) follows from the loop if it is `asked` after this. */
struct worker;
void		 group_join(struct worker *, void (*settled)(void *), void *arg);
/* Waits until it is not asked any more, before the process is reaped.  No settled() comes after or from within. */
void		 group_settle(struct group *);
/* True with *e: it has none, and that layer is required. */
bool		 group_missing(const struct group *, unsigned int required, struct error *e);
/* The worker is gone.  -1: something in its group would not die. */
int		 group_leave(struct group *);

struct worker {
	TAILQ_ENTRY(worker)	 next;		/* of the parked */
	TAILQ_ENTRY(worker)	 order;		/* of its nursery's orders, while ORDERED */
	LIST_ENTRY(worker)	 known;		/* since it was born */
	struct nursery		*nursery;	/* while ORDERED; then NULL */
	enum worker_state	 state;
	unsigned int		 serial;
	unsigned int		 waived;
	uint64_t		 memory_bytes;
	bool			 guest;		/* it becomes another program, with threads */
	unsigned int		 tasks;		/* of a guest: how many, and processes */
	struct group		 group;
	bool			 placed;	/* its group was asked for */
	bool			 locked;	/* it says so */
	bool			 to_park;	/* ordered ahead of any request */
	uint32_t		 lent;		/* of this pool, which counts it; 0: it is not */
	bool			 sent;		/* the order went out */
	int			 theirs[FD__COUNT];	/* its ends until they are sent */
	int			 request_fd;	/* write end */
	int			 egress_fd;	/* the broker's end, until a policy comes with it */
	struct relay		*relay;
	struct far		*far;		/* it is the supervisor's child; NULL: ours */
	pid_t			 pid;		/* 0: none */
	int			 pidfd;
	struct error		 lost;
	bool			 exited;	/* its process is dead, and to be reaped */
	bool			 again;		/* lost with a nursery that had worked: another may do */
	int64_t			 order_ms;
	struct event		 results, logs, gone;
	/* Called by any of the events, and when the state changed by the nursery's answer. */
	void			(*news)(void *arg);
	void			*arg;
};

/* -1 with *e; the nursery keeps it until it has answered. */
struct worker	*worker_order(struct nursery *, const struct nursery_plan *, bool to_park, void (*news)(void *), void *arg,
		    struct error *e);
/* Its news go here from now on. */
void		 worker_adopt(struct worker *, void (*news)(void *), void *arg);
/*
 * Looks whether it is locked and verified.  RELAY_LOCKED: READY now; RELAY_ENDED: it
 * closed its results instead; RELAY_BROKEN: kill it, *e says why; RELAY_QUIET: not yet.
 */
enum relay_news	 worker_turn(struct worker *, struct error *e);
/* Has it a process that was not reaped? */
bool		 worker_alive(const struct worker *);
void		 worker_signal(struct worker *, int sig);
/* True once its process is gone, and how it went; not while its group is asked for. */
bool		 worker_reap(struct worker *, int *status, struct rusage *);
/* Of one that is gone: the kernel killed it for its memory. */
bool		 worker_oom(const struct worker *);
/* It is gone: so is its group.  -1: something in it would not die. */
int		 worker_leave(struct worker *);
/* True if the process is a worker that was told of. */
bool		 worker_knows(pid_t);
/* No more news. */
void		 worker_hush(struct worker *);
/* Kills and reaps what there is of it.  NULL is fine. */
void		 worker_free(struct worker *);

/* The ends of its relay are there: they can be waited for. */
void		 worker_listen(struct worker *);
/* nursery.c tells: born as pid, or why not. */
void		 worker_born(struct worker *, pid_t pid, int pidfd);
void		 worker_lose(struct worker *, const struct error *why, bool again);

#endif
