/*
 * delta.c -- lists of what changed: by a link that the source gave last time, or by the newest time seen.
 *
 * What changes while a list is read may lie on a page already passed, and be older than the newest row: the state is never
 * later than the source's own clock when the list began.  Rows of that moment come again rather than never.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/instant.h"
#include "connectors/rest/rest.h"

#define SINCE_BYTES	64u

struct tracking {
	const struct delta	*d;
	bool			 again;		/* there is a state: rows are changes */
	bool			 afresh;	/* there was one that the source did not know any more */
	bool			 any, undated;	/* a row said when; one did not */
	bool			 is_time;	/* else a number that grows */
	int64_t			 newest;	/* ms, or that number */
	char			 text[SINCE_BYTES];	/* as the source wrote it */
	int64_t			 began_ms;	/* by the source's clock; -1: not known */
	char			*link;
};

bool
delta_wanted(const struct call *c, const struct object *o)
{
	return o->delta.list.n > 0 && json_bool(c->input, "stateful", false);
}

/* A page of the list. */
int
delta_page(struct tracking *t, const struct fetch_response *rs, struct error *e)
{
	const char	*date = fetch_header(rs, "Date");
	const cJSON	*link = t->d->link == NULL ? NULL : json_at(rs->body, t->d->link);

	if (t->began_ms == -1 && (date == NULL || !instant_read("http", date, &t->began_ms)))
		t->began_ms = -1;
	if (!cJSON_IsString(link) || link->valuestring[0] == '\0')
		return 0;
	if (redact_holds(link->valuestring))
		return error_set(e, ERR_REQUEST, "delta/link: a secret may not go into a state");
	free(t->link);
	return (t->link = strdup(link->valuestring)) == NULL ? error_set(e, ERR_SYSTEM, "no memory") : 0;
}

static void
note(struct tracking *t, const cJSON *v)
{
	char		 scratch[SINCE_BYTES];
	const char	*s = json_scalar_text(v, scratch, sizeof(scratch));
	int64_t		 at;
	bool		 is_time;

	if (s == NULL || strlen(s) >= SINCE_BYTES || redact_holds(s)) {
		t->undated = true;
		return;
	}
	is_time = instant_read("iso", s, &at);
	if ((!is_time && !json_i64_of(v, &at)) || (t->any && is_time != t->is_time)) {
		t->undated = true;
		return;
	}
	if (t->any && at <= t->newest)
		return;
	t->any = true;
	t->is_time = is_time;
	t->newest = at;
	memcpy(t->text, s, strlen(s) + 1);
}

static int
gone_emit(struct rest *r, const struct object *o, const cJSON *row, const char *pointer, struct error *e)
{
	char		 one[64], two[64];
	const char	*id = json_scalar_text(json_at(row, pointer), one, sizeof(one));
	const char	*unique = o->unique_id == NULL ? NULL : json_scalar_text(json_at(row, o->unique_id), two, sizeof(two));
	cJSON		*out;

	if (id == NULL || id[0] == '\0' || redact_holds(id) || (unique != NULL && redact_holds(unique)))
		return error_set(e, ERR_INVALID_RESPONSE, "what was deleted has no id at %s", pointer);
	out = object_new(r->c, id, unique, cJSON_CreateObject());
	if (out == NULL || json_set_bool(out, "deleted", true) == -1 ||
	    (o->type != NULL && json_set_str(out, "type", o->type) == -1)) {
		cJSON_Delete(out);
		return error_set(e, ERR_SYSTEM, "no memory");
	}
	if (emit_output(r->c, out) == 0)
		return 0;
	*e = *r->c->err;
	return -1;
}

/* 1: it tells of a deletion, and so did we; 0: it is a record; -1. */
int
delta_row(struct rest *r, const struct object *o, const cJSON *row, struct error *e)
{
	struct tracking	*t = r->tracking;
	autovalue	 v = { 0 };
	int		 gone = 0;

	r->sc.roots[ROOT_RECORD] = row;
	scope_begin(&r->sc);
	if (t->d->since.pointer != NULL)
		note(t, json_at(row, t->d->since.pointer));
	else if (t->d->since.value != NULL) {
		if (tmpl_value(t->d->since.value, &r->sc, &v, e) == -1)
			return error_in(e, "delta/since");
		note(t, v.secret ? NULL : v.v);
	}
	if (t->d->deleted != NULL && (gone = text_true(r, t->d->deleted, e)) == -1)
		return error_in(e, "delta/deleted");
	r->sc.roots[ROOT_RECORD] = NULL;
	if (gone == 1 && t->again && gone_emit(r, o, row, t->d->deleted_id == NULL ? o->id : t->d->deleted_id, e) == -1)
		return -1;
	return gone;
}

