/*
 * runtime.h -- what the runtime's own files share and no connector includes.
 *
 * A worker process runs one command, so the state of results, logs and
 * redaction belongs to the process; call_init() begins it anew.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "worker/contract/record.h"
#include "worker/contract/request.h"
#include "worker/contract/spec.h"
#include "worker/runtime/bascule.h"

#define REDACT_SECRETS_MAX	64	/* values kept out of logs and error texts */
#define REDACT_SECRET_BYTES_MIN	4	/* a shorter one would blot out ordinary words */
#define REDACT_HELD_BYTES_MIN	12	/* redact_holds() finds no shorter one: it might be there by chance */
#define REDACT_SECRET_BYTES_MAX	(16 * KIB)
#define REDACT_NEEDLES_MAX	2048	/* forms of them that are searched for */
#define LOG_TEXT_BYTES_MAX	(256 * KIB)	/* of one message or error text, before it is redacted and cut */

/*
 * State that every command writes to: side by side on one page, so that a forked worker copies one.
 * For variables; what is large and seldom used stays elsewhere.
 */
#define WORKER_STATE	__attribute__((section("worker_state")))

/*
 * Fills *c from a request, its specification and where errors go; all three
 * outlive it.  Registers the secrets of config and input.
 */
void	call_init(struct call *c, const struct request *rq, const struct spec *sp, struct error *err);

/* Forgets what was written; call_init() does it. */
void	emit_reset(void);
/*
 * Between the two lines need not leave one by one: for code that soon waits or comes to an end, and calls emit_flush()
 * before each wait.  They nest.
 */
void	emit_hold(void);
void	emit_release(void);
/*
 * Room for the line of an output, data and all, of a command that streams: to be written there, and then told.  NULL: it is to be
 * made by emit_output(), which also says what fails.
 */
char	*emit_room(const struct call *c, size_t bytes);
int	emit_roomed(struct call *c, size_t bytes);
/* Writes what is held; a failure is told by the next emit_ call, or emit_finish(). */
void	emit_flush(void);
/*
 * After a handler returned 0: -1 with c->err set where an earlier emit_ call
 * failed, or a single command gave no output.
 */
int	emit_finish(struct call *c);
/* The whole of it, or -1 with errno (EPIPE: SIGPIPE must be ignored). */
int	write_all(int fd, const void *data, size_t n);

/* True once secrets came that could not be kept: nothing of an author's text may be shown then. */
bool	redact_overflowed(void);
/* Blots out, in place, every secret of the string at s; a secret cut off by its end too.  False: could not be done. */
bool	redact_string(char *s) __attribute__((warn_unused_result));
/* Zeroes and forgets every secret. */
void	redact_wipe(void);

/* Replaces every byte that is not valid UTF-8 by '?'. */
void	text_clean(char *s);
/*
 * An author's text, formatted, cut to LOG_TEXT_BYTES_MAX, redacted and clean; owned by
 * the caller.  NULL: it must not be shown.
 */
char	*text_format(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/* cache.c: what the launcher handed in, NULL where it keeps nothing; spec_caches(). */
void	cache_setup(const cJSON *values, unsigned int kinds);
/* True if a value of this kind that is put may be kept. */
bool	cache_keeps(enum kept_kind);
/* As cache_get() and cache_put(), of KEPT_SESSION: no text of anybody's can have such a value in it, so it is no secret of logs. */
const char *cache_take(const char *name, int64_t *left_ms);
void	cache_give(const char *name, const char *value, int64_t ttl_ms);
/* fetch_session.c: what was got is given to the launcher, before the verdict; or forgotten. */
void	sessions_give(void);
void	sessions_forget(void);

/* egress_client.c: whether the source has a budget. */
void	permit_setup(bool wanted);
/* trace.c: the traceparent of the request, "" where it has none; and one for a request to the source, false: none. */
void	trace_setup(const char *given);
bool	trace_next(char out[TRACEPARENT_BYTES + 1]);

/* Whether debug lines appear. */
void	log_setup(bool debug);

#endif
