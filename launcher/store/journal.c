/*
 * journal.c -- rows of invocations; keys of writes; who changed what.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/store/db.h"
#include "worker/contract/limits.h"
#include "worker/contract/request.h"

#define PAGE_ROWS	100
#define RECEIPT_BYTES	((size_t)256 * 1024)

/*
 * States on the way to the end, which nothing is decided by: most invocations end before one of them has to be written.
 */
#define STATES_MAX	64	/* then all are */

static struct {
	char		 id[REQUEST_ID_BYTES_MAX + 1];
	const char	*state;
} states[STATES_MAX];
static size_t	 nstates;

static void
state_write(size_t i)
{
	sqlite3_stmt	*s = db_stmt(STMT_STATE);

	if (s == NULL)
		return;
	db_text(s, 1, states[i].id);
	db_text(s, 2, states[i].state);
	(void)db_write(s);
}

void
journal_settle(void)
{
	for (size_t i = 0; i < nstates; i++)
		state_write(i);
	nstates = 0;
}

static size_t
state_find(const char *id)
{
	size_t	 i = 0;

	while (i < nstates && strcmp(states[i].id, id) != 0)
		i++;
	return i;
}

static void
state_drop(const char *id)
{
	size_t	 i = state_find(id);

	if (i < nstates)
		states[i] = states[--nstates];
}

void
journal_state(const char *id, const char *state)
{
	size_t	 i = state_find(id);

	if (i == STATES_MAX) {
		journal_settle();
		i = 0;
	}
	if (i == nstates)
		snprintf(states[nstates++].id, sizeof(states[i].id), "%s", id);
	states[i].state = state;
}

void
journal_begin(const struct journal_row *r)
{
	sqlite3_stmt		*s = db_stmt(STMT_BEGIN_ROW);
	const char *const	 columns[] = { r->id, r->connector, r->command, r->source, r->caller, r->trace };

	if (s == NULL)
		return;
	state_drop(r->id);
	for (int i = 0; i < (int)N_ITEMS(columns); i++)
		db_text(s, i + 1, columns[i]);
	sqlite3_bind_int64(s, (int)N_ITEMS(columns) + 1, r->accepted_ms);
	(void)db_write(s);
}

static void
end_bind(sqlite3_stmt *s, const char *id, const cJSON *receipt, const struct buf *b, int64_t now)
{
	db_text(s, 1, id);
	db_text(s, 2, json_str(receipt, "outcome", "failed"));
	sqlite3_bind_int64(s, 3, now);
	db_text(s, 4, b->failed || b->data == NULL ? "{\"outcome\":\"failed\",\"message\":\"the receipt is too long\"}" :
	    b->data);
}

void
journal_end(const char *id, cJSON *receipt)
{
	sqlite3_stmt	*s = db_stmt(STMT_END_ROW);
	int64_t		 now = db_now(), took = 0;
	struct buf	 b;

	state_drop(id);
	buf_init(&b, RECEIPT_BYTES);
	json_print(&b, receipt);
	if (s != NULL) {
		end_bind(s, id, receipt, &b, now);
		if (db_write(s) == 0 && db_changed(s) == 0) {
			(void)json_i64_of(json_get(receipt, "totalMs"), &took);
			s = db_stmt(STMT_END_LATE);
			end_bind(s, id, receipt, &b, now);
			db_text(s, 5, json_str(receipt, "connector", ""));
			db_text(s, 6, json_str(receipt, "command", ""));
			sqlite3_bind_int64(s, 7, now - took);
			(void)db_write(s);
		}
	}
	buf_free(&b);
	cJSON_Delete(receipt);
}

cJSON *
journal_row_print(sqlite3_stmt *s)
{
	static const char *const	 names[] = { "id", "connector", "command", "source", "caller", "trace" };
	cJSON				*o = cJSON_CreateObject();
	const char			*text = (const char *)sqlite3_column_text(s, 9);
	struct error			 e = ERROR_NONE;

	for (int i = 0; i < (int)N_ITEMS(names); i++)
		db_member(o, names[i], s, i + 1);
	(void)json_set(o, "accepted", json_int(sqlite3_column_int64(s, 7)));
	db_member(o, "state", s, 8);
	if (sqlite3_column_type(s, 10) != SQLITE_NULL)
		(void)json_set(o, "ended", json_int(sqlite3_column_int64(s, 10)));
	if (text != NULL)
		(void)json_set(o, "receipt", json_parse(text, strlen(text), NULL, &e));
	return o;
}

cJSON *
journal_get(const char *id)
{
	sqlite3_stmt	*s;
	cJSON		*o = NULL;

	journal_settle();
	if ((s = db_stmt(STMT_GET)) == NULL)
		return NULL;
	db_text(s, 1, id);
	if (sqlite3_step(s) == SQLITE_ROW)
		o = journal_row_print(s);
	sqlite3_reset(s);
	return o;
}

