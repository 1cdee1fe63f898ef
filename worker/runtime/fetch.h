/*
 * fetch.h -- HTTP for connectors: JSON in and out, sign-in, retries, paging.
 *
 * Over libcurl, on sockets that the egress broker connects.  TLS is verified
 * end to end in the worker and there is no switch to turn that off; private
 * CAs come in config's "caBundle" (PEM).  Included by bascule.h.
 *
 * Where the source has a budget ("rate" in connector-spec.json, or the operator's), every attempt waits for its turn
 * among all workers of the source, and what one of them is told to wait holds for all.  Nothing is to be done for it.
 *
 * Failures fill *e: ERR_INSUFFICIENT_PERMISSION (401, 403), ERR_NOT_FOUND
 * (404), ERR_INVALID_REQUEST (400, 409, 422), ERR_UPSTREAM (other 4xx and 5xx, connection and
 * TLS errors), ERR_TIMEOUT, ERR_INVALID_RESPONSE (not JSON, cut short, a
 * page that does not fit the others), ERR_NO_EGRESS (broker refused). The text names
 * method, URL without query, status, and up to 200 bytes of the answer.
 */
#ifndef BASCULE_FETCH_H
#define BASCULE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/error.h"

struct call;
struct fetch_response;
struct fetch;		/* one source: base URL, sign-in, retry state, connections */

#define FETCH_BODY_BYTES_MAX	(32u << 20)	/* one answer held as a tree */
#define FETCH_STREAM_BYTES_MAX	((uint64_t)4 << 30)	/* one answer read row by row */
#define FETCH_ROW_BYTES_MAX	(8u << 20)	/* one row of it */
#define FETCH_PAGES_MAX		1000000u	/* pages of one list */
#define FETCH_BODIES_BYTES_MAX	(64u << 20)	/* all answers under way together */
#define FETCH_PARALLEL		4u		/* requests under way at once, where nothing is said */
#define FETCH_PARALLEL_MAX	16u
#define FETCH_ATTEMPTS_MAX	5u		/* first try included */
#define FETCH_TIMEOUT_MS	60000		/* one attempt without a byte moving; time in your callbacks does not count */
#define FETCH_CONNECT_MS	15000
#define FETCH_WAIT_MS_MAX	120000		/* longest wait that Retry-After or a reset header may ask */
#define FETCH_BACKOFF_MS	500		/* first; doubles, with full jitter, up to: */
#define FETCH_BACKOFF_MS_MAX	30000
#define FETCH_REDIRECTS_MAX	5		/* same origin only */

enum auth_kind {
	AUTH_NONE,
	AUTH_BASIC,		/* user, secret */
	AUTH_BEARER,		/* secret */
	AUTH_API_KEY,		/* header or query parameter `name`, value prefix + secret */
	AUTH_OAUTH2_CC,		/* client credentials: user = client id, secret = client secret */
	AUTH_CUSTOM,		/* token() makes a bearer token (GitHub App and the like) */
	AUTH_SIGNED,		/* sign() signs each request by itself (AWS) */
};

/* A request as it will be sent, but for what sign() adds. */
struct fetch_outgoing {
	const char		*method, *url;
	const char *const	*headers;	/* "Name: value", NULL-terminated */
	const char		*body;		/* NULL: none */
	size_t			 body_bytes;
};
struct buf;

struct auth {
	enum auth_kind	 kind;
	const char	*user;
	const char	*secret;
	/* Where an API key or a token goes: a header (a token's, where name is NULL: Authorization), a parameter or a cookie. */
	const char	*name;
	const char	*prefix;	/* "SSWS " and the like; NULL: none, but of a token in Authorization "Bearer " */
	bool		 in_query, in_cookie;
	const char	*token_url;	/* OAuth2 */
	const char	*scope;		/* OAuth2; NULL: none */
	const char	*audience;	/* OAuth2 "audience" or "resource" extra parameter; NULL: none */
	bool		 secret_in_body; /* OAuth2: client id and secret as form fields, not as Basic */
	/*
	 * AUTH_CUSTOM: gives a token (owned by fetch, freed) and its life in
	 * seconds (0: unknown).  May use fetch_call with FETCH_NO_AUTH.  -1 with *e.
	 */
	int		(*token)(void *arg, struct fetch *f, char **token, int64_t *expires_in_s, struct error *e);
	/* AUTH_SIGNED: appends the lines that sign it ("Name: value\n") to lines; called for each attempt.  -1 with *e. */
	int		(*sign)(void *arg, const struct fetch_outgoing *out, struct buf *lines, struct error *e);
	void		*arg;
};

