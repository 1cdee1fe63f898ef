/*
 * node_rows.c -- bundles of the platform's SDK: by its own warm development server, and by a fresh process for each command.
 *
 * The bundles are those of the tests, made by tests/node/install.sh.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/http.h"
#include "tests/bench/serve.h"
#include "worker/contract/util.h"

#define REQUEST		"{\"type\":\"std:account:read\",\"config\":{\"token\":\"t0ken\"},\"input\":{\"identity\":\"john.doe\"," \
			"\"key\":{\"simple\":{\"id\":\"john.doe\"}}}}"
#define PATH		"/v1/connectors/hello/invoke"
#define SDK_PATH	"/x"	/* any */
#define PARKED_MS	2500	/* until the pool has filled itself again, and they have loaded */
#define EVALUATE	"require(process.argv[1]); process.stdout.write('.')"

enum kind { SDK, SDK_STREAM, PARKED, COLD, ALONE };

/* spcx run of one bundle. */
struct sdk {
	struct service	 service;
	const char	*bundle;
	char		 port[8];
};
static struct sdk	 hello = { .service.name = "sdk-hello", .bundle = "hello" },
			 accounts = { .service.name = "sdk-accounts", .bundle = "accounts" };
static struct server	 parking = { .service.name = "serve-node-parked", .connectors = { "node/packed" },
			    .options = { "--parked-min", "4", "--parked-max", "8" } },
			 direct = { .service.name = "serve-node-direct", .connectors = { "node/packed" },
			    .options = { "--parked-max", "0" } };

static int
port_free(void)
{
	struct sockaddr_in	 a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		 n = sizeof(a);
	int			 fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = -1;

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0)
		port = ntohs(a.sin_port);
	close(fd);
	return port;
}

/* A bundle holds the SDK, which takes its config from the environment: base64 of JSON. */
static void
base64(const char *text, char *out)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t			 n = strlen(text);

	for (size_t i = 0; i < n; i += 3) {
		uint32_t	 v = (uint32_t)(unsigned char)text[i] << 16;

		v |= i + 1 < n ? (uint32_t)(unsigned char)text[i + 1] << 8 : 0;
		v |= i + 2 < n ? (uint32_t)(unsigned char)text[i + 2] : 0;
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digits[v & 63] : '=';
	}
	*out = '\0';
}

static int
sdk_start(struct sdk *s, const char *config, struct error *e)
{
	char		 main[64], env[PATH_BYTES] = "CONNECTOR_CONFIG=";
	const char	*argv[] = { "node", bench_path("node/deps/node_modules/.bin/spcx"), "run", main, s->port, NULL };
	const char	*envs[] = { env, NULL };

	if (s->service.pid != 0)
		return 0;
	snprintf(main, sizeof(main), "node/packed/%s/index.js", s->bundle);
	argv[3] = bench_path(main);
	snprintf(s->port, sizeof(s->port), "%d", port_free());
	base64(config, env + strlen(env));
	return service_start(&s->service, argv, envs, "listening at", e);
}

static int
ask(struct http *h, struct sample *s, struct error *e)
{
	if (http_ask(h, e) == -1)
		return -1;
	*s = (struct sample){ .first_ns = h->first_ns, .reaped_ns = h->end_ns };
	return h->lines == 1 ? 0 : error_set(e, ERR_GENERIC, "%llu records, not one", (unsigned long long)h->lines);
}

static int
asked(const char *place, const char *path, bool parked, struct sample *s, int n, struct error *e)
{
	struct sample	 first;
	struct http	 h;
	int		 bad = http_open(&h, place, e) == -1 || http_prepare(&h, path, REQUEST, e) == -1 || ask(&h, &first, e) == -1;

	for (int i = 0; i < n && !bad; i++) {
		/* Few are parked: after so many of them they are waited for. */
		if (parked)
			bench_sleep(i % 3 == 0 ? PARKED_MS : 100);
		bad = ask(&h, &s[i], e) == -1;
	}
	http_close(&h);
	return bad ? -1 : 0;
}

static int
evaluated(struct sample *s, int n, struct error *e)
{
	char	*argv[] = { (char[]){ "node" }, (char[]){ "-e" }, (char[]){ EVALUATE },
	    (char *)(uintptr_t)bench_path("node/packed/hello/index.js"), NULL };
	uint64_t lines;

	for (int i = 0; i < n; i++)
		if (command_time(argv, NULL, &s[i], &lines, e) == -1)
			return -1;
	return 0;
}

static int
sdk_streamed(struct sample *s, struct error *e)
{
	struct practice	*p = practice_start(stream_people(), false, e);
	char		 config[512];

	if (p == NULL)
		return -1;
	snprintf(config, sizeof(config), "{\"baseUrl\":\"%s\",\"token\":\"practice\",\"pageSize\":%d}", p->url, SOURCE_PAGE);
	return sdk_start(&accounts, config, e) == -1 ? -1 : stream_rate(accounts.port, SDK_PATH, p, s, e);
}

static int
node_run(const struct row *r, struct sample *s, int n, struct error *e)
{
	if (!program_there("node"))
		return error_set(e, ERR_SYSTEM, "no node");
	if (access(bench_path("node/packed/accounts/index.js"), R_OK) == -1)
		return error_set(e, ERR_SYSTEM, "no bundles: --rivals, or tests/node/install.sh, makes them");
	switch (r->kind) {
	case SDK:
		return sdk_start(&hello, "{\"token\":\"t0ken\"}", e) == -1 ? -1 : asked(hello.port, SDK_PATH, false, s, n, e);
	case SDK_STREAM:
		return sdk_streamed(s, e);
	case ALONE:
		return evaluated(s, n, e);
	case PARKED:
		return server_start(&parking, e) == -1 ? -1 : asked(parking.place, PATH, true, s, n, e);
	default:
		return server_start(&direct, e) == -1 ? -1 : asked(direct.place, PATH, false, s, n, e);
	}
}

const struct row node_rows[] = {
	{ "sdk-server", "the SDK's warm development server, HTTP, no walls", .floor = "fork", .other = "http-parked", .run = node_run,
	    .kind = SDK, .block = 5 },
	{ "sdk-stream", "it and a bundle like the scim connector", UNIT_PER_S, .run = node_run, .kind = SDK_STREAM, .block = 1,
	    .rounds = 3 },
	{ "node-parked", "HTTP, a Node bundle's parked worker", .floor = "sdk-server", .run = node_run, .kind = PARKED, .block = 3 },
	{ "node-alone", "node, until the bundle is evaluated", .floor = "clone3", .run = node_run, .kind = ALONE, .block = 3 },
	{ "node-direct", "HTTP, a Node bundle, no worker parked", .floor = "node-alone", .other = "sdk-server", .run = node_run,
	    .kind = COLD, .block = 3 },
	{ 0 }
};
