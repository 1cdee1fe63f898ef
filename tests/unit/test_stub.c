/*
 * test_stub.c -- what a guest sends to its name server, and begins its connections with: any bytes at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/broker/hello.h"
#include "launcher/broker/policy.h"
#include "worker/contract/stub.h"
#include "worker/contract/util.h"

#define HEAD	"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define A	"\x00\x01\x00\x01"
#define AAAA	"\x00\x1c\x00\x01"
#define LABEL63	"\x3f" "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define BYTES(s)	(const uint8_t *)(s), sizeof(s) - 1

static const struct {
	const char	*why;
	const uint8_t	*packet;
	size_t		 n;
	int		 r;
	const char	*host;
	enum stub_kind	 kind;
} questions[] = {
	{ "a name", BYTES(HEAD "\x03" "api" "\x07" "example" "\0" A), 0, "api.example", STUB_FOUR },
	{ "in upper case", BYTES(HEAD "\x03" "API" "\x07" "eXample" "\0" A), 0, "api.example", STUB_FOUR },
	{ "its IPv6 address", BYTES(HEAD "\x03" "api" "\x07" "example" "\0" AAAA), 0, "api.example", STUB_SIX },
	{ "a mail server", BYTES(HEAD "\x01" "a" "\0" "\x00\x0f\x00\x01"), 0, "a", STUB_OTHER },
	{ "of another class", BYTES(HEAD "\x01" "a" "\0" "\x00\x01\x00\x03"), 0, "a", STUB_OTHER },
	{ "something behind it", BYTES(HEAD "\x01" "a" "\0" A "\0\0\x29\x10"), 0, "a", STUB_FOUR },
	{ "the root", BYTES(HEAD "\0" A), 0, "", STUB_FOUR },
	{ "a dot in a label", BYTES(HEAD "\x03" "a.b" "\0" A), 0, "", STUB_FOUR },
	{ "a zero in a label", BYTES(HEAD "\x03" "a\0b" "\0" A), 0, "", STUB_FOUR },
	{ "a byte that is none of a name", BYTES(HEAD "\x02" "\xc3\xa4" "\0" A), 0, "", STUB_FOUR },
	{ "labels of full length", BYTES(HEAD LABEL63 LABEL63 LABEL63 "\0" A), 0, NULL, STUB_FOUR },
	{ "over the length of a name", BYTES(HEAD LABEL63 LABEL63 LABEL63 LABEL63 "\0" A), 0, "", STUB_FOUR },
	{ "a pointer", BYTES(HEAD "\xc0\x0c" A), -1, NULL, STUB_OTHER },
	{ "a label past the end", BYTES(HEAD "\x09" "abc"), -1, NULL, STUB_OTHER },
	{ "no end", BYTES(HEAD "\x03" "abc"), -1, NULL, STUB_OTHER },
	{ "no kind", BYTES(HEAD "\x03" "abc" "\0" "\0\x01"), -1, NULL, STUB_OTHER },
	{ "a head alone", BYTES(HEAD), -1, NULL, STUB_OTHER },
	{ "half a head", BYTES("\x12\x34\x01"), -1, NULL, STUB_OTHER },
	{ "nothing", BYTES(""), -1, NULL, STUB_OTHER },
	{ "an answer", BYTES("\x12\x34\x81\x00\x00\x01\0\0\0\0\0\0" "\x01" "a" "\0" A), -1, NULL, STUB_OTHER },
	{ "another operation", BYTES("\x12\x34\x28\x00\x00\x01\0\0\0\0\0\0" "\x01" "a" "\0" A), -1, NULL, STUB_OTHER },
	{ "two questions", BYTES("\x12\x34\x01\x00\x00\x02\0\0\0\0\0\0" "\x01" "a" "\0" A "\x01" "b" "\0" A), -1, NULL, STUB_OTHER },
};

/* A copy of its own size: reading past it is seen by a sanitizer. */
static uint8_t *
copy(const uint8_t *p, size_t n)
{
	uint8_t	*c = malloc(n > 0 ? n : 1);

	assert_non_null(c);
	memcpy(c, p, n);
	return c;
}

static void
questions_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(questions); i++) {
		struct stub_question	 q;
		uint8_t			*packet = copy(questions[i].packet, questions[i].n);
		int			 r = stub_parse(packet, questions[i].n, &q);

		if (r != questions[i].r || (r == 0 && questions[i].host != NULL && strcmp(q.host, questions[i].host) != 0) ||
		    (r == 0 && q.kind != questions[i].kind))
			fail_msg("%s: %d \"%s\" %d", questions[i].why, r, q.host, q.kind);
		free(packet);
	}
}

