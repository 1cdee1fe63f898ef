/*
 * worker_fd.h -- what a worker is born with.  Nothing else is open, and its
 * environment is empty.
 */
#ifndef CONTRACT_WORKER_FD_H
#define CONTRACT_WORKER_FD_H

#include <assert.h>
#include <unistd.h>

enum worker_fd {
	FD_REQUEST,	/* read: one JSON document, then EOF */
	FD_RESULT,	/* write: result lines */
	FD_LOG,		/* write: log lines */
	FD_EGRESS,	/* SOCK_SEQPACKET to the egress broker */
	FD__COUNT
};
static_assert(FD_REQUEST == STDIN_FILENO && FD_RESULT == STDOUT_FILENO &&
    FD_LOG == STDERR_FILENO, "a worker's first three are the usual ones");

/* A nursery has these beside them: its orders, and where it complains. */
enum nursery_fd {
	FD_ORDERS = FD__COUNT,	/* SOCK_SEQPACKET to the launcher */
	FD_COMPLAINT,		/* write: why it could not start */
	FD__NURSERY_COUNT
};

/* What a guest has instead (worker/guest): whatever it writes to the usual two is log. */
enum guest_fd {
	GUEST_FD_REQUEST,	/* as FD_REQUEST */
	GUEST_FD_LOG,
	GUEST_FD_ERROR,		/* the same pipe */
	GUEST_FD_RESULT,	/* as FD_RESULT, without "locked" */
	GUEST_FD__COUNT
};

/* argv[1] of a connector that is started as a nursery; argv[2]: waived layers, a decimal bit set;
   for a guest argv[3]: the folder of its files, argv[4]: its memory in MiB, then words (guest_word.h), "--", and the
   program with its arguments where the connector says which. */
#define NURSERY_ARG	"--nursery"	/* WAIVED [FOLDER]: of the files that lie beside other connectors' programs */
#define NURSERY_ONCE_ARG "--nursery-once" /* the same, for one worker: nothing is made ready for others; no guest's */

/* Launcher to nursery: fork one.  FD__COUNT descriptors come with it, in enum order. */
struct nursery_order {
	unsigned int	serial;
	unsigned int	parked;		/* 1: its request will not come at once, so it may use the time */
};
/* Nursery to launcher: ready (serial 0, once) or forked. */
struct nursery_report {
	unsigned int	serial;
	int		pid;		/* > 0, or -errno */
};

#endif
