/*
 * test_spec.c -- connector-spec.json: what is taken and refused, which values are
 * secret, where a worker may go, and URLs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/case_files.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/spec.h"
#include "worker/contract/util.h"

static void
accepted(const char *name, const char *text, size_t len, const char *want)
{
	struct spec	 sp;
	struct error	 e = ERROR_NONE;

	(void)want;
	if (spec_parse(text, len, &sp, &e) == -1)
		fail_msg("%s: %s", name, e.msg);
	assert_string_equal(sp.name, "n");
	spec_free(&sp);
	spec_free(&sp);
}

static void
refused(const char *name, const char *text, size_t len, const char *want)
{
	struct spec	 sp;
	struct error	 e = ERROR_NONE;

	if (spec_parse(text, len, &sp, &e) == 0)
		fail_msg("%s: taken", name);
	if (want == NULL || strcmp(e.msg, want) != 0)
		fail_msg("%s: %s", name, e.msg);
	assert_int_equal(e.code, ERR_NO_CONNECTOR);
}

static void
case_files(void **state)
{
	(void)state;
	assert_true(case_each("tests/cases/spec/accept", accepted) >= 9);
	assert_true(case_each("tests/cases/spec/reject", refused) >= 40);
}

static void
loading(void **state)
{
	struct spec	 sp;
	struct error	 e = ERROR_NONE;

	(void)state;
	assert_int_equal(spec_load("tests/cases/spec/accept/usual.json", &sp, &e), 0);
	assert_true(spec_has_command(&sp, "std:account:list"));
	assert_true(spec_has_command(&sp, "std:spec:read"));
	assert_false(spec_has_command(&sp, "std:account:read"));
	spec_free(&sp);
	assert_int_equal(spec_load("tests/cases/spec", &sp, &e), -1);
	assert_int_equal(e.code, ERR_NO_CONNECTOR);
	assert_int_equal(spec_load("tests/cases/spec/none.json", &sp, &e), -1);
	assert_int_equal(e.code, ERR_NO_CONNECTOR);
}

static void
spec_of(struct spec *sp, const char *members)
{
	autobuf		 b = { .max = SPEC_BYTES_MAX };
	struct error	 e = ERROR_NONE;

	buf_addf(&b, "{\"name\":\"n\",\"commands\":[],%s}", members);
	if (spec_parse(b.data, b.len, sp, &e) == -1)
		fail_msg("%s: %s", members, e.msg);
}

static cJSON *
config_of(const char *text)
{
	struct error	 e = ERROR_NONE;
	cJSON		*v = json_parse(text, strlen(text), NULL, &e);

	assert_non_null(v);
	return v;
}

#define SECTION(items)	"\"sourceConfig\":[{\"type\":\"menu\",\"items\":[" \
	"{\"type\":\"section\",\"items\":[" items "]}]}]"
#define ITEM(key, type)	"{\"key\":\"" key "\",\"label\":\"l\",\"type\":\"" type "\"}"

static const struct { const char *spec, *config, *secrets; } secret_cases[] = {
	{ SECTION(ITEM("user", "text") "," ITEM("token", "secret") "," ITEM("pem", "secrettextarea")),
	    "{\"user\":\"u\",\"token\":\"t0\",\"pem\":\"p0\",\"other\":\"o\"}", "t0 p0 " },
	{ SECTION(ITEM("token", "secret")), "{\"token\":\"\"}", "" },
	{ SECTION(ITEM("token", "secret")), "{\"token\":null}", "" },
	{ SECTION(ITEM("token", "secret")), "{}", "" },
	{ SECTION(ITEM("token", "secret")), "{\"token\":[\"a\",{\"b\":\"c\"}]}", "a c " },
	{ SECTION(ITEM("x", "hologram")), "{\"x\":\"unknown\"}", "unknown " },
	{ "\"sourceConfig\":[{\"type\":\"section\",\"items\":[" ITEM("t", "secret") "]}]", "{\"t\":\"bare\"}",
	    "bare " },
	{ "\"sourceConfig\":[" ITEM("t", "secret") "]", "{\"t\":\"barer\"}", "barer " },
	{ SECTION("{\"key\":\"kv\",\"type\":\"keyValue\",\"keyValueKey\":" ITEM("key", "text") ",\"keyValueValue\":"
	    ITEM("value", "secret") "}"),
	    "{\"kv\":[{\"key\":\"k1\",\"value\":\"v1\"},{\"key\":\"k2\",\"value\":\"v2\"}]}", "v1 v2 " },
	{ SECTION("{\"key\":\"kv\",\"type\":\"keyValue\",\"keyValueKey\":" ITEM("k", "secret") ",\"keyValueValue\":"
	    ITEM("v", "text") "}"), "{\"kv\":[{\"k\":\"own\",\"v\":\"v1\"}]}", "own " },
	{ SECTION("{\"key\":\"cards\",\"type\":\"cardList\",\"subMenus\":[{\"label\":\"l\",\"items\":["
	    ITEM("n", "text") "," ITEM("s", "secret") "]}]}"),
	    "{\"s\":\"outside\",\"cards\":[{\"n\":\"a\",\"s\":\"s1\"},{\"s\":\"s2\"}]}", "s1 s2 " },
	{ SECTION("{\"key\":\"cards\",\"type\":\"cardList\",\"subMenus\":[{\"items\":["
	    "{\"key\":\"inner\",\"type\":\"cardList\",\"subMenus\":[{\"items\":[" ITEM("s", "secret") "]}]}]}]}"),
	    "{\"cards\":[{\"inner\":[{\"s\":\"deep\"}]}]}", "deep " },
	{ "\"x\":1", "{\"token\":\"t\"}", "" },
};

static void
gather(void *arg, const char *value)
{
	buf_addf(arg, "%s ", value);
}

static void
secrets(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(secret_cases); i++) {
		struct spec	 sp;
		autojson	*config = config_of(secret_cases[i].config);
		autobuf		 got = { .max = 1000 };

		buf_adds(&got, "");
		spec_of(&sp, secret_cases[i].spec);
		spec_secrets(&sp, config, gather, &got);
		assert_string_equal(got.data, secret_cases[i].secrets);
		spec_free(&sp);
	}
}

#define EGRESS(rules)	"\"egress\":[" rules "]"
#define HOST(host)	EGRESS("{\"host\":\"" host "\"}")
#define NOT_A_PLACE	"must be an http(s) URL or a host name, without a user name"
#define NOT_A_PART	"must be part of a host name: letters, digits, '.', '-' and '_'"

static const struct { const char *spec, *config, *rules, *message; } egress_cases[] = {
	{ HOST("api.github.com"), "{}", "api.github.com:443 ", NULL },
	{ HOST("API.GitHub.com"), "{}", "api.github.com:443 ", NULL },
	{ EGRESS("{\"host\":\"a.example.com\",\"ports\":[80,443]},{\"host\":\"*.example.com\"}"), "{}",
	    "a.example.com:80 a.example.com:443 *.example.com:443 ", NULL },
	{ EGRESS(""), "{}", "", NULL },
	{ HOST("{{config.url}}"), "{\"url\":\"https://X.example.com:8443/api?x\"}", "x.example.com:8443 ", NULL },
	{ HOST("{{config.url}}"), "{\"url\":\"http://x.example.com\"}", "x.example.com:80 ", NULL },
	{ HOST("{{config.url}}"), "{\"url\":\"x.example.com\"}", "x.example.com:443 ", NULL },
	{ HOST("{{ config.url }}"), "{\"url\":\"x.example.com\"}", "x.example.com:443 ", NULL },
	{ EGRESS("{\"host\":\"{{config.h}}\",\"ports\":[389]}"), "{\"h\":\"x.example.com\"}", "x.example.com:389 ",
	    NULL },
	{ HOST("{{config.url}}"), "{}", "", NULL },
	{ HOST("{{config.url}}"), "{\"url\":\"\"}", "", NULL },
	{ HOST("{{config.url}}"), "{\"url\":null}", "", NULL },
	{ HOST("{{config.tenant}}.okta.com"), "{\"tenant\":\"acme\"}", "acme.okta.com:443 ", NULL },
	{ HOST("{{config.tenant}}.okta.com"), "{\"tenant\":7}", "7.okta.com:443 ", NULL },
	{ HOST("{{config.tenant}}.okta.com"), "{}", "", NULL },
	{ HOST("{{config.a}}.{{config.b}}.net"), "{\"a\":\"x\",\"b\":\"y\"}", "x.y.net:443 ", NULL },
	{ HOST("{{config.a}}.{{config.b}}.net"), "{\"a\":\"x\"}", "", NULL },
	{ HOST("https://{{config.tenant}}.okta.com:444"), "{\"tenant\":\"acme\"}", "acme.okta.com:444 ", NULL },
	{ HOST("*.{{config.tenant}}.okta.com"), "{\"tenant\":\"acme\"}", "*.acme.okta.com:443 ", NULL },
	{ EGRESS("{\"host\":\"{{config.a}}\"},{\"host\":\"{{config.b}}\"}"),
	    "{\"a\":\"https://x.example.com\",\"b\":\"X.example.com\"}", "x.example.com:443 ", NULL },
	/* A value cannot break out of the text around it, nor make a pattern. */
	{ HOST("https://{{config.tenant}}.okta.com"), "{\"tenant\":\"evil.example/\"}", NULL,
	    "config.tenant: " NOT_A_PART },
	{ HOST("{{config.tenant}}.okta.com"), "{\"tenant\":\"evil.example#\"}", NULL, "config.tenant: " NOT_A_PART },
	{ HOST("{{config.tenant}}.okta.com"), "{\"tenant\":\"u@x\"}", NULL, "config.tenant: " NOT_A_PART },
	{ HOST("{{config.tenant}}.okta.com"), "{\"tenant\":\"*\"}", NULL, "config.tenant: " NOT_A_PART },
	{ HOST("{{config.tenant}}.okta.com"), "{\"tenant\":\"a..b\"}", NULL, "config.tenant: " NOT_A_PLACE },
	{ HOST("{{config.h}}"), "{\"h\":\"*.example.com\"}", NULL, "config.h: " NOT_A_PLACE },
	{ HOST("{{config.h}}"), "{\"h\":\"ftp://x.example.com\"}", NULL, "config.h: " NOT_A_PLACE },
	{ HOST("{{config.h}}"), "{\"h\":\"https://u:p@x.example.com\"}", NULL, "config.h: " NOT_A_PLACE },
	{ HOST("{{config.h}}"), "{\"h\":\"x.example.com:443\"}", NULL, "config.h: " NOT_A_PLACE },
	{ HOST("{{config.h}}"), "{\"h\":\"two words\"}", NULL, "config.h: " NOT_A_PLACE },
	{ HOST("{{config.h}}"), "{\"h\":\"0x7f000001\"}", NULL, "config.h: " NOT_A_PLACE },
	{ HOST("{{config.h}}"), "{\"h\":\"https://127.1/\"}", NULL, "config.h: has no usable host name" },
	/* No "egress": the url-typed values. */
	{ SECTION(ITEM("baseUrl", "url") "," ITEM("token", "secret")),
	    "{\"baseUrl\":\"https://git.example.com/api/v3\",\"token\":\"https://not.example.com\"}",
	    "git.example.com:443 ",
	    NULL },
	{ SECTION(ITEM("baseUrl", "url")), "{\"baseUrl\":\"\"}", "", NULL },
	{ SECTION(ITEM("baseUrl", "url")), "{}", "", NULL },
	{ SECTION(ITEM("baseUrl", "url")), "{\"baseUrl\":\"::\"}", NULL, "config.baseUrl: " NOT_A_PLACE },
	{ SECTION("{\"key\":\"cards\",\"type\":\"cardList\",\"subMenus\":[{\"items\":[" ITEM("u", "url") "]}]}"),
	    "{\"cards\":[{\"u\":\"https://a.example.com\"},{\"u\":\"http://b.example.com:81\"}]}",
	    "a.example.com:443 b.example.com:81 ", NULL },
	{ SECTION(ITEM("baseUrl", "url")) ",\"egress\":[]", "{\"baseUrl\":\"https://x.example.com\"}", "", NULL },
};

