/*
 * error.h -- how things go wrong, each with its four faces.
 *
 * A struct error is a value of fixed size: it works when memory does not.
 * Library code returns -1 and fills it; it never logs and never exits.
 * The table in error.c gives every code its word (receipts, logs), the type
 * that travels in an error verdict, its exit status and its HTTP status.
 */
#ifndef CONTRACT_ERROR_H
#define CONTRACT_ERROR_H

#include <stddef.h>

enum err_code {
	ERR_NONE,

	/* The connector said so (error verdict), or a library it called did. */
	ERR_GENERIC,			/* "generic" */
	ERR_NOT_FOUND,			/* "notFound": the platform may create instead */
	ERR_INVALID_CONFIGURATION,	/* "invalidConfiguration" */
	ERR_INSUFFICIENT_PERMISSION,	/* "insufficientPermission" */
	ERR_INVALID_REQUEST,		/* "invalidRequest": the input was refused */
	ERR_INVALID_RESPONSE,		/* "invalidResponse": the source answered nonsense */
	ERR_TIMEOUT,			/* "timeout": the source did not answer in time */
	ERR_UPSTREAM,			/* "generic": the source refused or failed */

	/* The request never reached a connector. */
	ERR_USAGE,			/* wrong arguments */
	ERR_REQUEST,			/* the request document is malformed */
	ERR_UNSUPPORTED,		/* the connector has no such command */
	ERR_NO_CONNECTOR,		/* no such connector, or its spec is broken */

	/* A cause of death. */
	ERR_DEADLINE,			/* total time is up */
	ERR_IDLE,			/* no record for SILENCE_MS */
	ERR_MEMORY,			/* memory limit */
	ERR_CPU,			/* processor time limit */
	ERR_RECORD_TOO_LARGE,		/* a line over LINE_BYTES_MAX */
	ERR_PROTOCOL,			/* the worker broke the protocol */
	ERR_SYSCALL,			/* the filter fired */
	ERR_SIGNAL,			/* died of another signal */
	ERR_CANCELLED,			/* by the caller */
	ERR_CLIENT_GONE,		/* nobody reads the results any more */
	ERR_NO_EGRESS,			/* the broker refused a host the connector needs */
	ERR_SHED,			/* never started: the queue is full, or longer than the deadline */
	ERR_INTERRUPTED,		/* the launcher itself ended before it did */

	/* Ours. */
	ERR_LIMIT,			/* a bound of limits.h, e.g. too much JSON */
	ERR_SANDBOX,			/* a layer could not be applied */
	ERR_SYSTEM,			/* the operating system failed us; errno in sys */
	ERR__MAX
};

struct error {
	enum err_code	 code;
	int		 sys;		/* errno, or 0 */
	char		 type[64];	/* connector's own wire type where none of ours fits; else "" */
	char		 what[32];	/* of a cause of death: which call, which signal; else "" */
	char		 msg[512];	/* one line, never holds a secret; the longest verdict text is cut */
};
#define ERROR_NONE	((struct error){ .code = ERR_NONE })

struct error_face {
	const char	*word;		/* in receipts and logs: "notFound", "deadline", ... */
	const char	*type;		/* "type" of an error verdict or JSON error */
	int		 exit;		/* exit status of bascule invoke, and of a worker */
	int		 http;		/* status where nothing was sent yet */
	const char	*meaning;	/* a phrase for manual pages and --help */
};

/* Never NULL; code is in range or the answer is that of ERR_SYSTEM. */
const struct error_face	*error_face(enum err_code);

/* "deadline", "syscall:ptrace": the word, and what it was where that is known.  The result lives as long as buf. */
#define ERROR_CAUSE_BYTES	64
const char		*error_cause(const struct error *, char buf[ERROR_CAUSE_BYTES]);

/* The code whose verdict type is this word; ERR_GENERIC if none is. */
enum err_code		 error_from_type(const char *);

/* The code whose word this is, if a worker's verdict may name it as "cause"; else ERR_NONE. */
enum err_code		 error_from_cause(const char *word);

/* Code and what from the text of error_cause(): "syscall:ptrace".  -1: no code has this word; *e is untouched then. */
int			 error_take_cause(struct error *e, const char *cause);

/*
 * The wire type of an error: its own type where the connector gave one, else its face's.
 * The result lives as long as *e.
 */
const char		*error_type(const struct error *e);

/* All return -1, so that a failing function ends in one line. */
int	error_set(struct error *, enum err_code, const char *, ...)
	    __attribute__((format(printf, 3, 4), nonnull(1, 3)));
/* ERR_SYSTEM with errno, and ": strerror" behind the text. */
int	error_sys(struct error *, const char *, ...)
	    __attribute__((format(printf, 2, 3), nonnull(1, 2)));
/* Puts "where: " in front of what is there. */
int	error_in(struct error *, const char *, ...)
	    __attribute__((format(printf, 2, 3), nonnull(1, 2)));

#endif
