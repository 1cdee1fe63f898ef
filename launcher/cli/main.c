/*
 * main.c -- bascule: one table of subcommands.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/cli/cli.h"
#include "launcher/core/core.h"
#include "worker/contract/util.h"

#define VERSION	"0.1.0"

static int	cmd_help(int argc, char **argv);
static int	cmd_version(int argc, char **argv);

static const struct subcommand {
	const char	*name, *what;
	int		(*run)(int argc, char **argv);
} subcommands[] = {
	{ "invoke", "run one command of a connector in a fresh, confined process", cmd_invoke },
	{ "connectors", "list the connectors that are installed", cmd_connectors },
	{ "practice", "start the built-in practice source, a SCIM 2.0 service in memory", cmd_practice },
	{ "help", "this text; \"help exit\": the exit statuses", cmd_help },
	{ "version", "print the version", cmd_version },
};

/* What to do next, by code. */
static const struct {
	enum err_code	 code;
	const char	*hint;
} hints[] = {
	{ ERR_NO_CONNECTOR, "see: bascule connectors" },
	{ ERR_UNSUPPORTED, "see the commands it has: bascule connectors" },
	{ ERR_USAGE, "see: bascule invoke --help" },
	{ ERR_NO_EGRESS, "the host must be in the connector's egress; a private address needs --allow-private HOST" },
	{ ERR_INSUFFICIENT_PERMISSION, "check the credentials in the config, and what the source lets them do" },
	{ ERR_SANDBOX, "see bascule(1), section CONFINEMENT, for what a host must allow and what may be waived" },
	{ ERR_PROTOCOL, "the connector is broken or hostile; its log lines: --logs" },
	{ ERR_SYSCALL, "the connector is broken or hostile; its log lines: --logs" },
};

int
cli_fail(const struct error *e)
{
	const struct error_face	*face = error_face(e->code);

	fprintf(stderr, "bascule: %s: %s\n", face->word, e->msg);
	for (size_t i = 0; i < N_ITEMS(hints); i++)
		if (hints[i].code == e->code)
			fprintf(stderr, "  %s\n", hints[i].hint);
	return face->exit;
}

void
cli_exits(FILE *to)
{
	for (enum err_code c = 0; c < ERR__MAX; c++)
		fprintf(to, "%4d  %-24s %s\n", error_face(c)->exit, error_face(c)->word, error_face(c)->meaning);
}

static int
cmd_help(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "exit") == 0) {
		cli_exits(stdout);
		return 0;
	}
	printf("usage: bascule COMMAND [ARGUMENTS]\n\n");
	for (size_t i = 0; i < N_ITEMS(subcommands); i++)
		printf("  %-12s %s\n", subcommands[i].name, subcommands[i].what);
	printf("\nTry: bascule invoke --help\n");
	return 0;
}

static int
cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("bascule " VERSION "\n");
	return 0;
}

int
cmd_practice(int argc, char **argv)
{
	static const char *const	 places[] = { "../libexec/bascule-practice", "../libexec/bascule/bascule-practice" };
	struct error			 e = ERROR_NONE;
	char				 program[4096];

	(void)argc;
	for (size_t i = 0; i < N_ITEMS(places); i++)
		if (core_beside(places[i], program, sizeof(program)) == 0) {
			execv(program, argv);
			error_sys(&e, "%s", program);
			return cli_fail(&e);
		}
	error_set(&e, ERR_SYSTEM, "bascule-practice is not installed beside this program");
	return cli_fail(&e);
}

static void
connector_print(void *arg, const char *name, const char *folder)
{
	struct connector_ref	 ref;
	struct error		 e = ERROR_NONE;
	const cJSON		*c;
	char			 path[8192];

	(void)arg;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (connector_find(path, &ref, &e) == -1) {
		printf("%-12s broken: %s\n", name, e.msg);
		return;
	}
	printf("%-12s %s\n", name, ref.spec.name);
	cJSON_ArrayForEach(c, json_get(ref.spec.doc, "commands"))
		printf("%-12s   %s\n", "", c->valuestring);
	connector_free(&ref);
}

int
cmd_connectors(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (connector_each(connector_print, NULL) == 0) {
		fprintf(stderr, "bascule: no connectors; set BASCULE_CONNECTORS to a list of folders\n");
		return error_face(ERR_NO_CONNECTOR)->exit;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const char	*name = argc > 1 ? argv[1] : "help";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0)
		name = "version";
	for (size_t i = 0; i < N_ITEMS(subcommands); i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return subcommands[i].run(argc > 1 ? argc - 1 : 1, argc > 1 ? argv + 1 : argv);
	fprintf(stderr, "bascule: no command is called \"%.40s\"; see: bascule help\n", name);
	return error_face(ERR_USAGE)->exit;
}
