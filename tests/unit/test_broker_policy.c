/*
 * test_broker_policy.c -- what the broker takes for a host, a question, a rule's match and a public address.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "launcher/broker/address.h"
#include "launcher/broker/policy.h"
#include "worker/contract/util.h"

#define L63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"

static void
hosts(void **state)
{
	static const struct {
		const char	*host;
		enum host_kind	 want;
	} rows[] = {
		{ "api.github.com", HOST_NAME },
		{ "a.b", HOST_NAME },
		{ "xn--bcher-kva.example", HOST_NAME },
		{ "a-b.c--d.e0", HOST_NAME },
		{ "1.2.3.com", HOST_NAME },
		{ "0x7f.example", HOST_NAME },
		{ L63 ".example", HOST_NAME },
		{ L63 "." L63 "." L63 "." "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija", HOST_NAME },
		{ L63 "." L63 "." L63 "." "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijab", HOST_BAD },
		{ L63 "a.example", HOST_BAD },
		{ "localhost", HOST_LOCAL },
		{ "localhost.localdomain", HOST_NAME },
		{ "127.0.0.1", HOST_IPV4 },
		{ "93.184.216.34", HOST_IPV4 },
		{ "255.255.255.255", HOST_IPV4 },
		{ "", HOST_BAD },
		{ ".", HOST_BAD },
		{ "intranet", HOST_BAD },
		{ "com", HOST_BAD },
		{ "a..b", HOST_BAD },
		{ ".a.b", HOST_BAD },
		{ "a.b.", HOST_BAD },
		{ "A.example", HOST_BAD },
		{ "a_b.example", HOST_BAD },
		{ "-a.example", HOST_BAD },
		{ "a-.example", HOST_BAD },
		{ "*.example.com", HOST_BAD },
		{ "a b.example", HOST_BAD },
		{ "a%2f.example", HOST_BAD },
		{ "b\303\274cher.example", HOST_BAD },
		{ "user@a.example", HOST_BAD },
		{ "a.example:443", HOST_BAD },
		{ "[::1]", HOST_BAD },
		{ "::1", HOST_BAD },
		{ "::ffff:127.0.0.1", HOST_BAD },
		{ "2130706433", HOST_BAD },
		{ "0x7f000001", HOST_BAD },
		{ "017700000001", HOST_BAD },
		{ "127.1", HOST_BAD },
		{ "127.0.1", HOST_BAD },
		{ "0177.0.0.1", HOST_BAD },
		{ "0x7f.0.0.1", HOST_BAD },
		{ "127.0.0.01", HOST_BAD },
		{ "127.0.0.0x1", HOST_BAD },
		{ "127.0.0.256", HOST_BAD },
		{ "1.2.3.4.5", HOST_BAD },
		{ "a.0x", HOST_BAD },
		{ "a.0xzz", HOST_NAME },
		{ "a.0", HOST_BAD },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++)
		if (host_kind(rows[i].host) != rows[i].want)
			fail_msg("%s: kind %d, not %d", rows[i].host, host_kind(rows[i].host), rows[i].want);
}

static const struct {
	const char		*address;
	enum address_class	 want;
} address_rows[] = {
	{ "8.8.8.8", ADDRESS_GLOBAL },
	{ "93.184.216.34", ADDRESS_GLOBAL },
	{ "1.0.0.0", ADDRESS_GLOBAL },
	{ "9.255.255.255", ADDRESS_GLOBAL },
	{ "11.0.0.0", ADDRESS_GLOBAL },
	{ "100.63.255.255", ADDRESS_GLOBAL },
	{ "100.128.0.0", ADDRESS_GLOBAL },
	{ "126.255.255.255", ADDRESS_GLOBAL },
	{ "128.0.0.1", ADDRESS_GLOBAL },
	{ "168.63.129.15", ADDRESS_GLOBAL },
	{ "168.63.129.17", ADDRESS_GLOBAL },
	{ "169.253.255.255", ADDRESS_GLOBAL },
	{ "169.255.0.0", ADDRESS_GLOBAL },
	{ "172.15.255.255", ADDRESS_GLOBAL },
	{ "172.32.0.0", ADDRESS_GLOBAL },
	{ "192.0.1.0", ADDRESS_GLOBAL },
	{ "192.88.98.255", ADDRESS_GLOBAL },
	{ "192.167.255.255", ADDRESS_GLOBAL },
	{ "192.169.0.0", ADDRESS_GLOBAL },
	{ "198.17.255.255", ADDRESS_GLOBAL },
	{ "198.20.0.0", ADDRESS_GLOBAL },
	{ "223.255.255.255", ADDRESS_GLOBAL },
	{ "10.0.0.0", ADDRESS_PRIVATE },
	{ "10.255.255.255", ADDRESS_PRIVATE },
	{ "100.64.0.0", ADDRESS_PRIVATE },
	{ "100.127.255.255", ADDRESS_PRIVATE },
	{ "127.0.0.1", ADDRESS_PRIVATE },
	{ "127.255.255.254", ADDRESS_PRIVATE },
	{ "172.16.0.1", ADDRESS_PRIVATE },
	{ "172.31.255.255", ADDRESS_PRIVATE },
	{ "192.168.0.1", ADDRESS_PRIVATE },
	{ "192.168.255.255", ADDRESS_PRIVATE },
	{ "0.0.0.0", ADDRESS_NEVER },
	{ "0.255.255.255", ADDRESS_NEVER },
	{ "100.100.100.200", ADDRESS_NEVER },
	{ "168.63.129.16", ADDRESS_NEVER },
	{ "169.254.0.1", ADDRESS_NEVER },
	{ "169.254.169.254", ADDRESS_NEVER },
	{ "169.254.170.2", ADDRESS_NEVER },
	{ "192.0.0.1", ADDRESS_NEVER },
	{ "192.0.0.192", ADDRESS_NEVER },
	{ "192.0.2.1", ADDRESS_NEVER },
	{ "192.88.99.1", ADDRESS_NEVER },
	{ "198.18.0.1", ADDRESS_NEVER },
	{ "198.19.255.255", ADDRESS_NEVER },
	{ "198.51.100.1", ADDRESS_NEVER },
	{ "203.0.113.1", ADDRESS_NEVER },
	{ "224.0.0.1", ADDRESS_NEVER },
	{ "239.255.255.255", ADDRESS_NEVER },
	{ "240.0.0.1", ADDRESS_NEVER },
	{ "255.255.255.255", ADDRESS_NEVER },
	{ "2606:4700:4700::1111", ADDRESS_GLOBAL },
	{ "2a00:1450:4001::1", ADDRESS_GLOBAL },
	{ "2001:200::1", ADDRESS_GLOBAL },
	{ "2001:4860:4860::8888", ADDRESS_GLOBAL },
	{ "2003::1", ADDRESS_GLOBAL },
	{ "3ffe::1", ADDRESS_GLOBAL },
	{ "::1", ADDRESS_PRIVATE },
	{ "fc00::1", ADDRESS_PRIVATE },
	{ "fd12:3456:789a::1", ADDRESS_PRIVATE },
	{ "::", ADDRESS_NEVER },
	{ "::2", ADDRESS_NEVER },
	{ "::7f00:1", ADDRESS_NEVER },
	{ "::8.8.8.8", ADDRESS_NEVER },
	{ "::ffff:8.8.8.8", ADDRESS_NEVER },
	{ "::ffff:127.0.0.1", ADDRESS_NEVER },
	{ "::ffff:169.254.169.254", ADDRESS_NEVER },
	{ "::ffff:0:127.0.0.1", ADDRESS_NEVER },
	{ "64:ff9b::a9fe:a9fe", ADDRESS_NEVER },
	{ "64:ff9b::8.8.8.8", ADDRESS_GLOBAL },
	{ "64:ff9b::93.184.216.34", ADDRESS_GLOBAL },
	{ "64:ff9b::10.0.0.1", ADDRESS_PRIVATE },
	{ "64:ff9b::192.168.0.1", ADDRESS_PRIVATE },
	{ "64:ff9b::127.0.0.1", ADDRESS_NEVER },
	{ "64:ff9b::0.0.0.0", ADDRESS_NEVER },
	{ "64:ff9b::168.63.129.16", ADDRESS_NEVER },
	{ "64:ff9b::255.255.255.255", ADDRESS_NEVER },
	{ "64:ff9b::1:8.8.8.8", ADDRESS_NEVER },	/* not in the /96 */
	{ "64:ff9b:1::8.8.8.8", ADDRESS_GLOBAL },
	{ "64:ff9b:1::a00:1", ADDRESS_PRIVATE },
	{ "64:ff9b:1::169.254.169.254", ADDRESS_NEVER },
	{ "64:ff9b:1:808:8:800::", ADDRESS_GLOBAL },	/* 8.8.8.8 behind a /48 */
	{ "64:ff9b:1:a00:0:500::", ADDRESS_PRIVATE },	/* 10.0.0.5 behind a /48 */
	{ "64:ff9b:1:a00:0:500:808:808", ADDRESS_PRIVATE },
	{ "64:ff9b:1:a9fe:a9:fe00:808:808", ADDRESS_NEVER },
	{ "64:ff9b:1:a:0:5:808:808", ADDRESS_PRIVATE },	/* 10.0.0.5 behind a /56 */
	{ "64:ff9b:1:0:a:0:500:0", ADDRESS_PRIVATE },	/* 10.0.0.5 behind a /64 */
	{ "64:ff9b:2::8.8.8.8", ADDRESS_NEVER },
	{ "2606:4700::5efe:8.8.8.8", ADDRESS_NEVER },
	{ "2606:4700::200:5efe:10.0.0.1", ADDRESS_NEVER },
	{ "2606:4700::5eff:8.8.8.8", ADDRESS_GLOBAL },
	{ "fd12::5efe:10.0.0.1", ADDRESS_NEVER },
	{ "fe80::5efe:10.0.0.1", ADDRESS_NEVER },
	{ "fd00:c1::a9fe:a9fe", ADDRESS_NEVER },
	{ "fd00:42::42", ADDRESS_NEVER },
	{ "100::1", ADDRESS_NEVER },
	{ "2001::1", ADDRESS_NEVER },
	{ "2001:0:5ef5:79fd::1", ADDRESS_NEVER },
	{ "2001:2::1", ADDRESS_NEVER },
	{ "2001:10::1", ADDRESS_NEVER },
	{ "2001:1ff:ffff::1", ADDRESS_NEVER },
	{ "2001:db8::1", ADDRESS_NEVER },
	{ "2002:7f00:1::1", ADDRESS_NEVER },
	{ "2002:a9fe:a9fe::", ADDRESS_NEVER },
	{ "3fff::1", ADDRESS_NEVER },
	{ "4000::1", ADDRESS_NEVER },
	{ "5f00::1", ADDRESS_NEVER },
	{ "fd00:ec2::254", ADDRESS_NEVER },
	{ "fd20:ce::254", ADDRESS_NEVER },
	{ "fe80::1", ADDRESS_NEVER },
	{ "fec0::1", ADDRESS_NEVER },
	{ "ff02::1", ADDRESS_NEVER },
};

