/*
 * scim.h -- the SCIM 2.0 connector (RFC 7643, RFC 7644): its settings, and what its files give each other.
 */
#ifndef SCIM_H
#define SCIM_H

#include "connectors/scim/map.h"
#include "connectors/scim/patch.h"

#define SCIM_PAGE_ROWS		100u	/* default page size */
#define SCIM_PAGE_ROWS_MAX	10000u
#define SCIM_FILTER_BYTES_MAX	8192
#define SCIM_GROUPS_MAX		1000000u	/* groups of one source */

enum scim_groups_from { GROUPS_FROM_USER, GROUPS_FROM_LIST, GROUPS_FROM_EACH, GROUPS_FROM_NONE };
enum scim_write_by { WRITE_AUTO, WRITE_PATCH, WRITE_PUT };
enum scim_member_filter { MEMBER_FILTER_PATH, MEMBER_FILTER_VALUE, MEMBER_FILTER_NONE };

/* The configuration, read.  Strings live as long as the config. */
struct scim_settings {
	char				*base_url;	/* owned, no '/' at its end */
	struct auth			 auth;
	const char			*content_type;
	unsigned int			 page_rows;
	const char			*user_filter, *group_filter, *sort_by;	/* NULL: none */
	bool				 can_filter;
	bool				 limit_attributes;	/* ask for what is wanted only */
	bool				 delta;
	enum scim_groups_from		 groups_from;
	enum scim_member_filter		 member_filter;
	bool				 member_remove_by_value;
	enum scim_write_by		 write_by;
	bool				 one_value;
	bool				 delete_deactivates;
	struct scim_path		 active;
};

struct scim {
	struct call		*c;
	struct scim_settings	 set;
	struct scim_map		 map;		/* of users */
	struct fetch		*f;
	bool			 puts;		/* valid once write_known */
	bool			 write_known;
	struct error		 group_error;	/* first failure of a group change */
};

/* 0, or -1 with ERR_INVALID_CONFIGURATION. */
int	 scim_settings_read(const cJSON *config, struct scim_settings *, struct error *e);
/* Reads the settings and opens the source.  NULL with c->err. */
struct scim *scim_open(struct call *c);
void	 scim_close(struct scim *);
static inline void
scim_closep(struct scim **s)
{
	scim_close(*s);
}
#define autoscim	__attribute__((cleanup(scim_closep))) struct scim

/* source.c: single resources.  kind: "Users" or "Groups". */
char	*scim_resource_path(const char *kind, const char *id);
int	 scim_get(struct scim *, const char *kind, const char *id, cJSON **out);
/* PUT with If-Match where the resource has a version; its meta is dropped. */
int	 scim_put(struct scim *, const char *path, cJSON *resource);
/* Sends what the plan says, by PATCH or PUT. */
int	 scim_user_write(struct scim *, const char *id, struct scim_plan *);
/* True if writes go by PUT; asks the server once where the settings leave it open. */
bool	 scim_writes_by_put(struct scim *);
/* A 404 that must not be taken for "no such account". */
int	 scim_not_missing(struct scim *, enum err_code instead, const char *what);
/* Lists: rows to on_row (taken).  filter and attributes NULL: none. */
int	 scim_list(struct scim *, const char *kind, const char *filter, const char *attributes, const char *excluded,
	    int (*on_row)(void *arg, cJSON *row, struct error *e), void *arg);
/* The same, each row an output. */
int	 scim_records(struct scim *, const char *kind, const char *filter, const char *attributes, const char *excluded,
	    const struct row_maker *m);
/*
 * Asks for the row behind the last of a list: a server that says fewer than it has, just at the end of a page, is
 * found out so.  -1 with ERR_INVALID_RESPONSE where there is one that known() does not know.
 */
int	 scim_list_ends(struct scim *, const char *kind, const char *filter, uint64_t rows,
	    bool (*known)(const void *arg, const char *id), const void *arg);

