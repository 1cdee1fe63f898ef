/*
 * options.c -- what `bascule invoke` was asked, and the request it makes of that.
 *
 * Secrets never come by argument: config is a file or standard input.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "launcher/cli/cli.h"
#include "sandbox/sandbox.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
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
"  --id ID               invocation id\n"
"  --data                print outputs' data only\n"
"  --verdict             add a last record that says how it ended\n"
"  --receipt FILE        write everything measured to FILE\n"
"  --timeout TIME        deadline: 30s, 5m, 500ms\n"
"  --limit NAME=VALUE    deadline, silence, memory, cpu, records, connects\n"
"  --allow-private HOST  let HOST be a private or loopback address\n"
"  --waive LAYER         run without this layer: namespaces, landlock\n"
"  --logs                print the connector's log lines on standard error\n"
"  -q, --quiet           no progress, no hints\n"
"\n"
"Exit statuses: bascule help exit\n";

enum { OPT_CONFIG = 256, OPT_INPUT, OPT_SCHEMA, OPT_ID, OPT_DATA, OPT_VERDICT, OPT_RECEIPT, OPT_TIMEOUT,
	OPT_LIMIT, OPT_ALLOW, OPT_WAIVE, OPT_LOGS };

static const struct option longs[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "input", required_argument, NULL, OPT_INPUT },
	{ "schema", required_argument, NULL, OPT_SCHEMA },
	{ "id", required_argument, NULL, OPT_ID },
	{ "data", no_argument, NULL, OPT_DATA },
	{ "verdict", no_argument, NULL, OPT_VERDICT },
	{ "receipt", required_argument, NULL, OPT_RECEIPT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "allow-private", required_argument, NULL, OPT_ALLOW },
	{ "waive", required_argument, NULL, OPT_WAIVE },
	{ "logs", no_argument, NULL, OPT_LOGS },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int
waive(struct invoke_options *o, const char *name, struct error *e)
{
	enum sandbox_layer	 l = sandbox_layer_from_name(name);

	if (l == LAYER_INVALID || !sandbox_layer_waivable(l))
		return error_set(e, ERR_USAGE, "--waive %.40s: namespaces and landlock may be waived", name);
	o->waived |= 1u << l;
	return 0;
}

static int
allow(struct invoke_options *o, const char *host, struct error *e)
{
	for (size_t i = 0; i + 1 < N_ITEMS(o->allow_private); i++)
		if (o->allow_private[i] == NULL) {
			o->allow_private[i] = host;
			return 0;
		}
	return error_set(e, ERR_USAGE, "--allow-private: at most %zu hosts", N_ITEMS(o->allow_private) - 1);
}

static int
option_take(struct invoke_options *o, int opt, char *arg, struct error *e)
{
	char	 deadline[64];

	switch (opt) {
	case OPT_CONFIG:	o->config = arg; return 0;
	case OPT_INPUT:		o->input = arg; return 0;
	case OPT_SCHEMA:	o->schema = arg; return 0;
	case OPT_ID:		o->id = arg; return 0;
	case OPT_DATA:		o->data_only = true; return 0;
	case OPT_VERDICT:	o->verdict = true; return 0;
	case OPT_RECEIPT:	o->receipt = arg; return 0;
	case OPT_LOGS:		o->logs = true; return 0;
	case 'q':		o->quiet = true; return 0;
	case OPT_ALLOW:		return allow(o, arg, e);
	case OPT_WAIVE:		return waive(o, arg, e);
	case OPT_LIMIT:		return inv_limit_set(&o->limits, arg, e);
	case OPT_TIMEOUT:
		snprintf(deadline, sizeof(deadline), "deadline=%.40s", arg);
		return inv_limit_set(&o->limits, deadline, e);
	default:
		return error_set(e, ERR_USAGE, "see the line above");
	}
}

int
invoke_options_read(int argc, char **argv, struct invoke_options *o, struct error *e)
{
	int	 opt;

	while ((opt = getopt_long(argc, argv, "qh", longs, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (option_take(o, opt, optarg, e) == -1)
			return -1;
	}
	if (argc - optind < 1 || argc - optind > 2)
		return error_set(e, ERR_USAGE, "one connector and at most one command are needed");
	o->connector = argv[optind];
	o->command = argv[optind + 1];		/* NULL at the end */
	if (o->command == NULL && (o->config != NULL || o->input != NULL || o->schema != NULL))
		return error_set(e, ERR_USAGE, "--config, --input and --schema need a command, e.g. std:account:list");
	if (o->config != NULL && o->config[0] == '{')
		return error_set(e, ERR_USAGE, "--config takes a file (or - for standard input): "
		    "arguments are seen by everybody on this machine");
	return 0;
}

