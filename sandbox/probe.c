/*
 * probe.c -- does a layer hold on this host?  Each is put on a child by the very
 * code that confines a connector, and then attacked.  What the kernel's version
 * promises is not asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/private.h"

#define FORBIDDEN	"/etc/passwd"		/* readable by everybody, and by no worker */
#define LIBRARY		"/usr/lib/x"		/* stands for a connector's program: its folder is allowed anyway */
#define MEMORY_BYTES	((uint64_t)64 << 20)
#define CPU_S		10
#define FILES_MAX	16
#define NOBODY		65534
#define NO_NAMESPACES	(1u << LAYER_NAMESPACES)

/* The layer went on, and an attack went through all the same. */
static void __attribute__((noreturn))
escaped(enum sandbox_layer l, const char *what)
{
	sandbox_die(l, what, 0);
}

static void
birth_probe(void)
{
	birth_begin(getppid());
	birth_lock();
	birth_orphan_never();
	if (getsid(0) != getpid() || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		escaped(LAYER_BIRTH, "the session is another's, or it can be dumped");
	(void)dup2(STDERR_FILENO, FILES_MAX);
	birth_shed(STDERR_FILENO + 1);
	if (fcntl(FILES_MAX, F_GETFD) != -1)
		escaped(LAYER_BIRTH, "a descriptor stayed open");
}

/* As where no namespace is made: root gives itself up, anybody else has nothing to give. */
static void
ids_probe(void)
{
	ids_become(NO_NAMESPACES);
	ids_drop(NO_NAMESPACES);
	if (getuid() == 0 || geteuid() == 0 || setuid(0) != -1)
		escaped(LAYER_IDS, "it is root all the same");
}

/* A child in these namespaces, its ids mapped as a nursery's, does the rest; its end is ours. */
static void
mapped(unsigned long long flags, void (*rest)(void))
{
	struct clone_args	 args = { .flags = CLONE_NEWUSER | flags, .exit_signal = SIGCHLD };
	int			 sync[2], status;
	char			 c;
	pid_t			 pid;

	if (pipe2(sync, O_CLOEXEC) == -1)
		sandbox_die(LAYER_NAMESPACES, "pipe", errno);
	if ((pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args))) == -1)
		sandbox_die(LAYER_NAMESPACES, "make it", errno);
	if (pid == 0) {
		close(sync[1]);
		if (read(sync[0], &c, 1) != 1)
			_exit(SANDBOX_EXIT);
		rest();
		_exit(0);
	}
	close(sync[0]);
	if (sandbox_map_ids(pid, 0) == -1) {
		int	 err = errno;

		(void)kill(pid, SIGKILL);
		sandbox_die(LAYER_IDS, "map the ids", err);
	}
	if (write(sync[1], "", 1) != 1 || waitpid(pid, &status, 0) != pid)
		sandbox_die(LAYER_NAMESPACES, "wait for it", errno);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		_exit(SANDBOX_EXIT);		/* it said why */
}

static void
user_inside(void)
{
	ids_become(0);
	ids_drop(0);
	if (getuid() != NOBODY || geteuid() != NOBODY)
		escaped(LAYER_IDS, "the user did not change");
	if (setuid(0) != -1)
		escaped(LAYER_IDS, "it became root again");
}

static void
user_probe(void)
{
	mapped(0, user_inside);
}

static void
mount_inside(void)
{
	ids_become(0);
	root_take(LIBRARY, NULL);
	root_enter();
	if (open(FORBIDDEN, O_RDONLY | O_CLOEXEC) != -1)
		escaped(LAYER_NAMESPACES, "the old root can be read");
	if (mkdir("/x", 0700) != -1)
		escaped(LAYER_NAMESPACES, "the new root can be written");
}

static void
mount_probe(void)
{
	mapped(CLONE_NEWNS, mount_inside);
}

