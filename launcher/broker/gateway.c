/*
 * gateway.c -- a leg's network: its sockets, the names that were looked up, its connections.
 *
 * Workers are hostile: everything is bounded, and nothing waits for one of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "launcher/broker/gateway_private.h"
#include "sandbox/sandbox.h"
#include "worker/contract/util.h"

#define ACCEPTS_AT_ONCE	16

static_assert(SLOT_STREAMS + 2 * GATEWAY_STREAMS_MAX < 1 << SLOT_BITS, "a slot fits a key");

static int			 epoll = -1;

void
gateway_start(int epoll_fd)
{
	epoll = epoll_fd;
}

static uint64_t
key_of(const struct gateway *g, size_t slot)
{
	return GATEWAY_KEY | (uint64_t)g->leg << SLOT_BITS | slot;
}

static int
watch(const struct gateway *g, int fd, size_t slot)
{
	struct epoll_event	 ev = { .events = EPOLLIN, .data.u64 = key_of(g, slot) };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
}

/* What is waited for of one side of a stream; nothing: it is not watched at all, for an end would be told again and again. */
static void
want(const struct gateway *g, int fd, size_t slot, uint32_t *now, uint32_t events)
{
	struct epoll_event	 ev = { .events = events, .data.u64 = key_of(g, slot) };

	if (fd == -1 || events == *now)
		return;
	if (epoll_ctl(epoll, events == 0 ? EPOLL_CTL_DEL : *now == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev) == 0)
		*now = events;
}

static void
close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fd_closep(&fds[i]);
}

/* 1: its end, without one; -1: malformed. */
static int
packet_take(int fd, enum egress_packet kind, struct egress_network *m, int fds[2 + PORTS_MAX])
{
	union {
		char		 buf[CMSG_SPACE((2 + PORTS_MAX) * sizeof(int))];
		struct cmsghdr	 align;
	} cmsg;
	struct iovec		 iov = { m, sizeof(*m) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf,
	    .msg_controllen = sizeof(cmsg.buf) };
	ssize_t			 n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr		*c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	size_t			 got;

	if (n == 0)
		return 1;
	if (c == NULL || c->cmsg_type != SCM_RIGHTS || c->cmsg_len < CMSG_LEN(0) ||
	    (got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int)) > 2 + PORTS_MAX)
		return -1;
	memcpy(fds, CMSG_DATA(c), got * sizeof(int));
	if (n == (ssize_t)sizeof(*m) && (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 && m->kind == kind &&
	    m->nports <= PORTS_MAX && got == (kind == EGRESS_NETWORK ? 2 + (size_t)m->nports : 1))
		return 0;
	close_all(fds, got);
	return -1;
}

static bool
is_six(int fd)
{
	union dial_address	 at = { 0 };
	socklen_t		 len = sizeof(at);

	return getsockname(fd, &at.sa, &len) == 0 && at.sa.sa_family == AF_INET6;
}

static int
network_take(struct leg *l)
{
	struct egress_network	 m;
	int			 fds[2 + PORTS_MAX];
	struct gateway		*g;
	int			 r = packet_take(l->fd, EGRESS_NETWORK, &m, fds);

	if (r != 0)
		return r;
	if ((g = calloc(1, sizeof(*g))) == NULL) {
		close_all(fds, 2 + (size_t)m.nports);
		return -1;
	}
	g->leg = l->id;
	g->udp = fds[0];
	g->tcp = fds[1];
	g->heard = -1;
	g->nports = m.nports;
	memcpy(g->listeners, fds + 2, m.nports * sizeof(int));
	g->six = m.nports > 0 && is_six(g->listeners[0]);
	l->gateway = g;
	if (watch(g, g->udp, SLOT_UDP) == -1 || watch(g, g->tcp, SLOT_TCP) == -1)
		return -1;
	for (size_t i = 0; i < g->nports; i++)
		if (watch(g, g->listeners[i], SLOT_PORTS + i) == -1)
			return -1;
	return 0;
}

/* Once; a worker that has it done before its program starts has nothing more to say here. */
static int
heard_take(struct leg *l)
{
	struct egress_network	 m;
	int			 fds[2 + PORTS_MAX], r = packet_take(l->fd, EGRESS_HEARD, &m, fds);

	if (r != 0)
		return r;
	l->gateway->heard = fds[0];
	return watch(l->gateway, fds[0], SLOT_HEARD);
}

int
gateway_take(struct leg *l)
{
	if (l->gateway == NULL)
		return network_take(l);
	return l->gateway->heard == -1 ? heard_take(l) : 1;
}

