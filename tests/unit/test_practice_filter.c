/*
 * test_practice_filter.c -- filters: what is taken, what is refused, and what each lets through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "launcher/practice/amend.h"
#include "launcher/practice/filter.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static const char person[] =
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"Abc\",\"userName\":\"Bjensen\","
    "\"externalId\":\"E1\",\"name\":{\"familyName\":\"O'Malley\",\"givenName\":\"Zoë\"},\"active\":true,\"age\":41,"
    "\"emails\":[{\"value\":\"b@work.example\",\"type\":\"work\",\"primary\":true},"
    "{\"value\":\"b@home.example\",\"type\":\"home\"}],\"empty\":[],\"nothing\":null,"
    "\"meta\":{\"lastModified\":\"2021-05-01T10:00:00.500Z\"},"
    "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{\"department\":\"R \\\"D\\\"\","
    "\"manager\":{\"value\":\"m1\"}}}";

static const struct {
	const char	*text;
	bool		 matches;
} cases[] = {
	{ "userName eq \"bjensen\"", true },
	{ "USERNAME EQ \"BJENSEN\"", true },
	{ "userName eq \"bjense\"", false },
	{ "userName ne \"bjensen\"", false },
	{ "userName sw \"BJ\"", true },
	{ "userName sw \"jensen\"", false },
	{ "userName ew \"Sen\"", true },
	{ "userName ew \"xbjensen\"", false },
	{ "userName co \"ENS\"", true },
	{ "userName co \"enz\"", false },
	{ "userName gt \"bj\"", true },
	{ "userName lt \"bj\"", false },
	{ "id eq \"Abc\"", true },
	{ "id eq \"abc\"", false },
	{ "externalId co \"e\"", false },
	{ "name.familyName eq \"O'Malley\"", true },
	{ "name.givenName eq \"Zo\\u00eb\"", true },
	{ "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"bjensen\"", true },
	{ "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName co \"mal\"", true },
	{ "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"r \\\"d\\\"\"", true },
	{ "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"m1\"", true },
	{ "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"m1\"", true },
	{ "urn:none:x:department pr", false },
	{ "active eq true", true },
	{ "active eq false", false },
	{ "active ne false", true },
	{ "active eq \"true\"", false },
	{ "age gt 40", true },
	{ "age le 41", true },
	{ "age lt 4.1e1", false },
	{ "age eq \"41\"", false },
	{ "emails pr", true },
	{ "empty pr", false },
	{ "nothing pr", false },
	{ "nothing eq null", true },
	{ "userName eq null", false },
	{ "userName ne null", true },
	{ "absent eq null", true },
	{ "absent pr", false },
	{ "absent ne \"x\"", true },
	{ "absent eq \"x\"", false },
	{ "emails eq \"b@home.example\"", true },
	{ "emails.value ew \"@work.example\"", true },
	{ "emails.type ne \"work\"", false },
	{ "emails.type eq \"other\"", false },
	{ "emails[type eq \"work\" and value co \"@work\"]", true },
	{ "emails[type eq \"home\" and value co \"@work\"]", false },
	{ "emails[type eq \"home\" or primary eq true]", true },
	{ "emails[not (type eq \"home\")]", true },
	{ "meta.lastModified gt \"2021-05-01T10:00:00Z\"", true },
	{ "meta.lastModified lt \"2021-05-01T12:00:01+02:00\"", true },
	{ "meta.lastModified ge \"2021-05-01T10:00:00.501Z\"", false },
	{ "userName pr and active eq true", true },
	{ "userName pr and active eq false or id pr", true },
	{ "id pr or userName pr and active eq false", true },
	{ "(id pr or userName pr) and active eq false", false },
	{ "not (active eq true)", false },
	{ "NOT(active eq false)AND(id pr)", true },
	{ "  userName   pr  ", true },
};

static const char *const refused[] = {
	"", " ", "userName", "userName eq", "userName eq bjensen", "userName eq 'x'", "userName is \"x\"",
	"userName eq \"x", "userName eq \"x\" and", "and userName pr", "(userName pr", "userName pr)", "userName pr pr",
	"not userName pr", "emails[type eq \"x\"", "emails[]", "emails[type pr] pr", ".a pr", "a. pr", "a..b pr",
	"a.b.c.d.e pr", "userName eq \"\\x\"", "userName eq 01", "userName eq {}", "userName pr or", "not ()", "()",
	"userName prx", "userName eq\"x\"y", "not pr",
};

static void
test_matches(void **state)
{
	struct error	 e = ERROR_NONE;
	autojson	*tree = json_parse(person, sizeof(person) - 1, NULL, &e);

	(void)state;
	assert_non_null(tree);
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		struct filter *f = filter_parse(cases[i].text, &e);

		if (f == NULL)
			fail_msg("%s: refused: %s", cases[i].text, e.msg);
		if (filter_match_tree(f, tree) != cases[i].matches)
			fail_msg("%s: %s", cases[i].text, cases[i].matches ? "does not match" : "matches");
		filter_free(f);
	}
}

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(refused); i++) {
		struct error	 e = ERROR_NONE;
		struct filter	*f = filter_parse(refused[i], &e);

		if (f != NULL)
			fail_msg("taken: %s", refused[i]);
		assert_int_equal(e.code, ERR_INVALID_REQUEST);
		assert_non_null(strstr(e.msg, "byte"));
	}
}

/* n times a, then middle, then n times b. */
static char *
nested(const char *a, const char *middle, const char *b, size_t n)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < n; i++)
		buf_adds(&text, a);
	buf_adds(&text, middle);
	for (size_t i = 0; i < n; i++)
		buf_adds(&text, b);
	return buf_steal(&text);
}

