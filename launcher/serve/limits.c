/*
 * limits.c -- the file of --limits: NAME=VALUE a line, as --limit takes them; '#' begins a comment.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/core/files.h"
#include "launcher/serve/serve.h"
#include "worker/contract/util.h"

#define LINE_BYTES	256

/* What nobody said. */
static void
fill(struct inv_limits *l)
{
	if (l->silence_ms == 0)
		l->silence_ms = SILENCE_MS;
	if (l->memory_bytes == 0)
		l->memory_bytes = WORKER_MEMORY_BYTES;
	if (l->cpu_s == 0)
		l->cpu_s = WORKER_CPU_S;
}

static int
lines_read(FILE *f, const char *path, struct inv_limits *l, struct error *e)
{
	char	 line[LINE_BYTES];

	for (unsigned int n = 1; fgets(line, sizeof(line), f) != NULL; n++) {
		if (strchr(line, '\n') == NULL && !feof(f))
			return error_set(e, ERR_USAGE, "--limits %.200s:%u: over %d bytes", path, n, LINE_BYTES - 2);
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] != '#' && line[0] != '\0' && inv_limit_set(l, line, e) == -1)
			return error_in(e, "--limits %.200s:%u", path, n);
	}
	return ferror(f) ? error_sys(e, "--limits %.200s", path) : 0;
}

int
limits_load(struct error *e)
{
	struct inv_limits	 fresh = server.set.limits_given;
	const char		*path = server.set.limits_file;
	FILE			*f;
	int			 r = 0;

	if (path != NULL) {
		if ((f = files_read(path)) == NULL)
			return error_sys(e, "--limits %.200s", path);
		r = lines_read(f, path, &fresh, e);
		(void)fclose(f);
	}
	fill(&fresh);
	if (r == 0)
		server.set.limits = fresh;
	return r;
}
