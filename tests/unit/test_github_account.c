/*
 * test_github_account.c -- GitHub's objects as accounts, config, ids, paths,
 * joins and the conditional memory.
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
	cJSON		*v = json_parse(text, strlen(text), NULL, &e);

	if (v == NULL)
		fail_msg("%s: %s", text, e.msg);
	return v;
}

static void
test_attributes(void **state)
{
	static const struct {
		const char		*what;
		enum account_type	 type;
		const char		*user, *profile, *role, *teams, *roles;
		int			 two_factor_off;
		const char		*want;
	} rows[] = {
		{ "member", ACCOUNT_MEMBER,
		    "{\"login\":\"ada\",\"id\":9007199254740993,\"site_admin\":false,\"html_url\":\"https://h/ada\"}", NULL,
		    "admin", "[\"core\"]", "[]", -1,
		    "{\"accountId\":\"ada\",\"displayName\":\"ada\",\"login\":\"ada\",\"id\":\"9007199254740993\","
		    "\"profileUrl\":\"https://h/ada\",\"siteAdmin\":false,\"role\":\"admin\",\"type\":\"member\","
		    "\"teams\":[\"core\"],\"roles\":[]}" },
		{ "profile wins, nulls are left out", ACCOUNT_MEMBER, "{\"login\":\"bob\",\"id\":2,\"name\":null}",
		    "{\"login\":\"bob\",\"name\":\"Bob\",\"email\":null,\"token\":\"x\"}", "member", NULL, NULL, 1,
		    "{\"accountId\":\"bob\",\"displayName\":\"bob\",\"login\":\"bob\",\"id\":\"2\",\"name\":\"Bob\","
		    "\"twoFactorDisabled\":true,\"siteAdmin\":false,\"role\":\"member\",\"type\":\"member\"}" },
		{ "outside", ACCOUNT_OUTSIDE, "{\"login\":\"eve\",\"id\":3,\"site_admin\":true}", NULL, NULL, "[]", NULL, -1,
		    "{\"accountId\":\"eve\",\"displayName\":\"eve\",\"login\":\"eve\",\"id\":\"3\",\"siteAdmin\":true,"
		    "\"type\":\"outside\",\"teams\":[]}" },
		{ "invited by address", ACCOUNT_INVITED, "{\"id\":7,\"login\":null,\"email\":\"a@b.c\",\"role\":\"x\","
		    "\"created_at\":\"t\",\"inviter\":{\"login\":\"ada\"},\"failed_at\":null}", NULL, "member", NULL, NULL, -1,
		    "{\"accountId\":\"invitation:7\",\"displayName\":\"a@b.c\",\"email\":\"a@b.c\",\"invitedAt\":\"t\","
		    "\"invitedBy\":\"ada\",\"role\":\"member\",\"type\":\"invited\"}" },
		{ "failed invitation", ACCOUNT_INVITED, "{\"id\":8,\"login\":\"zoe\",\"email\":null,\"failed_at\":\"f\","
		    "\"failed_reason\":\"expired\"}", NULL, "admin", NULL, NULL, -1,
		    "{\"accountId\":\"invitation:8\",\"displayName\":\"zoe\",\"login\":\"zoe\",\"failedAt\":\"f\","
		    "\"failedReason\":\"expired\",\"role\":\"admin\",\"type\":\"invited\"}" },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		autojson		*user = tree(rows[i].user), *want = tree(rows[i].want);
		autojson		*profile = rows[i].profile != NULL ? tree(rows[i].profile) : NULL;
		autojson		*teams = rows[i].teams != NULL ? tree(rows[i].teams) : NULL;
		autojson		*roles = rows[i].roles != NULL ? tree(rows[i].roles) : NULL;
		struct account_view	 v = { rows[i].type, user, profile, rows[i].role, teams, roles,
		    rows[i].two_factor_off };
		autojson		*got = account_attributes(&v);
		autofree char		*text = json_text(got);

		if (!json_equal(got, want))
			fail_msg("%s: %s", rows[i].what, text);
	}
}

static void
test_no_id(void **state)
{
	static const char *const	 users[] = { "{}", "{\"login\":\"\"}", "{\"login\":null}", "{\"id\":5}" };

	(void)state;
	for (size_t i = 0; i < N_ITEMS(users); i++) {
		autojson		*user = tree(users[i]);
		struct account_view	 v = { .type = ACCOUNT_MEMBER, .user = user };

		assert_null(account_id(&v));
		assert_null(account_attributes(&v));
	}
}

static void
test_invitation_number(void **state)
{
	static const struct {
		const char	*id, *number;
	} rows[] = {
		{ "invitation:12", "12" }, { "invitation:", NULL }, { "invitation:1a", NULL }, { "octocat", NULL },
		{ "invitation:../members/x", NULL }, { "Invitation:1", NULL }, { "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		const char	*got = invitation_number(rows[i].id);

		if (rows[i].number == NULL)
			assert_null(got);
		else
			assert_string_equal(got, rows[i].number);
	}
}

static void
test_roles(void **state)
{
	(void)state;
	assert_string_equal(role_from_invitation("direct_member"), "member");
	assert_string_equal(role_from_invitation("admin"), "admin");
	assert_string_equal(role_from_invitation("billing_manager"), "billing_manager");
	assert_null(role_from_invitation(NULL));
	assert_string_equal(role_to_invitation("Member"), "direct_member");
	assert_string_equal(role_to_invitation("admin"), "admin");
	assert_null(role_to_invitation("owner"));
}

static void
test_settings(void **state)
{
	static const struct {
		const char	*config, *complaint;	/* NULL: fine */
	} rows[] = {
		{ "{\"org\":\"acme\",\"token\":\"t\"}", NULL },
		{ "{\"org\":\"acme\",\"auth\":\"app\",\"appId\":12,\"installationId\":\"7\",\"privateKey\":\"k\"}", NULL },
		{ "{}", "org is missing" },
		{ "{\"org\":\"\",\"token\":\"t\"}", "org is missing" },
		{ "{\"org\":\"https://github.com/acme\",\"token\":\"t\"}", "not a URL" },
		{ "{\"org\":\"acme\"}", "token is missing" },
		{ "{\"org\":\"acme\",\"auth\":\"basic\"}", "auth must be" },
		{ "{\"org\":\"acme\",\"auth\":\"app\",\"installationId\":\"7\",\"privateKey\":\"k\"}", "appId" },
		{ "{\"org\":\"acme\",\"auth\":\"app\",\"appId\":\"1\",\"installationId\":\"../7\",\"privateKey\":\"k\"}",
		    "installationId" },
		{ "{\"org\":\"acme\",\"auth\":\"app\",\"appId\":\"1\",\"installationId\":\"7\"}", "privateKey" },
		{ "{\"org\":\"acme\",\"token\":\"t\",\"apiVersion\":\"x\\r\\ny: z\"}", "apiVersion" },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		autojson	*config = tree(rows[i].config);
		struct settings	 s;
		struct error	 e = ERROR_NONE;
		int		 rc = settings_read(config, &s, &e);

		if (rows[i].complaint == NULL) {
			assert_int_equal(rc, 0);
			assert_true(s.invitations && s.outside && s.teams && !s.roles && !s.profiles);
			assert_string_equal(s.base_url, "https://api.github.com");
			continue;
		}
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_INVALID_CONFIGURATION);
		if (strstr(e.msg, rows[i].complaint) == NULL)
			fail_msg("%s: %s", rows[i].config, e.msg);
	}
}

