/*
 * out.c -- standard output behind a bounded buffer.
 *
 * A pipe is written in portions of PIPE_BUF after poll said that one fits: such
 * a write never blocks, and the description, which others share, stays as it is.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "launcher/cli/cli.h"
#include "worker/contract/limits.h"

#define OUT_HIGH_BYTES	(64 * KIB)	/* above it no more records are taken */

void
out_init(struct out *o)
{
	struct stat	 st;

	buf_init(&o->b, OUT_HIGH_BYTES + 2 * (size_t)OUT_TEXT_BYTES_MAX);
	o->fifo = fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode);
	o->pipe = o->fifo || (fstat(STDOUT_FILENO, &st) == 0 && S_ISSOCK(st.st_mode));
	o->gone = false;
	o->why[0] = '\0';
}

static void
out_lose(struct out *o, const char *why)
{
	if (!o->gone)
		(void)snprintf(o->why, sizeof(o->why), "%s", why);
	o->gone = true;
	buf_reset(&o->b);
}

bool
out_ready(const struct out *o)
{
	return o->b.len < OUT_HIGH_BYTES;
}

void
out_take(struct out *o, const struct buf *text)
{
	if (o->gone)
		return;
	buf_add(&o->b, text->data != NULL ? text->data : "", text->len);
	if (text->failed || o->b.failed)
		out_lose(o, "results outgrew the buffer of standard output");
}

short
out_events(const struct out *o)
{
	if (o->gone)
		return 0;
	/* The write end of a pipe becomes readable when nobody reads the other; a terminal when somebody types. */
	return (short)((o->b.len > 0 ? EV_WRITE : 0) | (o->fifo ? EV_READ : 0));
}

struct pollfd
out_poll(const struct out *o)
{
	/* With nothing to write, poll still tells when the last reader goes. */
	return (struct pollfd){ .fd = o->gone ? -1 : STDOUT_FILENO, .events = o->b.len > 0 ? POLLOUT : 0 };
}

void
out_polled(struct out *o, short revents)
{
	if ((revents & (POLLERR | POLLHUP)) != 0)
		out_lose(o, "nobody reads the results");
	else if ((revents & POLLNVAL) != 0)
		out_lose(o, "standard output is closed");
}

/* Bytes written; 0: not now; -1: never. */
static ssize_t
out_write(const struct out *o, size_t done)
{
	struct pollfd	 p = { .fd = STDOUT_FILENO, .events = POLLOUT };
	size_t		 n = o->b.len - done;
	ssize_t		 k;

	if (o->pipe && n > PIPE_BUF)
		n = PIPE_BUF;
	if (o->pipe && poll(&p, 1, 0) != 1)
		return 0;
	k = write(STDOUT_FILENO, o->b.data + done, n);
	return k == -1 && (errno == EINTR || errno == EAGAIN) ? 0 : k;
}

void
out_flush(struct out *o)
{
	size_t	 done = 0;
	ssize_t	 k = 1;

	while (done < o->b.len && !o->gone && k > 0)
		if ((k = out_write(o, done)) == -1)
			out_lose(o, errno == EPIPE ? "nobody reads the results" : strerror(errno));
		else
			done += (size_t)k;
	if (!o->gone)
		buf_consume(&o->b, done);
}
