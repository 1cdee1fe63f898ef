/*
 * fetch_page.c -- a whole list, page by page: complete, or an error.
 *
 * Advances by rows received.  It ends cleanly only where the source says so,
 * and what the source says is held against what came.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "worker/runtime/fetch_priv.h"

#define PAGE_TRIES	4u		/* of one page that breaks off */
#define PAGE_AGAIN_MS	500		/* before the next try */
#define SEEN_FIRST	1024u		/* first size of the table */

struct seen {
	uint64_t	*slots;		/* open addressing; 0 is free */
	size_t		 cap, n;
};

struct pages {
	const struct page_plan	*p;
	int			(*on_row)(void *arg, cJSON *row, struct error *e);
	void			*arg;
	uint64_t		 rows;		/* delivered, of all pages */
	uint64_t		 page_rows;	/* of the page under way, delivered or skipped */
	uint64_t		 skip;		/* of them, delivered by an earlier try */
	uint64_t		 head;		/* hash of the page's first row; 0: none */
	uint64_t		 total;
	bool			 total_known, callers;
	uint32_t		 count;		/* pages answered in full */
	char			*next;		/* cursor or URL */
	struct seen		 seen;
};

static uint64_t
hash_of(const char *s, size_t n)
{
	uint64_t	 h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
	return h == 0 ? 1 : h;
}

static bool
slot_put(struct seen *s, uint64_t h)
{
	size_t	 i = (size_t)h & (s->cap - 1);

	for (; s->slots[i] != 0; i = (i + 1) & (s->cap - 1))
		if (s->slots[i] == h)
			return false;
	s->slots[i] = h;
	s->n++;
	return true;
}

/* 1: new; 0: was there; -1: no memory. */
static int
seen_add(struct seen *s, uint64_t h)
{
	if (2 * (s->n + 1) > s->cap) {
		struct seen	 more = { .cap = s->cap == 0 ? SEEN_FIRST : 2 * s->cap };

		if ((more.slots = calloc(more.cap, sizeof(*more.slots))) == NULL)
			return -1;
		for (size_t i = 0; i < s->cap; i++)
			if (s->slots[i] != 0)
				slot_put(&more, s->slots[i]);
		free(s->slots);
		*s = more;
	}
	return slot_put(s, h) ? 1 : 0;
}

static int
bad(struct error *e, const char *what)
{
	return error_set(e, ERR_INVALID_RESPONSE, "the list is not complete: %s", what);
}

static int
page_row(void *arg, cJSON *row, struct error *e)
{
	struct pages	*s = arg;

	if (s->page_rows == 0 && cJSON_IsObject(row)) {
		char	*text = json_text(row);

		s->head = text == NULL ? 0 : hash_of(text, strlen(text));
		free(text);
	}
	if (s->page_rows++ < s->skip) {
		cJSON_Delete(row);
		return 0;
	}
	s->rows++;
	if (s->on_row(s->arg, row, e) == -1) {
		s->callers = true;
		return -1;
	}
	return 0;
}

static bool
by_offset(const struct page_plan *p)
{
	return p->kind == PAGE_SCIM || p->kind == PAGE_OFFSET;
}

/* Query of the next page, behind the caller's own. */
static size_t
params_make(const struct pages *s, struct fetch_param *q, char at[32], char size[32])
{
	const struct page_plan	*p = s->p;
	const char		*size_param = p->kind == PAGE_SCIM && p->size_param == NULL ? "count" : p->size_param;
	size_t			 n = 0;

	if (s->next != NULL && p->kind != PAGE_CURSOR)
		return 0;		/* a link has it all */
	switch (p->kind) {
	case PAGE_SCIM:
		snprintf(at, 32, "%llu", (unsigned long long)s->rows + 1);
		q[n++] = (struct fetch_param){ p->param != NULL ? p->param : "startIndex", at };
		break;
	case PAGE_OFFSET:
		snprintf(at, 32, "%lld", (long long)(p->first + (int64_t)s->rows));
		q[n++] = (struct fetch_param){ p->param, at };
		break;
	case PAGE_NUMBER:
		snprintf(at, 32, "%lld", (long long)(p->first + (int64_t)s->count));
		q[n++] = (struct fetch_param){ p->param, at };
		break;
	case PAGE_CURSOR:
		if (s->next != NULL)
			q[n++] = (struct fetch_param){ p->param, s->next };
		break;
	default:
		break;
	}
	if (size_param != NULL && p->size > 0) {
		snprintf(size, 32, "%u", p->size);
		q[n++] = (struct fetch_param){ size_param, size };
	}
	return n;
}

#define PARAMS_MAX	32		/* of a list's own query */

static int
page_ask(struct fetch *f, const struct fetch_request *first, struct pages *s, struct fetch_response *rs,
    struct error *e)
{
	struct fetch_request	 rq = *first;
	struct fetch_param	 q[PARAMS_MAX + 3] = { { NULL, NULL } };
	char			 at[32], size[32];
	size_t			 n = 0;
	bool			 link = s->next != NULL && s->p->kind != PAGE_CURSOR;

	for (const struct fetch_param *p = first->query; !link && p != NULL && p->name != NULL; p++) {
		if (n == PARAMS_MAX)
			return error_set(e, ERR_LIMIT, "more than %d query parameters", PARAMS_MAX);
		q[n++] = *p;
	}
	n += params_make(s, q + n, at, size);
	q[n] = (struct fetch_param){ NULL, NULL };
	rq.query = q;
	rq.path = link ? s->next : first->path;
	rq.rows = s->p->rows == NULL ? (s->p->kind == PAGE_SCIM ? "/Resources" : "") : s->p->rows;
	rq.on_row = page_row;
	rq.arg = s;
	s->page_rows = s->head = 0;
	return fetch_call(f, &rq, rs, e);
}

