/*
 * join.c -- what belongs to records: asked for each, several at a time; or looked up in an index made before.
 */
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/rest.h"

#define JOIN_BYTES_MAX	(4u << 20)	/* of one record's rows as trees */

/* About what a tree costs. */
size_t
tree_bytes(const cJSON *v)
{
	size_t		 n = sizeof(*v) + (v->string == NULL ? 0 : strlen(v->string)) +
	    (v->valuestring == NULL ? 0 : strlen(v->valuestring));
	const cJSON	*m;

	cJSON_ArrayForEach(m, v)
		n += tree_bytes(m);
	return n;
}

/* Requests for some records by one step; their rows go to on_row. */
struct asking {
	struct rest		*r;
	const struct step	*s;
	struct ready		*ready;
	struct fetch_request	*rqs;
	size_t			*whose;		/* of rqs: which record */
	size_t			 n;
	size_t			*bytes;		/* kept for each */
	cJSON			**into;		/* an array for each record */
	struct index		*index;		/* or where members go, ... */
	const struct join	*join;
	const uint32_t		*numbers;	/* ... and as whose */
};

static int
on_answer(void *arg, const struct fetch_response *rs, struct error *e)
{
	struct asking	*k = arg;

	return answer_judge(k->r, k->s, rs, e);
}

static int
member_put(struct index *x, const struct join *j, const cJSON *member, uint32_t number, struct error *e)
{
	char		 scratch[64];
	const char	*key = json_scalar_text(json_at(member, j->key), scratch, sizeof(scratch));

	if (key == NULL)
		return error_set(e, ERR_INVALID_RESPONSE, "join \"%s\": a row has no key at %s", j->name, j->key);
	return index_put(x, key, number, e);
}

static int
on_row(void *arg, size_t i, cJSON *row, struct error *e)
{
	struct asking	*k = arg;
	autojson	*taken = row;
	size_t		 at = k->whose[i];

	if (k->index != NULL)
		return member_put(k->index, k->join, taken, k->numbers[at], e);
	if ((k->bytes[i] += tree_bytes(taken)) > JOIN_BYTES_MAX || cJSON_GetArraySize(k->into[at]) >= (int)JOIN_ROWS_MAX)
		return error_set(e, ERR_LIMIT, "%s: more than %u rows or %u MiB belong to one record", k->s->where,
		    JOIN_ROWS_MAX, JOIN_BYTES_MAX >> 20);
	return json_push(k->into[at], json_steal(&taken)) == -1 ? error_set(e, ERR_SYSTEM, "no memory") : 0;
}

static int
asking_begin(struct asking *k, size_t n, struct error *e)
{
	k->ready = calloc(n, sizeof(*k->ready));
	k->rqs = calloc(n, sizeof(*k->rqs));
	k->whose = calloc(n, sizeof(*k->whose));
	k->bytes = calloc(n, sizeof(*k->bytes));
	return k->ready == NULL || k->rqs == NULL || k->whose == NULL || k->bytes == NULL ?
	    error_set(e, ERR_SYSTEM, "no memory") : 0;
}

static void
asking_end(struct asking *k)
{
	for (size_t i = 0; k->ready != NULL && i < k->n; i++)
		ready_free(&k->ready[i]);
	free(k->ready);
	free(k->rqs);
	free(k->whose);
	free(k->bytes);
}
#define autoasking	__attribute__((cleanup(asking_end))) struct asking

/* ${record} is the i-th. */
static int
asking_add(struct asking *k, size_t i, struct error *e)
{
	if (step_ready(k->r, k->s, &k->ready[k->n], e) == -1)
		return -1;
	k->rqs[k->n] = k->ready[k->n].rq;
	if (step_takes(k->s, 404))
		k->rqs[k->n].flags |= FETCH_MAY_MISS;
	k->whose[k->n++] = i;
	return 0;
}

static int
asking_run(struct asking *k, struct error *e)
{
	const struct step	*outer = k->r->now;
	struct page_plan	 plan = k->s->page;
	int			 got;

	plan.judge = on_answer;
	plan.judge_arg = k;
	k->r->now = k->s;
	got = fetch_lists(k->r->f, k->rqs, k->n, &plan, on_row, k, e);
	k->r->now = outer;
	return got == -1 ? step_failed(k->s, e) : got;
}

