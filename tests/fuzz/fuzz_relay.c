/*
 * fuzz_relay.c -- any bytes as a worker's results, in any portions: what goes on is judged well, nothing goes on behind a
 * verdict, and the end is an end, a verdict or a broken worker whatever the portions are.  The first byte chooses the
 * command, the second the portions, the third how many records at most.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/core/core.h"
#include "worker/contract/util.h"

#define PIPE_BYTES	(64 * KIB)	/* what is fed at once must fit */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct seen {
	struct relay	*r;
	uint64_t	 lines, bytes, hash;
	unsigned int	 asked;		/* whether there is room: now and then there is none */
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
record_taken(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	struct seen		*s = arg;
	struct line_facts	 again;
	struct error		 e = ERROR_NONE, verdict;

	must(!relay_verdict(s->r, &verdict));
	must(line_judge(line, len, &again, &e) == 0 && again.record == f->record && again.data_at == f->data_at);
	must(f->record != REC_CACHE && f->record != REC_LOCKED && f->record != REC_END && f->record != REC_ERROR);
	s->lines++;
	s->bytes += len + 1;
	for (size_t i = 0; i < len; i++)
		s->hash = (s->hash ^ (unsigned char)line[i]) * 0x100000001b3u;
}

static void
log_taken(void *arg, const char *line, size_t len)
{
	(void)arg;
	for (size_t i = 0; i < len; i++)
		must((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
}

static bool
ready(void *arg)
{
	struct seen	*s = arg;

	return s->asked++ % 5 != 4;
}

static enum relay_news
drain(struct relay *r, struct seen *s, struct error *e)
{
	enum relay_news	 news;

	do {
		news = relay_results(r, e);
		must(news != RELAY_BROKEN || e->code != ERR_NONE);
		must(news != RELAY_LOCKED);
	} while (news == RELAY_MOVED || (news == RELAY_QUIET && relay_paused(r)));
	relay_logs(r);
	must(relay_counts(r)->lines == s->lines && relay_counts(r)->bytes == s->bytes);
	return news;
}

/* Fed whole or in portions; the same bytes are its log. */
static enum relay_news
feed(const uint8_t *head, const uint8_t *data, size_t n, size_t portion, struct seen *s, struct error *verdict)
{
	enum command		 cmd = (enum command)(head[0] % CMD__MAX);
	struct inv_sink		 sink = { .record = record_taken, .log = log_taken, .ready = ready, .arg = s };
	struct error		 e = ERROR_NONE;
	enum relay_news		 news = RELAY_QUIET;
	int			 results[2], logs[2];

	must(pipe2(results, O_NONBLOCK) == 0 && pipe2(logs, O_NONBLOCK) == 0);
	*s = (struct seen){ .hash = 1 };
	must((s->r = relay_new(results[0], logs[0])) != NULL);
	relay_begin(s->r, cmd, &sink, head[2]);
	for (size_t at = 0, k; at < n && news != RELAY_BROKEN; at += k) {
		k = n - at < portion ? n - at : portion;
		must(write(results[1], data + at, k) == (ssize_t)k && write(logs[1], data + at, k) == (ssize_t)k);
		news = drain(s->r, s, &e);
	}
	close(results[1]);
	close(logs[1]);
	while (news == RELAY_QUIET || news == RELAY_MOVED)
		news = drain(s->r, s, &e);
	*verdict = ERROR_NONE;
	must(news != RELAY_ENDED || !relay_verdict(s->r, verdict) || verdict->code < ERR__MAX);
	if (news == RELAY_BROKEN)
		*verdict = e;
	relay_free(s->r);
	return news;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct seen	whole, parts;
	struct error	said, told;

	if (n < 3 || n - 3 > PIPE_BYTES / 2)
		return 0;
	/* A broken one may have passed on less, or the same, by then; an end is the same end. */
	if (feed(data, data + 3, n - 3, SIZE_MAX, &whole, &said) != feed(data, data + 3, n - 3, 1 + data[1], &parts, &told))
		abort();
	must(said.code == told.code && whole.lines == parts.lines && whole.hash == parts.hash);
	return 0;
}