static void
addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(address_rows); i++) {
		struct sockaddr_storage	 ss = { 0 };
		struct sockaddr_in	*in = (struct sockaddr_in *)&ss;
		struct sockaddr_in6	*in6 = (struct sockaddr_in6 *)&ss;
		const struct sockaddr	*sa = (const struct sockaddr *)&ss;

		if (inet_pton(AF_INET, address_rows[i].address, &in->sin_addr) == 1)
			ss.ss_family = AF_INET;
		else if (inet_pton(AF_INET6, address_rows[i].address, &in6->sin6_addr) == 1)
			ss.ss_family = AF_INET6;
		else
			fail_msg("%s is no address", address_rows[i].address);
		if (address_class(sa) != address_rows[i].want)
			fail_msg("%s: class %d, not %d", address_rows[i].address, address_class(sa), address_rows[i].want);
		assert_int_equal(address_allowed(sa, false), address_rows[i].want == ADDRESS_GLOBAL);
		assert_int_equal(address_allowed(sa, true), address_rows[i].want != ADDRESS_NEVER);
	}
}

static void
other_families(void **state)
{
	struct sockaddr_storage	 ss = { .ss_family = AF_UNIX };
	struct sockaddr_in6	*in6 = (struct sockaddr_in6 *)&ss;

	(void)state;
	assert_int_equal(address_class((struct sockaddr *)&ss), ADDRESS_NEVER);
	ss.ss_family = AF_UNSPEC;
	assert_int_equal(address_class((struct sockaddr *)&ss), ADDRESS_NEVER);
	ss.ss_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, "2606:4700::1", &in6->sin6_addr), 1);
	assert_int_equal(address_class((struct sockaddr *)&ss), ADDRESS_GLOBAL);
	in6->sin6_scope_id = 1;
	assert_int_equal(address_class((struct sockaddr *)&ss), ADDRESS_NEVER);
}

