/*
 * write.c -- commands that change: create, delete, the switches, the password.  Update is change.c.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/rest.h"

static int
unsupported(struct call *c, const char *what)
{
	return error_set(c->err, ERR_UNSUPPORTED, "unsupported command: %s (the description has no \"%s\")", c->type, what);
}

/* The id that the answers of these steps name. */
static char *
made_id(struct rest *r, const struct op *op, const struct fetch_response *last)
{
	char	*id = new_id(r, &op->steps[op->n - 1], last);

	return id != NULL ? id : new_id(r, &op->steps[0], last);
}

/*
 * It is there already: where the description takes that for what was to be made, it is found and changed to
 * what was asked for.  1: so it was; 0: it was not; -1.
 */
static int
adopt(struct rest *r, const struct object *o, struct error *exists)
{
	autoresponse	 rs = { 0 };
	autofree char	*id = NULL;

	if (r->outcome != THEN_EXISTS || o->upsert.n == 0)
		return 0;
	*exists = *r->c->err;
	*r->c->err = ERROR_NONE;
	if (op_run(r, &o->upsert, &rs) == -1)
		return -1;
	if ((id = made_id(r, &o->upsert, &rs)) == NULL) {
		*r->c->err = *exists;
		return 0;
	}
	log_info(r->c, "it exists already as %s and is changed to what was asked for", id);
	return id_set(r, id) == -1 || attributes_write(r, o, true) == -1 || emit_read(r, o, id, NULL) == -1 ? -1 : 1;
}

int
rest_account_create(struct call *c)
{
	autorest		*r = rest_new(c);
	autoresponse		 rs = { 0 };
	autofree char		*id = NULL;
	const struct object	*o;
	struct error		 exists;
	const struct step	*last;

	if (r == NULL)
		return -1;
	o = &r->d->account;
	if (o->create.n == 0)
		return unsupported(c, "create");
	if (op_run(r, &o->create, &rs) == -1)
		return r->made != NULL ? error_in(c->err, "%s was made, but is not complete", r->made) :
		    adopt(r, o, &exists) == 1 ? 0 : -1;
	last = &o->create.steps[o->create.n - 1];
	if ((id = made_id(r, &o->create, &rs)) == NULL)
		return fail_invalid_response(c, "%s: it was made, but the answer does not say its id (\"newId\")", last->where);
	if (id_set(r, id) == -1 || attributes_write(r, o, false) == -1)
		return error_in(c->err, "%s was made, but is not complete", id);
	return emit_read(r, o, id, answer_record(last, &rs));
}

/* Run for the addressed account; then it is shown, or nothing is. */
static int
switch_run(struct call *c, size_t at, const char *name, bool show)
{
	autorest	*r = rest_new(c);
	const struct op	*op;

	if (r == NULL)
		return -1;
	op = (const struct op *)(const void *)((const char *)&r->d->account + at);
	if (op->n == 0)
		return unsupported(c, name);
	if (c->identity == NULL)
		return fail_invalid_request(c, "input.identity or input.key is wanted");
	if (op_run(r, op, NULL) == -1)
		return -1;
	if (!show || r->d->account.read.n == 0)
		return emit_output(c, cJSON_CreateObject());
	return emit_read(r, &r->d->account, c->identity, NULL);
}

int
rest_account_delete(struct call *c)
{
	return switch_run(c, offsetof(struct object, remove), "delete", false);
}

int
rest_account_disable(struct call *c)
{
	return switch_run(c, offsetof(struct object, disable), "disable", true);
}

int
rest_account_enable(struct call *c)
{
	return switch_run(c, offsetof(struct object, enable), "enable", true);
}

int
rest_account_unlock(struct call *c)
{
	return switch_run(c, offsetof(struct object, unlock), "unlock", true);
}

int
rest_change_password(struct call *c)
{
	return switch_run(c, offsetof(struct object, password), "password", false);
}
