/*
 * plan.c -- what may be run: files of connectors' folders, and hosts of guests.
 *
 * The front found them, and may since have been taken over; behind the walls a program can do little, but what runs
 * there is to be the operator's choice all the same.
 */
#include <limits.h>
#include <string.h>

#include "launcher/supervise/supervise.h"

/* Below this folder, and so written that nothing leads out of it. */
static bool
below(const char *folder, const char *path)
{
	size_t	 n = strlen(folder);

	return n > 1 && strncmp(path, folder, n) == 0 && path[n] == '/';
}

struct looked {
	const char	*path;
	bool		 found;
};

static void
folder_look(void *arg, const char *folder)
{
	struct looked	*l = arg;
	char		 full[PATH_MAX];

	l->found = l->found || (folder[0] != '\0' && realpath(folder, full) != NULL && below(full, l->path));
}

/* A file or folder under its true name, where connectors are. */
static bool
is_known(const char *path)
{
	struct looked	 l = { path, false };
	char		 full[PATH_MAX];

	if (path[0] != '/' || realpath(path, full) == NULL || strcmp(full, path) != 0)
		return false;
	connector_folders(folder_look, &l);
	return l.found || (told.registry[0] != '\0' && below(told.registry, path));
}

int
plan_check(const struct nursery_plan *p, struct error *e)
{
	const char	*folder = p->guest[0] != '\0' ? p->guest : p->described, *linked;

	if (p->waived != told.waived || p->memory_bytes == 0 || p->cpu_s == 0)
		return error_set(e, ERR_SANDBOX, "supervisor: a plan that makes no sense");
	if ((told.memory_max != 0 && p->memory_bytes > told.memory_max) || (told.cpu_max != 0 && p->cpu_s > told.cpu_max))
		return error_set(e, ERR_SANDBOX, "supervisor: more memory or time of the processor than --limit allows");
	if (pool_knows(p))
		return 0;
	/* A program of ours runs the folder of another; any other program is a connector itself. */
	if (folder[0] != '\0' ? !connector_is_host(p->program) || !is_known(folder) : !is_known(p->program))
		return error_set(e, ERR_SANDBOX, "supervisor: %.200s is in no folder of connectors (BASCULE_CONNECTORS, --registry)",
		    folder[0] != '\0' ? folder : p->program);
	if ((linked = guest_word(&p->words, GUEST_WORD_LINKED)) != NULL && !is_known(linked))
		return error_set(e, ERR_SANDBOX, "supervisor: %.200s is in no folder of connectors", linked);
	return guest_words_check(&p->words, e);
}
