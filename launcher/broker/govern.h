/*
 * govern.h -- how often a source is asked, by all its workers together.
 *
 * No clock and no I/O here: time is an argument, in milliseconds of the monotonic clock.
 *
 * A window slides: no more than `requests` permits in any `per_ms`.  Workers of one source stand in a line, each
 * once, whatever it wants to do at the same time: so invocations take turns, request by request.
 * Whoever is told to wait keeps its place while it comes back about when it was told.
 *
 * A source without a budget has no window and no line, but what it tells one of its workers by Retry-After holds for
 * the others too: until then nobody is permitted anything.
 *
 * What a worker says is its word.  One that asks for nothing gets no connection; one
 * that uses a connection for more than it has permits for is not seen here.
 */
#ifndef BROKER_GOVERN_H
#define BROKER_GOVERN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "launcher/core/broker_wire.h"

#define GOVERN_SOURCES_MAX	4096	/* remembered; one that nobody uses is forgotten for a new one */
#define GOVERN_LAPSE_MS		2000	/* whoever does not come back for so long has lost its place */
#define GOVERN_ASK_MS_MAX	1000	/* longest that anybody is told to wait: things change meanwhile */
#define GOVERN_SLOT_MS		10	/* to ask again where a request of another has to end first; more behind others: */
#define GOVERN_SLOT_MS_MAX	250
#define GOVERN_CREDIT_MAX	64	/* connections that a worker has permits for and did not open */
#define GOVERN_EARLY_MAX	100	/* times that a worker asks before it was told to; more is an abuse */

struct govern_source;

/* Of one leg; zeroed: of no source, and unbounded. */
struct governed {
	TAILQ_ENTRY(governed)	 line;		/* while waiting */
	struct govern_source	*source;
	bool			 bounded;	/* it has joined a source with a budget, whether or not it has left it since */
	bool			 open;		/* or one without: only a hold keeps it waiting */
	bool			 waiting, inner;
	int64_t			 asked_ms;	/* when it began to wait */
	int64_t			 until_ms;	/* when it was told to come back */
	uint32_t		 held;		/* permits whose requests have not ended */
	uint32_t		 held_inner;	/* of those, for requests inside others */
	uint32_t		 credit;	/* connections it may open */
	uint32_t		 early;
	uint32_t		 permits;	/* in all */
	uint64_t		 wait_ms;	/* in all */
};

/*
 * 0; no budget is fine, and then it is held up by what the source tells others, or, where that is not shared, of no source.
 * -1: no memory, or too many sources for one with a budget.
 */
int	govern_join(struct governed *, const struct wire_rate *, int64_t now);
/* Gives back what it holds.  wait_ms and permits stay. */
void	govern_leave(struct governed *, int64_t now);
/* 0: it may send one request; else how long to wait until it asks again; -1: it asks too often. */
int64_t	govern_ask(struct governed *, bool inner, int64_t now);
/* One of its requests has ended; hold_ms > 0: the source wants none of anybody for so long.  -1: it had none. */
int	govern_done(struct governed *, uint32_t hold_ms, int64_t now);
/* True if it may open a connection, which is counted. */
bool	govern_connect(struct governed *);

#endif
