/*
 * test_broker_dns.c -- the broker against name servers that lie, in a network of its own.
 *
 * Two network namespaces joined by a cable: here the broker and a name server,
 * there a listener on every address that must not be reached.  Each forbidden
 * address is first connected to without the broker, so that a refusal is one.
 * Needs root, ip(8) and nsenter(1); skipped with a word where they are missing.
 */
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

/* A leg for one host; its question is asked. */
static int
leg_ask(const char *host, bool opened, const struct wire_proxy *proxy, uint32_t *leg)
{
	const char *const	 allow[] = { host, NULL };
	struct egress_rule	 r = { .port = PORT };
	struct broker_policy	 policy = { .rules = &r, .nrules = 1, .allow_private = opened ? allow : NULL,
	    .proxy = proxy };
	struct egress_question	 q = { .port = PORT, .host_bytes = (uint16_t)strlen(host) };
	struct error		 e = ERROR_NONE;
	int			 fd;

	snprintf(r.host, sizeof(r.host), "%s", host);
	memcpy(q.host, host, strlen(host));
	if (broker_open(broker, &policy, leg, &fd, &e) == -1)
		fail_msg("%s", e.msg);
	assert_int_equal(send(fd, &q, sizeof(q), 0), sizeof(q));
	return fd;
}

/* The answer; *where is the address connected to. */
static int
leg_hear(int leg_fd, char where[INET6_ADDRSTRLEN])
{
	struct egress_answer	 a;
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg;
	struct iovec		 iov = { &a, sizeof(a) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf,
	    .msg_controllen = sizeof(cmsg.buf) };
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);
	struct pollfd		 p = { .fd = leg_fd, .events = POLLIN };
	int			 fd;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(recvmsg(leg_fd, &msg, MSG_CMSG_CLOEXEC), sizeof(a));
	where[0] = '\0';
	if (a.status != EGRESS_OK)
		return a.status;
	assert_non_null(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	assert_int_equal(getpeername(fd, (struct sockaddr *)&ss, &len), 0);
	inet_ntop(ss.ss_family, ss.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&ss)->sin_addr :
	    (void *)&((struct sockaddr_in6 *)&ss)->sin6_addr, where, INET6_ADDRSTRLEN);
	close(fd);
	return EGRESS_OK;
}

static int
asked(const char *host, bool opened, char where[INET6_ADDRSTRLEN])
{
	uint32_t	leg;
	autofd		leg_fd = leg_ask(host, opened, NULL, &leg);
	int		status = leg_hear(leg_fd, where);

	cJSON_Delete(broker_close(broker, leg));
	return status;
}

static bool
reachable(const char *address)
{
	struct sockaddr_in	in = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sockaddr_in6	in6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	bool			is_four = inet_pton(AF_INET, address, &in.sin_addr) == 1;
	autofd			fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (is_four)
		return connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0;
	return inet_pton(AF_INET6, address, &in6.sin6_addr) == 1 &&
	    connect(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;
}

static void
forbidden_is_reachable(void **state)
{
	static const char *const	addresses[] = {
		"10.0.0.5", "169.254.169.254", "fd00:ec2::254", "127.0.0.1", "0.0.0.0", "::ffff:10.0.0.5",
		"64:ff9b::a9fe:a9fe", "2002:a00:5::1", "93.184.215.1", "64:ff9b::a00:5", "64:ff9b:1:a00:0:500:808:808",
		"2606:4700::5efe:a00:5",
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(addresses); i++)
		if (!reachable(addresses[i]))
			fail_msg("%s: the test's world has no such address", addresses[i]);
}

static void
answers(void **state)
{
	static const struct {
		const char	*host;
		bool		 opened;
		int		 want;
		const char	*where;
	} rows[] = {
		{ "good.example", false, EGRESS_OK, "93.184.215.34" },
		{ "six.example", false, EGRESS_OK, "2606:4700::34" },
		{ "mixed.example", false, EGRESS_OK, "93.184.215.34" },
		{ "private.example", false, EGRESS_REFUSED, "" },
		{ "private.example", true, EGRESS_OK, "10.0.0.5" },
		{ "meta.example", false, EGRESS_REFUSED, "" },
		{ "meta.example", true, EGRESS_REFUSED, "" },
		{ "meta6.example", false, EGRESS_REFUSED, "" },
		{ "meta6.example", true, EGRESS_REFUSED, "" },
		{ "loop.example", false, EGRESS_REFUSED, "" },
		{ "zero.example", true, EGRESS_REFUSED, "" },
		{ "mapped.example", true, EGRESS_REFUSED, "" },
		{ "nat64.example", true, EGRESS_REFUSED, "" },
		{ "nat64good.example", false, EGRESS_OK, "64:ff9b::5db8:d722" },
		{ "nat64private.example", false, EGRESS_REFUSED, "" },
		{ "nat64private.example", true, EGRESS_OK, "64:ff9b::a00:5" },
		{ "nat64local.example", false, EGRESS_REFUSED, "" },
		{ "isatap.example", true, EGRESS_REFUSED, "" },
		{ "sixtofour.example", true, EGRESS_REFUSED, "" },
		{ "self.example", false, EGRESS_REFUSED, "" },
		{ "self.example", true, EGRESS_OK, "93.184.215.1" },
		{ "only.short", false, EGRESS_UNRESOLVED, "" },
		{ "nobody.example", false, EGRESS_UNRESOLVED, "" },
	};
	char	where[INET6_ADDRSTRLEN];

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		int	got = asked(rows[i].host, rows[i].opened, where);

		if (got != rows[i].want || strcmp(where, rows[i].where) != 0)
			fail_msg("%s (opened: %d): status %d, connected to \"%s\"", rows[i].host, rows[i].opened, got,
			    where);
	}
}

