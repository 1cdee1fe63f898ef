/*
 * log.c -- log lines in the platform's shape, one write(2) each.
 *
 * Redaction works on the strings before they become JSON, so that a blot can
 * never break a line.  A log that cannot be written is lost: it must not
 * end the command.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"
#include "worker/contract/worker_fd.h"
#include "worker/runtime/runtime.h"

#define FIELDS_BYTES_MAX	(LOG_LINE_BYTES_MAX / 2)	/* the message has the other half */
#define CUT_END			",\"cut\":true}"

static const char *const level_names[] = {
	[LOG_TRACE]	= "TRACE",
	[LOG_DEBUG]	= "DEBUG",
	[LOG_INFO]	= "INFO",
	[LOG_WARN]	= "WARN",
	[LOG_ERROR]	= "ERROR",
	[LOG_FATAL]	= "FATAL",
};
static_assert(N_ITEMS(level_names) == LOG__MAX, "every level has its name");

static enum log_level	 level_min WORKER_STATE = LOG_INFO;
static struct buf	 line WORKER_STATE;

void
log_setup(bool debug)
{
	level_min = debug ? LOG_DEBUG : LOG_INFO;
	buf_free(&line);
	buf_init(&line, LOG_LINE_BYTES_MAX + 1);
}

/* Own arithmetic: the C library's would look for a time zone file. */
static void
time_print(struct buf *b)
{
	struct timespec	 ts;
	int64_t		 days, s, era, day, year, month;

	clock_gettime(CLOCK_REALTIME, &ts);
	days = ts.tv_sec / 86400;
	s = ts.tv_sec % 86400;
	/* Years begin in March here, so that the leap day is the last of its year; an era is 400 of them. */
	days += 719468;
	era = days / 146097;
	day = days % 146097;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	month += month < 10 ? 3 : -9;
	year += era * 400 + (month <= 2);
	buf_addf(b, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", (int)year, (int)month, (int)day + 1,
	    (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60), (int)(ts.tv_nsec / 1000000));
}

/* The members that say which call this was.  Those an author's field has named already are done. */
enum context { CTX_VERSION, CTX_INVOCATION, CTX_COMMAND, CTX__MAX };
static const char *const context_names[] = {
	[CTX_VERSION]	 = "version",
	[CTX_INVOCATION] = "invocationId",
	[CTX_COMMAND]	 = "commandType",
};

static bool
context_has(const struct call *c, enum context x)
{
	return x == CTX_VERSION ? c->version >= 0 : x == CTX_INVOCATION ? c->id != NULL && c->id[0] != '\0' :
	    c->type != NULL;
}

static void
context_print(struct buf *b, const struct call *c, enum context x)
{
	buf_addf(b, ",\"%s\":", context_names[x]);
	if (x == CTX_VERSION)
		buf_addf(b, "%lld", (long long)c->version);
	else
		json_print_string(b, x == CTX_INVOCATION ? c->id : c->type);
}

static bool
string_redact(char *s)
{
	if (!redact_string(s))
		return false;
	text_clean(s);
	return true;
}

/* A number can be a secret too; then it becomes a string. */
static bool
number_redact(cJSON *v)
{
	char		 scratch[64];
	const char	*digits = json_scalar_text(v, scratch, sizeof(scratch));
	char		*text;
	bool		 same;

	if (digits == NULL)
		return true;
	if ((text = strdup(digits)) == NULL)
		return false;
	if (!redact_string(text)) {
		free(text);
		return false;
	}
	same = strcmp(text, digits) == 0;
	if (same) {
		free(text);
		return true;
	}
	if (!(v->type & cJSON_IsReference))
		free(v->valuestring);
	v->valuestring = text;
	v->type = cJSON_String;
	return true;
}

/* v is a copy of ours, shallow enough for a copy to exist. */
static bool
tree_redact(cJSON *v, unsigned int depth)
{
	cJSON	*child;

	if (depth > JSON_DEPTH_MAX)
		return false;
	if (v->string != NULL) {
		if (v->type & cJSON_StringIsConst) {
			char	*own = strdup(v->string);

			if (own == NULL)
				return false;
			v->string = own;
			v->type &= ~cJSON_StringIsConst;
		}
		if (!string_redact(v->string))
			return false;
	}
	if (cJSON_IsString(v) && !string_redact(v->valuestring))
		return false;
	if (cJSON_IsNumber(v) && !number_redact(v))
		return false;
	for (child = v->child; child != NULL; child = child->next)
		if (!tree_redact(child, depth + 1))
			return false;
	return true;
}