/* What a record gets of a row of the index; nothing of one that does not count. */
static int
row_value(struct rest *r, const struct join *j, const cJSON *row, cJSON **out, struct error *e)
{
	const cJSON	*outer = r->sc.roots[ROOT_RECORD];
	struct value	 v = { 0 };
	int		 got = 1;

	*out = NULL;
	r->sc.roots[ROOT_RECORD] = row;
	scope_begin(&r->sc);
	if (j->where != NULL)
		got = text_true(r, j->where, e);
	if (got == 1 && j->value.pointer != NULL)
		*out = json_dup(json_at(row, j->value.pointer));
	else if (got == 1 && tmpl_value(j->value.value, &r->sc, &v, e) == -1)
		got = -1;
	r->sc.roots[ROOT_RECORD] = outer;
	if (v.secret)
		got = error_set(e, ERR_REQUEST, "a secret may not go into results");
	else if (got == 1 && v.v != NULL)
		*out = json_steal(&v.v);
	value_clear(&v);
	return got == -1 ? error_in(e, "join \"%s\"", j->name) : 0;
}

/* An index being made: its rows wait for their members to be asked for together. */
struct making {
	struct rest		*r;
	const struct join	*j;
	struct index		*x;
	cJSON			*rows[JOIN_BATCH];
	uint32_t		 numbers[JOIN_BATCH];
	size_t			 n, bytes;
};

static int
members_ask(struct making *m, struct error *e)
{
	autoasking	 k = { .r = m->r, .s = m->j->members.n == 0 ? NULL : &m->j->members.steps[0], .index = m->x, .join = m->j,
	    .numbers = m->numbers };
	int		 got = 0;

	if (m->n == 0)
		return 0;
	got = asking_begin(&k, m->n, e);
	for (size_t i = 0; got == 0 && i < m->n; i++) {
		m->r->sc.roots[ROOT_RECORD] = m->rows[i];
		got = asking_add(&k, i, e);
	}
	m->r->sc.roots[ROOT_RECORD] = NULL;
	if (got == 0)
		got = asking_run(&k, e);
	for (size_t i = 0; i < m->n; i++)
		cJSON_Delete(m->rows[i]);
	m->n = m->bytes = 0;
	return got;
}

static int
index_row(void *arg, cJSON *row, struct error *e)
{
	struct making	*m = arg;
	autojson	*taken = row;
	cJSON		*v;
	uint32_t	 number;
	const cJSON	*one;

	if (row_value(m->r, m->j, taken, &v, e) == -1)
		return -1;
	if (v == NULL)
		return 0;
	if (index_value(m->x, v, &number, e) == -1)
		return -1;
	if (m->j->members.n > 0) {
		m->bytes += tree_bytes(taken);
		m->numbers[m->n] = number;
		m->rows[m->n++] = json_steal(&taken);
		return m->n == JOIN_BATCH || m->bytes > JOIN_BATCH_BYTES ? members_ask(m, e) : 0;
	}
	if (m->j->members_at == NULL)
		return member_put(m->x, m->j, taken, number, e);
	cJSON_ArrayForEach(one, json_at(taken, m->j->members_at))
		if (member_put(m->x, m->j, one, number, e) == -1)
			return -1;
	return 0;
}

static int
index_make(struct rest *r, const struct join *j, struct index **out, struct error *e)
{
	const cJSON	*outer = r->sc.roots[ROOT_RECORD];
	struct making	 m = { .r = r, .j = j, .x = index_new() };
	int		 got = m.x == NULL ? error_set(e, ERR_SYSTEM, "no memory") : 0;

	for (size_t i = 0; got == 0 && i < j->index.n; i++)
		got = pages_run(r, &j->index.steps[i], index_row, &m, e);
	if (got == 0)
		got = members_ask(&m, e);
	for (size_t i = 0; i < m.n; i++)
		cJSON_Delete(m.rows[i]);
	r->sc.roots[ROOT_RECORD] = outer;
	if (got == -1) {
		index_free(m.x);
		return -1;
	}
	index_done(m.x);
	*out = m.x;
	return 0;
}

