/*
 * request.h -- the request document: what a caller gives a launcher, and a
 * launcher a worker.
 *
 * Both forms of the platform are read: the development server's
 *   {"type":"std:account:read","input":{...},"config":{...},"version":1}
 * and the cloud's
 *   {"connectorRef":"x","tag":"latest","type":"...","config":{...},"input":{...}}
 * Members that nobody knows are ignored.
 */
#ifndef CONTRACT_REQUEST_H
#define CONTRACT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/buf.h"
#include "worker/contract/command.h"
#include "worker/contract/error.h"

#define REQUEST_TYPE_BYTES_MAX	128	/* a command's name */
#define REQUEST_ID_BYTES_MAX	128	/* an invocation id: [A-Za-z0-9._:-] */
#define TRACEPARENT_BYTES	55	/* 00-<32>-<16>-<2>, lower-case hexadecimal digits: W3C Trace Context */

struct request {
	enum command	 cmd;
	char		 type[REQUEST_TYPE_BYTES_MAX + 1];
	char		 id[REQUEST_ID_BYTES_MAX + 1];	/* "" if the caller gave none */
	int64_t		 version;			/* connector version, -1 if none */
	char		 connector_ref[REQUEST_ID_BYTES_MAX + 1];	/* "" if none */
	char		 tag[REQUEST_ID_BYTES_MAX + 1];			/* "" if none */
	cJSON		*doc;		/* owns everything below */
	cJSON		*config;	/* object, {} if absent; may hold secrets: never log */
	cJSON		*input;		/* object, {} if absent or null (custom commands: any value) */
	/* Between launcher and worker; launchers set what they print, whatever a caller wrote. */
	bool		 rated;		/* the worker asks for permits (egress.h) */
	char		 trace[TRACEPARENT_BYTES + 1];	/* the trace that its requests to the source belong to; "": none */
	const cJSON	*cache;		/* read: what the launcher has kept, an object; NULL: it keeps nothing */
	const char	*cache_text;	/* printed: the same, NULL: nothing; not owned */
};

/*
 * Reads and checks one document: an object; type a command name; config an
 * object; input an object that has what the command's row needs (identity is
 * derived from key and key from identity where one is missing, by
 * request_settle_key); id, version, tag, connectorRef of the right type.
 * 0 and *rq owns the document, or -1, *rq untouched, and *e names the member
 * ("input.changes: ...").
 */
int	request_parse(const char *text, size_t len, struct request *rq, struct error *e)
	    __attribute__((nonnull, warn_unused_result));

/* The same checks on a document already in a tree; takes doc on success only. */
int	request_from_tree(cJSON *doc, struct request *rq, struct error *e)
	    __attribute__((nonnull, warn_unused_result));

/* Frees what *rq owns (zeroing its strings) and zeroes it; harmless on a zeroed request. */
void	request_free(struct request *rq) __attribute__((nonnull));

/* Is this a traceparent, and none of zeros?  NULL is none. */
bool	traceparent_ok(const char *);

/*
 * The document a worker reads:
 * {"id":...,"type":...,"version":n,"connectorRef":...,"config":{...},"input":{...},"runtime":{"rate":true,"trace":"00-...","cache":{"name":{"ttlMs":n,"value":"..."}}}}
 * runtime is between launcher and runtime, and absent where it says nothing.
 */
void	request_print(struct buf *b, const struct request *rq);

#endif
