/*
 * answer.c -- whole answers.
 */
#include <stdarg.h>
#include <stdio.h>

#include <event2/buffer.h>
#include <event2/http.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

#define JSON_BYTES_MAX	(64 * MIB)	/* a page of invocations with their receipts */

void
answer_header(struct evhttp_request *req, const char *name, const char *value)
{
	struct evkeyvalq	*headers = evhttp_request_get_output_headers(req);

	(void)evhttp_remove_header(headers, name);
	(void)evhttp_add_header(headers, name, value);
}

void
answer_text(struct evhttp_request *req, int status, const char *type, const char *text, size_t len)
{
	struct evbuffer	*b = evbuffer_new();

	answer_header(req, "Content-Type", type);
	answer_header(req, "X-Content-Type-Options", "nosniff");
	answer_header(req, "Cache-Control", "no-store");
	if (b != NULL)
		(void)evbuffer_add(b, text, len);
	evhttp_send_reply(req, status, NULL, b);
	if (b != NULL)
		evbuffer_free(b);
}

static void
answer_tree(struct evhttp_request *req, int status, const char *type, const cJSON *v)
{
	autobuf	 b;

	buf_init(&b, JSON_BYTES_MAX);
	json_print(&b, v);
	buf_addc(&b, '\n');
	if (b.failed)
		evhttp_send_reply(req, 500, NULL, NULL);
	else
		answer_text(req, status, type, b.data, b.len);
}

void
answer_json(struct evhttp_request *req, int status, cJSON *v)
{
	answer_tree(req, status, "application/json", v);
	cJSON_Delete(v);
}

cJSON *
problem_print(const struct problem *p)
{
	const struct error_face	*face = error_face(p->error->code);
	cJSON			*o = cJSON_CreateObject();
	char			 text[256];

	snprintf(text, sizeof(text), PROBLEM_TYPE "%s", face->word);
	(void)json_set_str(o, "type", text);
	(void)json_set_str(o, "title", face->meaning);
	(void)json_set(o, "status", json_int(p->status != 0 ? p->status : face->http));
	(void)json_set_str(o, "detail", p->error->msg);
	(void)json_set_str(o, "cause", face->word);
	(void)json_set_str(o, "errorType", error_type(p->error));
	if (p->invocation != NULL) {
		snprintf(text, sizeof(text), "/v1/invocations/%s", p->invocation);
		(void)json_set_str(o, "instance", text);
		(void)json_set_str(o, "invocation", p->invocation);
	}
	if (p->retry_s > 0)
		(void)json_set(o, "retryAfter", json_int(p->retry_s));
	return o;
}

void
answer_problem(struct evhttp_request *req, const struct problem *p)
{
	int		 status = p->status != 0 ? p->status : error_face(p->error->code)->http;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char	*path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
	autojson	*doc = NULL;
	char		 text[32];

	if (p->retry_s > 0) {
		snprintf(text, sizeof(text), "%lld", (long long)p->retry_s);
		answer_header(req, "Retry-After", text);
	}
	if (path != NULL && beta_speaks(path)) {
		beta_problem(req, p, status);
		return;
	}
	doc = problem_print(p);
	answer_tree(req, status, "application/problem+json", doc);
}

void
answer_refuse(struct evhttp_request *req, int status, enum err_code code, const char *fmt, ...)
{
	struct error	 e = { .code = code };
	va_list		 ap;

	va_start(ap, fmt);
	(void)vsnprintf(e.msg, sizeof(e.msg), fmt, ap);
	va_end(ap);
	answer_problem(req, &(struct problem){ .error = &e, .status = status });
}
