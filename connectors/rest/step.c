/*
 * step.c -- requests made from steps, and run in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/rest.h"

#define EACH_MAX	10000u	/* values of one "each" */

void
ready_free(struct ready *y)
{
	free(y->path);
	for (size_t i = 0; i < PAIRS_MAX; i++) {
		free(y->values[i]);
		free(y->header_lines[i]);
	}
	value_clear(&y->body);
	*y = (struct ready){ 0 };
}

/* A parameter whose one expression is absent is left out. */
static int
pair_text(struct rest *r, const struct text *t, bool secrets, char **out, struct error *e)
{
	autovalue	 v = { 0 };
	char		 scratch[64];
	const char	*s;

	*out = NULL;
	if (text_value(t, &r->sc, &v, e) == -1)
		return -1;
	if (v.v == NULL || cJSON_IsNull(v.v))
		return 0;
	if (v.secret && !secrets)
		return error_set(e, ERR_REQUEST, "a secret may not go there");
	if ((s = json_scalar_text(v.v, scratch, sizeof(scratch))) == NULL)
		return error_set(e, ERR_REQUEST, "an object or an array is no text");
	if (s[strcspn(s, "\r\n")] != '\0')
		return error_set(e, ERR_REQUEST, "a line feed may not go there");
	return (*out = strdup(s)) == NULL ? error_set(e, ERR_SYSTEM, "no memory") : 0;
}

static int
query_ready(struct rest *r, const struct step *s, struct ready *y, struct error *e)
{
	size_t	 n = 0;

	for (size_t i = 0; i < s->query.n; i++) {
		if (pair_text(r, s->query.at[i].value, false, &y->values[n], e) == -1)
			return error_in(e, "query/%s", s->query.at[i].name);
		if (y->values[n] == NULL)
			continue;
		y->query[n] = (struct fetch_param){ s->query.at[i].name, y->values[n] };
		n++;
	}
	y->query[n] = (struct fetch_param){ NULL, NULL };
	return 0;
}

static int
headers_ready(struct rest *r, const struct step *s, struct ready *y, struct error *e)
{
	size_t	 n = 0;

	for (size_t i = 0; i < s->headers.n; i++) {
		autofree char	*value = NULL;

		if (pair_text(r, s->headers.at[i].value, s->sign_in, &value, e) == -1)
			return error_in(e, "headers/%s", s->headers.at[i].name);
		if (value != NULL && asprintf(&y->header_lines[n++], "%s: %s", s->headers.at[i].name, value) == -1) {
			y->header_lines[n - 1] = NULL;
			return error_set(e, ERR_SYSTEM, "no memory");
		}
	}
	return 0;
}

/* Without a token, and where it has to be done: perhaps elsewhere. */
static int
sign_in_step_ready(struct rest *r, struct ready *y, struct error *e)
{
	char	*url;

	y->rq.flags |= FETCH_NO_AUTH;
	if (r->login_base == NULL)
		return 0;
	if (asprintf(&url, "%s%s", r->login_base, y->path) == -1) {
		ready_free(y);
		return error_set(e, ERR_SYSTEM, "no memory");
	}
	free(y->path);
	y->rq.path = y->path = url;
	y->rq.flags |= FETCH_ELSEWHERE;
	return 0;
}

int
step_ready(struct rest *r, const struct step *s, struct ready *y, struct error *e)
{
	int	 bad;

	*y = (struct ready){ 0 };
	scope_begin(&r->sc);
	bad = (y->path = text_string(s->path, &r->sc, ESCAPE_SEGMENT, NULL, e)) == NULL || query_ready(r, s, y, e) == -1 ||
	    headers_ready(r, s, y, e) == -1 || (s->body != NULL && tmpl_value(s->body, &r->sc, &y->body, e) == -1);
	if (bad) {
		ready_free(y);
		error_in(e, "%s", s->where);
		return -1;
	}
	y->rq = (struct fetch_request){ .method = s->method, .path = y->path, .query = y->query,
	    .headers = (const char *const *)y->header_lines, .body = y->body.v,
	    .flags = (s->form ? FETCH_FORM : 0) | (s->repeatable ? FETCH_REPEATABLE : 0) };
	return s->sign_in ? sign_in_step_ready(r, y, e) : 0;
}

/* Does any answer that is no success have to be looked at by us? */
static bool
judges_all(const struct rest *r, const struct step *s)
{
	const struct rules	*lists[] = { &s->errors, &r->d->errors };

	for (size_t k = 0; k < N_ITEMS(lists); k++)
		for (size_t i = 0; i < lists[k]->n; i++)
			if (lists[k]->at[i].then == THEN_OK)
				return true;
	return s->nok > 0;
}

static int
keep_all(struct rest *r, const struct step *s, const struct fetch_response *rs)
{
	return keeps_take(s->keeps, s->nkeeps, rs, s->sign_in ? r->token : r->step, r->c->err);
}

