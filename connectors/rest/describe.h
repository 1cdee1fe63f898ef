/*
 * describe.h -- a description (rest.json), loaded: every string parsed, every member known, every fault told.
 */
#ifndef REST_DESCRIBE_H
#define REST_DESCRIBE_H

#include "connectors/rest/expr.h"
#include "connectors/rest/jwt.h"

#define DESCRIPTION_FILE	"rest.json"
#define DESCRIPTION_BYTES_MAX	(1u << 20)
#define FORMAT			1
#define STEPS_MAX		16u		/* of one operation */
#define PAIRS_MAX		32u		/* query parameters or headers of one step */
#define RULES_MAX		32u		/* of one list of error rules */
#define OK_MAX			8u		/* statuses that a step takes for good */
#define ATTRS_MAX		256u		/* of one object */
#define ENTITLEMENTS_MAX	16u		/* kinds */
#define KEEPS_MAX		8u		/* of one step */
#define JOINS_MAX		4u		/* of one object */
#define VALUES_BATCH_MAX 1000u		/* of one request */
#define JOIN_ROWS_MAX		10000u		/* of one record */
#define FAULTS_BYTES_MAX	(64u << 10)	/* of all texts of faults together */

/* What is wrong with a description, a line each: "/account/list/get: ..." */
struct faults {
	struct buf	 text;
	unsigned int	 n;
};

struct pair {
	char		*name;
	struct text	*value;
};
struct pairs {
	struct pair	 at[PAIRS_MAX];
	size_t		 n;
};

/* What an answer means: the first rule that fits decides. */
enum then {
	THEN_OK, THEN_NOT_FOUND, THEN_EXISTS, THEN_INVALID, THEN_AUTH, THEN_WAIT, THEN_RETRY, THEN_FATAL,
	THEN_RESTART,	/* what a list of changes began with is no longer known: all is listed */
	THEN__MAX
};
struct rule {
	char		*where;			/* pointer to it, for messages */
	int		 status[OK_MAX];	/* 429; 5 means 5xx; none: any */
	size_t		 nstatus;
	char		*header;		/* must be there ... */
	char		*header_value;		/* ... and have this in it; NULL: any */
	struct text	*when;			/* must be true of the response; NULL: none */
	enum then	 then;
	char		*message;		/* pointer to the source's own words; NULL: none */
	char		*wait_header;		/* seconds, a date, or seconds since 1970 */
};
struct rules {
	struct rule	 at[RULES_MAX];
	size_t		 n;
};

/* A value that a step keeps for those behind it: step.NAME. */
struct keep {
	char		*name;
	char		*pointer;	/* into the body; NULL: */
	char		*header;	/* a header */
	char		*cookie;	/* a cookie that is set */
};

struct step {
	bool		 sign_in;	/* of a sign-in: secrets in its headers, no token, and what it keeps is secret */
	char		*where;		/* pointer to it, for messages: "/account/create/steps/0" */
	const char	*method;
	struct text	*path;
	char		*shown;		/* both as the description has them, for messages: "GET /users/${id}" */
	struct pairs	 query, headers;
	struct tmpl	*body;		/* NULL: none */
	bool		 form;
	struct text	*when;		/* done only if true; NULL: always */
	struct text	*each;		/* once for each value of it; NULL: once */
	int		 ok[OK_MAX];	/* statuses beyond 2xx that are good */
	size_t		 nok;
	bool		 repeatable;
	struct rules	 errors;	/* before those of "http" */
	char		*items;		/* pointer to the rows of a list; NULL: none */
	char		*item;		/* pointer to the record of a single answer; "" the answer itself */
	struct page_plan page;
	bool		 distinct;	/* no record of the list may come twice */
	struct keep	 keeps[KEEPS_MAX];
	size_t		 nkeeps;
	struct new_id {
		char		*from;	/* "/id", "location", "input:/attributes/x"; NULL: */
		struct text	*text;	/* an expression over ${response} */
	}		 new_id[4];	/* where the id of what was made is: the first that says so */
	size_t		 nnew_id;
};

struct op {
	struct step	*steps;
	size_t		 n;		/* 0: unsupported */
};

