/*
 * options.c -- what `bascule invoke` was asked.
 *
 * Secrets never come by argument: config is a file or standard input.
 */
#include <getopt.h>
#include <string.h>

#include "launcher/cli/cli.h"
#include "worker/contract/util.h"

static const char usage[] =
"usage: bascule invoke CONNECTOR [COMMAND] [OPTIONS]\n"
"\n"
"Runs one command in a fresh, confined process.  Without COMMAND the whole\n"
"request comes on standard input: {\"type\":...,\"config\":{...},\"input\":{...}}\n"
"\n"
"  --config FILE         the source's configuration; - is standard input\n"
"  --input JSON|@FILE    the command's input\n"
"  --schema FILE         goes to input.schema\n"
"  --customizer DIR      link the customizer of this bundle to a bundle\n"
"  --id ID               invocation id\n"
"  --data                print outputs' data only\n"
"  --json                print lines as they are, on a terminal too\n"
"  --table               print a table, also where no terminal is\n"
"  --verdict             add a last record that says how it ended\n"
"  --receipt FILE        write everything measured to FILE\n"
"  --timeout TIME        deadline: 30s, 5m, 500ms\n"
"  --limit NAME=VALUE    deadline, silence, memory, cpu, records, connects\n"
"  --allow-private HOST  let HOST be a private or loopback address\n"
"  --egress HOST[:PORT]  of what the specification allows, reach only this; may be repeated\n"
"  --rate RATE           requests to the source, instead of the specification's: 100/1m,\n"
"                        100/1m,4 (at once); none\n"
"  --proxy URL|@FILE     connect by an http:// or socks5:// proxy; none: by none\n"
"  --no-proxy HOSTS      but not to these: a.example,.b.example\n"
"  --proxy-dns WHO       local: look names up and check addresses; remote: the proxy does\n"
"  --sandbox SET         layers: strict (all of them), container (no namespaces)\n"
"  --without LAYER       run without this layer: namespaces, landlock, cgroup\n"
"  --require LAYER       refuse to run where this layer cannot be had: cgroup\n"
"  --logs[=none|stderr|FILE]\n"
"                        the connector's log lines; by default its warnings, on a terminal\n"
"  --no-progress         no progress line\n"
"  --color auto|always|never\n"
"  -q, --quiet           no progress, no warnings of the connector, no summary\n"
"\n"
"Exit statuses: bascule help exit\n";

enum { OPT_CONFIG = 256, OPT_INPUT, OPT_SCHEMA, OPT_CUSTOMIZER, OPT_ID, OPT_DATA, OPT_VERDICT, OPT_RECEIPT, OPT_TIMEOUT,
	OPT_LIMIT, OPT_ALLOW, OPT_EGRESS, OPT_RATE, OPT_PROXY, OPT_NO_PROXY, OPT_PROXY_DNS, OPT_WITHOUT, OPT_REQUIRE,
	 OPT_SANDBOX, OPT_LOGS, OPT_JSON, OPT_TABLE, OPT_NO_PROGRESS, OPT_COLOR };

static const struct option longs[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "input", required_argument, NULL, OPT_INPUT },
	{ "schema", required_argument, NULL, OPT_SCHEMA },
	{ "customizer", required_argument, NULL, OPT_CUSTOMIZER },
	{ "id", required_argument, NULL, OPT_ID },
	{ "data", no_argument, NULL, OPT_DATA },
	{ "verdict", no_argument, NULL, OPT_VERDICT },
	{ "receipt", required_argument, NULL, OPT_RECEIPT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "allow-private", required_argument, NULL, OPT_ALLOW },
	{ "egress", required_argument, NULL, OPT_EGRESS },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "proxy", required_argument, NULL, OPT_PROXY },
	{ "no-proxy", required_argument, NULL, OPT_NO_PROXY },
	{ "proxy-dns", required_argument, NULL, OPT_PROXY_DNS },
	{ "without", required_argument, NULL, OPT_WITHOUT },
	{ "require", required_argument, NULL, OPT_REQUIRE },
	{ "sandbox", required_argument, NULL, OPT_SANDBOX },
	{ "logs", optional_argument, NULL, OPT_LOGS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "table", no_argument, NULL, OPT_TABLE },
	{ "no-progress", no_argument, NULL, OPT_NO_PROGRESS },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Onto a NULL-terminated list of `room` places. */
static int
list_add(const char **list, size_t room, const char *word, const char *option, struct error *e)
{
	for (size_t i = 0; i + 1 < room; i++)
		if (list[i] == NULL) {
			list[i] = word;
			return 0;
		}
	return error_set(e, ERR_USAGE, "--%s: at most %zu hosts", option, room - 1);
}

static int
proxy(struct inv_proxy *p, const char *url)
{
	p->url = url;
	p->from_argument = true;
	return 0;
}

static int
mode(struct invoke_options *o, enum out_mode m, struct error *e)
{
	if (o->mode != OUT_AUTO && o->mode != m)
		return error_set(e, ERR_USAGE, "--data, --json and --table exclude each other");
	o->mode = m;
	return 0;
}

