/*
 * route.h -- from a request to the function that answers it: one table.
 */
#ifndef SERVE_ROUTE_H
#define SERVE_ROUTE_H

#include <event2/http.h>

#include <cjson/cJSON.h>

#include "launcher/serve/tokens.h"

#define SEGMENT_BYTES_MAX	128	/* of a path, decoded */

struct conn;
struct door;

/* One request while it is being answered at once. */
struct exchange {
	struct evhttp_request	*req;
	struct conn		*conn;
	const struct door	*door;
	const struct token	*who;		/* its token's, certificate's or user's scopes; NULL: it may do everything */
	bool			 beta;		/* its path speaks the platform's dialect */
	bool			 async;		/* mode=async: the answer is where its results will be */
	char			 arg[SEGMENT_BYTES_MAX + 1];	/* what stands in place of {...} in the route's path */
	char			 arg2[SEGMENT_BYTES_MAX + 1];	/* of the second one */
	char			 caller[TOKEN_NAME_MAX + 16];	/* for journal and log: a token's name, "uid:0", "local" */
};

struct route {
	enum evhttp_cmd_type	 method;
	const char		*name;		/* "GET" */
	const char		*path;		/* "/v1/connectors/{name}" */
	enum scope		 scope;
	void			(*run)(struct exchange *);
};
/* The i-th route; NULL past the last. */
const struct route	*route_at(size_t i);

/* evhttp's general callback; arg is the struct door. */
void	 route_request(struct evhttp_request *, void *arg);
/* Tokens of --tokens, read again on SIGHUP; the old ones stay where the new are no good. */
int	 route_tokens_load(struct error *e);
void	 route_tokens_free(void);
/* Those in force; NULL: none are asked for. */
const struct tokenset *route_tokens(void);
/* Is this invocation, a row of the journal, the caller's own, or may it manage all? */
bool	 exchange_owns(const struct exchange *, const cJSON *row);
/* May this caller invoke this connector, whatever its version? */
bool	 exchange_may(const struct exchange *, enum scope, const char *connector);

/* take.c */
void	 call_invoke(struct exchange *);
/* call.c */
void	 call_delete(struct exchange *);
/* records.c */
void	 show_records(struct exchange *);
/* doctor.c */
void	 show_doctor(struct exchange *);
/* logs.c */
void	 show_logs(struct exchange *);
/* show.c */
void	 show_connectors(struct exchange *);
void	 show_connector(struct exchange *);
void	 show_invocations(struct exchange *);
void	 show_invocation(struct exchange *);
void	 show_audit(struct exchange *);
void	 show_health(struct exchange *);
void	 show_ready(struct exchange *);
void	 show_openapi(struct exchange *);
/* metrics.c */
void	 show_metrics(struct exchange *);

#endif