/* What may be kept of a config where no secret may be. */
static void
plain(void **state)
{
#define FORM	"\"sourceConfig\":[{\"type\":\"menu\",\"items\":[{\"type\":\"section\",\"items\":[" \
		"{\"key\":\"url\",\"type\":\"url\"},{\"key\":\"n\",\"type\":\"number\"},{\"key\":\"l\",\"type\":\"list\"}," \
		"{\"key\":\"pw\",\"type\":\"secret\"},{\"key\":\"odd\",\"type\":\"vault\"}," \
		"{\"key\":\"kv\",\"type\":\"keyValue\"},{\"key\":\"t\",\"type\":\"text\"}]}]}," \
		"{\"key\":\"cards\",\"type\":\"cardList\",\"subMenus\":[{\"items\":[{\"key\":\"inside\",\"type\":\"text\"}]}]}," \
		"{\"key\":\"both\",\"type\":\"text\"},{\"key\":\"both\",\"type\":\"secrettextarea\"}]"
	static const struct { const char *config, *named; } rows[] = {
		{ "{}", NULL }, { "{'url':'https://h/x?a=b@c','n':7,'l':['a',1,true],'t':null}", NULL },
		{ "{'t':'a@b.example'}", NULL }, { "{'pw':'x'}", "pw" }, { "{'pw':''}", "pw" }, { "{'pw':7}", "pw" }, { "{'odd':'x'}", "odd" },
		{ "{'kv':[]}", "kv" }, { "{'cards':[]}", "cards" }, { "{'inside':'x'}", "inside" }, { "{'nobody':1}", "nobody" },
		{ "{'both':'x'}", "both" }, { "{'t':{'a':1}}", "t" }, { "{'l':[['a']]}", "l" }, { "{'l':[{'a':1}]}", "l" },
		{ "{'url':'https://me:secret@h/'}", "url" }, { "{'t':'x://me@h'}", "t" }, { "{'l':['http://a@b']}", "l" },
		{ "{'t':'https://a/,https://me:secret@h/'}", "t" }, { "{'url':'//me:secret@h/'}", "url" }, { "{'url':'https://h//x,http://b'}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct spec	 sp;
		struct error	 e = ERROR_NONE;
		char		 text[80];
		cJSON		*config;
		int		 r;

		snprintf(text, sizeof(text), "%s", rows[i].config);
		for (char *c = text; *c != '\0'; c++)
			*c = *c == '\'' ? '"' : *c;
		config = config_of(text);
		spec_of(&sp, FORM);
		r = spec_plain(&sp, config, &e);
		if (r != (rows[i].named == NULL ? 0 : -1) || (r == -1 && strncmp(e.msg, rows[i].named, strlen(rows[i].named)) != 0))
			fail_msg("%s: %s", rows[i].config, e.msg);
		spec_free(&sp);
		cJSON_Delete(config);
	}
}

static void
egress(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(egress_cases); i++) {
		struct spec		 sp;
		struct error		 e = ERROR_NONE;
		struct egress_rule	 rules[SPEC_EGRESS_MAX];
		size_t			 n;
		autojson		*config = config_of(egress_cases[i].config);
		autobuf			 got = { .max = 1000 };
		int			 r;

		buf_adds(&got, "");
		spec_of(&sp, egress_cases[i].spec);
		r = spec_egress(&sp, config, rules, &n, &e);
		spec_free(&sp);
		if (egress_cases[i].rules == NULL) {
			assert_int_equal(r, -1);
			assert_string_equal(e.msg, egress_cases[i].message);
			assert_int_equal(e.code, ERR_INVALID_CONFIGURATION);
			assert_int_equal(n, 0);
			continue;
		}
		if (r == -1)
			fail_msg("%s, %s: %s", egress_cases[i].spec, egress_cases[i].config, e.msg);
		for (size_t k = 0; k < n; k++)
			buf_addf(&got, "%s:%u ", rules[k].host, rules[k].port);
		assert_string_equal(got.data, egress_cases[i].rules);
	}
}

