/*
 * rules_guest.c -- what a program of somebody else's may ask of the kernel: Node is the measure.
 *
 * G: the list.  What is not on it is answered ENOSYS, which libraries take for an old kernel; there is no trap, since
 * the program has its own handlers.  D: what only an attack asks for is death: the broker hears its number, the
 * launcher kills, and until then the caller stands still; it is refused in the nursery already, where a filter that
 * kills would leave nothing to hear.  What a worker needs for its own walls is death behind them.
 */
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "sandbox/filter.h"

/*
 * M: as G, and for those that may make processes.
 */
#define COOKIE(n, which) { .arg = (n), .op = SCMP_CMP_EQ, .datum_a = (which) }
/* In no process that it makes. */
#define NEVER	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
		 CLONE_PTRACE | CLONE_PARENT | CLONE_THREAD | CLONE_PIDFD)

/* As libc makes a thread (musl with a flag that means nothing any more), and in no other way. */
#define THREAD	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | \
		 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
/* As Go does, on amd64 with a place for its own data. */
#define GO_THREAD	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define TYPE_MASK	0xfu		/* SOCK_NONBLOCK and SOCK_CLOEXEC are above it */

/*
 * W: in namespaces, where it has a /tmp and a network of its own.  P: without them, where everything it could touch is
 * the host's, and its keeper is told of what leads out (T); N is to P as M to W.
 */
#define M	IN(FILTER_GUEST_MANY)
#define W	(IN(FILTER_GUEST) | M)
#define N	IN(FILTER_GUEST_BARE_MANY)
#define P	(IN(FILTER_GUEST_BARE) | N)
#define T	IN(FILTER_GUEST_TOLD)
#define G	(W | P)
#define D	(G | T | IN(FILTER_GUEST_BIRTH))
#define ALLOW	ANSWER_ALLOW
#define TELL	ANSWER_TELL
#define NAME(x)	SCMP_SYS(x)
#define PLAIN(x, why)	{ NAME(x), ALLOW, G, why }
#define DEATH(x)	{ NAME(x), TELL, D, "an attack" }
#define SHUT(x)		{ NAME(x), TELL, G | T, "the walls stand" }
#define WALLED(x, why)	{ NAME(x), ALLOW, W, why }
#define SOCKOPT(level, name, why)	{ NAME(setsockopt), ALLOW, G, why, IF(INT_ARG(1, level), INT_ARG(2, name)) }

