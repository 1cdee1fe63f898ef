/*
 * http.c -- just enough of HTTP/1.1 to time an answer: heads, chunks, lengths.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/bench/bench.h"
#include "tests/bench/http.h"
#include "worker/contract/util.h"

#define WAIT_S	120		/* for a read */
#define HEX	16

int
http_open(struct http *h, const char *place, struct error *e)
{
	struct sockaddr_un	 un = { .sun_family = AF_UNIX };
	struct sockaddr_in	 in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval		 most = { WAIT_S, 0 };
	bool			 local = strncmp(place, "unix:", 5) == 0;

	*h = (struct http){ .fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", local ? place + 5 : "");
	in.sin_port = htons((uint16_t)atoi(place));
	if (h->fd == -1 || setsockopt(h->fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)) == -1 ||
	    (local ? connect(h->fd, (struct sockaddr *)&un, sizeof(un)) : connect(h->fd, (struct sockaddr *)&in, sizeof(in))) == -1) {
		error_sys(e, "%s", place);
		http_close(h);
		return -1;
	}
	return 0;
}

void
http_close(struct http *h)
{
	if (h->fd > 0)
		fd_closep(&h->fd);
	h->fd = -1;
}

int
http_prepare(struct http *h, const char *path, const char *body, struct error *e)
{
	int	 n = snprintf(h->request, sizeof(h->request), "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		    "Content-Length: %zu\r\n\r\n%s", path, strlen(body), body);

	if (n < 0 || (size_t)n >= sizeof(h->request))
		return error_set(e, ERR_LIMIT, "a request over %zu bytes", sizeof(h->request));
	h->nrequest = (size_t)n;
	return 0;
}

int
http_send(struct http *h, struct error *e)
{
	h->part = HTTP_HEAD;
	h->nline = 0;
	h->status = 0;
	h->chunked = false;
	h->length = -1;
	h->first_ns = h->end_ns = 0;
	h->bytes = h->lines = 0;
	h->start_ns = now_ns();
	return send(h->fd, h->request, h->nrequest, MSG_NOSIGNAL) == (ssize_t)h->nrequest ? 0 : error_sys(e, "request");
}

static bool
header_is(const char *line, const char *name, const char **value)
{
	size_t	 n = strlen(name);

	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return false;
	*value = line + n + 1 + strspn(line + n + 1, " ");
	return true;
}

/* A line of the head; "" ends it. */
static void
head_line(struct http *h)
{
	const char	*v;

	if (h->status == 0)
		h->status = h->nline > 9 ? atoi(h->line + 9) : -1;
	else if (header_is(h->line, "Transfer-Encoding", &v))
		h->chunked = strcasestr(v, "chunked") != NULL;
	else if (header_is(h->line, "Content-Length", &v))
		h->length = strtoll(v, NULL, 10);
	else if (h->nline == 0) {
		h->left = h->length > 0 ? (size_t)h->length : 0;
		h->part = h->chunked ? HTTP_SIZE : h->length == 0 ? HTTP_DONE : h->length > 0 ? HTTP_PLAIN : HTTP_TO_END;
	}
}

static void
size_line(struct http *h)
{
	h->left = strtoul(h->line, NULL, HEX);
	h->part = h->left == 0 ? HTTP_TRAILER : HTTP_DATA;
}

/* Takes a byte of a line; at its end, the line. */
static void
line_byte(struct http *h, char c)
{
	if (c != '\n') {
		if (c != '\r' && h->nline < sizeof(h->line) - 1)
			h->line[h->nline++] = c;
		return;
	}
	h->line[h->nline] = '\0';
	switch (h->part) {
	case HTTP_HEAD:
		head_line(h);
		break;
	case HTTP_SIZE:
		size_line(h);
		break;
	case HTTP_DATA_END:
		h->part = HTTP_SIZE;
		break;
	default:
		if (h->nline == 0)
			h->part = HTTP_DONE;
	}
	h->nline = 0;
}

static size_t
body_take(struct http *h, const char *at, size_t n)
{
	size_t	 k = h->part != HTTP_TO_END && h->left < n ? h->left : n;

	if (h->bytes == 0)
		h->first_ns = now_ns() - h->start_ns;
	h->bytes += k;
	for (const char *p = at; (p = memchr(p, '\n', (size_t)(at + k - p))) != NULL; p++)
		h->lines++;
	if (h->part != HTTP_TO_END && (h->left -= k) == 0)
		h->part = h->part == HTTP_DATA ? HTTP_DATA_END : HTTP_DONE;
	return k;
}

int
http_take(struct http *h, struct error *e)
{
	static char	 buf[HTTP_BUFFER_BYTES];
	ssize_t		 n = recv(h->fd, buf, sizeof(buf), 0);

	if (n == -1)
		return error_sys(e, "answer");
	if (n == 0 && h->part == HTTP_TO_END)
		h->part = HTTP_DONE;
	else if (n == 0)
		return error_set(e, ERR_SYSTEM, "the answer was cut");
	for (size_t at = 0; at < (size_t)n && h->part != HTTP_DONE;) {
		if (h->part == HTTP_DATA || h->part == HTTP_PLAIN || h->part == HTTP_TO_END)
			at += body_take(h, buf + at, (size_t)n - at);
		else
			line_byte(h, buf[at++]);
	}
	if (h->part != HTTP_DONE)
		return 0;
	h->end_ns = now_ns() - h->start_ns;
	return h->status == 200 ? 1 : error_set(e, ERR_GENERIC, "an answer with status %d", h->status);
}

int
http_ask(struct http *h, struct error *e)
{
	int	 r;

	if (http_send(h, e) == -1)
		return -1;
	while ((r = http_take(h, e)) == 0)
		;
	return r == 1 ? 0 : -1;
}
