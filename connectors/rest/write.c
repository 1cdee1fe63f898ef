/*
 * write.c -- the commands that change: create, update, delete, the switches, the password.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/rest.h"

static int
unsupported(struct call *c, const char *what)
{
	return error_set(c->err, ERR_UNSUPPORTED, "unsupported command: %s (the description has no \"%s\")", c->type, what);
}

int
rest_account_create(struct call *c)
{
	autorest		*r = rest_new(c);
	autoresponse		 rs = { 0 };
	autofree char		*id = NULL;
	const struct object	*o;
	const struct step	*last;

	if (r == NULL)
		return -1;
	o = &r->d->account;
	if (o->create.n == 0)
		return unsupported(c, "create");
	if (op_run(r, &o->create, &rs) == -1)
		return -1;
	last = &o->create.steps[o->create.n - 1];
	if ((id = new_id(r, last, &rs)) == NULL && (id = new_id(r, &o->create.steps[0], &rs)) == NULL)
		return fail_invalid_response(c, "%s: it was made, but the answer does not say its id (\"newId\")", last->where);
	return emit_read(r, o, id, answer_record(last, &rs));
}

/* What is changed, taken apart: what is set together, and what goes value by value. */
static const struct routed *
routed_of(const struct object *o, const char *attribute)
{
	for (size_t i = 0; i < o->nrouted; i++)
		if (strcmp(o->routed[i].attribute, attribute) == 0)
			return &o->routed[i];
	return NULL;
}

/* One request for each value. */
static int
values_run(struct rest *r, const struct op *op, const cJSON *values)
{
	int	 got = 0;

	for (size_t i = 0; got == 0 && i < value_count(values); i++) {
		r->sc.roots[ROOT_VALUE] = value_at(values, i);
		got = op_run(r, op, NULL);
	}
	r->sc.roots[ROOT_VALUE] = NULL;
	return got;
}

/* A list set as a whole, where the source knows only single values: what it has now decides which come and go. */
static int
list_set(struct rest *r, const struct object *o, const struct routed *ro, const cJSON *want)
{
	autoresponse	 rs = { 0 };
	autojson	*now = NULL;
	const cJSON	*have;
	int		 got = 0;

	if (o->read.n == 0 || ro->add.n == 0 || ro->remove.n == 0)
		return fail_invalid_request(r->c, "\"%s\" cannot be set: the description can only add or remove", ro->attribute);
	if (op_run(r, &o->read, &rs) == -1 ||
	    (now = record_map(r, o, answer_record(&o->read.steps[o->read.n - 1], &rs), r->c->err)) == NULL)
		return -1;
	have = json_get(json_get(now, "attributes"), ro->attribute);
	for (int adding = 1; got == 0 && adding >= 0; adding--) {
		const cJSON	*from = adding ? want : have, *other = adding ? have : want;

		for (size_t i = 0; got == 0 && i < value_count(from); i++) {
			bool	 there = false;

			for (size_t k = 0; k < value_count(other); k++)
				there = there || json_equal(value_at(from, i), value_at(other, k));
			if (!there)
				got = values_run(r, adding ? &ro->add : &ro->remove, value_at(from, i));
		}
	}
	return got;
}

/* 1: it was routed; 0: it goes with the others. */
static int
change_route(struct rest *r, const struct object *o, const struct change *ch)
{
	const struct routed	*ro = routed_of(o, ch->attribute);
	const struct op		*op;

	if (ro == NULL)
		return ch->op == CHANGE_SET ? 0 : fail_invalid_request(r->c,
		    "\"%s\": the description knows no single values of it (\"routed\")", ch->attribute);
	op = ch->op == CHANGE_ADD ? &ro->add : ch->op == CHANGE_REMOVE ? &ro->remove : &ro->set;
	if (ch->op == CHANGE_SET && op->n == 0)
		return list_set(r, o, ro, ch->value) == -1 ? -1 : 1;
	if (op->n == 0)
		return fail_invalid_request(r->c, "\"%s\": the description cannot %s values", ch->attribute,
		    ch->op == CHANGE_ADD ? "add" : "remove");
	return values_run(r, op, ch->value) == -1 ? -1 : 1;
}

/* An attribute that nobody knows is refused before anything is changed. */
static int
changes_check(struct rest *r, const struct object *o)
{
	struct change	 ch;
	int		 got;

	for (size_t i = 0; (got = change_at(r->c, i, &ch)) == 1; i++) {
		bool	 known = routed_of(o, ch.attribute) != NULL;

		for (size_t k = 0; !known && k < o->nattrs; k++)
			known = strcmp(o->attrs[k].name, ch.attribute) == 0;
		if (!known && strcasestr(ch.attribute, "password") == NULL)
			return fail_invalid_request(r->c, "input.changes: there is no attribute \"%.64s\"", ch.attribute);
	}
	return got;
}

int
rest_account_update(struct call *c)
{
	autorest		*r = rest_new(c);
	autojson		*set = cJSON_CreateObject();
	const struct object	*o;
	struct change		 ch;
	int			 got;

	if (r == NULL)
		return -1;
	o = &r->d->account;
	if (o->update.n == 0 && o->nrouted == 0)
		return unsupported(c, "update");
	if (c->identity == NULL)
		return fail_invalid_request(c, "input.identity or input.key is wanted");
	if (changes_check(r, o) == -1)
		return -1;
	/* What is set together first: a new name must not find its groups half changed. */
	for (size_t i = 0; (got = change_at(c, i, &ch)) == 1; i++)
		if (ch.op == CHANGE_SET && routed_of(o, ch.attribute) == NULL &&
		    json_set(set, ch.attribute, ch.value == NULL ? cJSON_CreateNull() : json_dup(ch.value)) == -1)
			return fail_generic(c, "no memory");
	r->sc.roots[ROOT_SET] = set;
	if (set->child != NULL && o->update.n == 0)
		return fail_invalid_request(c, "\"%s\" cannot be set: the description has no \"update\"", set->child->string);
	if (set->child != NULL && op_run(r, &o->update, NULL) == -1)
		return -1;
	for (size_t i = 0; (got = change_at(c, i, &ch)) == 1; i++)
		if (change_route(r, o, &ch) == -1)
			return -1;
	if (o->read.n == 0)
		return emit_output(c, cJSON_CreateObject());
	return emit_read(r, o, c->identity, NULL);
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
