/*
 * test_front_wall.c -- behind the walls of the server's front: what it has goes on, the rest is its death.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "sandbox/sandbox.h"
#include "worker/contract/util.h"

#define DEATH	(-1)		/* by the filter */

static uint16_t	 port;		/* somebody listens on it */
static int	 door, pair[2], loop;
static sqlite3	*db;

/* A listening socket and a caller, made before. */
static int
accepts(void)
{
	int	 fd = accept4(door, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	char	 c;

	if (fd == -1)
		return errno;
	return write(fd, "x", 1) == 1 && (read(fd, &c, 1) == 1 || errno == EAGAIN) ? 0 : errno;
}

static int
waits(void)
{
	struct epoll_event	 ev = { .events = EPOLLOUT, .data.fd = pair[0] };

	return epoll_ctl(loop, EPOLL_CTL_ADD, pair[0], &ev) == -1 || epoll_wait(loop, &ev, 1, 100) != 1 ? EINVAL : 0;
}

/* A pipe's end by the socket pair, as the supervisor hands them. */
static int
takes_a_pipe(void)
{
	int		 ends[2];
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg = { { 0 } };
	struct iovec	 iov = { &(char){ 'x' }, 1 };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf, .msg_controllen = sizeof(cmsg.buf) };

	if (pipe2(ends, O_CLOEXEC) == -1)
		return errno;
	cmsg.align.cmsg_level = SOL_SOCKET;
	cmsg.align.cmsg_type = SCM_RIGHTS;
	cmsg.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&cmsg.align), &ends[1], sizeof(int));
	if (sendmsg(pair[0], &msg, MSG_NOSIGNAL) != 1 || recvmsg(pair[1], &msg, MSG_CMSG_CLOEXEC) != 1)
		return errno;
	memcpy(&ends[1], CMSG_DATA(&cmsg.align), sizeof(int));
	return write(ends[1], "x", 1) == 1 ? 0 : errno;
}

/* Writes, checkpoints and reads: nothing of it opens a file. */
static int
journals(void)
{
	return sqlite3_exec(db, "INSERT INTO t VALUES(randomblob(100000)); PRAGMA wal_checkpoint(TRUNCATE); BEGIN; DELETE FROM t;"
	    " COMMIT; PRAGMA wal_checkpoint(RESTART); INSERT INTO t VALUES(1);", NULL, NULL, NULL) == SQLITE_OK ? 0 : EINVAL;
}

static int
memory(void)
{
	char	*big = malloc(4 << 20), *more = big == NULL ? NULL : realloc(big, 9 << 20);

	free(more);
	return more == NULL ? ENOMEM : 0;
}

static int
by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Of many: libc asks how much memory there is, once. */
static int
sorts(void)
{
	static int	 many[100000];

	for (int i = 0; i < (int)N_ITEMS(many); i++)
		many[i] = (int)N_ITEMS(many) - i;
	qsort(many, N_ITEMS(many), sizeof(many[0]), by_value);
	return many[0] == 1 ? 0 : EINVAL;
}

static int
connects(void)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return connect(pair[0], (struct sockaddr *)&in, sizeof(in)) == -1 ? errno : 0;
}

/* To an address, by a socket that it was given. */
static int
sends_to(void)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return sendto(pair[0], "x", 1, 0, (struct sockaddr *)&in, sizeof(in)) == -1 ? errno : 0;
}

#define CALL(name, ...)							\
	static int							\
	name(void)							\
	{								\
		return syscall(__VA_ARGS__) == -1 ? errno : 0;		\
	}
