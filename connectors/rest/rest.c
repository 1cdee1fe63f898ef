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

/* What a member of "tls" is; *out NULL where the configuration has nothing for it. */
static int
pem_ready(struct rest *r, const struct text *t, const char *what, char **out)
{
	autovalue	 v = { 0 };

	*out = NULL;
	if (t == NULL)
		return 0;
	if (text_value(t, &r->sc, &v, r->c->err) == -1)
		return error_in(r->c->err, "/http/tls/%s", what);
	if (v.v == NULL || cJSON_IsNull(v.v))
		return 0;
	if (!cJSON_IsString(v.v))
		return fail_invalid_configuration(r->c, "/http/tls/%s: a text in PEM form is wanted", what);
	if ((*out = strdup(v.v->valuestring)) == NULL)
		return fail_generic(r->c, "no memory");
	return 0;
}

static int
source_open(struct rest *r)
{
	struct fetch_options	 o = { .wait_ms = answer_wait, .wait_arg = r, .explain = answer_explain, .explain_arg = r,
	    .content_type = r->d->content_type, .accept = r->d->accept, .parallel = r->d->parallel };
	char			*lines[PAIRS_MAX + 1] = { NULL };
	bool			 bad = false;
	autofree char		*base = NULL, *cert = NULL;
	char			*key = NULL, *password = NULL;

	if (sign_in_ready(r, &o.auth) == -1)
		return -1;
	/* Where sign-in says the base, paths have another one until then. */
	if (text_uses(r->d->base, ROOT_SESSION))
		base = strdup(r->login_base != NULL ? r->login_base : r->token_url != NULL ? r->token_url : "");
	else if ((base = text_string(r->d->base, &r->sc, ESCAPE_HEADER, NULL, r->c->err)) == NULL) {
		r->c->err->code = ERR_INVALID_CONFIGURATION;
		return error_in(r->c->err, "/http/base");
	}
	bad = pem_ready(r, r->d->tls.cert, "cert", &cert) == -1 || pem_ready(r, r->d->tls.key, "key", &key) == -1 ||
	    pem_ready(r, r->d->tls.password, "password", &password) == -1;
	for (size_t i = 0; !bad && i < r->d->headers.n; i++) {
		autofree char	*value = text_string(r->d->headers.at[i].value, &r->sc, ESCAPE_HEADER, NULL, r->c->err);

		bad = value == NULL || asprintf(&lines[i], "%s: %s", r->d->headers.at[i].name, value) == -1;
	}
	o.base_url = base;
	o.headers = (const char *const *)lines;
	o.client_cert = cert;
	o.client_key = key;
	o.client_key_password = password;
	r->f = bad ? NULL : fetch_new(r->c, &o);
	for (size_t i = 0; i < PAIRS_MAX; i++)
		free(lines[i]);
	if (key != NULL)
		explicit_bzero(key, strlen(key));
	if (password != NULL)
		explicit_bzero(password, strlen(password));
	free(key);
	free(password);
	return r->f == NULL ? -1 : sign_in_begin(r);
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
	    (r->step = cJSON_CreateObject()) == NULL || (r->session = cJSON_CreateObject()) == NULL ||
	    (r->token = cJSON_CreateObject()) == NULL) {
		rest_free(r);
		return NULL;
	}
	r->sc.roots[ROOT_CONFIG] = r->config;
	r->sc.roots[ROOT_SECRET] = r->secret;
	r->sc.roots[ROOT_INPUT] = c->input;
	r->sc.roots[ROOT_STEP] = r->step;
	r->sc.roots[ROOT_SESSION] = r->session;
	r->sc.roots[ROOT_TOKEN] = r->token;
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
	sign_out(r);
	fetch_free(r->f);
	session_free(r);
	cJSON_Delete(r->config);
	json_wipe(r->secret);
	cJSON_Delete(r->step);
	cJSON_Delete(r->id);
	free(r->made);
	indexes_drop(r);
	free(r);
}
