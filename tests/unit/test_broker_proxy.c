/*
 * test_broker_proxy.c -- what is said to proxies, what theirs may say, and connections by way of one that is played here.
 */
#include <pthread.h>

#include "launcher/broker/proxy.h"
#include "tests/unit/broker_kit.h"

static const struct wire_proxy	http = { .kind = WIRE_PROXY_HTTP, .port = 1, .host = "p" };
static const struct wire_proxy	http_login = { .kind = WIRE_PROXY_HTTP, .port = 1, .host = "p", .user = "Aladdin",
	.password = "open sesame" };
static const struct wire_proxy	socks = { .kind = WIRE_PROXY_SOCKS5, .port = 1, .host = "p" };
static const struct wire_proxy	socks_login = { .kind = WIRE_PROXY_SOCKS5, .port = 1, .host = "p", .user = "u",
	.password = "pw" };

static void
said(void **state)
{
	static const struct {
		const struct wire_proxy	*proxy;
		const char		*target, *want;
	} rows[] = {
		{ &http, "93.184.215.34", "CONNECT 93.184.215.34:443 HTTP/1.1\r\nHost: 93.184.215.34:443\r\n\r\n" },
		{ &http, "2606:4700::34", "CONNECT [2606:4700::34]:443 HTTP/1.1\r\nHost: [2606:4700::34]:443\r\n\r\n" },
		{ &http_login, "a.example", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n"
		    "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n" },
		{ &socks, "a.example", "\5\1" },	/* and a zero */
		{ &socks_login, "a.example", "\5\2" },
	};
	struct proxy_talk	t;

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		assert_int_equal(proxy_begin(&t, rows[i].proxy, rows[i].target, 443), PROXY_SAY);
		assert_memory_equal(t.say, rows[i].want, strlen(rows[i].want));
		if (rows[i].proxy->kind == WIRE_PROXY_HTTP)
			assert_int_equal(t.say_bytes, strlen(rows[i].want));
	}
}

/* The longest there can be. */
static void
longest(void **state)
{
	struct wire_proxy	p = { .port = 1 };
	struct proxy_talk	t;
	char			host[EGRESS_HOST_BYTES_MAX + 2];
	size_t			used;

	(void)state;
	memset(p.user, 'u', WIRE_CREDENTIAL_BYTES_MAX);
	memset(p.password, 'p', WIRE_CREDENTIAL_BYTES_MAX);
	memset(host, 'h', sizeof(host));
	host[EGRESS_HOST_BYTES_MAX] = '\0';
	p.kind = WIRE_PROXY_HTTP;
	assert_int_equal(proxy_begin(&t, &p, host, 65535), PROXY_SAY);
	p.kind = WIRE_PROXY_SOCKS5;
	assert_int_equal(proxy_begin(&t, &p, host, 65535), PROXY_SAY);
	assert_int_equal(proxy_hear(&t, (const uint8_t *)"\5\2", 2, &used), PROXY_SAY);
	assert_int_equal(t.say_bytes, 3 + 2 * WIRE_CREDENTIAL_BYTES_MAX);
	assert_int_equal(proxy_hear(&t, (const uint8_t *)"\1\0", 2, &used), PROXY_SAY);
	assert_int_equal(t.say_bytes, 5 + EGRESS_HOST_BYTES_MAX + 2);
	host[EGRESS_HOST_BYTES_MAX] = 'h';
	host[EGRESS_HOST_BYTES_MAX + 1] = '\0';
	assert_int_equal(proxy_begin(&t, &p, host, 65535), PROXY_FAILED);
}

#define OK200	"HTTP/1.1 200 Connection established\r\n\r\n"
#define BYTES(s)	s, sizeof(s) - 1

