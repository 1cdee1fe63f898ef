/*
 * invoke.h -- run one command in a fresh, confined worker: what the front doors
 * (cli/, later serve/) call.
 *
 * Everything happens in the caller's libevent loop, which has one thread.
 * Everything is bounded: one line of results, one of logs.
 */
#ifndef CORE_INVOKE_H
#define CORE_INVOKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "worker/contract/error.h"
#include "worker/contract/guest_word.h"
#include "worker/contract/record.h"
#include "worker/contract/request.h"
#include "worker/contract/spec.h"

struct event_base;
struct nursery_plan;
struct vault;

/* How many are kept ready; all zero: nothing is, as for a single invocation. */
struct wire_open;
struct core_plan {
	bool		once;			/* this process runs one invocation and ends: nothing is made ready for a next */
	unsigned int	parked_min, parked_max;	/* workers before their first read, per connector and limits */
	unsigned int	nursery_forks;		/* a nursery is replaced after so many workers; 0: never */
	int64_t		nursery_age_ms;		/* or at this age; 0: never */
	const struct vault *vault;		/* keeps tokens and TLS sessions of connectors that ask for it: vault.h; NULL: nothing */
	const char	*broker;		/* program; NULL: the one beside this program */
	int		 supervisor;		/* a socket to it: it has the workers and the broker (far.h); 0: this process */
	const struct wire_open *bounds;		/* what the supervisor was told at the start; NULL: nothing */
	void		(*lost)(void);		/* the supervisor is gone, and with it all of them */
};
/*
 * Nothing that this process holds gets into a core dump, not even one that is piped away.  First thing in main():
 * before there is anything to hold.
 */
void	core_dumps_off(void);
/* Once per process, before anything else here.  base is the caller's and outlives core_close(). */
void	core_open(struct event_base *base, const struct core_plan *);
/*
 * Before that, where a process runs one invocation and ends: a turn of the loop, and true, while something is made for
 * the next (a bundle's code, once), which takes 10 seconds at most.
 */
bool	core_settle(void);
/* Ends nurseries, parked workers and broker.  No invocation may be left. */
void	core_close(void);
struct core_counts {
	unsigned int	nurseries, parked;
	uint64_t	tls_hits, tls_misses;			/* likewise, with sessions */
	uint64_t	cache_hits, cache_misses, cache_puts;	/* invocations of connectors that have values kept */
	size_t		cache_entries;
	uint64_t	rate_requests, rate_wait_ms;	/* of sources with a budget: permits given, and waited for */
};
struct core_counts core_count(void);

/* Texts with their NULs, one behind the other. */
struct guest_words {
	uint32_t	 bytes, behind;		/* all, and those behind "--" */
	char		 text[GUEST_WORDS_BYTES_MAX];
};

/* A file as it was. */
struct file_id {
	dev_t		 dev;
	ino_t		 ino;		/* 0: there was none */
	off_t		 size;
	struct timespec	 changed;
};

/* What is installed under a name. */
struct found;
struct connector_ref {
	char		name[CONNECTOR_NAME_MAX + 1];
	char		program[4096];	/* absolute path, no symlinks; of a guest: what runs it */
	char		described[4096]; /* folder of a description, run by a program of ours; "": none */
	char		guest[4096];	/* folder of a bundle or of a program that is none of ours; "": program is the connector */
	char		main[256];	/* of a guest: the file in it that is run */
	unsigned int	tasks;		/* of a guest: processes and threads that it may have */
	struct guest_words words;	/* of a guest: for its host */
	struct spec	spec;
	struct file_id	spec_id;	/* what it was read from */
	struct found	*of;		/* whose specification it is: found.h; NULL: its own */
};
/* Of nothing; what lies behind a text's end stays as it was. */
void	connector_clear(struct connector_ref *);

/*
 * Finds a connector: a name ([a-z0-9-], searched in BASCULE_CONNECTORS, a
 * colon-separated list, else the build tree's or installation's own directory)
 * or a path (with a '/') of its folder or program.  -1 with ERR_NO_CONNECTOR; the message lists what there is.
 */
int	connector_find(const char *name, struct connector_ref *ref, struct error *e);
/*
 * Links the customizer of another bundle, a folder with index.js, to a bundle: it acts before and after its commands.
 * -1 with ERR_NO_CONNECTOR.
 */
int	connector_link(struct connector_ref *ref, const char *customizer, struct error *e);
void	connector_free(struct connector_ref *ref);
/* Calls fn for each connector that a name would find, folder by folder in alphabetical order; returns how many. */
int	connector_each(void (*fn)(void *arg, const char *name, const char *folder), void *arg);

