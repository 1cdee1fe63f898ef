/*
 * seccomp.c -- the allow-list of system calls, a reason per line.
 *
 * One table, a column for the stage: L while a nursery loads (stage 1), W for
 * ever after (stage 2, inherited by every worker).  What is not listed kills
 * the process.  Only EQ and MASKED_EQ comparisons, ints masked to 32 bits:
 * libseccomp makes too-wide filters of others, and the kernel drops the upper half.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "sandbox/private.h"

#define L		1u		/* stage 1 only */
#define W		2u		/* both stages */
#define ALLOW		(-1)
#define NOTHING		0		/* answer success and do nothing */
#define LOW32		0xffffffffu

#define ARG(n, mask, value)	{ .arg = (n), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), .datum_b = (value) }
#define NULL_ARG(n)		{ .arg = (n), .op = SCMP_CMP_EQ, .datum_a = 0 }
#define IF(...)			.nargs = sizeof((struct scmp_arg_cmp[]){ __VA_ARGS__ }) / sizeof(struct scmp_arg_cmp), \
				.args = { __VA_ARGS__ }

struct rule {
	int			 nr;
	int			 answer;	/* ALLOW, NOTHING or an errno */
	unsigned int		 stage;
	const char		*why;
	unsigned int		 nargs;
	struct scmp_arg_cmp	 args[3];
};

