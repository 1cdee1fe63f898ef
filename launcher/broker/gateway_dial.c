/*
 * gateway_dial.c -- connections of guests on the way to their places: permits, dials, clocks.
 */
#include <stdlib.h>
#include <string.h>

#include "launcher/broker/gateway_private.h"
#include "worker/contract/util.h"

#define GRACE_MS	250	/* as in gate.c: a dial ends at its deadline, or is stuck in the resolver */

static LIST_HEAD(, gateway)	 waiting = LIST_HEAD_INITIALIZER(waiting);

/* Stands in the list of those that have something to do later, or does not. */
static void
wait_later(struct gateway *g)
{
	bool	 waits = false;

	for (size_t i = 0; g->streams != NULL && i < GATEWAY_STREAMS_MAX && !waits; i++)
		waits = g->streams[i].state == STREAM_WAITING || g->streams[i].state == STREAM_DIALLING;
	if (waits && !g->waits)
		LIST_INSERT_HEAD(&waiting, g, next);
	else if (!waits && g->waits)
		LIST_REMOVE(g, next);
	g->waits = waits;
}

int
stream_end(struct leg *l, struct stream *s, bool abrupt)
{
	struct mark	 now;
	int		 r = 0;

	if (s->state == STREAM_OPEN) {
		now = watch_mark(s->out);
		s->c.head.type = WIRE_TALLY;
		s->c.bytes_out = now.out > s->begin.out ? now.out - s->begin.out : 0;
		s->c.bytes_in = now.in > s->begin.in ? now.in - s->begin.in : 0;
		r = record_send(&s->c);
	}
	if (s->job != NULL) {
		atomic_store(&s->job->dial.abandoned, true);
		l->strays++;
		l->gateway->dials--;
	}
	if (s->permitted && l->rate.source != NULL)
		(void)govern_done(&l->rate, 0, now_ms());
	stream_close(s, abrupt);
	*s = (struct stream){ .in = -1, .out = -1 };
	return r;
}

int
stream_refuse(struct leg *l, struct stream *s, enum egress_status status, const char *reason)
{
	int	 r = gateway_refuse(l, s->c.host, s->c.port, status, reason);

	return stream_end(l, s, true) == -1 ? -1 : r;
}

/* 1: it is on its way or refused; 0: it has to wait. -1: the launcher is gone. */
static int
stream_dial(struct leg *l, struct stream *s, bool private_ok)
{
	int64_t	 wait = l->rate.source == NULL || s->permitted ? 0 : govern_ask(&l->rate, false, now_ms());

	if (wait == -1)
		return stream_refuse(l, s, EGRESS_BUDGET, "permits were asked for too often") == -1 ? -1 : 1;
	if (wait > 0) {
		s->deadline_ms = now_ms() + wait;
		return 0;
	}
	s->permitted = l->rate.source != NULL;
	if (!govern_connect(&l->rate))
		return stream_refuse(l, s, EGRESS_BUDGET, "the source has a budget, and it is spent") == -1 ? -1 : 1;
	l->connects++;
	memset(&l->q, 0, sizeof(l->q));
	memcpy(l->q.host, s->c.host, sizeof(l->q.host));
	l->q.port = s->c.port;
	if ((s->job = leg_dial(l, private_ok, s->serial)) == NULL)
		return stream_refuse(l, s, EGRESS_TIMEOUT, "too many look-ups at once") == -1 ? -1 : 1;
	s->state = STREAM_DIALLING;
	s->deadline_ms = s->job->dial.deadline_ms;
	l->gateway->dials++;
	return 1;
}

/* Those that wait are dialled one after the other; the first that has to wait keeps the others waiting. */
int
streams_dial(struct leg *l)
{
	struct gateway	*g = l->gateway;
	struct stream	*first;
	bool		 private_ok;
	const char	*why;
	int		 r = 1;

	while (r == 1 && g->dials + l->strays < GATEWAY_DIALS_MAX) {
		first = NULL;
		for (size_t i = 0; i < GATEWAY_STREAMS_MAX; i++)
			if (g->streams[i].state == STREAM_WAITING && (first == NULL || g->streams[i].serial < first->serial))
				first = &g->streams[i];
		if (first == NULL || first->deadline_ms > now_ms())
			break;
		memset(&l->q, 0, sizeof(l->q));
		memcpy(l->q.host, first->c.host, sizeof(l->q.host));
		l->q.port = first->c.port;
		if ((why = policy_refuses(&l->policy, &l->q, &private_ok)) != NULL)
			r = stream_refuse(l, first, EGRESS_REFUSED, why) == -1 ? -1 : 1;
		else if (l->connects >= l->policy.connects_max)
			r = stream_refuse(l, first, EGRESS_BUDGET, "too many connections for one invocation") == -1 ? -1 : 1;
		else if (l->dialling_ms >= LEG_DIALLING_MS_MAX)
			r = stream_refuse(l, first, EGRESS_BUDGET, "too much time spent on connecting for one invocation") == -1 ? -1 : 1;
		else
			r = stream_dial(l, first, private_ok);
	}
	wait_later(g);
	return r == -1 ? -1 : 0;
}

