/*
 * test_rows.c -- answers taken apart as they arrive, in portions of every size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/rows.h"
#include "worker/contract/util.h"

static const struct {
	const char	*pointer, *text;
	const char	*rows;		/* each with a space behind it */
	const char	*envelope;	/* NULL: refused */
	const char	*message;	/* of the refusal */
} cases[] = {
	{ "", "[]", "", "[]", NULL },
	{ "", " [ 1 , {\"a\":[2]} , [] , \"x,]\" , null ] ", "1 {\"a\":[2]} [] \"x,]\" null ", "[]", NULL },
	{ "", "[12,34]", "12 34 ", "[]", NULL },
	{ "", "null", "", "null", NULL },
	{ "", "{}", "", NULL, "no array at \"\" of the answer" },
	{ "", "7", "", NULL, "no array at \"\" of the answer" },
	{ "/R", "{\"totalResults\":2,\"R\":[{\"id\":1},{\"id\":2}],\"n\":[3]}", "{\"id\":1} {\"id\":2} ",
	    "{\"totalResults\":2,\"R\":[],\"n\":[3]}", NULL },
	{ "/R", "{\"R\":[ ]}", "", "{\"R\":[]}", NULL },
	{ "/R", "{}", "", "{}", NULL },
	{ "/R", "{\"R\":null}", "", "{\"R\":null}", NULL },
	{ "/R", "{\"R\":{}}", "", NULL, "no array at \"/R\" of the answer" },
	{ "/R", "{\"R\":\"x\"}", "", NULL, "no array at \"/R\" of the answer" },
	{ "/R", "{\"R\":5}", "", NULL, "no array at \"/R\" of the answer" },
	{ "/R", "[1]", "", "[1]", NULL },
	{ "/R", "\"x\"", "", "\"x\"", NULL },
	{ "/R", "{\"\\u0052\":[1]}", "1 ", "{\"R\":[]}", NULL },
	{ "/R", "{\"r\":[1],\"RR\":[2],\"xR\":[3]}", "", "{\"r\":[1],\"RR\":[2],\"xR\":[3]}", NULL },
	{ "/R", "{\"a\":{\"R\":[1]}}", "", "{\"a\":{\"R\":[1]}}", NULL },
	{ "/R", "{\"a\":\"R\",\"b\":[\"R\",[1]]}", "", "{\"a\":\"R\",\"b\":[\"R\",[1]]}", NULL },
	{ "/R", "{\"R\":[{\"R\":[1]}]}", "{\"R\":[1]} ", "{\"R\":[]}", NULL },
	{ "/R", "{\"R\":[1],\"R\":[2]}", "1 ", NULL, "two arrays at \"/R\" of the answer" },
	{ "/R", "{\"R\":[1", "", NULL, "byte 7: the text ends too early" },
	{ "/R", "{\"R\":[1]", "1 ", NULL, "byte 8: the text ends too early" },
	{ "/R", "{\"R\":[1],}", "1 ", NULL, "byte 9: a member name expected" },
	{ "/R", "{\"R\":[1 2]}", "1 ", NULL, "byte 8: ',' or the end of the container expected" },
	{ "/R", "{\"R\":[1]} x", "1 ", NULL, "byte 10: nothing behind the value expected" },
	{ "/R", "{\"R\":[1,\"\\ud800\"]}", "1 ", NULL,
	    "element 1: byte 0: a string with \\u0000 or half a surrogate pair" },
	{ "/R", "{\"R\":[{\"a\":1,\"b\":2,\"a\":3},{\"b\":4,\"\\u0062\":5},{\"a\":{\"b\":1},\"\\u0061\":[\"\\n\"]}]}",
	    "{\"a\":3,\"b\":2} {\"b\":5} {\"a\":[\"\\n\"]} ", "{\"R\":[]}", NULL },
	{ "", "[-1.5e3,true,false,\"\",{\"\":{\"\":[[]]}},1e400]", "-1.5e3 true false \"\" {\"\":{\"\":[[]]}} 1e400 ", "[]", NULL },
	{ "/a/b", "{\"a\":{\"b\":[1],\"c\":2}}", "1 ", "{\"a\":{\"b\":[],\"c\":2}}", NULL },
	{ "/a/b", "{\"x\":{\"b\":[1]},\"b\":[2],\"a\":{\"x\":{\"b\":[3]},\"b\":[4]}}", "4 ",
	    "{\"x\":{\"b\":[1]},\"b\":[2],\"a\":{\"x\":{\"b\":[3]},\"b\":[]}}", NULL },
	{ "/a/b", "{\"x\":{\"q\":1,\"b\":[1]}}", "", "{\"x\":{\"q\":1,\"b\":[1]}}", NULL },
	{ "/a/b", "{\"a\":5}", "", "{\"a\":5}", NULL },
	{ "/a/b", "{\"a\":[{\"b\":[1]}]}", "", "{\"a\":[{\"b\":[1]}]}", NULL },
	{ "/1/v", "[{\"v\":[1]},{\"v\":[2,3]},{\"v\":[4]}]", "2 3 ", "[{\"v\":[1]},{\"v\":[]},{\"v\":[4]}]", NULL },
	{ "/a~1b/m~0n", "{\"a/b\":{\"m~n\":[1]}}", "1 ", "{\"a/b\":{\"m~n\":[]}}", NULL },
	{ "/", "{\"\":[1]}", "1 ", "{\"\":[]}", NULL },
	{ "/R", "{\"R\":[ {\"id\":1} ,\n {\"id\":2},{\"id\":{\"a\":3}}\t],\"n\":1}", "{\"id\":1} {\"id\":2} {\"id\":{\"a\":3}} ",
	    "{\"R\":[],\"n\":1}", NULL },
	{ "/R", "{\"R\":[{\"id\":1},,{\"id\":2}]}", "{\"id\":1} ", NULL, "byte 15: a value expected" },
	{ "/R", "{\"R\":[{\"id\":1} {\"id\":2}]}", "{\"id\":1} ", NULL, "byte 15: ',' or the end of the container expected" },
	{ "/R", "{\"R\":[{\"id\":1},{\"id\":2},]}", "{\"id\":1} {\"id\":2} ", NULL, "byte 24: a value expected" },
	{ "/R", "{\"R\":[,{\"id\":1}]}", "", NULL, "byte 6: a value or ']' expected" },
	{ "/R", "{\"R\":[{\"id\":1},{\"id\":2}}", "{\"id\":1} {\"id\":2} ", NULL, "byte 23: ',' or the end of the container expected" },
	{ "/R", "{\"R\":[{\"id\":1},{\"id\":2}", "{\"id\":1} {\"id\":2} ", NULL, "byte 23: the text ends too early" },
	{ "/R", "{\"R\":[{\"id\":1},{\"id\":2},{\"id\":\"\\ud800\"}]}", "{\"id\":1} {\"id\":2} ", NULL,
	    "element 2: byte 6: a string with \\u0000 or half a surrogate pair" },
	{ "", "[{\"a\":[{\"b\":1},{\"b\":2}]},[{\"c\":1},{\"c\":2}],{\"d\":1}]", "{\"a\":[{\"b\":1},{\"b\":2}]} [{\"c\":1},{\"c\":2}] {\"d\":1} ",
	    "[]", NULL },
	{ "/é", "{\"é\":[\"ü\"]}", "\"ü\" ", "{\"é\":[]}", NULL },
};

