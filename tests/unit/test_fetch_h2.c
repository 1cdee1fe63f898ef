/*
 * test_fetch_h2.c -- HTTP/2, spoken by haproxy.
 */
#include "tests/unit/fetch_server.h"
#include "tests/unit/fetch_ident.h"

#define TOGETHER	4u

/* haproxy: TLS and HTTP/2 in front of the plain server. */
struct front {
	char		 dir[64], pem[96], cfg[96];
	pid_t		 pid;
	uint16_t	 port;
};

static bool
front_start(struct front *fr, const struct ident *id)
{
	int	 fd;
	FILE	*file;

	if (system("command -v haproxy >/dev/null || test -x /usr/sbin/haproxy") != 0)
		return false;
	assert_non_null(mkdtemp(fr->dir));
	snprintf(fr->pem, sizeof(fr->pem), "%s/server.pem", fr->dir);
	snprintf(fr->cfg, sizeof(fr->cfg), "%s/haproxy.cfg", fr->dir);
	fd = listener(&fr->port);
	assert_non_null(file = fopen(fr->pem, "w"));
	PEM_write_X509(file, id->cert);
	PEM_write_PrivateKey(file, id->key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	assert_non_null(file = fopen(fr->cfg, "w"));
	fprintf(file, "global\n\tmaxconn 100\ndefaults\n\tmode http\n\ttimeout connect 5s\n\ttimeout client 60s\n"
	    "\ttimeout server 60s\nlisten h2\n\tbind fd@%d ssl crt %s alpn h2\n"
	    "\thttp-request set-header X-Version %%[req.ver]\n\tserver s 127.0.0.1:%u\n", fd, fr->pem, server_port);
	fclose(file);
	if ((fr->pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin", 1);
		execlp("haproxy", "haproxy", "-q", "-db", "-f", fr->cfg, (char *)NULL);
		_exit(127);
	}
	close(fd);
	return true;
}

static void
front_stop(const struct front *fr)
{
	kill(fr->pid, SIGKILL);
	waitpid(fr->pid, NULL, 0);
	unlink(fr->pem);
	unlink(fr->cfg);
	rmdir(fr->dir);
}

static unsigned int	 connects;

static int
counted_connect(const char *host, uint16_t port, struct error *e)
{
	connects++;
	return plain_connect(host, port, e);
}

static int
one_done(void *arg, size_t i, struct fetch_response *rs, struct error *e)
{
	unsigned int	*n = arg;

	(void)i;
	(void)e;
	*n += cJSON_IsObject(rs->body) || cJSON_IsString(rs->body);
	return 0;
}

/* Many requests together on one connection, with rows, a failure among them, and answers that do not fit. */
static void
h2_requests(struct fetch *f)
{
	struct fetch_request	 rqs[20], mixed[] = { { .path = "/hang" }, { .path = "/lost" }, { .path = "/hang" } };
	struct rows_seen	 seen[20] = { 0 };
	unsigned int		 n = 0;

	for (size_t i = 0; i < N_ITEMS(rqs); i++)
		rqs[i] = (struct fetch_request){ .path = "/g" };
	assert_int_equal(fetch_many(f, rqs, N_ITEMS(rqs), one_done, &n, &err), 0);
	assert_int_equal(n, N_ITEMS(rqs));
	assert_int_equal(shared->peak, TOGETHER);
	assert_non_null(strcasestr(shared->asked[0], "x-version: 2.0\r\n"));
	assert_int_equal(connects, 1);

	for (size_t i = 0; i < N_ITEMS(rqs); i++)
		rqs[i] = (struct fetch_request){ .path = "/r", .rows = "/rows", .on_row = row_seen, .arg = &seen[i] };
	assert_int_equal(fetch_many(f, rqs, N_ITEMS(rqs), one_done, &n, &err), 0);
	for (size_t i = 0; i < N_ITEMS(rqs); i++)
		assert_int_equal(seen[i].n, 2000);
	assert_int_equal(fetch_many(f, mixed, N_ITEMS(mixed), one_done, &n, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	err = ERROR_NONE;
	/* A connection on which answers were given up is not used again. */
	assert_int_equal(connects, 1);
	assert_int_equal(fetch_get(f, "/r", NULL, &err), 0);
	assert_int_equal(connects, 2);

	n = 0;
	for (size_t i = 0; i < TOGETHER; i++)
		rqs[i] = (struct fetch_request){ .path = "/b" };
	assert_int_equal(fetch_many(f, rqs, TOGETHER, one_done, &n, &err), 0);
	assert_int_equal(n, TOGETHER);
	assert_in_range(shared->hits[3], 5, 7);
	assert_int_equal(connects, 2);
}

static void
test_h2(void **state)
{
	static const struct route	 routes[] = { { "/g", { { 200, "{}", NULL, HOW_GATE } } },
		{ "/r", { { 200, "2000", NULL, HOW_ROWS } } }, { "/hang", { { 200, "", NULL, HOW_HANG } } },
		{ "/b", { { 200, NULL, NULL, HOW_BLOB } } } };
	struct ident			 id = ident_make(HOST, NULL, false, -DAY_S, DAY_S);
	autofree char			*pem = pem_of(id.cert), *blob = NULL;
	struct front			 fr = { .pid = -1, .dir = "/tmp/test_fetch_h2.XXXXXX" };
	char				 base[64];
	struct fetch			*f;

	(void)state;
	server_blob = blob = server_blob_make();
	server_gate = TOGETHER;
	server_start(routes, N_ITEMS(routes));
	if (!front_start(&fr, &id)) {
		server_stop();
		skip();
	}
	snprintf(base, sizeof(base), "https://" HOST ":%u", fr.port);
	assert_non_null(f = client_new((struct fetch_options){ .base_url = base, .ca_bundle = pem, .parallel = TOGETHER }));
	fetch_connect = counted_connect;
	h2_requests(f);
	fetch_free(f);
	front_stop(&fr);
	server_stop();
	X509_free(id.cert);
	EVP_PKEY_free(id.key);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = { cmocka_unit_test(test_h2) };
	struct error		 e = ERROR_NONE;

	if (fetch_preload(&e) == -1)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
