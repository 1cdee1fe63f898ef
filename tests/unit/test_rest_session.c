/*
 * test_rest_session.c -- sign-ins of descriptions in one process, so that a sanitizer sees what they hold and give back.  How each
 * kind meets its source: tests/integration/rest_auth.t.
 */
#include "tests/unit/fetch_server.h"

#include "connectors/rest/rest.h"

#define OK(body)	{ 200, body, NULL, HOW_PLAIN }

static cJSON	*spec;
static char	 why[4096];
static char	*description;
static struct description *loaded;

/* What load.c does in a program of its own. */
const struct description *
description_loaded(const cJSON *specification, struct error *e)
{
	struct faults			 f = { 0 };
	autojson			*doc = json_parse(description, strlen(description), NULL, e);

	assert_non_null(doc);
	buf_init(&f.text, FAULTS_BYTES_MAX);
	if ((loaded = describe(doc, specification, &f)) == NULL) {
		snprintf(why, sizeof(why), "%s", f.text.data == NULL ? "?" : f.text.data);
		fail_msg("%s", why);
	}
	buf_free(&f.text);
	return loaded;
}

static const char	 spec_text[] = "{\"commands\":[],\"sourceConfig\":[{\"type\":\"menu\",\"items\":[{\"items\":["
    "{\"key\":\"password\",\"type\":\"secret\"},{\"key\":\"key\",\"type\":\"secret\"}]}]}]}";

/* One run of "test", with this sign-in; *err says what was wrong. */
static int
run_once(const char *auth, const char *base)
{
	struct error	 e = ERROR_NONE;
	struct rest	*r;
	char		 text[512];
	int		 got = -1;

	fetch_connect = plain_connect;
	err = ERROR_NONE;
	if (spec == NULL)
		spec = json_parse(spec_text, sizeof(spec_text) - 1, NULL, &e);
	assert_non_null(spec);
	snprintf(text, sizeof(text), "{\"base\":\"http://127.0.0.1:%u\",\"password\":\"login-secret\",\"key\":\"hmac-secret\"}", server_port);
	cJSON_Delete(config);
	config = json_parse(text, strlen(text), NULL, &e);
	assert_non_null(config);
	assert_true(asprintf(&description, "{\"format\":1,\"http\":{\"base\":\"%s\",\"auth\":%s},\"test\":{\"steps\":[{\"get\":\"/me\"},{\"get\":\"/me\"}]}}",
	    base, auth) != -1);
	call = (struct call){ .cmd = CMD_TEST_CONNECTION, .type = "std:test-connection", .id = "t", .version = -1, .config = config,
	    .input = config, .spec = spec, .err = &err };
	if ((r = rest_new(&call)) != NULL)
		got = op_run(r, &r->d->test, NULL);
	rest_free(r);
	describe_free(loaded);
	loaded = NULL;
	free(description);
	return got;
}

#define LOGIN	"{\"kind\":\"login\",\"login\":{\"post\":\"/login\",\"json\":{\"p\":\"${secret.password}\"},\"keep\":{\"token\":\"/t\"," \
		"\"cookie\":{\"cookie\":\"sid\"}}},\"logout\":{\"delete\":\"/login\",\"headers\":{\"X-T\":\"${token.token}\"}},\"name\":\"X-T\"}"

static void
test_login(void **state)
{
	static const struct route	 routes[] = {
		{ "/login", { { 200, "{\"t\":\"one\"}", "Set-Cookie: sid=c1; Path=/\r\n", HOW_PLAIN }, { 200, "{\"t\":\"two\"}", NULL, HOW_PLAIN },
		    { 204, "", NULL, HOW_PLAIN } } },
		{ "/me", { { 401, "{}", NULL, HOW_PLAIN }, OK("{}"), OK("{}") } },
	};

	(void)state;
	server_start(routes, N_ITEMS(routes));
	assert_int_equal(run_once(LOGIN, "${config.base}"), 0);
	assert_int_equal(shared->hits[0], 3);		/* in, in again after the refusal, out */
	assert_int_equal(shared->hits[1], 3);
	assert_non_null(strstr(shared->asked[1], "X-T: two\r\n"));
	assert_non_null(strstr(shared->asked[0], "DELETE /login"));
	assert_non_null(strstr(shared->asked[0], "X-T: two\r\n"));
	server_stop();
}

