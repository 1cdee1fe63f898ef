/*
 * plan.c -- a change of one attribute: what it makes of the resource, and the operation that says it.
 *
 * Three shapes of attribute: single (userName, name.givenName), labelled
 * (emails[type eq "work"].value: one element of a list) and list (emails, groups).
 */
#include <string.h>
#include <strings.h>

#include "connectors/scim/patch.h"

/* One change under way. */
struct step {
	struct scim_plan	*plan;
	const struct scim_path	*path;
	enum change_op		 op;
	const cJSON		*value;
	cJSON			*holder;	/* object of the working copy that has path->attr */
	struct error		*e;
};

static int
no_memory(struct step *s)
{
	return error_set(s->e, ERR_SYSTEM, "change: no memory");
}

static int
push(struct step *s, const char *op, const char *path, cJSON *value)
{
	return scim_op_push(s->plan->ops, op, path, strcmp(op, "remove") != 0, value, s->e);
}

/* Names keep the spelling the server gave them. */
static int
member_set(cJSON *obj, const char *name, cJSON *v)
{
	const cJSON	*old = cJSON_GetObjectItem(obj, name);

	return json_set(obj, old != NULL ? old->string : name, v);
}

static void
member_drop(cJSON *obj, const char *name)
{
	cJSON_DeleteItemFromObject(obj, name);
}

/* The object under that name, made if there is none. */
static cJSON *
member_object(cJSON *obj, const char *name)
{
	cJSON	*v = cJSON_GetObjectItem(obj, name);

	if (cJSON_IsObject(v))
		return v;
	if (member_set(obj, name, cJSON_CreateObject()) == -1)
		return NULL;
	return cJSON_GetObjectItem(obj, name);
}

/* A resource that uses an extension names it. */
static int
schema_name(cJSON *resource, const char *urn)
{
	cJSON	*schemas = cJSON_GetObjectItem(resource, "schemas"), *one;

	if (!cJSON_IsArray(schemas))
		return 0;
	cJSON_ArrayForEach(one, schemas)
		if (cJSON_IsString(one) && strcasecmp(one->valuestring, urn) == 0)
			return 0;
	return json_push(schemas, cJSON_CreateString(urn));
}

/* value without empty strings: they clear an attribute as null does. */
static bool
is_blank(const cJSON *v)
{
	return value_count(v) == 0 || (value_count(v) == 1 && cJSON_IsString(value_at(v, 0)) &&
	    value_at(v, 0)->valuestring[0] == '\0');
}

static int
single_clear(struct step *s, const char *name, const cJSON *now)
{
	if (now == NULL)
		return 0;
	if (s->op == CHANGE_REMOVE && !is_blank(s->value) && !json_equal(now, value_at(s->value, 0)))
		return 0;
	member_drop(s->path->sub != NULL ? cJSON_GetObjectItem(s->holder, s->path->attr) : s->holder, name);
	return push(s, "remove", s->path->text, NULL);
}

static int
change_single(struct step *s)
{
	const struct scim_path	*p = s->path;
	const char		*name = p->sub != NULL ? p->sub : p->attr;
	cJSON			*obj = s->holder;
	const cJSON		*now;

	if (value_count(s->value) > 1)
		return error_set(s->e, ERR_INVALID_REQUEST, "%s takes one value, not %zu", p->text,
		    value_count(s->value));
	now = scim_member(p->sub != NULL ? scim_member(obj, p->attr) : obj, name);
	if (s->op == CHANGE_REMOVE || is_blank(s->value))
		return single_clear(s, name, now);
	if (now != NULL && json_equal(now, value_at(s->value, 0)))
		return 0;
	if (p->sub != NULL && (obj = member_object(obj, p->attr)) == NULL)
		return no_memory(s);
	if (member_set(obj, name, json_dup(value_at(s->value, 0))) == -1)
		return no_memory(s);
	return push(s, "replace", p->text, json_dup(value_at(s->value, 0)));
}

/* The list under the attribute, made if there is none. */
static cJSON *
list_open(struct step *s)
{
	cJSON	*list = cJSON_GetObjectItem(s->holder, s->path->attr);

	if (cJSON_IsArray(list))
		return list;
	if (member_set(s->holder, s->path->attr, cJSON_CreateArray()) == -1)
		return NULL;
	return cJSON_GetObjectItem(s->holder, s->path->attr);
}

static int
check_one_value(struct step *s, size_t n)
{
	if (!s->plan->one_value || n <= 1)
		return 0;
	return error_set(s->e, ERR_INVALID_REQUEST, "%s would have %zu values: this source is set up as taking one",
	    s->path->base, n);
}

