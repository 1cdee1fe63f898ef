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
 * Where the host has IPv6, 2001:2::/64 is local as well, and ::1 is not there.
 *
 * One filter stands, made once and loaded in each.  It lets execve() through for whoever gives two numbers, in arguments
 * that the kernel does not look at: they were drawn for this nursery, and the memory that holds them is gone once the
 * program has been executed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
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

#define BACKLOG		64
#define DNS_PORT	53
#define ONE_HOST	"255.255.255.255"
#define LOOPBACK	1		/* number of the first interface of every network */

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
	if (g->bare)
		kept_prepare(g->processes);
	else
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
sandbox_fork_guest(unsigned int waived)
{
	unsigned long	 flags = CLONE_PARENT | SIGCHLD;

	if (ON(waived, LAYER_NAMESPACES))
		flags |= CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC;
	return (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
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

void
guest_tasks_bound(unsigned int n)
{
	const struct rlimit	 most = { n, n };

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

/* For both families. */
static int
port_open6(uint16_t port)
{
	const struct sockaddr_in6	 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	const int			 no = 0;
	int				 fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) == -1 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) == -1 || listen(fd, BACKLOG) == -1)
		sandbox_die(LAYER_NAMESPACES, "network: a port", errno);
	return fd;
}

/* In its header: linux/ipv6.h and netinet/in.h do not go together. */
struct change6 {
	struct in6_addr	 address;
	uint32_t	 bits;
	int		 interface;
};

/* All addresses with that beginning are this host's own: by no ioctl, so by netlink. */
static int
route_local6(const struct in6_addr *net, uint8_t bits)
{
	const unsigned int	 loopback = LOOPBACK;
	struct {
		struct nlmsghdr	 head;
		struct rtmsg	 route;
		struct rtattr	 net;
		struct in6_addr	 net_is;
		struct rtattr	 device;
		unsigned int	 device_is;
	} m = {
		.head = { .nlmsg_len = sizeof(m), .nlmsg_type = RTM_NEWROUTE, .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK },
		.route = { .rtm_family = AF_INET6, .rtm_dst_len = bits, .rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_BOOT,
		    .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_LOCAL },
		.net = { .rta_len = RTA_LENGTH(sizeof(*net)), .rta_type = RTA_DST },
		.net_is = *net,
		.device = { .rta_len = RTA_LENGTH(sizeof(loopback)), .rta_type = RTA_OIF },
		.device_is = loopback,
	};
	struct {
		struct nlmsghdr	 head;
		struct nlmsgerr	 error;
	} answer = { 0 };
	int	 fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), r = -1;

	if (fd != -1 && send(fd, &m, sizeof(m), 0) == (ssize_t)sizeof(m) && recv(fd, &answer, sizeof(answer), 0) > 0 &&
	    answer.head.nlmsg_type == NLMSG_ERROR) {
		errno = -answer.error.error;
		r = errno == 0 ? 0 : -1;
	}
	if (fd != -1)
		close(fd);
	return r;
}

/* False: this host has none, and goes without.  Its own loopback address, which comes by itself, goes first. */
static bool
network6(void)
{
	struct change6	 own = { .address = IN6ADDR_LOOPBACK_INIT, .bits = 128, .interface = LOOPBACK };
	struct change6	 ours = { .bits = 128, .interface = LOOPBACK };
	int		 fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool		 has = fd != -1;

	if (fd == -1)
		return false;
	if (ioctl(fd, SIOCDIFADDR, &own) == -1 && errno != EADDRNOTAVAIL && errno != ENXIO)
		sandbox_die(LAYER_NAMESPACES, "network: without ::1", errno);
	(void)inet_pton(AF_INET6, SANDBOX_NET6, &ours.address);
	/* A host may have the family and forbid its use (net.ipv6.conf.default.disable_ipv6). */
	has = ioctl(fd, SIOCSIFADDR, &ours) == 0;
	close(fd);
	memset(ours.address.s6_addr + SANDBOX_NET6_BITS / 8, 0, sizeof(ours.address) - SANDBOX_NET6_BITS / 8);
	return has && route_local6(&ours.address, SANDBOX_NET6_BITS) == 0;
}

/* A loopback that goes up without an address takes 127.0.0.1: ours are there before. */
size_t
sandbox_guest_net(const struct sandbox_net *net, int fds[SANDBOX_NET_FDS_MAX])
{
	struct ifreq	 up = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int		 fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t		 n = 0;
	bool		 six;

	if (fd == -1)
		sandbox_die(LAYER_NAMESPACES, "network: a socket", errno);
	address_add(fd, 0, inet_addr(SANDBOX_RESOLVER), SANDBOX_NET_MASK);
	for (size_t i = 0; i < net->naddresses; i++)
		address_add(fd, (unsigned int)i + 1, net->addresses[i], ONE_HOST);
	if (ioctl(fd, SIOCSIFFLAGS, &up) == -1)
		sandbox_die(LAYER_NAMESPACES, "network: up", errno);
	close(fd);
	six = network6();
	fds[n++] = port_open(SOCK_DGRAM, inet_addr(SANDBOX_RESOLVER), DNS_PORT);
	fds[n++] = port_open(SOCK_STREAM, inet_addr(SANDBOX_RESOLVER), DNS_PORT);
	for (size_t i = 0; i < net->nports; i++)
		fds[n++] = six ? port_open6(net->ports[i]) : port_open(SOCK_STREAM, htonl(INADDR_ANY), net->ports[i]);
	return n;
}

int
sandbox_guest(unsigned int waived, const struct sandbox_guest *g, unsigned int first_fd)
{
	birth_lock();
	birth_shed(first_fd);
	places_mount();
	if (ON(waived, LAYER_LANDLOCK))
		landlock_guest(g, false);
	ids_shed();
	birth_orphan_never();
	if (ON(waived, LAYER_RLIMITS))
		guest_tasks_bound(THREADS_MAX);
	return ON(waived, LAYER_SECCOMP) ? filter_enter_heard(&filter) : -1;
}

int
sandbox_guest_exec(const char *program, char *const argv[], char *const envp[])
{
	return (int)syscall(SYS_execve, program, argv, envp, 0L, filter_cookie[0], filter_cookie[1]);
}
