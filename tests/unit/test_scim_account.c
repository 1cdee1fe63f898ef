/*
 * test_scim_account.c -- the SCIM connector's pure parts: settings, maps, accounts, schemas, membership, times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/scim/scim.h"

#define ENT	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

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
	const char	*why, *config;
	const char	*says;		/* part of the message; NULL: accepted */
} settings[] = {
	{ "nothing", "{}", "baseUrl" },
	{ "blank", "{\"baseUrl\":\"  \",\"token\":\"t\"}", "baseUrl" },
	{ "the least", "{\"baseUrl\":\"https://x/scim/v2/\",\"token\":\"t\"}", NULL },
	{ "no token", "{\"baseUrl\":\"https://x\"}", "token" },
	{ "basic without password", "{\"baseUrl\":\"https://x\",\"authKind\":\"basic\",\"username\":\"u\"}",
	    "password" },
	{ "basic", "{\"baseUrl\":\"https://x\",\"authKind\":\"basic\",\"username\":\"u\",\"password\":\"p\"}", NULL },
	{ "oauth2 without id", "{\"baseUrl\":\"https://x\",\"authKind\":\"oauth2\",\"tokenUrl\":\"https://y\"}",
	    "clientId" },
	{ "API key", "{\"baseUrl\":\"https://x\",\"authKind\":\"apiKey\",\"apiKey\":\"k\"}", NULL },
	{ "another kind", "{\"baseUrl\":\"https://x\",\"authKind\":\"magic\",\"token\":\"t\"}", "authKind" },
	{ "pages as text", "{\"baseUrl\":\"https://x\",\"token\":\"t\",\"pageSize\":\"50\"}", NULL },
	{ "pages of nothing", "{\"baseUrl\":\"https://x\",\"token\":\"t\",\"pageSize\":0}", "pageSize" },
	{ "pages of half a row", "{\"baseUrl\":\"https://x\",\"token\":\"t\",\"pageSize\":0.5}", "pageSize" },
	{ "too large pages", "{\"baseUrl\":\"https://x\",\"token\":\"t\",\"pageSize\":100000}", "pageSize" },
	{ "a filter for a server without", "{\"baseUrl\":\"https://x\",\"token\":\"t\",\"filterSupported\":false,"
	    "\"userFilter\":\"active eq true\"}", "filterSupported" },
	{ "a broken active path", "{\"baseUrl\":\"https://x\",\"token\":\"t\",\"activeAttribute\":\"a b\"}",
	    "activeAttribute" },
};

static void
test_settings(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(settings); i++) {
		struct error		 e = ERROR_NONE;
		struct scim_settings	 s;
		cJSON			*config = tree(settings[i].config);
		int			 r = scim_settings_read(config, &s, &e);

		if (r != (settings[i].says == NULL ? 0 : -1))
			fail_msg("%s: %d (%s)", settings[i].why, r, e.msg);
		if (r == -1) {
			assert_int_equal(e.code, ERR_INVALID_CONFIGURATION);
			if (strstr(e.msg, settings[i].says) == NULL)
				fail_msg("%s: says %s", settings[i].why, e.msg);
		} else {
			assert_int_not_equal(s.base_url[strlen(s.base_url) - 1], '/');
			assert_true(s.page_rows == 100 || s.page_rows == 50);
			free(s.base_url);
			scim_path_free(&s.active);
		}
		cJSON_Delete(config);
	}
}

static const char user[] = "{\"id\":\"42\",\"userName\":\"ann\",\"password\":\"secret\",\"active\":%s,"
    "\"apiToken\":\"secret\",\"name\":{\"givenName\":\"Ann\"},\"emails\":[{\"value\":\"a@x\",\"type\":\"work\"}],"
    "\"groups\":[{\"value\":\"g1\"},{\"value\":\"g2\"}],\"badge\":90071992547409931,"
    "\"" ENT "\":{\"department\":\"D\",\"manager\":{\"value\":\"7\"}}}";

