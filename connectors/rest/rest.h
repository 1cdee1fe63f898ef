/*
 * rest.h -- one command of a described connector, as it runs.
 */
#ifndef REST_REST_H
#define REST_REST_H

#include "connectors/rest/describe.h"
#include "connectors/rest/index.h"
#include "connectors/rest/sigv4.h"

#define JOIN_BATCH		32u		/* records whose joins are asked for together */
#define JOIN_BATCH_BYTES	(8u << 20)	/* of them as trees; one more may lie above */
#define HELD_MAX		8u		/* texts of a sign-in */

struct rest {
	struct call			*c;
	const struct description	*d;
	struct fetch			*f;
	struct scope			 sc;
	cJSON				*config, *secret, *step, *id, *session, *token;	/* roots of the scope that are ours */
	const struct step		*now;		/* whose request is under way, for the judges */
	struct index			*indexes[JOINS_MAX];	/* of the object's joins, made when wanted first */
	char				*made;		/* id that a step of the operation under way said; NULL: none */
	bool				 listing;	/* many records are to come */
	struct tracking			*tracking;	/* of changes, while their list is read; NULL: an ordinary one */
	const char			*resume;	/* where that list begins, instead of at its path; NULL: there */
	enum then			 outcome;	/* of the rule that decided against an answer last */
	const struct step		*decided;	/* and whose answer that was */

	/* session.c */
	const struct sign_in		*auth;		/* the way that the configuration chose */
	char				*held[HELD_MAX];	/* texts of it, as long as this lives */
	size_t				 nheld;
	const char			*token_url, *login_base;	/* of held; NULL: none */
	struct sigv4			 aws;
	char				*base;		/* what sign-in made of http's; NULL: it depends on no sign-in */
	bool				 asked;		/* the source was asked to sign in, or what was kept was taken */
	bool				 entered;	/* so there is something to sign out of */
};

/* NULL with c->err set: faults of the description, or of the configuration. */
struct rest	*rest_new(struct call *c);
void		 rest_free(struct rest *);
static inline void rest_freep(struct rest **r) { rest_free(*r); }
#define autorest	__attribute__((cleanup(rest_freep))) struct rest

/*
 * check.c: every fault of the description in a folder, with its line, for `bascule validate --spec FOLDER`.  Exit status: 0
 * where there is none, 65 where there are, 66 where there is nothing to check.
 */
#define CHECK_ARG	"--check"
int		 description_check(const char *folder);

/* load.c: the description beside the program, read before the walls; what was wrong with it otherwise. */
const struct description *description_loaded(const cJSON *spec, struct error *e);

/* session.c: how the configuration signs in; a's texts live as long as r. */
int		 sign_in_ready(struct rest *r, struct auth *a);
/* Once r->f is there: signs in at once where requests are made of what comes with it, and goes where it leads. */
int		 sign_in_begin(struct rest *);
void		 sign_out(struct rest *);
void		 session_free(struct rest *);

/* token.c: asks for a token as r->auth says; token and *life_s are the caller's. */
int		 token_ask(struct rest *r, char **token, int64_t *life_s, struct error *e);
/* What an answer says for keeps; -1 with *e. */
int		 keeps_take(const struct keep *, size_t n, const struct fetch_response *, cJSON *into, struct error *e);

/* judge.c */
/* The rule that decides about an answer; NULL: none. */
const struct rule *rule_find(struct rest *, const struct fetch_response *);
/* 0: it is good; -1 with *e, which names the step, the status and the source's own words. */
int		 answer_judge(struct rest *, const struct step *, const struct fetch_response *, struct error *e);
/* ${response.status}, ${response.body...}; the body is only lent.  NULL: no memory. */
cJSON		*response_show(const struct fetch_response *);
/* A failure of a step names it, whatever failed; -1. */
int		 step_failed(const struct step *, struct error *e);
/* Does the step take this status for good? */
bool		 step_takes(const struct step *, int status);
int64_t		 answer_wait(void *rest, const struct fetch_response *, unsigned int attempt);
void		 answer_explain(void *rest, const struct fetch_response *, struct error *e);

