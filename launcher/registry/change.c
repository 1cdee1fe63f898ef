/*
 * change.c -- the only place that changes connectors and customizers: on disk first, then here.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "launcher/core/files.h"
#include "launcher/registry/disk.h"
#include "worker/contract/util.h"

static struct shelf *
shelf_of(const struct reg_connector *c)
{
	return &shelves[c->alias[0] != '\0' ? SHELF_CONNECTORS : SHELF_CUSTOMIZERS];
}

/* On disk, then here. */
static int
record_write(const struct reg_connector *c, struct error *e)
{
	char	 path[REG_PATH_BYTES];
	autobuf	 b;

	reg_print(&b, c);
	reg_place(path, shelf_of(c)->folder, c->id, ".json");
	return disk_replace(path, &b, e);
}

static int
alias_check(const char *alias, struct error *e)
{
	if (!reg_alias_ok(alias))
		return error_set(e, ERR_REQUEST, "alias: letters, digits and ._- are wanted, at most %d, a letter or digit first, "
		    "and no id", REG_ALIAS_BYTES_MAX);
	if (registry_find(alias) != NULL)
		return error_set(e, ERR_REQUEST, "alias: there is a connector \"%s\"", alias);
	return 0;
}

static int
name_check(const char *name, struct error *e)
{
	return reg_name_ok(name) ? 0 : error_set(e, ERR_REQUEST, "name: a text of 1 to %d bytes is wanted, without control "
	    "characters", REG_NAME_BYTES_MAX);
}

/* A new one, checked; its id is made here. */
static int
create(struct shelf *s, struct reg_connector *c, const struct reg_connector **out, struct error *e)
{
	char	 path[REG_PATH_BYTES], id[REG_ID_BYTES + 1];

	if (s->n >= s->max)
		return error_set(e, ERR_LIMIT, "there are %u %s, and there may be no more", s->max, s->folder);
	if (reg_uuid_new(c->id, e) == -1)
		return -1;
	c->created_ms = reg_now();
	memcpy(id, c->id, sizeof(id));
	reg_place(path, s->folder, c->id, ".json");
	if (record_write(c, e) == -1 || shelf_add(s, c, e) == -1) {
		/* Nobody was told of it: a second one of that alias must be possible. */
		(void)files_unlink(path);
		return -1;
	}
	shelf_sort(s);
	*out = shelf_find(s, id);
	return 0;
}

int
registry_create(const char *alias, const struct reg_connector **out, struct error *e)
{
	struct reg_connector	 c = { 0 };

	if (alias_check(alias, e) == -1)
		return -1;
	snprintf(c.alias, sizeof(c.alias), "%s", alias);
	return create(&shelves[SHELF_CONNECTORS], &c, out, e);
}

int
registry_customizer_create(const char *name, const struct reg_connector **out, struct error *e)
{
	struct reg_connector	 c = { 0 };

	if (name_check(name, e) == -1)
		return -1;
	snprintf(c.name, sizeof(c.name), "%s", name);
	return create(&shelves[SHELF_CUSTOMIZERS], &c, out, e);
}

/* On either shelf: ids are nowhere the same. */
static struct reg_connector *
must_find(const char *id, struct error *e)
{
	struct reg_connector	*c = NULL;

	for (size_t i = 0; i < SHELF__MAX && c == NULL; i++)
		c = shelf_find(&shelves[i], id);
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
	shelf_sort(&shelves[SHELF_CONNECTORS]);
	return 0;
}

int
registry_customizer_rename(const char *id, const char *name, struct error *e)
{
	struct shelf		*s = &shelves[SHELF_CUSTOMIZERS];
	struct reg_connector	*c = shelf_find(s, id), next;

	if (c == NULL)
		return error_set(e, ERR_NO_CONNECTOR, "no customizer \"%.64s\" in the registry", id);
	if (name_check(name, e) == -1)
		return -1;
	next = *c;
	snprintf(next.name, sizeof(next.name), "%s", name);
	if (record_write(&next, e) == -1)
		return -1;
	*c = next;
	shelf_sort(s);
	return 0;
}

int
registry_delete(const char *id, struct error *e)
{
	struct reg_connector	*c = must_find(id, e);
	struct shelf		*s;
	char			 path[REG_PATH_BYTES];

	if (c == NULL)
		return -1;
	s = shelf_of(c);
	reg_place(path, s->folder, c->id, ".json");
	if (disk_remove(path, e) == -1)
		return -1;
	reg_free(c);
	s->n--;
	memmove(c, c + 1, (size_t)(s->list + s->n - c) * sizeof(*c));
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
	reg_place(path, "staged", id, "");
	reg_place(files, "staged", id, "/files");
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

	reg_place(path, "objects", v->sha256, "");
	reg_place(folder, "objects", "", "");
	if (files_stat(path, &st, NULL) == 0) {
		disk_remove_tree(staged);
		return 0;
	}
	if (registry_room(stored, e) == -1 || disk_sync_folder(staged, e) == -1)
		return -1;
	disk_step("staged");
	if (files_rename(staged, path) == -1)
		return error_sys(e, "registry: %.200s", path);
	reg_stored(stored);
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
		return error_set(e, ERR_LIMIT, "%s has %u versions, and may have no more", reg_called(c), REG_VERSIONS_MAX);
	if (object_put(staged, v, stored, e) == -1 || copy(c, &next, e) == -1)
		return -1;
	fresh = &next.versions[next.nversions++];
	*fresh = *v;
	fresh->number = (uint32_t)next.nversions;
	fresh->created_ms = reg_now();
	*number = fresh->number;
	if (tag_put(&next, REG_LATEST, fresh->number, e) == -1) {
		reg_free(&next);
		return -1;
	}
	return settle(c, &next, e);
}
