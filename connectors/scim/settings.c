/*
 * settings.c -- the configuration, read once, with defaults for an ordinary server.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/scim/scim.h"

#define SCIM_JSON	"application/scim+json"

struct word {
	const char	*text;
	int		 value;
};

static const struct word auth_words[] = {
	{ "bearer", AUTH_BEARER }, { "basic", AUTH_BASIC }, { "oauth2", AUTH_OAUTH2_CC }, { "apiKey", AUTH_API_KEY },
	{ NULL, 0 }
}, groups_words[] = {
	{ "user", GROUPS_FROM_USER }, { "list", GROUPS_FROM_LIST }, { "each", GROUPS_FROM_EACH },
	{ "none", GROUPS_FROM_NONE }, { NULL, 0 }
}, write_words[] = {
	{ "auto", WRITE_AUTO }, { "patch", WRITE_PATCH }, { "put", WRITE_PUT }, { NULL, 0 }
}, member_words[] = {
	{ "path", MEMBER_FILTER_PATH }, { "valuePath", MEMBER_FILTER_VALUE }, { "none", MEMBER_FILTER_NONE },
	{ NULL, 0 }
}, remove_words[] = {
	{ "path", false }, { "value", true }, { NULL, 0 }
}, delete_words[] = {
	{ "delete", false }, { "deactivate", true }, { NULL, 0 }
}, content_words[] = {
	{ SCIM_JSON, 0 }, { "application/json", 1 }, { NULL, 0 }
};

/* Empty is absent: forms send empty strings for what was never filled in. */
static const char *
text(const cJSON *config, const char *key)
{
	const char	*s = json_str(config, key, NULL);

	return s != NULL && s[strspn(s, " \t\r\n")] != '\0' ? s : NULL;
}

static bool
flag(const cJSON *config, const char *key, bool dflt)
{
	const char	*s = text(config, key);

	if (s != NULL)
		return strcasecmp(s, "true") == 0;
	return json_bool(config, key, dflt);
}

/* The value of the word; -1 with *e, or the first of the table where the key is absent. */
static int
choice(const cJSON *config, const char *key, const struct word *words, int *out, struct error *e)
{
	const char	*s = text(config, key);

	for (const struct word *w = words; w->text != NULL; w++)
		if (s == NULL || strcmp(s, w->text) == 0) {
			*out = w->value;
			return 0;
		}
	return error_set(e, ERR_INVALID_CONFIGURATION, "config.%s: \"%.40s\" is none of its choices", key, s);
}

static int
need(const cJSON *config, const char *key, const char *what, const char **out, struct error *e)
{
	if ((*out = text(config, key)) == NULL)
		return error_set(e, ERR_INVALID_CONFIGURATION, "config.%s is missing: enter the %s", key, what);
	return 0;
}

static int
read_auth(const cJSON *config, struct auth *a, struct error *e)
{
	int	kind = AUTH_BEARER;

	if (choice(config, "authKind", auth_words, &kind, e) == -1)
		return -1;
	a->kind = (enum auth_kind)kind;
	switch (a->kind) {
	case AUTH_BASIC:
		if (need(config, "username", "user name", &a->user, e) == -1)
			return -1;
		return need(config, "password", "password", &a->secret, e);
	case AUTH_API_KEY:
		if ((a->name = text(config, "apiKeyHeader")) == NULL)
			a->name = "X-API-Key";
		a->prefix = json_str(config, "apiKeyPrefix", NULL);
		return need(config, "apiKey", "API key", &a->secret, e);
	case AUTH_OAUTH2_CC:
		a->scope = text(config, "scope");
		a->audience = text(config, "audience");
		a->secret_in_body = flag(config, "secretInBody", false);
		if (need(config, "tokenUrl", "token URL", &a->token_url, e) == -1 ||
		    need(config, "clientId", "client id", &a->user, e) == -1)
			return -1;
		return need(config, "clientSecret", "client secret", &a->secret, e);
	default:
		return need(config, "token", "bearer token", &a->secret, e);
	}
}

static int
read_choices(const cJSON *config, struct scim_settings *s, struct error *e)
{
	int	groups, member, remove, write, delete, content;

	if (choice(config, "groupsFrom", groups_words, &groups, e) == -1 ||
	    choice(config, "memberFilter", member_words, &member, e) == -1 ||
	    choice(config, "memberRemove", remove_words, &remove, e) == -1 ||
	    choice(config, "writeBy", write_words, &write, e) == -1 ||
	    choice(config, "deleteMode", delete_words, &delete, e) == -1 ||
	    choice(config, "contentType", content_words, &content, e) == -1)
		return -1;
	s->groups_from = (enum scim_groups_from)groups;
	s->member_filter = (enum scim_member_filter)member;
	s->member_remove_by_value = remove;
	s->write_by = (enum scim_write_by)write;
	s->delete_deactivates = delete;
	s->content_type = content_words[content].text;
	s->can_filter = flag(config, "filterSupported", true);
	if (!s->can_filter)
		s->member_filter = MEMBER_FILTER_NONE;
	s->limit_attributes = flag(config, "limitAttributes", false);
	s->delta = flag(config, "deltaByFilter", true) && s->can_filter;
	s->one_value = flag(config, "singleValuesOnly", false);
	return 0;
}

