/*
 * test_filters_used.c -- nothing is allowed that nothing needs: every rule was used in a run of the
 * integration tests (used-PROFILE.txt), or is excused with a reason (excused-PROFILE.txt).
 *
 * With "--collect PROFILE" it reads calls that were seen, "STAGE NAME ARGUMENT..." a line, numbers in
 * hexadecimal, and writes the list (tests/filters-used.sh: make filters-used).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/filters.h"
#include "worker/contract/limits.h"

#define FOLDER		"tests/cases/filters/"
#define KEYS_MAX	400u
#define KEY_BYTES_MAX	200u

/* A stage is seen in any of its filters; what stands in the last stage is needed there. */
static const struct profile {
	const char	*name;
	enum filter	 of;		/* any of its filters: whose table */
	struct stage {
		const char	*name;
		unsigned int	 in;
	} stages[2];			/* the last first */
} profiles[] = {
	{ "native", FILTER_LOCK, {
	    { "lock", IN(FILTER_LOCK) | IN(FILTER_LOCK_BARE) | IN(FILTER_ALONE) },
	    { "load", IN(FILTER_LOAD) | IN(FILTER_LOAD_BARE) } } },
	{ "broker", FILTER_BROKER, { { "serve", IN(FILTER_BROKER) } } },
};

struct keys {
	char	*at[KEYS_MAX];
	size_t	 n;
};

static char *
key_of(const struct stage *s, const struct rule *r)
{
	char		*name = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), r->nr);
	struct buf	 b;

	buf_init(&b, KEY_BYTES_MAX);
	buf_adds(&b, s->name);
	buf_addc(&b, ' ');
	buf_adds(&b, name);
	conditions_print(&b, r);
	buf_addc(&b, '\0');
	free(name);
	return b.data;
}

static bool
has(const struct keys *k, const char *key)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->at[i], key) == 0)
			return true;
	return false;
}

static void
keys_free(struct keys *k)
{
	while (k->n > 0)
		free(k->at[--k->n]);
}

/* A line is a key; behind a tab stands the reason. */
static void
keys_read(struct keys *k, const char *kind, const char *profile, bool reasons)
{
	char	 path[200], line[KIB];
	FILE	*from;

	snprintf(path, sizeof(path), FOLDER "%s-%s.txt", kind, profile);
	if ((from = fopen(path, "r")) == NULL)
		fail_msg("%s is missing", path);
	k->n = 0;
	while (fgets(line, sizeof(line), from) != NULL) {
		size_t	 end = strcspn(line, "\t\n");

		if (line[0] == '#')
			continue;
		if (reasons && (line[end] != '\t' || strlen(line + end) < sizeof("\t# reason")))
			fail_msg("%s: no reason: %s", path, line);
		assert_true(k->n < KEYS_MAX && (k->at[k->n] = strndup(line, end)) != NULL);
		k->n++;
	}
	fclose(from);
}

/* A line of a list that no rule has any more is as wrong as a rule without a line. */
static bool
is_rule(const struct profile *p, const char *key)
{
	size_t			 n;
	const struct rule	*r = filter_table(p->of, &n);
	bool			 found = false;

	for (size_t i = 0; i < n && !found; i++)
		for (size_t s = 0; s < N_ITEMS(p->stages) && !found; s++)
			if (p->stages[s].name != NULL && (r[i].in & p->stages[s].in) != 0) {
				char	*k = key_of(&p->stages[s], &r[i]);

				found = strcmp(k, key) == 0;
				free(k);
			}
	return found;
}

static unsigned int
rules_check(const struct profile *p, const struct keys *used, const struct keys *excused)
{
	size_t			 n;
	const struct rule	*r = filter_table(p->of, &n);
	unsigned int		 bad = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t s = 0; s < N_ITEMS(p->stages); s++) {
			char	*key;

			if (p->stages[s].name == NULL || (r[i].in & p->stages[s].in) == 0)
				continue;
			key = key_of(&p->stages[s], &r[i]);
			if (has(used, key) == has(excused, key)) {
				print_error("%s: %s\n", has(used, key) ? "used, and excused as well" :
				    "nothing uses it, and nothing excuses it", key);
				bad++;
			}
			free(key);
			break;		/* an earlier stage must let through what the last one does */
		}
	return bad;
}

static void
nothing_is_allowed_for_nothing(void **state)
{
	(void)state;
	for (size_t p = 0; p < N_ITEMS(profiles); p++) {
		struct keys	 used, excused;
		unsigned int	 bad;

		keys_read(&used, "used", profiles[p].name, false);
		keys_read(&excused, "excused", profiles[p].name, true);
		bad = rules_check(&profiles[p], &used, &excused);
		for (size_t i = 0; i < used.n + excused.n; i++) {
			const char	*key = i < used.n ? used.at[i] : excused.at[i - used.n];

			if (!is_rule(&profiles[p], key)) {
				print_error("no rule is like this: %s\n", key);
				bad++;
			}
		}
		keys_free(&used);
		keys_free(&excused);
		assert_int_equal(bad, 0);
	}
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The rules that let this call through in this stage. */
static void
seen(const struct profile *p, const char *stage, const struct seccomp_data *d, struct keys *k)
{
	size_t			 n;
	const struct rule	*r = filter_table(p->of, &n);

	for (size_t i = 0; i < n; i++)
		for (size_t s = 0; s < N_ITEMS(p->stages); s++) {
			char	*key;

			if (p->stages[s].name == NULL || strcmp(p->stages[s].name, stage) != 0 ||
			    (r[i].in & p->stages[s].in) == 0 || r[i].nr != d->nr || !args_match(&r[i], d))
				continue;
			key = key_of(&p->stages[s], &r[i]);
			if (has(k, key) || k->n == KEYS_MAX)
				free(key);
			else
				k->at[k->n++] = key;
		}
}

static void
args_read(const char *p, __u64 args[6])
{
	for (int i = 0; i < 6; i++) {
		char	*end;

		args[i] = strtoull(p, &end, 16);
		if (end == p)
			return;
		p = end;
	}
}

static int
collect(const char *profile)
{
	struct keys	 k = { .n = 0 };
	char		 line[KIB], stage[16], name[64];
	size_t		 p = 0;

	while (p < N_ITEMS(profiles) && strcmp(profiles[p].name, profile) != 0)
		p++;
	if (p == N_ITEMS(profiles))
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct seccomp_data	 d = { 0 };
		int			 at = 0;

		if (sscanf(line, "%15s %63s%n", stage, name, &at) != 2)
			continue;
		d.nr = seccomp_syscall_resolve_name(name);
		args_read(line + at, d.args);
		seen(&profiles[p], stage, &d, &k);
	}
	qsort(k.at, k.n, sizeof(k.at[0]), by_text);
	printf("# What the integration tests needed of the %s profile; written by make filters-used.\n", profile);
	for (size_t i = 0; i < k.n; i++)
		printf("%s\n", k.at[i]);
	keys_free(&k);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_allowed_for_nothing),
	};

	if (argc == 3 && strcmp(argv[1], "--collect") == 0)
		return collect(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