struct fetch_options {
	const char		*base_url;	/* https://host[:port][/path]; paths are appended to it */
	struct auth		 auth;		/* strings are copied */
	/* "Name: value", NULL-terminated; sent with every request, instead of fetch's own of that name (User-Agent). */
	const char *const	*headers;
	const char		*ca_bundle;	/* PEM, beside the system's CAs; NULL: config "caBundle" */
	/* Shown to servers that ask for a certificate: PEM, with those between it and its root; its key; the key's. NULL: none. */
	const char		*client_cert, *client_key, *client_key_password;
	const char		*content_type;	/* of bodies; NULL: application/json */
	const char		*accept;	/* NULL: application/json */
	unsigned int		 parallel;	/* 0: FETCH_PARALLEL; more than FETCH_PARALLEL_MAX is that */
	unsigned int		 attempts;	/* 0: FETCH_ATTEMPTS_MAX */
	int			 timeout_ms;	/* 0: FETCH_TIMEOUT_MS */
	/*
	 * Judges an answer that fetch would take as a refusal by rate limit or pass through.  Called for every
	 * status >= 400 before anything else.  >= 0: wait so many ms and repeat (within
	 * the attempts); -1: fetch decides.  NULL: fetch decides (429 and 503 with Retry-After, epoch reset headers).
	 * A wait after 429, or that was asked for with 403 or 503, holds back all of the client's requests to the
	 * source that are not under way: the budget is the source's.
	 */
	int64_t			(*wait_ms)(void *arg, const struct fetch_response *rs, unsigned int attempt);
	void			*wait_arg;
	/* Makes a better message or code out of an error answer, also of one that asks for too long a wait;
	   may change *e; NULL: none. */
	void			(*explain)(void *arg, const struct fetch_response *rs, struct error *e);
	void			*explain_arg;
};

/*
 * Waits between attempts, and long transfers, send keepAlive records by
 * themselves.  NULL with c->err set (bad URL, bad PEM, missing secret).
 * 401 refreshes an OAuth2 or custom token once (requests that are refused together share the new one);
 * tokens are refreshed 30 s before they expire.  Connections are kept for all calls of a client, and where a
 * source speaks HTTP/2 one serves many requests at a time.
 * A certificate of caBundle is trusted as it is: an intermediate without its root will do.
 */
struct fetch	*fetch_new(struct call *c, const struct fetch_options *o);
void		 fetch_free(struct fetch *f);
/* Signs in now where that takes a request, so that what comes with the token is there before the first request.  -1 with *e. */
int		 fetch_sign_in(struct fetch *f, struct error *e);
/* From now on paths are appended to this: never from https to http.  Still only where egress allows.  -1 with *e. */
int		 fetch_rebase(struct fetch *f, const char *base_url, struct error *e);

#define FETCH_NO_AUTH	(1u << 0)	/* send no credentials */
#define FETCH_REPEATABLE (1u << 1)	/* repeat blindly although the method is POST or PATCH */
#define FETCH_ONCE	(1u << 2)	/* never repeat */
#define FETCH_ANY_STATUS (1u << 3)	/* 4xx and 5xx are answers, not failures (after retries) */
#define FETCH_MAY_MISS	(1u << 5)	/* 404 is an answer: it is looked for, and may be gone */
#define FETCH_ELSEWHERE	(1u << 6)	/* path is a whole URL, of any origin: only with FETCH_NO_AUTH; without the client's headers */
#define FETCH_FORM	(1u << 4)	/* body is an object sent as application/x-www-form-urlencoded */

struct fetch_param { const char *name, *value; };	/* value NULL: left out */