static struct egress_question
ask(const char *host, uint16_t port)
{
	struct egress_question	q = { .port = port, .host_bytes = (uint16_t)strlen(host) };

	memcpy(q.host, host, strlen(host));
	return q;
}

static void
questions(void **state)
{
	struct egress_question	q = ask("api.example.com.", 443), out;
	char			long_packet[sizeof(q) + 1] = { 0 };

	(void)state;
	assert_int_equal(question_parse(&q, sizeof(q), &out), 0);
	assert_string_equal(out.host, "api.example.com");
	assert_int_equal(out.host_bytes, 15);

	memcpy(long_packet, &q, sizeof(q));
	assert_int_equal(question_parse(long_packet, sizeof(q) + 1, &out), -1);
	assert_int_equal(question_parse(&q, sizeof(q) - 1, &out), -1);
	assert_int_equal(question_parse(&q, 0, &out), -1);
	q.port = 0;
	assert_int_equal(question_parse(&q, sizeof(q), &out), -1);
	q = ask("api.example.com", 443);
	q.host_bytes = 0;
	assert_int_equal(question_parse(&q, sizeof(q), &out), -1);
	q.host_bytes = EGRESS_HOST_BYTES_MAX + 1;
	assert_int_equal(question_parse(&q, sizeof(q), &out), -1);
	q.host_bytes = UINT16_MAX;
	assert_int_equal(question_parse(&q, sizeof(q), &out), -1);
	q.host_bytes = 14;	/* one byte too few: what follows is no padding */
	assert_int_equal(question_parse(&q, sizeof(q), &out), -1);
	q.host_bytes = 16;	/* one too many: a NUL inside */
	assert_int_equal(question_parse(&q, sizeof(q), &out), -1);
	q = ask("api.example.com", 443);
	q.host[3] = '\0';
	assert_int_equal(question_parse(&q, sizeof(q), &out), -1);
	q = ask("api.example.com", 443);
	q.host[EGRESS_HOST_BYTES_MAX] = 'x';
	assert_int_equal(question_parse(&q, sizeof(q), &out), -1);
	q = ask("api example.com", 443);
	assert_int_equal(question_parse(&q, sizeof(q), &out), -1);
	q = ask("api\nexample.com", 443);
	assert_int_equal(question_parse(&q, sizeof(q), &out), -1);
	q = ask("b\303\274cher.example", 443);
	assert_int_equal(question_parse(&q, sizeof(q), &out), -1);
}