static const struct stub_place made = { { 198, 18, 1, 2 }, { 0x20, 1, 0, 2, [12] = 198, 18, 1, 2 } };

#define ANSWERED	"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" "\x01" "a" "\0"
#define EMPTY		"\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00" "\x01" "a" "\0"
#define NO_NAME		"\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00" "\x01" "a" "\0"
#define MX		"\x00\x0f\x00\x01"

static const struct {
	const char	*why;
	const char	*kind;
	enum stub_answer a;
	const uint8_t	*want;
	size_t		 n;
} answers[] = {
	{ "an IPv4 address", A, STUB_ADDRESS, BYTES(ANSWERED A "\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc6\x12\x01\x02") },
	{ "an IPv6 address", AAAA, STUB_ADDRESS, BYTES(ANSWERED AAAA "\xc0\x0c\0\x1c\0\x01\0\0\0\x3c\0\x10"
	    "\x20\x01\0\x02\0\0\0\0\0\0\0\0\xc6\x12\x01\x02") },
	{ "none of another kind", MX, STUB_ADDRESS, BYTES(EMPTY MX) },
	{ "nothing of the kind", AAAA, STUB_NOTHING, BYTES(EMPTY AAAA) },
	{ "no such name", A, STUB_NO_NAME, BYTES(NO_NAME A) },
};

static void
answers_are_made(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(answers); i++) {
		uint8_t			 packet[19], out[STUB_BYTES_MAX];
		struct stub_question	 q;

		memcpy(packet, HEAD "\x01" "a", 15);
		memcpy(packet + 15, answers[i].kind, 4);
		assert_int_equal(stub_parse(packet, sizeof(packet), &q), 0);
		if (stub_answer(packet, &q, answers[i].a, &made, out) != answers[i].n || memcmp(out, answers[i].want, answers[i].n) != 0)
			fail_msg("%s", answers[i].why);
	}
}

#define RANDOM	"0123456789abcdef0123456789abcdef"
/* Behind the length: version, random, no session, one cipher, one compression. */
#define FRONT	"\x03\x03" RANDOM "\0" "\0\x02\x13\x01" "\x01\0"
#define SNI(n5, n3, n1, name)	"\0\0" n5 n3 "\0" n1 name

struct hello_case {
	const char	*why;
	const uint8_t	*bytes;
	size_t		 n;
	enum hello	 r;
	const char	*name;
};

static const struct hello_case hellos[] = {
	{ "no TLS", BYTES("GET / HTTP/1.1\r\n"), HELLO_NONE, "" },
	{ "nothing yet", BYTES(""), HELLO_PART, "" },
	{ "one byte", BYTES("\x16"), HELLO_PART, "" },
	{ "another protocol that begins so", BYTES("\x16\x09"), HELLO_NONE, "" },
	{ "named", BYTES("\x16\x03\x01\0\x40\x01\0\0\x3c" FRONT "\0\x11" SNI("\0\x0d", "\0\x0b", "\0\x08", "Api.test")),
	    HELLO_NAMED, "api.test" },
	{ "cut short", BYTES("\x16\x03\x01\0\x40\x01\0\0\x3c" FRONT "\0\x11"), HELLO_PART, "" },
	{ "in two records", BYTES("\x16\x03\x01\0\x02\x01\0" "\x16\x03\x01\0\x3e\0\x3c" FRONT "\0\x11"
	    SNI("\0\x0d", "\0\x0b", "\0\x08", "api.test")), HELLO_NAMED, "api.test" },
	{ "another record between", BYTES("\x16\x03\x01\0\x02\x01\0" "\x17\x03\x01\0\x01x"), HELLO_BROKEN, "" },
	{ "without extensions", BYTES("\x16\x03\x01\0\x2d\x01\0\0\x29" FRONT), HELLO_UNNAMED, "" },
	{ "with others only", BYTES("\x16\x03\x01\0\x34\x01\0\0\x30" FRONT "\0\x05\0\x17\0\x01x"), HELLO_UNNAMED, "" },
	{ "two names", BYTES("\x16\x03\x01\0\x4b\x01\0\0\x47" FRONT "\0\x1c" SNI("\0\x0a", "\0\x08", "\0\x05", "a.one")
	    SNI("\0\x0a", "\0\x08", "\0\x05", "b.two")), HELLO_BROKEN, "" },
	{ "a list of two names", BYTES("\x16\x03\x01\0\x45\x01\0\0\x41" FRONT "\0\x16" SNI("\0\x12", "\0\x10", "\0\x05", "a.one")
	    "\0\0\x05" "b.two"), HELLO_BROKEN, "" },
	{ "a zero in it", BYTES("\x16\x03\x01\0\x40\x01\0\0\x3c" FRONT "\0\x11" SNI("\0\x0d", "\0\x0b", "\0\x08", "api\0test")),
	    HELLO_BROKEN, "" },
	{ "an empty name", BYTES("\x16\x03\x01\0\x38\x01\0\0\x34" FRONT "\0\x09" SNI("\0\x05", "\0\x03", "\0\0", "")), HELLO_BROKEN, "" },
	{ "extensions past the end", BYTES("\x16\x03\x01\0\x2f\x01\0\0\x2b" FRONT "\0\x40"), HELLO_BROKEN, "" },
	{ "no ClientHello", BYTES("\x16\x03\x01\0\x04\x02\0\0\0"), HELLO_BROKEN, "" },
	{ "a record of nothing", BYTES("\x16\x03\x01\0\0"), HELLO_BROKEN, "" },
	{ "a record that is too long", BYTES("\x16\x03\x01\xff\xff"), HELLO_BROKEN, "" },
	{ "a message that is too long", BYTES("\x16\x03\x01\0\x04\x01\xff\xff\xff"), HELLO_BROKEN, "" },
};

