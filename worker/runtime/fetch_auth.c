/*
 * fetch_auth.c -- sign-in: Basic, bearer, API key, OAuth2 client credentials,
 * tokens of a connector's own making.
 *
 * A token lives for the invocation, is replaced a little before its end, and once on a 401.  One of OAuth2
 * is kept for the next invocation where the specification says so.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "worker/runtime/fetch_priv.h"
#include "worker/runtime/runtime.h"

#define TOKEN_S_MAX	(7 * 24 * 3600)	/* no invocation lives longer */

static int
text_copy(const char **to, const char *from)
{
	*to = NULL;
	return from == NULL || (*to = strdup(from)) != NULL ? 0 : -1;
}

int
auth_copy(struct auth *to, const struct auth *from, struct error *e)
{
	*to = *from;
	if (text_copy(&to->user, from->user) == -1 || text_copy(&to->secret, from->secret) == -1 ||
	    text_copy(&to->name, from->name) == -1 || text_copy(&to->prefix, from->prefix) == -1 ||
	    text_copy(&to->token_url, from->token_url) == -1 || text_copy(&to->scope, from->scope) == -1 ||
	    text_copy(&to->audience, from->audience) == -1)
		return error_set(e, ERR_SYSTEM, "no memory for the sign-in");
	return 0;
}

static void
text_wipe(const char *s)
{
	char	*p = (char *)(uintptr_t)s;

	if (p != NULL)
		explicit_bzero(p, strlen(p));
	free(p);
}

void
auth_wipe(struct auth *a)
{
	text_wipe(a->user);
	text_wipe(a->secret);
	text_wipe(a->name);
	text_wipe(a->prefix);
	text_wipe(a->token_url);
	text_wipe(a->scope);
	text_wipe(a->audience);
	memset(a, 0, sizeof(*a));
}

static int
basic_line(struct buf *line, const char *user, const char *secret, bool form)
{
	struct buf	 pair;
	char		*b64;

	buf_init(&pair, FETCH_HEADER_BYTES_MAX);
	if (form)
		form_add(&pair, user);
	else
		buf_adds(&pair, user);
	buf_addc(&pair, ':');
	if (form)
		form_add(&pair, secret);
	else
		buf_adds(&pair, secret);
	b64 = pair.failed ? NULL : malloc(pair.len / 3 * 4 + 8);
	if (b64 != NULL) {
		EVP_EncodeBlock((unsigned char *)b64, (const unsigned char *)pair.data, (int)pair.len);
		buf_addf(line, "Authorization: Basic %s", b64);
		text_wipe(b64);
	}
	buf_wipe(&pair);
	return b64 == NULL ? -1 : 0;
}

