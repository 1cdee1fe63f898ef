/*
 * floor.c -- the yardsticks: what an answer costs from a process that runs
 * already, and from a bare one made for it.  No confinement, no JSON, no library.
 *
 * Orders come on descriptor 0, samples go to descriptor 1.  Static and
 * small, so that nothing but the kernel's own work is measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/floor.h"

#define RING		16	/* processes that answer in turn */
#define IN_FLIGHT	4
#define RATE_CALLS	100	/* of one sample of a rate */
#define ECHO_ARG	"echo"

struct peer {
	int	to, from;
};

static struct peer	 peers[RING];
static int		 turn;

static int64_t
now_ns(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Reads one line, writes one.  0, or -1 at the end. */
static int
echo(int in, int out)
{
	char	 buf[1024];
	size_t	 len = 0;
	ssize_t	 n;

	do {
		if ((n = read(in, buf + len, sizeof(buf) - len)) <= 0)
			return -1;
		len += (size_t)n;
	} while (buf[len - 1] != '\n');
	return write(out, BENCH_ANSWER, sizeof(BENCH_ANSWER) - 1) == (ssize_t)sizeof(BENCH_ANSWER) - 1 ? 0 : -1;
}

static void
line_read(int fd)
{
	char	 buf[1024];
	ssize_t	 n;

	do {
		if ((n = read(fd, buf, sizeof(buf))) <= 0)
			_exit(1);
	} while (buf[n - 1] != '\n');
}

static void
line_write(int fd)
{
	if (write(fd, BENCH_REQUEST, sizeof(BENCH_REQUEST) - 1) != (ssize_t)sizeof(BENCH_REQUEST) - 1)
		_exit(1);
}

static void
peers_start(void)
{
	int	 down[2], up[2];

	for (int i = 0; i < RING; i++) {
		if (pipe2(down, O_CLOEXEC) == -1 || pipe2(up, O_CLOEXEC) == -1)
			_exit(1);
		if (fork() == 0) {
			/* Whoever else holds the write end would keep this one alive. */
			syscall(SYS_close_range, 3, (unsigned int)down[0] - 1, 0);
			close(down[1]);
			while (echo(down[0], up[1]) == 0)
				;
			_exit(0);
		}
		close(down[0]);
		close(up[1]);
		peers[i] = (struct peer){ down[1], up[0] };
	}
}

static void
round_trip(struct sample *s, struct peer *p)
{
	int64_t	 start = now_ns();

	line_write(p->to);
	line_read(p->from);
	s->first_ns = s->reaped_ns = now_ns() - start;
}

static pid_t
bare_clone(int *pidfd)
{
	struct clone_args	 a = { .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = SIGCHLD };

	return (pid_t)syscall(SYS_clone3, &a, sizeof(a));
}

static pid_t
exec_static(int in, int out)
{
	char	*argv[] = { (char[]){ "/proc/self/exe" }, (char[]){ ECHO_ARG }, NULL };
	pid_t	 pid = vfork();

	if (pid == 0) {
		dup2(in, 0);
		dup2(out, 1);
		execve(argv[0], argv, &argv[2]);
		_exit(127);
	}
	return pid;
}

static void
wait_for(pid_t pid, struct sample *s)
{
	struct rusage	 ru;
	int		 status;

	while (wait4(pid, &status, 0, &ru) == -1)
		if (errno != EINTR)
			_exit(1);
	s->faults = ru.ru_minflt;
}

static void
call(struct sample *s, enum floor_kind kind)
{
	int64_t	 start = now_ns();
	int	 down[2], up[2], pidfd = -1;
	pid_t	 pid;

	if (pipe2(down, O_CLOEXEC) == -1 || pipe2(up, O_CLOEXEC) == -1)
		_exit(1);
	if ((pid = kind == FLOOR_VFORK ? exec_static(down[0], up[1]) : bare_clone(&pidfd)) == 0)
		_exit(echo(down[0], up[1]) == 0 ? 0 : 1);
	if (pid == -1)
		_exit(1);
	close(down[0]);
	close(up[1]);
	line_write(down[1]);
	close(down[1]);
	line_read(up[0]);
	s->first_ns = now_ns() - start;
	wait_for(pid, s);
	close(up[0]);
	close(pidfd);
	s->reaped_ns = now_ns() - start;
}

/* One that waits in its first read, killed. */
static void
kill_bare(struct sample *s)
{
	int	 down[2], up[2], pidfd = -1;
	int64_t	 start;
	pid_t	 pid;
	char	 c = 0;

	if (pipe2(down, O_CLOEXEC) == -1 || pipe2(up, O_CLOEXEC) == -1)
		_exit(1);
	if ((pid = bare_clone(&pidfd)) == 0)
		_exit(write(up[1], "", 1) == 1 && echo(down[0], up[1]) == 0 ? 0 : 1);
	if (pid == -1 || read(up[0], &c, 1) != 1)
		_exit(1);
	nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);	/* until it sleeps in its read */
	start = now_ns();
	syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	wait_for(pid, s);
	s->first_ns = s->reaped_ns = now_ns() - start;
	for (int i = 0; i < 2; i++) {
		close(down[i]);
		close(up[i]);
	}
	close(pidfd);
}

