/*
 * fetch_run.c -- requests under way: one, or a window of many.
 *
 * Each request is a job: signed, sent, judged, and if need be once more when it
 * is due.  A job that waits holds nothing up; no more than `parallel` are under
 * way.  No callback of a connector is called while libcurl works but for rows,
 * and requests that a callback makes run on a level of their own.
 *
 * Where the source has a budget, each attempt waits for a permit first; one is asked for at a time.
 */
#include <string.h>

#include "worker/runtime/fetch_priv.h"
#include "worker/runtime/runtime.h"

/* Requests from inside callbacks take the next level as long as something is under way on this one. */
static void
flying_count(struct run *r, int n)
{
	r->flying += (unsigned int)n;
	r->f->level = r->level + (r->flying > 0 ? 1 : 0);
}

static int
job_open(struct run *r, struct job *j, struct error *e)
{
	const struct fetch_request	*rq = &r->rqs[r->next];
	struct origin			 o;

	*j = (struct job){ .state = JOB_READY, .i = r->next++, .rq = *rq, .form = r->form, .attempt = 1 };
	r->open++;
	j->rq.flags |= r->flags;
	buf_init(&j->url, FETCH_URL_BYTES_MAX);
	buf_init(&j->body, FETCH_BODY_BYTES_MAX);
	if (r->url != NULL)
		buf_adds(&j->url, r->url);
	else if (fetch_url_make(r->f, rq, &j->url, e) == -1)
		return -1;
	j->ours = origin_of(j->url.data == NULL ? "" : j->url.data, &o) == 0 && origin_same(&o, &r->f->origin);
	return job_body(j, e);
}

