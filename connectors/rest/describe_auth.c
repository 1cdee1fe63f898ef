/*
 * describe_auth.c -- how a description signs in.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/describe.h"

#define LIFE_S		300		/* of a signed token that does not say */
#define LIFE_S_MAX	86400

#define PLACE	"name:s prefix in:s "
static const struct {
	const char	*word;
	const char	*needs;
	const char	*members;	/* beside kind and when */
} kinds[] = {
	[SIGN_NONE] = { "none", "", "" },
	[SIGN_BASIC] = { "basic", "user secret", "user secret" },
	[SIGN_BEARER] = { "bearer", "secret", "secret" },
	[SIGN_KEY] = { "apiKey", "name secret", PLACE "secret" },
	[SIGN_OAUTH2] = { "oauth2", "tokenUrl", PLACE "user secret tokenUrl scope audience clientAuth:s grant:s params assertion "
	    "clientAssertion token expires keep rotate:s" },
	[SIGN_JWT] = { "jwt", "key", PLACE "alg:s key keyPassword cert header claims life:n" },
	[SIGN_LOGIN] = { "login", "login", PLACE "base login logout token expires keep jwt" },
	[SIGN_AWS] = { "aws", "user secret region service", "user secret sessionToken region service" },
};
static_assert(N_ITEMS(kinds) == SIGN__MAX, "every kind has its members");

static const char *const client_words[] = {
	[CLIENT_BASIC] = "basic", [CLIENT_POST] = "post", [CLIENT_SECRET_JWT] = "client_secret_jwt",
	[CLIENT_KEY_JWT] = "private_key_jwt", [CLIENT_NONE] = "none",
};
static_assert(N_ITEMS(client_words) == CLIENT__MAX, "every way has its word");

static char *
copy_of(const cJSON *v, const char *name)
{
	const char	*s = json_str(v, name, NULL);

	return s == NULL ? NULL : strdup(s);
}

static struct tmpl *
object_template(const cJSON *v, const char *where, struct faults *f)
{
	struct error	 e = ERROR_NONE;
	struct tmpl	*t;

	if (v == NULL)
		return NULL;
	if (!cJSON_IsObject(v)) {
		fault(f, where, "an object is wanted: name to value");
		return NULL;
	}
	if ((t = tmpl_parse(v, &e)) == NULL)
		fault(f, where, "%s", e.msg);
	return t;
}

static void
jwt_free(struct jwt_plan *j)
{
	if (j == NULL)
		return;
	text_free(j->key);
	text_free(j->password);
	text_free(j->cert);
	tmpl_free(j->header);
	tmpl_free(j->claims);
	free(j);
}

/* The members of a signed token, in an object of their own or in that of the sign-in. */
static struct jwt_plan *
jwt_read(const cJSON *v, const char *dflt, const char *where, struct faults *f)
{
	struct jwt_plan	*j = calloc(1, sizeof(*j));
	char		 at[WHERE_BYTES];

	if (j == NULL) {
		fault(f, where, "no memory");
		return NULL;
	}
	if ((j->alg = jws_alg_find(json_str(v, "alg", dflt))) == NULL)
		fault(f, inside(at, where, "alg"), JWS_ALGS " is wanted");
	j->key = text_read(json_get(v, "key"), inside(at, where, "key"), true, f);
	j->password = text_read(json_get(v, "keyPassword"), inside(at, where, "keyPassword"), true, f);
	j->cert = text_read(json_get(v, "cert"), inside(at, where, "cert"), true, f);
	j->header = object_template(json_get(v, "header"), inside(at, where, "header"), f);
	j->claims = object_template(json_get(v, "claims"), inside(at, where, "claims"), f);
	j->life_s = json_i64(v, "life", LIFE_S);
	if (j->life_s < 1 || j->life_s > LIFE_S_MAX)
		fault(f, inside(at, where, "life"), "1 to %d seconds are wanted", LIFE_S_MAX);
	return j;
}

