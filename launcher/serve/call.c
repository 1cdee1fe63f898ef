/*
 * call.c -- the life of one call: admitted, run, answered.  One writer of its state.
 */
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "launcher/core/core.h"
#include "launcher/serve/answer.h"
#include "launcher/serve/ask.h"
#include "launcher/serve/call_private.h"
#include "launcher/serve/conn.h"
#include "launcher/serve/follow.h"
#include "launcher/serve/logs.h"
#include "launcher/serve/metrics.h"
#include "launcher/serve/ref.h"
#include "launcher/serve/route.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static LIST_HEAD(, call)	 live = LIST_HEAD_INITIALIZER(live);
static size_t			 nlive;

#define TO(s)	(1u << (s))
static const struct {
	const char	*journal;	/* state told to the journal on entering; NULL: nothing new */
	unsigned int	 next;
} states[] = {
	[CALL_NEW]	= { NULL, TO(CALL_WAITING) | TO(CALL_RUNNING) | TO(CALL_ENDING) },
	[CALL_WAITING]	= { NULL, TO(CALL_RUNNING) | TO(CALL_ENDING) },
	[CALL_RUNNING]	= { "starting", TO(CALL_ENDING) },
	[CALL_ENDING]	= { NULL, 0 },
};
static_assert(N_ITEMS(states) == CALL__MAX, "every state has a row");

/* The only writer of the state. */
static void
call_goto(struct call *c, enum call_state to)
{
	if ((states[c->state].next & TO(to)) == 0)
		abort();
	c->state = to;
	if (states[to].journal != NULL)
		journal_state(c->id, states[to].journal);
}

/* Kept without a connection, it counts as if it had one. */
static void
body_keep(struct call *c, struct buf *body)
{
	c->body = *body;
	*body = (struct buf){ 0 };
	if (c->keep.on)
		conns_charge((ssize_t)c->body.len);
}

static void
body_drop(struct call *c)
{
	if (c->keep.on)
		conns_charge(-(ssize_t)c->body.len);
	buf_wipe(&c->body);
}

static void
call_free(struct call *c)
{
	LIST_REMOVE(c, next);
	nlive--;
	event_del(&c->late);
	stream_close(&c->stream);
	body_drop(c);
	call_keep_free(c);
	free(c->linked);
	free(c);
}

int
call_status(const struct error *e, int64_t retry_s)
{
	return retry_s > 0 && e->code != ERR_SHED ? 503 : 0;
}

/* The caller gets what the verdict says, in the way that fits what it got so far. */
static void
answer(struct call *c, int64_t retry_s, const struct buf *last)
{
	struct stream	*s = &c->stream;
	struct problem	 p = { .error = &c->verdict, .invocation = c->id, .retry_s = retry_s,
	    .status = call_status(&c->verdict, retry_s) };

	if (stream_over(s))
		return;
	if (c->verdict.code != ERR_NONE && stream_held(s)) {
		answer_problem(stream_release(s), &p);
		return;
	}
	if (s->accepted.verdict)
		stream_verdict(s, last);
	if (c->verdict.code == ERR_NONE || s->accepted.verdict)
		stream_end(s);
	else
		stream_cut(s);
}

/* Its last lines; one whose lines could not all be kept has failed, whatever its worker said. */
static void
end_keep(struct call *c)
{
	if (!c->keep.on)
		return;
	if (call_keep_end(c) == -1 && c->verdict.code == ERR_NONE)
		c->verdict = c->keep.fault;
	/* It never started: whoever comes with its key again may. */
	if (c->key[0] != '\0' && c->iv == NULL)
		key_release(c->caller, c->key, c->id);
}

/* That it ended well is true only once it is on disk, with all its lines. */
static void
end_sync(struct call *c)
{
	struct error	 e = ERROR_NONE;

	if (store_sync(&e) == 0)
		return;
	if (c->verdict.code == ERR_NONE)
		c->verdict = e;
	journal_end(c->id, call_receipt(c));
}

/* Its verdict is final: journal, log, numbers, answer.  Frees it, now or when its answer is over. */
static void
call_end(struct call *c, int64_t retry_s)
{
	int64_t	 total_ms = now_ms() - c->start_ms;
	autobuf	 last;

	buf_init(&last, REQUEST_BYTES_MAX);
	event_del(&c->late);
	call_goto(c, CALL_ENDING);
	end_keep(c);
	if (c->iv != NULL && !stream_over(&c->stream) && c->stream.accepted.verdict)
		inv_print_verdict(c->iv, &last);
	journal_end(c->id, call_receipt(c));
	if (c->keep.on)
		end_sync(c);
	call_log_end(c, total_ms);
	metrics_end(&(struct metrics_end){ .connector = c->connector, .command = c->cmd == CMD_CUSTOM ? "custom" : c->type,
	    .cause = c->verdict.code, .first_ms = c->first_ms == 0 ? -1 : c->first_ms - c->start_ms,
	    .total_ms = total_ms, .records = c->records, .bytes = c->bytes });
	answer(c, retry_s, &last);
	logs_end(c->id);
	if (c->keep.on)
		follow_news(c->id);
	inv_free(c->iv);
	c->iv = NULL;
	admit_leave(&c->ticket);
	if (stream_over(&c->stream))
		call_free(c);
}

