/*
 * fetch_server.h -- a source to fetch from: a forked HTTP/1.1 server on loopback
 * that answers each target by a list of replies, and remembers what it was asked.
 */
#ifndef TEST_FETCH_SERVER_H
#define TEST_FETCH_SERVER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "worker/runtime/fetch_priv.h"

#define ROUTES_MAX	16
#define REPLIES_MAX	5
#define ASKED_BYTES	4096
#define ORDER_MAX	256
#define GATE_MS		60000	/* then the test has failed */

enum how {
	HOW_PLAIN,		/* with Content-Length */
	HOW_CHUNKED,
	HOW_CUT,		/* promises more than comes, then closes */
	HOW_CHUNKED_CUT,	/* the last chunk never comes */
	HOW_DROP,		/* closes without a byte */
	HOW_ROWS,		/* body is a number: so many rows, chunked */
	HOW_GATE,		/* plain, once server_gate requests were under way together */
	HOW_AFTER,		/* plain, once server_gate requests have come */
	HOW_STORM,		/* a gate for those who sign in as t1, who get a 401; others plain */
	HOW_BLOB,		/* server_blob; the last byte of it once server_gate others have as much */
	HOW_HANG,		/* never */
	HOW_SLOW,		/* plain, after server_slow_ms */
};

struct reply {
	int		 status;	/* 0: the reply before this one again */
	const char	*body;
	const char	*headers;	/* each with its \r\n; NULL: none */
	enum how	 how;
};

struct route {
	const char	*target;	/* path and query, as sent */
	struct reply	 replies[REPLIES_MAX];
};

/* What the server's processes and the test share. */
struct shared {
	unsigned int	 hits[ROUTES_MAX + 1];	/* the last one: of no route */
	unsigned int	 connections;
	unsigned int	 under_way, peak;	/* requests at a gate, now and at most */
	unsigned int	 blobs;			/* sent but for their last byte, or given up */
	unsigned int	 order_n;
	unsigned int	 order[ORDER_MAX];	/* routes, as they were asked */
	int64_t		 at_ms[ORDER_MAX];
	char		 asked[ROUTES_MAX + 1][ASKED_BYTES];	/* the last request of each */
};

static struct shared	*shared;
static pid_t		 server_pid;
static uint16_t		 server_port;
static unsigned int	 server_gate;	/* set before the server starts, as these: */
static unsigned int	 server_slow_ms;
static const char	*server_blob;
static size_t		 server_blob_bytes;

/* One that nearly fills what an answer may have: a JSON string, the caller's to free. */
static __attribute__((unused)) char *
server_blob_make(void)
{
	char	*blob = malloc(server_blob_bytes = FETCH_BODY_BYTES_MAX - MIB);

	assert_non_null(blob);
	memset(blob, 'x', server_blob_bytes);
	blob[0] = blob[server_blob_bytes - 1] = '"';
	return blob;
}

static void
server_write(int fd, const char *s, size_t n)
{
	while (n > 0) {
		ssize_t	 w = send(fd, s, n, MSG_NOSIGNAL);

		if (w <= 0)
			_exit(0);
		s += w;
		n -= (size_t)w;
	}
}

static void
server_rows(int fd, long n)
{
	static char	 chunk[70000];
	char		 head[32];

	for (long i = 0; i <= n;) {
		size_t	 len = 0;

		if (i == 0)
			len += (size_t)sprintf(chunk, "{\"total\":%ld,\"rows\":[", n);
		for (; i < n && len < 60000; i++)
			len += (size_t)sprintf(chunk + len, "%s{\"id\":\"u%07ld\",\"userName\":\"user%ld@example.com\","
			    "\"active\":true}", i > 0 ? "," : "", i, i);
		if (i == n) {
			len += (size_t)sprintf(chunk + len, "]}");
			i++;
		}
		server_write(fd, head, (size_t)sprintf(head, "%zx\r\n", len));
		server_write(fd, chunk, len);
		server_write(fd, "\r\n", 2);
	}
	server_write(fd, "0\r\n\r\n", 5);
}

/* False: the counter did not get there. */
static bool
server_wait(const unsigned int *counter, unsigned int n)
{
	for (int64_t until = now_ms() + GATE_MS; now_ms() < until; usleep(1000))
		if (__atomic_load_n(counter, __ATOMIC_SEQ_CST) >= n)
			return true;
	return false;
}

