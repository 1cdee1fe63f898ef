/*
 * client.c -- requests to GitHub: sign-in, headers, rate limits, and what a
 * 404 means.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "connectors/github/github.h"

#define GH_HEADER_BYTES_MAX	200	/* of a header quoted in an error text */

#define LIMIT_HEADERS	3
#define LIMIT_HEADER_BYTES_MAX	64

/* The facts and the texts that they point to. */
struct limit_answer {
	struct limit_facts	 facts;
	char			 text[LIMIT_HEADERS][LIMIT_HEADER_BYTES_MAX];
};

static void
limit_read(const struct fetch_response *rs, struct limit_answer *la)
{
	static const char *const	 names[LIMIT_HEADERS] = { "Retry-After", "X-RateLimit-Remaining",
	    "X-RateLimit-Reset" };
	const char			*v[LIMIT_HEADERS] = { NULL };

	for (size_t i = 0; i < LIMIT_HEADERS; i++) {
		const char	*h = fetch_header(rs, names[i]);

		if (h != NULL && strlen(h) < sizeof(la->text[i])) {
			memcpy(la->text[i], h, strlen(h) + 1);
			v[i] = la->text[i];
		}
	}
	la->facts = (struct limit_facts){ rs->status, v[0], v[1], v[2], json_str(rs->body, "message", NULL) };
}

static int64_t
wait_ms(void *arg, const struct fetch_response *rs, unsigned int attempt)
{
	struct github		*g = arg;
	struct limit_answer	 la;
	enum limit_kind		 kind;
	int64_t			 ms, now_s = (int64_t)time(NULL);

	limit_read(rs, &la);
	if ((kind = limit_judge(&la.facts, now_s, attempt, &ms)) == LIMIT_NONE)
		return -1;
	if (ms <= limit_budget_ms(command_info(g->c->cmd)->deadline_ms, now_ms() - g->started_ms))
		return ms;
	limit_text(kind, now_s, ms, g->held_back, sizeof(g->held_back));
	/* More than fetch waits: it gives up at once. */
	return (int64_t)FETCH_WAIT_MS_MAX + 1;
}

static void
append(struct error *e, const char *fmt, const char *value)
{
	size_t	 n = strlen(e->msg);

	(void)snprintf(e->msg + n, sizeof(e->msg) - n, fmt, value);
}

static void
explain(void *arg, const struct fetch_response *rs, struct error *e)
{
	struct limit_answer	 la;
	enum limit_kind		 kind;
	int64_t			 ms, now_s = (int64_t)time(NULL);
	const char		*h;
	char			 text[300];

	(void)arg;
	limit_read(rs, &la);
	/* A wait that was short enough, but did not help: the attempts are used up. */
	if ((kind = limit_judge(&la.facts, now_s, 1, &ms)) != LIMIT_NONE) {
		limit_text(kind, now_s, ms, text, sizeof(text));
		error_set(e, ERR_UPSTREAM, "%s", text);
		return;
	}
	if (rs->status != 403 && rs->status != 404)
		return;
	if ((h = fetch_header(rs, "X-GitHub-SSO")) != NULL && strncmp(h, "required", 8) == 0)
		append(e, "%s", " (authorise the token for the organisation's SAML single sign-on)");
	if ((h = fetch_header(rs, "X-Accepted-GitHub-Permissions")) != NULL && h[0] != '\0')
		append(e, " (this request needs the permission %.100s)", h);
	else if ((h = fetch_header(rs, "X-Accepted-OAuth-Scopes")) != NULL && h[0] != '\0')
		append(e, " (this request needs one of the scopes %.100s)", h);
}

int
gh_open(struct github *g, struct call *c)
{
	static char		 version[64];	/* the User-Agent that GitHub demands is fetch's own */
	static const char *const headers[] = { version, NULL };
	struct fetch_options	 o;

	*g = (struct github){ .c = c, .started_ms = now_ms() };
	g->teams = (struct catalogue){ .what = "teams", .max = GH_TEAMS_MAX };
	g->roles = (struct catalogue){ .what = "organisation roles", .max = GH_ROLES_MAX };
	if (settings_read(c->config, &g->s, c->err) == -1)
		return -1;
	(void)snprintf(version, sizeof(version), "X-GitHub-Api-Version: %s", g->s.api_version);
	o = (struct fetch_options){
		.base_url = g->s.base_url,
		.headers = headers,
		.accept = "application/vnd.github+json",
		.parallel = GH_PARALLEL,
		.wait_ms = wait_ms,
		.wait_arg = g,
		.explain = explain,
		.explain_arg = g,
	};
	if (g->s.auth == GH_AUTH_APP)
		o.auth = (struct auth){ .kind = AUTH_CUSTOM, .token = app_token, .arg = g };
	else
		o.auth = (struct auth){ .kind = AUTH_BEARER, .secret = g->s.token };
	return (g->f = fetch_new(c, &o)) != NULL ? 0 : -1;
}

void
gh_close(struct github *g)
{
	if (g->f != NULL)
		fetch_free(g->f);
	memo_free(&g->memo);
	catalogue_free(&g->teams);
	catalogue_free(&g->roles);
	*g = (struct github){ 0 };
}