/* The search list stays unused, however often a thread has looked something up before. */
static void
search_list(void **state)
{
	char	where[INET6_ADDRSTRLEN];

	(void)state;
	for (int i = 0; i < 8; i++)
		assert_int_equal(asked("only.short", false, where), EGRESS_UNRESOLVED);
}

/* One look-up feeds one connection: there is no second one to answer differently, and a later one is checked anew. */
static void
rebinding(void **state)
{
	char	where[INET6_ADDRSTRLEN];

	(void)state;
	atomic_store(&rebind_asked, 0);
	assert_int_equal(asked(REBIND, false, where), EGRESS_OK);
	assert_string_equal(where, "93.184.215.34");
	assert_int_equal(atomic_load(&rebind_asked), 1);
	assert_int_equal(asked(REBIND, false, where), EGRESS_REFUSED);
	assert_int_equal(atomic_load(&rebind_asked), 2);
}

/* The receipt is the operator's, and names what the worker was not told. */
static void
refused_address(void **state)
{
	char		 where[INET6_ADDRSTRLEN];
	uint32_t	 leg;
	autofd		 leg_fd = leg_ask("meta.example", true, NULL, &leg);
	autojson	*contacts = NULL;

	(void)state;
	assert_int_equal(leg_hear(leg_fd, where), EGRESS_REFUSED);
	contacts = broker_close(broker, leg);
	assert_string_equal(cJSON_GetObjectItem(contacts->child, "address")->valuestring, "169.254.169.254");
}

/* More questions than there are threads, each of which takes a while: they queue, none is lost. */
static void
crowd(void **state)
{
	enum { LEGS = 150 };
	uint32_t	legs[LEGS];
	int		fds[LEGS];
	char		where[INET6_ADDRSTRLEN];

	(void)state;
	for (int i = 0; i < LEGS; i++)
		fds[i] = leg_ask("slow.example", false, NULL, &legs[i]);
	for (int i = 0; i < LEGS; i++) {
		assert_int_equal(leg_hear(fds[i], where), EGRESS_OK);
		assert_string_equal(where, "93.184.215.34");
		cJSON_Delete(broker_close(broker, legs[i]));
		close(fds[i]);
	}
}

/* A proxy on loopback: notes the first line of each connection, and says yes. */
static int		 proxy_fd = -1;
static char		 proxy_heard[256];

static void *
proxy_main(void *arg)
{
	static const char	yes[] = "HTTP/1.1 200 OK\r\n\r\n";
	char			text[1024];
	int			fd;

	(void)arg;
	while ((fd = accept(proxy_fd, NULL, NULL)) != -1) {
		ssize_t	n = recv(fd, text, sizeof(text) - 1, 0);

		text[n > 0 ? n : 0] = '\0';
		snprintf(proxy_heard, sizeof(proxy_heard), "%.*s", (int)strcspn(text, "\r"), text);
		(void)!write(fd, yes, sizeof(yes) - 1);
		(void)recv(fd, text, sizeof(text), 0);	/* until the other end is closed */
		close(fd);
	}
	return NULL;
}

