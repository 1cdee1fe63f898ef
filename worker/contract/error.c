/*
 * error.c -- the one table of outcomes, and the calls that fill a struct error.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "worker/contract/error.h"
#include "worker/contract/util.h"

/*
 * Exit statuses follow sysexits(3) where it has a word for the case.
 * 79 and 80 are ours: it knows neither limits nor walls.
 */
static const struct error_face faces[] = {
	[ERR_NONE]	= { "ok", "ok", 0, 200, "the command ended and said so" },

	[ERR_GENERIC]	= { "failed", "generic", 1, 500, "the connector failed" },
	[ERR_NOT_FOUND]	= { "notFound", "notFound", 66, 404, "the account or entitlement does not exist" },
	[ERR_INVALID_CONFIGURATION] = { "invalidConfiguration", "invalidConfiguration", 78, 400,
	    "the source's configuration is wrong or incomplete" },
	[ERR_INSUFFICIENT_PERMISSION] = { "insufficientPermission", "insufficientPermission", 77, 403,
	    "the source refused the credentials or their rights" },
	[ERR_INVALID_REQUEST] = { "invalidRequest", "invalidRequest", 65, 422, "the input was refused" },
	[ERR_INVALID_RESPONSE] = { "invalidResponse", "invalidResponse", 69, 502,
	    "the source's answer could not be understood" },
	[ERR_TIMEOUT]	= { "timeout", "timeout", 75, 504, "the source did not answer in time" },
	[ERR_UPSTREAM]	= { "upstream", "generic", 69, 502, "the source failed or could not be reached" },

	[ERR_USAGE]	= { "usage", "invalidRequest", 64, 400, "wrong arguments" },
	[ERR_REQUEST]	= { "request", "invalidRequest", 65, 400, "the request document is malformed" },
	[ERR_UNSUPPORTED] = { "unsupported", "invalidRequest", 65, 400, "the connector has no such command" },
	[ERR_NO_CONNECTOR] = { "no-connector", "generic", 72, 404,
	    "there is no such connector, or its specification is broken" },

	[ERR_DEADLINE]	= { "deadline", "timeout", 75, 504, "the deadline passed" },
	[ERR_IDLE]	= { "idle", "timeout", 75, 504, "no record for too long" },
	[ERR_MEMORY]	= { "memory", "generic", 79, 500, "killed by the memory limit" },
	[ERR_CPU]	= { "cpu", "generic", 79, 500, "killed by the processor time limit" },
	[ERR_RECORD_TOO_LARGE] = { "record-too-large", "generic", 79, 500, "a record was over its limit" },
	[ERR_PROTOCOL]	= { "protocol", "generic", 76, 502, "the worker broke the protocol" },
	[ERR_SYSCALL]	= { "syscall", "generic", 79, 500, "killed by the system call filter" },
	[ERR_SIGNAL]	= { "signal", "generic", 79, 500, "the worker died of a signal" },
	[ERR_CANCELLED]	= { "cancelled", "generic", 130, 499, "cancelled by the caller" },
	[ERR_CLIENT_GONE] = { "client-gone", "generic", 74, 499, "nobody read the results" },
	[ERR_NO_EGRESS]	= { "no-egress", "generic", 80, 502, "a connection was refused by the egress policy" },
	[ERR_SHED]	= { "shed", "generic", 75, 429, "not started: too many others wait" },
	[ERR_INTERRUPTED] = { "launcher", "generic", 75, 500, "the launcher ended before it did" },

	[ERR_LIMIT]	= { "limit", "generic", 79, 413, "a bound was passed" },
	[ERR_SANDBOX]	= { "sandbox", "generic", 81, 503, "the worker could not be confined" },
	[ERR_SYSTEM]	= { "system", "generic", 71, 500, "the operating system failed" },
};
static_assert(N_ITEMS(faces) == ERR__MAX, "every code has its faces");

const struct error_face *
error_face(enum err_code code)
{
	if ((unsigned int)code >= ERR__MAX)
		code = ERR_SYSTEM;
	return &faces[code];
}

const char *
error_cause(const struct error *e, char buf[ERROR_CAUSE_BYTES])
{
	(void)snprintf(buf, ERROR_CAUSE_BYTES, "%s%s%s", error_face(e->code)->word, e->what[0] != '\0' ? ":" : "", e->what);
	return buf;
}

enum err_code
error_from_type(const char *type)
{
	/* Only what a connector may say; the rest of the table is not its to claim. */
	for (enum err_code c = ERR_GENERIC; c <= ERR_TIMEOUT; c++)
		if (strcmp(faces[c].type, type) == 0)
			return c;
	return ERR_GENERIC;
}

/* What the worker's own libraries may name as a cause beyond its type; the rest is the launcher's to find. */
static const enum err_code	 worker_causes[] = {
	ERR_UPSTREAM, ERR_REQUEST, ERR_UNSUPPORTED, ERR_RECORD_TOO_LARGE, ERR_NO_EGRESS, ERR_LIMIT, ERR_CLIENT_GONE,
};

enum err_code
error_from_cause(const char *word)
{
	for (size_t i = 0; i < N_ITEMS(worker_causes); i++)
		if (strcmp(faces[worker_causes[i]].word, word) == 0)
			return worker_causes[i];
	return ERR_NONE;
}

int
error_take_cause(struct error *e, const char *cause)
{
	size_t	 n = strcspn(cause, ":");

	for (enum err_code c = ERR_NONE; c < ERR__MAX; c++)
		if (strlen(faces[c].word) == n && memcmp(faces[c].word, cause, n) == 0) {
			e->code = c;
			(void)snprintf(e->what, sizeof(e->what), "%s", cause[n] == ':' ? cause + n + 1 : "");
			return 0;
		}
	return -1;
}

const char *
error_type(const struct error *e)
{
	return e->type[0] != '\0' ? e->type : error_face(e->code)->type;
}

int
error_set(struct error *e, enum err_code code, const char *fmt, ...)
{
	va_list	 ap;

	e->code = code;
	e->sys = 0;
	e->type[0] = e->what[0] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return -1;
}

int
error_sys(struct error *e, const char *fmt, ...)
{
	int	 saved = errno;
	size_t	 n;
	va_list	 ap;

	e->code = ERR_SYSTEM;
	e->sys = saved;
	e->type[0] = e->what[0] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror(saved));
	return -1;
}

int
error_in(struct error *e, const char *fmt, ...)
{
	char	 old[sizeof(e->msg)];
	size_t	 n;
	va_list	 ap;

	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", old);
	return -1;
}
