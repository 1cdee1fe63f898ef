/*
 * test_scim_patch.c -- what a change does to a SCIM resource, and the PATCH operations that say so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/scim/patch.h"

#define ENT	"urn:x:User"
#define MAILS	"{\"emails\":[{\"value\":\"a@x\",\"type\":\"work\",\"primary\":true}," \
	    "{\"value\":\"b@x\",\"type\":\"home\"}]}"

static cJSON *
tree(const char *text)
{
	struct error	 e = ERROR_NONE;
	cJSON		*v;

	if (text == NULL)
		return NULL;
	if ((v = json_parse(text, strlen(text), NULL, &e)) == NULL)
		fail_msg("%s: %s", text, e.msg);
	return v;
}

static const struct {
	const char	*why, *before, *path;
	bool		 multi;
	enum change_op	 op;
	const char	*value;		/* JSON or NULL */
	const char	*ops, *after;	/* ops NULL: refused; after NULL: as before */
} changes[] = {
	/* single */
	{ "a new value", "{\"title\":\"a\"}", "title", false, CHANGE_SET, "\"b\"",
	    "[{\"op\":\"replace\",\"path\":\"title\",\"value\":\"b\"}]", "{\"title\":\"b\"}" },
	{ "the same value changes nothing", "{\"title\":\"a\"}", "title", false, CHANGE_SET, "\"a\"", "[]", NULL },
	{ "a first value", "{}", "title", false, CHANGE_SET, "\"b\"",
	    "[{\"op\":\"replace\",\"path\":\"title\",\"value\":\"b\"}]", "{\"title\":\"b\"}" },
	{ "the server's spelling stays", "{\"Title\":\"a\"}", "title", false, CHANGE_SET, "\"b\"",
	    "[{\"op\":\"replace\",\"path\":\"title\",\"value\":\"b\"}]", "{\"Title\":\"b\"}" },
	{ "one value in an array", "{}", "title", false, CHANGE_SET, "[\"b\"]",
	    "[{\"op\":\"replace\",\"path\":\"title\",\"value\":\"b\"}]", "{\"title\":\"b\"}" },
	{ "two values for one", "{}", "title", false, CHANGE_SET, "[\"b\",\"c\"]", NULL, NULL },
	{ "Set null clears", "{\"title\":\"a\"}", "title", false, CHANGE_SET, NULL,
	    "[{\"op\":\"remove\",\"path\":\"title\"}]", "{}" },
	{ "Set empty clears", "{\"title\":\"a\"}", "title", false, CHANGE_SET, "\"\"",
	    "[{\"op\":\"remove\",\"path\":\"title\"}]", "{}" },
	{ "clearing nothing", "{}", "title", false, CHANGE_SET, NULL, "[]", NULL },
	{ "Remove without value", "{\"title\":\"a\"}", "title", false, CHANGE_REMOVE, NULL,
	    "[{\"op\":\"remove\",\"path\":\"title\"}]", "{}" },
	{ "Remove of what is there", "{\"title\":\"a\"}", "title", false, CHANGE_REMOVE, "\"a\"",
	    "[{\"op\":\"remove\",\"path\":\"title\"}]", "{}" },
	{ "Remove of something else", "{\"title\":\"a\"}", "title", false, CHANGE_REMOVE, "\"b\"", "[]", NULL },
	{ "Add to a single one sets it", "{\"title\":\"a\"}", "title", false, CHANGE_ADD, "\"b\"",
	    "[{\"op\":\"replace\",\"path\":\"title\",\"value\":\"b\"}]", "{\"title\":\"b\"}" },
	{ "a boolean", "{\"active\":true}", "active", false, CHANGE_SET, "false",
	    "[{\"op\":\"replace\",\"path\":\"active\",\"value\":false}]", "{\"active\":false}" },
	{ "a nested one", "{}", "name.givenName", false, CHANGE_SET, "\"A\"",
	    "[{\"op\":\"replace\",\"path\":\"name.givenName\",\"value\":\"A\"}]", "{\"name\":{\"givenName\":\"A\"}}" },
	{ "clearing a nested one", "{\"name\":{\"givenName\":\"A\",\"familyName\":\"B\"}}", "name.givenName", false,
	    CHANGE_REMOVE, NULL, "[{\"op\":\"remove\",\"path\":\"name.givenName\"}]",
	    "{\"name\":{\"familyName\":\"B\"}}" },
	{ "an extension names its schema", "{\"schemas\":[\"core\"]}", ENT ":dept", false, CHANGE_SET, "\"d\"",
	    "[{\"op\":\"replace\",\"path\":\"urn:x:User:dept\",\"value\":\"d\"}]",
	    "{\"schemas\":[\"core\",\"urn:x:User\"],\"urn:x:User\":{\"dept\":\"d\"}}" },
	{ "clearing in an absent extension", "{}", ENT ":dept", false, CHANGE_SET, NULL, "[]", NULL },
	/* labelled */
	{ "a labelled value", MAILS, "emails[type eq \"home\"].value", false, CHANGE_SET, "\"c@x\"",
	    "[{\"op\":\"replace\",\"path\":\"emails[type eq \\\"home\\\"].value\",\"value\":\"c@x\"}]",
	    "{\"emails\":[{\"value\":\"a@x\",\"type\":\"work\",\"primary\":true},"
	    "{\"value\":\"c@x\",\"type\":\"home\"}]}" },
	{ "the same labelled value", MAILS, "emails[type eq \"home\"].value", false, CHANGE_SET, "\"b@x\"",
	    "[]", NULL },
	{ "a missing element is added", "{}", "emails[type eq \"work\"].value", false, CHANGE_SET, "\"a@x\"",
	    "[{\"op\":\"add\",\"path\":\"emails\",\"value\":[{\"type\":\"work\",\"value\":\"a@x\"}]}]",
	    "{\"emails\":[{\"type\":\"work\",\"value\":\"a@x\"}]}" },
	{ "a labelled value goes with its element", MAILS, "emails[type eq \"home\"].value", false, CHANGE_SET, NULL,
	    "[{\"op\":\"remove\",\"path\":\"emails[type eq \\\"home\\\"]\"}]",
	    "{\"emails\":[{\"value\":\"a@x\",\"type\":\"work\",\"primary\":true}]}" },
	{ "another sub-attribute goes alone",
	    "{\"addresses\":[{\"type\":\"work\",\"locality\":\"L\",\"region\":\"R\"}]}",
	    "addresses[type eq \"work\"].locality", false, CHANGE_REMOVE, NULL,
	    "[{\"op\":\"remove\",\"path\":\"addresses[type eq \\\"work\\\"].locality\"}]",
	    "{\"addresses\":[{\"type\":\"work\",\"region\":\"R\"}]}" },
	{ "an unlabelled element is replaced as a whole", "{\"emails\":[{\"value\":\"a@x\"}]}",
	    "emails[type eq \"work\"].value", false, CHANGE_SET, "\"b@x\"",
	    "[{\"op\":\"replace\",\"path\":\"emails\",\"value\":[{\"value\":\"b@x\"}]}]",
	    "{\"emails\":[{\"value\":\"b@x\"}]}" },
	/* list */
	{ "a bare string is added", MAILS, "emails", false, CHANGE_ADD, "\"c@x\"",
	    "[{\"op\":\"add\",\"path\":\"emails\",\"value\":[{\"value\":\"c@x\"}]}]",
	    "{\"emails\":[{\"value\":\"a@x\",\"type\":\"work\",\"primary\":true},{\"value\":\"b@x\",\"type\":\"home\"},"
	    "{\"value\":\"c@x\"}]}" },
	{ "what is there is not added", MAILS, "emails", false, CHANGE_ADD, "[\"a@x\",\"b@x\"]", "[]", NULL },
	{ "a value is removed by a value path", MAILS, "emails", false, CHANGE_REMOVE, "\"b@x\"",
	    "[{\"op\":\"remove\",\"path\":\"emails[value eq \\\"b@x\\\"]\"}]",
	    "{\"emails\":[{\"value\":\"a@x\",\"type\":\"work\",\"primary\":true}]}" },
	{ "what is not there is not removed", MAILS, "emails", false, CHANGE_REMOVE, "\"z\"", "[]", NULL },
	{ "a whole new list keeps what it knew", MAILS, "emails", false, CHANGE_SET, "[\"b@x\",\"c@x\"]",
	    "[{\"op\":\"replace\",\"path\":\"emails\",\"value\":[{\"value\":\"b@x\",\"type\":\"home\"},"
	    "{\"value\":\"c@x\"}]}]",
	    "{\"emails\":[{\"value\":\"b@x\",\"type\":\"home\"},{\"value\":\"c@x\"}]}" },
	{ "the same list in another order", MAILS, "emails", false, CHANGE_SET, "[\"b@x\",\"a@x\"]", "[]", NULL },
	{ "an empty list clears", MAILS, "emails", false, CHANGE_SET, "[]",
	    "[{\"op\":\"remove\",\"path\":\"emails\"}]", "{}" },
	{ "Remove names nothing", MAILS, "emails", false, CHANGE_REMOVE, NULL, NULL, NULL },
	{ "plain values are replaced as a whole", "{\"tags\":[\"a\",\"b\"]}", "tags", true, CHANGE_REMOVE, "\"a\"",
	    "[{\"op\":\"replace\",\"path\":\"tags\",\"value\":[\"b\"]}]", "{\"tags\":[\"b\"]}" },
	{ "a first plain value", "{}", "tags", true, CHANGE_ADD, "\"a\"",
	    "[{\"op\":\"add\",\"path\":\"tags\",\"value\":[\"a\"]}]", "{\"tags\":[\"a\"]}" },
	{ "a literal that would break out", "{\"roles\":[{\"value\":\"x\\\"] or\"}]}", "roles", false, CHANGE_REMOVE,
	    "\"x\\\"] or\"", "[{\"op\":\"remove\",\"path\":\"roles[value eq \\\"x\\\\\\\"] or\\\"]\"}]",
	    "{\"roles\":[]}" },
};

