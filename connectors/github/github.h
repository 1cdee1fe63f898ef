/*
 * github.h -- what the files of the GitHub organisation connector share.
 *
 *	main.c		table of commands
 *	settings.c	the config, read and checked once
 *	client.c	requests: sign-in, headers, 404s, paths
 *	app.c		sign-in as a GitHub App
 *	limit.c		GitHub's three rate-limit rules, without I/O
 *	memo.c		conditional requests within one invocation
 *	join.c		login -> teams or roles, compactly
 *	catalogue.c	the organisation's teams and roles
 *	members.c	who is in them
 *	account.c	GitHub's objects -> accounts, without I/O
 *	list.c, read.c, create.c, update.c, delete.c, entitlement.c, access.c	commands
 *	plan.c		changes -> requests, without I/O
 *
 * An account's id is its login: every path of the API takes it and people know
 * it.  It may be changed by its owner, so the number that cannot is the
 * attribute `id`.  A pending invitation is "invitation:<id>".
 */
#ifndef GITHUB_H
#define GITHUB_H

#include "worker/runtime/bascule.h"

#define GH_PAGE_ROWS		100	/* what GitHub gives at most */
#define GH_BATCH_ROWS		100	/* accounts that wait for their details at a time */
#define GH_PARALLEL		4	/* requests at once; GitHub's secondary limit dislikes more */
#define GH_TEAMS_MAX		100000	/* teams of one organisation */
#define GH_ROLES_MAX		10000	/* organisation roles */
#define GH_CHANGES_MAX		1000	/* requests of one update */
#define GH_INVITATION		"invitation:"

/* settings.c */
enum gh_auth { GH_AUTH_TOKEN, GH_AUTH_APP };

struct settings {
	const char	*base_url;
	const char	*org;
	const char	*api_version;
	enum gh_auth	 auth;
	const char	*token;
	const char	*app_id;
	const char	*private_key;
	const char	*installation_id;
	bool		 invitations;
	bool		 failed_invitations;
	bool		 outside;
	bool		 teams;		/* on accounts */
	bool		 roles;		/* organisation roles, on accounts and as entitlements */
	bool		 profiles;	/* name and email, one request an account */
	bool		 two_factor;
};
/* Strings belong to config.  -1: ERR_INVALID_CONFIGURATION, names the field. */
int	settings_read(const cJSON *config, struct settings *s, struct error *e);

/* limit.c */
struct limit_facts {
	int		 status;
	const char	*retry_after;	/* headers, or NULL */
	const char	*remaining;
	const char	*reset;		/* epoch seconds */
	const char	*message;	/* of the body, or NULL */
};
enum limit_kind { LIMIT_NONE, LIMIT_RETRY_AFTER, LIMIT_PRIMARY, LIMIT_SECONDARY };
#define LIMIT_SECONDARY_MS	60000	/* GitHub: wait at least a minute, then longer and longer */
#define LIMIT_SLACK_MS		1000	/* clocks differ */
/* Which rule an answer falls under and how long to wait.  attempt counts from 1. */
enum limit_kind limit_judge(const struct limit_facts *lf, int64_t now_s, unsigned int attempt, int64_t *wait_ms);
/* What may be waited now: a command with a deadline must live to say why it failed. */
int64_t	limit_budget_ms(int64_t deadline_ms, int64_t spent_ms);
/* "GitHub's rate limit ... until 2026-01-31T12:00:00Z". */
void	limit_text(enum limit_kind kind, int64_t now_s, int64_t wait_ms, char *out, size_t n);

/* memo.c: answers with their ETag.  Asked again they cost nothing of the rate limit. */
#define MEMO_ENTRIES_MAX	1024
struct memo_entry {
	char	*path, *etag;
	cJSON	*body;
};
struct memo {
	struct memo_entry	*entries;
	size_t			 n, cap;
};
const struct memo_entry *memo_find(const struct memo *m, const char *path);
/* Keeps a copy; full or without memory it forgets, which is only slower. */
void	memo_keep(struct memo *m, const char *path, const char *etag, const cJSON *body);
void	memo_free(struct memo *m);

/* join.c */
#define JOIN_NAME_BYTES_MAX	(32u << 20)	/* all logins together */
#define JOIN_LINKS_MAX		(4u << 20)	/* memberships */
struct join;
struct join	*join_new(void);
void		 join_free(struct join *j);
/* Logins are the same without regard to case.  A value that is there already is not added again at the end. */
int		 join_add(struct join *j, const char *login, uint32_t value, struct error *e);
bool		 join_has(const struct join *j, const char *login);
/* Calls fn for each value in the order they came; -1 from it ends that. */
int		 join_each(const struct join *j, const char *login, int (*fn)(void *arg, uint32_t value), void *arg);
size_t		 join_logins(const struct join *j);

/* catalogue.c: the i-th team or role.  For teams key is the slug, for roles the id. */
struct catalogue_row {
	char	*key;
	char	*name;
	int64_t	 id;
};
struct catalogue {
	struct catalogue_row	*rows;
	size_t			 n, cap, max;
	const char		*what;		/* "teams" */
	bool			 loaded;
};
int	catalogue_add(struct catalogue *cat, const char *key, const char *name, int64_t id, struct error *e);
/* By key, else by name.  NULL: none. */
const struct catalogue_row *catalogue_find(const struct catalogue *cat, const char *key);
void	catalogue_free(struct catalogue *cat);

struct github {
	struct call		*c;
	struct settings		 s;
	struct fetch		*f;
	int64_t			 started_ms;
	char			 held_back[320];	/* why and until when, once a wait was too long */
	struct memo		 memo;
	struct catalogue	 teams;
	struct catalogue	 roles;
};

