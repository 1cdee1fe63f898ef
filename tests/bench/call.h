/*
 * call.h -- one worker's life through the core's own calls, step by step, for
 * whoever wants to look between the steps.
 */
#ifndef BENCH_CALL_H
#define BENCH_CALL_H

#include "launcher/core/inv.h"
#include "sandbox/sandbox.h"

#define CALL_EVERY_LAYER	((1u << LAYER__MAX) - 1)

struct call_run {
	struct worker	*w;
	struct rusage	 usage;
	const char	*request;	/* NULL: stop once it is locked */
	bool		 parked;	/* ordered ahead of its request */
	int64_t		 start_ns;	/* of the order */
	/* Gets the records; NULL: nobody. */
	void		(*record)(void *arg, const struct line_facts *f, const char *line, size_t len);
	void		*arg;
};
#define CALL_RUN(text)	((struct call_run){ .request = (text) })

/* A loop for this process's core, once. */
int		 call_open(struct error *e);
void		 call_close(void);
/* One turn of it; `moved` was set when something of the call had news. */
int		 call_turn(struct error *e);

/* A nursery that is ready. */
struct nursery	*call_nursery(const char *program, unsigned int waived, struct error *e);
/* Ordered, born, locked, looked at from outside. */
int		 call_begin(struct call_run *, struct nursery *, const char *program, unsigned int waived, struct error *e);
/* The request, and the first record. */
int		 call_first(struct call_run *, struct error *e);
/* To the end of the results. */
int		 call_rest(struct call_run *, struct error *e);
/* Waits for it, closes all.  -1 too where it did not end well. */
int		 call_end(struct call_run *, struct error *e);

#endif
