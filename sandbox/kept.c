/*
 * kept.c -- walls of a guest where no namespace can be had.
 *
 * Nothing around it is its own: the files, processes and networks are the host's.  So it has less than a guest in
 * namespaces: it writes no file and has no /tmp; Landlock shows it libraries, its program and its own folder; the filter
 * takes whatever Landlock does not know (owners and times of files, locks, watches) and every way to give the kernel an
 * address.  connect() is not run: whoever calls it stands still while its keeper, a process of ours beside it, reads the
 * address once, asks the broker as any worker does, and puts the connected socket that it gets in the place of the guest's.
 * A socket for datagrams is from its beginning one end of a pair, whose other end is the keeper's name server.
 *
 * A keeper is in a Landlock domain that the guest's is nested in, which lets it look into the guest and not the
 * guest into it.  Both are in one process group, which no process of the guest can leave: the launcher ends it as one, and
 * so does the keeper once the broker is gone, since it does not die with the launcher as the guest does.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/private.h"

static struct sock_fprog	 bare, told;

void
kept_prepare(bool processes)
{
	filter_keep(processes ? FILTER_GUEST_BARE_MANY : FILTER_GUEST_BARE, &bare);
	filter_keep(FILTER_GUEST_TOLD, &told);
}

void
sandbox_kept_begin(const struct sandbox_guest *g, unsigned int first_fd)
{
	birth_lock();
	birth_shed(first_fd);
	if (setpgid(0, 0) == -1)
		sandbox_die(LAYER_BIRTH, "own process group", errno);
	landlock_guest(g, true);
	ids_shed();
	birth_orphan_never();
}

pid_t
sandbox_fork_keeper(void)
{
	pid_t	 pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

	if (pid == -1)
		sandbox_die(LAYER_BIRTH, "a keeper", errno);
	return pid;
}

void
sandbox_keeper(void)
{
	filter_enter(FILTER_KEEPER);
}

/* By a call that the guest cannot make. */
static void
hand_over(int to, int fd)
{
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg = { { 0 } };
	char			 c = 0;
	struct iovec		 iov = { &c, 1 };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf, .msg_controllen = sizeof(cmsg.buf) };

	cmsg.align.cmsg_level = SOL_SOCKET;
	cmsg.align.cmsg_type = SCM_RIGHTS;
	cmsg.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&cmsg.align), &fd, sizeof(int));
	if (syscall(SYS_sendmsg, to, &msg, MSG_NOSIGNAL, 0L, filter_cookie[0], filter_cookie[1]) != 1)
		sandbox_die(LAYER_SECCOMP, "tell the keeper", errno);
}

static void
own_pid_put(struct sock_fprog *f)
{
	for (unsigned short i = 0; i < f->len; i++)
		if (f->filter[i].k == FILTER_OWN_PID)
			f->filter[i].k = (uint32_t)getpid();
}

/* Of a process of this user; of others 0.  Whose the file is says nothing: those that cannot be looked into have root's. */
static unsigned int
threads_of(const char *pid)
{
	char		 path[64], text[4096];
	const char	*uid, *threads;
	ssize_t		 len;
	int		 fd;

	snprintf(path, sizeof(path), "/proc/%.32s/status", pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	if ((uid = strstr(text, "\nUid:")) == NULL || strtoul(uid + 5, NULL, 10) != getuid() ||
	    (threads = strstr(uid, "\nThreads:")) == NULL)
		return 0;
	return (unsigned int)strtoul(threads + 9, NULL, 10);
}

/*
 * Processes and threads of this user, whoever made them: the kernel counts by user, and there is no group that counts
 * ours alone.  Others may come and go after that.
 */
static unsigned int
tasks_of_user(void)
{
	DIR			*all = opendir("/proc");
	const struct dirent	*d;
	unsigned int		 n = 0;

	if (all == NULL)
		sandbox_die(LAYER_RLIMITS, "count processes: /proc", errno);
	while ((d = readdir(all)) != NULL)
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9')
			n += threads_of(d->d_name);
	closedir(all);
	return n;
}

void
sandbox_kept(unsigned int waived, const struct sandbox_guest *g, pid_t keeper, int to_keeper)
{
	unsigned int	 most = THREADS_MAX;
	int		 fd;

	/* Where only ancestors may look into a process (yama); elsewhere there is no such word. */
	(void)prctl(PR_SET_PTRACER, (unsigned long)keeper, 0, 0, 0);
	if (g->processes)
		most = tasks_of_user() + g->tasks;
	landlock_guest(g, false);
	if (ON(waived, LAYER_RLIMITS))
		guest_tasks_bound(most);
	if (!ON(waived, LAYER_SECCOMP))
		sandbox_die(LAYER_SECCOMP, "without namespaces its way out stands on it", 0);
	own_pid_put(&bare);
	filter_enter_kept(&bare);
	if ((fd = filter_enter_heard(&told)) == -1)
		sandbox_die(LAYER_SECCOMP, "whoever runs us listens to calls already, and there is one listener at most", 0);
	hand_over(to_keeper, fd);
	close(fd);
	close(to_keeper);
}
