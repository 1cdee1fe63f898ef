/*
 * app.c -- sign-in as a GitHub App: a JWT signed with the App's key is changed
 * for a token of its installation in the organisation.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "connectors/github/github.h"

#define APP_EARLY_S	60	/* our clock may be ahead of GitHub's */
#define APP_LIFE_S	540	/* GitHub allows ten minutes */

char *
app_claims(const char *app_id, int64_t now_s, struct error *e)
{
	static const char	 header[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
	autojson		*claims = cJSON_CreateObject();
	autofree char		*text = NULL, *left = NULL, *right = NULL;
	char			*both;

	if (claims == NULL || json_set(claims, "iat", json_int(now_s - APP_EARLY_S)) == -1 ||
	    json_set(claims, "exp", json_int(now_s + APP_LIFE_S)) == -1 ||
	    json_set_str(claims, "iss", app_id) == -1 || (text = json_text(claims)) == NULL ||
	    (left = fetch_base64url(header, sizeof(header) - 1)) == NULL ||
	    (right = fetch_base64url(text, strlen(text))) == NULL || asprintf(&both, "%s.%s", left, right) == -1) {
		error_set(e, ERR_MEMORY, "no memory left to sign in");
		return NULL;
	}
	return both;
}

int64_t
iso_time_s(const char *text)
{
	struct tm	 tm = { 0 };
	const char	*end;

	if (text == NULL || (end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm)) == NULL)
		return -1;
	/* Fractions do not matter, another zone than UTC would. */
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	return strcmp(end, "Z") == 0 ? (int64_t)timegm(&tm) : -1;
}

static char *
app_authorization(const struct github *g, struct error *e)
{
	autofree char	*claims = app_claims(g->s.app_id, (int64_t)time(NULL), e);
	autofree char	*signature = NULL;
	char		*line;

	if (claims == NULL)
		return NULL;
	if ((signature = fetch_sign_rs256(g->s.private_key, claims, e)) == NULL) {
		error_set(e, ERR_INVALID_CONFIGURATION, "privateKey is no usable RSA private key: enter the whole PEM "
		    "file that GitHub gave for the App, with its BEGIN and END lines");
		return NULL;
	}
	if (asprintf(&line, "Authorization: Bearer %s.%s", claims, signature) == -1) {
		error_set(e, ERR_MEMORY, "no memory left to sign in");
		return NULL;
	}
	redact_add(line + strlen("Authorization: Bearer "));
	return line;
}

/* Without it GitHub would show public members only, and a partial list would look complete. */
static int
app_may_read(const cJSON *answer, struct error *e)
{
	const cJSON	*permissions = json_get(answer, "permissions");
	const char	*members = json_str(permissions, "members", NULL);

	if (permissions == NULL || members != NULL)
		return 0;
	return error_set(e, ERR_INSUFFICIENT_PERMISSION, "the App's installation lacks the organisation permission "
	    "\"Members\": grant it read access (write access for provisioning)");
}

int
app_token(void *arg, struct fetch *f, char **token, int64_t *expires_in_s, struct error *e)
{
	struct github	*g = arg;
	autofree char	*authorization = NULL;
	autofree char	*path = gh_path("app", "installations", g->s.installation_id, "access_tokens", NULL);
	autoresponse	 rs = { 0 };
	const char	*headers[2] = { NULL, NULL };
	const char	*value;
	int64_t		 until_s;

	if (path == NULL)
		return error_set(e, ERR_MEMORY, "no memory left to sign in");
	if ((authorization = app_authorization(g, e)) == NULL)
		return -1;
	headers[0] = authorization;
	/* A second token does no harm: repeat blindly. */
	if (fetch_call(f, &(struct fetch_request){ .method = "POST", .path = path, .headers = headers,
	    .flags = FETCH_NO_AUTH | FETCH_REPEATABLE }, &rs, e) == -1) {
		if (e->code == ERR_NOT_FOUND)
			e->code = ERR_INVALID_CONFIGURATION;
		return error_in(e, "sign-in as GitHub App %s, installation %s", g->s.app_id, g->s.installation_id);
	}
	if ((value = json_str(rs.body, "token", NULL)) == NULL || value[0] == '\0')
		return error_set(e, ERR_INVALID_RESPONSE, "GitHub's answer to the App's sign-in holds no token");
	redact_add(value);
	if (app_may_read(rs.body, e) == -1)
		return -1;
	until_s = iso_time_s(json_str(rs.body, "expires_at", NULL));
	*expires_in_s = until_s > 0 ? until_s - (int64_t)time(NULL) : 0;
	if (*expires_in_s < 0)
		*expires_in_s = 0;
	return (*token = strdup(value)) != NULL ? 0 : error_set(e, ERR_MEMORY, "no memory left to sign in");
}
