/*
 * write.c -- POST, PUT, PATCH and DELETE of one resource: checked first, then changed as a whole.
 */
#include <string.h>
#include <strings.h>

#include "launcher/practice/amend.h"
#include "launcher/practice/list.h"
#include "launcher/practice/render.h"
#include "launcher/practice/resource.h"
#include "launcher/practice/write.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define PATCH_OP	"urn:ietf:params:scim:api:messages:2.0:PatchOp"
#define OPERATIONS_MAX	1000

static const char *const read_only[] = { "id", "meta", "groups" };

static const char *
name_of(enum kind kind, const cJSON *tree)
{
	return json_str(tree, kind == KIND_USER ? "userName" : "displayName", "");
}

/* False after a refusal: somebody else has the name.  self -1: nobody yet. */
static bool
name_is_free(struct exchange *x, enum kind kind, const cJSON *tree, int64_t self)
{
	int64_t owner = people_by_name(x->p->people, kind, name_of(kind, tree));

	if (owner == -1 || owner == self)
		return true;
	answer_refusal(x, 409, SCIM_UNIQUENESS, kind == KIND_USER ? "userName is taken" : "displayName is taken");
	return false;
}

/* Keeps the tree (takes it) and the members, and answers. */
static void
keep(struct exchange *x, enum kind kind, uint64_t index, cJSON *tree, const struct member_changes *members, int status)
{
	struct people	*p = x->p->people;
	struct error	 e = ERROR_NONE;

	if (people_put(p, kind, index, tree, &e) == -1 || member_changes_apply(members, p, index, &e) == -1) {
		struct error ignored = ERROR_NONE;

		/* What was refused as a whole must not be found half made. */
		if (status == 201 && people_exists(p, kind, index))
			(void)people_delete(p, kind, index, &ignored);
		answer_error(x, SCIM_NONE, &e);
	} else if (status == 204)
		answer_empty(x, 204);
	else
		list_written(x, kind, index, status);
}

/* Reads and checks a whole resource, of a group its members too; NULL after a refusal. */
static cJSON *
read_resource(struct exchange *x, enum kind kind, struct member_changes *members)
{
	enum scim_type	 type = SCIM_INVALID_VALUE;
	struct error	 e = ERROR_NONE;
	autojson	*tree = exchange_body(x);
	const cJSON	*list;

	if (tree == NULL)
		return NULL;
	list = filter_member(tree, "members");
	if ((kind == KIND_GROUP && list != NULL &&
	    member_changes_add(members, x->p->people, list, true, &e) == -1) ||
	    resource_check(tree, kind, &type, &e) == -1) {
		answer_error(x, type, &e);
		return NULL;
	}
	return json_steal(&tree);
}

void
write_create(struct exchange *x, enum kind kind)
{
	struct member_changes	 members = { 0 };
	struct error		 e = ERROR_NONE;
	autojson		*tree = read_resource(x, kind, &members);
	int64_t			 index;

	if (tree != NULL && name_is_free(x, kind, tree, -1)) {
		if ((index = people_new_index(x->p->people, kind, &e)) == -1)
			answer_error(x, SCIM_NONE, &e);
		else if (resource_stamp(tree, x->p->people, kind, (uint64_t)index, NULL) == -1)
			answer_refusal(x, 500, SCIM_NONE, "no memory");
		else
			keep(x, kind, (uint64_t)index, json_steal(&tree), &members, 201);
	}
	member_changes_free(&members);
}

static const char *
created_of(const cJSON *tree)
{
	return json_str(json_get(tree, "meta"), "created", NULL);
}

void
write_replace(struct exchange *x, enum kind kind, uint64_t index)
{
	struct member_changes	 members = { .clear = kind == KIND_GROUP };
	autojson		*old = render_tree(x->p->people, kind, index);
	autojson		*tree = read_resource(x, kind, &members);

	if (tree != NULL && name_is_free(x, kind, tree, (int64_t)index)) {
		if (old == NULL || resource_stamp(tree, x->p->people, kind, index, created_of(old)) == -1)
			answer_refusal(x, 500, SCIM_NONE, "no memory");
		else
			keep(x, kind, index, json_steal(&tree), &members, 200);
	}
	member_changes_free(&members);
}

void
write_delete(struct exchange *x, enum kind kind, uint64_t index)
{
	struct error e = ERROR_NONE;

	if (people_delete(x->p->people, kind, index, &e) == -1)
		answer_error(x, SCIM_NONE, &e);
	else
		answer_empty(x, 204);
}

struct patch {
	const struct people	*people;
	enum kind		 kind;
	cJSON			*tree;
	struct member_changes	 members;
	enum scim_type		 type;		/* of a refusal */
};

/* members[value eq "a"], or several of these joined by or. */
static int
remove_filtered(struct patch *pt, const struct filter *f, struct error *e)
{
	if (f->op == FILTER_OR)
		return remove_filtered(pt, f->left, e) == -1 ? -1 : remove_filtered(pt, f->right, e);
	if (f->op == FILTER_EQ && filter_path_is(&f->path, "value") && cJSON_IsString(f->value))
		return member_changes_add(&pt->members, pt->people, f->value, false, e);
	pt->type = SCIM_INVALID_FILTER;
	return error_set(e, ERR_INVALID_REQUEST, "members: value eq \"id\" is wanted");
}

