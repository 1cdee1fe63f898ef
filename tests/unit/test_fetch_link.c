/*
 * test_fetch_link.c -- the Link header; each file of tests/cases/link is its rel=next, a newline, the header.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "worker/runtime/fetch_priv.h"

#define CASES	"tests/cases/link"

static const struct {
	const char	*header, *rel, *target;
} links[] = {
	{ "<https://h/a?page=2>; rel=\"next\"", "next", "https://h/a?page=2" },
	{ "<a>; rel=prev, <b>; rel=next", "next", "b" },
	{ "<a>; rel=\"prev next\"", "next", "a" },
	{ "<a>;REL=NEXT", "next", "a" },
	{ "<a>; title=\"x; rel=next, <b>\"; rel=last, <c>; rel=next", "next", "c" },
	{ "<a>; title=\"\\\"\"; rel=next", "next", "a" },
	{ "<a,b;c>; rel=next", "next", "a,b;c" },
	{ "<a> ; rel = \"next\" ; x", "next", "a" },
	{ "<a>; rel=prev; rel=next", "next", NULL },	/* the first rel counts */
	{ "<a>; rel=nextish", "next", NULL },
	{ "<>; rel=next", "next", "" },
	{ ", ,<a>; rel=next,", "next", "a" },
	{ "<a>; x junk, <b>; rel=next", "next", "b" },
	{ "<a; rel=next", "next", NULL },
	{ "<a>; rel=\"next", "next", "a" },
	{ "a; rel=next", "next", NULL },
	{ "<a>; rel=\"\\", "next", NULL },
	{ "", "next", NULL },
};

static void
test_links(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(links); i++) {
		autofree char	*got = link_find(links[i].header, links[i].rel);

		assert_string_equal(got == NULL ? "(none)" : got, links[i].target == NULL ? "(none)" : links[i].target);
	}
}

static void
test_files(void **state)
{
	DIR		*d = opendir(CASES);
	struct dirent	*entry;
	size_t		 n = 0;

	(void)state;
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		char		 path[512], text[4096] = "", *header;
		FILE		*f;
		size_t		 len;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), CASES "/%s", entry->d_name);
		f = fopen(path, "r");
		assert_non_null(f);
		len = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
		assert_true(len > 1 && text[len - 1] == '\n');
		text[len - 1] = '\0';
		header = strchr(text, '\n');
		assert_non_null(header);
		*header++ = '\0';

		autofree char	*got = link_find(header, "next");

		if (strcmp(got == NULL ? "-" : got, text) != 0)
			fail_msg("%s: %s", path, got == NULL ? "-" : got);
		n++;
	}
	closedir(d);
	assert_true(n > 0);
}

static void
test_resolve(void **state)
{
	static const struct { const char *base, *ref, *url; } t[] = {
		{ "https://h/a/b?c", "/d?e=1#f", "https://h/d?e=1" },
		{ "https://h/a/b?c", "?e=1", "https://h/a/b?e=1" },
		{ "https://h/a/b?c", "d", "https://h/a/d" },
		{ "https://h/a/b", "//o/x", "https://o/x" },
		{ "https://h/a/b", "https://o/x", "https://o/x" },
		{ "https://h/a/b", "../../../x", "https://h/x" },
		{ "https://h/a", "x y", "https://h/x%20y" },
		{ "nonsense://", "x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(t); i++) {
		autofree char	*url = url_resolve(t[i].base, t[i].ref);

		assert_string_equal(url == NULL ? "(none)" : url, t[i].url == NULL ? "(none)" : t[i].url);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_links), cmocka_unit_test(test_files), cmocka_unit_test(test_resolve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
