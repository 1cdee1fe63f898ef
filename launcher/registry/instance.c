/*
 * instance.c -- sources as the registry knows them: which connector, which customizer, what of the config is no secret.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/core/files.h"
#include "launcher/registry/disk.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define CONFIG_DEPTH_MAX	16	/* less than a record may have */

static struct reg_instance	*list;			/* by name */
static size_t			 nlist;

const struct reg_instance *
registry_instance_at(size_t i)
{
	return i < nlist ? &list[i] : NULL;
}

static struct reg_instance *
find(const char *id)
{
	for (size_t i = 0; i < nlist; i++)
		if (strcmp(list[i].id, id) == 0)
			return &list[i];
	return NULL;
}

const struct reg_instance *
registry_instance(const char *id)
{
	return find(id);
}

size_t
registry_instances_of(const char *id)
{
	size_t	 n = 0;

	for (size_t i = 0; i < nlist; i++)
		n += strcmp(list[i].connector, id) == 0 || strcmp(list[i].customizer, id) == 0;
	return n;
}

static int
by_name(const void *a, const void *b)
{
	const struct reg_instance	*x = a, *y = b;
	int				 r = strcmp(x->name, y->name);

	return r == 0 ? strcmp(x->id, y->id) : r;
}

void
instances_sort(void)
{
	if (nlist > 1)
		qsort(list, nlist, sizeof(*list), by_name);
}

void
instances_close(void)
{
	for (size_t i = 0; i < nlist; i++)
		cJSON_Delete(list[i].config);
	free(list);
	list = NULL;
	nlist = 0;
}