static void
job_close(struct run *r, struct job *j)
{
	if (j->state == JOB_FREE)
		return;
	if (j->state == JOB_FLYING) {
		attempt_stop(&j->a, CURLE_ABORTED_BY_CALLBACK);
		permit_done(0);
		flying_count(r, -1);
	}
	attempt_end(&j->a);
	buf_free(&j->url);
	buf_wipe(&j->body);		/* a form may hold a secret */
	j->state = JOB_FREE;
	r->open--;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
job_due_ms(const struct run *r, const struct job *j)
{
	return later(later(j->due_ms, r->permit_ms), j->ours ? r->f->pause_until_ms : 0);
}

/* When one that was not begun may be. */
static int64_t
fresh_due_ms(const struct run *r)
{
	return later(r->permit_ms, r->f->pause_until_ms);
}

static int
job_start(struct run *r, struct job *j, struct error *e)
{
	int64_t	 wait;

	if (r->level >= FETCH_LEVELS_MAX)
		return error_set(e, ERR_SYSTEM, "calls from inside calls, more than %u deep", FETCH_LEVELS_MAX);
	/* Permitted first: to sign in may take a request of its own, which then is inside this one. */
	if ((wait = permit_ask(r->inner, e)) != 0) {
		r->permit_ms = now_ms() + wait;
		return wait == -1 ? -1 : 0;
	}
	if (job_sign(r->f, j, e) == -1) {
		permit_done(0);
		return -1;
	}
	if (r->n > 1 && j->a.envelope_max > FETCH_BODIES_BYTES_MAX / r->parallel)
		j->a.envelope_max = FETCH_BODIES_BYTES_MAX / r->parallel;
	if (attempt_start(&j->a, &r->f->levels[r->level], e) == -1) {
		permit_done(0);
		return -1;
	}
	j->state = JOB_FLYING;
	flying_count(r, 1);
	return 0;
}

/* Which job may start now, NULL: none.  Those that were begun go before those that were not. */
static struct job *
job_next(struct run *r)
{
	struct job	*ready = NULL, *empty = NULL;
	int64_t		 now = now_ms();

	for (size_t i = 0; i < r->njobs; i++) {
		struct job	*j = &r->jobs[i];
		bool		 due = j->state == JOB_READY && job_due_ms(r, j) <= now;

		if (j->alone && (due || j->state == JOB_FLYING))
			return due && r->flying == 0 ? j : NULL;
		if (due && ready == NULL)
			ready = j;
		if (j->state == JOB_FREE && empty == NULL)
			empty = j;
	}
	if (ready != NULL || r->next == r->n || fresh_due_ms(r) > now)
		return ready;
	return empty;
}

static int
jobs_start(struct run *r, struct error *e)
{
	struct job	*j;

	while (r->flying < r->parallel && (j = job_next(r)) != NULL)
		if ((j->state == JOB_FREE && job_open(r, j, e) == -1) || job_start(r, j, e) == -1)
			return -1;
	return 0;
}

/* How long nothing need be started. */
static int
patience_ms(const struct run *r)
{
	int64_t	 now = now_ms(), least = FETCH_TURN_MS;

	for (size_t i = 0; i < r->njobs && r->flying < r->parallel; i++) {
		const struct job	*j = &r->jobs[i];
		int64_t			 due = j->state == JOB_READY ? job_due_ms(r, j) : fresh_due_ms(r);

		if (due > now && due - now < least)
			least = due - now;
	}
	return (int)least;
}

static int
jobs_turn(struct run *r, struct error *e)
{
	CURLM		*multi = r->f->levels[r->level].multi;
	CURLMcode	 code = CURLM_OK;
	int		 running;

	if (r->flying > 0 && (code = curl_multi_perform(multi, &running)) == CURLM_OK && running == (int)r->flying) {
		emit_flush();
		code = curl_multi_poll(multi, NULL, 0, patience_ms(r), NULL);
	}
	else if (r->flying == 0)
		fetch_sleep(r->f, patience_ms(r));
	fetch_alive(r->f);
	return code == CURLM_OK ? 0 : error_set(e, ERR_SYSTEM, "libcurl: %s", curl_multi_strerror(code));
}

static int
job_done(struct run *r, struct job *j, struct fetch_response *rs, struct error *e)
{
	int64_t	 clock = fetch_clock(r->f);
	size_t	 i = j->i;
	int	 rc;

	/* Its buffers go before its tree is used. */
	job_close(r, j);
	rc = r->done(r->arg, i, rs, e);
	fetch_clock_set(r->f, clock);
	if (rc == -1 && e->code == ERR_NONE)
		error_set(e, ERR_GENERIC, "an answer was refused, without a reason");
	return rc;
}

/* An attempt has ended. */
static int
job_landed(struct run *r, struct job *j, CURLcode code, struct error *e)
{
	struct fetch_response	 rs = { 0 };
	enum next		 next;
	int			 rc = 0;

	attempt_stop(&j->a, code);
	j->state = JOB_READY;
	flying_count(r, -1);
	next = job_judge(j, &rs, e);
	permit_done(j->hold_ms);
	r->f->cut = j->a.cut && !j->a.callers;
	attempt_end(&j->a);
	if (next != NEXT_AGAIN)
		rc = next == NEXT_DONE ? job_done(r, j, &rs, e) : -1;
	fetch_response_free(&rs);
	return rc;
}

static int
jobs_land(struct run *r, struct error *e)
{
	CURLM		*multi = r->f->levels[r->level].multi;
	struct CURLMsg	*m;
	int		 left;

	while (r->flying > 0 && (m = curl_multi_info_read(multi, &left)) != NULL) {
		char		*private = NULL;
		CURLcode	 code = m->data.result;

		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
		for (size_t i = 0; i < r->njobs; i++)
			if ((char *)&r->jobs[i].a == private && job_landed(r, &r->jobs[i], code, e) == -1)
				return -1;
	}
	return 0;
}

int
run_requests(struct run *r, struct error *e)
{
	int	 rc = 0;

	r->level = r->f->level;
	r->f->cut = false;
	r->inner = permit_count() > 0;
	emit_hold();
	while (rc == 0 && (r->open > 0 || r->next < r->n)) {
		if ((rc = jobs_start(r, e)) == 0 && (rc = jobs_turn(r, e)) == 0)
			rc = jobs_land(r, e);
	}
	for (size_t i = 0; i < r->njobs; i++)
		job_close(r, &r->jobs[i]);
	emit_release();
	return rc;
}