static const struct rule rules[] = {
	/* Pipes, and sockets that the broker handed over. */
	{ SCMP_SYS(read),	ALLOW,	W, "the request; nothing else is open for it but sockets" },
	{ SCMP_SYS(write),	ALLOW,	W, "results and logs" },
	{ SCMP_SYS(close),	ALLOW,	W, "connections end" },
	{ SCMP_SYS(close_range), ALLOW,	W, "a worker drops what is not its own" },
	{ SCMP_SYS(recvfrom),	ALLOW,	W, "answers of the source" },
	{ SCMP_SYS(recvmsg),	ALLOW,	W, "take a connected socket from the broker" },
	{ SCMP_SYS(sendto),	ALLOW,	W, "requests; no address and no fast open: those connect by themselves",
	    IF(ARG(3, MSG_FASTOPEN, 0), NULL_ARG(4)) },
	{ SCMP_SYS(poll),	ALLOW,	W, "libcurl waits" },
	{ SCMP_SYS(ppoll),	ALLOW,	W, "poll by its other name on arm64" },
	{ SCMP_SYS(getpeername), ALLOW,	W, "libcurl notes whom it talks to" },
	{ SCMP_SYS(getsockopt),	ALLOW,	W, "libcurl asks whether connecting failed",
	    IF(ARG(1, LOW32, SOL_SOCKET), ARG(2, LOW32, SO_ERROR)) },
	{ SCMP_SYS(setsockopt),	ALLOW,	W, "no delay for small requests",
	    IF(ARG(1, LOW32, IPPROTO_TCP), ARG(2, LOW32, TCP_NODELAY)) },
	{ SCMP_SYS(fcntl),	ALLOW,	W, "libcurl makes sockets non-blocking", IF(ARG(1, LOW32, F_GETFL)) },
	{ SCMP_SYS(fcntl),	ALLOW,	W, "the same", IF(ARG(1, LOW32, F_SETFL)) },
	{ SCMP_SYS(fcntl),	ALLOW,	W, "close-on-exec", IF(ARG(1, LOW32, F_GETFD)) },
	{ SCMP_SYS(fcntl),	ALLOW,	W, "close-on-exec", IF(ARG(1, LOW32, F_SETFD)) },
	{ SCMP_SYS(connect),	NOTHING, W, "libcurl 7.88 connects sockets that are connected already" },
	{ SCMP_SYS(socket),	EACCES,	W, "libraries probe; the broker is the only way out" },
	{ SCMP_SYS(socketpair),	EACCES,	W, "libcurl's wake-up, not needed" },
	{ SCMP_SYS(eventfd2),	EACCES,	W, "the same, newer libcurl" },
	{ SCMP_SYS(pipe2),	EACCES,	W, "the same, other builds" },
	{ SCMP_SYS(getsockname), EPERM,	W, "would tell the host's address" },
	{ SCMP_SYS(ioctl),	EPERM,	W, "would list the host's interfaces" },

	/* Memory, never executable (mmap and mprotect while loading: see below). */
	{ SCMP_SYS(brk),	ALLOW,	W, "malloc" },
	{ SCMP_SYS(munmap),	ALLOW,	W, "free" },
	{ SCMP_SYS(mremap),	ALLOW,	W, "realloc of large buffers" },
	{ SCMP_SYS(madvise),	ALLOW,	W, "free, secrets kept out of dumps" },
	{ SCMP_SYS(mmap),	ALLOW,	W, "malloc; no shared or growing memory, which the limit does not count",
	    IF(ARG(2, PROT_EXEC, 0), ARG(3, MAP_SHARED | MAP_GROWSDOWN, 0)) },
	{ SCMP_SYS(mprotect),	ALLOW,	W, "malloc", IF(ARG(2, PROT_EXEC, 0)) },
	{ SCMP_SYS(mmap),	ALLOW,	L, "the loader maps libraries" , IF(ARG(2, PROT_EXEC, PROT_EXEC)) },
	{ SCMP_SYS(mprotect),	ALLOW,	L, "the loader", IF(ARG(2, PROT_EXEC, PROT_EXEC)) },

	/* Time, chance, ends. */
	{ SCMP_SYS(clock_gettime), ALLOW, W, "where the vDSO cannot" },
	{ SCMP_SYS(gettimeofday), ALLOW, W, "the same" },
	{ SCMP_SYS(clock_nanosleep), ALLOW, W, "waits between attempts" },
	{ SCMP_SYS(nanosleep),	ALLOW,	W, "the same" },
	{ SCMP_SYS(restart_syscall), ALLOW, W, "a wait interrupted by a stop signal" },
	{ SCMP_SYS(getrandom),	ALLOW,	W, "TLS" },
	{ SCMP_SYS(futex),	ALLOW,	W, "OpenSSL's locks" },
	{ SCMP_SYS(getpid),	ALLOW,	W, "OpenSSL notices that it was forked" },
	{ SCMP_SYS(getuid),	ALLOW,	W, "says nobody" },
	{ SCMP_SYS(geteuid),	ALLOW,	W, "says nobody" },
	{ SCMP_SYS(getgid),	ALLOW,	W, "says nogroup" },
	{ SCMP_SYS(getegid),	ALLOW,	W, "says nogroup" },
	{ SCMP_SYS(rt_sigaction), ALLOW, W, "libcurl and SIGPIPE" },
	{ SCMP_SYS(rt_sigprocmask), ALLOW, W, "libc" },
	{ SCMP_SYS(rt_sigreturn), ALLOW, W, "libc" },
	{ SCMP_SYS(exit),	ALLOW,	W, "the end" },
	{ SCMP_SYS(exit_group),	ALLOW,	W, "the end" },
	{ SCMP_SYS(capset),	ALLOW,	W, "a worker sheds its last capability; none can be gained" },
	{ SCMP_SYS(setrlimit),	ALLOW,	W, "a worker may start no process, and cannot take it back",
	    IF(ARG(0, LOW32, RLIMIT_NPROC)) },
	{ SCMP_SYS(prctl),	ALLOW,	W, "a worker dies with the launcher, and cannot take it back",
	    IF(ARG(0, LOW32, PR_SET_PDEATHSIG), ARG(1, LOW32, SIGKILL)) },

	/* What libraries try and can live without. */
	{ SCMP_SYS(clone3),	ENOSYS,	W, "its flags cannot be seen here" },
	{ SCMP_SYS(fstat),	ALLOW,	W, "stdio looks at its descriptor" },
	{ SCMP_SYS(lseek),	ESPIPE,	W, "stdio on a pipe" },
	{ SCMP_SYS(sched_getaffinity), ENOSYS, W, "malloc counts processors" },
	{ SCMP_SYS(sysinfo),	ENOSYS,	W, "qsort asks for memory" },
	{ SCMP_SYS(uname),	EPERM,	W, "would tell the host's name" },

	/* Opening: while loading by Landlock's leave, then never. */
	{ SCMP_SYS(openat),	ALLOW,	L, "libraries, CA file, specification" },
	{ SCMP_SYS(newfstatat),	ALLOW,	L, "the loader" },
	{ SCMP_SYS(readlinkat),	ALLOW,	L, "the loader" },
	{ SCMP_SYS(pread64),	ALLOW,	L, "the loader" },
	{ SCMP_SYS(getdents64),	ALLOW,	L, "libraries look through folders" },

	/* A process comes to life. */
	{ SCMP_SYS(execve),	ALLOW,	L, "the nursery itself" },
	{ SCMP_SYS(set_tid_address), ALLOW, L, "libc starts" },
	{ SCMP_SYS(set_robust_list), ALLOW, L, "libc starts" },
	{ SCMP_SYS(rseq),	ALLOW,	L, "libc starts" },
	{ SCMP_SYS(prlimit64),	ALLOW,	L, "libc asks for the stack's size" },
	{ SCMP_SYS(prctl),	ALLOW,	L, "no core, no executable memory", IF(ARG(0, LOW32, PR_SET_DUMPABLE)) },
	{ SCMP_SYS(prctl),	ALLOW,	L, "before Landlock", IF(ARG(0, LOW32, PR_SET_NO_NEW_PRIVS)) },
	{ SCMP_SYS(prctl),	ALLOW,	L, "before a filter", IF(ARG(0, LOW32, PR_SET_SECCOMP)) },
	{ SCMP_SYS(prctl),	ALLOW,	L, "MDWE", IF(ARG(0, LOW32, 65)) },
	{ SCMP_SYS(seccomp),	ALLOW,	L, "stage 2" },
	{ SCMP_SYS(landlock_create_ruleset), ALLOW, L, "stage 2" },
	{ SCMP_SYS(landlock_restrict_self), ALLOW, L, "stage 2" },
	{ SCMP_SYS(dup3),	ALLOW,	L, "the nursery places its descriptors" },
	{ SCMP_SYS(gettid),	ALLOW,	L, "OpenSSL starts" },
#ifdef __x86_64__
	{ SCMP_SYS(arch_prctl),	ALLOW,	L, "libc starts" },
	{ SCMP_SYS(open),	ALLOW,	L, "older libraries" },
	{ SCMP_SYS(access),	ENOENT,	L, "the loader looks for ld.so.preload" },
	{ SCMP_SYS(dup2),	ALLOW,	L, "the nursery places its descriptors" },
	{ SCMP_SYS(readlink),	ALLOW,	L, "older libraries" },
	{ SCMP_SYS(stat),	ALLOW,	L, "older libraries" },
	{ SCMP_SYS(lstat),	ALLOW,	L, "older libraries" },
#endif
	{ SCMP_SYS(faccessat),	ENOENT,	L, "the loader looks for ld.so.preload" },
};