struct fetch_request {
	const char			*method;	/* NULL: GET */
	const char			*path;		/* appended to base_url; or an absolute URL of the same origin */
	const struct fetch_param	*query;		/* encoded here; ends with name NULL; NULL: none */
	const char *const		*headers;	/* beside the client's; NULL-terminated; NULL: none */
	const cJSON			*body;		/* NULL: none */
	unsigned int			 flags;		/* FETCH_* */
	/*
	 * Row by row: the array at this pointer goes to on_row one element at a
	 * time (taken), and the answer's body is the envelope.  Rows that were
	 * delivered are never delivered twice: with rows, an attempt that fails
	 * after its first row is not repeated by fetch_call (fetch_pages resumes by itself).
	 */
	const char			*rows;		/* "/Resources"; "" the document; NULL: no rows */
	int				(*on_row)(void *arg, cJSON *row, struct error *e);
	const struct row_texts		*texts;		/* the runtime's own: NULL */
	void				*arg;
};

struct fetch_response {
	int		 status;
	cJSON		*body;		/* NULL where the answer had none (204) */
	size_t		 rows;		/* delivered to on_row */
	void		*headers;	/* private */
};

/* The header's value (the last of that name), or NULL; lives as long as the response. */
const char	*fetch_header(const struct fetch_response *rs, const char *name);
/* The value of a cookie that the answer sets; owned by the caller; NULL: none of that name. */
char		*fetch_cookie(const struct fetch_response *rs, const char *name);
void		 fetch_response_free(struct fetch_response *rs);
#define autoresponse	__attribute__((cleanup(fetch_response_free))) struct fetch_response

/* One request.  0 and *rs owned by the caller; -1, *rs zeroed, *e filled. rs may be NULL. */
int	fetch_call(struct fetch *f, const struct fetch_request *rq, struct fetch_response *rs, struct error *e);

/* The everyday forms: path may hold a query.  The tree belongs to the caller; out may be NULL. */
int	fetch_get(struct fetch *f, const char *path, cJSON **out, struct error *e);
int	fetch_send(struct fetch *f, const char *method, const char *path, const cJSON *body, cJSON **out,
	    struct error *e);

/*
 * n requests, at most o->parallel under way at once; each is treated as by fetch_call.
 * done(arg, i, rs) is called for each as it ends, in any order, with rs->body the caller's to take
 * (set NULL); it may make calls of its own.  The first failure, or -1 from done, ends all of it: -1 with *e,
 * and done is not called again.  A request that waits between attempts holds up none of the others.
 *
 * Memory: what is under way is bounded by FETCH_BODIES_BYTES_MAX together; an answer that does not fit
 * beside the others is asked for again, alone (of methods that may be repeated).  With rows, what is left of an
 * answer may be a `parallel`-th of that.  What done keeps is the caller's to bound: ask in batches.
 */
int	fetch_many(struct fetch *f, const struct fetch_request *rqs, size_t n,
	    int (*done)(void *arg, size_t i, struct fetch_response *rs, struct error *e), void *arg, struct error *e);

enum page_kind {
	PAGE_NONE,		/* one answer is all; a truncation marker is an error */
	PAGE_LINK,		/* Link: <...>; rel="next" */
	PAGE_NEXT_URL,		/* a URL in the body at `next` */
	PAGE_CURSOR,		/* a cursor in the body at `next`, sent as parameter `param` */
	PAGE_OFFSET,		/* `param` = rows so far, from `first` */
	PAGE_NUMBER,		/* `param` = page number, from `first` */
	PAGE_SCIM,		/* startIndex/count/totalResults of RFC 7644 */
};

struct page_plan {
	enum page_kind	 kind;
	const char	*rows;		/* pointer to the array of each answer */
	const char	*next;		/* pointer: next URL or cursor; for PAGE_NONE: a truncation marker that must be absent or false */
	const char	*more;		/* pointer to a boolean that says whether there is more; NULL: none */
	const char	*total;		/* pointer to the total; NULL: none.  SCIM: /totalResults */
	const char	*param;		/* offset, page or cursor parameter */
	const char	*size_param;	/* page size parameter; NULL: none.  SCIM: count */
	unsigned int	 size;		/* asked page size; 0: the source's default */
	int64_t		 first;		/* first offset or page number.  SCIM: always 1 */
	/* The parameters go not into the query but into the request's body (an object; cursors as text, numbers as numbers), or headers. */
	bool		 in_body, in_headers;
	bool		 rows_may_miss;	/* the source leaves the array out where it has no rows */
	bool		 total_may_move; /* the total may change while paging; still, fewer rows than the last total is an error */
	/* Judges the rest of each answer, before anything is made of it; -1 with *e ends the list.  NULL: nobody does. */
	int		(*judge)(void *arg, const struct fetch_response *rs, struct error *e);
	void		*judge_arg;
};