static void
egress_bound(void **state)
{
	autobuf			 b = { .max = SPEC_BYTES_MAX };
	struct spec		 sp;
	struct error		 e = ERROR_NONE;
	struct egress_rule	 rules[SPEC_EGRESS_MAX];
	size_t			 n;
	autojson		*config = config_of("{}");

	(void)state;
	buf_adds(&b, "\"egress\":[");
	for (int i = 0; i <= SPEC_EGRESS_MAX; i++)
		buf_addf(&b, "%s{\"host\":\"h%d.example.com\"}", i > 0 ? "," : "", i);
	buf_addc(&b, ']');
	spec_of(&sp, b.data);
	assert_int_equal(spec_egress(&sp, config, rules, &n, &e), -1);
	assert_int_equal(e.code, ERR_LIMIT);
	spec_free(&sp);
}

static const struct { const char *url, *host; uint16_t port; bool https; } url_cases[] = {
	{ "https://x.example.com", "x.example.com", 443, true }, { "http://x.example.com", "x.example.com", 80, false },
	{ "HTTPS://X.Example.COM/Path", "x.example.com", 443, true }, { "https://x:8443", "x", 8443, true },
	{ "https://x?a=b", "x", 443, true }, { "https://x#f", "x", 443, true },
	{ "http://127.0.0.1:1/", "127.0.0.1", 1, false },
	{ "https://x.example.com./", "x.example.com", 443, true }, { "https://x:65535", "x", 65535, true },
	{ "https://x/u@h", "x", 443, true },
	{ "", NULL, 0, false }, { "https://", NULL, 0, false }, { "https:///a", NULL, 0, false },
	{ "//x", NULL, 0, false },
	{ "ftp://x", NULL, 0, false }, { "https:/x", NULL, 0, false }, { "x", NULL, 0, false },
	{ "https://u@x", NULL, 0, false },
	{ "https://u:p@x", NULL, 0, false }, { "https://u:80@x", NULL, 0, false }, { "https://x:", NULL, 0, false },
	{ "https://x:0", NULL, 0, false }, { "https://x:65536", NULL, 0, false }, { "https://x:8a", NULL, 0, false },
	{ "https://x:-1", NULL, 0, false }, { "https://[::1]/", NULL, 0, false }, { "https://a b/", NULL, 0, false },
	{ "https://a\\@b/", NULL, 0, false }, { "https://a%2eb/", NULL, 0, false },
	{ "https://\xc3\xa9/", NULL, 0, false },
	{ " https://x", NULL, 0, false }, { "https://x\n", NULL, 0, false },
};