/* The first call says it all; those who make them stand still for as long as this is open, until they are killed. */
static int
call_serve(struct leg *l, uint32_t events)
{
	uint32_t	 arch;
	int		 nr;
	bool		 heard = (events & EPOLLIN) && sandbox_call_hear(l->gateway->heard, &arch, &nr);

	if (heard || (events & (EPOLLHUP | EPOLLERR)))
		(void)epoll_ctl(epoll, EPOLL_CTL_DEL, l->gateway->heard, NULL);
	return heard ? record_call(l->id, arch, nr) : 0;
}

void
stream_watch(const struct gateway *g, struct stream *s)
{
	size_t		 slot = SLOT_STREAMS + 2 * (size_t)(s - g->streams);
	uint32_t	 in, out;

	stream_wants(s, &in, &out);
	want(g, s->in, slot, &s->in_wants, in);
	want(g, s->out, slot + 1, &s->out_wants, out);
}

static void
reset(int fd)
{
	struct stream	 s = { .in = fd, .out = -1 };

	stream_close(&s, true);
}

/* -1: the launcher is gone. */
static int
connection_take(struct leg *l, int fd, bool to_names)
{
	union dial_address	 to = { 0 };
	socklen_t		 len = sizeof(to);
	struct stream		*s;

	/* The port is at the same place in both families. */
	if (getsockname(fd, &to.sa, &len) == -1 ||
	    (s = stream_new(l->gateway, fd, to_names ? STREAM_NAMES : STREAM_WAITING)) == NULL) {
		reset(fd);
		return gateway_refuse(l, "", ntohs(to.in.sin_port), EGRESS_BUDGET, "too many connections at once");
	}
	s->c = gateway_contact(l, "", ntohs(to.in.sin_port), EGRESS_OK, "");
	place_of(l, &to, s->c.host);
	stream_watch(l->gateway, s);
	return 0;
}

static int
listener_serve(struct leg *l, int listener, bool to_names)
{
	int	 fd;

	for (int i = 0; i < ACCEPTS_AT_ONCE && !is_cut_off(l); i++) {
		if ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) == -1)
			break;
		if (connection_take(l, fd, to_names) == -1)
			return -1;
	}
	return l->gateway->streams != NULL ? streams_dial(l) : 0;
}

int
stream_serve(struct leg *l, struct stream *s)
{
	char	 name[EGRESS_HOST_BYTES_MAX + 1];
	bool	 ended;
	int	 r = 0;

	switch (s->state) {
	case STREAM_FREE:
		return 0;
	case STREAM_NAMES:
		if (tcp_serve(l, s, &ended) == -1)
			return -1;
		r = ended ? stream_end(l, s, false) : 0;
		break;
	default:
		switch (stream_move(s, name)) {
		case STREAM_GOES_ON:
			break;
		case STREAM_OTHER_NAME:
			r = gateway_refuse(l, name[0] != '\0' ? name : s->c.host, s->c.port, EGRESS_REFUSED,
			    name[0] != '\0' ? "a TLS server name that is not the host it connected to" : "TLS that cannot be read");
			if (stream_end(l, s, true) == -1)
				r = -1;
			break;
		case STREAM_ENDED:
			r = stream_end(l, s, s->up.told == false);
			break;
		}
		break;
	}
	if (s->state != STREAM_FREE)
		stream_watch(l->gateway, s);
	return r;
}

int
gateway_event(uint64_t key, uint32_t events)
{
	struct leg	*l = leg_find((uint32_t)(key >> SLOT_BITS));
	size_t		 slot = key & ((1u << SLOT_BITS) - 1);
	struct gateway	*g = l == NULL ? NULL : l->gateway;
	int		 r;

	if (g == NULL)
		return 0;
	if (slot == SLOT_UDP)
		r = udp_serve(l);
	else if (slot == SLOT_TCP)
		r = listener_serve(l, g->tcp, true);
	else if (slot == SLOT_HEARD)
		return call_serve(l, events);
	else if (slot < SLOT_STREAMS)
		r = listener_serve(l, g->listeners[slot - SLOT_PORTS], false);
	else
		r = stream_serve(l, &g->streams[(slot - SLOT_STREAMS) / 2]);
	if (r == 0 && is_cut_off(l))
		r = gateway_free(l);
	return r;
}

int
gateway_free(struct leg *l)
{
	struct gateway	*g = l->gateway;
	int		 r = 0;

	if (g == NULL)
		return 0;
	for (size_t i = 0; g->streams != NULL && i < GATEWAY_STREAMS_MAX; i++)
		if (g->streams[i].state != STREAM_FREE && stream_end(l, &g->streams[i], true) == -1)
			r = -1;
	gateway_forget(g);
	fd_closep(&g->udp);
	fd_closep(&g->tcp);
	fd_closep(&g->heard);
	close_all(g->listeners, g->nports);
	for (size_t i = 0; i < g->nnames; i++)
		free(g->names[i]);
	free(g->streams);
	free(g);
	l->gateway = NULL;
	return r;
}
