/*
 * store.h -- what outlives the launcher: invocations and their receipts, results of asynchronous ones,
 * keys of writes that must not run twice, and who changed what.  SQLite in WAL mode, one file, one writer.
 *
 * A row never holds a config, an input or a secret.  Results hold records, as the caller is to read them:
 * they are kept only for callers that asked for it, and no longer than the bounds below.
 *
 * Writes are gathered and committed once per turn of the loop.  What store_sync() returned 0 for survives
 * kill -9; with `durable` a power cut too.  A write that fails (no space, broken disk) is remembered:
 * store_ok() then says why until one succeeds again, and nothing new should be begun meanwhile.
 * Times are milliseconds since 1970.  Not thread-safe.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/error.h"

struct event_base;

struct store_plan {
	const char	*path;			/* the file; NULL: in memory, gone with the process */
	bool		 durable;		/* fsync each commit */
	uint64_t	 invocations_max;	/* kept; 0: STORE_INVOCATIONS */
	int64_t		 age_ms_max;		/* 0: STORE_AGE_MS */
	uint64_t	 results_bytes_max;	/* of all asynchronous results together; 0: STORE_RESULTS_BYTES */
	int64_t		 results_age_ms_max;	/* 0: STORE_RESULTS_AGE_MS */
};
#define STORE_INVOCATIONS	1000000u
#define STORE_AGE_MS		((int64_t)90 * 24 * 3600 * 1000)
#define STORE_RESULTS_BYTES	((uint64_t)4 << 30)
#define STORE_RESULTS_AGE_MS	((int64_t)24 * 3600 * 1000)
#define STORE_PAGE_MAX		1000u		/* rows of one answer */
#define STORE_CHUNK_BYTES_MAX	(256u * 1024)	/* of results read at once */
#define STORE_AUDIT_MAX		100000		/* rows; the oldest go */
#define STORE_KEY_BYTES_MAX	255u		/* of an idempotency key */

/*
 * Opens or makes it; rows of a launcher that died are closed as failed, cause "launcher".  base: the loop that
 * commits and forgets; NULL: store_sync() does.  -1 with *e.
 */
int	store_open(const struct store_plan *, struct event_base *base, struct error *e);
void	store_close(void);
/* All is on disk, and the process about to end; files stay open: closing would open and remove some. */
void	store_leave(void);
/* Commits what was gathered.  -1 with *e: it is not kept. */
int	store_sync(struct error *e);
/* -1 with *e while the last write failed. */
int	store_ok(struct error *e);
/* Forgets what is over age or number, a bounded portion at a time; true if there is more. */
bool	store_forget(int64_t now);

/* Invocations. */
struct journal_row {
	const char	*id, *connector, *command, *source, *caller, *trace;
	int64_t		 accepted_ms;
};
/* Which rows; NULL or 0: any. */
struct journal_filter {
	const char	*connector, *command, *source, *state, *outcome;
	uint64_t	 before;	/* rows older than this sequence number */
	size_t		 limit;		/* 0: 100; at most STORE_PAGE_MAX */
};
/* A new row, "queued". */
void	journal_begin(const struct journal_row *);
/* state: "starting", "streaming", "stopping", which stay.  Whoever asks here sees it at once; the file does some seconds later, or never if it ends before. */
void	journal_state(const char *id, const char *state);
/* "done"; takes the receipt, an object as of inv_receipt(). */
void	journal_end(const char *id, cJSON *receipt);
/* {"id","connector","command","source"?,"caller"?,"trace"?,"accepted","state","ended"?,"receipt"?}; the newest of that id, or NULL. */
cJSON	*journal_get(const char *id);
/* Newest first: {"invocations":[...],"next":n?}; next is the `before` of the page that follows. */
cJSON	*journal_list(const struct journal_filter *);

/* Oldest first, sequence numbers above after up to until; next is the `after` of the page that follows. */
cJSON	*journal_forward(uint64_t after, uint64_t until, size_t limit);
/* The newest sequence number; 0: there is none. */
uint64_t journal_last(void);
/* The last sequence number accepted before then, as far as clocks went forward. */
uint64_t journal_seek(int64_t accepted_ms);
/* What ended, of those accepted since then and the newest rows_max, summed up by connector (versions together) and command. */
struct journal_tally {
	const char	*connector, *command;
	uint64_t	 count, errors;
	double		 mean_ms, p95_ms;	/* from acceptance to end */
};
void	journal_tally(int64_t from_ms, uint64_t rows_max, void (*fn)(void *arg, const struct journal_tally *), void *arg);

/*
 * Results that are kept: the public stream of an invocation, byte for byte.  They are forgotten as a whole, so
 * that what can be read is never a part without its beginning; the age counts from the last append.
 */
/* Makes an empty one.  -1 with *e: there is one under that id (ERR_REQUEST), no room (ERR_LIMIT), or a failed write. */
int	results_begin(const char *id, struct error *e);
/*
 * at: where the caller believes that they go; what is missing before is noticed so.  -1 with *e: no room (ERR_LIMIT), or
 * a write that failed, now or before; the invocation should end for it.
 */
int	results_append(const char *id, int64_t at, const char *bytes, size_t n, struct error *e);
/* How many there are so far; -1: none are kept under that id. */
int64_t	results_size(const char *id);
/* Copies up to max bytes from offset; returns how many (0: no more yet). */
size_t	results_read(const char *id, int64_t offset, char *bytes, size_t max);

/* Writes that must not run twice. */
enum key_answer {
	KEY_NEW,		/* claimed for this invocation */
	KEY_SAME,		/* the same request came before: first_id has its invocation */
	KEY_OTHER,		/* the key was used for another request */
	KEY_FAILED,		/* it could not be written down: do not run */
};
/* caller: whose key; digest: of the request.  On disk when it returns; kept as long as results are. */
enum key_answer key_claim(const char *caller, const char *key, const unsigned char digest[32], const char *id,
	    char first_id[129], struct error *e);
/*
 * What digests are made with is another now: none of before matches a request any more, and none of them is left to be read.
 * The keys stay taken.
 */
int	keys_forget_requests(struct error *e);
/* Its invocation of this id was never started: the key is free again. */
void	key_release(const char *caller, const char *key, const char *id);

/* Who changed what: a token made, a policy loaded.  detail may be NULL. */
void	audit_add(const char *who, const char *what, const char *detail);
/* Newest first: [{"at","who","what","detail"?}], at most max. */
cJSON	*audit_list(size_t max);

#endif