static bool
server_at_gate(void)
{
	unsigned int	 now = __atomic_add_fetch(&shared->under_way, 1, __ATOMIC_SEQ_CST), peak = shared->peak;
	bool		 open;

	while (now > peak && !__atomic_compare_exchange_n(&shared->peak, &peak, now, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST))
		;
	open = server_wait(&shared->peak, server_gate);
	usleep(30000);		/* those that come too many show themselves */
	__atomic_sub_fetch(&shared->under_way, 1, __ATOMIC_SEQ_CST);
	return open;
}

static void
server_send_blob(int fd, const struct reply *r)
{
	char	 head[256];
	size_t	 n = server_blob_bytes - 1, at = 0;
	ssize_t	 w = 1;
	int	 len = snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n", r->status,
	    r->headers == NULL ? "" : r->headers, server_blob_bytes);

	server_write(fd, head, (size_t)len);
	for (; at < n && w > 0; at += (size_t)(w > 0 ? w : 0))
		w = send(fd, server_blob + at, n - at, MSG_NOSIGNAL);
	__atomic_add_fetch(&shared->blobs, 1, __ATOMIC_SEQ_CST);
	if (w <= 0 || !server_wait(&shared->blobs, server_gate))
		_exit(0);
	server_write(fd, server_blob + n, 1);
}

static void
server_say(int fd, const struct reply *r)
{
	char	 head[2048];
	size_t	 n = strlen(r->body == NULL ? "" : r->body);
	int	 len;
	bool	 chunked = r->how == HOW_CHUNKED || r->how == HOW_CHUNKED_CUT || r->how == HOW_ROWS;

	if (r->how == HOW_DROP)
		_exit(0);
	len = snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\n%s", r->status, r->headers == NULL ? "" : r->headers);
	if (chunked)
		len += sprintf(head + len, "Transfer-Encoding: chunked\r\n\r\n");
	else if (r->status == 204)
		len += sprintf(head + len, "\r\n");
	else
		len += sprintf(head + len, "Content-Length: %zu\r\n\r\n", n + (r->how == HOW_CUT ? 100 : 0));
	server_write(fd, head, (size_t)len);
	if (r->how == HOW_ROWS) {
		server_rows(fd, atol(r->body));
		return;
	}
	if (chunked)
		server_write(fd, head, (size_t)sprintf(head, "%zx\r\n", n));
	server_write(fd, r->body == NULL ? "" : r->body, n);
	if (r->how == HOW_CHUNKED)
		server_write(fd, "\r\n0\r\n\r\n", 7);
	if (r->how == HOW_CUT || r->how == HOW_CHUNKED_CUT)
		_exit(0);
}

/* When, and what. */
static void
server_reply(int fd, const struct reply *r)
{
	static const struct reply	 closed = { 400, "\"the gate stayed closed\"", NULL, HOW_PLAIN };

	if (r->how == HOW_HANG)
		for (;;)
			pause();
	if (r->how == HOW_SLOW)
		usleep(server_slow_ms * 1000);
	if (r->how == HOW_BLOB) {
		server_send_blob(fd, r);
		return;
	}
	if ((r->how == HOW_GATE && !server_at_gate()) ||
	    (r->how == HOW_AFTER && !server_wait(&shared->order_n, server_gate)))
		r = &closed;
	server_say(fd, r);
}

/* One request, headers and body; false: the client is gone. */
static bool
server_read(int fd, char *text, size_t max)
{
	size_t	 n = 0, want = 0;
	char	*end, *length;

	for (;;) {
		ssize_t	 r = recv(fd, text + n, max - 1 - n, 0);

		if (r <= 0)
			return false;
		n += (size_t)r;
		text[n] = '\0';
		if (want == 0 && (end = strstr(text, "\r\n\r\n")) != NULL) {
			want = (size_t)(end - text) + 4;
			if ((length = strcasestr(text, "\r\nContent-Length:")) != NULL && length < end)
				want += strtoul(length + 17, NULL, 10);
		}
		if (want != 0 && n >= want)
			return true;
	}
}

