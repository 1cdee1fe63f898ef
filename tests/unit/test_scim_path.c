/*
 * test_scim_path.c -- attribute paths of the SCIM connector: which are paths, how they are spelt, what they find.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/scim/path.h"

#define ENT	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

static cJSON *
tree(const char *text)
{
	struct error	 e = ERROR_NONE;
	cJSON		*v = json_parse(text, strlen(text), NULL, &e);

	if (v == NULL)
		fail_msg("%s: %s", text, e.msg);
	return v;
}

static const struct {
	const char	*why, *text;
	const char	*base, *element, *whole;	/* base NULL: refused */
} paths[] = {
	{ "a plain name", "userName", "userName", NULL, "userName" },
	{ "a sub-attribute", "name.givenName", "name", NULL, "name.givenName" },
	{ "an extension keeps its URN", ENT ":department", ENT ":department", NULL, ENT ":department" },
	{ "an extension's sub-attribute", ENT ":manager.value", ENT ":manager", NULL, ENT ":manager.value" },
	{ "a core URN says nothing", "urn:ietf:params:scim:schemas:core:2.0:User:userName", "userName", NULL,
	    "userName" },
	{ "a filter", "emails[type eq \"work\"].value", "emails", "emails[type eq \"work\"]",
	    "emails[type eq \"work\"].value" },
	{ "a filter alone means its value", "emails[type eq \"work\"]", "emails", "emails[type eq \"work\"]",
	    "emails[type eq \"work\"].value" },
	{ "spaces are spelt one way", "emails[ type  EQ \"work\"  and primary eq true ].value", "emails",
	    "emails[type eq \"work\" and primary eq true]", "emails[type eq \"work\" and primary eq true].value" },
	{ "a quote inside a literal", "emails[type eq \"a\\\"]b\\\\\"].value", "emails",
	    "emails[type eq \"a\\\"]b\\\\\"]", "emails[type eq \"a\\\"]b\\\\\"].value" },
	{ "a number", "x[n eq 7].v", "x", "x[n eq 7]", "x[n eq 7].v" },
	{ "a dollar name", "manager.$ref", "manager", NULL, "manager.$ref" },
	{ "nothing", "", NULL, NULL, NULL },
	{ "a space", "user name", NULL, NULL, NULL },
	{ "an open filter", "emails[type eq \"work\"", NULL, NULL, NULL },
	{ "an open string", "emails[type eq \"work].value", NULL, NULL, NULL },
	{ "another operator", "emails[type co \"w\"].value", NULL, NULL, NULL },
	{ "or", "emails[type eq \"a\" or type eq \"b\"].value", NULL, NULL, NULL },
	{ "an empty filter", "emails[].value", NULL, NULL, NULL },
	{ "a null literal", "emails[type eq null].value", NULL, NULL, NULL },
	{ "three levels", "a.b.c", NULL, NULL, NULL },
	{ "a URN and nothing", "urn:", NULL, NULL, NULL },
	{ "a slash", "../Groups", NULL, NULL, NULL },
	{ "too many comparisons", "x[a eq 1 and b eq 2 and c eq 3 and d eq 4 and e eq 5].v", NULL, NULL, NULL },
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(paths); i++) {
		struct error	 e = ERROR_NONE;
		struct scim_path p;
		int		 r = scim_path_parse(paths[i].text, &p, &e);

		if (r != (paths[i].base == NULL ? -1 : 0))
			fail_msg("%s: %d (%s)", paths[i].why, r, e.msg);
		if (r == -1) {
			assert_int_equal(e.code, ERR_INVALID_CONFIGURATION);
			continue;
		}
		assert_string_equal(p.base, paths[i].base);
		assert_string_equal(p.text, paths[i].whole);
		if (paths[i].element == NULL)
			assert_null(p.element);
		else
			assert_string_equal(p.element, paths[i].element);
		scim_path_free(&p);
	}
}

