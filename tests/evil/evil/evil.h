/*
 * evil.h -- between the files of the hostile connector.
 *
 * Each command is one attack.  Answered attacks say so in a record:
 *   {"attack":"x","result":"refused","errno":n}
 *   {"attack":"x","result":"ESCAPED",...}
 */
#ifndef EVIL_H
#define EVIL_H

#include "worker/runtime/bascule.h"

#define PREFIX	"evil:"

/* One record; err as errno gives it. */
int	report(struct call *c, const char *result, int err);
/* "ESCAPED" for a call that gave no -1, else "refused" with errno. */
int	report_call(struct call *c, long r);
/* The attack's name: the command's without its prefix. */
const char *attack_name(const struct call *c);

/* calls.c: one system call each, by number. */
int	attack_call(struct call *c);
int	attack_int80(struct call *c);
int	attack_x32(struct call *c);
int	attack_mprotect(struct call *c);
int	attack_mmap(struct call *c);
int	attack_connect(struct call *c);
int	attack_egress(struct call *c);
int	attack_abort(struct call *c);
int	show_env(struct call *c);
int	show_fds(struct call *c);
int	show_pid(struct call *c);
int	show_uid(struct call *c);

/* traps.c: what would live on after a trap, or put a wrong name to its death. */
int	trap_blocked(struct call *c);
int	trap_bad_stack(struct call *c);
int	trap_unmapped(struct call *c);
int	trap_forged(struct call *c);
int	trap_no_log(struct call *c);
int	trap_half_line(struct call *c);
int	trap_full_log(struct call *c);

/* way_out.c: what goes to the egress broker. */
int	attack_hammer(struct call *c);
int	attack_hurry(struct call *c);
int	attack_nul_host(struct call *c);
int	attack_huge_host(struct call *c);
int	attack_lengths(struct call *c);

/* wire.c: what goes down the result pipe. */
int	attack_line(struct call *c);
int	attack_read(struct call *c);
int	attack_half_line(struct call *c);
int	attack_long_line(struct call *c);
int	attack_endless_line(struct call *c);
int	attack_deep(struct call *c);
int	attack_flood(struct call *c);
int	attack_flood_log(struct call *c);
int	attack_half_log(struct call *c);
int	attack_slow(struct call *c);
int	attack_silent_close(struct call *c);
int	attack_close_stdin(struct call *c);
int	attack_end_then_hang(struct call *c);

/* greed.c: time, memory, ends. */
int	attack_hang(struct call *c);
int	attack_ignore_term(struct call *c);
int	attack_deathless(struct call *c);
int	attack_no_verdict(struct call *c);
int	attack_exit_nonzero(struct call *c);
int	attack_crash(struct call *c);
int	attack_alloc(struct call *c);
int	attack_map(struct call *c);
int	attack_cpu(struct call *c);
int	attack_stack(struct call *c);

/*
 * The tables behind attack_call and attack_line, where main.c takes the
 * command names from: X(name, number, arguments...) and X(name, text).
 */
#ifdef __x86_64__
#define X86_CALLS(X)						\
	X("fork", SYS_fork, 0)					\
	X("vfork-plain", SYS_vfork, 0)				\
	X("open-old", SYS_open, A("/etc/passwd"), 0)		\
	X("modify-ldt", SYS_modify_ldt, 0, 0, 0)		\
	X("iopl", SYS_iopl, 3)					\
	X("arch-prctl", SYS_arch_prctl, 0x1002, A(zeros))
#else
#define X86_CALLS(X)
#endif

