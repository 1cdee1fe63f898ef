/*
 * emit.c -- results: one line, one write(2), as soon as the handler has it.
 *
 * But for the rows of an answer: while those that have arrived are handed to the handler nothing is waited for, and
 * their lines leave together, before the next wait.  Nobody gets one later than a turn of the runtime, and a write for each
 * costs more than making it.
 *
 * A failure here sticks.  A handler that looks away from it and returns 0
 * would make a partial result look complete.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/record.h"
#include "worker/contract/util.h"
#include "worker/contract/worker_fd.h"
#include "worker/runtime/runtime.h"

#define HELD_BYTES	((size_t)64 * KIB)	/* of lines that leave together */
#define HELD_MS		20		/* a line is not held behind so much of a handler's own work */
#define CLOCK_LINES	16		/* copied ones, to each look at the clock */

static struct {
	struct buf	 lines;		/* not written yet; reused: a list has millions */
	int64_t		 since_ms;	/* the first of them */
	unsigned int	 holds;
	uint64_t	 outputs;
	struct error	 failure;	/* the first one */
} out WORKER_STATE;

int
write_all(int fd, const void *data, size_t n)
{
	const char	*p = data;

	while (n > 0) {
		ssize_t	 w = write(fd, p, n);

		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

void
emit_reset(void)
{
	buf_free(&out.lines);
	buf_init(&out.lines, HELD_BYTES + LINE_BYTES_MAX + 1);
	out.holds = 0;
	out.outputs = 0;
	out.failure = ERROR_NONE;
}

uint64_t
emit_count(const struct call *c)
{
	(void)c;
	return out.outputs;
}

static int
emit_failed(struct call *c)
{
	redact_text(c->err->msg, sizeof(c->err->msg));
	if (out.failure.code == ERR_NONE)
		out.failure = *c->err;
	return -1;
}

/* What a too large record is about, so that the administrator can look for it. */
static const char *
data_identity(const cJSON *data)
{
	const cJSON	*v;

	if ((v = json_get(data, "identity")) == NULL &&
	    (v = json_at(data, "/key/simple/id")) == NULL &&
	    (v = json_at(data, "/key/compound/lookupId")) == NULL)
		return NULL;
	return cJSON_IsString(v) ? v->valuestring : NULL;
}

static int
emit_too_large(struct call *c, enum record rec, const cJSON *data)
{
	const char	*id = data_identity(data);

	if (id == NULL)
		error_set(c->err, ERR_RECORD_TOO_LARGE, "one %s record is over the limit of %d KiB: "
		    "let the connector send fewer attributes", record_name(rec), LINE_BYTES_MAX / KIB);
	else
		error_set(c->err, ERR_RECORD_TOO_LARGE, "the %s record of \"%.200s\" is over the limit of %d KiB: "
		    "let the connector send fewer attributes", record_name(rec), id, LINE_BYTES_MAX / KIB);
	return emit_failed(c);
}

static int
emit_no_memory(struct call *c)
{
	error_set(c->err, ERR_MEMORY, "no memory left to make a record: "
	    "raise the memory limit, or let the connector hold less at a time");
	return emit_failed(c);
}

static int
lines_write(struct error *e)
{
	size_t	 n = out.lines.len;

	if (n == 0)
		return 0;
	if (write_all(FD_RESULT, out.lines.data, n) == 0) {
		buf_reset(&out.lines);
		return 0;
	}
	(void)(errno == EPIPE ? error_set(e, ERR_CLIENT_GONE, "nobody reads the results any more") : error_sys(e, "write a result"));
	buf_reset(&out.lines);
	return -1;
}

void
emit_flush(void)
{
	struct error	 e = ERROR_NONE;

	if (lines_write(&e) == -1 && out.failure.code == ERR_NONE)
		out.failure = e;
}

void
emit_hold(void)
{
	out.holds++;
}

void
emit_release(void)
{
	if (--out.holds == 0)
		emit_flush();
}

/* The first one does not: how soon it comes is what a caller sees. */
static bool
may_wait(void)
{
	return out.holds > 0 && out.outputs > 0 && out.lines.len < HELD_BYTES && now_ms() - out.since_ms < HELD_MS;
}

/* Makes one line, and writes it unless it may wait for others.  The caller has judged the data. */
static int
emit_line(struct call *c, enum record rec, const cJSON *data)
{
	size_t	 before = out.lines.len;
	bool	 no_memory;

	if (out.failure.code != ERR_NONE) {
		*c->err = out.failure;
		return -1;
	}
	if (before == 0 && out.holds > 0)
		out.since_ms = now_ms();
	record_print(&out.lines, rec, data);
	if (out.lines.failed || out.lines.len - before > LINE_BYTES_MAX + 1) {
		no_memory = out.lines.no_memory;
		buf_cut(&out.lines, before);
		emit_flush();
		return no_memory ? emit_no_memory(c) : emit_too_large(c, rec, data);
	}
	if (may_wait() || lines_write(c->err) == 0)
		return 0;
	return emit_failed(c);
}

char *
emit_room(const struct call *c, size_t bytes)
{
	if (out.failure.code != ERR_NONE || bytes > LINE_BYTES_MAX + 1 || !(command_info(c->cmd)->flags & CMD_STREAMS) ||
	    (command_info(c->cmd)->flags & CMD_ARRAY))
		return NULL;
	if (out.lines.len == 0 && out.holds > 0)
		out.since_ms = now_ms();
	buf_cut(&out.lines, out.lines.len);
	return buf_space(&out.lines, bytes);
}

/* Lines that are copied take so little that the clock need not be asked each time. */
int
emit_roomed(struct call *c, size_t bytes)
{
	bool	 waits = out.holds > 0 && out.outputs % CLOCK_LINES != 0 && out.lines.len + bytes < HELD_BYTES;

	out.lines.len += bytes;
	out.lines.data[out.lines.len] = '\0';
	if (!waits && !may_wait() && lines_write(c->err) == -1)
		return emit_failed(c);
	out.outputs++;
	return 0;
}

static int
emit_wrong(struct call *c, const char *why)
{
	error_set(c->err, ERR_GENERIC, "the connector broke the rules of %s: %s", c->type, why);
	return emit_failed(c);
}

int
emit_output(struct call *c, cJSON *taken)
{
	autojson	*data = taken;
	unsigned int	 flags = command_info(c->cmd)->flags;

	if (data == NULL)
		return emit_no_memory(c);
	if (flags & CMD_ARRAY) {
		if (!cJSON_IsArray(data))
			return emit_wrong(c, "its output must be an array");
	} else if (c->cmd != CMD_CUSTOM && !cJSON_IsObject(data))
		return emit_wrong(c, "its output must be an object");
	if (!(flags & CMD_STREAMS) && out.outputs > 0)
		return emit_wrong(c, "a second output was sent where there is exactly one");
	if (emit_line(c, REC_OUTPUT, data) == -1)
		return -1;
	out.outputs++;
	return 0;
}

int
emit_state(struct call *c, cJSON *taken)
{
	autojson	*data = taken;

	if (data == NULL)
		return emit_no_memory(c);
	if (!(command_info(c->cmd)->flags & CMD_STATEFUL))
		return emit_wrong(c, "state was sent by a command that keeps none");
	if (!cJSON_IsObject(data))
		return emit_wrong(c, "state must be an object");
	return emit_line(c, REC_STATE, data);
}

int
emit_config_patch(struct call *c, cJSON *taken)
{
	autojson	*data = taken;

	if (data == NULL)
		return emit_no_memory(c);
	if (!cJSON_IsArray(data))
		return emit_wrong(c, "a config patch must be an array");
	return emit_line(c, REC_CONFIG, data);
}

int
emit_keep_alive(struct call *c)
{
	static const cJSON	 empty = { .type = cJSON_Object };

	return emit_line(c, REC_KEEP_ALIVE, &empty);
}

int
emit_finish(struct call *c)
{
	emit_flush();
	if (out.failure.code != ERR_NONE) {
		*c->err = out.failure;
		return -1;
	}
	if (!(command_info(c->cmd)->flags & CMD_STREAMS) && out.outputs == 0)
		return error_set(c->err, ERR_GENERIC, "the connector's handler ended without an output");
	/* A library call may have failed on the way, and the handler known what to do. */
	*c->err = ERROR_NONE;
	return 0;
}
