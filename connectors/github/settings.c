/*
 * settings.c -- the config, read and checked before anything is sent.
 */
#include <string.h>

#include "connectors/github/github.h"

#define GH_BASE_URL	"https://api.github.com"
#define GH_API_VERSION	"2022-11-28"
#define GH_ORG_BYTES_MAX	100	/* GitHub: 39; room for servers that allow more */

static const struct {
	const char	*key;
	size_t		 offset;
	bool		 dflt;
} switches[] = {
	{ "includeInvitations", offsetof(struct settings, invitations), true },
	{ "includeFailedInvitations", offsetof(struct settings, failed_invitations), false },
	{ "includeOutsideCollaborators", offsetof(struct settings, outside), true },
	{ "readTeams", offsetof(struct settings, teams), true },
	{ "readRoles", offsetof(struct settings, roles), false },
	{ "readProfiles", offsetof(struct settings, profiles), false },
	{ "readTwoFactor", offsetof(struct settings, two_factor), false },
};

/* The value, or dflt where it is absent or empty. */
static const char *
text_or(const cJSON *config, const char *key, const char *dflt)
{
	const char	*v = json_str(config, key, NULL);

	return v != NULL && v[0] != '\0' ? v : dflt;
}

/* Numbers are as good as digits for ids: a form may store either. */
static const char *
id_text(const cJSON *config, const char *key)
{
	const cJSON	*v = json_get(config, key);

	return cJSON_IsNumber(v) ? v->valuestring : text_or(config, key, NULL);
}

static bool
is_digits(const char *s)
{
	return s[0] != '\0' && s[strspn(s, "0123456789")] == '\0';
}

static int
settings_app(const cJSON *config, struct settings *s, struct error *e)
{
	s->auth = GH_AUTH_APP;
	s->app_id = id_text(config, "appId");
	s->installation_id = id_text(config, "installationId");
	s->private_key = text_or(config, "privateKey", NULL);
	if (s->app_id == NULL)
		return error_set(e, ERR_INVALID_CONFIGURATION, "appId is missing: enter the App ID or client ID of the "
		    "GitHub App");
	if (s->installation_id == NULL || !is_digits(s->installation_id))
		return error_set(e, ERR_INVALID_CONFIGURATION, "installationId must be the number of the App's "
		    "installation in the organisation (the last part of the installation's settings URL)");
	if (s->private_key == NULL)
		return error_set(e, ERR_INVALID_CONFIGURATION, "privateKey is missing: enter the App's private key "
		    "(PEM)");
	return 0;
}

static int
settings_auth(const cJSON *config, struct settings *s, struct error *e)
{
	const char	*kind = text_or(config, "auth", "token");

	if (strcmp(kind, "app") == 0)
		return settings_app(config, s, e);
	if (strcmp(kind, "token") != 0)
		return error_set(e, ERR_INVALID_CONFIGURATION, "auth must be \"token\" or \"app\"");
	s->auth = GH_AUTH_TOKEN;
	if ((s->token = text_or(config, "token", NULL)) == NULL)
		return error_set(e, ERR_INVALID_CONFIGURATION, "token is missing: enter a personal access token of an "
		    "organisation owner");
	return 0;
}

int
settings_read(const cJSON *config, struct settings *s, struct error *e)
{
	*s = (struct settings){
		.base_url = text_or(config, "baseUrl", GH_BASE_URL),
		.org = text_or(config, "org", NULL),
		.api_version = text_or(config, "apiVersion", GH_API_VERSION),
	};
	if (s->org == NULL)
		return error_set(e, ERR_INVALID_CONFIGURATION, "org is missing: enter the organisation's login, as in "
		    "github.com/<org>");
	if (strlen(s->org) > GH_ORG_BYTES_MAX || strchr(s->org, '/') != NULL)
		return error_set(e, ERR_INVALID_CONFIGURATION, "org must be the organisation's login alone, not a URL");
	if (s->api_version[strspn(s->api_version, "0123456789-")] != '\0')
		return error_set(e, ERR_INVALID_CONFIGURATION, "apiVersion must be a date such as " GH_API_VERSION);
	for (size_t i = 0; i < N_ITEMS(switches); i++)
		*(bool *)((char *)s + switches[i].offset) = json_bool(config, switches[i].key, switches[i].dflt);
	return settings_auth(config, s, e);
}
