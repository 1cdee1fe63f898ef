/*
 * route.c -- the table of routes, and who is let in.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <event2/bufferevent_ssl.h>
#include <event2/http.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "launcher/serve/conn.h"
#include "launcher/serve/door.h"
#include "launcher/serve/framing.h"
#include "launcher/serve/oauth.h"
#include "launcher/serve/ref.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/slog.h"
#include "launcher/serve/upload.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define GET	EVHTTP_REQ_GET, "GET"
#define POST	EVHTTP_REQ_POST, "POST"
#define PUT	EVHTTP_REQ_PUT, "PUT"
#define PATCH	EVHTTP_REQ_PATCH, "PATCH"
#define DELETE	EVHTTP_REQ_DELETE, "DELETE"

static const struct route	 routes[] = {
	{ POST,   "/v1/connectors/{name}/invoke", SCOPE_INVOKE, call_invoke },
	{ GET,    "/v1/connectors", SCOPE_ANY, show_connectors },
	{ GET,    "/v1/connectors/{name}", SCOPE_ANY, show_connector },
	{ GET,    "/v1/invocations", SCOPE_READ, show_invocations },
	{ GET,    "/v1/invocations/{id}", SCOPE_READ, show_invocation },
	{ DELETE, "/v1/invocations/{id}", SCOPE_ANY, call_delete },
	{ GET,    "/v1/invocations/{id}/records", SCOPE_ANY, show_records },
	{ GET,    "/v1/invocations/{id}/logs", SCOPE_ANY, show_logs },
	{ GET,    "/v1/audit", SCOPE_MANAGE, show_audit },
	{ GET,    "/v1/doctor", SCOPE_READ, show_doctor },
	{ GET,    "/v1/openapi.json", SCOPE_NONE, show_openapi },
	{ GET,    "/healthz", SCOPE_NONE, show_health },
	{ GET,    "/readyz", SCOPE_NONE, show_ready },
	{ GET,    "/metrics", SCOPE_READ, show_metrics },
	{ GET,    "/v1/connectors/{name}/versions/{version}/source", SCOPE_MANAGE, show_source },
	{ POST,   "/oauth/token", SCOPE_NONE, oauth_token },
	{ GET,    "/beta/platform-connectors", SCOPE_ANY, beta_connectors },
	{ POST,   "/beta/platform-connectors", SCOPE_MANAGE, beta_connector_create },
	{ GET,    "/beta/platform-connectors/{ref}", SCOPE_ANY, beta_connector_get },
	{ PUT,    "/beta/platform-connectors/{ref}", SCOPE_MANAGE, beta_connector_rename },
	{ DELETE, "/beta/platform-connectors/{ref}", SCOPE_MANAGE, beta_connector_delete },
	{ GET,    "/beta/platform-connectors/{ref}/versions", SCOPE_ANY, beta_versions },
	{ POST,   "/beta/platform-connectors/{ref}/versions", SCOPE_MANAGE, beta_upload },
	{ GET,    "/beta/platform-connectors/{ref}/tags", SCOPE_ANY, beta_tags },
	{ POST,   "/beta/platform-connectors/{ref}/tags", SCOPE_MANAGE, beta_tag_create },
	{ GET,    "/beta/platform-connectors/{ref}/tags/{tag}", SCOPE_ANY, beta_tag_get },
	{ PUT,    "/beta/platform-connectors/{ref}/tags/{tag}", SCOPE_MANAGE, beta_tag_move },
	{ GET,    "/beta/connector-customizers", SCOPE_ANY, beta_customizers },
	{ POST,   "/beta/connector-customizers", SCOPE_MANAGE, beta_customizer_create },
	{ GET,    "/beta/connector-customizers/{id}", SCOPE_ANY, beta_customizer_get },
	{ PUT,    "/beta/connector-customizers/{id}", SCOPE_MANAGE, beta_customizer_rename },
	{ DELETE, "/beta/connector-customizers/{id}", SCOPE_MANAGE, beta_customizer_delete },
	{ POST,   "/beta/connector-customizers/{id}/versions", SCOPE_MANAGE, beta_customizer_upload },
	{ GET,    "/beta/connector-instances", SCOPE_ANY, beta_instances },
	{ POST,   "/beta/connector-instances", SCOPE_MANAGE, beta_instance_create },
	{ GET,    "/beta/connector-instances/{id}", SCOPE_ANY, beta_instance_get },
	{ PUT,    "/beta/connector-instances/{id}", SCOPE_MANAGE, beta_instance_replace },
	{ PATCH,  "/beta/connector-instances/{id}", SCOPE_MANAGE, beta_instance_patch },
	{ DELETE, "/beta/connector-instances/{id}", SCOPE_MANAGE, beta_instance_delete },
	{ POST,   "/beta/connector-instances/{id}/invoke", SCOPE_INVOKE, beta_instance_invoke },
	{ POST,   "/beta/platform-logs/query", SCOPE_READ, beta_logs },
	{ GET,    "/beta/platform-logs/stats", SCOPE_READ, beta_stats },
	{ POST,   "/beta/platform-connectors/{ref}/invoke", SCOPE_INVOKE, beta_invoke },
	{ POST,   "/sp-conn-runtime-exec/runtime-connector-invoke", SCOPE_INVOKE, beta_invoke_bare },
	{ POST,   "/sp-conn-runtime-exec/runtime-connector-invoke/{ref}/invoke-direct", SCOPE_INVOKE, beta_invoke },
	{ POST,   "/{ref}/invoke", SCOPE_INVOKE, beta_invoke },
};

static struct tokenset	*tokens;

const struct route *
route_at(size_t i)
{
	return i < N_ITEMS(routes) ? &routes[i] : NULL;
}

int
route_tokens_load(struct error *e)
{
	struct tokenset	*fresh;

	if (server.set.tokens == NULL)
		return 0;
	if ((fresh = tokenset_load(server.set.tokens, e)) == NULL)
		return -1;
	tokenset_free(tokens);
	tokens = fresh;
	return 0;
}

void
route_tokens_free(void)
{
	tokenset_free(tokens);
	tokens = NULL;
}

const struct tokenset *
route_tokens(void)
{
	return tokens;
}

/* A segment of a path, its %xx taken back; false: it is empty, too long or holds what no name has. */
static bool
segment_read(const char *from, size_t len, char out[SEGMENT_BYTES_MAX + 1])
{
	char	 raw[3 * SEGMENT_BYTES_MAX + 1], *plain;
	size_t	 n = 0;
	bool	 good;

	if (len == 0 || len >= sizeof(raw))
		return false;
	memcpy(raw, from, len);
	raw[len] = '\0';
	if ((plain = evhttp_uridecode(raw, 0, &n)) == NULL)
		return false;
	good = n <= SEGMENT_BYTES_MAX && strlen(plain) == n;
	if (good)
		memcpy(out, plain, n + 1);
	free(plain);
	return good;
}

