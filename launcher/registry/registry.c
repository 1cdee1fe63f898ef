/*
 * registry.c -- what there is, and the only place that changes it.
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
static struct reg_connector	*list;			/* by alias */
static size_t			 nlist;
static uint64_t			 stored_bytes, stored_max = REG_STORED_BYTES_MAX;

static int64_t
wall_now(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
place(char path[REG_PATH_BYTES], const char *folder, const char *name, const char *behind)
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
	return i < nlist ? &list[i] : NULL;
}

static struct reg_connector *
find(const char *ref)
{
	for (size_t i = 0; i < nlist; i++)
		if (strcmp(list[i].alias, ref) == 0 || strcmp(list[i].id, ref) == 0)
			return &list[i];
	return NULL;
}

const struct reg_connector *
registry_find(const char *ref)
{
	return find(ref);
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
	place(path, "objects", v->sha256, "/files");
}

void
reg_source(const struct reg_version *v, char path[REG_PATH_BYTES])
{
	place(path, "objects", v->sha256, "/source.zip");
}

static int
by_alias(const void *a, const void *b)
{
	return strcmp(((const struct reg_connector *)a)->alias, ((const struct reg_connector *)b)->alias);
}

static void
sort(void)
{
	if (nlist > 1)
		qsort(list, nlist, sizeof(*list), by_alias);
}

