/*
 * main.c -- the commands of the GitHub organisation connector.
 *
 * No enable or disable: in a plain organisation membership is the account.
 */
#include "connectors/github/github.h"

static const struct command_row rows[] = {
	{ "std:test-connection", cmd_test },
	{ "std:account:list", cmd_account_list },
	{ "std:account:read", cmd_account_read },
	{ "std:account:create", cmd_account_create },
	{ "std:account:update", cmd_account_update },
	{ "std:account:delete", cmd_account_delete },
	{ "std:entitlement:list", cmd_entitlement_list },
	{ "std:entitlement:read", cmd_entitlement_read },
};
CONNECTOR(rows)