CALL(opens, SYS_openat, AT_FDCWD, "/etc/hosts", O_RDONLY)
#ifdef SYS_open
CALL(opens_old, SYS_open, "/etc/hosts", O_RDONLY)
#else
#define opens_old opens
#endif
CALL(opens_new, SYS_openat2, AT_FDCWD, "/etc/hosts", NULL, 0)
CALL(handles, SYS_open_by_handle_at, 0, NULL, 0)
CALL(looks, SYS_newfstatat, AT_FDCWD, "/etc/hosts", NULL, 0)
CALL(unlinks, SYS_unlinkat, AT_FDCWD, "/nowhere", 0)
CALL(renames, SYS_renameat2, AT_FDCWD, "/nowhere", AT_FDCWD, "/nowhere", 0)
CALL(program, SYS_execve, "/bin/true", NULL, NULL)
CALL(program_at, SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0)
CALL(child, SYS_clone, SIGCHLD, 0, 0, 0, 0)
CALL(child_new, SYS_clone3, NULL, 0)
#ifdef SYS_fork
CALL(child_old, SYS_fork)
/* By libc, and out at once: the two share the stack, and one that came back here would spoil the other's. */
static int
child_borrowed(void)
{
	pid_t	 pid = vfork();

	if (pid == 0)
		_exit(0);
	return pid == -1 ? errno : 0;
}
#else
#define child_old child
#define child_borrowed child
#endif
CALL(socket_tcp, SYS_socket, AF_INET, SOCK_STREAM, 0)
CALL(socket_local, SYS_socket, AF_UNIX, SOCK_STREAM, 0)
CALL(binds, SYS_bind, 0, NULL, 0)
CALL(signals, SYS_kill, 1, 0)
CALL(signals_new, SYS_pidfd_send_signal, 0, 0, NULL, 0)
CALL(steals, SYS_pidfd_getfd, 0, 0, 0)
CALL(tracer, SYS_ptrace, 0, 0, 0, 0)
CALL(peeks, SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0)
CALL(namespaces, SYS_unshare, CLONE_NEWUSER)
CALL(executable, SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
CALL(own_filter, SYS_seccomp, 1, 0, 0)
CALL(rings, SYS_io_uring_setup, 8, 0)
CALL(device_bound, SYS_setsockopt, 0, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)
CALL(owner, SYS_fcntl, 0, F_SETOWN, 1)

static const struct {
	const char	*what;
	int		(*run)(void);
	int		 want;		/* 0, an errno, or DEATH */
} cases[] = {
	{ "takes a caller", accepts, 0 },
	{ "waits", waits, 0 },
	{ "takes a pipe", takes_a_pipe, 0 },
	{ "writes its journal", journals, 0 },
	{ "takes memory", memory, 0 },
	{ "sorts", sorts, 0 },
	{ "opens a file", opens, DEATH },
	{ "opens a file by the old call", opens_old, DEATH },
	{ "opens a file by the new call", opens_new, DEATH },
	{ "opens a file by handle", handles, DEATH },
	{ "looks at a path", looks, DEATH },
	{ "removes a file", unlinks, DEATH },
	{ "renames a file", renames, DEATH },
	{ "runs a program", program, DEATH },
	{ "runs a program by the other call", program_at, DEATH },
	{ "makes a child", child, DEATH },
	{ "makes a child by the new call", child_new, DEATH },
	{ "makes a child by the old call", child_old, DEATH },
	{ "makes a child on its own stack", child_borrowed, DEATH },
	{ "makes a socket", socket_tcp, DEATH },
	{ "makes a local socket", socket_local, DEATH },
	{ "connects", connects, DEATH },
	{ "sends to an address", sends_to, DEATH },
	{ "binds", binds, DEATH },
	{ "sends signals", signals, DEATH },
	{ "sends signals by the new call", signals_new, DEATH },
	{ "has the kernel send signals", owner, DEATH },
	{ "takes another's descriptors", steals, DEATH },
	{ "traces", tracer, DEATH },
	{ "reads another's memory", peeks, DEATH },
	{ "makes a namespace", namespaces, DEATH },
	{ "maps memory to execute", executable, DEATH },
	{ "enters another filter", own_filter, DEATH },
	{ "asks for a ring", rings, DEATH },
	{ "chooses an interface", device_bound, DEATH },
};

static int
in_child(int (*run)(void), bool walls)
{
	int	 status;
	pid_t	 pid = fork();

	if (pid == 0) {
		signal(SIGSYS, SIG_DFL);	/* the test library has a handler of its own */
		if (walls)
			sandbox_front_lock(true);
		syscall(SYS_exit_group, run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? DEATH : WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* Twins: the same without walls does not end this way, or the test says nothing. */
static void
walls(void **state)
{
	int	 r;

	(void)state;
	if (sandbox_layer_waivable(LAYER_SECCOMP))
		skip();			/* a sanitizer's build goes without the filter */
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		r = in_child(cases[i].run, true);
		if (r != cases[i].want)
			fail_msg("a front that %s: %d, not %d", cases[i].what, r, cases[i].want);
		if (cases[i].want == DEATH && in_child(cases[i].run, false) == DEATH)
			fail_msg("one without walls that %s dies as well", cases[i].what);
	}
}

static int
set_up(void **state)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		 n = sizeof(in);
	char			 folder[] = "/tmp/front-wall-XXXXXX", path[64];
	int			 caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(door, (struct sockaddr *)&in, sizeof(in)) == -1 || listen(door, 1) == -1 ||
	    getsockname(door, (struct sockaddr *)&in, &n) == -1 || connect(caller, (struct sockaddr *)&in, n) == -1)
		return -1;
	port = in.sin_port;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 || (loop = epoll_create1(0)) == -1 || mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/db", folder);
	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
	    " PRAGMA temp_store=MEMORY; CREATE TABLE t(a); INSERT INTO t VALUES(1);", NULL, NULL, NULL) != SQLITE_OK)
		return -1;
	(void)unlink(path);		/* open files are all it needs */
	snprintf(path, sizeof(path), "%s/db-wal", folder);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/db-shm", folder);
	(void)unlink(path);
	(void)rmdir(folder);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = { cmocka_unit_test(walls) };

	return cmocka_run_group_tests(tests, set_up, NULL);
}
