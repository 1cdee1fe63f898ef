/*
 * slog.h -- the server's log: one JSON object a line on standard error.
 *
 * Never a config, an input, a record or a token.  A reader that is slow loses lines and is told
 * how many; it never holds up the loop.
 */
#ifndef SERVE_SLOG_H
#define SERVE_SLOG_H

#include <stddef.h>

#include <cjson/cJSON.h>

enum slog_level { SLOG_ERROR, SLOG_WARN, SLOG_INFO, SLOG_DEBUG };

void	 slog_open(enum slog_level most);
/* An object with time, level and event, to be filled and written; NULL if nobody wants it (json_set is fine with that). */
cJSON	*slog_new(enum slog_level, const char *event);
/* Takes it. NULL is fine. */
void	 slog_write(cJSON *);
/* One event with one text. */
void	 slog_text(enum slog_level, const char *event, const char *name, const char *text);
/* What a slow reader has not taken yet; called now and then. */
void	 slog_flush(void);

#endif
