/*
 * cli.h -- between the files of the command line.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "launcher/core/invoke.h"
#include "worker/contract/buf.h"
#include "worker/contract/error.h"

/* Subcommands: argv[0] is the subcommand's name; the exit status. */
int	cmd_invoke(int argc, char **argv);
int	cmd_connectors(int argc, char **argv);
int	cmd_validate(int argc, char **argv);
int	cmd_practice(int argc, char **argv);
int	cmd_doctor(int argc, char **argv);
int	cmd_serve(int argc, char **argv);

/* report.c: "bascule: cause: message", and a line on what to do next; returns the exit status. */
int	cli_fail(const struct error *e);
/* One line on standard error, harmless for a terminal. */
void	cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What to do next after this; never NULL. */
const char *cli_hint(enum err_code);
/* The table of exit statuses. */
void	cli_exits(FILE *to);

/*
 * suggest.c: the known word nearest to a mistyped one, NULL if none is near.
 * word_at(arg, i) gives the i-th known word, NULL past the last.
 */
const char *suggest_word(const char *word, const char *(*word_at)(const void *arg, size_t i), const void *arg);

/*
 * text.c: what a terminal may get.
 *
 * text_safe() appends s so that it is harmless: control, escape and direction-changing characters and broken
 * UTF-8 become '?', tab and line end a space.  Cut to `columns` (0: not at all) with an ellipsis.  Returns columns used.
 */
size_t	text_safe(struct buf *, const char *s, size_t len, size_t columns);
/* The same for JSON text: such a character becomes its \u escape, the value stays. */
void	text_safe_json(struct buf *, const char *s, size_t len);
/* True if a colour may be used there: mode "auto" (or NULL), "always", "never"; NO_COLOR, TERM=dumb. */
bool	color_wanted(const char *mode, int fd);
/* Columns of the terminal there, else COLUMNS, else 0. */
size_t	terminal_columns(int fd);

/* pretty.c: judged JSON text on several lines, in colours. */
void	pretty_json(struct buf *, const char *s, size_t len, bool color);

/*
 * layers.c: which layers were asked for.  waived is settled by layers_settle(), once all options were taken.
 */
struct layers_asked {
	const struct sandbox_set *set;			/* NULL: strict */
	unsigned int		  without, required;	/* bits of enum sandbox_layer */
	unsigned int		  waived;
};
int	layer_without(struct layers_asked *, const char *name, struct error *e);
int	layer_require(struct layers_asked *, const char *name, struct error *e);
int	layer_set(struct layers_asked *, const char *name, struct error *e);
int	layers_settle(struct layers_asked *, struct error *e);
/* One line that names what is waived; nothing if nothing is. */
void	layers_say(const struct layers_asked *);

enum out_mode {
	OUT_AUTO,	/* lines; on a terminal a table of a list, indented text of one object */
	OUT_LINES,	/* as the worker wrote them */
	OUT_DATA,	/* only outputs' data */
	OUT_TABLE,
	OUT_PRETTY,	/* indented data */
};

/*
 * What `invoke` was asked.  Strings belong to argv.
 */
struct invoke_options {
	const char	*connector, *command;
	const char	*config, *input, *schema;	/* FILE; JSON or @FILE; FILE.  "-": standard input */
	const char	*id, *receipt;
	const char	*customizer;	/* a bundle's folder */
	const char	*logs;		/* "none", "stderr" or a file; NULL: warnings, on a terminal */
	const char	*color;
	enum out_mode	 mode;
	bool		 verdict, quiet, progress;
	struct layers_asked layers;
	struct inv_limits limits;
	const char	*allow_private[33];		/* NULL-terminated */
	const char	*egress[65];			/* NULL-terminated */
	struct inv_proxy proxy;
	struct rate_budget rate;
	bool		 rated;			/* rate was given */
};

/* 0; 1: help was printed; -1 with ERR_USAGE.  *o is zeroed but for progress, true by default. */
int	invoke_options_read(int argc, char **argv, struct invoke_options *o, struct error *e);
/* The request from standard input or from arguments, for a command that the connector has. */
int	invoke_request_make(const struct invoke_options *o, const struct connector_ref *ref, struct request *rq,
	    struct error *e);
/* "account:list" is "std:account:list", unless the connector has it as it stands. */
void	command_full_name(const struct spec *, const char *typed, char name[REQUEST_TYPE_BYTES_MAX + 1]);

/*
 * out.c: standard output, bounded: the worker waits while it is full.
 */
struct out {
	struct buf	 b;
	bool		 pipe;		/* a pipe or socket: written in portions that never block */
	bool		 fifo;		/* a pipe */
	bool		 gone;		/* nobody reads any more, or it failed: why says */
	char		 why[128];
};
void	out_init(struct out *);
bool	out_ready(const struct out *);	/* room for another record */
/* Adds a text made for it; one that failed is never passed over in silence. */
#define OUT_TEXT_BYTES_MAX	(8 * 1024 * 1024)	/* a record indented, or the rows of a table's window */
void	out_take(struct out *, const struct buf *);
/* Writes what can be written now. */
void	out_flush(struct out *);
/* What the loop is to wait for (EV_READ, EV_WRITE; 0: nothing): room, or that the last reader goes. */
short	out_events(const struct out *);
/* Its pollfd, and after poll. */
struct pollfd out_poll(const struct out *);
void	out_polled(struct out *, short revents);

#endif
