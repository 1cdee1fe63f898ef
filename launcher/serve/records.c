/*
 * records.c -- GET /v1/invocations/{id}/records: from the request to a reader.
 */
#include <string.h>

#include <event2/http.h>
#include <event2/http_struct.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/follow.h"
#include "launcher/serve/query.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

struct wish {
	int64_t	 offset;
	bool	 follow;
};

static int
wish_read(struct exchange *x, struct wish *w, struct error *e)
{
	struct query	 q = { 0 };
	uint64_t	 n = 0;
	int		 r = query_read(&q, x->req, e);

	*w = (struct wish){ .follow = true };
	for (size_t i = 0; i < q.n && r == 0; i++)
		if (strcmp(q.names[i], "offset") == 0)
			r = query_number("offset", q.values[i], 0, INT64_MAX, &n, e);
		else if (strcmp(q.names[i], "follow") == 0 || strcmp(q.names[i], "wait") == 0)
			r = query_bool(q.names[i], q.values[i], &w->follow, e);
		else
			r = error_set(e, ERR_REQUEST, "%.40s: no such parameter (there are offset, follow and wait)", q.names[i]);
	w->offset = (int64_t)n;
	query_free(&q);
	return r;
}

/* An event is a line: it cannot begin within one. */
static bool
starts_line(const char *id, int64_t at)
{
	char	 before;

	return at == 0 || (results_read(id, at - 1, &before, 1) == 1 && before == '\n');
}

/* What must hold before a reader is made; false: refused, answered. */
static bool
may_read(struct exchange *x, const struct accepted *accepted, const struct wish *w)
{
	autojson	*row = journal_get(x->arg);
	int64_t		 size = results_size(x->arg);

	if (row == NULL)
		answer_refuse(x->req, 404, ERR_NOT_FOUND, "no invocation of this id is remembered");
	else if (!exchange_owns(x, row))
		answer_refuse(x->req, 403, ERR_INSUFFICIENT_PERMISSION, "records are for the caller of the invocation, and "
		    "for tokens of scope manage: %s is neither", x->caller);
	else if (size == -1)
		answer_refuse(x->req, 404, ERR_NOT_FOUND, "no records of it are kept: invoke with ?mode=async, and read them "
		    "within --results-age");
	else if (w->offset > size)
		answer_refuse(x->req, 416, ERR_REQUEST, "offset: there are %lld bytes so far", (long long)size);
	else if (accepted->form == FORM_EVENTS && !starts_line(x->arg, w->offset))
		answer_refuse(x->req, 416, ERR_REQUEST, "offset: events begin where a line does");
	else if (accepted->form == FORM_NONE)
		answer_refuse(x->req, 406, ERR_REQUEST, "Accept: there are application/x-ndjson and text/event-stream");
	else if (x->req->major != 1 || x->req->minor < 1)
		answer_refuse(x->req, 505, ERR_USAGE, "HTTP/1.1 is wanted here: results come in chunks");
	else
		return true;
	return false;
}

void
show_records(struct exchange *x)
{
	struct evkeyvalq	*in = evhttp_request_get_input_headers(x->req);
	struct accepted		 accepted = accept_read(evhttp_find_header(in, "Accept"), evhttp_find_header(in, "Accept-Encoding"));
	struct wish		 w;
	struct error		 e = ERROR_NONE;

	if (wish_read(x, &w, &e) == -1)
		answer_problem(x->req, &(struct problem){ .error = &e });
	else if (may_read(x, &accepted, &w))
		follow_begin(x, &accepted, &(struct follow_plan){ .id = x->arg, .from = w.offset, .snapshot = !w.follow });
}
