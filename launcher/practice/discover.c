/*
 * discover.c -- ServiceProviderConfig, ResourceTypes and Schemas, as texts.
 */
#include <string.h>

#include "launcher/practice/route.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define SCHEMA		"urn:ietf:params:scim:schemas:core:2.0:Schema"
#define RESOURCE_TYPE	"urn:ietf:params:scim:schemas:core:2.0:ResourceType"
#define PROVIDER	"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
#define LIST_RESPONSE	"urn:ietf:params:scim:api:messages:2.0:ListResponse"

#define ATTR_(name, type, multi, required, exact, mutability, uniqueness, more)				\
	"{\"name\":\"" name "\",\"type\":\"" type "\",\"multiValued\":" multi ",\"required\":" required		\
	",\"caseExact\":" exact ",\"mutability\":\"" mutability "\",\"returned\":\"default\",\"uniqueness\":\""	\
	uniqueness "\"" more "}"
#define TEXT(name)		ATTR_(name, "string", "false", "false", "false", "readWrite", "none", "")
#define READ_ONLY(name)		ATTR_(name, "string", "false", "false", "true", "readOnly", "none", "")
#define UNIQUE(name)		ATTR_(name, "string", "false", "true", "false", "readWrite", "server", "")
#define FLAG(name)		ATTR_(name, "boolean", "false", "false", "false", "readWrite", "none", "")
#define COMPLEX(name, subs)	ATTR_(name, "complex", "false", "false", "false", "readWrite", "none",		\
				    ",\"subAttributes\":[" subs "]")
#define LIST(name, how, subs)	ATTR_(name, "complex", "true", "false", "false", how, "none",			\
				    ",\"subAttributes\":[" subs "]")

static const struct {
	const char	*place, *id, *text;
} documents[] = {
	{ "ServiceProviderConfig", NULL, "{\"schemas\":[\"" PROVIDER "\"],\"patch\":{\"supported\":true},"
	    "\"bulk\":{\"supported\":false,\"maxOperations\":0,\"maxPayloadSize\":0},"
	    "\"filter\":{\"supported\":true,\"maxResults\":10000},\"changePassword\":{\"supported\":true},"
	    "\"sort\":{\"supported\":false},\"etag\":{\"supported\":false},\"authenticationSchemes\":["
	    "{\"type\":\"oauthbearertoken\",\"name\":\"Bearer token\",\"description\":\"The token of the start line\"}]}" },
	{ "ResourceTypes", "User", "{\"schemas\":[\"" RESOURCE_TYPE "\"],\"id\":\"User\",\"name\":\"User\","
	    "\"endpoint\":\"/Users\",\"schema\":\"" SCIM_USER "\",\"schemaExtensions\":[{\"schema\":\"" SCIM_ENTERPRISE
	    "\",\"required\":false}]}" },
	{ "ResourceTypes", "Group", "{\"schemas\":[\"" RESOURCE_TYPE "\"],\"id\":\"Group\",\"name\":\"Group\","
	    "\"endpoint\":\"/Groups\",\"schema\":\"" SCIM_GROUP "\"}" },
	{ "Schemas", SCIM_USER, "{\"schemas\":[\"" SCHEMA "\"],\"id\":\"" SCIM_USER "\",\"name\":\"User\",\"attributes\":["
	    UNIQUE("userName") "," COMPLEX("name", TEXT("formatted") "," TEXT("familyName") "," TEXT("givenName")) ","
	    TEXT("displayName") "," TEXT("nickName") "," TEXT("title") "," TEXT("userType") ","
	    TEXT("preferredLanguage") "," TEXT("locale") "," TEXT("timezone") "," FLAG("active") ","
	    ATTR_("password", "string", "false", "false", "true", "writeOnly", "none", "") ","
	    LIST("emails", "readWrite", TEXT("value") "," TEXT("type") "," FLAG("primary")) ","
	    LIST("phoneNumbers", "readWrite", TEXT("value") "," TEXT("type")) ","
	    LIST("groups", "readOnly", READ_ONLY("value") "," READ_ONLY("$ref") "," READ_ONLY("display") ","
	    READ_ONLY("type")) "]}" },
	{ "Schemas", SCIM_GROUP, "{\"schemas\":[\"" SCHEMA "\"],\"id\":\"" SCIM_GROUP "\",\"name\":\"Group\","
	    "\"attributes\":[" UNIQUE("displayName") "," LIST("members", "readWrite",
	    TEXT("value") "," READ_ONLY("$ref") "," READ_ONLY("display") "," READ_ONLY("type")) "]}" },
	{ "Schemas", SCIM_ENTERPRISE, "{\"schemas\":[\"" SCHEMA "\"],\"id\":\"" SCIM_ENTERPRISE
	    "\",\"name\":\"EnterpriseUser\",\"attributes\":[" TEXT("employeeNumber") "," TEXT("costCenter") ","
	    TEXT("organization") "," TEXT("division") "," TEXT("department") ","
	    COMPLEX("manager", TEXT("value") "," READ_ONLY("$ref") "," READ_ONLY("displayName")) "]}" },
};

static void
answer_text(struct exchange *x, struct evbuffer *body)
{
	if (body == NULL)
		answer_empty(x, 500);
	else
		answer_body(x, 200, NULL, body);
}

static void
answer_all(struct exchange *x, const char *place, unsigned int n)
{
	struct evbuffer	*body = evbuffer_new();
	const char	*comma = "";

	if (body != NULL)
		evbuffer_add_printf(body, "{\"schemas\":[\"" LIST_RESPONSE "\"],\"totalResults\":%u,\"startIndex\":1,"
		    "\"itemsPerPage\":%u,\"Resources\":[", n, n);
	for (size_t i = 0; i < N_ITEMS(documents) && body != NULL; i++)
		if (strcmp(documents[i].place, place) == 0) {
			evbuffer_add_printf(body, "%s%s", comma, documents[i].text);
			comma = ",";
		}
	if (body != NULL)
		evbuffer_add(body, "]}", 2);
	answer_text(x, body);
}

bool
discover_answer(struct exchange *x, const char *place, const char *id)
{
	unsigned int n = 0;

	for (size_t i = 0; i < N_ITEMS(documents); i++) {
		if (strcmp(documents[i].place, place) != 0)
			continue;
		n++;
		if ((id == NULL) != (documents[i].id == NULL) || (id != NULL && strcmp(id, documents[i].id) != 0))
			continue;
		struct evbuffer *body = evbuffer_new();
		if (body != NULL)
			evbuffer_add(body, documents[i].text, strlen(documents[i].text));
		answer_text(x, body);
		return true;
	}
	if (n == 0 || id != NULL)
		return false;
	answer_all(x, place, n);
	return true;
}
