/*
 * invoked.h -- invocations as a front door starts them, inv_start() to inv_free(), timed.
 */
#ifndef BENCH_INVOKED_H
#define BENCH_INVOKED_H

#include "launcher/core/invoke.h"
#include "tests/bench/bench.h"

struct invoked {
	struct invocation	*iv;
	int64_t			 start_ns;
	int64_t			 first_ns, last_ns;	/* since then; 0: no record yet */
	int64_t			 end_ns;		/* its verdict was final */
	uint64_t		 records;
	bool			 done;
};

/* How many workers this process's core keeps ready for each connector; 0: returns when there is none any more. */
int	 invoked_plan(unsigned int parked, struct error *e);
/* Turns until they are there, and at rest. */
int	 invoked_fill(struct error *e);

int	 invoked_begin(struct invoked *, struct connector_ref *, const char *request, struct error *e);
int	 invoked_first(struct invoked *, struct error *e);	/* turns until its first record */
/* Turns until it is done, frees it.  -1 too where it did not end well. */
int	 invoked_end(struct invoked *, struct error *e);
/* Ends it wherever it is. */
void	 invoked_cancel(struct invoked *);
/* Begin to end: first record, and all freed. */
int	 invoked_once(struct connector_ref *, const char *request, struct sample *, struct error *e);

#endif