static void
test_bounds(void **state)
{
	static const struct {
		const char	*a, *b;
		size_t		 n;
		bool		 taken;
	} bounds[] = {
		{ "(", ")", FILTER_DEPTH_MAX - 1, true },
		{ "(", ")", FILTER_DEPTH_MAX, false },
		{ "e[", "]", FILTER_DEPTH_MAX - 1, true },
		{ "e[", "]", FILTER_DEPTH_MAX, false },
		{ "", " or b pr", FILTER_NODES_MAX / 2 - 1, true },
		{ "", " or b pr", FILTER_NODES_MAX / 2, false },
		{ " ", "", FILTER_BYTES_MAX, false },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(bounds); i++) {
		struct error	 e = ERROR_NONE;
		autofree char	*text = nested(bounds[i].a, "a pr", bounds[i].b, bounds[i].n);
		struct filter	*f = filter_parse(text, &e);

		if ((f != NULL) != bounds[i].taken)
			fail_msg("bound %zu: %s", i, e.msg);
		filter_free(f);
	}
}

static void
test_key(void **state)
{
	static const struct {
		const char	*text, *key;
	} keys[] = {
		{ "userName eq \"a\"", "a" },
		{ "active eq true and username eq \"a\"", "a" },
		{ "userName eq \"a\" or id pr", NULL },
		{ "not (userName eq \"a\")", NULL },
		{ "userName sw \"a\"", NULL },
		{ "name.userName eq \"a\"", NULL },
		{ "userName.x eq \"a\"", NULL },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(keys); i++) {
		struct error	 e = ERROR_NONE;
		struct filter	*f = filter_parse(keys[i].text, &e);
		const char	*key;

		assert_non_null(f);
		key = filter_key(f, "userName");
		if ((key == NULL) != (keys[i].key == NULL) || (key != NULL && strcmp(key, keys[i].key) != 0))
			fail_msg("%s: %s", keys[i].text, key != NULL ? key : "no key");
		filter_free(f);
	}
}

