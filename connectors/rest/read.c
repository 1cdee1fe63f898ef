/*
 * read.c -- the commands that read: test, list, read.
 */
#include <string.h>

#include "connectors/rest/rest.h"

static int
unsupported(struct call *c)
{
	return error_set(c->err, ERR_UNSUPPORTED, "unsupported command: %s (the description has nothing for it)", c->type);
}

int
rest_test(struct call *c)
{
	autorest	*r = rest_new(c);

	if (r == NULL || op_run(r, &r->d->test, NULL) == -1)
		return -1;
	return emit_output(c, cJSON_CreateObject());
}

static int
list(struct rest *r, const struct object *o)
{
	if (delta_wanted(r->c, o))
		return changes_list(r, o);
	return o->list.n == 0 ? unsupported(r->c) : records_list(r, o, &o->list, r->c->err);
}

int
rest_account_list(struct call *c)
{
	autorest	*r = rest_new(c);

	return r == NULL ? -1 : list(r, &r->d->account);
}

int
emit_read(struct rest *r, const struct object *o, const char *id, const cJSON *fallback)
{
	autoresponse	 rs = { 0 };
	const cJSON	*row = fallback;
	cJSON		*out;

	if (o->read.n > 0 && (fallback == NULL || o->read_back)) {
		if (id_set(r, id) == -1 || op_run(r, &o->read, &rs) == -1)
			return -1;
		row = answer_record(&o->read.steps[o->read.n - 1], &rs);
	}
	if (row == NULL)
		return fail_invalid_response(r->c, "%s: the answer has no record where one is described",
		    o->read.n > 0 ? o->read.steps[o->read.n - 1].where : "/");
	if ((out = record_map(r, o, row, r->c->err)) == NULL)
		return -1;
	return emit_output(r->c, out);
}

int
rest_account_read(struct call *c)
{
	autorest	*r = rest_new(c);

	if (r == NULL)
		return -1;
	if (r->d->account.read.n == 0)
		return unsupported(c);
	if (c->identity == NULL)
		return fail_invalid_request(c, "input.identity or input.key is wanted");
	return emit_read(r, &r->d->account, c->identity, NULL);
}

static const struct object *
entitlement_of(struct rest *r)
{
	const char	*type = json_str(r->c->input, "type", "");

	for (size_t i = 0; i < r->d->nentitlements; i++)
		if (strcmp(r->d->entitlements[i].type, type) == 0)
			return &r->d->entitlements[i];
	/* One kind needs no name. */
	if (type[0] == '\0' && r->d->nentitlements == 1)
		return &r->d->entitlements[0];
	fail_invalid_request(r->c, "input.type: there is no entitlement \"%.64s\"", type);
	return NULL;
}

int
rest_entitlement_list(struct call *c)
{
	autorest		*r = rest_new(c);
	const struct object	*o = r == NULL ? NULL : entitlement_of(r);

	return o == NULL ? -1 : list(r, o);
}

int
rest_entitlement_read(struct call *c)
{
	autorest		*r = rest_new(c);
	const struct object	*o = r == NULL ? NULL : entitlement_of(r);

	if (o == NULL)
		return -1;
	if (o->read.n == 0)
		return unsupported(c);
	if (c->identity == NULL)
		return fail_invalid_request(c, "input.identity or input.key is wanted");
	return emit_read(r, o, c->identity, NULL);
}
