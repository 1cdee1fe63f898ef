/*
 * early.c -- a connector whose constructor attacks, before any line of the runtime's main().
 *
 * Which attack: what stands behind "early-" in its program's name.  One that comes back says in
 * the command's record what it got; the command then makes a call that the filter refuses.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker/runtime/bascule.h"

static const char	*result = "nothing";

static void
on_sigsys(int sig)
{
	(void)sig;
}

static long
early_handler(void)
{
	(void)signal(SIGSYS, on_sigsys);
	errno = EACCES;		/* a trapped call gives no answer at all */
	return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) == 0 ? 0 : -1;
}

/* A filter of its own that lets rt_sigaction seem to work: the number of filters tells. */
static long
early_filter(void)
{
	struct sock_filter	 code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigaction, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog	 p = { .len = N_ITEMS(code), .filter = code };

	(void)signal(SIGSYS, on_sigsys);
	(void)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p);
	errno = EACCES;
	return -1;
}

static long
early_ptrace(void)
{
	return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
}

static long
early_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long
early_open(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static long
early_exec(void)
{
	return execl("/bin/sh", "sh", "-c", "exit 0", NULL);
}

static long
early_thread(void)
{
	return syscall(SYS_clone, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0);
}

static const struct {
	const char	*name;
	long		(*attack)(void);
} attacks[] = {
	{ "handler", early_handler },
	{ "filter", early_filter },
	{ "ptrace", early_ptrace },
	{ "socket", early_socket },
	{ "open", early_open },
	{ "exec", early_exec },
	{ "thread", early_thread },
};

static void __attribute__((constructor))
attack(void)
{
	const char	*program = (const char *)(uintptr_t)getauxval(AT_EXECFN);
	const char	*name = program == NULL ? NULL : strstr(program, "/early-");

	if (name == NULL)
		return;
	name = strrchr(name, '-') + 1;
	for (size_t i = 0; i < N_ITEMS(attacks); i++)
		if (strcmp(name, attacks[i].name) == 0)
			result = attacks[i].attack() == -1 ? "refused" : "ESCAPED";
}

static int
test_connection(struct call *c)
{
	cJSON	*data = cJSON_CreateObject();

	cJSON_AddStringToObject(data, "result", result);
	if (emit_output(c, data) == -1)
		return -1;
	(void)syscall(SYS_getppid);
	return 0;
}

static const struct command_row	 rows[] = {
	{ "std:test-connection", test_connection },
};
CONNECTOR(rows)
