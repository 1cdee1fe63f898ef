/*
 * source.c -- requests to the SCIM service: one resource, a list, a write.
 */
#include <stdio.h>
#include <string.h>

#include "connectors/scim/scim.h"

/* "/Users/<id>", the id encoded. NULL: no memory. */
char *
scim_resource_path(const char *kind, const char *id)
{
	autofree char	*escaped = fetch_escape(id);
	char		*path;

	if (escaped == NULL || asprintf(&path, "/%s/%s", kind, escaped) == -1)
		return NULL;
	return path;
}

int
scim_get(struct scim *s, const char *kind, const char *id, cJSON **out)
{
	autofree char	*path = scim_resource_path(kind, id);

	*out = NULL;
	if (path == NULL)
		return fail_generic(s->c, "no memory");
	if (fetch_get(s->f, path, out, s->c->err) == -1)
		return -1;
	if (!cJSON_IsObject(*out)) {
		cJSON_Delete(*out);
		*out = NULL;
		return fail_invalid_response(s->c, "GET %s: the answer is no resource", path);
	}
	return 0;
}

int
scim_not_missing(struct scim *s, enum err_code instead, const char *what)
{
	if (s->c->err->code == ERR_NOT_FOUND) {
		s->c->err->code = instead;
		s->c->err->type[0] = '\0';
	}
	return error_in(s->c->err, "%s", what);
}

bool
scim_writes_by_put(struct scim *s)
{
	autojson	*config = NULL;
	struct error	 e = ERROR_NONE;

	if (s->write_known)
		return s->puts;
	s->write_known = true;
	s->puts = s->set.write_by == WRITE_PUT;
	if (s->set.write_by != WRITE_AUTO)
		return s->puts;
	if (fetch_get(s->f, "/ServiceProviderConfig", &config, &e) == -1) {
		log_warn(s->c, "writing by PATCH, since the server does not say what it can: %s", e.msg);
		return s->puts;
	}
	/* Silence is no refusal: only a plain "false" is. */
	s->puts = cJSON_IsFalse(json_at(config, "/patch/supported"));
	log_debug(s->c, "writing by %s, as the server says", s->puts ? "PUT" : "PATCH");
	return s->puts;
}

int
scim_put(struct scim *s, const char *path, cJSON *resource)
{
	const char		*version = json_str(json_get(resource, "meta"), "version", NULL);
	autobuf			 match = { 0 };
	const char		*headers[2] = { NULL, NULL };
	struct fetch_request	 rq = { .method = "PUT", .path = path, .body = resource };

	buf_init(&match, 4 * KIB);
	if (version != NULL && strpbrk(version, "\r\n") == NULL) {
		buf_addf(&match, "If-Match: %s", version);
		if (buf_check(&match, "version", s->c->err) == -1)
			return -1;
		headers[0] = match.data;
		rq.headers = headers;
	}
	cJSON_DeleteItemFromObject(resource, "meta");
	return fetch_call(s->f, &rq, NULL, s->c->err);
}

int
scim_user_write(struct scim *s, const char *id, struct scim_plan *plan)
{
	autofree char		*path = scim_resource_path("Users", id);
	autojson		*message = NULL;
	struct fetch_request	 rq = { .method = "PATCH", .path = path };

	if (path == NULL)
		return fail_generic(s->c, "no memory");
	if (scim_writes_by_put(s)) {
		/* Read only, and long where many groups are. */
		cJSON_DeleteItemFromObject(plan->resource, "groups");
		return scim_put(s, path, plan->resource);
	}
	if (scim_plan_repeatable(plan))
		rq.flags |= FETCH_REPEATABLE;
	message = scim_patch_message(plan->ops);
	plan->ops = NULL;
	if ((rq.body = message) == NULL)
		return fail_generic(s->c, "no memory");
	return fetch_call(s->f, &rq, NULL, s->c->err);
}

