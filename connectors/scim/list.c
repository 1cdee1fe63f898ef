/*
 * list.c -- accounts and entitlements, row by row, and what is needed to read only changes next time.
 */
#include <string.h>

#include "connectors/scim/scim.h"

struct walk {
	struct scim		*s;
	struct scim_map		*map;		/* of groups; NULL for users */
	struct scim_members	*members;	/* NULL: users tell their groups */
	struct scim_idset	 seen;
	int64_t			 newest_ns;	/* of meta.lastModified; INT64_MIN: none yet */
	char			 newest[64];
	bool			 dated;		/* somebody asks when rows changed */
	bool			 undated;	/* a row did not say when it changed */
};

static void
walk_free(struct walk *w)
{
	scim_idset_free(&w->seen);
	scim_members_free(w->members);
}
#define autowalk	__attribute__((cleanup(walk_free))) struct walk

static void
note_time(struct walk *w, struct row_text text)
{
	char	 when[sizeof(w->newest)];
	int64_t	 ns;

	if (text.len >= sizeof(when)) {
		w->undated = true;
		return;
	}
	memcpy(when, text.len > 0 ? text.text : "", text.len);
	when[text.len] = '\0';
	if (scim_moment_parse(when, &ns) == -1) {
		w->undated = true;
		return;
	}
	if (ns > w->newest_ns) {
		w->newest_ns = ns;
		memcpy(w->newest, when, text.len + 1);
	}
}

enum fact { FACT_ID, FACT_TIME };

static void
row_facts(void *arg, const cJSON *row, struct row_text facts[ROW_FACTS_MAX])
{
	const struct walk	*w = arg;

	facts[FACT_ID] = row_text(json_get(row, "id"));
	if (w->dated)
		facts[FACT_TIME] = row_text(scim_member(scim_member(row, "meta"), "lastModified"));
}

static int
row_note(void *arg, const struct row_text facts[ROW_FACTS_MAX], struct error *e)
{
	struct walk	*w = arg;
	struct row_text	 id = facts[FACT_ID];
	int		 fresh;

	if (id.len == 0)
		return error_set(e, ERR_INVALID_RESPONSE, "the server listed a row without id");
	if ((fresh = scim_idset_add(&w->seen, id.text, id.len, e)) == -1)
		return -1;
	if (fresh == 0)
		return error_set(e, ERR_INVALID_RESPONSE, "the server listed \"%.*s\" twice, so another row is "
		    "missing: its order changed between pages. Repeat, or set config.sortBy", (int)(id.len < 80 ? id.len : 80), id.text);
	if (w->dated)
		note_time(w, facts[FACT_TIME]);
	return 0;
}

static cJSON *
user_make(void *arg, const cJSON *user, struct error *e)
{
	struct walk	*w = arg;

	return scim_account(w->s, user, NULL, e);
}

static bool
user_looks(void *arg, const struct row_text *names, size_t n)
{
	const struct walk	*w = arg;

	return scim_map_looks(&w->s->map, names, n) || scim_path_looks(&w->s->set.active, true, names, n);
}

/* With the groups that tell that they have it. */
static int
user_row(void *arg, cJSON *row, struct error *e)
{
	struct walk	*w = arg;
	autojson	*user = row;
	cJSON		*groups, *account;
	char		 scratch[32];
	struct row_text	 facts[ROW_FACTS_MAX] = { { NULL, 0 } };

	row_facts(w, user, facts);
	if (row_note(w, facts, e) == -1)
		return -1;
	if ((groups = scim_members_groups(w->members, json_scalar_text(json_get(user, "id"), scratch, sizeof(scratch)))) == NULL)
		return error_set(e, ERR_SYSTEM, "groups: no memory");
	if ((account = scim_account(w->s, user, groups, e)) == NULL)
		return -1;
	if (emit_output(w->s->c, account) == 0)
		return 0;
	*e = *w->s->c->err;
	return -1;
}

static bool
is_seen(const void *arg, const char *id)
{
	return scim_idset_has(arg, id);
}

