/*
 * stream.c -- answers in pieces.
 */
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/conn.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/squeeze.h"
#include "launcher/serve/stream.h"

#define TO(s)	(1u << (s))
static size_t	 nstreams;		/* that have buffers */

static const unsigned int	 moves[] = {
	[STREAM_HELD]	 = TO(STREAM_OPEN) | TO(STREAM_OVER),
	[STREAM_OPEN]	 = TO(STREAM_CUTTING) | TO(STREAM_OVER),
	[STREAM_CUTTING] = TO(STREAM_OVER),
	[STREAM_OVER]	 = 0,
};

/* The only writer of the state. */
static void
stream_goto(struct stream *s, enum stream_state to)
{
	if ((moves[s->state] & TO(to)) == 0)
		abort();	/* a bug of ours; better no server than a part taken for the whole */
	s->state = to;
}

/* It is evhttp's from here on, or has gone: nothing of ours is called any more. */
static void
let_go(struct stream *s)
{
	struct evhttp_connection	*evcon = s->req == NULL ? NULL : evhttp_request_get_connection(s->req);

	if (evcon != NULL)
		evhttp_connection_set_closecb(evcon, NULL, NULL);
	event_del(&s->flush);
	event_del(&s->cut);
	s->req = NULL;
	s->bev = NULL;
	s->conn = NULL;
	stream_goto(s, STREAM_OVER);
}

/* From within evhttp: the connection goes down. */
static void
on_close(struct evhttp_connection *evcon, void *arg)
{
	struct stream		*s = arg;
	struct evhttp_request	*req = s->req;

	(void)evcon;
	let_go(s);
	/* Detached: ours, and leaks unless it is ended. */
	if (evhttp_request_get_connection(req) == NULL)
		evhttp_send_reply_end(req);
	s->gone(s->arg);
}

/* From within evhttp: all that was written has gone out. */
static void
on_drained(struct evhttp_connection *evcon, void *arg)
{
	struct stream	*s = arg;

	(void)evcon;
	if (s->state == STREAM_CUTTING)
		event_active(&s->cut, EV_TIMEOUT, 0);
	else if (s->state == STREAM_OPEN)
		s->drained(s->arg);
}

static void
on_cut(evutil_socket_t fd, short what, void *arg)
{
	struct stream			*s = arg;
	struct evhttp_connection	*evcon = evhttp_request_get_connection(s->req);

	(void)fd;
	(void)what;
	let_go(s);
	evhttp_connection_free(evcon);
	s->gone(s->arg);
}

static void
head_send(struct stream *s)
{
	answer_header(s->req, "Content-Type",
	    s->accepted.form == FORM_EVENTS ? "text/event-stream" : "application/x-ndjson");
	answer_header(s->req, "Cache-Control", "no-store");
	answer_header(s->req, "X-Content-Type-Options", "nosniff");
	answer_header(s->req, "Vary", "Accept, Accept-Encoding");
	if (s->squeeze != NULL)
		answer_header(s->req, "Content-Encoding", coding_name(s->accepted.coding));
	stream_goto(s, STREAM_OPEN);
	evhttp_send_reply_start(s->req, s->status == 0 ? 200 : s->status, s->status == 0 ? "OK" : NULL);
}

/* Hands what is pending to the connection. */
static void
pass(struct stream *s, bool last)
{
	struct evbuffer	*from = s->pending;

	if (s->squeeze != NULL) {
		if (squeeze_move(s->squeeze, s->pending, s->coded, last) == -1) {
			stream_cut(s);		/* no memory: a hole must not go unseen */
			return;
		}
		from = s->coded;
	}
	s->bytes += evbuffer_get_length(from);
	evhttp_send_reply_chunk_with_cb(s->req, from, on_drained, s);
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct stream	*s = arg;

	(void)fd;
	(void)what;
	if (s->state == STREAM_OPEN)
		pass(s, false);
}

static int
buffers_open(struct stream *s)
{
	s->pending = evbuffer_new();
	nstreams += s->pending != NULL ? 1 : 0;
	if (s->accepted.coding != CODING_NONE) {
		s->coded = evbuffer_new();
		s->squeeze = squeeze_new(s->accepted.coding);
		if (s->coded == NULL || s->squeeze == NULL)
			return -1;
	}
	return s->pending == NULL ? -1 : 0;
}

