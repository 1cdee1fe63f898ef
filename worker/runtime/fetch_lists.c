/*
 * fetch_lists.c -- many short lists side by side: round by round, the next page of each that has one.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/runtime/fetch_priv.h"

struct one {
	struct page_state	 state;
	struct fetch_param	 q[PAGE_QUERY_MAX + PAGE_PARAMS_MAX + 1];
	char			 at[32], size[32];
	struct buf		 url;		/* that was asked */
	bool			 ended;
};

struct lists {
	struct fetch			*f;
	const struct fetch_request	*firsts;
	struct fetch_request		*rqs;	/* of this round */
	size_t				*whose;	/* of rqs: which list */
	struct one			*ones;
	int				(*on_row)(void *arg, size_t i, cJSON *row, struct error *e);
	void				*arg;
};

static int
question_make(struct lists *l, size_t i, size_t k, struct error *e)
{
	struct one		*o = &l->ones[i];
	struct fetch_request	*rq = &l->rqs[k];

	*rq = l->firsts[i];
	l->whose[k] = i;
	if (page_query(&o->state, &l->firsts[i], o->q, o->at, o->size, e) == -1 ||
	    page_elsewhere(&o->state, &l->firsts[i], rq, e) == -1)
		return -1;
	rq->query = o->q;
	if (page_by_link(o->state.p) && o->state.next != NULL)
		rq->path = o->state.next;
	rq->flags &= ~FETCH_ANY_STATUS;		/* a failure is no page */
	rq->rows = NULL;			/* whole, so that an attempt that fails can be repeated */
	buf_reset(&o->url);
	return fetch_url_make(l->f, rq, &o->url, e);
}

/* The rows of an answer, each taken out and given on. */
static int
rows_give(struct lists *l, size_t i, const cJSON *array, struct page_facts *pf, struct error *e)
{
	cJSON	*row;

	while (cJSON_IsArray(array) && (row = cJSON_DetachItemFromArray((cJSON *)(uintptr_t)array, 0)) != NULL) {
		if (pf->rows++ < PAGE_HEAD_ROWS) {
			autofree char	*text = json_text(row);

			pf->head = page_hash(pf->head == 0 ? PAGE_HASH_START : pf->head, text == NULL ? "" : text);
		}
		if (l->on_row(l->arg, i, row, e) == -1)
			return -1;
	}
	return 0;
}

static int
answered(void *arg, size_t k, struct fetch_response *rs, struct error *e)
{
	struct lists		*l = arg;
	size_t			 i = l->whose[k];
	struct one		*o = &l->ones[i];
	const struct page_plan	*p = o->state.p;
	autofree char		*link = NULL;
	struct page_facts	 pf = { .envelope = rs->body, .url = o->url.data };
	char			 shown[256];
	int			 r;

	if (rs->status == 404) {
		o->ended = true;	/* FETCH_MAY_MISS: it is gone, and has none */
		return 0;
	}
	if (p->judge != NULL && p->judge(p->judge_arg, rs, e) == -1)
		return -1;
	for (const char *h = NULL; link == NULL && (h = header_next(rs, "link", h)) != NULL;)
		link = link_find(h, "next");
	pf.link = link;
	if (rows_give(l, i, json_at(rs->body, page_rows(p)), &pf, e) == -1)
		return -1;
	if ((r = page_step(&o->state, &pf, e)) == -1)
		return error_in(e, "GET %s", url_shown(o->url.data, shown));
	o->ended = r == 0;
	return 0;
}

static int
rounds(struct lists *l, size_t n, struct error *e)
{
	size_t	 k;

	do {
		k = 0;
		for (size_t i = 0; i < n; i++)
			if (!l->ones[i].ended && question_make(l, i, k++, e) == -1)
				return -1;
		if (k > 0 && fetch_many(l->f, l->rqs, k, answered, l, e) == -1)
			return -1;
	} while (k > 0);
	return 0;
}

int
fetch_lists(struct fetch *f, const struct fetch_request *firsts, size_t n, const struct page_plan *p,
    int (*on_row)(void *arg, size_t i, cJSON *row, struct error *e), void *arg, struct error *e)
{
	struct lists	 l = { .f = f, .firsts = firsts, .on_row = on_row, .arg = arg };
	int		 r = -1;

	if (n == 0)
		return 0;
	l.rqs = calloc(n, sizeof(*l.rqs));
	l.whose = calloc(n, sizeof(*l.whose));
	l.ones = calloc(n, sizeof(*l.ones));
	if (l.rqs == NULL || l.whose == NULL || l.ones == NULL)
		error_set(e, ERR_SYSTEM, "no memory");
	else {
		for (size_t i = 0; i < n; i++) {
			page_init(&l.ones[i].state, p);
			buf_init(&l.ones[i].url, FETCH_URL_BYTES_MAX);
		}
		r = rounds(&l, n, e);
		for (size_t i = 0; i < n; i++) {
			page_free(&l.ones[i].state);
			buf_free(&l.ones[i].url);
		}
	}
	free(l.ones);
	free(l.whose);
	free(l.rqs);
	return r;
}