static int
collect(void *arg, cJSON *row, struct error *e)
{
	(void)e;
	json_print(arg, row);
	buf_addc(arg, ' ');
	cJSON_Delete(row);
	return 0;
}

/* Takes an object whose end is here, as it stands, if the scanner finds nothing wrong with it; every other one that is asked about. */
static ssize_t
take(void *arg, const char *text, size_t n, struct error *e)
{
	static bool	 turn;
	struct error	 ignored = ERROR_NONE;
	cJSON		*row = NULL;

	if ((turn = !turn))
		return 0;
	for (size_t len = 1; row == NULL && len <= n; len++)
		if (text[len - 1] == '}' && (row = json_parse(text, len, NULL, &ignored)) != NULL)
			return collect(arg, row, e) == -1 ? -1 : (ssize_t)len;
	/* What ends in a digit or a letter may go on. */
	return text[n - 1] == '}' || text[n - 1] == ']' ? 0 : ROWS_SHORT;
}

static int
feed(struct rows *r, const char *text, size_t portion, struct error *e)
{
	for (size_t len = strlen(text), i = 0; i < len; i += portion) {
		size_t	 n = len - i < portion ? len - i : portion;
		autofree char *copy = malloc(n);

		memcpy(copy, text + i, n);
		if (rows_feed(r, copy, n, e) == -1)
			return -1;
	}
	return 0;
}

static void
run(size_t i, size_t portion, bool texts)
{
	autobuf			 got = { .max = 1000 };
	struct rows_options	 o = { cases[i].pointer, 1000, 1000, collect, &got, texts ? take : NULL };
	struct rows		*r = rows_new(&o);
	struct error		 e = ERROR_NONE;
	autojson		*envelope = NULL;
	autofree char		*text = NULL;

	assert_non_null(r);
	buf_adds(&got, "");
	if (feed(r, cases[i].text, portion, &e) == 0 && rows_end(r, &envelope, &e) == 0)
		text = json_text(envelope);
	rows_free(r);
	if (strcmp(got.data, cases[i].rows) != 0 || (text == NULL) != (cases[i].envelope == NULL))
		fail_msg("%s of %s, portions of %zu: rows %s, \"%s\"", cases[i].pointer, cases[i].text, portion,
		    got.data,
		    e.msg);
	if (text != NULL)
		assert_string_equal(text, cases[i].envelope);
	else {
		assert_memory_equal(e.msg, cases[i].message, strlen(cases[i].message));
		assert_int_equal(e.code, ERR_INVALID_RESPONSE);
	}
}