const struct rule rules_guest[] = {
	/* Files, by Landlock's leave. */
	PLAIN(read, "the request, files"),
	PLAIN(readv, "files"),
	PLAIN(pread64, "files"),
	PLAIN(preadv, "files"),
	PLAIN(write, "results and logs"),
	PLAIN(writev, "logs"),
	WALLED(pwrite64, "files in /tmp"),
	WALLED(pwritev, "files in /tmp"),
	PLAIN(open, "files"),
	PLAIN(openat, "files"),
	PLAIN(close, "files"),
	PLAIN(close_range, "files"),
	PLAIN(fstat, "files"),
	PLAIN(stat, "files"),
	PLAIN(lstat, "files"),
	PLAIN(newfstatat, "files"),
	PLAIN(statx, "files"),
	PLAIN(statfs, "files"),
	PLAIN(fstatfs, "files"),
	PLAIN(lseek, "files"),
	PLAIN(access, "files"),
	PLAIN(faccessat, "files"),
	PLAIN(faccessat2, "files"),
	PLAIN(readlink, "modules are found by their real names"),
	PLAIN(readlinkat, "modules are found by their real names"),
	PLAIN(getdents64, "folders"),
	PLAIN(getcwd, "modules are found from here"),
	PLAIN(chdir, "the bundle's folder"),
	PLAIN(fchdir, "folders"),
	WALLED(mkdir, "/tmp"),
	WALLED(mkdirat, "/tmp"),
	WALLED(rmdir, "/tmp"),
	WALLED(unlink, "/tmp"),
	WALLED(unlinkat, "/tmp"),
	WALLED(rename, "/tmp"),
	WALLED(renameat, "/tmp"),
	WALLED(renameat2, "/tmp"),
	WALLED(ftruncate, "/tmp"),
	WALLED(truncate, "/tmp"),
	WALLED(fsync, "/tmp"),
	WALLED(fdatasync, "/tmp"),
	WALLED(fallocate, "/tmp"),
	WALLED(flock, "/tmp"),
	WALLED(utimensat, "/tmp"),
	WALLED(chmod, "/tmp"),
	WALLED(fchmod, "/tmp"),
	WALLED(fchmodat, "/tmp"),
	WALLED(symlink, "/tmp"),
	WALLED(symlinkat, "/tmp"),
	PLAIN(copy_file_range, "files"),
	PLAIN(sendfile, "files"),
	PLAIN(umask, "files"),
	PLAIN(dup, "descriptors"),
	PLAIN(dup2, "descriptors"),
	PLAIN(dup3, "descriptors"),
	{ NAME(fcntl),	ALLOW,	G, "descriptors", IF(INT_ARG(1, F_GETFL)) },
	{ NAME(fcntl),	ALLOW,	G, "descriptors", IF(INT_ARG(1, F_SETFL)) },
	{ NAME(fcntl),	ALLOW,	G, "descriptors", IF(INT_ARG(1, F_GETFD)) },
	{ NAME(fcntl),	ALLOW,	G, "descriptors", IF(INT_ARG(1, F_SETFD)) },
	{ NAME(fcntl),	ALLOW,	G, "descriptors", IF(INT_ARG(1, F_DUPFD)) },
	{ NAME(fcntl),	ALLOW,	G, "descriptors", IF(INT_ARG(1, F_DUPFD_CLOEXEC)) },
	{ NAME(ioctl),	ALLOW,	G, "is this a terminal", IF(INT_ARG(1, TCGETS)) },
	{ NAME(ioctl),	ALLOW,	G, "do not block", IF(INT_ARG(1, FIONBIO)) },
	{ NAME(ioctl),	ALLOW,	G, "how much is there", IF(INT_ARG(1, FIONREAD)) },
	{ NAME(ioctl),	ALLOW,	G, "close on exec", IF(INT_ARG(1, FIOCLEX)) },

	/* Memory, executable too: code is made while it runs. */
	PLAIN(brk, "malloc"),
	PLAIN(mmap, "malloc, libraries, code"),
	PLAIN(munmap, "malloc"),
	PLAIN(mremap, "malloc"),
	PLAIN(mprotect, "code is made while it runs"),
	PLAIN(madvise, "malloc"),
	PLAIN(membarrier, "threads that share code"),

	/* Threads, signals, ends. */
	{ NAME(clone),	ALLOW,	G, "a thread", IF(ARG(0, ~(uint64_t)CLONE_DETACHED, THREAD)) },
	{ NAME(clone),	ALLOW,	G, "a thread of Go", IF(ARG(0, ~(uint64_t)CLONE_SETTLS, GO_THREAD)) },
	PLAIN(set_robust_list, "threads"),
	PLAIN(set_tid_address, "threads"),
	PLAIN(rseq, "threads"),
	PLAIN(arch_prctl, "threads"),
	PLAIN(futex, "threads"),
	PLAIN(gettid, "threads"),
	PLAIN(sched_yield, "threads"),
	{ NAME(sched_getaffinity), ALLOW, G, "how many processors", IF(INT_ARG(0, 0)) },
	PLAIN(exit, "threads"),
	PLAIN(exit_group, "the end"),
	{ NAME(execve),	ALLOW,	IN(FILTER_GUEST) | IN(FILTER_GUEST_BARE), "the program itself: by a word that is gone with whoever knew it",
	    IF(COOKIE(4, FILTER_COOKIE_A), COOKIE(5, FILTER_COOKIE_B)) },
	{ NAME(execve),	ALLOW,	M | N, "what Landlock lets it execute" },
	{ NAME(clone),	ALLOW,	M | N, "a process", IF(ARG(0, NEVER, 0)) },
	{ NAME(fork),	ALLOW,	M | N, "a process" },
	{ NAME(vfork),	ALLOW,	M | N, "a process" },
	{ NAME(setpgid), EPERM,	M | N, "a shell's jobs: the launcher knows them by their session and group" },
	{ NAME(setsid),	EPERM,	M | N, "the launcher knows them by their session" },
	PLAIN(rt_sigaction, "signals"),
	PLAIN(rt_sigprocmask, "signals"),
	PLAIN(rt_sigreturn, "signals"),
	PLAIN(sigaltstack, "signals"),
	WALLED(kill, "itself: nobody else is in its pid namespace"),
	WALLED(tgkill, "abort()"),
	PLAIN(wait4, "children, where there are any"),
	PLAIN(waitid, "children, where there are any"),
	PLAIN(rt_sigsuspend, "a shell waits"),
	PLAIN(rt_sigtimedwait, "waiting for signals"),
	PLAIN(setitimer, "timeouts"),
	PLAIN(alarm, "timeouts"),
	PLAIN(timer_create, "Go"),
	PLAIN(timer_settime, "Go"),
	PLAIN(timer_delete, "Go"),
	PLAIN(restart_syscall, "a wait that was interrupted"),

	/* Who and what it is. */
	PLAIN(getpid, "identity"),
	PLAIN(getpgrp, "identity"),
	PLAIN(getpgid, "identity"),
	PLAIN(getppid, "identity"),
	PLAIN(getuid, "identity"),
	PLAIN(geteuid, "identity"),
	PLAIN(getgid, "identity"),
	PLAIN(getegid, "identity"),
	PLAIN(getresuid, "identity"),
	PLAIN(getresgid, "identity"),
	PLAIN(getgroups, "identity"),
	PLAIN(capget, "libuv looks whether it may use io_uring"),
	PLAIN(uname, "identity"),
	PLAIN(sysinfo, "how much memory"),
	PLAIN(getrusage, "process.resourceUsage()"),
	PLAIN(times, "clocks"),
	{ NAME(prlimit64), ALLOW, G, "reads limits, its own", IF(INT_ARG(0, 0), NULL_ARG(2)) },
	PLAIN(getrlimit, "reads limits"),
	{ NAME(prctl),	ALLOW,	G, "names of threads", IF(INT_ARG(0, PR_SET_NAME)) },
	{ NAME(prctl),	ALLOW,	G, "names of threads", IF(INT_ARG(0, PR_GET_NAME)) },

	/* Time and waiting. */
	PLAIN(clock_gettime, "time"),
	PLAIN(clock_getres, "time"),
	PLAIN(clock_nanosleep, "time"),
	PLAIN(nanosleep, "time"),
	PLAIN(gettimeofday, "time"),
	PLAIN(time, "time"),
	PLAIN(getrandom, "chance"),
	PLAIN(timerfd_create, "timers"),
	PLAIN(timerfd_settime, "timers"),
	PLAIN(epoll_create1, "the loop"),
	PLAIN(epoll_ctl, "the loop"),
	PLAIN(epoll_wait, "the loop"),
	PLAIN(epoll_pwait, "the loop"),
	PLAIN(eventfd2, "the loop"),
	PLAIN(pipe, "a shell"),
	PLAIN(pipe2, "the loop"),
	PLAIN(epoll_create, "the loop"),
	PLAIN(poll, "the loop"),
	PLAIN(ppoll, "the loop"),
	PLAIN(select, "the loop"),
	PLAIN(pselect6, "the loop"),
	WALLED(inotify_init1, "files that change"),
	WALLED(inotify_add_watch, "files that change"),
	WALLED(inotify_rm_watch, "files that change"),

	/* Sockets of the internet, in a namespace that holds nothing. */
	{ NAME(socket),	ALLOW,	G, "TCP", IF(INT_ARG(0, AF_INET), ARG(1, TYPE_MASK, SOCK_STREAM), INT_ARG(2, 0)) },
	{ NAME(socket),	ALLOW,	G, "TCP", IF(INT_ARG(0, AF_INET), ARG(1, TYPE_MASK, SOCK_STREAM), INT_ARG(2, IPPROTO_TCP)) },
	{ NAME(socket),	ALLOW,	G, "names are asked for", IF(INT_ARG(0, AF_INET), ARG(1, TYPE_MASK, SOCK_DGRAM), INT_ARG(2, 0)) },
	{ NAME(socket),	ALLOW,	G, "names are asked for", IF(INT_ARG(0, AF_INET), ARG(1, TYPE_MASK, SOCK_DGRAM), INT_ARG(2, IPPROTO_UDP)) },
	{ NAME(socket),	ALLOW,	G, "TCP", IF(INT_ARG(0, AF_INET6), ARG(1, TYPE_MASK, SOCK_STREAM), INT_ARG(2, 0)) },
	{ NAME(socket),	ALLOW,	G, "TCP", IF(INT_ARG(0, AF_INET6), ARG(1, TYPE_MASK, SOCK_STREAM), INT_ARG(2, IPPROTO_TCP)) },
	{ NAME(socket),	ALLOW,	G, "libc sorts addresses", IF(INT_ARG(0, AF_INET6), ARG(1, TYPE_MASK, SOCK_DGRAM), INT_ARG(2, 0)) },
	{ NAME(socket),	ALLOW,	G, "libc sorts addresses", IF(INT_ARG(0, AF_INET6), ARG(1, TYPE_MASK, SOCK_DGRAM), INT_ARG(2, IPPROTO_UDP)) },
	{ NAME(socket),	EACCES,	G, "frames", IF(INT_ARG(0, AF_PACKET)) },
	{ NAME(socket),	EACCES,	G, "libc asks its cache of names", IF(INT_ARG(0, AF_UNIX)) },
	{ NAME(socket),	EACCES,	G, "libc asks which families there are", IF(INT_ARG(0, AF_NETLINK)) },
	{ NAME(listen),	EACCES,	G, "nobody could connect to it" },
	PLAIN(connect, "sockets"),
	WALLED(bind, "sockets"),
	PLAIN(getsockname, "sockets"),
	PLAIN(getpeername, "sockets"),
	WALLED(sendto, "sockets"),
	PLAIN(recvfrom, "sockets"),
	WALLED(sendmsg, "sockets"),
	PLAIN(recvmsg, "sockets"),
	WALLED(sendmmsg, "names are asked for"),
	PLAIN(shutdown, "sockets"),
	{ NAME(getsockopt), ALLOW, G, "has it failed", IF(INT_ARG(1, SOL_SOCKET)) },
	{ NAME(getsockopt), ALLOW, G, "sockets", IF(INT_ARG(1, IPPROTO_TCP)) },
	SOCKOPT(SOL_SOCKET, SO_KEEPALIVE, "connections that are kept"),
	SOCKOPT(SOL_SOCKET, SO_REUSEADDR, "sockets"),
	SOCKOPT(SOL_SOCKET, SO_RCVBUF, "sockets"),
	SOCKOPT(SOL_SOCKET, SO_SNDBUF, "sockets"),
	SOCKOPT(IPPROTO_TCP, TCP_NODELAY, "small requests"),
	SOCKOPT(IPPROTO_TCP, TCP_KEEPIDLE, "connections that are kept"),
	SOCKOPT(IPPROTO_TCP, TCP_KEEPINTVL, "connections that are kept"),
	SOCKOPT(IPPROTO_TCP, TCP_KEEPCNT, "connections that are kept"),
	SOCKOPT(IPPROTO_IPV6, IPV6_V6ONLY, "sockets"),
	SOCKOPT(IPPROTO_IP, IP_RECVERR, "libc asks for names"),
	SOCKOPT(IPPROTO_IPV6, IPV6_RECVERR, "libc asks for names"),

	{ NAME(socketpair), ALLOW, G, "the loop of other languages", IF(INT_ARG(0, AF_UNIX), ARG(1, TYPE_MASK, SOCK_STREAM)) },
	PLAIN(recvmmsg, "names are asked for"),
	SOCKOPT(SOL_SOCKET, SO_RCVTIMEO, "timeouts"),
	SOCKOPT(SOL_SOCKET, SO_SNDTIMEO, "timeouts"),
	SOCKOPT(SOL_SOCKET, SO_LINGER, "sockets"),
	SOCKOPT(SOL_SOCKET, SO_BROADCAST, "Go, of every socket for names"),
	SOCKOPT(IPPROTO_TCP, TCP_USER_TIMEOUT, "timeouts"),

	{ NAME(seccomp), TELL, W | T, "the walls stand" },
	{ NAME(seccomp), ALLOW, P, "the last wall: by that word", IF(COOKIE(4, FILTER_COOKIE_A), COOKIE(5, FILTER_COOKIE_B)) },
	/* Without namespaces: no address is the kernel's to take from it, no signal leaves it. */
	{ NAME(connect), TELL,	T, "its keeper connects" },
	{ NAME(socket),	TELL,	T, "its keeper has one that leads to the name server", IF(INT_ARG(0, AF_INET), ARG(1, TYPE_MASK, SOCK_DGRAM)) },
	{ NAME(socket),	TELL,	T, "its keeper has one that leads to the name server", IF(INT_ARG(0, AF_INET6), ARG(1, TYPE_MASK, SOCK_DGRAM)) },
	{ NAME(bind),	EACCES,	P, "the host's addresses" },
	{ NAME(sendto),	ALLOW,	P, "connected sockets", IF(ARG(3, MSG_FASTOPEN, 0), NULL_ARG(4)) },
	{ NAME(sendmsg), ALLOW,	P, "to its keeper, once: by that word", IF(COOKIE(4, FILTER_COOKIE_A), COOKIE(5, FILTER_COOKIE_B)) },
	{ NAME(kill),	ALLOW,	P, "itself", IF(INT_ARG(0, FILTER_OWN_PID)) },
	{ NAME(tgkill),	ALLOW,	P, "abort()", IF(INT_ARG(0, FILTER_OWN_PID)) },

	SHUT(mount),
	SHUT(landlock_create_ruleset),
	SHUT(landlock_add_rule),
	SHUT(landlock_restrict_self),
	SHUT(capset),

	/* What only an attack asks for. */
	DEATH(ptrace),
	{ NAME(process_vm_readv), TELL, G | T, "an attack, but for a keeper" },
	DEATH(process_vm_writev),
	DEATH(process_madvise),
	DEATH(pidfd_getfd),
	DEATH(kcmp),
	DEATH(bpf),
	DEATH(perf_event_open),
	DEATH(userfaultfd),
	DEATH(unshare),
	DEATH(setns),
	DEATH(umount2),
	DEATH(pivot_root),
	DEATH(chroot),
	DEATH(open_tree),
	DEATH(move_mount),
	DEATH(fsopen),
	DEATH(fsconfig),
	DEATH(fsmount),
	DEATH(mount_setattr),
	DEATH(open_by_handle_at),
	DEATH(name_to_handle_at),
	DEATH(add_key),
	DEATH(request_key),
	DEATH(keyctl),
	DEATH(init_module),
	DEATH(finit_module),
	DEATH(delete_module),
	DEATH(kexec_load),
	DEATH(kexec_file_load),
	DEATH(reboot),
	DEATH(swapon),
	DEATH(swapoff),
	DEATH(acct),
	DEATH(quotactl),
	DEATH(syslog),
	DEATH(iopl),
	DEATH(ioperm),
	DEATH(modify_ldt),
	DEATH(settimeofday),
	DEATH(clock_settime),
	DEATH(sethostname),
	DEATH(setdomainname),
};
const size_t	nrules_guest = sizeof(rules_guest) / sizeof(rules_guest[0]);
