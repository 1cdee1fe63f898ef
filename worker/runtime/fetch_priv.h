/*
 * fetch_priv.h -- what the files of the fetch layer share.  Not for connectors.
 *
 *	fetch.c		a client; the calls that connectors make
 *	fetch_run.c	requests under way: a window of them, or one
 *	fetch_send.c	what is sent: headers, body, sign-in
 *	fetch_judge.c	what comes after an attempt: an end, another one, a wait
 *	fetch_answer.c	what an answer means
 *	fetch_try.c	one attempt over libcurl
 *	fetch_tls.c	what is loaded before the walls; the CA store
 *	fetch_session.c	TLS sessions that outlive an invocation
 *	fetch_auth.c	sign-in
 *	fetch_text.c	URLs, escapes, signatures
 *	fetch_retry.c, fetch_link.c	decisions without I/O
 *	fetch_page.c	what a page of a list means; without I/O too
 *	fetch_pages.c	a whole list
 *	fetch_records.c	a list whose rows are outputs; stencil.c, stencil_learn.c copy most of them
 *	egress_client.c	sockets
 */
#ifndef RUNTIME_FETCH_PRIV_H
#define RUNTIME_FETCH_PRIV_H

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "worker/contract/rows.h"
#include "worker/runtime/bascule.h"
#include "worker/runtime/stencil.h"

#define FETCH_LEVELS_MAX	4u		/* calls made from inside row callbacks of calls */
#define FETCH_HEADER_BYTES_MAX	(64 * KIB)	/* all headers of one answer */
#define FETCH_URL_BYTES_MAX	(64 * KIB)
#define FETCH_TEXT_BYTES_MAX	200u		/* of an answer, in an error text */
#define FETCH_FAILURE_BYTES_MAX	(1 * MIB)	/* of an answer that says it failed */
#define FETCH_ALIVE_MS		60000		/* silence after which a keepAlive is sent */
#define FETCH_TURN_MS		1000		/* longest wait without a look at the clocks */
#define FETCH_WINDOW		4u		/* requests begun for each that may be under way: the others wait */
#define FETCH_TOKEN_EARLY_MS	30000		/* a token is replaced this long before its end */
#define FETCH_TOKEN_S		3600		/* life of a token that does not say */

/* Before the walls, once: libcurl, OpenSSL, the CA store, time zone. */
int	fetch_preload(struct error *e);
/* The same in a process of which one worker will be forked, if that: what needs no file is left to whom needs it. */
int	fetch_preload_once(struct error *e);
/* In a nursery, once: runs what most workers will run, for the memory that it maps. */
void	fetch_rehearse(void);

/* FETCH_ALIVE_MS; tests are less patient. */
extern int64_t	fetch_alive_after_ms;

/* A connected socket, or -1.  Tests put a plain connect in its place. */
extern int (*fetch_connect)(const char *host, uint16_t port, struct error *e);
int	egress_open(const char *host, uint16_t port, struct error *e);
/*
 * Before each attempt: 0, or how many ms later to ask again, or -1.  At once 0 where the source has no budget.
 * inner: others that are permitted are held open for it.
 */
int64_t	permit_ask(bool inner, struct error *e);
/* After each attempt that was permitted; the source wants none of anybody's for so long. */
void	permit_done(int64_t hold_ms);
unsigned int permit_count(void);	/* held by this process */

struct origin {
	char		host[EGRESS_HOST_BYTES_MAX + 1];
	uint16_t	port;
	bool		https;
};

struct token {
	char		*value;
	int64_t		 until_ms;
	uint64_t	 serial;	/* grows as tokens are thrown away */
};

/* What requests made from inside a callback of others may not share with them. */
struct level {
	CURLM		*multi;		/* holds the connections */
	CURL		*idle[FETCH_PARALLEL_MAX];
	unsigned int	 nidle;
};

