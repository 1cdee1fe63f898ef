/*
 * rules_native.c -- what a native connector may ask of the kernel, a reason per line.
 *
 * L: while a nursery loads (stage 1). K: for ever after (stage 2, inherited by every
 * worker). W: both.  What is not listed here is trapped and ends the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "sandbox/filter.h"

#define SET_MDWE	65		/* PR_SET_MDWE, Linux 6.3 */
#define FORK		(CLONE_PARENT | SIGCHLD)

#define L	(IN(FILTER_LOAD) | IN(FILTER_LOAD_BARE))
#define K	(IN(FILTER_LOCK) | IN(FILTER_LOCK_BARE) | IN(FILTER_ALONE))
#define W	(L | K)
#define FULL	(IN(FILTER_LOAD) | IN(FILTER_LOCK))
#define BARE	(IN(FILTER_LOAD_BARE) | IN(FILTER_LOCK_BARE))
#define ALLOW	ANSWER_ALLOW
#define NOTHING	ANSWER_NOTHING
#define KILL	ANSWER_KILL
#define TRAP	ANSWER_TRAP
#define NAME(x)	SCMP_SYS(x)

const struct rule rules_native[] = {
	/* Pipes, and sockets that the broker handed over. */
	{ NAME(read),		ALLOW,	W, "the request; nothing else is open for it but sockets" },
	{ NAME(write),		ALLOW,	W, "results and logs" },
	{ NAME(close),		ALLOW,	W, "connections end" },
	{ NAME(close_range),	ALLOW,	W, "a worker drops what is not its own" },
	{ NAME(recvfrom),	ALLOW,	W, "answers of the source" },
	{ NAME(recvmsg),	ALLOW,	W, "take a connected socket from the broker" },
	{ NAME(sendto),		ALLOW,	W, "requests; no address and no fast open: those connect by themselves",
	    IF(ARG(3, MSG_FASTOPEN, 0), NULL_ARG(4)) },
	{ NAME(poll),		ALLOW,	W, "libcurl waits" },
	{ NAME(ppoll),		ALLOW,	W, "poll by its other name on arm64" },
	{ NAME(getpeername),	ALLOW,	W, "libcurl notes whom it talks to" },
	{ NAME(getsockopt),	ALLOW,	W, "libcurl asks whether connecting failed",
	    IF(INT_ARG(1, SOL_SOCKET), INT_ARG(2, SO_ERROR)) },
	{ NAME(setsockopt),	ALLOW,	W, "no delay for small requests", IF(INT_ARG(1, IPPROTO_TCP), INT_ARG(2, TCP_NODELAY)) },
	{ NAME(fcntl),		ALLOW,	W, "libcurl makes sockets non-blocking", IF(INT_ARG(1, F_GETFL)) },
	{ NAME(fcntl),		ALLOW,	W, "libcurl makes sockets non-blocking", IF(INT_ARG(1, F_SETFL)) },
	{ NAME(fcntl),		ALLOW,	W, "is this descriptor open", IF(INT_ARG(1, F_GETFD)) },
	{ NAME(connect),	NOTHING, W, "libcurl 7.88 connects sockets that are connected already" },
	{ NAME(socket),		EACCES,	W, "libraries probe; the broker is the only way out" },
	{ NAME(socketpair),	EACCES,	W, "libcurl's wake-up, not needed" },
	{ NAME(eventfd2),	EACCES,	W, "wake-up of newer libcurl, not needed" },
	{ NAME(pipe2),		EACCES,	W, "wake-up of other builds, not needed" },
	{ NAME(getsockname),	EPERM,	W, "would tell the host's address" },
	{ NAME(ioctl),		EPERM,	W, "would list the host's interfaces" },

	/* Memory, never executable but for the loader. */
	{ NAME(brk),		ALLOW,	W, "malloc" },
	{ NAME(munmap),		ALLOW,	W, "free" },
	{ NAME(mremap),		ALLOW,	W, "realloc; not to a chosen address: code could be put where the trap's handler is",
	    IF(ARG(3, ~(uint64_t)MREMAP_MAYMOVE, 0)) },
	{ NAME(madvise),	ALLOW,	W, "free, secrets kept out of dumps" },
	{ NAME(mmap),		ALLOW,	W, "malloc; no shared or growing memory, which the limit does not count",
	    IF(ARG(2, PROT_EXEC, 0), ARG(3, MAP_SHARED | MAP_GROWSDOWN, 0)) },
	{ NAME(mprotect),	ALLOW,	W, "malloc", IF(ARG(2, PROT_EXEC, 0)) },
	{ NAME(mmap),		ALLOW,	L, "the loader maps libraries", IF(ARG(2, PROT_EXEC, PROT_EXEC)) },
	{ NAME(mprotect),	ALLOW,	L, "the loader", IF(ARG(2, PROT_EXEC, PROT_EXEC)) },

	/* Time, chance, ends. */
	{ NAME(clock_gettime),	ALLOW,	W, "where the vDSO cannot" },
	{ NAME(gettimeofday),	ALLOW,	W, "where the vDSO cannot" },
	{ NAME(clock_nanosleep), ALLOW,	W, "waits between attempts" },
	{ NAME(restart_syscall), ALLOW,	W, "a wait interrupted by a stop signal" },
	{ NAME(getrandom),	ALLOW,	W, "TLS" },
	{ NAME(futex),		ALLOW,	W, "OpenSSL's locks" },
	{ NAME(getpid),		ALLOW,	W, "OpenSSL notices that it was forked" },
	{ NAME(rt_sigprocmask),	ALLOW,	W, "abort()" },
	{ NAME(exit_group),	ALLOW,	W, "the end" },
	{ NAME(nfsservctl),	KILL,	W, "no kernel has it any more: how a trapped process ends (trap.c)" },
	{ NAME(capset),		ALLOW,	W, "a worker sheds its last capability; none can be gained" },
	{ NAME(setrlimit),	ALLOW,	W, "a worker may start no process, and cannot take it back", IF(INT_ARG(0, RLIMIT_NPROC)) },
	{ NAME(prctl),		ALLOW,	W, "a worker dies with the launcher, and cannot take it back",
	    IF(INT_ARG(0, PR_SET_PDEATHSIG), INT_ARG(1, SIGKILL)) },

	/* Signals by name, so that nobody else answers SIGSYS once stage 2 stands. */
	{ NAME(rt_sigaction),	ALLOW,	W, "libcurl and SIGPIPE", IF(INT_ARG(0, SIGPIPE)) },
	{ NAME(rt_sigaction),	ALLOW,	L, "the nursery ends when told", IF(INT_ARG(0, SIGTERM)) },
	{ NAME(rt_sigaction),	ALLOW,	L, "the nursery ends when told", IF(INT_ARG(0, SIGINT)) },
	{ NAME(rt_sigaction),	ALLOW,	L, "trap.c; a constructor may too, but no handler of its own can return",
	    IF(INT_ARG(0, SIGSYS)) },
	{ NAME(rt_sigaction),	ALLOW,	L, "OpenSSL on arm64 tries instructions", IF(INT_ARG(0, SIGILL)) },

	/* What libraries try and can live without. */
	{ NAME(clone3),		ENOSYS,	W, "its flags cannot be seen here" },
	{ NAME(fstat),		ALLOW,	W, "stdio looks at its descriptor" },
	{ NAME(lseek),		ESPIPE,	W, "stdio on a pipe" },
	{ NAME(sched_getaffinity), ENOSYS, W, "malloc counts processors" },
	{ NAME(sysinfo),	ENOSYS,	W, "qsort asks for memory" },

	/* Opening: while loading by Landlock's leave, then never; libraries look for files at any time. */
	{ NAME(openat),		ALLOW,	L, "libraries, CA file, specification" },
	{ NAME(openat),		ENOENT,	K, "libraries look for configuration; let them not find it" },
	{ NAME(newfstatat),	ALLOW,	L, "the loader" },
	{ NAME(newfstatat),	ENOENT,	K, "libraries look for configuration" },
	{ NAME(readlinkat),	ALLOW,	L, "the loader, for libraries beside a program" },
	{ NAME(readlink),	ALLOW,	L, "the loader, for libraries beside a program" },
	{ NAME(faccessat),	ENOENT,	W, "the loader looks for ld.so.preload" },
	{ NAME(access),		ENOENT,	W, "the loader looks for ld.so.preload" },
	{ NAME(pread64),	ALLOW,	L, "the loader" },

	/* A process comes to life. */
	{ NAME(execve),		ALLOW,	L, "the nursery itself" },
	{ NAME(set_tid_address), ALLOW,	L, "libc starts" },
	{ NAME(set_robust_list), ALLOW,	L, "libc starts" },
	{ NAME(rseq),		ALLOW,	L, "libc starts" },
	{ NAME(arch_prctl),	ALLOW,	L, "libc starts" },
	{ NAME(prlimit64),	ALLOW,	L, "libc asks for the stack's size" },
	{ NAME(prlimit64),	EPERM,	K, "libc asks for limits" },
	{ NAME(gettid),		ALLOW,	W, "abort()" },
	{ NAME(dup2),		ALLOW,	L, "the nursery places its descriptors" },
	{ NAME(dup3),		ALLOW,	L, "the nursery places its descriptors" },
	{ NAME(prctl),		ALLOW,	L, "no core, no tracer", IF(INT_ARG(0, PR_SET_DUMPABLE)) },
	{ NAME(prctl),		ALLOW,	L, "no executable memory", IF(INT_ARG(0, SET_MDWE)) },
	{ NAME(landlock_create_ruleset), ALLOW, L, "stage 2" },
	{ NAME(landlock_restrict_self), ALLOW, L, "stage 2" },

	/* The one process-making call, with exactly its flag word, and the filters that follow. */
	{ NAME(clone),		ALLOW,	FULL, "a nursery forks a worker", IF(INT_ARG(0, CLONE_NEWPID | FORK), NULL_ARG(1)) },
	{ NAME(clone),		ALLOW,	BARE, "a nursery forks a worker", IF(INT_ARG(0, FORK), NULL_ARG(1)) },
	{ NAME(seccomp),	ALLOW,	L | IN(FILTER_LOCK_BARE), "stage 2; without pid namespaces the child's own filter" },
	{ NAME(prctl),		ALLOW,	L | IN(FILTER_LOCK_BARE), "before it", IF(INT_ARG(0, PR_SET_NO_NEW_PRIVS)) },

	/* Without pid namespaces each child takes away what makes processes: everything else as before. */
	{ NAME(clone),		TRAP,	IN(FILTER_NOFORK), "a worker forks nothing" },
	{ NAME(seccomp),	TRAP,	IN(FILTER_NOFORK), "this was the last filter" },
};
const size_t	nrules_native = sizeof(rules_native) / sizeof(rules_native[0]);
