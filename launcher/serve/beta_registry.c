/*
 * beta_registry.c -- connectors, versions and tags, as the platform has them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <event2/buffer.h>

#include "launcher/core/files.h"
#include "launcher/registry/registry.h"
#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "launcher/serve/ref.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

/* A connector of either kind: c where it was uploaded, else what came with the server. */
struct subject {
	const struct reg_connector	*c;
	char				 id[REF_ID_BYTES + 1], alias[CONNECTOR_NAME_MAX + 1];
};

static void
problem(struct exchange *x, const struct error *e)
{
	answer_problem(x->req, &(struct problem){ .error = e });
}

static int
subject_find(struct exchange *x, struct subject *s)
{
	struct connector_ref	 ref = { 0 };
	struct error		 e = ERROR_NONE;

	if ((s->c = registry_find(x->arg)) != NULL) {
		snprintf(s->id, sizeof(s->id), "%s", s->c->id);
		snprintf(s->alias, sizeof(s->alias), "%s", s->c->alias);
		return 0;
	}
	if (strchr(x->arg, '@') != NULL)
		(void)error_set(&e, ERR_NO_CONNECTOR, "a connector's name or id is wanted here, without '@'");
	else if (ref_find(x->arg, "", -1, &ref, &e) == 0) {
		snprintf(s->alias, sizeof(s->alias), "%s", ref.name);
		ref_own_id(ref.name, s->id);
		connector_free(&ref);
		return 0;
	}
	problem(x, &e);
	return -1;
}

bool
beta_registry(struct exchange *x)
{
	if (!registry_is_open())
		answer_refuse(x->req, 501, ERR_UNSUPPORTED, "this server keeps no registry: start it with --registry DIR");
	return registry_is_open();
}

bool
beta_unused(struct exchange *x, const struct reg_connector *c)
{
	size_t	 n = registry_instances_of(c->id);

	if (n > 0)
		answer_refuse(x->req, 409, ERR_REQUEST, "%zu instances name %s; GET /beta/connector-instances lists them", n,
		    reg_called(c));
	return n == 0;
}

/* One that may be changed; NULL: refused, answered. */
const struct reg_connector *
beta_connector(struct exchange *x)
{
	struct subject	 s;

	if (!beta_registry(x) || subject_find(x, &s) == -1)
		return NULL;
	if (s.c == NULL)
		answer_refuse(x->req, 409, ERR_REQUEST, "%s came with the server and is not changed here", s.alias);
	return s.c;
}

static cJSON *
connector_print(const char *id, const char *alias)
{
	cJSON	*o = cJSON_CreateObject();

	(void)json_set_str(o, "id", id);
	(void)json_set_str(o, "alias", alias);
	return o;
}

static cJSON *
version_print(const char *id, uint32_t number)
{
	cJSON	*o = cJSON_CreateObject();

	(void)json_set_str(o, "connectorId", id);
	(void)json_set(o, "version", json_int(number));
	return o;
}

static cJSON *
tag_print(const char *id, const char *name, uint32_t version)
{
	cJSON	*o = cJSON_CreateObject();
	char	 text[REF_ID_BYTES + REG_TAG_BYTES_MAX + 8], tag_id[REF_ID_BYTES + 1];

	snprintf(text, sizeof(text), "%s tag %s", id, name);
	reg_uuid_of(text, tag_id);
	(void)json_set_str(o, "id", tag_id);
	(void)json_set_str(o, "tagName", name);
	(void)json_set(o, "activeVersion", json_int(version));
	return o;
}

static void
own_add(void *arg, const char *name, const char *folder)
{
	char		 id[REF_ID_BYTES + 1];
	const cJSON	*other;

	(void)folder;
	/* The first of a name is the one that is run. */
	cJSON_ArrayForEach(other, (cJSON *)arg)
		if (strcmp(json_str(other, "alias", ""), name) == 0)
			return;
	ref_own_id(name, id);
	(void)json_push(arg, connector_print(id, name));
}

