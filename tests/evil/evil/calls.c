/*
 * calls.c -- attacks that are one system call, made without the C library's help.
 *
 * Signals sent are 0 and changes asked for are small: should a wall be
 * missing, the machine that runs the tests stays whole.
 */
#include "tests/evil/evil/evil.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "worker/contract/egress.h"
#include "worker/contract/worker_fd.h"

#define PAGE_BYTES	4096

static char			 zeros[PAGE_BYTES];
static char *const		 sh_argv[] = { NULL, NULL };
static struct clone_args	 clone3_args = { .exit_signal = SIGCHLD };
static const struct rlimit	 unlimited[] = { { RLIM_INFINITY, RLIM_INFINITY } };

#define CALL(n, number, ...)	{ .name = (n), .nr = (number), .args = { __VA_ARGS__ } },
static const struct {
	const char	*name;
	long		 nr;
	intptr_t	 args[6];
} calls[] = {
	CALLS(CALL)
};

int
attack_call(struct call *c)
{
	for (size_t i = 0; i < N_ITEMS(calls); i++) {
		const intptr_t	*a = calls[i].args;
		long		 r;

		if (strcmp(calls[i].name, attack_name(c)) != 0)
			continue;
		r = syscall(calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		/* A child, should there be one, must not go on as a second worker; but it must be there to be found. */
		if (r == 0 && (calls[i].nr == SYS_clone || calls[i].nr == SYS_clone3 || strstr(calls[i].name, "fork")))
			for (;;)
				sleep(60);
		return report_call(c, r);
	}
	return fail_generic(c, "no such attack");
}

#ifdef __x86_64__
/* The other ways into the kernel: other numbers, same filter. */
int
attack_int80(struct call *c)
{
	long	 r = 20;	/* getpid of i386 */

	__asm__ volatile("int $0x80" : "+a"(r) :: "memory", "r8", "r9", "r10", "r11");
	errno = (int)-r;
	return report_call(c, r < 0 ? -1 : r);
}

int
attack_x32(struct call *c)
{
	return report_call(c, syscall(0x40000000 | SYS_getpid));
}
#endif

int
attack_mprotect(struct call *c)
{
	void	*p = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return report_call(c, mprotect(p, PAGE_BYTES, PROT_READ | PROT_EXEC));
}

int
attack_mmap(struct call *c)
{
	void	*p = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return report_call(c, p == MAP_FAILED ? -1 : 0);
}

/* connect() is answered by 0 and does nothing: the socket must still have the peer it had. */
int
attack_connect(struct call *c)
{
	struct sockaddr_in	 to = { .sin_family = AF_INET, .sin_port = htons(22),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage	 peer = { 0 };
	socklen_t		 n = sizeof(peer);

	if (syscall(SYS_connect, FD_EGRESS, &to, sizeof(to)) == -1)
		return report(c, "refused", errno);
	if (syscall(SYS_getpeername, FD_EGRESS, &peer, &n) == -1)
		return report(c, "refused", errno);
	return report(c, peer.ss_family == AF_INET ? "ESCAPED" : "ignored", 0);
}

static const struct {
	const char	*name, *host;
	uint16_t	 port, host_bytes;	/* host_bytes 0: as long as it is */
} questions[] = {
	{ "egress-loopback", "127.0.0.1", 22, 0 },
	{ "egress-metadata", "169.254.169.254", 80, 0 },
	{ "egress-mapped", "::ffff:127.0.0.1", 22, 0 },
	{ "egress-decimal", "2130706433", 22, 0 },
	{ "egress-name", "example.com", 443, 0 },
	{ "egress-port", "allowed.invalid", 22, 0 },
	{ "egress-unterminated", "allowed.invalid", 443, 65535 },
};

/* What the broker says to a question that it must not grant. */
int
attack_egress(struct call *c)
{
	struct egress_question	 q = { 0 };
	struct egress_answer	 a = { 0 };
	union {
		struct cmsghdr	 align;
		char		 room[CMSG_SPACE(sizeof(int))];
	}			 control = { 0 };
	struct iovec		 iov = { &a, sizeof(a) };
	struct msghdr		 m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control) };
	size_t			 bytes = sizeof(q);
	char			 result[64];

	for (size_t i = 0; i < N_ITEMS(questions); i++)
		if (strcmp(questions[i].name, attack_name(c)) == 0) {
			q.port = questions[i].port;
			q.host_bytes = questions[i].host_bytes != 0 ? questions[i].host_bytes :
			    (uint16_t)strlen(questions[i].host);
			memcpy(q.host, questions[i].host, strlen(questions[i].host));
		}
	if (q.port == 0) {
		memset(&q, 0xff, sizeof(q));
		bytes = 7;
	}
	if (write(FD_EGRESS, &q, bytes) == -1)
		return report(c, "refused", errno);
	if (recvmsg(FD_EGRESS, &m, 0) <= 0)
		return report(c, "cut-off", 0);
	if (m.msg_controllen > 0 || a.status == EGRESS_OK)
		return report(c, "ESCAPED", 0);
	(void)snprintf(result, sizeof(result), "egress-%u", a.status);
	return report(c, result, 0);
}

int
attack_abort(struct call *c)
{
	(void)c;
	abort();
}

static int
show(struct call *c, const char *name, cJSON *value)
{
	cJSON	*data = cJSON_CreateObject();

	cJSON_AddStringToObject(data, "attack", attack_name(c));
	cJSON_AddItemToObject(data, name, value);
	return emit_output(c, data);
}

int
show_env(struct call *c)
{
	int	 n = 0;

	while (environ != NULL && environ[n] != NULL)
		n++;
	return show(c, "count", cJSON_CreateNumber(n));
}

int
show_fds(struct call *c)
{
	cJSON	*open = cJSON_CreateArray();

	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			cJSON_AddItemToArray(open, cJSON_CreateNumber(fd));
	return show(c, "open", open);
}

int
show_pid(struct call *c)
{
	return show(c, "pid", cJSON_CreateNumber((double)getpid()));
}

int
show_uid(struct call *c)
{
	return show(c, "uid", cJSON_CreateNumber((double)getauxval(AT_UID)));
}
