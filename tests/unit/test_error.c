/*
 * test_error.c -- the table of outcomes and the calls that fill a struct error.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "worker/contract/error.h"

static void
faces(void **state)
{
	(void)state;
	for (enum err_code c = 0; c < ERR__MAX; c++) {
		const struct error_face	*f = error_face(c);

		assert_true(f->word[0] != '\0' && f->type[0] != '\0' && f->meaning[0] != '\0');
		assert_true(f->exit >= 0 && f->exit < 256);
		/* Only success looks like success. */
		assert_int_equal(f->exit == 0, c == ERR_NONE);
		assert_int_equal(f->http == 200, c == ERR_NONE);
		assert_true(c == ERR_NONE || (f->http >= 400 && f->http < 600));
		for (enum err_code d = 0; d < c; d++)
			assert_string_not_equal(f->word, error_face(d)->word);
	}
	assert_ptr_equal(error_face(ERR__MAX), error_face(ERR_SYSTEM));
	assert_ptr_equal(error_face((enum err_code)-1), error_face(ERR_SYSTEM));
}

static void
types(void **state)
{
	(void)state;
	for (enum err_code c = ERR_GENERIC; c <= ERR_TIMEOUT; c++)
		assert_int_equal(error_from_type(error_face(c)->type), c);
	assert_int_equal(error_from_type("NotFound"), ERR_GENERIC);
	assert_int_equal(error_from_type(""), ERR_GENERIC);
	assert_int_equal(error_from_type("ok"), ERR_GENERIC);
	/* What a connector may never claim. */
	assert_int_equal(error_from_cause("deadline"), ERR_NONE);
	assert_int_equal(error_from_cause("memory"), ERR_NONE);
	assert_int_equal(error_from_cause("cancelled"), ERR_NONE);
	assert_int_equal(error_from_cause("ok"), ERR_NONE);
	assert_int_equal(error_from_cause("upstream"), ERR_UPSTREAM);
}

/* Each cause finds its code again, from a receipt. */
static void
causes_back(void **state)
{
	struct error	 e, back;
	char		 text[ERROR_CAUSE_BYTES];

	(void)state;
	for (enum err_code c = 0; c < ERR__MAX; c++) {
		e = (struct error){ .code = c, .what = "x:y" };
		back = ERROR_NONE;
		assert_int_equal(error_take_cause(&back, error_cause(&e, text)), 0);
		assert_int_equal(back.code, c);
		assert_string_equal(back.what, "x:y");
	}
	assert_int_equal(error_take_cause(&back, "deadlines"), -1);
	assert_int_equal(error_take_cause(&back, ""), -1);
}

static void
filling(void **state)
{
	struct error	 e = { .sys = 5, .type = "x" };
	char		 longest[2000];

	(void)state;
	assert_int_equal(error_set(&e, ERR_LIMIT, "%d of %s", 3, "them"), -1);
	assert_string_equal(e.msg, "3 of them");
	assert_int_equal(e.sys, 0);
	assert_string_equal(error_type(&e), "generic");
	assert_int_equal(error_in(&e, "input.%s", "changes"), -1);
	assert_string_equal(e.msg, "input.changes: 3 of them");
	assert_int_equal(e.code, ERR_LIMIT);

	errno = ENOENT;
	assert_int_equal(error_sys(&e, "open"), -1);
	assert_int_equal(e.code, ERR_SYSTEM);
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.msg, "open: No such file or directory");

	memset(longest, 'y', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	error_set(&e, ERR_GENERIC, "%s", longest);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	error_in(&e, "%s", longest);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	errno = EIO;
	error_sys(&e, "%s", longest);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	strcpy(e.type, "ownType");
	assert_string_equal(error_type(&e), "ownType");
}

static void
causes(void **state)
{
	struct error	 e = ERROR_NONE;
	char		 buf[ERROR_CAUSE_BYTES];

	(void)state;
	error_set(&e, ERR_SYSCALL, "m");
	assert_string_equal(error_cause(&e, buf), "syscall");
	strcpy(e.what, "ptrace");
	assert_string_equal(error_cause(&e, buf), "syscall:ptrace");
	memset(e.what, 'x', sizeof(e.what) - 1);
	e.what[sizeof(e.what) - 1] = '\0';
	assert_int_equal(strlen(error_cause(&e, buf)), strlen("syscall:") + sizeof(e.what) - 1);
	error_set(&e, ERR_SIGNAL, "m");
	assert_string_equal(error_cause(&e, buf), "signal");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faces), cmocka_unit_test(types), cmocka_unit_test(causes_back), cmocka_unit_test(filling),
		cmocka_unit_test(causes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
