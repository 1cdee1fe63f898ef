/*
 * db.c -- the SQLite file: opening, the schema, statements, and one transaction per turn of the loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "launcher/store/db.h"

#define SCHEMA		2		/* user_version; a newer file is not touched, an older one is raised by `schema` */
#define SCHEMA_SQL	"PRAGMA user_version=2"
#define BUSY_MS		2000		/* somebody reads it with a tool of their own */
#define TICK_S		5		/* between two looks for what is to be forgotten */
#define FORGET_ROWS	"500"		/* in one portion */

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS invocation("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, connector TEXT NOT NULL, command TEXT NOT NULL,"
    " source TEXT, caller TEXT, trace TEXT, accepted INTEGER NOT NULL, state TEXT NOT NULL, outcome TEXT,"
    " ended INTEGER, receipt TEXT) STRICT;"
    "CREATE INDEX IF NOT EXISTS invocation_id ON invocation(id);"
    "CREATE INDEX IF NOT EXISTS invocation_connector ON invocation(connector, seq);"
    "CREATE INDEX IF NOT EXISTS invocation_command ON invocation(command, seq);"
    "CREATE INDEX IF NOT EXISTS invocation_source ON invocation(source, seq);"
    "CREATE INDEX IF NOT EXISTS invocation_outcome ON invocation(outcome, seq);"
    "CREATE INDEX IF NOT EXISTS invocation_live ON invocation(seq) WHERE state <> 'done';"
    "CREATE TABLE IF NOT EXISTS result("
    " id TEXT NOT NULL, at INTEGER NOT NULL, made INTEGER NOT NULL, bytes BLOB NOT NULL,"
    " PRIMARY KEY(id, at)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS result_made ON result(made);"
    "CREATE TABLE IF NOT EXISTS kept("
    " id TEXT NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL, made INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS kept_made ON kept(made);"
    "CREATE TABLE IF NOT EXISTS key("
    " caller TEXT NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL, id TEXT NOT NULL, made INTEGER NOT NULL,"
    " PRIMARY KEY(caller, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS key_made ON key(made);"
    "CREATE TABLE IF NOT EXISTS audit("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,"
    " detail TEXT) STRICT;";

static const char *const texts[] = {
	[STMT_OPEN]		= "BEGIN IMMEDIATE",
	[STMT_COMMIT]		= "COMMIT",
	[STMT_BEGIN_ROW]	= "INSERT INTO invocation(id,connector,command,source,caller,trace,accepted,state)"
				  " VALUES(?,?,?,?,?,?,?,'queued')",
	[STMT_STATE]		= "UPDATE invocation SET state=?2 WHERE seq=(SELECT max(seq) FROM invocation WHERE id=?1)"
				  " AND state<>'done'",
	[STMT_END_ROW]		= "UPDATE invocation SET state='done', outcome=?2, ended=?3, receipt=?4"
				  " WHERE seq=(SELECT max(seq) FROM invocation WHERE id=?1) AND state<>'done'",
	/* Its beginning could not be written down: the end still can. */
	[STMT_END_LATE]		= "INSERT INTO invocation(id,connector,command,accepted,state,outcome,ended,receipt)"
				  " SELECT ?1,?5,?6,?7,'done',?2,?3,?4"
				  " WHERE NOT EXISTS(SELECT 1 FROM invocation WHERE id=?1)",
	[STMT_GET]		= "SELECT " JOURNAL_COLUMNS
				  " FROM invocation WHERE id=? ORDER BY seq DESC LIMIT 1",
	[STMT_LOST]		= "UPDATE invocation SET state='done', outcome='failed', ended=?1, receipt="
				  "json_object('outcome','failed','cause','launcher','message',"
				  "'the launcher ended before it did','id',id,'connector',connector,'command',command)"
				  " WHERE state<>'done'",
	[STMT_FORGET_OLD]	= "DELETE FROM invocation WHERE seq IN (SELECT seq FROM invocation WHERE accepted<?1"
				  " AND state='done' ORDER BY seq LIMIT " FORGET_ROWS ")",
	[STMT_FORGET_MANY]	= "DELETE FROM invocation WHERE seq IN (SELECT seq FROM invocation WHERE"
				  " seq<=(SELECT max(seq) FROM invocation)-?1 AND state='done' ORDER BY seq LIMIT "
				  FORGET_ROWS ")",
	[STMT_KEPT_ADD]		= "INSERT INTO kept(id,bytes,made) VALUES(?,0,?)",
	[STMT_KEPT_MORE]	= "UPDATE kept SET bytes=bytes+?3, made=?4 WHERE id=?1 AND bytes=?2",
	[STMT_KEPT_SIZE]	= "SELECT bytes FROM kept WHERE id=?",
	[STMT_KEPT_BYTES]	= "SELECT coalesce(sum(bytes+?1),0) FROM kept",
	[STMT_KEPT_OLD]		= "DELETE FROM kept WHERE id IN (SELECT id FROM kept WHERE made<?1 LIMIT " FORGET_ROWS ")",
	[STMT_RESULT_ADD]	= "INSERT INTO result(id,at,made,bytes) VALUES(?,?,?,?)",
	[STMT_RESULT_READ]	= "SELECT at,bytes FROM result WHERE id=?1 AND at<=?2 ORDER BY at DESC LIMIT 1",
	/* Pieces of those that are gone already. */
	[STMT_RESULTS_OLD]	= "DELETE FROM result WHERE (id,at) IN (SELECT id,at FROM result WHERE made<?1"
				  " AND id NOT IN (SELECT id FROM kept) LIMIT " FORGET_ROWS ")",
	[STMT_KEY_GET]		= "SELECT digest,id FROM key WHERE caller=? AND key=?",
	[STMT_KEY_ADD]		= "INSERT INTO key(caller,key,digest,id,made) VALUES(?,?,?,?,?)",
	[STMT_KEY_DROP]		= "DELETE FROM key WHERE caller=? AND key=? AND id=?",
	[STMT_KEYS_OLD]		= "DELETE FROM key WHERE made<?1",
	[STMT_AUDIT_ADD]	= "INSERT INTO audit(at,who,what,detail) VALUES(?,?,?,?)",
	[STMT_AUDIT_MANY]	= "DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE"
				  " seq<=(SELECT max(seq) FROM audit)-?1 ORDER BY seq LIMIT " FORGET_ROWS ")",
	[STMT_AUDIT_LIST]	= "SELECT at,who,what,detail FROM audit ORDER BY seq DESC LIMIT ?",
};
static_assert(N_ITEMS(texts) == STMT__MAX, "every statement has its text");

static sqlite3		*db;
static sqlite3_stmt	*stmts[STMT__MAX];
static struct store_plan plan;
static bool		 open_now;	/* a transaction is */
static int64_t		 changes;	/* before it */
static struct error	 trouble;	/* of the last write; ERR_NONE: it went well */
static struct event	 commit, tick;
static bool		 looped;

int64_t
db_now(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const struct store_plan *
db_plan(void)
{
	return &plan;
}

static int
failed(struct error *e, const char *what)
{
	return error_set(e, ERR_SYSTEM, "journal: %s: %s", what, db == NULL ? "no memory" : sqlite3_errmsg(db));
}

sqlite3_stmt *
db_stmt(enum stmt which)
{
	sqlite3_stmt	*s = stmts[which];

	if (s != NULL) {
		sqlite3_reset(s);
		sqlite3_clear_bindings(s);
	}
	return s;
}

sqlite3_stmt *
db_prepare(const char *sql)
{
	sqlite3_stmt	*s = NULL;

	if (db == NULL || sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		return NULL;
	return s;
}

void
db_text(sqlite3_stmt *s, int at, const char *text)
{
	if (text != NULL)
		sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

void
db_member(cJSON *o, const char *name, sqlite3_stmt *s, int column)
{
	const char	*text = (const char *)sqlite3_column_text(s, column);

	if (text != NULL)
		(void)json_set_str(o, name, text);
}

/* One without values, at once. */
static int
run(enum stmt which)
{
	sqlite3_stmt	*s = db_stmt(which);
	int		 r = s == NULL ? SQLITE_ERROR : sqlite3_step(s);

	sqlite3_reset(s);
	return r == SQLITE_DONE ? 0 : -1;
}

int
db_write(sqlite3_stmt *s)
{
	if (s == NULL)
		return -1;
	if (!open_now && run(STMT_OPEN) == -1)
		return failed(&trouble, "begin");
	if (!open_now)
		changes = sqlite3_total_changes64(db);
	open_now = true;
	if (looped)
		event_active(&commit, EV_TIMEOUT, 0);
	if (sqlite3_step(s) == SQLITE_DONE) {
		sqlite3_reset(s);
		return 0;
	}
	failed(&trouble, "write");
	sqlite3_reset(s);
	/* A full disk may have ended the transaction by itself. */
	open_now = sqlite3_get_autocommit(db) == 0;
	return -1;
}

int
db_changed(sqlite3_stmt *s)
{
	return sqlite3_changes(sqlite3_db_handle(s));
}

int
store_sync(struct error *e)
{
	if (db == NULL)
		return error_set(e, ERR_SYSTEM, "journal: it is not open");
	if (open_now && run(STMT_COMMIT) == -1) {
		failed(&trouble, "commit");
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		open_now = false;
		*e = trouble;
		return -1;
	}
	/* One that wrote nothing proves nothing. */
	if (open_now && sqlite3_total_changes64(db) > changes)
		trouble = ERROR_NONE;
	open_now = false;
	return store_ok(e);
}

int
store_ok(struct error *e)
{
	if (trouble.code == ERR_NONE)
		return 0;
	*e = trouble;
	return -1;
}

static void
on_commit(evutil_socket_t fd, short what, void *arg)
{
	struct error	 ignored = ERROR_NONE;	/* kept in `trouble` */

	(void)fd;
	(void)what;
	(void)arg;
	(void)store_sync(&ignored);
}

/* While nothing can be written, one small write now and then finds out when it can again. */
static void
probe(void)
{
	struct error	 ignored = ERROR_NONE;

	if (trouble.code != ERR_NONE && sqlite3_exec(db, "BEGIN IMMEDIATE; " SCHEMA_SQL "; COMMIT",
	    NULL, NULL, NULL) == SQLITE_OK)
		trouble = ERROR_NONE;
	else if (sqlite3_get_autocommit(db) == 0 && !open_now)
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	(void)store_sync(&ignored);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct timeval	 next = { TICK_S, 0 }, soon = { 0, 50000 };

	(void)fd;
	(void)what;
	(void)arg;
	journal_settle();
	probe();
	event_add(&tick, store_forget(db_now()) ? &soon : &next);
}

static int
schema_make(struct error *e)
{
	sqlite3_stmt	*s = NULL;
	int		 version = -1;

	if (sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;",
	    NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, plan.durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", NULL, NULL, NULL)
	    != SQLITE_OK || sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL) != SQLITE_OK)
		return failed(e, plan.path == NULL ? "memory" : plan.path);
	if (sqlite3_step(s) == SQLITE_ROW)
		version = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	if (version > SCHEMA || version < 0)
		return error_set(e, ERR_SYSTEM, "journal: %s is of a newer bascule (schema %d, this one knows %d)",
		    plan.path, version, SCHEMA);
	if (sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, SCHEMA_SQL, NULL, NULL, NULL) != SQLITE_OK)
		return failed(e, "schema");
	/*
	 * The first time that it syncs its log SQLite opens the folder too, and later the front may open nothing.  If a log
	 * was left by one that was killed, that would be at some checkpoint.
	 */
	(void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return 0;
}

static void
defaults(struct store_plan *p)
{
	if (p->invocations_max == 0)
		p->invocations_max = STORE_INVOCATIONS;
	if (p->age_ms_max == 0)
		p->age_ms_max = STORE_AGE_MS;
	if (p->results_bytes_max == 0)
		p->results_bytes_max = STORE_RESULTS_BYTES;
	if (p->results_age_ms_max == 0)
		p->results_age_ms_max = STORE_RESULTS_AGE_MS;
}

/* Receipts name hosts and people's ids: for its owner only, and so is what SQLite puts beside it. */
static int
file_make(struct error *e)
{
	int	fd = open(plan.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);

	if (fd == -1)
		return error_sys(e, "journal: %.200s", plan.path);
	close(fd);
	return 0;
}

/*
 * The file may be no link, and SQLite then wants none on the way to it either; but systemd's folders of state are
 * reached by one.
 */
static int
file_place(char *place, size_t n, struct error *e)
{
	const char	*slash = strrchr(plan.path, '/'), *name = slash == NULL ? plan.path : slash + 1;
	char		 folder[PATH_MAX], real[PATH_MAX];

	if (slash == NULL)
		(void)snprintf(folder, sizeof(folder), ".");
	else
		(void)snprintf(folder, sizeof(folder), "%.*s", (int)(name - plan.path), plan.path);
	if (realpath(folder, real) == NULL)
		return error_sys(e, "journal: %.200s", folder);
	if ((size_t)snprintf(place, n, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name) >= n) {
		errno = ENAMETOOLONG;
		return error_sys(e, "journal: %.200s", plan.path);
	}
	return 0;
}

static int
file_open(struct error *e)
{
	int	flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	char	place[PATH_MAX] = ":memory:";

	if (plan.path != NULL && (file_place(place, sizeof(place), e) == -1 || file_make(e) == -1))
		return -1;
	if (sqlite3_open_v2(place, &db, flags, NULL) != SQLITE_OK)
		return failed(e, plan.path == NULL ? "memory" : plan.path);
	sqlite3_busy_timeout(db, BUSY_MS);
	if (schema_make(e) == -1)
		return -1;
	for (size_t i = 0; i < STMT__MAX; i++)
		if (sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &stmts[i], NULL) != SQLITE_OK)
			return failed(e, "statement");
	return 0;
}

int
keys_forget_requests(struct error *e)
{
	if (store_sync(e) == -1)
		return -1;
	/* Overwritten in the file, and in the log that goes before it. */
	if (sqlite3_exec(db, "PRAGMA secure_delete=ON; UPDATE key SET digest=zeroblob(32); PRAGMA secure_delete=OFF;"
	    "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL) != SQLITE_OK)
		return failed(e, "keys");
	return 0;
}

/* What a launcher that died had under way. */
static int
recover(struct error *e)
{
	sqlite3_stmt	*s = db_stmt(STMT_LOST);

	sqlite3_bind_int64(s, 1, db_now());
	if (db_write(s) == 0)
		return store_sync(e);
	*e = trouble;
	return -1;
}

int
store_open(const struct store_plan *p, struct event_base *base, struct error *e)
{
	struct timeval	 next = { TICK_S, 0 };

	plan = *p;
	defaults(&plan);
	trouble = ERROR_NONE;
	open_now = looped = false;
	results_recount();
	if (file_open(e) == -1 || recover(e) == -1) {
		store_close();
		return -1;
	}
	if (base != NULL) {
		evtimer_assign(&commit, base, on_commit, NULL);
		evtimer_assign(&tick, base, on_tick, NULL);
		event_add(&tick, &next);
		looped = true;
	}
	return 0;
}

void
store_leave(void)
{
	struct error	 ignored = ERROR_NONE;

	if (db == NULL)
		return;
	journal_settle();
	(void)store_sync(&ignored);
	(void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

void
store_close(void)
{
	struct error	 ignored = ERROR_NONE;

	if (db != NULL) {
		journal_settle();
		(void)store_sync(&ignored);
	}
	if (looped) {
		event_del(&commit);
		event_del(&tick);
	}
	looped = false;
	for (size_t i = 0; i < STMT__MAX; i++) {
		sqlite3_finalize(stmts[i]);
		stmts[i] = NULL;
	}
	sqlite3_close(db);
	db = NULL;
}
