/*
 * broker_world.h -- two network namespaces joined by a cable, for the broker's tests: here the broker and a name
 * server that lies, there a listener on every address that must not be reached.
 * Needs root, ip(8) and nsenter(1).
 */
#ifndef UNIT_BROKER_WORLD_H
#define UNIT_BROKER_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "launcher/core/broker.h"
#include "launcher/core/broker_wire.h"
#include "worker/contract/egress.h"
#include "worker/contract/util.h"

#define WAIT_MS		SECONDS(30)
#define PORT		443
#define TYPE_A		1
#define TYPE_AAAA	28

static const struct record {
	const char	*name, *a, *a2, *aaaa;
} zone[] = {
	{ "good.example", "93.184.215.34", NULL, NULL },
	{ "six.example", NULL, NULL, "2606:4700::34" },
	{ "mixed.example", "10.0.0.5", "93.184.215.34", "fd00:ec2::254" },
	{ "slow.example", "93.184.215.34", NULL, "2606:4700::dead" },
	{ "private.example", "10.0.0.5", NULL, NULL },
	{ "meta.example", "169.254.169.254", NULL, NULL },
	{ "meta6.example", NULL, NULL, "fd00:ec2::254" },
	{ "loop.example", "127.0.0.1", NULL, "::1" },
	{ "zero.example", "0.0.0.0", NULL, NULL },
	{ "mapped.example", NULL, NULL, "::ffff:10.0.0.5" },
	{ "nat64.example", NULL, NULL, "64:ff9b::a9fe:a9fe" },
	{ "nat64good.example", NULL, NULL, "64:ff9b::5db8:d722" },		/* 93.184.215.34 */
	{ "nat64private.example", NULL, NULL, "64:ff9b::a00:5" },
	{ "nat64local.example", NULL, NULL, "64:ff9b:1:a00:0:500:808:808" },	/* 10.0.0.5 behind a /48 */
	{ "isatap.example", NULL, NULL, "2606:4700::5efe:a00:5" },
	{ "rebind.example", "93.184.215.34", NULL, NULL },			/* the first time; then 10.0.0.5 */
	{ "sixtofour.example", NULL, NULL, "2002:a00:5::1" },
	{ "self.example", "93.184.215.1", NULL, NULL },
	{ "only.short.cluster.example", "93.184.215.34", NULL, NULL },
};

#define REBIND		"rebind.example"
#define REBOUND		"10.0.0.5"

static atomic_uint	 rebind_asked;		/* look-ups of REBIND's address */

static struct broker	*broker;
static pid_t		 peer;
static char		 folder[] = "/tmp/test-broker-dns-XXXXXX";

/* One answer's record behind the question; its name is a pointer to it. */
static size_t
record_put(uint8_t *out, int type, const char *text)
{
	static const uint8_t	head[] = { 0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
	size_t			len = type == TYPE_A ? 4 : 16;

	memcpy(out, head, sizeof(head));
	out[3] = (uint8_t)type;
	out[11] = (uint8_t)len;
	assert_int_equal(inet_pton(type == TYPE_A ? AF_INET : AF_INET6, text, out + sizeof(head)), 1);
	return sizeof(head) + len;
}

static size_t
answer_make(uint8_t *packet, size_t n)
{
	char			 name[256] = "";
	size_t			 at = 12, len = 0;
	const struct record	*r = NULL;
	int			 type;

	while (at < n && packet[at] != 0 && len + packet[at] + 1 < sizeof(name)) {
		memcpy(name + len, packet + at + 1, packet[at]);
		len += packet[at];
		name[len++] = '.';
		at += packet[at] + 1u;
	}
	name[len > 0 ? len - 1 : 0] = '\0';
	type = packet[at + 1] << 8 | packet[at + 2];
	at += 5;
	for (size_t i = 0; i < N_ITEMS(zone); i++)
		if (strcmp(zone[i].name, name) == 0)
			r = &zone[i];
	packet[2] = 0x81;
	packet[3] = r == NULL ? 0x83 : 0x80;
	memset(packet + 6, 0, 6);
	if (r != NULL && type == TYPE_A && r->a != NULL) {
		bool	rebound = strcmp(name, REBIND) == 0 && atomic_fetch_add(&rebind_asked, 1) > 0;

		at += record_put(packet + at, TYPE_A, rebound ? REBOUND : r->a);
		packet[7] = 1;
	}
	if (r != NULL && type == TYPE_A && r->a2 != NULL) {
		at += record_put(packet + at, TYPE_A, r->a2);
		packet[7] = 2;
	}
	if (r != NULL && type == TYPE_AAAA && r->aaaa != NULL) {
		at += record_put(packet + at, TYPE_AAAA, r->aaaa);
		packet[7] = 1;
	}
	return at;
}

static void *
name_server(void *arg)
{
	int			fd = *(int *)arg;
	uint8_t			packet[1024];
	struct sockaddr_in	from;
	socklen_t		len;
	ssize_t			n;

	for (;;) {
		len = sizeof(from);
		n = recvfrom(fd, packet, 512, 0, (struct sockaddr *)&from, &len);
		if (n > 16)
			sendto(fd, packet, answer_make(packet, (size_t)n), 0, (struct sockaddr *)&from, len);
	}
	return NULL;
}

/* On every address of this namespace. */
static void
listen_everywhere(void)
{
	struct sockaddr_in6	in6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int			fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == -1 || listen(fd, 1024) == -1)	/* nobody accepts */
		_exit(1);
}