static void
hellos_are_read(void **state)
{
	char	 name[EGRESS_HOST_BYTES_MAX + 1];

	(void)state;
	for (const struct hello_case *h = hellos; h < hellos + N_ITEMS(hellos); h++) {
		uint8_t		*bytes = copy(h->bytes, h->n);
		enum hello	 r = hello_look(bytes, h->n, name);

		if (r != h->r || strcmp(name, h->name) != 0)
			fail_msg("%s: %d \"%s\", not %d \"%s\"", h->why, r, name, h->r, h->name);
		/* However much of it is there: never a wrong name. */
		for (size_t n = 0; n < h->n; n++) {
			uint8_t	*part = copy(h->bytes, n);

			r = hello_look(part, n, name);
			if (h->r == HELLO_NAMED && r != HELLO_PART)
				fail_msg("%s: %zu bytes of it are %d", h->why, n, r);
			free(part);
		}
		free(bytes);
	}
}

/* A list that two readers would not read alike is refused; bytes turned round never make it read past its end. */
static void
hellos_are_shaken(void **state)
{
	char	 name[EGRESS_HOST_BYTES_MAX + 1];

	(void)state;
	for (const struct hello_case *h = hellos; h < hellos + N_ITEMS(hellos); h++)
		for (size_t at = 0; at < h->n; at++)
			for (int bit = 0; bit < 8; bit++) {
				uint8_t	*bytes = copy(h->bytes, h->n);

				bytes[at] ^= (uint8_t)(1 << bit);
				(void)hello_look(bytes, h->n, name);
				assert_true(strlen(name) <= EGRESS_HOST_BYTES_MAX);
				free(bytes);
			}
}

static void
names_are_known_by_the_policy(void **state)
{
	static struct wire_host	 hosts[] = { { "api.example.com", 443 }, { "*.wide.example", 80 }, { "10.0.0.5", 8080 } };
	const struct policy	 p = { .nrules = N_ITEMS(hosts), .hosts = hosts };

	(void)state;
	assert_null(policy_knows(&p, "api.example.com"));
	assert_null(policy_knows(&p, "a.b.wide.example"));
	assert_null(policy_knows(&p, "10.0.0.5"));
	assert_non_null(policy_knows(&p, "wide.example"));
	assert_non_null(policy_knows(&p, "other.example.com"));
	assert_non_null(policy_knows(&p, "api.example.com.evil.example"));
	assert_non_null(policy_knows(&p, "api"));
	assert_non_null(policy_knows(&p, ""));
	assert_non_null(policy_knows(&p, "localhost"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(questions_are_taken_apart),
		cmocka_unit_test(answers_are_made),
		cmocka_unit_test(hellos_are_read),
		cmocka_unit_test(hellos_are_shaken),
		cmocka_unit_test(names_are_known_by_the_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
