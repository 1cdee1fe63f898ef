/*
 * stamps.c -- whether a connector's files are what they were.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "launcher/core/core.h"
#include "launcher/core/files.h"

static struct file_id
file_id(const char *path)
{
	struct file_id	 id = { 0 };
	struct stat	 st;

	if (files_stat(path, &st, NULL) == 0)
		id = (struct file_id){ st.st_dev, st.st_ino, st.st_size, st.st_ctim };
	return id;
}

bool
file_same(const struct file_id *a, const struct file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static struct file_id
file_beside(char *path, size_t n, const char *name)
{
	char	*slash = strrchr(path, '/');

	snprintf(slash + 1, n - (size_t)(slash + 1 - path), "%s", name);
	return file_id(path);
}

void
files_look(const struct nursery_plan *p, struct connector_files *f)
{
	char	 path[sizeof(p->guest) + sizeof(p->main) + sizeof("/connector-spec.json")];
	char	 other[sizeof(p->guest) + sizeof(BUNDLE_MAIN)];
	bool	 guest = p->guest[0] != '\0';
	const char *linked;

	snprintf(path, sizeof(path), "%s%s%s", guest ? p->guest : p->program, guest ? "/" : "", guest ? p->main : "");
	f->program = file_id(path);
	/* The file that is run may lie in a folder of the guest's. */
	if (guest)
		path[strlen(p->guest) + 1] = '\0';
	if (p->described[0] != '\0')
		snprintf(path, sizeof(path), "%s/", p->described);
	f->spec = file_beside(path, sizeof(path), "connector-spec.json");
	f->description = file_beside(path, sizeof(path), "rest.json");
	if ((linked = guest ? guest_word(&p->words, GUEST_WORD_LINKED) : NULL) != NULL) {
		snprintf(other, sizeof(other), "%s/" BUNDLE_MAIN, linked);
		f->description = file_id(other);
	}
}
