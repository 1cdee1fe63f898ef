/*
 * token.c -- a token: made and signed here, got from a token endpoint, or by a login of some requests.
 */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connectors/rest/instant.h"
#include "connectors/rest/rest.h"

#define WORDS_BYTES_MAX		200	/* of the source's own, in a message */
#define EPOCH_S_MIN		1000000000	/* a larger number is a time, not a span */
#define JWT_BEARER		"urn:ietf:params:oauth:grant-type:jwt-bearer"
#define ASSERTION_TYPE		"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

static int
no_memory(struct error *e)
{
	return error_set(e, ERR_SYSTEM, "no memory");
}

static void
wipe(char *s)
{
	if (s != NULL)
		explicit_bzero(s, strlen(s));
	free(s);
}

/* Seconds, a time in seconds since 1970, a date: how long it is until then; 0: it does not say. */
static int64_t
life_of(const cJSON *v)
{
	char		 scratch[64];
	const char	*s = json_scalar_text(v, scratch, sizeof(scratch));
	int64_t		 ms, now = (int64_t)time(NULL) * 1000;

	if (s == NULL)
		return 0;
	if (instant_read("epoch", s, &ms))
		return (ms / 1000 >= EPOCH_S_MIN ? ms - now : ms) / 1000;
	return instant_read("iso", s, &ms) || instant_read("http", s, &ms) ? (ms - now) / 1000 : 0;
}

int
keeps_take(const struct keep *keeps, size_t n, const struct fetch_response *rs, cJSON *into, struct error *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct keep	*k = &keeps[i];
		autofree char		*cookie = k->cookie == NULL ? NULL : fetch_cookie(rs, k->cookie);
		const char		*text = k->header == NULL ? cookie : fetch_header(rs, k->header);
		const cJSON		*found = k->pointer == NULL ? NULL : json_at(rs->body, k->pointer);

		/* What an earlier answer said of it is not what this one says. */
		if (text == NULL && found == NULL) {
			cJSON_DeleteItemFromObjectCaseSensitive(into, k->name);
			continue;
		}
		if (json_set(into, k->name, text != NULL ? cJSON_CreateString(text) : json_dup(found)) == -1)
			return no_memory(e);
	}
	return 0;
}

/* Text of a sign-in, evaluated when it is wanted; the caller's to wipe. */
static char *
text_now(struct rest *r, const struct text *t, struct error *e)
{
	bool	 secret = false;
	char	*s;

	scope_begin(&r->sc);
	if ((s = text_string(t, &r->sc, ESCAPE_NONE, &secret, e)) != NULL && secret)
		redact_add(s);
	return s;
}

/* An object of a description's; absent: an empty one. */
static cJSON *
object_now(struct rest *r, const struct tmpl *t, struct error *e)
{
	struct value	 v = { 0 };

	scope_begin(&r->sc);
	if (t != NULL && tmpl_value(t, &r->sc, &v, e) == -1)
		return NULL;
	if (v.v == NULL && (v.v = cJSON_CreateObject()) == NULL)
		(void)no_memory(e);
	return v.v;
}

/* claims: what holds where the description says nothing of it; a null there takes a claim out. */
static int
claims_fill(cJSON *claims, const cJSON *said, int64_t life_s, struct error *e)
{
	unsigned char	 id[16];
	char		 text[sizeof(id) * 2 + 1];
	const cJSON	*m;
	int64_t		 now = time(NULL);

	if (RAND_bytes(id, sizeof(id)) != 1)
		return error_set(e, ERR_SYSTEM, "no random numbers");
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
	if (json_set(claims, "iat", json_int(now)) == -1 || json_set(claims, "exp", json_int(now + life_s)) == -1 ||
	    json_set(claims, "jti", cJSON_CreateString(text)) == -1)
		return no_memory(e);
	cJSON_ArrayForEach(m, said)
		if (cJSON_IsNull(m))
			cJSON_DeleteItemFromObjectCaseSensitive(claims, m->string);
		else if (json_set(claims, m->string, json_dup(m)) == -1)
			return no_memory(e);
	return 0;
}