static bool
path_fits(const char *pattern, const char *path, struct exchange *x)
{
	char	*arg = x->arg;

	while (*pattern != '\0') {
		size_t	 np = strcspn(pattern + 1, "/") + 1, n;

		if (*path != '/')
			return false;
		n = strcspn(path + 1, "/") + 1;
		if (pattern[1] == '{') {
			if (!segment_read(path + 1, n - 1, arg))
				return false;
			arg = x->arg2;
		} else if (n != np || memcmp(pattern, path, n) != 0)
			return false;
		pattern += np;
		path += n;
	}
	return *path == '\0';
}

/*
 * A door without tokens trusts whoever is on this machine, but not what a browser on it was told by a web
 * page: such a request names another host (rebinding) or an origin.
 */
static bool
is_foreign(struct exchange *x)
{
	static const char *const	 ours[] = { "localhost", "127.0.0.1", "::1", "[::1]" };
	const char			*host = evhttp_request_get_host(x->req);

	if (evhttp_find_header(evhttp_request_get_input_headers(x->req), "Origin") != NULL)
		return true;
	if (x->door->is_unix || host == NULL)
		return false;
	for (size_t i = 0; i < N_ITEMS(ours); i++)
		if (strcasecmp(host, ours[i]) == 0)
			return false;
	return strncmp(host, "127.", 4) != 0 || host[strspn(host, "0123456789.")] != '\0';
}

/* Fills who, where not everything is allowed; false: it is not let in. */
static bool
peer_may(struct exchange *x, long uid)
{
	const struct peer	*p = conn_peer_row(x->conn);

	if (uid == 0 || uid == (long)geteuid())
		return true;
	if (p != NULL) {
		x->who = p->all ? NULL : &p->may;
		return true;
	}
	/* A mode that lets others in, and no list: the mode is the list. */
	return server.set.npeers == 0 && (server.set.socket_mode & 0077) != 0;
}

/* A caller without a token, by what its certificate names; verified in the handshake. */
static const struct token *
by_certificate(const struct exchange *x)
{
	struct evhttp_connection	*evcon = evhttp_request_get_connection(x->req);
	SSL				*ssl;
	X509				*cert;
	const struct token		*t = NULL;

	if (x->door->ctx == NULL || server.set.client_ca == NULL || evcon == NULL ||
	    (ssl = bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(evcon))) == NULL ||
	    SSL_get_verify_result(ssl) != X509_V_OK || (cert = SSL_get1_peer_certificate(ssl)) == NULL)
		return NULL;
	t = tokenset_find_subject(tokens, cert);
	X509_free(cert);
	return t;
}