/*
 * All pages of a list, each row to on_row (taken).  Advances by rows received.
 * Ends cleanly only when the source says it is the end, and fails (ERR_INVALID_RESPONSE) on: a
 * repeated cursor or link, a next link of another origin, an empty page before
 * the total is reached, fewer or more rows than the total, a truncation marker, too many pages.
 * A page that breaks off after some rows is asked for again and the rows
 * already delivered are skipped, once their number still fits (offset kinds: asks from the first missing row).
 * first: path, query, headers as in a call; rows and on_row of it are ignored.  *rows_out may be NULL.
 */
int	fetch_pages(struct fetch *f, const struct fetch_request *first, const struct page_plan *p,
	    int (*on_row)(void *arg, cJSON *row, struct error *e), void *arg, uint64_t *rows_out, struct error *e);

/*
 * A list whose rows become outputs one by one, each by what is in the row itself.  What is made of rows that are alike is
 * learned, and most rows are then copied to their outputs without being taken apart (stencil.h).  For that make(), which
 * is called for some rows more than once and must do nothing else, may look only at those texts and numbers of a row for which
 * looks() is true; all others it may copy as they are, or leave out, whatever they hold.  Names, nesting, null, true and
 * false it may always look at.  What is to be known of each row is asked for by facts() and told to note().
 */
#define ROW_FACTS_MAX	4u
struct row_text { const char *text; size_t len; };	/* not NUL-terminated; text NULL: none */
struct row_maker {
	/* Texts of the row's own strings and numbers, as they are: no others. */
	void	(*facts)(void *arg, const cJSON *row, struct row_text out[ROW_FACTS_MAX]);
	/* For each row, before its output.  -1 with *e ends the list. */
	int	(*note)(void *arg, const struct row_text facts[ROW_FACTS_MAX], struct error *e);
	/* The data of its output, an object.  NULL with *e ends the list. */
	cJSON	*(*make)(void *arg, const cJSON *row, struct error *e);
	/* The string or number under these n names, outermost first, an element of an array under none. */
	bool	(*looks)(void *arg, const struct row_text *names, size_t n);
	bool	wary;		/* make() is to see each row with a text that holds a secret (redact_holds) */
	void	*arg;
};
/* As fetch_pages(), of a command that streams objects; each row is an output. */
int	fetch_records(struct fetch *f, const struct fetch_request *first, const struct page_plan *p, const struct row_maker *m,
	    struct error *e);
/* A scalar as a fact. */
struct row_text row_text(const cJSON *scalar);

/*
 * n short lists at once, each complete or an error as with fetch_pages; row (taken) belongs to the i-th.  Rows of different
 * lists come in any order, those of one in theirs.  Answers are held whole.  With FETCH_MAY_MISS a 404 is a list without rows.
 */
int	fetch_lists(struct fetch *f, const struct fetch_request *firsts, size_t n, const struct page_plan *p,
	    int (*on_row)(void *arg, size_t i, cJSON *row, struct error *e), void *arg, struct error *e);

/* One path segment or query value, percent-encoded (RFC 3986 unreserved kept); "." and ".." are encoded too.  Owned by the caller. */
char	*fetch_escape(const char *s);

/* base64url without padding; RS256 of data by a PEM private key (PKCS#1 or #8), base64url.  NULL and *e on failure. Owned by the caller. */
char	*fetch_base64url(const void *data, size_t n);
/* A private key in PEM form (an EVP_PKEY, the caller's); its password is never asked for at a terminal.  NULL: it is none. */
struct evp_pkey_st *fetch_key_read(const char *pem, const char *password);
char	*fetch_sign_rs256(const char *pem, const char *data, struct error *e);

#endif
