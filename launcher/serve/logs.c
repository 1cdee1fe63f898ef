/*
 * logs.c -- what workers logged, and those who read it: GET /v1/invocations/{id}/logs.
 */
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/http.h>
#include <event2/http_struct.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/call.h"
#include "launcher/serve/logs.h"
#include "launcher/serve/query.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/stream.h"
#include "worker/contract/json.h"
#include "worker/contract/scan.h"
#include "worker/contract/util.h"

#define LINE_DEPTH_MAX	16		/* of a worker's line that is passed on as JSON */
#define LINE_COST	64		/* bytes that each line counts for, beside its own */
#define NOTE_BYTES	80

struct log_line {
	TAILQ_ENTRY(log_line)	 next;
	uint64_t		 n;		/* 1 is the first of its invocation */
	size_t			 len;
	char			 text[];	/* as it is shown, without '\n' */
};

struct kept_log {
	TAILQ_ENTRY(kept_log)	 next;
	TAILQ_HEAD(, log_line)	 lines;
	size_t			 bytes;
	uint64_t		 last;		/* number of the newest line */
	char			 id[REQUEST_ID_BYTES_MAX + 1];
};

struct log_reader {
	LIST_ENTRY(log_reader)	 next;
	struct stream		 stream;
	uint64_t		 seen;		/* number of the last line that it has */
	bool			 follow;
	char			 id[REQUEST_ID_BYTES_MAX + 1];
};

static TAILQ_HEAD(log_list, kept_log) logs = TAILQ_HEAD_INITIALIZER(logs);	/* oldest first */
static size_t			 nlogs, total;
static LIST_HEAD(, log_reader)	 readers = LIST_HEAD_INITIALIZER(readers);

/* From the newest: those that live are there. */
static struct kept_log *
log_find(const char *id)
{
	struct kept_log	*k;

	TAILQ_FOREACH_REVERSE(k, &logs, log_list, next)
		if (strcmp(k->id, id) == 0)
			return k;
	return NULL;
}

static void
line_drop(struct kept_log *k)
{
	struct log_line	*l = TAILQ_FIRST(&k->lines);

	k->bytes -= l->len + LINE_COST;
	total -= l->len + LINE_COST;
	TAILQ_REMOVE(&k->lines, l, next);
	explicit_bzero(l->text, l->len);
	free(l);
}

static void
log_drop(struct kept_log *k)
{
	while (!TAILQ_EMPTY(&k->lines))
		line_drop(k);
	TAILQ_REMOVE(&logs, k, next);
	nlogs--;
	free(k);
}

static struct kept_log *
log_new(const char *id)
{
	struct kept_log	*k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	if (nlogs == LOG_INVOCATIONS_MAX)
		log_drop(TAILQ_FIRST(&logs));
	TAILQ_INIT(&k->lines);
	snprintf(k->id, sizeof(k->id), "%s", id);
	TAILQ_INSERT_TAIL(&logs, k, next);
	nlogs++;
	return k;
}

static bool
is_object(const char *line, size_t len)
{
	struct scan	 s;
	struct error	 e = ERROR_NONE;

	if (len == 0 || line[0] != '{')
		return false;
	scan_init(&s, LINE_DEPTH_MAX);
	return scan_feed(&s, line, len, &e) == 0 && scan_end(&s, &e) == 0;
}

/* As it is shown; NULL: no memory. */
static struct log_line *
line_make(const char *line, size_t len)
{
	struct log_line	*l = NULL;
	autofree char	*text = strndup(line, len);	/* of what is no text, what is before a NUL */
	autobuf		 b;

	buf_init(&b, 6 * LOG_LINE_BYTES_MAX + NOTE_BYTES);
	buf_addf(&b, "{\"at\":%lld,", (long long)wall_ms());
	if (is_object(line, len)) {
		buf_adds(&b, "\"line\":");
		buf_add(&b, line, len);
	} else {
		buf_adds(&b, "\"text\":");
		json_print_string(&b, text == NULL ? "" : text);
	}
	buf_addc(&b, '}');
	if (b.failed || (l = malloc(sizeof(*l) + b.len)) == NULL)
		return NULL;
	l->len = b.len;
	memcpy(l->text, b.data, b.len);
	return l;
}

static void
reader_free(struct log_reader *r)
{
	LIST_REMOVE(r, next);
	stream_close(&r->stream);
	free(r);
}

static void
line_pass(struct log_reader *r, const struct log_line *l)
{
	char	 note[NOTE_BYTES];
	int	 n;

	if (l->n > r->seen + 1) {
		n = snprintf(note, sizeof(note), "{\"at\":%lld,\"dropped\":%llu}\n", (long long)wall_ms(),
		    (unsigned long long)(l->n - r->seen - 1));
		stream_bytes(&r->stream, note, (size_t)n);
	}
	stream_bytes(&r->stream, l->text, l->len);
	stream_bytes(&r->stream, "\n", 1);
	r->seen = l->n;
}

