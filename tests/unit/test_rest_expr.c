/*
 * test_rest_expr.c -- expressions of descriptions: what they give, what they refuse, where secrets may go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bsd/string.h>
#include <stdio.h>

#include "connectors/rest/expr.h"
#include "connectors/rest/instant.h"

static const char	 world[] =
"{\"config\":{\"host\":\"h.example\",\"table\":{\"a\":\"Alpha\"},\"n\":5},"
"\"secret\":{\"key\":\"s3cr3t-key\"},\"token\":{\"t\":\"t0ken\"},\"session\":{\"url\":\"https://h\"},"
"\"input\":{\"attributes\":{\"mail\":\"A@B.example\",\"password\":\"pw-1\"},\"password\":\"pw-2\"},"
"\"record\":{\"id\":12345678901234567890,\"name\":\"  Jos\xc3\xa9 \",\"list\":[\"b\",\"a\",\"b\"],\"empty\":\"\",\"no\":null,\"yes\":true,"
"\"urn:x:1.0:U\":{\"dept\":\"R&D\"},\"people\":[{\"v\":1,\"p\":true},{\"v\":2},{\"v\":3,\"p\":false}],"
"\"when\":\"2026-01-31T12:00:00Z\"},"
"\"id\":\"a/../b c\",\"value\":\"v'\\\"\\\\\"}";

static cJSON		*roots;
static struct scope	 sc;

static void
scope_fill(void)
{
	struct error	 e = ERROR_NONE;

	if (roots == NULL)
		roots = json_parse(world, strlen(world), NULL, &e);
	assert_non_null(roots);
	for (enum root r = 0; r < ROOT__MAX; r++)
		sc.roots[r] = json_get(roots, root_name(r));
	scope_begin(&sc);
}

/* As JSON; "-" where absent, "!" and the message for a fault, "!!" at evaluation. */
static void
show(const char *s, char *out, size_t n, bool *secret)
{
	struct error	 e = ERROR_NONE;
	struct text	*t = text_parse(s, &e);
	autovalue	 v = { 0 };
	autofree char	*text = NULL;

	scope_fill();
	*secret = false;
	if (t == NULL)
		snprintf(out, n, "!%s", e.msg);
	else if (text_value(t, &sc, &v, &e) == -1)
		snprintf(out, n, "!!%s", e.msg);
	else if (v.v == NULL)
		snprintf(out, n, "-");
	else {
		text = json_text(v.v);
		snprintf(out, n, "%s", text == NULL ? "?" : text);
		*secret = v.secret;
	}
	text_free(t);
}

