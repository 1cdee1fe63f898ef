/*
 * tunnel.c -- a connection by way of the operator's proxy.
 *
 * The proxy is asked for an address that was looked up and checked here, so its
 * own name server decides nothing.  Where the operator said that it takes only
 * names, the name is all that is checked.  The proxy's address is the operator's
 * word: private is fine there, link-local and metadata services are not.
 *
 * The settled socket leaves with the proxy's answer read off it to the byte.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "launcher/broker/dial.h"
#include "launcher/broker/policy.h"
#include "launcher/broker/proxy.h"
#include "worker/contract/util.h"

#define TRIES_MAX	4	/* addresses of one host that the proxy is asked for, one after the other */

/* 0 once it is ready; -1 with errno. */
static int
wait_for(const struct dial *d, int fd, short events, int64_t until)
{
	struct pollfd	p = { .fd = fd, .events = events };
	int64_t		now;

	for (;;) {
		if (dial_is_over(d, now = now_ms()) || now >= until) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (poll(&p, 1, (int)(until - now > DIAL_POLL_MS_MAX ? DIAL_POLL_MS_MAX : until - now)) > 0)
			return 0;
	}
}

static int
say(const struct dial *d, int fd, const struct proxy_talk *t, int64_t until)
{
	size_t	done = 0;
	ssize_t	n;

	while (done < t->say_bytes) {
		if (wait_for(d, fd, POLLOUT, until) == -1)
			return -1;
		n = send(fd, t->say + done, t->say_bytes - done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/* Looks first and takes only what is the proxy's.  -1: it has gone or is too slow. */
static int
hear(const struct dial *d, int fd, struct proxy_talk *t, int64_t until, enum proxy_step *step)
{
	uint8_t	in[1024];
	size_t	used;
	ssize_t	n;

	if (wait_for(d, fd, POLLIN, until) == -1)
		return -1;
	n = recv(fd, in, sizeof(in), MSG_PEEK | MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		errno = ECONNRESET;
		return -1;
	}
	*step = proxy_hear(t, in, (size_t)n, &used);
	return recv(fd, in, used, MSG_DONTWAIT) == (ssize_t)used ? 0 : -1;
}

/* True if the other end is at the end of this socket; else status and reason are set. */
static bool
talk(struct dial *d, int fd, const char *target, int64_t until, bool *elsewhere)
{
	struct proxy_talk	t;
	enum proxy_step		step = proxy_begin(&t, &d->proxy, target, d->port);
	int			r = 0;

	while (r == 0 && step != PROXY_OPEN && step != PROXY_FAILED) {
		if (step == PROXY_SAY && (r = say(d, fd, &t, until)) == 0)
			step = PROXY_MORE;
		else if (step == PROXY_MORE)
			r = hear(d, fd, &t, until, &step);
	}
	explicit_bzero(t.say, sizeof(t.say));
	*elsewhere = r == -1 ? errno == ETIMEDOUT : t.elsewhere;
	if (r == -1 && *elsewhere)
		dial_fail(d, EGRESS_TIMEOUT, "the operator's proxy had no connection in time");
	else if (r == -1)
		dial_fail(d, EGRESS_UNREACHABLE, "the operator's proxy hung up");
	else if (step == PROXY_FAILED)
		dial_fail(d, t.status, t.reason);
	return r == 0 && step == PROXY_OPEN;
}

/* A connection to the proxy itself. */
static int
reach(struct dial *d, const union dial_address *addresses, size_t n)
{
	dial_connect(d, addresses, n, true);
	if (d->fd == -1)
		dial_fail(d, d->status == EGRESS_TIMEOUT ? EGRESS_TIMEOUT : EGRESS_UNREACHABLE,
		    "the operator's proxy cannot be reached");
	return fd_steal(&d->fd);
}

/* What the proxy is asked for: checked addresses, or one name.  0: status and reason say why nothing. */
static size_t
targets_make(struct dial *d, union dial_address targets[DIAL_ADDRESSES_MAX])
{
	if (d->proxy.names && host_kind(d->host) == HOST_NAME)
		return 1;
	return dial_resolve(d, d->host, d->port, d->private_ok, targets);
}

/* Each of the targets in turn, on a connection of its own, with a fair share of the time left. */
static void
try_each(struct dial *d, const union dial_address *targets, size_t n, const union dial_address *proxies, size_t nproxies)
{
	bool	by_name = d->proxy.names && host_kind(d->host) == HOST_NAME, elsewhere = true;

	for (size_t i = 0; i < n && elsewhere; i++) {
		int64_t	now = now_ms(), until = now + (d->deadline_ms - now) / (int64_t)(n - i);
		autofd	fd = reach(d, proxies, nproxies);

		d->where[0] = '\0';
		if (fd == -1)
			return;
		if (!by_name)
			dial_note(d, &targets[i]);
		if (talk(d, fd, by_name ? d->host : d->where, until, &elsewhere)) {
			dial_fail(d, EGRESS_OK, "");
			d->fd = fd_steal(&fd);
			return;
		}
	}
}

void
dial_by_proxy(struct dial *d)
{
	union dial_address	targets[DIAL_ADDRESSES_MAX], proxies[DIAL_ADDRESSES_MAX];
	size_t			n, nproxies;

	if ((n = targets_make(d, targets)) == 0)
		return;
	if ((nproxies = dial_resolve(d, d->proxy.host, d->proxy.port, true, proxies)) == 0) {
		d->where[0] = '\0';
		dial_fail(d, EGRESS_UNREACHABLE, "the operator's proxy is not found under its name");
		return;
	}
	try_each(d, targets, n < TRIES_MAX ? n : TRIES_MAX, proxies, nproxies);
}
