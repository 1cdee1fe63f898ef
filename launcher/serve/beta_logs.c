/*
 * beta_logs.c -- the journal, as the platform's logs and numbers.
 *
 * An invocation is three lines, invokeCommand when it came, commandOutcome and invokeCommand again when it had ended, and
 * between them connectorMessage, what its worker logged, as long as that is in memory and for those who may read it.  Pages go
 * forward in time and end at what there was when the first was asked for, whatever comes meanwhile.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <event2/keyvalq_struct.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "launcher/serve/logs.h"
#include "launcher/serve/moment.h"
#include "launcher/serve/ref.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define COMPONENT	"sp-connect"
#define LOG_ROWS	50			/* invocations of one page, with their workers' lines */
#define LOG_REACH_MS	(60 * MINUTES(1))	/* one that ended in the time asked for may have come so long before it */
#define STATS_ROWS_MAX	20000			/* invocations that are summed up: the newest */
#define STATS_FROM_MS	(24 * 60 * MINUTES(1))	/* where nothing is said */
#define TOKEN_BYTES	48

struct wanted {
	int64_t		 from_ms, to_ms;	/* of a line */
	const char	*component, *target_id, *target_name, *request, *event;
	const cJSON	*levels;
};

struct line {
	int64_t		 at_ms;
	const char	*level, *event;
	cJSON		*message;
};

/* Id and alias of what a row calls "alias@version". */
static void
target(const char *connector, char id[REF_ID_BYTES + 1], char alias[CONNECTOR_NAME_MAX + 1])
{
	uint32_t	 version;

	ref_base(connector, alias);
	ref_identity(connector, id, &version);
}

static unsigned int
version_of(const char *connector)
{
	char		 id[REF_ID_BYTES + 1];
	uint32_t	 version;

	ref_identity(connector, id, &version);
	return version;
}

static bool
level_fits(const cJSON *levels, const char *level)
{
	const cJSON	*one;

	if (!cJSON_IsArray(levels) || cJSON_GetArraySize(levels) == 0)
		return true;
	cJSON_ArrayForEach(one, levels)
		if (cJSON_IsString(one) && strcasecmp(one->valuestring, level) == 0)
			return true;
	return false;
}

static bool
text_fits(const char *wanted, const char *is)
{
	return wanted == NULL || wanted[0] == '\0' || strcmp(wanted, is) == 0;
}

/* Takes the message. */
static void
line_add(cJSON *logs, const struct wanted *w, const cJSON *row, struct line *l)
{
	const char	*connector = json_str(row, "connector", ""), *request = json_str(row, "id", "");
	char		 id[REF_ID_BYTES + 1], alias[CONNECTOR_NAME_MAX + 1], at[MOMENT_BYTES];
	cJSON		*o;

	target(connector, id, alias);
	if (l->at_ms < w->from_ms || l->at_ms > w->to_ms || !level_fits(w->levels, l->level) || !text_fits(w->event, l->event) ||
	    !text_fits(w->component, COMPONENT) || !text_fits(w->target_id, id) || !text_fits(w->target_name, alias) ||
	    !text_fits(w->request, request)) {
		cJSON_Delete(l->message);
		return;
	}
	moment_print(l->at_ms, at);
	o = cJSON_CreateObject();
	(void)json_set_str(o, "tenantID", BETA_TENANT);
	(void)json_set_str(o, "timestamp", at);
	(void)json_set_str(o, "level", l->level);
	(void)json_set_str(o, "event", l->event);
	(void)json_set_str(o, "component", COMPONENT);
	(void)json_set_str(o, "targetID", id);
	(void)json_set_str(o, "targetName", alias);
	(void)json_set_str(o, "requestID", request);
	(void)json_set(o, "message", l->message);
	(void)json_push(logs, o);
}

static void
began(cJSON *logs, const struct wanted *w, const cJSON *row)
{
	char		 text[REQUEST_TYPE_BYTES_MAX + 80];
	struct line	 l = { .at_ms = json_i64(row, "accepted", 0), .level = "INFO", .event = "invokeCommand" };

	snprintf(text, sizeof(text), "Command execution started : %s, for connector version %u.", json_str(row, "command", ""),
	    version_of(json_str(row, "connector", "")));
	l.message = cJSON_CreateString(text);
	line_add(logs, w, row, &l);
}

struct telling {
	cJSON			*logs;
	const struct wanted	*w;
	const cJSON		*row;
};

/* One of logs.h. */
static void
told(void *arg, const char *text, size_t len)
{
	static const char *const	 levels[] = { "TRACE", "DEBUG", "WARN", "ERROR", "FATAL" };
	const struct telling		*t = arg;
	struct error			 e = ERROR_NONE;
	autojson			*kept = json_parse(text, len, NULL, &e);
	const cJSON			*said = json_get(kept, "line");
	struct line			 l = { .at_ms = json_i64(kept, "at", 0), .level = "INFO", .event = "connectorMessage" };

	if (kept == NULL)
		return;
	l.message = cJSON_IsObject(said) ? json_dup(said) : cJSON_CreateObject();
	for (size_t i = 0; i < N_ITEMS(levels); i++)
		if (strcasecmp(levels[i], json_str(said, "level", "")) == 0)
			l.level = levels[i];
	if (said == NULL)
		(void)json_set_str(l.message, "message", json_str(kept, "text", ""));
	(void)json_set_str(l.message, "commandType", json_str(t->row, "command", ""));
	(void)json_set_str(l.message, "invocationId", json_str(t->row, "id", ""));
	(void)json_set_str(l.message, "requestId", json_str(t->row, "id", ""));
	(void)json_set(l.message, "version", json_int(version_of(json_str(t->row, "connector", ""))));
	line_add(t->logs, t->w, t->row, &l);
}

