/*
 * amend.c -- finds what a PATCH path points at, and adds, replaces or removes there.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "launcher/practice/amend.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static const char *const op_words[] = {
	[AMEND_ADD] = "add",
	[AMEND_REPLACE] = "replace",
	[AMEND_REMOVE] = "remove",
};
static_assert(N_ITEMS(op_words) == AMEND__MAX, "a word for each operation");

static const char *const lists[] = {
	"emails", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "roles", "x509Certificates", "members",
};

int
amend_op_read(const cJSON *operation, enum amend_op *op, struct error *e)
{
	const cJSON *word = filter_member(operation, "op");

	for (int i = 0; i < AMEND__MAX; i++)
		if (cJSON_IsString(word) && strcasecmp(word->valuestring, op_words[i]) == 0) {
			*op = (enum amend_op)i;
			return 0;
		}
	return error_set(e, ERR_INVALID_REQUEST, "op: add, replace or remove is wanted");
}

void
target_free(struct target *t)
{
	filter_path_free(&t->head);
	filter_free(t->filter);
	free(t->sub);
	*t = (struct target){ 0 };
}

static int
parse_bracket(const char *path, const char *open, struct target *t, struct error *e)
{
	const char	*close = strrchr(open, ']');
	autofree char	*head = strndup(path, (size_t)(open - path)), *inner = NULL;

	if (close == NULL || head == NULL || (close[1] != '\0' && (close[1] != '.' || close[2] == '\0')))
		return error_set(e, ERR_INVALID_REQUEST, "path: ']' is wanted");
	if ((inner = strndup(open + 1, (size_t)(close - open - 1))) == NULL)
		return error_sys(e, "path");
	if (filter_path_parse(head, &t->head, e) == -1 || (t->filter = filter_parse(inner, e)) == NULL)
		return -1;
	if (close[1] == '.' && (t->sub = strdup(close + 2)) == NULL)
		return error_sys(e, "path");
	return 0;
}

int
target_parse(const char *path, struct target *t, struct error *e)
{
	const char	*open = strchr(path, '[');
	int		 status;

	*t = (struct target){ 0 };
	if (strcasecmp(path, SCIM_ENTERPRISE) == 0)
		status = (t->head.urn = strdup(SCIM_ENTERPRISE)) != NULL ? 0 : error_sys(e, "path");
	else if (open != NULL)
		status = parse_bracket(path, open, t, e);
	else if ((status = filter_path_parse(path, &t->head, e)) == 0 && t->head.n == 2) {
		/* The second part is what elements and objects are asked for alike. */
		t->sub = t->head.part[1];
		t->head.n = 1;
	}
	if (status == 0 && t->head.n > 1)
		status = error_set(e, ERR_INVALID_REQUEST, "path: at most one sub-attribute is wanted");
	if (status == -1)
		target_free(t);
	return status;
}

bool
target_is(const struct target *t, const char *name)
{
	return t->head.urn == NULL && t->head.n > 0 && strcasecmp(t->head.part[0], name) == 0;
}

/* Puts a copy under the name, spelt as it already is there. */
static int
put_copy(cJSON *object, const char *name, const cJSON *value)
{
	cJSON		*old = filter_member(object, name);
	autofree char	*spelt = strdup(old != NULL ? old->string : name);

	return spelt == NULL ? -1 : json_set(object, spelt, json_dup(value));
}

static void
drop(cJSON *object, const char *name)
{
	cJSON *old = filter_member(object, name);

	if (old != NULL)
		cJSON_Delete(cJSON_DetachItemViaPointer(object, old));
}

static int
merge(cJSON *object, const cJSON *value)
{
	const cJSON *m;

	cJSON_ArrayForEach(m, value)
		if (put_copy(object, m->string, m) == -1)
			return -1;
	return 0;
}

static bool
holds(const cJSON *array, const cJSON *value)
{
	const cJSON *element;

	cJSON_ArrayForEach(element, array)
		if (json_equal(element, value))
			return true;
	return false;
}

static int
append(cJSON *array, const cJSON *value)
{
	const cJSON *element;

	if (!cJSON_IsArray(value))
		return holds(array, value) ? 0 : json_push(array, json_dup(value));
	cJSON_ArrayForEach(element, value)
		if (!holds(array, element) && json_push(array, json_dup(element)) == -1)
			return -1;
	return 0;
}

static bool
is_list(const char *name)
{
	for (size_t i = 0; i < N_ITEMS(lists); i++)
		if (strcasecmp(lists[i], name) == 0)
			return true;
	return false;
}