/* A namespace of its own, as its link in /proc shows. */
static void
namespace_probe(const char *link, int flag)
{
	char		 path[64];
	struct stat	 before, after;

	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", link);
	if (stat(path, &before) == -1)
		sandbox_die(LAYER_NAMESPACES, path, errno);
	if (unshare(CLONE_NEWUSER | flag) == -1)
		sandbox_die(LAYER_NAMESPACES, "make it", errno);
	if (stat(path, &after) == -1)
		sandbox_die(LAYER_NAMESPACES, path, errno);
	if (before.st_ino == after.st_ino)
		escaped(LAYER_NAMESPACES, "it is still the host's");
}

static void	net_probe(void)		{ namespace_probe("net", CLONE_NEWNET); }
static void	ipc_probe(void)		{ namespace_probe("ipc", CLONE_NEWIPC); }
static void	uts_probe(void)		{ namespace_probe("uts", CLONE_NEWUTS); }
static void	cgroup_probe(void)	{ namespace_probe("cgroup", CLONE_NEWCGROUP); }

/* These two hold for children only, and their links show nothing before the first of them. */
static void
children_probe(int flag, const char *link)
{
	struct stat	 ours, theirs;
	char		 path[64];
	int		 status;
	pid_t		 pid;

	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", link);
	if (stat(path, &ours) == -1)
		sandbox_die(LAYER_NAMESPACES, path, errno);
	if (unshare(CLONE_NEWUSER | flag) == -1)
		sandbox_die(LAYER_NAMESPACES, "make it", errno);
	if ((pid = fork()) == 0) {
		(void)pause();
		_exit(0);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, link);
	status = stat(path, &theirs);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	if (pid == -1 || status == -1)
		sandbox_die(LAYER_NAMESPACES, "a process in it", errno);
	if (ours.st_ino == theirs.st_ino)
		escaped(LAYER_NAMESPACES, "it is still the host's");
}

static void	pid_probe(void)		{ children_probe(CLONE_NEWPID, "pid"); }
static void	time_probe(void)	{ children_probe(CLONE_NEWTIME, "time"); }

static void
landlock_probe(void)
{
	struct sockaddr_in	 at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			 level = sandbox_landlock_level(), fd;

	landlock_load(LIBRARY, NULL);
	if (open(FORBIDDEN, O_RDONLY | O_CLOEXEC) != -1)
		escaped(LAYER_LANDLOCK, "a file outside could be read");
	if ((fd = open("/usr/lib", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		escaped(LAYER_LANDLOCK, "the libraries cannot be read");
	close(fd);
	landlock_close();
	if (open("/usr/lib", O_RDONLY | O_DIRECTORY | O_CLOEXEC) != -1)
		escaped(LAYER_LANDLOCK, "the libraries can be read for ever");
	if (level >= 4 && (fd = socket(AF_INET, SOCK_STREAM, 0)) != -1 &&
	    (bind(fd, (struct sockaddr *)&at, sizeof(at)) != -1 || errno != EACCES))
		escaped(LAYER_LANDLOCK, "a port could be taken");
	if (level >= 6 && kill(getppid(), 0) != -1)
		escaped(LAYER_LANDLOCK, "a signal could be sent");
}

static void
no_new_privs_probe(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		sandbox_die(LAYER_SECCOMP, "no_new_privs", errno);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) != -1)
		escaped(LAYER_SECCOMP, "no_new_privs does not hold");
}

/* The walls' own filter, and a call that is not in it. */
static void
seccomp_probe(void)
{
	int	 status;
	pid_t	 pid = fork();

	if (pid == 0) {
		(void)signal(SIGSYS, SIG_DFL);		/* a caller may catch it */
		filter_enter(FILTER_ALONE);
		(void)syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		_exit(0);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		sandbox_die(LAYER_SECCOMP, "fork", errno);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SANDBOX_EXIT)
		_exit(SANDBOX_EXIT);		/* it said why */
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		escaped(LAYER_SECCOMP, "a forbidden call did not end the process");
}

static void
rlimits_probe(void)
{
	const struct sandbox_wall	 w = { .waived = NO_NAMESPACES, .memory_bytes = MEMORY_BYTES, .cpu_s = CPU_S,
	    .files_max = FILES_MAX };
	pid_t				 pid;

	/* The kernel counts no process of root, and the probe of ids tells whether it can become another. */
	if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) == -1)
		return;
	rlimits_set(&w);
	birth_childless();
	if (mmap(NULL, 2 * MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		escaped(LAYER_RLIMITS, "memory is not limited");
	if (fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, FILES_MAX) != -1)
		escaped(LAYER_RLIMITS, "files are not limited");
	if ((pid = fork()) == 0)
		_exit(0);
	if (pid != -1)
		escaped(LAYER_RLIMITS, "processes are not limited");
}