/* Fills who and caller; false: refused, answered. */
static bool
let_in(struct exchange *x, enum scope scope)
{
	const char	*auth = evhttp_find_header(evhttp_request_get_input_headers(x->req), "Authorization");
	long		 uid = conn_peer(x->conn);
	struct error	 e = ERROR_NONE;

	snprintf(x->caller, sizeof(x->caller), "local");
	if (x->door->is_unix) {
		snprintf(x->caller, sizeof(x->caller), "uid:%ld", uid);
		if (peer_may(x, uid))
			return true;
		answer_refuse(x->req, 403, ERR_INSUFFICIENT_PERMISSION, "user %ld is not let in here: --peer %ld", uid, uid);
		return false;
	}
	if (tokens == NULL && is_foreign(x)) {
		answer_refuse(x->req, 403, ERR_INSUFFICIENT_PERMISSION, "requests of web pages are not taken");
		return false;
	}
	if (tokens == NULL || scope == SCOPE_NONE)
		return true;
	(void)error_set(&e, ERR_INSUFFICIENT_PERMISSION, "a token is wanted: Authorization: Bearer ...");
	if (auth != NULL && strncasecmp(auth, "Bearer ", 7) == 0)
		x->who = oauth_bearer(tokens, auth + 7, &e);
	else if (auth == NULL)
		x->who = by_certificate(x);
	if (x->who != NULL) {
		snprintf(x->caller, sizeof(x->caller), "%s", x->who->name);
		return true;
	}
	answer_header(x->req, "WWW-Authenticate", "Bearer realm=\"bascule\"");
	answer_problem(x->req, &(struct problem){ .error = &e, .status = 401 });
	return false;
}

bool
exchange_may(const struct exchange *x, enum scope scope, const char *connector)
{
	char	 base[CONNECTOR_NAME_MAX + 1] = "";

	if (connector != NULL)
		ref_base(connector, base);
	return x->who == NULL || token_may(x->who, scope, connector == NULL ? NULL : base);
}

bool
exchange_owns(const struct exchange *x, const cJSON *row)
{
	return exchange_may(x, SCOPE_MANAGE, NULL) || strcmp(json_str(row, "caller", ""), x->caller) == 0;
}

static void
not_here(struct exchange *x, const char *path)
{
	char	 allow[64] = "";
	size_t	 n = 0;

	for (size_t i = 0; i < N_ITEMS(routes); i++)
		if (path_fits(routes[i].path, path, x))
			n += (size_t)snprintf(allow + n, sizeof(allow) - n, "%s%s", n > 0 ? ", " : "", routes[i].name);
	if (n == 0) {
		answer_refuse(x->req, 404, ERR_USAGE, "there is nothing here; see /v1/openapi.json");
		return;
	}
	answer_header(x->req, "Allow", allow);
	answer_refuse(x->req, 405, ERR_USAGE, "%s is wanted here", allow);
}

static void
dispatch(struct exchange *x, const char *path)
{
	enum evhttp_cmd_type	 method = evhttp_request_get_command(x->req);

	for (size_t i = 0; i < N_ITEMS(routes); i++) {
		if (routes[i].method != method || !path_fits(routes[i].path, path, x))
			continue;
		if (!let_in(x, routes[i].scope))
			return;
		if (!exchange_may(x, routes[i].scope, NULL)) {
			answer_refuse(x->req, 403, ERR_INSUFFICIENT_PERMISSION, "%s has no scope for this",
			    x->caller);
			return;
		}
		routes[i].run(x);
		return;
	}
	if (let_in(x, SCOPE_ANY))
		not_here(x, path);
}

void
route_request(struct evhttp_request *req, void *arg)
{
	struct exchange			 x = { .req = req, .door = arg, .conn = conn_of(req) };
	const struct evhttp_uri		*uri = evhttp_request_get_evhttp_uri(req);
	const char			*path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
	const char			*wrong = framing_wrong(req);
	char				 scratch[HEADERS_BYTES_MAX];

	if (x.conn == NULL) {
		answer_refuse(req, 503, ERR_SYSTEM, "no memory for another connection");
		return;
	}
	conn_begin(x.conn, req);
	if (server.draining || wrong != NULL)
		answer_header(req, "Connection", "close");
	if (wrong != NULL) {
		answer_refuse(req, 400, ERR_REQUEST, "%s", wrong);
		return;
	}
	if (path == NULL || path[0] != '/' || (path = beta_path(path, scratch, sizeof(scratch))) == NULL) {
		answer_refuse(req, 400, ERR_REQUEST, "the request line has no path");
		return;
	}
	x.beta = beta_speaks(path);
	dispatch(&x, path);
}
