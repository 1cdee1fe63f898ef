/*
 * call_private.h -- one call, between call.c (its life, and the only writer of its state), call_keep.c (lines that are
 * kept) and call_tell.c (what is told of it).
 */
#ifndef SERVE_CALL_PRIVATE_H
#define SERVE_CALL_PRIVATE_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "launcher/serve/admit.h"
#include "launcher/serve/call.h"
#include "launcher/serve/ref.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/stream.h"
#include "launcher/serve/tokens.h"

enum call_state {
	CALL_NEW,
	CALL_WAITING,		/* for its turn; body is kept */
	CALL_RUNNING,		/* iv lives */
	CALL_ENDING,		/* the verdict is final; its answer is still being cut */
	CALL__MAX
};

/* Lines on their way to the store, of a call whose results are kept. */
struct call_keep {
	bool			 on;
	struct buf		 lines;		/* of this turn of the loop */
	int64_t			 at;		/* where they go */
	struct event		 flush;
	struct error		 fault;		/* why they could not be kept */
};

struct call {
	LIST_ENTRY(call)	 next;
	enum call_state		 state;
	struct stream		 stream;	/* over from the first where results are kept: follow.h reads them */
	struct call_keep	 keep;
	struct admit_ticket	 ticket;
	struct buf		 body;		/* while it waits; wiped after */
	struct invocation	*iv;
	struct error		 verdict;
	struct event		 late;		/* its deadline, while it waits */
	int64_t			 start_ms, deadline_ms;	/* deadline_ms: absolute; 0: none */
	int64_t			 first_ms;	/* 0: no record yet */
	uint64_t		 records, bytes;
	enum command		 cmd;
	char			 id[REQUEST_ID_BYTES_MAX + 1];
	char			 connector[CONNECTOR_NAME_MAX + 1];	/* as it was called when the call came */
	char			 lasting[REF_LASTING_BYTES + 1];		/* ... and as it is found when its turn comes */
	char			*linked;	/* folder of the customizer that is linked to it; NULL: none is */
	char			 type[REQUEST_TYPE_BYTES_MAX + 1];
	char			 source[SOURCE_BYTES_MAX + 1];
	char			 trace[TRACEPARENT_BYTES + 1];
	bool			 traced;	/* it is the caller's, and goes on to the source */
	char			 caller[TOKEN_NAME_MAX + 16];
	char			 key[STORE_KEY_BYTES_MAX + 1];	/* "": none */
};

/*
 * call_keep.c.  failed(c) is called from the loop when c->keep.fault says that no more can be kept.
 */
void	 call_keep_open(struct call *, void (*failed)(struct call *));
void	 call_keep_line(struct call *, const char *line, size_t len);
/* What is left goes to the store; -1: c->keep.fault says why it could not. */
int	 call_keep_end(struct call *);
void	 call_keep_free(struct call *);

/*
 * call_tell.c
 */
void	 call_log_end(const struct call *, int64_t total_ms);
/* A line of its worker's log. */
void	 call_log_line(const struct call *, const char *line, size_t len);
/* Of one that never got a worker, too; owned by the caller. */
cJSON	*call_receipt(const struct call *);

#endif
