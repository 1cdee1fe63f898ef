/*
 * take.c -- from an invoke request to a call: headers, body, id, trace.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>

#include "launcher/serve/accept.h"
#include "launcher/serve/answer.h"
#include "launcher/serve/ask.h"
#include "launcher/serve/call.h"
#include "launcher/serve/follow.h"
#include "launcher/serve/keys.h"
#include "launcher/serve/query.h"
#include "launcher/serve/ref.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/take.h"
#include "worker/contract/util.h"

#define ID_BYTES	16	/* random ones */

/* What no caller gave, drawn at once. */
struct drawn {
	unsigned char	 id[ID_BYTES], trace[ID_BYTES], span[ID_BYTES / 2];
};

/* The caller's, else one of our own. */
static void
trace_take(const char *given, const struct drawn *d, char trace[TRACEPARENT_BYTES + 1])
{
	char	 r[2 * sizeof(d->trace) + 1], s[2 * sizeof(d->span) + 1];

	if (traceparent_ok(given)) {
		snprintf(trace, TRACEPARENT_BYTES + 1, "%s", given);
		return;
	}
	hex_put(r, d->trace, sizeof(d->trace));
	hex_put(s, d->span, sizeof(d->span));
	snprintf(trace, TRACEPARENT_BYTES + 1, "00-%.32s-%.16s-00", r, s);
}

int
body_take(struct exchange *x, struct buf *body, struct error *e)
{
	struct evbuffer		*in = evhttp_request_get_input_buffer(x->req);
	size_t			 len = evbuffer_get_length(in);
	struct evbuffer_iovec	 part;

	buf_init(body, REQUEST_BYTES_MAX);
	while (evbuffer_peek(in, -1, NULL, &part, 1) > 0 && part.iov_len > 0) {
		buf_add(body, part.iov_base, part.iov_len);
		explicit_bzero(part.iov_base, part.iov_len);
		(void)evbuffer_drain(in, part.iov_len);
	}
	if (len == 0)
		return error_set(e, ERR_REQUEST, "the body is empty; {\"type\":...,\"config\":{...}} is wanted");
	return buf_check(body, "the body", e);
}

/* It runs by itself; its caller reads what is kept of it, now or later. */
static void
make_kept(struct exchange *x, const struct accepted *accepted, struct connector_ref *ref, struct ask *a, const char *key,
    const char *trace, struct buf *body)
{
	struct error	 e = ERROR_NONE;
	int64_t		 retry_s = 0;
	char		 id[REQUEST_ID_BYTES_MAX + 1];

	snprintf(id, sizeof(id), "%s", a->rq.id);
	if (call_begin_kept(x, ref, a, key[0] != '\0' ? key : NULL, trace, body, &retry_s, &e) == -1)
		answer_problem(x->req, &(struct problem){ .error = &e, .invocation = id, .retry_s = retry_s,
		    .status = call_status(&e, retry_s) });
	else if (x->async)
		answer_accepted(x, id);
	else
		follow_begin(x, accepted, &(struct follow_plan){ .id = id, .keyed = true });
}

/* Checked, allowed and read. */
static void
make(struct exchange *x, const struct accepted *accepted, struct connector_ref *ref, struct ask *a, struct buf *body)
{
	struct error	 e = ERROR_NONE;
	char		 trace[TRACEPARENT_BYTES + 1], key[STORE_KEY_BYTES_MAX + 1], base[CONNECTOR_NAME_MAX + 1];
	bool		 given = a->rq.id[0] != '\0';
	struct drawn	 drawn = { 0 };

	if (key_read(x, a->rq.cmd, key, &e) == -1) {
		answer_problem(x->req, &(struct problem){ .error = &e });
		return;
	}
	(void)!getrandom(&drawn, sizeof(drawn), 0);
	if (!given)
		hex_put(a->rq.id, drawn.id, sizeof(drawn.id));
	trace_take(evhttp_find_header(evhttp_request_get_input_headers(x->req), "traceparent"), &drawn, trace);
	ref_base(ref->name, base);
	if (key[0] != '\0' && !key_take(x, accepted, a, base, key))
		return;
	if (given && (call_lives(a->rq.id) || results_size(a->rq.id) != -1)) {
		if (key[0] != '\0')
			key_release(x->caller, key, a->rq.id);
		answer_refuse(x->req, 409, ERR_REQUEST, "id: an invocation of this id is alive, or its results are kept");
	} else if (x->async || key[0] != '\0')
		make_kept(x, accepted, ref, a, key, trace, body);
	else if (call_begin(x, ref, a, accepted, trace, body) == -1)
		answer_refuse(x->req, 503, ERR_SYSTEM, "no memory for another invocation");
}

