/*
 * test_fetch_records.c -- lists whose rows are outputs: the same lines, in order and once each, whether copied or made.
 */
#include "tests/unit/fetch_server.h"
#include "tests/unit/stencil_kit.h"
#include "worker/contract/worker_fd.h"
#include "worker/runtime/runtime.h"

#define PAGE_ROWS	60
#define PAGE_BYTES	(16 * KIB)
#define LINES_BYTES	(128 * KIB)

struct list {
	unsigned int	 noted, made;
	unsigned int	 asked;		/* for the first page */
	unsigned int	 fail_at;	/* note() refuses this one; 0: none */
	struct buf	 ids;
};

static int
list_note(void *arg, const struct row_text facts[ROW_FACTS_MAX], struct error *e)
{
	struct list	*l = arg;

	buf_add(&l->ids, facts[0].text, facts[0].len);
	buf_addc(&l->ids, ' ');
	return ++l->noted == l->fail_at ? error_set(e, ERR_INVALID_RESPONSE, "this one is refused") : 0;
}

static cJSON *
list_make(void *arg, const cJSON *row, struct error *e)
{
	((struct list *)arg)->made++;
	if (redact_holds(json_str(row, "name", ""))) {
		(void)error_set(e, ERR_REQUEST, "a secret may not go into results");
		return NULL;
	}
	return kit_make(NULL, row, e);
}

/* Rows from `from` on, as text; some are of other shapes, or have an escape. */
static size_t
rows_put(char *out, size_t max, unsigned int from, unsigned int n, struct buf *lines, struct buf *ids)
{
	size_t	 at = 0;

	for (unsigned int i = from; i < from + n; i++) {
		char		 row[256];
		struct error	 e = ERROR_NONE;
		autojson	*tree = NULL;

		snprintf(row, sizeof(row), "{\"id\":\"u%u\",\"name\":\"%sJ\xc3\xb6rg%s %u\",\"on\":%s,\"list\":[{\"v\":\"x%u\"}%s]}", i,
		    i % 10 == 7 ? "\\\"" : "", i % 10 == 7 ? "\\u00e9" : "", i, i % 2 == 0 ? "true" : "false", i,
		    i % 5 == 0 ? ",7" : "");
		at += (size_t)snprintf(out + at, max - at, "%s%s", i > from ? "," : "", row);
		tree = json_parse(row, strlen(row), NULL, &e);
		if (lines != NULL)
			kit_line(tree, lines);
		if (ids != NULL)
			buf_addf(ids, "u%u ", i);
	}
	return at;
}

/* What is written to FD_RESULT while a list is read by its links. */
static int
list_run(struct list *l, const struct page_plan *p, unsigned int nroutes, const struct route *routes, struct buf *out)
{
	const struct row_maker	 m = { kit_facts, list_note, list_make, kit_looks, true, l };
	int			 fds[2], saved = dup(FD_RESULT), r;
	struct fetch		*f;
	char			*space;
	ssize_t			 n;

	fflush(stdout);
	server_start(routes, nroutes);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, LINES_BYTES) > 0);
	f = client_new((struct fetch_options){ .attempts = 3 });
	emit_reset();
	dup2(fds[1], FD_RESULT);
	close(fds[1]);
	r = fetch_records(f, &(struct fetch_request){ .path = "/L" }, p, &m, &err);
	dup2(saved, FD_RESULT);
	close(saved);
	while ((space = buf_space(out, LINES_BYTES / 2)) != NULL && (n = read(fds[0], space, LINES_BYTES / 2)) > 0)
		out->len += (size_t)n;
	buf_cut(out, out->len);
	close(fds[0]);
	assert_int_equal(emit_count(&call) + (r == -1 && strstr(err.msg, "same page") == NULL), l->noted);
	l->asked = shared->hits[0];
	fetch_free(f);
	server_stop();
	return r;
}

static char	 first[PAGE_BYTES], cut[PAGE_BYTES], second[PAGE_BYTES];

/* A page that breaks off is asked for again, in mid-row too; what was copied is not given twice. */
static void
test_broken_off(void **state)
{
	autobuf			 lines = { .max = LINES_BYTES }, ids = { .max = LINES_BYTES }, out = { .max = LINES_BYTES };
	struct list		 l = { .ids = { .max = LINES_BYTES } };
	const struct page_plan	 p = { .kind = PAGE_LINK };
	const struct route	 routes[] = {
		{ "/base/L", { { 200, cut, "Link: <L?p=2>; rel=next\r\n", HOW_CHUNKED_CUT },
		    { 200, first, "Link: <L?p=2>; rel=next\r\n", HOW_CHUNKED } } },
		{ "/base/L?p=2", { { 200, second, NULL, HOW_PLAIN } } },
	};

	(void)state;
	first[0] = second[0] = '[';
	strcpy(first + 1 + rows_put(first + 1, PAGE_BYTES - 2, 0, PAGE_ROWS, &lines, &ids), "]");
	strcpy(second + 1 + rows_put(second + 1, PAGE_BYTES - 2, PAGE_ROWS, PAGE_ROWS, &lines, &ids), "]");
	for (size_t part = 0; part < 4; part++) {
		snprintf(cut, sizeof(cut), "%.*s", (int)(strlen(first) * (part + 1) / 5), first);
		l = (struct list){ .ids = { .max = LINES_BYTES } };
		buf_reset(&out);
		assert_int_equal(list_run(&l, &p, 2, routes, &out), 0);
		assert_string_equal(out.data, lines.data);
		assert_string_equal(l.ids.data, ids.data);
		/* Those that learn are made twice more, one of five; the rest was copied. */
		assert_in_range(l.made, STENCIL_ROWS_BEFORE, 2 * PAGE_ROWS * 3 / 4);
		buf_free(&l.ids);
	}
}

