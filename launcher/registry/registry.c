/*
 * registry.c -- what there is: opened, found, swept.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "launcher/core/files.h"
#include "launcher/registry/disk.h"
#include "worker/contract/util.h"

static char			 root[REG_PATH_BYTES - 256];	/* room for the longest name below it */
static int			 lock_fd = -1;
static uint64_t			 stored_bytes, stored_max = REG_STORED_BYTES_MAX;

struct shelf			 shelves[SHELF__MAX] = {
	[SHELF_CONNECTORS]	= { "connectors", REG_CONNECTORS_MAX, NULL, 0 },
	[SHELF_CUSTOMIZERS]	= { "customizers", REG_CUSTOMIZERS_MAX, NULL, 0 },
};

void
reg_place(char path[REG_PATH_BYTES], const char *folder, const char *name, const char *behind)
{
	snprintf(path, REG_PATH_BYTES, "%s/%s%s%s%s", root, folder, name[0] != '\0' ? "/" : "", name, behind);
}

bool
registry_is_open(void)
{
	return lock_fd != -1;
}

const char *
registry_dir(void)
{
	return root;
}

void
registry_bound(uint64_t most)
{
	stored_max = most != 0 ? most : REG_STORED_BYTES_MAX;
}

uint64_t
registry_stored(void)
{
	return stored_bytes;
}

void
reg_stored(uint64_t bytes)
{
	stored_bytes += bytes;
}

int
registry_room(uint64_t bytes, struct error *e)
{
	if (stored_bytes <= stored_max && bytes <= stored_max - stored_bytes)
		return 0;
	return error_set(e, ERR_LIMIT, "the registry has %llu of %llu bytes, and %llu more find no room: delete connectors and "
	    "start the server again, or raise --registry-budget", (unsigned long long)stored_bytes,
	    (unsigned long long)stored_max, (unsigned long long)bytes);
}

const struct reg_connector *
registry_at(size_t i)
{
	return i < shelves[SHELF_CONNECTORS].n ? &shelves[SHELF_CONNECTORS].list[i] : NULL;
}

const struct reg_connector *
registry_customizer_at(size_t i)
{
	return i < shelves[SHELF_CUSTOMIZERS].n ? &shelves[SHELF_CUSTOMIZERS].list[i] : NULL;
}

struct reg_connector *
shelf_find(const struct shelf *s, const char *ref)
{
	if (ref[0] == '\0')		/* no alias is not one */
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->list[i].alias, ref) == 0 || strcmp(s->list[i].id, ref) == 0)
			return &s->list[i];
	return NULL;
}

const struct reg_connector *
registry_find(const char *ref)
{
	return shelf_find(&shelves[SHELF_CONNECTORS], ref);
}

const struct reg_connector *
registry_customizer(const char *id)
{
	return shelf_find(&shelves[SHELF_CUSTOMIZERS], id);
}

const struct reg_version *
reg_version(const struct reg_connector *c, uint32_t number)
{
	return number >= 1 && number <= c->nversions ? &c->versions[number - 1] : NULL;
}

const struct reg_tag *
reg_tag(const struct reg_connector *c, const char *name)
{
	for (size_t i = 0; i < c->ntags; i++)
		if (strcmp(c->tags[i].name, name) == 0)
			return &c->tags[i];
	return NULL;
}

void
reg_folder(const struct reg_version *v, char path[REG_PATH_BYTES])
{
	reg_place(path, "objects", v->sha256, "/files");
}

void
reg_source(const struct reg_version *v, char path[REG_PATH_BYTES])
{
	reg_place(path, "objects", v->sha256, "/source.zip");
}

static int
by_alias(const void *a, const void *b)
{
	const struct reg_connector	*x = a, *y = b;
	int				 r = strcmp(x->alias, y->alias);

	if (r == 0)
		r = strcmp(x->name, y->name);
	return r == 0 ? strcmp(x->id, y->id) : r;
}

void
shelf_sort(struct shelf *s)
{
	if (s->n > 1)
		qsort(s->list, s->n, sizeof(*s->list), by_alias);
}

