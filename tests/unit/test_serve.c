/*
 * test_serve.c -- parts of the server that need no socket: turns, headers, tokens, bodies, and that its description is true.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "launcher/serve/accept.h"
#include "launcher/serve/admit.h"
#include "launcher/serve/ask.h"
#include "launcher/serve/peers.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/tokens.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

/* main.o is not linked. */
struct server	 server;

int64_t
wall_ms(void)
{
	return 0;
}

static char	 went[64];	/* names in the order in which their turn came */

static void
go(void *arg)
{
	strcat(went, arg);
}

static void
turns(void **state)
{
	static char		 names[8][2];
	struct admit_ticket	 t[8] = { 0 };
	const char		*sources[8] = { "a", "a", "a", "a", "b", "b", "c", "a" };
	struct error		 e = ERROR_NONE;
	int64_t			 retry = 0;

	(void)state;
	went[0] = '\0';
	admit_open(2, 1, 6);
	for (int i = 0; i < 8; i++) {
		names[i][0] = (char)('0' + i);
		t[i].go = go;
		t[i].arg = names[i];
	}
	assert_int_equal(admit_enter(&t[0], "a", 0, &retry, &e), ADMIT_RUNNING);
	/* There is room, but not for this source. */
	assert_int_equal(admit_enter(&t[1], "a", 0, &retry, &e), ADMIT_WAITING);
	assert_int_equal(admit_enter(&t[4], "b", 0, &retry, &e), ADMIT_RUNNING);
	for (int i = 2; i < 7; i++)
		if (i != 4)
			assert_int_equal(admit_enter(&t[i], sources[i], 0, &retry, &e), ADMIT_WAITING);
	assert_int_equal(admit_count().waiting, 5);
	assert_int_equal(admit_enter(&t[7], "a", 0, &retry, &e), ADMIT_WAITING);
	struct admit_ticket	 more = { .go = go, .arg = names[7] };
	assert_int_equal(admit_enter(&more, "d", 0, &retry, &e), ADMIT_OUT);
	assert_int_equal(e.code, ERR_SHED);
	assert_true(retry >= 1);
	assert_string_equal(went, "");
	/* One of a goes; b runs one already, so of those in turn it is a's again, then c. */
	admit_leave(&t[4]);
	assert_string_equal(went, "5");
	admit_leave(&t[0]);
	assert_string_equal(went, "51");
	admit_leave(&t[1]);
	assert_string_equal(went, "516");
	admit_leave(&t[6]);
	assert_string_equal(went, "5162");
	/* One that waits may leave. */
	admit_leave(&t[3]);
	admit_leave(&t[2]);
	assert_string_equal(went, "51627");
	admit_leave(&t[7]);
	admit_leave(&t[5]);
	admit_leave(&t[5]);
	assert_int_equal(admit_count().running + admit_count().waiting + admit_count().sources, 0);
}

static void
forms(void **state)
{
	static const struct {
		const char	*accept, *encoding;
		struct accepted	 a;
	} rows[] = {
		{ NULL, NULL, { FORM_LINES, false, CODING_NONE } },
		{ "", "", { FORM_LINES, false, CODING_NONE } },
		{ "*/*", "identity", { FORM_LINES, false, CODING_NONE } },
		{ "application/x-ndjson", "gzip", { FORM_LINES, false, CODING_GZIP } },
		{ "application/x-ndjson; verdict=1", "gzip, zstd", { FORM_LINES, true, CODING_ZSTD } },
		{ "application/x-ndjson;q=0.5;verdict=1", "gzip;q=0, br", { FORM_LINES, true, CODING_NONE } },
		{ "application/x-ndjson;verdict=0", "zstd;q=0.0,gzip", { FORM_LINES, false, CODING_GZIP } },
		{ "text/event-stream", NULL, { FORM_EVENTS, true, CODING_NONE } },
		{ "TEXT/Event-Stream , */*", NULL, { FORM_EVENTS, true, CODING_NONE } },
		{ "application/x-ndjson;q=0, text/*", NULL, { FORM_EVENTS, true, CODING_NONE } },
		{ "image/png", NULL, { FORM_NONE, false, CODING_NONE } },
		{ "image/png, ;;;,,", ",;q=", { FORM_NONE, false, CODING_NONE } },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct accepted	 a = accept_read(rows[i].accept, rows[i].encoding);

		assert_int_equal(a.form, rows[i].a.form);
		assert_int_equal(a.verdict, rows[i].a.verdict);
		assert_int_equal(a.coding, rows[i].a.coding);
	}
	assert_true(is_json("application/json") && is_json("Application/JSON; charset=utf-8"));
	assert_false(is_json(NULL) || is_json("") || is_json("application/jsonx") || is_json("text/json"));
}

