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
header_next(const struct fetch_response *rs, const char *name, const char *after)
{
	const char	*p = after != NULL ? after + strlen(after) + 1 : rs->headers;
	size_t		 n = strlen(name);

	for (; p != NULL && *p != '\0'; p += strlen(p) + 1)
		if (strncasecmp(p, name, n) == 0 && p[n] == ':')
			return p + n + 1 + strspn(p + n + 1, " \t");
	return NULL;
}

const char *
fetch_header(const struct fetch_response *rs, const char *name)
{
	const char	*last = NULL;

	for (const char *v = NULL; (v = header_next(rs, name, v)) != NULL;)
		last = v;
	return last;
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
	if (header_add(list, USER_AGENT, "", e) == -1 || header_add(list, "Expect:", "", e) == -1 ||
	    header_add(list, "Accept: ", form != NULL ? "application/json" : f->accept, e) == -1)
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

/* GET and HEAD follow where they are sent, within the origin. */
static bool
redirects_on(const struct attempt *a, const struct fetch_response *rs)
{
	static const int	 statuses[] = { 301, 302, 303, 307, 308 };

	if (strcmp(a->method, "GET") != 0 && strcmp(a->method, "HEAD") != 0)
		return false;
	for (size_t i = 0; i < N_ITEMS(statuses); i++)
		if (a->status == statuses[i])
			return fetch_header(rs, "location") != NULL;
	return false;
}

/* What the source or the connector says about waiting. */
static void
wait_asked(struct attempt *a, const struct fetch_response *rs, struct retry_facts *r)
{
	struct fetch	*f = a->f;
	int64_t		 wait;

	r->status = a->status;
	if (a->status == 403 || a->status == 429 || a->status == 503)
		r->asked_ms = retry_asked_ms(rs, (int64_t)time(NULL));
	if (f->wait_ms != NULL && a->status >= 400 && (wait = f->wait_ms(f->wait_arg, rs, r->attempt)) >= 0) {
		r->asked_ms = wait;
		r->told = true;
	}
}

static bool
never_again(const struct attempt *a)
{
	return a->nrows > 0 || a->callers || a->code == CURLE_PEER_FAILED_VERIFICATION ||
	    a->err.code == ERR_NO_EGRESS || a->err.code == ERR_LIMIT || a->err.code == ERR_INVALID_RESPONSE;
}

/* 2: a redirect; 1: again; 0: done; -1: failed.  Rows that went on never come twice, so such an attempt is the last. */
static int
attempt_judge(struct attempt *a, unsigned int *attempt, bool *renewed, struct fetch_response *rs, struct error *e)
{
	struct fetch		*f = a->f;
	struct retry_facts	 r = { a->method, a->rq->flags, 0, a->sent, -1, false, *attempt, f->attempts };
	char			 shown[256];
	uint32_t		 chance = 0;
	int64_t			 wait;

	if (a->code == CURLE_OK && answer_take(a, rs, e) == -1)
		return -1;
	if (a->code == CURLE_OK && (a->status < 300 || redirects_on(a, rs)))
		return a->status < 300 ? 0 : 2;
	if (a->code == CURLE_OK)
		wait_asked(a, rs, &r);
	if (r.status == 401 && !r.told && !(r.flags & (FETCH_NO_AUTH | FETCH_ONCE)) && !*renewed && auth_renew(f)) {
		*renewed = true;
		return 1;
	}
	if (getrandom(&chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
		chance = 0;
	wait = never_again(a) ? RETRY_NO : retry_wait_ms(&r, chance);
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
		return error_set(e, ERR_UPSTREAM,
		    "%s %s: the source asks to wait %lld s, over the %d s that are waited",
		    a->method, url_shown(a->url, shown), (long long)(r.asked_ms / 1000), FETCH_WAIT_MS_MAX / 1000);
	if (a->rq->flags & FETCH_ANY_STATUS)
		return 0;
	return answer_status_fail(a, rs, e);
}

/* *url is replaced. */
static int
redirect(struct attempt *a, const struct fetch_response *rs, struct buf *url, unsigned int *n, struct error *e)
{
	autofree char	*full = url_resolve(url->data, fetch_header(rs, "location"));
	char		 shown[256];
	struct origin	 o;

	if (++*n > FETCH_REDIRECTS_MAX)
		return error_set(e, ERR_UPSTREAM, "%s %s: more than %d redirects", a->method, url_shown(a->url, shown),
		    FETCH_REDIRECTS_MAX);
	if (full == NULL || origin_of(full, &o) == -1 || !origin_same(&o, &a->origin))
		return error_set(e, ERR_UPSTREAM, "%s %s: status %d, a redirect to another origin is not followed",
		    a->method, url_shown(a->url, shown), a->status);
	buf_reset(url);
	buf_adds(url, full);
	return 1;
}

static void
warn_plain(struct fetch *f, const struct attempt *a)
{
	if (f->warned || f->auth.kind == AUTH_NONE || a->rq->flags & FETCH_NO_AUTH || a->origin.https ||
	    origin_loopback(&a->origin))
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
		if (r == 2)
			r = redirect(&a, rs, &plain, &redirects, e);
		f->cut = a.cut && !a.callers;
		attempt_end(&a);
	} while (r == 1);
	buf_wipe(&body);	/* a form may hold a secret */
	if (r == -1)
		fetch_response_free(rs);
	return r;
}

int
fetch_url_make(const struct fetch *f, const struct fetch_request *rq, struct buf *url, struct error *e)
{
	const char	*path = rq->path == NULL ? "" : rq->path;
	struct origin	 o;

	if (strncasecmp(path, "http://", 7) != 0 && strncasecmp(path, "https://", 8) != 0) {
		buf_adds(url, f->base);
		if (path[0] != '/' && path[0] != '?' && path[0] != '\0')
			buf_addc(url, '/');
	}
	buf_adds(url, path);
	for (const struct fetch_param *p = rq->query; p != NULL && p->name != NULL; p++)
		if (p->value != NULL)
			query_add(url, p->name, p->value);
	if (buf_check(url, "URL", e) == -1)
		return -1;
	if (origin_of(url->data, &o) == -1 || !origin_same(&o, &f->origin))
		return error_set(e, ERR_INVALID_RESPONSE, "a link leads to another origin than the source's "
		    "and is not followed");
	return 0;
}

int
fetch_call(struct fetch *f, const struct fetch_request *rq, struct fetch_response *rs, struct error *e)
{
	struct fetch_response	 own = { 0 };
	struct fetch_request	 mine = *rq;
	autobuf			 url;
	int			 r;

	if (rs == NULL)
		mine.flags |= FETCH_BODY_UNREAD;
	else
		memset(rs, 0, sizeof(*rs));
	f->cut = false;
	buf_init(&url, FETCH_URL_BYTES_MAX);
	if (fetch_url_make(f, rq, &url, e) == -1)
		return -1;
	r = fetch_url_call(f, url.data, &mine, NULL, rs != NULL ? rs : &own, e);
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
	if (fetch_call(f, &rq, out != NULL ? &rs : NULL, e) == -1)
		return -1;
	if (out != NULL)
		*out = json_steal(&rs.body);
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
