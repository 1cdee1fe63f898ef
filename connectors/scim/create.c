/*
 * create.c -- std:account:create: the user, then its groups.
 *
 * Once the server has the user nothing that fails may hide it: what goes wrong
 * with groups is told in "results" beside the account.
 */
#include <string.h>

#include "connectors/scim/scim.h"

#define CORE_USER	"urn:ietf:params:scim:schemas:core:2.0:User"

static cJSON *
user_new(void)
{
	autojson	*user = cJSON_CreateObject();
	autojson	*schemas = cJSON_CreateArray();

	if (user == NULL || schemas == NULL || json_push(schemas, cJSON_CreateString(CORE_USER)) == -1 ||
	    json_set(user, "schemas", json_steal(&schemas)) == -1)
		return NULL;
	return json_steal(&user);
}

/* Servers want to know which address is the first. */
static int
mark_primary(cJSON *user)
{
	cJSON	*emails = cJSON_GetObjectItem(user, "emails"), *one;

	cJSON_ArrayForEach(one, emails)
		if (scim_member(one, "primary") != NULL)
			return 0;
	if (!cJSON_IsArray(emails) || !cJSON_IsObject(emails->child))
		return 0;
	return json_set_bool(emails->child, "primary", true);
}

/* The user out of input.attributes; *groups (array) gets the entitlements. */
static int
fill(struct scim *s, struct scim_plan *plan, cJSON **groups)
{
	const cJSON	*one;

	cJSON_ArrayForEach(one, json_get(s->c->input, "attributes")) {
		struct scim_attr	*a = scim_map_find(&s->map, one->string, s->c->err);
		autojson		*value = NULL;

		if (a == NULL)
			return -1;
		if (a->read_only || value_count(one) == 0)
			continue;
		if (a->is_groups) {
			cJSON_Delete(*groups);
			if ((*groups = value_array(one)) == NULL)
				return fail_generic(s->c, "no memory");
			continue;
		}
		if (a->write_only && cJSON_IsString(one))
			redact_add(one->valuestring);
		if ((value = scim_coerce(one, a->type)) == NULL)
			return fail_generic(s->c, "no memory");
		if (scim_plan_change(plan, &a->path, a->multi, CHANGE_SET, value, s->c->err) == -1)
			return -1;
	}
	return 0;
}

static int
complete(struct scim *s, struct scim_plan *plan)
{
	autojson	*now = NULL, *yes = NULL;
	const cJSON	*name = scim_member(plan->resource, "userName");

	if (!cJSON_IsString(name))
		return fail_invalid_request(s->c, "an account cannot be made without userName");
	if (mark_primary(plan->resource) == -1)
		return fail_generic(s->c, "no memory");
	if (scim_path_read(&s->set.active, plan->resource, false, &now, s->c->err) == -1)
		return -1;
	if (now != NULL)
		return 0;
	if ((yes = cJSON_CreateTrue()) == NULL)
		return fail_generic(s->c, "no memory");
	return scim_plan_change(plan, &s->set.active, false, CHANGE_SET, yes, s->c->err);
}

static int
hex(char c)
{
	static const char	 digits[] = "0123456789abcdef";
	const char		*at = c != '\0' ? strchr(digits, c | 0x20) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

char *
scim_id_from_location(const char *location)
{
	size_t		 n = location != NULL ? strcspn(location, "?#") : 0;
	const char	*slash;
	char		*id, *to;

	if (n == 0 || (slash = memrchr(location, '/', n)) == NULL || slash + 1 == location + n)
		return NULL;
	if ((id = strndup(slash + 1, n - (size_t)(slash + 1 - location))) == NULL)
		return NULL;
	to = id;
	for (const char *from = id; *from != '\0'; from++) {
		int	hi = from[0] == '%' ? hex(from[1]) : -1, lo = hi >= 0 ? hex(from[2]) : -1;

		if (lo >= 0 && (hi != 0 || lo != 0)) {
			*to++ = (char)(hi << 4 | lo);
			from += 2;
		} else
			*to++ = *from;
	}
	*to = '\0';
	return id;
}

static int
post_user(struct scim *s, const cJSON *user, struct fetch_response *rs)
{
	const struct fetch_request	rq = { .method = "POST", .path = "/Users", .body = user };

	if (fetch_call(s->f, &rq, rs, s->c->err) == -1)
		return scim_not_missing(s, ERR_INVALID_CONFIGURATION, "the account was not made");
	return 0;
}

/* The new user's id; NULL with c->err. */
static char *
new_id(struct scim *s, const struct fetch_response *rs)
{
	char		 scratch[32];
	const char	*told = json_scalar_text(json_get(rs->body, "id"), scratch, sizeof(scratch));
	char		*id;

	id = told != NULL && told[0] != '\0' ? strdup(told) : scim_id_from_location(fetch_header(rs, "Location"));
	if (id == NULL)
		(void)fail_invalid_response(s->c,
		    "the server made the account, but told its id neither in the answer nor in Location");
	return id;
}

int
scim_account_create(struct call *c)
{
	autoscim	*s = NULL;
	autoplan	 plan = { 0 };
	autojson	*groups = NULL;
	autojson	*results = cJSON_CreateArray();
	autofree char	*id = NULL;
	autoresponse	 rs = { 0 };

	if ((s = scim_open(c)) == NULL || scim_plan_init(&plan, user_new(), c->err) == -1)
		return -1;
	plan.one_value = s->set.one_value;
	if (fill(s, &plan, &groups) == -1 || complete(s, &plan) == -1)
		return -1;
	if (results == NULL)
		return fail_generic(c, "no memory");
	if (post_user(s, plan.resource, &rs) == -1 || (id = new_id(s, &rs)) == NULL)
		return -1;
	(void)scim_groups_change(s, id, groups, NULL, results);
	if (scim_emit_user(s, id, json_get(rs.body, "id") != NULL ? rs.body : NULL, json_steal(&results)) == 0)
		return 0;
	return scim_not_missing(s, ERR_INVALID_RESPONSE, "the account was made, but cannot be read back");
}
