/*
 * oauth.c -- the key, the login, the bearer.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/random.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <openssl/evp.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/jwt.h"
#include "launcher/serve/keyfile.h"
#include "launcher/serve/oauth.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/slog.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define NOBODY		"local"		/* who logs in where nobody is asked */
#define SCOPE_BYTES	4096
#define KEY_FILE	"jwt.key"

static unsigned char	 key[JWT_KEY_BYTES];

int
oauth_open(const char *folder, struct error *e)
{
	char	 path[PATH_MAX];

	if (folder != NULL && snprintf(path, sizeof(path), "%s/" KEY_FILE, folder) >= (int)sizeof(path))
		return error_set(e, ERR_USAGE, "--registry: the path is too long");
	return keyfile_open(folder == NULL ? NULL : path, key, sizeof(key), e);
}

void
oauth_close(void)
{
	explicit_bzero(key, sizeof(key));
}

const struct token *
oauth_bearer(const struct tokenset *ts, const char *text, struct error *e)
{
	struct jwt		 j;
	const struct token	*t;
	char			 binding[TOKEN_BINDING_BYTES + 1];

	if ((t = tokenset_find(ts, text)) != NULL)
		return t;
	if (jwt_read(text, key, wall_ms() / 1000, &j, e) == -1)
		return NULL;
	if ((t = tokenset_named(ts, j.subject)) != NULL) {
		token_binding(t, binding);
		if (strcmp(binding, j.binding) == 0)
			return t;
	}
	(void)error_set(e, ERR_INSUFFICIENT_PERMISSION, "the token that this one was made of was taken back");
	return NULL;
}

/* What a client said, in query, body or header. */
struct login {
	char	 grant[64], id[TOKEN_NAME_MAX + 1], secret[256];
};

static void
refuse(struct exchange *x, int status, const char *error, const char *why)
{
	cJSON	*o = cJSON_CreateObject();

	slog_text(SLOG_INFO, "login.refused", "message", why);
	(void)json_set_str(o, "error", error);
	(void)json_set_str(o, "error_description", why);
	if (status == 401)
		answer_header(x->req, "WWW-Authenticate", "Basic realm=\"bascule\"");
	answer_json(x->req, status, o);
}

static int
field_take(struct login *l, const char *name, const char *value)
{
	const struct { const char *name; char *to; size_t n; } fields[] = {
		{ "grant_type", l->grant, sizeof(l->grant) }, { "client_id", l->id, sizeof(l->id) },
		{ "client_secret", l->secret, sizeof(l->secret) },
	};

	for (size_t i = 0; i < N_ITEMS(fields); i++) {
		if (strcmp(fields[i].name, name) != 0)
			continue;
		/* Twice is refused, whichever would win. */
		return fields[i].to[0] != '\0' || (size_t)snprintf(fields[i].to, fields[i].n, "%s", value) >= fields[i].n ? -1 : 0;
	}
	return 0;
}

static int
fields_take(struct login *l, const char *text)
{
	struct evkeyvalq	 params = TAILQ_HEAD_INITIALIZER(params);
	struct evkeyval		*p;
	int			 r = text[0] == '\0' ? 0 : evhttp_parse_query_str(text, &params);

	TAILQ_FOREACH(p, &params, next) {
		if (r == 0)
			r = field_take(l, p->key, p->value);
		explicit_bzero(p->value, strlen(p->value));
	}
	evhttp_clear_headers(&params);
	return r;
}

/* Authorization: Basic, each half of it form-encoded (RFC 6749 2.3.1). */
static int
basic_take(struct login *l, const char *text)
{
	unsigned char	 plain[512];
	size_t		 n = strlen(text);
	int		 len;
	char		*colon, *id, *secret;
	int		 r = -1;

	if (n == 0 || n % 4 != 0 || n > sizeof(plain) - 4 || (len = EVP_DecodeBlock(plain, (const unsigned char *)text, (int)n)) < 0)
		return -1;
	for (; n > 0 && text[n - 1] == '='; n--)
		len--;
	if (len < 0)
		return -1;
	plain[len] = '\0';
	if ((colon = strchr((char *)plain, ':')) != NULL) {
		*colon = '\0';
		id = evhttp_uridecode((char *)plain, 1, NULL);
		secret = evhttp_uridecode(colon + 1, 1, NULL);
		r = id != NULL && secret != NULL && field_take(l, "client_id", id) == 0 ? field_take(l, "client_secret", secret) : -1;
		if (secret != NULL)
			explicit_bzero(secret, strlen(secret));
		free(id);
		free(secret);
	}
	explicit_bzero(plain, sizeof(plain));
	return r;
}

