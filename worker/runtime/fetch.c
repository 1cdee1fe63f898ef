/*
 * fetch.c -- a client for one source: its requests, their attempts, and what
 * an answer means.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "worker/runtime/fetch_priv.h"

#define USER_AGENT	"User-Agent: bascule"

static char *
trimmed(const char *url)
{
	char	*s = strdup(url);

	for (size_t n = s == NULL ? 0 : strlen(s); n > 0 && s[n - 1] == '/'; n--)
		s[n - 1] = '\0';
	return s;
}

static char **
lines_copy(const char *const *lines)
{
	size_t	 n = 0;
	char	**copy;

	while (lines != NULL && lines[n] != NULL)
		n++;
	if ((copy = calloc(n + 1, sizeof(*copy))) != NULL)
		for (size_t i = 0; i < n; i++)
			if ((copy[i] = strdup(lines[i])) == NULL)
				break;
	return copy;
}

static int
auth_check(const struct auth *a, struct error *e)
{
	static const struct { bool user, secret, name, url; } needs[] = {
		[AUTH_NONE] = { 0 }, [AUTH_BASIC] = { .user = true, .secret = true },
		[AUTH_BEARER] = { .secret = true }, [AUTH_API_KEY] = { .secret = true, .name = true },
		[AUTH_OAUTH2_CC] = { .user = true, .secret = true, .url = true }, [AUTH_CUSTOM] = { 0 },
	};
	const struct { bool needed; const char *value, *what; } have[] = {
		{ needs[a->kind].user, a->user, "user name or client id" },
		{ needs[a->kind].secret, a->secret, "password, token or secret" },
		{ needs[a->kind].name, a->name, "name of the API key" },
		{ needs[a->kind].url, a->token_url, "token URL" },
	};

	for (size_t i = 0; i < N_ITEMS(have); i++)
		if (have[i].needed && (have[i].value == NULL || have[i].value[0] == '\0'))
			return error_set(e, ERR_INVALID_CONFIGURATION, "sign-in: the %s is missing", have[i].what);
	return 0;
}

static int
client_fill(struct fetch *f, const struct fetch_options *o, struct error *e)
{
	const char	*pem = o->ca_bundle != NULL ? o->ca_bundle : json_str(f->c->config, "caBundle", "");

	if (o->base_url == NULL || origin_of(o->base_url, &f->origin) == -1)
		return error_set(e, ERR_INVALID_CONFIGURATION, "the source's URL must be http(s)://host[:port][/path]");
	if (auth_check(&o->auth, e) == -1 || auth_copy(&f->auth, &o->auth, e) == -1)
		return -1;
	if (pem[0] != '\0' && tls_trust(pem, e) == -1)
		return -1;
	f->base = trimmed(o->base_url);
	f->headers = lines_copy(o->headers);
	f->content_type = strdup(o->content_type == NULL ? "application/json" : o->content_type);
	f->accept = strdup(o->accept == NULL ? "application/json" : o->accept);
	if (f->base == NULL || f->headers == NULL || f->content_type == NULL || f->accept == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for a client");
	if (o->auth.secret != NULL)
		redact_add(o->auth.secret);
	f->attempts = o->attempts == 0 || o->attempts > FETCH_ATTEMPTS_MAX ? FETCH_ATTEMPTS_MAX : o->attempts;
	f->timeout_ms = o->timeout_ms == 0 ? FETCH_TIMEOUT_MS : o->timeout_ms;
	f->wait_ms = o->wait_ms;
	f->wait_arg = o->wait_arg;
	f->explain = o->explain;
	f->explain_arg = o->explain_arg;
	return 0;
}

struct fetch *
fetch_new(struct call *c, const struct fetch_options *o)
{
	struct fetch	*f = calloc(1, sizeof(*f));

	if (f == NULL) {
		error_set(c->err, ERR_SYSTEM, "no memory for a client");
		return NULL;
	}
	f->c = c;
	f->alive_ms = now_ms();
	if (client_fill(f, o, c->err) == -1) {
		fetch_free(f);
		return NULL;
	}
	return f;
}

void
fetch_free(struct fetch *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < FETCH_LEVELS_MAX; i++)
		if (f->easy[i] != NULL)
			curl_easy_cleanup(f->easy[i]);
	for (char **h = f->headers; h != NULL && *h != NULL; h++)
		free(*h);
	free(f->headers);
	(void)auth_renew(f);
	auth_wipe(&f->auth);
	free(f->base);
	free(f->content_type);
	free(f->accept);
	free(f);
}

const char *
fetch_header(const struct fetch_response *rs, const char *name)
{
	static char	 value[FETCH_HEADER_BYTES_MAX];
	const char	*found = NULL;
	size_t		 n = strlen(name), len = 0;

	for (const char *p = rs->headers; p != NULL && *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n')
		if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
			found = p + n + 1 + strspn(p + n + 1, " \t");
			len = strcspn(found, "\n");
		}
	if (found == NULL || len >= sizeof(value))
		return NULL;
	memcpy(value, found, len);
	value[len] = '\0';
	return value;
}

void
fetch_response_free(struct fetch_response *rs)
{
	cJSON_Delete(rs->body);
	free(rs->headers);
	memset(rs, 0, sizeof(*rs));
}

void
fetch_sleep(struct fetch *f, int64_t ms)
{
	int64_t	 until = now_ms() + ms, left;

	while ((left = until - now_ms()) > 0) {
		struct timespec	 ts = { left >= 1000 ? 1 : 0, left >= 1000 ? 0 : left * 1000000 };

		nanosleep(&ts, NULL);
		fetch_alive(f);
	}
}

static int
header_add(struct curl_slist **list, const char *name, const char *value, struct error *e)
{
	struct buf		 b;
	struct curl_slist	*more;

	buf_init(&b, FETCH_HEADER_BYTES_MAX);
	buf_adds(&b, name);
	buf_adds(&b, value);
	if (b.failed || strpbrk(b.data, "\r\n") != NULL || (more = curl_slist_append(*list, b.data)) == NULL) {
		buf_free(&b);
		return error_set(e, ERR_INVALID_CONFIGURATION, "a header is too long or has a line break in it");
	}
	*list = more;
	buf_free(&b);
	return 0;
}

static int
headers_make(struct fetch *f, const struct fetch_request *rq, const char *form, bool body, struct curl_slist **list,
    struct error *e)
{
	if (header_add(list, USER_AGENT, "", e) == -1 || header_add(list, "Accept: ", f->accept, e) == -1 ||
	    header_add(list, "Expect:", "", e) == -1)
		return -1;
	if (form != NULL || rq->flags & FETCH_FORM) {
		if (header_add(list, "Content-Type: ", "application/x-www-form-urlencoded", e) == -1)
			return -1;
	} else if (body && header_add(list, "Content-Type: ", f->content_type, e) == -1)
		return -1;
	for (char **h = f->headers; form == NULL && *h != NULL; h++)
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

/* 1: again; 0: done; -1: failed.  Rows that went on never come twice, so such an attempt is the last. */
static int
attempt_judge(struct attempt *a, unsigned int *attempt, bool *renewed, struct fetch_response *rs, struct error *e)
{
	struct fetch		*f = a->f;
	struct retry_facts	 r = { a->method, a->rq->flags, 0, a->sent, -1, *attempt, f->attempts };
	char			 shown[256];
	uint32_t		 chance = 0;
	int64_t			 wait = RETRY_NO;

	if (a->code == CURLE_OK && answer_take(a, rs, e) == -1)
		return -1;
	if (a->code == CURLE_OK && a->status < 300)
		return 0;
	if (a->code == CURLE_OK && a->status == 401 && !(a->rq->flags & FETCH_NO_AUTH) && !*renewed && auth_renew(f)) {
		*renewed = true;
		return 1;
	}
	if (a->code == CURLE_OK) {
		r.status = a->status;
		r.asked_ms = retry_asked_ms(rs, (int64_t)time(NULL));
		if (f->wait_ms != NULL && a->status >= 400 && (wait = f->wait_ms(f->wait_arg, rs, *attempt)) >= 0)
			r.asked_ms = wait;
	}
	if (getrandom(&chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
		chance = 0;
	wait = a->nrows > 0 || a->callers || a->code == CURLE_PEER_FAILED_VERIFICATION || a->err.code == ERR_NO_EGRESS || a->err.code == ERR_LIMIT ||
	    a->err.code == ERR_INVALID_RESPONSE ? RETRY_NO : retry_wait_ms(&r, chance);
	if (wait >= 0) {
		log_info(f->c, "%s %s: %s%d, again in %lld ms", a->method, url_shown(a->url, shown),
		    a->code == CURLE_OK ? "status " : "error ", a->code == CURLE_OK ? a->status : (int)a->code,
		    (long long)wait);
		fetch_sleep(f, wait);
		++*attempt;
		return 1;
	}
	if (a->code != CURLE_OK)
		return answer_curl_fail(a, e);
	if (wait == RETRY_TOO_LONG)
		return error_set(e, ERR_UPSTREAM, "%s %s: the source asks to wait %lld s, over the %d s that are waited",
		    a->method, url_shown(a->url, shown), (long long)(r.asked_ms / 1000), FETCH_WAIT_MS_MAX / 1000);
	if (a->rq->flags & FETCH_ANY_STATUS)
		return 0;
	return answer_status_fail(a, rs, e);
}

/* GET and HEAD follow a redirect within the origin; *url is replaced.  1: follow, 0: no redirect, -1. */
static int
redirect(struct attempt *a, const struct fetch_response *rs, struct buf *url, unsigned int *n, struct error *e)
{
	const char	*to = fetch_header(rs, "location");
	struct origin	 o;
	CURLU		*u;
	char		*full = NULL;
	int		 r = -1;

	if (a->code != CURLE_OK || a->status < 301 || a->status > 308 || a->status == 304 || to == NULL ||
	    (strcmp(a->method, "GET") != 0 && strcmp(a->method, "HEAD") != 0))
		return 0;
	if (++*n > FETCH_REDIRECTS_MAX)
		return error_set(e, ERR_UPSTREAM, "more than %d redirects", FETCH_REDIRECTS_MAX);
	u = curl_url();
	if (u != NULL && curl_url_set(u, CURLUPART_URL, a->url, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, to, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_URL, &full, 0) == CURLUE_OK &&
	    origin_of(full, &o) == 0 && origin_same(&o, &a->origin)) {
		buf_reset(url);
		buf_adds(url, full);
		r = 1;
	} else
		error_set(e, ERR_UPSTREAM, "a redirect leads to another origin and is not followed");
	curl_free(full);
	curl_url_cleanup(u);
	return r;
}

static void
warn_plain(struct fetch *f, const struct attempt *a)
{
	if (f->warned || a->origin.https || origin_loopback(&a->origin) || a->rq->flags & FETCH_NO_AUTH)
		return;
	f->warned = true;
	log_warn(f->c, "credentials go to %s without TLS", a->origin.host);
}

int
fetch_url_call(struct fetch *f, const char *url, const struct fetch_request *rq, const char *form,
    struct fetch_response *rs, struct error *e)
{
	unsigned int	 attempt = 1, redirects = 0;
	bool		 renewed = false;
	autobuf		 body, plain;
	int		 r;

	buf_init(&body, FETCH_BODY_BYTES_MAX);
	buf_init(&plain, FETCH_URL_BYTES_MAX);
	buf_adds(&plain, url);
	if (form != NULL)
		buf_adds(&body, form);
	else if (rq->body != NULL && rq->flags & FETCH_FORM)
		form_make(&body, rq->body);
	else if (rq->body != NULL)
		json_print(&body, rq->body);
	if (buf_check(&body, "request body", e) == -1)
		return -1;
	do {
		struct attempt	 a = { .f = f, .rq = rq, .method = rq->method == NULL ? "GET" : rq->method };
		autobuf		 signed_url;
		bool		 has_body = form != NULL || rq->body != NULL;

		fetch_response_free(rs);
		buf_init(&signed_url, FETCH_URL_BYTES_MAX);
		buf_adds(&signed_url, plain.data == NULL ? "" : plain.data);
		buf_init(&a.head, 0);
		buf_init(&a.in, 0);
		if (buf_check(&signed_url, "URL", e) == -1 || origin_of(signed_url.data, &a.origin) == -1 ||
		    headers_make(f, rq, form, has_body, &a.headers, e) == -1 ||
		    (!(rq->flags & FETCH_NO_AUTH) && auth_apply(f, &a.headers, &signed_url, e) == -1)) {
			if (e->code == ERR_NONE)
				error_set(e, ERR_INVALID_CONFIGURATION, "not an http(s) URL");
			attempt_end(&a);
			return -1;
		}
		a.url = signed_url.data;
		a.body = has_body ? (body.data == NULL ? "" : body.data) : NULL;
		a.body_bytes = body.len;
		warn_plain(f, &a);
		attempt_run(&a);
		r = attempt_judge(&a, &attempt, &renewed, rs, e);
		if (r == -1 && rs->status >= 300 && rs->status < 400) {
			*e = ERROR_NONE;
			r = redirect(&a, rs, &plain, &redirects, e);
			if (r == 0)
				r = answer_status_fail(&a, rs, e);
		}
		attempt_end(&a);
	} while (r == 1);
	if (r == -1)
		fetch_response_free(rs);
	return r;
}

int
fetch_call(struct fetch *f, const struct fetch_request *rq, struct fetch_response *rs, struct error *e)
{
	struct fetch_response	 own = { 0 };
	struct origin		 o;
	autobuf			 url;
	bool			 absolute = strstr(rq->path, "://") != NULL && rq->path[0] != '/';
	int			 r;

	buf_init(&url, FETCH_URL_BYTES_MAX);
	if (!absolute) {
		buf_adds(&url, f->base);
		if (rq->path[0] != '/' && rq->path[0] != '?' && rq->path[0] != '\0')
			buf_addc(&url, '/');
	}
	buf_adds(&url, rq->path);
	for (const struct fetch_param *p = rq->query; p != NULL && p->name != NULL; p++)
		if (p->value != NULL)
			query_add(&url, p->name, p->value);
	if (rs != NULL)
		memset(rs, 0, sizeof(*rs));
	if (buf_check(&url, "URL", e) == -1)
		return -1;
	if (origin_of(url.data, &o) == -1 || !origin_same(&o, &f->origin))
		return error_set(e, ERR_INVALID_RESPONSE, "a link leads to another origin than the source's and is not followed");
	r = fetch_url_call(f, url.data, rq, NULL, rs != NULL ? rs : &own, e);
	fetch_response_free(&own);
	return r;
}

int
fetch_send(struct fetch *f, const char *method, const char *path, const cJSON *body, cJSON **out, struct error *e)
{
	struct fetch_request	 rq = { .method = method, .path = path, .body = body };
	struct fetch_response	 rs = { 0 };

	if (out != NULL)
		*out = NULL;
	if (fetch_call(f, &rq, &rs, e) == -1)
		return -1;
	if (out != NULL) {
		*out = rs.body;
		rs.body = NULL;
	}
	fetch_response_free(&rs);
	return 0;
}

int
fetch_get(struct fetch *f, const char *path, cJSON **out, struct error *e)
{
	return fetch_send(f, "GET", path, NULL, out, e);
}

/* One after another: within every bound that `parallel` may set. */
int
fetch_many(struct fetch *f, const struct fetch_request *rqs, size_t n,
    int (*done)(void *arg, size_t i, struct fetch_response *rs, struct error *e), void *arg, struct error *e)
{
	for (size_t i = 0; i < n; i++) {
		struct fetch_response	 rs = { 0 };
		int			 r = fetch_call(f, &rqs[i], &rs, e) == -1 ? -1 : done(arg, i, &rs, e);

		fetch_response_free(&rs);
		if (r == -1)
			return -1;
	}
	return 0;
}