/* Only the conditions that there are: each has an index, which "? IS NULL OR ..." would keep from being used. */
static sqlite3_stmt *
list_make(const struct journal_filter *f, int64_t rows)
{
	const struct { const char *text, *value; } conditions[] = {
		{ " AND connector=?", f->connector }, { " AND command=?", f->command }, { " AND source=?", f->source },
		{ " AND state=?", f->state }, { " AND outcome=?", f->outcome },
	};
	sqlite3_stmt	*s;
	autobuf		 sql;
	int		 n = 1;

	buf_init(&sql, KIB);
	buf_adds(&sql, "SELECT " JOURNAL_COLUMNS " FROM invocation WHERE seq<?");
	for (size_t i = 0; i < N_ITEMS(conditions); i++)
		if (conditions[i].value != NULL)
			buf_adds(&sql, conditions[i].text);
	/* What lives is few, and has an index of its own. */
	if (f->state != NULL && strcmp(f->state, "done") != 0)
		buf_adds(&sql, " AND state<>'done'");
	buf_adds(&sql, " ORDER BY seq DESC LIMIT ?");
	if (sql.failed || (s = db_prepare(sql.data)) == NULL)
		return NULL;
	sqlite3_bind_int64(s, n++, f->before == 0 || f->before > INT64_MAX ? INT64_MAX : (int64_t)f->before);
	for (size_t i = 0; i < N_ITEMS(conditions); i++)
		if (conditions[i].value != NULL)
			db_text(s, n++, conditions[i].value);
	sqlite3_bind_int64(s, n, rows);
	return s;
}

cJSON *
journal_list(const struct journal_filter *f)
{
	size_t		 limit = f->limit == 0 ? PAGE_ROWS : f->limit > STORE_PAGE_MAX ? STORE_PAGE_MAX : f->limit;
	sqlite3_stmt	*s;
	cJSON		*o = cJSON_CreateObject(), *list = cJSON_CreateArray();
	int64_t		 last = 0;

	journal_settle();
	s = list_make(f, (int64_t)limit + 1);
	(void)json_set(o, "invocations", list);
	for (size_t n = 0; s != NULL && sqlite3_step(s) == SQLITE_ROW; n++) {
		if (n == limit) {
			(void)json_set(o, "next", json_int(last));
			break;
		}
		last = sqlite3_column_int64(s, 0);
		(void)json_push(list, journal_row_print(s));
	}
	sqlite3_finalize(s);
	return o;
}

enum key_answer
key_claim(const char *caller, const char *key, const unsigned char digest[32], const char *id, char first_id[129],
    struct error *e)
{
	sqlite3_stmt	*s = db_stmt(STMT_KEY_GET);
	enum key_answer	 a = KEY_NEW;

	if (s == NULL)
		return KEY_FAILED;
	db_text(s, 1, caller);
	db_text(s, 2, key);
	if (sqlite3_step(s) == SQLITE_ROW) {
		a = sqlite3_column_bytes(s, 0) == 32 && memcmp(sqlite3_column_blob(s, 0), digest, 32) == 0 ? KEY_SAME :
		    KEY_OTHER;
		snprintf(first_id, 129, "%s", (const char *)sqlite3_column_text(s, 1));
	}
	sqlite3_reset(s);
	if (a != KEY_NEW)
		return a;
	s = db_stmt(STMT_KEY_ADD);
	db_text(s, 1, caller);
	db_text(s, 2, key);
	sqlite3_bind_blob(s, 3, digest, 32, SQLITE_STATIC);
	db_text(s, 4, id);
	sqlite3_bind_int64(s, 5, db_now());
	/* On disk before the write runs, or it may run twice. */
	if (db_write(s) == -1) {
		(void)store_ok(e);
		return KEY_FAILED;
	}
	return store_sync(e) == 0 ? KEY_NEW : KEY_FAILED;
}

void
key_release(const char *caller, const char *key, const char *id)
{
	sqlite3_stmt	*s = db_stmt(STMT_KEY_DROP);

	if (s == NULL)
		return;
	db_text(s, 1, caller);
	db_text(s, 2, key);
	db_text(s, 3, id);
	(void)db_write(s);
}

void
audit_add(const char *who, const char *what, const char *detail)
{
	sqlite3_stmt	*s = db_stmt(STMT_AUDIT_ADD);

	if (s == NULL)
		return;
	sqlite3_bind_int64(s, 1, db_now());
	db_text(s, 2, who);
	db_text(s, 3, what);
	db_text(s, 4, detail);
	(void)db_write(s);
}

cJSON *
audit_list(size_t max)
{
	sqlite3_stmt	*s = db_stmt(STMT_AUDIT_LIST);
	cJSON		*list = cJSON_CreateArray();

	if (s == NULL)
		return list;
	sqlite3_bind_int64(s, 1, (int64_t)(max > STORE_PAGE_MAX ? STORE_PAGE_MAX : max));
	while (sqlite3_step(s) == SQLITE_ROW) {
		cJSON	*o = cJSON_CreateObject();

		(void)json_set(o, "at", json_int(sqlite3_column_int64(s, 0)));
		db_member(o, "who", s, 1);
		db_member(o, "what", s, 2);
		db_member(o, "detail", s, 3);
		(void)json_push(list, o);
	}
	sqlite3_reset(s);
	return list;
}