static void
on_record(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	struct call	*c = arg;

	if (c->first_ms == 0) {
		c->first_ms = now_ms();
		journal_state(c->id, "streaming");
	}
	if (f->record == REC_OUTPUT)
		c->records++;
	c->bytes += len + 1;
	if (c->keep.on)
		call_keep_line(c, line, len);
	else
		stream_line(&c->stream, f, line, len);
}

static void
on_log(void *arg, const char *line, size_t len)
{
	struct call	*c = arg;

	logs_line(c->id, line, len);
	call_log_line(c, line, len);
}

static bool
on_ready(void *arg)
{
	const struct call	*c = arg;

	return c->keep.on ? c->keep.fault.code == ERR_NONE : stream_ready(&c->stream);
}

static void
on_done(void *arg)
{
	struct call	*c = arg;

	c->verdict = *inv_verdict(c->iv);
	call_end(c, 0);
}

/* The caller has taken what there was. */
static void
on_drained(void *arg)
{
	struct call	*c = arg;

	if (c->state == CALL_RUNNING)
		inv_resume(c->iv);
}

static void
call_cancel(struct call *c, enum err_code why, const char *text)
{
	if (c->state == CALL_RUNNING) {
		inv_cancel(c->iv, why, text);
		journal_state(c->id, "stopping");
	} else if (c->state == CALL_WAITING) {
		(void)error_set(&c->verdict, why, "%s", text);
		call_end(c, 0);
	}
}

/* No more of its lines can be kept. */
static void
on_unkept(struct call *c)
{
	call_cancel(c, c->keep.fault.code, c->keep.fault.msg);
}

/* The caller has left, or its answer was cut. */
static void
on_gone(void *arg)
{
	struct call	*c = arg;

	if (c->state == CALL_ENDING)
		call_free(c);
	else
		call_cancel(c, ERR_CLIENT_GONE, "the caller closed its connection");
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	call_cancel(arg, ERR_DEADLINE, "the deadline passed before its turn came");
}

static int
call_start(struct call *c, struct connector_ref *ref, struct ask *a, struct error *e)
{
	struct inv_request	 q = { .ref = ref, .rq = &a->rq, .limits = a->limits, .waived = server.set.waived,
	    .allow_private = server.set.opened, .source = c->source, .trace = c->traced ? c->trace : NULL, .rate = settings_rate(&server.set, c->source),
	    .waits_shared = true,
	    .sink = { .record = on_record, .log = on_log, .ready = on_ready, .done = on_done, .arg = c } };
	int64_t			 left = c->deadline_ms - now_ms();

	/* It runs since it came, not since its turn came. */
	if (c->deadline_ms != 0)
		q.limits.deadline_ms = left > 0 ? left : 1;
	snprintf(a->rq.id, sizeof(a->rq.id), "%s", c->id);
	event_del(&c->late);
	if ((c->iv = inv_start(&q, e)) == NULL)
		return -1;
	if (c->stream.conn != NULL)
		conn_release(c->stream.conn);
	call_goto(c, CALL_RUNNING);
	return 0;
}

/* Its turn has come: the body is read again, the tree of it was not kept.  Which files are run was decided when it came. */
static void
on_turn(void *arg)
{
	struct call		*c = arg;
	struct connector_ref	 ref = { 0 };
	struct ask		 a = { 0 };
	struct error		 e = ERROR_NONE;
	int			 r = ref_find(c->lasting, "", -1, &ref, &e);

	if (r == 0 && (r = ask_read(c->body.data, c->body.len, &ref, &a, &e)) == 0) {
		r = c->linked != NULL && connector_link(&ref, c->linked, &e) == -1 ? -1 : call_start(c, &ref, &a, &e);
		ask_free(&a);
	}
	connector_free(&ref);
	body_drop(c);
	if (r == 0)
		return;
	c->verdict = e;
	call_end(c, 0);
}

static struct call *
call_find(const char *id)
{
	struct call	*c;

	LIST_FOREACH(c, &live, next)
		if (c->state != CALL_ENDING && strcmp(c->id, id) == 0)
			return c;
	return NULL;
}

