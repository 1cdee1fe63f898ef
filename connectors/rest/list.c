/*
 * list.c -- lists, page by page: rows become records.
 */
#include <string.h>

#include "connectors/rest/copied.h"
#include "connectors/rest/distinct.h"
#include "connectors/rest/rest.h"

struct paging {
	struct rest		*r;
	const struct step	*s;
	int			(*on_row)(void *arg, cJSON *row, struct error *e);
	void			*arg;
};

/* A failure that looks like a page: HTTP 200 and "ok": false.  Rows may have asked for other things meanwhile. */
static int
on_page(void *arg, const struct fetch_response *rs, struct error *e)
{
	struct paging	*p = arg;

	p->r->now = p->s;
	if (answer_judge(p->r, p->s, rs, e) == -1)
		return -1;
	return p->r->tracking == NULL ? 0 : delta_page(p->r->tracking, rs, e);
}

static int
on_row(void *arg, cJSON *row, struct error *e)
{
	struct paging	*p = arg;
	int		 got = p->on_row(p->arg, row, e);

	p->r->now = p->s;
	return got;
}

/* Each row to `row`, or an output by m. */
static int
pages(struct rest *r, const struct step *s, int (*row)(void *arg, cJSON *row, struct error *e), void *arg,
    const struct row_maker *m, struct error *e)
{
	const struct step	*outer = r->now;
	struct paging		 p = { r, s, row, arg };
	struct page_plan	 plan = s->page;
	struct ready		 y;
	int			 got;

	r->now = s;
	if (step_ready(r, s, &y, e) == -1)
		return -1;
	if (r->resume != NULL && r->tracking != NULL) {
		y.rq.path = r->resume;
		y.rq.query = NULL;
	}
	plan.judge = on_page;
	plan.judge_arg = &p;
	got = m != NULL ? fetch_records(r->f, &y.rq, &plan, m, e) : fetch_pages(r->f, &y.rq, &plan, on_row, &p, NULL, e);
	ready_free(&y);
	r->now = outer;
	return got == -1 ? step_failed(s, e) : got;
}

int
pages_run(struct rest *r, const struct step *s, int (*row)(void *arg, cJSON *row, struct error *e), void *arg, struct error *e)
{
	return pages(r, s, row, arg, NULL, e);
}

/* Rows wait for what belongs to them, several at a time. */
struct listing {
	struct rest		*r;
	const struct object	*o;
	cJSON			*rows[JOIN_BATCH];
	size_t			 n, bytes;
	size_t			 batch;		/* rows that are enough */
	struct distinct		*seen;		/* ids of the list under way; NULL: nobody asks */
	bool			 copies;	/* each row is a record, and made of nothing else */
	struct copied		 copied;
};

static int
row_emit(struct listing *l, const cJSON *row, const cJSON *joined, struct error *e)
{
	cJSON	*out = record_map_joined(l->r, l->o, row, joined, e);

	if (out == NULL)
		return -1;
	if (emit_output(l->r->c, out) == 0)
		return 0;
	*e = *l->r->c->err;
	return -1;
}

static int
rows_emit(struct listing *l, struct error *e)
{
	cJSON	*joined[JOIN_BATCH] = { NULL };
	int	 got = l->o->njoins == 0 ? 0 : joins_run(l->r, l->o, (const cJSON *const *)l->rows, l->n, joined, e);

	for (size_t i = 0; i < l->n; i++) {
		if (got == 0)
			got = row_emit(l, l->rows[i], joined[i], e);
		cJSON_Delete(joined[i]);
		cJSON_Delete(l->rows[i]);
	}
	l->n = l->bytes = 0;
	return got;
}

/* Whoever comes twice stands where somebody else should. */
static int
id_new(struct listing *l, const char *id, struct error *e)
{
	int		 fresh = l->seen == NULL || id == NULL ? 1 : distinct_put(l->seen, id, e);

	if (fresh != 0)
		return fresh == 1 ? 0 : -1;
	return error_set(e, ERR_INVALID_RESPONSE, "the list is not complete: record %.64s came twice", redact_holds(id) ? "" : id);
}

static int
row_new(struct listing *l, const cJSON *row, struct error *e)
{
	char	 scratch[64];

	return id_new(l, json_scalar_text(json_at(row, l->o->id), scratch, sizeof(scratch)), e);
}

static void
copied_facts(void *arg, const cJSON *row, struct row_text facts[ROW_FACTS_MAX])
{
	const struct listing	*l = arg;

	facts[0] = row_text(json_at(row, l->o->id));
}

static int
copied_note(void *arg, const struct row_text facts[ROW_FACTS_MAX], struct error *e)
{
	struct listing	*l = arg;
	autofree char	*id = NULL;

	if (facts[0].len == 0)
		return error_set(e, ERR_INVALID_RESPONSE, "a record has no id at %s", l->o->id);
	if (l->seen == NULL)
		return 0;
	if ((id = strndup(facts[0].text, facts[0].len)) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	return id_new(l, id, e);
}

static cJSON *
copied_make(void *arg, const cJSON *row, struct error *e)
{
	struct listing	*l = arg;

	return record_map_joined(l->r, l->o, row, NULL, e);
}

static bool
looked_at(void *arg, const struct row_text *names, size_t n)
{
	const struct listing	*l = arg;

	return copied_looks(&l->copied, names, n);
}

static int
record_row(void *arg, cJSON *row, struct error *e)
{
	struct listing	*l = arg;
	int		 counts = 0, gone = l->r->tracking == NULL ? row_new(l, row, e) : delta_row(l->r, l->o, row, e);

	if (gone == 0)
		counts = record_counts(l->r, l->o, row, e);
	if (gone == -1 || counts != 1) {
		cJSON_Delete(row);
		return gone == -1 ? -1 : counts;
	}
	l->rows[l->n++] = row;
	if (l->batch > 1)
		l->bytes += tree_bytes(row);
	return l->n == l->batch || l->bytes > JOIN_BATCH_BYTES ? rows_emit(l, e) : 0;
}

int
records_list(struct rest *r, const struct object *o, const struct op *op, struct error *e)
{
	struct listing	 l = { .r = r, .o = o, .batch = joins_ask(o) ? JOIN_BATCH : 1 };
	const struct row_maker m = { copied_facts, copied_note, copied_make, looked_at, true, &l };
	struct tracking	*tracking = r->tracking;
	int		 got;

	l.copies = tracking == NULL && copied_read(&l.copied, o);
	r->tracking = NULL;	/* its pages are those of the list itself */
	got = joins_prepare(r, o, e);
	r->tracking = tracking;

	for (size_t i = 0; got == 0 && i < op->n; i++) {
		const struct step	*s = &op->steps[i];

		scope_begin(&r->sc);
		got = s->when == NULL ? 1 : text_true(r, s->when, e);
		if (got == 1 && s->distinct && (l.seen = distinct_new()) == NULL)
			got = error_set(e, ERR_SYSTEM, "no memory to tell rows apart");
		if (got == 1)
			got = pages(r, s, record_row, &l, l.copies ? &m : NULL, e);
		distinct_free(l.seen);
		l.seen = NULL;
	}
	if (got == 0)
		got = rows_emit(&l, e);
	for (size_t i = 0; i < l.n; i++)
		cJSON_Delete(l.rows[i]);
	return got;
}
