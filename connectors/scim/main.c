/*
 * main.c -- the SCIM 2.0 connector's commands.
 */
#include "connectors/scim/scim.h"

static const struct command_row rows[] = {
	{ "std:test-connection",	 scim_test_connection },
	{ "std:account:list",		 scim_account_list },
	{ "std:account:read",		 scim_account_read },
	{ "std:account:create",		 scim_account_create },
	{ "std:account:update",		 scim_account_update },
	{ "std:account:delete",		 scim_account_delete },
	{ "std:account:enable",		 scim_account_enable },
	{ "std:account:disable",	 scim_account_disable },
	{ "std:change-password",	 scim_change_password },
	{ "std:entitlement:list",	 scim_entitlement_list },
	{ "std:entitlement:read",	 scim_entitlement_read },
	{ "std:account:discover-schema", scim_discover_schema },
};

CONNECTOR(rows)
