/*
 * test_beta.c -- the platform's dialect, as far as it needs no socket: which paths speak it, and what names a connector.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "launcher/serve/beta.h"
#include "launcher/serve/moment.h"
#include "launcher/serve/ref.h"
#include "launcher/serve/serve.h"
#include "worker/contract/util.h"

/* main.o is not linked. */
struct server	 server;

int64_t
wall_ms(void)
{
	return 0;
}

static void
dialects(void **state)
{
	static const struct { const char *path; bool beta; const char *as; } rows[] = {
		{ "/beta/x", true, "/beta/x" }, { "/v2024/x", true, "/beta/x" }, { "/v2026/x/y", true, "/beta/x/y" },
		{ "/v2027/x", true, "/v2027/x" }, { "/v2024", true, "/v2024" }, { "/v1", false, "/v1" },
		{ "/v1/connectors", false, "/v1/connectors" }, { "/v10/x", true, "/v10/x" }, { "/metrics", false, "/metrics" },
		{ "/metricsx", true, "/metricsx" }, { "/healthz", false, "/healthz" }, { "/", true, "/" },
		{ "/connector-customizers/v1", true, "/beta/connector-customizers" }, { "/platform-logs/v1/query", true, "/beta/platform-logs/query" },
		{ "/connector-instances/v1/a/invoke", true, "/beta/connector-instances/a/invoke" }, { "/platform-connectors/v1x", true, "/platform-connectors/v1x" },
		{ "/platform-connectors", true, "/platform-connectors" },
	};
	char	 scratch[48], longer[64];

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		assert_int_equal(beta_speaks(rows[i].path), rows[i].beta);
		assert_string_equal(beta_path(rows[i].path, scratch, sizeof(scratch)), rows[i].as);
	}
	snprintf(longer, sizeof(longer), "/v2024/%s", "0123456789012345678901234567890123456789012");
	assert_null(beta_path(longer, scratch, sizeof(scratch)));
	snprintf(longer, sizeof(longer), "/platform-connectors/v1/%s", "01234567890123456789012345");
	assert_null(beta_path(longer, scratch, sizeof(scratch)));
}

#define REFUSED(code)	code, NULL

static void
names(void **state)
{
	static const struct {
		const char	*text, *tag;
		int64_t		 version;
		enum err_code	 code;
		const char	*name;
	} rows[] = {
		{ "one", "", -1, ERR_NONE, "one" }, { "one", "latest", -1, ERR_NONE, "one" }, { "one@latest", "gold", -1, ERR_NONE, "one" },
		{ "one@0", "latest", -1, ERR_NONE, "one" }, { "one", "", 0, ERR_NONE, "one" }, { "one@00", "", 0, ERR_NONE, "one" },
		{ "one@0", "", 1, REFUSED(ERR_REQUEST) }, { "one@latest", "", 0, REFUSED(ERR_REQUEST) },
		{ "one", "gold", -1, REFUSED(ERR_NO_CONNECTOR) }, { "one", "", 1, REFUSED(ERR_NO_CONNECTOR) },
		{ "one@1", "", -1, REFUSED(ERR_NO_CONNECTOR) }, { "one@", "", -1, REFUSED(ERR_NO_CONNECTOR) },
		{ "one@9999999999", "", -1, REFUSED(ERR_NO_CONNECTOR) }, { "", "", -1, REFUSED(ERR_NO_CONNECTOR) },
		{ "@latest", "", -1, REFUSED(ERR_NO_CONNECTOR) }, { "../c/one", "", -1, REFUSED(ERR_NO_CONNECTOR) },
		{ "two", "", -1, REFUSED(ERR_NO_CONNECTOR) },
	};
	char			 folder[] = "/tmp/test_beta.XXXXXX", command[256], id[REF_ID_BYTES + 1];
	struct connector_ref	 ref;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof(command), "mkdir %s/one && cp /bin/true %s/one/one && "
	    "echo '{\"name\":\"One\",\"commands\":[]}' >%s/one/connector-spec.json", folder, folder, folder);
	assert_int_equal(system(command), 0);
	setenv("BASCULE_CONNECTORS", folder, 1);
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct error	 e = ERROR_NONE;

		if (ref_find(rows[i].text, rows[i].tag, rows[i].version, &ref, &e) == 0) {
			assert_int_equal(rows[i].code, ERR_NONE);
			assert_string_equal(ref.name, rows[i].name);
			connector_free(&ref);
		} else if (e.code != rows[i].code)
			fail_msg("%s: %s", rows[i].text, e.msg);
	}
	/* The id is always the same, and of the form of one. */
	struct error	 e = ERROR_NONE;

	ref_own_id("one", id);
	assert_int_equal(strlen(id), REF_ID_BYTES);
	assert_true(id[14] == '8' && strchr("89ab", id[19]) != NULL);
	assert_int_equal(ref_find(id, "", -1, &ref, &e), 0);
	assert_string_equal(ref.name, "one");
	connector_free(&ref);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

static void
moments(void **state)
{
	static const struct { const char *text; int64_t ms; } rows[] = {
		{ "1970-01-01T00:00:00Z", 0 }, { "2026-11-24T12:00:00Z", 1795521600000 }, { "2026-11-24T12:00:00.5Z", 1795521600500 },
		{ "2026-11-24T12:00:00.123456789Z", 1795521600123 }, { "2026-11-24T13:30:00+01:30", 1795521600000 },
		{ "2026-11-24T11:00:00.001-01:00", 1795521600001 }, { "2024-02-29T00:00:00Z", 1709164800000 },
		{ "2016-12-31T23:59:60Z", 1483228800000 },
		{ "", -1 }, { "2026-11-24", -1 }, { "2026-11-24T12:00:00", -1 }, { "2026-11-24T12:00:00.Z", -1 },
		{ "2026-13-24T12:00:00Z", -1 }, { "2026-11-31T12:00:00Z", -1 }, { "2026-02-29T12:00:00Z", -1 },
		{ "2026-11-24T24:00:00Z", -1 }, { "2026-11-24T12:00:00+0100", -1 }, { "2026-11-24T12:00:00Zx", -1 },
		{ " 2026-11-24T12:00:00Z", -1 }, { "12026-11-24T12:00:00Z", -1 }, { "2026-11-24T12:00:00+", -1 },
	};
	char	 text[MOMENT_BYTES];
	int64_t	 ms;

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		int	 r = moment_read(rows[i].text, &ms);

		if (r == 0 ? ms != rows[i].ms : rows[i].ms != -1)
			fail_msg("%s: %lld", rows[i].text, r == 0 ? (long long)ms : -1);
	}
	moment_print(1795521600007, text);
	assert_string_equal(text, "2026-11-24T12:00:00.007Z");
}

/* What Go 1.19 prints of them. */
static void
durations(void **state)
{
	static const struct { int64_t ms; const char *text; } rows[] = {
		{ 0, "0s" }, { 1, "1ms" }, { 999, "999ms" }, { 1000, "1s" }, { 1500, "1.5s" }, { 10000, "10s" }, { 59999, "59.999s" },
		{ 60000, "1m0s" }, { 123004, "2m3.004s" }, { 3600000, "1h0m0s" }, { 3600500, "1h0m0.5s" }, { 90061001, "25h1m1.001s" },
	};
	char	 text[DURATION_BYTES];

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		duration_print(rows[i].ms, text);
		assert_string_equal(text, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(dialects),
		cmocka_unit_test(names),
		cmocka_unit_test(moments),
		cmocka_unit_test(durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
