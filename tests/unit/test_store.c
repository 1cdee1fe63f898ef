/*
 * test_store.c -- what outlives the launcher: rows, results, keys; after kill -9, a full disk and time.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "launcher/store/store.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static char	 folder[] = "/tmp/bascule-store-XXXXXX";
static char	 path[64];

static void
begin(const char *id, const char *connector, const char *source)
{
	journal_begin(&(struct journal_row){ .id = id, .connector = connector, .command = "std:account:list",
	    .source = source, .accepted_ms = 1700000000000 });
}

static void
end(const char *id, const char *outcome)
{
	cJSON	*receipt = cJSON_CreateObject();

	(void)json_set_str(receipt, "outcome", outcome);
	(void)json_set(receipt, "records", json_int(9007199254740993));
	journal_end(id, receipt);
}

static void
opened(const struct store_plan *p)
{
	struct error	 e = ERROR_NONE;

	if (store_open(p, NULL, &e) == -1)
		fail_msg("%s", e.msg);
}

static void
synced(void)
{
	struct error	 e = ERROR_NONE;

	if (store_sync(&e) == -1)
		fail_msg("%s", e.msg);
}

static void
state_is(const char *id, const char *state, const char *outcome)
{
	autojson	*row = journal_get(id);

	if (row == NULL)
		fail_msg("%s is not there", id);
	assert_string_equal(json_str(row, "state", ""), state);
	assert_string_equal(json_str(json_get(row, "receipt"), "outcome", ""), outcome);
}

/* More at once than are held back, each asked for; and one that ends before its state was written. */
static void
states_are_seen(void **state)
{
	struct store_plan	 p = { 0 };
	char			 id[16];

	(void)state;
	opened(&p);
	for (int i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "s%d", i);
		begin(id, "scim", NULL);
		journal_state(id, "starting");
		if (i % 2 == 0)
			journal_state(id, "streaming");
		if (i % 5 == 0)
			end(id, "ok");
	}
	for (int i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "s%d", i);
		state_is(id, i % 5 == 0 ? "done" : i % 2 == 0 ? "streaming" : "starting", i % 5 == 0 ? "ok" : "");
	}
	store_close();
}

static void
life_of_a_row(void **state)
{
	struct store_plan	 p = { 0 };
	autojson		*row = NULL;
	char			*text;

	(void)state;
	opened(&p);
	begin("a", "scim", "hr");
	state_is("a", "queued", "");
	journal_state("a", "streaming");
	state_is("a", "streaming", "");
	end("a", "ok");
	state_is("a", "done", "ok");
	journal_state("a", "stopping");		/* too late */
	end("a", "failed");
	state_is("a", "done", "ok");
	begin("a", "scim", NULL);		/* a caller's id may come twice: the newest counts */
	state_is("a", "queued", "");
	assert_null(journal_get("b"));
	end("a", "ok");
	row = journal_get("a");
	text = json_text(row);
	assert_non_null(strstr(text, "9007199254740993"));
	free(text);
	store_close();
}

static size_t
count(const struct journal_filter *f, uint64_t *next)
{
	autojson	*page = journal_list(f);
	int64_t		 n = 0;

	*next = json_i64_of(json_get(page, "next"), &n) ? (uint64_t)n : 0;
	return (size_t)cJSON_GetArraySize(json_get(page, "invocations"));
}

static void
lists(void **state)
{
	static const struct { struct journal_filter f; size_t n; } cases[] = {
		{ { .limit = 1000 }, 250 },
		{ { 0 }, 100 },
		{ { .connector = "github", .limit = 1000 }, 125 },
		{ { .connector = "github", .outcome = "failed", .limit = 1000 }, 25 },
		{ { .source = "s3", .limit = 1000 }, 25 },
		{ { .state = "queued", .limit = 1000 }, 0 },
		{ { .state = "done", .source = "s3", .limit = 1000 }, 25 },
		{ { .command = "std:account:list", .connector = "scim", .limit = 1000 }, 125 },
		{ { .command = "std:account:read", .limit = 1000 }, 0 },
	};
	struct store_plan	 p = { .path = path };
	uint64_t		 next;
	size_t			 n = 0;

	(void)state;
	opened(&p);
	for (int i = 0; i < 250; i++) {
		char	 id[16], source[16];

		snprintf(id, sizeof(id), "i%d", i);
		snprintf(source, sizeof(source), "s%d", i % 10);
		begin(id, i % 2 ? "github" : "scim", source);
		end(id, i % 10 == 3 ? "failed" : "ok");
	}
	for (size_t i = 0; i < N_ITEMS(cases); i++)
		if (count(&cases[i].f, &next) != cases[i].n)
			fail_msg("case %zu: %zu rows", i, count(&cases[i].f, &next));
	/* Page by page they are all there once. */
	for (struct journal_filter f = { .limit = 60 }; n < 1000; f.before = next) {
		n += count(&f, &next);
		if (next == 0)
			break;
	}
	assert_int_equal(n, 250);
	store_close();
}

