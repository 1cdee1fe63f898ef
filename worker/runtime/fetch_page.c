/*
 * fetch_page.c -- after each page of a list: is there more, is that the end, or
 * does something not fit?  Decisions only; fetch_pages.c asks.
 *
 * A list that ends too early looks to its reader like accounts that were
 * deleted.  So it ends only where the source says so, and what the source
 * says is held against what came.
 */
#include <stdio.h>
#include <string.h>

#include "worker/runtime/fetch_priv.h"

#define SEEN_FIRST	1024u	/* first size of the table */

enum more { MORE_UNSAID, MORE_NO, MORE_YES };

void
page_init(struct page_state *s, const struct page_plan *p)
{
	*s = (struct page_state){ .p = p };
}

void
page_free(struct page_state *s)
{
	free(s->next);
	free(s->seen);
	cJSON_Delete(s->body);
	for (size_t i = 0; i < PAGE_PARAMS_MAX; i++)
		free(s->lines[i]);
	free(s->headers);
	*s = (struct page_state){ .p = s->p };
}

uint64_t
page_hash_bytes(uint64_t h, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
	return h;
}

uint64_t
page_hash(uint64_t h, const char *s)
{
	return page_hash_bytes(h, s, strlen(s));
}

static bool
slot_put(uint64_t *slots, size_t cap, uint64_t h)
{
	size_t	 i = (size_t)h & (cap - 1);

	for (; slots[i] != 0; i = (i + 1) & (cap - 1))
		if (slots[i] == h)
			return false;
	slots[i] = h;
	return true;
}

/* 1: new; 0: was there; -1: no memory.  At most FETCH_PAGES_MAX come. */
static int
seen_add(struct page_state *s, const char *text)
{
	uint64_t	 h = page_hash(PAGE_HASH_START, text);

	if (2 * (s->seen_n + 1) > s->seen_cap) {
		size_t		 cap = s->seen_cap == 0 ? SEEN_FIRST : 2 * s->seen_cap;
		uint64_t	*more = calloc(cap, sizeof(*more));

		if (more == NULL)
			return -1;
		for (size_t i = 0; i < s->seen_cap; i++)
			if (s->seen[i] != 0)
				slot_put(more, cap, s->seen[i]);
		free(s->seen);
		s->seen = more;
		s->seen_cap = cap;
	}
	if (!slot_put(s->seen, s->seen_cap, h == 0 ? 1 : h))
		return 0;
	s->seen_n++;
	return 1;
}

static int
bad(struct error *e, const char *what)
{
	return error_set(e, ERR_INVALID_RESPONSE, "the list is not complete: %s", what);
}

const char *
page_rows(const struct page_plan *p)
{
	return p->rows != NULL ? p->rows : p->kind == PAGE_SCIM ? "/Resources" : "";
}

bool
page_by_offset(const struct page_plan *p)
{
	return p->kind == PAGE_SCIM || p->kind == PAGE_OFFSET;
}

bool
page_by_link(const struct page_plan *p)
{
	return p->kind == PAGE_LINK || p->kind == PAGE_NEXT_URL;
}

size_t
page_params(const struct page_state *s, struct fetch_param q[PAGE_PARAMS_MAX], char at[32], char size[32])
{
	const struct page_plan	*p = s->p;
	const char		*size_param = p->size_param == NULL && p->kind == PAGE_SCIM ? "count" : p->size_param;
	const char		*param = p->param == NULL && p->kind == PAGE_SCIM ? "startIndex" : p->param;
	long long		 first = p->kind == PAGE_SCIM ? 1 : p->first;
	size_t			 n = 0;

	if (page_by_link(p) && s->next != NULL)
		return 0;		/* the link has it all */
	if (p->kind == PAGE_CURSOR && s->next != NULL)
		q[n++] = (struct fetch_param){ param, s->next };
	else if (page_by_offset(p) || p->kind == PAGE_NUMBER) {
		snprintf(at, 32, "%lld", first + (long long)(p->kind == PAGE_NUMBER ? s->pages : s->rows));
		q[n++] = (struct fetch_param){ param, at };
	}
	if (size_param != NULL && p->size > 0) {
		snprintf(size, 32, "%u", p->size);
		q[n++] = (struct fetch_param){ size_param, size };
	}
	return n;
}

static int
total_take(struct page_state *s, const cJSON *envelope, struct error *e)
{
	const char	*pointer = s->p->total == NULL && s->p->kind == PAGE_SCIM ? "/totalResults" : s->p->total;
	const cJSON	*v;
	int64_t		 n;

	if (pointer == NULL)
		return 0;
	if ((v = json_at(envelope, pointer)) == NULL && s->total_known && s->p->kind != PAGE_SCIM)
		return 0;		/* some say it on the first page only */
	if (!json_i64_of(v, &n) || n < 0)
		return bad(e, "an answer does not say the total");
	if (s->total_known && s->total != (uint64_t)n && !s->p->total_may_move)
		return bad(e, "the total changed while the pages were read");
	s->total = (uint64_t)n;
	s->total_known = true;
	return 0;
}

/* An answer without the array is no page: {"ok":false} would pass for the end. */
static int
rows_check(const struct page_state *s, const cJSON *envelope, struct error *e)
{
	const char	*pointer = page_rows(s->p);
	const cJSON	*array = json_at(envelope, pointer);

	if (cJSON_IsArray(array) || (pointer[0] != '\0' && cJSON_IsNull(array)) || (array == NULL && s->total_known))
		return 0;
	if (array == NULL && s->p->rows_may_miss && cJSON_IsObject(envelope))
		return 0;
	return error_set(e, ERR_INVALID_RESPONSE, "the list is not complete: an answer has no array at \"%s\"",
	    pointer);
}