static const struct {
	const char	*why, *active, *config, *schema, *want;
} accounts[] = {
	{ "what is mapped, and no more", "true", "{}", NULL,
	    "{\"key\":{\"simple\":{\"id\":\"42\"}},\"attributes\":{\"id\":\"42\",\"userName\":\"ann\","
	    "\"givenName\":\"Ann\","
	    "\"email\":\"a@x\",\"department\":\"D\",\"manager\":\"7\",\"active\":true,\"groups\":[\"g1\",\"g2\"]},"
	    "\"disabled\":false}" },
	{ "a disabled one, by schema", "false", "{}", "{\"attributes\":[{\"name\":\"userName\"}]}",
	    "{\"key\":{\"simple\":{\"id\":\"42\"}},\"attributes\":{\"userName\":\"ann\"},\"disabled\":true}" },
	{ "active as text", "\"False\"", "{}", "{\"attributes\":[{\"name\":\"active\",\"type\":\"boolean\"}]}",
	    "{\"key\":{\"simple\":{\"id\":\"42\"}},\"attributes\":{\"active\":false},\"disabled\":true}" },
	{ "a user that does not say", "null", "{}", "{\"attributes\":[{\"name\":\"id\"}]}",
	    "{\"key\":{\"simple\":{\"id\":\"42\"}},\"attributes\":{\"id\":\"42\"}}" },
	{ "a mapping of one's own", "true", "{\"attributes\":[{\"key\":\"mail\",\"value\":\"emails\"},"
	    "{\"key\":\"userName\",\"value\":\"name.givenName\"}]}",
	    "{\"attributes\":[{\"name\":\"mail\",\"multi\":true},{\"name\":\"userName\"}]}",
	    "{\"key\":{\"simple\":{\"id\":\"42\"}},\"attributes\":{\"userName\":\"Ann\",\"mail\":[\"a@x\"]},"
	    "\"disabled\":false}" },
	{ "a schema's path", "true", "{}", "{\"attributes\":[{\"name\":\"badge\",\"type\":\"long\"}]}",
	    "{\"key\":{\"simple\":{\"id\":\"42\"}},\"attributes\":{\"badge\":90071992547409931},\"disabled\":false}" },
	{ "a password is never shown", "true", "{\"attributes\":[{\"key\":\"pw\",\"value\":\"password\"}]}",
	    "{\"attributes\":[{\"name\":\"password\"},{\"name\":\"pw\"}]}",
	    "{\"key\":{\"simple\":{\"id\":\"42\"}},\"attributes\":{},\"disabled\":false}" },
};

static void
test_account(void **state)
{
	cJSON	*spec = tree("{\"keyType\":\"simple\"}");

	(void)state;
	for (size_t i = 0; i < N_ITEMS(accounts); i++) {
		struct error	 e = ERROR_NONE;
		struct call	 c = { .spec = spec, .err = &e };
		struct scim	 s = { .c = &c };
		cJSON		*config = tree(accounts[i].config), *schema = tree(accounts[i].schema);
		cJSON		*want = tree(accounts[i].want), *resource, *got;
		char		 text[1024];

		snprintf(text, sizeof(text), user, accounts[i].active);
		resource = tree(text);
		assert_int_equal(scim_path_parse("active", &s.set.active, &e), 0);
		assert_int_equal(scim_map_init(&s.map, config, schema, NULL, &e), 0);
		if ((got = scim_account(&s, resource, NULL, &e)) == NULL)
			fail_msg("%s: %s", accounts[i].why, e.msg);
		cJSON_DeleteItemFromObject(got, "identity");
		if (!json_equal(got, want))
			fail_msg("%s: got %s", accounts[i].why, json_text(got));
		cJSON_Delete(got);
		cJSON_Delete(want);
		cJSON_Delete(resource);
		cJSON_Delete(schema);
		cJSON_Delete(config);
		scim_map_free(&s.map);
		scim_path_free(&s.set.active);
	}
	cJSON_Delete(spec);
}

static void
test_account_without_id(void **state)
{
	struct error	 e = ERROR_NONE;
	struct call	 c = { .err = &e };
	struct scim	 s = { .c = &c };
	cJSON		*resource = tree("{\"userName\":\"x\"}");

	(void)state;
	assert_null(scim_account(&s, resource, NULL, &e));
	assert_int_equal(e.code, ERR_INVALID_RESPONSE);
	cJSON_Delete(resource);
}

