/*
 * beta_list.c -- a list, whole or the page that was asked for: ?limit=, ?offset=, ?count=true.
 *
 * What the platform's lists take besides (filters, sorters) is let be, as anything is that nobody knows.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "launcher/serve/query.h"
#include "launcher/serve/route.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define LIMIT_MAX	250		/* as the platform has it */
#define OFFSET_MAX	INT32_MAX

struct page {
	uint64_t	 limit, offset;
	bool		 count;
};

static int
page_read(struct exchange *x, struct page *p, struct error *e)
{
	struct query	 q = { 0 };
	int		 r = query_read(&q, x->req, e);

	*p = (struct page){ .limit = UINT64_MAX };
	for (size_t i = 0; i < q.n && r == 0; i++)
		if (strcmp(q.names[i], "limit") == 0)
			r = query_number("limit", q.values[i], 0, LIMIT_MAX, &p->limit, e);
		else if (strcmp(q.names[i], "offset") == 0)
			r = query_number("offset", q.values[i], 0, OFFSET_MAX, &p->offset, e);
		else if (strcmp(q.names[i], "count") == 0)
			r = query_bool("count", q.values[i], &p->count, e);
	query_free(&q);
	return r;
}

void
beta_list(struct exchange *x, cJSON *list)
{
	struct page	 p;
	struct error	 e = ERROR_NONE;
	cJSON		*out = cJSON_CreateArray(), *one;
	char		 total[16];

	if (page_read(x, &p, &e) == -1) {
		answer_problem(x->req, &(struct problem){ .error = &e });
		cJSON_Delete(list);
		cJSON_Delete(out);
		return;
	}
	snprintf(total, sizeof(total), "%d", cJSON_GetArraySize(list));
	if (p.count)
		answer_header(x->req, "X-Total-Count", total);
	while ((one = cJSON_DetachItemFromArray(list, 0)) != NULL) {
		if (p.offset > 0 || p.limit == 0) {
			p.offset -= p.offset > 0;
			cJSON_Delete(one);
			continue;
		}
		(void)json_push(out, one);
		p.limit--;
	}
	cJSON_Delete(list);
	answer_json(x->req, 200, out);
}
