/*
 * test_github_plan.c -- changes of an update as the requests that they need.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/github/github.h"

static cJSON *
tree(const char *text)
{
	struct error	 e = ERROR_NONE;

	return json_parse(text, strlen(text), NULL, &e);
}

/* Steps joined by "; ", or "error: ..." */
static void
plan_text(const char *changes, char *out, size_t n)
{
	struct error		 e = ERROR_NONE;
	autojson		*teams = tree("[\"core\",\"docs\"]"), *roles = tree("[\"11\"]");
	autojson		*input = cJSON_CreateObject();
	struct catalogue	 tc = { .what = "teams", .max = 10 }, rc = { .what = "organisation roles", .max = 10 };
	struct call		 c = { .cmd = CMD_ACCOUNT_UPDATE, .type = "std:account:update", .input = input, .err = &e };
	struct plan_state	 now = { "member", teams, roles, &tc, &rc };
	struct plan		 p = { 0 };
	size_t			 used = 0;

	assert_int_equal(json_set(input, "changes", tree(changes)), 0);
	assert_int_equal(catalogue_add(&tc, "core", "Core Team", 1, &e), 0);
	assert_int_equal(catalogue_add(&tc, "docs", "Docs", 2, &e), 0);
	assert_int_equal(catalogue_add(&tc, "ops", "Ops", 3, &e), 0);
	assert_int_equal(catalogue_add(&rc, "11", "auditor", 11, &e), 0);
	assert_int_equal(catalogue_add(&rc, "12", "security", 12, &e), 0);
	out[0] = '\0';
	if (plan_make(&c, &now, &p) == -1)
		(void)snprintf(out, n, "error: %s", e.msg);
	else
		for (size_t i = 0; i < p.n; i++) {
			char	 one[100];

			step_text(&p.steps[i], one, sizeof(one));
			used += (size_t)snprintf(out + used, n - used, "%s%s", i > 0 ? "; " : "", one);
		}
	plan_free(&p);
	catalogue_free(&tc);
	catalogue_free(&rc);
}

#define CHANGE(op, attribute, value) "{\"op\":\"" op "\",\"attribute\":\"" attribute "\",\"value\":" value "}"

static void
test_plans(void **state)
{
	static const struct {
		const char	*changes, *want;	/* want: a prefix where it is an error */
	} rows[] = {
		{ "[]", "" },
		{ "[" CHANGE("Set", "role", "\"admin\"") "]", "set role admin" },
		{ "[" CHANGE("Set", "role", "\"Member\"") "]", "" },
		{ "[" CHANGE("Set", "role", "\"admin\"") "," CHANGE("Set", "role", "\"admin\"") "]", "set role admin" },
		{ "[" CHANGE("Set", "role", "\"owner\"") "]", "error: no role" },
		{ "[" CHANGE("Remove", "role", "\"admin\"") "]", "error: the attribute role cannot be removed" },
		{ "[" CHANGE("Add", "teams", "\"ops\"") "]", "add to team ops" },
		{ "[" CHANGE("Add", "teams", "[\"ops\",\"core\",\"ops\"]") "]", "add to team ops" },
		{ "[" CHANGE("Add", "teams", "\"Core Team\"") "]", "" },
		{ "[" CHANGE("Add", "teams", "\"nowhere\"") "]", "error: the organisation has no \"nowhere\" among its teams" },
		{ "[" CHANGE("Remove", "teams", "\"core\"") "]", "remove from team core" },
		{ "[" CHANGE("Remove", "teams", "[\"ops\",\"gone\"]") "]", "" },
		{ "[" CHANGE("Set", "teams", "[\"ops\",\"core\"]") "]", "add to team ops; remove from team docs" },
		{ "[" CHANGE("Set", "teams", "null") "]", "remove from team docs; remove from team core" },
		{ "[" CHANGE("Set", "teams", "[\"docs\",\"core\"]") "]", "" },
		{ "[" CHANGE("Add", "teams", "\"ops\"") "," CHANGE("Remove", "teams", "\"ops\"") "]",
		    "add to team ops; remove from team ops" },
		{ "[" CHANGE("Add", "roles", "\"12\"") "," CHANGE("Remove", "roles", "11") "]",
		    "assign organisation role 12; take organisation role 11" },
		{ "[" CHANGE("Add", "roles", "\"security\"") "]", "assign organisation role 12" },
		{ "[" CHANGE("Set", "email", "\"x\"") "]", "error: the attribute email cannot be changed" },
		{ "[" CHANGE("Put", "role", "\"admin\"") "]", "error: input.changes[0]: unknown op" },
		{ "[" CHANGE("Add", "teams", "{}") "]", "error: a value of teams is no text" },
	};
	char	 got[600];

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		bool	 error = strncmp(rows[i].want, "error", 5) == 0;

		plan_text(rows[i].changes, got, sizeof(got));
		if (error ? strncmp(got, rows[i].want, strlen(rows[i].want)) != 0 : strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].changes, got);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_plans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
