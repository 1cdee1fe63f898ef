/*
 * record.c -- a connector of the registry as JSON, and back, strictly: a file that is no good is not guessed at.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "launcher/registry/disk.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

#define FILE_BYTES_MAX	(4 * MIB)	/* REG_VERSIONS_MAX versions fit */

static const char *const	 kinds[] = { [REG_NATIVE] = "native", [REG_BUNDLE] = "bundle" };

void
reg_free(struct reg_connector *c)
{
	free(c->versions);
	free(c->tags);
	*c = (struct reg_connector){ 0 };
}

void
reg_print(struct buf *b, const struct reg_connector *c)
{
	autojson	*o = cJSON_CreateObject();
	cJSON		*versions = cJSON_CreateArray(), *tags = cJSON_CreateObject();
	int		 r = 0;		/* less than that: half of it would be read as the whole */

	r += json_set_str(o, "id", c->id);
	if (c->alias[0] != '\0')
		r += json_set_str(o, "alias", c->alias);
	else
		r += json_set_str(o, "name", c->name);
	r += json_set(o, "created", json_int(c->created_ms));
	for (size_t i = 0; i < c->nversions; i++) {
		const struct reg_version	*v = &c->versions[i];
		cJSON				*one = cJSON_CreateObject();

		r += json_set(one, "version", json_int(v->number));
		r += json_set_str(one, "sha256", v->sha256);
		r += json_set_str(one, "kind", kinds[v->kind]);
		r += json_set_str(one, "program", v->program);
		r += json_set(one, "bytes", json_int((int64_t)v->bytes));
		r += json_set(one, "created", json_int(v->created_ms));
		r += json_set_str(one, "by", v->by);
		r += json_push(versions, one);
	}
	for (size_t i = 0; i < c->ntags; i++)
		r += json_set(tags, c->tags[i].name, json_int(c->tags[i].version));
	r += json_set(o, "versions", versions);
	r += json_set(o, "tags", tags);
	buf_init(b, FILE_BYTES_MAX);
	json_print(b, o);
	buf_addc(b, '\n');
	b->failed = b->failed || r < 0;
}

int
reg_text(const cJSON *o, const char *name, char *out, size_t n, struct error *e)
{
	const char	*s = json_str(o, name, NULL);

	if (s == NULL || (size_t)snprintf(out, n, "%s", s) >= n)
		return error_set(e, ERR_USAGE, "%s: a text of at most %zu bytes is wanted", name, n - 1);
	return 0;
}

static int
version_take(const cJSON *o, size_t at, struct reg_version *v, struct error *e)
{
	char	 kind[16];

	if (reg_text(o, "sha256", v->sha256, sizeof(v->sha256), e) == -1 ||
	    reg_text(o, "program", v->program, sizeof(v->program), e) == -1 ||
	    reg_text(o, "by", v->by, sizeof(v->by), e) == -1 || reg_text(o, "kind", kind, sizeof(kind), e) == -1)
		return -1;
	v->number = (uint32_t)at + 1;
	v->bytes = (uint64_t)json_i64(o, "bytes", 0);
	v->created_ms = json_i64(o, "created", 0);
	v->kind = strcmp(kind, kinds[REG_NATIVE]) == 0 ? REG_NATIVE : REG_BUNDLE;
	if (json_i64(o, "version", 0) != (int64_t)v->number)
		return error_set(e, ERR_USAGE, "version: %u is wanted", v->number);
	if (strlen(v->sha256) != 64 || v->sha256[strspn(v->sha256, "0123456789abcdef")] != '\0')
		return error_set(e, ERR_USAGE, "sha256: 64 hexadecimal digits are wanted");
	if (strchr(v->program, '/') != NULL || strcmp(kind, kinds[v->kind]) != 0)
		return error_set(e, ERR_USAGE, "kind or program is none");
	return 0;
}