/* Takes *c. */
static int
list_add(struct reg_connector *c, struct error *e)
{
	struct reg_connector	*more = reallocarray(list, nlist + 1, sizeof(*more));

	if (more == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for connectors");
	list = more;
	list[nlist++] = *c;
	*c = (struct reg_connector){ 0 };
	return 0;
}

/* Opening: read all, then sweep what nothing names. */
static int
record_load(const char *name, struct error *e)
{
	struct reg_connector	 c;
	char			 path[REG_PATH_BYTES];
	int			 r;

	place(path, "connectors", name, "");
	if (strstr(name, ".new") != NULL) {		/* never renamed: it was not acknowledged */
		(void)unlink(path);	/* at its start */
		return 0;
	}
	if (strlen(name) != REG_ID_BYTES + strlen(".json") || strcmp(name + REG_ID_BYTES, ".json") != 0)
		return error_set(e, ERR_USAGE, "registry: %.200s does not belong here", path);
	if (reg_read(path, &c, e) == -1)
		return -1;
	if (strncmp(c.id, name, REG_ID_BYTES) != 0 || find(c.alias) != NULL)
		r = error_set(e, ERR_USAGE, "registry: %.200s: its id is not that of the file, or its alias is another's", path);
	else
		r = list_add(&c, e);
	reg_free(&c);
	return r;
}

static int
each_name(const char *folder, int (*fn)(const char *, struct error *), struct error *e)
{
	char		 path[REG_PATH_BYTES];
	DIR		*d;
	struct dirent	*entry;
	int		 r = 0;

	place(path, folder, "", "");
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
	place(path, "staged", name, "");
	disk_remove_tree(path);
	return 0;
}

static int
object_sweep(const char *name, struct error *e)
{
	char	 path[REG_PATH_BYTES];

	place(path, "objects", name, "");
	for (size_t i = 0; i < nlist; i++)
		for (size_t k = 0; k < list[i].nversions; k++)
			if (strcmp(list[i].versions[k].sha256, name) == 0)
				return disk_tree_bytes(path, &stored_bytes, e);
	disk_remove_tree(path);
	return 0;
}

static int
root_open(const char *dir, struct error *e)
{
	static const char *const	 folders[] = { "connectors", "objects", "staged" };
	char				 path[REG_PATH_BYTES], full[REG_PATH_BYTES];

	if (disk_folder(dir, e) == -1)
		return -1;
	if (realpath(dir, full) == NULL)	/* at its start */
		return error_sys(e, "registry: %.200s", dir);
	if ((size_t)snprintf(root, sizeof(root), "%s", full) >= sizeof(root))
		return error_set(e, ERR_USAGE, "registry: the path is too long");
	for (size_t i = 0; i < N_ITEMS(folders); i++) {
		place(path, folders[i], "", "");
		if (disk_folder(path, e) == -1)
			return -1;
	}
	place(path, "lock", "", "");
	if ((lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) == -1)	/* at its start */
		return error_sys(e, "registry: %.200s", path);
	if (flock(lock_fd, LOCK_EX | LOCK_NB) == -1)
		return error_set(e, ERR_USAGE, "registry: %.200s is in use by another server", root);
	return disk_sync_folder(root, e);
}

int
registry_open(const char *dir, struct error *e)
{
	if (root_open(dir, e) == 0 && each_name("connectors", record_load, e) == 0) {
		sort();
		if (each_name("staged", staged_sweep, e) == 0 && each_name("objects", object_sweep, e) == 0)
			return 0;
	}
	registry_close();
	return -1;
}

void
registry_close(void)
{
	for (size_t i = 0; i < nlist; i++)
		reg_free(&list[i]);
	free(list);
	list = NULL;
	nlist = 0;
	stored_bytes = 0;
	if (lock_fd != -1)
		close(lock_fd);
	lock_fd = -1;
}

/* On disk, then here. */
static int
record_write(const struct reg_connector *c, struct error *e)
{
	char	 path[REG_PATH_BYTES];
	autobuf	 b;

	reg_print(&b, c);
	place(path, "connectors", c->id, ".json");
	return disk_replace(path, &b, e);
}

static int
alias_check(const char *alias, struct error *e)
{
	if (!reg_alias_ok(alias))
		return error_set(e, ERR_REQUEST, "alias: letters, digits and ._- are wanted, at most %d, a letter or digit first, "
		    "and no id", REG_ALIAS_BYTES_MAX);
	if (find(alias) != NULL)
		return error_set(e, ERR_REQUEST, "alias: there is a connector \"%s\"", alias);
	return 0;
}

int
registry_create(const char *alias, const struct reg_connector **out, struct error *e)
{
	struct reg_connector	 c = { .created_ms = wall_now() };
	char			 path[REG_PATH_BYTES];

	if (nlist >= REG_CONNECTORS_MAX)
		return error_set(e, ERR_LIMIT, "there are %u connectors, and there may be no more", REG_CONNECTORS_MAX);
	if (alias_check(alias, e) == -1 || reg_uuid_new(c.id, e) == -1)
		return -1;
	snprintf(c.alias, sizeof(c.alias), "%s", alias);
	place(path, "connectors", c.id, ".json");
	if (record_write(&c, e) == -1 || list_add(&c, e) == -1) {
		/* Nobody was told of it: a second one of that alias must be possible. */
		(void)files_unlink(path);
		return -1;
	}
	sort();
	*out = find(alias);
	return 0;
}

static struct reg_connector *
must_find(const char *id, struct error *e)
{
	struct reg_connector	*c = find(id);

	if (c == NULL)
		(void)error_set(e, ERR_NO_CONNECTOR, "no connector \"%.64s\" in the registry", id);
	return c;
}

int
registry_rename(const char *id, const char *alias, struct error *e)
{
	struct reg_connector	*c = must_find(id, e), next;

	if (c == NULL)
		return -1;
	if (strcmp(c->alias, alias) == 0)
		return 0;
	if (alias_check(alias, e) == -1)
		return -1;
	next = *c;
	snprintf(next.alias, sizeof(next.alias), "%s", alias);
	if (record_write(&next, e) == -1)
		return -1;
	*c = next;
	sort();
	return 0;
}

int
registry_delete(const char *id, struct error *e)
{
	struct reg_connector	*c = must_find(id, e);
	char			 path[REG_PATH_BYTES];

	if (c == NULL)
		return -1;
	place(path, "connectors", c->id, ".json");
	if (disk_remove(path, e) == -1)
		return -1;
	reg_free(c);
	nlist--;
	memmove(c, c + 1, (size_t)(list + nlist - c) * sizeof(*c));
	return 0;
}

/* Sets the tag in *c, whose list of tags has room for one more. */
static int
tag_put(struct reg_connector *c, const char *name, uint32_t version, struct error *e)
{
	for (size_t i = 0; i < c->ntags; i++)
		if (strcmp(c->tags[i].name, name) == 0) {
			c->tags[i].version = version;
			return 0;
		}
	if (c->ntags >= REG_TAGS_MAX)
		return error_set(e, ERR_LIMIT, "%s has %u tags, and may have no more", c->alias, REG_TAGS_MAX);
	c->tags[c->ntags] = (struct reg_tag){ .version = version };
	snprintf(c->tags[c->ntags++].name, REG_TAG_BYTES_MAX + 1, "%s", name);
	return 0;
}

/* *next: a copy with room for a version and a tag more. */
static int
copy(const struct reg_connector *c, struct reg_connector *next, struct error *e)
{
	*next = *c;
	next->versions = calloc(c->nversions + 1, sizeof(*next->versions));
	next->tags = calloc(c->ntags + 1, sizeof(*next->tags));
	if (next->versions == NULL || next->tags == NULL) {
		reg_free(next);
		return error_set(e, ERR_SYSTEM, "no memory");
	}
	if (c->nversions > 0)
		memcpy(next->versions, c->versions, c->nversions * sizeof(*c->versions));
	if (c->ntags > 0)
		memcpy(next->tags, c->tags, c->ntags * sizeof(*c->tags));
	return 0;
}

/* *next takes the place of *c once it is on disk; else it is gone. */
static int
settle(struct reg_connector *c, struct reg_connector *next, struct error *e)
{
	if (record_write(next, e) == -1) {
		reg_free(next);
		return -1;
	}
	reg_free(c);
	*c = *next;
	return 0;
}

int
registry_tag(const char *id, const char *name, uint32_t version, struct error *e)
{
	struct reg_connector	*c = must_find(id, e), next;

	if (c == NULL)
		return -1;
	if (!reg_tag_ok(name))
		return error_set(e, ERR_REQUEST, "tagName: letters, digits and ._- are wanted, not digits alone, at most %d",
		    REG_TAG_BYTES_MAX);
	if (reg_version(c, version) == NULL)
		return error_set(e, ERR_REQUEST, "activeVersion: %s has no version %u", c->alias, version);
	if (copy(c, &next, e) == -1)
		return -1;
	if (tag_put(&next, name, version, e) == -1) {
		reg_free(&next);
		return -1;
	}
	return settle(c, &next, e);
}

int
registry_stage(char path[REG_PATH_BYTES], struct error *e)
{
	char	 id[REG_ID_BYTES + 1], files[REG_PATH_BYTES];

	if (reg_uuid_new(id, e) == -1)
		return -1;
	place(path, "staged", id, "");
	place(files, "staged", id, "/files");
	/* A worker's own user reads its folder, which is mounted by itself; nobody else comes past ours. */
	if (files_mkdir(path, 0700) == -1 || files_mkdir(files, 0755) == -1)
		return error_sys(e, "registry: %.200s", path);
	return 0;
}

void
registry_unstage(const char *path)
{
	disk_remove_tree(path);
}

/* The same bytes were uploaded before, or they move to their place, if there is room for them. */
static int
object_put(const char *staged, const struct reg_version *v, uint64_t stored, struct error *e)
{
	char		 path[REG_PATH_BYTES], folder[REG_PATH_BYTES];
	struct stat	 st;

	place(path, "objects", v->sha256, "");
	place(folder, "objects", "", "");
	if (files_stat(path, &st, NULL) == 0) {
		disk_remove_tree(staged);
		return 0;
	}
	if (registry_room(stored, e) == -1 || disk_sync_folder(staged, e) == -1)
		return -1;
	disk_step("staged");
	if (files_rename(staged, path) == -1)
		return error_sys(e, "registry: %.200s", path);
	stored_bytes += stored;
	disk_step("object");
	return disk_sync_folder(folder, e);
}

int
registry_publish(const char *id, const char *staged, const struct reg_version *v, uint64_t stored, uint32_t *number,
    struct error *e)
{
	struct reg_connector	*c = must_find(id, e), next;
	struct reg_version	*fresh;

	if (c == NULL)
		return -1;
	if (c->nversions >= REG_VERSIONS_MAX)
		return error_set(e, ERR_LIMIT, "%s has %u versions, and may have no more", c->alias, REG_VERSIONS_MAX);
	if (object_put(staged, v, stored, e) == -1 || copy(c, &next, e) == -1)
		return -1;
	fresh = &next.versions[next.nversions++];
	*fresh = *v;
	fresh->number = (uint32_t)next.nversions;
	fresh->created_ms = wall_now();
	*number = fresh->number;
	if (tag_put(&next, REG_LATEST, fresh->number, e) == -1) {
		reg_free(&next);
		return -1;
	}
	return settle(c, &next, e);
}