static int
list_all(struct walk *w, const char *kind, const struct buf *filter, const char *attributes, const char *excluded,
    const struct row_maker *m)
{
	const char	*text = filter->len > 0 ? filter->data : NULL;

	if ((w->members != NULL ? scim_list(w->s, kind, text, attributes, excluded, user_row, w) :
	    scim_records(w->s, kind, text, attributes, excluded, m)) == -1)
		return -1;
	return scim_list_ends(w->s, kind, text, w->seen.n, is_seen, &w->seen);
}

static cJSON *
entitlement(struct scim *s, const struct scim_map *map, const cJSON *group, struct error *e)
{
	autojson	*attributes = NULL;
	autojson	*out = NULL;
	char		 scratch[32];
	const char	*id = json_scalar_text(json_get(group, "id"), scratch, sizeof(scratch));

	if (id == NULL || id[0] == '\0') {
		(void)error_set(e, ERR_INVALID_RESPONSE, "the server gave a group without id");
		return NULL;
	}
	if ((attributes = scim_map_read(map, group, e)) == NULL)
		return NULL;
	if ((out = object_new(s->c, id, NULL, json_steal(&attributes))) == NULL ||
	    json_set_str(out, "type", "group") == -1) {
		(void)error_set(e, ERR_SYSTEM, "entitlement: no memory");
		return NULL;
	}
	return json_steal(&out);
}

static cJSON *
group_make(void *arg, const cJSON *group, struct error *e)
{
	struct walk	*w = arg;

	return entitlement(w->s, w->map, group, e);
}

static bool
group_looks(void *arg, const struct row_text *names, size_t n)
{
	const struct walk	*w = arg;

	return scim_map_looks(w->map, names, n);
}

static bool
is_stateful(const struct call *c)
{
	return json_bool(c->input, "stateful", false) || strcmp(json_str(c->input, "stateful", ""), "true") == 0;
}

/*
 * What changed while the list was read may lie on a page already passed, yet
 * be older than the newest row: the state must not be later than the start.
 * INT64_MAX where the server keeps no clock that we can see.
 */
static int64_t
server_now(struct scim *s)
{
	const struct fetch_request	 rq = { .path = "/ServiceProviderConfig", .flags = FETCH_ANY_STATUS };
	autoresponse			 rs = { 0 };
	struct error			 e = ERROR_NONE;
	int64_t				 ns;
	const char			*date;

	if (fetch_call(s->f, &rq, &rs, &e) == -1 || (date = fetch_header(&rs, "Date")) == NULL ||
	    scim_moment_http(date, &ns) == -1)
		return INT64_MAX;
	return ns;
}

/* The filter of the list: what is configured, and what changed since the state.  Empty: none. */
static int
list_filter(struct scim *s, const char *configured, bool stateful, struct buf *b)
{
	const cJSON	*state = json_get(s->c->input, "state");
	const char	*since = stateful && s->set.delta ? json_str(state, "lastModified", NULL) : NULL;
	int64_t		 ns;

	buf_init(b, SCIM_FILTER_BYTES_MAX);
	if (since != NULL && scim_moment_parse(since, &ns) == -1)
		return fail_invalid_request(s->c, "input.state.lastModified is no time: \"%.40s\"", since);
	if (since == NULL) {
		if (configured != NULL)
			buf_adds(b, configured);
		return buf_check(b, "filter", s->c->err);
	}
	if (configured != NULL)
		buf_addf(b, "(%s) and ", configured);
	/* "ge": rows of the very moment come again rather than never. */
	buf_adds(b, "meta.lastModified ge ");
	scim_quote(b, since);
	return buf_check(b, "filter", s->c->err);
}

