/*
 * query.c -- parameters of a request.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "launcher/serve/query.h"

int
query_read(struct query *q, struct evhttp_request *req, struct error *e)
{
	const struct evhttp_uri	*uri = evhttp_request_get_evhttp_uri(req);
	const char		*text = uri == NULL ? NULL : evhttp_uri_get_query(uri);
	const struct evkeyval	*p;

	*q = (struct query){ 0 };
	TAILQ_INIT(&q->pairs);
	if (text == NULL || text[0] == '\0')
		return 0;
	if (evhttp_parse_query_str(text, &q->pairs) == -1)
		return error_set(e, ERR_REQUEST, "the query is malformed");
	TAILQ_FOREACH(p, &q->pairs, next) {
		if (q->n == QUERY_MAX)
			return error_set(e, ERR_REQUEST, "the query has over %d parameters", QUERY_MAX);
		q->names[q->n] = p->key;
		q->values[q->n++] = p->value;
	}
	return 0;
}

void
query_free(struct query *q)
{
	evhttp_clear_headers(&q->pairs);
	q->n = 0;
}

int
query_number(const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *out, struct error *e)
{
	char			*rest;
	unsigned long long	 n;

	errno = 0;
	n = strtoull(text, &rest, 10);
	if (text[0] < '0' || text[0] > '9' || *rest != '\0' || errno != 0 || n < least || n > most)
		return error_set(e, ERR_REQUEST, "%s: a number from %llu to %llu is wanted", name, (unsigned long long)least,
		    (unsigned long long)most);
	*out = n;
	return 0;
}

int
query_bool(const char *name, const char *text, bool *out, struct error *e)
{
	if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)
		*out = true;
	else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
		*out = false;
	else
		return error_set(e, ERR_REQUEST, "%s: true or false is wanted", name);
	return 0;
}