static void
server_answer(int fd, const struct route *routes, size_t nroutes, const char *text)
{
	static const struct reply	 lost = { 404, "{\"detail\":\"no such target\"}", NULL, HOW_PLAIN };
	static const struct reply	 refused = { 401, "", NULL, HOW_GATE };
	const char			*target = strchr(text, ' ') + 1;
	unsigned int			 turn;
	size_t				 n = strcspn(target, " "), i = 0, k;

	while (i < nroutes && (strlen(routes[i].target) != n || strncmp(routes[i].target, target, n) != 0))
		i++;
	if (i == nroutes) {
		shared->hits[ROUTES_MAX]++;
		snprintf(shared->asked[ROUTES_MAX], ASKED_BYTES, "%s", text);
		server_reply(fd, &lost);
		return;
	}
	snprintf(shared->asked[i], ASKED_BYTES, "%s", text);
	if ((turn = __atomic_fetch_add(&shared->order_n, 1, __ATOMIC_SEQ_CST)) < ORDER_MAX) {
		shared->order[turn] = (unsigned int)i;
		shared->at_ms[turn] = now_ms();
	}
	k = __atomic_fetch_add(&shared->hits[i], 1, __ATOMIC_SEQ_CST);
	if (k >= REPLIES_MAX)
		k = REPLIES_MAX - 1;
	while (k > 0 && routes[i].replies[k].status == 0)
		k--;
	if (routes[i].replies[k].how == HOW_STORM && strstr(text, "Bearer t1\r\n") != NULL)
		server_reply(fd, &refused);
	else
		server_reply(fd, &routes[i].replies[k]);
}

static void
server_run(int listen_fd, const struct route *routes, size_t nroutes)
{
	char	 text[ASKED_BYTES];
	int	 fd;

	signal(SIGCHLD, SIG_IGN);
	while ((fd = accept(listen_fd, NULL, NULL)) != -1) {
		shared->connections++;
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (server_read(fd, text, sizeof(text)))
				server_answer(fd, routes, nroutes, text);
			_exit(0);
		}
		close(fd);
	}
	_exit(0);
}

__attribute__((unused)) static void
server_start(const struct route *routes, size_t nroutes)
{
	struct sockaddr_in	 a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		 len = sizeof(a);
	int			 fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(nroutes <= ROUTES_MAX);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 32), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	server_port = ntohs(a.sin_port);
	if ((server_pid = fork()) == 0) {
		/* A test that fails leaves its server behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		server_run(fd, routes, nroutes);
	}
	setpgid(server_pid, server_pid);
	close(fd);
}

static void
server_stop(void)
{
	kill(-server_pid, SIGKILL);
	waitpid(server_pid, NULL, 0);
	munmap(shared, sizeof(*shared));
}

/* What the broker does, without a broker.  libcurl 7.88 connects once more:
    allowed while the kernel says "in progress". */
static int
plain_connect(const char *host, uint16_t port, struct error *e)
{
	struct sockaddr_in	 a = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct pollfd		 p = { .events = POLLOUT };

	if (strcmp(host, "refused.example") == 0)
		return error_set(e, ERR_NO_EGRESS, "no-egress: %s:%u: not allowed", host, port);
	inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
	p.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)connect(p.fd, (struct sockaddr *)&a, sizeof(a));
	(void)poll(&p, 1, 2000);
	if (p.revents & (POLLERR | POLLHUP)) {
		close(p.fd);
		return error_set(e, ERR_UPSTREAM, "%s:%u: connection refused", host, port);
	}
	return p.fd;
}

/* A client of the server, and where its errors go. */
static struct error	 err;
static cJSON		*config;
static struct call	 call;

static struct fetch *client_new(struct fetch_options) __attribute__((unused));
static struct fetch *
client_new(struct fetch_options o)
{
	static char	 base[64];

	snprintf(base, sizeof(base), "http://127.0.0.1:%u/base/", server_port);
	if (o.base_url == NULL)
		o.base_url = base;
	fetch_connect = plain_connect;
	err = ERROR_NONE;
	if (config == NULL)
		config = cJSON_CreateObject();
	call = (struct call){ .cmd = CMD_ACCOUNT_LIST, .type = "std:account:list", .id = "t", .version = -1,
	    .config = config, .input = config, .spec = config, .err = &err };
	return fetch_new(&call, &o);
}

/* Rows that came, by their id. */
struct rows_seen {
	uint64_t	 n;
	char		 ids[512];
	uint64_t	 fail_at;	/* 0: never */
};

__attribute__((unused)) static int
row_seen(void *arg, cJSON *row, struct error *e)
{
	struct rows_seen	*s = arg;
	const char		*id = json_str(row, "id", "?");

	s->n++;
	if (strlen(s->ids) + strlen(id) + 1 < sizeof(s->ids))
		strcat(strcat(s->ids, id), " ");
	cJSON_Delete(row);
	if (s->n == s->fail_at)
		return error_set(e, ERR_GENERIC, "enough");
	return 0;
}

#endif
