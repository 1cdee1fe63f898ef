/*
 * spec.h -- a connector's connector-spec.json, as far as the runtime needs it.
 *
 * Read leniently, as the platform does: unknown members are kept and ignored.
 * What is used is checked: name, commands, sourceConfig item types, egress, rate, cache, runtime.
 */
#ifndef CONTRACT_SPEC_H
#define CONTRACT_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/error.h"
#include "worker/contract/limits.h"

#define SPEC_EGRESS_MAX		64	/* rules of one connector */

struct spec {
	cJSON		*doc;		/* the whole document; owned */
	const char	*name;		/* display name */
};

/* One host a worker may reach, templates filled in. */
struct egress_rule {
	char		host[EGRESS_HOST_BYTES_MAX + 1];	/* lower case; "*.example.com" for any depth below */
	uint16_t	port;
};

/*
 * How often a source may be asked, by all invocations of it together.  Zeroed: no budget.
 */
struct rate_budget {
	uint32_t	requests;	/* in any window; 0: no bound */
	uint32_t	per_ms;		/* the window */
	uint32_t	concurrency;	/* requests under way at once; 0: no bound */
};

/* 0 and *sp owns the tree, or -1 with ERR_NO_CONNECTOR. */
int	spec_parse(const char *text, size_t len, struct spec *sp, struct error *e) __attribute__((nonnull));
int	spec_load(const char *path, struct spec *sp, struct error *e) __attribute__((nonnull));
/* The same of a file that was opened, or is -1 with errno; taken.  path is for messages. */
int	spec_load_fd(int fd, const char *path, struct spec *sp, struct error *e) __attribute__((nonnull));
void	spec_free(struct spec *sp);

/* True if "commands" lists it, or it is std:spec:read. */
bool	spec_has_command(const struct spec *sp, const char *type);

/*
 * Calls fn(arg, value) for every string of config that the spec marks secret or
 * secrettextarea, inside keyValue and cardList items too; an item of a type nobody
 * knows counts as secret.  Empty strings are skipped.
 */
void	spec_secrets(const struct spec *sp, const cJSON *config,
	    void (*fn)(void *arg, const char *value), void *arg);

/*
 * 0 if config may be kept where secrets may not: its members are all items of the spec, none of them marked secret nor of
 * pairs or cards, and their values plain, without an address that holds a password.  -1 with ERR_REQUEST names the first
 * that is not.
 */
int	spec_plain(const struct spec *sp, const cJSON *config, struct error *e);

/*
 * What this invocation may reach.  "egress" of the spec, each
 *   {"host":"api.github.com","ports":[443]}   (ports default to [443])
 *   {"host":"{{config.baseUrl}}"}             (a url's host and port, or a bare host)
 * else, where the spec has no "egress", host and port of every url-typed config value.
 * A template whose key is absent or empty gives no rule.  -1 with
 * ERR_INVALID_CONFIGURATION (a value that is no URL or host; named by key) or ERR_LIMIT.
 */
int	spec_egress(const struct spec *sp, const cJSON *config,
	    struct egress_rule rules[SPEC_EGRESS_MAX], size_t *n, struct error *e);

/*
 * The budget that "rate" of the spec declares, zeroed if there is none:
 *   {"requests":100,"per":"1m","concurrency":4}	(per is 1s by default; either bound may be absent)
 */
void	spec_rate(const struct spec *sp, struct rate_budget *out);
/* An operator's word for one: "100/1m", "100/1m,4", ",4", "none".  -1 with ERR_USAGE. */
int	rate_read(const char *text, struct rate_budget *out, struct error *e);

/*
 * What its workers may have kept by the launcher, bits 1 << enum kept_kind (record.h): the specification says
 * "cache":["token"], ["tls"] or both.
 */
unsigned int	spec_caches(const struct spec *sp);

/*
 * What runs it, "runtime" of the specification: {"kind":"native"|"exec"|"node"}.  With "exec":
 *   "argv":["./main.py"]		the program, in the connector's folder or by its full name, and its arguments
 *   "processes":8,"tools":["/usr/bin/jq"]	so many, threads counted, and it may run these besides; 1, if absent: threads only
 */
enum runtime_kind { RUNTIME_UNSAID, RUNTIME_NATIVE, RUNTIME_EXEC, RUNTIME_NODE, RUNTIME__MAX };
#define RUNTIME_WORDS_MAX	16	/* of argv, of tools */
#define RUNTIME_WORD_BYTES_MAX	1024
#define RUNTIME_PROCESSES_MAX	64
struct spec_runtime {
	enum runtime_kind	 kind;
	const cJSON		*argv, *tools;	/* lists of texts; NULL: absent */
	unsigned int		 processes;
};
void	spec_runtime(const struct spec *sp, struct spec_runtime *out);

/* True for a host as a rule may name it: a name, an IPv4 address, or "*." and a name of two labels or more. */
bool	egress_host_ok(const char *host);

/*
 * Splits an absolute http(s) URL: host (lower case, no brackets, no userinfo
 * allowed), port (443 or 80 by default).  -1: not such a URL.
 */
int	url_host_port(const char *url, char host[EGRESS_HOST_BYTES_MAX + 1], uint16_t *port, bool *https);

#endif
