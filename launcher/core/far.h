/*
 * far.h -- the front's side of its supervisor (launcher/supervise/, program "bascule-supervise"): workers, the broker
 * and chores are that process's children, and are spoken of by number.  desk_wire.h says how.
 *
 * Nothing here waits, but far_broker(), and far_start() and far_close() once each.
 */
#ifndef CORE_FAR_H
#define CORE_FAR_H

#include "launcher/core/core.h"

struct broker;
struct desk_open;
struct far;

/* Starts the supervisor beside this program, told this; a socket to it, or -1 with *e.  Before there is any secret. */
int	far_start(struct desk_open *, struct error *e);
/* For core.c: that socket, in the core's loop; lost() once the supervisor is gone. */
void	far_open(int fd, void (*lost)(void));
/* Has it end in good order, and waits until it has. */
void	far_close(void);

/*
 * For pool.c and worker.c, as in worker.h.  The plan is looked at until the worker is handed, or freed.  Ahead: one that is
 * parked, for a call that may come; lost with ERR_NONE where there is none.
 */
struct worker	*far_take(const struct nursery_plan *, bool ahead, void (*news)(void *), void *arg, struct error *e);
uint32_t	 far_number(const struct far *);
enum relay_news	 far_turn(struct far *, struct error *e);
bool		 far_alive(const struct far *);
void		 far_signal(struct far *, int sig);
bool		 far_reap(struct far *, int *status, struct rusage *);
bool		 far_oom(const struct far *);
int		 far_leave(const struct far *);
void		 far_free(struct far *);
void		 far_count(struct core_counts *);
/* A broker of the supervisor's; waits until it is ready. */
struct broker	*far_broker(struct error *e);

/* Programs that are run for the server, one table in launcher/supervise/chore.c. */
enum chore {
	CHORE_DOCTOR,		/* bascule doctor --json: its output */
	CHORE_UNPACK,		/* bascule-unpack: archive, its output, folder */
	CHORE__MAX
};
/* It has these descriptors, which stay the caller's to close.  ended(arg), from the loop, unless it is freed first. */
struct far	*far_run(enum chore, const int *fds, size_t nfds, void (*ended)(void *), void *arg, struct error *e);
void		 far_kill(struct far *);

#endif