static bool
is_form(const char *type)
{
	static const char	 form[] = "application/x-www-form-urlencoded";
	size_t			 n = sizeof(form) - 1;

	return type != NULL && strncasecmp(type, form, n) == 0 && (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

static int
login_read(struct exchange *x, struct login *l)
{
	struct evkeyvalq	*in = evhttp_request_get_input_headers(x->req);
	struct evbuffer		*b = evhttp_request_get_input_buffer(x->req);
	const char		*query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(x->req)),
				*auth = evhttp_find_header(in, "Authorization");
	char			 body[OAUTH_BYTES_MAX + 1];
	size_t			 n = evbuffer_get_length(b);
	int			 r;

	*l = (struct login){ 0 };
	if (n > OAUTH_BYTES_MAX || (n > 0 && !is_form(evhttp_find_header(in, "Content-Type"))))
		return -1;
	if (evbuffer_remove(b, body, n) != (int)n)
		return -1;
	body[n] = '\0';
	r = strlen(body) != n || fields_take(l, body) == -1 || fields_take(l, query == NULL ? "" : query) == -1 ? -1 : 0;
	explicit_bzero(body, sizeof(body));
	if (r == 0 && auth != NULL && strncasecmp(auth, "Basic ", 6) == 0)
		r = basic_take(l, auth + 6);
	return r;
}

/* t NULL: of a server that asks nobody. */
static void
grant(struct exchange *x, const struct token *t)
{
	struct jwt	 j = { .issued_s = wall_ms() / 1000 };
	unsigned char	 r[16] = { 0 };
	char		 scope[SCOPE_BYTES] = "", jti[33];
	autobuf		 b;
	cJSON		*o;

	(void)!getrandom(r, sizeof(r), 0);
	for (size_t i = 0; i < sizeof(r); i++)
		snprintf(jti + 2 * i, 3, "%02x", r[i]);
	j.expires_s = j.issued_s + JWT_LIFE_S;
	snprintf(j.subject, sizeof(j.subject), "%s", t == NULL ? NOBODY : t->name);
	if (t != NULL) {
		token_binding(t, j.binding);
		token_scope_print(t, " ", scope, sizeof(scope));
	}
	buf_init(&b, JWT_BYTES_MAX);
	jwt_make(&b, &j, scope, jti, key);
	if (b.failed) {
		refuse(x, 503, "temporarily_unavailable", "no memory for a token");
		return;
	}
	o = cJSON_CreateObject();
	(void)json_set_str(o, "access_token", b.data);
	(void)json_set_str(o, "token_type", "bearer");
	(void)json_set(o, "expires_in", json_int(JWT_LIFE_S));
	(void)json_set_str(o, "scope", scope);
	(void)json_set_str(o, "jti", jti);
	answer_header(x->req, "Pragma", "no-cache");
	answer_json(x->req, 200, o);
}

void
oauth_token(struct exchange *x)
{
	const struct tokenset	*ts = route_tokens();
	const struct token	*t;
	struct login		 l;

	if (login_read(x, &l) == -1)
		refuse(x, 400, "invalid_request", "grant_type, client_id and client_secret are wanted once each, as a form");
	else if (strcmp(l.grant, "client_credentials") != 0)
		refuse(x, 400, l.grant[0] == '\0' ? "invalid_request" : "unsupported_grant_type",
		    "grant_type: client_credentials is wanted");
	else if (ts == NULL)
		grant(x, NULL);
	/* The secret is compared with all there are, the name only with its own. */
	else if ((t = tokenset_find(ts, l.secret)) == NULL || strcmp(t->name, l.id) != 0)
		refuse(x, 401, "invalid_client", "client_id is a token's name and client_secret the token: bascule serve token");
	else
		grant(x, t);
	explicit_bzero(&l, sizeof(l));
}