static struct jwt_plan *
jwt_member(const cJSON *v, const char *name, const char *dflt, bool key, const char *where, struct faults *f)
{
	const cJSON	*m = json_get(v, name);
	char		 at[WHERE_BYTES];

	if (m == NULL)
		return NULL;
	members_only(m, "alg:s key keyPassword cert header claims life:n", inside(at, where, name), f);
	if (key && json_get(m, "key") == NULL)
		fault(f, at, "\"key\" is wanted: what it is signed with");
	return jwt_read(m, dflt, at, f);
}

static void
oauth2_read(struct sign_in *a, const cJSON *v, const char *where, struct faults *f)
{
	const char	*how = json_str(v, "clientAuth", "basic");
	char		 at[WHERE_BYTES];
	size_t		 i;

	for (i = 0; i < N_ITEMS(client_words) && strcmp(client_words[i], how) != 0; i++)
		;
	if (i == N_ITEMS(client_words))
		fault(f, inside(at, where, "clientAuth"), "basic, post, client_secret_jwt, private_key_jwt or none is wanted");
	a->client_auth = (enum client_auth)i;
	a->grant = strdup(json_str(v, "grant", "client_credentials"));
	pairs_read(&a->params, json_get(v, "params"), inside(at, where, "params"), true, f);
	a->jwt = jwt_member(v, "assertion", "RS256", true, where, f);
	a->client_jwt = jwt_member(v, "clientAssertion", i == CLIENT_SECRET_JWT ? "HS256" : "RS256", false, where, f);
	a->token_at = json_get(v, "token") == NULL ? strdup("/access_token") :
	    pointer_read(json_get(v, "token"), inside(at, where, "token"), f);
	a->expires_at = json_get(v, "expires") == NULL ? strdup("/expires_in") :
	    pointer_read(json_get(v, "expires"), inside(at, where, "expires"), f);
	a->rotated = copy_of(v, "rotate");
	if (i != CLIENT_NONE && a->user == NULL)
		fault(f, where, "\"user\" is wanted: the client's id");
	if (i != CLIENT_NONE && a->secret == NULL && (a->client_jwt == NULL || a->client_jwt->key == NULL))
		fault(f, where, "\"secret\" is wanted: the client's secret or key");
}

static void
login_read(struct sign_in *a, const cJSON *v, const char *where, struct faults *f)
{
	struct error	 e = ERROR_NONE;
	char		 at[WHERE_BYTES];

	a->base = text_read(json_get(v, "base"), inside(at, where, "base"), false, f);
	sign_in_op_read(&a->login, json_get(v, "login"), inside(at, where, "login"), f);
	sign_in_op_read(&a->logout, json_get(v, "logout"), inside(at, where, "logout"), f);
	a->token = json_get(v, "token") == NULL ? text_parse("${token.token}", &e) :
	    text_read(json_get(v, "token"), inside(at, where, "token"), true, f);
	a->expires = text_read(json_get(v, "expires"), inside(at, where, "expires"), true, f);
	a->jwt = jwt_member(v, "jwt", "RS256", true, where, f);
}

static void
place_read(struct sign_in *a, const cJSON *v, const char *where, struct faults *f)
{
	const char	*in = json_str(v, "in", "header");
	char		 at[WHERE_BYTES];

	a->name = copy_of(v, "name");
	a->in_query = strcmp(in, "query") == 0;
	a->in_cookie = strcmp(in, "cookie") == 0;
	if (!a->in_query && !a->in_cookie && strcmp(in, "header") != 0)
		fault(f, inside(at, where, "in"), "header, query or cookie is wanted");
	if ((a->in_query || a->in_cookie) && a->name == NULL)
		fault(f, where, "\"name\" is wanted: of the %s", in);
	if (a->name != NULL && (a->name[0] == '\0' || a->name[strcspn(a->name, "\r\n:;= ")] != '\0'))
		fault(f, inside(at, where, "name"), "this is no name");
}

