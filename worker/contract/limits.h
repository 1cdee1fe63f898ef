/*
 * limits.h -- every bound that both ends of a worker's pipes must agree on.
 *
 * Each has its unit in its name.  Launcher and worker compile this one file,
 * so they cannot disagree.  Bounds of one room only stand in that room.
 */
#ifndef CONTRACT_LIMITS_H
#define CONTRACT_LIMITS_H

#include <assert.h>

#define KIB			1024
#define MIB			(1024 * 1024)
#define SECONDS(n)		((n) * 1000)	/* in milliseconds */
#define MINUTES(n)		((n) * 60 * 1000)

/* What crosses the pipes. */
#define REQUEST_BYTES_MAX	(8 * MIB)	/* one request document */
#define LINE_BYTES_MAX		(256 * KIB)	/* one result line without its '\n' (platform's figure) */
#define LOG_LINE_BYTES_MAX	(16 * KIB)	/* one log line without its '\n' */
#define VERDICT_TEXT_BYTES_MAX	4096		/* message of an error verdict */

/* JSON, wherever it is read. */
#define JSON_DEPTH_MAX		128		/* containers inside each other */
#define JSON_NODES_MAX		500000		/* values in one tree */
#define JSON_NUMBER_BYTES_MAX	1024		/* digits, sign, point and exponent of one number */

/* Time. */
#define SILENCE_MS		SECONDS(180)	/* no record for this long: stop it (platform's figure) */
#define PROVISIONING_MS		SECONDS(60)	/* deadline of a write (platform's figure) */
#define TEST_MS			SECONDS(60)	/* deadline of std:test-connection */
#define DEADLINE_MS_MAX		(7 * 24 * 60 * 60 * 1000)	/* longest deadline that may be asked for */
#define TERM_GRACE_MS		250		/* between SIGTERM and SIGKILL */
#define LOCK_MS			SECONDS(10)	/* from spawn to "locked" */

/* What a worker may use. */
#define WORKER_MEMORY_BYTES	((uint64_t)512 * MIB)	/* platform's figure */
#define WORKER_FILES_MAX	64		/* descriptors, sockets of libcurl included */
#define GUEST_FILES_MAX		256		/* a guest's, its sockets included */
#define GUEST_TASKS_MAX		64		/* threads of a guest; Node begins with 11 */
#define WORKER_CPU_S		3600		/* processor time; a list of millions fits */

/* A connector and its specification. */
#define CONNECTOR_NAME_MAX	64		/* bytes */
#define SPEC_BYTES_MAX		(1 * MIB)

/* Egress: one question, one answer on FD_EGRESS (see egress.h). */
#define EGRESS_HOST_BYTES_MAX	253		/* a DNS name */
#define EGRESS_REASON_BYTES_MAX	200

/* A source's budget (see egress.h). */
#define RATE_REQUESTS_MAX	10000		/* in one window */
#define RATE_CONCURRENCY_MAX	1000		/* under way at once */
#define RATE_PER_MS_MAX		(60 * 60 * 1000)	/* a window */
#define EGRESS_CONNECTS_PER_PERMIT 2		/* libcurl repeats by itself on a dead connection */
#define EGRESS_HOLD_MS_MAX	MINUTES(2)	/* how long one DONE can stop a source */

/* What a launcher keeps for the next invocation (see record.h). */
#define CACHE_NAME_BYTES_MAX	64
#define CACHE_VALUE_BYTES_MAX	(16 * KIB)
#define CACHE_TTL_MS_MAX	(60 * 60 * 1000)	/* a longer life is cut to this */
#define CACHE_PUTS_MAX		16		/* of one invocation */

static_assert(LINE_BYTES_MAX <= REQUEST_BYTES_MAX, "a result may be sent back as input");
static_assert(LOG_LINE_BYTES_MAX <= LINE_BYTES_MAX, "the line reader holds either");
static_assert(SILENCE_MS >= PROVISIONING_MS, "silence is the laxer clock");

#endif
