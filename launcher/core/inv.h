/*
 * inv.h -- one invocation, between invocation.c (its life), core.c (what all share) and receipt.c (what is told of it).
 */
#ifndef CORE_INV_H
#define CORE_INV_H

#include "launcher/core/vault.h"
#include "launcher/core/worker.h"
#include "worker/contract/record.h"

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
	struct way_out	*way;			/* what it may reach, and how */

	struct worker	*w;
	bool		 retried;		/* this is its second worker */
	struct outlet	*outlet;
	uint32_t	 leg;			/* 0: none */
	LIST_ENTRY(invocation) settle_next;	/* while settling */
	int64_t		 settle_ms;		/* then it goes on without the broker's last word; 0: it is not settling */
	char		 refused[EGRESS_HOST_BYTES_MAX + 1];	/* the first host that was, once the leg is closed */
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
	struct broker_spent spent;		/* likewise */
	struct vault_key vault;			/* where values of its kind are kept, if */
	unsigned int	 keeps;			/* they are: of which kinds, bits of enum kept_kind */
	unsigned int	 handed[KEPT__MAX], kept; /* how many it was given, and gave */
};

/* Ends of the worker's world: theirs in enum order, ours apart. */
struct ends {
	int	theirs[FD__COUNT];
	int	request, result, log;
	int	egress;		/* the broker's */
};

/* -1 with ERR_SYSTEM; what was opened is closed by ends_close(). */
int		 ends_open(struct ends *, struct error *e);
/* Makes those of the next worker in advance, at a time when there is only waiting to do; forget: closes them. */
void		 ends_prepare(void);
void		 ends_forget(void);
void		 ends_close(struct ends *);

const char	*inv_state_name(enum inv_state);
/*
 * egress.c: an invocation's way out.
 */
/* Its rules and the operator's proxy, from what the caller asked; -1 with *e. */
int		 egress_fill(struct invocation *, const struct inv_request *, struct error *e);
/* A digest that stands for connector and source. */
void		 egress_source(const struct invocation *, uint8_t out[16]);
/* The worker has to ask before each request. */
bool		 egress_rated(const struct invocation *);
/* The broker that it will have a leg of; -1 with *e. */
int		 egress_take(struct invocation *, struct error *e);
/* The leg, for its worker, whose questions wait for it; -1 with *e. */
int		 egress_open(struct invocation *, struct error *e);
/* 0; -1 with *e if its worker was cut off by the broker for what it did, or if the broker has died. */
int		 egress_lost(const struct invocation *, struct error *e);
/* The first host that was refused, NULL if none was; before egress_close(). */
const char	*egress_refused(const struct invocation *);
/* clocks.c.  True with *e if a clock has run out; when they want to be looked at next. */
bool		 clocks_over(const struct invocation *, struct error *e);
int64_t		 clocks_next(const struct invocation *, int64_t now_ms);
/* Its worker is gone: has the broker told so, once; true when nothing more will come of the leg. */
bool		 egress_settled(struct invocation *);
/* Those that wait for that may have it. */
void		 inv_settled_look(const struct outlet *);
/* Ends the leg, and waits if that was not settled; iv->egress is what it did. */
void		 egress_close(struct invocation *);
void		 egress_free(struct invocation *);
/* Fills its share of the counts. */
void		 egress_count(struct core_counts *);

/* narrow.c: leaves of the rules those that `only` names; -1 with ERR_USAGE if it names more than there is. */
int		 egress_narrow(struct egress_rule rules[SPEC_EGRESS_MAX], size_t *n, const char *const *only,
		    struct error *e);

/*
 * proxy.c: what the operator said, taken apart.
 */
struct wire_proxy;
#define PROXY_DIRECT_MAX	64
struct egress_direct {
	const char	*hosts[PROXY_DIRECT_MAX + 1];		/* NULL-terminated */
	char		 text[PROXY_DIRECT_MAX * (EGRESS_HOST_BYTES_MAX + 2)];
};
/* 0, with kind NONE if there is no proxy; -1 with ERR_USAGE.  No message holds the URL, which holds a password. */
int		 proxy_settle(const struct inv_proxy *, struct wire_proxy *, struct egress_direct *, struct error *e);

/*
 * keep.c: what outlives an invocation.
 */
/* Whether anything of its kind is kept, and what there is, as text for the request (empty: nothing is kept). */
void		 keep_fill(struct invocation *, const struct inv_request *, struct buf *text);
/* Its worker's values are taken. */
void		 keep_begin(struct invocation *);
/* Its verdict is final: what a worker gave that was killed for what it did is forgotten. */
void		 keep_end(struct invocation *);
/* "hit", "miss"; NULL: nothing is kept. */
const char	*keep_word(const struct invocation *, enum kept_kind);
void		 keep_count(struct core_counts *);

/* prepare.c: copies what the invocation needs of the caller's; gives the request an id.  -1 with *e. */
int		 inv_fill(struct invocation *, const struct inv_request *, struct error *e);
/* judge.c: the worker is gone and its results are at their end; fills the verdict unless it is decided. */
void		 inv_judge(struct invocation *);
/* Ends it for this reason; the first one stands. */
void		 inv_stop(struct invocation *, const struct error *why);
/* The same for all that `must` fills a reason for. */
void		 inv_stop_all(bool (*must)(const struct invocation *, const void *arg, struct error *why), const void *arg);

#endif
