/*
 * core.h -- between the files of the launcher's core.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>
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

/* A specification from its file. */
int	connector_spec(const char *path, struct spec *, struct error *e);
/* Calls fn for each folder that connectors are searched in; "" is none. */
void	connector_folders(void (*fn)(void *arg, const char *folder), void *arg);

/*
 * nursery.c: one connector's program, loaded once behind its walls.
 */
struct nursery;

#define BUNDLE_MAIN	"index.js"	/* what makes a folder a bundle */

/*
 * guest.c: connectors that are programs none of ours.
 */
/* Fills program, guest, main and words for the folder, by ref->spec; -1 with ERR_NONE: it holds none. */
int	guest_find(const char *folder, struct connector_ref *ref, struct error *e);
struct nursery_plan;
/* What stands behind this word, NULL: it is not there. */
const char *guest_word(const struct guest_words *, const char *word);
/* Adds the places that it may reach, so that its network has them. */
int	guest_places(struct nursery_plan *, const struct egress_rule *, size_t n, struct error *e);
/* One of the programs of ours that run guests; or, connector.c, descriptions. */
bool	guest_is_host(const char *program);
bool	connector_is_host(const char *program);
/* Do its words name programs that no guest may run?  -1 with *e. */
int	guest_words_check(const struct guest_words *, struct error *e);
/* Arguments of its host, and files that it may execute, both NULL-terminated; they point into the plan. */
void	guest_arguments_of(const struct nursery_plan *, char *argv[GUEST_WORDS_MAX], size_t from,
	    const char *programs[GUEST_PROGRAMS_MAX + 1]);

struct nursery_plan {
	char		 program[4096];		/* absolute path */
	char		 described[4096];	/* folder of the description that it runs; "": none */
	char		 guest[4096];		/* folder of the guest that it runs; "": none */
	char		 main[256];		/* file of it, whose change is another connector */
	unsigned int	 tasks;			/* of a guest: processes and threads */
	struct guest_words words;
	unsigned int	 waived;
	uint64_t	 memory_bytes;
	unsigned int	 cpu_s;
	/* No part of what tells plans apart: */
	struct file_id	 spec;		/* what was read before it was asked for; ino 0: nobody says */
	uint32_t	 watched;	/* the bell that rings for any change of its connector's files: found_bell() */
};

struct worker;		/* worker.h */

/*
 * Starts it; it answers within LOCK_MS.  news(arg) when it is ready, and once more when it
 * is gone (after its workers' own news).  NULL with ERR_SANDBOX if it could not be started.
 */
struct nursery	*nursery_start(const struct nursery_plan *, void (*news)(void *), void *arg, struct error *e);
/* Orders a worker; worker_born() or worker_lose() follows, never from within this call. */
void		 nursery_order(struct nursery *, struct worker *);
/* Takes back an order that was not sent yet. */
void		 nursery_forget(struct nursery *, struct worker *);
bool		 nursery_ready(const struct nursery *);
bool		 nursery_gone(const struct nursery *);	/* it ended, hung or lied: stop it */
bool		 nursery_idle(const struct nursery *);	/* nobody waits for a worker of it */
/* True if it forked what it did not tell of: it is not to be used any more. */
bool		 nursery_hides(const struct nursery *);
uint64_t	 nursery_forks(const struct nursery *);
int64_t		 nursery_start_ms(const struct nursery *);
/* Kills and reaps it; whoever waits for a worker of it is told. NULL is fine. */
void		 nursery_stop(struct nursery *);
/* The first half of that, which does not wait; nursery_stop() must follow before the loop turns. */
void		 nursery_kill(struct nursery *);

/* strays.c: children in a dead nursery's session that nobody told of; kills and reaps them. */
bool		 strays_any(pid_t session);
void		 strays_end(pid_t session);

/* stamps.c: of a connector's program, and the specification beside it. */
struct connector_files {
	struct file_id	program;	/* or a bundle's main file */
	struct file_id	spec;
	struct file_id	description;	/* rest.json, of a connector without code; else zero */
};
void	files_look(const struct nursery_plan *, struct connector_files *);
bool	file_same(const struct file_id *, const struct file_id *);

/*
 * pool.c: nurseries that are kept, and workers parked before their first read.
 */
