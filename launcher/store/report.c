/*
 * report.c -- the journal read forward in time, and summed up.
 */
#include "launcher/store/db.h"

static int64_t
number(const char *sql, int64_t arg, int64_t none)
{
	sqlite3_stmt	*s = db_prepare(sql);
	int64_t		 n = none;

	if (s == NULL)
		return none;
	if (sqlite3_bind_parameter_count(s) > 0)
		sqlite3_bind_int64(s, 1, arg);
	if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
		n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

uint64_t
journal_last(void)
{
	return (uint64_t)number("SELECT max(seq) FROM invocation", 0, 0);
}

/* Rows come in the order of their time, so halving finds it; no index is kept for this. */
uint64_t
journal_seek(int64_t accepted_ms)
{
	int64_t	 low = number("SELECT min(seq) FROM invocation", 0, 1) - 1, high = (int64_t)journal_last();

	while (low < high) {
		int64_t	 middle = low + (high - low + 1) / 2;

		/* Of the rows up to the middle, the last. */
		if (number("SELECT accepted FROM invocation WHERE seq<=? ORDER BY seq DESC LIMIT 1", middle, 0) < accepted_ms)
			low = middle;
		else
			high = middle - 1;
	}
	return low < 0 ? 0 : (uint64_t)low;
}

cJSON *
journal_forward(uint64_t after, uint64_t until, size_t limit)
{
	sqlite3_stmt	*s;
	cJSON		*o = cJSON_CreateObject(), *list = cJSON_CreateArray();
	int64_t		 last = 0;
	size_t		 n = 0;

	journal_settle();
	s = db_prepare("SELECT " JOURNAL_COLUMNS " FROM invocation WHERE seq>? AND seq<=? ORDER BY seq LIMIT ?");
	(void)json_set(o, "invocations", list);
	if (s == NULL)
		return o;
	limit = limit > STORE_PAGE_MAX ? STORE_PAGE_MAX : limit;
	sqlite3_bind_int64(s, 1, after > INT64_MAX ? INT64_MAX : (int64_t)after);
	sqlite3_bind_int64(s, 2, until > INT64_MAX ? INT64_MAX : (int64_t)until);
	sqlite3_bind_int64(s, 3, (int64_t)limit + 1);
	for (; sqlite3_step(s) == SQLITE_ROW; n++) {
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

void
journal_tally(int64_t from_ms, uint64_t rows_max, void (*fn)(void *arg, const struct journal_tally *), void *arg)
{
	/* What is before '@' is the connector; nearest rank for the 95th. */
	sqlite3_stmt	*s = db_prepare(
	    "WITH d AS (SELECT substr(connector,1,instr(connector||'@','@')-1) AS c, command, outcome,"
	    "  max(ended-accepted,0) AS t FROM invocation WHERE seq>?1 AND accepted>=?2 AND state='done'),"
	    " r AS (SELECT *, row_number() OVER (PARTITION BY c,command ORDER BY t) AS i,"
	    "  count(*) OVER (PARTITION BY c,command) AS n FROM d)"
	    " SELECT c, command, n, sum(outcome<>'ok'), avg(t), min(CASE WHEN i*100>=n*95 THEN t END)"
	    " FROM r GROUP BY c, command ORDER BY c, command");
	uint64_t	 after = journal_seek(from_ms), last = journal_last();

	if (s == NULL)
		return;
	if (last > rows_max && after < last - rows_max)
		after = last - rows_max;
	sqlite3_bind_int64(s, 1, (int64_t)after);
	sqlite3_bind_int64(s, 2, from_ms);
	while (sqlite3_step(s) == SQLITE_ROW)
		fn(arg, &(struct journal_tally){
		    .connector = (const char *)sqlite3_column_text(s, 0), .command = (const char *)sqlite3_column_text(s, 1),
		    .count = (uint64_t)sqlite3_column_int64(s, 2), .errors = (uint64_t)sqlite3_column_int64(s, 3),
		    .mean_ms = sqlite3_column_double(s, 4), .p95_ms = sqlite3_column_double(s, 5) });
	sqlite3_finalize(s);
}
