/*
 * wire.c -- attacks on the result and log pipes, written past the runtime.
 */
#include "tests/evil/evil/evil.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "worker/contract/egress.h"
#include "worker/contract/worker_fd.h"

#define TEXT(s)		(s), sizeof(s) - 1

static void
put(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t	 w = write(fd, p, n);

		if (w == -1 && errno == EINTR)
			continue;
		/* Nobody listens: that attack is over. */
		if (w == -1)
			_exit(0);
		p += w;
		n -= (size_t)w;
	}
}

static void
wait_ms(int64_t ms)
{
	struct timespec	 ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

#define LINE(n, text)	{ .name = (n), .line = (text), .bytes = sizeof(text) - 1 },
static const struct {
	const char	*name, *line;
	size_t		 bytes;
} lines[] = {
	LINES(LINE)
};

int
attack_line(struct call *c)
{
	for (size_t i = 0; i < N_ITEMS(lines); i++)
		if (strcmp(lines[i].name, attack_name(c)) == 0) {
			put(FD_RESULT, lines[i].line, lines[i].bytes);
			/* Long enough that what is seen is the line, not the end. */
			wait_ms(100);
			_exit(0);
		}
	return fail_generic(c, "no such attack");
}

/* A single command that does not keep to one object. */
int
attack_read(struct call *c)
{
	static const struct {
		const char	*name, *lines;
	} reads[] = {
		{ "two-outputs", GOOD GOOD },
		{ "state", GOOD "{\"data\":{},\"type\":\"state\"}\n" },
		{ "array", "{\"data\":[],\"type\":\"output\"}\n" },
		{ "string", "{\"data\":\"x\",\"type\":\"output\"}\n" },
		{ "null", "{\"data\":null,\"type\":\"output\"}\n" },
		{ "end-only", END },
		{ "cache", "{\"data\":{\"name\":\"a\",\"ttlMs\":1000,\"value\":\"b\"},\"type\":\"cache\"}\n" GOOD END },
	};
	const char	*attack = json_str(c->config, "attack", "none");

	for (size_t i = 0; i < N_ITEMS(reads); i++)
		if (strcmp(reads[i].name, attack) == 0) {
			put(FD_RESULT, reads[i].lines, strlen(reads[i].lines));
			wait_ms(100);
			_exit(0);
		}
	if (strcmp(attack, "permit") == 0) {
		struct egress_question	 q = { .kind = EGRESS_PERMIT };

		(void)!send(FD_EGRESS, &q, sizeof(q), 0);
		wait_ms(5000);
		return report(c, "ESCAPED", 0);
	}
	if (strcmp(attack, "cache-put") == 0)
		return cache_put(c, "a", "b", 1000);
	/* By the runtime's own calls: it must say no itself. */
	if (strcmp(attack, "emit-two") == 0) {
		(void)!emit_output(c, cJSON_CreateObject());
		(void)!emit_output(c, cJSON_CreateObject());
		return 0;
	}
	if (strcmp(attack, "emit-none") == 0)
		return 0;
	return report(c, NULL, 0);
}

int
attack_half_line(struct call *c)
{
	(void)c;
	put(FD_RESULT, TEXT("{\"data\":{\"n\":1},\"ty"));
	_exit(0);
}

int
attack_long_line(struct call *c)
{
	static char	 x[300 * KIB];

	(void)c;
	memset(x, 'x', sizeof(x));
	put(FD_RESULT, TEXT("{\"data\":{\"x\":\""));
	put(FD_RESULT, x, sizeof(x));
	put(FD_RESULT, TEXT("\"},\"type\":\"output\"}\n" END));
	_exit(0);
}

int
attack_endless_line(struct call *c)
{
	char	 x[4096];

	(void)c;
	memset(x, ' ', sizeof(x));
	for (;;)
		put(FD_RESULT, x, sizeof(x));
}

int
attack_deep(struct call *c)
{
	char	 x[20000];

	(void)c;
	memset(x, '[', sizeof(x) / 2);
	memset(x + sizeof(x) / 2, ']', sizeof(x) / 2);
	put(FD_RESULT, TEXT("{\"data\":"));
	put(FD_RESULT, x, sizeof(x));
	put(FD_RESULT, TEXT(",\"type\":\"output\"}\n" END));
	_exit(0);
}

int
attack_flood(struct call *c)
{
	(void)c;
	for (;;)
		put(FD_RESULT, TEXT(GOOD GOOD GOOD GOOD GOOD GOOD GOOD GOOD));
}

int
attack_flood_log(struct call *c)
{
	(void)c;
	for (;;)
		put(FD_LOG, TEXT("{\"level\":\"INFO\",\"message\":\"and another one\"}\n"));
}

/* No line end for megabytes, control characters, and then a good command all the same. */
int
attack_half_log(struct call *c)
{
	char	 x[4096];

	memset(x, '\x1b', sizeof(x));
	for (int i = 0; i < 1024; i++)
		put(FD_LOG, x, sizeof(x));
	return report(c, "allowed", 0);
}

int
attack_slow(struct call *c)
{
	for (;;) {
		if (emit_keep_alive(c) == -1)
			return -1;
		wait_ms(500);
	}
}

int
attack_silent_close(struct call *c)
{
	(void)c;
	close(FD_RESULT);
	for (;;)
		wait_ms(1000);
}

int
attack_close_stdin(struct call *c)
{
	close(FD_REQUEST);
	return report(c, "allowed", 0);
}

/* A worker must not live past its verdict. */
int
attack_end_then_hang(struct call *c)
{
	(void)c;
	put(FD_RESULT, TEXT(GOOD END));
	for (;;)
		wait_ms(1000);
}