/* An element that the path's filter finds. */
static cJSON *
labelled_new(const struct scim_path *p, const cJSON *value)
{
	autojson	*one = cJSON_CreateObject();

	if (one == NULL)
		return NULL;
	for (size_t i = 0; i < p->nterms; i++)
		if (json_set(one, p->terms[i].name, json_dup(p->terms[i].value)) == -1)
			return NULL;
	if (member_set(one, p->sub, json_dup(value)) == -1)
		return NULL;
	return json_steal(&one);
}

static int
labelled_set(struct step *s, cJSON *list)
{
	const struct scim_path	*p = s->path;
	const cJSON		*v = value_at(s->value, 0), *now;
	autojson		*fresh = NULL;
	cJSON			*one, *bare = scim_path_unlabelled(p, list);
	size_t			 found = 0;
	bool			 differs = false;

	cJSON_ArrayForEach(one, list) {
		if (!scim_path_matches(p, one) && one != bare)
			continue;
		found++;
		now = scim_member(one, p->sub);
		if (now != NULL && json_equal(now, v))
			continue;
		differs = true;
		if (member_set(one, p->sub, json_dup(v)) == -1)
			return no_memory(s);
	}
	if (found > 0 && !differs)
		return 0;
	if (bare != NULL && !scim_path_matches(p, bare))	/* the filter would not find it on the server */
		return push(s, "replace", p->base, json_dup(list));
	if (found > 0)
		return push(s, "replace", p->text, json_dup(v));
	if ((list = list_open(s)) == NULL || (fresh = cJSON_CreateArray()) == NULL ||
	    json_push(list, labelled_new(p, v)) == -1 || json_push(fresh, labelled_new(p, v)) == -1)
		return no_memory(s);
	if (check_one_value(s, (size_t)cJSON_GetArraySize(list)) == -1)
		return -1;
	return push(s, "add", p->base, json_steal(&fresh));
}

static int
labelled_clear(struct step *s, cJSON *list)
{
	const struct scim_path	*p = s->path;
	cJSON			*one, *next, *bare = scim_path_unlabelled(p, list);
	bool			 whole = strcasecmp(p->sub, "value") == 0;
	size_t			 found = 0;

	for (one = cJSON_IsArray(list) ? list->child : NULL; one != NULL; one = next) {
		const cJSON	*now = scim_member(one, p->sub);

		next = one->next;
		if (now == NULL || (!scim_path_matches(p, one) && one != bare))
			continue;
		if (s->op == CHANGE_REMOVE && !is_blank(s->value) && !json_equal(now, value_at(s->value, 0)))
			continue;
		found++;
		if (whole)
			cJSON_Delete(cJSON_DetachItemViaPointer(list, one));
		else
			member_drop(one, p->sub);
	}
	if (found == 0)
		return 0;
	if (bare != NULL && whole)
		return push(s, "remove", p->base, NULL);
	return push(s, "remove", whole ? p->element : p->text, NULL);
}

static int
change_labelled(struct step *s)
{
	cJSON	*list = cJSON_GetObjectItem(s->holder, s->path->attr);

	if (value_count(s->value) > 1)
		return error_set(s->e, ERR_INVALID_REQUEST, "%s takes one value, not %zu", s->path->text,
		    value_count(s->value));
	if (s->op == CHANGE_REMOVE || is_blank(s->value))
		return labelled_clear(s, list);
	return labelled_set(s, list);
}

/* The name that holds an element's value, or NULL where elements are plain. */
static const char *
list_leaf(const struct step *s, const cJSON *list)
{
	if (s->path->sub != NULL)
		return s->path->sub;
	if (scim_attr_is_list(s->path->attr) || (cJSON_IsArray(list) && cJSON_IsObject(list->child)))
		return "value";
	return NULL;
}

static cJSON *
list_find(const cJSON *list, const char *leaf, const cJSON *v)
{
	cJSON	*one;

	cJSON_ArrayForEach(one, list) {
		const cJSON	*now = leaf != NULL && cJSON_IsObject(one) ? scim_member(one, leaf) : one;

		if (now != NULL && json_equal(now, v))
			return one;
	}
	return NULL;
}

static cJSON *
list_element(const char *leaf, const cJSON *v)
{
	autojson	*one = NULL;

	if (leaf == NULL)
		return json_dup(v);
	if ((one = cJSON_CreateObject()) == NULL || json_set(one, leaf, json_dup(v)) == -1)
		return NULL;
	return json_steal(&one);
}