static void
rules(void **state)
{
	static const struct wire_host	hosts[] = {
		{ "api.example.com", 443 },
		{ "api.example.com", 8443 },
		{ "*.wild.example", 443 },
		{ "93.184.216.34", 443 },
		{ "localhost", 8080 },
		{ "10.1.2.3", 443 },
		{ "*.com", 444 },
		{ "*.2.3.4", 443 },
		{ "Upper.example", 443 },
		/* opened */
		{ "localhost", 0 },
		{ "10.1.2.3", 0 },
		{ "*.corp.wild.example", 0 },
	};
	static const struct {
		const char	*host;
		uint16_t	 port;
		bool		 pass, private_ok;
	} rows[] = {
		{ "api.example.com", 443, true, false },
		{ "api.example.com.", 443, true, false },
		{ "api.example.com", 8443, true, false },
		{ "api.example.com", 80, false, false },
		{ "xapi.example.com", 443, false, false },
		{ "x.api.example.com", 443, false, false },
		{ "example.com", 443, false, false },
		{ "example.com", 444, true, false },
		{ "a.wild.example", 443, true, false },
		{ "a.b.wild.example", 443, true, false },
		{ "wild.example", 443, false, false },
		{ "xwild.example", 443, false, false },
		{ "a.wild.example", 80, false, false },
		{ "db.corp.wild.example", 443, true, true },
		{ "*.wild.example", 443, false, false },
		{ "93.184.216.34", 443, true, false },
		{ "93.184.216.35", 443, false, false },
		{ "1.2.3.4", 443, false, false },
		{ "localhost", 8080, true, true },
		{ "localhost.", 8080, true, true },
		{ "localhost", 80, false, true },
		{ "10.1.2.3", 443, true, true },
		{ "upper.example", 443, false, false },
		{ "Upper.example", 443, false, false },
		{ "api.example.com..", 443, false, false },
		{ ".", 443, false, false },
	};
	struct wire_open	w = { .nrules = 9, .nopened = 3 };
	struct policy		p;
	struct egress_question	q, in;

	(void)state;
	memcpy(w.hosts, hosts, sizeof(hosts));
	assert_int_equal(policy_take(&p, &w, WIRE_OPEN_BYTES(N_ITEMS(hosts))), 0);
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		bool		 private_ok;
		const char	*why;

		in = ask(rows[i].host, rows[i].port);
		assert_int_equal(question_parse(&in, sizeof(in), &q), 0);
		why = policy_refuses(&p, &q, &private_ok);
		if ((why == NULL) != rows[i].pass || (rows[i].pass && private_ok != rows[i].private_ok))
			fail_msg("%s:%u: %s, private %d", rows[i].host, rows[i].port, why ? why : "passes", private_ok);
	}
	policy_free(&p);
	/* localhost listed, not opened */
	w.nopened = 0;
	assert_int_equal(policy_take(&p, &w, WIRE_OPEN_BYTES(9)), 0);
	in = ask("localhost", 8080);
	assert_non_null(policy_refuses(&p, &in, &(bool){ false }));
	policy_free(&p);
}

