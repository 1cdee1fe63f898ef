/*
 * nursery_birth.c -- a nursery's process, from its clone to its exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher/core/nursery_birth.h"
#include "sandbox/sandbox.h"

void
birth_close(struct birth *b)
{
	for (int i = 0; i < 2; i++) {
		fd_closep(&b->orders[i]);
		fd_closep(&b->complaint[i]);
		fd_closep(&b->sync[i]);
	}
}

int
birth_open(struct birth *b, struct error *e)
{
	*b = (struct birth){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, b->orders) == -1 ||
	    pipe2(b->complaint, O_CLOEXEC) == -1 || pipe2(b->sync, O_CLOEXEC) == -1) {
		error_sys(e, "nursery: descriptors");
		birth_close(b);
		return -1;
	}
	return 0;
}

/* Between clone and exec; lift first, then place, so that no target is overwritten. */
void
birth_child(const struct nursery_plan *p, const struct birth *b, pid_t parent)
{
	char			 waived[16], memory[24];
	bool			 guest = p->guest[0] != '\0';
	char			*described = p->described[0] != '\0' ? (char *)(uintptr_t)p->described : NULL;
	const char		*kind = core_plan()->once && !guest ? NURSERY_ONCE_ARG : NURSERY_ARG;
	char			*argv[GUEST_WORDS_MAX] = { (char *)(uintptr_t)p->program, (char *)(uintptr_t)kind,
				    waived, guest ? (char *)(uintptr_t)p->guest : described, guest ? memory : NULL, NULL };
	const char		*programs[GUEST_PROGRAMS_MAX + 1] = { NULL };
	char			*envp[] = { NULL };
	int			 orders = fcntl(b->orders[1], F_DUPFD_CLOEXEC, FD__NURSERY_COUNT + 1);
	int			 complaint = fcntl(b->complaint[1], F_DUPFD_CLOEXEC, FD__NURSERY_COUNT + 1);
	int			 sync = fcntl(b->sync[0], F_DUPFD_CLOEXEC, FD__NURSERY_COUNT + 1);
	struct sandbox_wall	 wall = {
		.program = p->program, .beside = described, .waived = p->waived, .memory_bytes = p->memory_bytes,
		.cpu_s = p->cpu_s, .files_max = guest ? GUEST_FILES_MAX : WORKER_FILES_MAX,
		.sync_fd = FD__NURSERY_COUNT, .parent = parent, .guest = guest ? p->guest : NULL,
		.guest_programs = programs, .guest_code = guest ? guest_word(&p->words, GUEST_WORD_CODE) : NULL,
		.guest_linked = guest ? guest_word(&p->words, GUEST_WORD_LINKED) : NULL,
	};
	sigset_t		 none;

	if (orders == -1 || complaint == -1 || sync == -1 || dup2(orders, FD_ORDERS) == -1 ||
	    dup2(complaint, FD_COMPLAINT) == -1 || dup2(complaint, STDERR_FILENO) == -1 ||
	    dup2(sync, FD__NURSERY_COUNT) == -1)
		_exit(SANDBOX_EXIT);
	close(FD_REQUEST);
	close(FD_RESULT);
	close(FD_EGRESS);
	syscall(SYS_close_range, FD__NURSERY_COUNT + 1, ~0U, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(waived, sizeof(waived), "%u", p->waived);
	snprintf(memory, sizeof(memory), "%llu", (unsigned long long)(p->memory_bytes / MIB));
	if (guest)
		guest_arguments_of(p, argv, 5, programs);
	sandbox_wall(&wall);
	execve(p->program, argv, envp);
	snprintf(waived, sizeof(waived), "exec: %d\n", errno);
	(void)!write(STDERR_FILENO, waived, strlen(waived));
	_exit(SANDBOX_EXIT);
}

const char *
birth_hint(int err)
{
	switch (err) {
	case EPERM:
	case EACCES:
		return "; this host forbids user namespaces (--without namespaces runs without)";
	case ENOSPC:
		return "; too many namespaces (sysctl user.max_user_namespaces; --without namespaces runs without)";
	case EINVAL:
	case ENOSYS:
		return "; this kernel lacks one of them (--without namespaces runs without)";
	default:
		return "";
	}
}