/* In stage 2 these answer instead of killing: libraries look for files at any time. */
static const struct rule lock_rules[] = {
	{ SCMP_SYS(openat),	ENOENT,	W, "libraries look for configuration; let them not find it" },
	{ SCMP_SYS(newfstatat),	ENOENT,	W, "the same" },
	{ SCMP_SYS(readlinkat),	ENOENT,	W, "the same" },
	{ SCMP_SYS(faccessat),	ENOENT,	W, "the same" },
	{ SCMP_SYS(prlimit64),	EPERM,	W, "libc asks for limits" },
	{ SCMP_SYS(gettid),	ALLOW,	W, "OpenSSL's error queue" },
#ifdef __x86_64__
	{ SCMP_SYS(open),	ENOENT,	W, "the same" },
	{ SCMP_SYS(stat),	ENOENT,	W, "the same" },
	{ SCMP_SYS(lstat),	ENOENT,	W, "the same" },
	{ SCMP_SYS(access),	ENOENT,	W, "the same" },
	{ SCMP_SYS(readlink),	ENOENT,	W, "the same" },
#endif
};

static void
rule_add(scmp_filter_ctx ctx, const struct rule *r)
{
	uint32_t	 act = r->answer == ALLOW ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((uint16_t)r->answer);
	int		 err;

	/* seccomp_init's default action and an equal rule: refused by libseccomp, never wanted. */
	if ((err = seccomp_rule_add_array(ctx, act, r->nr, r->nargs, r->args)) != 0)
		sandbox_die(LAYER_SECCOMP, r->why, -err);
}

/* The one process-making call, with exactly its flag word. */
static void
clone_add(scmp_filter_ctx ctx, unsigned int waived)
{
	unsigned long	 word = CLONE_PARENT | SIGCHLD | (ON(waived, LAYER_NAMESPACES) ? CLONE_NEWPID : 0);
	struct rule	 r = { SCMP_SYS(clone), ALLOW, W, "a nursery forks a worker", IF(ARG(0, LOW32, word), NULL_ARG(1)) };

	rule_add(ctx, &r);
}

static void
filter_build(scmp_filter_ctx ctx, enum filter f, unsigned int waived)
{
	unsigned int	 stages = f == FILTER_LOAD ? L | W : W;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].stage & stages)
			rule_add(ctx, &rules[i]);
	if (f != FILTER_ALONE)
		clone_add(ctx, waived);
	if (f == FILTER_LOAD)
		return;
	for (size_t i = 0; i < sizeof(lock_rules) / sizeof(lock_rules[0]); i++)
		rule_add(ctx, &lock_rules[i]);
	/* Without pid namespaces each child takes clone away from itself, by one more filter. */
	if (f == FILTER_LOCK && !ON(waived, LAYER_NAMESPACES)) {
		const struct rule	 more[] = {
			{ SCMP_SYS(seccomp), ALLOW, W, "the child's own filter" },
			{ SCMP_SYS(prctl), ALLOW, W, "before it", IF(ARG(0, LOW32, PR_SET_NO_NEW_PRIVS)) },
			{ SCMP_SYS(prctl), ALLOW, W, "before it", IF(ARG(0, LOW32, PR_SET_SECCOMP)) },
		};

		for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
			rule_add(ctx, &more[i]);
	}
}

static void
nofork_build(scmp_filter_ctx ctx)
{
	const int	 gone[] = { SCMP_SYS(clone), SCMP_SYS(seccomp) };

	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, gone[i], 0) != 0)
			sandbox_die(LAYER_SECCOMP, "take clone away", 0);
}

void
filter_enter(enum filter f, unsigned int waived)
{
	scmp_filter_ctx	 ctx;
	int		 err;

	ctx = seccomp_init(f == FILTER_NOFORK ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
	if (ctx == NULL)
		sandbox_die(LAYER_SECCOMP, "no memory", 0);
	if (f == FILTER_NOFORK)
		nofork_build(ctx);
	else
		filter_build(ctx, f, waived);
	if ((err = seccomp_load(ctx)) != 0)
		sandbox_die(LAYER_SECCOMP, "load the filter", -err);
	seccomp_release(ctx);
}