/* What store_sync() said was kept is there after kill -9, and what was under way is closed. */
static void
killed(void **state)
{
	struct store_plan	 p = { .path = path };
	int			 status, ready[2];
	pid_t			 pid;
	char			 c;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	if ((pid = fork()) == 0) {
		struct error	 e = ERROR_NONE;

		if (store_open(&p, NULL, &e) == -1)
			_exit(1);
		begin("k1", "scim", NULL);
		end("k1", "ok");
		begin("k2", "scim", NULL);
		journal_state("k2", "streaming");
		if (results_begin("k2", &e) == -1 || results_append("k2", 0, "abc\n", 4, &e) == -1 || store_sync(&e) == -1)
			_exit(1);
		begin("k3", "scim", NULL);	/* not synced */
		(void)!write(ready[1], "", 1);
		pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ready[0]);
	close(ready[1]);
	opened(&p);
	state_is("k1", "done", "ok");
	state_is("k2", "done", "failed");
	assert_null(journal_get("k3"));
	assert_int_equal(results_size("k2"), 4);
	store_close();
}

static void
results(void **state)
{
	struct store_plan	 p = { .path = path, .results_bytes_max = 2 * 256 + 100 };
	struct error		 e = ERROR_NONE;
	char			 got[64], big[990];

	(void)state;
	opened(&p);
	assert_int_equal(results_size("r"), -1);
	assert_int_equal(results_append("r", 0, "one\n", 4, &e), -1);
	assert_int_equal(results_begin("r", &e), 0);
	assert_int_equal(results_begin("r", &e), -1);
	assert_int_equal(e.code, ERR_REQUEST);
	assert_int_equal(results_size("r"), 0);
	assert_int_equal(results_append("r", 0, "one\n", 4, &e), 0);
	/* A hole is noticed. */
	assert_int_equal(results_append("r", 5, "three\n", 6, &e), -1);
	assert_int_equal(e.code, ERR_SYSTEM);
	assert_int_equal(results_append("r", 4, "three\n", 6, &e), 0);
	assert_int_equal(results_begin("s", &e), 0);
	assert_int_equal(results_append("s", 0, "x", 1, &e), 0);
	assert_int_equal(results_size("r"), 10);
	for (int64_t at = 0; at < 10; at++) {
		size_t	 n = results_read("r", at, got, sizeof(got));

		assert_int_equal(n, at < 4 ? 4 - at : 10 - at);
		assert_memory_equal(got, "one\nthree\n" + at, n);
	}
	assert_int_equal(results_read("r", 10, got, sizeof(got)), 0);
	assert_int_equal(results_read("r", -1, got, sizeof(got)), 0);
	assert_int_equal(results_read("nobody", 0, got, sizeof(got)), 0);
	assert_int_equal(results_read("r", 5, got, 2), 2);
	memset(big, 'b', sizeof(big));
	assert_int_equal(results_append("r", 10, big, sizeof(big), &e), -1);
	assert_int_equal(e.code, ERR_LIMIT);
	assert_int_equal(results_size("r"), 10);
	assert_int_equal(results_begin("t", &e), -1);
	assert_int_equal(e.code, ERR_LIMIT);
	store_close();
}

static void
keys(void **state)
{
	static const unsigned char	 one[32] = { 1 }, two[32] = { 2 };
	struct store_plan		 p = { .path = path };
	struct error			 e = ERROR_NONE;
	char				 first[129] = "";

	(void)state;
	opened(&p);
	assert_int_equal(key_claim("alice", "k", one, "inv-1", first, &e), KEY_NEW);
	assert_int_equal(key_claim("alice", "k", one, "inv-2", first, &e), KEY_SAME);
	assert_string_equal(first, "inv-1");
	assert_int_equal(key_claim("alice", "k", two, "inv-3", first, &e), KEY_OTHER);
	assert_int_equal(key_claim("bob", "k", two, "inv-4", first, &e), KEY_NEW);
	store_close();
	opened(&p);
	assert_int_equal(key_claim("bob", "k", two, "inv-5", first, &e), KEY_SAME);
	assert_string_equal(first, "inv-4");
	/* Released by its own invocation only. */
	key_release("bob", "k", "inv-5");
	assert_int_equal(key_claim("bob", "k", two, "inv-6", first, &e), KEY_SAME);
	key_release("bob", "k", "inv-4");
	assert_int_equal(key_claim("bob", "k", one, "inv-7", first, &e), KEY_NEW);
	/* Another secret: keys stay taken, and match nothing. */
	assert_int_equal(keys_forget_requests(&e), 0);
	assert_int_equal(key_claim("alice", "k", one, "inv-8", first, &e), KEY_OTHER);
	assert_string_equal(first, "inv-1");
	store_close();
}

static void
audit(void **state)
{
	struct store_plan	 p = { 0 };
	cJSON			*list;

	(void)state;
	opened(&p);
	audit_add("root", "token.add", "ci");
	audit_add("root", "reload", NULL);
	list = audit_list(10);
	assert_int_equal(cJSON_GetArraySize(list), 2);
	assert_string_equal(json_str(cJSON_GetArrayItem(list, 0), "what", ""), "reload");
	assert_string_equal(json_str(cJSON_GetArrayItem(list, 1), "detail", ""), "ci");
	cJSON_Delete(list);
	store_close();
}