static void
test_query(void **state)
{
	struct error	 e = ERROR_NONE;
	struct scim_map	 map;
	cJSON		*schema = tree("{\"attributes\":[{\"name\":\"id\"},{\"name\":\"givenName\"},"
	    "{\"name\":\"familyName\"},"
	    "{\"name\":\"email\"},{\"name\":\"department\"},{\"name\":\"password\"}]}");
	char		*text;

	(void)state;
	assert_int_equal(scim_map_init(&map, NULL, schema, NULL, &e), 0);
	text = scim_map_query(&map, "active");
	assert_string_equal(text, "id,meta,active,name,emails," ENT ":department");
	free(text);
	scim_map_free(&map);
	cJSON_Delete(schema);
}

static void
test_members(void **state)
{
	struct error		 e = ERROR_NONE;
	struct scim_members	*m = scim_members_new();
	char			 id[32];
	static const struct { const char *user, *groups; } want[] = {
		{ "u0", "[\"g0\",\"g1\"]" }, { "u7", "[\"g0\"]" }, { "u999", "[\"g0\",\"g1\"]" }, { "u1000", "[]" },
	};

	(void)state;
	for (int g = 0; g < 2; g++) {
		snprintf(id, sizeof(id), "g%d", g);
		assert_int_equal(scim_members_group(m, id, &e), 0);
		for (int u = 0; u < 1000; u += g == 0 ? 1 : 3) {
			snprintf(id, sizeof(id), "u%d", u);
			assert_int_equal(scim_members_add(m, id, &e), 0);
		}
		assert_int_equal(scim_members_add(m, "u0", &e), 0);
	}
	scim_members_done(m);
	for (size_t i = 0; i < N_ITEMS(want); i++) {
		cJSON	*groups = scim_members_groups(m, want[i].user);
		char	*text = json_text(groups);

		assert_string_equal(text, want[i].groups);
		free(text);
		cJSON_Delete(groups);
	}
	scim_members_free(m);
}

/* Small, at the change of tables, large, and more than one large one holds. */
static void
test_idset(void **state)
{
	static const struct { int n; size_t nlarge; } cases[] = { { 700, 0 }, { 49152, 0 }, { 49153, 1 }, { 1400000, 1 },
		{ 2000000, 2 } };

	(void)state;
	for (size_t k = 0; k < N_ITEMS(cases); k++) {
		struct scim_idset	 set = { 0 };
		struct error		 e = ERROR_NONE;
		char			 id[32];

		for (int i = 0; i < cases[k].n; i++) {
			snprintf(id, sizeof(id), "u%07d", i);
			if (scim_idset_add(&set, id, strlen(id), &e) != 1)
				fail_msg("%d ids: %s is not new", cases[k].n, id);
		}
		assert_int_equal(set.n, cases[k].n);
		assert_int_equal(set.nlarge, cases[k].nlarge);
		for (int i = 0; i < cases[k].n; i++) {
			snprintf(id, sizeof(id), "u%07d", i);
			if (!scim_idset_has(&set, id))
				fail_msg("%d ids: %s is lost", cases[k].n, id);
		}
		assert_false(scim_idset_has(&set, "u9999999"));
		snprintf(id, sizeof(id), "u%07d", cases[k].n - 1);
		assert_int_equal(scim_idset_add(&set, id, strlen(id), &e), 0);
		scim_idset_free(&set);
	}
}

static const struct {
	const char	*text;
	int64_t		 ns;		/* -1: refused */
} moments[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2024-01-31T10:20:30Z", INT64_C(1706696430000000000) },
	{ "2024-01-31T10:20:30.5Z", INT64_C(1706696430500000000) },
	{ "2024-01-31T10:20:30.1234567891Z", INT64_C(1706696430123456789) },
	{ "2024-01-31T12:20:30+02:00", INT64_C(1706696430000000000) },
	{ "2024-01-31T10:20:30", INT64_C(1706696430000000000) },
	{ "2024-01-31", -1 },
	{ "2024-01-31T10:20:30X", -1 },
	{ "2024-01-31T10:20:30+02", -1 },
	{ "W/\"1\"", -1 },
	{ "", -1 },
};

