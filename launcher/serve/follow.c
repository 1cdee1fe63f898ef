/*
 * follow.c -- readers of results that are kept.
 */
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/call.h"
#include "launcher/serve/conn.h"
#include "launcher/serve/follow.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/stream.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

struct follower {
	LIST_ENTRY(follower)	 next;
	struct stream		 stream;
	int64_t			 at, until;	/* until: where a snapshot ends; -1: none */
	bool			 keyed;
	char			 id[REQUEST_ID_BYTES_MAX + 1];
};

static LIST_HEAD(, follower)	 followers = LIST_HEAD_INITIALIZER(followers);

/* A whole line, always; never two callers at once. */
static char	 piece[LINE_BYTES_MAX + 1 + 64 * KIB];

static void
follower_free(struct follower *f)
{
	LIST_REMOVE(f, next);
	stream_close(&f->stream);
	free(f);
}

/* Events need the line's kind; what is no line cannot be told as one. */
static size_t
lines_pass(struct follower *f, const char *bytes, size_t n)
{
	struct line_facts	 facts;
	struct error		 e = ERROR_NONE;
	const char		*nl;
	size_t			 done = 0;

	while ((nl = memchr(bytes + done, '\n', n - done)) != NULL) {
		size_t	 len = (size_t)(nl - bytes) - done;

		if (line_judge(bytes + done, len, &facts, &e) == -1)
			break;
		stream_line(&f->stream, &facts, bytes + done, len);
		done += len + 1;
	}
	return done;
}

/* Moves what there is, as far as the caller takes it.  True: it has all of it. */
static bool
pass(struct follower *f)
{
	while (stream_ready(&f->stream)) {
		size_t	 most = sizeof(piece), n;

		if (f->until >= 0 && (uint64_t)(f->until - f->at) < most)
			most = (size_t)(f->until - f->at);
		if (most == 0 || (n = results_read(f->id, f->at, piece, most)) == 0)
			return true;
		if (f->stream.accepted.form == FORM_EVENTS) {
			if ((n = lines_pass(f, piece, n)) == 0)
				return true;
		} else
			stream_bytes(&f->stream, piece, n);
		f->at += (int64_t)n;
	}
	return false;
}

/* The verdict, as its receipt has it. */
static struct error
verdict_of(const struct follower *f, const cJSON *row)
{
	const cJSON	*receipt = json_get(row, "receipt");
	struct error	 v = ERROR_NONE;
	const char	*type = json_str(receipt, "type", "");
	int64_t		 bytes = -1;

	if (row == NULL || strcmp(json_str(row, "state", ""), "done") != 0)
		(void)error_set(&v, ERR_SYSTEM, "how it ended could not be written down");
	else if (strcmp(json_str(receipt, "outcome", ""), "ok") == 0) {
		/* Well, and whole: the bytes that its worker wrote. */
		(void)json_i64_of(json_get(receipt, "bytes"), &bytes);
		if (f->at != bytes || results_size(f->id) != bytes)
			(void)error_set(&v, ERR_SYSTEM, "its records are no longer kept");
	} else {
		(void)error_set(&v, ERR_GENERIC, "%s", json_str(receipt, "message", "it failed"));
		(void)error_take_cause(&v, json_str(receipt, "cause", ""));
		if (v.code == ERR_NONE)
			v.code = ERR_GENERIC;
		if (strcmp(type, error_face(v.code)->type) != 0)
			snprintf(v.type, sizeof(v.type), "%s", type);
	}
	return v;
}

/* It has ended, and all that is kept of it was passed on. */
static void
finish(struct follower *f)
{
	struct stream	*s = &f->stream;
	autojson	*row = journal_get(f->id);
	struct error	 v = verdict_of(f, row);
	bool		 told = strcmp(json_str(json_get(row, "receipt"), "outcome", ""), v.code == ERR_NONE ? "ok" : "failed") == 0;
	autobuf		 last;

	buf_init(&last, REQUEST_BYTES_MAX);
	if (v.code != ERR_NONE && stream_held(s)) {
		answer_problem(stream_release(s), &(struct problem){ .error = &v, .invocation = f->id,
		    .status = f->keyed && v.code == ERR_INTERRUPTED ? 409 : 0 });
		return;
	}
	if (s->accepted.verdict && told) {
		receipt_print_verdict(json_dup(json_get(row, "receipt")), &last);
		stream_verdict(s, &last);
	}
	if (v.code == ERR_NONE || (s->accepted.verdict && told))
		stream_end(s);
	else
		stream_cut(s);
}

/* Frees f where it has come to its end. */
static void
follow_turn(struct follower *f)
{
	if (!stream_over(&f->stream) && pass(f)) {
		if (f->until >= 0)
			stream_end(&f->stream);
		else if (!call_lives(f->id))
			finish(f);
	}
	if (stream_over(&f->stream))
		follower_free(f);
}

static void
on_drained(void *arg)
{
	follow_turn(arg);
}

static void
on_gone(void *arg)
{
	follower_free(arg);
}

void
follow_news(const char *id)
{
	struct follower	*f, *next;

	for (f = LIST_FIRST(&followers); f != NULL; f = next) {
		next = LIST_NEXT(f, next);
		if (strcmp(f->id, id) == 0)
			follow_turn(f);
	}
}

static void
heads(struct exchange *x, const struct follow_plan *p, const cJSON *row, int64_t size)
{
	const char	*outcome = json_str(json_get(row, "receipt"), "outcome", NULL);
	char		 text[32];

	answer_header(x->req, "Bascule-Invocation", p->id);
	answer_header(x->req, "Bascule-State", json_str(row, "state", ""));
	if (outcome != NULL)
		answer_header(x->req, "Bascule-Outcome", outcome);
	if (!p->snapshot)
		return;
	snprintf(text, sizeof(text), "%lld", (long long)size);
	answer_header(x->req, "Bascule-Next-Offset", text);
}

void
follow_begin(struct exchange *x, const struct accepted *accepted, const struct follow_plan *p)
{
	struct follower	*f = calloc(1, sizeof(*f));
	autojson	*row = journal_get(p->id);
	int64_t		 size = results_size(p->id);
	bool		 lives = call_lives(p->id);

	if (f == NULL || stream_open(&f->stream, x->req, x->conn, accepted, on_drained, on_gone, f) == -1) {
		if (f != NULL)
			stream_close(&f->stream);
		free(f);
		answer_refuse(x->req, 503, ERR_SYSTEM, "no memory for another reader");
		return;
	}
	heads(x, p, row, size);
	conn_release(x->conn);
	f->at = p->from;
	f->until = p->snapshot && lives ? size : -1;
	f->stream.status = f->until >= 0 ? 202 : 0;
	f->keyed = p->keyed;
	snprintf(f->id, sizeof(f->id), "%s", p->id);
	LIST_INSERT_HEAD(&followers, f, next);
	follow_turn(f);
}
