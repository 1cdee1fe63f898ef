/*
 * describe_free.c -- a description given back, whole or half read.
 */
#include <stdlib.h>

#include "connectors/rest/describe.h"

void
pairs_free(struct pairs *p)
{
	for (size_t i = 0; i < PAIRS_MAX; i++) {
		free(p->at[i].name);
		text_free(p->at[i].value);
	}
}

static void
rules_free(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->at[i].where);
		free(r->at[i].header);
		free(r->at[i].header_value);
		text_free(r->at[i].when);
		free(r->at[i].message);
		free(r->at[i].wait_header);
	}
}

static void
page_free(struct page_plan *p)
{
	const char	*all[] = { p->next, p->more, p->total, p->param, p->size_param };

	for (size_t i = 0; i < N_ITEMS(all); i++)
		free((char *)(uintptr_t)all[i]);
}

void
keeps_free(struct keep keeps[KEEPS_MAX])
{
	for (size_t k = 0; k < KEEPS_MAX; k++) {
		free(keeps[k].name);
		free(keeps[k].pointer);
		free(keeps[k].header);
		free(keeps[k].cookie);
	}
}

void
op_free(struct op *op)
{
	for (size_t i = 0; i < op->n; i++) {
		struct step	*s = &op->steps[i];

		free(s->where);
		free(s->shown);
		text_free(s->path);
		pairs_free(&s->query);
		pairs_free(&s->headers);
		tmpl_free(s->body);
		text_free(s->when);
		text_free(s->each);
		rules_free(&s->errors);
		free(s->items);
		free(s->item);
		page_free(&s->page);
		keeps_free(s->keeps);
		for (size_t k = 0; k < s->nnew_id; k++) {
			free(s->new_id[k].from);
			text_free(s->new_id[k].text);
		}
	}
	free(op->steps);
}

static void
object_free(struct object *o)
{
	struct op	*ops[] = { &o->upsert, &o->list, &o->read, &o->create, &o->update, &o->remove, &o->disable, &o->enable, &o->unlock,
	    &o->password };

	free(o->type);
	free(o->id);
	free(o->unique_id);
	for (size_t i = 0; i < o->nattrs; i++) {
		free(o->attrs[i].name);
		free(o->attrs[i].pointer);
		tmpl_free(o->attrs[i].value);
	}
	text_free(o->where);
	text_free(o->disabled);
	text_free(o->truncated);
	text_free(o->locked);
	for (size_t i = 0; i < N_ITEMS(ops); i++)
		op_free(ops[i]);
	delta_free(&o->delta);
	for (size_t i = 0; i < o->njoins; i++)
		join_plan_free(&o->joins[i]);
	for (size_t i = 0; i < o->nrouted; i++) {
		free(o->routed[i].attribute);
		op_free(&o->routed[i].add);
		op_free(&o->routed[i].remove);
		op_free(&o->routed[i].set);
	}
	free(o->routed);
}

void
describe_free(struct description *d)
{
	if (d == NULL)
		return;
	text_free(d->base);
	for (size_t i = 0; i < d->nauth; i++)
		sign_in_free(&d->auth[i]);
	text_free(d->tls.cert);
	text_free(d->tls.key);
	text_free(d->tls.password);
	pairs_free(&d->headers);
	rules_free(&d->errors);
	free(d->content_type);
	free(d->accept);
	op_free(&d->test);
	object_free(&d->account);
	for (size_t i = 0; i < d->nentitlements; i++)
		object_free(&d->entitlements[i]);
	free(d);
}