static void
test_moments(void **state)
{
	int64_t	ns;
	char	out[40];

	(void)state;
	for (size_t i = 0; i < N_ITEMS(moments); i++) {
		int	r = scim_moment_parse(moments[i].text, &ns);

		if (r != (moments[i].ns == -1 ? -1 : 0) || (r == 0 && ns != moments[i].ns))
			fail_msg("%s: %d, %lld", moments[i].text, r, (long long)ns);
	}
	assert_int_equal(scim_moment_http("Wed, 31 Jan 2024 10:20:30 GMT", &ns), 0);
	scim_moment_print(ns, out);
	assert_string_equal(out, "2024-01-31T10:20:30.000Z");
	assert_int_equal(scim_moment_http("soon", &ns), -1);
}

static const struct {
	const char	*location, *id;
} locations[] = {
	{ "https://x/scim/v2/Users/42", "42" },
	{ "/Users/a%20b%2Fc", "a b/c" },
	{ "https://x/Users/42?x=/9", "42" },
	{ "https://x/Users/%zz%0", "%zz%0" },
	{ "https://x/Users/", NULL },
	{ "42", NULL },
	{ NULL, NULL },
};

static void
test_locations(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(locations); i++) {
		char	*id = scim_id_from_location(locations[i].location);

		if (locations[i].id == NULL)
			assert_null(id);
		else
			assert_string_equal(id, locations[i].id);
		free(id);
	}
}

static const char schemas[] = "[{\"id\":\"" ENT "\",\"attributes\":[{\"name\":\"department\",\"type\":\"string\"},"
    "{\"name\":\"level\",\"type\":\"integer\"},{\"name\":\"manager\",\"type\":\"complex\",\"subAttributes\":["
    "{\"name\":\"value\",\"type\":\"string\"},{\"name\":\"$ref\",\"type\":\"reference\"}]}]},"
    "{\"id\":\"urn:ietf:params:scim:schemas:core:2.0:Group\",\"attributes\":[{\"name\":\"members\"}]},"
    "{\"id\":\"urn:ietf:params:scim:schemas:core:2.0:User\",\"attributes\":["
    "{\"name\":\"userName\",\"type\":\"string\",\"required\":true,\"description\":\"Name\"},"
    "{\"name\":\"password\",\"type\":\"string\",\"mutability\":\"writeOnly\",\"returned\":\"never\"},"
    "{\"name\":\"active\",\"type\":\"boolean\"},"
    "{\"name\":\"name\",\"type\":\"complex\",\"subAttributes\":[{\"name\":\"givenName\",\"type\":\"string\"},"
    "{\"name\":\"middleName\",\"type\":\"string\"}]},"
    "{\"name\":\"emails\",\"type\":\"complex\",\"multiValued\":true},"
    "{\"name\":\"groups\",\"type\":\"complex\",\"multiValued\":true}]}]";

static const char schema_wanted[] =
    "[\"id\",\"userName\",\"active\",\"givenName\",\"name.middleName\",\"email\",\"emails\",\"department\","
    "\"" ENT ":level\",\"manager\",\"groups\"]";

static void
test_schema(void **state)
{
	struct error	 e = ERROR_NONE;
	struct scim_map	 map;
	cJSON		*all = tree(schemas), *got, *names = cJSON_CreateArray(), *want = tree(schema_wanted);
	const cJSON	*one;

	(void)state;
	assert_int_equal(scim_map_init(&map, NULL, NULL, NULL, &e), 0);
	got = scim_schema(all, NULL, &map, &e);
	assert_non_null(got);
	cJSON_ArrayForEach(one, json_get(got, "attributes"))
		json_push(names, cJSON_CreateString(json_str(one, "name", "")));
	if (!json_equal(names, want))
		fail_msg("got %s", json_text(names));
	assert_true(json_bool(json_at(got, "/attributes/10"), "entitlement", false));
	assert_string_equal(json_str(json_at(got, "/attributes/8"), "type", ""), "int");
	assert_string_equal(json_str(got, "groupAttribute", ""), "groups");
	cJSON_Delete(got);
	cJSON_DeleteItemFromArray(all, 2);
	assert_null(scim_schema(all, NULL, &map, &e));
	assert_int_equal(e.code, ERR_INVALID_RESPONSE);
	cJSON_Delete(all);
	cJSON_Delete(names);
	cJSON_Delete(want);
	scim_map_free(&map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_account_without_id),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_idset),
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_locations),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
