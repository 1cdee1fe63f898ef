/*
 * slog.c -- log lines that never block the loop.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "launcher/serve/serve.h"
#include "launcher/serve/slog.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define WAITING_BYTES_MAX	(1 * MIB)	/* lines that their reader has not taken yet */

static const char *const	 level_names[] = {
	[SLOG_ERROR] = "error", [SLOG_WARN] = "warn", [SLOG_INFO] = "info", [SLOG_DEBUG] = "debug",
};
static enum slog_level	 most_level;
static int		 out_fd = STDERR_FILENO;
static bool		 is_socket;
static struct buf	 waiting;
static uint64_t		 dropped;

void
slog_open(enum slog_level most)
{
	struct stat	 st;
	int		 fd;

	most_level = most;
	buf_init(&waiting, WAITING_BYTES_MAX);
	if (fstat(STDERR_FILENO, &st) == -1)
		return;
	is_socket = S_ISSOCK(st.st_mode);
	/* A description of our own: others that share this pipe keep theirs as it is. */
	if (S_ISFIFO(st.st_mode) && (fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC)) != -1)
		out_fd = fd;
}

void
slog_flush(void)
{
	ssize_t	 n = 1;

	while (waiting.len > 0 && n > 0) {
		n = is_socket ? send(out_fd, waiting.data, waiting.len, MSG_DONTWAIT | MSG_NOSIGNAL)
		    : write(out_fd, waiting.data, waiting.len);
		if (n > 0)
			buf_consume(&waiting, (size_t)n);
		else if (errno != EAGAIN && errno != EINTR)
			buf_reset(&waiting);	/* nobody will ever read it */
	}
}

static void
time_text(char text[40])
{
	struct timespec	 ts;
	struct tm	 tm;
	size_t		 n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(text, 30, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, 40 - n, ".%03ldZ", ts.tv_nsec / 1000000);
}

cJSON *
slog_new(enum slog_level level, const char *event)
{
	char	 when[40];
	cJSON	*o;

	if (level > most_level || (o = cJSON_CreateObject()) == NULL)
		return NULL;
	time_text(when);
	(void)json_set_str(o, "time", when);
	(void)json_set_str(o, "level", level_names[level]);
	(void)json_set_str(o, "event", event);
	return o;
}

static void
line_add(const cJSON *o)
{
	autobuf	 line;

	buf_init(&line, LINE_BYTES_MAX);
	json_print(&line, o);
	buf_addc(&line, '\n');
	if (line.failed || waiting.len + line.len > waiting.max)
		dropped++;
	else
		buf_add(&waiting, line.data, line.len);
}

void
slog_write(cJSON *o)
{
	cJSON	*told;

	if (o == NULL)
		return;
	if (dropped > 0 && waiting.len < WAITING_BYTES_MAX / 2 && (told = slog_new(SLOG_ERROR, "log.dropped")) != NULL) {
		(void)json_set(told, "lines", json_int((int64_t)dropped));
		dropped = 0;
		line_add(told);
		cJSON_Delete(told);
	}
	line_add(o);
	cJSON_Delete(o);
	slog_flush();
}

void
slog_text(enum slog_level level, const char *event, const char *name, const char *text)
{
	cJSON	*o = slog_new(level, event);

	(void)json_set_str(o, name, text);
	slog_write(o);
}
