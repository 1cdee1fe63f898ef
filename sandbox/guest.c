/*
 * guest.c -- walls of a worker that becomes a program of somebody else's: an interpreter with threads, sockets and
 * memory that it writes and then executes.
 *
 * Its nursery runs our code only, and nothing of the guest's, so it goes with less: the walls are each worker's own.
 * It is born into a mount, net and ipc namespace of its own beside the pid namespace, so that nothing in /tmp, on the
 * loopback or in shared memory is seen by the next one; files are settled by Landlock after the last mount, since
 * nothing can be mounted behind it.
 *
 * Its network is a loopback on which 198.18.0.0/15 is local, whole, as are the addresses that its policy names by number:
 * a connection to any of them ends at a socket that is made here and belongs to the broker.  127.0.0.1 is not there.
 *
 * One filter stands, made once and loaded in each.  It lets execve() through for whoever gives two numbers, in arguments
 * that the kernel does not look at: they were drawn for this nursery, and the memory that holds them is gone once the
 * program has been executed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/private.h"

#define TMP_OPTIONS	"size=64m,nr_inodes=4096,mode=1777"
#define PROC_OPTIONS	"subset=pid,hidepid=invisible"	/* Linux 5.8 */
#define THREADS_MAX	512				/* of all workers of a nursery: the kernel counts by user */

#define BACKLOG		64
#define DNS_PORT	53
#define ONE_HOST	"255.255.255.255"

static const char *const nodes[] = {
	"/usr/bin/node",
	"/usr/local/bin/node",
	NULL
};

const char *const sandbox_guest_readable[] = {
	"/usr/share/nodejs",		/* Debian keeps parts of Node there */
	"/usr/share/zoneinfo",
	NULL
};

const char *const sandbox_guest_devices[] = {
	"/dev/null",
	"/dev/zero",
	"/dev/random",
	"/dev/urandom",
	NULL
};

const struct made_file sandbox_guest_files[] = {
	{ "/etc/resolv.conf", "nameserver " SANDBOX_RESOLVER "\noptions attempts:1 timeout:10\n" },
	{ "/etc/nsswitch.conf", "hosts: dns\n" },
	{ NULL, NULL }
};

static struct sock_fprog	 filter;

void
sandbox_guest_prepare(const struct sandbox_guest *g)
{
	if (getrandom(filter_cookie, sizeof(filter_cookie), 0) != (ssize_t)sizeof(filter_cookie) || filter_cookie[0] == 0)
		sandbox_die(LAYER_SECCOMP, "draw a number", errno);
	filter_keep(g->processes ? FILTER_GUEST_MANY : FILTER_GUEST, &filter);
}

const char *
sandbox_guest_program(void)
{
	static const char	*found;
	static bool		 looked;	/* once: who has walls by then cannot look again */

	for (size_t i = 0; !looked && found == NULL && nodes[i] != NULL; i++)
		if (access(nodes[i], X_OK) == 0)
			found = nodes[i];
	looked = true;
	return found;
}

pid_t
sandbox_fork_guest(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_PARENT | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | SIGCHLD,
	    0, 0, 0, 0);
}

static void
places_mount(void)
{
	if (mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, TMP_OPTIONS) == -1)
		sandbox_die(LAYER_NAMESPACES, "mount /tmp", errno);
	/* Over the host's, which must not be seen. */
	if (mount("none", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, PROC_OPTIONS) == -1)
		sandbox_die(LAYER_NAMESPACES, "mount /proc", errno);
}

static void
threads_bound(void)
{
	const struct rlimit	 most = { THREADS_MAX, THREADS_MAX };

	if (setrlimit(RLIMIT_NPROC, &most) == -1)
		sandbox_die(LAYER_RLIMITS, "threads", errno);
}

static void
put_address(struct sockaddr *to, in_addr_t a, uint16_t port)
{
	const struct sockaddr_in	 in = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = a };

	memcpy(to, &in, sizeof(in));
}

static void
address_add(int fd, unsigned int number, in_addr_t a, const char *mask)
{
	struct ifreq	 r = { 0 };

	snprintf(r.ifr_name, sizeof(r.ifr_name), number == 0 ? "lo" : "lo:%u", number);
	put_address(&r.ifr_addr, a, 0);
	if (ioctl(fd, SIOCSIFADDR, &r) == -1)
		sandbox_die(LAYER_NAMESPACES, "network: an address", errno);
	put_address(&r.ifr_netmask, inet_addr(mask), 0);
	if (ioctl(fd, SIOCSIFNETMASK, &r) == -1)
		sandbox_die(LAYER_NAMESPACES, "network: a mask", errno);
}

static int
port_open(int kind, in_addr_t a, uint16_t port)
{
	struct sockaddr	 to;
	int		 fd = socket(AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	put_address(&to, a, port);
	if (fd == -1 || bind(fd, &to, sizeof(to)) == -1 || (kind == SOCK_STREAM && listen(fd, BACKLOG) == -1))
		sandbox_die(LAYER_NAMESPACES, "network: a port", errno);
	return fd;
}

/* A loopback that goes up without an address takes 127.0.0.1: ours are there before. */
size_t
sandbox_guest_net(const struct sandbox_net *net, int fds[SANDBOX_NET_FDS_MAX])
{
	struct ifreq	 up = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int		 fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t		 n = 0;

	if (fd == -1)
		sandbox_die(LAYER_NAMESPACES, "network: a socket", errno);
	address_add(fd, 0, inet_addr(SANDBOX_RESOLVER), SANDBOX_NET_MASK);
	for (size_t i = 0; i < net->naddresses; i++)
		address_add(fd, (unsigned int)i + 1, net->addresses[i], ONE_HOST);
	if (ioctl(fd, SIOCSIFFLAGS, &up) == -1)
		sandbox_die(LAYER_NAMESPACES, "network: up", errno);
	close(fd);
	fds[n++] = port_open(SOCK_DGRAM, inet_addr(SANDBOX_RESOLVER), DNS_PORT);
	fds[n++] = port_open(SOCK_STREAM, inet_addr(SANDBOX_RESOLVER), DNS_PORT);
	for (size_t i = 0; i < net->nports; i++)
		fds[n++] = port_open(SOCK_STREAM, htonl(INADDR_ANY), net->ports[i]);
	return n;
}

int
sandbox_guest(unsigned int waived, const struct sandbox_guest *g, unsigned int first_fd)
{
	birth_lock();
	birth_shed(first_fd);
	places_mount();
	if (ON(waived, LAYER_LANDLOCK))
		landlock_guest(g);
	ids_shed();
	birth_orphan_never();
	if (ON(waived, LAYER_RLIMITS))
		threads_bound();
	return ON(waived, LAYER_SECCOMP) ? filter_enter_heard(&filter) : -1;
}

int
sandbox_guest_exec(const char *program, char *const argv[], char *const envp[])
{
	return (int)syscall(SYS_execve, program, argv, envp, 0L, filter_cookie[0], filter_cookie[1]);
}