static int
set_whole(cJSON *object, const char *name, const cJSON *value, enum amend_op op)
{
	cJSON	*old = filter_member(object, name), *array;
	int	 status;

	if (op == AMEND_ADD && cJSON_IsArray(old))
		return append(old, value);
	if (op == AMEND_ADD && cJSON_IsObject(old) && cJSON_IsObject(value))
		return merge(old, value);
	if (!is_list(name) || cJSON_IsArray(value))
		return put_copy(object, name, value);
	/* One value for what is a list becomes a list of one. */
	if ((array = cJSON_CreateArray()) == NULL || json_push(array, json_dup(value)) == -1) {
		cJSON_Delete(array);
		return -1;
	}
	status = put_copy(object, name, array);
	cJSON_Delete(array);
	return status;
}

/* An element or object that the path has chosen. */
static int
amend_chosen(cJSON *chosen, const char *sub, enum amend_op op, const cJSON *value)
{
	if (sub == NULL)
		return cJSON_IsObject(value) ? merge(chosen, value) : -1;
	if (op == AMEND_REMOVE) {
		drop(chosen, sub);
		return 0;
	}
	return put_copy(chosen, sub, value);
}

static int
amend_elements(cJSON *array, const struct target *t, enum amend_op op, const cJSON *value, unsigned int *hits)
{
	cJSON *next;

	for (cJSON *element = array->child; element != NULL; element = next) {
		next = element->next;
		if (t->filter != NULL && !filter_match_tree(t->filter, element))
			continue;
		(*hits)++;
		if (op == AMEND_REMOVE && t->sub == NULL)
			cJSON_Delete(cJSON_DetachItemViaPointer(array, element));
		else if (amend_chosen(element, t->sub, op, value) == -1)
			return -1;
	}
	return 0;
}

/* remove with a value takes out of a list what equals it, or has its "value". */
static void
remove_values(cJSON *array, const cJSON *value)
{
	cJSON *next;

	for (cJSON *element = array->child; element != NULL; element = next) {
		const cJSON	*wanted = cJSON_IsArray(value) ? value->child : value;
		bool		 out = false;

		next = element->next;
		for (; wanted != NULL && !out; wanted = cJSON_IsArray(value) ? wanted->next : NULL)
			out = json_equal(element, wanted) || (json_get(wanted, "value") != NULL &&
			    json_equal(json_get(element, "value"), json_get(wanted, "value")));
		if (out)
			cJSON_Delete(cJSON_DetachItemViaPointer(array, element));
	}
}

static int
amend_member(cJSON *object, const struct target *t, enum amend_op op, const cJSON *value, unsigned int *hits)
{
	const char	*name = t->head.part[0];
	cJSON		*old = filter_member(object, name);
	int		 status = 0;

	if (t->filter == NULL && t->sub == NULL) {
		*hits = 1;
		if (op != AMEND_REMOVE)
			return set_whole(object, name, value, op);
		if (cJSON_IsArray(old) && value != NULL)
			remove_values(old, value);
		else
			drop(object, name);
	} else if (cJSON_IsArray(old))
		status = amend_elements(old, t, op, value, hits);
	else if (t->filter == NULL) {
		*hits = 1;
		if (old == NULL && op == AMEND_REMOVE)
			return 0;
		if (old == NULL && (json_set(object, name, cJSON_CreateObject()) == -1 ||
		    (old = filter_member(object, name)) == NULL))
			return -1;
		status = cJSON_IsObject(old) ? amend_chosen(old, t->sub, op, value) : -1;
	}
	old = filter_member(object, name);
	if (old != NULL && (cJSON_IsArray(old) || cJSON_IsObject(old)) && old->child == NULL)
		drop(object, name);
	return status;
}

int
amend_apply(cJSON *tree, enum amend_op op, const struct target *t, const cJSON *value, enum scim_type *type,
    struct error *e)
{
	unsigned int	 hits = 0;
	cJSON		*object = tree;

	*type = SCIM_INVALID_VALUE;
	if (op != AMEND_REMOVE && value == NULL)
		return error_set(e, ERR_INVALID_REQUEST, "value: it is wanted");
	if (t->head.n == 0 && op == AMEND_REMOVE) {
		drop(tree, t->head.urn);
		return 0;
	}
	if (t->head.urn != NULL && (object = filter_member(tree, t->head.urn)) == NULL) {
		if (op == AMEND_REMOVE)
			return 0;
		if (json_set(tree, t->head.urn, cJSON_CreateObject()) == -1)
			return error_sys(e, "patch");
		object = filter_member(tree, t->head.urn);
	}
	if (!cJSON_IsObject(object) || (t->head.n == 0 && !cJSON_IsObject(value)))
		return error_set(e, ERR_INVALID_REQUEST, "value: an object is wanted");
	if ((t->head.n == 0 ? merge(object, value) : amend_member(object, t, op, value, &hits)) == -1)
		return error_set(e, ERR_INVALID_REQUEST, "value: it does not fit the path");
	if (t->head.n > 0 && hits == 0 && op != AMEND_REMOVE) {
		*type = SCIM_NO_TARGET;
		return error_set(e, ERR_INVALID_REQUEST, "path: nothing there matches");
	}
	return 0;
}
