/*
 * table.h -- records of a list command as aligned columns.
 *
 * The first rows are held back to find widths; then rows stream with these.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "launcher/cli/cli.h"
#include "worker/contract/command.h"

#define TABLE_WINDOW_ROWS	200
#define TABLE_WINDOW_MS		500	/* a slow source: show what there is */
#define TABLE_COLUMNS_MAX	16
#define TABLE_CELL_COLUMNS_MAX	40
#define TABLE_CELL_BYTES_MAX	256

struct table;

/* schema: of accounts or entitlements, or NULL: columns are those of the first row. columns 0: as wide as it comes. */
struct table	*table_new(enum command, const cJSON *schema, size_t columns, bool color);
void		 table_free(struct table *);
/* One output's data as JSON text.  -1: not readable, shown as nothing. */
int		 table_row(struct table *, struct buf *out, const char *json, size_t len, struct error *e);
/* Prints what is held back. */
void		 table_flush(struct table *, struct buf *out);
/* When the window is due (now_ms clock), 0: nothing waits. */
int64_t		 table_due_ms(const struct table *);
/* Names of columns that did not fit or were not chosen, comma separated; "" if none. */
const char	*table_left_out(const struct table *);

/* The schema a list command shows: accountSchema, or the entitlement schema of input.type. NULL if there is none. */
const cJSON	*table_schema(const struct spec *, enum command, const cJSON *input);

#endif