static int
read_rest(const cJSON *config, struct scim_settings *s, struct error *e)
{
	const char	*active = text(config, "activeAttribute");
	int64_t		 rows = SCIM_PAGE_ROWS;

	if (text(config, "pageSize") != NULL || cJSON_IsNumber(json_get(config, "pageSize")))
		rows = json_i64(config, "pageSize", -1);
	if (rows < 1 || rows > SCIM_PAGE_ROWS_MAX)
		return error_set(e, ERR_INVALID_CONFIGURATION, "config.pageSize: enter a number from 1 to %u",
		    SCIM_PAGE_ROWS_MAX);
	s->page_rows = (unsigned int)rows;
	s->user_filter = text(config, "userFilter");
	s->group_filter = text(config, "groupFilter");
	s->sort_by = text(config, "sortBy");
	if (!s->can_filter && (s->user_filter != NULL || s->group_filter != NULL))
		return error_set(e, ERR_INVALID_CONFIGURATION,
		    "config.userFilter and groupFilter need a server that filters: see config.filterSupported");
	if (scim_path_parse(active != NULL ? active : "active", &s->active, e) == -1)
		return error_in(e, "config.activeAttribute");
	return 0;
}

int
scim_settings_read(const cJSON *config, struct scim_settings *s, struct error *e)
{
	const char	*url;
	size_t		 n;

	*s = (struct scim_settings){ 0 };
	if (need(config, "baseUrl", "address of the SCIM service", &url, e) == -1 ||
	    read_auth(config, &s->auth, e) == -1 || read_choices(config, s, e) == -1)
		return -1;
	for (n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
		;
	if ((s->base_url = strndup(url, n)) == NULL)
		return error_set(e, ERR_SYSTEM, "settings: no memory");
	if (read_rest(config, s, e) == -1) {
		free(s->base_url);
		s->base_url = NULL;
		return -1;
	}
	return 0;
}

/* The SCIM error type says what the status only hints at; the detail is in the text already. */
static void
explain(void *arg, const struct fetch_response *rs, struct error *e)
{
	const char	*type = json_str(rs->body, "scimType", "");
	const char	*hint = rs->status == 409 || strcmp(type, "uniqueness") == 0 ? ": it exists already" : "";
	size_t		 n = strlen(e->msg);

	(void)arg;
	if (rs->status == 409)
		e->code = ERR_INVALID_REQUEST;
	if (rs->status == 412)
		e->code = ERR_UPSTREAM;		/* somebody else changed it meanwhile */
	if (type[0] != '\0' && n < sizeof(e->msg))
		snprintf(e->msg + n, sizeof(e->msg) - n, " (%.40s%s)", type, hint);
	else if (hint[0] != '\0')
		snprintf(e->msg + n, sizeof(e->msg) - n, "%s", hint);
}

struct scim *
scim_open(struct call *c)
{
	autoscim		*s = calloc(1, sizeof(*s));
	const cJSON		*schema = json_get(c->input, "schema");
	struct fetch_options	 o = { .accept = SCIM_JSON ", application/json", .explain = explain };
	struct scim		*opened;

	if (s == NULL) {
		(void)fail_generic(c, "no memory");
		return NULL;
	}
	s->c = c;
	if (c->cmd == CMD_ENTITLEMENT_LIST || c->cmd == CMD_ENTITLEMENT_READ)
		schema = NULL;
	if (scim_settings_read(c->config, &s->set, c->err) == -1 ||
	    scim_map_init(&s->map, c->config, schema, c->spec, c->err) == -1)
		return NULL;
	o.base_url = s->set.base_url;
	o.auth = s->set.auth;
	o.content_type = s->set.content_type;
	if ((s->f = fetch_new(c, &o)) == NULL)
		return NULL;
	opened = s;
	s = NULL;
	return opened;
}

void
scim_close(struct scim *s)
{
	if (s == NULL)
		return;
	if (s->f != NULL)
		fetch_free(s->f);
	scim_map_free(&s->map);
	scim_path_free(&s->set.active);
	free(s->set.base_url);
	free(s);
}