static void
test_amend(void **state)
{
	static const struct {
		enum amend_op	 op;
		const char	*path, *value, *wanted;		/* NULL: refused */
	} amends[] = {
		{ AMEND_REPLACE, "a", "1", "{\"l\":[{\"v\":1,\"t\":\"x\"},{\"v\":2}],\"o\":{\"p\":1},\"a\":1}" },
		{ AMEND_ADD, "o", "{\"q\":2}", "{\"l\":[{\"v\":1,\"t\":\"x\"},{\"v\":2}],\"o\":{\"p\":1,\"q\":2}}" },
		{ AMEND_REPLACE, "O.P", "5", "{\"l\":[{\"v\":1,\"t\":\"x\"},{\"v\":2}],\"o\":{\"p\":5}}" },
		{ AMEND_REMOVE, "o.p", NULL, "{\"l\":[{\"v\":1,\"t\":\"x\"},{\"v\":2}]}" },
		{ AMEND_REMOVE, "none", NULL, "{\"l\":[{\"v\":1,\"t\":\"x\"},{\"v\":2}],\"o\":{\"p\":1}}" },
		{ AMEND_REMOVE, "l[v eq 1]", NULL, "{\"l\":[{\"v\":2}],\"o\":{\"p\":1}}" },
		{ AMEND_REMOVE, "l[v gt 0]", NULL, "{\"o\":{\"p\":1}}" },
		{ AMEND_REMOVE, "l[v eq 1].t", NULL, "{\"l\":[{\"v\":1},{\"v\":2}],\"o\":{\"p\":1}}" },
		{ AMEND_REPLACE, "l[t eq \"x\"].v", "7", "{\"l\":[{\"v\":7,\"t\":\"x\"},{\"v\":2}],\"o\":{\"p\":1}}" },
		{ AMEND_REPLACE, "l[t eq \"y\"].v", "7", NULL },
		{ AMEND_ADD, "l", "[{\"v\":2},{\"v\":3}]",
		    "{\"l\":[{\"v\":1,\"t\":\"x\"},{\"v\":2},{\"v\":3}],\"o\":{\"p\":1}}" },
		{ AMEND_REPLACE, "urn:x:y:d", "1",
		    "{\"l\":[{\"v\":1,\"t\":\"x\"},{\"v\":2}],\"o\":{\"p\":1},\"urn:x:y\":{\"d\":1}}" },
		{ AMEND_REPLACE, "emails", "{\"value\":\"e\"}",
		    "{\"l\":[{\"v\":1,\"t\":\"x\"},{\"v\":2}],\"o\":{\"p\":1},\"emails\":[{\"value\":\"e\"}]}" },
		{ AMEND_REPLACE, "a", NULL, NULL },
		{ AMEND_REPLACE, "a.b.c", "1", NULL },
		{ AMEND_REPLACE, "l[v eq 1", "1", NULL },
		{ AMEND_REPLACE, "l[v eq 1].", "1", NULL },
		{ AMEND_REPLACE, "", "1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(amends); i++) {
		static const char	 before[] = "{\"l\":[{\"v\":1,\"t\":\"x\"},{\"v\":2}],\"o\":{\"p\":1}}";
		struct error		 e = ERROR_NONE;
		const char		*v = amends[i].value;
		autojson		*tree = json_parse(before, sizeof(before) - 1, NULL, &e), *value = NULL;
		autofree char		*after = NULL;
		struct target		 t;
		enum scim_type		 type;
		int			 status;

		if (v != NULL)
			value = json_parse(v, strlen(v), NULL, &e);
		if ((status = target_parse(amends[i].path, &t, &e)) == 0) {
			status = amend_apply(tree, amends[i].op, &t, value, &type, &e);
			target_free(&t);
		}
		after = json_text(tree);
		if ((status == 0) != (amends[i].wanted != NULL) || (status == 0 && strcmp(after, amends[i].wanted) != 0))
			fail_msg("%zu %s: %s: %s", i, amends[i].path, e.msg, after);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_amend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