#define A(p)	(intptr_t)(p)
/* All of these are unknown to the filter, or asked for with an argument that is. */
#define MORE_CALLS(X)						\
	X("clone-user", SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) \
	X("clone-net", SYS_clone, CLONE_NEWNET | CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) \
	X("clone-stack", SYS_clone, CLONE_NEWPID | CLONE_PARENT | SIGCHLD, A(zeros + PAGE_BYTES), 0, 0, 0) \
	X("clone-thread", SYS_clone, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, A(zeros + PAGE_BYTES), 0, 0, 0) \
	X("exec-fd", SYS_execveat, FD_REQUEST, A(""), A(sh_argv), A(sh_argv + 1), AT_EMPTY_PATH) \
	X("ptrace-attach", SYS_ptrace, PTRACE_ATTACH, 1, 0, 0) \
	X("ptrace-seize", SYS_ptrace, PTRACE_SEIZE, 1, 0, 0) \
	X("vm-write", SYS_process_vm_writev, 1, A(zeros), 1, A(zeros), 1, 0) \
	X("pidfd-getfd", 438, FD_EGRESS, 0, 0) \
	X("pidfd-signal", 424, FD_EGRESS, 0, 0, 0) \
	X("kcmp", SYS_kcmp, 1, 1, 0, 0, 0) \
	X("io-uring-enter", 426, FD_EGRESS, 1, 0, 0, 0) \
	X("io-uring-register", 427, FD_EGRESS, 0, 0, 0) \
	X("aio", SYS_io_setup, 1, A(zeros)) \
	X("request-key", SYS_request_key, A("user"), A("x"), 0, 0) \
	X("memfd-secret", 447, 0) \
	X("unshare-net", SYS_unshare, CLONE_NEWNET) \
	X("unshare-mount", SYS_unshare, CLONE_NEWNS) \
	X("unshare-files", SYS_unshare, CLONE_FILES) \
	X("setns-user", SYS_setns, 0, CLONE_NEWUSER) \
	X("fsopen", 430, A("tmpfs"), 0) \
	X("open-tree", 428, AT_FDCWD, A("/"), 1) \
	X("move-mount", 429, AT_FDCWD, A("/"), AT_FDCWD, A("/"), 0) \
	X("mount-setattr", 442, AT_FDCWD, A("/"), 0, A(zeros), 32) \
	X("capget", SYS_capget, A(zeros), A(zeros)) \
	X("setgroups", SYS_setgroups, 0, 0) \
	X("setresuid", SYS_setresuid, 0, 0, 0) \
	X("setfsuid", SYS_setfsuid, 0) \
	X("prctl-name", SYS_prctl, PR_SET_NAME, A("init"), 0, 0, 0) \
	X("prctl-ambient", SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0) \
	X("prctl-mm", SYS_prctl, PR_SET_MM, PR_SET_MM_START_CODE, 0, 0, 0) \
	X("prctl-subreaper", SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) \
	X("prctl-seccomp", SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, A(zeros), 0, 0) \
	X("prctl-death", SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0) \
	X("prctl-upper", SYS_prctl, (1l << 32) | PR_SET_DUMPABLE, 1, 0, 0, 0) \
	X("fcntl-upper", SYS_fcntl, 1, (1l << 32) | F_SETOWN, 1) \
	X("fcntl-dup", SYS_fcntl, 1, F_DUPFD, 10) \
	X("fcntl-lock", SYS_fcntl, 1, F_SETLK, A(zeros)) \
	X("fcntl-lease", SYS_fcntl, 1, F_SETLEASE, 0) \
	X("setsockopt-device", SYS_setsockopt, FD_EGRESS, SOL_SOCKET, SO_BINDTODEVICE, A("lo"), 3) \
	X("getsockopt-peer", SYS_getsockopt, FD_EGRESS, SOL_SOCKET, SO_PEERCRED, A(zeros), A(zeros)) \
	X("getsockname", SYS_getsockname, FD_EGRESS, A(zeros), A(zeros)) \
	X("accept", SYS_accept, FD_EGRESS, 0, 0) \
	X("shutdown", SYS_shutdown, FD_EGRESS, 2) \
	X("sendmmsg", SYS_sendmmsg, FD_EGRESS, A(zeros), 1, 0) \
	X("recvmmsg", SYS_recvmmsg, FD_EGRESS, A(zeros), 1, 0, 0) \
	X("splice", SYS_splice, 0, 0, 1, 0, 1, 0) \
	X("vmsplice", SYS_vmsplice, 1, A(zeros), 1, 0) \
	X("sendfile", SYS_sendfile, 1, 0, 0, 1) \
	X("writev", SYS_writev, 1, A(zeros), 0) \
	X("lock-memory", SYS_mlockall, 1) \
	X("remap", SYS_remap_file_pages, A(zeros), PAGE_BYTES, 0, 0, 0) \
	X("remap-fixed", SYS_mremap, A(zeros), PAGE_BYTES, PAGE_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, 1l << 32) \
	X("protect-key", SYS_pkey_mprotect, A(zeros), PAGE_BYTES, PROT_READ | PROT_EXEC, -1) \
	X("other-memory", 440, FD_EGRESS, A(zeros), 1, 4, 0) \
	X("mbind", SYS_mbind, A(zeros), PAGE_BYTES, 0, 0, 0, 0) \
	X("move-pages", SYS_move_pages, 1, 0, 0, 0, 0, 0) \
	X("message-queue", SYS_mq_open, A("evil"), O_CREAT, 0600, 0) \
	X("semaphore", SYS_semget, IPC_PRIVATE, 1, IPC_CREAT | 0600) \
	X("queue", SYS_msgget, IPC_PRIVATE, IPC_CREAT | 0600) \
	X("priority", SYS_setpriority, PRIO_PROCESS, 1, 0) \
	X("affinity", SYS_sched_setaffinity, 1, 8, A(zeros)) \
	X("scheduler", SYS_sched_setscheduler, 0, 1, A(zeros)) \
	X("io-priority", SYS_ioprio_set, 1, 1, 0) \
	X("timer", SYS_timer_create, CLOCK_REALTIME, 0, A(zeros)) \
	X("alarm", SYS_setitimer, ITIMER_REAL, A(zeros), 0) \
	X("adjtime", SYS_adjtimex, A(zeros)) \
	X("signal-fd", SYS_signalfd4, -1, A(zeros), 8, 0) \
	X("epoll", SYS_epoll_create1, 0) \
	X("inotify", SYS_inotify_init1, 0) \
	X("fanotify", SYS_fanotify_init, 0, 0) \
	X("chmod", SYS_fchmod, 0, 0777) \
	X("chown", SYS_fchown, 0, 0, 0) \
	X("truncate", SYS_ftruncate, 1, 0) \
	X("link", SYS_linkat, AT_FDCWD, A("/a"), AT_FDCWD, A("/b"), 0) \
	X("rename", SYS_renameat2, AT_FDCWD, A("/a"), AT_FDCWD, A("/b"), 0) \
	X("mkdir", SYS_mkdirat, AT_FDCWD, A("/tmp/evil"), 0700) \
	X("mknod", SYS_mknodat, AT_FDCWD, A("/tmp/evil"), S_IFCHR | 0600, 0x103) \
	X("symlink", SYS_symlinkat, A("/etc/passwd"), AT_FDCWD, A("/tmp/evil")) \
	X("times", SYS_utimensat, FD_RESULT, 0, 0, 0) \
	X("attributes", SYS_fgetxattr, 0, A("user.x"), A(zeros), 16) \
	X("getcwd", SYS_getcwd, A(zeros), PAGE_BYTES) \
	X("chdir", SYS_chdir, A("/proc")) \
	X("folder", SYS_getdents64, 0, A(zeros), PAGE_BYTES) \
	X("handle", SYS_name_to_handle_at, AT_FDCWD, A("/"), A(zeros), A(zeros), 0) \
	X("swap", SYS_swapoff, A("/none")) \
	X("quota", SYS_quotactl, 0, 0, 0, 0) \
	X("account", SYS_acct, 0) \
	X("module-fd", SYS_finit_module, 0, A(""), 0) \
	X("kexec", SYS_kexec_load, 0, 0, 0, 0) \
	X("cookie", SYS_lookup_dcookie, 0, A(zeros), 16) \
	X("membarrier", SYS_membarrier, 0, 0, 0) \
	X("rseq", SYS_rseq, A(zeros), 32, 0, 0) \
	X("landlock-rule", 445, 0, 1, A(zeros), 0) \
	X("cachestat", 451, 0, A(zeros), A(zeros), 0) \
	X("trap-own", SYS_rt_sigaction, SIGSYS, A(zeros), 0, 8) \
	X("trap-own-upper", SYS_rt_sigaction, (1l << 32) | SIGSYS, A(zeros), 0, 8) \
	X("signal-segv", SYS_rt_sigaction, SIGSEGV, A(zeros), 0, 8) \
	X("alt-stack", SYS_sigaltstack, A(zeros), 0) \
	X("trap-end", SYS_nfsservctl, 0, 0, 0)

