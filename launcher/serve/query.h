/*
 * query.h -- what stands behind '?' in a request's path.
 */
#ifndef SERVE_QUERY_H
#define SERVE_QUERY_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "worker/contract/error.h"

#define QUERY_MAX	16	/* parameters of one request */

struct query {
	struct evkeyvalq	 pairs;
	size_t			 n;
	const char		*names[QUERY_MAX], *values[QUERY_MAX];
};

/* -1 with ERR_REQUEST; query_free() it in either case. */
int	query_read(struct query *, struct evhttp_request *, struct error *e);
void	query_free(struct query *);

/* What a parameter says; -1 with ERR_REQUEST names it. */
int	query_number(const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *out, struct error *e);
int	query_bool(const char *name, const char *text, bool *out, struct error *e);

#endif
