/*
 * command.h -- the 30 standard commands, a row each.
 *
 * Launcher, runtime, --help and the manual all read the row.  A connector may
 * also offer commands with names of its own (CMD_CUSTOM): streaming, not
 * stateful, treated as a write because nothing is known of them.
 */
#ifndef CONTRACT_COMMAND_H
#define CONTRACT_COMMAND_H

#include <stdint.h>

enum command {
	CMD_TEST_CONNECTION,
	CMD_SPEC_READ,
	CMD_CONFIG_OPTIONS_READ,
	CMD_ACCOUNT_LIST,
	CMD_ACCOUNT_READ,
	CMD_ACCOUNT_CREATE,
	CMD_ACCOUNT_UPDATE,
	CMD_ACCOUNT_DELETE,
	CMD_ACCOUNT_ENABLE,
	CMD_ACCOUNT_DISABLE,
	CMD_ACCOUNT_UNLOCK,
	CMD_ACCOUNT_DISCOVER_SCHEMA,
	CMD_ENTITLEMENT_LIST,
	CMD_ENTITLEMENT_READ,
	CMD_AUTHENTICATE,
	CMD_CHANGE_PASSWORD,
	CMD_SOURCE_DATA_DISCOVER,
	CMD_SOURCE_DATA_READ,
	CMD_APPLICATION_DISCOVERY_LIST,
	CMD_AGENT_LIST,
	CMD_MACHINE_IDENTITY_LIST,
	CMD_RESOURCE_LIST,
	CMD_SSF_STREAM_DISCOVER,
	CMD_SSF_STREAM_READ,
	CMD_SSF_STREAM_CREATE,
	CMD_SSF_STREAM_UPDATE,
	CMD_SSF_STREAM_STATUS_UPDATE,
	CMD_SSF_STREAM_DELETE,
	CMD_SSF_STREAM_VERIFY,
	CMD_SSF_STREAM_REPLACE,
	CMD__STANDARD,			/* how many there are */
	CMD_CUSTOM = CMD__STANDARD,	/* any other name */
	CMD__MAX
};

#define CMD_STREAMS	(1u << 0)	/* any number of outputs; all others give exactly one */
#define CMD_WRITES	(1u << 1)	/* changes the source: never repeated blindly */
#define CMD_STATEFUL	(1u << 2)	/* may emit state records; the last one counts */
#define CMD_ARRAY	(1u << 3)	/* its output's data is an array, not an object */

/* Members that input must have, beyond being an object. */
#define NEEDS_OBJECT	(1u << 0)	/* identity or key */
#define NEEDS_ATTRIBUTES (1u << 1)	/* attributes, an object */
#define NEEDS_CHANGES	(1u << 2)	/* changes, an array */
#define NEEDS_TYPE	(1u << 3)	/* type, a string */
#define NEEDS_PASSWORD	(1u << 4)	/* password, a string */
#define NEEDS_USERNAME	(1u << 5)	/* username, a string */
#define NEEDS_KEY_NAME	(1u << 6)	/* key, a string (config-options) */
#define NEEDS_DATA_KEY	(1u << 7)	/* sourceDataKey, a string */
#define NEEDS_DATASETS	(1u << 8)	/* datasetIds, an array */

struct command_info {
	const char	*name;		/* "std:account:list"; NULL for CMD_CUSTOM */
	unsigned int	 flags;		/* CMD_* above */
	unsigned int	 needs;		/* NEEDS_* above */
	int64_t		 deadline_ms;	/* default; 0: none but silence */
};

/* Never NULL. */
const struct command_info	*command_info(enum command);

/* CMD_CUSTOM for a name that is not standard. */
enum command			 command_from_name(const char *name);

#endif
