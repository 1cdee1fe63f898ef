/*
 * command.c -- the table of commands.  Names and cardinality: protocol
 * reference of the platform's connector SDK 1.1.41.
 */
#include <string.h>

#include "worker/contract/command.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

#define LIST	(CMD_STREAMS | CMD_STATEFUL)

static const struct command_info commands[] = {
	[CMD_TEST_CONNECTION]	= { "std:test-connection", 0, 0, TEST_MS },
	[CMD_SPEC_READ]		= { "std:spec:read", 0, 0, TEST_MS },
	[CMD_CONFIG_OPTIONS_READ] = { "std:config-options:read", 0, NEEDS_KEY_NAME, TEST_MS },
	[CMD_ACCOUNT_LIST]	= { "std:account:list", LIST, 0, 0 },
	[CMD_ACCOUNT_READ]	= { "std:account:read", 0, NEEDS_OBJECT, PROVISIONING_MS },
	[CMD_ACCOUNT_CREATE]	= { "std:account:create", CMD_WRITES, NEEDS_ATTRIBUTES, PROVISIONING_MS },
	[CMD_ACCOUNT_UPDATE]	= { "std:account:update", CMD_WRITES, NEEDS_OBJECT | NEEDS_CHANGES, PROVISIONING_MS },
	[CMD_ACCOUNT_DELETE]	= { "std:account:delete", CMD_WRITES, NEEDS_OBJECT, PROVISIONING_MS },
	[CMD_ACCOUNT_ENABLE]	= { "std:account:enable", CMD_WRITES, NEEDS_OBJECT, PROVISIONING_MS },
	[CMD_ACCOUNT_DISABLE]	= { "std:account:disable", CMD_WRITES, NEEDS_OBJECT, PROVISIONING_MS },
	[CMD_ACCOUNT_UNLOCK]	= { "std:account:unlock", CMD_WRITES, NEEDS_OBJECT, PROVISIONING_MS },
	[CMD_ACCOUNT_DISCOVER_SCHEMA] = { "std:account:discover-schema", 0, 0, TEST_MS },
	[CMD_ENTITLEMENT_LIST]	= { "std:entitlement:list", LIST, NEEDS_TYPE, 0 },
	[CMD_ENTITLEMENT_READ]	= { "std:entitlement:read", 0, NEEDS_OBJECT | NEEDS_TYPE, PROVISIONING_MS },
	[CMD_AUTHENTICATE]	= { "std:authenticate", 0, NEEDS_USERNAME | NEEDS_PASSWORD, PROVISIONING_MS },
	[CMD_CHANGE_PASSWORD]	= { "std:change-password", CMD_WRITES, NEEDS_OBJECT | NEEDS_PASSWORD, PROVISIONING_MS },
	[CMD_SOURCE_DATA_DISCOVER] = { "std:source-data:discover", CMD_ARRAY, 0, TEST_MS },
	[CMD_SOURCE_DATA_READ]	= { "std:source-data:read", CMD_ARRAY, NEEDS_DATA_KEY, TEST_MS },
	[CMD_APPLICATION_DISCOVERY_LIST] = { "std:application-discovery:list", LIST, 0, 0 },
	[CMD_AGENT_LIST]	= { "std:agent:list", LIST, NEEDS_DATASETS, 0 },
	[CMD_MACHINE_IDENTITY_LIST] = { "std:machine-identity:list", LIST, NEEDS_DATASETS, 0 },
	[CMD_RESOURCE_LIST]	= { "std:resource:list", LIST, NEEDS_DATASETS, 0 },
	[CMD_SSF_STREAM_DISCOVER] = { "std:ssf-stream:discover", 0, 0, PROVISIONING_MS },
	[CMD_SSF_STREAM_READ]	= { "std:ssf-stream:read", 0, 0, PROVISIONING_MS },
	[CMD_SSF_STREAM_CREATE]	= { "std:ssf-stream:create", CMD_WRITES, 0, PROVISIONING_MS },
	[CMD_SSF_STREAM_UPDATE]	= { "std:ssf-stream:update", CMD_WRITES, 0, PROVISIONING_MS },
	[CMD_SSF_STREAM_STATUS_UPDATE] = { "std:ssf-stream:status-update", CMD_WRITES, 0, PROVISIONING_MS },
	[CMD_SSF_STREAM_DELETE]	= { "std:ssf-stream:delete", CMD_WRITES, 0, PROVISIONING_MS },
	[CMD_SSF_STREAM_VERIFY]	= { "std:ssf-stream:verify", CMD_WRITES, 0, PROVISIONING_MS },
	[CMD_SSF_STREAM_REPLACE] = { "std:ssf-stream:replace", CMD_WRITES, 0, PROVISIONING_MS },
	[CMD_CUSTOM]		= { NULL, CMD_STREAMS | CMD_WRITES, 0, 0 },
};
static_assert(N_ITEMS(commands) == CMD__MAX, "every command has a row");
static_assert(CMD__STANDARD == 30, "the platform has 30 standard commands");

const struct command_info *
command_info(enum command cmd)
{
	if ((unsigned int)cmd >= CMD__MAX)
		cmd = CMD_CUSTOM;
	return &commands[cmd];
}

enum command
command_from_name(const char *name)
{
	for (enum command c = 0; c < CMD__STANDARD; c++)
		if (strcmp(commands[c].name, name) == 0)
			return c;
	return CMD_CUSTOM;
}