/* One attribute of an account or entitlement. */
struct attr {
	char		*name;
	char		*pointer;	/* where it is in the record; NULL: */
	struct tmpl	*value;		/* how it is made */
	bool		 multi;
	enum { TYPE_ANY, TYPE_STRING, TYPE_INT, TYPE_BOOLEAN } type;	/* of the specification's schema */
};

/*
 * Rows of another list that belong to a record: its groups, say.  Either one request (and its pages) for each record; or, from
 * the other side, an index: rows that name records ("key" in them), or whose members do, read once before a list of records.
 */
struct join {
	char		*name;		/* join.NAME */
	struct op	 list;		/* one step; sees ${record}.  With an index: for a record that is read singly */
	struct op	 index;		/* lists; n == 0: none */
	struct op	 members;	/* of a row of the index, which is ${record}: one step; n == 0: none */
	char		*members_at;	/* or a pointer to them in it; NULL: the row itself names the record */
	char		*key;		/* in a member: pointer to what it knows the record by */
	char		*on;		/* and where that is in the record; NULL: its id */
	struct attr	 value;		/* of a row of the index: what the record gets */
	struct text	*when;		/* of an index: not for every record; NULL: for each */
	struct text	*where;		/* of a row of it: it counts; NULL: all do */
};

/* Changes of an attribute of several values, where they do not simply go with the others. */
struct routed {
	char		*attribute;
	struct op	 add, remove, set;	/* for each ${value} */
	unsigned int	 batch;		/* values at a time: ${value} is an array of so many at most; 0: one, and it is no array */
	bool		 compare;	/* the source takes no value twice: what it has is read first */
	bool		 whole;		/* the source takes the whole list only, by "update" */
	bool		 on_create;	/* "create" knows nothing of it: values are added to what was made */
};

/* Lists of what changed since the last one. */
struct delta {
	struct op	 list;		/* sees ${state}; n == 0: there are none */
	char		*link;		/* in its last page: where to go on next time; NULL: */
	struct attr	 since;		/* when a record changed; the newest is ${state.since} of the next time */
	struct text	*deleted;	/* of a row: true of what is gone; NULL: none tells so */
	struct op	 deletions;	/* lists of what is gone */
	char		*deleted_id;	/* of such a row: pointer to its id; NULL: the object's */
};

struct object {
	char		*type;		/* of an entitlement; NULL: account */
	char		*id;		/* pointers into a record */
	char		*unique_id;	/* NULL: none */
	struct attr	 attrs[ATTRS_MAX];
	size_t		 nattrs;
	struct text	*where;		/* rows that count; NULL: all */
	struct text	*disabled, *locked;
	struct text	*truncated;		/* true of a record that its source cut off: an error */
	struct op	 upsert;	/* finds what exists already, if that is taken for what was to be made */
	struct op	 list, read, create, update, remove, disable, enable, unlock, password;
	struct delta	 delta;
	struct join	 joins[JOINS_MAX];
	size_t		 njoins;
	struct routed	*routed;
	size_t		 nrouted;
	bool		 read_back;	/* create and update end with a read */
};

/* A signed token, as it is made: "iat", "exp" and "jti" are put into the claims where they do not say otherwise. */
struct jwt_plan {
	const struct jws_alg	*alg;
	struct text		*key, *password, *cert;
	struct tmpl		*header, *claims;	/* NULL: none */
	int64_t			 life_s;
};

enum sign_kind {
	SIGN_NONE, SIGN_BASIC, SIGN_BEARER, SIGN_KEY, SIGN_OAUTH2, SIGN_JWT, SIGN_LOGIN, SIGN_AWS, SIGN__MAX
};
enum client_auth { CLIENT_BASIC, CLIENT_POST, CLIENT_SECRET_JWT, CLIENT_KEY_JWT, CLIENT_NONE, CLIENT__MAX };