/* client.c */
int	gh_open(struct github *g, struct call *c);
void	gh_close(struct github *g);
#define autogithub	__attribute__((cleanup(gh_close))) struct github
/* Segments, each percent-encoded, ended by NULL: "/orgs/acme/teams".  NULL: no memory. */
char	*gh_path(const char *first, ...) __attribute__((sentinel));
/*
 * All fill c->err.  A 404 becomes an ordinary failure, since "notFound" makes
 * the platform create an account; gh_find and gh_try say it in *found instead.
 */
int	gh_get(struct github *g, const char *path, cJSON **out);
int	gh_find(struct github *g, const char *path, cJSON **out, bool *found);
int	gh_send(struct github *g, const char *method, const char *path, const cJSON *body, cJSON **out);
int	gh_try(struct github *g, const char *method, const char *path, bool *found);
/* All pages; name and value: one more query parameter, or NULL.  rows: pointer to the array. */
int	gh_pages(struct github *g, const char *path, const char *name, const char *value, const char *rows,
	    int (*on_row)(void *arg, cJSON *row, struct error *e), void *arg);
/* Independent requests, several at a time; a 404 of one is a failure of all. */
int	gh_many(struct github *g, const struct fetch_request *rqs, size_t n,
	    int (*done)(void *arg, size_t i, struct fetch_response *rs, struct error *e), void *arg);
/* After a failed call of fetch: -1, and a rate limit's end is in the text. */
int	gh_failed(struct github *g);
/* After a failed call of fetch: true, and the error is gone, if it was a 404. */
bool	gh_was_absent(struct github *g);

/* app.c: AUTH_CUSTOM's token(); arg is the struct github. */
int	app_token(void *arg, struct fetch *f, char **token, int64_t *expires_in_s, struct error *e);
/* header.payload of the App's JWT, base64url; owned by the caller. */
char	*app_claims(const char *app_id, int64_t now_s, struct error *e);
/* "2026-01-31T12:00:00Z" in epoch seconds, or -1. */
int64_t	iso_time_s(const char *text);

/* catalogue.c */
int	teams_load(struct github *g);
int	roles_load(struct github *g);
/* Keys of the rows a login is joined with, as an array. */
cJSON	*join_keys(const struct join *j, const struct catalogue *cat, const char *login);
/* Fetches the teams of one account by asking each team. */
int	teams_of(struct github *g, const char *login, cJSON **keys);

/* members.c */
/* Who is in which team (value: index in g->teams); only NULL: everybody, else that login. */
int	teams_join(struct github *g, struct join *j);
/* Assignments of their own, not those through a team: only these can be taken away. */
int	roles_join(struct github *g, const char *only, struct join *j);

/* account.c */
enum account_type { ACCOUNT_MEMBER, ACCOUNT_INVITED, ACCOUNT_OUTSIDE, ACCOUNT__MAX };
/* How an account looks from GitHub's side.  All but keys borrowed. */
struct account_view {
	enum account_type	 type;
	const cJSON		*user;		/* simple-user; for invitations the invitation */
	const cJSON		*profile;	/* GET /users/{login}, or NULL */
	const char		*role;		/* "admin", "member", NULL */
	const cJSON		*teams;		/* array, or NULL: not read */
	const cJSON		*roles;		/* array, or NULL: not read */
	int			 two_factor_off;	/* -1: not known */
};
/* "invitation:<id>" or the login; owned by the caller, NULL: neither is there. */
char	*account_id(const struct account_view *v);
cJSON	*account_attributes(const struct account_view *v);
int	account_emit(struct github *g, const struct account_view *v);
/* An invitation's role in the words of a membership, and back (NULL: no such role). */
const char *role_from_invitation(const char *role);
const char *role_to_invitation(const char *role);
/* The number of "invitation:<number>", or NULL. */
const char *invitation_number(const char *id);

/* read.c */
struct found {
	enum account_type	 type;
	cJSON			*object;	/* owned: simple-user or invitation */
	char			 role[32];
};
void	found_free(struct found *fd);
#define autofound	__attribute__((cleanup(found_free))) struct found
/* Who an account id stands for.  Fails with notFound. */
int	account_find(struct github *g, const char *id, struct found *fd);
/* Everything about it, as list gives it. */
int	account_complete(struct github *g, const struct found *fd, cJSON **account);

/* plan.c */
enum step_kind { STEP_ROLE, STEP_TEAM_ADD, STEP_TEAM_REMOVE, STEP_ROLE_ADD, STEP_ROLE_REMOVE };
struct step {
	enum step_kind	 kind;
	const char	*value;		/* role, team slug, role id; lives as long as request and catalogue */
};
struct plan {
	struct step	*steps;
	size_t		 n, cap;
};
/* What is true now; catalogues must be loaded where such an attribute is changed. */
struct plan_state {
	const char			*role;
	const cJSON			*teams, *roles;		/* arrays of keys */
	const struct catalogue		*team_catalogue, *role_catalogue;
};
/* Steps that change something, in order; what is so already is left out. */
int	plan_make(struct call *c, const struct plan_state *now, struct plan *p);
void	plan_free(struct plan *p);
/* "add to team core"; for error texts. */
void	step_text(const struct step *st, char *out, size_t n);
/* Which attributes the changes name. */
bool	changes_name(const struct call *c, const char *attribute);

/* access.c: fails unless the credentials see the whole organisation, not only its public members. */
int	access_check(struct github *g);

/* commands */
int	cmd_test(struct call *c);
int	cmd_account_list(struct call *c);
int	cmd_account_read(struct call *c);
int	cmd_account_create(struct call *c);
int	cmd_account_update(struct call *c);
int	cmd_account_delete(struct call *c);
int	cmd_entitlement_list(struct call *c);
int	cmd_entitlement_read(struct call *c);

#endif