struct fetch {
	struct call		*c;
	char			*base;		/* no '/' at the end */
	struct origin		 origin;
	struct auth		 auth;
	struct token		 token;
	struct tls_ident	*ident;		/* shown to servers that ask; NULL: none */
	char			**headers;	/* NULL-terminated */
	char			*content_type, *accept;
	unsigned int		 attempts, parallel;
	int			 timeout_ms;
	int64_t			(*wait_ms)(void *arg, const struct fetch_response *rs, unsigned int attempt);
	void			*wait_arg;
	void			(*explain)(void *arg, const struct fetch_response *rs, struct error *e);
	void			*explain_arg;
	struct curl_slist	*placeholder;	/* for every host */
	struct level		 levels[FETCH_LEVELS_MAX];
	unsigned int		 level;		/* the first that has nothing under way */
	size_t			 held;		/* bytes of answers under way */
	int64_t			 pause_until_ms;	/* the source wants nothing before */
	bool			 keeps;		/* the last answer said that its connection stays: to be believed by what goes but once */
	struct origin		 keeper;	/* whose word that was */
	int64_t			 away_ms;	/* spent in callbacks, while transfers could not go on */
	int64_t			 alive_ms;	/* when a record was written last, as far as is known */
	uint64_t		 alive_count;
	bool			 warned;
	bool			 cut;		/* the last call failed because its answer broke off */
	bool			 signing;	/* a custom token is being made */
};

/* One attempt and what came of it. */
struct attempt {
	struct fetch			*f;
	const struct fetch_request	*rq;
	const char			*method;
	const char			*url;		/* signed.data */
	struct buf			 signed_url;
	struct origin			 origin;	/* of url */
	const char			*body;		/* NULL: none */
	size_t				 body_bytes;
	struct curl_slist		*headers;
	uint64_t			 token;		/* serial of the one it was signed with */
	size_t				 envelope_max;
	bool				 alone;		/* nothing else is under way */
	bool				 http2;		/* so it was answered */
	CURL				*easy;
	struct level			*level;

	CURLcode			 code;
	char				 curl_text[CURL_ERROR_SIZE];
	int				 status;
	struct buf			 head;		/* header lines of the last answer, '\n' between */
	struct buf			 in;
	uint64_t			 in_bytes;
	size_t				 held;		/* of f->held */
	struct rows			*rows;
	size_t				 nrows;
	unsigned int			 sends;		/* libcurl repeats by itself on a dead connection */
	int64_t				 moved_ms;	/* when a byte moved last, by fetch_clock() */
	curl_off_t			 moved;		/* bytes until then */
	bool				 opened;	/* it waits for a connection of its own */
	bool				 silent;	/* too long */
	bool				 crowded;	/* its answer does not fit beside the others */
	bool				 sent;		/* the request may have reached the source */
	bool				 cut;		/* the answer broke off */
	bool				 callers;	/* err is the row callback's */
	struct error			 err;		/* of a callback; ERR_NONE: none */
};

/* A request on its way: its attempts, one after the other. */
enum job_state {
	JOB_FREE,
	JOB_READY,		/* the next attempt begins when it is due */
	JOB_FLYING,		/* an attempt is under way */
};
struct job {
	enum job_state		 state;
	size_t			 i;		/* which of the caller's */
	struct fetch_request	 rq;
	bool			 has_body;
	bool			 ours;		/* goes to the source, not to a token endpoint elsewhere */
	const char		*form;		/* of a sign-in; NULL: rq says all */
	struct buf		 url;		/* without sign-in */
	struct buf		 body;
	unsigned int		 attempt;	/* from 1 */
	unsigned int		 redirects;
	bool			 renewed;	/* a 401 has led to another token */
	bool			 alone;		/* runs while nothing else does */
	int64_t			 due_ms;
	int64_t			 hold_ms;	/* what the last attempt was told to wait, all of the source's */
	struct attempt		 a;
};

/* fetch_run.c */
struct run {
	struct fetch			*f;
	const struct fetch_request	*rqs;
	size_t				 n;
	unsigned int			 flags;		/* added to theirs */
	unsigned int			 parallel;
	const char			*url, *form;	/* of a sign-in: n is 1 */
	int				(*done)(void *arg, size_t i, struct fetch_response *rs, struct error *e);
	void				*arg;

	/* Private. */
	struct job			*jobs;
	size_t				 njobs, open, next;
	unsigned int			 flying;
	unsigned int			 level;
	bool				 inner;		/* begun while other requests were under way */
	int64_t				 permit_ms;	/* no use to ask for a permit before */
};
/* All requests to their ends; the first failure, or -1 from done, is the end of all. */
int	run_requests(struct run *r, struct error *e);