int
stream_open(struct stream *s, struct evhttp_request *req, struct conn *conn, const struct accepted *accepted,
    void (*drained)(void *), void (*gone)(void *), void *arg)
{
	struct evhttp_connection	*evcon = evhttp_request_get_connection(req);
	bufferevent_data_cb		 on_read, on_write;
	bufferevent_event_cb		 on_event;
	void				*evhttps;

	*s = (struct stream){ .req = req, .conn = conn, .accepted = *accepted, .drained = drained, .gone = gone, .arg = arg };
	evtimer_assign(&s->flush, server.base, on_flush, s);
	evtimer_assign(&s->cut, server.base, on_cut, s);
	if (buffers_open(s) == -1)
		return -1;
	s->bev = evhttp_connection_get_bufferevent(evcon);
	evhttp_connection_set_closecb(evcon, on_close, s);
	conn_patient(conn, s->bev);
	/* With its read callback evhttp would end the process at the first byte sent ahead. */
	bufferevent_getcb(s->bev, &on_read, &on_write, &on_event, &evhttps);
	bufferevent_setcb(s->bev, NULL, on_write, on_event, evhttps);
	bufferevent_enable(s->bev, EV_READ);
	return 0;
}

static void
add(struct stream *s, const char *event, const char *line, size_t len)
{
	if (s->state == STREAM_HELD)
		head_send(s);
	if (s->state != STREAM_OPEN)
		return;
	if (s->accepted.form == FORM_EVENTS)
		(void)evbuffer_add_printf(s->pending, "event: %s\ndata: ", event);
	if (evbuffer_add(s->pending, line, len) == -1 ||
	    evbuffer_add(s->pending, "\n\n", s->accepted.form == FORM_EVENTS ? 2 : 1) == -1) {
		stream_cut(s);
		return;
	}
	event_active(&s->flush, EV_TIMEOUT, 0);
}

void
stream_line(struct stream *s, const struct line_facts *f, const char *line, size_t len)
{
	add(s, record_name(f->record), line, len);
}

void
stream_bytes(struct stream *s, const char *bytes, size_t n)
{
	if (s->state == STREAM_HELD)
		head_send(s);
	if (s->state != STREAM_OPEN)
		return;
	if (evbuffer_add(s->pending, bytes, n) == -1)
		stream_cut(s);
	else
		event_active(&s->flush, EV_TIMEOUT, 0);
}

void
stream_verdict(struct stream *s, const struct buf *b)
{
	if (!b->failed && b->len > 0)
		add(s, "verdict", b->data, b->len - 1);
	else if (s->state == STREAM_OPEN)
		stream_cut(s);
}

/* Of one; all of them together hold OUT_TOGETHER_BYTES, where so little each is not too little. */
static size_t
out_bytes_max(void)
{
	size_t	 each = OUT_TOGETHER_BYTES / (nstreams > 0 ? nstreams : 1);

	return each > OUT_BYTES_MAX ? OUT_BYTES_MAX : each < OUT_BYTES_MIN ? OUT_BYTES_MIN : each;
}

bool
stream_ready(const struct stream *s)
{
	if (s->state != STREAM_OPEN)
		return s->state == STREAM_HELD;
	return evbuffer_get_length(s->pending) + evbuffer_get_length(bufferevent_get_output(s->bev)) < out_bytes_max();
}

bool
stream_held(const struct stream *s)
{
	return s->state == STREAM_HELD;
}

bool
stream_over(const struct stream *s)
{
	return s->state == STREAM_OVER;
}

void
stream_end(struct stream *s)
{
	struct evhttp_request	*req = s->req;

	if (s->state == STREAM_HELD)
		head_send(s);
	if (s->state != STREAM_OPEN)
		return;
	pass(s, true);
	if (s->state != STREAM_OPEN)
		return;
	let_go(s);
	evhttp_send_reply_end(req);
}

void
stream_cut(struct stream *s)
{
	if (s->state != STREAM_OPEN)
		return;
	event_del(&s->flush);
	/* A coded stream lacks its end, so a reader sees it there as well. */
	if (s->squeeze == NULL || squeeze_move(s->squeeze, s->pending, s->coded, false) == 0)
		evhttp_send_reply_chunk_with_cb(s->req, s->squeeze == NULL ? s->pending : s->coded, on_drained, s);
	stream_goto(s, STREAM_CUTTING);
	if (evbuffer_get_length(bufferevent_get_output(s->bev)) == 0)
		event_active(&s->cut, EV_TIMEOUT, 0);
}

struct evhttp_request *
stream_release(struct stream *s)
{
	struct evhttp_request	*req = s->req;

	let_go(s);
	return req;
}

void
stream_close(struct stream *s)
{
	if (s->state != STREAM_OVER && s->req != NULL)
		let_go(s);
	if (s->pending != NULL) {
		evbuffer_free(s->pending);
		nstreams--;
	}
	if (s->coded != NULL)
		evbuffer_free(s->coded);
	squeeze_free(s->squeeze);
	*s = (struct stream){ .state = STREAM_OVER };
}