static void
table(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++)
		for (size_t portion = 1; portion <= strlen(cases[i].text); portion++)
			for (int texts = 0; texts < 3; texts++)
				run(i, portion, texts > 0);
}

static int
count(void *arg, cJSON *row, struct error *e)
{
	size_t	*n = arg;

	cJSON_Delete(row);
	return ++*n == 100000 ? error_set(e, ERR_CANCELLED, "enough") : 0;
}

/* A hundred thousand elements in buffers of a hundred bytes; a callback can stop it. */
static void
flat_memory(void **state)
{
	size_t			 n = 0;
	struct rows_options	 o = { "/R", 100, 100, count, &n };
	struct rows		*r = rows_new(&o);
	struct error		 e = ERROR_NONE;
	int			 given = 0;

	(void)state;
	assert_int_equal(rows_feed(r, "{\"R\":[1", 7, &e), 0);
	while (given < 200000 && rows_feed(r, ",{\"id\":\"x\"}", 11, &e) == 0)
		given++;
	assert_int_equal(given, 99998);
	assert_int_equal(e.code, ERR_CANCELLED);
	rows_free(r);
}

static int
keep(void *arg, cJSON *row, struct error *e)
{
	(void)e;
	return json_push(arg, row);
}

/* A row outlives the reader, and its copy outlives the row; names are right however many there are. */
static void
lasting(void **state)
{
	enum { ROWS = 1000 };
	autojson		*all = cJSON_CreateArray();
	struct rows_options	 o = { "", 1000, 1000, keep, all };
	struct rows		*r = rows_new(&o);
	struct error		 e = ERROR_NONE;
	char			 text[200];
	cJSON			*copy;

	(void)state;
	for (int i = 0; i < ROWS; i++) {
		snprintf(text, sizeof(text), "%c{\"same\":%d,\"name%d\":\"v%d\",\"%0100d\":null}", i == 0 ? '[' : ',', i, i, i, i);
		assert_int_equal(rows_feed(r, text, strlen(text), &e), 0);
	}
	rows_free(r);
	copy = json_dup(all->child);
	json_wipe(cJSON_DetachItemFromArray(all, 0));
	assert_int_equal(json_i64(copy, "same", -1), 0);
	assert_string_equal(json_str(copy, "name0", ""), "v0");
	json_wipe(copy);
	for (int i = 1; i < ROWS; i++) {
		snprintf(text, sizeof(text), "{\"same\":%d,\"name%d\":\"v%d\",\"%0100d\":null}", i, i, i, i);
		autofree char	*got = json_text(cJSON_GetArrayItem(all, i - 1));

		assert_string_equal(got, text);
	}
}

static void
bounds(void **state)
{
	static const struct { const char *text; enum err_code code; } texts[] = {
		{ "{\"R\":[\"123456\"]}", ERR_NONE },
		{ "{\"R\":[\"123456789012345\"]}", ERR_LIMIT },
		{ "{\"R\":[[1,2,3,4,5,6,7,8,9", ERR_LIMIT },
		{ "{\"R\":[                                     ", ERR_LIMIT },
		{ "{\"R\":[1],\"x\":\"12345678901234567890\"}", ERR_LIMIT },
		{ "{\"x\":\"12345678901234567890\",\"R\":[1]}", ERR_LIMIT },
		{ "{\"R\":[{\"a\":1234},{\"a\":1234}]}", ERR_NONE },
		{ "{\"R\":[{\"a\":1234},{\"a\":12345},{\"a\":123456}]}", ERR_LIMIT },
		{ "{\"R\":[{\"a\":1234},  {\"a\":1234}]}", ERR_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(texts); i++)
		for (size_t portion = 1; portion < 100; portion++) {
			autobuf			 got = { .max = 1000 };
			struct rows_options	 o = { "/R", 12, 20, collect, &got, portion < 50 ? NULL : take };
			struct rows		*r = rows_new(&o);
			struct error		 e = ERROR_NONE;
			autojson		*envelope = NULL;

			if (feed(r, texts[i].text, portion % 50 + 1, &e) == 0)
				(void)rows_end(r, &envelope, &e);
			rows_free(r);
			if (e.code != texts[i].code)
				fail_msg("%s, portions of %zu: %u, %s", texts[i].text, portion, (unsigned int)e.code, e.msg);
		}
}

static void
pointers(void **state)
{
	static const char	*const bad[] = { "R", "R/", "/1/2/3/4/5/6/7/8/9" };

	(void)state;
	for (size_t i = 0; i < N_ITEMS(bad); i++)
		assert_null(rows_new(&(struct rows_options){ bad[i], 10, 10, count, NULL }));
	rows_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table), cmocka_unit_test(flat_memory), cmocka_unit_test(lasting), cmocka_unit_test(bounds),
		cmocka_unit_test(pointers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
