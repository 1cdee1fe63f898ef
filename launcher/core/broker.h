/*
 * broker.h -- the launcher's side of the egress broker (launcher/broker/, a
 * process of its own, program "bascule-broker").
 *
 * One broker per launcher.  A leg is one invocation's way out: the worker's end
 * goes to the worker, the broker has the other and the policy.
 */
#ifndef CORE_BROKER_H
#define CORE_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/error.h"
#include "worker/contract/spec.h"

struct broker;
struct wire_proxy;
struct wire_rate;

/* Lists of hosts end with NULL, or are NULL. */
struct broker_policy {
	const struct egress_rule *rules;
	size_t			  nrules;
	const char *const	 *allow_private;	/* hosts the operator opened */
	const struct wire_proxy	 *proxy;		/* the operator's; NULL: none */
	const char *const	 *direct;		/* hosts it is not for */
	uint16_t		  way;			/* enum wire_way: a guest has a network of its own, or a keeper */
	unsigned int		  connects_max;		/* 0: BROKER_CONNECTS_MAX */
	const struct wire_rate	 *rate;			/* the source's budget and which source; NULL: none */
};

/* What a leg with a budget did with it. */
struct broker_spent {
	bool		bounded;	/* it had one */
	uint64_t	wait_ms;	/* how long its worker waited for permits */
	uint32_t	permits;
};

#define BROKER_CONNECTS_MAX	10000u	/* connections of one invocation */
#define BROKER_CONTACTS_MAX	64u	/* distinct ones kept for a receipt; the rest are counted */

/* program: absolute path of bascule-broker. The child dies with its parent. */
struct broker	*broker_start(const char *program, struct error *e);
/* The same without waiting until it is ready: the first broker_attach() does, and says what broker_start() would. */
struct broker	*broker_begin(const char *program, struct error *e);
void		 broker_stop(struct broker *);
/* The first half of that, which does not wait. */
void		 broker_kill(struct broker *);
/* One that runs, or is about to, at the other end of this socket, which is taken; waits until it is ready. */
struct broker	*broker_reach(int control_fd, struct error *e);

/*
 * Opens a leg.  0: *leg (> 0) names it and *worker_fd is the worker's end
 * (close-on-exec, the caller's to close).
 */
int		 broker_open(struct broker *, const struct broker_policy *, uint32_t *leg, int *worker_fd, struct error *e);
/*
 * The same for a socket pair that exists: leg_fd is the broker's end and stays the caller's to close; -1: the supervisor
 * has it, of its worker of this number (far.h).
 */
int		 broker_attach(struct broker *, const struct broker_policy *, int leg_fd, uint32_t worker, uint32_t *leg,
		    struct error *e);
/*
 * Readable when the broker has something to say (-1 once it is gone); call broker_read() then.
 * It collects contacts; -1 with ERR_SYSTEM once the broker is gone (every leg's worker must die).
 */
int		 broker_fd(const struct broker *);
int		 broker_read(struct broker *, struct error *e);
/* True if the broker has ended a leg, any one, since this was asked last. */
bool		 broker_ends(struct broker *);
/* 0; -1 with *e if the worker was cut off for what it did: too many refusals, or nonsense. It must end. */
int		 broker_ended(const struct broker *, uint32_t leg, struct error *e);
/*
 * Ends a leg and gives what it did, an array owned by the caller, equal contacts counted together:
 *   host, port	as the worker asked; host "" is a malformed question, "(others)" what found no room
 *   outcome	ok, refused, unresolved, unreachable, timeout, budget
 *   count
 *   address	connected to; or the first of the refused ones, which the worker is not told;
 *		none where a proxy resolves or no name was looked up
 *   proxy	true if by way of the operator's proxy (the address is then that behind it)
 *   bytesOut, bytesIn	(ok) on the wire, TLS included
 *   connectMs	(ok) the slowest, from the question to the connection
 *   reason	(not ok) why
 */
cJSON		*broker_close(struct broker *, uint32_t leg);
/* The same, and *spent. */
cJSON		*broker_close_spent(struct broker *, uint32_t leg, struct broker_spent *spent);
/*
 * Tells the broker that the leg ends, whose worker is gone, and does not wait; broker_closed(): it has said its last
 * word, and broker_close() will not wait for it.
 */
void		 broker_close_begin(struct broker *, uint32_t leg);
bool		 broker_closed(const struct broker *, uint32_t leg);
/* The first host this leg was refused by policy, for the cause of death; NULL if none. Valid until broker_close. */
const char	*broker_refused(const struct broker *, uint32_t leg);

#endif
