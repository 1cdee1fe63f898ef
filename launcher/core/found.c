/*
 * found.c -- connectors whose files are watched: found and read once, and used until something there changes.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "launcher/core/core.h"
#include "launcher/core/files.h"
#include "launcher/core/found.h"
#include "launcher/core/reserve.h"

#define FOUND_MAX	256u	/* places; then all are forgotten */

struct found {
	LIST_ENTRY(found)	 next;
	char			*path, *name, *program, *described;
	unsigned int		 tasks, users;
	bool			 there, kept;	/* kept: in the list */
	struct spec		 spec;
	struct file_id		 spec_id;
	uint32_t		 bell;		/* that rings for its files: files_bell_no() */
	int			 fd;		/* it, open: the kernel tells nobody of what is written through a mapping; -1: not so */
};

static LIST_HEAD(, found)	 all = LIST_HEAD_INITIALIZER(all);
static size_t			 nfound;

static void
found_free(struct found *f)
{
	free(f->path);
	free(f->name);
	free(f->program);
	free(f->described);
	spec_free(&f->spec);
	fd_closep(&f->fd);
	free(f);
}

void
found_forget(void)
{
	struct found	*f;

	reserve_forget();
	while ((f = LIST_FIRST(&all)) != NULL) {
		LIST_REMOVE(f, next);
		f->kept = false;
		if (f->users == 0)
			found_free(f);
	}
	nfound = 0;
}

static bool
is_written(const struct found *f)
{
	struct stat	 st;

	return f->fd != -1 && (fstat(f->fd, &st) == -1 || !file_same(&f->spec_id,
	    &(struct file_id){ st.st_dev, st.st_ino, st.st_size, st.st_ctim }));
}

bool
found_get(const char *path, struct connector_ref *ref, int *r)
{
	struct found	*f;

	if (files_changed()) {
		found_forget();
		return false;
	}
	LIST_FOREACH(f, &all, next)
		if (strcmp(f->path, path) == 0)
			break;
	if (f == NULL)
		return false;
	if (is_written(f)) {
		found_forget();
		return false;
	}
	*r = f->there ? 0 : -1;
	if (!f->there)
		return true;
	memcpy(ref->name, f->name, strlen(f->name) + 1);
	memcpy(ref->program, f->program, strlen(f->program) + 1);
	memcpy(ref->described, f->described, strlen(f->described) + 1);
	ref->tasks = f->tasks;
	ref->spec = f->spec;
	ref->spec_id = f->spec_id;
	ref->of = f;
	f->users++;
	return true;
}

void
found_put(const char *path, struct connector_ref *ref, int r)
{
	struct found	*f;

	/* What runs a guest is looked for in other places, too. */
	if (r == 0 && (ref->guest[0] != '\0' || ref->words.bytes > 0))
		return;
	if (nfound >= FOUND_MAX)
		found_forget();
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return;
	f->fd = r == 0 ? files_ahead_spec() : -1;
	f->path = strdup(path);
	f->name = strdup(ref->name);
	f->program = strdup(ref->program);
	f->described = strdup(ref->described);
	if (f->path == NULL || f->name == NULL || f->program == NULL || f->described == NULL) {
		found_free(f);
		return;
	}
	LIST_INSERT_HEAD(&all, f, next);
	nfound++;
	f->kept = true;
	if (!(f->there = r == 0))
		return;
	f->tasks = ref->tasks;
	f->spec = ref->spec;
	f->spec_id = ref->spec_id;
	f->bell = files_bell_no();
	f->users = 1;
	ref->of = f;
}

uint32_t
found_bell(const struct found *f)
{
	return f != NULL && f->fd != -1 && f->described[0] == '\0' ? f->bell : 0;
}

void
found_drop(struct connector_ref *ref)
{
	struct found	*f = ref->of;

	ref->of = NULL;
	ref->spec = (struct spec){ 0 };
	if (--f->users == 0 && !f->kept)
		found_free(f);
}