static const struct {
	const char	*text, *want;
} cases[] = {
	{ "", "\"\"" },
	{ "plain $ {} text", "\"plain $ {} text\"" },
	{ "${config.host}", "\"h.example\"" },
	{ "${ config.host }", "\"h.example\"" },
	{ "https://${config.host}/x", "\"https://h.example/x\"" },
	{ "${record.id}", "12345678901234567890" },
	{ "n=${record.id}", "\"n=12345678901234567890\"" },
	{ "${record.yes}", "true" },
	{ "${record.no}", "null" },
	{ "${record.absent}", "-" },
	{ "x${record.absent}", "!!${record/absent}: nothing is there" },
	{ "x${record.list}", "!!${record/list}: an object, an array or null does not fit into a text" },
	{ "${record/urn:x:1.0:U/dept}", "\"R&D\"" },
	{ "${record.list.1}", "\"a\"" },
	{ "${record.people.0.v}", "1" },
	{ "${'quoted ''it'''}", "\"quoted 'it'\"" },
	{ "${record.absent | default:'d'}", "\"d\"" },
	{ "${record.no | default:config.host}", "\"h.example\"" },
	{ "${record.empty | default:'d'}", "\"\"" },
	{ "${input.attributes.mail | lower}", "\"a@b.example\"" },
	{ "${record.name | trim | upper}", "\"JOS\xc3\xa9\"" },
	{ "${record.list | join:', '}", "\"b, a, b\"" },
	{ "${record.list | unique | sort}", "[\"a\",\"b\"]" },
	{ "${record.list | first}", "\"b\"" },
	{ "${record.list | lower}", "!!lower: an object or an array is no text" },
	{ "${record | sha256}", "!!sha256: an object or an array is no text" },
	{ "${record.list | at:-2}", "\"a\"" },
	{ "${record.list | at:9}", "-" },
	{ "${record.list | count}", "3" },
	{ "${record.people | map:'/v'}", "[1,2,3]" },
	{ "${record.people | where:'/p' | map:'/v'}", "[1]" },
	{ "${record.people | where:'/v',2}", "[{\"v\":2}]" },
	{ "${record.people | at:'/1/v'}", "2" },
	{ "${record | at:'/people/1/v'}", "2" },
	{ "${record.empty | not}", "true" },
	{ "${record.absent | not}", "true" },
	{ "${config.n | eq:5}", "true" },
	{ "${config.n | eq:'5'}", "true" },
	{ "${config.n | eq:'05'}", "false" },
	{ "${config.n | in:1,2,5}", "true" },
	{ "${'b' | in:record.list}", "true" },
	{ "${record.yes | if:'on','off'}", "\"on\"" },
	{ "${record.no | if:'on','off'}", "\"off\"" },
	{ "${record.no | if:'on'}", "-" },
	{ "${'a' | lookup:config.table}", "\"Alpha\"" },
	{ "${'z' | lookup:config.table}", "-" },
	{ "${record.id | str}", "\"12345678901234567890\"" },
	{ "${'007' | int}", "!!int: int: this is no whole number" },
	{ "${'7' | int}", "7" },
	{ "${'x' | int}", "!!int: int: this is no whole number" },
	{ "${'no' | bool}", "false" },
	{ "${'1' | bool}", "true" },
	{ "${record.when | date:'iso','epoch'}", "1769860800" },
	{ "${record.when | date:'iso','no such'}", "!!date: there are the forms iso, epoch, epochms and http" },
	{ "${'x' | now:'no such'}", "!!now: there are the forms iso, epoch, epochms and http" },
	{ "${record.when | date:'iso','http'}", "\"Sat, 31 Jan 2026 12:00:00 GMT\"" },
	{ "${record.when | addsec:-60}", "\"2026-01-31T11:59:00Z\"" },
	{ "${1 | str}", "!character 3: config, secret, input, record, response, step, id, value, set, join, session or token expected" },
	{ "${'abc' | sha256}", "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"" },
	{ "${'what do ya want for nothing?' | hmac:'Jefe'}", "\"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\"" },
	{ "${'a?b>' | b64}", "\"YT9iPg==\"" },
	{ "${'a?b>' | b64url}", "\"YT9iPg\"" },
	{ "${'az' | hex}", "\"617a\"" },
	{ "${record.list | json}", "\"[\\\"b\\\",\\\"a\\\",\\\"b\\\"]\"" },
	{ "${'adm-x' | match:'prefix','adm-'}", "true" },
	{ "${'a/b/c' | cut:'/',-1}", "\"c\"" },
	{ "${'a,b' | split:','}", "[\"a\",\"b\"]" },
	{ "${value | scimstr}", "\"\\\"v'\\\\\\\"\\\\\\\\\\\"\"" },
	{ "${value | soqlstr}", "\"'v\\\\'\\\"\\\\\\\\'\"" },
	{ "${value | adfstr}", "\"'v''\\\"\\\\'\"" },
	/* What is none. */
	{ "${", "!character 3: config, secret, input, record, response, step, id, value, set, join, session or token expected" },
	{ "${config.host", "!character 14: '|' or '}' expected" },
	{ "${nobody.x}", "!character 3: config, secret, input, record, response, step, id, value, set, join, session or token expected" },
	{ "${config.host | eval}", "!character 17: there is no such filter" },
	{ "${config.host | lower:'x'}", "!character 26: lower takes nothing" },
	{ "${config.host | default}", "!character 24: default:VALUE" },
	{ "${config..host}", "!character 10: a member's name is missing, or there are too many" },
	{ "${'open}", "!character 9: the quote is not closed" },
	{ "${config.host | split:''}", "!!split: split: by what?" },
};

static void
test_values(void **state)
{
	char	 got[1024];
	bool	 secret;

	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		show(cases[i].text, got, sizeof(got), &secret);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s, not %s", cases[i].text, got, cases[i].want);
	}
}

/* Where a mark comes from, and that nothing washes it off. */
static void
test_secrets(void **state)
{
	static const struct { const char *text; bool secret; } marks[] = {
		{ "${secret.key}", true }, { "x${secret.key}", true }, { "${secret}", true },
		{ "${secret.key | sha256}", true }, { "${secret.key | b64 | lower}", true },
		{ "${secret.key | count}", true }, { "${secret.key | if:'a','b'}", true },
		{ "${'m' | hmac:secret.key}", true }, { "${record.absent | default:secret.key}", true },
		{ "${config.host | eq:secret.key}", true }, { "${'a' | lookup:secret}", true },
		{ "${token.t}", true }, { "${token}", true }, { "${'m' | hmac:token.t}", true }, { "${session.url}", true },
		{ "${input.password}", true }, { "${input.attributes.password}", true }, { "${input}", true },
		{ "${input.attributes | json}", true }, { "${input.attributes.mail}", false }, { "${config.host}", false },
		{ "${record.list | join:config.host}", false },
	};
	char		 got[1024];
	bool		 secret;
	struct error	 e = ERROR_NONE;

	(void)state;
	for (size_t i = 0; i < N_ITEMS(marks); i++) {
		struct text	*t = text_parse(marks[i].text, &e);
		autofree char	*text = NULL;

		show(marks[i].text, got, sizeof(got), &secret);
		if (secret != marks[i].secret && strcmp(got, "-") != 0)
			fail_msg("%s: %s", marks[i].text, secret ? "marked" : "not marked");
		assert_non_null(t);
		scope_fill();
		text = text_string(t, &sc, ESCAPE_NONE, NULL, &e);
		if (marks[i].secret && text != NULL)
			fail_msg("%s: came out as %s", marks[i].text, text);
		text_free(t);
	}
}