static int
shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
shell(const char *fmt, ...)
{
	char	line[512];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return system(line) == 0 ? 0 : -1;
}

static int
peer_start(void)
{
	int	ready[2];
	char	c;

	if (pipe2(ready, O_CLOEXEC) == -1)
		return -1;
	if ((peer = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) == -1)
			_exit(1);
		listen_everywhere();
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		return -1;
	close(ready[0]);
	return 0;
}

static int
cable_lay(void)
{
	static const char *const	there[] = {
		"93.184.215.34/24", "10.0.0.5/24", "169.254.169.254/16", "2606:4700::34/32 nodad",
		"fd00:ec2::254/64 nodad", "64:ff9b::a9fe:a9fe/96 nodad", "2002:a00:5::1/64 nodad",
		"64:ff9b::5db8:d722/96 nodad", "64:ff9b::a00:5/96 nodad", "64:ff9b:1:a00:0:500:808:808/48 nodad",
		"2606:4700::5efe:a00:5/32 nodad",
	};
	static const char *const	here[] = {
		"93.184.215.1/24", "10.0.0.1/24", "169.254.0.9/16", "2606:4700::1/32 nodad",
		"fd00:ec2::1/64 nodad", "64:ff9b::1/96 nodad", "2002:a00:5::2/64 nodad",
		"64:ff9b:1::1/48 nodad",
	};

	if (shell("ip link set lo up && ip link add v0 type veth peer name v1 netns %d", (int)peer) == -1 ||
	    shell("ip link set v0 up && nsenter -t %d -n ip link set v1 up", (int)peer) == -1)
		return -1;
	for (size_t i = 0; i < N_ITEMS(here); i++)
		if (shell("ip addr add %s dev v0", here[i]) == -1)
			return -1;
	for (size_t i = 0; i < N_ITEMS(there); i++)
		if (shell("nsenter -t %d -n ip addr add %s dev v1", (int)peer, there[i]) == -1)
			return -1;
	return 0;
}

static int
files_place(void)
{
	char	path[128];
	FILE	*f;

	if (mkdtemp(folder) == NULL || chmod(folder, 0755) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/resolv.conf", folder);
	if ((f = fopen(path, "we")) == NULL)
		return -1;
	fputs("nameserver 127.0.0.1\nsearch cluster.example\n", f);
	fclose(f);
	chmod(path, 0644);
	return mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL);
}

static int
world_make(void)
{
	static int		fd;
	struct sockaddr_in	in = { .sin_family = AF_INET, .sin_port = htons(53),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	pthread_t		t;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    files_place() == -1 || peer_start() == -1 || cable_lay() == -1)
		return -1;
	listen_everywhere();
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) == -1)
		return -1;
	return pthread_create(&t, NULL, name_server, &fd) == 0 ? 0 : -1;
}

static void
world_end(void)
{
	if (peer > 0) {
		kill(peer, SIGKILL);
		waitpid(peer, NULL, 0);
	}
	umount2("/etc/hosts", MNT_DETACH);
	umount2("/etc/resolv.conf", MNT_DETACH);
	(void)shell("rm -rf %s", folder);
}

#endif
