/*
 * test_fetch_tls.c -- whom fetch believes, against a TLS server with certificates made for each case.
 */
#include "tests/unit/fetch_server.h"
#include "tests/unit/fetch_ident.h"

#include "worker/contract/worker_fd.h"
#include "worker/runtime/runtime.h"

#define REUSED		1	/* of the server's counters: handshakes with a session of before */

enum who { ROOT, MIDDLE, LEAF, STRANGER, WHO__MAX };

struct tls_case {
	const char	*name;
	enum who	 trusted;	/* as caBundle; WHO__MAX: none is given */
	bool		 sends_middle;
	bool		 middle_no_ca;
	const char	*leaf;		/* NULL: HOST */
	long		 from_s, until_s;	/* of the leaf, from now; until 0: a day */
	int		 most;		/* TLS version; 0: any */
	const char	*says;		/* of the refusal; NULL: it is believed */
};

static const struct tls_case	 cases[] = {
	{ "a chain up to the given root", ROOT, true },
	{ "a given intermediate, its root unknown", MIDDLE },
	{ "the server's own certificate given", LEAF },
	{ "nothing is given", WHO__MAX, true, .says = "caBundle" },
	{ "another CA is given", STRANGER, true, .says = "caBundle" },
	{ "the chain has a gap", ROOT, false, .says = "caBundle" },
	{ "another host's", ROOT, true, .leaf = "other.example", .says = "host name" },
	{ "a wildcard for another domain", ROOT, true, .leaf = "*.other.example", .says = "host name" },
	{ "expired", ROOT, true, .from_s = -2 * DAY_S, .until_s = -DAY_S, .says = "clock" },
	{ "not valid yet", ROOT, true, .from_s = DAY_S, .until_s = 2 * DAY_S, .says = "not yet valid" },
	{ "issued by what is no CA", ROOT, true, true, .says = "CA" },
	{ "issued by what is no CA, though given", MIDDLE, true, true, .says = "CA" },
	{ "an old protocol", ROOT, true, .most = TLS1_1_VERSION, .says = "alert protocol version" },
};

static void
tls_serve(int fd, const struct tls_case *t, const struct ident who[WHO__MAX])
{
	SSL_CTX		*ctx = SSL_CTX_new(TLS_server_method());
	const char	*answer = "HTTP/1.1 200 X\r\nContent-Length: 1\r\n\r\n1";
	char		 text[4096];
	int		 c;

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, t->most);
	SSL_CTX_use_certificate(ctx, who[LEAF].cert);
	SSL_CTX_use_PrivateKey(ctx, who[LEAF].key);
	if (t->sends_middle)
		SSL_CTX_add1_chain_cert(ctx, who[MIDDLE].cert);
	while ((c = accept(fd, NULL, NULL)) != -1) {
		SSL	*ssl = SSL_new(ctx);

		shared->connections++;
		SSL_set_fd(ssl, c);
		if (SSL_accept(ssl) == 1 && (shared->hits[REUSED] += SSL_session_reused(ssl) == 1) < UINT_MAX)
			while (SSL_read(ssl, text, sizeof(text)) > 0) {
				shared->hits[0]++;
				SSL_write(ssl, answer, (int)strlen(answer));
			}
		SSL_free(ssl);
		close(c);
	}
	_exit(0);
}

