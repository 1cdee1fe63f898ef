/*
 * connect.c -- tries addresses side by side, a step apart, and settles the first that connects.
 *
 * A socket leaves only when it can connect to nothing else any more: it is
 * established, a further connect() says EISCONN, and its peer is looked at again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

#include "launcher/broker/address.h"
#include "launcher/broker/dial.h"
#include "worker/contract/util.h"

struct race {
	struct dial			*d;
	const union dial_address	*addresses;
	bool				 private_ok;
	size_t				 n, started;
	struct pollfd			 fds[DIAL_ADDRESSES_MAX];	/* by address; fd -1: not running */
	size_t				 running;
	int64_t				 next_ms;			/* when the next address starts */
};

static const struct failure {
	int			 err;
	enum egress_status	 status;
	const char		*reason;
} failures[] = {
	{ EPERM, EGRESS_REFUSED, DIAL_NOT_PUBLIC },
	{ ECONNREFUSED, EGRESS_UNREACHABLE, "connection refused" },
	{ ECONNRESET, EGRESS_UNREACHABLE, "connection reset" },
	{ ENETUNREACH, EGRESS_UNREACHABLE, "network unreachable" },
	{ EHOSTUNREACH, EGRESS_UNREACHABLE, "host unreachable" },
	{ ETIMEDOUT, EGRESS_TIMEOUT, "no connection in time" },
	{ EMFILE, EGRESS_UNREACHABLE, "the broker has no descriptor left" },
	{ ENFILE, EGRESS_UNREACHABLE, "the system has no descriptor left" },
	{ EADDRNOTAVAIL, EGRESS_UNREACHABLE, "no local port left, or no such address family here" },
};

static void
fail(struct dial *d, int err)
{
	dial_fail(d, EGRESS_UNREACHABLE, "the connection failed");
	for (size_t i = 0; i < N_ITEMS(failures); i++)
		if (failures[i].err == err)
			dial_fail(d, failures[i].status, failures[i].reason);
}

void
dial_fail(struct dial *d, enum egress_status status, const char *reason)
{
	d->status = status;
	d->reason = reason;
}

void
dial_note(struct dial *d, const union dial_address *a)
{
	const void	*from = a->sa.sa_family == AF_INET ? (const void *)&a->in.sin_addr : &a->in6.sin6_addr;

	if (inet_ntop(a->sa.sa_family, from, d->where, sizeof(d->where)) == NULL)
		d->where[0] = '\0';
}

bool
dial_is_over(const struct dial *d, int64_t now)
{
	return now >= d->deadline_ms || atomic_load(&d->abandoned);
}