/* key: where the plan has none.  claims is taken. */
static char *
jwt_sign(struct rest *r, const struct jwt_plan *j, const struct text *key, cJSON *claims, struct error *e)
{
	cJSON	*said = object_now(r, j->claims, e), *header = said == NULL ? NULL : object_now(r, j->header, e);
	char	*secret = NULL, *password = NULL, *cert = NULL, *out = NULL;
	bool	 ok = header != NULL && (claims != NULL || no_memory(e) == 0) && claims_fill(claims, said, j->life_s, e) == 0 &&
	    (secret = text_now(r, j->key != NULL ? j->key : key, e)) != NULL;
	autovalue	 given = { 0 };

	/* A key without a password is what most are. */
	if (ok && j->password != NULL && (ok = text_value(j->password, &r->sc, &given, e) == 0) && given.v != NULL)
		ok = (password = text_now(r, j->password, e)) != NULL;
	if (ok && j->cert != NULL)
		ok = (cert = text_now(r, j->cert, e)) != NULL && jwt_thumbprints(header, cert, e) == 0;
	if (ok)
		out = jws_make(j->alg, secret, password, header, claims, e);
	wipe(secret);
	wipe(password);
	wipe(cert);
	json_wipe(said);
	json_wipe(header);
	json_wipe(claims);
	return out;
}

/* The client's own claims: RFC 7523, 3. */
static cJSON *
claims_of(const char *client, const char *audience)
{
	cJSON	*o = cJSON_CreateObject();

	if (json_set_str(o, "iss", client) == 0 && json_set_str(o, "sub", client) == 0 && json_set_str(o, "aud", audience) == 0)
		return o;
	cJSON_Delete(o);
	return NULL;
}

static int
field_take(cJSON *form, const char *name, char *value, struct error *e)
{
	int	 r = value == NULL ? -1 : json_set(form, name, cJSON_CreateString(value));

	if (r == -1 && value != NULL)
		(void)no_memory(e);
	wipe(value);
	return r;
}

/* Scopes, audiences and parameters that the configuration has nothing for are left out. */
static int
field_text(struct rest *r, cJSON *form, const char *name, const struct text *t, struct error *e)
{
	autovalue	 v = { 0 };
	char		 scratch[64];
	const char	*s;

	if (t == NULL)
		return 0;
	scope_begin(&r->sc);
	if (text_value(t, &r->sc, &v, e) == -1)
		return error_in(e, "%s", name);
	if (v.v == NULL || cJSON_IsNull(v.v))
		return 0;
	if ((s = json_scalar_text(v.v, scratch, sizeof(scratch))) == NULL)
		return error_set(e, ERR_REQUEST, "%s: an object or an array is no text", name);
	if (v.secret)
		redact_add(s);
	return json_set(form, name, cJSON_CreateString(s)) == -1 ? no_memory(e) : 0;
}

/* "Authorization: Basic ..." of a client, its parts form-encoded (RFC 6749, 2.3.1). */
static char *
basic_line(const char *user, const char *secret)
{
	autofree char	*u = fetch_escape(user);
	char		*s = fetch_escape(secret), *pair = NULL, *line = NULL, *b64 = NULL;
	int		 n = u == NULL || s == NULL ? -1 : asprintf(&pair, "%s:%s", u, s);

	if (n != -1 && (b64 = malloc((size_t)n / 3 * 4 + 8)) != NULL) {
		EVP_EncodeBlock((unsigned char *)b64, (unsigned char *)pair, n);
		if (asprintf(&line, "Authorization: Basic %s", b64) == -1)
			line = NULL;
	}
	if (n != -1)
		wipe(pair);
	wipe(s);
	wipe(b64);
	return line;
}

