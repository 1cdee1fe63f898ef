/*
 * test_rest_sigv4.c -- AWS Signature Version 4 against the cases that AWS published with it (its test suite for signers).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "connectors/rest/sigv4.h"

#define URL	"https://example.amazonaws.com"
#define TOKEN	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7" \
	"mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT" \
	"38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

static const struct {
	const char	*name, *method, *url;
	const char	*headers[4];
	const char	*body, *token, *signed_headers, *signature;
} cases[] = {
	{ "get-vanilla", "GET", URL "/", { NULL }, NULL, NULL, "host;x-amz-date",
	    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "post-vanilla", "POST", URL "/", { NULL }, NULL, NULL, "host;x-amz-date",
	    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "get-vanilla-query-order-key-case", "GET", URL "/?Param2=value2&Param1=value1", { NULL }, NULL, NULL, "host;x-amz-date",
	    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "get-vanilla-query-unreserved", "GET",
	    URL "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
	    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", { NULL }, NULL, NULL, "host;x-amz-date",
	    "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
	{ "get-header-key-duplicate", "GET", URL "/", { "My-Header1:value2", "My-Header1:value2", "My-Header1:value1" }, NULL, NULL,
	    "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
	{ "get-header-value-trim", "GET", URL "/", { "My-Header1: value1", "My-Header2: \"a   b   c\"" }, NULL, NULL,
	    "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ "post-x-www-form-urlencoded", "POST", URL "/", { "Content-Type:application/x-www-form-urlencoded" }, "Param1=value1", NULL,
	    "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
	{ "get-utf8", "GET", URL "/\xe1\x88\xb4", { NULL }, NULL, NULL, "host;x-amz-date",
	    "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ "post-sts-header-before", "POST", URL "/", { NULL }, NULL, TOKEN, "host;x-amz-date;x-amz-security-token",
	    "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
};

static void
test_suite(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		struct sigv4		 s = { .access_key = "AKIDEXAMPLE", .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
		    .session_token = cases[i].token, .region = "us-east-1", .service = "service" };
		struct fetch_outgoing	 out = { .method = cases[i].method, .url = cases[i].url, .headers = cases[i].headers,
		    .body = cases[i].body, .body_bytes = cases[i].body == NULL ? 0 : strlen(cases[i].body) };
		struct error		 e = ERROR_NONE;
		autofree char		*want = NULL;
		autobuf			 lines = { 0 };

		buf_init(&lines, 64 << 10);
		assert_int_equal(sigv4_sign(&s, "20150830T123600Z", &out, &lines, &e), 0);
		assert_true(asprintf(&want, "X-Amz-Date: 20150830T123600Z\n%s%s%sAuthorization: AWS4-HMAC-SHA256 "
		    "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=%s, Signature=%s\n",
		    s.session_token == NULL ? "" : "X-Amz-Security-Token: ", s.session_token == NULL ? "" : s.session_token,
		    s.session_token == NULL ? "" : "\n", cases[i].signed_headers, cases[i].signature) != -1);
		if (strcmp(lines.data, want) != 0)
			print_message("%s\n", cases[i].name);
		assert_string_equal(lines.data, want);
	}
}

/* What comes encoded is signed as AWS reads it, whichever way it was written; what others may change is not signed. */
static void
test_the_same(void **state)
{
	static const struct { const char *url, *same; } t[] = {
		{ URL "/?a=%2f", URL "/?a=%2F" }, { URL "/?a=%7Eb", URL "/?a=~b" }, { URL "/?b&a", URL "/?a=&b=" }, { URL, URL "/" },
		{ URL "/?a=1&a=0", URL "/?a=0&a=1" }, { URL "/#x", URL "/" },
	};
	struct sigv4	 s = { .access_key = "A", .secret_key = "s", .region = "r", .service = "v" };
	const char	*others[] = { "User-Agent: x", "Accept: y", "traceparent: z", "Expect:", NULL };
	struct error	 e = ERROR_NONE;

	(void)state;
	for (size_t i = 0; i < N_ITEMS(t); i++) {
		struct fetch_outgoing	 one = { .method = "GET", .url = t[i].url }, two = { .method = "GET", .url = t[i].same,
		    .headers = others };
		autobuf			 a = { 0 }, b = { 0 };

		buf_init(&a, 4096);
		buf_init(&b, 4096);
		assert_int_equal(sigv4_sign(&s, "20150830T123600Z", &one, &a, &e), 0);
		assert_int_equal(sigv4_sign(&s, "20150830T123600Z", &two, &b, &e), 0);
		assert_string_equal(a.data, b.data);
	}
}

int
main(void)
{
	static const struct CMUnitTest	 tests[] = { cmocka_unit_test(test_suite), cmocka_unit_test(test_the_same) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
