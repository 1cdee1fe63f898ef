/*
 * load.c -- the description, read from its folder while files can still be opened, parsed when a command wants it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/rest/rest.h"

static char	*text;		/* of the file; NULL: why says why not */
static size_t	 text_len;
static const char *why = "it was not read";

static void
description_read(const char *folder)
{
	const char	*program = (const char *)(uintptr_t)getauxval(AT_EXECFN);
	const char	*slash = program == NULL ? NULL : strrchr(program, '/');
	char		 path[4096];
	struct stat	 st;
	ssize_t		 n;
	int		 fd;

	if (folder != NULL)
		snprintf(path, sizeof(path), "%s/" DESCRIPTION_FILE, folder);
	else
		snprintf(path, sizeof(path), "%.*s/" DESCRIPTION_FILE, slash == NULL ? 1 : (int)(slash - program),
		    slash == NULL ? "." : program);
	if ((fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) == -1) {
		why = "there is none beside the program";
		return;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size > (off_t)DESCRIPTION_BYTES_MAX)
		why = "it is no file of at most 1 MiB";
	else if ((text = malloc((size_t)st.st_size + 1)) != NULL)
		while (text_len < (size_t)st.st_size &&
		    (n = read(fd, text + text_len, (size_t)st.st_size - text_len)) > 0)
			text_len += (size_t)n;
	close(fd);
}

/* Before main(): the runtime loads nothing of a connector's own, and has no word for a check. */
static void __attribute__((constructor))
description_load(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], CHECK_ARG) == 0)
		exit(description_check(argv[2]));
	/* A nursery is told the folder, since the program lies elsewhere. */
	description_read(argc == 4 ? argv[3] : NULL);
}

const struct description *
description_loaded(const cJSON *spec, struct error *e)
{
	struct faults			 f = { 0 };
	const struct description	*d;
	autojson			*doc = NULL;

	if (text == NULL) {
		error_set(e, ERR_SYSTEM, DESCRIPTION_FILE ": %s", why);
		return NULL;
	}
	if ((doc = json_parse(text, text_len, NULL, e)) == NULL) {
		error_in(e, DESCRIPTION_FILE);
		return NULL;
	}
	buf_init(&f.text, FAULTS_BYTES_MAX);
	d = describe(doc, spec, &f);
	if (d == NULL) {
		/* One line each; an error's text is one line. */
		for (char *p = f.text.data; p != NULL && *p != '\0'; p++)
			if (*p == '\n')
				*p = p[1] == '\0' ? '\0' : ';';
		error_set(e, ERR_SYSTEM, DESCRIPTION_FILE ": %u %s: %s", f.n, f.n == 1 ? "fault" : "faults",
		    f.text.data == NULL ? "no memory" : f.text.data);
	}
	buf_free(&f.text);
	return d;
}
