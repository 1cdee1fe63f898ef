/*
 * test_vault.c -- what is kept between invocations: for whom, how long, how much, and sealed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/core/vault.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static struct vault_key
key(const char *text)
{
	struct vault_key	k;

	assert_int_equal(vault_key_of(text, strlen(text), &k), 0);
	return k;
}

static int
put(const struct vault_key *k, const char *name, const char *value, int64_t ttl_ms, int64_t now)
{
	struct kept_value	v = { name, strlen(name), value, strlen(value), ttl_ms };

	return vault_put(k, &v, now);
}

/* The value of that name, owned by the caller; NULL: there is none. */
static char *
get(const struct vault_key *k, const char *name, int64_t now)
{
	struct buf	 b;
	struct error	 e = ERROR_NONE;
	unsigned int	 counted[KEPT__MAX];
	cJSON		*o;
	const char	*value;
	char		*own;

	buf_init(&b, REQUEST_BYTES_MAX);
	vault_print(k, &b, now, counted);
	o = json_parse(b.data, b.len, NULL, &e);
	assert_non_null(o);
	value = json_str(json_get(o, name), "value", NULL);
	own = value == NULL ? NULL : strdup(value);
	cJSON_Delete(o);
	buf_free(&b);
	return own;
}

static bool
has(const struct vault_key *k, const char *name, const char *value, int64_t now)
{
	autofree char	*got = get(k, name, now);

	return got != NULL && strcmp(got, value) == 0;
}

static void
whose(void **state)
{
	struct vault_key	a = key("source one\nconfig"), b = key("source two\nconfig"), same = key("source one\nconfig");

	(void)state;
	assert_int_equal(put(&a, "t", "first", 1000, 0), 0);
	assert_true(has(&a, "t", "first", 1));
	assert_true(has(&same, "t", "first", 1));
	assert_null(get(&b, "t", 1));
	assert_null(get(&a, "u", 1));
	assert_int_equal(put(&a, "t", "second", 1000, 2), 0);
	assert_int_equal(put(&a, "u", "other", 1000, 2), 0);
	assert_true(has(&a, "t", "second", 3));
	assert_true(has(&a, "u", "other", 3));
	assert_int_equal(vault_count().entries, 2);
	assert_int_equal(put(&b, "t", "b's", 1000, 3), 0);
	assert_int_equal(vault_forget(&a), 2);
	assert_null(get(&a, "t", 3));
	assert_true(has(&b, "t", "b's", 3));
	vault_close();
	assert_int_equal(vault_count().entries, 0);
	assert_int_equal(vault_count().bytes, 0);
	/* Another process's key: nothing is found again. */
	b = key("source two\nconfig");
	assert_null(get(&b, "t", 3));
	vault_close();
}

static void
how_long(void **state)
{
	struct vault_key	a = key("a");

	(void)state;
	assert_int_equal(put(&a, "t", "x", 100, 0), 0);
	assert_true(has(&a, "t", "x", 99));
	assert_null(get(&a, "t", 100));
	assert_int_equal(vault_count().entries, 0);
	assert_int_equal(put(&a, "t", "x", INT64_MAX, 0), 0);
	assert_true(has(&a, "t", "x", CACHE_TTL_MS_MAX - 1));
	assert_null(get(&a, "t", CACHE_TTL_MS_MAX));
	assert_int_equal(put(&a, "t", "x", 0, 0), -1);
	vault_close();
}

