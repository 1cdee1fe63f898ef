/*
 * test.c -- std:test-connection: sign in, list one user, and see that the
 * server tells membership the way the settings say.  A wrong setting there
 * would show accounts without their groups, and nothing else would tell.
 */
#include <string.h>
#include <strings.h>

#include "connectors/scim/scim.h"

#define NOBODY	"bascule-no-such-member"

static int
first_row(struct scim *s, const char *path, const char *filter, cJSON **list)
{
	const struct fetch_param	 query[] = {
		{ "startIndex", "1" }, { "count", "1" }, { "filter", filter }, { NULL, NULL }
	};
	const struct fetch_request	 rq = { .path = path, .query = query };
	autoresponse			 rs = { 0 };
	int64_t				 total;

	*list = NULL;
	if (fetch_call(s->f, &rq, &rs, s->c->err) == -1)
		return scim_not_missing(s, ERR_INVALID_CONFIGURATION, "check the base URL");
	if (!json_i64_of(json_get(rs.body, "totalResults"), &total))
		return fail_invalid_configuration(s->c,
		    "GET %s does not answer with a SCIM list: check the base URL", path);
	*list = json_steal(&rs.body);
	return 0;
}

/* The id of a user in the group, or NULL. */
static const char *
some_member(const cJSON *group)
{
	const cJSON	*one;

	cJSON_ArrayForEach(one, scim_member(group, "members"))
		if (strcasecmp(json_str(one, "type", "User"), "User") == 0)
			return json_str(one, "value", NULL);
	return NULL;
}

static int
check_own_groups(struct scim *s, const cJSON *list)
{
	const cJSON	*group = json_at(list, "/Resources/0"), *one;
	const char	*id = json_str(group, "id", NULL), *member = some_member(group);
	autojson	*user = NULL, *groups = NULL;

	if (id == NULL || member == NULL)
		return 0;
	if (scim_get(s, "Users", member, &user) == -1) {
		log_warn(s->c, "a member of group \"%s\" cannot be read: %s", id, s->c->err->msg);
		*s->c->err = ERROR_NONE;
		return 0;
	}
	if ((groups = scim_user_groups(user)) == NULL)
		return fail_generic(s->c, "no memory");
	cJSON_ArrayForEach(one, groups)
		if (cJSON_IsString(one) && strcmp(one->valuestring, id) == 0)
			return 0;
	return fail_invalid_configuration(s->c, "the server does not show on a user that it is in group \"%.80s\": "
	    "set config.groupsFrom to \"list\"", id);
}

static int
check_member_filter(struct scim *s)
{
	autojson	*list = NULL;
	autobuf		 filter = { 0 };
	int64_t		 total = 0;

	if (s->set.member_filter == MEMBER_FILTER_NONE)
		return 0;
	buf_init(&filter, SCIM_FILTER_BYTES_MAX);
	buf_adds(&filter, s->set.member_filter == MEMBER_FILTER_PATH ? "members.value eq " : "members[value eq ");
	scim_quote(&filter, NOBODY);
	if (s->set.member_filter == MEMBER_FILTER_VALUE)
		buf_addc(&filter, ']');
	if (buf_check(&filter, "filter", s->c->err) == -1)
		return -1;
	if (first_row(s, "/Groups", filter.data, &list) == -1) {
		if (s->c->err->code == ERR_INVALID_REQUEST || s->c->err->code == ERR_UPSTREAM)
			s->c->err->code = ERR_INVALID_CONFIGURATION;
		return error_in(s->c->err,
		    "groups cannot be found by member, set config.memberFilter to another choice");
	}
	if (json_i64_of(json_get(list, "totalResults"), &total) && total == 0)
		return 0;
	return fail_invalid_configuration(s->c,
	    "the server ignores the filter for a group's member: set config.memberFilter to another choice");
}

int
scim_test_connection(struct call *c)
{
	autoscim	*s = scim_open(c);
	autojson	*users = NULL, *groups = NULL;

	if (s == NULL || first_row(s, "/Users", s->set.user_filter, &users) == -1)
		return -1;
	if (s->set.groups_from == GROUPS_FROM_NONE)
		return emit_output(c, cJSON_CreateObject());
	if (first_row(s, "/Groups", s->set.group_filter, &groups) == -1) {
		log_warn(c, "groups cannot be listed: %s", c->err->msg);
		*c->err = ERROR_NONE;
	} else if (s->set.groups_from == GROUPS_FROM_USER) {
		if (check_own_groups(s, groups) == -1)
			return -1;
	} else if (check_member_filter(s) == -1)
		return -1;
	return emit_output(c, cJSON_CreateObject());
}
