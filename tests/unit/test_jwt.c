/*
 * test_jwt.c -- tokens that this server makes and reads: nothing but what it made, for itself, in time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "launcher/serve/jwt.h"
#include "worker/contract/util.h"

#define NOW	1800000000
#define HS256	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"		/* {"alg":"HS256","typ":"JWT"} */
#define NONE	"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"		/* {"alg":"none","typ":"JWT"} */
#define HS512	"eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9"
#define RS256	"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9"
#define KNOWN	"MoOR0mRbtJV7M4Mr_wTzpvgo51wQGHByhiQdGI7UMGQ"
#define NO_TYP	"eyJhbGciOiJIUzI1NiJ9"

static const unsigned char	 key[JWT_KEY_BYTES] = "0123456789abcdef0123456789abcde", other[JWT_KEY_BYTES] = "x";

static struct buf
good(void)
{
	struct jwt	 j = { .subject = "joe", .binding = "00ff", .issued_s = NOW, .expires_s = NOW + JWT_LIFE_S };
	struct buf	 b;

	buf_init(&b, JWT_BYTES_MAX);
	jwt_make(&b, &j, "read invoke:scim", "1", key);
	assert_false(b.failed);
	return b;
}

static int
taken(const char *text, int64_t now)
{
	struct error	 e = ERROR_NONE;
	struct jwt	 j;
	int		 r = jwt_read(text, key, now, &j, &e);

	if (r == -1)
		assert_int_equal(e.code, ERR_INSUFFICIENT_PERMISSION);
	return r == 0;
}

static void
made(void **state)
{
	struct buf	 b = good();
	struct error	 e = ERROR_NONE;
	struct jwt	 j;

	(void)state;
	assert_int_equal(jwt_read(b.data, key, NOW + 1, &j, &e), 0);
	assert_string_equal(j.subject, "joe");
	assert_string_equal(j.binding, "00ff");
	assert_int_equal(j.expires_s, NOW + JWT_LIFE_S);
	assert_int_equal(jwt_read(b.data, other, NOW + 1, &j, &e), -1);
	assert_true(taken(b.data, NOW + JWT_LIFE_S - 1));
	assert_false(taken(b.data, NOW + JWT_LIFE_S));
	assert_true(taken(b.data, NOW - JWT_SKEW_S));
	assert_false(taken(b.data, NOW - JWT_SKEW_S - 1));
	buf_free(&b);
}

/* Computed with openssl dgst -mac HMAC. */
static void
known(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, JWT_BYTES_MAX);
	jwt_seal(&b, "{}", 2, key);
	assert_string_equal(b.data, HS256 ".e30." KNOWN);
	buf_free(&b);
}

/* Another head on the same body, with the signature that was there and with none. */
static void
heads(void **state)
{
	static const char *const	 rows[] = { NONE, HS512, RS256, NO_TYP, "", "e30", (HS256 "="), ("x" HS256) };
	struct buf			 b = good();
	char				 text[JWT_BYTES_MAX], *body = strchr(b.data, '.'), *sig = strrchr(b.data, '.');

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		snprintf(text, sizeof(text), "%s%s", rows[i], body);
		assert_false(taken(text, NOW));
		/* Without a signature, as "none" would have it. */
		snprintf(text, sizeof(text), "%s%.*s", rows[i], (int)(sig - body + 1), body);
		assert_false(taken(text, NOW));
	}
	snprintf(text, sizeof(text), "%.*s.", (int)(sig - b.data), b.data);
	assert_false(taken(text, NOW));
	snprintf(text, sizeof(text), "%.*s", (int)(sig - b.data), b.data);
	assert_false(taken(text, NOW));
	buf_free(&b);
}

