/*
 * tls_rows.c -- HTTPS: one page of accounts by a parked worker, and by a program that runs already with libcurl loaded
 * and the authorities read (warm.c).  Both make a new connection and a full handshake for each.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/bench/bench.h"
#include "tests/bench/call.h"
#include "tests/bench/invoked.h"
#include "worker/contract/util.h"

#define PEOPLE		100	/* of a page */
#define PARKED		8
#define PACE_MS		30
#define CONFIG_BYTES	(64 * 1024)
#define ANSWER_BYTES	(64 * 1024)

enum kind { PROGRAM, PROGRAM_TWICE, WORKER };

static struct service	 warm = { .name = "warm" };

/* The request, with the config of that source in it. */
static int
request_make(const struct practice *p, char *out, size_t n, struct error *e)
{
	static char	 config[CONFIG_BYTES];
	FILE		*f = fopen(p->config, "r");
	size_t		 len = f == NULL ? 0 : fread(config, 1, sizeof(config) - 1, f);

	if (f != NULL)
		fclose(f);
	config[len] = '\0';
	config[strcspn(config, "\n")] = '\0';
	if (len == 0 || (size_t)snprintf(out, n, "{\"type\":\"std:account:list\",\"input\":{},\"config\":%s}", config) >= n)
		return error_set(e, ERR_SYSTEM, "%s cannot be used", p->config);
	return 0;
}

/* One list, which must be a parked worker's. */
static int
list_once(struct connector_ref *ref, const char *request, struct sample *s, struct error *e)
{
	unsigned int	 before = core_count().parked;
	struct invoked	 v;

	if (invoked_begin(&v, ref, request, e) == -1)
		return -1;
	if (core_count().parked + 1 != before)
		(void)error_set(e, ERR_SYSTEM, "it got no parked worker");
	if (invoked_end(&v, e) == -1)
		return -1;
	*s = (struct sample){ .first_ns = v.first_ns, .reaped_ns = v.end_ns };
	return v.records == PEOPLE ? 0 : error_set(e, ERR_GENERIC, "%llu accounts of %d", (unsigned long long)v.records, PEOPLE);
}

static int
by_worker(const struct practice *p, struct sample *s, int n, struct error *e)
{
	static char		 request[CONFIG_BYTES + 256];
	struct connector_ref	 ref;
	int			 bad;

	if (request_make(p, request, sizeof(request), e) == -1 || connector_find(bench_path("connectors/scim"), &ref, e) == -1)
		return -1;
	bad = invoked_plan(PARKED, e) == -1 || invoked_once(&ref, request, &s[0], e) == -1 || invoked_fill(e) == -1;
	for (int i = 0; i < n && !bad; i++) {
		bench_sleep(PACE_MS);
		bad = list_once(&ref, request, &s[i], e) == -1;
	}
	bad = invoked_plan(0, e) == -1 || bad;
	connector_free(&ref);
	return bad ? -1 : 0;
}

/* Its rows, up to the line with a dot. */
static int
warm_ask(int fd, enum kind k, struct sample *s, struct error *e)
{
	static char	 buf[ANSWER_BYTES];
	int64_t		 start = now_ns();
	char		 last[3] = "";
	ssize_t		 n;

	*s = (struct sample){ 0 };
	if (write(fd, k == PROGRAM_TWICE ? "2" : "1", 1) != 1)
		return error_sys(e, "warm");
	do {
		if ((n = read(fd, buf, sizeof(buf))) <= 0)
			return error_set(e, ERR_SYSTEM, "warm ended: see bench/warm.log");
		if (s->first_ns == 0)
			s->first_ns = now_ns() - start;
		for (ssize_t i = n > 3 ? n - 3 : 0; i < n; i++) {
			memmove(last, last + 1, 2);
			last[2] = buf[i];
		}
	} while (memcmp(last, "\n.\n", 3) != 0);
	s->reaped_ns = now_ns() - start;
	return 0;
}

static int
by_program(const struct practice *p, enum kind k, struct sample *s, int n, struct error *e)
{
	static int		 fd = -1;
	struct sockaddr_un	 a = { .sun_family = AF_UNIX };
	char			 url[512], behind[512];
	const char		*argv[] = { bench_path("tests/bench/warm"), url, behind, p->authority, "practice", a.sun_path, NULL };
	struct sample		 first;

	snprintf(url, sizeof(url), "%s/Users?startIndex=1&count=%d", p->url, PEOPLE);
	snprintf(behind, sizeof(behind), "%s/Users?startIndex=%d&count=1", p->url, PEOPLE + 1);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/warm", service_folder());
	if (service_start(&warm, argv, NULL, "ready", e) == -1)
		return -1;
	if (fd == -1 && ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1))
		return error_sys(e, "%s", a.sun_path);
	if (warm_ask(fd, k, &first, e) == -1)
		return -1;
	for (int i = 0; i < n; i++) {
		bench_sleep(PACE_MS);
		if (warm_ask(fd, k, &s[i], e) == -1)
			return -1;
	}
	return 0;
}

static int
tls_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	struct practice	*p = practice_start(PEOPLE, true, e);

	if (p == NULL)
		return -1;
	return r->kind == WORKER ? by_worker(p, s, n, e) : by_program(p, (enum kind)r->kind, s, n, e);
}

const struct row tls_rows[] = {
	{ "https-curl", "HTTPS page by a warm libcurl program", .run = tls_run, .kind = PROGRAM, .block = 6 },
	{ "https-curl-two", "it, and what is behind the last row, as the worker asks", .floor = "https-curl", .run = tls_run,
	    .kind = PROGRAM_TWICE, .block = 6 },
	{ "https-list", "HTTPS list of one page, parked worker", .floor = "https-curl", .other = "https-curl-two", .run = tls_run,
	    .kind = WORKER, .block = 6 },
	{ 0 }
};
