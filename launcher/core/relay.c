/*
 * relay.c -- the border.
 *
 * Above this file a line is data the caller may see; below it a line is
 * whatever a possibly hostile worker wrote.  No other launcher file reads a
 * worker's descriptors.  It only judges: no tree is built, a line is validated
 * and passed on as it stands.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "launcher/core/core.h"
#include "launcher/core/digest.h"
#include "launcher/core/line_buf.h"
#include "sandbox/sandbox.h"

#define LOG_BYTES_MAX	((uint64_t)64 * MIB)	/* of logs passed on in one invocation */

struct relay {
	unsigned int		 flags;		/* CMD_* of the command */
	enum command		 cmd;
	struct inv_sink		 sink;
	uint64_t		 records_max;
	struct relay_counts	 counts;
	uint64_t		 log_bytes;
	struct digest		*sha;
	void			(*keep)(void *arg, const struct kept_value *);	/* NULL: nothing is kept */
	void			*keep_arg;
	unsigned int		 keep_kinds;	/* bits of enum kept_kind */
	unsigned int		 nkept;
	struct error		 verdict;
	bool			 judged, paused, log_cut, log_blank;
	char			 last_log[RELAY_LAST_LOG_BYTES];	/* the last that was no blank, cut */
	char			 refused_call[SANDBOX_CALL_BYTES];
	struct line_buf		 results, logs;
	size_t			 nlocked;	/* of the first line, that came */
};

struct relay *
relay_new(int result_fd, int log_fd)
{
	struct relay	*r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	line_bufs_count(1);
	r->results.fd = result_fd;
	r->logs.fd = log_fd;
	if ((r->sha = digest_new()) == NULL) {
		relay_free(r);
		return NULL;
	}
	return r;
}

void
relay_begin(struct relay *r, enum command cmd, const struct inv_sink *sink, uint64_t records_max)
{
	r->cmd = cmd;
	r->flags = command_info(cmd)->flags;
	r->sink = *sink;
	r->records_max = records_max;
}

void
relay_keep(struct relay *r, unsigned int kinds, void (*keep)(void *arg, const struct kept_value *), void *arg)
{
	r->keep_kinds = kinds;
	r->keep = keep;
	r->keep_arg = arg;
}

void
relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	fd_closep(&r->results.fd);
	fd_closep(&r->logs.fd);
	digest_free(r->sha);
	line_buf_drop(&r->results);
	line_buf_drop(&r->logs);
	line_bufs_count(-1);
	free(r);
}

int
relay_result_fd(const struct relay *r)
{
	return r->results.fd;
}

int
relay_log_fd(const struct relay *r)
{
	return r->logs.fd;
}

bool
relay_logs_ended(const struct relay *r)
{
	return r->logs.ended;
}

