/*
 * journal.c -- rows of invocations; keys of writes; who changed what.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/store/db.h"

#define PAGE_ROWS	100
#define RECEIPT_BYTES	((size_t)256 * 1024)

void
journal_begin(const struct journal_row *r)
{
	sqlite3_stmt		*s = db_stmt(STMT_BEGIN_ROW);
	const char *const	 columns[] = { r->id, r->connector, r->command, r->source, r->caller, r->trace };

	if (s == NULL)
		return;
	for (int i = 0; i < (int)N_ITEMS(columns); i++)
		db_text(s, i + 1, columns[i]);
	sqlite3_bind_int64(s, (int)N_ITEMS(columns) + 1, r->accepted_ms);
	(void)db_write(s);
}

void
journal_state(const char *id, const char *state)
{
	sqlite3_stmt	*s = db_stmt(STMT_STATE);

	if (s == NULL)
		return;
	db_text(s, 1, id);
	db_text(s, 2, state);
	(void)db_write(s);
}

void
journal_end(const char *id, cJSON *receipt)
{
	sqlite3_stmt	*s = db_stmt(STMT_END_ROW);
	struct buf	 b;

	buf_init(&b, RECEIPT_BYTES);
	json_print(&b, receipt);
	if (s != NULL) {
		db_text(s, 1, id);
		db_text(s, 2, json_str(receipt, "outcome", "failed"));
		sqlite3_bind_int64(s, 3, db_now());
		db_text(s, 4, b.failed || b.data == NULL ? "{\"outcome\":\"failed\",\"message\":\"the receipt is too long\"}" :
		    b.data);
		(void)db_write(s);
	}
	buf_free(&b);
	cJSON_Delete(receipt);
}

static cJSON *
row_print(sqlite3_stmt *s)
{
	static const char *const	 names[] = { "id", "connector", "command", "source", "caller", "trace" };
	cJSON				*o = cJSON_CreateObject();
	const char			*text = (const char *)sqlite3_column_text(s, 9);
	struct error			 e = ERROR_NONE;

	for (int i = 0; i < (int)N_ITEMS(names); i++)
		db_member(o, names[i], s, i + 1);
	(void)json_set(o, "accepted", json_int(sqlite3_column_int64(s, 7)));
	db_member(o, "state", s, 8);
	if (text != NULL)
		(void)json_set(o, "receipt", json_parse(text, strlen(text), NULL, &e));
	return o;
}

cJSON *
journal_get(const char *id)
{
	sqlite3_stmt	*s = db_stmt(STMT_GET);
	cJSON		*o = NULL;

	if (s == NULL)
		return NULL;
	db_text(s, 1, id);
	if (sqlite3_step(s) == SQLITE_ROW)
		o = row_print(s);
	sqlite3_reset(s);
	return o;
}

cJSON *
journal_list(const struct journal_filter *f)
{
	sqlite3_stmt		*s = db_stmt(STMT_LIST);
	const char *const	 wanted[] = { f->connector, f->command, f->source, f->state, f->outcome };
	cJSON			*o = cJSON_CreateObject(), *list = cJSON_CreateArray();
	size_t			 limit = f->limit == 0 ? PAGE_ROWS : f->limit > STORE_PAGE_MAX ? STORE_PAGE_MAX : f->limit;
	int64_t			 last = 0;

	(void)json_set(o, "invocations", list);
	if (s == NULL)
		return o;
	sqlite3_bind_int64(s, 1, f->before == 0 || f->before > INT64_MAX ? INT64_MAX : (int64_t)f->before);
	for (int i = 0; i < (int)N_ITEMS(wanted); i++)
		db_text(s, i + 2, wanted[i]);
	sqlite3_bind_int64(s, 7, (int64_t)limit + 1);
	for (size_t n = 0; sqlite3_step(s) == SQLITE_ROW; n++) {
		if (n == limit) {
			(void)json_set(o, "next", json_int(last));
			break;
		}
		last = sqlite3_column_int64(s, 0);
		(void)json_push(list, row_print(s));
	}
	sqlite3_reset(s);
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
