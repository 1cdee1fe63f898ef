/*
 * rules_broker.c -- what the egress broker may ask of the kernel once it has started, a reason per line.
 *
 * It parses what name servers and workers send, and it alone reaches the network: it resolves, connects and
 * hands sockets over.  It starts no program, opens what Landlock leaves it to read, and
 * makes threads of its own.  It runs no code of others: what is not listed here kills it at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sandbox/filter.h"

#define THREAD	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | \
		CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define SIG_SETXID	33		/* libc's own */

#define B	IN(FILTER_BROKER)
#define ALLOW	ANSWER_ALLOW
#define NAME(x)	SCMP_SYS(x)

const struct rule rules_broker[] = {
	/* Sockets: of the internet, and the one that lists this host's addresses. */
	{ NAME(socket),		ALLOW,	B, "name servers, sources", IF(INT_ARG(0, AF_INET)) },
	{ NAME(socket),		ALLOW,	B, "name servers, sources", IF(INT_ARG(0, AF_INET6)) },
	{ NAME(socket),		ALLOW,	B, "the resolver sorts by the addresses there are here",
	    IF(INT_ARG(0, AF_NETLINK), INT_ARG(2, NETLINK_ROUTE)) },
	{ NAME(socket),		EACCES,	B, "the resolver tries nscd and the like", IF(INT_ARG(0, AF_UNIX)) },
	{ NAME(bind),		ALLOW,	B, "the resolver, of its netlink socket; Landlock keeps TCP ports" },
	{ NAME(connect),	ALLOW,	B, "what it is for" },
	{ NAME(accept4),	ALLOW,	B, "connections of guests, in their own networks" },
	{ NAME(shutdown),	ALLOW,	B, "half of one ends" },
	{ NAME(setsockopt),	ALLOW,	B, "a guest sees a refused one reset", IF(INT_ARG(1, SOL_SOCKET), INT_ARG(2, SO_LINGER)) },
	{ NAME(getsockname),	ALLOW,	B, "both ends on one address is this very host" },
	{ NAME(getpeername),	ALLOW,	B, "the peer is looked at again" },
	{ NAME(getsockopt),	ALLOW,	B, "did it connect", IF(INT_ARG(1, SOL_SOCKET), INT_ARG(2, SO_ERROR)) },
	{ NAME(getsockopt),	ALLOW,	B, "bytes of a connection", IF(INT_ARG(1, IPPROTO_TCP), INT_ARG(2, TCP_INFO)) },
	{ NAME(setsockopt),	ALLOW,	B, "no delay for small requests", IF(INT_ARG(1, IPPROTO_TCP), INT_ARG(2, TCP_NODELAY)) },
	{ NAME(setsockopt),	ALLOW,	B, "the resolver hears of refusals", IF(INT_ARG(1, IPPROTO_IP), INT_ARG(2, IP_RECVERR)) },
	{ NAME(setsockopt),	ALLOW,	B, "the resolver hears of refusals", IF(INT_ARG(1, IPPROTO_IPV6), INT_ARG(2, IPV6_RECVERR)) },
	{ NAME(sendto),		ALLOW,	B, "questions to name servers, a proxy's greeting, the ready word" },
	{ NAME(sendmmsg),	ALLOW,	B, "two questions to a name server at once" },
	{ NAME(sendmsg),	ALLOW,	B, "a socket handed over" },
	{ NAME(recvfrom),	ALLOW,	B, "answers of name servers and proxies" },
	{ NAME(recvmsg),	ALLOW,	B, "legs and questions" },
	{ NAME(ioctl),		ALLOW,	B, "how much a name server sent", IF(INT_ARG(1, FIONREAD)) },
	{ NAME(ioctl),		ALLOW,	B, "what a worker has not taken yet", IF(INT_ARG(1, TIOCOUTQ)) },
	{ NAME(ioctl),		ALLOW,	B, "a guest's forbidden call; it is never answered", IF(INT_ARG(1, SECCOMP_IOCTL_NOTIF_RECV)) },

	/* Waiting. */
	{ NAME(epoll_create1),	ALLOW,	B, "the loop" },
	{ NAME(epoll_ctl),	ALLOW,	B, "the loop" },
	{ NAME(epoll_wait),	ALLOW,	B, "the loop" },
	{ NAME(epoll_pwait),	ALLOW,	B, "the loop, by its name on arm64" },
	{ NAME(eventfd2),	ALLOW,	B, "threads wake the loop" },
	{ NAME(poll),		ALLOW,	B, "threads wait for connections, the resolver for answers" },
	{ NAME(ppoll),		ALLOW,	B, "poll by its name on arm64" },
	{ NAME(read),		ALLOW,	B, "the wake-up, the resolver's files" },
	{ NAME(write),		ALLOW,	B, "the wake-up, complaints" },
	{ NAME(writev),		ALLOW,	B, "the resolver over TCP" },
	{ NAME(close),		ALLOW,	B, "connections end" },

	/* The resolver's files, by Landlock's leave. */
	{ NAME(openat),		ALLOW,	B, "resolv.conf and its kin" },
	{ NAME(newfstatat),	ALLOW,	B, "have they changed" },
	{ NAME(fstat),		ALLOW,	B, "stdio looks at its descriptor" },
	{ NAME(lseek),		ALLOW,	B, "stdio" },
	{ NAME(uname),		ALLOW,	B, "the resolver asks for the host's own domain" },

	/* Memory, never executable. */
	{ NAME(brk),		ALLOW,	B, "malloc" },
	{ NAME(munmap),		ALLOW,	B, "free" },
	{ NAME(mremap),		ALLOW,	B, "realloc", IF(ARG(3, ~(uint64_t)MREMAP_MAYMOVE, 0)) },
	{ NAME(madvise),	ALLOW,	B, "free, stacks of threads" },
	{ NAME(mmap),		ALLOW,	B, "malloc, stacks", IF(ARG(2, PROT_EXEC, 0)) },
	{ NAME(mprotect),	ALLOW,	B, "malloc, stacks", IF(ARG(2, PROT_EXEC, 0)) },

	/* Threads. */
	{ NAME(clone3),		ENOSYS,	B, "its flags cannot be seen here; libc then takes clone" },
	{ NAME(clone),		ALLOW,	B, "a thread", IF(INT_ARG(0, THREAD)) },
	{ NAME(set_robust_list), ALLOW,	B, "a thread starts" },
	{ NAME(rseq),		ALLOW,	B, "a thread starts" },
	{ NAME(futex),		ALLOW,	B, "threads wait for work" },
	{ NAME(rt_sigprocmask),	ALLOW,	B, "a thread starts and ends" },
	{ NAME(rt_sigaction),	ALLOW,	B, "libc's first thread", IF(INT_ARG(0, SIG_SETXID)) },
	{ NAME(exit),		ALLOW,	B, "a thread ends" },
	{ NAME(sched_getaffinity), ENOSYS, B, "malloc counts processors" },
	{ NAME(prlimit64),	EPERM,	B, "libc asks for the stack's size" },

	/* Time, chance, ends. */
	{ NAME(clock_gettime),	ALLOW,	B, "where the vDSO cannot" },
	{ NAME(gettimeofday),	ALLOW,	B, "the same, where the vDSO cannot" },
	{ NAME(restart_syscall), ALLOW,	B, "a wait interrupted by a stop signal" },
	{ NAME(getrandom),	ALLOW,	B, "the numbers of questions" },
	{ NAME(exit_group),	ALLOW,	B, "the end" },
};
const size_t	nrules_broker = sizeof(rules_broker) / sizeof(rules_broker[0]);
