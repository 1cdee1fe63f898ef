/*
 * serve_rows.c -- the same through the HTTP API: a unix socket, connections that are kept.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/http.h"
#include "tests/bench/serve.h"
#include "worker/contract/util.h"

#define PATH		"/v1/connectors/connector/invoke"
#define STREAM_PATH	"/v1/connectors/scim/invoke"
#define IN_FLIGHT	4
#define RATE_CALLS	200	/* of one sample of a rate */
#define FILL_MS		1200	/* the pool looks after itself once a second */
#define SERVE_MS	30000

/* No id: two with one are not to be in flight. */
#define RATE_REQUEST	"{\"type\":\"std:account:read\",\"config\":{},\"input\":{\"identity\":\"john.doe\"}}"

enum kind { PARKED, COLD, RATE, STREAM };

/* One keeps enough for a block at one per 10 ms; the other none. */
static struct server	 parking = { .service.name = "serve-parked", .connectors = { "tests/bench" },
			    .options = { "--parked-min", "32", "--parked-max", "128" } },
			 direct = { .service.name = "serve-direct", .connectors = { "tests/bench", "connectors" },
			    .options = { "--parked-max", "0", "--allow-private", "127.0.0.1" } };

int
server_start(struct server *s, struct error *e)
{
	const char	*argv[8 + SERVER_OPTIONS_MAX] = { bench_path("bin/bascule"), "serve", "--listen", s->place };
	char		 folders[SERVER_FOLDERS_MAX * PATH_BYTES] = "BASCULE_CONNECTORS=";
	const char	*env[] = { folders, NULL };
	size_t		 at = 4;

	if (s->service.pid != 0)
		return 0;
	for (int i = 0; i < SERVER_FOLDERS_MAX && s->connectors[i] != NULL; i++)
		snprintf(folders + strlen(folders), sizeof(folders) - strlen(folders), "%s%s", i > 0 ? ":" : "", bench_path(s->connectors[i]));
	snprintf(s->socket, sizeof(s->socket), "%s/%s", service_folder(), s->service.name);
	snprintf(s->place, sizeof(s->place), "unix:%s", s->socket);
	for (int i = 0; i < SERVER_OPTIONS_MAX && s->options[i] != NULL; i++)
		argv[at++] = s->options[i];
	return service_start(&s->service, argv, env, "\"listening\"", e);
}

static int
asked(struct http *h, struct sample *s, struct error *e)
{
	if (http_ask(h, e) == -1)
		return -1;
	*s = (struct sample){ .first_ns = h->first_ns, .reaped_ns = h->end_ns };
	return h->lines == 1 ? 0 : error_set(e, ERR_GENERIC, "%llu records, not one", (unsigned long long)h->lines);
}

static int
ask_all(struct http *h, enum kind k, struct sample *s, int n, struct error *e)
{
	struct sample	 first;

	/* The first on a connection is none of the samples, nor is what the pool does after a block. */
	if (http_prepare(h, PATH, HTTP_REQUEST, e) == -1 || asked(h, &first, e) == -1)
		return -1;
	if (k == PARKED)
		bench_sleep(FILL_MS);
	for (int i = 0; i < n; i++) {
		if (k == PARKED)
			bench_pace();
		if (asked(h, &s[i], e) == -1)
			return -1;
	}
	if (k == PARKED)
		bench_sleep(FILL_MS);
	return 0;
}

static int
rate(const char *place, struct sample *s, struct error *e)
{
	static struct http	 h[IN_FLIGHT];
	struct pollfd		 p[IN_FLIGHT];
	int			 started = 0, ended = 0, r = 0;
	int64_t			 start;

	for (int i = 0; i < IN_FLIGHT; i++)
		if (http_open(&h[i], place, e) == -1 || http_prepare(&h[i], PATH, RATE_REQUEST, e) == -1)
			return -1;
	start = now_ns();
	for (int i = 0; i < IN_FLIGHT && r != -1; i++, started++) {
		p[i] = (struct pollfd){ .fd = h[i].fd, .events = POLLIN };
		r = http_send(&h[i], e);
	}
	while (ended < RATE_CALLS && r != -1) {
		if (poll(p, IN_FLIGHT, SERVE_MS) <= 0)
			r = error_set(e, ERR_TIMEOUT, "no answer");
		for (int i = 0; i < IN_FLIGHT && r != -1; i++) {
			if (p[i].revents == 0 || (r = http_take(&h[i], e)) != 1)
				continue;
			ended++;
			if (started++ < RATE_CALLS)
				r = http_send(&h[i], e);
			else
				p[i].fd = -1;
		}
	}
	*s = (struct sample){ 0 };
	s->first_ns = s->reaped_ns = (int64_t)(RATE_CALLS * 1e9 / (double)(now_ns() - start));
	for (int i = 0; i < IN_FLIGHT; i++)
		http_close(&h[i]);
	return r == -1 ? -1 : 0;
}

int
stream_rate(const char *place, const char *path, struct practice *p, struct sample *s, struct error *e)
{
	char		 body[PATH_BYTES];
	struct http	 h;
	int		 r = -1;

	snprintf(body, sizeof(body), "{\"type\":\"std:account:list\",\"input\":{},\"config\":{\"baseUrl\":\"%s\",\"token\":\"practice\","
	    "\"pageSize\":%d}}", p->url, SOURCE_PAGE);
	if (http_open(&h, place, e) == 0 && http_prepare(&h, path, body, e) == 0 && http_ask(&h, e) == 0)
		r = h.lines == (uint64_t)p->users ? 0 :
		    error_set(e, ERR_GENERIC, "%llu accounts of %d", (unsigned long long)h.lines, p->users);
	if (r == 0)
		*s = (struct sample){ .first_ns = (int64_t)((double)h.lines * 1e9 / (double)h.end_ns), .faults = 0 };
	s->reaped_ns = s->first_ns;
	http_close(&h);
	return r;
}

static int
serve_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	enum kind	 k = (enum kind)r->kind;
	struct server	*server = k == PARKED ? &parking : &direct;
	struct practice	*p;
	struct http	 h;
	int		 bad;

	if (server_start(server, e) == -1)
		return -1;
	if (k == RATE)
		return rate(server->place, s, e);
	if (k == STREAM)
		return (p = practice_start(stream_people(), false, e)) == NULL ? -1 : stream_rate(server->place, STREAM_PATH, p, s, e);
	bad = http_open(&h, server->place, e) == -1 || ask_all(&h, k, s, n, e) == -1 ? -1 : 0;
	http_close(&h);
	return bad;
}

int
stream_people(void)
{
	return bench_quick ? STREAM_QUICK : STREAM_PEOPLE;
}

const struct row serve_rows[] = {
	{ "http-parked", "HTTP, kept connection, parked worker, one per 10 ms", .floor = "pipe-paced", .other = "parked", .run = serve_run,
	    .kind = PARKED, .block = 20 },
	{ "http-direct", "HTTP, kept connection, no worker parked", .floor = "clone3", .other = "fork", .run = serve_run, .kind = COLD },
	{ "http-rate", "HTTP, 4 in flight", UNIT_PER_S, .floor = "clone3-rate", .other = "rate", .run = serve_run, .kind = RATE,
	    .block = 1 },
	{ "stream", "1,000,000 accounts: source, worker, relay, HTTP", UNIT_PER_S, .floor = "sdk-stream", .run = serve_run,
	    .kind = STREAM, .block = 1, .rounds = 3 },
	{ 0 }
};