static int
line_put(struct curl_slist **list, struct buf *line, struct error *e)
{
	struct curl_slist	*more;

	if (line->failed || strpbrk(line->data == NULL ? "" : line->data, "\r\n") != NULL) {
		buf_wipe(line);
		return error_set(e, ERR_INVALID_CONFIGURATION, "a credential is too long or has a line break in it");
	}
	more = curl_slist_append(*list, line->data);
	buf_wipe(line);
	if (more == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for a header");
	*list = more;
	return 0;
}

static void
form_make(const struct auth *a, struct buf *form)
{
	/* "resource=..." is the same under Azure's older name. */
	bool		 is_resource = a->audience != NULL && strncmp(a->audience, "resource=", 9) == 0;
	const struct {
		const char	*name, *value;
	} fields[] = {
		{ "grant_type", "client_credentials" },
		{ "scope", a->scope },
		{ "audience", is_resource ? NULL : a->audience },
		{ "resource", is_resource ? a->audience + 9 : NULL },
		{ "client_id", a->secret_in_body ? a->user : NULL },
		{ "client_secret", a->secret_in_body ? a->secret : NULL },
	};

	for (size_t i = 0; i < N_ITEMS(fields); i++) {
		if (fields[i].value == NULL || fields[i].value[0] == '\0')
			continue;
		buf_adds(form, form->len > 0 ? "&" : "");
		form_add(form, fields[i].name);
		buf_addc(form, '=');
		form_add(form, fields[i].value);
	}
}

/* What the token endpoint answered: a token, or why not. */
static int
token_read(const struct auth *a, const struct fetch_response *rs, char **token, int64_t *life_s, struct error *e)
{
	const char	*value = json_str(rs->body, "access_token", NULL);
	const char	*why = json_str(rs->body, "error_description", "");
	char		 shown[256], said[FETCH_TEXT_BYTES_MAX + 1];

	text_printable(said, sizeof(said), why, strlen(why));
	url_shown(a->token_url, shown);
	if (rs->status == 400 || rs->status == 401 || rs->status == 403)
		return error_set(e, ERR_INSUFFICIENT_PERMISSION, "sign-in at %s refused: %.60s %s", shown,
		    json_str(rs->body, "error", "no reason given"), said);
	if (rs->status >= 300)
		return error_set(e, ERR_UPSTREAM, "sign-in at %s: status %d %.60s %s", shown, rs->status,
		    json_str(rs->body, "error", ""), said);
	if (value == NULL || value[0] == '\0')
		return error_set(e, ERR_INVALID_RESPONSE, "sign-in at %s: no access_token in the answer", shown);
	if (strcasecmp(json_str(rs->body, "token_type", "bearer"), "bearer") != 0)
		return error_set(e, ERR_INVALID_RESPONSE, "sign-in at %s: the token is no bearer token", shown);
	*life_s = json_i64(rs->body, "expires_in", FETCH_TOKEN_S);
	*token = strdup(value);
	return *token == NULL ? error_set(e, ERR_SYSTEM, "no memory for a token") : 0;
}

/* The token endpoint may be anywhere that the spec's egress allows. */
static int
oauth_token(struct fetch *f, char **token, int64_t *life_s, struct error *e)
{
	const struct auth	*a = &f->auth;
	const char		*headers[2] = { NULL, NULL };
	struct fetch_request	 rq = { .method = "POST", .headers = headers,
	    .flags = FETCH_NO_AUTH | FETCH_REPEATABLE | FETCH_ANY_STATUS };
	struct fetch_response	 rs = { 0 };
	struct buf		 form, line;
	int			 r;

	buf_init(&form, FETCH_HEADER_BYTES_MAX);
	buf_init(&line, FETCH_HEADER_BYTES_MAX);
	form_make(a, &form);
	if (form.failed || (!a->secret_in_body && (basic_line(&line, a->user, a->secret, true) == -1 || line.failed)))
		r = error_set(e, ERR_INVALID_CONFIGURATION, "sign-in: client id or secret is too long");
	else {
		headers[0] = a->secret_in_body ? NULL : line.data;
		if ((r = fetch_form_call(f, a->token_url, &rq, form.data, &rs, e)) == -1)
			error_in(e, "sign-in");
		else
			r = token_read(a, &rs, token, life_s, e);
	}
	buf_wipe(&form);
	buf_wipe(&line);
	json_wipe(json_steal(&rs.body));
	fetch_response_free(&rs);
	return r;
}

static void
token_drop(struct token *t)
{
	text_wipe(t->value);
	t->value = NULL;
	t->serial++;
}

static int
token_make(struct fetch *f, char **value, int64_t *life_s, struct error *e)
{
	int	 r;

	if (f->auth.kind != AUTH_CUSTOM)
		return oauth_token(f, value, life_s, e);
	/* A call for the token that itself waits for the token would never end. */
	if (f->signing)
		return error_set(e, ERR_GENERIC, "the connector's token() made a call without FETCH_NO_AUTH");
	f->signing = true;
	r = f->auth.token(f->auth.arg, f, value, life_s, e);
	f->signing = false;
	if (r == 0 && *value == NULL)
		r = error_set(e, ERR_GENERIC, "the connector's token() gave none");
	return r;
}

/* Which of a configuration's tokens: a connector may sign in at several places. */
static bool
token_name(const struct auth *a, char name[CACHE_NAME_BYTES_MAX + 1])
{
	const char	*parts[] = { a->token_url, a->user, a->scope, a->audience };
	unsigned char	 sha256[EVP_MAX_MD_SIZE];
	struct buf	 b;
	bool		 ok;

	buf_init(&b, FETCH_HEADER_BYTES_MAX);
	for (size_t i = 0; i < N_ITEMS(parts); i++)
		buf_addf(&b, "%s\n", parts[i] == NULL ? "" : parts[i]);
	ok = !b.failed && EVP_Digest(b.data, b.len, sha256, NULL, EVP_sha256(), NULL) == 1;
	buf_wipe(&b);
	snprintf(name, CACHE_NAME_BYTES_MAX + 1, "oauth:");
	for (size_t i = 0; ok && i < 8; i++)
		snprintf(name + strlen("oauth:") + 2 * i, 3, "%02x", sha256[i]);
	return ok;
}

/* One that was kept; once refused, it is not asked for again. */
static bool
token_recall(struct fetch *f)
{
	char		 name[CACHE_NAME_BYTES_MAX + 1];
	const char	*kept;
	int64_t		 left_ms;

	if (f->auth.kind != AUTH_OAUTH2_CC || f->token.serial > 0 || !cache_keeps(KEPT_TOKEN) || !token_name(&f->auth, name) ||
	    (kept = cache_get(f->c, name, &left_ms)) == NULL || left_ms <= 0 || (f->token.value = strdup(kept)) == NULL)
		return false;
	f->token.until_ms = now_ms() + left_ms;
	return true;
}

static int
token_keep(struct fetch *f, struct error *e)
{
	char	name[CACHE_NAME_BYTES_MAX + 1];

	if (f->auth.kind != AUTH_OAUTH2_CC || !cache_keeps(KEPT_TOKEN) || !token_name(&f->auth, name) ||
	    cache_put(f->c, name, f->token.value, f->token.until_ms - now_ms()) == 0)
		return 0;
	if (e != f->c->err)
		*e = *f->c->err;
	return -1;
}

static int
token_have(struct fetch *f, struct error *e)
{
	char	*value = NULL;
	int64_t	 life_s = 0, life_ms, early_ms;

	if (f->token.value != NULL && now_ms() < f->token.until_ms)
		return 0;
	if (token_recall(f))
		return 0;
	token_drop(&f->token);
	if (token_make(f, &value, &life_s, e) == -1) {
		text_wipe(value);
		return -1;
	}
	redact_add(value);
	if (life_s <= 0 || life_s > TOKEN_S_MAX)
		life_s = life_s <= 0 ? FETCH_TOKEN_S : TOKEN_S_MAX;
	life_ms = life_s * 1000;
	f->token.value = value;
	/* Of a short life a quarter is kept in hand. */
	early_ms = life_ms > 2 * FETCH_TOKEN_EARLY_MS ? FETCH_TOKEN_EARLY_MS : life_ms / 4;
	f->token.until_ms = now_ms() + life_ms - early_ms;
	return token_keep(f, e);
}

/* Of many requests that are refused at once only the first throws the token away. */
bool
auth_renew(struct fetch *f, uint64_t serial)
{
	if (f->auth.kind != AUTH_OAUTH2_CC && f->auth.kind != AUTH_CUSTOM)
		return false;
	if (serial == f->token.serial)
		token_drop(&f->token);
	return true;
}

void
auth_forget(struct fetch *f)
{
	token_drop(&f->token);
}

int
fetch_sign_in(struct fetch *f, struct error *e)
{
	return f->auth.kind == AUTH_OAUTH2_CC || f->auth.kind == AUTH_CUSTOM ? token_have(f, e) : 0;
}

/* A key or token in its place: a parameter, or line. */
static int
value_put(const struct auth *a, const char *value, const char *name, const char *prefix, struct buf *line, struct buf *url,
    struct error *e)
{
	prefix = a->prefix == NULL ? prefix : a->prefix;
	if (!a->in_query) {
		buf_addf(line, a->in_cookie ? "Cookie: %s=%s%s" : "%s: %s%s", name, prefix, value);
		return 0;
	}
	query_add(url, name, value);
	return buf_check(url, "URL", e);
}

/* Lines that a signer made, one by one. */
static int
lines_put(struct curl_slist **headers, char *lines, struct error *e)
{
	struct curl_slist	*more;
	char			*next;

	for (char *p = lines; p != NULL && *p != '\0'; p = next) {
		next = p + strcspn(p, "\n");
		if (*next == '\n')
			*next++ = '\0';
		if (strchr(p, '\r') != NULL || (more = curl_slist_append(*headers, p)) == NULL)
			return error_set(e, ERR_SYSTEM, "no memory for a header");
		*headers = more;
	}
	return 0;
}

int
auth_sign(struct attempt *a, struct error *e)
{
	const struct auth	*auth = &a->f->auth;
	const char		*headers[64];
	struct fetch_outgoing	 out = { .method = a->method, .url = a->url, .headers = headers, .body = a->body,
	    .body_bytes = a->body_bytes };
	struct buf		 lines;
	size_t			 n = 0;
	int			 r;

	if (auth->kind != AUTH_SIGNED)
		return 0;
	for (const struct curl_slist *h = a->headers; h != NULL; h = h->next) {
		if (n == N_ITEMS(headers) - 1)
			return error_set(e, ERR_LIMIT, "too many headers to sign");
		headers[n++] = h->data;
	}
	headers[n] = NULL;
	buf_init(&lines, FETCH_HEADER_BYTES_MAX);
	if ((r = auth->sign(auth->arg, &out, &lines, e)) == 0 && (r = buf_check(&lines, "signature", e)) == 0)
		r = lines_put(&a->headers, lines.data, e);
	buf_wipe(&lines);
	return r;
}

int
auth_apply(struct fetch *f, struct curl_slist **headers, struct buf *url, struct error *e)
{
	const struct auth	*a = &f->auth;
	struct buf		 line;
	int			 r = 0;

	buf_init(&line, FETCH_HEADER_BYTES_MAX);
	switch (a->kind) {
	case AUTH_NONE:
	case AUTH_SIGNED:
		return 0;
	case AUTH_BASIC:
		if (basic_line(&line, a->user, a->secret, false) == -1)
			return error_set(e, ERR_SYSTEM, "no memory for the sign-in");
		break;
	case AUTH_BEARER:
		buf_addf(&line, "Authorization: Bearer %s", a->secret);
		break;
	case AUTH_API_KEY:
		r = value_put(a, a->secret, a->name, "", &line, url, e);
		break;
	case AUTH_OAUTH2_CC:
	case AUTH_CUSTOM:
		if (token_have(f, e) == -1)
			return -1;
		r = value_put(a, f->token.value, a->name == NULL ? "Authorization" : a->name, a->name == NULL ? "Bearer " : "",
		    &line, url, e);
		break;
	}
	/* A parameter left no line. */
	return r == -1 || (line.len == 0 && !line.failed) ? r : line_put(headers, &line, e);
}