/* Takes *i. */
static int
list_add(struct reg_instance *i, struct error *e)
{
	struct reg_instance	*more = reallocarray(list, nlist + 1, sizeof(*more));

	if (more == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for instances");
	list = more;
	list[nlist++] = *i;
	*i = (struct reg_instance){ 0 };
	return 0;
}

static int
tree_take(const cJSON *o, struct reg_instance *i, struct error *e)
{
	const cJSON	*config = json_get(o, "config");

	if (reg_text(o, "id", i->id, sizeof(i->id), e) == -1 || reg_text(o, "name", i->name, sizeof(i->name), e) == -1 ||
	    reg_text(o, "connector", i->connector, sizeof(i->connector), e) == -1 ||
	    (json_get(o, "customizer") != NULL && reg_text(o, "customizer", i->customizer, sizeof(i->customizer), e) == -1))
		return -1;
	if (strlen(i->id) != REG_ID_BYTES || !reg_name_ok(i->name) || strlen(i->connector) != REG_ID_BYTES ||
	    (i->customizer[0] != '\0' && strlen(i->customizer) != REG_ID_BYTES))
		return error_set(e, ERR_USAGE, "id, name, connector or customizer is none");
	if (config != NULL && !cJSON_IsObject(config))
		return error_set(e, ERR_USAGE, "config: an object is wanted");
	i->created_ms = json_i64(o, "created", 0);
	if (config != NULL && (i->config = json_dup(config)) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	return 0;
}

int
instance_read(const char *path, const char *name, struct error *e)
{
	struct reg_instance	 i = { 0 };
	autojson		*doc = reg_file(path, e);
	int			 r;

	if (doc == NULL)
		return -1;
	if ((r = tree_take(doc, &i, e)) == 0 && (strncmp(i.id, name, REG_ID_BYTES) != 0 || find(i.id) != NULL))
		r = error_set(e, ERR_USAGE, "its id is not that of the file");
	if (r == 0)
		r = list_add(&i, e);
	cJSON_Delete(i.config);
	return r == 0 ? 0 : error_in(e, "registry: %.200s", path);
}

static int
record_write(const struct reg_instance *i, struct error *e)
{
	autojson	*o = cJSON_CreateObject();
	char		 path[REG_PATH_BYTES];
	autobuf		 b;

	buf_init(&b, REG_CONFIG_BYTES_MAX + 4 * KIB);
	/* Half of it would be read as the whole. */
	if (o == NULL || json_set_str(o, "id", i->id) == -1 || json_set_str(o, "name", i->name) == -1 ||
	    json_set_str(o, "connector", i->connector) == -1 ||
	    (i->customizer[0] != '\0' && json_set_str(o, "customizer", i->customizer) == -1) ||
	    json_set(o, "created", json_int(i->created_ms)) == -1 ||
	    (i->config != NULL && json_set(o, "config", json_dup(i->config)) == -1))
		return error_set(e, ERR_SYSTEM, "registry: no memory");
	json_print(&b, o);
	buf_addc(&b, '\n');
	if (buf_check(&b, "config", e) == -1)
		return -1;
	reg_place(path, INSTANCES_FOLDER, i->id, ".json");
	return disk_replace(path, &b, e);
}

/* What is written must be read again. */
static int
config_check(const cJSON *config, struct error *e)
{
	static const struct json_limits	 limits = { REG_CONFIG_BYTES_MAX, CONFIG_DEPTH_MAX, REG_CONFIG_BYTES_MAX };
	autojson			*again = NULL;
	autobuf				 b;

	buf_init(&b, REG_CONFIG_BYTES_MAX);
	json_print(&b, config);
	if (buf_check(&b, "config", e) == -1)
		return -1;
	return (again = json_parse(b.data, b.len, &limits, e)) != NULL ? 0 : error_in(e, "config");
}

static int
check(const struct reg_instance *i, struct error *e)
{
	if (!reg_name_ok(i->name))
		return error_set(e, ERR_REQUEST, "name: a text of 1 to %d bytes is wanted, without control characters",
		    REG_NAME_BYTES_MAX);
	if (i->id[0] == '\0' && nlist >= REG_INSTANCES_MAX)
		return error_set(e, ERR_LIMIT, "there are %u instances, and there may be no more", REG_INSTANCES_MAX);
	return i->config == NULL ? 0 : config_check(i->config, e);
}

/* It is on disk: it is here as well, whatever happens. */
static int
settle(struct reg_instance *next, struct error *e)
{
	struct reg_instance	*old = find(next->id);

	if (old == NULL)
		return list_add(next, e);
	cJSON_Delete(old->config);
	*old = *next;
	next->config = NULL;
	return 0;
}

int
registry_instance_put(const struct reg_instance *i, const struct reg_instance **out, struct error *e)
{
	struct reg_instance	 next = *i;
	char			 path[REG_PATH_BYTES], id[REG_ID_BYTES + 1];
	bool			 fresh = i->id[0] == '\0';

	if (check(i, e) == -1)
		return -1;
	if (!fresh && find(i->id) == NULL)
		return error_set(e, ERR_NO_CONNECTOR, "no instance \"%.64s\" in the registry", i->id);
	if (fresh && reg_uuid_new(next.id, e) == -1)
		return -1;
	if (fresh)
		next.created_ms = reg_now();
	next.config = NULL;
	if (i->config != NULL && (next.config = json_dup(i->config)) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	memcpy(id, next.id, sizeof(id));
	if (record_write(&next, e) == -1 || settle(&next, e) == -1) {
		cJSON_Delete(next.config);
		reg_place(path, INSTANCES_FOLDER, id, ".json");
		if (fresh)
			(void)files_unlink(path);	/* nobody was told of it */
		return -1;
	}
	instances_sort();
	*out = find(id);
	return 0;
}

int
registry_instance_delete(const char *id, struct error *e)
{
	struct reg_instance	*i = find(id);
	char			 path[REG_PATH_BYTES];

	if (i == NULL)
		return error_set(e, ERR_NO_CONNECTOR, "no instance \"%.64s\" in the registry", id);
	reg_place(path, INSTANCES_FOLDER, i->id, ".json");
	if (disk_remove(path, e) == -1)
		return -1;
	cJSON_Delete(i->config);
	nlist--;
	memmove(i, i + 1, (size_t)(list + nlist - i) * sizeof(*i));
	return 0;
}