static void
policies(void **state)
{
	struct wire_open	*w = calloc(1, sizeof(*w));
	struct policy		 p;

	(void)state;
	assert_non_null(w);
	assert_int_equal(policy_take(&p, w, WIRE_OPEN_BYTES(0)), 0);
	policy_free(&p);
	assert_int_equal(policy_take(&p, w, WIRE_OPEN_BYTES(0) - 1), -1);
	w->nrules = 1;
	assert_int_equal(policy_take(&p, w, WIRE_OPEN_BYTES(0)), -1);
	assert_int_equal(policy_take(&p, w, WIRE_OPEN_BYTES(2)), -1);
	memset(w->hosts[0].host, 'a', sizeof(w->hosts[0].host));
	assert_int_equal(policy_take(&p, w, WIRE_OPEN_BYTES(1)), -1);
	w->nrules = WIRE_RULES_MAX + 1;
	assert_int_equal(policy_take(&p, w, WIRE_OPEN_BYTES(WIRE_RULES_MAX + 1)), -1);
	w->nrules = 0;
	w->nopened = WIRE_OPENED_MAX + 1;
	assert_int_equal(policy_take(&p, w, WIRE_OPEN_BYTES(WIRE_OPENED_MAX + 1)), -1);
	free(w);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(hosts),
		cmocka_unit_test(addresses),
		cmocka_unit_test(other_families),
		cmocka_unit_test(questions),
		cmocka_unit_test(rules),
		cmocka_unit_test(policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
