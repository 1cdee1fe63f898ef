/*
 * fetch_pages.c -- a whole list, page by page: complete, or an error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/runtime/fetch_priv.h"

struct pages {
	struct page_state	 state;
	int			(*on_row)(void *arg, cJSON *row, struct error *e);
	void			*arg;
	struct records		*records;	/* rows are outputs, and it is their arg; NULL: they are the caller's */
	uint64_t		 delivered;	/* of all pages */
	uint64_t		 page_rows;	/* of the page under way, delivered or skipped */
	uint64_t		 skip;		/* of them, delivered by an earlier try */
	uint64_t		 head;		/* hash of the page's first rows; 0: none */
	bool			 callers;	/* on_row said no */
};

static int
page_row(void *arg, cJSON *row, struct error *e)
{
	struct pages	*s = arg;

	if (s->page_rows < PAGE_HEAD_ROWS) {
		autofree char	*text = json_text(row);

		s->head = page_hash(s->head == 0 ? PAGE_HASH_START : s->head, text == NULL ? "" : text);
	}
	if (s->page_rows++ < s->skip) {
		cJSON_Delete(row);
		return 0;
	}
	s->delivered++;
	if (s->on_row(s->arg, row, e) == -1) {
		s->callers = true;
		return -1;
	}
	return 0;
}

/* A row that is copied, and counted as page_row() counts. */
static ssize_t
page_text(void *arg, const char *text, size_t n, struct error *e)
{
	struct pages	*s = arg;
	bool		 head = s->page_rows < PAGE_HEAD_ROWS;
	ssize_t		 taken = s->page_rows < s->skip ? 0 : record_copy(s->records, text, n, head, e);

	if (taken > 0 && head)
		s->head = page_hash_bytes(s->head == 0 ? PAGE_HASH_START : s->head, text, (size_t)taken);
	s->page_rows += taken > 0;
	s->delivered += taken > 0 || taken == -1;
	s->callers |= taken == -1;
	return taken;
}

static void
page_rows_from(void *arg, const struct rows *from)
{
	struct pages	*s = arg;

	s->records->from = from;
}

static const struct row_texts	 page_texts = { page_text, page_rows_from };

static bool
param_among(const struct fetch_param *q, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(q[i].name, name) == 0)
			return true;
	return false;
}

static int
page_body(struct page_state *s, const struct fetch_request *first, struct fetch_request *rq, struct error *e)
{
	struct fetch_param	 ours[PAGE_PARAMS_MAX];
	char			 at[32], size[32];
	size_t			 n;

	cJSON_Delete(s->body);
	s->body = first->body == NULL ? cJSON_CreateObject() : json_dup(first->body);
	n = page_params(s, ours, at, size);
	for (size_t i = 0; i < n; i++) {
		bool	 text = s->p->kind == PAGE_CURSOR && strcmp(ours[i].name, s->p->param) == 0;

		if (json_set(s->body, ours[i].name, text ? cJSON_CreateString(ours[i].value) : json_number_text(ours[i].value)) == -1)
			return error_set(e, ERR_SYSTEM, "no memory for a request body");
	}
	rq->body = s->body;
	return s->body == NULL ? error_set(e, ERR_SYSTEM, "no memory for a request body") : 0;
}