/* account.c */
/* The account of a user; group ids (array, taken) replace the user's own where not NULL.  NULL with *e. */
cJSON	*scim_account(struct scim *, const cJSON *user, cJSON *groups, struct error *e);
/* Ids in a user's own "groups"; NULL: no memory. */
cJSON	*scim_user_groups(const cJSON *user);
/* Re-reads the user and emits it, with results (array, taken) if not NULL. */
int	 scim_emit_user(struct scim *, const char *id, const cJSON *fallback, cJSON *results);

/* True if a membership attribute is to be shown. */
bool	 scim_wants_groups(const struct scim *);
/* Enables or disables. */
int	 scim_active_set(struct scim *, const char *id, bool active);

/* create.c: the last segment of a Location, decoded; NULL: there is none. */
char	*scim_id_from_location(const char *location);

/* groups.c */
/* Ids of the groups that a user is in (array), however the source tells. */
int	 scim_groups_of(struct scim *, const cJSON *user, cJSON **ids);
/* Puts a user into the group, or takes it out. */
int	 scim_group_change(struct scim *, const char *group, const char *user, bool add);
/* Adds and removes; what fails goes to results (array).  Returns how many were done. */
size_t	 scim_groups_change(struct scim *, const char *user, const cJSON *add, const cJSON *remove, cJSON *results);

/* members.c: whose member is whom, for a whole source, in 12 bytes a membership. */
struct scim_members;
struct scim_members *scim_members_new(void);
void	 scim_members_free(struct scim_members *);
/* -1: over SCIM_GROUPS_MAX or no memory. */
int	 scim_members_group(struct scim_members *, const char *id, struct error *e);
/* A member of the group named last. */
int	 scim_members_add(struct scim_members *, const char *user, struct error *e);
void	 scim_members_done(struct scim_members *);
/* Ids of the groups of a user, an array; NULL: no memory.  After scim_members_done(). */
cJSON	*scim_members_groups(const struct scim_members *, const char *user);
/* Reads them from the source. */
struct scim_members *scim_members_load(struct scim *);

/* idset.c: which ids came already, in 12 MiB up to 1.5 million of them, and 12 MiB for as many more. */
#define SCIM_ID_TABLES_MAX	16u	/* some 24 million ids */
struct scim_bucket;
struct scim_idset {
	uint64_t		*slots;		/* while they are few */
	size_t			 n, cap;
	struct scim_bucket	*large[SCIM_ID_TABLES_MAX];
	size_t			 nlarge;
};
uint64_t scim_id_hash(const char *id, size_t n);
/* 1 new, 0 seen before, -1 too many or no memory. */
int	 scim_idset_add(struct scim_idset *, const char *id, size_t n, struct error *e);
bool	 scim_idset_has(const struct scim_idset *, const char *id);
void	 scim_idset_free(struct scim_idset *);

/* moment.c: xsd:dateTime and HTTP dates. */
/* -1: not one.  Nanoseconds since 1970. */
int	 scim_moment_parse(const char *s, int64_t *ns);
int	 scim_moment_http(const char *s, int64_t *ns);
void	 scim_moment_print(int64_t ns, char out[40]);

/* schema.c: an AccountSchema out of /Schemas' resources; NULL with *e. */
cJSON	*scim_schema(const cJSON *schemas, const cJSON *extensions, const struct scim_map *, struct error *e);

/* The commands. */
int	 scim_test_connection(struct call *);
int	 scim_account_list(struct call *);
int	 scim_account_read(struct call *);
int	 scim_account_create(struct call *);
int	 scim_account_update(struct call *);
int	 scim_account_delete(struct call *);
int	 scim_account_enable(struct call *);
int	 scim_account_disable(struct call *);
int	 scim_change_password(struct call *);
int	 scim_entitlement_list(struct call *);
int	 scim_entitlement_read(struct call *);
int	 scim_discover_schema(struct call *);

#endif