/* fetch_send.c: makes j->a, ready to be started. */
int	job_sign(struct fetch *f, struct job *j, struct error *e);
int	job_body(struct job *j, struct error *e);

/* fetch_judge.c */
enum next { NEXT_DONE, NEXT_AGAIN, NEXT_FAIL };
/* After an attempt: NEXT_AGAIN with j->due_ms set, or the end. */
enum next job_judge(struct job *j, struct fetch_response *rs, struct error *e);

/* fetch_try.c */
int	attempt_start(struct attempt *a, struct level *l, struct error *e);
/* It came to its end, or is given up. */
void	attempt_stop(struct attempt *a, CURLcode code);
void	attempt_end(struct attempt *a);
int	attempt_rows(struct attempt *a);	/* makes a->rows if there are none */
void	level_free(struct level *l);
void	fetch_alive(struct fetch *f);
/*
 * A clock that stands still during callbacks: what is spent in them is nobody's
 * silence.  To put it back after one is to have stopped it.
 */
int64_t	fetch_clock(const struct fetch *f);
void	fetch_clock_set(struct fetch *f, int64_t ms);

/* A request whose rows may be taken as texts; both get its arg. */
struct row_texts {
	/* As of rows_options. */
	ssize_t	(*on_text)(void *arg, const char *text, size_t n, struct error *e);
	/* Before each row that is not: where it comes from, for rows_text(). */
	void	(*rows)(void *arg, const struct rows *from);
};

/* In a request's flags: nobody wants the body, so it need not be JSON. */
#define FETCH_BODY_UNREAD	(1u << 16)

/* fetch.c */
/* The URL a request means, without sign-in. */
int	fetch_url_make(const struct fetch *f, const struct fetch_request *rq, struct buf *url, struct error *e);
/* The header of that name behind the value `after` (NULL: the first), or NULL. */
const char *header_next(const struct fetch_response *rs, const char *name, const char *after);
/* A POST of a form to any URL. */
int	fetch_form_call(struct fetch *f, const char *url, const struct fetch_request *rq, const char *form,
	    struct fetch_response *rs, struct error *e);
/* Waits, with keepAlives. */
void	fetch_sleep(struct fetch *f, int64_t ms);

/* fetch_answer.c: each -1 with *e; answer_take 0 where the answer could be read. */
int	answer_take(struct attempt *a, struct fetch_response *rs, struct error *e);
int	answer_status_fail(struct attempt *a, const struct fetch_response *rs, struct error *e);
int	answer_curl_fail(struct attempt *a, struct error *e);

/* fetch_tls.c */
int	tls_trust(const char *pem, struct error *e);
/* A certificate with its chain and key, in memory only; NULL with *e. */
struct tls_ident *tls_ident_new(const char *cert, const char *key, const char *password, struct error *e);
void	tls_ident_free(struct tls_ident *);
/* arg: the struct attempt that it is for. */
CURLcode tls_context(CURL *easy, void *ssl_ctx, void *arg);

/* fetch_session.c: sessions of connections by this context are kept for others, and one that was is used.  shown: may be NULL. */
#define FETCH_SESSIONS_MAX	4u		/* origins of one invocation */
void	session_attach(SSL_CTX *ctx, const struct origin *o, const X509 *shown);

/* fetch_text.c */
int	origin_of(const char *url, struct origin *o);
bool	origin_same(const struct origin *a, const struct origin *b);
bool	origin_loopback(const struct origin *o);
void	query_add(struct buf *b, const char *name, const char *value);
void	form_add(struct buf *b, const char *s);
/* ref as seen from base (RFC 3986); owned by the caller, NULL: no URL. */
char	*url_resolve(const char *base, const char *ref);
/* A URL without its query, for texts. */
const char *url_shown(const char *url, char out[256]);
void	text_printable(char *out, size_t max, const char *s, size_t n);

/* fetch_retry.c: no clock, no chance of its own. */
#define RETRY_NO	(-1)
#define RETRY_TOO_LONG	(-2)	/* the source asked for more than FETCH_WAIT_MS_MAX */
struct retry_facts {
	const char	*method;
	unsigned int	 flags;		/* FETCH_* */
	int		 status;	/* 0: no answer came */
	bool		 sent;
	int64_t		 asked_ms;	/* what the source asked to wait, -1 if nothing */
	bool		 told;		/* the connector says so: whatever status and method */
	unsigned int	 attempt;	/* that just ended, from 1 */
	unsigned int	 attempts;
};
int64_t	retry_wait_ms(const struct retry_facts *r, uint32_t chance);
bool	retry_repeatable(const char *method, unsigned int flags);
/* Exponential, with full jitter. */
int64_t	retry_backoff_ms(unsigned int attempt, uint32_t chance);
int64_t	retry_after_ms(const char *value, int64_t now_s);
int64_t	retry_asked_ms(const struct fetch_response *rs, int64_t now_s);

