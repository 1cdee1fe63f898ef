/*
 * test_broker_dns.c -- the broker against name servers that lie, in a network of its own.
 *
 * Each forbidden address is first connected to without the broker, so that a
 * refusal is one.  Skipped with a word where there is no such network.
 */
#include "sandbox/sandbox.h"
#include "tests/unit/broker_world.h"

static char	 program[4096];

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

static void
broker_renew(void)
{
	struct error	 e = ERROR_NONE;

	broker_stop(broker);
	if ((broker = broker_start(program, &e)) == NULL)
		fail_msg("%s", e.msg);
}

/* Another file by the same name is out of the broker's sight: it says so, and makes room for the next. */
static void
replaced_resolver(void **state)
{
	char		path[128], where[INET6_ADDRSTRLEN];
	struct error	e = ERROR_NONE;
	struct pollfd	p;
	int		fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/hosts.new", folder);
	assert_int_not_equal(fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), -1);
	close(fd);
	assert_int_equal(mount(path, "/etc/hosts", NULL, MS_BIND, NULL), 0);
	if (sandbox_landlock_level() == -1) {
		assert_int_equal(asked("good.example", false, where), EGRESS_OK);
	} else {
		assert_int_equal(asked("good.example", false, where), EGRESS_UNRESOLVED);
		p = (struct pollfd){ .fd = broker_fd(broker), .events = POLLIN };
		while (broker_read(broker, &e) == 0)
			assert_int_equal(poll(&p, 1, SECONDS(10)), 1);
	}
	broker_renew();
	assert_int_equal(asked("good.example", false, where), EGRESS_OK);
	assert_int_equal(umount2("/etc/hosts", MNT_DETACH), 0);
	broker_renew();
}

/* A resolver that never returns: /etc/hosts is a pipe nobody writes to. */
static void
stuck_resolver(void **state)
{
	char	path[128], where[INET6_ADDRSTRLEN];
	int64_t	start;
	int	fd;

	(void)state;
	if (getenv("BASCULE_SLOW") == NULL)
		skip();
	snprintf(path, sizeof(path), "%s/hosts", folder);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(mount(path, "/etc/hosts", NULL, MS_BIND, NULL), 0);
	broker_renew();
	start = now_ms();
	assert_int_equal(asked("good.example", false, where), EGRESS_TIMEOUT);
	assert_in_range(now_ms() - start, SECONDS(15), SECONDS(17));
	assert_int_not_equal(fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK), -1);
	assert_int_equal(umount2("/etc/hosts", MNT_DETACH), 0);
	close(fd);
	broker_renew();
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
		cmocka_unit_test(replaced_resolver),
		cmocka_unit_test(stuck_resolver),
	};
	const char		*given = getenv("BASCULE_BROKER");
	struct error		 e = ERROR_NONE;
	int			 failed;

	if (realpath(given != NULL ? given : "build/libexec/bascule-broker", program) == NULL || geteuid() != 0) {
		printf("skipped: needs root and bascule-broker (make it, or set BASCULE_BROKER)\n");
		return 0;
	}
	if (world_make() == -1) {
		printf("skipped: no network of its own to be had here: %s\n", strerror(errno));
		world_end();
		return 0;
	}
	if ((broker = broker_start(program, &e)) == NULL) {
		fprintf(stderr, "%s\n", e.msg);
		world_end();
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	broker_stop(broker);
	world_end();
	return failed;
}
