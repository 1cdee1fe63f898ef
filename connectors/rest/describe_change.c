/*
 * describe_change.c -- attributes whose values come and go in their own way.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/describe.h"

const struct attr *
attr_of(const struct object *o, const char *name)
{
	for (size_t i = 0; i < o->nattrs; i++)
		if (strcmp(o->attrs[i].name, name) == 0)
			return &o->attrs[i];
	return NULL;
}

static void
one_read(struct object *o, struct routed *r, const cJSON *v, const char *where, struct faults *f)
{
	int64_t	 batch = json_i64(v, "batch", 0);
	char	 at[WHERE_BYTES];

	members_only(v, "add remove set batch:n compare:b whole:b create:b", where, f);
	op_read(&r->add, json_get(v, "add"), inside(at, where, "add"), f);
	op_read(&r->remove, json_get(v, "remove"), inside(at, where, "remove"), f);
	op_read(&r->set, json_get(v, "set"), inside(at, where, "set"), f);
	r->compare = json_bool(v, "compare", false);
	r->whole = json_bool(v, "whole", false);
	r->on_create = json_bool(v, "create", true) && r->add.n > 0;
	r->batch = (unsigned int)batch;
	if (batch < 0 || batch > VALUES_BATCH_MAX)
		fault(f, inside(at, where, "batch"), "0 to %u is wanted", VALUES_BATCH_MAX);
	if (r->whole && (r->add.n > 0 || r->remove.n > 0 || r->set.n > 0))
		fault(f, inside(at, where, "whole"), "the whole list goes by \"update\": no add, remove or set beside it");
	if (r->whole && o->update.n == 0)
		fault(f, inside(at, where, "whole"), "\"update\" is wanted, which sends it");
	if (!r->whole && r->add.n == 0 && r->remove.n == 0 && r->set.n == 0)
		fault(f, where, "\"add\", \"remove\", \"set\" or \"whole\" is wanted");
	if ((r->whole || r->compare) && o->read.n == 0)
		fault(f, where, "\"read\" is wanted, to know what it has");
	if ((r->whole || r->compare) && attr_of(o, r->attribute) == NULL)
		fault(f, where, "it is not among \"attributes\", so that nobody knows what it has");
}

void
routed_read(struct object *o, const cJSON *v, const char *where, struct faults *f)
{
	char		 at[WHERE_BYTES];
	const cJSON	*m;

	if (v == NULL)
		return;
	if (!cJSON_IsObject(v)) {
		fault(f, where, "an object is wanted: attribute to what adds and removes its values");
		return;
	}
	if ((o->routed = calloc((size_t)cJSON_GetArraySize(v) + 1, sizeof(*o->routed))) == NULL) {
		fault(f, where, "no memory");
		return;
	}
	cJSON_ArrayForEach(m, v) {
		struct routed	*r = &o->routed[o->nrouted++];

		r->attribute = strdup(m->string);
		one_read(o, r, m, inside(at, where, m->string), f);
	}
}
