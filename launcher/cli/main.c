/*
 * main.c -- bascule: one table of subcommands.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/cli/cli.h"
#include "launcher/core/core.h"
#include "worker/contract/util.h"
#include "worker/contract/version.h"

static int	cmd_help(int argc, char **argv);
static int	cmd_version(int argc, char **argv);

static const struct subcommand {
	const char	*name, *what;
	int		(*run)(int argc, char **argv);
} subcommands[] = {
	{ "invoke", "run one command of a connector in a fresh, confined process", cmd_invoke },
	{ "serve", "run commands for callers by HTTP, many at once", cmd_serve },
	{ "connectors", "list the connectors that are installed; with a name, its commands", cmd_connectors },
	{ "doctor", "try what this host can confine a connector with, and say what is missing", cmd_doctor },
	{ "validate", "check the description of a connector without code, fault by fault", cmd_validate },
	{ "practice", "start the built-in practice source, a SCIM 2.0 service in memory", cmd_practice },
	{ "help", "this text; \"help exit\": the exit statuses", cmd_help },
	{ "version", "print the version", cmd_version },
};

static const char *
subcommand_at(const void *arg, size_t i)
{
	(void)arg;
	return i < N_ITEMS(subcommands) ? subcommands[i].name : NULL;
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
	printf("bascule " BASCULE_VERSION "\n");
	return 0;
}

/* A program of ours that is not this one: what this one links stays small. */
static int
exec_beside(const char *name, char **argv)
{
	static const char *const	 places[] = { "../libexec", "../libexec/bascule" };
	struct error			 e = ERROR_NONE;
	char				 relative[128], program[4096];

	for (size_t i = 0; i < N_ITEMS(places); i++) {
		snprintf(relative, sizeof(relative), "%s/%s", places[i], name);
		if (core_beside(relative, program, sizeof(program)) == 0) {
			execv(program, argv);
			error_sys(&e, "%s", program);
			return cli_fail(&e);
		}
	}
	error_set(&e, ERR_SYSTEM, "%s is not installed beside this program", name);
	return cli_fail(&e);
}

int
cmd_practice(int argc, char **argv)
{
	(void)argc;
	return exec_beside("bascule-practice", argv);
}

int
cmd_validate(int argc, char **argv)
{
	static const char	 usage[] = "usage: bascule validate --spec FOLDER\n\n"
				    "Checks FOLDER/rest.json against FOLDER/connector-spec.json.  Each fault is a line:\n"
				    "FOLDER/rest.json:LINE: /where: what.  Exit status: 0, or 65 where there are faults.\n";
	char			*check[] = { (char *)(uintptr_t)"bascule-rest", (char *)(uintptr_t)"--check", NULL, NULL };
	struct error		 e = ERROR_NONE;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc != 3 || strcmp(argv[1], "--spec") != 0) {
		error_set(&e, ERR_USAGE, "validate: --spec FOLDER is wanted");
		return cli_fail(&e);
	}
	check[2] = argv[2];
	return exec_beside("bascule-rest", check);
}

int
cmd_serve(int argc, char **argv)
{
	(void)argc;
	return exec_beside("bascule-serve", argv);
}

/* The descriptors of standard streams must not fall to a pipe of ours. */
static void
streams_open(void)
{
	int	 fd;

	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) != -1 && fd <= STDERR_FILENO)
		(void)fcntl(fd, F_SETFD, 0);
	if (fd != -1)
		(void)close(fd);
}

/* A full disk must not look like success. */
static int
finish(int status)
{
	struct error	 e = ERROR_NONE;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	(void)error_sys(&e, "standard output");
	e.code = ERR_CLIENT_GONE;
	return cli_fail(&e);
}

int
main(int argc, char **argv)
{
	const char	*name = argc > 1 ? argv[1] : "help", *near;
	struct error	 e = ERROR_NONE;

	core_dumps_off();
	streams_open();
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0)
		name = "version";
	for (size_t i = 0; i < N_ITEMS(subcommands); i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return finish(subcommands[i].run(argc > 1 ? argc - 1 : 1, argc > 1 ? argv + 1 : argv));
	near = suggest_word(name, subcommand_at, NULL);
	(void)error_set(&e, ERR_USAGE, "no command is called \"%.40s\"%s%s%s", name,
	    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
	return cli_fail(&e);
}