void
beta_connectors(struct exchange *x)
{
	cJSON	*list = cJSON_CreateArray();

	for (size_t i = 0; registry_at(i) != NULL; i++)
		(void)json_push(list, connector_print(registry_at(i)->id, registry_at(i)->alias));
	(void)connector_each(own_add, list);
	beta_list(x, list);
}

void
beta_connector_get(struct exchange *x)
{
	struct subject	 s;

	if (subject_find(x, &s) == 0)
		answer_json(x->req, 200, connector_print(s.id, s.alias));
}

/* The alias of a body, free for use; false with *e. */
static bool
alias_take(const cJSON *o, const char **alias, struct error *e)
{
	struct connector_ref	 ref = { 0 };
	struct error		 no = ERROR_NONE;

	if ((*alias = json_str(o, "alias", NULL)) == NULL) {
		(void)error_set(e, ERR_REQUEST, "alias: a text is wanted");
		return false;
	}
	if (!reg_alias_ok(*alias) || connector_find(*alias, &ref, &no) == -1)
		return true;		/* the registry has a word for either */
	connector_free(&ref);
	(void)error_set(e, ERR_REQUEST, "alias: \"%s\" came with the server", *alias);
	return false;
}

static void
audit(struct exchange *x, const char *what, const char *detail)
{
	audit_add(x->caller, what, detail);
}

void
beta_connector_create(struct exchange *x)
{
	const struct reg_connector	*c = NULL;
	const char			*alias;
	struct error			 e = ERROR_NONE;
	autojson			*o = NULL;

	if (!beta_registry(x) || (o = beta_object(x)) == NULL)
		return;
	if (!alias_take(o, &alias, &e) || registry_create(alias, &c, &e) == -1) {
		problem(x, &e);
		return;
	}
	audit(x, "connector.create", alias);
	answer_json(x->req, 200, connector_print(c->id, c->alias));
}

void
beta_connector_rename(struct exchange *x)
{
	const struct reg_connector	*c = beta_connector(x);
	char				 id[REG_ID_BYTES + 1], text[2 * REG_ALIAS_BYTES_MAX + 8];
	const char			*alias;
	struct error			 e = ERROR_NONE;
	autojson			*o = NULL;

	if (c == NULL || (o = beta_object(x)) == NULL)
		return;
	snprintf(id, sizeof(id), "%s", c->id);
	snprintf(text, sizeof(text), "%s", c->alias);
	if (!alias_take(o, &alias, &e) || registry_rename(id, alias, &e) == -1) {
		problem(x, &e);
		return;
	}
	snprintf(text + strlen(text), sizeof(text) - strlen(text), " -> %s", alias);
	audit(x, "connector.rename", text);
	answer_json(x->req, 200, connector_print(id, alias));
}

void
beta_connector_delete(struct exchange *x)
{
	const struct reg_connector	*c = beta_connector(x);
	char				 alias[REG_ALIAS_BYTES_MAX + 1];
	struct error			 e = ERROR_NONE;

	if (c == NULL || !beta_unused(x, c))
		return;
	snprintf(alias, sizeof(alias), "%s", c->alias);
	if (registry_delete(c->id, &e) == -1) {
		problem(x, &e);
		return;
	}
	audit(x, "connector.delete", alias);
	evhttp_send_reply(x->req, 204, NULL, NULL);
}

void
beta_versions(struct exchange *x)
{
	struct subject	 s;
	cJSON		*list;

	if (subject_find(x, &s) == -1)
		return;
	list = cJSON_CreateArray();
	if (s.c == NULL)
		(void)json_push(list, version_print(s.id, REF_OWN_VERSION));
	for (size_t i = 0; s.c != NULL && i < s.c->nversions; i++)
		(void)json_push(list, version_print(s.id, s.c->versions[i].number));
	beta_list(x, list);
}

void
beta_tags(struct exchange *x)
{
	struct subject	 s;
	cJSON		*list;

	if (subject_find(x, &s) == -1)
		return;
	list = cJSON_CreateArray();
	if (s.c == NULL)
		(void)json_push(list, tag_print(s.id, REG_LATEST, REF_OWN_VERSION));
	for (size_t i = 0; s.c != NULL && i < s.c->ntags; i++)
		(void)json_push(list, tag_print(s.id, s.c->tags[i].name, s.c->tags[i].version));
	beta_list(x, list);
}

