/*
 * inv.h -- one invocation, between invocation.c (its life), core.c (what all share) and receipt.c (what is told of it).
 */
#ifndef CORE_INV_H
#define CORE_INV_H

#include "launcher/core/worker.h"

enum inv_state {
	INV_STARTING,	/* its worker is not born, or its walls not yet seen */
	INV_SENDING,	/* walls verified, request going down */
	INV_STREAMING,	/* request sent, results coming up */
	INV_STOPPING,	/* told to die; see ladder[] */
	INV_DONE,	/* reaped; the verdict is final */
	INV__MAX
};

struct invocation {
	LIST_ENTRY(invocation) next;
	enum inv_state	 state;
	char		 connector[CONNECTOR_NAME_MAX + 1];
	char		 id[REQUEST_ID_BYTES_MAX + 1];
	char		 type[REQUEST_TYPE_BYTES_MAX + 1];
	enum command	 cmd;
	unsigned int	 waived, required;
	struct inv_limits limits;
	struct inv_sink	 sink;
	struct nursery_plan plan;
	struct egress_rule rules[SPEC_EGRESS_MAX];
	size_t		 nrules;
	char		**allow_private;	/* NULL-terminated, or NULL */

	struct worker	*w;
	bool		 retried;		/* this is its second worker */
	struct outlet	*outlet;
	uint32_t	 leg;			/* 0: none */
	struct buf	 request;		/* what is to be sent; wiped after */
	size_t		 sent;
	struct event	 tick, sending;

	struct error	 verdict;		/* ERR_NONE: ok, once done */
	bool		 decided;		/* the verdict is ours: a cause of death */
	bool		 ended;			/* results came to their end */
	bool		 reaped;
	int		 wait_status;
	struct rusage	 usage;
	unsigned int	 rung;

	int64_t		 start_ms, first_ms, end_ms;
	int64_t		 reaped_ms;		/* when the worker was gone */
	int64_t		 deadline_ms;		/* absolute; 0: none */
	int64_t		 heard_ms;		/* last record, or end of a pause of ours */
	int64_t		 rung_ms;		/* when the next rung is due */
	cJSON		*egress;		/* after the leg was closed */
};

/* Ends of the worker's world: theirs in enum order, ours apart. */
struct ends {
	int	theirs[FD__COUNT];
	int	request, result, log;
	int	egress;		/* the broker's */
};

/* -1 with ERR_SYSTEM; what was opened is closed by ends_close(). */
int		 ends_open(struct ends *, struct error *e);
void		 ends_close(struct ends *);

const char	*inv_state_name(enum inv_state);
/* prepare.c: copies what the invocation needs of the caller's; gives the request an id.  -1 with *e. */
int		 inv_fill(struct invocation *, const struct inv_request *, struct error *e);
/* judge.c: the worker is gone and its results are at their end; fills the verdict unless it is decided. */
void		 inv_judge(struct invocation *);
/* Ends it for this reason; the first one stands. */
void		 inv_stop(struct invocation *, const struct error *why);
/* The same for all that `which` says. */
void		 inv_stop_all(bool (*which)(const struct invocation *, const void *arg), const void *arg,
		    const struct error *why);

#endif
