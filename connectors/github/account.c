/*
 * account.c -- members, invitations and outside collaborators as accounts.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/github/github.h"

static const char *const type_names[] = {
	[ACCOUNT_MEMBER]	= "member",
	[ACCOUNT_INVITED]	= "invited",
	[ACCOUNT_OUTSIDE]	= "outside",
};
static_assert(N_ITEMS(type_names) == ACCOUNT__MAX, "every type has a name");

static const struct {
	const char	*invitation, *membership;
} roles[] = {
	{ "direct_member", "member" },
	{ "admin", "admin" },
};

const char *
role_from_invitation(const char *role)
{
	for (size_t i = 0; role != NULL && i < N_ITEMS(roles); i++)
		if (strcmp(role, roles[i].invitation) == 0)
			return roles[i].membership;
	return role;
}

const char *
role_to_invitation(const char *role)
{
	for (size_t i = 0; i < N_ITEMS(roles); i++)
		if (strcasecmp(role, roles[i].membership) == 0)
			return roles[i].invitation;
	return NULL;
}

const char *
invitation_number(const char *id)
{
	const char	*n = id + strlen(GH_INVITATION);

	if (strncmp(id, GH_INVITATION, strlen(GH_INVITATION)) != 0 || n[0] == '\0' ||
	    n[strspn(n, "0123456789")] != '\0')
		return NULL;
	return n;
}

char *
account_id(const struct account_view *v)
{
	char		 scratch[32], *id;
	const char	*number, *login;

	if (v->type != ACCOUNT_INVITED) {
		login = json_str(v->user, "login", NULL);
		return login != NULL && login[0] != '\0' ? strdup(login) : NULL;
	}
	number = json_scalar_text(json_get(v->user, "id"), scratch, sizeof(scratch));
	if (number == NULL || asprintf(&id, GH_INVITATION "%s", number) == -1)
		return NULL;
	return id;
}

static int
set_text(cJSON *a, const char *name, const char *value)
{
	return value == NULL || value[0] == '\0' ? 0 : json_set_str(a, name, value);
}

static int
set_invitation(cJSON *a, const cJSON *invitation)
{
	const char	*login = json_str(invitation, "login", NULL);
	const char	*email = json_str(invitation, "email", NULL);

	if (set_text(a, "displayName", login != NULL ? login : email) == -1 || set_text(a, "login", login) == -1 ||
	    set_text(a, "email", email) == -1 ||
	    set_text(a, "invitedAt", json_str(invitation, "created_at", NULL)) == -1 ||
	    set_text(a, "invitedBy", json_str(json_get(invitation, "inviter"), "login", NULL)) == -1 ||
	    set_text(a, "failedAt", json_str(invitation, "failed_at", NULL)) == -1)
		return -1;
	return set_text(a, "failedReason", json_str(invitation, "failed_reason", NULL));
}

static int
set_user(cJSON *a, const struct account_view *v)
{
	char		 scratch[32];
	const char	*login = json_str(v->user, "login", NULL);
	const char	*name = json_str(v->profile, "name", json_str(v->user, "name", NULL));
	const char	*email = json_str(v->profile, "email", json_str(v->user, "email", NULL));

	if (set_text(a, "displayName", login) == -1 || set_text(a, "login", login) == -1 ||
	    set_text(a, "id", json_scalar_text(json_get(v->user, "id"), scratch, sizeof(scratch))) == -1 ||
	    set_text(a, "name", name) == -1 || set_text(a, "email", email) == -1 ||
	    set_text(a, "profileUrl", json_str(v->user, "html_url", NULL)) == -1)
		return -1;
	if (v->two_factor_off >= 0 && json_set_bool(a, "twoFactorDisabled", v->two_factor_off > 0) == -1)
		return -1;
	return json_set_bool(a, "siteAdmin", json_bool(v->user, "site_admin", false));
}

static int
set_keys(cJSON *a, const char *name, const cJSON *keys)
{
	return keys == NULL ? 0 : json_set(a, name, json_dup(keys));
}

cJSON *
account_attributes(const struct account_view *v)
{
	autojson	*a = cJSON_CreateObject();
	autofree char	*id = account_id(v);

	if (a == NULL || id == NULL || json_set_str(a, "accountId", id) == -1)
		return NULL;
	if ((v->type == ACCOUNT_INVITED ? set_invitation(a, v->user) : set_user(a, v)) == -1)
		return NULL;
	if (set_text(a, "role", v->role) == -1 || json_set_str(a, "type", type_names[v->type]) == -1 ||
	    set_keys(a, "teams", v->teams) == -1 || set_keys(a, "roles", v->roles) == -1)
		return NULL;
	return json_steal(&a);
}

int
account_emit(struct github *g, const struct account_view *v)
{
	autofree char	*id = account_id(v);

	if (id == NULL)
		return fail_invalid_response(g->c, "GitHub sent %s without %s",
		    v->type == ACCOUNT_INVITED ? "an invitation" : "a user",
		    v->type == ACCOUNT_INVITED ? "an id" : "a login");
	return emit_output(g->c, object_new(g->c, id, NULL, account_attributes(v)));
}
