/*
 * check.c -- a description looked at by itself: what is wrong, and on which line.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/rest/rest.h"

#define EXIT_FAULTS	65
#define EXIT_NOTHING	66
#define SPEC_FILE	"connector-spec.json"

static char *
file_read(const char *folder, const char *name, size_t *len)
{
	char		 path[4096];
	struct stat	 st;
	char		*text = NULL;
	ssize_t		 n;
	int		 fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	*len = 0;
	/* A pipe that nobody writes to is no file either. */
	if ((fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) == -1 || fstat(fd, &st) == -1) {
		perror(path);
		if (fd != -1)
			close(fd);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)DESCRIPTION_BYTES_MAX || (text = malloc((size_t)st.st_size + 1)) == NULL) {
		fprintf(stderr, "%s: it is no file of at most %u KiB\n", path, DESCRIPTION_BYTES_MAX >> 10);
		close(fd);
		return NULL;
	}
	while (*len < (size_t)st.st_size && (n = read(fd, text + *len, (size_t)st.st_size - *len)) > 0)
		*len += (size_t)n;
	close(fd);
	text[*len] = '\0';
	return text;
}

static size_t
line_of(const char *text, size_t offset)
{
	size_t	 line = 1;

	for (size_t i = 0; i < offset && text[i] != '\0'; i++)
		line += text[i] == '\n';
	return line;
}

/* The end of the JSON string that begins at p. */
static const char *
string_end(const char *p)
{
	for (p++; *p != '\0' && *p != '"'; p++)
		p += *p == '\\' && p[1] != '\0';
	return *p == '"' ? p + 1 : p;
}

/* Behind the value that begins at p: of text that has been parsed already. */
static const char *
value_end(const char *p)
{
	unsigned int	 depth = 0;

	for (; *p != '\0'; p++)
		if (*p == '"') {
			p = string_end(p) - 1;
			if (depth == 0)
				return p + 1;
		} else if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']') {
			if (depth == 0)
				return p;
			if (--depth == 0)
				return p + 1;
		} else if (*p == ',' && depth == 0)
			return p;
	return p;
}

static const char *
blank_end(const char *p)
{
	return p + strspn(p, " \t\r\n,:");
}

/* Where the member or element of this name begins; NULL: it is not there.  p: where its container does. */
static const char *
inside_find(const char *p, const char *name, size_t n)
{
	size_t	 i = 0, want = strtoul(name, NULL, 10);

	if (*p != '{' && *p != '[')
		return NULL;
	for (char kind = *p++; *(p = blank_end(p)) != '\0' && *p != '}' && *p != ']'; i++) {
		const char	*from = p;

		if (kind == '{') {
			const char	*end = string_end(p);
			bool		 it = (size_t)(end - p) == n + 2 && memcmp(p + 1, name, n) == 0;

			if (it)
				return from;
			p = value_end(blank_end(end));
		} else if (i == want)
			return p;
		else
			p = value_end(p);
	}
	return NULL;
}

/* As far as the pointer leads: what is missing is told where it should be. */
static size_t
pointer_line(const char *text, const char *pointer, size_t len)
{
	const char	*at = blank_end(text), *value = at;

	for (const char *p = pointer; p < pointer + len && *p == '/';) {
		const char	*name = ++p, *found;
		size_t		 n = strcspn(name, "/");

		n = name + n > pointer + len ? (size_t)(pointer + len - name) : n;
		if (n == 0 || (found = inside_find(value, name, n)) == NULL)
			break;
		value = at = found;
		if (*found == '"' && *blank_end(string_end(found)) != '\0' && strchr(blank_end(string_end(found)) - 1, ':') != NULL)
			value = blank_end(string_end(found));
		p = name + n;
	}
	return line_of(text, (size_t)(at - text));
}

static void
faults_print(const struct faults *f, const char *folder, const char *text)
{
	for (const char *p = f->text.data; p != NULL && *p != '\0';) {
		size_t		 n = strcspn(p, "\n");
		const char	*colon = memmem(p, n, ": ", 2);

		printf("%s/" DESCRIPTION_FILE ":%zu: %.*s\n", folder, pointer_line(text, p, colon == NULL ? 0 : (size_t)(colon - p)),
		    (int)n, p);
		p += n + (p[n] == '\n');
	}
}

int
description_check(const char *folder)
{
	struct faults		 f = { 0 };
	struct error		 e = ERROR_NONE;
	size_t			 len, spec_len;
	autofree char		*text = file_read(folder, DESCRIPTION_FILE, &len);
	autofree char		*spec_text = file_read(folder, SPEC_FILE, &spec_len);
	autojson		*doc = NULL, *spec = NULL;

	if (text == NULL || spec_text == NULL)
		return EXIT_NOTHING;
	if ((spec = json_parse(spec_text, spec_len, NULL, &e)) == NULL) {
		printf("%s/" SPEC_FILE ": %s\n", folder, e.msg);
		return EXIT_FAULTS;
	}
	if ((doc = json_parse(text, len, NULL, &e)) == NULL) {
		size_t	 byte = strncmp(e.msg, "byte ", 5) == 0 ? strtoul(e.msg + 5, NULL, 10) : 0;

		printf("%s/" DESCRIPTION_FILE ":%zu: %s\n", folder, line_of(text, byte), e.msg);
		return EXIT_FAULTS;
	}
	buf_init(&f.text, FAULTS_BYTES_MAX);
	describe_free(describe(doc, spec, &f));
	faults_print(&f, folder, text);
	buf_free(&f.text);
	fprintf(stderr, "%s/" DESCRIPTION_FILE ": %u %s\n", folder, f.n, f.n == 1 ? "fault" : "faults");
	return f.n > 0 ? EXIT_FAULTS : 0;
}