/* Moves on what there is; at the end of it, and of the invocation, its answer ends.  May free r. */
static void
reader_turn(struct log_reader *r)
{
	struct kept_log	*k = log_find(r->id);
	struct log_line	*l = NULL;

	if (k != NULL && k->last < r->seen)
		r->seen = 0;	/* it was dropped, and has begun anew */
	if (k != NULL)
		TAILQ_FOREACH(l, &k->lines, next) {
			if (l->n <= r->seen)
				continue;
			if (!stream_ready(&r->stream))
				break;
			line_pass(r, l);
		}
	if (l == NULL && !stream_over(&r->stream) && (!r->follow || !call_lives(r->id)))
		stream_end(&r->stream);
	if (stream_over(&r->stream))
		reader_free(r);
}

static void
readers_turn(const char *id)
{
	struct log_reader	*r, *next;

	for (r = LIST_FIRST(&readers); r != NULL; r = next) {
		next = LIST_NEXT(r, next);
		if (strcmp(r->id, id) == 0)
			reader_turn(r);
	}
}

void
logs_begin(const char *id)
{
	struct kept_log	*k = log_find(id);

	if (k != NULL)
		log_drop(k);
}

void
logs_line(const char *id, const char *line, size_t len)
{
	struct kept_log	*k = log_find(id);
	struct log_line	*l = line_make(line, len);

	if (l == NULL || (k == NULL && (k = log_new(id)) == NULL)) {
		free(l);
		return;
	}
	l->n = ++k->last;
	TAILQ_INSERT_TAIL(&k->lines, l, next);
	k->bytes += l->len + LINE_COST;
	total += l->len + LINE_COST;
	readers_turn(id);
	while (k->bytes > LOG_BYTES_OF_ONE && TAILQ_FIRST(&k->lines) != l)
		line_drop(k);
	while (total > LOG_BYTES_OF_ALL && TAILQ_FIRST(&logs) != k)
		log_drop(TAILQ_FIRST(&logs));
}

void
logs_end(const char *id)
{
	readers_turn(id);
}

void
logs_each(const char *id, void (*fn)(void *arg, const char *text, size_t len), void *arg)
{
	const struct kept_log	*k = log_find(id);
	const struct log_line	*l;

	if (k != NULL)
		TAILQ_FOREACH(l, &k->lines, next)
			fn(arg, l->text, l->len);
}

void
logs_free(void)
{
	while (!TAILQ_EMPTY(&logs))
		log_drop(TAILQ_FIRST(&logs));
}

static void
on_drained(void *arg)
{
	reader_turn(arg);
}

static void
on_gone(void *arg)
{
	reader_free(arg);
}

static void
reader_begin(struct exchange *x, bool follow)
{
	struct evkeyvalq	*in = evhttp_request_get_input_headers(x->req);
	struct accepted		 a = accept_read(NULL, evhttp_find_header(in, "Accept-Encoding"));
	struct log_reader	*r = calloc(1, sizeof(*r));

	if (r == NULL || stream_open(&r->stream, x->req, x->conn, &a, on_drained, on_gone, r) == -1) {
		if (r != NULL)
			stream_close(&r->stream);
		free(r);
		answer_refuse(x->req, 503, ERR_SYSTEM, "no memory for another reader");
		return;
	}
	r->follow = follow;
	snprintf(r->id, sizeof(r->id), "%s", x->arg);
	LIST_INSERT_HEAD(&readers, r, next);
	reader_turn(r);
}

static int
follow_read(struct exchange *x, bool *follow, struct error *e)
{
	struct query	 q = { 0 };
	int		 r = query_read(&q, x->req, e);

	*follow = false;
	for (size_t i = 0; i < q.n && r == 0; i++)
		r = strcmp(q.names[i], "follow") == 0 ? query_bool("follow", q.values[i], follow, e) :
		    error_set(e, ERR_REQUEST, "%.40s: no such parameter (there is follow)", q.names[i]);
	query_free(&q);
	return r;
}

void
show_logs(struct exchange *x)
{
	autojson	*row = journal_get(x->arg);
	struct error	 e = ERROR_NONE;
	bool		 follow;

	if (follow_read(x, &follow, &e) == -1)
		answer_problem(x->req, &(struct problem){ .error = &e });
	else if (row == NULL)
		answer_refuse(x->req, 404, ERR_NOT_FOUND, "no invocation of this id is remembered");
	else if (!exchange_owns(x, row))
		answer_refuse(x->req, 403, ERR_INSUFFICIENT_PERMISSION, "logs are for the caller of the invocation, and for "
		    "tokens of scope manage: %s is neither", x->caller);
	else if (log_find(x->arg) == NULL && !call_lives(x->arg) && json_i64(json_get(row, "receipt"), "logLines", 1) > 0)
		answer_refuse(x->req, 404, ERR_NOT_FOUND, "its log is no longer kept: it was in memory, and others came since, "
		    "or the server was started anew");
	else if (x->req->major != 1 || x->req->minor < 1)
		answer_refuse(x->req, 505, ERR_USAGE, "HTTP/1.1 is wanted here: lines come in chunks");
	else
		reader_begin(x, follow);
}