static void
file_make(char *path, const char *text)
{
	int	 fd = mkstemp(path);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
tokens(void **state)
{
	/* SHA-256 of "abc". */
	static const char	 good[] = "# ours\n\n"
	    "joe ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad read,invoke:scim,invoke:rest\n";
	static const char *const bad[] = {
		"joe\n", "joe ba78 read\n", "j/e ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad read\n",
		"joe ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad write\n",
		"joe ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad read more\n",
		"joe BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad read\n",
		"joe ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad read,,manage\n",
		"joe ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad invoke:\n",
		"joe cn: read\n", "joe dn:x read\n", "joe uri:\x01 read\n",
	};
	char			 path[] = "/tmp/test_serve.XXXXXX";
	struct error		 e = ERROR_NONE;
	struct tokenset		*ts;
	const struct token	*t;

	(void)state;
	file_make(path, good);
	assert_non_null(ts = tokenset_load(path, &e));
	unlink(path);
	assert_null(tokenset_find(ts, "abd"));
	assert_null(tokenset_find(ts, ""));
	assert_non_null(t = tokenset_find(ts, "abc"));
	assert_string_equal(t->name, "joe");
	assert_true(token_may(t, SCOPE_NONE, NULL) && token_may(t, SCOPE_ANY, NULL) && token_may(t, SCOPE_READ, NULL));
	assert_true(token_may(t, SCOPE_INVOKE, NULL) && token_may(t, SCOPE_INVOKE, "scim") && token_may(t, SCOPE_INVOKE, "rest"));
	assert_false(token_may(t, SCOPE_INVOKE, "sci") || token_may(t, SCOPE_MANAGE, NULL));
	tokenset_free(ts);
	for (size_t i = 0; i < N_ITEMS(bad); i++) {
		char	 file[] = "/tmp/test_serve.XXXXXX";

		file_make(file, bad[i]);
		assert_null(tokenset_load(file, &e));
		assert_int_equal(e.code, ERR_USAGE);
		assert_non_null(strstr(e.msg, ":1: "));
		unlink(file);
	}
}

static struct connector_ref
connector(const char *spec)
{
	struct connector_ref	 ref = { .name = "x" };
	struct error		 e = ERROR_NONE;

	assert_int_equal(spec_parse(spec, strlen(spec), &ref.spec, &e), 0);
	return ref;
}

#define SPEC	"{\"name\":\"X\",\"commands\":[\"std:account:list\",\"std:account:delete\"],\"egress\":[{\"host\":\"{{config.url}}\"}]}"

static void
bodies(void **state)
{
	static const struct {
		const char	*text, *named;		/* named: in the refusal; NULL: it is taken */
	} rows[] = {
		{ "{\"type\":\"std:account:list\"}", NULL },
		{ "{\"type\":\"std:account:list\",\"deadline\":1500,\"source\":\"hr-1\",\"limits\":{\"memory\":\"64m\",\"cpu\":5}}", NULL },
		{ "{\"type\":\"std:account:list\",\"deadline\":null,\"source\":null,\"limits\":null}", NULL },
		{ "{\"type\":\"std:account:list\",\"Deadline\":1}", "Deadline" },
		{ "{\"type\":\"std:account:list\",\"deadline\":0}", "deadline" },
		{ "{\"type\":\"std:account:list\",\"deadline\":-1}", "deadline" },
		{ "{\"type\":\"std:account:list\",\"deadline\":1.5}", "deadline" },
		{ "{\"type\":\"std:account:list\",\"deadline\":\"2h\"}", "deadline" },
		{ "{\"type\":\"std:account:list\",\"deadline\":\"1s\",\"limits\":{\"deadline\":\"1s\"}}", "twice" },
		{ "{\"type\":\"std:account:list\",\"limits\":{\"colour\":1}}", "colour" },
		{ "{\"type\":\"std:account:list\",\"limits\":{\"memory\":\"1g\"}}", "memory" },
		{ "{\"type\":\"std:account:list\",\"limits\":[]}", "limits" },
		{ "{\"type\":\"std:account:list\",\"source\":\"\"}", "source" },
		{ "{\"type\":\"std:account:list\",\"source\":\"a b\"}", "source" },
		{ "{\"type\":\"std:account:list\",\"source\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}", "source" },
		{ "{\"type\":\"std:account:list\",\"id\":\"a/b\"}", "id" },
		{ "{\"type\":\"std:account:read\"}", "input" },
		{ "{\"type\":\"std:account:lost\"}", "lost" },
		{ "{\"type\":\"std:account:list\",\"config\":[]}", "config" },
		{ "{}", "type" },
	};
	struct connector_ref	 ref = connector(SPEC);

	(void)state;
	server.set.limits = (struct inv_limits){ .deadline_ms = MINUTES(60), .memory_bytes = WORKER_MEMORY_BYTES,
	    .silence_ms = SILENCE_MS, .cpu_s = WORKER_CPU_S };
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct ask	 a = { 0 };
		struct error	 e = ERROR_NONE;
		int		 r = ask_read(rows[i].text, strlen(rows[i].text), &ref, &a, &e);

		assert_int_equal(r, rows[i].named == NULL ? 0 : -1);
		if (rows[i].named != NULL && strstr(e.msg, rows[i].named) == NULL)
			fail_msg("%s: %s", rows[i].text, e.msg);
		if (r == 0)
			ask_free(&a);
	}
	connector_free(&ref);
}