struct gone {
	struct rest		*r;
	const struct object	*o;
};

static int
gone_row(void *arg, cJSON *row, struct error *e)
{
	struct gone	*g = arg;
	autojson	*taken = row;

	return gone_emit(g->r, g->o, taken, g->o->delta.deleted_id == NULL ? g->o->id : g->o->delta.deleted_id, e);
}

/* The state for next time; none where it would not be true. */
static int
state_emit(struct rest *r, const struct tracking *t, const cJSON *before)
{
	autojson	*state = NULL;
	char		 began[SINCE_BYTES];
	const char	*since = t->text;

	if (t->d->link != NULL && t->link == NULL)
		return fail_invalid_response(r->c, "the source did not say how to go on next time (at %s)", t->d->link);
	if (t->undated) {
		log_warn(r->c, "no state is saved: a record does not say when it changed, as a time or a whole number");
		return 0;
	}
	if (t->d->link == NULL && !t->any)
		state = json_dup(before);	/* nothing came: as it was */
	else if ((state = cJSON_CreateObject()) != NULL) {
		if (t->is_time && t->began_ms != -1 && t->newest > t->began_ms && instant_print("iso", t->began_ms, began, sizeof(began)))
			since = began;
		if (json_set_str(state, t->d->link != NULL ? "link" : "since", t->d->link != NULL ? t->link : since) == -1 ||
		    (t->afresh && json_set_bool(state, "afresh", true) == -1))
			return fail_generic(r->c, "no memory");
	}
	if (state == NULL)
		return before == NULL ? 0 : fail_generic(r->c, "no memory");
	return emit_state(r->c, json_steal(&state));
}

/* From a state, or all of them where there is none. */
static int
changes_from(struct rest *r, const struct object *o, const cJSON *state, bool afresh)
{
	const struct delta	*d = &o->delta;
	const char		*link = json_str(state, "link", NULL);
	struct tracking		 t = { .d = d, .again = state != NULL, .afresh = afresh, .began_ms = -1 };
	struct gone		 g = { r, o };
	int			 got;

	r->sc.roots[ROOT_STATE] = t.again ? state : NULL;
	r->tracking = &t;
	r->resume = t.again ? link : NULL;
	got = records_list(r, o, t.again || d->link != NULL ? &d->list : &o->list, r->c->err);
	r->tracking = NULL;
	r->resume = NULL;
	for (size_t i = 0; got == 0 && t.again && i < d->deletions.n; i++)
		got = pages_run(r, &d->deletions.steps[i], gone_row, &g, r->c->err);
	if (got == 0)
		got = state_emit(r, &t, state);
	r->sc.roots[ROOT_STATE] = NULL;
	free(t.link);
	return got;
}

static bool
step_of(const struct op *op, const struct step *s)
{
	for (size_t i = 0; i < op->n; i++)
		if (s == &op->steps[i])
			return true;
	return false;
}

int
changes_list(struct rest *r, const struct object *o)
{
	const struct delta	*d = &o->delta;
	const cJSON		*state = json_get(r->c->input, "state");
	bool			 again = d->link != NULL ? json_str(state, "link", NULL) != NULL : json_get(state, "since") != NULL;
	int			 got;

	r->outcome = THEN_OK;
	got = changes_from(r, o, again ? state : NULL, false);
	if (got == 0 || !again || r->outcome != THEN_RESTART || !(step_of(&d->list, r->decided) || step_of(&d->deletions, r->decided)))
		return got;
	/* Changes told so far are true; all that there is comes behind them. */
	log_warn(r->c, "the source no longer knows the state of the last list (%s): all is listed, and what was deleted since is not told",
	    r->c->err->msg);
	*r->c->err = ERROR_NONE;
	return changes_from(r, o, NULL, true);
}
