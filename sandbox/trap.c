/*
 * trap.c -- a death by the filter names its call.
 *
 * The filter traps what it does not allow: the kernel runs nothing and sends SIGSYS with
 * the call's number.  The handler writes one note to the log and ends the process by the one
 * call that is killed at once, so a death looks from outside as if there were no handler.
 *
 * Why hostile code cannot live on by it: rt_sigaction does not take SIGSYS in stage 2, there is no
 * alternate stack, every other signal waits, code can neither be made nor moved to the handler's place
 * (mmap, mprotect, mremap by their rules), and a process has one thread.  A blocked SIGSYS or
 * a bad stack ends in the kernel's own way: death, without a note.  Before stage 2, while
 * constructors run, a hostile one may take SIGSYS for itself; its refused calls stay refused.
 *
 * A note is a worker's word.  Whoever reads it believes it only of a process that died of
 * SIGSYS, and then a forged one puts a wrong name to a death and nothing else.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/private.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP	1	/* si_code */
#endif

/* "\001filter NUMBER ARCH", eight hexadecimal digits each, on a line of its own whatever was written before. */
#define NOTE_MARK	"\001filter "
#define NOTE_HEX	8
#define NOTE_BYTES	(sizeof(NOTE_MARK) - 1 + NOTE_HEX + 1 + NOTE_HEX)

static pid_t	 home;			/* who installed it; any other process is a child of it */
static int	 home_fd, child_fd;

static char *
hex_put(char *to, uint32_t v)
{
	for (int i = NOTE_HEX - 1; i >= 0; i--, v >>= 4)
		to[i] = "0123456789abcdef"[v & 15];
	return to + NOTE_HEX;
}

/*
 * Blocks if the log's pipe is full: the launcher drains it, or its clocks run out.  A
 * broken pipe only loses the note: SIGPIPE waits.
 */
static void
on_trap(int sig, siginfo_t *si, void *context)
{
	char	 note[NOTE_BYTES + 2] = "\n" NOTE_MARK, *p = note + sizeof(NOTE_MARK);

	(void)sig;
	(void)context;
	if (si->si_code == SYS_SECCOMP) {
		p = hex_put(p, (uint32_t)si->si_syscall);
		*p++ = ' ';
		p = hex_put(p, si->si_arch);
		*p++ = '\n';
		(void)!syscall(SYS_write, syscall(SYS_getpid) == home ? home_fd : child_fd, note, p - note);
	}
	syscall(SYS_nfsservctl);
	_exit(SANDBOX_EXIT);		/* no filter stands: it was no trap of ours */
}

void
sandbox_trap(int fd, int fd_of_children)
{
	struct sigaction	 sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	home = getpid();
	home_fd = fd;
	child_fd = fd_of_children;
	sigfillset(&sa.sa_mask);
	if (sigaction(SIGSYS, &sa, NULL) == -1)
		sandbox_die(LAYER_SECCOMP, "name what is trapped", errno);
}

static int
hex_get(const char *from, uint32_t *v)
{
	*v = 0;
	for (int i = 0; i < NOTE_HEX; i++) {
		const char	*digits = "0123456789abcdef", *d = from[i] == '\0' ? NULL : strchr(digits, from[i]);

		if (d == NULL)
			return -1;
		*v = *v << 4 | (uint32_t)(d - digits);
	}
	return 0;
}

uint32_t
sandbox_arch(void)
{
	return seccomp_arch_native();
}

void
sandbox_call_name(uint32_t arch, int nr, char name[SANDBOX_CALL_BYTES])
{
	/* Below 0 are the library's own numbers for calls of other machines. */
	char	*known = nr < 0 ? NULL : seccomp_syscall_resolve_num_arch(arch, nr);

	if (known != NULL)
		snprintf(name, SANDBOX_CALL_BYTES, "%s", known);
	else
		snprintf(name, SANDBOX_CALL_BYTES, "%d", nr);
	free(known);
}

bool
sandbox_note(const char *line, size_t len, char name[SANDBOX_CALL_BYTES])
{
	const char	*p = line + sizeof(NOTE_MARK) - 1;
	uint32_t	 nr, arch;

	if (len != NOTE_BYTES || memcmp(line, NOTE_MARK, sizeof(NOTE_MARK) - 1) != 0 || p[NOTE_HEX] != ' ' ||
	    hex_get(p, &nr) == -1 || hex_get(p + NOTE_HEX + 1, &arch) == -1 || arch != seccomp_arch_native())
		return false;
	sandbox_call_name(arch, (int)nr, name);
	return true;
}

/* A kernel may know more members than these headers, and wants them zeroed: hence the room. */
bool
sandbox_call_hear(int fd, uint32_t *arch, int *nr)
{
	union {
		struct seccomp_notif	 n;
		char			 room[256];
	} heard;

	memset(&heard, 0, sizeof(heard));
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &heard) == -1)
		return false;
	*arch = heard.n.data.arch;
	*nr = heard.n.data.nr;
	return true;
}
