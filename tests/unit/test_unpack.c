/*
 * test_unpack.c -- bascule-unpack's placer believes no frame of the decoder: names, sizes, order, ends.
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

#include "launcher/unpack/unpack.h"
#include "worker/contract/util.h"

#define ELF		"\177ELF."
#define SPEC		"connector-spec.json"
#define L20		"aaaaaaaaaaaaaaaaaaaa"
#define ARCHIVE_BYTES	1000

static char	 dir[64];

struct step {
	enum frame_kind	 kind;
	const char	*bytes;
};

static void
put(int fd, uint32_t kind, const void *bytes, uint32_t len)
{
	struct frame	 f = { kind, len };

	(void)!write(fd, &f, sizeof(f));
	(void)!write(fd, bytes, len);
}

/* Runs the placer on these, up to the first without bytes; how[]: what comes then. */
static struct outcome
run(void (*say)(int fd, const void *arg), const void *arg)
{
	struct outcome	 o;
	int		 ends[2], folder, status;
	char		 command[256];
	pid_t		 pid;

	snprintf(dir, sizeof(dir), "/tmp/test_unpack.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(pipe(ends), 0);
	assert_true((folder = open(dir, O_RDONLY | O_DIRECTORY)) != -1);
	if ((pid = fork()) == 0) {
		close(ends[0]);
		signal(SIGPIPE, SIG_DFL);
		say(ends[1], arg);
		_exit(0);
	}
	close(ends[1]);
	place_all(ends[0], folder, ARCHIVE_BYTES, &o);
	close(ends[0]);
	close(folder);
	waitpid(pid, &status, 0);
	/* Plain files and folders are all there ever is. */
	snprintf(command, sizeof(command), "test -z \"$(find %s ! -type f ! -type d)\" && rm -rf %s", dir, dir);
	assert_int_equal(system(command), 0);
	return o;
}

static void
say_steps(int fd, const void *arg)
{
	for (const struct step *s = arg; s->bytes != NULL; s++)
		put(fd, s->kind, s->bytes, (uint32_t)strlen(s->bytes));
}

static void
say_name(int fd, const void *arg)
{
	const struct step	 steps[] = { { FRAME_FILE, SPEC }, { FRAME_FILE, "p" }, { FRAME_DATA, ELF }, { FRAME_FILE, arg },
				    { FRAME_DONE, "" }, { FRAME_DONE, NULL } };

	say_steps(fd, steps);
}

static void
names(void **state)
{
	static const struct { const char *name; bool good; } rows[] = {
		{ "x", true }, { "a/b/c", true }, { "a b.c", true }, { "...", true }, { "1/2/3/4/5/6/7/8/x", true },
		{ "", false }, { "/x", false }, { "//x", false }, { "..", false }, { "../x", false }, { "a/../x", false },
		{ "a/..", false }, { ".", false }, { "./x", false }, { "a//x", false }, { "a/", false }, { "a\\x", false },
		{ "c:x", false }, { "a\nx", false }, { "a\x1b[2Jx", false }, { "\xc3\xa9", false }, { "x\x7f", false },
		{ "p", false }, { "p/x", false }, { SPEC, false }, { SPEC "/x", false }, { "1/2/3/4/5/6/7/8/9/x", false },
		{ L20 L20 L20 L20 L20 L20 L20 L20 L20 L20 "a", false },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct outcome	 o = run(say_name, rows[i].name);

		if (o.ok != rows[i].good)
			fail_msg("\"%s\": %s", rows[i].name, o.message);
		assert_true(o.ok || o.message[0] != '\0');
		for (const char *c = o.message; *c != '\0'; c++)
			assert_in_range((unsigned char)*c, ' ', '~');
	}
}

#define PROGRAM	{ FRAME_FILE, SPEC }, { FRAME_DATA, "{}" }, { FRAME_FILE, "p" }, { FRAME_DATA, ELF }
#define END	{ FRAME_DONE, "" }, { FRAME_DONE, NULL }

static void
orders(void **state)
{
	static const struct {
		const char	*what, *program;	/* NULL: refused */
		struct step	 steps[8];
		const char	*kind;
	} rows[] = {
		{ "as it should be", "p", { PROGRAM, END } },
		{ "a bundle", "", { { FRAME_FILE, SPEC }, { FRAME_FILE, "index.js" }, END }, "bundle" },
		{ "no specification, but a bundle", "", { { FRAME_FILE, "index.js" }, END }, "customizer" },
		{ "a specification below", "", { { FRAME_FILE, "index.js" }, { FRAME_FILE, "x/" SPEC }, END }, "customizer" },
		{ "a bundle below the top", NULL, { { FRAME_FILE, "x/index.js" }, END } },
		{ "a program and a bundle", NULL, { { FRAME_FILE, "index.js" }, { FRAME_FILE, "p" }, { FRAME_DATA, ELF }, END } },
		{ "a program is more than a bundle", "p", { PROGRAM, { FRAME_FILE, "index.js" }, END } },
		{ "a program below the top is none", "", { { FRAME_FILE, SPEC }, { FRAME_FILE, "x/p" }, { FRAME_DATA, ELF }, END } },
		{ "magic in the middle is none", "", { { FRAME_FILE, SPEC }, { FRAME_FILE, "p" }, { FRAME_DATA, "xx" }, { FRAME_DATA, ELF }, END } },
		{ "two programs", NULL, { PROGRAM, { FRAME_FILE, "q" }, { FRAME_DATA, ELF }, END } },
		{ "no specification", NULL, { { FRAME_FILE, "p" }, { FRAME_DATA, ELF }, END } },
		{ "nothing", NULL, { END } },
		{ "data of no file", NULL, { { FRAME_DATA, "x" }, END } },
		{ "no end", NULL, { PROGRAM, { FRAME_DONE, NULL } } },
		{ "an end that is a failure", NULL, { PROGRAM, { FRAME_FAIL, "no\033[2J" }, { FRAME_DONE, NULL } } },
		{ "a kind that is none", NULL, { PROGRAM, { (enum frame_kind)9, "" }, END } },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct outcome	 o = run(say_steps, rows[i].steps);

		if (o.ok != (rows[i].program != NULL))
			fail_msg("%s: %s", rows[i].what, o.message);
		if (o.ok) {
			assert_string_equal(o.program, rows[i].program);
			assert_string_equal(o.kind, rows[i].program[0] != '\0' ? "native" : rows[i].kind != NULL ? rows[i].kind :
			    "script");
			/* What it lacks to be a connector. */
			assert_int_equal(strstr(o.message, SPEC) != NULL, strcmp(o.kind, "customizer") == 0);
		}
		assert_null(strchr(o.message, '\033'));
	}
}

static void
say_long_head(int fd, const void *arg)
{
	struct frame	 f = { FRAME_DATA, *(const uint32_t *)arg };

	(void)!write(fd, &f, sizeof(f));
}

static void
say_much(int fd, const void *arg)
{
	static const char	 zeros[FRAME_BYTES_MAX];

	put(fd, FRAME_FILE, "x", 1);
	for (size_t i = 0; i < *(const size_t *)arg; i++)
		put(fd, FRAME_DATA, zeros, sizeof(zeros));
	put(fd, FRAME_FILE, "p", 1);
	put(fd, FRAME_DATA, ELF, strlen(ELF));
	put(fd, FRAME_FILE, SPEC, strlen(SPEC));
	put(fd, FRAME_DONE, "", 0);
}

static void
say_many(int fd, const void *arg)
{
	char	 name[32];

	(void)arg;
	for (unsigned int i = 0; i <= UNPACK_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "%u", i);
		put(fd, FRAME_FILE, name, (uint32_t)strlen(name));
	}
	put(fd, FRAME_DONE, "", 0);
}

static void
bounds(void **state)
{
	uint32_t	 len[] = { FRAME_BYTES_MAX + 1, UINT32_MAX };
	/* The archive is small: the free portion counts. */
	size_t		 fits = UNPACK_RATIO_FREE / FRAME_BYTES_MAX - 1, over = fits + 1;

	(void)state;
	assert_false(run(say_long_head, &len[0]).ok);
	assert_false(run(say_long_head, &len[1]).ok);
	assert_true(run(say_much, &fits).ok);
	assert_false(run(say_much, &over).ok);
	assert_non_null(strstr(run(say_many, NULL).message, "files"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(orders),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
