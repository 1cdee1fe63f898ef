/*
 * main.c -- bascule-practice: a SCIM service to try connectors on, in one process and in memory.
 */
#include <err.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "launcher/practice/serve.h"
#include "launcher/practice/tls.h"
#include "worker/contract/util.h"
#include "worker/contract/version.h"

#define EX_USAGE_	64
#define EX_SYSTEM	71
#define HEAP_KEPT_BYTES	(64 * 1024 * 1024)	/* free, and not given back */

struct settings {
	const char	*address, *token, *ca_out;
	uint16_t	 port;
	uint64_t	 users, groups, seed, page_max;
	int		 ready_fd;
	bool		 public, tls, quiet, die_with_parent;
	struct weather	 weather;
};

enum option_id { OPT_PORT = 256, OPT_LISTEN, OPT_PUBLIC, OPT_USERS, OPT_GROUPS, OPT_SEED, OPT_TOKEN, OPT_TLS, OPT_CA_OUT,
	OPT_WEATHER, OPT_PAGE_MAX, OPT_READY_FD, OPT_QUIET, OPT_DIE, OPT_HELP, OPT_VERSION, OPT__END };

static const struct option options[] = {
	{ "port", required_argument, NULL, OPT_PORT },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "public", no_argument, NULL, OPT_PUBLIC },
	{ "users", required_argument, NULL, OPT_USERS },
	{ "groups", required_argument, NULL, OPT_GROUPS },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "token", required_argument, NULL, OPT_TOKEN },
	{ "tls", no_argument, NULL, OPT_TLS },
	{ "ca-out", required_argument, NULL, OPT_CA_OUT },
	{ "weather", required_argument, NULL, OPT_WEATHER },
	{ "page-max", required_argument, NULL, OPT_PAGE_MAX },
	{ "ready-fd", required_argument, NULL, OPT_READY_FD },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "die-with-parent", no_argument, NULL, OPT_DIE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};
static_assert(N_ITEMS(options) == OPT__END - OPT_PORT + 1, "a row for each option");

static void
help(void)
{
	printf("Usage: bascule practice [options]\n"
	    "A SCIM 2.0 service in memory, with generated people, to try connectors on.\n\n"
	    "  --port N            listen on this port (0: any free one)\n"
	    "  --listen ADDR       on this address (127.0.0.1); others than loopback need --public\n"
	    "  --users N           people (1000)\n"
	    "  --groups N          groups (20)\n"
	    "  --seed N            the same seed gives the same people (1)\n"
	    "  --token TOKEN       bearer token (practice); empty: none is needed\n"
	    "  --tls               TLS with a certificate made at the start\n"
	    "  --ca-out FILE       write the certificate of its authority there\n"
	    "  --page-max N        most rows of a page (1000)\n"
	    "  --weather LIST      misbehave: name[=value][,...]; also header X-Weather, and PUT /weather\n"
	    "  --ready-fd N        write the start line there, not to standard output\n"
	    "  --quiet             no start line\n"
	    "  --die-with-parent   end when the starting process ends\n"
	    "  --help, --version\n\nWeather:\n");
	for (int i = 0; i < WEATHER__MAX; i++) {
		const struct weather_info	*w = weather_info((enum weather_kind)i);
		char				 name[48];

		snprintf(name, sizeof(name), "%s%s%s", w->name, *w->unit != '\0' ? "=" : "", w->unit);
		printf("  %-22s %s\n", name, w->meaning);
	}
}

static uint64_t
number(const char *name, const char *text, uint64_t max)
{
	char			*end;
	unsigned long long	 v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || v > max)
		errx(EX_USAGE_, "--%s: a number from 0 to %llu is wanted", name, (unsigned long long)max);
	return v;
}

/* Returns false when the program is done already. */
static bool
take(struct settings *s, int id, const char *arg)
{
	struct error e = ERROR_NONE;

	switch (id) {
	case OPT_PORT:
		s->port = (uint16_t)number("port", arg, UINT16_MAX);
		break;
	case OPT_LISTEN:
		s->address = arg;
		break;
	case OPT_PUBLIC:
		s->public = true;
		break;
	case OPT_USERS:
		s->users = number("users", arg, GEN_USERS_MAX);
		break;
	case OPT_GROUPS:
		s->groups = number("groups", arg, GEN_GROUPS_MAX);
		break;
	case OPT_SEED:
		s->seed = number("seed", arg, UINT64_MAX);
		break;
	case OPT_TOKEN:
		s->token = arg;
		break;
	case OPT_TLS:
		s->tls = true;
		break;
	case OPT_CA_OUT:
		s->ca_out = arg;
		break;
	case OPT_WEATHER:
		if (weather_read(&s->weather, arg, &e) == -1)
			errx(EX_USAGE_, "%s", e.msg);
		break;
	case OPT_PAGE_MAX:
		s->page_max = number("page-max", arg, PAGE_LIMIT);
		break;
	case OPT_READY_FD:
		s->ready_fd = (int)number("ready-fd", arg, 1023);
		break;
	case OPT_QUIET:
		s->quiet = true;
		break;
	case OPT_DIE:
		s->die_with_parent = true;
		break;
	case OPT_HELP:
		help();
		return false;
	case OPT_VERSION:
		printf("bascule-practice " BASCULE_VERSION "\n");
		return false;
	default:
		errx(EX_USAGE_, "see bascule practice --help");
	}
	return true;
}

