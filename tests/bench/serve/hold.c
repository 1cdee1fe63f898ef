/*
 * hold.c -- many callers of bascule serve that hold on: idle between two requests, or slow to read an answer.
 *
 *	hold SOCKET idle N			N connections, a request on each, and again at the end
 *	hold SOCKET slow N BYTES PATH BODY	N answers at once, BYTES a second read of each
 *
 * Says "held N" once all are there, holds until the end of standard input, then says how it went as JSON.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "worker/contract/util.h"

#define HOLD_MAX	20000
#define HEAD_BYTES	2048
#define TICK_MS		200
#define WAIT_MS		120000		/* for all to be there */
#define RECEIVE_BYTES	4096		/* of the kernel's, for a slow reader */

struct caller {
	int	 fd;
	bool	 there;			/* its head has come */
	char	 head[HEAD_BYTES];
	size_t	 nhead;
	size_t	 bytes;
};

static struct caller	 callers[HOLD_MAX];
static size_t		 ncallers;
static char		 request[65536];
static size_t		 nrequest;

static int
dial(const char *path, int receive)
{
	struct sockaddr_un	 a = { .sun_family = AF_UNIX };
	int			 fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd == -1)
		err(1, "socket");
	if (receive > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive)) == -1)
		err(1, "SO_RCVBUF");
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1)
		err(1, "%s", path);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		err(1, "O_NONBLOCK");
	return fd;
}

static void
ask(struct caller *c)
{
	if (write(c->fd, request, nrequest) != (ssize_t)nrequest)
		err(1, "request");
	c->nhead = 0;
	c->there = false;
}

/* -1: it has ended, which none should. */
static int
take(struct caller *c, size_t most)
{
	char	 some[16384];
	ssize_t	 n = read(c->fd, some, most < sizeof(some) ? most : sizeof(some));

	if (n == -1)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0)
		return -1;
	c->bytes += (size_t)n;
	if (!c->there) {
		size_t	 k = (size_t)n < HEAD_BYTES - 1 - c->nhead ? (size_t)n : HEAD_BYTES - 1 - c->nhead;

		memcpy(c->head + c->nhead, some, k);
		c->nhead += k;
		c->head[c->nhead] = '\0';
		if (strstr(c->head, "\r\n\r\n") != NULL) {
			if (strncmp(c->head, "HTTP/1.1 200", 12) != 0)
				errx(1, "%.*s", (int)strcspn(c->head, "\r\n"), c->head);
			c->there = true;
		}
	}
	return 0;
}

static size_t
there(void)
{
	size_t	 n = 0;

	for (size_t i = 0; i < ncallers; i++)
		n += callers[i].there ? 1 : 0;
	return n;
}

/* Everybody reads at most so many bytes; the number of those that have been left. */
static size_t
round_of(size_t most)
{
	size_t	 lost = 0;

	for (size_t i = 0; i < ncallers; i++)
		if (callers[i].fd != -1 && take(&callers[i], most) == -1) {
			fd_closep(&callers[i].fd);
			lost++;
		}
	return lost;
}

static void
all_there(size_t most)
{
	int64_t	 end = now_ms() + WAIT_MS;

	while (there() < ncallers) {
		size_t	 lost = round_of(most);

		if (lost > 0 || now_ms() > end)
			errx(1, "%zu are there of %zu, %zu were left", there(), ncallers, lost);
		poll(NULL, 0, 10);
	}
}

int
main(int argc, char **argv)
{
	struct rlimit	 rl = { HOLD_MAX + 64, HOLD_MAX + 64 };
	struct pollfd	 in = { .fd = STDIN_FILENO, .events = POLLIN };
	bool		 slow = argc == 7 && strcmp(argv[2], "slow") == 0;
	size_t		 most = slow ? (size_t)atol(argv[4]) * TICK_MS / 1000 : 4096, lost = 0, bytes = 0;

	if (!slow && (argc != 4 || strcmp(argv[2], "idle") != 0))
		errx(64, "usage: hold SOCKET idle N | hold SOCKET slow N BYTES PATH BODY");
	ncallers = (size_t)atol(argv[3]);
	if (ncallers < 1 || ncallers > HOLD_MAX || most == 0)
		errx(64, "1 to %d callers that read something", HOLD_MAX);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	nrequest = (size_t)(slow ? snprintf(request, sizeof(request), "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
	    "application/json\r\nContent-Length: %zu\r\n\r\n%s", argv[5], strlen(argv[6]), argv[6]) :
	    snprintf(request, sizeof(request), "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	for (size_t i = 0; i < ncallers; i++)
		callers[i].fd = -1;
	for (size_t i = 0; i < ncallers; i++) {
		callers[i].fd = dial(argv[1], slow ? RECEIVE_BYTES : 0);
		ask(&callers[i]);
		if (!slow && i % 256 == 255)
			(void)round_of(most);
	}
	all_there(most);
	printf("held %zu\n", ncallers);
	fflush(stdout);
	while (poll(&in, 1, TICK_MS) == 0)
		lost += round_of(most);
	if (!slow) {
		for (size_t i = 0; i < ncallers; i++)
			if (callers[i].fd != -1)
				ask(&callers[i]);
		all_there(most);
	}
	for (size_t i = 0; i < ncallers; i++)
		bytes += callers[i].bytes;
	printf("{\"held\":%zu,\"lost\":%zu,\"bytes\":%zu}\n", ncallers, lost, bytes);
	return lost == 0 ? 0 : 1;
}
