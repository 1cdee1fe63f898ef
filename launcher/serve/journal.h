/*
 * journal.h -- what is remembered of invocations, live and past.
 *
 * Everything else in this room knows this interface only; where rows are kept is the journal's own.
 * A row never holds a config, an input or a record.
 */
#ifndef SERVE_JOURNAL_H
#define SERVE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/error.h"

struct journal_row {
	const char	*id, *connector, *command, *source, *caller, *trace;
	int64_t		 accepted_ms;		/* since 1970 */
};

#define JOURNAL_PAGE_MAX	1000	/* rows of one answer */

/* Which rows; NULL or 0: any. */
struct journal_filter {
	const char	*connector, *command, *source, *state, *outcome;
	uint64_t	 before;		/* rows older than this sequence number */
	size_t		 limit;			/* 0: 100 */
};

/* keep: how many rows. */
int	journal_open(size_t keep, struct error *e);
void	journal_close(void);
/* A new row, "queued". */
void	journal_begin(const struct journal_row *);
/* state: "starting", "streaming", "stopping". */
void	journal_state(const char *id, const char *state);
/* "done"; takes the receipt, an object as of inv_receipt(). */
void	journal_end(const char *id, cJSON *receipt);
/* {"id","connector","command","source"?,"caller"?,"trace","accepted","state","receipt"?}; the newest of that id, or NULL. */
cJSON	*journal_get(const char *id);
/* Newest first: {"invocations":[...],"next":n?}; next is the `before` of the page that follows. */
cJSON	*journal_list(const struct journal_filter *);

#endif