/* Each character of it matters, and one value has one text. */
static void
bytes(void **state)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	static const char *const tails[] = { "=", ".", "A", " ", "\n", ".x", "==" };
	struct buf		 b = good();
	char			 text[JWT_BYTES_MAX];

	(void)state;
	snprintf(text, sizeof(text), "%s", b.data);
	for (size_t i = 0; i < b.len; i++) {
		char	 was = text[i];

		for (size_t k = 0; k < 64; k += 7)
			if (digits[k] != was) {
				text[i] = digits[k];
				assert_false(taken(text, NOW));
			}
		text[i] = was;
	}
	/* The last digit of 32 bytes has two bits to spare: only zeros are ours. */
	for (size_t k = 0; k < 64; k++)
		if (digits[k] != b.data[b.len - 1]) {
			text[b.len - 1] = digits[k];
			assert_false(taken(text, NOW));
		}
	for (size_t i = 0; i < N_ITEMS(tails); i++) {
		snprintf(text, sizeof(text), "%s%s", b.data, tails[i]);
		assert_false(taken(text, NOW));
	}
	assert_false(taken("", NOW) || taken(".", NOW) || taken("..", NOW) || taken("...", NOW) || taken(HS256 "..", NOW));
	memset(text, 'A', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, HS256 ".", strlen(HS256) + 1);
	assert_false(taken(text, NOW));
	buf_free(&b);
}

#define CLAIMS(iss, aud, sub, times)	"{\"iss\":\"" iss "\",\"aud\":" aud ",\"sub\":" sub ",\"bnd\":\"1\"," times "}"
#define TIMES				"\"iat\":1800000000,\"exp\":1800000600"
#define AUD				"\"" JWT_AUDIENCE "\""

/* Signed with our key, and wrong all the same. */
static void
claims(void **state)
{
	static const struct { const char *payload; bool good; } rows[] = {
		{ CLAIMS("bascule", AUD, "\"joe\"", TIMES), true },
		{ CLAIMS("other", AUD, "\"joe\"", TIMES), false },
		{ CLAIMS("bascule", "\"other\"", "\"joe\"", TIMES), false },
		{ CLAIMS("bascule", "[" AUD "]", "\"joe\"", TIMES), false },
		{ CLAIMS("bascule", AUD, "\"\"", TIMES), false },
		{ CLAIMS("bascule", AUD, "\"a/b\"", TIMES), false },
		{ CLAIMS("bascule", AUD, "1", TIMES), false },
		{ CLAIMS("bascule", AUD, "\"joe\"", "\"iat\":1800000000"), false },
		{ CLAIMS("bascule", AUD, "\"joe\"", "\"exp\":1800000600"), false },
		{ CLAIMS("bascule", AUD, "\"joe\"", "\"iat\":1800000000,\"exp\":1800000601"), false },
		{ CLAIMS("bascule", AUD, "\"joe\"", "\"iat\":1800000031,\"exp\":1800000600"), false },
		{ CLAIMS("bascule", AUD, "\"joe\"", "\"iat\":1800000000,\"exp\":9e99"), false },
		{ CLAIMS("bascule", AUD, "\"joe\"", "\"iat\":-9223372036854775808,\"exp\":9223372036854775807"), false },
		{ "{}", false }, { "[]", false }, { "", false }, { "{", false }, { "null", false },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct buf	 b;

		buf_init(&b, JWT_BYTES_MAX);
		jwt_seal(&b, rows[i].payload, strlen(rows[i].payload), key);
		if (taken(b.data, NOW) != rows[i].good)
			fail_msg("%s", rows[i].payload);
		buf_free(&b);
	}
}

/* What a token was is in what is made of it. */
static void
bindings(void **state)
{
	struct token	 a = { .name = "joe", .read = true }, b;
	char		 of_a[TOKEN_BINDING_BYTES + 1], of_b[TOKEN_BINDING_BYTES + 1], scopes[64];

	(void)state;
	token_binding(&a, of_a);
	assert_int_equal(strlen(of_a), TOKEN_BINDING_BYTES);
	b = a;
	token_binding(&b, of_b);
	assert_string_equal(of_a, of_b);
	for (int i = 0; i < 5; i++) {
		b = a;
		if (i == 0)
			b.manage = true;
		else if (i == 1)
			b.read = false;
		else if (i == 2)
			b.sha256[31] ^= 1;
		else if (i == 3)
			b.name[0] = 'J';
		else
			snprintf(b.connectors[b.nconnectors++], CONNECTOR_NAME_MAX + 1, "scim");
		token_binding(&b, of_b);
		assert_string_not_equal(of_a, of_b);
	}
	token_scope_print(&b, ",", scopes, sizeof(scopes));
	assert_string_equal(scopes, "read,invoke:scim");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(made),
		cmocka_unit_test(known),
		cmocka_unit_test(heads),
		cmocka_unit_test(bytes),
		cmocka_unit_test(claims),
		cmocka_unit_test(bindings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
