/*
 * far_start.c -- from the front to a running supervisor, with one descriptor and nothing else.
 *
 * A program of its own, not a fork: it has neither the front's libraries nor its address-space layout.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "launcher/core/desk_wire.h"
#include "launcher/core/far.h"

#define PROGRAM		"bascule-supervise"
#define READY_MS	SECONDS(10)

/* Between fork and exec.  Signals stay blocked: the program decides which are not for it. */
static void __attribute__((noreturn))
child(const char *program, int desk_fd, pid_t parent)
{
	char	*argv[] = { (char *)(uintptr_t)PROGRAM, NULL };
	int	 desk = fcntl(desk_fd, F_DUPFD_CLOEXEC, DESK_FD + 1), null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)signal(SIGPIPE, SIG_DFL);
	if (desk != -1 && null != -1 && dup2(null, STDIN_FILENO) != -1 && dup2(null, STDOUT_FILENO) != -1 &&
	    dup2(desk, DESK_FD) != -1 && syscall(SYS_close_range, DESK_FD + 1, ~0U, 0) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent)
		execv(program, argv);
	_exit(127);
}

/* It says one word when it has understood. */
static int
opened_wait(int fd, struct error *e)
{
	struct pollfd		 p = { .fd = fd, .events = POLLIN };
	static union desk_packet packet;
	int			 fds[DESK_FDS_MAX];
	size_t			 bytes = 0;

	while (poll(&p, 1, READY_MS) == -1 && errno == EINTR)
		;
	if (desk_receive(fd, &packet, &bytes, fds) == 0 && bytes == sizeof(packet.head) && packet.head.type == DESK_OPENED)
		return 0;
	return error_set(e, ERR_SYSTEM, PROGRAM " did not start, or is of another build");
}

static int
start(const char *program, int desk_fd, struct error *e)
{
	pid_t	 self = getpid(), pid;
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if ((pid = fork()) == 0)
		child(program, desk_fd, self);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid == -1 ? error_sys(e, PROGRAM) : 0;
}

int
far_start(struct desk_open *open, struct error *e)
{
	char	 program[DESK_PATH_BYTES];
	int	 pair[2], r;

	if (core_beside(PROGRAM, program, sizeof(program)) == -1)
		return error_set(e, ERR_SYSTEM, PROGRAM " is not installed beside this program");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return error_sys(e, "socket pair");
	open->head = (struct desk_head){ DESK_VERSION, DESK_OPEN, 0 };
	r = start(program, pair[1], e);
	(void)close(pair[1]);
	if (r == 0 && desk_send(pair[0], open, sizeof(*open), NULL, 0) != 0)
		r = error_set(e, ERR_SYSTEM, PROGRAM " did not start");
	if (r == 0 && opened_wait(pair[0], e) == 0)
		return pair[0];
	(void)close(pair[0]);
	return -1;
}
