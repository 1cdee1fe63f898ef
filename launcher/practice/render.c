/*
 * render.c -- resources as trees; what is still as born is copied without one.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "launcher/practice/filter.h"
#include "launcher/practice/render.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define RESOURCE_BYTES_MAX	(8 * 1024 * 1024)	/* one printed resource */

static int
add_name(struct projection *p, const char *s, size_t n)
{
	const char	*dot;

	while (n > 0 && *s == ' ')
		s++, n--;
	while (n > 0 && s[n - 1] == ' ')
		n--;
	if (n == 0)
		return 0;
	if (p->n == PROJECTION_NAMES_MAX || n >= NAME_BYTES_MAX)
		return -1;
	char *name = p->names[p->n++];
	memcpy(name, s, n);
	name[n] = '\0';
	/* Of a path only its first part counts: the whole attribute comes or goes. */
	if (strncasecmp(name, SCIM_ENTERPRISE, strlen(SCIM_ENTERPRISE)) == 0) {
		name[strlen(SCIM_ENTERPRISE)] = '\0';
		return 0;
	}
	if (strchr(name, ':') != NULL)
		memmove(name, strrchr(name, ':') + 1, strlen(strrchr(name, ':')));
	if ((dot = strchr(name, '.')) != NULL)
		name[dot - name] = '\0';
	return 0;
}

int
projection_read(struct projection *p, const char *attributes, const char *excluded)
{
	const char *list = attributes != NULL ? attributes : excluded;

	*p = (struct projection){ .only = attributes != NULL };
	if (attributes != NULL && excluded != NULL)
		return -1;
	while (list != NULL && *list != '\0') {
		size_t n = strcspn(list, ",");

		if (add_name(p, list, n) == -1)
			return -1;
		list += n + (list[n] == ',');
	}
	return 0;
}

bool
projection_wants(const struct projection *p, const char *name)
{
	if (p->n == 0 || strcasecmp(name, "id") == 0 || strcasecmp(name, "schemas") == 0)
		return true;
	for (size_t i = 0; i < p->n; i++)
		if (strcasecmp(p->names[i], name) == 0)
			return p->only;
	return !p->only;
}

/* Wrong JSON types, as some services have them. */
static void
spoil_types(cJSON *tree)
{
	const cJSON	*active = json_get(tree, "active"), *emails = json_get(tree, "emails");

	if (active != NULL)
		json_set_str(tree, "active", cJSON_IsTrue(active) ? "True" : "False");
	if (cJSON_IsArray(emails) && emails->child != NULL)
		json_set(tree, "emails", json_dup(emails->child));
}

void
projection_apply(const struct projection *p, cJSON *tree)
{
	cJSON *next;

	for (cJSON *m = tree != NULL ? tree->child : NULL; m != NULL; m = next) {
		next = m->next;
		if (!projection_wants(p, m->string))
			cJSON_Delete(cJSON_DetachItemViaPointer(tree, m));
	}
	if (p->bad_types)
		spoil_types(tree);
}

void
render_group_name(const struct people *p, uint64_t index, char *out, size_t n)
{
	const cJSON	*changed = people_changed(p, KIND_GROUP, index);
	char		 born[GEN_TEXT_BYTES_MAX];

	if (changed == NULL)
		gen_group_name(people_gen(p), index, born);
	snprintf(out, n, "%s", changed != NULL ? json_str(changed, "displayName", "") : born);
}

static cJSON *
user_groups(const struct people *p, uint64_t user)
{
	uint32_t	 groups[USER_GROUPS_MAX];
	size_t		 n = people_groups_of(p, user, groups);
	cJSON		*array = cJSON_CreateArray();

	for (size_t i = 0; i < n && array != NULL; i++) {
		char		 ref[GEN_REF_BYTES_MAX], name[GEN_TEXT_BYTES_MAX * 4];
		struct error	 e = ERROR_NONE;
		cJSON		*g;

		g = json_parse(ref, (size_t)(gen_render_group_ref(people_gen(p), groups[i], NULL, ref) - ref), NULL, &e);
		render_group_name(p, groups[i], name, sizeof(name));
		json_set_str(g, "display", name);
		json_push(array, g);
	}
	return array;
}

static cJSON *
born_group(const struct gen *g, uint64_t index)
{
	char		 id[GEN_ID_BYTES + 1], name[GEN_TEXT_BYTES_MAX], created[32], modified[32];
	char		 text[1024];
	struct error	 e = ERROR_NONE;
	int		 n;

	gen_id(g, KIND_GROUP, index, id);
	gen_group_name(g, index, name);
	gen_group_times(g, index, created, modified);
	n = snprintf(text, sizeof(text), "{\"schemas\":[\"" SCIM_GROUP "\"],\"id\":\"%s\",\"externalId\":\"G%llu\","
	    "\"meta\":{\"resourceType\":\"Group\",\"created\":\"%s\",\"lastModified\":\"%s\","
	    "\"location\":\"%s/Groups/%s\"},\"displayName\":\"%s\"}", id, (unsigned long long)index, created, modified,
	    g->base, id, name);
	return json_parse(text, (size_t)n, NULL, &e);
}

cJSON *
render_tree(const struct people *p, enum kind kind, uint64_t index)
{
	const cJSON	*changed = people_changed(p, kind, index);
	char		 text[GEN_USER_BYTES_MAX], *end;
	struct error	 e = ERROR_NONE;
	cJSON		*tree;

	if (changed != NULL)
		tree = json_dup(changed);
	else if (kind == KIND_GROUP)
		tree = born_group(people_gen(p), index);
	else {
		end = gen_render_user_open(people_gen(p), index, text);
		*end++ = '}';
		tree = json_parse(text, (size_t)(end - text), NULL, &e);
	}
	if (tree != NULL && kind == KIND_USER && json_set(tree, "groups", user_groups(p, index)) == -1) {
		cJSON_Delete(tree);
		return NULL;
	}
	return tree;
}

/* drop: bytes at the end that are left out. */
static int
add_tree(const struct projection *pr, cJSON *tree, size_t drop, struct evbuffer *out)
{
	autobuf text;

	buf_init(&text, RESOURCE_BYTES_MAX);
	if (tree == NULL)
		return -1;
	projection_apply(pr, tree);
	json_print(&text, tree);
	cJSON_Delete(tree);
	return text.failed ? -1 : evbuffer_add(out, text.data, text.len - drop);
}

bool
render_as_born(const struct people *p, const struct projection *pr, uint64_t user)
{
	return pr->n == 0 && !pr->bad_types && people_user_as_born(p, user);
}

int
render_user(const struct people *p, const struct projection *pr, uint64_t index, struct evbuffer *out)
{
	struct evbuffer_iovec	 v;
	char			*end;

	if (!render_as_born(p, pr, index))
		return add_tree(pr, render_tree(p, KIND_USER, index), 0, out);
	if (evbuffer_reserve_space(out, GEN_USER_BYTES_MAX, &v, 1) != 1)
		return -1;
	end = gen_render_user(people_gen(p), index, v.iov_base);
	v.iov_len = (size_t)(end - (char *)v.iov_base);
	return evbuffer_commit_space(out, &v, 1);
}

int
render_group_open(const struct people *p, const struct projection *pr, uint64_t index, struct evbuffer *out)
{
	return add_tree(pr, render_tree(p, KIND_GROUP, index), 1, out);
}