static void
how_much(void **state)
{
	static char		 big[CACHE_VALUE_BYTES_MAX + 1];
	struct vault_key	 a = key("a"), k = a;
	unsigned int		 n[KEPT__MAX];
	struct buf		 b;
	char			 text[32];

	(void)state;
	for (unsigned int i = 0; i < VAULT_OF_KEY_MAX + 3; i++) {
		snprintf(text, sizeof(text), "n%u", i);
		assert_int_equal(put(&a, text, "x", 1000, 0), 0);
	}
	assert_int_equal(vault_count().entries, VAULT_OF_KEY_MAX);
	assert_null(get(&a, "n0", 0));
	assert_true(has(&a, text, "x", 0));
	/* Sessions, which may be of many hosts, take no token's place. */
	for (unsigned int i = 0; i < VAULT_OF_KEY_MAX + 3; i++) {
		snprintf(text, sizeof(text), KEPT_SESSION_PREFIX "%u", i);
		assert_int_equal(put(&a, text, "x", 1000, 0), 0);
	}
	assert_int_equal(vault_count().entries, 2 * VAULT_OF_KEY_MAX);
	assert_true(has(&a, "n3", "x", 0));
	assert_null(get(&a, KEPT_SESSION_PREFIX "0", 0));
	buf_init(&b, REQUEST_BYTES_MAX);
	vault_print(&a, &b, 0, n);
	buf_free(&b);
	assert_int_equal(n[KEPT_TOKEN], VAULT_OF_KEY_MAX);
	assert_int_equal(n[KEPT_SESSION], VAULT_OF_KEY_MAX);
	vault_forget(&a);
	for (unsigned int i = 0; i < VAULT_ENTRIES_MAX + 10; i++) {
		memcpy(k.digest, &i, sizeof(i));
		assert_int_equal(put(&k, "t", "x", 1000, 0), 0);
	}
	assert_int_equal(vault_count().entries, VAULT_ENTRIES_MAX);
	assert_true(has(&k, "t", "x", 0));
	memset(big, 'x', CACHE_VALUE_BYTES_MAX);
	for (unsigned int i = 0; i < VAULT_BYTES_MAX / CACHE_VALUE_BYTES_MAX + 10; i++) {
		memcpy(k.digest, &i, sizeof(i));
		assert_int_equal(put(&k, "t", big, 1000, 0), 0);
		assert_true(vault_count().bytes <= VAULT_BYTES_MAX);
	}
	vault_close();
}

/* Does this process's heap and static memory hold the text?  Of the test's own it is never written down whole. */
static bool
in_memory(const char *half, const char *rest)
{
	char	 line[512], what[64];
	FILE	*maps = fopen("/proc/self/maps", "r"), *mem = fopen("/proc/self/mem", "r");
	bool	 found = false;

	assert_non_null(maps);
	assert_non_null(mem);
	while (!found && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long	 from, to;
		char		*part;

		if (sscanf(line, "%lx-%lx %63s", &from, &to, what) != 3 || what[0] != 'r' || what[1] != 'w' ||
		    strstr(line, "[stack]") != NULL || to - from > 64 * MIB || (part = malloc(to - from)) == NULL)
			continue;
		if (fseek(mem, (long)from, SEEK_SET) == 0) {
			size_t	 n = fread(part, 1, to - from, mem), h = strlen(half), r = strlen(rest);

			for (size_t i = 0; !found && i + h + r <= n; i++)
				found = memcmp(part + i, half, h) == 0 && memcmp(part + i + h, rest, r) == 0;
			explicit_bzero(part, n);
		}
		free(part);
	}
	fclose(maps);
	fclose(mem);
	return found;
}

static void
sealed(void **state)
{
	static char		 plain[40];
	struct vault_key	 a = key("a");
	struct kept_value	 v = { "t", 1, plain, 36, 1000 };

	(void)state;
	memcpy(plain, "kept-secret-", 12);
	memcpy(plain + 12, "0123456789abcdefghijklmn", 24);
	assert_true(in_memory("kept-secret-", "0123456789abcdefghijklmn"));
	assert_int_equal(vault_put(&a, &v, 0), 0);
	explicit_bzero(plain, sizeof(plain));
	assert_false(in_memory("kept-secret-", "0123456789abcdefghijklmn"));
	vault_close();
}

/* A child has the sealed bytes and no key to them. */
static void
in_a_child(void **state)
{
	struct vault_key	a = key("a"), again;
	int			status = 0;
	pid_t			pid;

	(void)state;
	assert_int_equal(put(&a, "t", "x", 1000, 0), 0);
	if ((pid = fork()) == 0) {
		struct buf	b;
		unsigned int	n[KEPT__MAX];

		buf_init(&b, KIB);
		vault_print(&a, &b, 0, n);
		_exit(n[KEPT_TOKEN] != 0 || vault_key_of("a", 1, &again) == 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(has(&a, "t", "x", 0));
	vault_close();
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(whose),
		cmocka_unit_test(how_long),
		cmocka_unit_test(how_much),
		cmocka_unit_test(sealed),
		cmocka_unit_test(in_a_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
