/*
 * inv.h -- one invocation, between invocation.c (its life) and receipt.c (what is told of it).
 */
#ifndef CORE_INV_H
#define CORE_INV_H

#include "launcher/core/core.h"

enum inv_state {
	INV_LOCKING,	/* worker forked, walls not yet seen */
	INV_SENDING,	/* walls verified, request going down */
	INV_STREAMING,	/* request sent, results coming up */
	INV_STOPPING,	/* told to die; see ladder[] */
	INV_DONE,	/* reaped; the verdict is final */
	INV__MAX
};

struct invocation {
	enum inv_state	 state;
	char		 connector[CONNECTOR_NAME_MAX + 1];
	char		 id[REQUEST_ID_BYTES_MAX + 1];
	char		 type[REQUEST_TYPE_BYTES_MAX + 1];
	enum command	 cmd;
	unsigned int	 waived;
	struct inv_limits limits;

	struct nursery	*nursery;
	struct relay	*relay;
	uint32_t	 leg;			/* 0: none */
	int		 request_fd;		/* write end; -1 once sent */
	struct buf	 request;		/* what is to be sent; wiped after */
	size_t		 sent;
	pid_t		 pid;
	int		 pidfd;

	struct error	 verdict;		/* ERR_NONE: ok, once done */
	bool		 decided;		/* the verdict is ours: a cause of death */
	bool		 ended;			/* results came to their end */
	bool		 reaped;
	int		 wait_status;
	struct rusage	 usage;
	unsigned int	 rung;

	int64_t		 start_ms, first_ms, end_ms;
	int64_t		 reaped_ms;		/* when the worker was gone */
	int64_t		 deadline_ms;		/* absolute; 0: none */
	int64_t		 heard_ms;		/* last record, or end of a pause of ours */
	int64_t		 rung_ms;		/* when the next rung is due */
	cJSON		*egress;		/* after the leg was closed */
};

/* Ends of the worker's world: theirs in enum order, ours apart. */
struct ends {
	int	theirs[FD__COUNT];
	int	request, result, log;
};

/* -1 with ERR_SYSTEM; what was opened is closed by ends_close(). */
int		 ends_open(struct ends *, struct error *e);
void		 ends_close(struct ends *);

const char	*inv_state_name(enum inv_state);

#endif
