/*
 * change.c -- std:account:update: what is set goes together, what comes and goes value by value goes its own way.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/rest.h"

/* An update under way. */
struct updating {
	struct rest		*r;
	const struct object	*o;
	cJSON			*set;		/* ${set}: attribute to value; null clears */
	cJSON			*now;		/* attributes as the source has them, and as they were changed since; NULL: not read */
};

static const struct routed *
routed_of(const struct object *o, const char *attribute)
{
	for (size_t i = 0; i < o->nrouted; i++)
		if (strcmp(o->routed[i].attribute, attribute) == 0)
			return &o->routed[i];
	return NULL;
}

static int
no_memory(struct rest *r)
{
	return fail_generic(r->c, "no memory");
}

/* A number and the text of its digits are one value: platforms write ids as texts. */
static bool
same(const cJSON *a, const cJSON *b)
{
	char		 one[64], two[64];
	const char	*x = json_scalar_text(a, one, sizeof(one)), *y = json_scalar_text(b, two, sizeof(two));

	return json_equal(a, b) || (x != NULL && y != NULL && strcmp(x, y) == 0);
}

static bool
among(const cJSON *list, const cJSON *v)
{
	for (size_t i = 0; i < value_count(list); i++)
		if (same(value_at(list, i), v))
			return true;
	return false;
}

/* What a list is after a change; with only: of the change's values those that make a difference.  NULL: no memory. */
static cJSON *
list_after(const cJSON *have, enum change_op op, const cJSON *values, bool only)
{
	autojson	*out = only ? cJSON_CreateArray() : op == CHANGE_SET ? value_array(values) : value_array(have);

	if (out == NULL || (op == CHANGE_SET && !only))
		return json_steal(&out);
	for (size_t i = 0; i < value_count(values); i++) {
		const cJSON	*v = value_at(values, i);
		bool		 there = among(only ? have : out, v);

		if (there != (op == CHANGE_REMOVE) || (only && among(out, v)))
			continue;
		if (op == CHANGE_REMOVE && !only) {
			for (int k = cJSON_GetArraySize(out) - 1; k >= 0; k--)
				if (same(cJSON_GetArrayItem(out, k), v))
					cJSON_DeleteItemFromArray(out, k);
		} else if (json_push(out, json_dup(v)) == -1)
			return NULL;
	}
	return json_steal(&out);
}

/* Reads what the account has, once. */
static int
now_read(struct updating *u)
{
	struct rest	*r = u->r;
	autoresponse	 rs = { 0 };
	autojson	*account = NULL;
	const cJSON	*row;

	if (u->now != NULL)
		return 0;
	if (u->o->read.n == 0)
		return fail_invalid_request(r->c, "what the account has cannot be read: the description has no \"read\"");
	if (op_run(r, &u->o->read, &rs) == -1)
		return -1;
	if ((row = answer_record(&u->o->read.steps[u->o->read.n - 1], &rs)) == NULL)
		return fail_invalid_response(r->c, "%s: the answer has no record where one is described",
		    u->o->read.steps[u->o->read.n - 1].where);
	if ((account = record_map(r, u->o, row, r->c->err)) == NULL)
		return -1;
	u->now = cJSON_DetachItemFromObject(account, "attributes");
	return u->now == NULL ? no_memory(r) : 0;
}

/* After a change: what is read of the source once is kept true. */
static int
now_note(struct updating *u, const char *attribute, enum change_op op, const cJSON *values)
{
	if (u->now == NULL)
		return 0;
	return json_set(u->now, attribute, list_after(json_get(u->now, attribute), op, values, false)) == -1 ? no_memory(u->r) : 0;
}