static const struct {
	const struct wire_proxy	*proxy;
	const char		*answer;
	size_t			 n;
	enum proxy_step		 want;
	size_t			 used;		/* PROXY_OPEN: where the answer ends */
	enum egress_status	 status;	/* PROXY_FAILED */
} answers[] = {
	{ &http, BYTES(OK200), PROXY_OPEN, sizeof(OK200) - 1, 0 },
	{ &http, BYTES(OK200 "SSH-2.0"), PROXY_OPEN, sizeof(OK200) - 1, 0 },
	{ &http, BYTES("HTTP/1.0 200 OK\r\nX: y\r\nContent-Length: 7\r\n\r\nabc"), PROXY_OPEN, 44, 0 },
	{ &http, BYTES("HTTP/1.1 200\r\n\r\n"), PROXY_OPEN, 16, 0 },
	{ &http, BYTES("HTTP/1.1 100 Continue\r\n\r\n" OK200), PROXY_OPEN, 25 + sizeof(OK200) - 1, 0 },
	{ &http, BYTES("HTTP/1.1 200 OK\r\nX: \r\r\n\r\r\n\r\n"), PROXY_OPEN, 28, 0 },
	{ &http, BYTES("HTTP/1.1 200 OK\r\n"), PROXY_MORE, 0, 0 },
	{ &http, BYTES("HTTP/1.1 200 OK\n\n"), PROXY_MORE, 0, 0 },
	{ &http, BYTES("HTTP/1.1 403 Filtered\r\n\r\n"), PROXY_FAILED, 0, EGRESS_REFUSED },
	{ &http, BYTES("HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\n\r\n"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &http, BYTES("HTTP/1.1 504 x\r\n\r\n"), PROXY_FAILED, 0, EGRESS_TIMEOUT },
	{ &http, BYTES("HTTP/1.1 302 x\r\nLocation: http://169.254.169.254/\r\n\r\n"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &http, BYTES("HTTP/1.1 999 x\r\n\r\n"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &http, BYTES("HTTP/1.1 101 Switching\r\n\r\n"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &http, BYTES("HTTP/1.1 2000 x\r\n\r\n"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &http, BYTES("HTTP/1.1 20 x\r\n\r\n"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &http, BYTES("HTTP/2 200 x\r\n\r\n"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &http, BYTES("HTTP/1.1 -00 x\r\n\r\n"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &http, BYTES("SSH-2.0-OpenSSH_9.2\r\n\r\n"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &http, BYTES("\r\n\r\n"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &socks, BYTES("\5\0\5\0\0\1\1\2\3\4\5\6"), PROXY_OPEN, 12, 0 },
	{ &socks, BYTES("\5\0\5\0\0\1\1\2\3\4\5\6hello"), PROXY_OPEN, 12, 0 },
	{ &socks, BYTES("\5\0\5\0\0\4aaaabbbbccccdddd\5\6"), PROXY_OPEN, 24, 0 },
	{ &socks, BYTES("\5\0\5\0\0\3\3abc\5\6"), PROXY_OPEN, 12, 0 },
	{ &socks, BYTES("\5\0\5\0\0\3\0\5\6"), PROXY_OPEN, 9, 0 },
	{ &socks, BYTES("\5\0\5\0\0\3\377abc"), PROXY_MORE, 0, 0 },
	{ &socks, BYTES("\5\0\5\0\0\2\3abc\5\6"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &socks, BYTES("\4\0"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &socks, BYTES("HTTP/1.1 400 Bad"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &socks, BYTES("\5\377"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &socks, BYTES("\5\2"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },	/* a login nobody offered */
	{ &socks, BYTES("\5\0\4\0\0\1\1\2\3\4\5\6"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &socks, BYTES("\5\0\5\1\0\1\1\2\3\4\5\6"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &socks, BYTES("\5\0\5\2\0\1\1\2\3\4\5\6"), PROXY_FAILED, 0, EGRESS_REFUSED },
	{ &socks, BYTES("\5\0\5\6\0\1\1\2\3\4\5\6"), PROXY_FAILED, 0, EGRESS_TIMEOUT },
	{ &socks_login, BYTES("\5\2\1\0\5\0\0\1\1\2\3\4\5\6"), PROXY_OPEN, 14, 0 },
	{ &socks_login, BYTES("\5\0\5\0\0\1\1\2\3\4\5\6"), PROXY_OPEN, 12, 0 },
	{ &socks_login, BYTES("\5\2\1\1"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
	{ &socks_login, BYTES("\5\2\5\0"), PROXY_FAILED, 0, EGRESS_UNREACHABLE },
};

/* In portions of every size: the answer ends at the same byte. */
static void
heard(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(answers); i++)
		for (size_t portion = 1; portion <= answers[i].n; portion++) {
			struct proxy_talk	t;
			enum proxy_step		step = proxy_begin(&t, answers[i].proxy, "93.184.215.34", 443);
			size_t			at = 0;

			while (at < answers[i].n && (step == PROXY_SAY || step == PROXY_MORE)) {
				size_t	left = answers[i].n - at, used = 0;

				step = proxy_hear(&t, (const uint8_t *)answers[i].answer + at, left < portion ? left : portion,
				    &used);
				assert_true(used > 0 && used <= portion);
				at += used;
			}
			if (step != answers[i].want || (step == PROXY_OPEN && at != answers[i].used) ||
			    (step == PROXY_FAILED && (t.status != answers[i].status || t.reason[0] == '\0')))
				fail_msg("answer %zu in portions of %zu: step %d after %zu bytes, status %d", i, portion, step, at,
				    t.status);
		}
}

static void
endless(void **state)
{
	struct proxy_talk	t;
	enum proxy_step		step = proxy_begin(&t, &http, "a.b", 443);
	size_t			used, total = 0;
	static const uint8_t	text[64] = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 ";

	(void)state;
	for (step = PROXY_MORE; step == PROXY_MORE; total += used)
		step = proxy_hear(&t, text, 50, &used);
	assert_int_equal(step, PROXY_FAILED);
	assert_in_range(total, PROXY_ANSWER_BYTES_MAX, PROXY_ANSWER_BYTES_MAX + 1);
}

/* A proxy for one connection: what it hears goes to script.heard, what it says is the script's. */
static struct {
	int		 fd;
	const char	*first, *second;	/* said in turn, after hearing something */
	size_t		 first_bytes, second_bytes;
	char		 heard[4096];
	size_t		 heard_bytes;
	bool		 hang_up;
} script;

static void *
proxy_main(void *arg)
{
	int	fd = accept(script.fd, NULL, NULL);
	ssize_t	n;

	(void)arg;
	for (int i = 0; i < 2 && fd != -1; i++) {
		n = recv(fd, script.heard + script.heard_bytes, sizeof(script.heard) - script.heard_bytes - 1, 0);
		if (n <= 0)
			break;
		script.heard_bytes += (size_t)n;
		if (i == 0 && script.first != NULL)
			(void)!write(fd, script.first, script.first_bytes);
		if (i == 1 && script.second != NULL)
			(void)!write(fd, script.second, script.second_bytes);
		if (script.hang_up || (i == 0 && script.second == NULL))
			break;
	}
	if (script.hang_up)
		close(fd);
	return (void *)(intptr_t)fd;
}

/* Asks for 127.0.0.1 by way of the proxy of the script; the answer's status, and *fd. */
static int
by_script(struct wire_proxy *p, int *fd, uint32_t *leg, int *proxy_fd)
{
	struct egress_rule	 r = rule("127.0.0.1", 4711);
	const char *const	 direct[] = { "elsewhere.example", NULL };
	struct broker_policy	 policy = { .rules = &r, .nrules = 1, .allow_private = opened, .proxy = p,
		.direct = direct };
	struct error		 e = ERROR_NONE;
	struct egress_answer	 a;
	pthread_t		 thread;
	void			*end;
	autofd			 leg_fd = -1;
	int			 status;

	script.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	script.heard_bytes = 0;
	memset(script.heard, 0, sizeof(script.heard));
	p->port = bound(script.fd);
	snprintf(p->host, sizeof(p->host), "localhost");
	assert_int_equal(listen(script.fd, 4), 0);
	assert_int_equal(pthread_create(&thread, NULL, proxy_main, NULL), 0);
	if (broker_open(broker, &policy, leg, &leg_fd, &e) == -1)
		fail_msg("%s", e.msg);
	question_send(leg_fd, "127.0.0.1", 4711);
	status = answer_take(leg_fd, &a, fd);
	assert_int_equal(pthread_join(thread, &end), 0);
	*proxy_fd = (int)(intptr_t)end;
	close(script.fd);
	return status;
}

/* What follows the answer at once is the worker's, and only that is counted. */
static void
through(void **state)
{
	static const struct {
		struct wire_proxy	 proxy;
		const char		*first, *second;
		size_t			 first_bytes, second_bytes;
		const char		*heard;
	} rows[] = {
		{ { .kind = WIRE_PROXY_HTTP, .user = "joe", .password = "x" }, OK200 "hello", NULL, sizeof(OK200) + 4, 0,
		    "CONNECT 127.0.0.1:4711 HTTP/1.1\r\nHost: 127.0.0.1:4711\r\nProxy-Authorization: Basic am9lOng=\r\n\r\n" },
		{ { .kind = WIRE_PROXY_HTTP, .names = 1 }, OK200 "hello", NULL, sizeof(OK200) + 4, 0,
		    "CONNECT 127.0.0.1:4711 HTTP/1.1\r\nHost: 127.0.0.1:4711\r\n\r\n" },
		{ { .kind = WIRE_PROXY_SOCKS5 }, "\5\0", "\5\0\0\1\1\2\3\4\5\6hello", 2, 15, "\5\1" },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct wire_proxy	 p = rows[i].proxy;
		autojson		*contacts = NULL;
		uint32_t		 leg;
		autofd			 fd = -1, proxy_fd = -1;
		char			 text[8] = "";

		script.first = rows[i].first;
		script.first_bytes = rows[i].first_bytes;
		script.second = rows[i].second;
		script.second_bytes = rows[i].second_bytes;
		script.hang_up = false;
		assert_int_equal(by_script(&p, &fd, &leg, &proxy_fd), EGRESS_OK);
		assert_memory_equal(script.heard, rows[i].heard, strlen(rows[i].heard));
		assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, WAIT_MS), 1);
		assert_int_equal(recv(fd, text, sizeof(text), 0), 5);
		assert_string_equal(text, "hello");
		assert_int_equal(send(fd, "abc", 3, 0), 3);
		assert_int_equal(recv(proxy_fd, text, 3, MSG_WAITALL), 3);
		assert_int_equal(connect(fd, &(struct sockaddr){ .sa_family = AF_INET }, sizeof(struct sockaddr)), -1);
		assert_int_equal(errno, EISCONN);
		contacts = broker_close(broker, leg);
		assert_int_equal(cJSON_GetArraySize(contacts), 1);
		assert_true(cJSON_IsTrue(cJSON_GetObjectItem(contacts->child, "proxy")));
		assert_string_equal(cJSON_GetObjectItem(contacts->child, "address")->valuestring, "127.0.0.1");
		assert_int_equal(cJSON_GetObjectItem(contacts->child, "bytesOut")->valueint, 3);
	}
}

static void
hostile(void **state)
{
	static const struct {
		const char	*says;
		int		 want;
	} rows[] = {
		{ "", EGRESS_UNREACHABLE },
		{ "HTTP/1.1 200 OK\r\n", EGRESS_UNREACHABLE },
		{ "\5\0", EGRESS_UNREACHABLE },
		{ "HTTP/1.1 403 no\r\n\r\n", EGRESS_REFUSED },
		{ "HTTP/1.1 407 no\r\n\r\n", EGRESS_UNREACHABLE },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct wire_proxy	 p = { .kind = WIRE_PROXY_HTTP };
		autojson		*contacts = NULL;
		uint32_t		 leg;
		int			 fd, proxy_fd;

		script.first = rows[i].says;
		script.first_bytes = strlen(rows[i].says);
		script.second = NULL;
		script.hang_up = true;
		assert_int_equal(by_script(&p, &fd, &leg, &proxy_fd), rows[i].want);
		contacts = broker_close(broker, leg);
		assert_int_equal(counted(contacts, "127.0.0.1", rows[i].want == EGRESS_REFUSED ? "refused" : "unreachable"), 1);
	}
}

/* Hosts of the exceptions, and only those, are dialled straight. */
static void
exceptions(void **state)
{
	struct wire_proxy	 p = { .kind = WIRE_PROXY_HTTP, .port = closed_port, .host = "127.0.0.1" };
	struct egress_rule	 r = rule("localhost", port);
	const char *const	 lists[][2] = { { "localhost", NULL }, { "other.example", NULL }, { NULL, NULL } };

	(void)state;
	for (size_t i = 0; i < N_ITEMS(lists); i++) {
		struct broker_policy	 policy = { .rules = &r, .nrules = 1, .allow_private = opened, .proxy = &p,
			.direct = lists[i] };
		struct error		 e = ERROR_NONE;
		struct egress_answer	 a;
		autojson		*contacts = NULL;
		uint32_t		 leg;
		autofd			 leg_fd = -1, fd = -1;
		int			 got;

		assert_int_equal(broker_open(broker, &policy, &leg, &leg_fd, &e), 0);
		question_send(leg_fd, "localhost", port);
		assert_int_equal(answer_take(leg_fd, &a, &got), i == 0 ? EGRESS_OK : EGRESS_UNREACHABLE);
		fd = got;
		if (i > 0)
			assert_string_equal(a.reason, "the operator's proxy cannot be reached");
		else
			close(accept(listen_fd, NULL, NULL));
		contacts = broker_close(broker, leg);
		assert_int_equal(cJSON_HasObjectItem(contacts->child, "proxy"), i > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(said),
		cmocka_unit_test(longest),
		cmocka_unit_test(heard),
		cmocka_unit_test(endless),
		cmocka_unit_test(through),
		cmocka_unit_test(hostile),
		cmocka_unit_test(exceptions),
	};

	BROKER_MAIN(tests);
}