/* Who asks: fields of the form, or a header line. */
static int
client_put(struct rest *r, cJSON *form, char **line, struct error *e)
{
	static const struct jwt_plan	 dflt[] = { [CLIENT_SECRET_JWT] = { .life_s = 60 }, [CLIENT_KEY_JWT] = { .life_s = 60 } };
	const struct sign_in		*a = r->auth;
	char				*user = a->user == NULL ? NULL : text_now(r, a->user, e), *secret = NULL;
	struct jwt_plan			 plan;
	int				 got = a->user != NULL && user == NULL ? -1 : 0;

	if (got == 0 && (a->client_auth == CLIENT_BASIC || a->client_auth == CLIENT_POST))
		got = (secret = text_now(r, a->secret, e)) == NULL ? -1 : 0;
	if (got == 0 && a->client_auth == CLIENT_BASIC)
		got = (*line = basic_line(user, secret)) == NULL ? no_memory(e) : 0;
	else if (got == 0 && user != NULL)
		got = json_set(form, "client_id", cJSON_CreateString(user)) == -1 ? no_memory(e) : 0;
	if (got == 0 && a->client_auth == CLIENT_POST)
		got = json_set(form, "client_secret", cJSON_CreateString(secret)) == -1 ? no_memory(e) : 0;
	if (got == 0 && (a->client_auth == CLIENT_SECRET_JWT || a->client_auth == CLIENT_KEY_JWT)) {
		plan = a->client_jwt != NULL ? *a->client_jwt : dflt[a->client_auth];
		if (plan.alg == NULL)
			plan.alg = jws_alg_find(a->client_auth == CLIENT_SECRET_JWT ? "HS256" : "RS256");
		got = json_set_str(form, "client_assertion_type", ASSERTION_TYPE) == -1 ? no_memory(e) :
		    field_take(form, "client_assertion", jwt_sign(r, &plan, a->secret, claims_of(user, r->token_url), e), e);
	}
	wipe(user);
	wipe(secret);
	return got == -1 ? error_in(e, "client") : 0;
}

static int
form_fill(struct rest *r, cJSON *form, char **line, struct error *e)
{
	const struct sign_in	*a = r->auth;
	bool			 bearer = strcmp(a->grant, "jwt-bearer") == 0;

	if (json_set_str(form, "grant_type", bearer ? JWT_BEARER : a->grant) == -1)
		return no_memory(e);
	if (a->jwt != NULL && field_take(form, "assertion", jwt_sign(r, a->jwt, a->secret, claims_of(NULL, r->token_url), e), e) == -1)
		return error_in(e, "assertion");
	if (field_text(r, form, "scope", a->scope, e) == -1 || field_text(r, form, "audience", a->audience, e) == -1)
		return -1;
	for (size_t i = 0; i < a->params.n; i++)
		if (field_text(r, form, a->params.at[i].name, a->params.at[i].value, e) == -1)
			return -1;
	return client_put(r, form, line, e);
}

/* A refresh token that is used up is replaced, here and where the configuration is kept. */
static int
rotate(struct rest *r, const cJSON *body, struct error *e)
{
	const char	*key = r->auth->rotated, *now = json_str(body, "refresh_token", NULL);
	autofree char	*path = NULL;
	cJSON		*patch, *one;

	if (key == NULL || now == NULL || strcmp(json_str(r->secret, key, ""), now) == 0)
		return 0;
	redact_add(now);
	patch = cJSON_CreateArray();
	one = cJSON_CreateObject();
	if (asprintf(&path, "/connectorAttributes/%s", key) == -1 || json_push(patch, one) == -1 ||
	    json_set_str(one, "op", "replace") == -1 || json_set_str(one, "path", path) == -1 ||
	    json_set_str(one, "value", now) == -1 || json_set(r->secret, key, cJSON_CreateString(now)) == -1) {
		cJSON_Delete(patch);
		return no_memory(e);
	}
	if (emit_config_patch(r->c, patch) == 0)
		return 0;
	if (e != r->c->err)
		*e = *r->c->err;
	return -1;
}

static int
answer_refused(const struct rest *r, const struct fetch_response *rs, struct error *e)
{
	const char	*error = json_str(rs->body, "error", "no reason given");

	return error_set(e, rs->status == 400 || rs->status == 401 || rs->status == 403 ? ERR_INSUFFICIENT_PERMISSION :
	    ERR_UPSTREAM, "sign-in at %.*s refused (HTTP %d): %.60s %.*s", (int)strcspn(r->token_url, "?#"), r->token_url,
	    rs->status, error, WORDS_BYTES_MAX, json_str(rs->body, "error_description", ""));
}

