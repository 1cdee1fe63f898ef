/*
 * main.c -- a connector that is a description: rest.json, beside connector-spec.json.
 */
#include "connectors/rest/rest.h"

static const struct command_row	 rows[] = {
	{ "std:test-connection", rest_test },
	{ "std:account:list", rest_account_list },
	{ "std:account:read", rest_account_read },
	{ "std:account:create", rest_account_create },
	{ "std:account:update", rest_account_update },
	{ "std:account:delete", rest_account_delete },
	{ "std:account:disable", rest_account_disable },
	{ "std:account:enable", rest_account_enable },
	{ "std:account:unlock", rest_account_unlock },
	{ "std:change-password", rest_change_password },
	{ "std:entitlement:list", rest_entitlement_list },
	{ "std:entitlement:read", rest_entitlement_read },
};
CONNECTOR(rows)
