/*
 * test_cli_exit.c -- the manual's exit table is the product's. Run from the top of the tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "launcher/cli/cli.h"

#define MANUAL	"launcher/cli/bascule.1"

static void
test_manual(void **state)
{
	FILE		*f = fopen(MANUAL, "r");
	char		 line[512], want[512];
	enum err_code	 c = 0;
	bool		 table = false;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, ".Sh ", 4) == 0)
			table = strcmp(line, ".Sh EXIT STATUS\n") == 0;
		if (!table || strncmp(line, ".It ", 4) != 0)
			continue;
		assert_true(c < ERR__MAX);
		snprintf(want, sizeof(want), ".It %d Ta %s Ta %s\n", error_face(c)->exit, error_face(c)->word,
		    error_face(c)->meaning);
		assert_string_equal(line, want);
		c++;
	}
	fclose(f);
	assert_int_equal(c, ERR__MAX);
}

static void
test_help(void **state)
{
	char	 text[16384] = "";
	FILE	*f = fmemopen(text, sizeof(text), "w");
	size_t	 lines = 0;

	(void)state;
	assert_non_null(f);
	cli_exits(f);
	fclose(f);
	for (const char *s = text; (s = strchr(s, '\n')) != NULL; s++)
		lines++;
	assert_int_equal(lines, ERR__MAX);
	assert_non_null(strstr(text, "  80  no-egress"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
