/*
 * beta_instance.c -- instances: one source of a connector, with the customizer that is linked to it.
 *
 * What an instance keeps of a config is no secret by its connector's specification; the rest comes with each
 * invocation.  What that cannot be told of is not kept.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/registry/registry.h"
#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "launcher/serve/beta_instance.h"
#include "launcher/serve/ref.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static void
problem(struct exchange *x, const struct error *e)
{
	answer_problem(x->req, &(struct problem){ .error = e });
}

/* The one that the path names; NULL: refused, answered. */
static const struct reg_instance *
instance(struct exchange *x)
{
	const struct reg_instance	*i;

	if (!beta_registry(x))
		return NULL;
	if ((i = registry_instance(x->arg)) == NULL)
		answer_refuse(x->req, 404, ERR_NO_CONNECTOR, "there is no instance \"%.64s\"", x->arg);
	return i;
}

/* What it has for its connector, or "" where that is gone. */
static void
connector_name(const struct reg_instance *i, char name[CONNECTOR_NAME_MAX + 1])
{
	const struct reg_connector	*c = registry_find(i->connector);
	struct connector_ref		 ref = { 0 };
	struct error			 e = ERROR_NONE;

	name[0] = '\0';
	if (c != NULL)
		snprintf(name, CONNECTOR_NAME_MAX + 1, "%s", c->alias);
	else if (ref_find(i->connector, "", -1, &ref, &e) == 0)
		ref_base(ref.name, name);
	connector_free(&ref);
}

static cJSON *
instance_print(const struct reg_instance *i)
{
	cJSON	*o = cJSON_CreateObject();

	(void)json_set_str(o, "id", i->id);
	(void)json_set_str(o, "name", i->name);
	(void)json_set(o, "connectorCustomizerId", i->customizer[0] != '\0' ? cJSON_CreateString(i->customizer) : cJSON_CreateNull());
	(void)json_set_str(o, "connectorSpecId", i->connector);
	return o;
}

/* With its config, for those who may change it or invoke its connector. */
static void
answer(struct exchange *x, const struct reg_instance *i)
{
	cJSON	*o = instance_print(i);
	char	 name[CONNECTOR_NAME_MAX + 1];

	connector_name(i, name);
	if (exchange_may(x, SCOPE_MANAGE, NULL) || (name[0] != '\0' && exchange_may(x, SCOPE_INVOKE, name)))
		(void)json_set(o, "config", i->config != NULL ? json_dup(i->config) : cJSON_CreateObject());
	answer_json(x->req, 200, o);
}

void
beta_instances(struct exchange *x)
{
	cJSON	*list = cJSON_CreateArray();

	for (size_t i = 0; registry_instance_at(i) != NULL; i++)
		(void)json_push(list, instance_print(registry_instance_at(i)));
	beta_list(x, list);
}

void
beta_instance_get(struct exchange *x)
{
	const struct reg_instance	*i = instance(x);

	if (i != NULL)
		answer(x, i);
}

static void
audit(struct exchange *x, const char *what, const struct reg_instance *i)
{
	char	 text[REG_NAME_BYTES_MAX + 3 * REG_ID_BYTES + 64];

	snprintf(text, sizeof(text), "%s %s: connector %s, customizer %s", i->id, i->name, i->connector,
	    i->customizer[0] != '\0' ? i->customizer : "none");
	audit_add(x->caller, what, text);
}

/* The draft takes the place of what it was made of, or becomes a new one. */
static void
put(struct exchange *x, const char *what, const struct draft *d)
{
	const struct reg_instance	*i = NULL;
	struct error			 e = ERROR_NONE;

	if (draft_check(d, &e) == -1 || registry_instance_put(&d->i, &i, &e) == -1) {
		problem(x, &e);
		return;
	}
	audit(x, what, i);
	answer(x, i);
}

void
beta_instance_create(struct exchange *x)
{
	struct draft	 d = { 0 };
	struct error	 e = ERROR_NONE;
	cJSON		*o = NULL;

	if (!beta_registry(x) || (o = beta_object(x)) == NULL)
		return;
	if (draft_take(&d, o, &e) == -1)
		problem(x, &e);
	else
		put(x, "instance.create", &d);
	draft_free(&d);
	json_wipe(o);		/* what is refused may be a secret */
}

/* As a whole: what the body does not name is none, but for its connector, which stays. */
void
beta_instance_replace(struct exchange *x)
{
	const struct reg_instance	*i = instance(x);
	struct draft			 d = { 0 };
	struct error			 e = ERROR_NONE;
	cJSON				*o = NULL;

	if (i == NULL || (o = beta_object(x)) == NULL)
		return;
	if (draft_of(&d, i, false, &e) == -1 || draft_take(&d, o, &e) == -1)
		problem(x, &e);
	else
		put(x, "instance.update", &d);
	draft_free(&d);
	json_wipe(o);
}

/* A list of operations (RFC 6902): all of them or none. */
void
beta_instance_patch(struct exchange *x)
{
	const struct reg_instance	*i = instance(x);
	struct draft			 d = { 0 };
	struct error			 e = ERROR_NONE;
	cJSON				*list = NULL;

	if (i == NULL || (list = beta_array(x)) == NULL)
		return;
	if (draft_of(&d, i, true, &e) == -1 || draft_patch(&d, list, &e) == -1)
		problem(x, &e);
	else
		put(x, "instance.update", &d);
	draft_free(&d);
	json_wipe(list);
}

void
beta_instance_delete(struct exchange *x)
{
	const struct reg_instance	*i = instance(x);
	struct reg_instance		 was;
	struct error			 e = ERROR_NONE;

	if (i == NULL)
		return;
	was = *i;
	was.config = NULL;
	if (registry_instance_delete(was.id, &e) == -1) {
		problem(x, &e);
		return;
	}
	audit(x, "instance.delete", &was);
	evhttp_send_reply(x->req, 204, NULL, NULL);
}

int
beta_instance_link(const struct reg_instance *i, struct connector_ref *ref, struct error *e)
{
	const struct reg_connector	*c;
	const struct reg_version	*v;
	char				 folder[REG_PATH_BYTES];

	if (i->customizer[0] == '\0')
		return 0;
	if ((c = registry_customizer(i->customizer)) == NULL)
		return error_set(e, ERR_NO_CONNECTOR, "customizer: %s of instance %s is gone", i->customizer, i->id);
	if ((v = reg_version(c, (uint32_t)c->nversions)) == NULL)
		return error_set(e, ERR_NO_CONNECTOR, "customizer: nothing was uploaded yet for %s", c->name);
	reg_folder(v, folder);
	return connector_link(ref, folder, e);
}