static socklen_t
address_bytes(const union dial_address *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

static bool
same_end(const union dial_address *a, const union dial_address *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
}

/* 0 or an errno. The first call after a non-blocking connect() takes note of it; the next must refuse. */
static int
settle(int fd, const union dial_address *a)
{
	for (int i = 0; i < 2; i++)
		if (connect(fd, &a->sa, address_bytes(a)) == -1)
			return errno == EISCONN ? 0 : errno;
	return EPROTO;
}

/*
 * 0, EPERM where policy says no, or an errno.  Both ends on one address is this
 * very host, by whatever name: the platform's own listeners, as private as loopback.
 */
static int
peer_check(const struct race *r, int fd, const union dial_address *a)
{
	union dial_address	peer, own;
	socklen_t		peer_bytes = sizeof(peer), own_bytes = sizeof(own);

	memset(&peer, 0, sizeof(peer));
	memset(&own, 0, sizeof(own));
	if (getpeername(fd, &peer.sa, &peer_bytes) == -1 || getsockname(fd, &own.sa, &own_bytes) == -1)
		return errno;
	return address_allowed(&peer.sa, r->private_ok) && same_end(&peer, a) &&
	    (r->private_ok || !same_end(&peer, &own)) ? 0 : EPERM;
}

/* One attempt has an answer. */
static void
attempt_end(struct race *r, size_t i)
{
	autofd		 fd = fd_steal(&r->fds[i].fd);
	struct dial	*d = r->d;
	int		 err = 0, on = 1;
	socklen_t	 len = sizeof(err);

	r->running--;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		err = errno;
	if (err == 0)
		err = settle(fd, &r->addresses[i]);
	if (err == 0)
		err = peer_check(r, fd, &r->addresses[i]);
	if (err == 0 || err == EPERM)
		dial_note(d, &r->addresses[i]);
	if (err != 0) {
		fail(d, err);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	d->status = EGRESS_OK;
	d->reason = "";
	d->fd = fd_steal(&fd);
}

static void
attempt_start(struct race *r)
{
	size_t				 i = r->started++;
	const union dial_address	*a = &r->addresses[i];
	autofd				 fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	r->next_ms = now_ms() + DIAL_STAGGER_MS;
	if (fd == -1 || (connect(fd, &a->sa, address_bytes(a)) == -1 && errno != EINPROGRESS)) {
		fail(r->d, errno);
		r->next_ms = 0;
		return;
	}
	r->fds[i] = (struct pollfd){ .fd = fd_steal(&fd), .events = POLLOUT };
	r->running++;
}

/* Until something happens, the next address is due, or it is time to look around. */
static void
race_wait(struct race *r, int64_t now)
{
	int64_t	until = r->d->deadline_ms;

	if (r->started < r->n && r->next_ms < until)
		until = r->next_ms;
	if (until > now + DIAL_POLL_MS_MAX)
		until = now + DIAL_POLL_MS_MAX;
	if (poll(r->fds, r->started, until > now ? (int)(until - now) : 0) <= 0)
		return;
	for (size_t i = 0; i < r->started && r->d->fd == -1; i++)
		if (r->fds[i].fd != -1 && r->fds[i].revents != 0) {
			attempt_end(r, i);
			r->next_ms = 0;
		}
}

void
dial_connect(struct dial *d, const union dial_address *addresses, size_t n, bool private_ok)
{
	struct race	r = { .d = d, .addresses = addresses, .private_ok = private_ok, .n = n };
	int64_t		now;

	for (size_t i = 0; i < DIAL_ADDRESSES_MAX; i++)
		r.fds[i].fd = -1;
	fail(d, ETIMEDOUT);
	while (d->fd == -1 && (r.running > 0 || r.started < n)) {
		if (dial_is_over(d, now = now_ms())) {
			fail(d, ETIMEDOUT);
			break;
		}
		if (r.started < n && (r.running == 0 || now >= r.next_ms))
			attempt_start(&r);
		else
			race_wait(&r, now);
	}
	for (size_t i = 0; i < r.started; i++)
		fd_closep(&r.fds[i].fd);
}

/* Alternates families (RFC 8305), first one first: one broken family costs one step, not all of them. */
static void
interleave(union dial_address *a, size_t n)
{
	union dial_address	sorted[DIAL_ADDRESSES_MAX];
	bool			taken[DIAL_ADDRESSES_MAX] = { false };
	sa_family_t		want = a[0].sa.sa_family;

	for (size_t k = 0; k < n; k++) {
		size_t	pick = n;

		for (size_t i = n; i-- > 0;)
			if (!taken[i] && (pick == n || a[i].sa.sa_family == want || a[pick].sa.sa_family != want))
				pick = i;
		taken[pick] = true;
		sorted[k] = a[pick];
		want = a[pick].sa.sa_family == AF_INET ? AF_INET6 : AF_INET;
	}
	memcpy(a, sorted, n * sizeof(*a));
}

static void
straight(struct dial *d)
{
	union dial_address	addresses[DIAL_ADDRESSES_MAX];
	size_t			n;

	if ((n = dial_resolve(d, d->host, d->port, d->private_ok, addresses)) == 0)
		return;
	d->where[0] = '\0';
	interleave(addresses, n);
	dial_connect(d, addresses, n, d->private_ok);
}

void
dial_run(struct dial *d)
{
	int64_t	start = now_ms();

	d->fd = -1;
	d->where[0] = '\0';
	if (dial_is_over(d, start)) {
		fail(d, ETIMEDOUT);
		return;
	}
	if (d->proxy.kind == WIRE_PROXY_NONE)
		straight(d);
	else
		dial_by_proxy(d);
	d->took_ms = (uint32_t)(now_ms() - start);
}
