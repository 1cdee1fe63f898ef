/*
 * list.c -- reads what page is wanted, and of whom, and lets the weather at it.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/practice/list.h"
#include "launcher/practice/match.h"
#include "launcher/practice/page.h"
#include "worker/contract/util.h"

#define LIST_RESPONSE	"urn:ietf:params:scim:api:messages:2.0:ListResponse"

struct wanted {
	uint64_t	start, count;		/* start from 1 */
	uint64_t	from;			/* where the weather has it start */
	bool		empty;
};

/* A whole number within bounds; 0 or -1 after a refusal.  What is below least counts as least. */
static int
read_number(struct exchange *x, const char *name, int64_t dflt, int64_t least, int64_t *out)
{
	const char	*text = exchange_query(x, name);
	char		*end, detail[128];
	long long	 v;

	*out = dflt;
	if (text == NULL)
		return 0;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (*text == '\0' || *end != '\0' || errno != 0) {
		snprintf(detail, sizeof(detail), "%s: a whole number is wanted", name);
		answer_refusal(x, 400, SCIM_INVALID_VALUE, detail);
		return -1;
	}
	*out = v < least ? least : v;
	return 0;
}

static int
read_wanted(struct exchange *x, struct wanted *w)
{
	int64_t		 start, count, *weather = x->weather.value;
	uint64_t	 page;

	if (read_number(x, "startIndex", 1, 1, &start) == -1 ||
	    read_number(x, "count", PAGE_DEFAULT, 0, &count) == -1)
		return -1;
	*w = (struct wanted){ .start = (uint64_t)start, .count = (uint64_t)count };
	if (w->count > x->p->page_max)
		w->count = x->p->page_max;
	w->from = w->start;
	if (w->count == 0)
		return 0;
	page = (w->start - 1) / w->count + 1;
	if (weather[WEATHER_DUP_PAGE] != 0 && page > (uint64_t)weather[WEATHER_DUP_PAGE])
		w->from = ((uint64_t)weather[WEATHER_DUP_PAGE] - 1) * w->count + 1;
	w->empty = weather[WEATHER_EMPTY_PAGE] != 0 && page == (uint64_t)weather[WEATHER_EMPTY_PAGE];
	return 0;
}

static int
read_projection(struct exchange *x, struct projection *pr)
{
	if (projection_read(pr, exchange_query(x, "attributes"), exchange_query(x, "excludedAttributes")) == -1) {
		answer_refusal(x, 400, SCIM_INVALID_VALUE,
		    "attributes and excludedAttributes: one of them is wanted, and at most 64 names");
		return -1;
	}
	pr->bad_types = x->weather.value[WEATHER_BAD_TYPE] != 0;
	return 0;
}

static struct page *
new_page(struct exchange *x, enum kind kind)
{
	struct projection	 pr;
	struct page		*pg;

	if (read_projection(x, &pr) == -1)
		return NULL;
	if ((pg = page_new(x->p->people, kind, &pr)) == NULL)
		answer_refusal(x, 500, SCIM_NONE, "no memory");
	return pg;
}

/* Lets a filter choose the rows: 0, or -1 after a refusal. */
static int
choose_rows(struct exchange *x, struct page *pg, const char *text, const struct wanted *w, uint64_t *total)
{
	struct error	 e = ERROR_NONE;
	struct filter	*f = filter_parse(text, &e);

	if (f == NULL) {
		answer_error(x, SCIM_INVALID_FILTER, &e);
		return -1;
	}
	if ((pg->rows = calloc(w->count + 1, sizeof(*pg->rows))) == NULL) {
		filter_free(f);
		answer_refusal(x, 500, SCIM_NONE, "no memory");
		return -1;
	}
	*total = match_all(x->p->people, pg->kind, f, w->from - 1, w->count, pg->rows, &pg->left);
	filter_free(f);
	return 0;
}

static uint64_t
rows_from(const struct people *p, enum kind kind, uint64_t place, uint64_t count)
{
	uint64_t all = people_count(p, kind);

	if (place >= all)
		return 0;
	return count < all - place ? count : all - place;
}

static uint64_t
reported_total(const struct exchange *x, uint64_t total)
{
	uint64_t low = (uint64_t)x->weather.value[WEATHER_TOTAL_LOW];

	total += (uint64_t)x->weather.value[WEATHER_TOTAL_HIGH];
	return total > low ? total - low : 0;
}

void
list_answer(struct exchange *x, enum kind kind)
{
	const char	*filter = exchange_query(x, "filter"), *quote;
	struct wanted	 w;
	struct page	*pg;
	uint64_t	 total = people_count(x->p->people, kind);

	if (exchange_query(x, "sortBy") != NULL) {
		answer_refusal(x, 400, SCIM_INVALID_VALUE, "sorting is not supported");
		return;
	}
	if (read_wanted(x, &w) == -1 || (pg = new_page(x, kind)) == NULL)
		return;
	pg->place = w.from - 1;
	if (filter != NULL && choose_rows(x, pg, filter, &w, &total) == -1) {
		pg->source.free(&pg->source);
		return;
	}
	if (filter == NULL)
		pg->left = rows_from(x->p->people, kind, pg->place, w.count);
	if (w.empty)
		pg->left = 0;
	quote = x->weather.value[WEATHER_BAD_TYPE] != 0 ? "\"" : "";
	evbuffer_add_printf(pg->head, "{\"schemas\":[\"" LIST_RESPONSE "\"],\"totalResults\":%s%llu%s,"
	    "\"startIndex\":%llu,\"itemsPerPage\":%llu,\"Resources\":[", quote,
	    (unsigned long long)reported_total(x, total), quote, (unsigned long long)w.start,
	    (unsigned long long)pg->left);
	snprintf(pg->tail, sizeof(pg->tail), "]}");
	answer_source(x, 200, &pg->source);
}

