/*
 * test_rest_copied.c -- what a described mapping looks at: only what is passed on may differ unseen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "connectors/rest/copied.h"
#include "worker/contract/json.h"

/* One attribute's value; which members are looked at, or NULL where rows must be read. */
static const struct {
	const char	*value, *looked;
} values[] = {
	{ "\"${record.name}\"", "" },
	{ "\"${record.name.given}\"", "" },
	{ "\"mailto:${record.mail}\"", "" },
	{ "\"${record.mails | first | at:'/value'}\"", "" },
	{ "\"${record.groups | map:'/id' | last}\"", "" },
	{ "\"${record.nick | default:record.name}\"", "" },
	{ "\"${record.nick | default:'none'}\"", "" },
	{ "{\"a\":[\"${record.x}\",7],\"b\":\"${record.y | lower}\"}", "y " },
	{ "\"${record.name | lower}\"", "name " },
	{ "\"${record.name | default:record.nick | trim}\"", "nick name " },
	{ "\"${record.mails | where:'/type','work' | first | at:'/value'}\"", "mails " },
	{ "\"${record.a.b.c | eq:record.d.e}\"", "d a " },
	{ "\"${record.list | at:record.which}\"", "which " },
	{ "\"${record.name | eq:config.name | if:'yes','no'}\"", "name " },
	{ "\"${record/urn:x:1.0/dept | upper}\"", "urn:x:1.0 " },
	{ "\"${record/a~1b | upper}\"", NULL },
	{ "\"${record | json}\"", NULL },
	{ "\"${now}\"", NULL },
	{ "\"${record.at | default:'x' | uuid}\"", NULL },
	{ "\"${step.key}\"", NULL },
	{ "\"${join.groups}\"", NULL },
	{ "\"${record.a | eq:response.status}\"", NULL },
	{ "{\"$each\":\"${record.groups}\",\"$item\":\"${value.id}\"}", NULL },
	{ "{\"$merge\":[{\"a\":\"${record.x}\"}]}", NULL },
	{ "\"constant\"", "" },
	{ "true", "" },
};

static void
test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(values); i++) {
		struct error	 e = ERROR_NONE;
		autojson	*v = json_parse(values[i].value, strlen(values[i].value), NULL, &e);
		struct object	 o = { .nattrs = 1, .attrs = { { .name = (char[]){ "x" }, .value = tmpl_parse(v, &e) } } };
		struct copied	 c;
		char		 got[200] = "";

		/* "now" alone is a root that nobody knows. */
		if (o.attrs[0].value == NULL) {
			assert_null(values[i].looked);
			continue;
		}
		if (copied_read(&c, &o) != (values[i].looked != NULL))
			fail_msg("%s", values[i].value);
		for (size_t k = 0; values[i].looked != NULL && k < c.nlooked; k++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s ", (int)c.looked[k].len, c.looked[k].text);
		if (values[i].looked != NULL)
			assert_string_equal(got, values[i].looked);
		tmpl_free(o.attrs[0].value);
	}
}

/* What decides is looked at, whatever it is; a choice of rows is none of copying. */
static void
test_flags(void **state)
{
	struct error		 e = ERROR_NONE;
	struct text		*t = text_parse("${record.state | default:'on'}", &e);
	struct object		 o = { .disabled = t };
	struct copied		 c;
	const struct row_text	 under[] = { { "state", 5 }, { NULL, 0 }, { "x", 1 } }, beside[] = { { "stat", 4 }, { "state", 5 } };

	(void)state;
	assert_non_null(t);
	for (int i = 0; i < 3; i++) {
		o = (struct object){ .disabled = i == 0 ? t : NULL, .locked = i == 1 ? t : NULL, .truncated = i == 2 ? t : NULL };
		assert_true(copied_read(&c, &o));
		assert_true(copied_looks(&c, under, 1) && copied_looks(&c, under, 3));
		assert_false(copied_looks(&c, beside, 2));
	}
	o = (struct object){ .where = t };
	assert_false(copied_read(&c, &o));
	o = (struct object){ .njoins = 1 };
	assert_false(copied_read(&c, &o));
	text_free(t);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = { cmocka_unit_test(test_values), cmocka_unit_test(test_flags) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
