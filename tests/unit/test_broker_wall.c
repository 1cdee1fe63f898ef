/*
 * test_broker_wall.c -- behind the broker's walls: what it is for goes on, the rest is refused or is its death.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sandbox/sandbox.h"
#include "worker/contract/util.h"

#define DEATH	(-1)		/* by the filter */
#define NO_TCP_RULES	95	/* the kernel's Landlock is older than its rules for TCP */

static uint16_t	 port;		/* somebody listens on it */
static int	 level;		/* of Landlock, asked for before there are walls */

static int
open_it(const char *path)
{
	int	 fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd == -1 ? errno : 0;
}

static int
connects(void)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			 fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd == -1 || connect(fd, (struct sockaddr *)&in, sizeof(in)) == -1 ? errno : 0;
}

static int
resolves(void)
{
	struct addrinfo	*list = NULL;

	return getaddrinfo("localhost", NULL, NULL, &list) == 0 && list != NULL ? 0 : EINVAL;
}

static void *
in_thread(void *arg)
{
	*(int *)arg = resolves();
	return NULL;
}

static int
threads(void)
{
	pthread_t	 t;
	int		 r = EINVAL;

	if ((errno = pthread_create(&t, NULL, in_thread, &r)) != 0)
		return errno;
	pthread_join(t, NULL);
	return r;
}

static int
resolver_file(void)
{
	return open_it("/etc/hosts");
}

static int
other_file(void)
{
	return open_it("/etc/passwd");
}

static int
library(void)
{
	return open_it("/etc/ld.so.cache");
}

static int
proc(void)
{
	return open_it("/proc/self/environ");
}

static int
tcp_port(void)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			 fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (level < 4)
		return NO_TCP_RULES;
	return bind(fd, (struct sockaddr *)&in, sizeof(in)) == -1 ? errno : 0;
}

static int
local_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) == -1 ? errno : 0;
}

#define CALL(name, ...)							\
	static int							\
	name(void)							\
	{								\
		return syscall(__VA_ARGS__) == -1 ? errno : 0;		\
	}
CALL(packets, SYS_socket, AF_PACKET, SOCK_RAW, 0)
CALL(other_netlink, SYS_socket, AF_NETLINK, SOCK_RAW, 9)
CALL(listens, SYS_listen, 0, 1)
CALL(program, SYS_execve, "/bin/true", NULL, NULL)
CALL(child, SYS_clone, SIGCHLD, 0, 0, 0, 0)
CALL(new_user, SYS_unshare, CLONE_NEWUSER)
CALL(tracer, SYS_ptrace, 0, 0, 0, 0)
CALL(signals, SYS_kill, 1, 0)
CALL(device_ioctl, SYS_ioctl, 0, 0x8912 /* SIOCGIFCONF */, 0)
CALL(device_bound, SYS_setsockopt, 0, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)
CALL(executable, SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
CALL(own_filter, SYS_seccomp, 1, 0, 0)
CALL(rings, 425, 8, 0)

static const struct {
	const char	*what;
	int		(*run)(void);
	int		 want;		/* 0, an errno, or DEATH */
} cases[] = {
	{ "connects", connects, 0 },
	{ "resolves", resolves, 0 },
	{ "makes threads", threads, 0 },
	{ "reads a resolver's file", resolver_file, 0 },
	{ "reads another file", other_file, EACCES },
	{ "reads what loads libraries", library, EACCES },
	{ "reads /proc", proc, EACCES },
	{ "takes a TCP port", tcp_port, EACCES },
	{ "opens a local socket", local_socket, EACCES },
	{ "opens a packet socket", packets, DEATH },
	{ "opens another netlink", other_netlink, DEATH },
	{ "listens", listens, DEATH },
	{ "runs a program", program, DEATH },
	{ "makes a child", child, DEATH },
	{ "makes a namespace", new_user, DEATH },
	{ "traces", tracer, DEATH },
	{ "sends signals", signals, DEATH },
	{ "lists interfaces", device_ioctl, DEATH },
	{ "chooses an interface", device_bound, DEATH },
	{ "maps memory to execute", executable, DEATH },
	{ "enters another filter", own_filter, DEATH },
	{ "asks for a ring", rings, DEATH },
};

static int
behind_walls(int (*run)(void))
{
	int	 status;
	pid_t	 pid = fork();

	if (pid == 0) {
		signal(SIGSYS, SIG_DFL);	/* the test library has a handler of its own */
		sandbox_broker_lock();
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
		r = behind_walls(cases[i].run);
		if (r == NO_TCP_RULES && cases[i].run == tcp_port)
			continue;
		if (cases[i].want == EACCES && cases[i].run != local_socket && level == -1)
			continue;
		if (r != cases[i].want)
			fail_msg("a broker that %s: %d, not %d", cases[i].what, r, cases[i].want);
		if (cases[i].want == EACCES && cases[i].run() == EACCES)
			fail_msg("one without walls that %s is refused as well", cases[i].what);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = { cmocka_unit_test(walls) };
	struct sockaddr_in	in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		len = sizeof(in);
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) == -1 || listen(fd, 16) == -1 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) == -1)
		return 1;
	port = in.sin_port;
	level = sandbox_landlock_level();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
