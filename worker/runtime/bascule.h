/*
 * bascule.h -- the connector author's API: the one header a connector includes.
 *
 * A connector is a program that defines one table of commands and gives it to
 * CONNECTOR().  Each invocation is a fresh, confined process: it can open no file,
 * make no process, resolve no name; it reaches its source by fetch.h only
 * (included here).  A handler returns 0, or -1 after one of the fail_ calls:
 *
 *	static int
 *	account_read(struct call *c)
 *	{
 *		autojson	*user = NULL;
 *
 *		if (fetch_get(client(c), path, &user, c->err) == -1)
 *			return -1;
 *		return emit_output(c, to_account(c, user));
 *	}
 *
 *	static const struct command_row rows[] = {
 *		{ "std:account:read", account_read },
 *	};
 *	CONNECTOR(rows)
 *
 * The table must match "commands" in connector-spec.json, which lies beside the
 * program; std:spec:read is answered by the runtime.  Memory need not be freed
 * with care: the process ends with the command.  Results must be streamed all
 * the same: the memory limit is 512 MiB, and a list may have millions of rows.
 */
#ifndef BASCULE_H
#define BASCULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/buf.h"
#include "worker/contract/command.h"
#include "worker/contract/error.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/spec.h"
#include "worker/contract/util.h"

/* One invocation, as a handler sees it.  Read only. */
struct call {
	enum command	 cmd;
	const char	*type;		/* the command's name */
	const char	*id;		/* invocation id, for correlation */
	int64_t		 version;	/* connector version, -1 if not given */
	const cJSON	*config;	/* object; may hold secrets */
	const cJSON	*input;		/* what the caller sent; object for standard commands */
	const cJSON	*spec;		/* connector-spec.json */
	const char	*identity;	/* of the addressed object: input.identity, else key.simple.id or
					   key.compound.lookupId; NULL if none */
	const char	*unique_id;	/* key.compound.uniqueId; NULL if none */
	struct error	*err;		/* what a fail_ call fills; library calls take it as last argument */
	void		*user;		/* the connector's own */
};

struct command_row {
	const char	*name;
	int		(*run)(struct call *);
};

struct connector {
	const struct command_row	*rows;
	size_t				 nrows;
};

/* Defined by CONNECTOR; the runtime's main() uses it. */
extern const struct connector connector;
#define CONNECTOR(table)						\
	const struct connector connector = { (table), N_ITEMS(table) };

/*
 * Results.  Each call writes one line at once; while the rows of an answer are handed to their function the lines of those
 * that have arrived leave together, at the latest before the worker waits for more.  The data passes to the call,
 * which frees it, also on failure; NULL data (out of memory while it was made)
 * is a failure.  -1 with c->err set: too large, wrong kind, a second output of a single command,
 * state from a stateless command, or nobody reads.  A handler passes that -1 on.
 */
int	emit_output(struct call *c, cJSON *data) __attribute__((warn_unused_result));
int	emit_state(struct call *c, cJSON *object) __attribute__((warn_unused_result));
int	emit_config_patch(struct call *c, cJSON *array) __attribute__((warn_unused_result));
/* Tells the platform that a long silence is work.  fetch does it by itself while it waits. */
int	emit_keep_alive(struct call *c) __attribute__((warn_unused_result));
/* How many outputs were written. */
uint64_t emit_count(const struct call *c);

/*
 * Failures; each returns -1.  Text is for the administrator: what went wrong
 * and what to do.  Secrets in it are redacted.
 */
int	fail_generic(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int	fail_not_found(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int	fail_invalid_configuration(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int	fail_insufficient_permission(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int	fail_invalid_request(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int	fail_invalid_response(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int	fail_timeout(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A type of the connector's own, passed through. */
int	fail_type(struct call *c, const char *type, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * Logs: one JSON line each on FD_LOG, in the platform's shape, with the
 * invocation's ids.  Every secret of the config is replaced, in plain, base64
 * and percent-encoded form.  Debug lines appear where config has spConnDebugLoggingEnabled true.
 * A line that would be too long is cut and says so.
 */
enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_FATAL, LOG__MAX };
void	log_at(struct call *c, enum log_level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same with members of the author's beside the message; takes fields (an object). */
void	log_with(struct call *c, enum log_level, cJSON *fields, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));
#define log_debug(c, ...)	log_at((c), LOG_DEBUG, __VA_ARGS__)
#define log_info(c, ...)	log_at((c), LOG_INFO, __VA_ARGS__)
#define log_warn(c, ...)	log_at((c), LOG_WARN, __VA_ARGS__)
#define log_error(c, ...)	log_at((c), LOG_ERROR, __VA_ARGS__)
/* Adds a value that must not appear in logs or error texts (an access token got by the way). */
void	redact_add(const char *secret);
/*
 * Blots every secret out of a text in a buffer of n bytes, made valid UTF-8 too; one that is cut off by its end too, so before
 * it is cut or put into another.  What cannot be redacted is replaced as a whole.
 */
void	redact_text(char *buf, size_t n);
/* Is one of them in the text, plain or in base64?  Those of less than 12 bytes are not looked for. */
bool	redact_holds(const char *text);
bool	redact_holds_bytes(const char *text, size_t n);

/*
 * The one thing that may outlive an invocation, where connector-spec.json says "cache":["token"]: short-lived
 * credentials that cost a request to get.  The launcher keeps them, sealed and in memory, for invocations
 * of the same source by the very same connector and configuration; an hour at most, and it may forget any of them at any
 * time, or keep none.  fetch does so by itself with the tokens of AUTH_OAUTH2_CC, and, where "cache" names "tls" as well, with
 * TLS sessions.
 *
 * name: letters, digits and ._:- , not beginning with "tls:" ; value: visible ASCII without " and \, up to 16 KiB: what is anything else is not kept.
 * cache_get() gives NULL where there is none, else a value that lives as long as the call; *left_ms (may be NULL)
 * what is left of its life.  cache_put(): -1 with c->err set where the specification does not say so.
 * Both make the value a secret of the logs.
 */
const char *cache_get(struct call *c, const char *name, int64_t *left_ms);
int	cache_put(struct call *c, const char *name, const char *value, int64_t ttl_ms) __attribute__((warn_unused_result));

/*
 * Writes.  On the wire a multi-valued attribute with one value is a bare
 * string, with several an array; these iterate over either.
 */
enum change_op { CHANGE_SET, CHANGE_ADD, CHANGE_REMOVE };
struct change {
	enum change_op	 op;
	const char	*attribute;
	const cJSON	*value;		/* NULL where absent or null */
};
/* The i-th of input.changes: 1 and *ch filled, 0 past the end, -1 on an unknown op or a missing attribute. */
int	change_at(struct call *c, size_t i, struct change *ch);
/* How many values v stands for: an array's length, 0 for NULL and null, else 1. */
size_t	value_count(const cJSON *v);
/* The i-th of them. */
const cJSON *value_at(const cJSON *v, size_t i);
/* v as an array (a copy), whatever its form. */
cJSON	*value_array(const cJSON *v);

/*
 * An account or entitlement to send: key in the form that the spec's keyType
 * names (compound takes lookup_id and unique_id; otherwise identity and uuid too),
 * attributes as given (taken).  NULL: no memory.
 */
cJSON	*object_new(struct call *c, const char *id, const char *unique_id, cJSON *attributes);

#include "worker/runtime/fetch.h"

#endif
