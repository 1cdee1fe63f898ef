/*
 * test_redact.c -- every form a secret may be shown in, and what is done when it cannot be kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/contract/util.h"
#include "worker/runtime/runtime.h"

static const struct redact_case {
	const char	*name;
	const char	*secrets[3];
	const char	*text, *want;
} cases[] = {
	{ "nothing to hide", { NULL }, "as it was", "as it was" },
	{ "plain", { "hunter22" }, "pw=hunter22.", "pw=****." },
	{ "twice", { "hunter22" }, "hunter22 hunter22", "**** ****" },
	{ "side by side", { "hunter22" }, "hunter22hunter22", "****" },
	{ "too short to hide", { "abc" }, "abc", "abc" },
	{ "shortest", { "abcd" }, "xabcdx", "x****x" },
	{ "longest first", { "pass", "password1" }, "password1 pass", "**** ****" },
	{ "overlapping", { "abcdef", "efghij" }, "<abcdefghij>", "<****>" },
	{ "escaped as JSON", { "a\"b\\c\nd" }, "{\"p\":\"a\\\"b\\\\c\\nd\"}", "{\"p\":\"****\"}" },
	{ "escaped as JSON, by number", { "ab\tcd" }, "ab\\u0009cd", "****" },
	{ "percent-encoded, upper", { "p@ss w/rd" }, "q=p%40ss%20w%2Frd&", "q=****&" },
	{ "percent-encoded, lower", { "p@ss w/rd" }, "q=p%40ss%20w%2frd&", "q=****&" },
	{ "percent-encoded in part", { "p@ss w/rd" }, "q=p%40ss%20w/rd&", "q=****&" },
	{ "as a form", { "p@ss w/rd" }, "q=p%40ss+w%2Frd&", "q=****&" },
	{ "percent sign in the secret itself", { "a%25bc" }, "a%25bc a%2525bc", "**** ****" },
	/* printf 'hunter22' | base64, alone and behind one and two bytes. */
	{ "base64", { "hunter22" }, "aHVudGVyMjI=", "****I=" },
	{ "base64 behind one byte", { "hunter22" }, "eGh1bnRlcjIy", "eG****" },
	{ "base64 behind two bytes", { "hunter22" }, "eHhodW50ZXIyMg==", "eHh****g==" },
	{ "basic credentials", { "hunter22" }, "Authorization: Basic am9lOmh1bnRlcjIy", "Authorization: Basic am9lOm****" },
	/* bytes fb ff bf fe: +/+// in one alphabet, -_-__ in the other. */
	{ "base64, standard alphabet", { "\xfb\xff\xbf\xfe" }, "<+/+//g==>", "<****g==>" },
	{ "base64, url alphabet", { "\xfb\xff\xbf\xfe" }, "<-_-__g>", "<****g>" },
	{ "base64, percent-encoded", { "\xfb\xff\xbf\xfe" }, "<%2B%2F%2B%2F%2Fg>", "<****g>" },
	{ "cut off by the end", { "hunter22" }, "pw=hunte", "pw=****" },
	{ "a line of a key",
	    { "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END PRIVATE KEY-----\n" },
	    "line MIIEvQIBADANBgkqhkiG!", "line ****!" },
	{ "a line of a key in one line", { "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG\\n-----END" },
	    "line MIIEvQIBADANBgkqhkiG!", "line ****!" },
	{ "not UTF-8", { NULL }, "a\xff\xc3", "a??" },
};

static void
test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		char	 buf[512];

		redact_wipe();
		for (size_t k = 0; k < N_ITEMS(cases[i].secrets) && cases[i].secrets[k] != NULL; k++)
			redact_add(cases[i].secrets[k]);
		snprintf(buf, sizeof(buf), "%s", cases[i].text);
		redact_text(buf, sizeof(buf));
		print_message("%s\n", cases[i].name);
		assert_string_equal(buf, cases[i].want);
	}
	redact_wipe();
}

