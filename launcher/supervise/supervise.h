/*
 * supervise.h -- bascule-supervise: the half of a server that may start things.
 *
 * The front speaks HTTP to anybody and reads what workers write; it can start, open and reach nothing.  This process
 * does that for it, and reads nothing but packets of fixed form from it (desk_wire.h): no JSON, no HTTP, no TLS, and of a
 * worker one line that it compares.  It is a program of its own, and has no code for those.
 *
 * A packet that makes no sense ends it: then the front is not what was started, and all that runs is taken from it.
 */
#ifndef SUPERVISE_SUPERVISE_H
#define SUPERVISE_SUPERVISE_H

#include <event2/event.h>

#include "launcher/core/desk_wire.h"
#include "launcher/core/far.h"
#include "launcher/core/worker.h"

/* main.c */
extern struct desk_open	 told;
/* Ends everything: why. */
void	supervise_end(const char *why);

/* plan.c: may this, well formed, be run?  -1 with *e: the front asks for what no connector of this server is. */
int	plan_check(const struct nursery_plan *, struct error *e);

/* desk.c: what the front asked for by number. */
void	desk_open(int fd);
void	desk_close(void);
/* A worker's end of its leg, which is the caller's now; -1: the front has no such worker, or it was given before. */
int	desk_leg_take(uint32_t worker);
/* The chore of this number has ended. */
void	desk_chore_ended(void *post);

/* legs.c: between the front's end of a socket, which is taken, and a broker. */
void	legs_open(int front_fd);
void	legs_close(void);

/* files.c: answers questions at this socket, which is taken; the first one only. */
void	files_serve(int fd);

/*
 * watch.c: a descriptor that can be read when anything watched has changed; what was watched before is not any more.  The
 * caller's; -1 with errno.
 */
int	watch_open(void);
/*
 * Watches a connector's folder, or its program and what lies beside it, or that nothing is there.  false: a change could
 * stay unseen (links on the way, a file system of others' machines), or too much is watched.
 */
bool	watch_add(const char *path);

/* chore.c */
struct chore_run;
/* ended(arg) from the loop, once; fds stay the caller's.  NULL: it could not be. */
struct chore_run *chore_start(enum chore, const int fds[DESK_FDS_MAX], void (*ended)(void *), void *arg);
void	 chore_kill(struct chore_run *);
/* Kills and reaps it.  NULL is fine. */
void	 chore_end(struct chore_run *);

#endif
