/*
 * groups.c -- a user's groups: told, and changed on the groups' side, since
 * RFC 7643 makes a user's own list read only.
 */
#include <string.h>

#include "connectors/scim/scim.h"

static int
id_row(void *arg, cJSON *row, struct error *e)
{
	autojson	*group = row;
	const char	*id = json_str(group, "id", NULL);

	if (id == NULL)
		return error_set(e, ERR_INVALID_RESPONSE, "Groups: a row without id");
	if (json_push(arg, cJSON_CreateString(id)) == -1)
		return error_set(e, ERR_SYSTEM, "groups: no memory");
	return 0;
}

static int
groups_by_filter(struct scim *s, const char *user, cJSON **ids)
{
	autojson	*found = cJSON_CreateArray();
	autobuf		 filter = { 0 };

	buf_init(&filter, SCIM_FILTER_BYTES_MAX);
	if (s->set.group_filter != NULL)
		buf_addf(&filter, "(%s) and ", s->set.group_filter);
	buf_adds(&filter, s->set.member_filter == MEMBER_FILTER_PATH ? "members.value eq " : "members[value eq ");
	scim_quote(&filter, user);
	if (s->set.member_filter == MEMBER_FILTER_VALUE)
		buf_addc(&filter, ']');
	if (found == NULL || buf_check(&filter, "group filter", s->c->err) == -1)
		return s->c->err->code != ERR_NONE ? -1 : fail_generic(s->c, "no memory");
	if (scim_list(s, "Groups", filter.data, s->set.limit_attributes ? "id" : NULL,
	    s->set.limit_attributes ? NULL : "members", id_row, found) == -1)
		return -1;
	*ids = json_steal(&found);
	return 0;
}

static int
groups_by_list(struct scim *s, const char *user, cJSON **ids)
{
	struct scim_members	*m = scim_members_load(s);

	if (m == NULL)
		return -1;
	*ids = scim_members_groups(m, user);
	scim_members_free(m);
	return *ids != NULL ? 0 : fail_generic(s->c, "no memory");
}

int
scim_groups_of(struct scim *s, const cJSON *user, cJSON **ids)
{
	const char	*id = json_str(user, "id", "");

	*ids = NULL;
	switch (s->set.groups_from) {
	case GROUPS_FROM_USER:
		*ids = scim_user_groups(user);
		return *ids != NULL ? 0 : fail_generic(s->c, "no memory");
	case GROUPS_FROM_NONE:
		*ids = cJSON_CreateArray();
		return *ids != NULL ? 0 : fail_generic(s->c, "no memory");
	case GROUPS_FROM_LIST:
	case GROUPS_FROM_EACH:
		break;
	}
	if (s->set.member_filter == MEMBER_FILTER_NONE)
		return groups_by_list(s, id, ids);
	return groups_by_filter(s, id, ids);
}

static int
change_by_put(struct scim *s, const char *group, const char *user, bool add)
{
	autojson	*resource = NULL;
	autofree char	*path = scim_resource_path("Groups", group);
	int		 changed;

	if (path == NULL)
		return fail_generic(s->c, "no memory");
	if (scim_get(s, "Groups", group, &resource) == -1)
		return -1;
	if ((changed = scim_member_apply(resource, user, add)) == -1)
		return fail_generic(s->c, "no memory");
	return changed == 0 ? 0 : scim_put(s, path, resource);
}

static int
change_by_patch(struct scim *s, const char *group, const char *user, bool add)
{
	autofree char		*path = scim_resource_path("Groups", group);
	autojson		*message = NULL;
	struct fetch_request	 rq = { .method = "PATCH", .path = path };

	message = scim_patch_message(scim_member_ops(user, add, s->set.member_remove_by_value));
	if (path == NULL || message == NULL)
		return fail_generic(s->c, "no memory");
	/* Adding a member that is there already changes nothing; removing twice may be an error. */
	if (add)
		rq.flags |= FETCH_REPEATABLE;
	rq.body = message;
	return fetch_call(s->f, &rq, NULL, s->c->err);
}

int
scim_group_change(struct scim *s, const char *group, const char *user, bool add)
{
	int	r;

	if (scim_writes_by_put(s))
		r = change_by_put(s, group, user, add);
	else
		r = change_by_patch(s, group, user, add);
	if (r == -1)	/* "notFound" would make the platform create the account anew */
		return scim_not_missing(s, ERR_INVALID_REQUEST, add ? "cannot add to group" :
		    "cannot remove from group");
	return 0;
}

/* {"attribute":"groups","status":"error","messages":[{"level":"ERROR","message":…}]} */
static int
result_push(cJSON *results, const char *text)
{
	autojson	*message = cJSON_CreateObject();
	autojson	*messages = cJSON_CreateArray();
	autojson	*one = cJSON_CreateObject();

	if (message == NULL || messages == NULL || one == NULL ||
	    json_set_str(message, "level", "ERROR") == -1 || json_set_str(message, "message", text) == -1 ||
	    json_push(messages, json_steal(&message)) == -1 || json_set_str(one, "attribute", "groups") == -1 ||
	    json_set_str(one, "status", "error") == -1 || json_set(one, "messages", json_steal(&messages)) == -1)
		return -1;
	return json_push(results, json_steal(&one));
}

static size_t
change_all(struct scim *s, const char *user, const cJSON *groups, bool add, cJSON *results)
{
	const cJSON	*one;
	size_t		 done = 0;

	cJSON_ArrayForEach(one, groups) {
		char		 scratch[32];
		const char	*id = json_scalar_text(one, scratch, sizeof(scratch));

		if (id == NULL || id[0] == '\0')
			continue;
		if (scim_group_change(s, id, user, add) == 0) {
			done++;
			continue;
		}
		log_warn(s->c, "%s", s->c->err->msg);
		if (s->group_error.code == ERR_NONE)
			s->group_error = *s->c->err;
		if (result_push(results, s->c->err->msg) == -1)
			log_error(s->c, "no memory for a result");
		*s->c->err = ERROR_NONE;
	}
	return done;
}

size_t
scim_groups_change(struct scim *s, const char *user, const cJSON *add, const cJSON *remove, cJSON *results)
{
	return change_all(s, user, add, true, results) + change_all(s, user, remove, false, results);
}