/* A listening socket on loopback, and its port. */
static void
tls_start(const struct tls_case *t, const struct ident who[WHO__MAX])
{
	int	 fd = listener(&server_port);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	if ((server_pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		tls_serve(fd, t, who);
	}
	setpgid(server_pid, server_pid);
	close(fd);
}

static void
idents_make(const struct tls_case *t, struct ident who[WHO__MAX])
{
	static int	 run;
	char		 root[32], middle[32];

	/* The store outlives a case. */
	snprintf(root, sizeof(root), "root %d", ++run);
	snprintf(middle, sizeof(middle), "middle %d", run);
	who[ROOT] = ident_make(root, NULL, true, -DAY_S, DAY_S);
	who[STRANGER] = ident_make("stranger", NULL, true, -DAY_S, DAY_S);
	who[MIDDLE] = ident_make(middle, &who[ROOT], !t->middle_no_ca, -DAY_S, DAY_S);
	who[LEAF] = ident_make(t->leaf == NULL ? HOST : t->leaf, &who[MIDDLE], false,
	    t->from_s == 0 ? -DAY_S : t->from_s, t->until_s == 0 ? DAY_S : t->until_s);
}

static void
idents_free(struct ident who[WHO__MAX])
{
	for (size_t i = 0; i < WHO__MAX; i++) {
		X509_free(who[i].cert);
		EVP_PKEY_free(who[i].key);
	}
}

/* Who is not believed gets no request, and no second try. */
static void
test_trust(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(cases); i++) {
		const struct tls_case	*t = &cases[i];
		struct ident		 who[WHO__MAX];
		struct fetch_options	 o = { .attempts = 2, .auth = { .kind = AUTH_BEARER, .secret = "a-secret" } };
		char			 base[64];
		autofree char		*pem = NULL;
		autojson		*out = NULL;
		struct fetch		*f;
		int			 r;

		idents_make(t, who);
		tls_start(t, who);
		snprintf(base, sizeof(base), "https://" HOST ":%u", server_port);
		o.base_url = base;
		o.ca_bundle = pem = t->trusted == WHO__MAX ? NULL : pem_of(who[t->trusted].cert);
		assert_non_null(f = client_new(o));
		r = fetch_get(f, "/a", &out, &err);
		print_message("%s: %d %s\n", t->name, r, err.msg);
		assert_int_equal(r, t->says == NULL ? 0 : -1);
		assert_int_equal(shared->hits[0], t->says == NULL ? 1 : 0);
		if (t->says != NULL) {
			assert_int_equal(err.code, ERR_UPSTREAM);
			assert_non_null(strstr(err.msg, t->says));
			assert_true(t->most != 0 || shared->connections == 1);
		}
		fetch_free(f);
		server_stop();
		idents_free(who);
	}
}

static int64_t	 given_ms;	/* how long it may be kept */
#define HANDED_MS	50000	/* how long what is handed in may still be */

/* What the runtime would tell its launcher at the end, as a request brings it back; "{}" where that is nothing. */
static char *
given(void)
{
	char			 line[2 * CACHE_VALUE_BYTES_MAX], *out = NULL;
	int			 ends[2], old = dup(FD_RESULT);
	ssize_t			 n;
	struct line_facts	 facts;
	struct kept_value	 v;
	struct error		 e = ERROR_NONE;

	assert_int_equal(pipe(ends), 0);
	fflush(stdout);
	dup2(ends[1], FD_RESULT);
	sessions_give();
	dup2(old, FD_RESULT);
	close(old);
	close(ends[1]);
	n = read(ends[0], line, sizeof(line));
	close(ends[0]);
	if (n == 0)
		return strdup("{}");
	assert_true(n > 1 && line[n - 1] == '\n' && memchr(line, '\n', (size_t)n) == line + n - 1);
	assert_int_equal(line_judge(line, (size_t)n - 1, &facts, &e), 0);
	assert_int_equal(facts.record, REC_CACHE);
	assert_int_equal(kept_value_read(line, &facts, &v, &e), 0);
	assert_int_equal(kept_kind(v.name, v.name_bytes), KEPT_SESSION);
	given_ms = v.ttl_ms;
	assert_true(asprintf(&out, "{\"%.*s\":{\"ttlMs\":%d,\"value\":\"%.*s\"}}", (int)v.name_bytes, v.name, HANDED_MS, (int)v.value_bytes,
	    v.value) > 0);
	return out;
}

/* One invocation: what it was handed, and what it gave. */
static char *
invoked(const char *base, const char *pem, const char *handed, unsigned int kinds, unsigned int requests)
{
	struct fetch_options	 o = { .base_url = base, .attempts = 1, .ca_bundle = pem };
	autojson		*values = handed == NULL ? NULL : cJSON_Parse(handed);
	struct fetch		*f;
	char			*out;

	sessions_forget();
	cache_setup(values, kinds);
	assert_non_null(f = client_new(o));
	for (unsigned int i = 0; i < requests; i++) {
		autojson	*body = NULL;

		if (fetch_get(f, "/a", &body, &err) == -1)
			fail_msg("%s", err.msg);
	}
	fetch_free(f);
	out = given();
	cache_setup(NULL, 0);
	return out;
}

