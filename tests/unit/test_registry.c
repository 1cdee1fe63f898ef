/*
 * test_registry.c -- the registry keeps its word: at every step of every change the process is killed, and what is found
 * after is what was before or what was to be, whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "launcher/registry/registry.h"
#include "worker/contract/util.h"

#define STEPS_MAX	16

static char	 dir[64];

static void
fresh(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_registry.XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static void
gone(void)
{
	char	 command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static void
reopen(void)
{
	struct error	 e = ERROR_NONE;

	registry_close();
	if (registry_open(dir, &e) == -1)
		fail_msg("%s", e.msg);
}

static size_t
count(const char *folder)
{
	char	 command[160], text[16] = "";
	FILE	*p;

	snprintf(command, sizeof(command), "ls -A %s/%s | wc -l", dir, folder);
	assert_non_null(p = popen(command, "r"));
	assert_non_null(fgets(text, sizeof(text), p));
	pclose(p);
	return (size_t)atoi(text);
}

static void
file_put(const char *path, const char *text)
{
	FILE	*f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* What publish() puts on disk. */
static const uint64_t	 stored = 2 * 1 + 4 * REG_FILE_BYTES;

/* One more version of this connector, made of this text. */
static int
publish(const char *ref, char digit, uint32_t *number, struct error *e)
{
	struct reg_version	 v = { .kind = REG_NATIVE, .program = "p", .by = "me", .bytes = 1 };
	char			 staged[REG_PATH_BYTES], path[REG_PATH_BYTES + 32];

	memset(v.sha256, digit, 64);
	if (registry_stage(staged, e) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/files/p", staged);
	file_put(path, (char[]){ digit, '\0' });
	snprintf(path, sizeof(path), "%s/source.zip", staged);
	file_put(path, "z");
	return registry_publish(ref, staged, &v, stored, number, e);
}

static void
life(void **state)
{
	const struct reg_connector	*c = NULL;
	struct error			 e = ERROR_NONE;
	char				 id[REG_ID_BYTES + 1], path[REG_PATH_BYTES], other[REG_PATH_BYTES];
	uint32_t			 n = 0;

	(void)state;
	fresh();
	reopen();
	assert_int_equal(registry_create("hr", &c, &e), 0);
	snprintf(id, sizeof(id), "%s", c->id);
	assert_int_equal(registry_create("hr", &c, &e), -1);
	assert_int_equal(e.code, ERR_REQUEST);
	assert_int_equal(registry_create("aa", &c, &e), 0);
	assert_string_equal(registry_at(0)->alias, "aa");
	assert_string_equal(registry_at(1)->alias, "hr");
	assert_int_equal(publish("hr", '1', &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(publish(id, '2', &n, &e), 0);
	assert_int_equal(n, 2);
	/* The same bytes are kept once. */
	assert_int_equal(publish("aa", '1', &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(count("objects"), 2);
	assert_int_equal(registry_tag("hr", "gold", 1, &e), 0);
	assert_int_equal(registry_tag("hr", "gold", 3, &e), -1);
	assert_int_equal(registry_tag("hr", "12", 1, &e), -1);
	assert_int_equal(registry_tag("hr", "a b", 1, &e), -1);
	assert_int_equal(registry_rename("hr", "aa", &e), -1);
	assert_int_equal(registry_rename("hr", "people", &e), 0);

	reopen();
	assert_null(registry_find("hr"));
	assert_non_null(c = registry_find(id));
	assert_ptr_equal(c, registry_find("people"));
	assert_int_equal(reg_tag(c, "gold")->version, 1);
	assert_int_equal(reg_tag(c, REG_LATEST)->version, 2);
	assert_null(reg_tag(c, "silver"));
	assert_null(reg_version(c, 0));
	assert_null(reg_version(c, 3));
	reg_folder(reg_version(c, 1), path);
	reg_folder(reg_version(registry_find("aa"), 1), other);
	assert_string_equal(path, other);
	/* What it had goes with the next start, what another has stays. */
	assert_int_equal(registry_delete("people", &e), 0);
	assert_int_equal(registry_delete("people", &e), -1);
	assert_int_equal(count("objects"), 2);
	reopen();
	assert_int_equal(count("objects"), 1);
	assert_int_equal(access(path, F_OK), 0);
	registry_close();
	gone();
}

static void
customizers(void **state)
{
	const struct reg_connector	*c = NULL, *other = NULL;
	const struct reg_instance	*i = NULL;
	struct reg_instance		 draft = { .name = "b" };
	struct error			 e = ERROR_NONE;
	char				 id[REG_ID_BYTES + 1], first[REG_ID_BYTES + 1];
	uint32_t			 n = 0;

	(void)state;
	fresh();
	reopen();
	assert_int_equal(registry_create("hr", &c, &e), 0);
	snprintf(draft.connector, sizeof(draft.connector), "%s", c->id);
	assert_int_equal(registry_customizer_create("", &c, &e), -1);
	assert_int_equal(registry_customizer_create("a\nb", &c, &e), -1);
	assert_int_equal(e.code, ERR_REQUEST);
	assert_int_equal(registry_customizer_create("My own", &c, &e), 0);
	snprintf(id, sizeof(id), "%s", c->id);
	/* Names are for people: two may have the same. */
	assert_int_equal(registry_customizer_create("My own", &other, &e), 0);
	assert_int_equal(count("customizers"), 2);
	assert_int_equal(count("connectors"), 1);
	assert_int_equal(publish(id, '7', &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(registry_customizer_rename(id, "A", &e), 0);
	/* One is not the other. */
	assert_null(registry_find(id));
	assert_null(registry_find(""));
	assert_null(registry_customizer(""));
	assert_null(registry_customizer("A"));
	assert_null(registry_customizer("hr"));

	draft.config = cJSON_Parse("{\"url\":\"http://x\"}");
	assert_int_equal(registry_instance_put(&draft, &i, &e), 0);
	snprintf(first, sizeof(first), "%s", i->id);
	assert_ptr_not_equal(i->config, draft.config);
	draft.name[0] = 'a';
	snprintf(draft.customizer, sizeof(draft.customizer), "%s", id);
	assert_int_equal(registry_instance_put(&draft, &i, &e), 0);
	assert_int_equal(registry_instances_of(draft.connector), 2);
	assert_int_equal(registry_instances_of(id), 1);
	/* Changed as a whole. */
	cJSON_Delete(draft.config);
	draft = *registry_instance(first);
	draft.config = NULL;
	snprintf(draft.name, sizeof(draft.name), "c");
	assert_int_equal(registry_instance_put(&draft, &i, &e), 0);
	snprintf(draft.id, sizeof(draft.id), "x");
	assert_int_equal(registry_instance_put(&draft, &i, &e), -1);
	assert_int_equal(e.code, ERR_NO_CONNECTOR);

	reopen();
	assert_int_equal(count("objects"), 1);
	assert_string_equal(registry_customizer_at(0)->id, id);
	assert_string_equal(registry_customizer_at(0)->name, "A");
	assert_string_equal(registry_customizer_at(1)->name, "My own");
	assert_null(registry_customizer_at(2));
	assert_int_equal(reg_version(registry_customizer(id), 1)->sha256[0], '7');
	assert_string_equal(registry_instance_at(0)->name, "a");
	assert_string_equal(registry_instance_at(0)->customizer, id);
	assert_string_equal(cJSON_GetObjectItem(registry_instance_at(0)->config, "url")->valuestring, "http://x");
	assert_string_equal(registry_instance_at(1)->name, "c");
	assert_null(registry_instance_at(1)->config);
	assert_null(registry_instance_at(2));
	assert_int_equal(registry_instance_delete(first, &e), 0);
	assert_int_equal(registry_instance_delete(first, &e), -1);
	assert_int_equal(registry_delete(id, &e), 0);
	reopen();
	assert_int_equal(count("objects"), 0);
	assert_int_equal(count("customizers"), 1);
	assert_int_equal(count("instances"), 1);
	registry_close();
	gone();
}

/* --- killed at each step */
static unsigned int	 left;

static void
die(const char *step)
{
	(void)step;
	if (--left == 0)
		raise(SIGKILL);
}

static int	do_create(struct error *e) { const struct reg_connector *c; return registry_create("new", &c, e); }
static int	do_publish(struct error *e) { uint32_t n; return publish("hr", '3', &n, e); }
static int	do_tag(struct error *e) { return registry_tag("hr", "gold", 2, e); }
static int	do_rename(struct error *e) { return registry_rename("hr", "people", e); }
static int	do_delete(struct error *e) { return registry_delete("hr", e); }
static int	do_customizer(struct error *e) { const struct reg_connector *c; return registry_customizer_create("new", &c, e); }
static int	do_change(struct error *e) { uint32_t n; return publish(registry_customizer_at(0)->id, '4', &n, e); }
static int	do_forget(struct error *e) { return registry_delete(registry_customizer_at(0)->id, e); }

static int
do_link(struct error *e)
{
	struct reg_instance		 draft = *registry_instance_at(0);
	const struct reg_instance	*i;

	snprintf(draft.customizer, sizeof(draft.customizer), "%s", registry_customizer_at(0)->id);
	return registry_instance_put(&draft, &i, e);
}

static int
do_instance(struct error *e)
{
	struct reg_instance		 draft = { .name = "new" };
	const struct reg_instance	*i;

	snprintf(draft.connector, sizeof(draft.connector), "%s", registry_at(0)->id);
	return registry_instance_put(&draft, &i, e);
}

static int	do_end(struct error *e) { return registry_instance_delete(registry_instance_at(0)->id, e); }

/* What is seen of it all, as one text. */
static void
look(char *text, size_t n)
{
	text[0] = '\0';
	for (size_t i = 0; registry_at(i) != NULL; i++) {
		const struct reg_connector	*c = registry_at(i);

		snprintf(text + strlen(text), n - strlen(text), "%s:", c->alias);
		for (size_t k = 0; k < c->nversions; k++) {
			char	 path[REG_PATH_BYTES], file[REG_PATH_BYTES + 4];

			reg_folder(&c->versions[k], path);
			snprintf(file, sizeof(file), "%s/p", path);
			assert_int_equal(access(file, F_OK), 0);
			snprintf(text + strlen(text), n - strlen(text), "%c", c->versions[k].sha256[0]);
		}
		for (size_t k = 0; k < c->ntags; k++)
			snprintf(text + strlen(text), n - strlen(text), ",%s=%u", c->tags[k].name, c->tags[k].version);
		snprintf(text + strlen(text), n - strlen(text), ";");
	}
	for (size_t i = 0; registry_customizer_at(i) != NULL; i++)
		snprintf(text + strlen(text), n - strlen(text), " %s:%zu", registry_customizer_at(i)->name,
		    registry_customizer_at(i)->nversions);
	for (size_t i = 0; registry_instance_at(i) != NULL; i++)
		snprintf(text + strlen(text), n - strlen(text), " %s%s", registry_instance_at(i)->name,
		    registry_instance_at(i)->customizer[0] != '\0' ? "+" : "-");
}

static void
kill_at(int (*change)(struct error *), const char *before, const char *after, unsigned int steps_least)
{
	char		 seen[256];
	unsigned int	 step;
	bool		 was = false;

	for (step = 1; step < STEPS_MAX; step++) {
		struct error			 e = ERROR_NONE;
		const struct reg_connector	*c;
		uint32_t			 n;
		int				 status;
		pid_t				 pid;

		fresh();
		reopen();
		assert_int_equal(registry_create("hr", &c, &e), 0);
		assert_int_equal(publish("hr", '1', &n, &e), 0);
		assert_int_equal(publish("hr", '2', &n, &e), 0);
		assert_int_equal(registry_tag("hr", "gold", 1, &e), 0);
		assert_int_equal(registry_customizer_create("own", &c, &e), 0);
		assert_int_equal(do_instance(&e), 0);
		registry_close();
		if ((pid = fork()) == 0) {
			if (registry_open(dir, &e) == -1)
				_exit(2);
			left = step;
			registry_step = die;
			_exit(change(&e) == 0 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		reopen();
		look(seen, sizeof(seen));
		/* Once the new is there, it is there at all later steps. */
		if (strcmp(seen, after) == 0)
			was = true;
		else if (was || strcmp(seen, before) != 0)
			fail_msg("killed at step %u: %s", step, seen);
		assert_int_equal(count("staged"), 0);
		assert_int_equal(count("connectors"), strchr(seen, ';') == NULL ? 0 : strchr(seen, ';') == strrchr(seen, ';') ? 1 : 2);
		registry_close();
		gone();
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			assert_true(was);
			break;
		}
	}
	assert_in_range(step, steps_least, STEPS_MAX - 1);
}

#define CONNECTOR	"hr:12,latest=2,gold=1;"
#define BESIDE	" own:0 new-"
#define BEFORE	CONNECTOR BESIDE

static void
killed(void **state)
{
	(void)state;
	kill_at(do_create, BEFORE, CONNECTOR "new:;" BESIDE, 4);
	kill_at(do_publish, BEFORE, "hr:123,latest=3,gold=1;" BESIDE, 6);
	kill_at(do_tag, BEFORE, "hr:12,latest=2,gold=2;" BESIDE, 4);
	kill_at(do_rename, BEFORE, "people:12,latest=2,gold=1;" BESIDE, 4);
	kill_at(do_delete, BEFORE, BESIDE, 2);
	kill_at(do_customizer, BEFORE, CONNECTOR " new:0 own:0 new-", 4);
	kill_at(do_change, BEFORE, CONNECTOR " own:1 new-", 6);
	kill_at(do_forget, BEFORE, CONNECTOR " new-", 2);
	kill_at(do_link, BEFORE, CONNECTOR " own:0 new+", 4);
	kill_at(do_instance, BEFORE, BEFORE " new-", 4);
	kill_at(do_end, BEFORE, CONNECTOR " own:0", 2);
}

/* A file that is no good is named, and nothing is guessed. */
static void
damaged(void **state)
{
#define ID	"00000000-0000-4000-8000-000000000000"
#define HEAD	"{\"id\":\"" ID "\",\"alias\":\"a\",\"created\":1,"
#define ONE	"{\"version\":1,\"sha256\":\"" D64 "\",\"kind\":\"native\",\"program\":\"p\",\"bytes\":1,\"created\":1,\"by\":\"\"}"
#define D64	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	static const char *const	 bad[] = {
		"", "{", "[]", "{}", HEAD "\"versions\":[]}", HEAD "\"versions\":{},\"tags\":{}}",
		HEAD "\"versions\":[],\"tags\":{\"latest\":1}}", HEAD "\"versions\":[" ONE "," ONE "],\"tags\":{}}",
		"{\"id\":\"" ID "\",\"alias\":\"../a\",\"versions\":[],\"tags\":{}}",
		"{\"id\":\"10000000-0000-4000-8000-000000000000\",\"alias\":\"a\",\"versions\":[],\"tags\":{}}",
		HEAD "\"versions\":[{\"version\":1,\"sha256\":\"../../etc\",\"kind\":\"native\",\"program\":\"p\",\"by\":\"\"}],\"tags\":{}}",
		HEAD "\"versions\":[{\"version\":1,\"sha256\":\"" D64 "\",\"kind\":\"native\",\"program\":\"../p\",\"by\":\"\"}],\"tags\":{}}",
	};
	static const struct { const char *folder, *text; } others[] = {
		{ "customizers", HEAD "\"versions\":[],\"tags\":{}}" },
		{ "customizers", "{\"id\":\"" ID "\",\"name\":\"a\\n\",\"versions\":[],\"tags\":{}}" },
		{ "instances", "{\"id\":\"" ID "\",\"name\":\"a\"}" },
		{ "instances", "{\"id\":\"" ID "\",\"name\":\"a\",\"connector\":\"x\"}" },
		{ "instances", "{\"id\":\"" ID "\",\"name\":\"a\",\"connector\":\"" ID "\",\"customizer\":7}" },
		{ "instances", "{\"id\":\"" ID "\",\"name\":\"a\",\"connector\":\"" ID "\",\"config\":[]}" },
		{ "instances", "{\"id\":\"10000000-0000-4000-8000-000000000000\",\"name\":\"a\",\"connector\":\"" ID "\"}" },
	};
	char				 path[256];
	struct error			 e = ERROR_NONE;

	(void)state;
	fresh();
	reopen();
	registry_close();
	snprintf(path, sizeof(path), "%s/connectors/" ID ".json", dir);
	for (size_t i = 0; i < N_ITEMS(bad); i++) {
		file_put(path, bad[i]);
		if (registry_open(dir, &e) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(e.msg, ID));
		assert_false(registry_is_open());
	}
	file_put(path, HEAD "\"versions\":[" ONE "],\"tags\":{\"latest\":1}}");
	reopen();
	assert_int_equal(reg_tag(registry_find("a"), "latest")->version, 1);
	registry_close();
	for (size_t i = 0; i < N_ITEMS(others); i++) {
		snprintf(path, sizeof(path), "%s/%s/" ID ".json", dir, others[i].folder);
		file_put(path, others[i].text);
		if (registry_open(dir, &e) == 0)
			fail_msg("taken: %s", others[i].text);
		assert_non_null(strstr(e.msg, ID));
		assert_int_equal(unlink(path), 0);
	}
	/* Whose it is. */
	assert_int_equal(chmod(dir, 0770), 0);
	assert_int_equal(registry_open(dir, &e), -1);
	gone();
}

static void
words(void **state)
{
	(void)state;
	assert_true(reg_alias_ok("a") && reg_alias_ok("HR.people_2-x"));
	assert_false(reg_alias_ok("") || reg_alias_ok("-a") || reg_alias_ok(".a") || reg_alias_ok("a/b") || reg_alias_ok("a@1") ||
	    reg_alias_ok("a b") || reg_alias_ok(ID) || reg_alias_ok("0123456789012345678901234567890123456789012345678"));
}

/* Bytes on disk have a bound; what finds no room leaves nothing, and what is there already takes none. */
static void
bound(void **state)
{
	const struct reg_connector	*c = NULL;
	struct error			 e = ERROR_NONE;
	char				 id[REG_ID_BYTES + 1], other[REG_ID_BYTES + 1];
	uint32_t			 n = 0;

	(void)state;
	registry_close();
	gone();
	registry_bound(2 * stored);
	reopen();
	assert_int_equal(registry_stored(), 0);
	assert_int_equal(registry_create("hr", &c, &e), 0);
	snprintf(id, sizeof(id), "%s", c->id);
	assert_int_equal(publish(id, 'a', &n, &e), 0);
	assert_int_equal(publish(id, 'b', &n, &e), 0);
	assert_int_equal(registry_stored(), 2 * stored);
	assert_int_equal(registry_room(0, &e), 0);
	assert_int_equal(publish(id, 'c', &n, &e), -1);
	assert_int_equal(e.code, ERR_LIMIT);
	assert_non_null(strstr(e.msg, "--registry-budget"));
	assert_int_equal(count("objects"), 2);
	assert_int_equal(registry_find(id)->nversions, 2);
	e = ERROR_NONE;
	assert_int_equal(publish(id, 'a', &n, &e), 0);
	assert_int_equal(n, 3);
	/* Taken away it is on disk until the next start; a bound that is too small keeps nothing from starting. */
	assert_int_equal(registry_create("other", &c, &e), 0);
	snprintf(other, sizeof(other), "%s", c->id);
	assert_int_equal(registry_delete(id, &e), 0);
	assert_int_equal(publish(other, 'c', &n, &e), -1);
	reopen();
	assert_int_equal(registry_stored(), 0);
	e = ERROR_NONE;
	assert_int_equal(publish(other, 'c', &n, &e), 0);
	registry_bound(1);
	reopen();
	assert_int_equal(registry_stored(), stored);
	assert_int_equal(registry_room(0, &e), -1);
	registry_bound(0);
	assert_int_equal(registry_room(1 << 30, &e), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(life),
		cmocka_unit_test(customizers),
		cmocka_unit_test(killed),
		cmocka_unit_test(damaged),
		cmocka_unit_test(bound),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
