/*
 * draft.c -- an instance while it is being changed.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/serve/beta_instance.h"
#include "launcher/serve/ref.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

void
draft_free(struct draft *d)
{
	json_wipe(d->i.config);
	d->i.config = NULL;
}

int
draft_of(struct draft *d, const struct reg_instance *i, bool whole, struct error *e)
{
	d->i = *i;
	d->i.config = NULL;
	if (!whole) {
		d->i.name[0] = d->i.customizer[0] = '\0';
		return 0;
	}
	if (i->config != NULL && (d->i.config = json_dup(i->config)) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	return 0;
}

static int
name_take(struct draft *d, const cJSON *v, struct error *e)
{
	if (!cJSON_IsString(v) || !reg_name_ok(v->valuestring))
		return error_set(e, ERR_REQUEST, "name: a text of 1 to %d bytes is wanted, without control characters",
		    REG_NAME_BYTES_MAX);
	snprintf(d->i.name, sizeof(d->i.name), "%s", v->valuestring);
	return 0;
}

/* A connector by its id or name; what is kept is its id. */
static int
connector_take(struct draft *d, const cJSON *v, struct error *e)
{
	const struct reg_connector	*c;
	struct connector_ref		 ref = { 0 };

	if (!cJSON_IsString(v) || v->valuestring[0] == '\0' || strchr(v->valuestring, '@') != NULL)
		return error_set(e, ERR_REQUEST, "connectorSpecId: a connector's id or name is wanted, without '@'");
	if ((c = registry_find(v->valuestring)) != NULL) {
		snprintf(d->i.connector, sizeof(d->i.connector), "%s", c->id);
		return 0;
	}
	if (ref_find(v->valuestring, "", -1, &ref, e) == -1) {
		e->code = ERR_REQUEST;
		return error_in(e, "connectorSpecId");
	}
	ref_own_id(ref.name, d->i.connector);
	connector_free(&ref);
	return 0;
}

static int
customizer_take(struct draft *d, const cJSON *v, struct error *e)
{
	d->i.customizer[0] = '\0';
	if (v == NULL || cJSON_IsNull(v) || (cJSON_IsString(v) && v->valuestring[0] == '\0'))
		return 0;
	if (!cJSON_IsString(v) || registry_customizer(v->valuestring) == NULL)
		return error_set(e, ERR_REQUEST, "connectorCustomizerId: there is no such customizer; "
		    "GET /beta/connector-customizers lists them");
	snprintf(d->i.customizer, sizeof(d->i.customizer), "%s", v->valuestring);
	return 0;
}

static int
config_take(struct draft *d, const cJSON *v, struct error *e)
{
	draft_free(d);
	if (v == NULL || cJSON_IsNull(v))
		return 0;
	if (!cJSON_IsObject(v))
		return error_set(e, ERR_REQUEST, "config: an object is wanted");
	return (d->i.config = json_dup(v)) != NULL ? 0 : error_set(e, ERR_SYSTEM, "no memory");
}

int
draft_take(struct draft *d, const cJSON *body, struct error *e)
{
	const cJSON	*spec = json_get(body, "connectorSpecId"), *ref = json_get(body, "connectorRef");
	const cJSON	*connector = spec != NULL && !cJSON_IsNull(spec) ? spec : ref;
	bool		 stays = connector == NULL && d->i.connector[0] != '\0';

	return name_take(d, json_get(body, "name"), e) == -1 || (!stays && connector_take(d, connector, e) == -1) ||
	    customizer_take(d, json_get(body, "connectorCustomizerId"), e) == -1 ||
	    config_take(d, json_get(body, "config"), e) == -1 ? -1 : 0;
}

/* One member of the config: "/config/" is behind us, ~0 and ~1 are not. */
static int
member_patch(struct draft *d, const char *pointer, const cJSON *v, struct error *e)
{
	char	 key[REG_CONFIG_KEY_BYTES + 1];
	size_t	 n = 0;

	for (; *pointer != '\0' && n < sizeof(key) - 1; pointer++)
		if (*pointer == '/')
			return error_set(e, ERR_REQUEST, "path: a member of config is changed as a whole");
		else if (*pointer == '~' && (pointer[1] == '0' || pointer[1] == '1'))
			key[n++] = *++pointer == '0' ? '~' : '/';
		else
			key[n++] = *pointer;
	key[n] = '\0';
	if (n == 0 || *pointer != '\0')
		return error_set(e, ERR_REQUEST, "path: a member's name of 1 to %d bytes is wanted", REG_CONFIG_KEY_BYTES);
	if (v == NULL) {
		cJSON_DeleteItemFromObjectCaseSensitive(d->i.config, key);
		return 0;
	}
	if (d->i.config == NULL)
		d->i.config = cJSON_CreateObject();
	return json_set(d->i.config, key, json_dup(v)) == 0 ? 0 : error_set(e, ERR_SYSTEM, "no memory");
}

static const struct {
	const char	*path;
	int		(*take)(struct draft *, const cJSON *, struct error *);
} members[] = {
	{ "/name", name_take }, { "/connectorSpecId", connector_take }, { "/connectorCustomizerId", customizer_take },
	{ "/config", config_take },
};

static int
op_apply(struct draft *d, const cJSON *op, struct error *e)
{
	const char	*what = json_str(op, "op", ""), *path = json_str(op, "path", "");
	const cJSON	*v = json_get(op, "value");
	bool		 removes = strcmp(what, "remove") == 0;

	if (!removes && strcmp(what, "replace") != 0 && strcmp(what, "add") != 0)
		return error_set(e, ERR_REQUEST, "op: add, replace or remove is wanted");
	if (!removes && v == NULL)
		return error_set(e, ERR_REQUEST, "value: %s needs one", what);
	if (removes)
		v = NULL;
	for (size_t i = 0; i < N_ITEMS(members); i++)
		if (strcmp(members[i].path, path) == 0)
			return members[i].take(d, v, e);
	if (strncmp(path, "/config/", strlen("/config/")) == 0)
		return member_patch(d, path + strlen("/config/"), v, e);
	return error_set(e, ERR_REQUEST, "path: there are /name, /connectorSpecId, /connectorCustomizerId, /config and /config/...");
}

int
draft_patch(struct draft *d, const cJSON *list, struct error *e)
{
	const cJSON	*op;
	size_t		 at = 0;

	if (cJSON_GetArraySize(list) > PATCH_OPS_MAX)
		return error_set(e, ERR_REQUEST, "the list has over %d operations", PATCH_OPS_MAX);
	cJSON_ArrayForEach(op, list) {
		if (op_apply(d, op, e) == -1)
			return error_in(e, "%zu", at);
		at++;
	}
	return 0;
}

int
draft_check(const struct draft *d, struct error *e)
{
	struct connector_ref	 ref = { 0 };
	int			 r;

	if (d->i.config == NULL || d->i.config->child == NULL)
		return 0;
	if (cJSON_GetArraySize(d->i.config) > CONFIG_MEMBERS_MAX)
		return error_set(e, ERR_REQUEST, "config: it has over %d members", CONFIG_MEMBERS_MAX);
	if (ref_find(d->i.connector, "", -1, &ref, e) == -1) {
		e->code = ERR_REQUEST;
		return error_in(e, "config: what is a secret of it cannot be told");
	}
	r = spec_plain(&ref.spec, d->i.config, e);
	connector_free(&ref);
	return r == 0 ? 0 : error_in(e, "config");
}
