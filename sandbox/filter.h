/*
 * filter.h -- the filters as tables: what seccomp.c builds from and tests compare with.
 *
 * A profile is one table of rules; a column says in which of its filters a rule
 * stands.  Only EQ and MASKED_EQ comparisons, ints masked to 32 bits: libseccomp makes
 * too-wide filters of others, and the kernel drops the upper half of an int.  No two
 * rules of one filter may match the same call with different answers.
 */
#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

enum filter {
	FILTER_LOAD,		/* stage 1: a nursery loads */
	FILTER_LOAD_BARE,	/* the same where namespaces are waived */
	FILTER_LOCK,		/* stage 2: nursery and its workers */
	FILTER_LOCK_BARE,
	FILTER_NOFORK,		/* where namespaces are waived, on top, in each worker */
	FILTER_ALONE,		/* a connector run by hand */
	FILTER_BROKER,		/* the egress broker, once it has started */
	FILTER_GUEST_BIRTH,	/* a nursery of guests, until a worker has its walls */
	FILTER_GUEST,		/* a worker that becomes a program of somebody else's */
	FILTER_GUEST_MANY,	/* the same with processes */
	FILTER_GUEST_BARE,	/* as FILTER_GUEST, where namespaces are waived */
	FILTER_GUEST_BARE_MANY,	/* the same with processes */
	FILTER_GUEST_TOLD,	/* on top of these: what its keeper is told of */
	FILTER_KEEPER,		/* the keeper of such a guest */
	FILTER_FRONT,		/* the half of a server that speaks to the network */
	FILTER__MAX
};

/* What is answered; above 0: that errno, and the call is not run. */
#define ANSWER_NOTHING	0	/* success, and the call is not run */
#define ANSWER_ALLOW	(-1)
#define ANSWER_TRAP	(-2)	/* SIGSYS with the call's number: see trap.c */
#define ANSWER_KILL	(-3)
#define ANSWER_TELL	(-4)	/* never run: the caller stands still, and whoever listens is told the number; ENOSYS where nobody does */

#define RULE_ARGS_MAX	3
struct rule {
	int			 nr;		/* of this machine; below 0: it has no such call */
	int			 answer;
	unsigned int		 in;		/* bits (1u << enum filter) */
	const char		*why;
	unsigned int		 nargs;
	struct scmp_arg_cmp	 args[RULE_ARGS_MAX];
};

#define IN(filter)		(1u << (filter))
#define LOW32			0xffffffffu
#define ARG(n, mask, value)	{ .arg = (n), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), .datum_b = (value) }
#define INT_ARG(n, value)	ARG(n, LOW32, value)
#define NULL_ARG(n)		{ .arg = (n), .op = SCMP_CMP_EQ, .datum_a = 0 }
#define IF(...)			.nargs = sizeof((struct scmp_arg_cmp[]){ __VA_ARGS__ }) / sizeof(struct scmp_arg_cmp), \
				.args = { __VA_ARGS__ }

extern const struct rule	rules_native[];		/* rules_native.c */
extern const size_t		nrules_native;
extern const struct rule	rules_guest[];		/* rules_guest.c */
extern const size_t		nrules_guest;
/* Stand in that table for two numbers that are drawn when the filter is made for use: see guest.c. */
#define FILTER_COOKIE_A		0xc00c1ec00c1e000aull
#define FILTER_COOKIE_B		0xc00c1ec00c1e000bull
/* The numbers; zeroed: the table's own. */
extern uint64_t			filter_cookie[2];
/* Stands there for the process that the filter is loaded in: see kept.c. */
#define FILTER_OWN_PID		0x00c0ffeeu
extern const struct rule	rules_keeper[];		/* rules_keeper.c */
extern const size_t		nrules_keeper;
extern const struct rule	rules_broker[];		/* rules_broker.c */
extern const size_t		nrules_broker;
extern const struct rule	rules_front[];		/* rules_front.c */
extern const size_t		nrules_front;

/* "lock-bare" */
const char	*filter_name(enum filter);
/* The table it is taken from; rules without its bit are not its own. */
const struct rule *filter_table(enum filter, size_t *n);
/* The answer to a call that no rule knows. */
int		 filter_otherwise(enum filter);
/*
 * Built for this architecture (SCMP_ARCH_*), not loaded; seccomp_release() it.  NULL
 * with *what and *err.
 */
scmp_filter_ctx	 filter_make(enum filter, uint32_t arch, const char **what, int *err);

#endif