static int
versions_take(const cJSON *list, struct reg_connector *c, struct error *e)
{
	int		 n = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : -1;
	const cJSON	*one;

	if (n < 0 || (unsigned int)n > REG_VERSIONS_MAX)
		return error_set(e, ERR_USAGE, "versions: a list of at most %u is wanted", REG_VERSIONS_MAX);
	if (n > 0 && (c->versions = calloc((size_t)n, sizeof(*c->versions))) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	cJSON_ArrayForEach(one, list) {
		if (version_take(one, c->nversions, &c->versions[c->nversions], e) == -1)
			return error_in(e, "versions/%zu", c->nversions);
		c->nversions++;
	}
	return 0;
}

static int
tags_take(const cJSON *o, struct reg_connector *c, struct error *e)
{
	int		 n = cJSON_IsObject(o) ? cJSON_GetArraySize(o) : -1;
	const cJSON	*one;

	if (n < 0 || (unsigned int)n > REG_TAGS_MAX)
		return error_set(e, ERR_USAGE, "tags: an object of at most %u is wanted", REG_TAGS_MAX);
	if (n > 0 && (c->tags = calloc((size_t)n, sizeof(*c->tags))) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	cJSON_ArrayForEach(one, o) {
		struct reg_tag	*t = &c->tags[c->ntags];
		int64_t		 v;

		if ((size_t)snprintf(t->name, sizeof(t->name), "%s", one->string) >= sizeof(t->name) ||
		    !json_i64_of(one, &v) || v < 1 || v > (int64_t)c->nversions)
			return error_set(e, ERR_USAGE, "tags/%.64s: names no version", one->string);
		t->version = (uint32_t)v;
		c->ntags++;
	}
	return 0;
}

static int
tree_take(const cJSON *o, bool customizer, struct reg_connector *c, struct error *e)
{
	if (reg_text(o, "id", c->id, sizeof(c->id), e) == -1 || (customizer ? reg_text(o, "name", c->name, sizeof(c->name), e) :
	    reg_text(o, "alias", c->alias, sizeof(c->alias), e)) == -1)
		return -1;
	if (!(customizer ? reg_name_ok(c->name) : reg_alias_ok(c->alias)) || strlen(c->id) != REG_ID_BYTES)
		return error_set(e, ERR_USAGE, "id, alias or name is none");
	c->created_ms = json_i64(o, "created", 0);
	return versions_take(json_get(o, "versions"), c, e) == -1 || tags_take(json_get(o, "tags"), c, e) == -1 ? -1 : 0;
}

static int
file_take(int fd, struct buf *b, struct error *e)
{
	char	*room;
	ssize_t	 n;

	buf_init(b, FILE_BYTES_MAX);
	while ((room = buf_space(b, 64 * KIB)) != NULL && (n = read(fd, room, 64 * KIB)) != 0) {
		if (n == -1)
			return error_sys(e, "read");
		b->len += (size_t)n;
	}
	return buf_check(b, "the file", e);
}

cJSON *
reg_file(const char *path, struct error *e)
{
	static const struct json_limits	 limits = { FILE_BYTES_MAX, 32, 20 * REG_VERSIONS_MAX };
	autofd				 fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);	/* at its start */
	cJSON				*doc;
	autobuf				 b;

	buf_init(&b, FILE_BYTES_MAX);
	if (fd == -1) {
		(void)error_sys(e, "registry: %.200s", path);
		return NULL;
	}
	if (file_take(fd, &b, e) == 0 && (doc = json_parse(b.data == NULL ? "" : b.data, b.len, &limits, e)) != NULL)
		return doc;
	(void)error_in(e, "registry: %.200s", path);
	return NULL;
}

int
reg_read(const char *path, bool customizer, struct reg_connector *c, struct error *e)
{
	autojson	*doc = reg_file(path, e);

	*c = (struct reg_connector){ 0 };
	if (doc == NULL)
		return -1;
	if (tree_take(doc, customizer, c, e) == 0)
		return 0;
	reg_free(c);
	return error_in(e, "registry: %.200s", path);
}
