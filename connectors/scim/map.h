/*
 * map.h -- which account attribute lies where in a SCIM user.
 *
 * Built from the usual places, the administrator's "attributes" list and the
 * schema of the request.  Only what is here ever leaves the connector.
 */
#ifndef SCIM_MAP_H
#define SCIM_MAP_H

#include "connectors/scim/path.h"

#define SCIM_ATTRIBUTES_MAX	1000u

struct scim_attr {
	char			*name;		/* of the account */
	struct scim_path	 path;
	const char		*type;		/* "string", "boolean", "int", "long" */
	bool			 multi;
	bool			 wanted;	/* shown in results */
	bool			 is_groups;	/* the entitlement: membership, not an attribute to write */
	bool			 write_only;
	bool			 read_only;
};

struct scim_map {
	struct scim_attr	*v;
	size_t			 n, cap;
};

/*
 * config: "attributes" is a list of {"key":attribute,"value":path}.  schema: of the
 * request, or NULL for all; spec: its accountSchema tells types.  -1 with *e.
 */
int	scim_map_init(struct scim_map *, const cJSON *config, const cJSON *schema, const cJSON *spec,
	    struct error *e);
/* The same for groups: attributes of an entitlement schema are paths. */
int	scim_map_init_group(struct scim_map *, const cJSON *schema, struct error *e);
void	scim_map_free(struct scim_map *);

/* The attribute of that name; one that is not mapped is a path itself.  NULL with *e. */
struct scim_attr *scim_map_find(struct scim_map *, const char *name, struct error *e);

/* All that is wanted and there, as an object; groups are the caller's to add.  Its names are the map's, which must outlive it.  NULL with *e. */
cJSON	*scim_map_read(const struct scim_map *, const cJSON *resource, struct error *e);

/* True if scim_map_read() looks at the text under these names and does not only copy it. */
bool	 scim_map_looks(const struct scim_map *, const struct row_text *names, size_t n);

/* What "attributes=" has to ask for, comma-separated, with id, meta and the path besides.  NULL: no memory. */
char	*scim_map_query(const struct scim_map *, const char *besides);

#endif
