/*
 * core.h -- between the files of the launcher's core.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <sys/resource.h>
#include <sys/types.h>

#include "launcher/core/broker.h"
#include "launcher/core/invoke.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"
#include "worker/contract/worker_fd.h"

/* connector.c: the path `relative` to the running program's folder, resolved; -1 if nothing is there. */
int	core_beside(const char *relative, char *out, size_t n);

/*
 * nursery.c: one connector's program, loaded once behind its walls.
 */
struct nursery;

struct nursery_plan {
	const char	*program;
	unsigned int	 waived;
	uint64_t	 memory_bytes;
	unsigned int	 cpu_s;
};

/* Waits until it is ready, LOCK_MS at most.  NULL with ERR_SANDBOX and what the nursery complained of. */
struct nursery	*nursery_start(const struct nursery_plan *, struct error *e);
/*
 * Forks a worker with these descriptors (they stay the caller's).  0: *pid is
 * our child and *pidfd (close-on-exec) holds it.  -1 with *e: the nursery is not to be used again.
 */
int		 nursery_fork(struct nursery *, const int fds[FD__COUNT], pid_t *pid, int *pidfd, struct error *e);
/* Kills and reaps it. NULL is fine. */
void		 nursery_stop(struct nursery *);

/*
 * relay.c: the border.  The only file that reads what a worker wrote.
 */
struct relay;

struct relay_counts {
	uint64_t	 records;	/* outputs */
	uint64_t	 states;
	uint64_t	 lines;		/* public lines */
	uint64_t	 bytes;		/* of them, with '\n' */
	uint64_t	 log_lines;
	uint64_t	 log_dropped;	/* over the bound of one invocation */
};

/* fds: read ends, non-blocking, taken. */
struct relay	*relay_new(enum command, const struct inv_sink *, uint64_t records_max, int result_fd, int log_fd);
void		 relay_free(struct relay *);
int		 relay_result_fd(const struct relay *);	/* -1 after its end */
int		 relay_log_fd(const struct relay *);

enum relay_news {
	RELAY_QUIET,		/* nothing, or no room for more */
	RELAY_MOVED,		/* public lines went on */
	RELAY_LOCKED,		/* the first line: the worker says its walls stand */
	RELAY_ENDED,		/* end of file; relay_verdict() tells */
	RELAY_BROKEN,		/* *e says how; kill it */
};
/* One portion of results.  Call again while it returns RELAY_MOVED. */
enum relay_news	 relay_results(struct relay *, struct error *e);
/* One portion of logs. */
void		 relay_logs(struct relay *);
/* True if lines are held back only because the sink is not ready. */
bool		 relay_paused(const struct relay *);
/* True if they no longer need to be. */
bool		 relay_resumable(const struct relay *);
/* The worker's own verdict; false if it gave none. */
bool		 relay_verdict(const struct relay *, struct error *verdict);
const struct relay_counts *relay_counts(const struct relay *);
/* SHA-256 of the public lines with their '\n', as hexadecimal digits. */
void		 relay_sha256(struct relay *, char hex[65]);

#endif
