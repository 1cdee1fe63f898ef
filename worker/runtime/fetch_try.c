/*
 * fetch_try.c -- one attempt over libcurl, on a socket that the broker connected.
 *
 * Every host is mapped to one numeric placeholder, so libcurl never resolves;
 * the socket callback asks the broker for the real one.
 */
#include <string.h>
#include <strings.h>

#include "worker/runtime/fetch_priv.h"

#define PLACEHOLDER	"::192.0.2.1:"	/* any host, any port: TEST-NET-1, port kept */

int (*fetch_connect)(const char *host, uint16_t port, struct error *e) = egress_open;

/* A record of the connector's own counts as a sign of life too. */
void
fetch_alive(struct fetch *f)
{
	int64_t	 now = now_ms();

	if (emit_count(f->c) != f->alive_count) {
		f->alive_count = emit_count(f->c);
		f->alive_ms = now;
	} else if (now - f->alive_ms >= FETCH_ALIVE_MS) {
		f->alive_ms = now;
		if (emit_keep_alive(f->c) == -1)
			return;		/* nobody reads: the next record says so */
	}
}

static curl_socket_t
on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct attempt	*a = arg;
	int		 fd;

	(void)purpose;
	(void)address;
	fd = fetch_connect(a->origin.host, a->origin.port, &a->err);
	return fd == -1 ? CURL_SOCKET_BAD : fd;
}

/*
 * Called before each sending.  On a kept connection that turns out dead libcurl
 * sends again by itself: right for a GET, but a POST might be done twice.
 */
static int
on_send(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct attempt	*a = arg;
	long		 bytes = 0;

	(void)to;
	(void)from;
	(void)to_port;
	(void)from_port;
	curl_easy_getinfo(a->easy, CURLINFO_REQUEST_SIZE, &bytes);
	if (a->sends++ == 0 || bytes == 0 || retry_repeatable(a->method, a->rq->flags))
		return CURL_PREREQFUNC_OK;
	error_set(&a->err, ERR_UPSTREAM, "the connection broke after the request was sent, "
	    "so it is not known whether it was carried out");
	return CURL_PREREQFUNC_ABORT;
}

static int
on_sockopt(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg;
	(void)fd;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static int
on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
	struct attempt	*a = arg;

	(void)dltotal;
	(void)dlnow;
	(void)ultotal;
	(void)ulnow;
	fetch_alive(a->f);
	return 0;
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct attempt	*a = arg;
	size_t		 len = size * n;

	if (len >= 5 && strncmp(data, "HTTP/", 5) == 0)
		buf_reset(&a->head);	/* an interim answer came before */
	while (len > 0 && (data[len - 1] == '\r' || data[len - 1] == '\n'))
		len--;
	buf_add(&a->head, data, len);
	buf_addc(&a->head, '\n');
	return buf_check(&a->head, "headers of the answer", &a->err) == -1 ? 0 : size * n;
}

static int
on_row(void *arg, cJSON *row, struct error *e)
{
	struct attempt	*a = arg;

	a->nrows++;
	if (a->rq->on_row(a->rq->arg, row, e) == -1) {
		a->callers = true;
		return -1;
	}
	return 0;
}

int
attempt_rows(struct attempt *a)
{
	struct rows_options	 o = { a->rq->rows, FETCH_ROW_BYTES_MAX, FETCH_BODY_BYTES_MAX, on_row, a };

	if (a->rows == NULL && (a->rows = rows_new(&o)) == NULL)
		return error_set(&a->err, ERR_SYSTEM, "no memory for the rows of an answer");
	return 0;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct attempt	*a = arg;
	size_t		 len = size * n;
	long		 status = 0;

	curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &status);
	a->in_bytes += len;
	fetch_alive(a->f);
	if (status >= 300) {
		/* What says it failed is kept as far as it helps. */
		if (a->in.len + len <= FETCH_FAILURE_BYTES_MAX)
			buf_add(&a->in, data, len);
		return len;
	}
	if (a->rq->rows == NULL) {
		buf_add(&a->in, data, len);
		return buf_check(&a->in, "the answer", &a->err) == -1 ? 0 : len;
	}
	if (a->in_bytes > FETCH_STREAM_BYTES_MAX) {
		error_set(&a->err, ERR_LIMIT, "the answer is over %llu bytes",
		    (unsigned long long)FETCH_STREAM_BYTES_MAX);
		return 0;
	}
	if (attempt_rows(a) == -1)
		return 0;
	/* A row's handler may make calls of its own: another level, another handle. */
	if (rows_feed(a->rows, data, len, &a->err) == -1) {
		if (!a->callers && a->err.code == ERR_REQUEST)
			a->err.code = ERR_INVALID_RESPONSE;
		return 0;
	}
	return len;
}

static void
options_set(struct attempt *a, CURL *c, struct curl_slist *to)
{
	curl_easy_setopt(c, CURLOPT_URL, a->url);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_CONNECT_TO, to);
	curl_easy_setopt(c, CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_V4);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, a);
	curl_easy_setopt(c, CURLOPT_SOCKOPTFUNCTION, on_sockopt);
	curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_send);
	curl_easy_setopt(c, CURLOPT_PREREQDATA, a);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, tls_context);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)FETCH_CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(a->f->timeout_ms + 999) / 1000);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, a);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, a);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, a->curl_text);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, a->headers);
	if (a->body != NULL) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)a->body_bytes);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, a->body);
	} else if (strcmp(a->method, "HEAD") == 0)
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	else if (strcmp(a->method, "POST") == 0 || strcmp(a->method, "PUT") == 0 || strcmp(a->method, "PATCH") == 0)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");	/* some sources want to read Content-Length: 0 */
	if (a->body != NULL || (strcmp(a->method, "GET") != 0 && strcmp(a->method, "HEAD") != 0))
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, a->method);
}

void
attempt_run(struct attempt *a)
{
	struct fetch		*f = a->f;
	struct curl_slist	*to = curl_slist_append(NULL, PLACEHOLDER);
	long			 n = 0;

	buf_init(&a->head, FETCH_HEADER_BYTES_MAX);
	buf_init(&a->in, FETCH_BODY_BYTES_MAX);
	if (f->level == FETCH_LEVELS_MAX || to == NULL ||
	    (f->easy[f->level] == NULL && (f->easy[f->level] = curl_easy_init()) == NULL)) {
		error_set(&a->err, ERR_SYSTEM, "calls from inside calls, more than %u deep, or no memory",
		    FETCH_LEVELS_MAX);
		a->code = CURLE_FAILED_INIT;
		curl_slist_free_all(to);
		return;
	}
	a->easy = f->easy[f->level];
	curl_easy_reset(a->easy);
	options_set(a, a->easy, to);
	f->level++;
	a->code = curl_easy_perform(a->easy);
	f->level--;
	curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &n);
	a->status = (int)n;
	/* REQUEST_SIZE counts what left; without a byte out the source cannot have acted. */
	curl_easy_getinfo(a->easy, CURLINFO_REQUEST_SIZE, &n);
	a->sent = n > 0;
	a->cut = a->code != CURLE_OK && a->err.code == ERR_NONE && a->status != 0;
	/* It points into *a, which ends before the handle does; connections stay. */
	curl_easy_reset(a->easy);
	curl_slist_free_all(to);
}

void
attempt_end(struct attempt *a)
{
	buf_free(&a->head);
	buf_free(&a->in);
	rows_free(a->rows);
	a->rows = NULL;
	curl_slist_free_all(a->headers);
	a->headers = NULL;
}