/* fetch_link.c: target of the first link with this relation; owned by the caller, NULL: none. */
char	*link_find(const char *header, const char *rel);

/* fetch_auth.c */
int	auth_copy(struct auth *to, const struct auth *from, struct error *e);
void	auth_wipe(struct auth *a);
/* Adds what signs this request in: a header, or a parameter to url. */
int	auth_apply(struct fetch *f, struct curl_slist **headers, struct buf *url, struct error *e);
/* What is signed as a whole: the last thing before it goes. */
int	auth_sign(struct attempt *a, struct error *e);
/* True if a 401 of a request signed with that token may be cured by another one. */
bool	auth_renew(struct fetch *f, uint64_t serial);
void	auth_forget(struct fetch *f);

/* fetch_page.c */
#define PAGE_PARAMS_MAX	2u		/* that paging adds to a query */
#define PAGE_QUERY_MAX	32u		/* parameters of a list's own query */
#define PAGE_HEAD_ROWS	8u		/* rows by which a page is told from the one before */
#define PAGE_HASH_START	UINT64_C(0xcbf29ce484222325)

struct page_state {
	const struct page_plan	*p;
	uint64_t		 rows;		/* of all pages so far */
	uint64_t		 pages;		/* that came in full */
	uint64_t		 total;		/* as said last */
	bool			 total_known;
	uint64_t		 head;		/* how the page before began */
	char			*next;		/* cursor or absolute URL; owned */
	cJSON			*body;		/* of the question under way; NULL: the first's */
	const char		**headers;	/* the same; the last ones are `lines` */
	char			*lines[PAGE_PARAMS_MAX];
	uint64_t		*seen;		/* hashes of all of them: open addressing, 0 is free */
	size_t			 seen_cap, seen_n;
};

/* A page that came in full. */
struct page_facts {
	const cJSON	*envelope;	/* NULL: the answer had no body */
	const char	*link;		/* target of Link rel=next; NULL: none */
	const char	*url;		/* that was asked */
	uint64_t	 rows;		/* in the page */
	uint64_t	 head;		/* hash of its first rows; 0: none */
};

void	page_init(struct page_state *s, const struct page_plan *p);
void	page_free(struct page_state *s);
/* 1: there is more, and page_params() or s->next say where; 0: the end; -1. */
int	page_step(struct page_state *s, const struct page_facts *pf, struct error *e);
/* The parameters of the next question; at and size hold their values. */
size_t	page_params(const struct page_state *s, struct fetch_param q[PAGE_PARAMS_MAX], char at[32], char size[32]);
/* All of the next question: the caller's parameters and those; q holds PAGE_QUERY_MAX + PAGE_PARAMS_MAX + 1. */
/* Where paging speaks in the body or in headers: rq's, until the next question. */
int	page_elsewhere(struct page_state *s, const struct fetch_request *first, struct fetch_request *rq, struct error *e);
int	page_query(const struct page_state *s, const struct fetch_request *first, struct fetch_param *q, char at[32], char size[32],
	    struct error *e);
const char *page_rows(const struct page_plan *p);
bool	page_by_offset(const struct page_plan *p);
bool	page_by_link(const struct page_plan *p);
uint64_t page_hash(uint64_t h, const char *s);
uint64_t page_hash_bytes(uint64_t h, const char *s, size_t n);

/* fetch_records.c: rows that become outputs. */
struct records {
	struct call		*c;
	const struct row_maker	*m;
	struct stencil		*stencil;
	const struct rows	*from;		/* where the row at hand comes from */
};
/* As on_row and on_text of rows_options.  plain: only a row that is written as it is printed. */
int	record_row(void *arg, cJSON *row, struct error *e);
ssize_t	record_copy(struct records *r, const char *text, size_t n, bool plain, struct error *e);

#endif
