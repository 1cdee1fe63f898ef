/*
 * gate.c -- takes questions from workers, has them dialled, and answers.
 *
 * One thread, one epoll set.  Workers are hostile: nothing here waits for one of
 * them, and a leg that breaks the protocol is closed.  The launcher is not: it is
 * waited for, so that each contact is on record before the worker can use it.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "launcher/broker/gate.h"
#include "launcher/broker/gateway.h"
#include "launcher/broker/leg.h"
#include "sandbox/sandbox.h"
#include "worker/contract/util.h"

#define EVENTS_MAX	64
#define GRACE_MS	250	/* a dial ends at its deadline; after this long more it is stuck in the resolver */
#define KEY_CONTROL	UINT64_MAX
#define KEY_DONE	(UINT64_MAX - 1)

struct gate {
	int	control_fd;
	int	done_fd;
	int	epoll_fd;
};

static int
watch(const struct gate *g, int fd, uint64_t key)
{
	struct epoll_event	ev = { .events = EPOLLIN, .data.u64 = key };

	return epoll_ctl(g->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static struct wire_contact
contact(const struct leg *l, enum egress_status status, const char *reason)
{
	struct wire_contact	c = { .head = { WIRE_VERSION, WIRE_CONTACT, l->id }, .port = l->q.port,
	    .status = (uint16_t)status };

	memcpy(c.host, l->q.host, sizeof(c.host));
	strncpy(c.reason, reason, sizeof(c.reason) - 1);
	return c;
}

/* 0, or -1 if the worker does not take it: then it has asked without reading, or is gone. */
static int
reply(const struct leg *l, enum egress_status status, uint32_t wait_ms, const char *reason, int fd)
{
	struct egress_answer	 a = { .status = (uint16_t)status, .wait_ms = wait_ms };
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg = { { 0 } };
	struct iovec		 iov = { &a, sizeof(a) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	strncpy(a.reason, reason, sizeof(a.reason) - 1);
	if (fd != -1) {
		struct cmsghdr	*c = &cmsg.align;

		msg.msg_control = cmsg.buf;
		msg.msg_controllen = sizeof(cmsg.buf);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	return sendmsg(l->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(a) ? 0 : -1;
}

/* The worker has no way out any more; the launcher, told first, ends it.  -1: the launcher is gone. */
static int
cut_off(struct leg *l, const struct wire_contact *why)
{
	struct wire_contact	c = *why;
	int			r;

	c.head.type = WIRE_ENDED;
	r = record_send(&c);
	leg_let_go(l);
	leg_hang_up(l);
	return gateway_free(l) == -1 ? -1 : r;
}

static int
malformed(struct leg *l)
{
	struct wire_contact	c;

	memset(&l->q, 0, sizeof(l->q));
	c = contact(l, EGRESS_REFUSED, "malformed question");
	return record_send(&c) == -1 ? -1 : cut_off(l, &c);
}

/* True if the next question is there before this one is answered. */
static bool
is_hasty(const struct leg *l)
{
	char	c;

	return l->fd != -1 && recv(l->fd, &c, sizeof(c), MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* First the record, then the answer.  Takes fd.  -1: the launcher is gone. */
static int
settle(struct leg *l, const struct wire_contact *c, int fd_given)
{
	autofd		fd = fd_given;
	struct mark	begin = { 0 };

	if (fd != -1)
		begin = watch_mark(fd);
	if (record_send(c) == -1)
		return -1;
	if (is_hasty(l))
		return malformed(l);
	if (c->status == EGRESS_REFUSED || c->status == EGRESS_BUDGET)
		l->refusals++;
	if (l->refusals > LEG_REFUSALS_MAX)
		return cut_off(l, c);
	if (l->fd != -1 && reply(l, c->status, 0, c->reason, fd) == -1)
		leg_hang_up(l);
	return fd != -1 && l->fd != -1 ? watch_add(&l->watch, fd_steal(&fd), c, begin) : 0;
}

static int
decline(struct leg *l, enum egress_status status, const char *reason)
{
	struct wire_contact	c = contact(l, status, reason);

	return settle(l, &c, -1);
}

/* May it send a request?  No contact: nothing of the network is touched. */
static int
permit_take(struct leg *l)
{
	int64_t	wait = govern_ask(&l->rate, l->q.inner != 0, now_ms());

	if (wait == -1)
		return malformed(l);
	if (reply(l, EGRESS_OK, (uint32_t)wait, "", -1) == -1)
		leg_hang_up(l);
	return 0;
}

static int
connect_take(struct leg *l)
{
	const char	*why;
	bool		 private_ok;

	if ((why = policy_refuses(&l->policy, &l->q, &private_ok)) != NULL)
		return decline(l, EGRESS_REFUSED, why);
	if (l->connects >= l->policy.connects_max)
		return decline(l, EGRESS_BUDGET, "too many connections for one invocation");
	if (l->dialling_ms >= LEG_DIALLING_MS_MAX)
		return decline(l, EGRESS_BUDGET, "too much time spent on connecting for one invocation");
	if (!govern_connect(&l->rate))
		return decline(l, EGRESS_BUDGET, "the source has a budget, and no permit was asked for");
	l->connects++;
	if (l->strays >= LEG_STRAYS_MAX)
		return decline(l, EGRESS_TIMEOUT, "earlier look-ups have not ended yet");
	if (leg_ask(l, private_ok) == -1)
		return decline(l, EGRESS_TIMEOUT, "too many look-ups at once");
	return 0;
}

/* A keeper asks for no permits: each connection is one.  It is given back at once, for nobody tells when it ends. */
static int
kept_connect_take(struct leg *l)
{
	int64_t	wait = l->rate.source == NULL ? 0 : govern_ask(&l->rate, false, now_ms());

	if (wait == -1)
		return decline(l, EGRESS_BUDGET, "permits were asked for too often");
	if (wait > 0)
		return reply(l, EGRESS_OK, (uint32_t)wait, "", -1) == -1 ? (leg_hang_up(l), 0) : 0;
	if (l->rate.source != NULL)
		(void)govern_done(&l->rate, 0, now_ms());
	localhost_of(l, l->q.host);
	return connect_take(l);
}

static int
name_take(struct leg *l)
{
	const char	*why = policy_knows(&l->policy, l->q.host);

	if (why != NULL)
		return decline(l, EGRESS_REFUSED, why);
	if (reply(l, EGRESS_OK, 0, "", -1) == -1)
		leg_hang_up(l);
	return 0;
}

/* What only a keeper asks. */
static int
keeper_take(struct leg *l)
{
	switch (l->q.kind) {
	case EGRESS_CONNECT:
		return kept_connect_take(l);
	case EGRESS_NAME:
		return name_take(l);
	case EGRESS_CALL:
		return record_call(l->id, sandbox_arch(), (int32_t)l->q.wait_ms);
	default:
		return malformed(l);
	}
}

static int
question_take(struct leg *l)
{
	if (l->kept)
		return keeper_take(l);
	switch (l->q.kind) {
	case EGRESS_NAME:
	case EGRESS_CALL:
		return malformed(l);
	case EGRESS_PERMIT:
		return permit_take(l);
	case EGRESS_DONE:
		return govern_done(&l->rate, l->q.wait_ms, now_ms()) == -1 ? malformed(l) : 0;
	default:
		return connect_take(l);
	}
}

/* No room for descriptors: the kernel drops what a worker passes along. */
static int
leg_readable(struct leg *l, uint32_t events)
{
	char	packet[sizeof(struct egress_question)];
	ssize_t	n;
	int	unread = 0;

	if (l->networked && (events & EPOLLIN) && (n = gateway_take(l)) < 1)
		return n == -1 ? malformed(l) : 0;
	n = recv(l->fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);

	if (n == -1 && (errno == EAGAIN || errno == EINTR) && !(events & (EPOLLHUP | EPOLLERR)))
		return 0;
	/* An empty packet looks like the end, and is one: nobody asks an empty question. */
	if (n <= 0) {
		/* Its question is still worth a record, and what it has is still counted. */
		leg_hang_up(l);
		if (l->gateway == NULL)
			govern_leave(&l->rate, now_ms());
		return 0;
	}
	if (l->job != NULL || l->networked)
		return malformed(l);
	/* An answer that was not taken yet: it would hold descriptors in flight. */
	if (ioctl(l->fd, SIOCOUTQ, &unread) == 0 && unread > 0)
		return malformed(l);
	if (question_parse(packet, (size_t)n, &l->q) == -1)
		return malformed(l);
	return question_take(l);
}

static int
job_settle(struct leg *l, struct job *j)
{
	struct wire_contact	c = contact(l, j->dial.status, j->dial.reason);

	snprintf(c.address, sizeof(c.address), "%s", j->dial.where);
	c.took_ms = j->dial.took_ms;
	c.by_proxy = j->dial.proxy.kind != WIRE_PROXY_NONE;
	l->dialling_ms += j->dial.took_ms;
	return settle(l, &c, fd_steal(&j->dial.fd));
}

static int
jobs_done(void)
{
	struct job	*j;
	int		 r = 0;

	while (r == 0 && (j = crew_done()) != NULL) {
		struct leg	*l = j->stream == 0 ? leg_of_job(j) : NULL;

		if (j->stream != 0)
			r = gateway_dialled(j);
		else if (l != NULL)
			r = job_settle(l, j);
		job_free(j);
	}
	return r;
}

static int
overdue(void)
{
	struct leg	*l;
	int64_t		 now = now_ms();

	while ((l = leg_oldest()) != NULL && now >= l->deadline_ms + GRACE_MS) {
		leg_let_go(l);
		l->dialling_ms += DIAL_MS;
		if (decline(l, EGRESS_TIMEOUT, "the name was not resolved in time") == -1)
			return -1;
	}
	return 0;
}

static int
leg_open(const struct gate *g, struct wire_open *w, size_t bytes, int fd)
{
	struct policy	 p;
	struct leg	*l;
	int		 r = policy_take(&p, w, bytes);

	explicit_bzero(&w->proxy, sizeof(w->proxy));
	if (fd == -1 || w->head.leg == 0 || r == -1) {
		fd_closep(&fd);
		if (r == 0)
			policy_free(&p);
		return -1;
	}
	if ((l = leg_new(w->head.leg, fd, &p)) == NULL)
		return -1;
	l->networked = w->networked == WIRE_NETWORKED;
	l->kept = w->networked == WIRE_KEPT;
	if (leg_watch(l, g->epoll_fd) == -1 || govern_join(&l->rate, &w->rate, now_ms()) == -1)
		leg_hang_up(l);	/* the worker sees its way out closed */
	return 0;
}

/* One packet of the launcher.  1: done, 0: go on, -1: it makes no sense, so nothing else of it can be trusted. */
static int
control_readable(const struct gate *g)
{
	static struct wire_open	 w;
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg;
	struct iovec		 iov = { &w, sizeof(w) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf,
	    .msg_controllen = sizeof(cmsg.buf) };
	ssize_t			 n = recvmsg(g->control_fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr		*c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	struct leg		*l;
	int			 fd = -1;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == 0 || (n == -1 && errno == ECONNRESET))
		return 1;
	if (c != NULL && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	/* No room for one more descriptor loses only that leg. */
	if (n >= (ssize_t)sizeof(w.head) && w.head.version == WIRE_VERSION && w.head.type == WIRE_OPEN &&
	    (msg.msg_flags & MSG_CTRUNC) && fd == -1)
		return 0;
	if (n < (ssize_t)sizeof(w.head) || w.head.version != WIRE_VERSION ||
	    (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		fd_closep(&fd);
		return -1;
	}
	if (w.head.type == WIRE_OPEN)
		return leg_open(g, &w, (size_t)n, fd);
	if (w.head.type != WIRE_CLOSE || n != (ssize_t)sizeof(w.head) || fd != -1) {
		fd_closep(&fd);
		return -1;
	}
	if ((l = leg_find(w.head.leg)) != NULL && leg_free(l) == -1)
		return -1;
	return record_closed(w.head.leg);
}

static int
wait_ms(void)
{
	const struct leg	*l = leg_oldest();
	int64_t			 now = now_ms(), due = gateway_due(now);

	if (l != NULL && l->deadline_ms + GRACE_MS < due)
		due = l->deadline_ms + GRACE_MS;
	if (due == INT64_MAX)
		return -1;
	return due > now ? (int)(due - now) : 0;
}

/* 1: done, 0: go on, -1: failed. A leg is found by its number, never by a pointer an earlier event may have freed. */
static int
event(const struct gate *g, const struct epoll_event *ev)
{
	struct leg	*l;

	if (ev->data.u64 == KEY_CONTROL)
		return control_readable(g);
	if (ev->data.u64 == KEY_DONE)
		return jobs_done();
	if (ev->data.u64 & GATEWAY_KEY)
		return gateway_event(ev->data.u64, ev->events);
	l = leg_find((uint32_t)ev->data.u64);
	return l == NULL || l->fd == -1 ? 0 : leg_readable(l, ev->events);
}

static int
loop(const struct gate *g, struct error *e)
{
	struct epoll_event	events[EVENTS_MAX];
	int			n, r;

	for (;;) {
		if ((n = epoll_wait(g->epoll_fd, events, EVENTS_MAX, wait_ms())) == -1 && errno != EINTR)
			return error_sys(e, "broker: wait");
		for (int i = 0; i < n; i++) {
			if ((r = event(g, &events[i])) == 1)
				return 0;
			if (r == -1)
				return error_set(e, ERR_PROTOCOL, "broker: the launcher is gone or made no sense");
		}
		if (overdue() == -1 || gateway_tick(now_ms()) == -1)
			return error_set(e, ERR_PROTOCOL, "broker: the launcher is gone");
		if (atomic_load(&dial_outdated) && !leg_any())
			return 0;	/* the launcher starts another */
	}
}

int
gate_run(int control_fd, size_t files_max, struct error *e)
{
	struct wire_head	ready = { .version = WIRE_VERSION, .type = WIRE_READY };
	struct gate		g = { .control_fd = control_fd, .done_fd = -1 };
	autofd			epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	record_start(control_fd, files_max);
	gateway_start(epoll_fd);
	g.epoll_fd = epoll_fd;
	if (epoll_fd == -1 || crew_start(&g.done_fd) == -1 || watch(&g, control_fd, KEY_CONTROL) == -1 ||
	    watch(&g, g.done_fd, KEY_DONE) == -1)
		return error_sys(e, "broker: descriptors");
	if (send(control_fd, &ready, sizeof(ready), MSG_NOSIGNAL) != (ssize_t)sizeof(ready))
		return error_sys(e, "broker: ready");
	return loop(&g, e);
}
