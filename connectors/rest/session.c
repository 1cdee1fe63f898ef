/*
 * session.c -- signing in as the description and the configuration say; what comes with it; what is kept of it for the next
 * invocation; signing out.
 *
 * Sign-in is done by fetch's leave: it asks for a token when one is wanted, before it ends and when it was refused.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connectors/rest/rest.h"

#define KEPT_NAME	"rest:session"
#define TOKEN_CHARS_MIN	8		/* a shorter text that a login kept is no token */
#define KEPT_EARLY_S	30		/* before its end a token is no longer kept */

static int
hold(struct rest *r, char *s, const char **out)
{
	if (r->nheld == HELD_MAX) {
		free(s);
		return fail_generic(r->c, "no room for a text of the sign-in");
	}
	*out = r->held[r->nheld++] = s;
	return 0;
}

/* A text of the sign-in, as the configuration makes it; NULL where there is none. */
static int
auth_text(struct rest *r, const struct text *t, const char *what, const char **out)
{
	bool	 secret = false;
	char	*s;

	*out = NULL;
	if (t == NULL)
		return 0;
	if ((s = text_string(t, &r->sc, ESCAPE_HEADER, &secret, r->c->err)) == NULL) {
		error_in(r->c->err, "/http/auth/%s", what);
		r->c->err->code = ERR_INVALID_CONFIGURATION;
		return -1;
	}
	if (secret)
		redact_add(s);
	return hold(r, s, out);
}

/* The first whose "when" is true. */
static int
choose(struct rest *r)
{
	for (size_t i = 0; i < r->d->nauth; i++) {
		const struct sign_in	*a = &r->d->auth[i];
		int			 holds = a->when == NULL ? 1 : text_holds(r, a->when, r->c->err);

		if (holds == -1)
			return error_in(r->c->err, "/http/auth/%zu/when", i);
		if (holds == 1) {
			r->auth = a;
			return 0;
		}
	}
	return fail_invalid_configuration(r->c, "/http/auth: no way to sign in is for this configuration");
}

static bool
keeps_sessions(const struct rest *r)
{
	const cJSON	*v;
	bool		 named = false;

	cJSON_ArrayForEach(v, json_get(r->c->spec, "cache"))
		named = named || (cJSON_IsString(v) && strcmp(v->valuestring, "token") == 0);
	return named && r->auth->logout.n == 0;
}

/* {"t": token, "s": session, "k": secrets}, as visible ASCII. */
static char *
kept_make(const struct rest *r, const char *token)
{
	autojson	*all = cJSON_CreateObject();
	char		*text, *out;

	if (json_set_str(all, "t", token) == -1 || json_set(all, "s", json_dup(r->session)) == -1 ||
	    json_set(all, "k", json_dup(r->token)) == -1 || (text = json_text(all)) == NULL)
		return NULL;
	out = fetch_base64url(text, strlen(text));
	explicit_bzero(text, strlen(text));
	free(text);
	json_wipe(json_steal(&all));
	return out;
}

/* What fetch_base64url() made, as JSON; NULL: it is not ours. */
static cJSON *
kept_read(const char *value)
{
	size_t		 n = strlen(value), pad = (4 - n % 4) % 4;
	unsigned char	*coded = malloc(n + pad + 1), *plain = malloc(n + pad + 1);
	struct error	 e = ERROR_NONE;
	cJSON		*all = NULL;
	int		 len;

	if (coded != NULL && plain != NULL) {
		for (size_t i = 0; i < n; i++)
			coded[i] = (unsigned char)(value[i] == '-' ? '+' : value[i] == '_' ? '/' : value[i]);
		memset(coded + n, '=', pad);
		if ((len = EVP_DecodeBlock(plain, coded, (int)(n + pad))) > (int)pad)
			all = json_parse((char *)plain, (size_t)len - pad, NULL, &e);
		explicit_bzero(plain, n + pad);
		explicit_bzero(coded, n + pad);
	}
	free(coded);
	free(plain);
	return all;
}

