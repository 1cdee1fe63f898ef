/*
 * test_cli_table.c -- lists as columns: which, how wide, and what is left out is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "launcher/cli/table.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static const char schema_text[] =
"{\"displayAttribute\":\"name\",\"identityAttribute\":\"id\",\"attributes\":["
"{\"name\":\"id\"},{\"name\":\"name\"},{\"name\":\"groups\"},{\"name\":\"age\"}]}";

static cJSON *
tree(const char *text)
{
	struct error	 e;
	cJSON		*v = json_parse(text, strlen(text), NULL, &e);

	assert_non_null(v);
	return v;
}

static void
row(struct table *t, struct buf *b, const char *text)
{
	struct error	 e;

	assert_int_equal(table_row(t, b, text, strlen(text), &e), 0);
}

static const char alice[] = "{\"key\":{\"simple\":{\"id\":\"1\"}},\"disabled\":false,"
    "\"attributes\":{\"id\":\"1\",\"name\":\"Alice\",\"groups\":[\"a\",\"b\",7],\"age\":30}}";
static const char eve[] = "{\"identity\":\"22\",\"attributes\":{\"name\":\"\\u001b[31mEve\",\"groups\":\"x\",\"age\":null}}";

static void
test_schema_chooses(void **state)
{
	autojson	*schema = tree(schema_text);
	struct table	*t = table_new(CMD_ACCOUNT_LIST, schema, 0, false);
	autobuf		 b;

	(void)state;
	buf_init(&b, 4096);
	assert_true(table_due_ms(t) == 0);
	row(t, &b, alice);
	row(t, &b, eve);
	assert_int_equal(b.len, 0);		/* held back to find widths */
	assert_true(table_due_ms(t) != 0);
	table_flush(t, &b);
	assert_string_equal(b.data,
	    "identity  name      disabled  groups   age\n"
	    "1         Alice     false     a, b, 7  30\n"
	    "22        ?[31mEve            x        \n");
	assert_string_equal(table_left_out(t), "");
	table_free(t);
}

static void
test_row_chooses(void **state)
{
	struct table	*t = table_new(CMD_CUSTOM, NULL, 0, false);
	autobuf		 b;

	(void)state;
	buf_init(&b, 4096);
	row(t, &b, "{\"identity\":\"1\",\"kind\":\"x\",\"attributes\":{\"deep\":{\"a\":1}}}");
	table_flush(t, &b);
	assert_string_equal(b.data, "identity  kind  deep\n1         x     {\"a\":1}\n");
	table_free(t);
}

static void
test_width_is_kept(void **state)
{
	autojson	*schema = tree(schema_text);
	struct table	*t = table_new(CMD_ACCOUNT_LIST, schema, 24, false);
	autobuf		 b;

	(void)state;
	buf_init(&b, 65536);
	row(t, &b, alice);
	table_flush(t, &b);
	buf_reset(&b);
	/* After the window rows go through at once, cut to the same widths. */
	row(t, &b, "{\"identity\":\"a-very-long-identity\",\"attributes\":{\"name\":\"Bartholomew\"}}");
	assert_string_equal(b.data, "a-very-\xe2\x80\xa6  Bart\xe2\x80\xa6  \n");
	assert_string_equal(table_left_out(t), "groups, age");
	table_free(t);
}

static void
test_window_is_bounded(void **state)
{
	struct table	*t = table_new(CMD_CUSTOM, NULL, 80, false);
	autobuf		 b;

	(void)state;
	buf_init(&b, 1024 * 1024);
	for (size_t i = 0; i < TABLE_WINDOW_ROWS - 1; i++)
		row(t, &b, "{\"a\":1}");
	assert_int_equal(b.len, 0);
	row(t, &b, "{\"a\":1}");
	assert_int_not_equal(b.len, 0);
	assert_true(table_due_ms(t) == 0);
	table_free(t);
}

static void
test_too_many_columns_are_named(void **state)
{
	struct table	*t = table_new(CMD_CUSTOM, NULL, 0, false);
	autobuf		 b;

	(void)state;
	buf_init(&b, 65536);
	row(t, &b, "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,"
	    "\"m\":1,\"n\":1,\"o\":1,\"p\":1,\"q\":1,\"r\":1}");
	assert_string_equal(table_left_out(t), "q, r");
	table_free(t);
}

static void
test_schema_found(void **state)
{
	struct spec	 sp = { .doc = tree("{\"accountSchema\":{\"a\":1},\"entitlementSchemas\":["
			     "{\"type\":\"role\"},{\"type\":\"group\",\"b\":1}]}") };
	autojson	*group = tree("{\"type\":\"group\"}");
	autojson	*own = tree("{\"schema\":{\"attributes\":[]}}");

	(void)state;
	assert_ptr_equal(table_schema(&sp, CMD_ACCOUNT_LIST, group), json_get(sp.doc, "accountSchema"));
	assert_ptr_equal(table_schema(&sp, CMD_ENTITLEMENT_LIST, group), json_at(sp.doc, "/entitlementSchemas/1"));
	assert_null(table_schema(&sp, CMD_ENTITLEMENT_LIST, own->child->next));
	assert_ptr_equal(table_schema(&sp, CMD_CUSTOM, own), json_get(own, "schema"));
	assert_null(table_schema(&sp, CMD_CUSTOM, group));
	cJSON_Delete(sp.doc);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_schema_chooses),
		cmocka_unit_test(test_row_chooses),
		cmocka_unit_test(test_width_is_kept),
		cmocka_unit_test(test_window_is_bounded),
		cmocka_unit_test(test_too_many_columns_are_named),
		cmocka_unit_test(test_schema_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
