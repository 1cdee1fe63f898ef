/*
 * fetch_judge.c -- what comes after an attempt: an end, another attempt, a wait.
 */
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "worker/runtime/fetch_priv.h"

/* GET and HEAD follow where they are sent, within the origin. */
static bool
redirects_on(const struct attempt *a, const struct fetch_response *rs)
{
	static const int	 statuses[] = { 301, 302, 303, 307, 308 };

	if (strcmp(a->method, "GET") != 0 && strcmp(a->method, "HEAD") != 0)
		return false;
	for (size_t i = 0; i < N_ITEMS(statuses); i++)
		if (a->status == statuses[i])
			return fetch_header(rs, "location") != NULL;
	return false;
}

/* What the source or the connector says about waiting. */
static void
wait_asked(struct attempt *a, const struct fetch_response *rs, struct retry_facts *r)
{
	struct fetch	*f = a->f;
	int64_t		 wait;

	r->status = a->status;
	if (a->status == 403 || a->status == 429 || a->status == 503)
		r->asked_ms = retry_asked_ms(rs, (int64_t)time(NULL));
	if (f->wait_ms != NULL && a->status >= 400 && (wait = f->wait_ms(f->wait_arg, rs, r->attempt)) >= 0) {
		r->asked_ms = wait;
		r->told = true;
	}
}

static bool
never_again(const struct attempt *a)
{
	return a->nrows > 0 || a->callers || a->code == CURLE_PEER_FAILED_VERIFICATION ||
	    a->err.code == ERR_NO_EGRESS || a->err.code == ERR_LIMIT || a->err.code == ERR_INVALID_RESPONSE;
}

/* HTTP/2 says when a connection ends; of HTTP/1.1 only some sources say that it does not. */
static void
keeping_note(const struct attempt *a, const struct fetch_response *rs)
{
	const char	*connection = fetch_header(rs, "connection");

	a->f->keeps = a->http2 || fetch_header(rs, "keep-alive") != NULL ||
	    (connection != NULL && strcasestr(connection, "keep-alive") != NULL);
	a->f->keeper = a->origin;
}

/* A limit's budget is the source's: whatever else would be asked waits too. */
static void
pause_all(const struct job *j, int64_t wait)
{
	struct fetch	*f = j->a.f;

	if (j->hold_ms > 0 && now_ms() + wait > f->pause_until_ms)
		f->pause_until_ms = now_ms() + wait;
}

/* The same goes for other workers of the source, whatever becomes of this request. */
static int64_t
hold_ms(const struct job *j, const struct retry_facts *r)
{
	bool	limit = r->status == 429 || ((r->status == 403 || r->status == 503) && r->asked_ms >= 0);

	if (!j->ours || !limit || r->asked_ms < 0)
		return 0;
	return r->asked_ms > 0 ? r->asked_ms : 1;
}

static enum next
again(struct job *j, int64_t wait)
{
	const struct attempt	*a = &j->a;
	char			 shown[256];

	log_info(a->f->c, "%s %s: %s%d, again in %lld ms", a->method, url_shown(a->url, shown),
	    a->code == CURLE_OK ? "status " : "error ", a->code == CURLE_OK ? a->status : (int)a->code,
	    (long long)wait);
	pause_all(j, wait);
	j->attempt++;
	j->due_ms = now_ms() + wait;
	return NEXT_AGAIN;
}

static enum next
redirect(struct job *j, const struct fetch_response *rs, struct error *e)
{
	const struct attempt	*a = &j->a;
	autofree char		*full = url_resolve(j->url.data, fetch_header(rs, "location"));
	char			 shown[256];
	struct origin		 o;

	if (++j->redirects > FETCH_REDIRECTS_MAX) {
		error_set(e, ERR_UPSTREAM, "%s %s: more than %d redirects", a->method, url_shown(a->url, shown),
		    FETCH_REDIRECTS_MAX);
		return NEXT_FAIL;
	}
	if (full == NULL || origin_of(full, &o) == -1 || !origin_same(&o, &a->origin)) {
		error_set(e, ERR_UPSTREAM, "%s %s: status %d, a redirect to another origin is not followed",
		    a->method, url_shown(a->url, shown), a->status);
		return NEXT_FAIL;
	}
	buf_reset(&j->url);
	buf_adds(&j->url, full);
	return NEXT_AGAIN;
}

static void
too_long(struct attempt *a, const struct fetch_response *rs, int64_t asked_ms, struct error *e)
{
	char	 shown[256];

	error_set(e, ERR_UPSTREAM, "%s %s: the source asks to wait %lld s, over the %d s that are waited",
	    a->method, url_shown(a->url, shown), (long long)(asked_ms / 1000), FETCH_WAIT_MS_MAX / 1000);
	if (a->f->explain != NULL)
		a->f->explain(a->f->explain_arg, rs, e);
}

/* Nothing more will be tried. */
static enum next
verdict(struct attempt *a, const struct fetch_response *rs, const struct retry_facts *r, int64_t wait,
    struct error *e)
{
	if (a->code != CURLE_OK)
		(void)answer_curl_fail(a, e);
	else if (wait == RETRY_TOO_LONG)
		too_long(a, rs, r->asked_ms, e);
	else if (a->rq->flags & FETCH_ANY_STATUS || (a->rq->flags & FETCH_MAY_MISS && a->status == 404))
		return NEXT_DONE;
	else
		(void)answer_status_fail(a, rs, e);
	return NEXT_FAIL;
}

/* Rows that went on never come twice, so such an attempt is the last. */
enum next
job_judge(struct job *j, struct fetch_response *rs, struct error *e)
{
	struct attempt		*a = &j->a;
	struct fetch		*f = a->f;
	struct retry_facts	 r = { a->method, a->rq->flags, 0, a->sent, -1, false, j->attempt, f->attempts };
	uint32_t		 chance = 0;
	int64_t			 wait;

	j->due_ms = j->hold_ms = 0;
	if (a->crowded) {
		j->alone = true;
		return NEXT_AGAIN;
	}
	if (a->code == CURLE_OK && answer_take(a, rs, e) == -1)
		return NEXT_FAIL;
	if (a->code == CURLE_OK)
		keeping_note(a, rs);
	if (a->code == CURLE_OK && a->status < 300)
		return NEXT_DONE;
	if (a->code == CURLE_OK && redirects_on(a, rs))
		return redirect(j, rs, e);
	if (a->code == CURLE_OK)
		wait_asked(a, rs, &r);
	j->hold_ms = hold_ms(j, &r);
	if (r.status == 401 && !r.told && !(r.flags & (FETCH_NO_AUTH | FETCH_ONCE)) && !j->renewed &&
	    auth_renew(f, a->token)) {
		j->renewed = true;
		return NEXT_AGAIN;
	}
	if (getrandom(&chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
		chance = 0;
	wait = never_again(a) ? RETRY_NO : retry_wait_ms(&r, chance);
	return wait >= 0 ? again(j, wait) : verdict(a, rs, &r, wait, e);
}
