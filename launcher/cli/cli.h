/*
 * cli.h -- between the files of the command line.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "launcher/core/invoke.h"
#include "worker/contract/buf.h"
#include "worker/contract/error.h"

/* Subcommands: argv[0] is the subcommand's name; the exit status. */
int	cmd_invoke(int argc, char **argv);
int	cmd_connectors(int argc, char **argv);
int	cmd_practice(int argc, char **argv);

/* "bascule: cause: message", and a line on what to do next; returns the exit status. */
int	cli_fail(const struct error *e);
/* The table of exit statuses. */
void	cli_exits(FILE *to);

/*
 * What `invoke` was asked.  Strings belong to argv.
 */
struct invoke_options {
	const char	*connector, *command;
	const char	*config, *input, *schema;	/* FILE; JSON or @FILE; FILE.  "-": standard input */
	const char	*id, *receipt;
	bool		 data_only, verdict, quiet, logs, progress;
	unsigned int	 waived;
	struct inv_limits limits;
	const char	*allow_private[33];		/* NULL-terminated */
};

/* 0; 1: help was printed; -1 with ERR_USAGE. */
int	invoke_options_read(int argc, char **argv, struct invoke_options *o, struct error *e);
/* The request from standard input or from arguments. */
int	invoke_request_make(const struct invoke_options *o, struct request *rq, struct error *e);

/*
 * Standard output, bounded: the worker waits while it is full.
 */
struct out {
	struct buf	 b;
	bool		 pipe;		/* written in portions that never block */
	bool		 gone;		/* nobody reads any more */
};
void	out_init(struct out *);
bool	out_ready(const struct out *);	/* room for another record */
void	out_add(struct out *, const char *, size_t);
/* Writes what can be written; all: until it is empty. */
void	out_flush(struct out *, bool all);

#endif
