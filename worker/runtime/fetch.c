/*
 * fetch.c -- a client for one source, and the calls that connectors make.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "worker/runtime/fetch_priv.h"
#include "worker/runtime/runtime.h"

#define PLACEHOLDER	"::192.0.2.1:"	/* any host, any port: TEST-NET-1, port kept */

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
		[AUTH_OAUTH2_CC] = { .user = true, .secret = true, .url = true }, [AUTH_CUSTOM] = { 0 }, [AUTH_SIGNED] = { 0 },
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
	if (o->client_cert != NULL && o->client_cert[0] != '\0' &&
	    (f->ident = tls_ident_new(o->client_cert, o->client_key, o->client_key_password, e)) == NULL)
		return -1;
	f->base = trimmed(o->base_url);
	f->headers = lines_copy(o->headers);
	f->content_type = strdup(o->content_type == NULL ? "application/json" : o->content_type);
	f->accept = strdup(o->accept == NULL ? "application/json" : o->accept);
	f->placeholder = curl_slist_append(NULL, PLACEHOLDER);
	if (f->base == NULL || f->headers == NULL || f->content_type == NULL || f->accept == NULL ||
	    f->placeholder == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for a client");
	if (o->auth.secret != NULL)
		redact_add(o->auth.secret);
	f->attempts = o->attempts == 0 || o->attempts > FETCH_ATTEMPTS_MAX ? FETCH_ATTEMPTS_MAX : o->attempts;
	f->parallel = o->parallel == 0 ? FETCH_PARALLEL : o->parallel;
	if (f->parallel > FETCH_PARALLEL_MAX)
		f->parallel = FETCH_PARALLEL_MAX;
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
		level_free(&f->levels[i]);
	curl_slist_free_all(f->placeholder);
	for (char **h = f->headers; h != NULL && *h != NULL; h++)
		free(*h);
	free(f->headers);
	auth_forget(f);
	auth_wipe(&f->auth);
	tls_ident_free(f->ident);
	free(f->base);
	free(f->content_type);
	free(f->accept);
	free(f);
}

int
fetch_rebase(struct fetch *f, const char *base_url, struct error *e)
{
	struct origin	 o;
	char		*base;

	if (origin_of(base_url, &o) == -1)
		return error_set(e, ERR_INVALID_RESPONSE, "the base that sign-in gave must be http(s)://host[:port][/path]");
	if (f->origin.https && !o.https)
		return error_set(e, ERR_INVALID_RESPONSE, "sign-in leads from TLS to a base without it");
	if ((base = trimmed(base_url)) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for a URL");
	free(f->base);
	f->base = base;
	f->origin = o;
	return 0;
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

char *
fetch_cookie(const struct fetch_response *rs, const char *name)
{
	size_t	 n = strlen(name);

	for (const char *v = NULL; (v = header_next(rs, "Set-Cookie", v)) != NULL;)
		if (strncmp(v, name, n) == 0 && v[n] == '=')
			return strndup(v + n + 1, strcspn(v + n + 1, ";"));
	return NULL;
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

		emit_flush();		/* a sign of life too */
		nanosleep(&ts, NULL);
		fetch_alive(f);
	}
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
	if ((rq->flags & FETCH_ELSEWHERE) && (rq->flags & FETCH_NO_AUTH) && origin_of(url->data, &o) == 0)
		return 0;
	if (origin_of(url->data, &o) == -1 || !origin_same(&o, &f->origin))
		return error_set(e, ERR_INVALID_RESPONSE, "a link leads to another origin than the source's "
		    "and is not followed");
	return 0;
}

/* The one answer is the caller's. */
static int
answer_keep(void *arg, size_t i, struct fetch_response *rs, struct error *e)
{
	(void)i;
	(void)e;
	if (arg == NULL)
		return 0;
	*(struct fetch_response *)arg = *rs;
	*rs = (struct fetch_response){ 0 };
	return 0;
}

static int
call_one(struct fetch *f, const char *url, const struct fetch_request *rq, const char *form,
    struct fetch_response *rs, struct error *e)
{
	struct job	 job = { .state = JOB_FREE };
	struct run	 r = { .f = f, .rqs = rq, .n = 1, .parallel = 1, .url = url, .form = form, .done = answer_keep,
	    .arg = rs, .flags = rs == NULL ? FETCH_BODY_UNREAD : 0, .jobs = &job, .njobs = 1 };

	if (rs != NULL)
		*rs = (struct fetch_response){ 0 };
	return run_requests(&r, e);
}

int
fetch_form_call(struct fetch *f, const char *url, const struct fetch_request *rq, const char *form,
    struct fetch_response *rs, struct error *e)
{
	return call_one(f, url, rq, form, rs, e);
}

int
fetch_call(struct fetch *f, const struct fetch_request *rq, struct fetch_response *rs, struct error *e)
{
	return call_one(f, NULL, rq, NULL, rs, e);
}

int
fetch_many(struct fetch *f, const struct fetch_request *rqs, size_t n,
    int (*done)(void *arg, size_t i, struct fetch_response *rs, struct error *e), void *arg, struct error *e)
{
	size_t		 window = (size_t)f->parallel * FETCH_WINDOW;
	struct run	 r = { .f = f, .rqs = rqs, .n = n, .parallel = f->parallel, .done = done, .arg = arg };
	int		 rc;

	if (n == 0)
		return 0;
	r.njobs = n < window ? n : window;
	if ((r.jobs = calloc(r.njobs, sizeof(*r.jobs))) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for %zu requests", r.njobs);
	rc = run_requests(&r, e);
	free(r.jobs);
	return rc;
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
