/*
 * call_tell.c -- what is told of a call: log lines and receipts.
 */
#include <string.h>
#include <strings.h>

#include "launcher/serve/call_private.h"
#include "launcher/serve/slog.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define LOG_TREE_NODES	1000		/* of a worker's log line that is taken apart */

static cJSON *
log_new(const struct call *c, enum slog_level level, const char *event)
{
	cJSON	*o = slog_new(level, event);

	(void)json_set_str(o, "invocation", c->id);
	(void)json_set_str(o, "trace", c->trace);
	(void)json_set_str(o, "connector", c->connector);
	(void)json_set_str(o, "command", c->type);
	return o;
}

void
call_log_end(const struct call *c, int64_t total_ms)
{
	bool	 ok = c->verdict.code == ERR_NONE;
	char	 cause[ERROR_CAUSE_BYTES];
	cJSON	*o = log_new(c, ok ? SLOG_INFO : SLOG_WARN, "invocation.end");

	(void)json_set_str(o, "source", c->source);
	(void)json_set_str(o, "caller", c->caller);
	(void)json_set_str(o, "outcome", ok ? "ok" : "failed");
	if (!ok) {
		(void)json_set_str(o, "cause", error_cause(&c->verdict, cause));
		(void)json_set_str(o, "message", c->verdict.msg);
	}
	(void)json_set(o, "records", json_int((int64_t)c->records));
	(void)json_set(o, "bytes", json_int((int64_t)c->bytes));
	if (c->first_ms != 0)
		(void)json_set(o, "firstRecordMs", json_int(c->first_ms - c->start_ms));
	(void)json_set(o, "totalMs", json_int(total_ms));
	slog_write(o);
}

static enum slog_level
worker_level(const cJSON *line)
{
	static const struct {
		const char	*word;
		enum slog_level	 level;
	} levels[] = { { "ERROR", SLOG_ERROR }, { "WARN", SLOG_WARN }, { "DEBUG", SLOG_DEBUG }, { "TRACE", SLOG_DEBUG } };
	const char	*word = json_str(line, "level", "INFO");

	for (size_t i = 0; i < N_ITEMS(levels); i++)
		if (strcasecmp(levels[i].word, word) == 0)
			return levels[i].level;
	return SLOG_INFO;
}

void
call_log_line(const struct call *c, const char *line, size_t len)
{
	static const struct json_limits	 limits = { LOG_LINE_BYTES_MAX, 16, LOG_TREE_NODES };
	struct error			 e;
	cJSON				*said, *o;
	char				*text;

	if (!server.set.worker_logs)
		return;
	said = json_parse(line, len, &limits, &e);
	o = log_new(c, worker_level(said), "worker.log");
	if (said != NULL)
		(void)json_set(o, "line", said);
	else if ((text = strndup(line, len)) != NULL) {
		/* Anything may be in it; a log line is UTF-8. */
		for (char *p = text; *p != '\0'; p++)
			if ((unsigned char)*p >= 0x80)
				*p = '?';
		(void)json_set_str(o, "text", text);
		free(text);
	}
	slog_write(o);
}

/* How it ended, in the words of a receipt. */
static void
outcome_set(cJSON *o, const struct error *verdict)
{
	static const char *const	 names[] = { "outcome", "cause", "type", "message", "exit" };
	char				 cause[ERROR_CAUSE_BYTES];

	for (size_t i = 0; i < N_ITEMS(names); i++)
		cJSON_DeleteItemFromObjectCaseSensitive(o, names[i]);
	(void)json_set_str(o, "outcome", verdict->code == ERR_NONE ? "ok" : "failed");
	(void)json_set_str(o, "cause", error_cause(verdict, cause));
	(void)json_set_str(o, "message", verdict->msg);
	(void)json_set(o, "exit", json_int(error_face(verdict->code)->exit));
}

/* Of one that never got a worker. */
static cJSON *
receipt_empty(const struct call *c)
{
	cJSON	*o = cJSON_CreateObject();

	outcome_set(o, &c->verdict);
	(void)json_set_str(o, "id", c->id);
	(void)json_set_str(o, "connector", c->connector);
	(void)json_set_str(o, "command", c->type);
	(void)json_set(o, "records", json_int(0));
	(void)json_set(o, "totalMs", json_int(now_ms() - c->start_ms));
	return o;
}

cJSON *
call_receipt(const struct call *c)
{
	cJSON	*o;

	if (c->iv == NULL)
		return receipt_empty(c);
	o = inv_receipt(c->iv);
	/* Its worker ended well, and what it said could not be kept. */
	if (c->verdict.code != inv_verdict(c->iv)->code)
		outcome_set(o, &c->verdict);
	return o;
}