/* A session of one invocation is used by the next, if it is for the same server, and asked for. */
static void
test_sessions(void **state)
{
	static const struct tls_case	 versions[] = {
		{ "TLS 1.3", ROOT, true }, { "TLS 1.2", ROOT, true, .most = TLS1_2_VERSION },
	};
	const unsigned int		 tls = 1u << KEPT_SESSION, both = tls | 1u << KEPT_TOKEN;

	(void)state;
	for (size_t i = 0; i < N_ITEMS(versions); i++) {
		struct ident	 who[WHO__MAX];
		char		 base[64];
		autofree char	*pem = NULL, *first = NULL, *second = NULL, *third = NULL, *none = NULL, *off = NULL, *junk = NULL,
				*late = NULL, *wrong = NULL;

		idents_make(&versions[i], who);
		tls_start(&versions[i], who);
		snprintf(base, sizeof(base), "https://" HOST ":%u", server_port);
		pem = pem_of(who[ROOT].cert);
		first = invoked(base, pem, "{}", both, 3);
		assert_int_equal(shared->connections, 1);
		assert_int_equal(shared->hits[REUSED], 0);
		assert_string_not_equal(first, "{}");
		assert_in_range(given_ms, HANDED_MS + 1000, CACHE_TTL_MS_MAX);
		/* What comes of a session lives no longer than that: the certificate is looked at again one day. */
		given_ms = 1;
		second = invoked(base, pem, first, tls, 1);
		assert_int_equal(shared->hits[REUSED], 1);
		assert_in_range(given_ms, i == 0 ? 2 : 1, HANDED_MS);
		/* It may be used by several at once, and each gives the next. */
		third = invoked(base, pem, first, tls, 1);
		assert_int_equal(shared->hits[REUSED], 2);
		if (strcmp(third, "{}") != 0) {
			late = invoked(base, pem, third, tls, 1);
			assert_int_equal(shared->hits[REUSED], 3);
		}
		shared->hits[REUSED] = 0;
		/* Not asked for; not kept by this launcher; of another server; broken. */
		none = invoked(base, pem, first, 1u << KEPT_TOKEN, 1);
		assert_string_equal(none, "{}");
		off = invoked(base, pem, NULL, tls, 1);
		assert_string_equal(off, "{}");
		wrong = strdup(first);
		wrong[strlen("{\"tls:")] ^= 1;
		free(junk);
		junk = invoked(base, pem, wrong, tls, 1);
		assert_string_not_equal(junk, "{}");
		strcpy(strstr(wrong, "\"value\":\"") + strlen("\"value\":\""), "AAAA\"}}");
		wrong[strlen("{\"tls:")] ^= 1;
		free(junk);
		junk = invoked(base, pem, wrong, tls, 1);
		assert_string_not_equal(junk, "{}");
		assert_int_equal(shared->hits[REUSED], 0);
		server_stop();
		idents_free(who);
	}
}

/* A session is no way around the name: kept for one host, and its certificate, it is not believed of another. */
static void
test_session_name(void **state)
{
	const struct tls_case	 t = { "its session comes before its name is looked at", ROOT, true, .most = TLS1_2_VERSION };
	struct ident		 who[WHO__MAX];
	struct fetch_options	 o = { .attempts = 1 };
	char			 base[64], name[64], text[2 * CACHE_VALUE_BYTES_MAX];
	autofree char		*pem = NULL, *first = NULL, *mine = NULL;
	autojson		*values = NULL, *out = NULL;
	struct fetch		*f;

	(void)state;
	idents_make(&t, who);
	tls_start(&t, who);
	pem = pem_of(who[ROOT].cert);
	snprintf(base, sizeof(base), "https://" HOST ":%u", server_port);
	first = invoked(base, pem, "{}", 1u << KEPT_SESSION, 1);
	/* What the runtime calls the session of the other host, by its own word; its certificate does not name that. */
	snprintf(base, sizeof(base), "https://elsewhere.example:%u", server_port);
	o.base_url = base;
	o.ca_bundle = pem;
	sessions_forget();
	values = cJSON_Parse("{}");
	cache_setup(values, 1u << KEPT_SESSION);
	assert_non_null(f = client_new(o));
	assert_int_equal(fetch_get(f, "/a", &out, &err), -1);
	fetch_free(f);
	mine = given();
	err = ERROR_NONE;
	assert_int_equal(sscanf(mine, "{\"%63[^\"]", name), 1);
	snprintf(text, sizeof(text), "{\"%s\"%s", name, strchr(first + 2, '"') + 1);
	cJSON_Delete(values);
	assert_non_null(values = cJSON_Parse(text));
	sessions_forget();
	cache_setup(values, 1u << KEPT_SESSION);
	assert_non_null(f = client_new(o));
	assert_int_equal(fetch_get(f, "/a", &out, &err), -1);
	/* The server finishes after us. */
	assert_true(server_wait(&shared->hits[REUSED], 1));
	assert_int_equal(err.code, ERR_UPSTREAM);
	err = ERROR_NONE;
	fetch_free(f);
	sessions_forget();
	cache_setup(NULL, 0);
	assert_int_equal(shared->hits[0], 1);
	server_stop();
	idents_free(who);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = { cmocka_unit_test(test_trust), cmocka_unit_test(test_sessions),
	    cmocka_unit_test(test_session_name) };
	struct error		 e = ERROR_NONE;

	if (fetch_preload(&e) == -1)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