char *
gh_path(const char *first, ...)
{
	va_list	 ap;
	autobuf	 b;
	bool	 complete = true;

	buf_init(&b, 8 * KIB);
	va_start(ap, first);
	for (const char *s = first; s != NULL; s = va_arg(ap, const char *)) {
		autofree char	*escaped = fetch_escape(s);

		complete = complete && escaped != NULL;
		buf_addc(&b, '/');
		buf_adds(&b, escaped != NULL ? escaped : "");
	}
	va_end(ap);
	return complete && !b.failed ? buf_steal(&b) : NULL;
}

static int
no_path(struct github *g)
{
	return error_set(g->c->err, ERR_MEMORY, "no memory left for a request, or a name in it is too long");
}

bool
gh_was_absent(struct github *g)
{
	if (g->c->err->code != ERR_NOT_FOUND)
		return false;
	*g->c->err = ERROR_NONE;
	return true;
}

int
gh_failed(struct github *g)
{
	if (g->held_back[0] != '\0')
		error_set(g->c->err, ERR_UPSTREAM, "%s", g->held_back);
	return -1;
}

/* The platform answers notFound by creating an account: only the account itself may be "not found". */
static int
absent_is_failure(struct github *g)
{
	gh_failed(g);
	if (g->c->err->code == ERR_NOT_FOUND) {
		g->c->err->code = ERR_UPSTREAM;
		append(g->c->err, "%s", " (GitHub also answers 404 where the credentials lack a permission)");
	}
	return -1;
}

static int
get_once(struct github *g, const char *path, cJSON **out)
{
	const struct memo_entry	*known;
	char			 condition[GH_HEADER_BYTES_MAX];
	const char		*headers[] = { condition, NULL };
	struct fetch_request	 rq = { .path = path };
	autoresponse		 rs = { 0 };

	if (path == NULL)
		return no_path(g);
	known = memo_find(&g->memo, path);
	if (known != NULL && strlen(known->etag) < sizeof(condition) - sizeof("If-None-Match: ")) {
		(void)snprintf(condition, sizeof(condition), "If-None-Match: %s", known->etag);
		rq.headers = headers;
		rq.flags = FETCH_ANY_STATUS;
	}
	if (fetch_call(g->f, &rq, &rs, g->c->err) == -1)
		return gh_failed(g);
	if (rs.status == 304 && known != NULL) {
		if (out != NULL && (*out = json_dup(known->body)) == NULL)
			return no_path(g);
		return 0;
	}
	/* Asked once more without the condition, for fetch to say what is wrong. */
	if (rs.status >= 300) {
		fetch_response_free(&rs);
		rq = (struct fetch_request){ .path = path };
		if (fetch_call(g->f, &rq, &rs, g->c->err) == -1)
			return gh_failed(g);
	}
	if (g->c->cmd == CMD_ACCOUNT_UPDATE)
		memo_keep(&g->memo, path, fetch_header(&rs, "ETag"), rs.body);
	if (out != NULL) {
		*out = rs.body;
		rs.body = NULL;
	}
	return 0;
}

int
gh_get(struct github *g, const char *path, cJSON **out)
{
	return get_once(g, path, out) == -1 ? absent_is_failure(g) : 0;
}

int
gh_find(struct github *g, const char *path, cJSON **out, bool *found)
{
	*found = get_once(g, path, out) == 0;
	return *found || gh_was_absent(g) ? 0 : -1;
}

int
gh_send(struct github *g, const char *method, const char *path, const cJSON *body, cJSON **out)
{
	if (path == NULL)
		return no_path(g);
	return fetch_send(g->f, method, path, body, out, g->c->err) == -1 ? absent_is_failure(g) : 0;
}

int
gh_try(struct github *g, const char *method, const char *path, bool *found)
{
	if (path == NULL)
		return no_path(g);
	*found = fetch_send(g->f, method, path, NULL, NULL, g->c->err) == 0;
	return *found || gh_was_absent(g) ? 0 : gh_failed(g);
}

int
gh_pages(struct github *g, const char *path, const char *name, const char *value, const char *rows,
    int (*on_row)(void *arg, cJSON *row, struct error *e), void *arg)
{
	const struct fetch_param	 query[] = { { name != NULL ? name : "page", value }, { NULL, NULL } };
	const struct fetch_request	 first = { .path = path, .query = query };
	const struct page_plan		 plan = {
		.kind = PAGE_LINK,
		.rows = rows,
		.size_param = "per_page",
		.size = GH_PAGE_ROWS,
	};

	if (path == NULL)
		return no_path(g);
	if (fetch_pages(g->f, &first, &plan, on_row, arg, NULL, g->c->err) == -1)
		return absent_is_failure(g);
	return 0;
}

int
gh_many(struct github *g, const struct fetch_request *rqs, size_t n,
    int (*done)(void *arg, size_t i, struct fetch_response *rs, struct error *e), void *arg)
{
	return fetch_many(g->f, rqs, n, done, arg, g->c->err) == -1 ? absent_is_failure(g) : 0;
}