static void
by_proxy(void **state)
{
	static const struct {
		const char	*host;
		bool		 opened, by_name;
		int		 want;
		const char	*heard;
	} rows[] = {
		{ "good.example", false, false, EGRESS_OK, "CONNECT 93.184.215.34:443 HTTP/1.1" },
		{ "six.example", false, false, EGRESS_OK, "CONNECT [2606:4700::34]:443 HTTP/1.1" },
		{ "mixed.example", false, false, EGRESS_OK, "CONNECT 93.184.215.34:443 HTTP/1.1" },
		{ "private.example", false, false, EGRESS_REFUSED, "" },
		{ "private.example", true, false, EGRESS_OK, "CONNECT 10.0.0.5:443 HTTP/1.1" },
		{ "meta.example", true, false, EGRESS_REFUSED, "" },
		{ "nat64.example", true, false, EGRESS_REFUSED, "" },
		{ "loop.example", false, false, EGRESS_REFUSED, "" },
		{ "nobody.example", false, false, EGRESS_UNRESOLVED, "" },
		/* Names go as they are, addresses are still checked here. */
		{ "good.example", false, true, EGRESS_OK, "CONNECT good.example:443 HTTP/1.1" },
		{ "nobody.example", false, true, EGRESS_OK, "CONNECT nobody.example:443 HTTP/1.1" },
		{ "10.0.0.5", false, true, EGRESS_REFUSED, "" },
		{ "169.254.169.254", true, true, EGRESS_REFUSED, "" },
		{ "93.184.215.34", false, true, EGRESS_OK, "CONNECT 93.184.215.34:443 HTTP/1.1" },
	};
	struct sockaddr_in	in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		len = sizeof(in);
	pthread_t		t;

	(void)state;
	proxy_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(proxy_fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(proxy_fd, 8), 0);
	assert_int_equal(getsockname(proxy_fd, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(pthread_create(&t, NULL, proxy_main, NULL), 0);
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct wire_proxy	p = { .kind = WIRE_PROXY_HTTP, .names = rows[i].by_name, .port = ntohs(in.sin_port),
			.host = "127.0.0.1" };
		char			where[INET6_ADDRSTRLEN];
		uint32_t		leg;
		autofd			leg_fd = -1;
		int			got;

		proxy_heard[0] = '\0';
		leg_fd = leg_ask(rows[i].host, rows[i].opened, &p, &leg);
		got = leg_hear(leg_fd, where);
		if (got != rows[i].want || strcmp(proxy_heard, rows[i].heard) != 0)
			fail_msg("%s (opened: %d, by name: %d): status %d, the proxy heard \"%s\"", rows[i].host, rows[i].opened,
			    rows[i].by_name, got, proxy_heard);
		cJSON_Delete(broker_close(broker, leg));
	}
	shutdown(proxy_fd, SHUT_RDWR);
	pthread_join(t, NULL);
	close(proxy_fd);
}

/* An address that swallows everything costs one step. */
static void
black_hole(void **state)
{
	char	where[INET6_ADDRSTRLEN];
	int64_t	start = now_ms();

	(void)state;
	assert_int_equal(asked("slow.example", false, where), EGRESS_OK);
	assert_string_equal(where, "93.184.215.34");
	assert_in_range(now_ms() - start, 200, 1500);
}

/* A resolver that never returns: /etc/hosts is a pipe nobody writes to. */
static void
stuck_resolver(void **state)
{
	char	path[128], where[INET6_ADDRSTRLEN];
	int64_t	start = now_ms();
	int	fd;

	(void)state;
	if (getenv("BASCULE_SLOW") == NULL)
		skip();
	snprintf(path, sizeof(path), "%s/hosts", folder);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(mount(path, "/etc/hosts", NULL, MS_BIND, NULL), 0);
	assert_int_equal(asked("good.example", false, where), EGRESS_TIMEOUT);
	assert_in_range(now_ms() - start, SECONDS(15), SECONDS(17));
	assert_int_not_equal(fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK), -1);
	assert_int_equal(umount2("/etc/hosts", MNT_DETACH), 0);
	close(fd);
	assert_int_equal(asked("good.example", false, where), EGRESS_OK);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(forbidden_is_reachable),
		cmocka_unit_test(answers),
		cmocka_unit_test(search_list),
		cmocka_unit_test(rebinding),
		cmocka_unit_test(refused_address),
		cmocka_unit_test(crowd),
		cmocka_unit_test(by_proxy),
		cmocka_unit_test(black_hole),
		cmocka_unit_test(stuck_resolver),
	};
	const char		*program = getenv("BASCULE_BROKER");
	autofree char		*path = realpath(program != NULL ? program : "build/libexec/bascule-broker", NULL);
	struct error		 e = ERROR_NONE;
	int			 failed;

	if (path == NULL || geteuid() != 0) {
		printf("skipped: needs root and bascule-broker (make it, or set BASCULE_BROKER)\n");
		return 0;
	}
	if (world_make() == -1) {
		printf("skipped: no network of its own to be had here: %s\n", strerror(errno));
		world_end();
		return 0;
	}
	if ((broker = broker_start(path, &e)) == NULL) {
		fprintf(stderr, "%s\n", e.msg);
		world_end();
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	broker_stop(broker);
	world_end();
	return failed;
}