static int
color(struct invoke_options *o, const char *when, struct error *e)
{
	if (strcmp(when, "auto") != 0 && strcmp(when, "always") != 0 && strcmp(when, "never") != 0)
		return error_set(e, ERR_USAGE, "--color takes auto, always or never");
	o->color = when;
	return 0;
}

static const char *
long_at(const void *arg, size_t i)
{
	(void)arg;
	return longs[i].name;
}

/* getopt has no more to say than which argument it did not like. */
static int
unknown(int opt, const char *arg, struct error *e)
{
	const char	*near = strncmp(arg, "--", 2) == 0 ? suggest_word(arg + 2, long_at, NULL) : NULL;

	if (opt == ':')
		return error_set(e, ERR_USAGE, "%.60s needs a value", arg);
	return error_set(e, ERR_USAGE, "no such option, or no value wanted: %.60s%s%s%s", arg,
	    near != NULL ? " (did you mean --" : "", near != NULL ? near : "", near != NULL ? "?)" : "");
}

static int
option_take(struct invoke_options *o, int opt, char *arg, struct error *e)
{
	char	 deadline[64];

	switch (opt) {
	case OPT_CONFIG:	o->config = arg; return 0;
	case OPT_INPUT:		o->input = arg; return 0;
	case OPT_SCHEMA:	o->schema = arg; return 0;
	case OPT_CUSTOMIZER:	o->customizer = arg; return 0;
	case OPT_ID:		o->id = arg; return 0;
	case OPT_DATA:		return mode(o, OUT_DATA, e);
	case OPT_JSON:		return mode(o, OUT_LINES, e);
	case OPT_TABLE:		return mode(o, OUT_TABLE, e);
	case OPT_COLOR:		return color(o, arg, e);
	case OPT_NO_PROGRESS:	o->progress = false; return 0;
	case OPT_VERDICT:	o->verdict = true; return 0;
	case OPT_RECEIPT:	o->receipt = arg; return 0;
	case OPT_LOGS:		o->logs = arg != NULL ? arg : "stderr"; return 0;
	case 'q':		o->quiet = true; return 0;
	case OPT_ALLOW:		return list_add(o->allow_private, N_ITEMS(o->allow_private), arg, "allow-private", e);
	case OPT_EGRESS:	return list_add(o->egress, N_ITEMS(o->egress), arg, "egress", e);
	case OPT_RATE:		o->rated = true; return rate_read(arg, &o->rate, e);
	case OPT_PROXY:		return proxy(&o->proxy, arg);
	case OPT_NO_PROXY:	o->proxy.direct = arg; return 0;
	case OPT_PROXY_DNS:	o->proxy.dns = arg; return 0;
	case OPT_WITHOUT:	return layer_without(&o->layers, arg, e);
	case OPT_REQUIRE:	return layer_require(&o->layers, arg, e);
	case OPT_SANDBOX:	return layer_set(&o->layers, arg, e);
	case OPT_LIMIT:		return inv_limit_set(&o->limits, arg, e);
	case OPT_TIMEOUT:
		snprintf(deadline, sizeof(deadline), "deadline=%.40s", arg);
		return inv_limit_set(&o->limits, deadline, e);
	default:
		return error_set(e, ERR_USAGE, "see the line above");
	}
}

static int
options_check(const struct invoke_options *o, struct error *e)
{
	const char	*from[] = { o->config, o->input, o->schema };
	size_t		 stdins = 0;

	if (o->command == NULL && (o->config != NULL || o->input != NULL || o->schema != NULL || o->id != NULL))
		return error_set(e, ERR_USAGE, "--config, --input, --schema and --id need a command, e.g. std:account:list");
	if (o->config != NULL && o->config[strspn(o->config, " \t\r\n")] == '{')
		return error_set(e, ERR_USAGE, "--config takes a file (or - for standard input): "
		    "arguments are seen by everybody on this machine");
	if (o->mode == OUT_DATA && o->verdict)
		return error_set(e, ERR_USAGE, "--data and --verdict exclude each other: a verdict would look like data");
	for (size_t i = 0; i < N_ITEMS(from); i++)
		stdins += from[i] != NULL && strcmp(from[i], "-") == 0;
	if (stdins > 1)
		return error_set(e, ERR_USAGE, "standard input can be read for one of --config, --input and --schema");
	return 0;
}

int
invoke_options_read(int argc, char **argv, struct invoke_options *o, struct error *e)
{
	int	 opt;

	*o = (struct invoke_options){ .progress = true };
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":qh", longs, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (opt == '?' || opt == ':')
			return unknown(opt, argv[optind - 1], e);
		if (option_take(o, opt, optarg, e) == -1)
			return -1;
	}
	if (argc - optind < 1 || argc - optind > 2)
		return error_set(e, ERR_USAGE, "one connector and at most one command are needed");
	o->connector = argv[optind];
	o->command = argv[optind + 1];		/* NULL at the end */
	if (layers_settle(&o->layers, e) == -1)
		return -1;
	return options_check(o, e);
}