struct sign_in {
	enum sign_kind	 kind;
	struct text	*when;			/* of several, the first that is true; NULL: always */
	struct text	*user, *secret;
	struct text	*prefix;		/* NULL: the kind's own */
	char		*name;			/* where the key or token goes; NULL: Authorization */
	bool		 in_query, in_cookie;
	/* oauth2 */
	struct text	*token_url, *scope, *audience;
	enum client_auth client_auth;
	char		*grant;
	struct pairs	 params;
	struct jwt_plan	*jwt;			/* jwt: the token; oauth2: the assertion; login: token.jwt */
	struct jwt_plan	*client_jwt;		/* of client_secret_jwt and private_key_jwt; NULL: of the secret */
	char		*token_at, *expires_at;	/* pointers into the token's answer */
	char		*rotated;		/* member of the configuration that a new refresh token replaces; NULL: none */
	/* login */
	struct text	*base;			/* of its paths; NULL: that of http */
	struct op	 login, logout;
	struct text	*token, *expires;
	/* oauth2, login: kept for session.NAME; no secrets */
	struct keep	 keeps[KEEPS_MAX];
	size_t		 nkeeps;
	/* aws */
	struct text	*region, *service, *session_token;
};
#define SIGN_INS_MAX	8u

/* A certificate to show where a server asks for one; all absent: none. */
struct tls_plan {
	struct text	*cert, *key, *password;
};

struct description {
	struct text	*base;
	struct sign_in	 auth[SIGN_INS_MAX];
	size_t		 nauth;
	struct tls_plan	 tls;
	struct pairs	 headers;
	struct rules	 errors;
	char		*content_type, *accept;
	unsigned int	 parallel;
	struct op	 test;
	struct object	 account;
	struct object	 entitlements[ENTITLEMENTS_MAX];
	size_t		 nentitlements;
};

/*
 * Reads a description against its connector-spec.json.  NULL: no memory, or there are faults (at least one).
 */
struct description	*describe(const cJSON *doc, const cJSON *spec, struct faults *);
void			 describe_free(struct description *);
/* A fault at a pointer. */
void			 fault(struct faults *, const char *where, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* describe_join.c */
void	 joins_read(struct object *, const cJSON *v, const char *where, struct faults *);
void	 join_plan_free(struct join *);

/* describe_delta.c */
void	 delta_read(struct delta *, const cJSON *v, const cJSON *spec, const char *where, struct faults *);
void	 delta_free(struct delta *);

/* describe_change.c */
void	 routed_read(struct object *, const cJSON *v, const char *where, struct faults *);

/* describe_auth.c */
void	 sign_ins_read(struct description *, const cJSON *v, const char *where, struct faults *);
void	 tls_read(struct tls_plan *, const cJSON *v, const char *where, struct faults *);
void	 sign_in_free(struct sign_in *);

/* describe_free.c */
void	 op_free(struct op *);
void	 pairs_free(struct pairs *);
void	 keeps_free(struct keep keeps[KEEPS_MAX]);

/* By its name; NULL: there is none. */
const struct attr *attr_of(const struct object *, const char *name);
/* describe_step.c */
void	 op_read(struct op *, const cJSON *v, const char *where, struct faults *);
/* The same for requests that sign in or out. */
void	 sign_in_op_read(struct op *, const cJSON *v, const char *where, struct faults *);
size_t	 keeps_read(struct keep keeps[KEEPS_MAX], const cJSON *v, const char *where, struct faults *);
void	 rules_read(struct rules *, const cJSON *v, const char *where, struct faults *);
void	 pairs_read(struct pairs *, const cJSON *v, const char *where, bool secrets, struct faults *);
/* A template; NULL where v is none or has a fault.  secrets: may one be in it? */
struct text	*text_read(const cJSON *v, const char *where, bool secrets, struct faults *);
/* "" or "/..."; NULL where v is absent or has a fault.  Owned. */
char		*pointer_read(const cJSON *v, const char *where, struct faults *);
/*
 * Every member of the object must be one of these: "a b:s c:b".  A letter says of which type: s string, b boolean, n whole
 * number, x anything but null.
 */
void		 members_only(const cJSON *object, const char *names, const char *where, struct faults *);
/* where + "/" + name, in a buffer of the caller's. */
#define WHERE_BYTES	512
const char	*inside(char out[WHERE_BYTES], const char *where, const char *name);

#endif