static void
test_refused(void **state)
{
	static const struct route	 routes[] = { { "/login", { { 401, "{}", NULL, HOW_PLAIN } } }, { "/me", { OK("{}") } } };

	(void)state;
	server_start(routes, N_ITEMS(routes));
	assert_int_equal(run_once(LOGIN, "${config.base}"), -1);
	assert_int_equal(err.code, ERR_INSUFFICIENT_PERMISSION);
	assert_non_null(strstr(err.msg, "/http/auth/login"));
	assert_int_equal(shared->hits[0], 1);		/* there is nothing to sign out of */
	assert_int_equal(shared->hits[1], 0);
	server_stop();
}

#define BEARER	"{\"kind\":\"oauth2\",\"grant\":\"jwt-bearer\",\"clientAuth\":\"client_secret_jwt\",\"user\":\"me\",\"secret\":\"${secret.password}\"," \
		"\"tokenUrl\":\"${config.base}/token\",\"assertion\":{\"alg\":\"HS256\",\"key\":\"${secret.key}\",\"claims\":{\"iss\":\"x\",\"jti\":null}}," \
		"\"keep\":{\"at\":\"/at\"}}"

static void
test_instance(void **state)
{
	static const struct route	 routes[] = {
		{ "/token", { OK("{\"access_token\":\"inst-token\",\"expires_in\":600,\"at\":\"/inst\"}") } }, { "/inst/me", { OK("{}") } },
	};

	(void)state;
	server_start(routes, N_ITEMS(routes));
	assert_int_equal(run_once(BEARER, "${config.base}${session.at}"), 0);
	assert_int_equal(shared->hits[0], 1);
	assert_int_equal(shared->hits[1], 2);
	assert_non_null(strstr(shared->asked[1], "Authorization: Bearer inst-token\r\n"));
	assert_non_null(strstr(shared->asked[0], "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey"));
	assert_non_null(strstr(shared->asked[0], "client_id=me&client_assertion_type="));
	assert_null(strstr(shared->asked[0], "hmac-secret"));
	server_stop();
}

static void
test_token_wrong(void **state)
{
	static const struct { struct reply reply; enum err_code code; const char *says; } t[] = {
		{ { 400, "{\"error\":\"invalid_grant\",\"error_description\":\"not you\"}", NULL, HOW_PLAIN }, ERR_INSUFFICIENT_PERMISSION, "invalid_grant not you" },
		{ { 200, "{\"error\":\"invalid_client\"}", NULL, HOW_PLAIN }, ERR_UPSTREAM, "invalid_client" },
		{ { 200, "{}", NULL, HOW_PLAIN }, ERR_INVALID_RESPONSE, "no token at /access_token" },
		{ { 200, "{\"access_token\":[]}", NULL, HOW_PLAIN }, ERR_INVALID_RESPONSE, "no token at /access_token" },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(t); i++) {
		struct route	 routes[] = { { "/token", { t[i].reply } } };

		server_start(routes, 1);
		assert_int_equal(run_once(BEARER, "${config.base}"), -1);
		assert_int_equal(err.code, t[i].code);
		assert_non_null(strstr(err.msg, t[i].says));
		server_stop();
	}
}

static void
test_signed(void **state)
{
	static const struct route	 routes[] = { { "/me", { OK("{}") } } };

	(void)state;
	server_start(routes, 1);
	assert_int_equal(run_once("[{\"kind\":\"none\",\"when\":\"${config.nobody}\"},{\"kind\":\"aws\",\"user\":\"AKID\",\"secret\":\"${secret.key}\","
	    "\"sessionToken\":\"${secret.nobody}\",\"region\":\"r\",\"service\":\"s\"}]", "${config.base}"), 0);
	assert_non_null(strstr(shared->asked[0], "Authorization: AWS4-HMAC-SHA256 Credential=AKID/"));
	assert_non_null(strstr(shared->asked[0], "SignedHeaders=host;x-amz-date, "));
	assert_null(strstr(shared->asked[0], "hmac-secret"));
	assert_int_equal(run_once("{\"kind\":\"jwt\",\"alg\":\"HS256\",\"key\":\"${secret.key}\",\"name\":\"sid\",\"in\":\"cookie\"}", "${config.base}"), 0);
	assert_non_null(strstr(shared->asked[0], "Cookie: sid=ey"));
	server_stop();
}

int
main(void)
{
	static const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_instance),
		cmocka_unit_test(test_token_wrong),
		cmocka_unit_test(test_signed),
	};
	int	 r = cmocka_run_group_tests(tests, NULL, NULL);

	cJSON_Delete(config);
	cJSON_Delete(spec);
	return r;
}