static int
more_take(const struct page_state *s, const cJSON *envelope, enum more *more, struct error *e)
{
	const cJSON	*v = s->p->more == NULL ? NULL : json_at(envelope, s->p->more);

	*more = v == NULL || cJSON_IsNull(v) ? MORE_UNSAID : cJSON_IsTrue(v) ? MORE_YES : MORE_NO;
	if (*more == MORE_NO && !cJSON_IsFalse(v))
		return bad(e, "what says whether there is more is neither true nor false");
	return 0;
}

static int
step_none(const struct page_state *s, const struct page_facts *pf, enum more more, struct error *e)
{
	const cJSON	*mark = s->p->next == NULL ? NULL : json_at(pf->envelope, s->p->next);

	if (more == MORE_YES || pf->link != NULL || (mark != NULL && !cJSON_IsFalse(mark) && !cJSON_IsNull(mark)))
		return bad(e, "the source says that it left some out");
	return 0;
}

/* The next cursor, or link as an absolute URL of the source's origin, owned.  1, 0: none, -1. */
static int
next_take(const struct page_state *s, const struct page_facts *pf, char **next, struct error *e)
{
	const cJSON	*v = s->p->next == NULL ? NULL : json_at(pf->envelope, s->p->next);
	const char	*text = pf->link;
	char		 scratch[64];
	struct origin	 here, there;

	if (s->p->kind != PAGE_LINK) {
		if (v == NULL || cJSON_IsNull(v) || cJSON_IsFalse(v))
			return 0;
		if (cJSON_IsTrue(v) || (text = json_scalar_text(v, scratch, sizeof(scratch))) == NULL)
			return bad(e, "the next cursor or link is no text");
	}
	if (text == NULL || text[0] == '\0')
		return 0;
	*next = page_by_link(s->p) ? url_resolve(pf->url, text) : strdup(text);
	if (*next == NULL)
		return bad(e, "the next link is no URL, or no memory for it");
	if (!page_by_link(s->p))
		return 1;
	if (origin_of(pf->url, &here) == 0 && origin_of(*next, &there) == 0 && origin_same(&here, &there))
		return 1;
	error_set(e, ERR_INVALID_RESPONSE, "next link leads to another origin: %.*s", (int)strcspn(*next, "?#"), *next);
	free(*next);
	*next = NULL;
	return -1;
}

static int
step_next(struct page_state *s, const struct page_facts *pf, enum more more, struct error *e)
{
	char	*next = NULL;
	int	 r = next_take(s, pf, &next, e);

	free(s->next);
	s->next = next;
	if (r == -1)
		return -1;
	if (more == MORE_NO)
		return 0;
	if (r == 0)
		return more == MORE_YES ? bad(e, "the source says there is more, but not where") : 0;
	if (pf->rows == 0 && s->total_known && s->rows < s->total)
		return bad(e, "an empty page came before the total was reached");
	switch (seen_add(s, next)) {
	case 1:
		return 1;
	case 0:
		return bad(e, "a cursor or link came twice");
	default:
		return error_set(e, ERR_SYSTEM, "no memory for the pages of a list");
	}
}

static int
step_count(const struct page_state *s, const struct page_facts *pf, enum more more, struct error *e)
{
	if (more == MORE_NO)
		return 0;
	if (more == MORE_YES)
		return pf->rows == 0 ? bad(e, "an empty page came, though the source says there is more") : 1;
	if (s->total_known && s->rows >= s->total)
		return 0;
	if (s->total_known)
		return pf->rows == 0 ? bad(e, "an empty page came before the total was reached") : 1;
	if (s->p->more != NULL)
		return bad(e, "an answer does not say whether there is more");
	/* A short page proves nothing, sources cap what is asked; an empty one does. */
	return pf->rows == 0 ? 0 : 1;
}

int
page_step(struct page_state *s, const struct page_facts *pf, struct error *e)
{
	enum more	 more;
	bool		 counts = page_by_offset(s->p) || s->p->kind == PAGE_NUMBER;
	int		 r;

	if (pf->envelope == NULL)
		return bad(e, "an answer came without a body");
	s->rows += pf->rows;
	if (++s->pages > FETCH_PAGES_MAX)
		return error_set(e, ERR_INVALID_RESPONSE, "the list has more than %u pages", FETCH_PAGES_MAX);
	if (total_take(s, pf->envelope, e) == -1 || rows_check(s, pf->envelope, e) == -1 ||
	    more_take(s, pf->envelope, &more, e) == -1)
		return -1;
	if (counts && pf->head != 0 && pf->head == s->head)
		return bad(e, "the same page came again");
	s->head = pf->head;
	r = s->p->kind == PAGE_NONE ? step_none(s, pf, more, e) : counts ? step_count(s, pf, more, e) :
	    step_next(s, pf, more, e);
	if (r == -1 || !s->total_known)
		return r;
	if ((r == 0 && s->rows < s->total) || (s->rows > s->total && !s->p->total_may_move))
		return error_set(e, ERR_INVALID_RESPONSE, "the list does not fit its total: %llu rows came, "
		    "the source says %llu", (unsigned long long)s->rows, (unsigned long long)s->total);
	return r;
}