static struct ask
ask_of(const char *text)
{
	struct connector_ref	 ref = connector(SPEC);
	struct error		 e = ERROR_NONE;
	struct ask		 a = { 0 };

	assert_int_equal(ask_read(text, strlen(text), &ref, &a, &e), 0);
	ask_free(&a);
	connector_free(&ref);
	return a;
}

static void
settled(void **state)
{
	struct ask	 a = ask_of("{\"type\":\"std:account:list\"}"), b;

	(void)state;
	/* The operator's, where nothing was asked; a write's own where that is shorter. */
	assert_int_equal(a.limits.deadline_ms, MINUTES(60));
	assert_int_equal(a.limits.memory_bytes, WORKER_MEMORY_BYTES);
	b = ask_of("{\"type\":\"std:account:delete\",\"input\":{\"identity\":\"x\"}}");
	assert_int_equal(b.limits.deadline_ms, PROVISIONING_MS);
	b = ask_of("{\"type\":\"std:account:list\",\"limits\":{\"memory\":67108864,\"silence\":250}}");
	assert_int_equal(b.limits.memory_bytes, 64 * MIB);
	assert_int_equal(b.limits.silence_ms, 250);
	/* A source without a name is where it is at. */
	a = ask_of("{\"type\":\"std:account:list\",\"config\":{\"url\":\"https://a.example\",\"token\":\"1\"}}");
	b = ask_of("{\"type\":\"std:account:list\",\"config\":{\"url\":\"https://a.example/x\",\"token\":\"2\"}}");
	assert_string_equal(a.source, b.source);
	b = ask_of("{\"type\":\"std:account:list\",\"config\":{\"url\":\"https://b.example\"}}");
	assert_string_not_equal(a.source, b.source);
}