static int
patch_members(struct patch *pt, enum amend_op op, const struct target *t, const cJSON *value, struct error *e)
{
	if (op == AMEND_REMOVE && t->filter != NULL && t->sub == NULL)
		return remove_filtered(pt, t->filter, e);
	if (t->filter != NULL || t->sub != NULL) {
		pt->type = SCIM_INVALID_PATH;
		return error_set(e, ERR_INVALID_REQUEST, "members: they come and go as a whole");
	}
	if (op == AMEND_REPLACE || (op == AMEND_REMOVE && value == NULL)) {
		pt->members.clear = true;
		pt->members.n = 0;
	}
	if (value == NULL)
		return op == AMEND_REMOVE ? 0 : error_set(e, ERR_INVALID_REQUEST, "value: it is wanted");
	return member_changes_add(&pt->members, pt->people, value, op != AMEND_REMOVE, e);
}

static int
patch_at(struct patch *pt, enum amend_op op, const char *path, const cJSON *value, struct error *e)
{
	struct target	 t;
	int		 status;

	pt->type = SCIM_INVALID_PATH;
	if (target_parse(path, &t, e) == -1)
		return -1;
	for (size_t i = 0; i < N_ITEMS(read_only); i++)
		if (target_is(&t, read_only[i])) {
			target_free(&t);
			pt->type = SCIM_MUTABILITY;
			return error_set(e, ERR_INVALID_REQUEST, "%s: it is read-only", read_only[i]);
		}
	pt->type = SCIM_INVALID_VALUE;
	if (pt->kind == KIND_GROUP && target_is(&t, "members"))
		status = patch_members(pt, op, &t, value, e);
	else
		status = amend_apply(pt->tree, op, &t, value, &pt->type, e);
	target_free(&t);
	return status;
}

static int
patch_one(struct patch *pt, const cJSON *operation, struct error *e)
{
	const cJSON	*path = filter_member(operation, "path"), *value = filter_member(operation, "value"), *m;
	enum amend_op	 op;

	pt->type = SCIM_INVALID_SYNTAX;
	if (amend_op_read(operation, &op, e) == -1)
		return -1;
	if (cJSON_IsString(path))
		return patch_at(pt, op, path->valuestring, value, e);
	pt->type = op == AMEND_REMOVE ? SCIM_NO_TARGET : SCIM_INVALID_VALUE;
	if (path != NULL || op == AMEND_REMOVE || !cJSON_IsObject(value))
		return error_set(e, ERR_INVALID_REQUEST, "a path, or else an object as value, is wanted");
	cJSON_ArrayForEach(m, value)
		if (strcasecmp(m->string, "schemas") != 0 && strcasecmp(m->string, "id") != 0 &&
		    patch_at(pt, op, m->string, m, e) == -1)
			return -1;
	return 0;
}

static int
patch_all(struct patch *pt, const cJSON *body, struct error *e)
{
	const cJSON *operations = filter_member(body, "Operations"), *operation, *s;
	bool	 announced = false;

	pt->type = SCIM_INVALID_SYNTAX;
	cJSON_ArrayForEach(s, filter_member(body, "schemas"))
		announced = announced || (cJSON_IsString(s) && strcasecmp(s->valuestring, PATCH_OP) == 0);
	if (!announced || !cJSON_IsArray(operations) || operations->child == NULL)
		return error_set(e, ERR_INVALID_REQUEST, "schemas with " PATCH_OP " and Operations are wanted");
	if (cJSON_GetArraySize(operations) > OPERATIONS_MAX)
		return error_set(e, ERR_LIMIT, "at most %d operations are wanted", OPERATIONS_MAX);
	cJSON_ArrayForEach(operation, operations)
		if (patch_one(pt, operation, e) == -1)
			return -1;
	return 0;
}

/* Not all groups fit in a reply: one is sent back only on request. */
static int
patch_status(const struct exchange *x, enum kind kind)
{
	return kind == KIND_GROUP && exchange_query(x, "attributes") == NULL ? 204 : 200;
}

void
write_patch(struct exchange *x, enum kind kind, uint64_t index)
{
	struct patch	 pt = { .people = x->p->people, .kind = kind };
	struct error	 e = ERROR_NONE;
	autojson	*body = exchange_body(x), *tree = NULL;
	autofree char	*created = NULL;

	if (body == NULL)
		return;
	pt.tree = tree = render_tree(x->p->people, kind, index);
	if (tree == NULL || (created = strdup(created_of(tree))) == NULL)
		answer_refusal(x, 500, SCIM_NONE, "no memory");
	else if (patch_all(&pt, body, &e) == -1 || resource_check(tree, kind, &pt.type, &e) == -1)
		answer_error(x, pt.type, &e);
	else if (name_is_free(x, kind, tree, (int64_t)index)) {
		if (resource_stamp(tree, x->p->people, kind, index, created) == -1)
			answer_refusal(x, 500, SCIM_NONE, "no memory");
		else
			keep(x, kind, index, json_steal(&tree), &pt.members, patch_status(x, kind));
	}
	member_changes_free(&pt.members);
}