/* The state for the next run; none where rows do not say when they changed. */
static int
save_state(struct walk *w, int64_t started_ns)
{
	autojson	*state = cJSON_CreateObject();
	char		 text[40];
	const char	*last = w->newest_ns == INT64_MIN ? json_str(json_get(w->s->c->input, "state"), "lastModified",
	    NULL) : w->newest;

	if (w->undated) {
		log_warn(w->s->c, "no state saved: rows without meta.lastModified cannot be read by their changes");
		return 0;
	}
	if (last == NULL)
		return 0;
	if (w->newest_ns != INT64_MIN && w->newest_ns > started_ns) {
		scim_moment_print(started_ns, text);
		last = text;
	}
	if (state == NULL || json_set_str(state, "lastModified", last) == -1)
		return fail_generic(w->s->c, "no memory");
	return emit_state(w->s->c, json_steal(&state));
}

int
scim_account_list(struct call *c)
{
	autoscim	*s = scim_open(c);
	autowalk	 w = { .s = s, .newest_ns = INT64_MIN };
	struct row_maker m = { row_facts, row_note, user_make, user_looks, false, &w };
	autobuf		 filter = { 0 };
	autofree char	*attributes = NULL;
	bool		 stateful = is_stateful(c);
	int64_t		 started_ns;

	if (s == NULL || list_filter(s, s->set.user_filter, stateful, &filter) == -1)
		return -1;
	if (s->set.limit_attributes && json_get(c->input, "schema") != NULL &&
	    (attributes = scim_map_query(&s->map, s->set.active.base)) == NULL)
		return fail_generic(c, "no memory");
	started_ns = stateful ? server_now(s) : INT64_MAX;
	if ((s->set.groups_from == GROUPS_FROM_LIST || s->set.groups_from == GROUPS_FROM_EACH) &&
	    scim_wants_groups(s) && (w.members = scim_members_load(s)) == NULL)
		return -1;
	w.dated = stateful && s->set.delta;
	if (list_all(&w, "Users", &filter, attributes, NULL, &m) == -1)
		return -1;
	return w.dated ? save_state(&w, started_ns) : 0;
}

/* Only groups are entitlements here. */
static int
check_type(struct call *c)
{
	const char	*type = json_str(c->input, "type", "group");

	if (strcmp(type, "group") == 0)
		return 0;
	return fail_invalid_request(c, "entitlement type \"%.64s\" is unknown: this connector has \"group\"", type);
}

int
scim_entitlement_list(struct call *c)
{
	autoscim	*s = NULL;
	struct scim_map	 map;
	autowalk	 w = { .newest_ns = INT64_MIN };
	struct row_maker m = { row_facts, row_note, group_make, group_looks, false, &w };
	autobuf		 filter = { 0 };
	bool		 stateful = is_stateful(c);
	int64_t		 started_ns;
	int		 r;

	if (check_type(c) == -1 || (w.s = s = scim_open(c)) == NULL ||
	    list_filter(s, s->set.group_filter, stateful, &filter) == -1 ||
	    scim_map_init_group(&map, json_get(c->input, "schema"), c->err) == -1)
		return -1;
	w.map = &map;
	started_ns = stateful ? server_now(s) : INT64_MAX;
	w.dated = stateful && s->set.delta;
	r = list_all(&w, "Groups", &filter, NULL, "members", &m);
	if (r == 0 && w.dated)
		r = save_state(&w, started_ns);
	scim_map_free(&map);
	return r;
}

int
scim_entitlement_read(struct call *c)
{
	autoscim	*s = NULL;
	autojson	*group = NULL;
	struct scim_map	 map;
	cJSON		*out;
	int		 r;

	if (check_type(c) == -1)
		return -1;
	if (c->identity == NULL)
		return fail_invalid_request(c, "input names no entitlement: give identity or key");
	if ((s = scim_open(c)) == NULL || scim_get(s, "Groups", c->identity, &group) == -1 ||
	    scim_map_init_group(&map, json_get(c->input, "schema"), c->err) == -1)
		return -1;
	out = entitlement(s, &map, group, c->err);
	r = out != NULL ? emit_output(c, out) : -1;	/* its names are the map's */
	scim_map_free(&map);
	return r;
}
