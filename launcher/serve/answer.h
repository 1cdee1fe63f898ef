/*
 * answer.h -- whole answers: JSON, text, and RFC 9457 problem documents.
 */
#ifndef SERVE_ANSWER_H
#define SERVE_ANSWER_H

#include <event2/http.h>

#include <cjson/cJSON.h>

#include "worker/contract/buf.h"
#include "worker/contract/error.h"

#define PROBLEM_TYPE	"urn:bascule:problem:"	/* and the cause's word behind it */

struct problem {
	const struct error	*error;
	int			 status;	/* 0: that of the error */
	const char		*invocation;	/* its id, or NULL */
	int64_t			 retry_s;	/* Retry-After; 0: none */
};

/* Takes v. */
void	 answer_json(struct evhttp_request *, int status, cJSON *v);
void	 answer_text(struct evhttp_request *, int status, const char *type, const char *text, size_t len);
/* In the dialect of the request's path: see beta.h. */
void	 answer_problem(struct evhttp_request *, const struct problem *);
/* A problem in one line. */
void	 answer_refuse(struct evhttp_request *, int status, enum err_code, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));
/* The document; owned by the caller. */
cJSON	*problem_print(const struct problem *);
/* A header of the answer. */
void	 answer_header(struct evhttp_request *, const char *name, const char *value);

#endif