/* Asks until a page came in full; what was delivered of a broken one is not delivered again. */
static int
page_get(struct fetch *f, const struct fetch_request *first, struct pages *s, struct fetch_response *rs,
    struct error *e)
{
	s->skip = 0;
	for (unsigned int tries = 1;; tries++) {
		if (page_ask(f, first, s, rs, e) == 0)
			break;
		if (s->callers || tries == PAGE_TRIES || (e->code != ERR_UPSTREAM && e->code != ERR_TIMEOUT &&
		    e->code != ERR_INVALID_RESPONSE))
			return -1;
		/* Nothing came: the attempts of fetch_call are used up already. */
		if (s->page_rows == 0 && e->code != ERR_INVALID_RESPONSE)
			return -1;
		if (!by_offset(s->p) && s->page_rows > s->skip)
			s->skip = s->page_rows;
		log_warn(f->c, "a page broke off after %llu rows (%s); asking again",
		    (unsigned long long)s->page_rows, e->msg);
		*e = ERROR_NONE;
		fetch_sleep(f, PAGE_AGAIN_MS);
	}
	if (s->page_rows < s->skip)
		return bad(e, "a page that was asked for again had fewer rows than before");
	return 0;
}

static int
total_take(struct pages *s, const cJSON *envelope, struct error *e)
{
	const char	*pointer = s->p->total == NULL && s->p->kind == PAGE_SCIM ? "/totalResults" : s->p->total;
	int64_t		 n;

	if (pointer == NULL)
		return 0;
	if (!json_i64_of(json_at(envelope, pointer), &n) || n < 0)
		return bad(e, "an answer does not say the total");
	if (s->total_known && s->total != (uint64_t)n && !s->p->total_may_move)
		return bad(e, "the total changed while the pages were read");
	s->total = (uint64_t)n;
	s->total_known = true;
	return 0;
}

/* The next cursor or link of an answer, owned; NULL: none. */
static char *
next_take(const struct pages *s, const struct fetch_response *rs)
{
	const char	*header, *text;
	char		 scratch[64];

	if (s->p->kind == PAGE_LINK)
		return (header = fetch_header(rs, "link")) == NULL ? NULL : link_find(header, "next");
	text = json_scalar_text(json_at(rs->body, s->p->next == NULL ? "" : s->p->next), scratch, sizeof(scratch));
	return text == NULL || text[0] == '\0' || cJSON_IsBool(json_at(rs->body, s->p->next)) ? NULL : strdup(text);
}

/* 1: there is more; 0: the end; -1. */
static int
next_by_link(struct pages *s, const struct fetch_response *rs, struct error *e)
{
	free(s->next);
	if ((s->next = next_take(s, rs)) == NULL)
		return 0;
	switch (seen_add(&s->seen, hash_of(s->next, strlen(s->next)))) {
	case 1:
		return 1;
	case 0:
		return bad(e, "a cursor or link came twice");
	default:
		return error_set(e, ERR_SYSTEM, "no memory for the pages of a list");
	}
}

static int
next_by_count(const struct pages *s, const struct fetch_response *rs, struct error *e)
{
	const cJSON	*more = s->p->more == NULL ? NULL : json_at(rs->body, s->p->more);

	if (s->total_known && s->rows >= s->total)
		return 0;
	if (s->page_rows == 0)
		return s->total_known ? bad(e, "an empty page came before the total was reached") : 0;
	return s->p->more != NULL && !cJSON_IsTrue(more) ? 0 : 1;
}

static int
page_judge(struct pages *s, const struct fetch_response *rs, struct error *e)
{
	const cJSON	*mark;
	int		 r;

	s->count++;
	if (total_take(s, rs->body, e) == -1)
		return -1;
	if (s->count > FETCH_PAGES_MAX)
		return error_set(e, ERR_LIMIT, "more than %u pages", FETCH_PAGES_MAX);
	if (s->head != 0 && s->count > 1 && seen_add(&s->seen, s->head) == 0)
		return bad(e, "a page came twice");
	if (s->head != 0 && s->count == 1 && seen_add(&s->seen, s->head) == -1)
		return error_set(e, ERR_SYSTEM, "no memory for the pages of a list");
	switch (s->p->kind) {
	case PAGE_NONE:
		mark = s->p->next == NULL ? NULL : json_at(rs->body, s->p->next);
		if (mark != NULL && !cJSON_IsFalse(mark) && !cJSON_IsNull(mark))
			return bad(e, "the source says that it left some out");
		r = 0;
		break;
	case PAGE_LINK: case PAGE_NEXT_URL: case PAGE_CURSOR:
		r = next_by_link(s, rs, e);
		break;
	default:
		r = next_by_count(s, rs, e);
	}
	if (r == 0 && s->total_known && s->rows != s->total)
		return error_set(e, ERR_INVALID_RESPONSE, "the list is not complete: %llu rows came, the source says %llu",
		    (unsigned long long)s->rows, (unsigned long long)s->total);
	return r;
}

int
fetch_pages(struct fetch *f, const struct fetch_request *first, const struct page_plan *p,
    int (*on_row)(void *arg, cJSON *row, struct error *e), void *arg, uint64_t *rows_out, struct error *e)
{
	struct pages	 s = { .p = p, .on_row = on_row, .arg = arg };
	int		 r;

	do {
		struct fetch_response	 rs = { 0 };

		r = page_get(f, first, &s, &rs, e);
		if (r == 0)
			r = page_judge(&s, &rs, e);
		fetch_response_free(&rs);
	} while (r == 1);
	free(s.next);
	free(s.seen.slots);
	if (rows_out != NULL)
		*rows_out = s.rows;
	return r;
}
