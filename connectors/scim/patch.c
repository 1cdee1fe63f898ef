/*
 * patch.c -- the PatchOp message, its operations, and members of groups.
 */
#include <string.h>
#include <strings.h>

#include "connectors/scim/patch.h"

#define PATCH_OP	"urn:ietf:params:scim:api:messages:2.0:PatchOp"

int
scim_plan_init(struct scim_plan *plan, cJSON *resource, struct error *e)
{
	*plan = (struct scim_plan){ .resource = resource, .ops = cJSON_CreateArray() };
	if (resource == NULL || plan->ops == NULL) {
		scim_plan_free(plan);
		return error_set(e, ERR_SYSTEM, "change: no memory");
	}
	return 0;
}

void
scim_plan_free(struct scim_plan *plan)
{
	cJSON_Delete(plan->resource);
	cJSON_Delete(plan->ops);
	plan->resource = plan->ops = NULL;
}

bool
scim_plan_is_empty(const struct scim_plan *plan)
{
	return plan->ops->child == NULL;
}

bool
scim_plan_repeatable(const struct scim_plan *plan)
{
	const cJSON	*op;

	cJSON_ArrayForEach(op, plan->ops)
		if (strcmp(json_str(op, "op", ""), "replace") != 0)
			return false;
	return true;
}

int
scim_op_push(cJSON *ops, const char *op, const char *path, bool wanted, cJSON *value, struct error *e)
{
	autojson	*given = value;
	autojson	*entry = cJSON_CreateObject();

	if ((unsigned int)cJSON_GetArraySize(ops) >= SCIM_PATCH_OPS_MAX)
		return error_set(e, ERR_LIMIT, "change: over %u operations in one command", SCIM_PATCH_OPS_MAX);
	if (entry == NULL || json_set_str(entry, "op", op) == -1 || json_set_str(entry, "path", path) == -1 ||
	    (wanted && json_set(entry, "value", json_steal(&given)) == -1) ||
	    json_push(ops, json_steal(&entry)) == -1)
		return error_set(e, ERR_SYSTEM, "change: no memory");
	return 0;
}

cJSON *
scim_patch_message(cJSON *ops)
{
	autojson	*given = ops;
	autojson	*message = cJSON_CreateObject();
	autojson	*schemas = cJSON_CreateArray();

	if (given == NULL || message == NULL || schemas == NULL ||
	    json_push(schemas, cJSON_CreateString(PATCH_OP)) == -1 ||
	    json_set(message, "schemas", json_steal(&schemas)) == -1 ||
	    json_set(message, "Operations", json_steal(&given)) == -1)
		return NULL;
	return json_steal(&message);
}

static cJSON *
member_list(const char *id)
{
	autojson	*list = cJSON_CreateArray();
	autojson	*one = cJSON_CreateObject();

	if (list == NULL || one == NULL || json_set_str(one, "value", id) == -1 ||
	    json_push(list, json_steal(&one)) == -1)
		return NULL;
	return json_steal(&list);
}

cJSON *
scim_member_ops(const char *id, bool add, bool by_value)
{
	autojson	*ops = cJSON_CreateArray();
	autobuf		 path = { 0 };
	struct error	 ignored = ERROR_NONE;
	bool		 listed = add || by_value;

	buf_init(&path, 64 + 6 * strlen(id));
	buf_adds(&path, "members");
	if (!listed) {
		buf_adds(&path, "[value eq ");
		scim_quote(&path, id);
		buf_addc(&path, ']');
	}
	if (ops == NULL || path.failed || scim_op_push(ops, add ? "add" : "remove", path.data, listed,
	    listed ? member_list(id) : NULL, &ignored) == -1)
		return NULL;
	return json_steal(&ops);
}

int
scim_member_apply(cJSON *group, const char *id, bool add)
{
	cJSON	*members = cJSON_GetObjectItem(group, "members"), *one, *next;
	cJSON	*fresh;
	int	 changed = 0;

	for (one = cJSON_IsArray(members) ? members->child : NULL; one != NULL; one = next) {
		next = one->next;
		if (strcmp(json_str(one, "value", ""), id) != 0)
			continue;
		if (add)
			return 0;
		cJSON_Delete(cJSON_DetachItemViaPointer(members, one));
		changed = 1;
	}
	if (!add)
		return changed;
	if (!cJSON_IsArray(members)) {
		if (json_set(group, "members", cJSON_CreateArray()) == -1)
			return -1;
		members = cJSON_GetObjectItem(group, "members");
	}
	if ((fresh = cJSON_CreateObject()) == NULL || json_push(members, fresh) == -1 ||
	    json_set_str(fresh, "value", id) == -1)
		return -1;
	return 1;
}

static cJSON *
coerce_one(const cJSON *v, const char *type)
{
	const char	*s = cJSON_IsString(v) ? v->valuestring : NULL;
	cJSON		*number;

	if (s != NULL && strcmp(type, "boolean") == 0) {
		if (strcasecmp(s, "true") == 0 || strcasecmp(s, "false") == 0)
			return cJSON_CreateBool(strcasecmp(s, "true") == 0);
	} else if (s != NULL && (strcmp(type, "int") == 0 || strcmp(type, "long") == 0)) {
		if ((number = json_number_text(s)) != NULL)
			return number;
	}
	return json_dup(v);
}

cJSON *
scim_coerce(const cJSON *value, const char *type)
{
	autojson	*list = NULL;
	const cJSON	*one;

	if (type == NULL || !cJSON_IsArray(value))
		return coerce_one(value, type != NULL ? type : "string");
	if ((list = cJSON_CreateArray()) == NULL)
		return NULL;
	cJSON_ArrayForEach(one, value)
		if (json_push(list, coerce_one(one, type)) == -1)
			return NULL;
	return json_steal(&list);
}
