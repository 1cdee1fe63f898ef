/*
 * fetch_answer.c -- what an answer, or the lack of one, means.
 */
#include <bsd/string.h>
#include <string.h>

#include "worker/runtime/fetch_priv.h"

#define TEXT_BYTES_READ	2048u		/* of an answer, to find secrets in */

/* What the answer says went wrong, in the words of the usual members. */
static void
answer_text(const struct attempt *a, const cJSON *body, char out[FETCH_TEXT_BYTES_MAX + 1])
{
	static const char *const	 members[] = { "detail", "message", "error_description", "errorSummary",
	    "error" };
	const char			*text = NULL;
	char				 all[TEXT_BYTES_READ];

	for (size_t i = 0; i < N_ITEMS(members) && text == NULL; i++)
		text = json_str(body, members[i], NULL);
	if (text != NULL)
		text_printable(all, sizeof(all), text, strlen(text));
	else
		text_printable(all, sizeof(all), a->in.data == NULL ? "" : a->in.data, a->in.len);
	/* Before it is cut: half of a secret, with more text behind it, would not be found. */
	redact_text(all, sizeof(all));
	(void)strlcpy(out, all, FETCH_TEXT_BYTES_MAX + 1);
}

static enum err_code
status_code(int status)
{
	static const struct { int status; enum err_code code; } codes[] = {
		{ 401, ERR_INSUFFICIENT_PERMISSION }, { 403, ERR_INSUFFICIENT_PERMISSION },
		{ 404, ERR_NOT_FOUND }, { 400, ERR_INVALID_REQUEST }, { 409, ERR_INVALID_REQUEST },
		{ 422, ERR_INVALID_REQUEST }, { 408, ERR_TIMEOUT }, { 504, ERR_TIMEOUT },
	};

	for (size_t i = 0; i < N_ITEMS(codes); i++)
		if (codes[i].status == status)
			return codes[i].code;
	return ERR_UPSTREAM;
}

int
answer_status_fail(struct attempt *a, const struct fetch_response *rs, struct error *e)
{
	char	 shown[256], text[FETCH_TEXT_BYTES_MAX + 1];

	answer_text(a, rs->body, text);
	error_set(e, status_code(rs->status), "%s %s: status %d%s%s", a->method, url_shown(a->url, shown), rs->status,
	    text[0] != '\0' ? ": " : "", text);
	if (a->f->explain != NULL)
		a->f->explain(a->f->explain_arg, rs, e);
	return -1;
}

/* What to do about a certificate that is not believed. */
static const char *
tls_advice(const char *text)
{
	static const struct { const char *said, *advice; } rows[] = {
		{ "issuer", "for a private CA set config.caBundle" },
		{ "self-signed", "for a private CA set config.caBundle" },
		{ "self signed", "for a private CA set config.caBundle" },
		{ "subject name", "check the host name in the source's URL" },
		{ "expired", "the source needs a new one, or this machine's clock is wrong" },
		{ "not yet valid", "check this machine's clock, and the source's certificate" },
	};

	for (size_t i = 0; i < N_ITEMS(rows); i++)
		if (strstr(text, rows[i].said) != NULL)
			return rows[i].advice;
	return "check the source's certificates";
}

int
answer_curl_fail(struct attempt *a, struct error *e)
{
	char		 shown[256];
	const char	*text = curl_easy_strerror(a->code);

	if (a->err.code != ERR_NONE) {
		*e = a->err;
		if (!a->callers && e->code != ERR_NO_EGRESS)
			error_in(e, "%s %s", a->method, url_shown(a->url, shown));
		return -1;
	}
	/* The filter refuses getsockname, which libcurl notes first and can live without. */
	if (a->curl_text[0] != '\0' && strncmp(a->curl_text, "getsockname", 11) != 0)
		text = a->curl_text;
	if (a->code == CURLE_PEER_FAILED_VERIFICATION)
		return error_set(e, ERR_UPSTREAM, "%s %s: TLS: %s (%s)", a->method, url_shown(a->url, shown), text,
		    tls_advice(text));
	return error_set(e, a->code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : a->cut ? ERR_INVALID_RESPONSE :
	    ERR_UPSTREAM, "%s %s: %s", a->method, url_shown(a->url, shown), text);
}

/* Header lines apart, without the space at their ends: a response's values are handed out as they lie. */
static char *
headers_split(struct buf *head)
{
	size_t	 to = 0;

	for (size_t i = 0; i < head->len; i++) {
		char	 c = head->data[i];

		if (c == '\n') {
			while (to > 0 && (head->data[to - 1] == ' ' || head->data[to - 1] == '\t'))
				to--;
			c = '\0';
		} else if (c == '\0')
			c = ' ';
		head->data[to++] = c;
	}
	if (head->data != NULL)
		head->data[to] = '\0';
	return buf_steal(head);
}

/* Rows were asked for: an answer without a byte is no list, unless its status says that it has none. */
static int
answer_rows(struct attempt *a, struct fetch_response *rs, struct error *e)
{
	if (a->status == 204)
		return 0;
	if (attempt_rows(a) == -1) {
		*e = a->err;
		return -1;
	}
	if (rows_end(a->rows, &rs->body, e) == 0)
		return 0;
	a->cut = true;
	return -1;
}

/* Moves what came into *rs.  A failure's body may be anything. */
int
answer_take(struct attempt *a, struct fetch_response *rs, struct error *e)
{
	const struct json_limits	 limits = { FETCH_BODY_BYTES_MAX, JSON_DEPTH_MAX, JSON_NODES_MAX };
	struct error			 why = ERROR_NONE;
	char				 shown[256], text[81];

	rs->status = a->status;
	rs->rows = a->nrows;
	rs->headers = headers_split(&a->head);
	if (rs->headers == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for the headers of an answer");
	if (a->rq->rows != NULL && a->status < 300) {
		if (answer_rows(a, rs, &why) == 0)
			return 0;
	} else if (a->in.len == 0 || (a->rq->flags & FETCH_BODY_UNREAD && a->status < 300) ||
	    (rs->body = json_parse(a->in.data, a->in.len, &limits, &why)) != NULL || a->status >= 300)
		return 0;
	text_printable(text, sizeof(text), a->in.data == NULL ? "" : a->in.data, a->in.len);
	return error_set(e, ERR_INVALID_RESPONSE, "%s %s: status %d, the answer is not JSON or is cut short: %s",
	    a->method, url_shown(a->url, shown), a->status, text[0] != '\0' ? text : why.msg);
}