static void
check(const struct settings *s)
{
	bool loopback = strncmp(s->address, "127.", 4) == 0 || strcmp(s->address, "::1") == 0;

	if (!loopback && !s->public)
		errx(EX_USAGE_, "--listen: an address that others can reach needs --public");
	if (s->page_max == 0)
		errx(EX_USAGE_, "--page-max: at least 1 is wanted");
	if (s->ca_out != NULL && !s->tls)
		errx(EX_USAGE_, "--ca-out needs --tls");
	if (strlen(s->token) > TOKEN_BYTES_MAX)
		errx(EX_USAGE_, "--token: at most %d bytes are wanted", TOKEN_BYTES_MAX);
}

static void
follow_parent(void)
{
	pid_t parent = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1)
		err(EX_SYSTEM, "--die-with-parent");
	/* It may have ended before the kernel knew. */
	if (getppid() != parent)
		exit(0);
}

static void
on_signal(evutil_socket_t signal, short what, void *arg)
{
	(void)signal;
	(void)what;
	event_base_loopbreak(arg);
}

static void
watch_signals(struct event_base *base)
{
	static const int signals[] = { SIGTERM, SIGINT };

	for (size_t i = 0; i < N_ITEMS(signals); i++) {
		struct event *ev = evsignal_new(base, signals[i], on_signal, base);

		if (ev == NULL || event_add(ev, NULL) == -1)
			errx(EX_SYSTEM, "signals");
	}
	signal(SIGPIPE, SIG_IGN);
}

static void
say_ready(const struct settings *s, const struct practice *p)
{
	if (s->quiet)
		return;
	if (dprintf(s->ready_fd, "practice source: %s/scim/v2 token %s users %llu groups %llu\n", p->origin,
	    *s->token != '\0' ? s->token : "none", (unsigned long long)s->users, (unsigned long long)s->groups) < 0)
		err(EX_SYSTEM, "start line");
	if (s->ready_fd > STDERR_FILENO)
		close(s->ready_fd);
}

static void
start(struct practice *p, const struct settings *s)
{
	struct error	 e = ERROR_NONE;
	struct gen	 g;
	SSL_CTX		*ctx = NULL;
	uint16_t	 port = s->port;
	char		 base[sizeof(p->origin) + 16];
	bool		 v6 = strchr(s->address, ':') != NULL;

	if (s->tls && (ctx = tls_new(s->address, s->ca_out, &e)) == NULL)
		errx(EX_SYSTEM, "%s", e.msg);
	if ((p->base = event_base_new()) == NULL || (p->tokens = tokens_new(s->token)) == NULL)
		errx(EX_SYSTEM, "no memory");
	if (serve_listen(p, s->address, &port, ctx, &e) == -1)
		errx(e.code == ERR_USAGE ? EX_USAGE_ : EX_SYSTEM, "%s", e.msg);
	snprintf(p->origin, sizeof(p->origin), "%s://%s%s%s:%u", s->tls ? "https" : "http", v6 ? "[" : "", s->address,
	    v6 ? "]" : "", port);
	snprintf(base, sizeof(base), "%s/scim/v2", p->origin);
	if (gen_init(&g, s->seed, (uint32_t)s->users, (uint32_t)s->groups, base) == -1 ||
	    (p->people = people_new(&g)) == NULL)
		errx(EX_SYSTEM, "no memory");
	watch_signals(p->base);
}

int
main(int argc, char **argv)
{
	static struct practice	 p;
	struct settings		 s = {
		.address = "127.0.0.1", .token = "practice", .users = 1000, .groups = 20, .seed = 1, .page_max = 1000,
		.ready_fd = STDOUT_FILENO,
	};
	int			 id;

	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take(&s, id, optarg))
			return 0;
	if (optind < argc)
		errx(EX_USAGE_, "%s: no arguments but options are wanted", argv[optind]);
	check(&s);
	if (s.die_with_parent)
		follow_parent();
	/* What a list needs it needs again at once: given back and taken anew, each page of memory costs as much as filling it. */
	mallopt(M_MMAP_THRESHOLD, HEAP_KEPT_BYTES);
	mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
	p.weather = s.weather;
	p.page_max = s.page_max;
	start(&p, &s);
	say_ready(&s, &p);
	event_base_dispatch(p.base);
	return 0;
}