static int
page_headers(struct page_state *s, const struct fetch_request *first, struct fetch_request *rq, struct error *e)
{
	struct fetch_param	 ours[PAGE_PARAMS_MAX];
	char			 at[32], size[32];
	size_t			 n = 0, count = 0, nours = page_params(s, ours, at, size);

	while (first->headers != NULL && first->headers[count] != NULL)
		count++;
	free(s->headers);
	if ((s->headers = calloc(count + nours + 1, sizeof(*s->headers))) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for headers");
	for (; n < count; n++)
		s->headers[n] = first->headers[n];
	for (size_t i = 0; i < nours; i++) {
		free(s->lines[i]);
		if (asprintf(&s->lines[i], "%s: %s", ours[i].name, ours[i].value) == -1) {
			s->lines[i] = NULL;
			return error_set(e, ERR_SYSTEM, "no memory for headers");
		}
		s->headers[n++] = s->lines[i];
	}
	rq->headers = s->headers;
	return 0;
}

int
page_elsewhere(struct page_state *s, const struct fetch_request *first, struct fetch_request *rq, struct error *e)
{
	return s->p->in_body ? page_body(s, first, rq, e) : s->p->in_headers ? page_headers(s, first, rq, e) : 0;
}

/* The caller's own parameters, but for those that paging sets, and those. */
int
page_query(const struct page_state *s, const struct fetch_request *first, struct fetch_param *q, char at[32], char size[32],
    struct error *e)
{
	struct fetch_param	 ours[PAGE_PARAMS_MAX];
	size_t			 nours = s->p->in_body || s->p->in_headers ? 0 : page_params(s, ours, at, size), n = 0;
	bool			 link = page_by_link(s->p) && s->next != NULL;

	for (const struct fetch_param *p = first->query; !link && p != NULL && p->name != NULL; p++) {
		if (param_among(ours, nours, p->name))
			continue;
		if (n == PAGE_QUERY_MAX)
			return error_set(e, ERR_LIMIT, "more than %u query parameters", PAGE_QUERY_MAX);
		q[n++] = *p;
	}
	for (size_t i = 0; i < nours; i++)
		q[n++] = ours[i];
	q[n] = (struct fetch_param){ NULL, NULL };
	return 0;
}

/* One try of one page; *url is what was asked. */
static int
page_ask(struct fetch *f, const struct fetch_request *first, struct pages *s, struct buf *url,
    struct fetch_response *rs, struct error *e)
{
	struct fetch_request	 rq = *first;
	struct fetch_param	 q[PAGE_QUERY_MAX + PAGE_PARAMS_MAX + 1];
	char			 at[32], size[32];

	s->page_rows = s->head = 0;
	if (page_query(&s->state, first, q, at, size, e) == -1 || page_elsewhere(&s->state, first, &rq, e) == -1)
		return -1;
	rq.query = q;
	if (page_by_link(s->state.p) && s->state.next != NULL)
		rq.path = s->state.next;
	rq.flags &= ~FETCH_ANY_STATUS;		/* a failure is no page */
	rq.rows = page_rows(s->state.p);
	rq.on_row = page_row;
	rq.texts = s->records != NULL ? &page_texts : NULL;
	rq.arg = s;
	buf_reset(url);
	if (fetch_url_make(f, &rq, url, e) == -1)
		return -1;
	return fetch_call(f, &rq, rs, e);
}

/* Asks until a page came in full; what was delivered of a broken one is not delivered again. */
static int
page_get(struct fetch *f, const struct fetch_request *first, struct pages *s, struct buf *url,
    struct fetch_response *rs, struct error *e)
{
	s->skip = 0;
	for (unsigned int tries = 1; page_ask(f, first, s, url, rs, e) == -1; tries++) {
		/* Where no row came, the attempts of fetch_call are used up already. */
		if (s->callers || !f->cut || s->page_rows == 0 || tries >= f->attempts)
			return -1;
		log_warn(f->c, "a page broke off after %llu rows (%s); asking again",
		    (unsigned long long)s->page_rows, e->msg);
		*e = ERROR_NONE;
		if (page_by_offset(s->state.p))
			s->state.rows += s->page_rows;		/* the next try begins behind them */
		else if (s->page_rows > s->skip)
			s->skip = s->page_rows;
		fetch_sleep(f, retry_backoff_ms(tries, arc4random()));
	}
	if (s->page_rows < s->skip)
		return error_set(e, ERR_INVALID_RESPONSE, "the list is not complete: a page that was asked for again "
		    "had fewer rows than before");
	return 0;
}

static int
pages_get(struct fetch *f, const struct fetch_request *first, const struct page_plan *p, struct pages *s, struct error *e)
{
	char		 shown[256];
	autobuf		 url;
	int		 r;

	page_init(&s->state, p);
	buf_init(&url, FETCH_URL_BYTES_MAX);
	do {
		autoresponse	 rs = { 0 };
		autofree char	*link = NULL;

		if ((r = page_get(f, first, s, &url, &rs, e)) == -1)
			break;
		for (const char *h = NULL; link == NULL && (h = header_next(&rs, "link", h)) != NULL;)
			link = link_find(h, "next");
		if (p->judge != NULL && p->judge(p->judge_arg, &rs, e) == -1) {
			r = -1;
			break;
		}
		r = page_step(&s->state, &(struct page_facts){ rs.body, link, url.data, s->page_rows, s->head }, e);
		if (r == -1)
			error_in(e, "GET %s", url_shown(url.data, shown));
	} while (r == 1);
	page_free(&s->state);
	return r;
}

int
fetch_pages(struct fetch *f, const struct fetch_request *first, const struct page_plan *p,
    int (*on_row)(void *arg, cJSON *row, struct error *e), void *arg, uint64_t *rows_out, struct error *e)
{
	struct pages	 s = { .on_row = on_row, .arg = arg };
	int		 r = pages_get(f, first, p, &s, e);

	if (rows_out != NULL)
		*rows_out = s.delivered;
	return r;
}

int
fetch_records(struct fetch *f, const struct fetch_request *first, const struct page_plan *p, const struct row_maker *m,
    struct error *e)
{
	struct records	 records = { .c = f->c, .m = m, .stencil = stencil_new(m) };
	struct pages	 s = { .on_row = record_row, .arg = &records, .records = &records };
	int		 r = records.stencil == NULL ? error_set(e, ERR_SYSTEM, "no memory for a list") : pages_get(f, first, p, &s, e);

	stencil_free(records.stencil);
	return r;
}