/* 1: read something; 0: nothing there now; -1: end of file. */
static int
fill(struct line_buf *b)
{
	size_t	 want = line_buf_portion();
	ssize_t	 n;

	if (b->ended)
		return -1;
	if (b->start > 0) {
		memmove(b->data, b->data + b->start, b->len - b->start);
		b->len -= b->start;
		b->seen -= b->start;
		b->start = 0;
	}
	if (b->len + want > BUF_BYTES_MAX)
		return 0;
	/* Without memory it is as if the worker had ended here, which is no good end. */
	if (line_buf_room(b, want) == -1) {
		b->ended = true;
		return -1;
	}
	n = read(b->fd, b->data + b->len, want);
	if (n > 0) {
		b->len += (size_t)n;
		b->most = b->most > b->len ? b->most : b->len;
		return 1;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	b->ended = true;
	return -1;
}

/* The next whole line without its '\n', or NULL. */
static char *
line_next(struct line_buf *b, size_t *len)
{
	char	*line, *nl;

	if (b->seen == b->len)
		return NULL;
	line = b->data + b->start;
	if ((nl = memchr(b->data + b->seen, '\n', b->len - b->seen)) == NULL) {
		b->seen = b->len;
		return NULL;
	}
	*len = (size_t)(nl - line);
	b->start = b->seen = (size_t)(nl - b->data) + 1;
	return line;
}

static int
broken(struct error *e, const struct relay *r, const char *what)
{
	return error_set(e, ERR_PROTOCOL, "the worker's line %llu: %s",
	    (unsigned long long)r->counts.lines + 1, what);
}

/* One output for single commands, of the kind the command's row names. */
static int
output_judge(struct relay *r, const struct line_facts *f, struct error *e)
{
	if (!(r->flags & CMD_STREAMS) && r->counts.records == 1)
		return broken(e, r, "a second output of a command that gives one");
	if (r->cmd != CMD_CUSTOM && f->kind != (r->flags & CMD_ARRAY ? DATA_ARRAY : DATA_OBJECT))
		return broken(e, r, r->flags & CMD_ARRAY ? "output is not an array" : "output is not an object");
	if (r->records_max > 0 && r->counts.records == r->records_max)
		return error_set(e, ERR_LIMIT, "more than %llu records; raise --limit records=N",
		    (unsigned long long)r->records_max);
	r->counts.records++;
	return 0;
}

/* A secret: nothing of it stays in the buffer. */
static int
value_take(struct relay *r, char *line, size_t len, const struct line_facts *f, struct error *e)
{
	struct kept_value	v;
	int			r_read = kept_value_read(line, f, &v, e);

	if (r_read == -1)
		(void)error_in(e, "the worker's line %llu", (unsigned long long)r->counts.lines + 1);
	else if (r->keep == NULL)
		r_read = broken(e, r, "a value to keep, where nothing is kept");
	else if ((r->keep_kinds & (1u << kept_kind(v.name, v.name_bytes))) == 0)
		r_read = broken(e, r, "a value to keep of a kind that its specification does not say");
	else if (++r->nkept > CACHE_PUTS_MAX)
		r_read = broken(e, r, "one value to keep too many");
	else
		r->keep(r->keep_arg, &v);
	explicit_bzero(line, len);
	return r_read == -1 ? -1 : 1;
}

int
relay_end(struct relay *r, struct error *e)
{
	if (!(r->flags & CMD_STREAMS) && r->counts.records == 0)
		return broken(e, r, "the end without an output");
	r->judged = true;
	return 0;
}

const char *
relay_last_log(const struct relay *r)
{
	return r->last_log;
}

/* 0: pass it on; 1: private, keep it; -1: kill the worker. */
static int
line_handle(struct relay *r, char *line, size_t len, struct line_facts *f, struct error *e)
{
	if (r->judged)
		return broken(e, r, "something after the verdict");
	if (line_judge(line, len, f, e) == -1)
		return error_in(e, "the worker's line %llu", (unsigned long long)r->counts.lines + 1);
	switch (f->record) {
	case REC_OUTPUT:
		return output_judge(r, f, e);
	case REC_STATE:
		if (!(r->flags & CMD_STATEFUL))
			return broken(e, r, "state from a command that keeps none");
		r->counts.states++;
		return 0;
	case REC_KEEP_ALIVE:
	case REC_CONFIG:
		return 0;
	case REC_END:
		return relay_end(r, e) == -1 ? -1 : 1;
	case REC_CACHE:
		return value_take(r, line, len, f, e);
	case REC_ERROR:
		r->judged = true;
		return verdict_read(line, f, &r->verdict, e) == -1 ? -1 : 1;
	default:
		return broken(e, r, "locked, and that more than once");
	}
}

/* Lines passed on that lie side by side in the buffer: digested together, which costs half as much. */
struct passed {
	const char	*from;
	size_t		 len;
};

static void
passed_digest(struct relay *r, struct passed *p)
{
	if (p->len > 0)
		digest_add(r->sha, p->from, p->len);
	p->len = 0;
}

static void
pass_on(struct relay *r, struct passed *p, const struct line_facts *f, const char *line, size_t len)
{
	r->counts.lines++;
	r->counts.bytes += len + 1;
	/* The '\n' stands behind the line in the buffer. */
	if (p->len == 0)
		p->from = line;
	p->len += len + 1;
	r->sink.record(r->sink.arg, f, line, len);
}

/* Judges what the buffer holds. */
static enum relay_news
lines_take(struct relay *r, struct passed *p, struct error *e)
{
	enum relay_news	 news = RELAY_QUIET;
	char		*line;
	size_t		 len;

	while (!(r->paused = !r->sink.ready(r->sink.arg)) && (line = line_next(&r->results, &len)) != NULL) {
		struct line_facts	 f;

		switch (line_handle(r, line, len, &f, e)) {
		case -1:
			return RELAY_BROKEN;
		case 0:
			pass_on(r, p, &f, line, len);
			news = RELAY_MOVED;
			break;
		default:
			passed_digest(r, p);	/* a private line lies between */
		}
	}
	if (r->results.len - r->results.start > LINE_BYTES_MAX && !r->paused) {
		error_set(e, ERR_RECORD_TOO_LARGE, "the worker's line %llu is over %d bytes",
		    (unsigned long long)r->counts.lines + 1, LINE_BYTES_MAX);
		return RELAY_BROKEN;
	}
	return news;
}

static enum relay_news
lines_judge(struct relay *r, struct error *e)
{
	struct passed	 p = { 0 };
	enum relay_news	 news = lines_take(r, &p, e);

	passed_digest(r, &p);
	return news;
}

enum relay_news
relay_locked(struct relay *r, struct error *e)
{
	return locked_read(r->results.fd, &r->nlocked, e);
}

void
relay_ends_take(struct relay *r, int *result_fd, int *log_fd)
{
	*result_fd = fd_steal(&r->results.fd);
	*log_fd = fd_steal(&r->logs.fd);
}

void
relay_ends_give(struct relay *r, int result_fd, int log_fd)
{
	r->results.fd = result_fd;
	r->logs.fd = log_fd;
}

static enum relay_news
results_take(struct relay *r, struct error *e)
{
	enum relay_news	 news = lines_judge(r, e);

	if (news != RELAY_QUIET || r->paused)
		return news;
	switch (fill(&r->results)) {
	case 1:
		return lines_judge(r, e);
	case 0:
		return RELAY_QUIET;
	default:
		if (r->results.len > r->results.start) {
			broken(e, r, "cut short");
			return RELAY_BROKEN;
		}
		return RELAY_ENDED;
	}
}

enum relay_news
relay_results(struct relay *r, struct error *e)
{
	enum relay_news	 news = results_take(r, e);

	line_buf_rest(&r->results);
	return news;
}

/* A log line goes to files and terminals: no control character of a worker's gets that far. */
static void
log_pass(struct relay *r, char *line, size_t len)
{
	if (r->log_bytes + len > LOG_BYTES_MAX) {
		r->counts.log_dropped++;
		return;
	}
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	if (len > 0)
		snprintf(r->last_log, sizeof(r->last_log), "%.*s", (int)(len < sizeof(r->last_log) ? len : sizeof(r->last_log) - 1),
		    line);
	r->log_bytes += len;
	r->counts.log_lines++;
	if (r->sink.log == NULL)
		return;			/* it never got a request: nobody's */
	r->sink.log(r->sink.arg, line, len);
}

/* A note of the trap begins with a '\n' that ends whatever line was under way: no line of its own. */
static void
log_line(struct relay *r, char *line, size_t len)
{
	bool	 note = sandbox_note(line, len, r->refused_call);

	if (r->log_blank && !note)
		log_pass(r, line, 0);
	if (!(r->log_blank = len == 0) && !note)
		log_pass(r, line, len);
}

void
relay_logs(struct relay *r)
{
	struct line_buf	*b = &r->logs;
	const char	*line;
	size_t		 len;
	int		 got = fill(b);

	while ((line = line_next(b, &len)) != NULL) {
		if (!r->log_cut)
			log_line(r, b->data + (line - b->data), len);
		r->log_cut = false;
	}
	/* Too long, or cut short by the end: what there is goes on once, the rest of that line is dropped. */
	if (b->len - b->start > LOG_LINE_BYTES_MAX || (got == -1 && b->len > b->start)) {
		if (!r->log_cut)
			log_line(r, b->data + b->start, b->len - b->start);
		r->log_cut = true;
		b->start = b->seen = b->len;
	}
	line_buf_rest(b);
}

const char *
relay_refused_call(const struct relay *r)
{
	return r->refused_call[0] != '\0' ? r->refused_call : NULL;
}

bool
relay_paused(const struct relay *r)
{
	return r->paused;
}

bool
relay_resumable(const struct relay *r)
{
	return r->paused && r->sink.ready(r->sink.arg);
}

bool
relay_verdict(const struct relay *r, struct error *verdict)
{
	if (r->judged)
		*verdict = r->verdict;
	return r->judged;
}

const struct relay_counts *
relay_counts(const struct relay *r)
{
	return &r->counts;
}

void
relay_sha256(struct relay *r, char hex[65])
{
	uint8_t	 sum[DIGEST_BYTES];

	digest_get(r->sha, sum);
	digest_print(sum, hex);
}