/* Elements that stay keep what else they say: type, primary, display. */
static int
list_set(struct step *s, const cJSON *list, const char *leaf)
{
	autojson	*fresh = cJSON_CreateArray();
	size_t		 had = value_count(list), kept = 0;
	const cJSON	*v, *old;

	if (fresh == NULL)
		return no_memory(s);
	for (size_t i = 0; i < value_count(s->value); i++) {
		v = value_at(s->value, i);
		if (list_find(fresh, leaf, v) != NULL || is_blank(v))
			continue;
		old = list_find(list, leaf, v);
		kept += old != NULL;
		if (json_push(fresh, old != NULL ? json_dup(old) : list_element(leaf, v)) == -1)
			return no_memory(s);
	}
	if (kept == had && (size_t)cJSON_GetArraySize(fresh) == had)
		return 0;
	if (check_one_value(s, (size_t)cJSON_GetArraySize(fresh)) == -1)
		return -1;
	if (fresh->child == NULL) {
		member_drop(s->holder, s->path->attr);
		return push(s, "remove", s->path->base, NULL);
	}
	if (member_set(s->holder, s->path->attr, json_dup(fresh)) == -1)
		return no_memory(s);
	return push(s, "replace", s->path->base, json_steal(&fresh));
}

static int
list_add(struct step *s, cJSON *list, const char *leaf)
{
	autojson	*fresh = cJSON_CreateArray();

	if (fresh == NULL)
		return no_memory(s);
	for (size_t i = 0; i < value_count(s->value); i++) {
		const cJSON	*v = value_at(s->value, i);

		if (is_blank(v) || list_find(list, leaf, v) != NULL || list_find(fresh, leaf, v) != NULL)
			continue;
		if (json_push(fresh, list_element(leaf, v)) == -1)
			return no_memory(s);
	}
	if (fresh->child == NULL)
		return 0;
	if ((list = list_open(s)) == NULL)
		return no_memory(s);
	for (const cJSON *one = fresh->child; one != NULL; one = one->next)
		if (json_push(list, json_dup(one)) == -1)
			return no_memory(s);
	if (check_one_value(s, (size_t)cJSON_GetArraySize(list)) == -1)
		return -1;
	return push(s, "add", s->path->base, json_steal(&fresh));
}

/* Takes out one value; complex elements are named by a value path. */
static int
list_remove_one(struct step *s, cJSON *list, const char *leaf, const cJSON *v, size_t *plain)
{
	cJSON	*one = list_find(list, leaf, v);
	autobuf	 path = { 0 };

	if (one == NULL)
		return 0;
	cJSON_Delete(cJSON_DetachItemViaPointer(list, one));
	if (leaf == NULL) {
		(*plain)++;
		return 0;
	}
	buf_init(&path, REQUEST_BYTES_MAX);
	buf_addf(&path, "%s[%s eq ", s->path->base, leaf);
	json_print(&path, v);
	buf_addc(&path, ']');
	if (path.failed)
		return no_memory(s);
	return push(s, "remove", path.data, NULL);
}

static int
list_remove(struct step *s, cJSON *list, const char *leaf)
{
	size_t	plain = 0;

	if (value_count(s->value) == 0)
		return error_set(s->e, ERR_INVALID_REQUEST, "Remove of %s names no value; Set it to [] to clear it",
		    s->path->text);
	for (size_t i = 0; i < value_count(s->value); i++)
		if (list_remove_one(s, list, leaf, value_at(s->value, i), &plain) == -1)
			return -1;
	if (plain == 0)
		return 0;
	if (list->child == NULL)
		return push(s, "remove", s->path->base, NULL);
	return push(s, "replace", s->path->base, json_dup(list));
}

static int
change_list(struct step *s)
{
	cJSON		*list = cJSON_GetObjectItem(s->holder, s->path->attr);
	const char	*leaf;

	if (!cJSON_IsArray(list))
		list = NULL;
	leaf = list_leaf(s, list);
	switch (s->op) {
	case CHANGE_SET:
		return list_set(s, list, leaf);
	case CHANGE_ADD:
		return list_add(s, list, leaf);
	case CHANGE_REMOVE:
		return list_remove(s, list, leaf);
	}
	return error_set(s->e, ERR_INVALID_REQUEST, "%s: unknown change", s->path->text);
}

int
scim_plan_change(struct scim_plan *plan, const struct scim_path *p, bool multi, enum change_op op,
    const cJSON *value, struct error *e)
{
	struct step	 s = { .plan = plan, .path = p, .op = op, .value = value, .e = e };
	bool		 clears = op == CHANGE_REMOVE || is_blank(value);

	s.holder = p->urn == NULL ? plan->resource : cJSON_GetObjectItem(plan->resource, p->urn);
	if (!cJSON_IsObject(s.holder)) {
		if (clears)
			return 0;
		if ((s.holder = member_object(plan->resource, p->urn)) == NULL)
			return no_memory(&s);
	}
	if (p->urn != NULL && !clears && schema_name(plan->resource, p->urn) == -1)
		return no_memory(&s);
	if (p->nterms > 0)
		return change_labelled(&s);
	if (multi || scim_attr_is_list(p->attr) || cJSON_IsArray(cJSON_GetObjectItem(s.holder, p->attr)))
		return change_list(&s);
	return change_single(&s);
}
