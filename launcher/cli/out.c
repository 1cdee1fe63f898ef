/*
 * out.c -- standard output behind a bounded buffer.
 *
 * A pipe is written in portions of PIPE_BUF after poll said that one fits: such
 * a write never blocks, and the description, which others share, stays as it is.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/cli/cli.h"
#include "worker/contract/limits.h"

#define OUT_HIGH_BYTES	(64 * KIB)	/* above it no more records are taken */

void
out_init(struct out *o)
{
	struct stat	 st;

	buf_init(&o->b, OUT_HIGH_BYTES + 2 * (size_t)LINE_BYTES_MAX);
	o->pipe = fstat(STDOUT_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
	o->gone = false;
}

bool
out_ready(const struct out *o)
{
	return o->b.len < OUT_HIGH_BYTES;
}

void
out_add(struct out *o, const char *s, size_t n)
{
	if (!o->gone)
		buf_add(&o->b, s, n);
}

void
out_flush(struct out *o, bool all)
{
	size_t	 done = 0;

	while (done < o->b.len && !o->gone) {
		struct pollfd	 p = { .fd = STDOUT_FILENO, .events = POLLOUT };
		size_t		 n = o->b.len - done;
		ssize_t		 k;

		if (o->pipe && n > PIPE_BUF)
			n = PIPE_BUF;
		if (o->pipe && poll(&p, 1, all ? -1 : 0) != 1) {
			if (all && errno == EINTR)
				continue;
			break;
		}
		k = write(STDOUT_FILENO, o->b.data + done, n);
		if (k > 0)
			done += (size_t)k;
		else if (k == -1 && errno != EINTR && errno != EAGAIN)
			o->gone = true;
	}
	if (o->gone)
		buf_reset(&o->b);
	else
		buf_consume(&o->b, done);
}
