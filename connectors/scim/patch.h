/*
 * patch.h -- what a change of one attribute does to a resource, and the PATCH
 * operations that say so to a server.
 *
 * The plan holds the resource as it will be (what PUT and POST send) beside the
 * operations (what PATCH sends).  A change that changes nothing adds nothing.
 */
#ifndef SCIM_PATCH_H
#define SCIM_PATCH_H

#include "connectors/scim/path.h"

#define SCIM_PATCH_OPS_MAX	1000u	/* operations in one request */

struct scim_plan {
	cJSON	*resource;	/* working copy; owned */
	cJSON	*ops;		/* array; owned */
	bool	 one_value;	/* the server takes lists of one value only */
};

/* Takes resource.  -1: no memory. */
int	 scim_plan_init(struct scim_plan *, cJSON *resource, struct error *e);
void	 scim_plan_free(struct scim_plan *);
#define autoplan	__attribute__((cleanup(scim_plan_free))) struct scim_plan

/* multi: the schema says that the attribute is a list.  -1: ERR_INVALID_REQUEST, ERR_LIMIT or no memory. */
int	 scim_plan_change(struct scim_plan *, const struct scim_path *, bool multi, enum change_op,
	    const cJSON *value, struct error *e);
bool	 scim_plan_is_empty(const struct scim_plan *);
/* True if sending the operations twice ends where once does, whatever the server makes of a path that is gone. */
bool	 scim_plan_repeatable(const struct scim_plan *);

/* The PatchOp message; takes ops.  NULL: no memory. */
cJSON	*scim_patch_message(cJSON *ops);
/* Appends {"op","path","value"}; takes value (NULL where wanted is false: none). -1: no memory or too many. */
int	 scim_op_push(cJSON *ops, const char *op, const char *path, bool wanted, cJSON *value, struct error *e);
/* The operations that put a member into a group, or take it out; by_value: removal names it in value, not in path. */
cJSON	*scim_member_ops(const char *id, bool add, bool by_value);
/* The same on the group itself, for PUT: 1 if it changed, 0, -1 no memory. */
int	 scim_member_apply(cJSON *group, const char *id, bool add);

/* value as the schema's type ("boolean", "int", "long", "string"; NULL: as it is).  NULL: no memory. */
cJSON	*scim_coerce(const cJSON *value, const char *type);

#endif