static void
forgets(void **state)
{
	static const unsigned char	 digest[32] = { 1 };
	struct store_plan		 p = { .path = path, .invocations_max = 700, .age_ms_max = INT64_C(1) << 60 };
	struct error			 e = ERROR_NONE;
	char				 first[129];
	uint64_t			 next;

	(void)state;
	opened(&p);
	begin("alive", "scim", NULL);
	for (int i = 0; i < 1500; i++) {
		begin("f", "scim", "forget");
		end("f", "ok");
	}
	assert_int_equal(results_begin("f", &e), 0);
	assert_int_equal(results_append("f", 0, "abc", 3, &e), 0);
	assert_int_equal(key_claim("c", "forget", digest, "f", first, &e), KEY_NEW);
	while (store_forget(1700000000000))
		;
	assert_int_equal(count(&(struct journal_filter){ .source = "forget", .limit = 1000 }, &next), 700);
	state_is("alive", "queued", "");	/* what lives is not forgotten */
	assert_int_equal(results_size("f"), 3);
	/* Two days on. */
	while (store_forget(INT64_C(4000000000000)))
		;
	assert_int_equal(results_size("f"), -1);
	assert_int_equal(key_claim("c", "forget", digest, "g", first, &e), KEY_NEW);
	store_close();
}

/* A disk that takes no more: said, survived, and over when there is room again. */
static void
no_room(void **state)
{
	struct store_plan	 p = { .path = path };
	struct error		 e = ERROR_NONE;
	struct rlimit		 before, small;
	char			*big = calloc(1, 200000);
	int			 r = 0;

	(void)state;
	opened(&p);
	synced();
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 400000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(results_begin("n", &e), 0);
	for (int i = 0; i < 20 && r == 0; i++)
		r = results_append("n", 200000 * i, big, 200000, &e) == -1 ? -1 : store_sync(&e);
	assert_int_equal(r, -1);
	assert_int_equal(store_ok(&e), -1);
	assert_non_null(strstr(e.msg, "journal"));
	/* A write that finds nothing to change takes no room, and proves none. */
	journal_state("nobody", "streaming");
	(void)store_sync(&e);
	assert_int_equal(store_ok(&e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	begin("after", "scim", NULL);
	synced();
	assert_int_equal(store_ok(&e), 0);
	/* One that began while nothing could be written down. */
	end("late", "ok");
	end("late", "failed");
	synced();
	state_is("late", "done", "ok");
	store_close();
	opened(&p);
	state_is("after", "done", "failed");
	store_close();
	free(big);
}

static void
refuses(void **state)
{
	static const struct { const char *name, *bytes; } cases[] = {
		{ "not a database", "This is a text of some length that is no SQLite file at all, not even nearly one." },
		{ "no folder", NULL },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		struct error		 e = ERROR_NONE;
		char			 bad[96];
		struct store_plan	 p = { .path = bad };

		snprintf(bad, sizeof(bad), cases[i].bytes == NULL ? "%s/none/x.db" : "%s/bad.db", folder);
		if (cases[i].bytes != NULL) {
			FILE	*f = fopen(bad, "w");

			fputs(cases[i].bytes, f);
			fclose(f);
		}
		if (store_open(&p, NULL, &e) == 0)
			fail_msg("%s was opened", cases[i].name);
		assert_int_equal(e.code, ERR_SYSTEM);
	}
}

/* systemd's folder of state of a service that is a user of its own is a link; the file itself may be none. */
static void
linked(void **state)
{
	char			 link[128], file[160];
	struct error		 e = ERROR_NONE;
	struct store_plan	 p = { .path = file };

	(void)state;
	snprintf(link, sizeof(link), "%s/link", folder);
	snprintf(file, sizeof(file), "%s/journal.db", link);
	assert_int_equal(symlink(".", link), 0);
	opened(&p);
	begin("a", "scim", "hr");
	end("a", "ok");
	store_close();
	p.path = path;
	opened(&p);
	state_is("a", "done", "ok");
	store_close();

	snprintf(file, sizeof(file), "%s/other.db", folder);
	assert_int_equal(symlink("journal.db", file), 0);
	p.path = file;
	assert_int_equal(store_open(&p, NULL, &e), -1);
	assert_int_equal(e.code, ERR_SYSTEM);
}

static int
fresh(void **state)
{
	char	 command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -f %s/*", folder);
	return system(command);
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/journal.db", folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)fresh(state);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(life_of_a_row, fresh),
		cmocka_unit_test_setup(states_are_seen, fresh),
		cmocka_unit_test_setup(lists, fresh),
		cmocka_unit_test_setup(killed, fresh),
		cmocka_unit_test_setup(results, fresh),
		cmocka_unit_test_setup(keys, fresh),
		cmocka_unit_test_setup(audit, fresh),
		cmocka_unit_test_setup(forgets, fresh),
		cmocka_unit_test_setup(no_room, fresh),
		cmocka_unit_test_setup(refuses, fresh),
		cmocka_unit_test_setup(linked, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