void
call_make(struct exchange *x, const struct accepted *accepted, struct connector_ref *ref, struct buf *body)
{
	struct ask	 a = { 0 };
	struct error	 e = ERROR_NONE;

	if (!exchange_may(x, SCOPE_INVOKE, ref->name)) {
		answer_refuse(x->req, 403, ERR_INSUFFICIENT_PERMISSION, "%s may not invoke %s", x->caller, ref->name);
		return;
	}
	if (ask_read(body->data, body->len, ref, &a, &e) == -1) {
		answer_problem(x->req, &(struct problem){ .error = &e });
		return;
	}
	if (a.customizer[0] != '\0' && !exchange_may(x, SCOPE_INVOKE, a.customizer))
		answer_refuse(x->req, 403, ERR_INSUFFICIENT_PERMISSION, "%s may not invoke %s", x->caller, a.customizer);
	else if (ask_link(&a, ref, &e) == -1)
		answer_problem(x->req, &(struct problem){ .error = &e });
	else
		make(x, accepted, ref, &a, body);
	ask_free(&a);
}

bool
call_check(struct exchange *x, struct accepted *accepted)
{
	struct evkeyvalq	*in = evhttp_request_get_input_headers(x->req);

	*accepted = accept_read(evhttp_find_header(in, "Accept"), evhttp_find_header(in, "Accept-Encoding"));
	if (server.draining) {
		answer_refuse(x->req, 503, ERR_CANCELLED, "this server is about to end");
		return false;
	}
	/* Before 1.1 an answer's end is the connection's: a part could be taken for the whole. */
	if (x->req->major != 1 || x->req->minor < 1) {
		answer_refuse(x->req, 505, ERR_USAGE, "HTTP/1.1 is wanted here: results come in chunks");
		return false;
	}
	if (!is_json(evhttp_find_header(in, "Content-Type"))) {
		answer_refuse(x->req, 415, ERR_REQUEST, "Content-Type: application/json is wanted");
		return false;
	}
	if (accepted->form == FORM_NONE && !x->beta && !x->async) {
		answer_refuse(x->req, 406, ERR_REQUEST, "Accept: there are application/x-ndjson and text/event-stream");
		return false;
	}
	return true;
}

/* ?mode= of the request. */
static int
mode_read(struct exchange *x, struct error *e)
{
	struct query	 q = { 0 };
	int		 r = query_read(&q, x->req, e);

	for (size_t i = 0; i < q.n && r == 0; i++)
		if (strcmp(q.names[i], "mode") != 0)
			r = error_set(e, ERR_REQUEST, "%.40s: no such parameter (there is mode)", q.names[i]);
		else if (strcmp(q.values[i], "async") == 0)
			x->async = true;
		else if (strcmp(q.values[i], "stream") != 0)
			r = error_set(e, ERR_REQUEST, "mode: stream or async is wanted");
	query_free(&q);
	return r;
}

void
call_invoke(struct exchange *x)
{
	struct connector_ref	 ref;
	struct accepted		 accepted;
	struct error		 e = ERROR_NONE;
	struct buf		 body = { 0 };

	connector_clear(&ref);
	if (mode_read(x, &e) == -1) {
		answer_problem(x->req, &(struct problem){ .error = &e });
		return;
	}
	if (!call_check(x, &accepted))
		return;
	if (ref_find(x->arg, "", -1, &ref, &e) == -1 || body_take(x, &body, &e) == -1)
		answer_problem(x->req, &(struct problem){ .error = &e });
	else
		call_make(x, &accepted, &ref, &body);
	connector_free(&ref);
	buf_wipe(&body);
}
