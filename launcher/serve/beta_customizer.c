/*
 * beta_customizer.c -- customizers, as the platform has them: bundles of their own that are linked to instances.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/registry/registry.h"
#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "launcher/serve/moment.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static void
problem(struct exchange *x, const struct error *e)
{
	answer_problem(x->req, &(struct problem){ .error = e });
}

const struct reg_connector *
beta_customizer(struct exchange *x)
{
	const struct reg_connector	*c;

	if (!beta_registry(x))
		return NULL;
	if ((c = registry_customizer(x->arg)) == NULL)
		answer_refuse(x->req, 404, ERR_NO_CONNECTOR, "there is no customizer \"%.64s\"", x->arg);
	return c;
}

void
beta_image_id(const struct reg_version *v, char id[BETA_IMAGE_BYTES + 1])
{
	snprintf(id, BETA_IMAGE_BYTES + 1, "%.*s", BETA_IMAGE_BYTES, v->sha256);
}

static cJSON *
customizer_print(const struct reg_connector *c)
{
	const struct reg_version	*v = reg_version(c, (uint32_t)c->nversions);
	char				 at[MOMENT_BYTES], image[BETA_IMAGE_BYTES + 1];
	cJSON				*o = cJSON_CreateObject();

	(void)json_set_str(o, "id", c->id);
	(void)json_set_str(o, "name", c->name);
	if (v != NULL) {
		beta_image_id(v, image);
		(void)json_set(o, "imageVersion", json_int(v->number));
		(void)json_set_str(o, "imageID", image);
	}
	moment_print(c->created_ms, at);
	(void)json_set_str(o, "tenantID", BETA_TENANT);
	(void)json_set_str(o, "created", at);
	return o;
}

void
beta_customizers(struct exchange *x)
{
	cJSON	*list = cJSON_CreateArray();

	for (size_t i = 0; registry_customizer_at(i) != NULL; i++)
		(void)json_push(list, customizer_print(registry_customizer_at(i)));
	beta_list(x, list);
}

void
beta_customizer_get(struct exchange *x)
{
	const struct reg_connector	*c = beta_customizer(x);

	if (c != NULL)
		answer_json(x->req, 200, customizer_print(c));
}

/* The command line tool wants 200, and asks at /beta; what was made of the published API wants 201, elsewhere. */
static int
created_status(struct exchange *x)
{
	const char	*path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(x->req));

	return path != NULL && strncmp(path, "/beta/", strlen("/beta/")) == 0 ? 200 : 201;
}

void
beta_customizer_create(struct exchange *x)
{
	const struct reg_connector	*c = NULL;
	struct error			 e = ERROR_NONE;
	autojson			*o = NULL;

	if (!beta_registry(x) || (o = beta_object(x)) == NULL)
		return;
	if (registry_customizer_create(json_str(o, "name", ""), &c, &e) == -1) {
		problem(x, &e);
		return;
	}
	audit_add(x->caller, "customizer.create", c->name);
	answer_json(x->req, created_status(x), customizer_print(c));
}

void
beta_customizer_rename(struct exchange *x)
{
	const struct reg_connector	*c = beta_customizer(x);
	char				 id[REG_ID_BYTES + 1], text[2 * REG_NAME_BYTES_MAX + 8];
	struct error			 e = ERROR_NONE;
	autojson			*o = NULL;

	if (c == NULL || (o = beta_object(x)) == NULL)
		return;
	snprintf(id, sizeof(id), "%s", c->id);
	snprintf(text, sizeof(text), "%s -> ", c->name);
	if (registry_customizer_rename(id, json_str(o, "name", ""), &e) == -1) {
		problem(x, &e);
		return;
	}
	c = registry_customizer(id);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s", c->name);
	audit_add(x->caller, "customizer.rename", text);
	answer_json(x->req, 200, customizer_print(c));
}

void
beta_customizer_delete(struct exchange *x)
{
	const struct reg_connector	*c = beta_customizer(x);
	char				 name[REG_NAME_BYTES_MAX + 1];
	struct error			 e = ERROR_NONE;

	if (c == NULL || !beta_unused(x, c))
		return;
	snprintf(name, sizeof(name), "%s", c->name);
	if (registry_delete(c->id, &e) == -1) {
		problem(x, &e);
		return;
	}
	audit_add(x->caller, "customizer.delete", name);
	evhttp_send_reply(x->req, 204, NULL, NULL);
}