/* m, or on_row and its arg. */
static int
list(struct scim *s, const char *kind, const char *filter, const char *attributes, const char *excluded,
    const struct row_maker *m, int (*on_row)(void *arg, cJSON *row, struct error *e), void *arg)
{
	const struct fetch_param	 query[] = {
		{ "filter", filter }, { "attributes", attributes }, { "excludedAttributes", excluded },
		{ "sortBy", s->set.sort_by }, { NULL, NULL }
	};
	char				 path[16];
	const struct fetch_request	 first = { .path = path, .query = query };
	const struct page_plan		 pages = {
		.kind = PAGE_SCIM, .rows = "/Resources", .total = "/totalResults", .param = "startIndex",
		.size_param = "count", .size = s->set.page_rows, .first = 1, .total_may_move = true,
	};

	snprintf(path, sizeof(path), "/%s", kind);
	if ((m != NULL ? fetch_records(s->f, &first, &pages, m, s->c->err) :
	    fetch_pages(s->f, &first, &pages, on_row, arg, NULL, s->c->err)) == 0)
		return 0;
	if (s->c->err->code == ERR_NOT_FOUND)
		return scim_not_missing(s, ERR_INVALID_CONFIGURATION, "check the base URL");
	return -1;
}

int
scim_list(struct scim *s, const char *kind, const char *filter, const char *attributes, const char *excluded,
    int (*on_row)(void *arg, cJSON *row, struct error *e), void *arg)
{
	return list(s, kind, filter, attributes, excluded, NULL, on_row, arg);
}

int
scim_records(struct scim *s, const char *kind, const char *filter, const char *attributes, const char *excluded,
    const struct row_maker *m)
{
	return list(s, kind, filter, attributes, excluded, m, NULL, NULL);
}

#define PROBE_TRIES	3	/* of an answer that is cut short or no JSON */

/* Answers to a start behind the end by which servers say that there is nothing. */
static bool
is_nothing(int status)
{
	return status == 400 || status == 404 || status == 416 || status == 422;
}

/* The page of one row from start on; *list NULL: the server says that there is no such page. */
static int
probe(struct scim *s, const char *kind, const char *filter, uint64_t from, cJSON **list)
{
	char				 path[16], start[24];
	const struct fetch_param	 query[] = {
		{ "filter", filter }, { "excludedAttributes", strcmp(kind, "Groups") == 0 ? "members" : NULL },
		{ "sortBy", s->set.sort_by }, { "startIndex", start }, { "count", "1" }, { NULL, NULL }
	};
	const struct fetch_request	 rq = { .path = path, .query = query, .flags = FETCH_ANY_STATUS };
	autoresponse			 rs = { 0 };
	int				 r;

	snprintf(path, sizeof(path), "/%s", kind);
	snprintf(start, sizeof(start), "%llu", (unsigned long long)from);
	for (int i = 1; (r = fetch_call(s->f, &rq, &rs, s->c->err)) == -1 && i < PROBE_TRIES &&
	    s->c->err->code == ERR_INVALID_RESPONSE; i++)
		*s->c->err = ERROR_NONE;
	if (r == -1)
		return error_in(s->c->err, "behind the last row");
	if (rs.status < 300)
		*list = json_steal(&rs.body);
	else if (!is_nothing(rs.status))
		return error_set(s->c->err, ERR_UPSTREAM, "GET %s behind the last row: status %d", path, rs.status);
	return 0;
}

int
scim_list_ends(struct scim *s, const char *kind, const char *filter, uint64_t rows,
    bool (*known)(const void *arg, const char *id), const void *arg)
{
	autojson	*list = NULL;
	char		 scratch[32];
	const char	*id;
	int64_t		 total;

	if (rows == 0)
		return 0;
	if (probe(s, kind, filter, rows + 1, &list) == -1)
		return -1;
	id = json_scalar_text(json_at(list, "/Resources/0/id"), scratch, sizeof(scratch));
	/* Some start over when asked for what is behind the end. */
	if (id == NULL || known(arg, id))
		return 0;
	/* One that came meanwhile is counted, and will be read next time. */
	if (json_i64_of(json_get(list, "totalResults"), &total) && total > 0 && (uint64_t)total > rows)
		return 0;
	return fail_invalid_response(s->c, "GET /%s: the list is not complete: the server says %llu rows, and has more",
	    kind, (unsigned long long)rows);
}