#define CALLS(X)						\
	X86_CALLS(X)						\
	X("clone", SYS_clone, SIGCHLD, 0, 0, 0, 0)		\
	X("clone-nursery", SYS_clone, CLONE_NEWPID | CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) \
	X("vfork", SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) \
	X("clone3", SYS_clone3, A(&clone3_args), sizeof(clone3_args)) \
	X("exec", SYS_execve, A("/bin/sh"), A(sh_argv), A(sh_argv + 1)) \
	X("execveat", SYS_execveat, AT_FDCWD, A("/bin/sh"), A(sh_argv), A(sh_argv + 1), 0) \
	X("open", SYS_openat, AT_FDCWD, A("/etc/passwd"), O_RDONLY, 0) \
	X("open-proc", SYS_openat, AT_FDCWD, A("/proc/self/environ"), O_RDONLY, 0) \
	X("open-dev", SYS_openat, AT_FDCWD, A("/dev/null"), O_RDWR, 0) \
	X("open-create", SYS_openat, AT_FDCWD, A("/tmp/evil"), O_RDWR | O_CREAT, 0600) \
	X("openat2", 437, AT_FDCWD, A("/etc/passwd"), A(zeros), 24) \
	X("open-by-handle", SYS_open_by_handle_at, AT_FDCWD, A(zeros), O_RDONLY) \
	X("unlink", SYS_unlinkat, AT_FDCWD, A("/tmp/evil"), 0)	\
	X("socket-inet", SYS_socket, AF_INET, SOCK_STREAM, 0)	\
	X("socket-inet6", SYS_socket, AF_INET6, SOCK_DGRAM, 0)	\
	X("socket-unix", SYS_socket, AF_UNIX, SOCK_STREAM, 0)	\
	X("socket-netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0) \
	X("socketpair", SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, A(zeros)) \
	X("bind", SYS_bind, FD_EGRESS, A(zeros), 16)		\
	X("listen", SYS_listen, FD_EGRESS, 1)			\
	X("sendmsg", SYS_sendmsg, FD_EGRESS, A(zeros), 0)	\
	X("sendto-address", SYS_sendto, FD_EGRESS, A(zeros), 1, 0, A(zeros), 16) \
	X("fast-open", SYS_sendto, FD_EGRESS, A(zeros), 1, MSG_FASTOPEN, 0, 0) \
	X("ptrace", SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)	\
	X("vm-read", SYS_process_vm_readv, 1, A(zeros), 1, A(zeros), 1, 0) \
	X("pidfd-open", 434, 1, 0)				\
	X("kill-parent", SYS_getppid, 0)			\
	X("kill-all", SYS_kill, -1, 0)				\
	X("kill-group", SYS_kill, 0, 0)				\
	X("tgkill", SYS_tgkill, 1, 1, 0)			\
	X("setpgid", SYS_setpgid, 0, 0)				\
	X("setsid", SYS_setsid, 0)				\
	X("prctl-dumpable", SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0) \
	X("prctl-securebits", SYS_prctl, PR_SET_SECUREBITS, 0, 0, 0, 0) \
	X("no-new-privs", SYS_prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) \
	X("seccomp", SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, A(zeros)) \
	X("setns", SYS_setns, 0, CLONE_NEWNET)			\
	X("unshare", SYS_unshare, CLONE_NEWUSER)		\
	X("mount", SYS_mount, A("none"), A("/"), A("tmpfs"), 0, 0) \
	X("umount", SYS_umount2, A("/"), MNT_DETACH)		\
	X("chroot", SYS_chroot, A("/"))				\
	X("pivot-root", SYS_pivot_root, A("."), A("."))		\
	X("setuid", SYS_setuid, 0)				\
	X("setgid", SYS_setgid, 0)				\
	X("prlimit", SYS_prlimit64, 0, RLIMIT_AS, A(unlimited), 0) \
	X("bpf", SYS_bpf, 0, A(zeros), 64)			\
	X("io-uring", 425, 8, A(zeros))				\
	X("userfaultfd", SYS_userfaultfd, 0)			\
	X("keyctl", SYS_keyctl, 0, -3, 1)			\
	X("add-key", SYS_add_key, A("user"), A("x"), A("y"), 1, -3) \
	X("memfd", SYS_memfd_create, A("evil"), 0)		\
	X("perf", SYS_perf_event_open, A(zeros), 0, -1, -1, 0)	\
	X("shm", SYS_shmget, IPC_PRIVATE, 4096, IPC_CREAT | 0600) \
	X("personality", SYS_personality, 0xffffffff)		\
	X("dup", SYS_dup, 1)					\
	X("pipe", SYS_pipe2, A(zeros), 0)			\
	X("fcntl-owner", SYS_fcntl, 1, F_SETOWN, 1)		\
	X("fcntl-pipe", SYS_fcntl, 1, F_SETPIPE_SZ, 1 << 20)	\
	X("ioctl", SYS_ioctl, 0, TIOCSTI, A("x"))		\
	X("hostname", SYS_sethostname, A("evil"), 4)		\
	X("clock", SYS_clock_settime, CLOCK_REALTIME, A(zeros))	\
	X("syslog", SYS_syslog, 3, A(zeros), 64)		\
	X("module", SYS_init_module, A(zeros), 0, A(""))	\
	X("reboot", SYS_reboot, 0, 0, 0, 0)			\
	X("landlock", 444, 0, 0, 1)				\
	X("nothing-there", 9999, 0)				\
	MORE_CALLS(X)

#define END	"{\"type\":\"end\"}\n"
#define GOOD	"{\"data\":{\"n\":1},\"type\":\"output\"}\n"
/* Values enough that one more is over what a verdict may have: and that one begins a container. */
#define TEN(text)	text text text text text text text text text text
#define CROWD		TEN(TEN("0,")) TEN(TEN("0,")) TEN(TEN("0,")) TEN(TEN("0,")) TEN(TEN("0,")) TEN(TEN("0,")) TEN(TEN("0,")) \
			TEN(TEN("0,")) TEN(TEN("0,")) TEN("0,") TEN("0,") TEN("0,") TEN("0,") TEN("0,") TEN("0,") TEN("0,") TEN("0,") \
			TEN("0,") "0,0,0,0,0,0,"
#define LINES(X)						\
	X("bad-utf8", "{\"data\":{\"x\":\"\xff\xfe\"},\"type\":\"output\"}\n") \
	X("overlong-utf8", "{\"data\":{\"x\":\"\xc0\xaf\"},\"type\":\"output\"}\n") \
	X("surrogate-utf8", "{\"data\":{\"x\":\"\xed\xa0\x80\"},\"type\":\"output\"}\n") \
	X("not-json", "Segmentation fault (core dumped)\n")	\
	X("not-object", "[1,2,3]\n")				\
	X("nul-byte", "{\"data\":{\"x\":\"a\0b\"},\"type\":\"output\"}\n") \
	X("nul-between", "{\"data\":{},\"type\":\"output\"}\0\n") \
	X("bom", "\xef\xbb\xbf{\"data\":{},\"type\":\"output\"}\n") \
	X("empty-line", "\n")					\
	X("two-values", "{\"data\":{},\"type\":\"output\"}{\"data\":{},\"type\":\"output\"}\n") \
	X("unknown-type", "{\"data\":{},\"type\":\"log\"}\n")	\
	X("no-type", "{\"data\":{}}\n")				\
	X("no-data", "{\"type\":\"output\"}\n")			\
	X("twice-type", "{\"type\":\"keepAlive\",\"data\":{},\"type\":\"output\"}\n") \
	X("twice-data", "{\"data\":{},\"data\":{\"x\":1},\"type\":\"output\"}\n") \
	X("escaped-type", "{\"data\":{},\"ty\\u0070e\":\"output\"}\n") \
	X("escaped-value", "{\"data\":{},\"type\":\"outp\\u0075t\"}\n") \
	X("extra-member", "{\"data\":{},\"type\":\"output\",\"end\":true}\n") \
	X("raw-control", "{\"data\":{\"x\":\"a\x1b[2J\"},\"type\":\"output\"}\n") \
	X("config-object", "{\"data\":{},\"type\":\"config\"}\n") \
	X("state-custom", "{\"data\":{},\"type\":\"state\"}\n")	\
	X("error-string", "{\"data\":\"x\",\"type\":\"error\"}\n") \
	X("error-crowd", "{\"data\":{\"type\":\"generic\",\"message\":\"x\",\"a\":[" CROWD "[]]},\"type\":\"error\"}\n") \
	X("forged-locked", "{\"type\":\"locked\"}\n" GOOD)	\
	X("two-verdicts", END END)				\
	X("record-after-verdict", END GOOD)			\
	X("error-then-end", "{\"data\":{\"type\":\"generic\",\"message\":\"x\"},\"type\":\"error\"}\n" END)

#endif
