/*
 * serve.h -- what the files of bascule-serve share: one server, what it was told, what time it is for it.
 *
 * One libevent loop, no thread; workers and broker are another process's children (core/far.h).  Every state below has
 * one file that writes it.
 *
 * Once it listens, a call that sandbox/rules_front.c does not list kills it: whatever runs here, of the core as well, has
 * its files from core/files.h, its programs from far_run(), and no socket but those it was born with.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher/core/invoke.h"
#include "launcher/serve/peers.h"
#include "launcher/store/store.h"
#include "worker/contract/limits.h"

struct event_base;

/* Bounds of this room. */
#define DOORS_MAX		8		/* addresses listened on */
#define PEERS_MAX		32		/* users and groups let in at a unix socket */
#define RATES_MAX	256		/* --rate */
#define OPENED_MAX		64		/* --allow-private */
#define HEADERS_BYTES_MAX	(32 * KIB)	/* of one request, request line included */
#define PIPELINE_BYTES_MAX	(64 * KIB)	/* sent ahead while a request is being answered */
#define OUT_BYTES_MAX		(64 * KIB)	/* waiting for a slow caller before its worker is made to wait */
#define OUT_BYTES_MIN		(4 * KIB)	/* the same where callers are many */
#define OUT_TOGETHER_BYTES	(8 * MIB)	/* of all callers; more than 128 have less than OUT_BYTES_MAX each */
#define STALL_MS		MINUTES(5)	/* a caller that takes nothing for so long is gone */
#define HISTORY_IN_MEMORY	1000		/* invocations, where no file keeps them */
#define RESULTS_IN_MEMORY	(64 * MIB)	/* bytes, likewise */
#define JOURNAL_RETRY_S		10		/* callers are told to wait while nothing can be written down */
#define SOURCE_BYTES_MAX	64		/* a source's name */

/* What the command line said; read-only once the server runs, but for what SIGHUP reads again. */
struct settings {
	const char	*listen[DOORS_MAX];
	size_t		 nlisten;
	unsigned int	 socket_mode;
	struct peer	 peers[PEERS_MAX];
	size_t		 npeers;
	const char	*cert, *key, *client_ca, *tokens, *registry;
	unsigned int	 connections, concurrency, per_source, queue, history, history_days;
	int64_t		 memory_bytes;		/* of requests held */
	int64_t		 registry_bytes;	/* of connectors that were uploaded; 0: the registry's own bound */
	int64_t		 grace_ms, request_ms, idle_ms;
	struct core_plan plan;
	struct store_plan store;
	struct inv_limits limits;		/* defaults and ceilings, in force now */
	struct inv_limits limits_given;		/* as the command line has them; limits_file comes after */
	const char	*limits_file;
	const char	*opened[OPENED_MAX + 1];	/* NULL-terminated */
	size_t		 nopened;
	struct rate_row {
		char			source[SOURCE_BYTES_MAX + 1];	/* "*": any that has no row of its own */
		struct rate_budget	budget;
	} rates[RATES_MAX];
	size_t		 nrates;
	unsigned int	 waived;
	bool		 unfiltered;		/* the front goes without its list of system calls */
	int		 level;			/* enum slog_level */
	bool		 worker_logs;
};

/* options.c.  0; 1: help or version was printed; -1 with ERR_USAGE. */
int	settings_read(int argc, char **argv, struct settings *, struct error *e);

/* The operator's budget of a source; NULL: the connector's own counts. */
const struct rate_budget *settings_rate(const struct settings *, const char *source);

/* limits.c: limits from what the command line and --limits say; the old ones stay where the file is no good. */
int	limits_load(struct error *e);
/* main.c */
struct server {
	struct event_base	*base;
	struct settings		 set;
	bool			 draining;	/* no new invocation is taken */
	int64_t			 start_ms;
};
extern struct server	 server;

/* Milliseconds since 1970. */
int64_t	wall_ms(void);
/* token.c: bascule serve token add|list|remove; the exit status. */
int	cmd_token(int argc, char **argv);
/* bascule serve check; argv[0] is "check". */
int	cmd_check(int argc, char **argv);

#endif
