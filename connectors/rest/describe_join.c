/*
 * describe_join.c -- what belongs to records of a list, and where it is asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/describe.h"

/* One request with rows. */
static void
one_list(struct op *op, const cJSON *v, const char *where, struct faults *f)
{
	op_read(op, v, where, f);
	if (v != NULL && (op->n != 1 || op->steps[0].items == NULL))
		fault(f, where, "one request with \"items\" is wanted");
}

static void
value_read(struct attr *a, const cJSON *v, const char *where, struct faults *f)
{
	struct error	 e = ERROR_NONE;

	if (v == NULL)
		fault(f, where, "\"value\" is wanted: what a record gets of a row");
	else if (cJSON_IsString(v) && v->valuestring[0] == '/')
		a->pointer = strdup(v->valuestring);
	else if ((a->value = tmpl_parse(v, &e)) == NULL)
		fault(f, where, "%s", e.msg);
	else if (tmpl_uses(a->value, ROOT_SECRET))
		fault(f, where, "a secret may not go into results");
}

static void
index_read(struct join *j, const cJSON *v, const char *where, struct faults *f)
{
	const cJSON	*members = json_get(v, "members");
	char		 at[WHERE_BYTES];

	members_only(v, "index members key on value where when read", where, f);
	op_read(&j->index, json_get(v, "index"), inside(at, where, "index"), f);
	for (size_t i = 0; i < j->index.n; i++)
		if (j->index.steps[i].items == NULL)
			fault(f, j->index.steps[i].where, "\"items\" is wanted: where the rows are in the answer");
	inside(at, where, "members");
	if (cJSON_IsString(members))
		j->members_at = pointer_read(members, at, f);
	else
		one_list(&j->members, members, at, f);
	if ((j->key = pointer_read(json_get(v, "key"), inside(at, where, "key"), f)) == NULL)
		fault(f, where, "\"key\" is wanted: where a member names its record");
	j->on = pointer_read(json_get(v, "on"), inside(at, where, "on"), f);
	value_read(&j->value, json_get(v, "value"), inside(at, where, "value"), f);
	j->when = text_read(json_get(v, "when"), inside(at, where, "when"), false, f);
	j->where = text_read(json_get(v, "where"), inside(at, where, "where"), false, f);
	one_list(&j->list, json_get(v, "read"), inside(at, where, "read"), f);
}

void
joins_read(struct object *o, const cJSON *v, const char *where, struct faults *f)
{
	char		 at[WHERE_BYTES];
	const cJSON	*m;

	if (v != NULL && !cJSON_IsObject(v)) {
		fault(f, where, "an object is wanted: name to a list");
		return;
	}
	cJSON_ArrayForEach(m, v) {
		struct join	*j = &o->joins[o->njoins];

		if (o->njoins == JOINS_MAX) {
			fault(f, where, "more than %u joins", JOINS_MAX);
			return;
		}
		o->njoins++;
		j->name = strdup(m->string);
		inside(at, where, m->string);
		if (json_get(m, "index") != NULL)
			index_read(j, m, at, f);
		else
			one_list(&j->list, m, at, f);
	}
}

void
join_plan_free(struct join *j)
{
	free(j->name);
	op_free(&j->list);
	op_free(&j->index);
	op_free(&j->members);
	free(j->members_at);
	free(j->key);
	free(j->on);
	free(j->value.pointer);
	tmpl_free(j->value.value);
	text_free(j->when);
	text_free(j->where);
}
