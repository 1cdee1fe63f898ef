/*
 * db.h -- between the files of this room: one connection, its statements, and the transaction under way.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>

#include "launcher/store/store.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

enum stmt {
	STMT_OPEN, STMT_COMMIT,
	STMT_BEGIN_ROW, STMT_STATE, STMT_END_ROW, STMT_END_LATE, STMT_GET, STMT_LOST,
	STMT_FORGET_OLD, STMT_FORGET_MANY,
	STMT_KEPT_ADD, STMT_KEPT_MORE, STMT_KEPT_SIZE, STMT_KEPT_BYTES, STMT_KEPT_OLD,
	STMT_RESULT_ADD, STMT_RESULT_READ, STMT_RESULTS_OLD,
	STMT_KEY_GET, STMT_KEY_ADD, STMT_KEY_DROP, STMT_KEYS_OLD,
	STMT_AUDIT_ADD, STMT_AUDIT_LIST, STMT_AUDIT_MANY,
	STMT__MAX
};

/* Reset and ready to be bound; NULL where the store is not open. */
sqlite3_stmt	*db_stmt(enum stmt);
/* One made for the moment; sqlite3_finalize() it.  NULL: it could not be made. */
sqlite3_stmt	*db_prepare(const char *sql);
/* Binds a text, NULL as NULL. */
void		 db_text(sqlite3_stmt *, int at, const char *);
/* Runs a writing statement to its end, inside the transaction of this turn.  -1: noted for store_ok(). */
int		 db_write(sqlite3_stmt *);
/* How many rows the last write changed. */
int		 db_changed(sqlite3_stmt *);
/* Milliseconds since 1970. */
int64_t		 db_now(void);
const struct store_plan *db_plan(void);
/* journal.c: states that were not written yet are. */
void		 journal_settle(void);
/* results.c: another file was opened. */
void		 results_recount(void);
/* Adds the column as a member, unless it is NULL. */
void		 db_member(cJSON *o, const char *name, sqlite3_stmt *, int column);
/* What journal_row_print() prints, in its order. */
#define JOURNAL_COLUMNS	"seq,id,connector,command,source,caller,trace,accepted,state,receipt,ended"
cJSON		*journal_row_print(sqlite3_stmt *);

#endif