/* Every alignment and length: no piece of eight characters of a secret's base64 is left. */
static void
test_base64_everywhere(void **state)
{
	static const char	 alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	(void)state;
	for (size_t before = 0; before < 7; before++)
		for (size_t len = 4; len < 40; len++) {
			char	 plain[64], enc[128], left[128], secret[64];
			size_t	 n = 0, same = 0;

			for (size_t i = 0; i < len; i++)
				secret[i] = (char)('!' + (i * 37 + len) % 90);
			secret[len] = '\0';
			memset(plain, 'u', before);
			memcpy(plain + before, secret, len);
			memcpy(plain + before + len, "zzz", 4);
			for (size_t i = 0; i + 3 <= before + len + 3; i += 3) {
				const uint8_t	*p = (const uint8_t *)plain + i;

				enc[n++] = alphabet[p[0] >> 2];
				enc[n++] = alphabet[(p[0] << 4 | p[1] >> 4) & 63];
				enc[n++] = alphabet[(p[1] << 2 | p[2] >> 6) & 63];
				enc[n++] = alphabet[p[2] & 63];
			}
			enc[n] = '\0';
			redact_wipe();
			redact_add(secret);
			memcpy(left, enc, n + 1);
			redact_text(left, sizeof(left));
			assert_non_null(strstr(left, "****"));
			/* What stood in front and behind is left, and at most one mixed character each. */
			same = strlen(left) - 4;
			assert_true(same <= n - (len * 8 / 6 - 1));
		}
	redact_wipe();
}

static void
test_too_many(void **state)
{
	char	 buf[128], secret[32];

	(void)state;
	redact_wipe();
	for (int i = 0; i < REDACT_SECRETS_MAX; i++) {
		snprintf(secret, sizeof(secret), "secret-number-%03d", i);
		redact_add(secret);
		redact_add(secret);
	}
	assert_false(redact_overflowed());
	redact_add("one-too-many");
	assert_true(redact_overflowed());
	snprintf(buf, sizeof(buf), "harmless");
	redact_text(buf, sizeof(buf));
	assert_string_equal(buf, "(text withheld: its secrets could not be removed)");
	redact_wipe();
	assert_false(redact_overflowed());
}

static void
test_too_long(void **state)
{
	char	*secret = malloc(REDACT_SECRET_BYTES_MAX + 2);

	(void)state;
	redact_wipe();
	memset(secret, 'k', REDACT_SECRET_BYTES_MAX + 1);
	secret[REDACT_SECRET_BYTES_MAX + 1] = '\0';
	redact_add(secret + 1);
	assert_false(redact_overflowed());
	redact_add(secret);
	assert_true(redact_overflowed());
	free(secret);
	redact_wipe();
}

static void
test_small_buffers(void **state)
{
	char	 buf[9] = "hunter22";

	(void)state;
	redact_wipe();
	redact_add("hunter22");
	redact_text(buf, sizeof(buf));
	assert_string_equal(buf, "****");
	redact_text(buf, 1);
	assert_string_equal(buf, "");
	redact_text(buf, 0);
	redact_add(NULL);
	redact_wipe();
}

static void
test_holds(void **state)
{
	static const struct { const char *text; bool held; } holds[] = {
		{ "", false }, { "a-long-secre", false }, { "a-long-secret", true }, { "Bearer a-long-secret!", true },
		/* printf 'u:a-long-secret' | base64 */
		{ "Basic dTphLWxvbmctc2VjcmV0", true }, { "dTphLWxvbmctc2VjcmV", false }, { "short-one", false },
	};

	(void)state;
	redact_wipe();
	assert_false(redact_holds("a-long-secret"));
	redact_add("a-long-secret");
	redact_add("short-one");
	for (size_t i = 0; i < N_ITEMS(holds); i++)
		if (redact_holds(holds[i].text) != holds[i].held)
			fail_msg("\"%s\"", holds[i].text);
	redact_wipe();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_base64_everywhere),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_small_buffers),
		cmocka_unit_test(test_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