static void
test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(changes); i++) {
		struct error	 e = ERROR_NONE;
		struct scim_path p;
		struct scim_plan plan;
		cJSON		*value = tree(changes[i].value);
		cJSON		*after = tree(changes[i].after != NULL ? changes[i].after : changes[i].before);
		char		*ops;
		int		 r;

		assert_int_equal(scim_path_parse(changes[i].path, &p, &e), 0);
		assert_int_equal(scim_plan_init(&plan, tree(changes[i].before), &e), 0);
		r = scim_plan_change(&plan, &p, changes[i].multi, changes[i].op, value, &e);
		if (r != (changes[i].ops == NULL ? -1 : 0))
			fail_msg("%s: %d (%s)", changes[i].why, r, e.msg);
		if (r == -1)
			assert_int_equal(e.code, ERR_INVALID_REQUEST);
		ops = json_text(plan.ops);
		if (r == 0 && strcmp(ops, changes[i].ops) != 0)
			fail_msg("%s: got %s", changes[i].why, ops);
		if (!json_equal(plan.resource, after))
			fail_msg("%s: the resource became %s", changes[i].why, json_text(plan.resource));
		assert_int_equal(scim_plan_is_empty(&plan), plan.ops->child == NULL);
		free(ops);
		cJSON_Delete(after);
		cJSON_Delete(value);
		scim_plan_free(&plan);
		scim_path_free(&p);
	}
}

