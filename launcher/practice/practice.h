/*
 * practice.h -- the running source: its settings, one request, and how it is answered.
 */
#ifndef PRACTICE_PRACTICE_H
#define PRACTICE_PRACTICE_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "launcher/practice/people.h"
#include "launcher/practice/tokens.h"
#include "launcher/practice/weather.h"

#define HEADERS_BYTES_MAX	(32 * 1024)
#define BODY_BYTES_MAX		(4 * 1024 * 1024)
#define IDLE_S			120			/* a connection without a word */
#define HANG_S_MAX		3600			/* even "never" ends */
#define PAGE_DEFAULT		100			/* rows, when count is absent */
#define PAGE_LIMIT		10000			/* greatest --page-max */
#define PIECE_BYTES		(128 * 1024)		/* written at a time of a long reply; one up to this has a Content-Length */
#define WHOLE_BYTES_MAX		(4 * 1024 * 1024)	/* so has one up to this that the weather spoils */
#define TOKEN_BYTES_MAX		256

struct practice {
	struct event_base	*base;
	struct evhttp		*http;
	struct people		*people;
	struct tokens		*tokens;
	struct weather		 weather;
	uint64_t		 requests;		/* that weather counts */
	uint64_t		 page_max;
	char			 origin[GEN_BASE_BYTES_MAX];	/* "http://127.0.0.1:8080" */
};

enum scim_type { SCIM_NONE, SCIM_INVALID_FILTER, SCIM_INVALID_SYNTAX, SCIM_INVALID_PATH, SCIM_INVALID_VALUE,
	SCIM_NO_TARGET, SCIM_MUTABILITY, SCIM_UNIQUENESS, SCIM_TOO_MANY, SCIM__MAX };

/* One request.  Exactly one answer_…() ends it. */
struct exchange {
	struct practice		*p;
	struct evhttp_request	*req;
	enum evhttp_cmd_type	 method;
	char			*path;			/* decoded */
	struct evkeyvalq	 query;
	struct weather		 weather;		/* for this request */
	uint64_t		 nth;			/* of all that weather counts, from 1 */
	bool			 answered;
};

/* A body made piece by piece. */
struct source {
	/* Adds about PIECE_BYTES; 1: there is more, 0: that was all. */
	int		(*more)(struct source *, struct evbuffer *);
	void		(*free)(struct source *);
};

const char	*exchange_query(const struct exchange *, const char *name);	/* NULL: absent */
bool		 exchange_strikes(const struct exchange *, enum weather_kind);
/* The body as JSON; NULL when a refusal has been sent. */
cJSON		*exchange_body(struct exchange *);

void	 answer_header(struct exchange *, const char *name, const char *value);
/* Takes the body. type NULL: application/scim+json. */
void	 answer_body(struct exchange *, int status, const char *type, struct evbuffer *body);
void	 answer_tree(struct exchange *, int status, cJSON *tree);		/* takes the tree; NULL: no memory */
void	 answer_source(struct exchange *, int status, struct source *);		/* takes the source */
void	 answer_empty(struct exchange *, int status);
void	 answer_never(struct exchange *);
void	 answer_refusal(struct exchange *, int status, enum scim_type, const char *detail);
/* By the code: ERR_LIMIT 413, ERR_SYSTEM 500, all others 400 of this type. */
void	 answer_error(struct exchange *, enum scim_type, const struct error *);

#endif