struct stream *
stream_new(struct gateway *g, int fd, enum stream_state state)
{
	if (g->streams == NULL && (g->streams = calloc(GATEWAY_STREAMS_MAX, sizeof(*g->streams))) == NULL)
		return NULL;
	for (size_t i = 0; i < GATEWAY_STREAMS_MAX; i++)
		if (g->streams[i].state == STREAM_FREE) {
			g->streams[i] = (struct stream){ .state = state, .serial = ++g->serials, .in = fd, .out = -1 };
			return &g->streams[i];
		}
	return NULL;
}

static struct stream *
stream_of(struct gateway *g, uint32_t serial)
{
	for (size_t i = 0; g != NULL && g->streams != NULL && i < GATEWAY_STREAMS_MAX; i++)
		if (g->streams[i].state == STREAM_DIALLING && g->streams[i].serial == serial)
			return &g->streams[i];
	return NULL;
}

int
gateway_dialled(struct job *j)
{
	struct leg	*l = leg_find(j->leg);
	struct stream	*s = l == NULL ? NULL : stream_of(l->gateway, j->stream);

	if (l == NULL)
		return 0;
	if (s == NULL) {
		l->strays -= l->strays > 0;
		return l->gateway != NULL && l->gateway->streams != NULL ? streams_dial(l) : 0;
	}
	s->job = NULL;
	l->gateway->dials--;
	l->dialling_ms += j->dial.took_ms;
	s->c.status = (uint16_t)j->dial.status;
	s->c.took_ms = j->dial.took_ms;
	s->c.by_proxy = j->dial.proxy.kind != WIRE_PROXY_NONE;
	memcpy(s->c.address, j->dial.where, sizeof(j->dial.where));
	if (j->dial.status != EGRESS_OK) {
		strncpy(s->c.reason, j->dial.reason, sizeof(s->c.reason) - 1);
		if (gateway_record(l, &s->c) == -1)
			return -1;
		return stream_end(l, s, true) == -1 ? -1 : streams_dial(l);
	}
	s->out = fd_steal(&j->dial.fd);
	s->begin = watch_mark(s->out);
	if (record_send(&s->c) == -1)
		return -1;
	s->state = STREAM_OPEN;
	if (stream_serve(l, s) == -1)
		return -1;
	return streams_dial(l);
}

int64_t
gateway_due(int64_t now)
{
	int64_t		 due = INT64_MAX;
	struct gateway	*g;

	LIST_FOREACH(g, &waiting, next)
		for (size_t i = 0; i < GATEWAY_STREAMS_MAX; i++) {
			const struct stream	*s = &g->streams[i];
			int64_t			 at = s->state == STREAM_DIALLING ? s->deadline_ms + GRACE_MS : s->deadline_ms;

			/* One that only waits for others to be dialled is dialled when they are. */
			if ((s->state == STREAM_DIALLING || (s->state == STREAM_WAITING && s->deadline_ms > now)) && at < due)
				due = at;
		}
	return due;
}

static int
leg_tick(struct leg *l, int64_t now)
{
	struct gateway	*g = l->gateway;

	for (size_t i = 0; i < GATEWAY_STREAMS_MAX; i++)
		if (g->streams[i].state == STREAM_DIALLING && now >= g->streams[i].deadline_ms + GRACE_MS) {
			l->dialling_ms += DIAL_MS;
			if (stream_refuse(l, &g->streams[i], EGRESS_TIMEOUT, "the name was not resolved in time") == -1)
				return -1;
		}
	return streams_dial(l);
}

int
gateway_tick(int64_t now)
{
	struct gateway	*g, *after;
	struct leg	*l;

	for (g = LIST_FIRST(&waiting); g != NULL; g = after) {
		after = LIST_NEXT(g, next);
		if ((l = leg_find(g->leg)) != NULL && leg_tick(l, now) == -1)
			return -1;
	}
	return 0;
}

void
gateway_forget(struct gateway *g)
{
	if (g->waits)
		LIST_REMOVE(g, next);
	g->waits = false;
}
