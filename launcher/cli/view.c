/*
 * view.c -- results for programs and for people.
 *
 * Nothing that a worker wrote reaches a terminal as it is.
 */
#include <fcntl.h>
#include <string.h>

#include "launcher/cli/view.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

#define QUIET_START_MS	500	/* a short call needs no progress line */

static const char *const warnings[] = { "WARN", "ERROR", "FATAL" };

int
view_open(struct view *v, const struct invoke_options *o, struct error *e)
{
	bool	 err_tty = isatty(STDERR_FILENO);

	*v = (struct view){ .log_fd = STDERR_FILENO, .start_ms = now_ms() };
	out_init(&v->out);
	v->out_tty = isatty(STDOUT_FILENO);
	v->mode = o->mode;
	v->color = color_wanted(o->color, STDOUT_FILENO);
	v->progress = o->progress && !o->quiet && err_tty;
	v->summary = !o->quiet && err_tty;
	if (o->logs == NULL)
		v->log_mode = err_tty && !o->quiet ? LOG_WARNINGS : LOG_NOTHING;
	else if (strcmp(o->logs, "stderr") == 0)
		v->log_mode = err_tty ? LOG_PEOPLE : LOG_LINES;
	else if (strcmp(o->logs, "none") != 0) {
		v->log_mode = LOG_LINES;
		v->log_fd = open(o->logs, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
		if (v->log_fd == -1) {
			(void)error_sys(e, "--logs %.200s", o->logs);
			e->code = ERR_USAGE;
			return -1;
		}
		v->own_log_fd = true;
	}
	return 0;
}

int
view_choose(struct view *v, const struct connector_ref *ref, const struct request *rq, struct error *e)
{
	bool	 list = (command_info(rq->cmd)->flags & CMD_STREAMS) != 0;

	if (v->mode == OUT_AUTO)
		v->mode = !v->out_tty ? OUT_LINES : list ? OUT_TABLE : OUT_PRETTY;
	if (v->mode != OUT_TABLE)
		return 0;
	v->table = table_new(rq->cmd, table_schema(&ref->spec, rq->cmd, rq->input), terminal_columns(STDOUT_FILENO),
	    v->color);
	return v->table != NULL ? 0 : error_set(e, ERR_SYSTEM, "no memory");
}

static void
out_text(struct view *v, const char *s, size_t len)
{
	autobuf	 safe;

	buf_init(&safe, OUT_TEXT_BYTES_MAX);
	if (v->out_tty)
		text_safe_json(&safe, s, len);
	else
		buf_add(&safe, s, len);
	buf_addc(&safe, '\n');
	out_take(&v->out, &safe);
}

static void
on_record(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	struct view	*v = arg;
	autobuf		 text = { 0 };

	v->records += f->record == REC_OUTPUT;
	v->states += f->record == REC_STATE;
	v->patches += f->record == REC_CONFIG;
	if (v->mode == OUT_LINES) {
		out_text(v, line, len);
		return;
	}
	if (f->record != REC_OUTPUT)
		return;
	if (v->mode == OUT_DATA) {
		out_text(v, line + f->data_at, f->data_bytes);
		return;
	}
	buf_init(&text, OUT_TEXT_BYTES_MAX);
	if (v->mode == OUT_PRETTY)
		pretty_json(&text, line + f->data_at, f->data_bytes, v->color);
	else if (table_row(v->table, &text, line + f->data_at, f->data_bytes, &v->trouble) == -1)
		(void)error_in(&v->trouble, "record %llu could not be shown", (unsigned long long)v->records);
	out_take(&v->out, &text);
}

static bool
is_warning(const char *level)
{
	for (size_t i = 0; i < N_ITEMS(warnings); i++)
		if (strcmp(warnings[i], level) == 0)
			return true;
	return false;
}

/* A log line for people: "scim: WARN: text"; what is no JSON is shown as it is. */
static void
log_for_people(struct view *v, const char *line, size_t len)
{
	struct error	 e;
	autojson	*o = json_parse(line, len, NULL, &e);
	const char	*level = json_str(o, "level", "");

	if (v->log_mode == LOG_WARNINGS && o != NULL && !is_warning(level))
		return;
	view_clear(v);
	if (o == NULL)
		cli_say("connector: %.*s", (int)len, line);
	else
		cli_say("connector: %s: %s", level, json_str(o, "message", ""));
}

static void
on_log(void *arg, const char *line, size_t len)
{
	struct view	*v = arg;
	char		 text[LOG_LINE_BYTES_MAX + 1];
	size_t		 n = len < LOG_LINE_BYTES_MAX ? len : LOG_LINE_BYTES_MAX;

	switch (v->log_mode) {
	case LOG_WARNINGS:
	case LOG_PEOPLE:
		log_for_people(v, line, len);
		break;
	case LOG_LINES:
		memcpy(text, line, n);
		text[n] = '\n';
		if (write(v->log_fd, text, n + 1) == -1 && v->trouble.code == ERR_NONE)
			(void)error_sys(&v->trouble, "log lines");
		break;
	default:
		break;
	}
}

static bool
on_ready(void *arg)
{
	return out_ready(&((const struct view *)arg)->out);
}

/* The loop asks inv_done() after each turn. */
static void
on_done(void *arg)
{
	(void)arg;
}

struct inv_sink
view_sink(struct view *v)
{
	return (struct inv_sink){ on_record, on_log, on_ready, on_done, v };
}

void
view_clear(struct view *v)
{
	if (v->shown)
		fputs("\r\033[K", stderr);
	v->shown = false;
}

static void
progress_show(struct view *v)
{
	int64_t	 now = now_ms(), ms = now - v->start_ms;

	if (!v->progress || now - v->shown_ms < VIEW_TICK_MS || ms < QUIET_START_MS)
		return;
	v->shown_ms = now;
	v->shown = true;
	fprintf(stderr, "\r\033[K%llu records, %llu/s, %lld.%llds", (unsigned long long)v->records,
	    (unsigned long long)(v->records * 1000 / (uint64_t)ms), (long long)(ms / 1000), (long long)(ms / 100 % 10));
}

/* The rows held back. */
static void
table_print(struct view *v)
{
	autobuf	 text;

	buf_init(&text, OUT_TEXT_BYTES_MAX);
	table_flush(v->table, &text);
	out_take(&v->out, &text);
}

void
view_step(struct view *v)
{
	int64_t	 due = v->table != NULL ? table_due_ms(v->table) : 0;

	if (due != 0 && now_ms() >= due)
		table_print(v);
	/* Both may be the same terminal. */
	if (v->out_tty && v->out.b.len > 0)
		view_clear(v);
	out_flush(&v->out);
	progress_show(v);
}

int
view_wait_ms(const struct view *v)
{
	bool	 rows = v->table != NULL && table_due_ms(v->table) != 0;

	return v->progress || rows ? VIEW_TICK_MS : -1;
}

void
view_end(struct view *v, const struct buf *last)
{
	view_clear(v);
	v->progress = false;
	if (v->table != NULL)
		table_print(v);
	if (last != NULL && last->len > 0)
		out_text(v, last->data, last->len - 1);
}

void
view_summary(struct view *v)
{
	const char	*left_out = v->table != NULL ? table_left_out(v->table) : "";
	int64_t		 ms = now_ms() - v->start_ms;

	if (v->trouble.code != ERR_NONE)
		cli_say("bascule: %s", v->trouble.msg);
	if (!v->summary || v->mode != OUT_TABLE)
		return;
	cli_say("%llu record%s in %lld.%lld s", (unsigned long long)v->records, v->records == 1 ? "" : "s",
	    (long long)(ms / 1000), (long long)(ms / 100 % 10));
	if (left_out[0] != '\0')
		cli_say("  not shown: %s; --json shows all", left_out);
	if (v->states + v->patches > 0)
		cli_say("  not shown: %llu state and %llu config records; --json shows them",
		    (unsigned long long)v->states, (unsigned long long)v->patches);
}

void
view_close(struct view *v)
{
	view_clear(v);
	table_free(v->table);
	buf_free(&v->out.b);
	if (v->own_log_fd)
		(void)close(v->log_fd);
}
