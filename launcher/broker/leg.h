/*
 * leg.h -- one invocation's way out, as the broker sees it.
 */
#ifndef BROKER_LEG_H
#define BROKER_LEG_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/broker/crew.h"
#include "launcher/broker/govern.h"
#include "launcher/broker/policy.h"
#include "launcher/broker/record.h"

#define LEG_REFUSALS_MAX	100u	/* answers of policy or budget; one more ends the invocation */
#define LEG_DIALLING_MS_MAX	MINUTES(60)	/* all its dials together */
#define LEG_STRAYS_MAX		2u	/* jobs nobody waits for any more that still have a thread */
#define LEG_BUCKETS		1024u

struct leg {
	struct leg		*next;		/* in its bucket */
	struct leg		*older, *newer;	/* while asking: by age of the question */
	uint32_t		 id;
	int			 fd;		/* -1: the worker has gone or was cut off */
	int			 epoll_fd;	/* that watches fd */
	struct policy		 policy;
	uint32_t		 connects, refusals, strays;
	int64_t			 dialling_ms;	/* so far */
	struct watch		 watch;
	struct governed		 rate;
	bool			 networked;	/* a guest's: its first packet is its network */
	bool			 kept;		/* a guest's, whose keeper asks for it */
	struct gateway		*gateway;	/* which has come; NULL: not yet, or none */

	struct egress_question	 q;		/* the one outstanding */
	struct job		*job;		/* that works on it; NULL: none outstanding */
	int64_t			 deadline_ms;
};

/* Takes fd and *policy, also when it fails (NULL: no memory, or the id is in use). */
struct leg	*leg_new(uint32_t id, int fd, struct policy *policy);
struct leg	*leg_find(uint32_t id);
/* Its questions wake this epoll set, with its id; -1 with errno. */
int		 leg_watch(struct leg *, int epoll_fd);
/* The worker's way out closes.  Whoever else still holds our end does not keep it in the set, which would wake for ever. */
void		 leg_hang_up(struct leg *);
/* Closes and forgets it; a job is left to end by itself.  -1: the launcher is gone. */
int		 leg_free(struct leg *);

bool		 leg_any(void);

/* Hands its question to the crew; -1: nobody has time. */
int		 leg_ask(struct leg *, bool private_ok);
/* The same for a connection of its network, which may be one of many: the job, or NULL. */
struct job	*leg_dial(struct leg *, bool private_ok, uint32_t stream);
/* Its job is no longer waited for. */
void		 leg_let_go(struct leg *);
/* The leg that has waited longest; NULL if none does. */
struct leg	*leg_oldest(void);
/* For a job that ended: the leg that waits for it, or NULL. The job's memory stays the caller's. */
struct leg	*leg_of_job(struct job *);

#endif