static void
answer_one(struct exchange *x, enum kind kind, uint64_t index, int status)
{
	struct page *pg = new_page(x, kind);

	if (pg == NULL)
		return;
	if ((pg->rows = calloc(1, sizeof(*pg->rows))) == NULL) {
		pg->source.free(&pg->source);
		answer_refusal(x, 500, SCIM_NONE, "no memory");
		return;
	}
	pg->rows[0] = index;
	pg->left = 1;
	answer_source(x, status, &pg->source);
}

void
list_read(struct exchange *x, enum kind kind, uint64_t index)
{
	answer_one(x, kind, index, 200);
}

void
list_written(struct exchange *x, enum kind kind, uint64_t index, int status)
{
	char	 id[GEN_ID_BYTES + 1], location[GEN_BASE_BYTES_MAX + 64];

	gen_id(people_gen(x->p->people), kind, index, id);
	snprintf(location, sizeof(location), "%s/%s/%s", people_gen(x->p->people)->base,
	    kind == KIND_USER ? "Users" : "Groups", id);
	answer_header(x, "Location", location);
	answer_one(x, kind, index, status);
}

void
list_by_cursor(struct exchange *x, enum kind kind)
{
	const char	*cursor = exchange_query(x, "cursor");
	int64_t		 count;
	uint64_t	 place = 0, page;
	struct page	*pg;
	char		*end = NULL;

	if (read_number(x, "count", PAGE_DEFAULT, 1, &count) == -1)
		return;
	if ((uint64_t)count > x->p->page_max)
		count = (int64_t)x->p->page_max;
	if (cursor != NULL && *cursor != '\0') {
		if (*cursor == 'c')
			place = strtoull(cursor + 1, &end, 16);
		if (end == NULL || end == cursor + 1 || *end != '\0' || place > people_count(x->p->people, kind)) {
			answer_refusal(x, 400, SCIM_INVALID_VALUE, "cursor: it is none of ours");
			return;
		}
	}
	if ((pg = new_page(x, kind)) == NULL)
		return;
	pg->place = place;
	pg->left = rows_from(x->p->people, kind, place, (uint64_t)count);
	evbuffer_add(pg->head, "{\"items\":[", 10);
	page = place / (uint64_t)count + 1;
	if (x->weather.value[WEATHER_LOOP_CURSOR] == (int64_t)page)
		snprintf(pg->tail, sizeof(pg->tail), "],\"next\":\"c%llx\"}", (unsigned long long)place);
	else if (place + pg->left < people_count(x->p->people, kind))
		snprintf(pg->tail, sizeof(pg->tail), "],\"next\":\"c%llx\"}", (unsigned long long)(place + pg->left));
	else
		snprintf(pg->tail, sizeof(pg->tail), "],\"next\":null}");
	answer_source(x, 200, &pg->source);
}

void
list_by_link(struct exchange *x, enum kind kind)
{
	const char	*name = kind == KIND_USER ? "Users" : "Groups", *origin = x->p->origin;
	char		 link[2 * GEN_BASE_BYTES_MAX + 256];
	int64_t		 number, size;
	uint64_t	 all = people_count(x->p->people, kind), last;
	struct page	*pg;

	if (read_number(x, "page", 1, 1, &number) == -1 || read_number(x, "per_page", PAGE_DEFAULT, 1, &size) == -1)
		return;
	if ((uint64_t)size > x->p->page_max)
		size = (int64_t)x->p->page_max;
	if (number > INT32_MAX)
		number = INT32_MAX;
	if ((pg = new_page(x, kind)) == NULL)
		return;
	pg->place = (uint64_t)(number - 1) * (uint64_t)size;
	pg->left = rows_from(x->p->people, kind, pg->place, (uint64_t)size);
	evbuffer_add(pg->head, "[", 1);
	snprintf(pg->tail, sizeof(pg->tail), "]");
	last = all == 0 ? 1 : (all - 1) / (uint64_t)size + 1;
	if ((uint64_t)number < last) {
		if (x->weather.value[WEATHER_CROSS_ORIGIN] != 0)
			origin = "http://elsewhere.example";
		snprintf(link, sizeof(link), "<%s/link/%s?page=%lld&per_page=%lld>; rel=\"next\", "
		    "<%s/link/%s?page=%llu&per_page=%lld>; rel=\"last\"", origin, name, (long long)number + 1,
		    (long long)size, x->p->origin, name, (unsigned long long)last, (long long)size);
		answer_header(x, "Link", link);
	}
	answer_source(x, 200, &pg->source);
}