static void
test_one_value_only(void **state)
{
	struct error	 e = ERROR_NONE;
	struct scim_path mails, home, work;
	struct scim_plan plan;
	cJSON		*two = tree("[\"a\",\"b\"]"), *one = tree("\"a\"");

	(void)state;
	assert_int_equal(scim_path_parse("emails", &mails, &e), 0);
	assert_int_equal(scim_path_parse("emails[type eq \"home\"].value", &home, &e), 0);
	assert_int_equal(scim_path_parse("emails[type eq \"work\"].value", &work, &e), 0);
	assert_int_equal(scim_plan_init(&plan, tree("{}"), &e), 0);
	plan.one_value = true;
	assert_int_equal(scim_plan_change(&plan, &mails, true, CHANGE_SET, two, &e), -1);
	assert_int_equal(e.code, ERR_INVALID_REQUEST);
	assert_int_equal(scim_plan_change(&plan, &work, false, CHANGE_SET, one, &e), 0);
	assert_int_equal(scim_plan_change(&plan, &home, false, CHANGE_SET, one, &e), -1);
	scim_plan_free(&plan);
	scim_path_free(&work);
	scim_path_free(&home);
	scim_path_free(&mails);
	cJSON_Delete(one);
	cJSON_Delete(two);
}

static const struct {
	const char	*id;
	bool		 add, by_value;
	const char	*ops;
} members[] = {
	{ "7", true, false, "[{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"7\"}]}]" },
	{ "7", true, true, "[{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"7\"}]}]" },
	{ "7", false, false, "[{\"op\":\"remove\",\"path\":\"members[value eq \\\"7\\\"]\"}]" },
	{ "7", false, true, "[{\"op\":\"remove\",\"path\":\"members\",\"value\":[{\"value\":\"7\"}]}]" },
	{ "\"] or x", false, false, "[{\"op\":\"remove\",\"path\":\"members[value eq \\\"\\\\\\\"] or x\\\"]\"}]" },
};