static void
memory_probe(void)
{
	void	*p = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memory_begin();
	memory_lock();
	/* Without it the filter refuses the same. */
	if (p != MAP_FAILED && sandbox_mdwe() && mprotect(p, 1, PROT_READ | PROT_EXEC) != -1)
		escaped(LAYER_MEMORY, "written memory could be executed");
}

static const struct {
	const char		*name;
	enum sandbox_layer	 layer;
	void			(*run)(void);
} probes[] = {
	[PROBE_BIRTH]		= { "birth", LAYER_BIRTH, birth_probe },
	[PROBE_IDS]		= { "ids", LAYER_IDS, ids_probe },
	[PROBE_USER]		= { "user", LAYER_NAMESPACES, user_probe },
	[PROBE_MOUNT]		= { "mount", LAYER_NAMESPACES, mount_probe },
	[PROBE_PID]		= { "pid", LAYER_NAMESPACES, pid_probe },
	[PROBE_NET]		= { "net", LAYER_NAMESPACES, net_probe },
	[PROBE_IPC]		= { "ipc", LAYER_NAMESPACES, ipc_probe },
	[PROBE_UTS]		= { "uts", LAYER_NAMESPACES, uts_probe },
	[PROBE_CGROUPNS]	= { "cgroup", LAYER_NAMESPACES, cgroup_probe },
	[PROBE_TIME]		= { "time", LAYER_NAMESPACES, time_probe },
	[PROBE_LANDLOCK]	= { "landlock", LAYER_LANDLOCK, landlock_probe },
	[PROBE_NO_NEW_PRIVS]	= { "no_new_privs", LAYER_SECCOMP, no_new_privs_probe },
	[PROBE_SECCOMP]		= { "seccomp", LAYER_SECCOMP, seccomp_probe },
	[PROBE_RLIMITS]		= { "rlimits", LAYER_RLIMITS, rlimits_probe },
	[PROBE_MEMORY]		= { "memory", LAYER_MEMORY, memory_probe },
};
_Static_assert(sizeof(probes) / sizeof(probes[0]) == PROBE__MAX, "every probe has a row");

const char *
sandbox_probe_name(enum sandbox_probe p)
{
	return (unsigned int)p < PROBE__MAX ? probes[p].name : "unknown";
}

enum sandbox_layer
sandbox_probe_layer(enum sandbox_probe p)
{
	return (unsigned int)p < PROBE__MAX ? probes[p].layer : LAYER_INVALID;
}

static void __attribute__((noreturn))
probe_child(enum sandbox_probe p, int say_fd)
{
	int	 null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (dup2(say_fd, STDERR_FILENO) == -1)
		_exit(SANDBOX_EXIT);
	if (null != -1) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
	}
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
	probes[p].run();
	_exit(0);
}

int
sandbox_probe(enum sandbox_probe p, char *why, size_t n)
{
	int	 say[2], status;
	size_t	 len = 0;
	ssize_t	 k;
	pid_t	 pid;

	why[0] = '\0';
	if (pipe2(say, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		(void)snprintf(why, n, "%s", strerror(errno));
		return -1;
	}
	if (pid == 0)
		probe_child(p, say[1]);
	close(say[1]);
	while (len < n - 1 && (k = read(say[0], why + len, n - 1 - len)) > 0)
		len += (size_t)k;
	close(say[0]);
	while (len > 0 && (unsigned char)why[len - 1] <= ' ')
		len--;
	why[len] = '\0';
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status) && len == 0)
		(void)snprintf(why, n, "killed by SIG%s: something above us forbids the very call",
		    sigabbrev_np(WTERMSIG(status)) != NULL ? sigabbrev_np(WTERMSIG(status)) : "?");
	return -1;
}
