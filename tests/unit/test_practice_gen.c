/*
 * test_practice_gen.c -- people out of a seed: the same each time, found by id and by name, valid JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "launcher/practice/people.h"
#include "launcher/practice/render.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define BASE	"http://127.0.0.1:8080/scim/v2"
#define USERS	3000
#define GROUPS	21

static void
make(struct gen *g, uint64_t seed)
{
	assert_int_equal(gen_init(g, seed, USERS, GROUPS, BASE), 0);
}

/* Pinned: who changes what a seed gives breaks what was written down elsewhere. */
static void
test_pinned(void **state)
{
	static const char	wanted[] =
	    "{\"schemas\":[\"" SCIM_USER "\",\"" SCIM_ENTERPRISE "\"],\"id\":\"";
	struct gen		g;
	char			one[GEN_USER_BYTES_MAX], two[GEN_USER_BYTES_MAX];
	char			name[GEN_TEXT_BYTES_MAX];
	size_t			n;

	(void)state;
	make(&g, 1);
	n = (size_t)(gen_render_user(&g, 19, one) - one);
	assert_memory_equal(one, wanted, sizeof(wanted) - 1);
	gen_text(&g, 19, GEN_USER_NAME, name);
	assert_string_equal(name, "joao.hart19@practice.example");
	make(&g, 1);
	assert_int_equal(n, gen_render_user(&g, 19, two) - two);
	assert_memory_equal(one, two, n);
	make(&g, 2);
	gen_render_user(&g, 19, two);
	assert_memory_not_equal(one, two, n);
}

static void
test_valid(void **state)
{
	struct gen g;

	(void)state;
	make(&g, 42);
	for (uint64_t i = 0; i < USERS; i++) {
		struct error	 e = ERROR_NONE;
		char		 text[GEN_USER_BYTES_MAX], id[GEN_ID_BYTES + 1], field[GEN_TEXT_BYTES_MAX];
		size_t		 n = (size_t)(gen_render_user(&g, i, text) - text);
		autojson	*tree = json_parse(text, n, NULL, &e);
		autofree char	*again = tree != NULL ? json_text(tree) : NULL;

		if (tree == NULL || strlen(again) != n || memcmp(again, text, n) != 0)
			fail_msg("user %llu: %s", (unsigned long long)i, e.msg);
		gen_id(&g, KIND_USER, i, id);
		assert_string_equal(json_str(tree, "id", ""), id);
		assert_int_equal(gen_index(&g, KIND_USER, id), i);
		assert_int_equal(gen_index(&g, KIND_GROUP, id), -1);
		gen_text(&g, i, GEN_LAST_MODIFIED, field);
		assert_string_equal(json_str(json_get(tree, "meta"), "lastModified", ""), field);
		assert_int_equal(gen_index_by_name(&g, KIND_USER, json_str(tree, "userName", "")), i);
		assert_int_equal(json_bool(tree, "active", false), gen_active(i));
	}
}

static void
test_long_base(void **state)
{
	struct gen	 g;
	char		 base[GEN_BASE_BYTES_MAX + 2], text[GEN_USER_BYTES_MAX];

	(void)state;
	memset(base, 'b', sizeof(base));
	base[GEN_BASE_BYTES_MAX + 1] = '\0';
	assert_int_equal(gen_init(&g, 1, GEN_USERS_MAX, GEN_GROUPS_MAX, base), -1);
	base[GEN_BASE_BYTES_MAX] = '\0';
	assert_int_equal(gen_init(&g, 1, GEN_USERS_MAX, GEN_GROUPS_MAX, base), 0);
	/* Half of what there is room for: names differ by some bytes only. */
	for (uint64_t i = 1; i < 1000; i++)
		assert_true(gen_render_user(&g, GEN_USERS_MAX - i, text) - text < GEN_USER_BYTES_MAX / 2 + 512);
}

static void
test_memberships(void **state)
{
	static const uint32_t counts[] = { 1, 2, 6, 7, 14, 20, 21, 49 };

	(void)state;
	for (size_t c = 0; c < N_ITEMS(counts); c++) {
		struct gen	 g;
		struct people	*p;
		uint64_t	 by_user = 0, by_group = 0;
		uint32_t	 own[GEN_OWN_GROUPS_MAX];

		assert_int_equal(gen_init(&g, 1, USERS, counts[c], BASE), 0);
		assert_non_null(p = people_new(&g));
		for (uint64_t u = 0; u < USERS; u++)
			by_user += gen_user_groups(&g, u, own);
		for (uint64_t group = 0; group < counts[c]; group++) {
			struct member_walk	 w;
			int64_t			 u;

			people_walk(p, group, &w);
			for (; (u = people_walk_next(p, &w)) != -1; by_group++)
				assert_true(people_is_member(p, (uint64_t)u, group));
		}
		assert_int_equal(by_user, by_group);
		people_free(p);
	}
}

