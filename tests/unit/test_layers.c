/*
 * test_layers.c -- names, sets and what may be waived; and each layer tried in a child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox/sandbox.h"

#define BIT(layer)	(1u << (layer))

static void
test_names(void **state)
{
	(void)state;
	for (enum sandbox_layer l = 0; l < LAYER__MAX; l++)
		assert_int_equal(sandbox_layer_from_name(sandbox_layer_name(l)), l);
	assert_int_equal(sandbox_layer_from_name(""), LAYER_INVALID);
	assert_int_equal(sandbox_layer_from_name("Landlock"), LAYER_INVALID);
	assert_int_equal(sandbox_layer_from_name("landlock "), LAYER_INVALID);
	assert_string_equal(sandbox_layer_name(LAYER__MAX), "unknown");
	assert_string_equal(sandbox_layer_name(LAYER_INVALID), "unknown");
}

static void
test_waivable(void **state)
{
	static const unsigned int	 ever = BIT(LAYER_NAMESPACES) | BIT(LAYER_LANDLOCK) | BIT(LAYER_CGROUP);

	(void)state;
#ifdef BASCULE_SANITIZER
	skip();
#endif
	for (enum sandbox_layer l = 0; l < LAYER__MAX; l++)
		assert_int_equal(sandbox_layer_waivable(l), (ever & BIT(l)) != 0);
	assert_false(sandbox_layer_waivable(LAYER__MAX));
	assert_false(sandbox_layer_waivable(LAYER_INVALID));
}

static void
test_sets(void **state)
{
	(void)state;
	assert_int_equal(sandbox_set_from_name("strict")->waived, 0);
	assert_int_equal(sandbox_set_from_name("container")->waived, BIT(LAYER_NAMESPACES));
	assert_null(sandbox_set_from_name("none"));
	assert_null(sandbox_set_from_name(""));
	for (const struct sandbox_set *s = sandbox_sets; s->name != NULL; s++)
		for (enum sandbox_layer l = 0; l < LAYER__MAX; l++)
			assert_true((s->waived & BIT(l)) == 0 || sandbox_layer_waivable(l));
}

static void
test_probes(void **state)
{
	char	 why[400];

	(void)state;
	for (enum sandbox_probe p = 0; p < PROBE__MAX; p++) {
		assert_string_not_equal(sandbox_probe_name(p), "unknown");
		assert_int_not_equal(sandbox_probe_layer(p), LAYER_INVALID);
		if (getenv("SANDBOX_MUST_WORK") != NULL && sandbox_probe(p, why, sizeof(why)) == -1)
			fail_msg("%s: %s", sandbox_probe_name(p), why);
	}
	assert_string_equal(sandbox_probe_name(PROBE__MAX), "unknown");
}

/* A probe is for a child alone: nothing of it stays on the process that asks. */
static void
test_probes_leave_nothing(void **state)
{
	struct stat	 before, after;
	char		 why[400];
	uid_t		 uid = geteuid();

	(void)state;
	assert_int_equal(stat("/proc/self/ns/user", &before), 0);
	for (enum sandbox_probe p = 0; p < PROBE__MAX; p++)
		(void)sandbox_probe(p, why, sizeof(why));
	assert_int_equal(stat("/proc/self/ns/user", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(geteuid(), uid);
	assert_int_equal(access("/etc/passwd", R_OK), 0);
	assert_int_not_equal(close(0) == 0 ? dup(1) : -1, -1);
}

/* A text that does not fit is cut, and ends. */
static void
test_short_texts(void **state)
{
	char	 why[8];

	(void)state;
	assert_int_equal(sandbox_verify(getpid(), 0, why, sizeof(why)), -1);
	assert_true(strlen(why) > 0 && strlen(why) < sizeof(why));
}

/* A process of ours is not in other namespaces; one that is gone shows none; waived, nobody looks. */
static void
test_namespaces_shared(void **state)
{
	char	 why[128];
	pid_t	 pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(sandbox_verify_namespaces(getpid(), 0, why, sizeof(why)), -1);
	assert_string_equal(why, "shares our user namespace");
	assert_int_equal(sandbox_verify_namespaces(getpid(), 1u << LAYER_NAMESPACES, why, sizeof(why)), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(sandbox_verify_namespaces(pid, 0, why, sizeof(why)), -1);
	assert_string_equal(why, "does not show its user namespace");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_waivable),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_probes_leave_nothing),
		cmocka_unit_test(test_short_texts),
		cmocka_unit_test(test_namespaces_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