static void
test_parse_too_long(void **state)
{
	char		 text[SCIM_PATH_BYTES_MAX + 2];
	struct scim_path p;
	struct error	 e = ERROR_NONE;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(scim_path_parse(text, &p, &e), -1);
	text[SCIM_PATH_BYTES_MAX] = '\0';
	e = ERROR_NONE;
	assert_int_equal(scim_path_parse(text, &p, &e), 0);
	scim_path_free(&p);
}

static const char user[] =
    "{\"id\":\"42\",\"userName\":\"ann\",\"name\":{\"givenName\":\"Ann\",\"formatted\":\"Ann Lee\"},\"nothing\":null,"
    "\"emails\":[{\"value\":\"a@x\",\"type\":\"work\",\"primary\":true},{\"value\":\"b@x\",\"type\":\"home\"}],"
    "\"phoneNumbers\":[{\"value\":\"1\"}],\"tags\":[\"a\",\"b\"],\"empty\":[],\"big\":90071992547409931,"
    "\"" ENT "\":{\"department\":\"R&D\",\"manager\":{\"value\":\"7\",\"displayName\":\"Boss\"}}}";

static const struct {
	const char	*why, *path;
	bool		 multi;
	const char	*want;		/* JSON; NULL: nothing */
} reads[] = {
	{ "a scalar", "userName", false, "\"ann\"" },
	{ "names ignore case", "USERNAME", false, "\"ann\"" },
	{ "a sub-attribute", "name.givenName", false, "\"Ann\"" },
	{ "a complex one by its text", "name", false, "\"Ann Lee\"" },
	{ "an absent one", "title", false, NULL },
	{ "null is absent", "nothing", false, NULL },
	{ "an absent sub-attribute", "name.middleName", false, NULL },
	{ "a list is always an array", "emails", false, "[\"a@x\",\"b@x\"]" },
	{ "a list's sub-attribute", "emails.type", false, "[\"work\",\"home\"]" },
	{ "an element by type", "emails[type eq \"home\"].value", false, "\"b@x\"" },
	{ "the literal ignores case", "emails[type eq \"HOME\"].value", false, "\"b@x\"" },
	{ "an element by a boolean", "emails[primary eq true].value", false, "\"a@x\"" },
	{ "not primary includes silence", "emails[primary eq false].value", false, "\"b@x\"" },
	{ "both comparisons", "emails[type eq \"home\" and primary eq true].value", false, NULL },
	{ "no such element", "emails[type eq \"other\"].value", false, NULL },
	{ "an unlabelled only element is taken", "phoneNumbers[type eq \"work\"].value", false, "\"1\"" },
	{ "plain values", "tags", false, "[\"a\",\"b\"]" },
	{ "an empty list", "empty", false, "[]" },
	{ "one value of a multi attribute is an array", "userName", true, "[\"ann\"]" },
	{ "digits are kept", "big", false, "90071992547409931" },
	{ "an extension", ENT ":department", false, "\"R&D\"" },
	{ "an extension's sub-attribute", ENT ":manager.value", false, "\"7\"" },
	{ "an extension nobody has", "urn:x:y:department", false, NULL },
};

static void
test_read(void **state)
{
	cJSON	*resource = tree(user);

	(void)state;
	for (size_t i = 0; i < N_ITEMS(reads); i++) {
		struct error	 e = ERROR_NONE;
		struct scim_path p;
		cJSON		*got = NULL;
		char		*text;

		assert_int_equal(scim_path_parse(reads[i].path, &p, &e), 0);
		assert_int_equal(scim_path_read(&p, resource, reads[i].multi, &got, &e), 0);
		text = got != NULL ? json_text(got) : NULL;
		if ((text == NULL) != (reads[i].want == NULL) || (text != NULL && strcmp(text, reads[i].want) != 0))
			fail_msg("%s: got %s", reads[i].why, text != NULL ? text : "nothing");
		free(text);
		cJSON_Delete(got);
		scim_path_free(&p);
	}
	cJSON_Delete(resource);
}

static void
test_quote(void **state)
{
	struct buf	b;

	(void)state;
	buf_init(&b, 1000);
	scim_quote(&b, "x\" or \"1\" eq \"1\\");
	assert_string_equal(b.data, "\"x\\\" or \\\"1\\\" eq \\\"1\\\\\"");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_too_long),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
