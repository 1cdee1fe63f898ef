/*
 * rest.c -- what a command needs before its first request: roots, secrets apart, the source.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/rest.h"

#define SPEC_DEPTH_MAX	16u

static bool
is_secret_type(const char *type)
{
	return strcmp(type, "secret") == 0 || strcmp(type, "secrettextarea") == 0;
}

/* Does a field of this key with a secret type stand anywhere in the form? */
static bool
form_has_secret(const cJSON *form, const char *key, unsigned int depth)
{
	const cJSON	*m;

	if (depth > SPEC_DEPTH_MAX)
		return false;
	if (cJSON_IsObject(form) && strcmp(json_str(form, "key", ""), key) == 0 && is_secret_type(json_str(form, "type", "")))
		return true;
	cJSON_ArrayForEach(m, form)
		if ((cJSON_IsObject(m) || cJSON_IsArray(m)) && form_has_secret(m, key, depth + 1))
			return true;
	return false;
}

static int
config_split(struct rest *r)
{
	const cJSON	*form = json_get(r->c->spec, "sourceConfig"), *m;

	r->config = cJSON_CreateObject();
	r->secret = cJSON_CreateObject();
	cJSON_ArrayForEach(m, r->c->config) {
		bool	 secret = form_has_secret(form, m->string, 0);

		/* A form sends empty strings for what was never filled in. */
		if (cJSON_IsString(m) && m->valuestring[0] == '\0')
			continue;
		if (json_set(secret ? r->secret : r->config, m->string, json_dup(m)) == -1)
			return fail_generic(r->c, "no memory");
	}
	return 0;
}

/* NULL where there is no such text or it is absent; -1 is in *bad. */
static char *
sign_in_text(struct rest *r, const struct text *t, const char *what, bool *bad)
{
	bool	 secret = false;
	char	*s;

	if (t == NULL || *bad)
		return NULL;
	if ((s = text_string(t, &r->sc, ESCAPE_HEADER, &secret, r->c->err)) != NULL) {
		if (secret)
			redact_add(s);
		return s;
	}
	*bad = true;
	error_in(r->c->err, "/http/auth/%s", what);
	r->c->err->code = ERR_INVALID_CONFIGURATION;
	return NULL;
}

static int
source_open(struct rest *r)
{
	const struct sign_in	*a = &r->d->auth;
	struct fetch_options	 o = { .wait_ms = answer_wait, .wait_arg = r, .explain = answer_explain, .explain_arg = r,
	    .content_type = r->d->content_type, .accept = r->d->accept, .parallel = r->d->parallel };
	char			*lines[PAIRS_MAX + 1] = { NULL };
	bool			 bad = false;
	autofree char		*base = NULL, *user = NULL, *secret = NULL, *prefix = NULL, *url = NULL, *scope = NULL,
	    *audience = NULL;

	if ((base = text_string(r->d->base, &r->sc, ESCAPE_HEADER, NULL, r->c->err)) == NULL) {
		r->c->err->code = ERR_INVALID_CONFIGURATION;
		return error_in(r->c->err, "/http/base");
	}
	user = sign_in_text(r, a->user, "user", &bad);
	secret = sign_in_text(r, a->secret, "secret", &bad);
	prefix = sign_in_text(r, a->prefix, "prefix", &bad);
	url = sign_in_text(r, a->token_url, "tokenUrl", &bad);
	scope = sign_in_text(r, a->scope, "scope", &bad);
	audience = sign_in_text(r, a->audience, "audience", &bad);
	for (size_t i = 0; !bad && i < r->d->headers.n; i++) {
		autofree char	*value = text_string(r->d->headers.at[i].value, &r->sc, ESCAPE_HEADER, NULL, r->c->err);

		bad = value == NULL || asprintf(&lines[i], "%s: %s", r->d->headers.at[i].name, value) == -1;
	}
	o.base_url = base;
	o.headers = (const char *const *)lines;
	o.auth = (struct auth){ .kind = a->kind, .user = user, .secret = secret, .name = a->name, .prefix = prefix,
	    .in_query = a->in_query, .token_url = url, .scope = scope, .audience = audience, .secret_in_body = a->secret_in_body };
	r->f = bad ? NULL : fetch_new(r->c, &o);
	for (size_t i = 0; i < PAIRS_MAX; i++)
		free(lines[i]);
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	return r->f == NULL ? -1 : 0;
}

int
id_set(struct rest *r, const char *id)
{
	cJSON_Delete(r->id);
	r->id = id == NULL ? NULL : cJSON_CreateString(id);
	r->sc.roots[ROOT_ID] = r->id;
	return id != NULL && r->id == NULL ? fail_generic(r->c, "no memory") : 0;
}

struct rest *
rest_new(struct call *c)
{
	struct rest	*r = calloc(1, sizeof(*r));

	if (r == NULL) {
		fail_generic(c, "no memory");
		return NULL;
	}
	r->c = c;
	scope_begin(&r->sc);
	if ((r->d = description_loaded(c->spec, c->err)) == NULL || config_split(r) == -1 || id_set(r, c->identity) == -1 ||
	    (r->step = cJSON_CreateObject()) == NULL) {
		rest_free(r);
		return NULL;
	}
	r->sc.roots[ROOT_CONFIG] = r->config;
	r->sc.roots[ROOT_SECRET] = r->secret;
	r->sc.roots[ROOT_INPUT] = c->input;
	r->sc.roots[ROOT_STEP] = r->step;
	if (source_open(r) == 0)
		return r;
	rest_free(r);
	return NULL;
}

void
rest_free(struct rest *r)
{
	if (r == NULL)
		return;
	fetch_free(r->f);
	cJSON_Delete(r->config);
	json_wipe(r->secret);
	cJSON_Delete(r->step);
	cJSON_Delete(r->id);
	indexes_drop(r);
	free(r);
}
