/*
 * expr_looks.c -- what of a record an expression looks at, and what it only passes on.
 */
#include "connectors/rest/expr_private.h"

/* True: it is as it is for all records of a list. */
static bool
is_still(const struct operand *o)
{
	return o->pointer == NULL || o->root == ROOT_CONFIG || o->root == ROOT_INPUT;
}

static bool
operand_looks(const struct operand *o, bool looks, bool (*fn)(void *arg, const char *pointer), void *arg)
{
	if (is_still(o))
		return true;
	return o->root == ROOT_RECORD && (!looks || fn(arg, o->pointer));
}

static bool
part_looks(const struct part *pt, bool looks, bool (*fn)(void *arg, const char *pointer), void *arg)
{
	for (size_t k = 0; k < pt->nstages; k++) {
		if (filter_passes(pt->stages[k].filter) == PASSES_NEVER)
			return false;
		looks = looks || filter_passes(pt->stages[k].filter) == PASSES_NOT;
	}
	for (size_t k = 0; k < pt->nstages; k++)
		for (size_t a = 0; a < pt->stages[k].nargs; a++)
			if (!operand_looks(&pt->stages[k].args[a],
			    looks || filter_passes(pt->stages[k].filter) != PASSES_ALL, fn, arg))
				return false;
	return operand_looks(&pt->source, looks, fn, arg);
}

bool
text_looks(const struct text *t, bool looks, bool (*fn)(void *arg, const char *pointer), void *arg)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].literal == NULL && !part_looks(&t->parts[i], looks, fn, arg))
			return false;
	return true;
}