static int
file_read(const char *path, struct buf *b, struct error *e)
{
	autofd	 fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	char	 chunk[8192];
	ssize_t	 n;

	if (fd == -1) {
		error_sys(e, "%.200s", path);
		e->code = ERR_USAGE;
		return -1;
	}
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n == -1 && errno == EINTR))
		if (n > 0)
			buf_add(b, chunk, (size_t)n);
	explicit_bzero(chunk, sizeof(chunk));
	if (n == -1)
		return error_sys(e, "%.200s", path);
	return buf_check(b, strcmp(path, "-") == 0 ? "standard input" : path, e);
}

/* A JSON value from a file, under a name of the document. */
static int
member_read(cJSON *doc, const char *name, const char *path, struct error *e)
{
	struct buf	 b;
	cJSON		*v = NULL;

	buf_init(&b, REQUEST_BYTES_MAX);
	if (file_read(path, &b, e) == 0 &&
	    (v = json_parse(b.data == NULL ? "" : b.data, b.len, NULL, e)) == NULL)
		error_in(e, "%s (%.100s)", name, path);
	buf_wipe(&b);
	if (v == NULL)
		return -1;
	return json_set(doc, name, v) == 0 ? 0 : error_set(e, ERR_SYSTEM, "no memory");
}

static int
input_read(cJSON *doc, const char *input, struct error *e)
{
	cJSON	*v;

	if (input == NULL)
		return 0;
	if (input[0] == '@' || strcmp(input, "-") == 0)
		return member_read(doc, "input", input[0] == '@' ? input + 1 : input, e);
	if ((v = json_parse(input, strlen(input), NULL, e)) == NULL)
		return error_in(e, "--input");
	return json_set(doc, "input", v) == 0 ? 0 : error_set(e, ERR_SYSTEM, "no memory");
}

static int
schema_read(cJSON *doc, const char *path, struct error *e)
{
	cJSON	*input = (cJSON *)(uintptr_t)json_get(doc, "input");

	if (path == NULL)
		return 0;
	if (input == NULL) {
		if (json_set(doc, "input", cJSON_CreateObject()) == -1)
			return error_set(e, ERR_SYSTEM, "no memory");
		input = (cJSON *)(uintptr_t)json_get(doc, "input");
	}
	if (!cJSON_IsObject(input))
		return error_set(e, ERR_USAGE, "--schema needs an input that is an object");
	return member_read(input, "schema", path, e);
}

int
invoke_request_make(const struct invoke_options *o, struct request *rq, struct error *e)
{
	struct buf	 b;
	cJSON		*doc;
	int		 r;

	if (o->command == NULL) {
		buf_init(&b, REQUEST_BYTES_MAX);
		if (isatty(STDIN_FILENO))
			return error_set(e, ERR_USAGE, "no command; name one, or give the request on standard input");
		r = file_read("-", &b, e);
		if (r == 0)
			r = request_parse(b.data == NULL ? "" : b.data, b.len, rq, e);
		buf_wipe(&b);
		return r;
	}
	if ((doc = cJSON_CreateObject()) == NULL || json_set_str(doc, "type", o->command) == -1)
		return error_set(e, ERR_SYSTEM, "no memory");
	if ((o->id == NULL || json_set_str(doc, "id", o->id) == 0) &&
	    (o->config == NULL || member_read(doc, "config", o->config, e) == 0) &&
	    input_read(doc, o->input, e) == 0 && schema_read(doc, o->schema, e) == 0 &&
	    request_from_tree(doc, rq, e) == 0)
		return 0;
	json_wipe(doc);
	return -1;
}
