/*
 * show.c -- what can be looked at: connectors, invocations, health.
 */
#include <string.h>

#include "launcher/registry/registry.h"
#include "launcher/serve/answer.h"
#include "launcher/serve/query.h"
#include "launcher/serve/ref.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define AUDIT_ROWS	100	/* where nothing was asked */

/* The description of this API is part of the program. */
__asm__(".section .rodata\n"
    "openapi_text: .incbin \"launcher/serve/openapi.json\"\n"
    "openapi_end: .byte 0\n"
    ".previous\n");
extern const char	 openapi_text[] __attribute__((visibility("hidden")));
extern const char	 openapi_end[] __attribute__((visibility("hidden")));

static cJSON *
connector_print(const struct connector_ref *ref)
{
	cJSON	*o = cJSON_CreateObject();

	(void)json_set_str(o, "name", ref->name);
	(void)json_set_str(o, "title", ref->spec.name);
	(void)json_set_str(o, "description", json_str(ref->spec.doc, "description", NULL));
	(void)json_set(o, "commands", json_dup(json_get(ref->spec.doc, "commands")));
	return o;
}

static void
connector_add(void *arg, const char *name, const char *folder)
{
	struct connector_ref	 ref = { 0 };
	struct error		 e = ERROR_NONE;
	const cJSON		*other;

	(void)folder;
	/* The first of a name is the one that is run. */
	cJSON_ArrayForEach(other, (cJSON *)arg)
		if (strcmp(json_str(other, "name", ""), name) == 0)
			return;
	if (connector_find(name, &ref, &e) == 0)
		(void)json_push(arg, connector_print(&ref));
	connector_free(&ref);
}

/* What its tag "latest" names. */
static void
uploaded_add(cJSON *list, const char *alias)
{
	struct connector_ref	 ref = { 0 };
	struct error		 e = ERROR_NONE;

	if (ref_find(alias, "", -1, &ref, &e) == 0)
		(void)json_push(list, connector_print(&ref));
	connector_free(&ref);
}

void
show_connectors(struct exchange *x)
{
	cJSON	*o = cJSON_CreateObject(), *list = cJSON_CreateArray();

	(void)json_set(o, "connectors", list);
	for (size_t i = 0; registry_at(i) != NULL; i++)
		uploaded_add(list, registry_at(i)->alias);
	(void)connector_each(connector_add, list);
	answer_json(x->req, 200, o);
}

void
show_connector(struct exchange *x)
{
	struct connector_ref	 ref = { 0 };
	struct error		 e = ERROR_NONE;
	cJSON			*o;

	if (ref_find(x->arg, "", -1, &ref, &e) == -1)
		answer_problem(x->req, &(struct problem){ .error = &e });
	else {
		o = connector_print(&ref);
		(void)json_set(o, "spec", json_dup(ref.spec.doc));
		answer_json(x->req, 200, o);
	}
	connector_free(&ref);
}

static int
filter_take(struct journal_filter *f, const char *name, const char *value, struct error *e)
{
	const struct {
		const char	*name, **to;
	} texts[] = {
		{ "connector", &f->connector }, { "command", &f->command }, { "source", &f->source }, { "state", &f->state },
		{ "outcome", &f->outcome },
	};
	uint64_t	 n;

	for (size_t i = 0; i < N_ITEMS(texts); i++)
		if (strcmp(texts[i].name, name) == 0) {
			*texts[i].to = value;
			return 0;
		}
	if (strcmp(name, "before") == 0)
		return query_number(name, value, 1, UINT64_MAX, &f->before, e);
	if (strcmp(name, "limit") != 0)
		return error_set(e, ERR_REQUEST, "%.40s: no such parameter (there are connector, command, source, state, "
		    "outcome, before, limit)", name);
	if (query_number(name, value, 1, STORE_PAGE_MAX, &n, e) == -1)
		return -1;
	f->limit = (size_t)n;
	return 0;
}

void
show_invocations(struct exchange *x)
{
	struct journal_filter	 f = { 0 };
	struct query		 q = { 0 };
	struct error		 e = ERROR_NONE;

	if (query_read(&q, x->req, &e) == 0)
		for (size_t i = 0; i < q.n && e.code == ERR_NONE; i++)
			(void)filter_take(&f, q.names[i], q.values[i], &e);
	if (e.code != ERR_NONE)
		answer_problem(x->req, &(struct problem){ .error = &e });
	else
		answer_json(x->req, 200, journal_list(&f));
	query_free(&q);
}

void
show_invocation(struct exchange *x)
{
	cJSON	*row = journal_get(x->arg);

	if (row == NULL)
		answer_refuse(x->req, 404, ERR_NOT_FOUND, "no invocation of this id is remembered");
	else
		answer_json(x->req, 200, row);
}

void
show_audit(struct exchange *x)
{
	struct query	 q = { 0 };
	struct error	 e = ERROR_NONE;
	uint64_t	 limit = AUDIT_ROWS;
	int		 r = query_read(&q, x->req, &e);
	cJSON		*o;

	for (size_t i = 0; i < q.n && r == 0; i++)
		r = strcmp(q.names[i], "limit") == 0 ? query_number("limit", q.values[i], 1, STORE_PAGE_MAX, &limit, &e) :
		    error_set(&e, ERR_REQUEST, "%.40s: no such parameter (there is limit)", q.names[i]);
	query_free(&q);
	if (r == -1) {
		answer_problem(x->req, &(struct problem){ .error = &e });
		return;
	}
	o = cJSON_CreateObject();
	(void)json_set(o, "audit", audit_list((size_t)limit));
	answer_json(x->req, 200, o);
}

static void
status(struct exchange *x, int code, const char *word)
{
	cJSON	*o = cJSON_CreateObject();

	(void)json_set_str(o, "status", word);
	answer_json(x->req, code, o);
}

void
show_health(struct exchange *x)
{
	status(x, 200, "ok");
}

void
show_ready(struct exchange *x)
{
	status(x, server.draining ? 503 : 200, server.draining ? "draining" : "ready");
}

void
show_openapi(struct exchange *x)
{
	answer_text(x->req, 200, "application/json", openapi_text, (size_t)(openapi_end - openapi_text));
}