/* IN_FLIGHT of them at a time: the next one begins when any has ended. */
static void
rate(struct sample *s)
{
	int64_t	 start = now_ns();
	int	 from[RATE_CALLS], started = 0, ended = 0;

	while (ended < RATE_CALLS) {
		int	 down[2], up[2], pidfd;

		if (started < RATE_CALLS && started - ended < IN_FLIGHT) {
			if (pipe2(down, O_CLOEXEC) == -1 || pipe2(up, O_CLOEXEC) == -1)
				_exit(1);
			if (bare_clone(&pidfd) == 0)
				_exit(echo(down[0], up[1]) == 0 ? 0 : 1);
			close(down[0]);
			close(up[1]);
			close(pidfd);
			line_write(down[1]);
			close(down[1]);
			from[started++] = up[0];
			continue;
		}
		line_read(from[ended]);
		close(from[ended++]);
		if (waitpid(-1, NULL, 0) == -1)
			_exit(1);
	}
	s->first_ns = s->reaped_ns = (int64_t)(RATE_CALLS * 1e9 / (double)(now_ns() - start));
}

static void
measure(struct sample *s, enum floor_kind kind)
{
	*s = (struct sample){ 0 };
	switch (kind) {
	case FLOOR_PIPE:
	case FLOOR_RING:
	case FLOOR_RING_PACED:
	case FLOOR_PIPE_PACED:
		if (peers[0].to == 0)
			peers_start();
		if (kind == FLOOR_RING_PACED || kind == FLOOR_PIPE_PACED)
			nanosleep(&(struct timespec){ .tv_nsec = FLOOR_PACE_NS }, NULL);
		turn = kind == FLOOR_PIPE || kind == FLOOR_PIPE_PACED ? 0 : (turn + 1) % RING;
		round_trip(s, &peers[turn]);
		break;
	case FLOOR_CLONE3_PACED:
		nanosleep(&(struct timespec){ .tv_nsec = FLOOR_PACE_NS }, NULL);
		call(s, FLOOR_CLONE3);
		break;
	case FLOOR_KILL:
		kill_bare(s);
		break;
	case FLOOR_RATE:
		rate(s);
		break;
	default:
		call(s, kind);
	}
}

int
main(int argc, char **argv)
{
	struct floor_order	 o;
	struct sample		 s;

	if (argc == 2 && strcmp(argv[1], ECHO_ARG) == 0)
		return echo(0, 1) == 0 ? 0 : 1;
	while (read(0, &o, sizeof(o)) == (ssize_t)sizeof(o) && o.kind < FLOOR__MAX)
		for (int i = 0; i < o.n; i++) {
			measure(&s, o.kind);
			if (write(1, &s, sizeof(s)) != (ssize_t)sizeof(s))
				return 1;
		}
	return 0;
}