static void
urls(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(url_cases); i++) {
		char		 host[EGRESS_HOST_BYTES_MAX + 1];
		uint16_t	 port;
		bool		 https;

		if (url_host_port(url_cases[i].url, host, &port, &https) == -1) {
			if (url_cases[i].host != NULL)
				fail_msg("%s: refused", url_cases[i].url);
			continue;
		}
		if (url_cases[i].host == NULL)
			fail_msg("%s: taken for %s", url_cases[i].url, host);
		assert_string_equal(host, url_cases[i].host);
		assert_int_equal(port, url_cases[i].port);
		assert_int_equal(https, url_cases[i].https);
	}
}

static void
rates(void **state)
{
	static const struct {
		const char		*text;
		bool			 ok;
		struct rate_budget	 b;
	} rows[] = {
		{ "100/1m", true, { 100, 60000, 0 } },
		{ "100/1m,4", true, { 100, 60000, 4 } },
		{ "1/500ms", true, { 1, 500, 0 } },
		{ "10000/1h,1000", true, { 10000, 3600000, 1000 } },
		{ ",3", true, { 0, 0, 3 } },
		{ "none", true, { 0, 0, 0 } },
		{ "", false, { 0, 0, 0 } }, { "100", false, { 0, 0, 0 } }, { "100/", false, { 0, 0, 0 } },
		{ "0/1s", false, { 0, 0, 0 } }, { "-1/1s", false, { 0, 0, 0 } }, { "10001/1s", false, { 0, 0, 0 } },
		{ "1/2h", false, { 0, 0, 0 } }, { "1/1", false, { 0, 0, 0 } }, { "1/1s,", false, { 0, 0, 0 } },
		{ "1/1s,0", false, { 0, 0, 0 } }, { "1/1s,4x", false, { 0, 0, 0 } }, { "1/1sx", false, { 0, 0, 0 } },
		{ "99999999999999999999/1s", false, { 0, 0, 0 } }, { ",", false, { 0, 0, 0 } }, { "1/s", false, { 0, 0, 0 } },
	};
	struct rate_budget	 b;
	struct error		 e = ERROR_NONE;
	struct spec		 sp;

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		if ((rate_read(rows[i].text, &b, &e) == 0) != rows[i].ok)
			fail_msg("%s", rows[i].text);
		if (rows[i].ok)
			assert_memory_equal(&b, &rows[i].b, sizeof(b));
	}
	assert_int_equal(spec_load("tests/cases/spec/accept/rate.json", &sp, &e), 0);
	spec_rate(&sp, &b);
	assert_memory_equal(&b, &rows[1].b, sizeof(b));
	spec_free(&sp);
	assert_int_equal(spec_load("tests/cases/spec/accept/usual.json", &sp, &e), 0);
	spec_rate(&sp, &b);
	assert_memory_equal(&b, &rows[5].b, sizeof(b));
	spec_free(&sp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(case_files),
		cmocka_unit_test(rates), cmocka_unit_test(loading), cmocka_unit_test(secrets),
		cmocka_unit_test(plain),
		cmocka_unit_test(egress),
		cmocka_unit_test(egress_bound), cmocka_unit_test(urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
