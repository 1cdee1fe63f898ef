/*
 * call.c -- the life of one call: admitted, run, answered.  One writer of its state.
 */
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "launcher/serve/admit.h"
#include "launcher/serve/answer.h"
#include "launcher/serve/ask.h"
#include "launcher/serve/call.h"
#include "launcher/serve/conn.h"
#include "launcher/serve/metrics.h"
#include "launcher/serve/ref.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/slog.h"
#include "launcher/serve/stream.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define LOG_TREE_NODES	1000		/* of a worker's log line that is taken apart */

enum call_state {
	CALL_NEW,
	CALL_WAITING,		/* for its turn; body is kept */
	CALL_RUNNING,		/* iv lives */
	CALL_ENDING,		/* the verdict is final; its answer is still being cut */
	CALL__MAX
};

struct call {
	LIST_ENTRY(call)	 next;
	enum call_state		 state;
	struct stream		 stream;
	struct admit_ticket	 ticket;
	struct buf		 body;		/* while it waits; wiped after */
	struct invocation	*iv;
	struct error		 verdict;
	struct event		 late;		/* its deadline, while it waits */
	int64_t			 start_ms, deadline_ms;	/* deadline_ms: absolute; 0: none */
	int64_t			 first_ms;	/* 0: no record yet */
	uint64_t		 records, bytes;
	enum command		 cmd;
	char			 id[REQUEST_ID_BYTES_MAX + 1];
	char			 connector[CONNECTOR_NAME_MAX + 1];
	char			 type[REQUEST_TYPE_BYTES_MAX + 1];
	char			 source[SOURCE_BYTES_MAX + 1];
	char			 trace[TRACEPARENT_BYTES + 1];
	char			 caller[TOKEN_NAME_MAX + 16];
};

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

static void
call_free(struct call *c)
{
	LIST_REMOVE(c, next);
	nlive--;
	event_del(&c->late);
	stream_close(&c->stream);
	buf_wipe(&c->body);
	free(c);
}

static cJSON *
log_new(const struct call *c, enum slog_level level, const char *event)
{
	cJSON	*o = slog_new(level, event);

	(void)json_set_str(o, "invocation", c->id);
	(void)json_set_str(o, "trace", c->trace);
	(void)json_set_str(o, "connector", c->connector);
	(void)json_set_str(o, "command", c->type);
	return o;
}

static void
log_end(const struct call *c, int64_t total_ms)
{
	bool	 ok = c->verdict.code == ERR_NONE;
	char	 cause[ERROR_CAUSE_BYTES];
	cJSON	*o = log_new(c, ok ? SLOG_INFO : SLOG_WARN, "invocation.end");

	(void)json_set_str(o, "source", c->source);
	(void)json_set_str(o, "caller", c->caller);
	(void)json_set_str(o, "outcome", ok ? "ok" : "failed");
	if (!ok) {
		(void)json_set_str(o, "cause", error_cause(&c->verdict, cause));
		(void)json_set_str(o, "message", c->verdict.msg);
	}
	(void)json_set(o, "records", json_int((int64_t)c->records));
	(void)json_set(o, "bytes", json_int((int64_t)c->bytes));
	if (c->first_ms != 0)
		(void)json_set(o, "firstRecordMs", json_int(c->first_ms - c->start_ms));
	(void)json_set(o, "totalMs", json_int(total_ms));
	slog_write(o);
}

/* Of one that never got a worker. */
static cJSON *
receipt_empty(const struct call *c)
{
	cJSON	*o = cJSON_CreateObject();
	char	 cause[ERROR_CAUSE_BYTES];

	(void)json_set_str(o, "outcome", "failed");
	(void)json_set_str(o, "cause", error_cause(&c->verdict, cause));
	(void)json_set_str(o, "message", c->verdict.msg);
	(void)json_set_str(o, "id", c->id);
	(void)json_set_str(o, "connector", c->connector);
	(void)json_set_str(o, "command", c->type);
	(void)json_set(o, "records", json_int(0));
	(void)json_set(o, "totalMs", json_int(now_ms() - c->start_ms));
	(void)json_set(o, "exit", json_int(error_face(c->verdict.code)->exit));
	return o;
}