/* Takes an object's place as a root. */
static void
root_take(struct rest *r, enum root root, cJSON **at, cJSON *v)
{
	if (v == NULL)
		return;
	json_wipe(*at);
	r->sc.roots[root] = *at = v;
}

/* Of an invocation before, where there is one: *token stays NULL otherwise. */
static void
session_recall(struct rest *r, char **token, int64_t *life_s)
{
	int64_t		 left_ms = 0;
	const char	*kept = keeps_sessions(r) ? cache_get(r->c, KEPT_NAME, &left_ms) : NULL;
	cJSON		*all = kept == NULL || left_ms < 1000 ? NULL : kept_read(kept);
	const cJSON	*m;

	if (json_str(all, "t", NULL) != NULL && (*token = strdup(json_str(all, "t", ""))) != NULL) {
		root_take(r, ROOT_SESSION, &r->session, json_dup(json_get(all, "s")));
		root_take(r, ROOT_TOKEN, &r->token, json_dup(json_get(all, "k")));
		cJSON_ArrayForEach(m, r->token)
			if (cJSON_IsString(m))
				redact_add(m->valuestring);
		*life_s = left_ms / 1000 + KEPT_EARLY_S;
	}
	json_wipe(all);
}

static int
session_keep(struct rest *r, const char *token, int64_t life_s, struct error *e)
{
	char	*kept;
	int	 got;

	if (!keeps_sessions(r) || life_s <= KEPT_EARLY_S)
		return 0;
	if ((kept = kept_make(r, token)) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for a session");
	got = cache_put(r->c, KEPT_NAME, kept, (life_s - KEPT_EARLY_S) * 1000);
	explicit_bzero(kept, strlen(kept));
	free(kept);
	if (got == -1 && e != r->c->err)
		*e = *r->c->err;
	return got;
}

/* Where it leads is no secret, and no secret may be taken for where it leads: it would be in every URL. */
static int
session_check(const struct rest *r, const char *token, struct error *e)
{
	const cJSON	*m, *k;

	cJSON_ArrayForEach(m, r->session) {
		bool	 bad = !cJSON_IsString(m) || strstr(m->valuestring, token) != NULL;

		cJSON_ArrayForEach(k, r->token)
			bad = bad || (cJSON_IsString(k) && strlen(k->valuestring) >= TOKEN_CHARS_MIN &&
			    strstr(m->valuestring, k->valuestring) != NULL);
		if (bad)
			return error_set(e, ERR_INVALID_RESPONSE, "/http/auth/keep/%s: a token is no place that sign-in leads to", m->string);
	}
	return 0;
}

/* The base is what the first sign-in says: rows of two instances must not be mixed. */
static int
base_check(struct rest *r, struct error *e)
{
	autofree char	*base = NULL;
	bool		 marked = false;

	if (r->base == NULL)
		return 0;
	scope_begin(&r->sc);
	if ((base = text_string(r->d->base, &r->sc, ESCAPE_HEADER, &marked, e)) == NULL)
		return error_in(e, "/http/base");
	return strcmp(base, r->base) == 0 ? 0 :
	    error_set(e, ERR_INVALID_RESPONSE, "sign-in leads to another base than it did before: %s", base);
}

/* AUTH_CUSTOM's: within a request of a step, which is under way again when this is done. */
static int
token_give(void *arg, struct fetch *f, char **token, int64_t *life_s, struct error *e)
{
	struct rest		*r = arg;
	const struct step	*outer = r->now;
	struct error		 held = *r->c->err;
	int			 got = 0;

	r->f = f;
	r->now = NULL;
	*token = NULL;
	if (!r->asked)
		session_recall(r, token, life_s);
	r->asked = true;
	if (*token == NULL) {
		got = token_ask(r, token, life_s, e);
		r->entered = r->entered || got == 0;
		if (got == 0)
			got = session_keep(r, *token, *life_s, e);
	}
	if (got == 0 && (got = session_check(r, *token, e)) == 0)
		got = base_check(r, e);
	r->now = outer;
	if (e != r->c->err)
		*r->c->err = held;
	return got;
}

static int
request_sign(void *arg, const struct fetch_outgoing *out, struct buf *lines, struct error *e)
{
	struct rest	*r = arg;
	time_t		 now = time(NULL);
	struct tm	 tm;
	char		 date[SIGV4_DATE_BYTES];

	if (gmtime_r(&now, &tm) == NULL || strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm) == 0)
		return error_set(e, ERR_SYSTEM, "no time to sign with");
	return sigv4_sign(&r->aws, date, out, lines, e);
}