static void
test_member_ops(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(members); i++) {
		cJSON	*ops = scim_member_ops(members[i].id, members[i].add, members[i].by_value);
		char	*text = json_text(ops);

		assert_string_equal(text, members[i].ops);
		free(text);
		cJSON_Delete(ops);
	}
}

static void
test_member_apply(void **state)
{
	cJSON	*group = tree("{\"id\":\"g\"}");
	char	*text;

	(void)state;
	assert_int_equal(scim_member_apply(group, "1", false), 0);
	assert_int_equal(scim_member_apply(group, "1", true), 1);
	assert_int_equal(scim_member_apply(group, "1", true), 0);
	assert_int_equal(scim_member_apply(group, "2", true), 1);
	assert_int_equal(scim_member_apply(group, "1", false), 1);
	text = json_text(group);
	assert_string_equal(text, "{\"id\":\"g\",\"members\":[{\"value\":\"2\"}]}");
	free(text);
	cJSON_Delete(group);
}

static void
test_message_and_repeat(void **state)
{
	struct error	 e = ERROR_NONE;
	struct scim_plan plan;
	cJSON		*message;
	char		*text;

	(void)state;
	assert_int_equal(scim_plan_init(&plan, tree("{}"), &e), 0);
	assert_int_equal(scim_op_push(plan.ops, "replace", "title", true, cJSON_CreateString("x"), &e), 0);
	assert_true(scim_plan_repeatable(&plan));
	assert_int_equal(scim_op_push(plan.ops, "remove", "title", false, NULL, &e), 0);
	assert_false(scim_plan_repeatable(&plan));
	message = scim_patch_message(plan.ops);
	plan.ops = NULL;
	text = json_text(message);
	assert_string_equal(text, "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["
	    "{\"op\":\"replace\",\"path\":\"title\",\"value\":\"x\"},{\"op\":\"remove\",\"path\":\"title\"}]}");
	free(text);
	cJSON_Delete(message);
	scim_plan_free(&plan);
}

static const struct {
	const char	*value, *type, *want;
} coerced[] = {
	{ "\"true\"", "boolean", "true" },
	{ "\"FALSE\"", "boolean", "false" },
	{ "\"yes\"", "boolean", "\"yes\"" },
	{ "\"12\"", "int", "12" },
	{ "\"90071992547409931\"", "long", "90071992547409931" },
	{ "\"1x\"", "int", "\"1x\"" },
	{ "\"12\"", "string", "\"12\"" },
	{ "[\"1\",\"2\"]", "int", "[1,2]" },
	{ "7", "string", "7" },
	{ "true", NULL, "true" },
};

static void
test_coerce(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(coerced); i++) {
		cJSON	*v = tree(coerced[i].value), *got = scim_coerce(v, coerced[i].type);
		char	*text = json_text(got);

		assert_string_equal(text, coerced[i].want);
		free(text);
		cJSON_Delete(got);
		cJSON_Delete(v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_one_value_only),
		cmocka_unit_test(test_member_ops),
		cmocka_unit_test(test_member_apply),
		cmocka_unit_test(test_message_and_repeat),
		cmocka_unit_test(test_coerce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
