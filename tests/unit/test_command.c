/*
 * test_command.c -- the table of commands: names, and rules that hold for every row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "worker/contract/command.h"
#include "worker/contract/limits.h"

static void
names(void **state)
{
	(void)state;
	for (enum command c = 0; c < CMD__STANDARD; c++) {
		const struct command_info	*info = command_info(c);

		assert_memory_equal(info->name, "std:", 4);
		assert_int_equal(command_from_name(info->name), c);
		for (enum command d = 0; d < c; d++)
			assert_string_not_equal(info->name, command_info(d)->name);
	}
	assert_int_equal(command_from_name("std:account:lis"), CMD_CUSTOM);
	assert_int_equal(command_from_name("std:account:list2"), CMD_CUSTOM);
	assert_int_equal(command_from_name("STD:ACCOUNT:LIST"), CMD_CUSTOM);
	assert_int_equal(command_from_name(""), CMD_CUSTOM);
	assert_int_equal(command_from_name("before:std:account:list"), CMD_CUSTOM);
}

static void
rules(void **state)
{
	(void)state;
	for (enum command c = 0; c < CMD__STANDARD; c++) {
		const struct command_info	*info = command_info(c);
		const char			*tail = strrchr(info->name, ':');

		/* A list streams, keeps state and has no clock but silence; nothing else does. */
		assert_int_equal(strcmp(tail, ":list") == 0, (info->flags & CMD_STREAMS) != 0);
		assert_int_equal((info->flags & CMD_STATEFUL) != 0, (info->flags & CMD_STREAMS) != 0);
		assert_int_equal(info->deadline_ms == 0, (info->flags & CMD_STREAMS) != 0);
		assert_true(info->deadline_ms <= DEADLINE_MS_MAX);
		assert_false((info->flags & CMD_STREAMS) && (info->flags & CMD_WRITES));
		/* What only reads is no write, by name. */
		if (strcmp(tail, ":read") == 0 || strcmp(tail, ":discover") == 0)
			assert_false(info->flags & CMD_WRITES);
	}
	assert_int_equal(command_info(CMD_ACCOUNT_CREATE)->flags, CMD_WRITES);
	assert_int_equal(command_info(CMD_CHANGE_PASSWORD)->flags, CMD_WRITES);
}

static void
custom(void **state)
{
	(void)state;
	assert_null(command_info(CMD_CUSTOM)->name);
	assert_int_equal(command_info(CMD_CUSTOM)->flags, CMD_STREAMS | CMD_WRITES);
	assert_ptr_equal(command_info(CMD__MAX), command_info(CMD_CUSTOM));
	assert_ptr_equal(command_info((enum command)-1), command_info(CMD_CUSTOM));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names), cmocka_unit_test(rules), cmocka_unit_test(custom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
