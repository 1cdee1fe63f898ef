/*
 * desk_wire.h -- what the front (bascule-serve) and its supervisor (bascule-supervise) say to each other, on a
 * SOCK_SEQPACKET pair: one struct a packet, of a size that its type has; TAKE as far as its texts go.
 *
 * front:	OPEN once, first
 *		TAKE: a worker for this plan; number is the front's, and new
 *		SIGNAL, FREE: of a worker or a chore; after FREE the number is nobody's
 *		BROKER with one descriptor: a socket that the supervisor gives a broker to speak on (broker_wire.h; an
 *		    OPEN there names a worker, and the supervisor adds that worker's end of the leg, if it keeps within the bounds)
 *		RUN with descriptors: a chore, one of a table of programs
 *		FILES with one descriptor: a socket for questions about files (files_wire.h), once
 * supervisor:	OPENED once, first
 *		HANDED with three descriptors: request (to write), results and logs (to read); the walls were seen, or why not
 *		LOST: it was never born, and there is nothing to hand
 *		GONE: a worker that was HANDED is dead and buried; or a chore has ended
 *		COUNT: of nurseries and parked workers, when they change
 *
 * Who sends anything else is not who it was: the supervisor ends, and all that it has started with it.  Both are built
 * together; the version catches one left over from another build.
 */
#ifndef CORE_DESK_WIRE_H
#define CORE_DESK_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "launcher/core/broker_wire.h"
#include "launcher/core/core.h"
#include "worker/contract/error.h"

#define DESK_VERSION	3
#define DESK_FD		3	/* in the supervisor */
#define DESK_FDS_MAX	3	/* with one packet */
#define DESK_PATH_BYTES	4096

enum desk_type {
	DESK_OPEN = 1,
	DESK_TAKE,
	DESK_SIGNAL,
	DESK_FREE,
	DESK_BROKER,
	DESK_RUN,
	DESK_FILES,
	DESK_OPENED,
	DESK_HANDED,
	DESK_LOST,
	DESK_GONE,
	DESK_COUNT,
};

struct desk_head {
	uint16_t	version;
	uint16_t	type;
	uint32_t	no;		/* 0 where no worker or chore is meant */
};

struct desk_open {
	struct desk_head head;
	uint32_t	parked_min, parked_max, nursery_forks, waived;
	uint32_t	numbers_max;	/* in use at a time: more than a front ever has */
	uint32_t	pad;
	int64_t		nursery_age_ms;
	uint64_t	memory_max;	/* of a worker, bytes; 0: the front may say */
	uint64_t	cpu_max;	/* seconds, likewise */
	struct wire_open bounds;	/* what the policy of a worker's way out keeps within: bounds.h */
	char		registry[DESK_PATH_BYTES];	/* connectors that were uploaded are below it; "": there are none */
};

/* A plan: its four paths with their NULs and its words, one behind the other.  Sent as far as they go. */
#define DESK_TAKE_TEXTS	4
struct desk_take {
	struct desk_head	head;
	uint64_t		memory_bytes;
	uint32_t		cpu_s, waived, tasks;
	uint32_t		words, behind;	/* bytes of words, and of those behind "--" */
	uint32_t		ahead;		/* 1: for a call that may come; HANDED or LOST at once, and in use when its leg is opened */
	struct file_id		spec;
	char			text[sizeof(struct nursery_plan)];
};
#define DESK_TAKE_BYTES(n)	(offsetof(struct desk_take, text) + (n))

struct desk_signal {
	struct desk_head	head;
	int32_t			sig;		/* SIGTERM, SIGKILL */
	uint32_t		pad;
};

struct desk_run {
	struct desk_head	head;
	uint32_t		what;		/* enum chore */
	uint32_t		pad;
};

struct desk_handed {
	struct desk_head	head;
	uint16_t		how;		/* enum relay_news: LOCKED, ENDED, BROKEN */
	uint16_t		in_group;
	uint32_t		pad;
	char			group_why[256];
	struct error		why;		/* BROKEN */
};

struct desk_lost {
	struct desk_head	head;
	uint32_t		again;
	uint32_t		pad;
	struct error		why;
};

struct desk_gone {
	struct desk_head	head;
	int32_t			status;		/* of wait4 */
	uint16_t		oom, undying;
	struct rusage		usage;
};

struct desk_count {
	struct desk_head	head;
	uint32_t		nurseries, parked;
};

union desk_packet {
	struct desk_head	head;
	struct desk_open	open;
	struct desk_take	take;
	struct desk_signal	signal;
	struct desk_run		run;
	struct desk_handed	handed;
	struct desk_lost	lost;
	struct desk_gone	gone;
	struct desk_count	count;
};

/* desk_take.c: bytes of the packet. */
size_t	desk_take_put(struct desk_take *, uint32_t no, bool ahead, const struct nursery_plan *);
/* -1: no front says that.  What lies behind the texts' ends is left as it was. */
int	desk_take_get(const struct desk_take *, size_t bytes, struct nursery_plan *);
/* desk_io.c.  0; 1: no room now; -1: the other side is gone. */
int	desk_send(int fd, const void *packet, size_t bytes, const int *fds, size_t nfds);
/*
 * 0 with *bytes, and fds (close-on-exec, -1 behind the last; all -1 where we may open no more); 1: nothing there now; -1: the other side is gone, or sent
 * what no packet is.
 */
int	desk_receive(int fd, union desk_packet *, size_t *bytes, int fds[DESK_FDS_MAX]);

#endif
