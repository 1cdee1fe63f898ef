/*
 * list.c -- lists, page by page, and what is joined to each row.
 */
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
	return answer_judge(p->r, p->s, rs, e);
}

static int
on_row(void *arg, cJSON *row, struct error *e)
{
	struct paging	*p = arg;
	int		 got = p->on_row(p->arg, row, e);

	p->r->now = p->s;
	return got;
}

int
pages_run(struct rest *r, const struct step *s, int (*row)(void *arg, cJSON *row, struct error *e), void *arg, struct error *e)
{
	const struct step	*outer = r->now;
	struct paging		 p = { r, s, row, arg };
	struct page_plan	 plan = s->page;
	struct ready		 y;
	int			 got;

	r->now = s;
	if (step_ready(r, s, &y, e) == -1)
		return -1;
	plan.judge = on_page;
	plan.judge_arg = &p;
	got = fetch_pages(r->f, &y.rq, &plan, on_row, &p, NULL, e);
	ready_free(&y);
	r->now = outer;
	return got;
}

static int
row_keep(void *arg, cJSON *row, struct error *e)
{
	if (cJSON_GetArraySize(arg) >= (int)JOIN_ROWS_MAX) {
		cJSON_Delete(row);
		return error_set(e, ERR_LIMIT, "more than %u rows belong to one record", JOIN_ROWS_MAX);
	}
	return json_push(arg, row) == -1 ? error_set(e, ERR_SYSTEM, "no memory") : 0;
}

cJSON *
joins_run(struct rest *r, const struct object *o, struct error *e)
{
	autojson	*all = cJSON_CreateObject();

	for (size_t i = 0; i < o->njoins; i++) {
		cJSON	*rows = cJSON_CreateArray();

		if (json_set(all, o->joins[i].name, rows) == -1) {
			(void)error_set(e, ERR_SYSTEM, "no memory");
			return NULL;
		}
		if (pages_run(r, &o->joins[i].list.steps[0], row_keep, rows, e) == -1)
			return NULL;
	}
	return json_steal(&all);
}