/*
 * A worker for this plan: parked, or just ordered.  NULL with *e.  news as in worker.h.
 */
struct worker	*pool_take(const struct nursery_plan *, void (*news)(void *), void *arg, struct error *e);
/* In a supervisor: one that is parked and ready, lent to whoever will have a call for it; NULL, with ERR_NONE: there is none. */
struct worker	*pool_lend(const struct nursery_plan *, void (*news)(void *), void *arg, struct error *e);
/* One that was lent is in use now, or gone: parked are the others. */
void		 pool_lent_end(struct worker *, bool used);
bool		 plan_same(const struct nursery_plan *, const struct nursery_plan *);
/* Has there been a worker for such a plan? */
bool		 pool_knows(const struct nursery_plan *);
void		 pool_close(void);

/* receipt.c: facts of this kernel that receipts tell; once, while it may be asked. */
void			 receipt_look(void);

/* core.c */
struct event_base	*core_base(void);
/* Called by core_close(), first. */
void	core_at_close(void (*fn)(void));
const struct core_plan	*core_plan(void);
/*
 * The broker, started if need be, with those who have legs at it; NULL with *e.
 * When it dies their invocations end, and the next take starts another.
 */
struct outlet {
	struct broker	*broker;
	unsigned int	 users;
	bool		 gone;
	struct event	 packets;
};
struct outlet		*outlet_take(struct error *e);
void			 outlet_drop(struct outlet *);	/* NULL is fine */
/* Starts one, or has it started; NULL with *e. */
struct broker		*core_broker(struct error *e);

/* A NULL-terminated list and its strings; NULL: no memory. */
char			**texts_copy(const char *const *);
void			 texts_free(char **);

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

/* fds: read ends, non-blocking, taken; closed by relay_free() and not before.  -1: relay_ends_give() follows. */
struct relay	*relay_new(int result_fd, int log_fd);
/* The ends are another relay's from now on, or this one's. */
void		 relay_ends_take(struct relay *, int *result_fd, int *log_fd);
void		 relay_ends_give(struct relay *, int result_fd, int log_fd);
void		 relay_free(struct relay *);
int		 relay_result_fd(const struct relay *);
int		 relay_log_fd(const struct relay *);
bool		 relay_logs_ended(const struct relay *);
/* The first line, before anything else: RELAY_LOCKED once it came. */
enum relay_news	 relay_locked(struct relay *, struct error *e);
/*
 * locked.c: the same of a pipe, *seen bytes of it seen before.  Compared, not judged, and not a byte read behind it: who
 * sees it may be the supervisor, which reads nothing else of a worker's and hands the pipe on.
 */
enum relay_news	 locked_read(int fd, size_t *seen, struct error *e);
/* What the lines behind it are judged by and where they go.  Before relay_results(). */
void		 relay_begin(struct relay *, enum command, const struct inv_sink *, uint64_t records_max);

enum relay_news {
	RELAY_QUIET,		/* nothing, or no room for more */
	RELAY_MOVED,		/* public lines went on */
	RELAY_LOCKED,		/* relay_locked(): the worker says its walls stand */
	RELAY_ENDED,		/* end of file; relay_verdict() tells */
	RELAY_BROKEN,		/* *e says how; kill it */
};
/* Where values go that the worker asks to have kept, bits of enum kept_kind; any other, or without it, breaks the protocol. */
struct kept_value;
void		 relay_keep(struct relay *, unsigned int kinds, void (*keep)(void *arg, const struct kept_value *), void *arg);
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
/* A worker that may end without a word has ended well: -1 if its results do not allow that. */
int		 relay_end(struct relay *, struct error *e);
/* Its last line of log that was not blank, as it was passed on; "": none. */
#define RELAY_LAST_LOG_BYTES 400
const char	*relay_last_log(const struct relay *);
/*
 * The call that the worker says the filter refused; NULL if it said none.  Its word alone: to be
 * believed of one that died of SIGSYS.
 */
const char	*relay_refused_call(const struct relay *);
const struct relay_counts *relay_counts(const struct relay *);
/* SHA-256 of the public lines with their '\n', as hexadecimal digits. */
void		 relay_sha256(struct relay *, char hex[65]);

#endif
