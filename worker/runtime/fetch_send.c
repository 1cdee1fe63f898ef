/*
 * fetch_send.c -- what is sent: URL, headers, body, sign-in.
 */
#include <string.h>
#include <strings.h>

#include "worker/contract/version.h"
#include "worker/runtime/fetch_priv.h"
#include "worker/runtime/runtime.h"

#define USER_AGENT	"User-Agent: bascule/" BASCULE_VERSION

/* A header of that name stands in the list once: the last one given. */
static int
header_put(struct curl_slist **list, const char *line)
{
	size_t			 n = strcspn(line, ":;");
	struct curl_slist	*more = *list;
	char			*own;

	while (more != NULL && (strncasecmp(more->data, line, n) != 0 || strcspn(more->data, ":;") != n))
		more = more->next;
	if (more == NULL) {
		if ((more = curl_slist_append(*list, line)) == NULL)
			return -1;
		*list = more;
		return 0;
	}
	if ((own = strdup(line)) == NULL)
		return -1;
	free(more->data);
	more->data = own;
	return 0;
}

static int
header_add(struct curl_slist **list, const char *name, const char *value, struct error *e)
{
	struct buf	 b;

	buf_init(&b, FETCH_HEADER_BYTES_MAX);
	buf_adds(&b, name);
	buf_adds(&b, value);
	if (b.failed || strpbrk(b.data, "\r\n") != NULL || header_put(list, b.data) == -1) {
		buf_free(&b);
		return error_set(e, ERR_INVALID_CONFIGURATION, "a header is too long or has a line break in it");
	}
	buf_free(&b);
	return 0;
}

static int
headers_make(struct fetch *f, const struct fetch_request *rq, const char *form, bool body, struct curl_slist **list,
    struct error *e)
{
	char	 trace[TRACEPARENT_BYTES + 1];

	if (trace_next(trace) && header_add(list, "traceparent: ", trace, e) == -1)
		return -1;
	if (header_add(list, USER_AGENT, "", e) == -1 || header_add(list, "Expect:", "", e) == -1 ||
	    header_add(list, "Accept: ", form != NULL ? "application/json" : f->accept, e) == -1)
		return -1;
	if (form != NULL || rq->flags & FETCH_FORM) {
		if (header_add(list, "Content-Type: ", "application/x-www-form-urlencoded", e) == -1)
			return -1;
	} else if (body && header_add(list, "Content-Type: ", f->content_type, e) == -1)
		return -1;
	for (char **h = f->headers; form == NULL && !(rq->flags & FETCH_ELSEWHERE) && *h != NULL; h++)
		if (header_add(list, *h, "", e) == -1)
			return -1;
	for (const char *const *h = rq->headers; h != NULL && *h != NULL; h++)
		if (header_add(list, *h, "", e) == -1)
			return -1;
	return 0;
}

/* An object as a form; values that are no scalars are left out. */
static void
form_make(struct buf *b, const cJSON *o)
{
	const cJSON	*m;
	char		 scratch[64];

	cJSON_ArrayForEach(m, o) {
		const char	*v = json_scalar_text(m, scratch, sizeof(scratch));

		if (v == NULL)
			continue;
		buf_adds(b, b->len > 0 ? "&" : "");
		form_add(b, m->string);
		buf_addc(b, '=');
		form_add(b, v);
	}
}

static void
warn_plain(struct fetch *f, const struct attempt *a)
{
	/* A sign-in of the connector's own carries what it signs in with. */
	bool	 bare = f->auth.kind == AUTH_NONE || (a->rq->flags & (FETCH_NO_AUTH | FETCH_ELSEWHERE)) == FETCH_NO_AUTH;

	if (f->warned || bare || a->origin.https || origin_loopback(&a->origin))
		return;
	f->warned = true;
	log_warn(f->c, "credentials go to %s without TLS", a->origin.host);
}

int
job_body(struct job *j, struct error *e)
{
	j->has_body = j->form != NULL || j->rq.body != NULL;
	if (j->form != NULL)
		buf_adds(&j->body, j->form);
	else if (j->rq.body != NULL && j->rq.flags & FETCH_FORM)
		form_make(&j->body, j->rq.body);
	else if (j->rq.body != NULL)
		json_print(&j->body, j->rq.body);
	return buf_check(&j->body, "request body", e);
}

int
job_sign(struct fetch *f, struct job *j, struct error *e)
{
	struct attempt	*a = &j->a;

	*a = (struct attempt){ .f = f, .rq = &j->rq, .method = j->rq.method == NULL ? "GET" : j->rq.method,
	    .envelope_max = FETCH_BODY_BYTES_MAX, .alone = j->alone };
	buf_init(&a->head, FETCH_HEADER_BYTES_MAX);
	buf_init(&a->in, FETCH_BODY_BYTES_MAX);
	buf_init(&a->signed_url, FETCH_URL_BYTES_MAX);
	buf_adds(&a->signed_url, j->url.data == NULL ? "" : j->url.data);
	if (buf_check(&a->signed_url, "URL", e) == -1)
		return -1;
	if (origin_of(a->signed_url.data, &a->origin) == -1)
		return error_set(e, ERR_INVALID_CONFIGURATION, "not an http(s) URL");
	if (headers_make(f, &j->rq, j->form, j->has_body, &a->headers, e) == -1)
		return -1;
	if (!(j->rq.flags & FETCH_NO_AUTH) && auth_apply(f, &a->headers, &a->signed_url, e) == -1)
		return -1;
	a->token = f->token.serial;
	a->url = a->signed_url.data;
	a->body = j->has_body ? (j->body.data == NULL ? "" : j->body.data) : NULL;
	a->body_bytes = j->body.len;
	warn_plain(f, a);
	return j->rq.flags & FETCH_NO_AUTH ? 0 : auth_sign(a, e);
}