/* Each route is described, and nothing else is. */
static void
description(void **state)
{
	static const char	 verbs[][8] = { "get", "post", "put", "patch", "delete", "head", "options" };
	FILE			*f = fopen("launcher/serve/openapi.json", "re");
	static char		 text[256 * KIB];
	struct error		 e = ERROR_NONE;
	size_t			 n = 0, described = 0;
	const cJSON		*path, *op;
	cJSON			*doc;

	(void)state;
	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	assert_non_null(doc = json_parse(text, n, NULL, &e));
	for (size_t i = 0; route_at(i) != NULL; i++) {
		char	 verb[8] = "";

		for (size_t k = 0; route_at(i)->name[k] != '\0'; k++)
			verb[k] = (char)(route_at(i)->name[k] | 0x20);
		op = json_get(json_get(json_get(doc, "paths"), route_at(i)->path), verb);
		if (op == NULL)
			fail_msg("%s %s is not described", verb, route_at(i)->path);
		/* What needs no token says so. */
		assert_int_equal(json_get(op, "security") != NULL, route_at(i)->scope == SCOPE_NONE);
		described++;
	}
	cJSON_ArrayForEach(path, json_get(doc, "paths"))
		for (size_t i = 0; i < N_ITEMS(verbs); i++)
			described -= json_get(path, verbs[i]) != NULL;
	assert_int_equal(described, 0);
	cJSON_Delete(doc);
}

static void
peers(void **state)
{
	static const struct {
		const char	*text;
		bool		 good, group, all, read, invoke;
		unsigned int	 id;
	} cases[] = {
		{ "0", true, false, true, .id = 0 }, { "1000", true, false, true, .id = 1000 },
		{ "uid:1000=read", true, false, false, true, .id = 1000 },
		{ "gid:4294967294=invoke,read", true, true, false, true, true, 4294967294u },
		{ "gid:4294967295" }, { "99999999999999999999" }, { "" }, { "uid:" }, { "uid:uid:1" }, { "uid: 1" }, { "+1" },
		{ "1=" }, { "1=all" }, { "1 =read" }, { "1=read,,invoke" },
	};
	struct ucred	 who = { .uid = 7, .gid = 8 };
	struct peer	 rows[3];

	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		struct error	 e = ERROR_NONE;
		struct peer	 p;

		assert_int_equal(peer_read(cases[i].text, &p, &e), cases[i].good ? 0 : -1);
		assert_int_equal(e.code, cases[i].good ? ERR_NONE : ERR_USAGE);
		if (cases[i].good)
			assert_true(p.group == cases[i].group && p.all == cases[i].all && p.may.read == cases[i].read &&
			    p.may.invoke == cases[i].invoke && p.id == cases[i].id && !p.may.manage);
	}
	for (size_t i = 0; i < N_ITEMS(rows); i++)
		assert_int_equal(peer_read(((const char *[]){ "gid:7", "gid:8=read", "uid:7=invoke" })[i], &rows[i], &(struct error){ 0 }), 0);
	/* No socket: only what its credentials say. */
	assert_ptr_equal(peers_find(rows, 3, -1, &who), &rows[2]);
	assert_ptr_equal(peers_find(rows, 2, -1, &who), &rows[1]);
	assert_null(peers_find(rows, 1, -1, &who));
	assert_null(peers_find(rows, 0, -1, &who));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(turns),
		cmocka_unit_test(forms),
		cmocka_unit_test(tokens),
		cmocka_unit_test(peers),
		cmocka_unit_test(bodies),
		cmocka_unit_test(settled),
		cmocka_unit_test(description),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