static void
test_escapes(void **state)
{
	struct error	 e = ERROR_NONE;
	struct text	*t = text_parse("/users/${id}/x", &e), *h = text_parse("${record.name}\n${config.host}", &e);
	autofree char	*path = NULL, *header = NULL;

	(void)state;
	scope_fill();
	path = text_string(t, &sc, ESCAPE_SEGMENT, NULL, &e);
	assert_string_equal(path, "/users/a%2F..%2Fb%20c/x");
	header = text_string(h, &sc, ESCAPE_HEADER, NULL, &e);
	assert_string_equal(header, "  Jos\xc3\xa9 \nh.example");	/* the author's own bytes stay */
	text_free(t);
	text_free(h);
	assert_true(text_uses((t = text_parse("${'m' | hmac:secret.key}", &e)), ROOT_SECRET));
	text_free(t);
}

/* What is absent leaves its member out. */
static void
test_templates(void **state)
{
	static const char	 from[] = "{\"a\":\"${config.n}\",\"b\":\"${record.absent}\",\"c\":[\"${record.absent}\",\"x\"],\"d\":{\"e\":1.50},"
				    "\"f\":null,\"g\":{\"h\":{\"i\":\"${record.absent}\"}},\"j\":{}}";
	struct error		 e = ERROR_NONE;
	autojson		*doc = json_parse(from, strlen(from), NULL, &e);
	struct tmpl		*t = tmpl_parse(doc, &e);
	autovalue		 v = { 0 };
	autofree char		*text = NULL;

	(void)state;
	scope_fill();
	assert_int_equal(tmpl_value(t, &sc, &v, &e), 0);
	text = json_text(v.v);
	assert_string_equal(text, "{\"a\":5,\"c\":[\"x\"],\"d\":{\"e\":1.50},\"f\":null,\"j\":{}}");
	tmpl_free(t);
}

/* Steps run out; the budget is of one record. */
static void
test_bounds(void **state)
{
	struct error	 e = ERROR_NONE;
	struct text	*t = text_parse("${record.list | map:'/x'}", &e);
	autovalue	 v = { 0 };
	char		 deep[EXPR_TEXT_BYTES_MAX + 64];

	(void)state;
	scope_fill();
	sc.steps = 3;
	assert_int_equal(text_value(t, &sc, &v, &e), -1);
	assert_int_equal(e.code, ERR_LIMIT);
	text_free(t);
	memset(deep, 'a', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_null(text_parse(deep, &e));
	snprintf(deep, sizeof(deep), "${config");
	for (int i = 0; i < 40; i++)
		strlcat(deep, ".a", sizeof(deep));
	strlcat(deep, "}", sizeof(deep));
	assert_null(text_parse(deep, &e));
	deep[0] = '\0';
	for (unsigned int i = 0; i < EXPR_PARTS_MAX; i++)
		strlcat(deep, "${id}.", sizeof(deep));
	assert_null(text_parse(deep, &e));
}

static void
test_moments(void **state)
{
	static const struct { const char *form, *text; int64_t ms; } good[] = {
		{ "iso", "1970-01-01T00:00:00Z", 0 }, { "iso", "2026-01-31T12:00:00.5+02:00", INT64_C(1769853600500) },
		{ "iso", "2026-01-31", INT64_C(1769817600000) }, { "iso", "2026-01-31T12:00:00-0530", INT64_C(1769880600000) },
		{ "http", "Sat, 31 Jan 2026 12:00:00 GMT", INT64_C(1769860800000) }, { "epoch", "-1", -1000 }, { "epochms", "1", 1 },
	};
	static const struct { const char *form, *text; } bad[] = {
		{ "iso", "" }, { "iso", "2026-13-01" }, { "iso", "2026-01-31T25:00:00Z" }, { "iso", "2026-01-31x" },
		{ "http", "Sat, 31 Foo 2026 12:00:00 GMT" }, { "epoch", "1e9" }, { "epoch", "99999999999999999" }, { "when", "1" },
	};
	int64_t	 ms;

	(void)state;
	for (size_t i = 0; i < N_ITEMS(good); i++) {
		assert_true(instant_read(good[i].form, good[i].text, &ms));
		if (ms != good[i].ms)
			fail_msg("%s: %lld", good[i].text, (long long)ms);
	}
	for (size_t i = 0; i < N_ITEMS(bad); i++)
		if (instant_read(bad[i].form, bad[i].text, &ms))
			fail_msg("%s was taken", bad[i].text);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_moments),
	};
	int	 r = cmocka_run_group_tests(tests, NULL, NULL);

	cJSON_Delete(roots);
	return r;
}
