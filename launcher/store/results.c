/*
 * results.c -- the public stream of invocations, in pieces by byte offset; and what is forgotten.
 */
#include <string.h>

#include "launcher/store/db.h"

#define UNKNOWN		(-1)
#define RESULT_COST	256	/* bytes that each result counts for, beside its own */

static int64_t	total = UNKNOWN;	/* bytes of all results; counted once, then kept up */

void
results_recount(void)
{
	total = UNKNOWN;
}

static int64_t
one_number(sqlite3_stmt *s, int64_t otherwise)
{
	int64_t	 n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : otherwise;

	sqlite3_reset(s);
	return n;
}

static int64_t
total_now(void)
{
	sqlite3_stmt	*s;

	if (total == UNKNOWN && (s = db_stmt(STMT_KEPT_BYTES)) != NULL) {
		sqlite3_bind_int64(s, 1, RESULT_COST);
		total = one_number(s, 0);
	}
	return total;
}

/* Is there room for n bytes more? */
static int
room_check(size_t n, struct error *e)
{
	uint64_t	 most = db_plan()->results_bytes_max;

	if ((uint64_t)total_now() + n <= most)
		return 0;
	total = UNKNOWN;	/* count again: some may have been forgotten */
	if ((uint64_t)total_now() + n <= most)
		return 0;
	return error_set(e, ERR_LIMIT, "results that are kept are over %llu bytes together", (unsigned long long)most);
}

static int
write_failed(struct error *e)
{
	return store_ok(e) == -1 ? -1 : error_set(e, ERR_SYSTEM, "journal: write");
}

int64_t
results_size(const char *id)
{
	sqlite3_stmt	*s = db_stmt(STMT_KEPT_SIZE);

	if (s == NULL)
		return -1;
	db_text(s, 1, id);
	return one_number(s, -1);
}

int
results_begin(const char *id, struct error *e)
{
	sqlite3_stmt	*s = db_stmt(STMT_KEPT_ADD);

	if (s == NULL)
		return error_set(e, ERR_SYSTEM, "journal: it is not open");
	if (results_size(id) != -1)
		return error_set(e, ERR_REQUEST, "id: results of another invocation of this id are kept");
	if (room_check(RESULT_COST, e) == -1)
		return -1;
	db_text(s, 1, id);
	sqlite3_bind_int64(s, 2, db_now());
	if (db_write(s) == -1)
		return write_failed(e);
	total += RESULT_COST;
	return 0;
}

int
results_append(const char *id, int64_t at, const char *bytes, size_t n, struct error *e)
{
	sqlite3_stmt	*s = db_stmt(STMT_KEPT_MORE);
	int64_t		 now = db_now();

	if (s == NULL)
		return error_set(e, ERR_SYSTEM, "journal: it is not open");
	if (room_check(n, e) == -1)
		return -1;
	db_text(s, 1, id);
	sqlite3_bind_int64(s, 2, at);
	sqlite3_bind_int64(s, 3, (int64_t)n);
	sqlite3_bind_int64(s, 4, now);
	if (db_write(s) == -1)
		return write_failed(e);
	if (db_changed(s) == 0)
		return error_set(e, ERR_SYSTEM, "journal: results before byte %lld could not be kept", (long long)at);
	s = db_stmt(STMT_RESULT_ADD);
	db_text(s, 1, id);
	sqlite3_bind_int64(s, 2, at);
	sqlite3_bind_int64(s, 3, now);
	sqlite3_bind_blob64(s, 4, bytes, n, SQLITE_STATIC);
	if (db_write(s) == -1)
		return write_failed(e);
	total += (int64_t)n;
	return 0;
}

size_t
results_read(const char *id, int64_t offset, char *bytes, size_t max)
{
	sqlite3_stmt	*s = db_stmt(STMT_RESULT_READ);
	size_t		 n = 0;

	if (s == NULL || offset < 0)
		return 0;
	db_text(s, 1, id);
	sqlite3_bind_int64(s, 2, offset);
	if (sqlite3_step(s) == SQLITE_ROW) {
		int64_t	 skip = offset - sqlite3_column_int64(s, 0);
		int64_t	 have = sqlite3_column_bytes(s, 1) - skip;

		if (have > 0) {
			n = (uint64_t)have > max ? max : (size_t)have;
			memcpy(bytes, (const char *)sqlite3_column_blob(s, 1) + skip, n);
		}
	}
	sqlite3_reset(s);
	return n;
}

bool
store_forget(int64_t now)
{
	const struct store_plan	*p = db_plan();
	const struct { enum stmt what; int64_t bound; } portions[] = {
		{ STMT_FORGET_OLD,	now - p->age_ms_max },
		{ STMT_FORGET_MANY,	(int64_t)p->invocations_max },
		{ STMT_KEPT_OLD,	now - p->results_age_ms_max },
		{ STMT_RESULTS_OLD,	now - p->results_age_ms_max },
		{ STMT_KEYS_OLD,	now - p->results_age_ms_max },
		{ STMT_AUDIT_MANY,	STORE_AUDIT_MAX },
	};
	bool			 more = false;

	for (size_t i = 0; i < N_ITEMS(portions); i++) {
		sqlite3_stmt	*s = db_stmt(portions[i].what);

		if (s == NULL)
			return false;
		sqlite3_bind_int64(s, 1, portions[i].bound);
		if (db_write(s) == -1)
			return false;
		if (db_changed(s) > 0) {
			more = true;
			total = UNKNOWN;
		}
	}
	return more;
}