int
shelf_add(struct shelf *s, struct reg_connector *c, struct error *e)
{
	struct reg_connector	*more = reallocarray(s->list, s->n + 1, sizeof(*more));

	if (more == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for %s", s->folder);
	s->list = more;
	s->list[s->n++] = *c;
	*c = (struct reg_connector){ 0 };
	return 0;
}

/* Opening: read all, then sweep what nothing names. */
/* A record's path; "" where it is none: one that was never renamed was not acknowledged, and goes. */
static int
record_path(const char *folder, const char *name, char path[REG_PATH_BYTES], struct error *e)
{
	reg_place(path, folder, name, "");
	if (strstr(name, ".new") != NULL) {
		(void)unlink(path);	/* at its start */
		path[0] = '\0';
		return 0;
	}
	if (strlen(name) != REG_ID_BYTES + strlen(".json") || strcmp(name + REG_ID_BYTES, ".json") != 0)
		return error_set(e, ERR_USAGE, "registry: %.200s does not belong here", path);
	return 0;
}

static int
shelf_load(struct shelf *s, const char *name, struct error *e)
{
	struct reg_connector	 c;
	char			 path[REG_PATH_BYTES];
	int			 r;

	if (record_path(s->folder, name, path, e) == -1)
		return -1;
	if (path[0] == '\0')
		return 0;
	if (reg_read(path, s == &shelves[SHELF_CUSTOMIZERS], &c, e) == -1)
		return -1;
	if (strncmp(c.id, name, REG_ID_BYTES) != 0 || shelf_find(s, c.alias) != NULL)
		r = error_set(e, ERR_USAGE, "registry: %.200s: its id is not that of the file, or its alias is another's", path);
	else
		r = shelf_add(s, &c, e);
	reg_free(&c);
	return r;
}

static int
connector_load(const char *name, struct error *e)
{
	return shelf_load(&shelves[SHELF_CONNECTORS], name, e);
}

static int
customizer_load(const char *name, struct error *e)
{
	return shelf_load(&shelves[SHELF_CUSTOMIZERS], name, e);
}

static int
instance_load(const char *name, struct error *e)
{
	char	 path[REG_PATH_BYTES];

	if (record_path(INSTANCES_FOLDER, name, path, e) == -1)
		return -1;
	return path[0] == '\0' ? 0 : instance_read(path, name, e);
}

static int
each_name(const char *folder, int (*fn)(const char *, struct error *), struct error *e)
{
	char		 path[REG_PATH_BYTES];
	DIR		*d;
	struct dirent	*entry;
	int		 r = 0;

	reg_place(path, folder, "", "");
	if ((d = opendir(path)) == NULL)	/* at its start */
		return error_sys(e, "registry: %.200s", path);
	while (r == 0 && (entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = fn(entry->d_name, e);
	closedir(d);
	return r;
}

static int
staged_sweep(const char *name, struct error *e)
{
	char	 path[REG_PATH_BYTES];

	(void)e;
	reg_place(path, "staged", name, "");
	disk_remove_tree(path);
	return 0;
}

static int
object_sweep(const char *name, struct error *e)
{
	char	 path[REG_PATH_BYTES];

	reg_place(path, "objects", name, "");
	for (const struct shelf *s = shelves; s < shelves + SHELF__MAX; s++)
		for (size_t i = 0; i < s->n; i++)
			for (size_t k = 0; k < s->list[i].nversions; k++)
				if (strcmp(s->list[i].versions[k].sha256, name) == 0)
					return disk_tree_bytes(path, &stored_bytes, e);
	disk_remove_tree(path);
	return 0;
}

static int
root_open(const char *dir, struct error *e)
{
	static const char *const	 folders[] = { "connectors", "customizers", INSTANCES_FOLDER, "objects", "staged" };
	char				 path[REG_PATH_BYTES], full[REG_PATH_BYTES];

	if (disk_folder(dir, e) == -1)
		return -1;
	if (realpath(dir, full) == NULL)	/* at its start */
		return error_sys(e, "registry: %.200s", dir);
	if ((size_t)snprintf(root, sizeof(root), "%s", full) >= sizeof(root))
		return error_set(e, ERR_USAGE, "registry: the path is too long");
	for (size_t i = 0; i < N_ITEMS(folders); i++) {
		reg_place(path, folders[i], "", "");
		if (disk_folder(path, e) == -1)
			return -1;
	}
	reg_place(path, "lock", "", "");
	if ((lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) == -1)	/* at its start */
		return error_sys(e, "registry: %.200s", path);
	if (flock(lock_fd, LOCK_EX | LOCK_NB) == -1)
		return error_set(e, ERR_USAGE, "registry: %.200s is in use by another server", root);
	return disk_sync_folder(root, e);
}

int
registry_open(const char *dir, struct error *e)
{
	if (root_open(dir, e) == 0 && each_name("connectors", connector_load, e) == 0 &&
	    each_name("customizers", customizer_load, e) == 0 && each_name(INSTANCES_FOLDER, instance_load, e) == 0) {
		for (struct shelf *s = shelves; s < shelves + SHELF__MAX; s++)
			shelf_sort(s);
		instances_sort();
		if (each_name("staged", staged_sweep, e) == 0 && each_name("objects", object_sweep, e) == 0)
			return 0;
	}
	registry_close();
	return -1;
}

void
registry_close(void)
{
	for (struct shelf *s = shelves; s < shelves + SHELF__MAX; s++) {
		for (size_t i = 0; i < s->n; i++)
			reg_free(&s->list[i]);
		free(s->list);
		s->list = NULL;
		s->n = 0;
	}
	instances_close();
	stored_bytes = 0;
	if (lock_fd != -1)
		close(lock_fd);
	lock_fd = -1;
}