static int
collect(void *arg, uint32_t value)
{
	char	*text = arg;
	size_t	 n = strlen(text);

	(void)snprintf(text + n, 64 - n, "%u ", (unsigned int)value);
	return 0;
}

static void
test_join(void **state)
{
	struct join	*j = join_new();
	struct error	 e = ERROR_NONE;
	char		 text[64] = "", login[32];

	(void)state;
	assert_non_null(j);
	assert_false(join_has(j, "ada"));
	assert_int_equal(join_each(j, "ada", collect, text), 0);
	for (uint32_t i = 0; i < 5000; i++) {
		(void)snprintf(login, sizeof(login), "User%u", (unsigned int)i);
		assert_int_equal(join_add(j, login, i, &e), 0);
	}
	assert_int_equal(join_add(j, "user7", 70, &e), 0);
	assert_int_equal(join_add(j, "USER7", 70, &e), 0);
	assert_int_equal(join_add(j, "User7", 71, &e), 0);
	assert_int_equal(join_each(j, "uSER7", collect, text), 0);
	assert_string_equal(text, "7 70 71 ");
	assert_int_equal(join_logins(j), 5000);
	assert_true(join_has(j, "user4999"));
	assert_false(join_has(j, "user5000"));
	join_free(j);
}

static void
test_memo(void **state)
{
	struct memo	 m = { 0 };
	autojson	*one = tree("{\"a\":1}"), *two = tree("{\"a\":2}");
	char		 path[32];

	(void)state;
	memo_keep(&m, "/a", NULL, one);
	assert_null(memo_find(&m, "/a"));
	memo_keep(&m, "/a", "\"1\"", one);
	memo_keep(&m, "/a", "\"2\"", two);
	assert_string_equal(memo_find(&m, "/a")->etag, "\"2\"");
	assert_true(json_equal(memo_find(&m, "/a")->body, two));
	for (int i = 0; i < MEMO_ENTRIES_MAX + 10; i++) {
		(void)snprintf(path, sizeof(path), "/%d", i);
		memo_keep(&m, path, "e", one);
	}
	assert_int_equal(m.n, MEMO_ENTRIES_MAX);
	memo_free(&m);
}

static void
test_paths(void **state)
{
	autofree char	*path = gh_path("orgs", "acme", "teams", "../../users", "memberships", "a b?c#d", NULL);
	autofree char	*dots = gh_path("users", "..", NULL);

	(void)state;
	assert_string_equal(path, "/orgs/acme/teams/..%2F..%2Fusers/memberships/a%20b%3Fc%23d");
	assert_null(strstr(dots, ".."));
}

static void
test_times(void **state)
{
	(void)state;
	assert_int_equal(iso_time_s("1970-01-01T00:01:00Z"), 60);
	assert_int_equal(iso_time_s("2016-07-11T22:14:10.123Z"), 1468275250);
	assert_int_equal(iso_time_s("2016-07-11T22:14:10+02:00"), -1);
	assert_int_equal(iso_time_s("tomorrow"), -1);
	assert_int_equal(iso_time_s(NULL), -1);
}

static void
test_claims(void **state)
{
	struct error	 e = ERROR_NONE;
	autofree char	*claims = app_claims("12345", 1700000000, &e);
	static const char payload[] = "{\"iat\":1699999940,\"exp\":1700000540,\"iss\":\"12345\"}";
	autofree char	*want = fetch_base64url(payload, sizeof(payload) - 1);

	(void)state;
	assert_non_null(claims);
	assert_string_equal(strchr(claims, '.') + 1, want);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_no_id),
		cmocka_unit_test(test_invitation_number),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_memo),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
