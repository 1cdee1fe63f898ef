/*
 * case_files.h -- the files of tests/cases, for tests that are run from the top of the tree.
 */
#ifndef UNIT_CASE_FILES_H
#define UNIT_CASE_FILES_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/buf.h"

#define CASE_BYTES_MAX	(1024 * 1024)

/* A file's bytes; without a final line feed if trim. false: there is none. */
static inline bool
case_read(struct buf *b, const char *path, bool trim)
{
	char	 portion[4096];
	size_t	 n;
	FILE	*f = fopen(path, "rb");

	if (f == NULL)
		return false;
	buf_init(b, CASE_BYTES_MAX);
	while ((n = fread(portion, 1, sizeof(portion), f)) > 0)
		buf_add(b, portion, n);
	fclose(f);
	buf_adds(b, "");
	if (trim && b->len > 0 && b->data[b->len - 1] == '\n')
		b->data[--b->len] = '\0';
	return !b->failed;
}

/* Calls fn for each *.json of a folder; how many there were. want: the text of the .want file beside it, or NULL. */
static inline size_t
case_each(const char *folder, void (*fn)(const char *name, const char *text, size_t len, const char *want))
{
	struct dirent	**list;
	int		  n = scandir(folder, &list, NULL, alphasort);
	size_t		  count = 0;

	for (int i = 0; i < n; i++) {
		char	*dot = strrchr(list[i]->d_name, '.'), path[512];
		autobuf	 text = { 0 }, want = { 0 };
		bool	 wanted;

		if (dot == NULL || strcmp(dot, ".json") != 0) {
			free(list[i]);
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);
		if (!case_read(&text, path, false)) {
			fprintf(stderr, "%s: cannot be read\n", path);
			abort();
		}
		snprintf(path, sizeof(path), "%s/%.*s.want", folder, (int)(dot - list[i]->d_name), list[i]->d_name);
		wanted = case_read(&want, path, true);
		fn(list[i]->d_name, text.data, text.len, wanted ? want.data : NULL);
		count++;
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return count;
}

#endif