/* A source that gives one page for every offset, copied or not. */
static void
test_same_page(void **state)
{
	autobuf			 out = { .max = LINES_BYTES };
	struct list		 l = { .ids = { .max = LINES_BYTES } };
	char			 targets[4][32];
	struct route		 routes[4];

	(void)state;
	strcpy(first + 1 + rows_put(first + 1, PAGE_BYTES - 2, 0, PAGE_ROWS, NULL, NULL), "]");
	strcpy(second + 1 + rows_put(second + 1, PAGE_BYTES - 2, PAGE_ROWS, PAGE_ROWS, NULL, NULL), "]");
	for (unsigned int i = 0; i < 4; i++) {
		snprintf(targets[i], sizeof(targets[i]), "/base/L?o=%u", i * PAGE_ROWS);
		routes[i] = (struct route){ targets[i], { { 200, i == 0 ? first : second, NULL, HOW_PLAIN } } };
	}
	assert_int_equal(list_run(&l, &(struct page_plan){ .kind = PAGE_OFFSET, .param = "o" }, 4, routes, &out), -1);
	assert_non_null(strstr(err.msg, "the same page came again"));
	assert_int_equal(l.noted, 3 * PAGE_ROWS);
	buf_free(&l.ids);
}

/* A row that note() refuses ends the list, with what came before it, and nothing is asked again. */
static void
test_refused(void **state)
{
	static const unsigned int	 at[] = { 1, 3, 40, 59 };
	const struct route		 r = { "/base/L", { { 200, first, NULL, HOW_PLAIN } } };

	(void)state;
	for (size_t i = 0; i < N_ITEMS(at); i++) {
		autobuf		 lines = { .max = LINES_BYTES }, out = { .max = LINES_BYTES };
		struct list	 l = { .ids = { .max = LINES_BYTES }, .fail_at = at[i] };

		strcpy(first + 1 + rows_put(first + 1, PAGE_BYTES - 2, 0, PAGE_ROWS, NULL, NULL), "]");
		(void)rows_put(second, PAGE_BYTES, 0, at[i] - 1, &lines, NULL);
		assert_int_equal(list_run(&l, &(struct page_plan){ .kind = PAGE_LINK }, 1, &r, &out), -1);
		assert_string_equal(err.msg, "this one is refused");
		assert_string_equal(out.len > 0 ? out.data : "", lines.len > 0 ? lines.data : "");
		assert_int_equal(l.asked, 1);
		buf_free(&l.ids);
	}
}

/* A source that tells a secret of ours, in a row like the others: that row is made, not copied. */
static void
test_secret_told(void **state)
{
	enum { TELLS = 45 };
	autobuf			 out = { .max = LINES_BYTES };
	struct list		 l = { .ids = { .max = LINES_BYTES } };
	const struct route	 r = { "/base/L", { { 200, first, NULL, HOW_PLAIN } } };
	size_t			 n = 0, lines = 0;

	(void)state;
	for (unsigned int i = 0; i < PAGE_ROWS; i++)
		n += (size_t)snprintf(first + n, sizeof(first) - n, "%c{\"id\":\"u%u\",\"name\":\"%s\"}", i == 0 ? '[' : ',', i,
		    i == TELLS ? "so it is: correct-horse" : "somebody");
	snprintf(first + n, sizeof(first) - n, "]");
	redact_add("correct-horse");
	assert_int_equal(list_run(&l, &(struct page_plan){ .kind = PAGE_LINK }, 1, &r, &out), -1);
	redact_wipe();
	assert_string_equal(err.msg, "a secret may not go into results");
	for (size_t i = 0; i < out.len; i++)
		lines += out.data[i] == '\n';
	assert_int_equal(lines, TELLS);
	assert_in_range(l.made, STENCIL_ROWS_BEFORE, TELLS - 10);
	buf_free(&l.ids);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_broken_off), cmocka_unit_test(test_same_page), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_secret_told),
	};
	struct error	 e = ERROR_NONE;

	if (fetch_preload(&e) == -1)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