void
beta_tag_get(struct exchange *x)
{
	struct subject		 s;
	const struct reg_tag	*t;

	if (subject_find(x, &s) == -1)
		return;
	if (s.c == NULL && strcmp(x->arg2, REG_LATEST) == 0)
		answer_json(x->req, 200, tag_print(s.id, REG_LATEST, REF_OWN_VERSION));
	else if (s.c != NULL && (t = reg_tag(s.c, x->arg2)) != NULL)
		answer_json(x->req, 200, tag_print(s.id, t->name, t->version));
	else
		answer_refuse(x->req, 404, ERR_NO_CONNECTOR, "%s has no tag \"%.64s\"", s.alias, x->arg2);
}

/* Moves or makes; name is the body's where the path has none. */
static void
tag_put(struct exchange *x, const char *name, bool fresh)
{
	const struct reg_connector	*c = beta_connector(x);
	char				 id[REG_ID_BYTES + 1], text[160];
	struct error			 e = ERROR_NONE;
	autojson			*o = NULL;
	int64_t				 n;

	if (c == NULL || (o = beta_object(x)) == NULL)
		return;
	if (name == NULL)
		name = json_str(o, "tagName", "");
	n = json_i64(o, "activeVersion", -1);
	if (fresh && reg_tag(c, name) != NULL)
		answer_refuse(x->req, 409, ERR_REQUEST, "tagName: %s has a tag \"%.64s\"; PUT moves it", c->alias, name);
	else if (!fresh && reg_tag(c, name) == NULL)
		answer_refuse(x->req, 404, ERR_NO_CONNECTOR, "%s has no tag \"%.64s\"; POST makes it", c->alias, name);
	else if (n < 0 || n > UINT32_MAX)
		answer_refuse(x->req, 400, ERR_REQUEST, "activeVersion: a version's number is wanted");
	else {
		snprintf(id, sizeof(id), "%s", c->id);
		snprintf(text, sizeof(text), "%s@%.64s -> %lld", c->alias, name, (long long)n);
		if (registry_tag(id, name, (uint32_t)n, &e) == -1) {
			problem(x, &e);
			return;
		}
		audit(x, "connector.tag", text);
		answer_json(x->req, 200, tag_print(id, name, (uint32_t)n));
	}
}

void
beta_tag_create(struct exchange *x)
{
	tag_put(x, NULL, true);
}

void
beta_tag_move(struct exchange *x)
{
	tag_put(x, x->arg2, false);
}

void
show_source(struct exchange *x)
{
	const struct reg_connector	*c = registry_find(x->arg);
	const struct reg_version	*v;
	char				 path[REG_PATH_BYTES], text[80];
	struct evbuffer			*b;
	unsigned long			 n = strtoul(x->arg2, NULL, 10);
	autofd				 fd = -1;

	if (c == NULL || n > UINT32_MAX || x->arg2[strspn(x->arg2, "0123456789")] != '\0' ||
	    (v = reg_version(c, (uint32_t)n)) == NULL) {
		answer_refuse(x->req, 404, ERR_NO_CONNECTOR, "no such version was uploaded");
		return;
	}
	reg_source(v, path);
	if ((fd = files_open(path, O_RDONLY, 0)) == -1 || (b = evbuffer_new()) == NULL) {
		answer_refuse(x->req, 500, ERR_SYSTEM, "its archive cannot be read");
		return;
	}
	/* Takes the descriptor. */
	if (evbuffer_add_file(b, fd, 0, (ev_off_t)v->bytes) == -1)
		answer_refuse(x->req, 500, ERR_SYSTEM, "its archive cannot be read");
	else {
		(void)fd_steal(&fd);
		answer_header(x->req, "Content-Type", "application/zip");
		answer_header(x->req, "X-Content-Type-Options", "nosniff");
		snprintf(text, sizeof(text), "\"%s\"", v->sha256);
		answer_header(x->req, "ETag", text);
		evhttp_send_reply(x->req, 200, NULL, b);
	}
	evbuffer_free(b);
}