static struct call *
call_new(struct exchange *x, const struct connector_ref *ref, const struct ask *a, const char *trace)
{
	const char	*given = evhttp_find_header(evhttp_request_get_input_headers(x->req), "traceparent");
	const char	*linked = guest_word(&ref->words, GUEST_WORD_LINKED);
	struct call	*c = calloc(1, sizeof(*c));

	if (c == NULL || (linked != NULL && (c->linked = strdup(linked)) == NULL)) {
		free(c);
		return NULL;
	}
	c->start_ms = now_ms();
	c->deadline_ms = a->limits.deadline_ms > 0 ? c->start_ms + a->limits.deadline_ms : 0;
	c->cmd = a->rq.cmd;
	c->ticket = (struct admit_ticket){ .go = on_turn, .arg = c };
	snprintf(c->connector, sizeof(c->connector), "%s", ref->name);
	ref_lasting(ref->name, c->lasting);
	snprintf(c->type, sizeof(c->type), "%s", a->rq.type);
	snprintf(c->source, sizeof(c->source), "%s", a->source);
	snprintf(c->caller, sizeof(c->caller), "%s", x->caller);
	snprintf(c->id, sizeof(c->id), "%s", a->rq.id);
	snprintf(c->trace, sizeof(c->trace), "%s", trace);
	c->traced = given != NULL && strcmp(given, trace) == 0;
	evtimer_assign(&c->late, server.base, on_late, c);
	answer_header(x->req, "Bascule-Invocation", c->id);
	logs_begin(c->id);
	LIST_INSERT_HEAD(&live, c, next);
	nlive++;
	return c;
}

/* What cannot be written down is not begun. */
static int
call_note(struct call *c, int64_t *retry_s, struct error *e)
{
	journal_begin(&(struct journal_row){ .id = c->id, .connector = c->connector, .command = c->type,
	    .source = c->source, .caller = c->caller, .trace = c->trace, .accepted_ms = wall_ms() });
	*retry_s = JOURNAL_RETRY_S;
	if (store_ok(e) == -1)
		return -1;
	/* Nobody is there to see that it is gone: it has to be on disk. */
	if (c->keep.on && (results_begin(c->id, e) == -1 || store_sync(e) == -1))
		return -1;
	*retry_s = 0;
	return 0;
}

/* In, at once or later, or turned away: -1 with *e, and it has ended. */
static int
call_admit(struct call *c, struct connector_ref *ref, struct ask *a, struct buf *body, int64_t *retry_s,
    struct error *e)
{
	int64_t		 left = a->limits.deadline_ms;
	struct timeval	 tv = { left / 1000, left % 1000 * 1000 };

	if (call_note(c, retry_s, e) == 0)
		switch (admit_enter(&c->ticket, c->source, left, retry_s, e)) {
		case ADMIT_RUNNING:
			if (call_start(c, ref, a, e) == 0)
				return 0;
			break;
		case ADMIT_WAITING:
			call_goto(c, CALL_WAITING);
			body_keep(c, body);
			if (left > 0)
				event_add(&c->late, &tv);
			return 0;
		default:
			break;
		}
	c->verdict = *e;
	call_end(c, *retry_s);
	return -1;
}

int
call_begin(struct exchange *x, struct connector_ref *ref, struct ask *a, const struct accepted *accepted,
    const char *trace, struct buf *body)
{
	struct call	*c = call_new(x, ref, a, trace);
	struct error	 e = ERROR_NONE;
	int64_t		 retry_s = 0;

	if (c == NULL)
		return -1;
	if (stream_open(&c->stream, x->req, x->conn, accepted, on_drained, on_gone, c) == -1) {
		call_free(c);
		return -1;
	}
	(void)call_admit(c, ref, a, body, &retry_s, &e);
	return 0;
}

int
call_begin_kept(struct exchange *x, struct connector_ref *ref, struct ask *a, const char *key, const char *trace,
    struct buf *body, int64_t *retry_s, struct error *e)
{
	struct call	*c = call_new(x, ref, a, trace);

	if (c == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for another invocation");
	stream_close(&c->stream);
	call_keep_open(c, on_unkept);
	snprintf(c->key, sizeof(c->key), "%s", key == NULL ? "" : key);
	return call_admit(c, ref, a, body, retry_s, e);
}

bool
call_lives(const char *id)
{
	return call_find(id) != NULL;
}

void
call_delete(struct exchange *x)
{
	struct call	*c = call_find(x->arg);
	cJSON		*row = journal_get(x->arg);
	char		 text[128];

	if (row == NULL)
		answer_refuse(x->req, 404, ERR_NOT_FOUND, "no invocation of this id is remembered");
	else if (!exchange_owns(x, row))
		answer_refuse(x->req, 403, ERR_INSUFFICIENT_PERMISSION, "%s may not cancel others' invocations",
		    x->caller);
	else if (c == NULL)
		answer_json(x->req, 200, json_dup(row));
	else {
		snprintf(text, sizeof(text), "cancelled by %s", x->caller);
		if (strcmp(json_str(row, "caller", ""), x->caller) != 0)
			audit_add(x->caller, "invocation.cancel", x->arg);
		call_cancel(c, ERR_CANCELLED, text);
		answer_json(x->req, 202, journal_get(x->arg));
	}
	cJSON_Delete(row);
}

size_t
calls_live(void)
{
	return nlive;
}

void
calls_cancel(enum err_code why, const char *text)
{
	struct call	*c;

	/* One that waits is freed at once, and others of the list may be with it: from the start again. */
	for (c = LIST_FIRST(&live); c != NULL;)
		if (c->state == CALL_WAITING) {
			call_cancel(c, why, text);
			c = LIST_FIRST(&live);
		} else
			c = LIST_NEXT(c, next);
	LIST_FOREACH(c, &live, next)
		call_cancel(c, why, text);
}
