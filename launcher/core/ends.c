/*
 * ends.c -- the pipes between a launcher and one worker, and its way to the broker: made for the purpose.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "launcher/core/inv.h"

#define PIPE_BYTES	(256 * KIB)	/* of results in the kernel: fewer wake-ups */

void
ends_close(struct ends *p)
{
	for (int i = 0; i < FD__COUNT; i++)
		fd_closep(&p->theirs[i]);
	fd_closep(&p->request);
	fd_closep(&p->result);
	fd_closep(&p->log);
	fd_closep(&p->egress);
}

/* One set in store: made while nobody waits for it. */
static struct ends	 spare;
static bool		 spared;

static int
ends_make(struct ends *p, struct error *e)
{
	int	 a[2], b[2], c[2], d[2];

	*p = (struct ends){ { -1, -1, -1, -1 }, -1, -1, -1, -1 };
	if (pipe2(a, O_CLOEXEC) == -1)
		return error_sys(e, "pipes");
	p->theirs[FD_REQUEST] = a[0];
	p->request = a[1];
	if (pipe2(b, O_CLOEXEC) == -1)
		return error_sys(e, "pipes");
	p->result = b[0];
	p->theirs[FD_RESULT] = b[1];
	if (pipe2(c, O_CLOEXEC) == -1)
		return error_sys(e, "pipes");
	p->log = c[0];
	p->theirs[FD_LOG] = c[1];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, d) == -1)
		return error_sys(e, "pipes");
	p->egress = d[0];
	p->theirs[FD_EGRESS] = d[1];
	(void)fcntl(p->result, F_SETPIPE_SZ, PIPE_BYTES);	/* a wish: the host may cap it */
	if (fcntl(p->request, F_SETFL, O_NONBLOCK) == -1 || fcntl(p->result, F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(p->log, F_SETFL, O_NONBLOCK) == -1)
		return error_sys(e, "pipes");
	return 0;
}

int
ends_open(struct ends *p, struct error *e)
{
	if (!spared)
		return ends_make(p, e);
	*p = spare;
	spared = false;
	return 0;
}

void
ends_prepare(void)
{
	struct error	 e = ERROR_NONE;

	if (spared)
		return;
	spared = ends_make(&spare, &e) == 0;
	if (!spared)
		ends_close(&spare);
}

void
ends_forget(void)
{
	if (spared)
		ends_close(&spare);
	spared = false;
}
