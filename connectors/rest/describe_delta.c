/*
 * describe_delta.c -- what has changed since the last list, and how that is asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/describe.h"

static void
rows_wanted(const struct op *op, struct faults *f)
{
	for (size_t i = 0; i < op->n; i++)
		if (op->steps[i].items == NULL)
			fault(f, op->steps[i].where, "\"items\" is wanted: where the rows are in the answer");
}

void
delta_read(struct delta *d, const cJSON *v, const cJSON *spec, const char *where, struct faults *f)
{
	const cJSON	*since = json_get(v, "since");
	char		 at[WHERE_BYTES];
	struct error	 e = ERROR_NONE;

	if (v == NULL)
		return;
	members_only(v, "list link since deleted deletions deletedId", where, f);
	op_read(&d->list, json_get(v, "list"), inside(at, where, "list"), f);
	rows_wanted(&d->list, f);
	d->link = pointer_read(json_get(v, "link"), inside(at, where, "link"), f);
	if (cJSON_IsString(since) && since->valuestring[0] == '/')
		d->since.pointer = strdup(since->valuestring);
	else if (since != NULL && (d->since.value = tmpl_parse(since, &e)) == NULL)
		fault(f, inside(at, where, "since"), "%s", e.msg);
	else if (since != NULL && tmpl_uses(d->since.value, ROOT_SECRET))
		fault(f, inside(at, where, "since"), "a secret may not go into a state");
	d->deleted = text_read(json_get(v, "deleted"), inside(at, where, "deleted"), false, f);
	op_read(&d->deletions, json_get(v, "deletions"), inside(at, where, "deletions"), f);
	rows_wanted(&d->deletions, f);
	d->deleted_id = pointer_read(json_get(v, "deletedId"), inside(at, where, "deletedId"), f);
	if (d->list.n == 0)
		fault(f, where, "\"list\" is wanted: what asks for changes");
	if ((d->link != NULL) == (since != NULL))
		fault(f, where, "\"link\" (where the last page says how to go on next time) or \"since\" (when a record changed) is "
		    "wanted, and one of them");
	if (d->link != NULL && d->list.n > 1)
		fault(f, inside(at, where, "list"), "a link belongs to one request");
	if (!json_bool(spec, "supportsStatefulCommands", false))
		fault(f, where, "connector-spec.json does not say \"supportsStatefulCommands\"");
}

void
delta_free(struct delta *d)
{
	op_free(&d->list);
	free(d->link);
	free(d->since.pointer);
	tmpl_free(d->since.value);
	text_free(d->deleted);
	op_free(&d->deletions);
	free(d->deleted_id);
}