static void
completed(cJSON *logs, const struct wanted *w, const cJSON *row, int64_t end, int64_t took_ms)
{
	char		 text[REQUEST_TYPE_BYTES_MAX + DURATION_BYTES + 96], took[DURATION_BYTES];
	struct line	 l = { .at_ms = end, .level = "INFO", .event = "invokeCommand" };

	duration_print(took_ms, took);
	snprintf(text, sizeof(text), "Command invocation complete : %s, for connector version: %u. Elapsed time %s",
	    json_str(row, "command", ""), version_of(json_str(row, "connector", "")), took);
	l.message = cJSON_CreateString(text);
	line_add(logs, w, row, &l);
}

static void
ended(cJSON *logs, const struct wanted *w, const cJSON *row)
{
	const cJSON	*receipt = json_get(row, "receipt");
	bool		 ok = strcmp(json_str(receipt, "outcome", "failed"), "ok") == 0;
	int64_t		 came = json_i64(row, "accepted", 0), end = json_i64(row, "ended", came), took = end > came ? end - came : 0;
	struct line	 l = { .at_ms = end, .level = ok ? "INFO" : "ERROR", .event = "commandOutcome" };
	char		 text[640];

	if (strcmp(json_str(row, "state", ""), "done") != 0)
		return;
	l.message = cJSON_CreateObject();
	(void)json_set_str(l.message, "commandType", json_str(row, "command", ""));
	(void)json_set_bool(l.message, "completed", true);
	(void)json_set(l.message, "elapsed", json_int(took));
	if (!ok) {
		snprintf(text, sizeof(text), "[ConnectorError] %s", json_str(receipt, "message", json_str(receipt, "cause", "failed")));
		(void)json_set_str(l.message, "error", text);
	}
	(void)json_set_str(l.message, "message", ok ? "command completed" : "command failed");
	(void)json_set_str(l.message, "requestId", json_str(row, "id", ""));
	(void)json_set(l.message, "version", json_int(version_of(json_str(row, "connector", ""))));
	line_add(logs, w, row, &l);
	completed(logs, w, row, end, took);
}

static int
time_take(const cJSON *filter, const char *name, int64_t *ms, struct error *e)
{
	const char	*text = json_str(filter, name, "");

	if (text[0] == '\0' || moment_read(text, ms) == 0)
		return 0;
	return error_set(e, ERR_REQUEST, "filter.%s: a time such as 2026-11-24T12:00:00Z is wanted", name);
}

static int
wanted_take(const cJSON *body, struct wanted *w, struct error *e)
{
	const cJSON	*f = json_get(body, "filter");

	*w = (struct wanted){ .to_ms = INT64_MAX, .component = json_str(f, "component", NULL),
	    .target_id = json_str(f, "targetID", NULL), .target_name = json_str(f, "targetName", NULL),
	    .request = json_str(f, "requestID", NULL), .event = json_str(f, "event", NULL), .levels = json_get(f, "logLevels") };
	return time_take(f, "startTime", &w->from_ms, e) == -1 || time_take(f, "endTime", &w->to_ms, e) == -1 ? -1 : 0;
}

/* "after.until": where a page begins and where the last one ends. */
static int
token_take(const char *text, const struct wanted *w, uint64_t *after, uint64_t *until, struct error *e)
{
	char	*rest;

	if (text[0] == '\0') {
		*after = journal_seek(w->from_ms - LOG_REACH_MS);
		*until = journal_last();
		return 0;
	}
	*after = strtoull(text, &rest, 10);
	if (text[0] >= '0' && text[0] <= '9' && *rest == '.' && rest[1] >= '0' && rest[1] <= '9') {
		*until = strtoull(rest + 1, &rest, 10);
		if (*rest == '\0')
			return 0;
	}
	return error_set(e, ERR_REQUEST, "nextToken: none of this server's");
}

