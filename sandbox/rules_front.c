/*
 * rules_front.c -- what the server's front may ask of the kernel once it listens, a reason per line.
 *
 * It speaks HTTP and TLS to anybody and reads what workers write, so it is the one that will be taken over if any is.
 * It has its doors, its journal and a socket to its supervisor, and takes what it is handed: it starts nothing, opens
 * nothing, reaches nobody and signals nobody.  What is not listed here kills it at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sandbox/filter.h"

#define F	IN(FILTER_FRONT)
#define ALLOW	ANSWER_ALLOW
#define NAME(x)	SCMP_SYS(x)

const struct rule rules_front[] = {
	/* Callers. */
	{ NAME(accept4),	ALLOW,	F, "a caller comes" },
	{ NAME(listen),		ALLOW,	F, "a door that was closed for a while" },
	{ NAME(shutdown),	ALLOW,	F, "a caller is told that there is no more; so is the supervisor" },
	{ NAME(getsockname),	ALLOW,	F, "which door it is" },
	{ NAME(getpeername),	ALLOW,	F, "who it is" },
	{ NAME(getsockopt),	ALLOW,	F, "evhttp: of what family", IF(INT_ARG(1, SOL_SOCKET), INT_ARG(2, SO_DOMAIN)) },
	{ NAME(getsockopt),	ALLOW,	F, "bufferevents: did it fail", IF(INT_ARG(1, SOL_SOCKET), INT_ARG(2, SO_ERROR)) },
	{ NAME(getsockopt),	ALLOW,	F, "OpenSSL: what it is", IF(INT_ARG(1, SOL_SOCKET), INT_ARG(2, SO_TYPE)) },
	{ NAME(getsockopt),	ALLOW,	F, "whose process is at the other end", IF(INT_ARG(1, SOL_SOCKET), INT_ARG(2, SO_PEERCRED)) },
	{ NAME(getsockopt),	ALLOW,	F, "and in which groups it is", IF(INT_ARG(1, SOL_SOCKET), INT_ARG(2, SO_PEERGROUPS)) },
	{ NAME(setsockopt),	ALLOW,	F, "small answers are not held back", IF(INT_ARG(1, IPPROTO_TCP), INT_ARG(2, TCP_NODELAY)) },
	{ NAME(setsockopt),	ALLOW,	F, "a caller that vanished is noticed", IF(INT_ARG(1, SOL_SOCKET), INT_ARG(2, SO_KEEPALIVE)) },
	{ NAME(setsockopt),	ALLOW,	F, "one that is cut is cut", IF(INT_ARG(1, SOL_SOCKET), INT_ARG(2, SO_LINGER)) },
	{ NAME(ioctl),		ALLOW,	F, "how much a caller sent", IF(INT_ARG(1, FIONREAD)) },
	{ NAME(read),		ALLOW,	F, "callers, workers" },
	{ NAME(readv),		ALLOW,	F, "callers" },
	{ NAME(recvfrom),	ALLOW,	F, "callers, what the broker says" },
	{ NAME(write),		ALLOW,	F, "callers, requests to workers, the log" },
	{ NAME(writev),		ALLOW,	F, "callers" },
	{ NAME(sendfile),	ALLOW,	F, "archives to callers" },
	/* Without an address: of a socket that was connected for it. */
	{ NAME(sendto),		ALLOW,	F, "systemd, callers; to nobody else", IF(NULL_ARG(4), ARG(3, MSG_FASTOPEN, 0)) },

	/* The supervisor. */
	{ NAME(sendmsg),	ALLOW,	F, "orders, with descriptors" },
	{ NAME(recvmsg),	ALLOW,	F, "pipes of workers" },
	{ NAME(socketpair),	ALLOW,	F, "a way to a broker", IF(INT_ARG(0, AF_UNIX)) },
	{ NAME(wait4),		ALLOW,	F, "the supervisor's end" },
	{ NAME(pipe2),		ALLOW,	F, "what bascule doctor says, what the unpacker says" },
	{ NAME(close),		ALLOW,	F, "all ends" },
	{ NAME(fcntl),		ALLOW,	F, "a descriptor that goes along", IF(INT_ARG(1, F_DUPFD_CLOEXEC)) },
	{ NAME(fcntl),		ALLOW,	F, "pipes that are waited for", IF(INT_ARG(1, F_GETFL)) },
	{ NAME(fcntl),		ALLOW,	F, "pipes that are waited for", IF(INT_ARG(1, F_SETFL)) },
	{ NAME(fcntl),		ALLOW,	F, "libevent's", IF(INT_ARG(1, F_GETFD)) },
	{ NAME(fcntl),		ALLOW,	F, "libevent's", IF(INT_ARG(1, F_SETFD)) },

	/* The loop. */
	{ NAME(epoll_ctl),	ALLOW,	F, "the loop" },
	{ NAME(epoll_wait),	ALLOW,	F, "the loop" },
	{ NAME(epoll_pwait),	ALLOW,	F, "the loop, by its name on arm64" },
	{ NAME(epoll_pwait2),	ENOSYS,	F, "the loop of a newer libevent, which then takes the older call" },
	{ NAME(timerfd_settime), ALLOW,	F, "the loop's clock" },
	{ NAME(poll),		ALLOW,	F, "the broker's last word" },
	{ NAME(ppoll),		ALLOW,	F, "poll by its name on arm64" },
	{ NAME(rt_sigreturn),	ALLOW,	F, "SIGTERM, SIGHUP" },
	{ NAME(rt_sigprocmask),	ALLOW,	F, "at its end" },
	{ NAME(rt_sigaction),	ALLOW,	F, "libevent gives signals back at its end" },
	{ NAME(restart_syscall), ALLOW,	F, "a wait interrupted by a stop signal" },

	/* The journal, and other files that are open. */
	{ NAME(pread64),	ALLOW,	F, "the journal" },
	{ NAME(pwrite64),	ALLOW,	F, "the journal" },
	{ NAME(lseek),		ALLOW,	F, "the journal" },
	{ NAME(ftruncate),	ALLOW,	F, "the journal" },
	{ NAME(fdatasync),	ALLOW,	F, "the journal" },
	{ NAME(fsync),		ALLOW,	F, "the journal; files of the registry" },
	{ NAME(fallocate),	EOPNOTSUPP, F, "the journal: it then writes" },
	{ NAME(fcntl),		ALLOW,	F, "the journal's locks", IF(INT_ARG(1, F_SETLK)) },
	{ NAME(fcntl),		ALLOW,	F, "the journal's locks", IF(INT_ARG(1, F_GETLK)) },
	{ NAME(fstat),		ALLOW,	F, "what a descriptor is" },
	{ NAME(newfstatat),	ALLOW,	F, "the same of older libc: of no path", IF(INT_ARG(3, AT_EMPTY_PATH)) },
	{ NAME(fchmod),		ALLOW,	F, "a program that was uploaded" },
	{ NAME(getdents64),	ALLOW,	F, "a folder that it was handed" },

	/* Memory, never executable. */
	{ NAME(brk),		ALLOW,	F, "malloc" },
	{ NAME(munmap),		ALLOW,	F, "free" },
	{ NAME(mremap),		ALLOW,	F, "realloc", IF(ARG(3, ~(uint64_t)MREMAP_MAYMOVE, 0)) },
	{ NAME(madvise),	ALLOW,	F, "free, and pages of keys" },
	{ NAME(mmap),		ALLOW,	F, "malloc, the journal's index", IF(ARG(2, PROT_EXEC, 0)) },
	{ NAME(mprotect),	ALLOW,	F, "malloc", IF(ARG(2, PROT_EXEC, 0)) },
	{ NAME(mlock),		ALLOW,	F, "the page with the key of kept tokens" },
	{ NAME(mlock2),		ALLOW,	F, "the same" },
	{ NAME(munlock),	ALLOW,	F, "the same" },
	{ NAME(futex),		ALLOW,	F, "OpenSSL's locks" },

	/* Time, chance, ends. */
	{ NAME(clock_gettime),	ALLOW,	F, "where the vDSO cannot" },
	{ NAME(gettimeofday),	ALLOW,	F, "the same" },
	{ NAME(clock_nanosleep), ALLOW,	F, "the journal is locked by a reader" },
	{ NAME(getrandom),	ALLOW,	F, "ids, keys of TLS" },
	{ NAME(getpid),		ALLOW,	F, "OpenSSL and SQLite look whether they were forked" },
	{ NAME(gettid),		ALLOW,	F, "abort" },
	{ NAME(geteuid),	ALLOW,	F, "the journal's owner" },
	{ NAME(getuid),		ALLOW,	F, "the same" },
	{ NAME(sysinfo),	ALLOW,	F, "libc sorts many: how much memory there is" },
	{ NAME(sched_yield),	ALLOW,	F, "SQLite waits" },
	{ NAME(exit_group),	ALLOW,	F, "the end" },
};
const size_t	nrules_front = sizeof(rules_front) / sizeof(rules_front[0]);