static int
oauth2_take(struct rest *r, const struct fetch_response *rs, char **token, int64_t *life_s, struct error *e)
{
	const struct sign_in	*a = r->auth;
	const cJSON		*v = json_at(rs->body, a->token_at);

	if (rs->status < 200 || rs->status >= 300)
		return answer_refused(r, rs, e);
	/* Some say no in a good answer. */
	if (!cJSON_IsString(v) || v->valuestring[0] == '\0')
		return json_str(rs->body, "error", NULL) != NULL ? answer_refused(r, rs, e) : error_set(e, ERR_INVALID_RESPONSE,
		    "sign-in at %.*s: no token at %s in the answer", (int)strcspn(r->token_url, "?#"), r->token_url, a->token_at);
	*life_s = life_of(json_at(rs->body, a->expires_at));
	if ((*token = strdup(v->valuestring)) == NULL)
		return no_memory(e);
	redact_add(*token);
	return keeps_take(a->keeps, a->nkeeps, rs, r->session, e) == -1 ? -1 : rotate(r, rs->body, e);
}

static int
oauth2_ask(struct rest *r, char **token, int64_t *life_s, struct error *e)
{
	cJSON			*form = cJSON_CreateObject();
	char			*line = NULL;
	const char		*headers[3] = { "Accept: application/json", NULL, NULL };
	struct fetch_request	 rq = { .method = "POST", .path = r->token_url, .headers = headers, .body = form,
	    .flags = FETCH_NO_AUTH | FETCH_ELSEWHERE | FETCH_FORM | FETCH_REPEATABLE | FETCH_ANY_STATUS };
	autoresponse		 rs = { 0 };
	int			 got = form == NULL ? no_memory(e) : form_fill(r, form, &line, e);

	if (got == -1)
		error_in(e, "/http/auth");
	headers[1] = line;
	if (got == 0 && (got = fetch_call(r->f, &rq, &rs, e)) == -1)
		error_in(e, "sign-in");
	if (got == 0)
		got = oauth2_take(r, &rs, token, life_s, e);
	json_wipe(form);
	json_wipe(json_steal(&rs.body));
	wipe(line);
	return got;
}

/* What a login kept is secret, all of it. */
static void
secrets_redact(const cJSON *token)
{
	const cJSON	*m;

	cJSON_ArrayForEach(m, token)
		if (cJSON_IsString(m) && m->valuestring[0] != '\0')
			redact_add(m->valuestring);
}

static int
login_ask(struct rest *r, char **token, int64_t *life_s, struct error *e)
{
	const struct sign_in	*a = r->auth;
	autoresponse		 rs = { 0 };
	autovalue		 until = { 0 };
	char			*jwt;
	int			 got = 0;

	if (a->jwt != NULL && ((jwt = jwt_sign(r, a->jwt, NULL, cJSON_CreateObject(), e)) == NULL ||
	    field_take(r->token, "jwt", jwt, e) == -1))
		return error_in(e, "/http/auth/jwt");
	secrets_redact(r->token);
	if (op_run(r, &a->login, &rs) == -1) {
		if (e != r->c->err)
			*e = *r->c->err;
		return -1;
	}
	secrets_redact(r->token);
	if ((*token = text_now(r, a->token, e)) == NULL)
		return error_in(e, "/http/auth/token");
	if (a->expires != NULL && (got = text_value(a->expires, &r->sc, &until, e)) == -1)
		return error_in(e, "/http/auth/expires");
	*life_s = life_of(until.v);
	return keeps_take(a->keeps, a->nkeeps, &rs, r->session, e);
}

int
token_ask(struct rest *r, char **token, int64_t *life_s, struct error *e)
{
	*life_s = 0;
	switch (r->auth->kind) {
	case SIGN_OAUTH2:
		return oauth2_ask(r, token, life_s, e);
	case SIGN_LOGIN:
		return login_ask(r, token, life_s, e);
	default:
		*life_s = r->auth->jwt->life_s;
		if ((*token = jwt_sign(r, r->auth->jwt, NULL, cJSON_CreateObject(), e)) == NULL)
			return error_in(e, "/http/auth");
		return 0;
	}
}