static int
aws_ready(struct rest *r, struct auth *out)
{
	const struct sign_in	*a = r->auth;
	struct sigv4		*s = &r->aws;

	if (auth_text(r, a->user, "user", &s->access_key) == -1 || auth_text(r, a->secret, "secret", &s->secret_key) == -1 ||
	    auth_text(r, a->region, "region", &s->region) == -1 || auth_text(r, a->service, "service", &s->service) == -1)
		return -1;
	if (a->session_token != NULL) {
		autovalue	 v = { 0 };

		/* Only temporary credentials have one. */
		if (text_value(a->session_token, &r->sc, &v, r->c->err) == -1)
			return error_in(r->c->err, "/http/auth/sessionToken");
		if (v.v != NULL && auth_text(r, a->session_token, "sessionToken", &s->session_token) == -1)
			return -1;
	}
	out->kind = AUTH_SIGNED;
	out->sign = request_sign;
	return 0;
}

int
sign_in_ready(struct rest *r, struct auth *out)
{
	static const enum auth_kind	 plain[] = { [SIGN_NONE] = AUTH_NONE, [SIGN_BASIC] = AUTH_BASIC,
	    [SIGN_BEARER] = AUTH_BEARER, [SIGN_KEY] = AUTH_API_KEY, [SIGN_OAUTH2] = AUTH_CUSTOM, [SIGN_JWT] = AUTH_CUSTOM,
	    [SIGN_LOGIN] = AUTH_CUSTOM, [SIGN_AWS] = AUTH_SIGNED };
	const struct sign_in		*a;

	if (choose(r) == -1)
		return -1;
	a = r->auth;
	*out = (struct auth){ .kind = plain[a->kind], .name = a->name, .in_query = a->in_query, .in_cookie = a->in_cookie, .arg = r };
	if (a->kind == SIGN_AWS)
		return aws_ready(r, out);
	out->token = token_give;
	if (auth_text(r, a->prefix, "prefix", &out->prefix) == -1 || auth_text(r, a->token_url, "tokenUrl", &r->token_url) == -1 ||
	    auth_text(r, a->base, "base", &r->login_base) == -1)
		return -1;
	/* Those of a token are looked at when it is asked for. */
	if (out->kind == AUTH_CUSTOM)
		return 0;
	return auth_text(r, a->user, "user", &out->user) == -1 || auth_text(r, a->secret, "secret", &out->secret) == -1 ? -1 : 0;
}

int
sign_in_begin(struct rest *r)
{
	bool	 leads = text_uses(r->d->base, ROOT_SESSION), marked = false;

	if (!leads && r->auth->nkeeps == 0)
		return 0;
	if (fetch_sign_in(r->f, r->c->err) == -1)
		return -1;
	if (!leads)
		return 0;
	scope_begin(&r->sc);
	if ((r->base = text_string(r->d->base, &r->sc, ESCAPE_HEADER, &marked, r->c->err)) == NULL)
		return error_in(r->c->err, "/http/base");
	return fetch_rebase(r->f, r->base, r->c->err);
}

void
sign_out(struct rest *r)
{
	struct error	 held;

	if (!r->entered || r->auth->logout.n == 0 || r->f == NULL)
		return;
	held = *r->c->err;
	*r->c->err = ERROR_NONE;
	r->entered = false;
	if (op_run(r, &r->auth->logout, NULL) == -1)
		log_warn(r->c, "signing out failed: %s", r->c->err->msg);
	*r->c->err = held;
}

void
session_free(struct rest *r)
{
	for (size_t i = 0; i < r->nheld; i++) {
		explicit_bzero(r->held[i], strlen(r->held[i]));
		free(r->held[i]);
	}
	free(r->base);
	cJSON_Delete(r->session);
	json_wipe(r->token);
}