int
joins_prepare(struct rest *r, const struct object *o, struct error *e)
{
	r->listing = true;
	for (size_t i = 0; i < o->njoins; i++)
		if (o->joins[i].index.n > 0 && r->indexes[i] == NULL &&
		    index_make(r, &o->joins[i], &r->indexes[i], e) == -1)
			return -1;
	return 0;
}

void
indexes_drop(struct rest *r)
{
	for (size_t i = 0; i < JOINS_MAX; i++) {
		index_free(r->indexes[i]);
		r->indexes[i] = NULL;
	}
}

bool
joins_ask(const struct object *o)
{
	for (size_t i = 0; i < o->njoins; i++)
		if (o->joins[i].index.n == 0)
			return true;
	return false;
}

static int
index_use(struct rest *r, const struct object *o, size_t at, const cJSON *row, cJSON *joined, struct error *e)
{
	const struct join	*j = &o->joins[at];
	const char		*on = j->on == NULL ? o->id : j->on;
	char			 scratch[64];
	const char		*key = json_scalar_text(json_at(row, on), scratch, sizeof(scratch));

	if (r->indexes[at] == NULL && index_make(r, j, &r->indexes[at], e) == -1)
		return -1;
	return json_set(joined, j->name, key == NULL ? cJSON_CreateArray() : index_find(r->indexes[at], key)) == -1 ?
	    error_set(e, ERR_SYSTEM, "no memory") : 0;
}

/* Rows of an answer for one record, where a list would have looked into the index: the same values. */
static int
values_make(struct rest *r, const struct join *j, cJSON *joined, struct error *e)
{
	autojson	*rows = cJSON_DetachItemFromObject(joined, j->name), *values = cJSON_CreateArray();
	const cJSON	*one;

	cJSON_ArrayForEach(one, rows) {
		cJSON	*v;

		if (row_value(r, j, one, &v, e) == -1)
			return -1;
		if (v != NULL && json_push(values, v) == -1)
			return error_set(e, ERR_SYSTEM, "no memory");
	}
	return json_set(joined, j->name, json_steal(&values)) == -1 ? error_set(e, ERR_SYSTEM, "no memory") : 0;
}

/* One join for all of the records. */
static int
join_run(struct rest *r, const struct object *o, size_t at, const cJSON *const *rows, size_t n, cJSON **joined, struct error *e)
{
	const struct join	*j = &o->joins[at];
	bool			 by_index = j->index.n > 0 && (r->listing || j->list.n == 0);
	const struct text	*when = j->index.n > 0 ? j->when : j->list.steps[0].when;
	cJSON			*into[JOIN_BATCH] = { NULL };
	autoasking		 k = { .r = r, .s = j->list.n == 0 ? NULL : &j->list.steps[0], .into = into };
	int			 got = asking_begin(&k, n, e);

	for (size_t i = 0; got == 0 && i < n; i++) {
		r->sc.roots[ROOT_RECORD] = rows[i];
		scope_begin(&r->sc);
		got = when == NULL ? 1 : text_true(r, when, e);
		if (got != 1)
			continue;
		if (by_index) {
			got = index_use(r, o, at, rows[i], joined[i], e);
			continue;
		}
		if (json_set(joined[i], j->name, into[i] = cJSON_CreateArray()) == -1)
			return error_set(e, ERR_SYSTEM, "no memory");
		got = asking_add(&k, i, e);
	}
	if (got == 0 && k.n > 0)
		got = asking_run(&k, e);
	for (size_t i = 0; got == 0 && j->index.n > 0 && i < n; i++)
		if (into[i] != NULL)
			got = values_make(r, j, joined[i], e);
	return got;
}

int
joins_run(struct rest *r, const struct object *o, const cJSON *const *rows, size_t n, cJSON **joined, struct error *e)
{
	int	 got = 0;

	for (size_t i = 0; i < n; i++)
		if ((joined[i] = cJSON_CreateObject()) == NULL)
			return error_set(e, ERR_SYSTEM, "no memory");
	for (size_t k = 0; got == 0 && k < o->njoins; k++)
		got = join_run(r, o, k, rows, n, joined, e);
	r->sc.roots[ROOT_RECORD] = NULL;
	return got;
}
