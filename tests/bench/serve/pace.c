/*
 * pace.c -- calls of bascule serve at a rate, whether it keeps up or not: a call's time begins when it is due.
 *
 *	pace SOCKET RATE SECONDS PATH BODY EXPECTED
 *
 * Each answer's body must be EXPECTED, byte for byte.  Prints JSON; status 1 if one was not.
 */
#include <err.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "worker/contract/util.h"

#define CALLERS		64
#define ANSWER_BYTES	65536
#define CALLS_MAX	1000000

struct caller {
	pthread_t	 thread;
	unsigned int	 first, calls, bad;
	int		 fd;
};

static const char	*place, *expected;
static char		 request[16384];
static size_t		 nrequest;
static double		 period_us;
static unsigned int	 total;
static int64_t		 start_us;
static unsigned int	*took_us;		/* by call; each caller writes its own */

static int64_t
now_us(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int
dial(void)
{
	struct sockaddr_un	 a = { .sun_family = AF_UNIX };
	struct timeval		 most = { 30, 0 };
	int			 fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", place);
	if (fd == -1 || connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1)
		err(1, "%s", place);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	return fd;
}

/* The chunks of a body, put together in place; its end is known to be there. */
static bool
body_is(char *at)
{
	size_t	 n, len = 0, want = strlen(expected);
	char	*end;

	while ((n = strtoul(at, &end, 16)) > 0) {
		if (len + n > want || memcmp(expected + len, end + 2, n) != 0)
			return false;
		len += n;
		at = end + 2 + n + 2;
	}
	return len == want;
}

static bool
call_one(int fd)
{
	char	 answer[ANSWER_BYTES];
	size_t	 len = 0;
	ssize_t	 n;
	char	*body;

	if (send(fd, request, nrequest, MSG_NOSIGNAL) != (ssize_t)nrequest)
		return false;
	do {
		if ((n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) <= 0)
			return false;
		len += (size_t)n;
		answer[len] = '\0';
	} while (len < 5 || strcmp(answer + len - 5, "0\r\n\r\n") != 0);
	return strncmp(answer, "HTTP/1.1 200 ", 13) == 0 && (body = strstr(answer, "\r\n\r\n")) != NULL && body_is(body + 4);
}

static void *
caller_run(void *arg)
{
	struct caller	*c = arg;

	for (unsigned int k = c->first; k < total; k += CALLERS) {
		int64_t	 due = start_us + (int64_t)(k * period_us), now = now_us();

		if (due > now)
			(void)nanosleep(&(struct timespec){ (due - now) / 1000000, (due - now) % 1000000 * 1000 }, NULL);
		if (!call_one(c->fd)) {
			c->bad++;
			close(c->fd);
			c->fd = dial();
		}
		took_us[k] = (unsigned int)(now_us() - due);
		c->calls++;
	}
	return NULL;
}

static int
by_size(const void *a, const void *b)
{
	unsigned int	 x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	static struct caller	 callers[CALLERS];
	unsigned int		 bad = 0;
	double			 seconds;

	if (argc != 7 || atof(argv[2]) <= 0)
		errx(64, "usage: pace SOCKET RATE SECONDS PATH BODY EXPECTED");
	place = argv[1];
	expected = argv[6];
	period_us = 1e6 / atof(argv[2]);
	total = (unsigned int)(atof(argv[2]) * atof(argv[3]));
	if (total < 1 || total > CALLS_MAX || (took_us = calloc(total, sizeof(*took_us))) == NULL)
		errx(64, "1 to %d calls", CALLS_MAX);
	nrequest = (size_t)snprintf(request, sizeof(request), "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
	    "application/json\r\nContent-Length: %zu\r\n\r\n%s", argv[4], strlen(argv[5]), argv[5]);
	start_us = now_us() + 100000;
	for (unsigned int i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){ .first = i, .fd = dial() };
		if (pthread_create(&callers[i].thread, NULL, caller_run, &callers[i]) != 0)
			errx(1, "no thread");
	}
	for (unsigned int i = 0; i < CALLERS; i++) {
		pthread_join(callers[i].thread, NULL);
		bad += callers[i].bad;
	}
	seconds = (double)(now_us() - start_us) / 1e6;
	qsort(took_us, total, sizeof(*took_us), by_size);
	printf("{\"calls\":%u,\"bad\":%u,\"perSecond\":%.0f,\"p50Us\":%u,\"p99Us\":%u,\"maxUs\":%u}\n", total, bad, total / seconds,
	    took_us[total / 2], took_us[(size_t)total * 99 / 100], took_us[total - 1]);
	return bad == 0 ? 0 : 1;
}