static int
step_once(struct rest *r, const struct step *s, struct fetch_response *rs)
{
	struct ready	 y;
	int		 got;

	r->now = s;
	if (step_ready(r, s, &y, r->c->err) == -1)
		return -1;
	if (judges_all(r, s))
		y.rq.flags |= FETCH_ANY_STATUS;
	got = fetch_call(r->f, &y.rq, rs, r->c->err);
	ready_free(&y);
	/* Who belongs to what may be another matter after a write. */
	if (strcmp(s->method, "GET") != 0)
		indexes_drop(r);
	if (got == 0 && answer_judge(r, s, rs, r->c->err) == -1)
		got = -1;
	if (got == 0)
		got = keep_all(r, s, rs);
	r->now = NULL;
	return got == -1 ? step_failed(s, r->c->err) : got;
}

/* Once for each value that "each" gives. */
static int
step_each(struct rest *r, const struct step *s, struct fetch_response *rs)
{
	const cJSON	*outer = r->sc.roots[ROOT_VALUE];
	autovalue	 list = { 0 };
	int		 got = 0;
	size_t		 n;

	scope_begin(&r->sc);
	if (text_value(s->each, &r->sc, &list, r->c->err) == -1)
		return error_in(r->c->err, "%s/each", s->where);
	if ((n = value_count(list.v)) > EACH_MAX)
		return error_set(r->c->err, ERR_LIMIT, "%s/each: more than %u values", s->where, EACH_MAX);
	for (size_t i = 0; got == 0 && i < n; i++) {
		fetch_response_free(rs);
		*rs = (struct fetch_response){ 0 };
		r->sc.roots[ROOT_VALUE] = value_at(list.v, i);
		got = step_once(r, s, rs);
	}
	r->sc.roots[ROOT_VALUE] = outer;
	return got;
}

int
op_run(struct rest *r, const struct op *op, struct fetch_response *last)
{
	autoresponse	 rs = { 0 };
	int		 got = 0;

	r->outcome = THEN_OK;
	free(r->made);
	r->made = NULL;
	for (size_t i = 0; got == 0 && i < op->n; i++) {
		const struct step	*s = &op->steps[i];

		if (s->when != NULL) {
			scope_begin(&r->sc);
			if ((got = text_holds(r, s->when, r->c->err)) == -1)
				return error_in(r->c->err, "%s/when", s->where);
			if (got == 0)
				continue;
			got = 0;
		}
		fetch_response_free(&rs);
		rs = (struct fetch_response){ 0 };
		got = s->each != NULL ? step_each(r, s, &rs) : step_once(r, s, &rs);
		if (got == 0 && r->made == NULL && strcmp(s->method, "GET") != 0)
			r->made = new_id(r, s, &rs);
	}
	if (got == 0 && last != NULL) {
		*last = rs;
		rs = (struct fetch_response){ 0 };
	}
	return got;
}

/* The last segment of a URL, without its query. */
static char *
last_segment(const char *url)
{
	size_t		 n = strcspn(url, "?#");
	const char	*from;

	while (n > 0 && url[n - 1] == '/')
		n--;
	for (from = url + n; from > url && from[-1] != '/'; from--)
		;
	return from == url + n ? NULL : strndup(from, (size_t)(url + n - from));
}

/* By an expression over the answer; NULL: nothing, or what is no text. */
static char *
id_made(struct rest *r, const struct text *t, const struct fetch_response *rs)
{
	autojson	*response = response_show(rs);
	autovalue	 v = { 0 };
	char		 scratch[64];
	struct error	 e = ERROR_NONE;
	const char	*found = NULL;

	r->sc.roots[ROOT_RESPONSE] = response;
	scope_begin(&r->sc);
	if (response != NULL && text_value(t, &r->sc, &v, &e) == 0 && !v.secret)
		found = json_scalar_text(v.v, scratch, sizeof(scratch));
	r->sc.roots[ROOT_RESPONSE] = NULL;
	return found == NULL || found[0] == '\0' ? NULL : strdup(found);
}

static char *
id_found(struct rest *r, const char *from, const struct fetch_response *rs)
{
	char		 scratch[64];
	const char	*found;

	if (strcmp(from, "location") == 0)
		return (found = fetch_header(rs, "Location")) == NULL || redact_holds(found) ? NULL : last_segment(found);
	found = from[0] == '/' ? json_scalar_text(json_at(rs->body, from), scratch, sizeof(scratch)) :
	    json_scalar_text(json_at(r->c->input, from + strlen("input:")), scratch, sizeof(scratch));
	return found == NULL || found[0] == '\0' || redact_holds(found) ? NULL : strdup(found);
}

char *
new_id(struct rest *r, const struct step *s, const struct fetch_response *rs)
{
	char	*id = NULL;

	for (size_t i = 0; id == NULL && i < s->nnew_id; i++)
		id = s->new_id[i].text != NULL ? id_made(r, s->new_id[i].text, rs) : id_found(r, s->new_id[i].from, rs);
	return id;
}