/* The author's members; one named like a context member keeps its place and gets the context's value. */
static void
fields_print(struct buf *b, const struct call *c, const cJSON *fields, bool done[CTX__MAX])
{
	const cJSON	*f;

	cJSON_ArrayForEach(f, fields) {
		enum context	 x = 0;

		if (strcmp(f->string, "level") == 0 || strcmp(f->string, "timestamp") == 0 ||
		    strcmp(f->string, "message") == 0)
			continue;
		while (x < CTX__MAX && (strcmp(f->string, context_names[x]) != 0 || !context_has(c, x)))
			x++;
		if (x < CTX__MAX) {
			if (!done[x])
				context_print(b, c, x);
			done[x] = true;
			continue;
		}
		buf_addc(b, ',');
		json_print_string(b, f->string);
		buf_addc(b, ':');
		json_print(b, f);
	}
}

/* All but the message. */
static void
head_print(struct buf *b, const struct call *c, enum log_level level, const cJSON *fields, bool cut)
{
	bool	 done[CTX__MAX] = { false };

	buf_reset(b);
	buf_addf(b, "{\"level\":\"%s\",\"timestamp\":", level_names[level]);
	time_print(b);
	if (fields != NULL)
		fields_print(b, c, fields, done);
	if (cut)
		buf_adds(b, ",\"fieldsCut\":true");
	for (enum context x = 0; x < CTX__MAX; x++)
		if (!done[x] && context_has(c, x))
			context_print(b, c, x);
	buf_adds(b, ",\"message\":");
}

/* Shortens text to what fits into n bytes once it is a JSON string, never inside a character.  True: it did. */
static bool
text_fit(char *text, size_t n)
{
	size_t	 used = 2, keep = 0;

	for (size_t i = 0; text[i] != '\0'; i++) {
		unsigned char	 ch = (unsigned char)text[i];

		if ((ch & 0xc0) != 0x80)
			keep = i;
		used += ch < 0x20 ? 6 : ch == '"' || ch == '\\' ? 2 : 1;
		if (used > n) {
			text[keep] = '\0';
			return true;
		}
	}
	return false;
}

static void
line_write(const struct call *c, enum log_level level, const cJSON *fields, char *text)
{
	autojson	*copy = NULL;
	bool		 cut = false;

	if (cJSON_IsObject(fields))
		cut = (copy = json_dup(fields)) == NULL || !tree_redact(copy, 0);
	if (line.max == 0)
		buf_init(&line, LOG_LINE_BYTES_MAX + 1);
	head_print(&line, c, level, cut ? NULL : copy, cut);
	if (!cut && (line.failed || line.len > FIELDS_BYTES_MAX))
		head_print(&line, c, level, NULL, true);
	cut = text_fit(text, LOG_LINE_BYTES_MAX - line.len - strlen(CUT_END));
	json_print_string(&line, text);
	buf_adds(&line, cut ? CUT_END "\n" : "}\n");
	if (!line.failed)
		(void)write_all(FD_LOG, line.data, line.len);
}

static void
log_v(struct call *c, enum log_level level, const cJSON *fields, const char *fmt, va_list ap)
{
	char		 withheld[] = "(log line withheld: too many secrets)";
	autofree char	*text = NULL;

	if (level < level_min || level >= LOG__MAX)
		return;
	text = text_format(fmt, ap);
	/* Fields may hold what the message may not show. */
	line_write(c, level, text != NULL ? fields : NULL, text != NULL ? text : withheld);
}

void
log_at(struct call *c, enum log_level level, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	log_v(c, level, NULL, fmt, ap);
	va_end(ap);
}

void
log_with(struct call *c, enum log_level level, cJSON *taken, const char *fmt, ...)
{
	autojson	*fields = taken;
	va_list		 ap;

	va_start(ap, fmt);
	log_v(c, level, fields, fmt, ap);
	va_end(ap);
}
