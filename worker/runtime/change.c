/*
 * change.c -- reading what is to be written, and making the objects that answer.
 */
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/util.h"
#include "worker/runtime/runtime.h"

static const char *const op_names[] = {
	[CHANGE_SET]	= "Set",
	[CHANGE_ADD]	= "Add",
	[CHANGE_REMOVE]	= "Remove",
};

int
change_at(struct call *c, size_t i, struct change *ch)
{
	const cJSON	*all = json_get(c->input, "changes");
	const cJSON	*one, *value;
	const char	*op;

	if (i >= (size_t)cJSON_GetArraySize(all))
		return 0;
	one = cJSON_GetArrayItem(all, (int)i);
	op = json_str(one, "op", "");
	if ((ch->attribute = json_str(one, "attribute", NULL)) == NULL || ch->attribute[0] == '\0')
		return fail_invalid_request(c, "input.changes[%zu]: it names no attribute", i);
	value = json_get(one, "value");
	ch->value = cJSON_IsNull(value) ? NULL : value;
	for (size_t k = 0; k < N_ITEMS(op_names); k++)
		if (strcmp(op, op_names[k]) == 0) {
			ch->op = (enum change_op)k;
			return 1;
		}
	return fail_invalid_request(c, "input.changes[%zu]: unknown op \"%.32s\": use Set, Add or Remove", i, op);
}

size_t
value_count(const cJSON *v)
{
	if (v == NULL || cJSON_IsNull(v))
		return 0;
	return cJSON_IsArray(v) ? (size_t)cJSON_GetArraySize(v) : 1;
}

const cJSON *
value_at(const cJSON *v, size_t i)
{
	if (i >= value_count(v))
		return NULL;
	return cJSON_IsArray(v) ? cJSON_GetArrayItem(v, (int)i) : v;
}

cJSON *
value_array(const cJSON *v)
{
	autojson	*array = NULL;
	cJSON		*copy;

	if (cJSON_IsArray(v))
		return json_dup(v);
	if ((array = cJSON_CreateArray()) == NULL || value_count(v) == 0)
		return json_steal(&array);
	if ((copy = json_dup(v)) == NULL || json_push(array, copy) == -1)
		return NULL;
	return json_steal(&array);
}

static cJSON *
key_new(bool compound, const char *id, const char *unique_id)
{
	autojson	*key = cJSON_CreateObject();
	autojson	*form = cJSON_CreateObject();

	if (key == NULL || form == NULL)
		return NULL;
	if (compound) {
		if (json_set_str(form, "lookupId", id) == -1 ||
		    json_set_str(form, "uniqueId", unique_id != NULL ? unique_id : id) == -1)
			return NULL;
	} else if (json_set_str(form, "id", id) == -1)
		return NULL;
	if (json_set(key, compound ? "compound" : "simple", json_steal(&form)) == -1)
		return NULL;
	return json_steal(&key);
}

cJSON *
object_new(struct call *c, const char *id, const char *unique_id, cJSON *taken)
{
	autojson	*attributes = taken;
	autojson	*object = cJSON_CreateObject();
	bool		 compound = strcmp(json_str(c->spec, "keyType", "simple"), "compound") == 0;
	cJSON		*key;

	if (object == NULL || attributes == NULL)
		return NULL;
	/* Sources set up before there were keys know their accounts by these two. */
	if (!compound && (json_set_str(object, "identity", id) == -1 ||
	    json_set_str(object, "uuid", unique_id) == -1))
		return NULL;
	if ((key = key_new(compound, id, unique_id)) == NULL || json_set(object, "key", key) == -1)
		return NULL;
	if (json_set(object, "attributes", json_steal(&attributes)) == -1)
		return NULL;
	return json_steal(&object);
}