struct inv_limits {
	int64_t		deadline_ms;	/* 0: the command's default; -1: none */
	int64_t		silence_ms;	/* 0: SILENCE_MS */
	uint64_t	memory_bytes;	/* 0: WORKER_MEMORY_BYTES */
	unsigned int	cpu_s;		/* 0: WORKER_CPU_S */
	uint64_t	records;	/* 0: no limit */
	uint64_t	connects;	/* 0: broker's default */
};
/* One "name=value" of --limit: deadline, silence (30s, 5m, 500ms), memory (64m, 1g), cpu (10s), records, connects. */
int	inv_limit_set(struct inv_limits *, const char *name_is_value, struct error *e);
/* The values alone, of whatever is written as limits are: "30s" in ms, "64m" in bytes.  -1: they are none. */
int	inv_time_read(const char *text, int64_t *ms);
int	inv_size_read(const char *text, int64_t *bytes);

/* Where records and logs go.  Text is not NUL-terminated and lives for the call only. */
struct inv_sink {
	/* A public line as the worker wrote it, without '\n'.  *f says where data is. */
	void	(*record)(void *arg, const struct line_facts *f, const char *line, size_t len);
	/* A log line of the worker, valid JSON or not; control characters are replaced. */
	void	(*log)(void *arg, const char *line, size_t len);
	/* True while the caller can take more.  Worker's results are not read otherwise, and the silence clock stands still. */
	bool	(*ready)(void *arg);
	/* Once, when it is done: the verdict is final, and inv_free() may be called, from here too. */
	void	(*done)(void *arg);
	void	*arg;
};

/* The operator's proxy.  Zeroed: BASCULE_PROXY, BASCULE_NO_PROXY and BASCULE_PROXY_DNS decide. */
struct inv_proxy {
	const char	*url;		/* scheme://[user:password@]host:port, http or socks5; @FILE holds one; "none" */
	const char	*direct;	/* hosts it is not for, "a.example,.b.example"; NULL: loopback */
	const char	*dns;		/* "local", "remote": it resolves names, and only they are checked; NULL: local, socks5h remote */
	bool		 from_argument;	/* everybody on this machine has seen url: no credentials in it */
};

struct inv_request {
	struct connector_ref	*ref;
	struct request		*rq;		/* id is made up if empty */
	struct inv_limits	 limits;
	struct inv_sink		 sink;
	unsigned int		 waived;	/* sandbox layers, bits of enum sandbox_layer */
	unsigned int		 required;	/* of those that are used where they can be had: refuse without */
	const char *const	*allow_private;	/* hosts whose private addresses may be reached; NULL-terminated, or NULL */
	const char		*trace;		/* traceparent that requests to the source go on with; NULL: none */
	const char		*source;	/* its name; NULL: known by the places that it may reach */
	const struct rate_budget *rate;		/* the operator's, instead of the specification's; NULL: none */
	bool			 waits_shared;	/* what the source tells one invocation by Retry-After holds for all, without a budget too */
	const char *const	*egress;	/* "HOST[:PORT]": the only ones of the spec's; NULL-terminated, or NULL: all */
	struct inv_proxy	 proxy;
	const struct nursery_plan *house;	/* a command of the host's own, not the connector's: on this nursery, with no way out.  NULL */
};

struct invocation;

/*
 * Starts it; what follows comes from the loop, never from within this call.  NULL with *e if it could not be.
 * The request is printed and may be freed by the caller after this returns.
 */
struct invocation *inv_start(const struct inv_request *, struct error *e);
/* The sink is ready again. */
void	inv_resume(struct invocation *);
bool	inv_done(const struct invocation *);
/* Ends it for this reason (ERR_CANCELLED, ERR_CLIENT_GONE); the sink's done() follows. */
void	inv_cancel(struct invocation *, enum err_code why, const char *text);

/* After done.  code ERR_NONE: ok. Lives as long as the invocation. */
const struct error *inv_verdict(const struct invocation *);
/*
 * Everything measured about it, an object owned by the caller: id, connector,
 * command, outcome, cause, message, records, states, bytes, sha256 (of the public stream), startMs,
 * firstRecordMs, totalMs, cpuMs, maxRssBytes, rateWaitMs and rateRequests (where the source has a budget, or kept it waiting), tokenCache, tlsCache, layers{name:{state:on|waived|absent}}, egress[], exit.
 */
cJSON	*inv_receipt(const struct invocation *);
/* The final record for callers that ask: {"data":receipt,"type":"end"|"error"} with '\n'. */
void	 inv_print_verdict(const struct invocation *, struct buf *);
/* The same from a receipt that was kept; takes it. */
void	 receipt_print_verdict(cJSON *receipt, struct buf *);
/* Kills what is left, checks that it is gone, frees. NULL is fine. */
void	 inv_free(struct invocation *);

#endif