/* step.c: what a request looks like now.  Strings live as long as it. */
struct ready {
	struct fetch_request	 rq;
	char			*path;
	struct fetch_param	 query[PAIRS_MAX + 1];
	char			*values[PAIRS_MAX];
	char			*header_lines[PAIRS_MAX + 1];
	struct value		 body;
};
int		 step_ready(struct rest *, const struct step *, struct ready *, struct error *e);
void		 ready_free(struct ready *);
/* All steps in order; *last (may be NULL) gets the answer of the last that ran. */
int		 op_run(struct rest *, const struct op *, struct fetch_response *last);
/* The id that a step's answer says of what was made; NULL: none of them.  Owned. */
char		*new_id(struct rest *, const struct step *, const struct fetch_response *);

/* record.c: a row as an account or entitlement, allow-listed; NULL with *e. */
cJSON		*record_map(struct rest *, const struct object *, const cJSON *row, struct error *e);
/* The same with what belongs to it already there. */
cJSON		*record_map_joined(struct rest *, const struct object *, const cJSON *row, const cJSON *joined, struct error *e);
/* 1: it counts; 0: "where" says no; -1. */
int		 record_counts(struct rest *, const struct object *, const cJSON *row, struct error *e);
/* Of a template: is it true?  -1 with *e, also where a secret would decide: what is so would tell of it. */
int		 text_true(struct rest *, const struct text *, struct error *e);
/* The same where only the source sees what was decided: whether a request is made. */
int		 text_holds(struct rest *, const struct text *, struct error *e);
/* The record in an answer. */
const cJSON	*answer_record(const struct step *, const struct fetch_response *);

/* Sets ${id}. */
int		 id_set(struct rest *, const char *id);
/* Reads it by the object's own "read" and emits it; fallback is emitted where there is none. */
int		 emit_read(struct rest *, const struct object *, const char *id, const cJSON *fallback);

/* list.c: all pages of a list's one step, each row (taken) to on_row. */
int		 pages_run(struct rest *, const struct step *, int (*on_row)(void *arg, cJSON *row, struct error *e), void *arg,
		    struct error *e);
/* Every record of these lists, emitted. */
int		 records_list(struct rest *, const struct object *, const struct op *, struct error *e);

/* delta.c */
/* Does the caller want changes, and can they be had? */
bool		 delta_wanted(const struct call *, const struct object *);
/* What changed since the state of the input, or all; and the next state. */
int		 changes_list(struct rest *, const struct object *);
int		 delta_page(struct tracking *, const struct fetch_response *, struct error *e);
/* 1: the row tells of a deletion, and so was told; 0: it is a record; -1. */
int		 delta_row(struct rest *, const struct object *, const cJSON *row, struct error *e);

/* join.c */
/* Makes the indexes that a list of records wants. */
int		 joins_prepare(struct rest *, const struct object *, struct error *e);
void		 indexes_drop(struct rest *);
/* Does a record of a list cost requests of its own? */
bool		 joins_ask(const struct object *);
/* What belongs to each of up to JOIN_BATCH records, by name.  joined[i] are the caller's, also after a failure. */
int		 joins_run(struct rest *, const struct object *, const cJSON *const *rows, size_t n, cJSON **joined, struct error *e);
/* About what a tree costs in memory. */
size_t		 tree_bytes(const cJSON *);

/* change.c: values that "create" knew nothing of, for ${id}; all: every attribute of the input, as for what was there before. */
int		 attributes_write(struct rest *, const struct object *, bool all);

/* Commands. */
int	rest_test(struct call *);
int	rest_account_list(struct call *);
int	rest_account_read(struct call *);
int	rest_account_create(struct call *);
int	rest_account_update(struct call *);
int	rest_account_delete(struct call *);
int	rest_account_disable(struct call *);
int	rest_account_enable(struct call *);
int	rest_account_unlock(struct call *);
int	rest_change_password(struct call *);
int	rest_entitlement_list(struct call *);
int	rest_entitlement_read(struct call *);

#endif