/* One request for each value, or for so many at a time. */
static int
values_run(struct rest *r, const struct op *op, const cJSON *values, unsigned int batch)
{
	size_t	 n = value_count(values), step = batch == 0 ? 1 : batch;
	int	 got = 0;

	for (size_t i = 0; got == 0 && i < n; i += step) {
		autojson	*some = batch == 0 ? NULL : cJSON_CreateArray();

		for (size_t k = i; batch > 0 && k < n && k < i + step; k++)
			if (json_push(some, json_dup(value_at(values, k))) == -1)
				return no_memory(r);
		r->sc.roots[ROOT_VALUE] = batch == 0 ? value_at(values, i) : some;
		got = op_run(r, op, NULL);
		r->sc.roots[ROOT_VALUE] = NULL;
	}
	return got;
}

/* All values at once: ${value} is the list. */
static int
list_send(struct rest *r, const struct op *op, const cJSON *values)
{
	autojson	*list = value_array(values);
	int		 got;

	if (list == NULL)
		return no_memory(r);
	r->sc.roots[ROOT_VALUE] = list;
	got = op_run(r, op, NULL);
	r->sc.roots[ROOT_VALUE] = NULL;
	return got;
}

/* Values that come or go.  Those that make no difference are left out where the source minds. */
static int
values_change(struct updating *u, const struct routed *ro, enum change_op op, const cJSON *values)
{
	const struct op	*how = op == CHANGE_ADD ? &ro->add : &ro->remove;
	autojson	*some = NULL;

	if (value_count(values) == 0)
		return 0;
	if (how->n == 0)
		return fail_invalid_request(u->r->c, "\"%s\": the description cannot %s values", ro->attribute,
		    op == CHANGE_ADD ? "add" : "remove");
	if (ro->compare && now_read(u) == -1)
		return -1;
	if (u->now != NULL && (some = list_after(json_get(u->now, ro->attribute), op, values, true)) == NULL)
		return no_memory(u->r);
	if (values_run(u->r, how, some == NULL ? values : some, ro->batch) == -1)
		return -1;
	return now_note(u, ro->attribute, op, values);
}

/* A list set as a whole, where the source knows only single values: what it has now decides which come and go. */
static int
values_set(struct updating *u, const struct routed *ro, const cJSON *want)
{
	autojson	*gone = NULL;
	const cJSON	*have;
	int		 got;

	if (ro->set.n > 0)
		return list_send(u->r, &ro->set, want) == -1 ? -1 : now_note(u, ro->attribute, CHANGE_SET, want);
	if (now_read(u) == -1)
		return -1;
	if ((gone = cJSON_CreateArray()) == NULL)
		return no_memory(u->r);
	have = json_get(u->now, ro->attribute);
	for (size_t i = 0; i < value_count(have); i++)
		if (!among(want, value_at(have, i)) && json_push(gone, json_dup(value_at(have, i))) == -1)
			return no_memory(u->r);
	got = values_change(u, ro, CHANGE_ADD, want);
	return got == 0 ? values_change(u, ro, CHANGE_REMOVE, gone) : got;
}

static int
set_put(struct updating *u, const char *attribute, const cJSON *v)
{
	return json_set(u->set, attribute, v == NULL ? cJSON_CreateNull() : json_dup(v)) == -1 ? no_memory(u->r) : 0;
}

/* The list as it will be, since the source takes it only as a whole. */
static int
whole_put(struct updating *u, const struct change *ch)
{
	if (now_read(u) == -1)
		return -1;
	if (now_note(u, ch->attribute, ch->op, ch->value) == -1)
		return -1;
	return set_put(u, ch->attribute, json_get(u->now, ch->attribute));
}

/* What goes with "update". */
static int
change_collect(struct updating *u, const struct change *ch)
{
	const struct routed	*ro = routed_of(u->o, ch->attribute);
	const struct attr	*a = attr_of(u->o, ch->attribute);

	if (ro != NULL)
		return ro->whole ? whole_put(u, ch) : 0;
	if (ch->op != CHANGE_SET && a != NULL && a->multi)
		return fail_invalid_request(u->r->c, "\"%s\": the description knows no single values of it (\"routed\")", ch->attribute);
	return set_put(u, ch->attribute, ch->op == CHANGE_REMOVE ? NULL : ch->value);
}

