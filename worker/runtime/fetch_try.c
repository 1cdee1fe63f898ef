/*
 * fetch_try.c -- one attempt over libcurl, on a socket that the broker connected.
 *
 * Every host is mapped to one numeric placeholder, so libcurl never resolves;
 * the socket callback asks the broker for the real one.  One multi handle per
 * level holds the connections, for one request at a time as for many.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "worker/runtime/fetch_priv.h"
#include "worker/runtime/runtime.h"

#define LIST_PORTION_BYTES	(64L * KIB)	/* read at once of an answer with rows: libcurl reads 16 KiB else */
#define TIMER_OFF_MS	0x7fffffffL	/* of libcurl's own timers: on_progress() has a better clock */

int (*fetch_connect)(const char *host, uint16_t port, struct error *e) = egress_open;
int64_t fetch_alive_after_ms = FETCH_ALIVE_MS;

/* A record of the connector's own counts as a sign of life too. */
void
fetch_alive(struct fetch *f)
{
	int64_t	 now = now_ms();

	if (emit_count(f->c) != f->alive_count) {
		f->alive_count = emit_count(f->c);
		f->alive_ms = now;
	} else if (now - f->alive_ms >= fetch_alive_after_ms) {
		f->alive_ms = now;
		if (emit_keep_alive(f->c) == -1)
			return;		/* nobody reads: the next record says so */
	}
}

int64_t
fetch_clock(const struct fetch *f)
{
	return now_ms() - f->away_ms;
}

void
fetch_clock_set(struct fetch *f, int64_t ms)
{
	f->away_ms = now_ms() - ms;
}

static curl_socket_t
on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct attempt	*a = arg;
	int64_t		 clock = fetch_clock(a->f);
	int		 fd;

	(void)purpose;
	(void)address;
	a->opened = true;
	emit_flush();		/* the broker may take its time */
	fd = fetch_connect(a->origin.host, a->origin.port, &a->err);
	fetch_clock_set(a->f, clock);
	a->moved_ms = clock;
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
	a->opened = false;
	a->moved_ms = fetch_clock(a->f);
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

/* A connection on which something was broken off is used to its end and no more. */
static void
spoil(const struct attempt *a)
{
	curl_easy_setopt(a->easy, CURLOPT_FORBID_REUSE, 1L);
}

/* Comes once a second, and with each byte that moves. */
static int
on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
	struct attempt	*a = arg;
	int64_t		 now = fetch_clock(a->f);

	(void)dltotal;
	(void)ultotal;
	fetch_alive(a->f);
	if (dlnow + ulnow != a->moved) {
		a->moved = dlnow + ulnow;
		a->moved_ms = now;
	}
	if (now - a->moved_ms < (a->opened ? FETCH_CONNECT_MS : a->f->timeout_ms))
		return 0;
	a->silent = true;
	spoil(a);
	return 1;
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct attempt	*a = arg;
	size_t		 len = size * n;

	a->moved_ms = fetch_clock(a->f);
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
	if (a->rq->texts != NULL)
		a->rq->texts->rows(a->rq->arg, a->rows);
	a->callers = a->rq->on_row(a->rq->arg, row, e) == -1;
	return a->callers ? -1 : 0;
}

/* What is copied counts as a row that was delivered. */
static ssize_t
on_text(void *arg, const char *text, size_t n, struct error *e)
{
	struct attempt	*a = arg;
	ssize_t		 taken = a->rq->texts->on_text(a->rq->arg, text, n, e);

	a->nrows += taken > 0 || taken == -1;
	a->callers = taken == -1;
	return taken;
}

int
attempt_rows(struct attempt *a)
{
	struct rows_options	 o = { a->rq->rows, FETCH_ROW_BYTES_MAX, a->envelope_max, on_row, a, a->rq->texts == NULL ? NULL : on_text };

	if (a->rows == NULL && (a->rows = rows_new(&o)) == NULL)
		return error_set(&a->err, ERR_SYSTEM, "no memory for the rows of an answer");
	return 0;
}

/*
 * Answers that are held at once have one bound.  What does not fit is read to
 * its end and thrown away, and asked for again alone: to break it off might
 * hold up those that share its connection.
 */
static size_t
body_hold(struct attempt *a, const char *data, size_t len)
{
	struct fetch	*f = a->f;

	if (f->held + len > FETCH_BODIES_BYTES_MAX && !a->alone && retry_repeatable(a->method, a->rq->flags)) {
		f->held -= a->held;
		a->held = 0;
		buf_free(&a->in);
		a->crowded = true;
	}
	if (a->in_bytes > FETCH_BODY_BYTES_MAX)
		a->in.failed = true;
	else if (!a->crowded) {
		buf_add(&a->in, data, len);
		a->held += len;
		f->held += len;
	}
	return buf_check(&a->in, "the answer", &a->err) == -1 ? 0 : len;
}