static void
put_user(struct people *p, uint64_t index, const char *name)
{
	struct error	 e = ERROR_NONE;
	cJSON		*tree = cJSON_CreateObject();

	json_set_str(tree, "userName", name);
	assert_int_equal(people_put(p, KIND_USER, index, tree, &e), 0);
}

static void
test_places(void **state)
{
	struct gen	 g;
	struct people	*p;
	struct error	 e = ERROR_NONE;
	int64_t		 made;
	char		 born[GEN_TEXT_BYTES_MAX];

	(void)state;
	assert_int_equal(gen_init(&g, 1, 10, 3, BASE), 0);
	assert_non_null(p = people_new(&g));
	assert_int_equal(people_delete(p, KIND_USER, 4, &e), 0);
	assert_int_equal(people_delete(p, KIND_USER, 0, &e), 0);
	assert_int_equal(people_delete(p, KIND_USER, 5, &e), 0);
	assert_int_equal(made = people_new_index(p, KIND_USER, &e), 10);
	assert_int_equal(people_count(p, KIND_USER), 7);
	assert_false(people_exists(p, KIND_USER, 10));
	put_user(p, 10, "fresh");
	assert_int_equal(people_count(p, KIND_USER), 8);
	for (uint64_t place = 0; place < 8; place++) {
		static const int64_t wanted[] = { 1, 2, 3, 6, 7, 8, 9, 10 };

		assert_int_equal(people_nth(p, KIND_USER, place), wanted[place]);
	}
	assert_int_equal(people_nth(p, KIND_USER, 8), -1);
	assert_int_equal(people_by_name(p, KIND_USER, "FRESH"), made);
	gen_text(&g, 4, GEN_USER_NAME, born);
	assert_int_equal(people_by_name(p, KIND_USER, born), -1);
	gen_text(&g, 7, GEN_USER_NAME, born);
	assert_int_equal(people_by_name(p, KIND_USER, born), 7);
	put_user(p, 7, "other");
	assert_int_equal(people_by_name(p, KIND_USER, born), -1);
	assert_int_equal(people_by_name(p, KIND_USER, "other"), 7);
	people_free(p);
}

static void
test_differences(void **state)
{
	struct gen		 g;
	struct people		*p;
	struct error		 e = ERROR_NONE;
	struct member_walk	 w;
	uint32_t		 groups[USER_GROUPS_MAX];

	(void)state;
	assert_int_equal(gen_init(&g, 1, 100, 10, BASE), 0);
	assert_non_null(p = people_new(&g));
	assert_int_equal(people_groups_of(p, 3, groups), 2);	/* 3 and 1 */
	assert_int_equal(people_set_member(p, 3, 1, false, &e), 0);
	assert_int_equal(people_set_member(p, 3, 5, true, &e), 0);
	assert_false(people_user_as_born(p, 3));
	assert_true(people_user_as_born(p, 4));
	assert_int_equal(people_groups_of(p, 3, groups), 2);
	assert_int_equal(groups[0], 3);
	assert_int_equal(groups[1], 5);
	assert_int_equal(people_clear_members(p, 5, &e), 0);
	people_walk(p, 5, &w);
	assert_int_equal(people_walk_next(p, &w), -1);
	assert_int_equal(people_set_member(p, 3, 5, true, &e), 0);
	people_walk(p, 5, &w);
	assert_int_equal(people_walk_next(p, &w), 3);
	assert_int_equal(people_walk_next(p, &w), -1);
	assert_int_equal(people_delete(p, KIND_GROUP, 3, &e), 0);
	assert_int_equal(people_groups_of(p, 3, groups), 1);
	assert_int_equal(people_delete(p, KIND_USER, 3, &e), 0);
	people_walk(p, 5, &w);
	assert_int_equal(people_walk_next(p, &w), -1);
	people_free(p);
}

static void
test_times(void **state)
{
	static const struct {
		const char	*text;
		int64_t		 ms;
		bool		 printed;	/* so, too */
	} times[] = {
		{ "1970-01-01T00:00:00Z", 0, true },
		{ "2000-02-29T23:59:59Z", 951868799000, true },
		{ "2024-12-31T00:00:00.007Z", 1735603200007, true },
		{ "2100-03-01T00:00:00Z", 4107542400000, true },
		{ "2021-05-01T12:00:00+02:00", 1619863200000, false },
		{ "2021-05-01T10:00:00.5Z", 1619863200500, false },
		{ "2021-05-01T10:00:00.123456Z", 1619863200123, false },
		{ "2021-05-01", -1, false },
		{ "2021-05-01T10:00:00Zx", -1, false },
		{ "tomorrow", -1, false },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(times); i++) {
		int64_t	 ms = -1;
		char	 text[32];

		assert_int_equal(gen_time_parse(times[i].text, &ms), times[i].ms == -1 ? -1 : 0);
		assert_int_equal(ms, times[i].ms);
		if (times[i].printed) {
			gen_time_print(ms, text);
			assert_string_equal(text, times[i].text);
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_long_base),
		cmocka_unit_test(test_memberships),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