static int
change_route(struct updating *u, const struct change *ch)
{
	const struct routed	*ro = routed_of(u->o, ch->attribute);

	if (ro == NULL || ro->whole)
		return 0;
	return ch->op == CHANGE_SET ? values_set(u, ro, ch->value) : values_change(u, ro, ch->op, ch->value);
}

/* An attribute that nobody knows is refused before anything is changed. */
static int
changes_check(struct rest *r, const struct object *o)
{
	struct change	 ch;
	int		 got;

	for (size_t i = 0; (got = change_at(r->c, i, &ch)) == 1; i++)
		if (routed_of(o, ch.attribute) == NULL && attr_of(o, ch.attribute) == NULL &&
		    strcasestr(ch.attribute, "password") == NULL)
			return fail_invalid_request(r->c, "input.changes: there is no attribute \"%.64s\"", ch.attribute);
	return got;
}

static int
set_send(struct updating *u)
{
	int	 got;

	if (u->set->child == NULL)
		return 0;
	if (u->o->update.n == 0)
		return fail_invalid_request(u->r->c, "\"%s\" cannot be set: the description has no \"update\"", u->set->child->string);
	u->r->sc.roots[ROOT_SET] = u->set;
	got = op_run(u->r, &u->o->update, NULL);
	u->r->sc.roots[ROOT_SET] = NULL;
	return got;
}

static void
updating_end(struct updating *u)
{
	json_wipe(u->set);
	cJSON_Delete(u->now);
}
#define autoupdating	__attribute__((cleanup(updating_end))) struct updating

int
attributes_write(struct rest *r, const struct object *o, bool all)
{
	autoupdating	 u = { .r = r, .o = o, .set = cJSON_CreateObject() };
	const cJSON	*given = json_get(r->c->input, "attributes"), *m;

	if (u.set == NULL)
		return no_memory(r);
	if (!all && (u.now = cJSON_CreateObject()) == NULL)
		return no_memory(r);
	cJSON_ArrayForEach(m, given)
		if (all && (routed_of(o, m->string) == NULL || routed_of(o, m->string)->whole) &&
		    (attr_of(o, m->string) != NULL || strcasestr(m->string, "password") != NULL) && set_put(&u, m->string, m) == -1)
			return -1;
	if (o->update.n > 0 && set_send(&u) == -1)
		return -1;
	for (size_t i = 0; i < o->nrouted; i++)
		if ((all || o->routed[i].on_create) && o->routed[i].add.n > 0 &&
		    values_change(&u, &o->routed[i], CHANGE_ADD, json_get(given, o->routed[i].attribute)) == -1)
			return -1;
	return 0;
}

int
rest_account_update(struct call *c)
{
	autorest		*r = rest_new(c);
	autoupdating		 u = { .r = r, .o = r == NULL ? NULL : &r->d->account, .set = cJSON_CreateObject() };
	struct change		 ch;
	int			 got;

	if (r == NULL)
		return -1;
	if (u.set == NULL)
		return no_memory(r);
	if (u.o->update.n == 0 && u.o->nrouted == 0)
		return error_set(c->err, ERR_UNSUPPORTED, "unsupported command: %s (the description has no \"update\")", c->type);
	if (c->identity == NULL)
		return fail_invalid_request(c, "input.identity or input.key is wanted");
	if (changes_check(r, u.o) == -1)
		return -1;
	/* What is set together first: a new name must not find its groups half changed. */
	for (size_t i = 0; (got = change_at(c, i, &ch)) == 1; i++)
		if (change_collect(&u, &ch) == -1)
			return -1;
	if (got == -1 || set_send(&u) == -1)
		return -1;
	for (size_t i = 0; (got = change_at(c, i, &ch)) == 1; i++)
		if (change_route(&u, &ch) == -1)
			return -1;
	if (u.o->read.n == 0)
		return emit_output(c, cJSON_CreateObject());
	return emit_read(r, u.o, c->identity, NULL);
}