/* The caller gets what the verdict says, in the way that fits what it got so far. */
static void
answer(struct call *c, int64_t retry_s, const struct buf *last)
{
	struct stream	*s = &c->stream;
	struct problem	 p = { .error = &c->verdict, .invocation = c->id, .retry_s = retry_s,
	    .status = retry_s > 0 && c->verdict.code == ERR_SYSTEM ? 503 : 0 };

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

/* Its verdict is final: journal, log, numbers, answer.  Frees it, now or when its answer is over. */
static void
call_end(struct call *c, int64_t retry_s)
{
	int64_t	 total_ms = now_ms() - c->start_ms;
	autobuf	 last;

	buf_init(&last, REQUEST_BYTES_MAX);
	event_del(&c->late);
	call_goto(c, CALL_ENDING);
	if (c->iv != NULL)
		inv_print_verdict(c->iv, &last);
	journal_end(c->id, c->iv != NULL ? inv_receipt(c->iv) : receipt_empty(c));
	log_end(c, total_ms);
	metrics_end(&(struct metrics_end){ .connector = c->connector, .command = c->cmd == CMD_CUSTOM ? "custom" : c->type,
	    .cause = c->verdict.code, .first_ms = c->first_ms == 0 ? -1 : c->first_ms - c->start_ms,
	    .total_ms = total_ms, .records = c->records, .bytes = c->bytes });
	answer(c, retry_s, &last);
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
	stream_line(&c->stream, f, line, len);
}

static enum slog_level
worker_level(const cJSON *line)
{
	static const struct {
		const char	*word;
		enum slog_level	 level;
	} levels[] = { { "ERROR", SLOG_ERROR }, { "WARN", SLOG_WARN }, { "DEBUG", SLOG_DEBUG }, { "TRACE", SLOG_DEBUG } };
	const char	*word = json_str(line, "level", "INFO");

	for (size_t i = 0; i < N_ITEMS(levels); i++)
		if (strcasecmp(levels[i].word, word) == 0)
			return levels[i].level;
	return SLOG_INFO;
}

static void
on_log(void *arg, const char *line, size_t len)
{
	static const struct json_limits	 limits = { LOG_LINE_BYTES_MAX, 16, LOG_TREE_NODES };
	struct call			*c = arg;
	struct error			 e;
	cJSON				*said, *o;
	char				*text;

	if (!server.set.worker_logs)
		return;
	said = json_parse(line, len, &limits, &e);
	o = log_new(c, worker_level(said), "worker.log");
	if (said != NULL)
		(void)json_set(o, "line", said);
	else if ((text = strndup(line, len)) != NULL) {
		/* Anything may be in it; a log line is UTF-8. */
		for (char *p = text; *p != '\0'; p++)
			if ((unsigned char)*p >= 0x80)
				*p = '?';
		(void)json_set_str(o, "text", text);
		free(text);
	}
	slog_write(o);
}

static bool
on_ready(void *arg)
{
	const struct call	*c = arg;

	return stream_ready(&c->stream);
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
	    .allow_private = server.set.opened, .source = c->source, .rate = settings_rate(&server.set, c->source),
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

/* Its turn has come: the body is read again, the tree of it was not kept. */
static void
on_turn(void *arg)
{
	struct call		*c = arg;
	struct connector_ref	 ref = { 0 };
	struct ask		 a = { 0 };
	struct error		 e = ERROR_NONE;
	int			 r = ref_find(c->connector, "", -1, &ref, &e);

	if (r == 0 && (r = ask_read(c->body.data, c->body.len, &ref, &a, &e)) == 0) {
		r = call_start(c, &ref, &a, &e);
		ask_free(&a);
	}
	connector_free(&ref);
	buf_wipe(&c->body);
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
call_new(struct exchange *x, const struct connector_ref *ref, const struct ask *a, const struct accepted *accepted,
    const char *trace)
{
	struct call	*c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->start_ms = now_ms();
	c->deadline_ms = a->limits.deadline_ms > 0 ? c->start_ms + a->limits.deadline_ms : 0;
	c->cmd = a->rq.cmd;
	c->ticket = (struct admit_ticket){ .go = on_turn, .arg = c };
	snprintf(c->connector, sizeof(c->connector), "%s", ref->name);
	snprintf(c->type, sizeof(c->type), "%s", a->rq.type);
	snprintf(c->source, sizeof(c->source), "%s", a->source);
	snprintf(c->caller, sizeof(c->caller), "%s", x->caller);
	snprintf(c->id, sizeof(c->id), "%s", a->rq.id);
	snprintf(c->trace, sizeof(c->trace), "%s", trace);
	evtimer_assign(&c->late, server.base, on_late, c);
	answer_header(x->req, "Bascule-Invocation", c->id);
	LIST_INSERT_HEAD(&live, c, next);
	nlive++;
	if (stream_open(&c->stream, x->req, x->conn, accepted, on_drained, on_gone, c) == 0)
		return c;
	call_free(c);
	return NULL;
}

/* In, at once or later, or turned away. */
static void
call_admit(struct call *c, struct connector_ref *ref, struct ask *a, struct buf *body)
{
	struct error	 e = ERROR_NONE;
	int64_t		 left = a->limits.deadline_ms, retry_s = 0;
	struct timeval	 tv = { left / 1000, left % 1000 * 1000 };

	journal_begin(&(struct journal_row){ .id = c->id, .connector = c->connector, .command = c->type,
	    .source = c->source, .caller = c->caller, .trace = c->trace, .accepted_ms = wall_ms() });
	/* What cannot be written down is not begun. */
	if (store_ok(&e) == -1) {
		c->verdict = e;
		call_end(c, JOURNAL_RETRY_S);
		return;
	}
	switch (admit_enter(&c->ticket, c->source, left, &retry_s, &e)) {
	case ADMIT_RUNNING:
		if (call_start(c, ref, a, &e) == 0)
			return;
		break;
	case ADMIT_WAITING:
		call_goto(c, CALL_WAITING);
		c->body = *body;
		*body = (struct buf){ 0 };
		if (left > 0)
			event_add(&c->late, &tv);
		return;
	default:
		break;
	}
	c->verdict = e;
	call_end(c, retry_s);
}

int
call_begin(struct exchange *x, struct connector_ref *ref, struct ask *a, const struct accepted *accepted,
    const char *trace, struct buf *body)
{
	struct call	*c = call_new(x, ref, a, accepted, trace);

	if (c == NULL)
		return -1;
	call_admit(c, ref, a, body);
	return 0;
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
	else if (!exchange_may(x, SCOPE_MANAGE, NULL) && strcmp(json_str(row, "caller", ""), x->caller) != 0)
		answer_refuse(x->req, 403, ERR_INSUFFICIENT_PERMISSION, "the token of %s may not cancel others' invocations",
		    x->caller);
	else if (c == NULL)
		answer_json(x->req, 200, json_dup(row));
	else {
		snprintf(text, sizeof(text), "cancelled by %s", x->caller);
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
