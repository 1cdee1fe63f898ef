/*
 * fuzz_page.c -- any answers as the pages of a list.  The first byte chooses the
 * plan; the rest are envelopes, a line each.  A list never ends short of the
 * total its last answer said, and a link never leaves the origin.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/runtime/fetch_priv.h"

#define URL	"https://h.example/base/x?page=1"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct page_plan	 plans[] = {
	{ .kind = PAGE_NONE, .rows = "/r", .next = "/n", .total = "/t", .more = "/m" },
	{ .kind = PAGE_LINK },
	{ .kind = PAGE_NEXT_URL, .rows = "/r", .next = "/n", .total = "/t" },
	{ .kind = PAGE_CURSOR, .rows = "/r", .next = "/n", .param = "c", .more = "/m" },
	{ .kind = PAGE_OFFSET, .rows = "/r", .param = "o", .total = "/t", .more = "/m", .total_may_move = true },
	{ .kind = PAGE_NUMBER, .rows = "/r", .param = "p", .first = 1 },
	{ .kind = PAGE_SCIM },
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
next_check(const struct page_state *s)
{
	struct fetch_param	 q[PAGE_PARAMS_MAX];
	struct origin		 here, there;
	char			 at[32], size[32];

	must(page_params(s, q, at, size) <= PAGE_PARAMS_MAX);
	if (!page_by_link(s->p))
		return;
	must(origin_of(URL, &here) == 0 && origin_of(s->next, &there) == 0 && origin_same(&here, &there));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct page_state	 s;
	struct error		 e = ERROR_NONE;
	autofree char		*text = n < 1 ? NULL : strndup((const char *)data + 1, n - 1);
	char			*rest = text, *line;
	int			 r = 1;

	if (text == NULL)
		return 0;
	page_init(&s, &plans[data[0] % N_ITEMS(plans)]);
	while (r == 1 && (line = strsep(&rest, "\n")) != NULL) {
		autojson		*envelope = json_parse(line, strlen(line), NULL, &e);
		struct page_facts	 pf = { envelope, s.p->kind == PAGE_LINK ? json_str(envelope, "n", NULL) : NULL,
		    URL,
		    strlen(line) % 3, 0 };

		e = ERROR_NONE;
		r = page_step(&s, &pf, &e);
		must(r == -1 ? e.code != ERR_NONE : e.code == ERR_NONE);
		if (r == 0 && s.total_known)
			must(s.rows == s.total || (s.rows > s.total && s.p->total_may_move));
		if (r == 1)
			next_check(&s);
	}
	page_free(&s);
	return 0;
}