static size_t
body_take(struct attempt *a, const char *data, size_t len)
{
	long	 status = 0;
	int64_t	 clock;
	int	 r;

	curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &status);
	a->in_bytes += len;
	fetch_alive(a->f);
	if (status >= 300) {
		/* What says it failed is kept as far as it helps. */
		if (a->in.len + len <= FETCH_FAILURE_BYTES_MAX)
			buf_add(&a->in, data, len);
		return len;
	}
	if (a->rq->rows == NULL)
		return body_hold(a, data, len);
	if (a->in_bytes > FETCH_STREAM_BYTES_MAX) {
		error_set(&a->err, ERR_LIMIT, "the answer is over %llu bytes",
		    (unsigned long long)FETCH_STREAM_BYTES_MAX);
		return 0;
	}
	if (attempt_rows(a) == -1)
		return 0;
	/* A row's handler may make calls of its own: another level, another handle.  What it takes is no silence of the source's. */
	clock = fetch_clock(a->f);
	r = rows_feed(a->rows, data, len, &a->err);
	fetch_clock_set(a->f, clock);
	if (r == -1) {
		if (!a->callers && a->err.code == ERR_REQUEST)
			a->err.code = ERR_INVALID_RESPONSE;
		return 0;
	}
	return len;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	size_t	 taken = body_take(arg, data, size * n);

	if (taken != size * n)
		spoil(arg);
	return taken;
}

static void
options_set(struct attempt *a, CURL *c)
{
	curl_easy_setopt(c, CURLOPT_URL, a->url);
	curl_easy_setopt(c, CURLOPT_PRIVATE, a);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_CONNECT_TO, a->f->placeholder);
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
	curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, a);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, a->origin.https ? (long)CURL_HTTP_VERSION_2TLS :
	    (long)CURL_HTTP_VERSION_1_1);
	/* Where a connection is being made that may carry many, wait for it. */
	curl_easy_setopt(c, CURLOPT_PIPEWAIT, a->origin.https ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, TIMER_OFF_MS);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, a);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, a);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
	if (a->rq->rows != NULL)
		curl_easy_setopt(c, CURLOPT_BUFFERSIZE, LIST_PORTION_BYTES);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, a->curl_text);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, a->headers);
	/*
	 * Some sources close each connection after its answer and do not say so.  What is sent into one that is closing
	 * may or may not have arrived, so what must not be repeated goes on a new one.
	 */
	if (!retry_repeatable(a->method, a->rq->flags) && !(a->f->keeps && origin_same(&a->f->keeper, &a->origin)))
		curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
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

static int
level_ready(struct level *l)
{
	if (l->multi == NULL && (l->multi = curl_multi_init()) != NULL) {
		curl_multi_setopt(l->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
		curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, (long)FETCH_PARALLEL_MAX);
	}
	if (l->multi == NULL)
		return -1;
	if (l->nidle == 0 && (l->idle[0] = curl_easy_init()) != NULL)
		l->nidle = 1;
	return l->nidle == 0 ? -1 : 0;
}

void
level_free(struct level *l)
{
	while (l->nidle > 0)
		curl_easy_cleanup(l->idle[--l->nidle]);
	if (l->multi != NULL)
		curl_multi_cleanup(l->multi);
	l->multi = NULL;
}

int
attempt_start(struct attempt *a, struct level *l, struct error *e)
{
	CURLMcode	 code;

	if (level_ready(l) == -1)
		return error_set(e, ERR_SYSTEM, "no memory for a request");
	a->level = l;
	a->easy = l->idle[--l->nidle];
	options_set(a, a->easy);
	a->moved_ms = fetch_clock(a->f);
	if ((code = curl_multi_add_handle(l->multi, a->easy)) != CURLM_OK) {
		attempt_stop(a, CURLE_FAILED_INIT);
		return error_set(e, ERR_SYSTEM, "no request can be made: %s", curl_multi_strerror(code));
	}
	return 0;
}

void
attempt_stop(struct attempt *a, CURLcode code)
{
	struct level	*l = a->level;
	long		 n = 0;

	a->code = code;
	if (a->silent) {
		a->code = CURLE_OPERATION_TIMEDOUT;
		(void)snprintf(a->curl_text, sizeof(a->curl_text), "no byte came or went for %d s",
		    (a->opened ? FETCH_CONNECT_MS : a->f->timeout_ms) / 1000);
	}
	curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &n);
	a->status = (int)n;
	n = 0;
	curl_easy_getinfo(a->easy, CURLINFO_HTTP_VERSION, &n);
	a->http2 = n == CURL_HTTP_VERSION_2_0;
	/* REQUEST_SIZE counts what left; without a byte out the source cannot have acted. */
	curl_easy_getinfo(a->easy, CURLINFO_REQUEST_SIZE, &n);
	a->sent = n > 0;
	a->cut = a->code != CURLE_OK && a->err.code == ERR_NONE && a->status != 0;
	if (a->code != CURLE_OK)
		spoil(a);
	curl_multi_remove_handle(l->multi, a->easy);
	/* It points into *a, which ends before the handle does; connections stay. */
	curl_easy_reset(a->easy);
	l->idle[l->nidle++] = a->easy;
	a->easy = NULL;
}

void
attempt_end(struct attempt *a)
{
	if (a->f != NULL)
		a->f->held -= a->held;
	a->held = 0;
	buf_free(&a->head);
	buf_free(&a->in);
	buf_wipe(&a->signed_url);	/* a key may be in it */
	rows_free(a->rows);
	a->rows = NULL;
	curl_slist_free_all(a->headers);
	a->headers = NULL;
}