void
beta_logs(struct exchange *x)
{
	autojson	*body = beta_object(x), *page = NULL;
	cJSON		*o, *logs;
	const cJSON	*row;
	struct wanted	 w;
	struct error	 e = ERROR_NONE;
	uint64_t	 after = 0, until = 0;
	int64_t		 next;
	char		 token[TOKEN_BYTES];
	bool		 past = false;

	if (body == NULL)
		return;
	if (wanted_take(body, &w, &e) == -1 || token_take(json_str(body, "nextToken", ""), &w, &after, &until, &e) == -1) {
		answer_problem(x->req, &(struct problem){ .error = &e });
		return;
	}
	page = journal_forward(after, until, LOG_ROWS);
	o = cJSON_CreateObject();
	logs = cJSON_CreateArray();
	cJSON_ArrayForEach(row, json_get(page, "invocations")) {
		past = json_i64(row, "accepted", 0) > w.to_ms;
		if (past)
			break;
		began(logs, &w, row);
		if (exchange_owns(x, row))
			logs_each(json_str(row, "id", ""), told, &(struct telling){ logs, &w, row });
		ended(logs, &w, row);
	}
	if ((next = json_i64(page, "next", 0)) > 0 && !past) {
		snprintf(token, sizeof(token), "%lld.%llu", (long long)next, (unsigned long long)until);
		(void)json_set_str(o, "nextToken", token);
	}
	(void)json_set(o, "logs", logs);
	answer_json(x->req, 200, o);
}

/* from eq "..." and connectorID eq "..." */
static int
stats_filter(const char *text, int64_t *from_ms, char id[SEGMENT_BYTES_MAX + 1], struct error *e)
{
	char	 name[16], value[SEGMENT_BYTES_MAX + 1];
	int	 n;

	while (text[strspn(text, " ")] != '\0') {
		n = 0;
		if (sscanf(text, " %15[A-Za-z] eq \"%128[^\"]\"%n", name, value, &n) != 2 || n == 0)
			return error_set(e, ERR_REQUEST, "filters: from eq \"TIME\" and connectorID eq \"ID\" is wanted");
		text += n;
		if (strcmp(name, "connectorID") == 0)
			snprintf(id, SEGMENT_BYTES_MAX + 1, "%s", value);
		else if (strcmp(name, "from") != 0 || moment_read(value, from_ms) == -1)
			return error_set(e, ERR_REQUEST, "filters: %s: there are from, a time such as 2026-11-24T12:00:00Z, and "
			    "connectorID", name);
		n = 0;
		if (sscanf(text, " and %n", &n) == 0 && n > 0)
			text += n;
		else if (text[strspn(text, " ")] != '\0')
			return error_set(e, ERR_REQUEST, "filters: conditions are joined by \"and\"");
	}
	return 0;
}

struct sums {
	cJSON	*connectors, *stats;		/* stats: of the connector under way */
	char	 alias[CONNECTOR_NAME_MAX + 1];
	char	 id[SEGMENT_BYTES_MAX + 1];	/* the only one, or "" */
};

static void
sum_add(void *arg, const struct journal_tally *t)
{
	struct sums	*s = arg;
	char		 id[REF_ID_BYTES + 1], alias[CONNECTOR_NAME_MAX + 1];
	cJSON		*o;

	target(t->connector, id, alias);
	if (s->id[0] != '\0' && strcmp(s->id, id) != 0 && strcmp(s->id, alias) != 0)
		return;
	if (s->stats == NULL || strcmp(s->alias, alias) != 0) {
		snprintf(s->alias, sizeof(s->alias), "%s", alias);
		s->stats = cJSON_CreateArray();
		o = cJSON_CreateObject();
		(void)json_set_str(o, "connectorID", id);
		(void)json_set_str(o, "alias", alias);
		(void)json_set(o, "stats", s->stats);
		(void)json_push(s->connectors, o);
	}
	o = cJSON_CreateObject();
	(void)json_set_str(o, "commandType", t->command);
	(void)json_set(o, "invocationCount", json_int((int64_t)t->count));
	(void)json_set(o, "errorCount", json_int((int64_t)t->errors));
	(void)json_set(o, "errorRate", cJSON_CreateNumber((double)t->errors / (double)t->count));
	(void)json_set(o, "elapsedAvg", cJSON_CreateNumber(t->mean_ms));
	(void)json_set(o, "elapsed95th", cJSON_CreateNumber(t->p95_ms));
	(void)json_push(s->stats, o);
}

void
beta_stats(struct exchange *x)
{
	const char		*query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(x->req)), *filters;
	struct evkeyvalq	 params = TAILQ_HEAD_INITIALIZER(params);
	struct sums		 s = { 0 };
	struct error		 e = ERROR_NONE;
	int64_t			 from_ms = wall_ms() - STATS_FROM_MS;
	cJSON			*o;

	if (query != NULL && query[0] != '\0' && evhttp_parse_query_str(query, &params) == -1)
		(void)error_set(&e, ERR_REQUEST, "the query is malformed");
	else if ((filters = evhttp_find_header(&params, "filters")) != NULL)
		(void)stats_filter(filters, &from_ms, s.id, &e);
	evhttp_clear_headers(&params);
	if (e.code != ERR_NONE) {
		answer_problem(x->req, &(struct problem){ .error = &e });
		return;
	}
	o = cJSON_CreateObject();
	s.connectors = cJSON_CreateArray();
	(void)json_set_str(o, "tenantID", BETA_TENANT);
	(void)json_set(o, "connectors", s.connectors);
	journal_tally(from_ms, STATS_ROWS_MAX, sum_add, &s);
	answer_json(x->req, 200, o);
}
