/*
 * view.h -- what a caller of `bascule invoke` sees: results on standard output;
 * progress, log lines and a summary on standard error.
 */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include "launcher/cli/cli.h"
#include "launcher/cli/table.h"

#define VIEW_TICK_MS	100	/* between two progress lines */

enum log_mode {
	LOG_NOTHING,
	LOG_WARNINGS,	/* for people */
	LOG_PEOPLE,	/* all of them, for people */
	LOG_LINES,	/* as they are */
};

struct view {
	struct out	 out;
	enum out_mode	 mode;
	enum log_mode	 log_mode;
	int		 log_fd;		/* of LOG_LINES */
	bool		 own_log_fd;
	bool		 out_tty, color, progress, summary;
	bool		 shown;			/* a progress line stands on the terminal */
	struct table	*table;
	uint64_t	 records, states, patches;
	int64_t		 start_ms, shown_ms;
	struct error	 trouble;		/* what could not be shown or kept; ERR_NONE: nothing */
};

/* Opens what it needs: -1 with *e (a log file that cannot be written). */
int	view_open(struct view *, const struct invoke_options *, struct error *e);
/* Once the request is known: table or text. -1: no memory. */
int	view_choose(struct view *, const struct connector_ref *, const struct request *, struct error *e);
/* Records, logs and readiness, for the invocation. */
struct inv_sink	view_sink(struct view *);
/* Writes what can be written; renews the progress line. */
void	view_step(struct view *);
/* When view_step() is wanted at the latest; -1: never. */
int	view_wait_ms(const struct view *);
/* Rows that were held back, and a last line as it is (NULL: none). */
void	view_end(struct view *, const struct buf *last);
/* On a terminal: how many, how long, what was not shown. */
void	view_summary(struct view *);
/* Takes the progress line away before anything else is said. */
void	view_clear(struct view *);
void	view_close(struct view *);

#endif