static void
sign_in_read(struct sign_in *a, const cJSON *v, const char *where, struct faults *f)
{
	const struct { const char *name; struct text **into; bool secret; } texts[] = {
		{ "when", &a->when, false }, { "user", &a->user, true }, { "secret", &a->secret, true },
		{ "prefix", &a->prefix, true }, { "tokenUrl", &a->token_url, false }, { "scope", &a->scope, true },
		{ "audience", &a->audience, true }, { "region", &a->region, false }, { "service", &a->service, false },
		{ "sessionToken", &a->session_token, true },
	};
	const char	*word = json_str(v, "kind", v == NULL ? "none" : "");
	char		 at[WHERE_BYTES], members[512], need[32];
	size_t		 k;

	for (k = 0; k < N_ITEMS(kinds) && strcmp(kinds[k].word, word) != 0; k++)
		;
	if (k == N_ITEMS(kinds)) {
		fault(f, inside(at, where, "kind"), "none, basic, bearer, apiKey, oauth2, jwt, login or aws is wanted");
		return;
	}
	a->kind = (enum sign_kind)k;
	snprintf(members, sizeof(members), "kind:s when %s", kinds[k].members);
	members_only(v, members, where, f);
	for (const char *p = kinds[k].needs; *p != '\0'; p += strcspn(p, " "), p += *p == ' ') {
		(void)strlcpy(need, p, sizeof(need));
		need[strcspn(need, " ")] = '\0';
		if (json_get(v, need) == NULL)
			fault(f, where, "\"%s\" is wanted for %s", need, word);
	}
	for (size_t i = 0; i < N_ITEMS(texts); i++)
		*texts[i].into = text_read(json_get(v, texts[i].name), inside(at, where, texts[i].name), texts[i].secret, f);
	place_read(a, v, where, f);
	if (a->kind == SIGN_OAUTH2)
		oauth2_read(a, v, where, f);
	else if (a->kind == SIGN_LOGIN)
		login_read(a, v, where, f);
	else if (a->kind == SIGN_JWT)
		a->jwt = jwt_read(v, "RS256", where, f);
	a->nkeeps = keeps_read(a->keeps, json_get(v, "keep"), inside(at, where, "keep"), f);
}

/* One way, or several of which the configuration decides. */
void
sign_ins_read(struct description *d, const cJSON *v, const char *where, struct faults *f)
{
	char		 at[WHERE_BYTES], name[16];
	const cJSON	*m;

	if (!cJSON_IsArray(v)) {
		d->nauth = 1;
		sign_in_read(&d->auth[0], v, where, f);
		return;
	}
	cJSON_ArrayForEach(m, v) {
		if (d->nauth == SIGN_INS_MAX) {
			fault(f, where, "more than %u ways to sign in", SIGN_INS_MAX);
			return;
		}
		snprintf(name, sizeof(name), "%zu", d->nauth);
		sign_in_read(&d->auth[d->nauth++], m, inside(at, where, name), f);
	}
	if (d->nauth == 0)
		fault(f, where, "there is no way to sign in");
}

void
tls_read(struct tls_plan *t, const cJSON *v, const char *where, struct faults *f)
{
	char	 at[WHERE_BYTES];

	if (v == NULL)
		return;
	members_only(v, "cert key password", where, f);
	t->cert = text_read(json_get(v, "cert"), inside(at, where, "cert"), true, f);
	t->key = text_read(json_get(v, "key"), inside(at, where, "key"), true, f);
	t->password = text_read(json_get(v, "password"), inside(at, where, "password"), true, f);
	if (t->cert == NULL || t->key == NULL)
		fault(f, where, "\"cert\" and \"key\" are wanted, in PEM form");
}

void
sign_in_free(struct sign_in *a)
{
	struct text	*const texts[] = { a->when, a->user, a->secret, a->prefix, a->token_url, a->scope, a->audience, a->base,
	    a->token, a->expires, a->region, a->service, a->session_token };
	char		*const strings[] = { a->name, a->grant, a->token_at, a->expires_at, a->rotated };

	for (size_t i = 0; i < N_ITEMS(texts); i++)
		text_free(texts[i]);
	for (size_t i = 0; i < N_ITEMS(strings); i++)
		free(strings[i]);
	pairs_free(&a->params);
	jwt_free(a->jwt);
	jwt_free(a->client_jwt);
	op_free(&a->login);
	op_free(&a->logout);
	keeps_free(a->keeps);
}
