/*
 * broker_exec.c -- from the launcher to a running bascule-broker, with one descriptor and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/core/broker_exec.h"
#include "launcher/core/broker_wire.h"

/* Between fork and exec: the control end becomes descriptor 3 and nothing else is left. */
static void __attribute__((noreturn))
child(const char *program, int control_fd, int status_fd, pid_t parent)
{
	char	*argv[] = { (char *)(uintptr_t)"bascule-broker", NULL };
	char	*envp[] = { NULL };
	int	 control = fcntl(control_fd, F_DUPFD_CLOEXEC, WIRE_FD + 2);
	int	 status = fcntl(status_fd, F_DUPFD_CLOEXEC, WIRE_FD + 2);
	int	 tell = status_fd;
	int	 null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int	 err;
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (control != -1 && status != -1 && null != -1 && dup2(null, STDIN_FILENO) != -1 &&
	    dup2(null, STDOUT_FILENO) != -1 && dup2(control, WIRE_FD) != -1 &&
	    (tell = dup3(status, WIRE_FD + 1, O_CLOEXEC)) != -1 &&
	    syscall(SYS_close_range, WIRE_FD + 2, ~0U, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0) {
		/* One that is an orphan already will not be told. */
		if (getppid() != parent)
			_exit(1);
		execve(program, argv, envp);
	}
	err = errno;
	(void)!write(tell, &err, sizeof(err));
	_exit(1);
}

/* 0 once the program runs; the pipe closes at exec, or says why there was none. */
static int
exec_wait(int status_fd, const char *program, struct error *e)
{
	int	err = 0;
	ssize_t	n;

	while ((n = read(status_fd, &err, sizeof(err))) == -1 && errno == EINTR)
		;
	if (n == 0)
		return 0;
	return error_set(e, ERR_SYSTEM, "egress broker: %s: %s", program, strerror(n == sizeof(err) ? err : EIO));
}

pid_t
broker_exec(const char *program, int control_fd, struct error *e)
{
	pid_t	parent = getpid(), pid;
	int	status[2];

	if (pipe2(status, O_CLOEXEC) == -1)
		return error_sys(e, "egress broker: pipe");
	if ((pid = fork()) == 0)
		child(program, control_fd, status[1], parent);
	close(status[1]);
	if (pid == -1)
		error_sys(e, "egress broker: fork");
	else if (exec_wait(status[0], program, e) == -1) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(status[0]);
	return pid;
}
