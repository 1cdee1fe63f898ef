/*
 * judge.c -- what an answer means: the first rule that fits, of the step and then of the description, decides.
 */
#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connectors/rest/instant.h"
#include "connectors/rest/rest.h"

#define WAIT_MS			1000	/* where a rule says to wait and the source not how long */
#define WORDS_BYTES_MAX		200u	/* of the source's own, in a message */
#define WORDS_BYTES_READ	2048u	/* of them, to find secrets in */
#define SHOWN_BYTES_MAX		100u	/* of the request, likewise */
#define STATUS_GONE		410
#define EPOCH_S_MIN		1000000000	/* a larger number in a header is a time, not a span */

static bool
status_fits(const struct rule *ru, int status)
{
	for (size_t i = 0; i < ru->nstatus; i++)
		if (ru->status[i] == status || ru->status[i] == status / 100)
			return true;
	return ru->nstatus == 0;
}

cJSON *
response_show(const struct fetch_response *rs)
{
	cJSON	*response = cJSON_CreateObject();

	if (json_set(response, "status", json_int(rs->status)) == -1) {
		cJSON_Delete(response);
		return NULL;
	}
	if (rs->body != NULL)
		cJSON_AddItemReferenceToObject(response, "body", rs->body);
	return response;
}

static int
when_holds(struct rest *r, const struct text *when, const struct fetch_response *rs)
{
	autojson	*response = response_show(rs);
	struct error	 e = ERROR_NONE;
	int		 holds;

	if (response == NULL)
		return -1;
	r->sc.roots[ROOT_RESPONSE] = response;
	scope_begin(&r->sc);
	/* A source that repeats a secret in its words is judged by them all the same; the caller's own decide nothing. */
	holds = text_uses(when, ROOT_SECRET) || text_names(when, ROOT_INPUT) || text_names(when, ROOT_SET) ||
	    text_names(when, ROOT_VALUE) ? text_true(r, when, &e) : text_holds(r, when, &e);
	r->sc.roots[ROOT_RESPONSE] = NULL;
	return holds;
}

/* 1, 0, or -1: its "when" could not be decided. */
static int
fits(struct rest *r, const struct rule *ru, const struct fetch_response *rs)
{
	const char	*header;

	if (!status_fits(ru, rs->status))
		return 0;
	if (ru->header != NULL) {
		header = fetch_header(rs, ru->header);
		if (header == NULL || (ru->header_value != NULL && strcasestr(header, ru->header_value) == NULL))
			return 0;
	}
	return ru->when == NULL ? 1 : when_holds(r, ru->when, rs);
}

/* An answer that a rule cannot judge is no good one: it might be the failure that the rule is for. */
static const struct rule *
first_of(struct rest *r, const struct rules *rules, const struct fetch_response *rs)
{
	static const struct rule	 undecided = { .then = THEN_FATAL };

	for (size_t i = 0; i < rules->n; i++) {
		int	 fit = fits(r, &rules->at[i], rs);

		if (fit != 0)
			return fit == 1 ? &rules->at[i] : &undecided;
	}
	return NULL;
}

bool
step_takes(const struct step *s, int status)
{
	for (size_t i = 0; i < s->nok; i++)
		if (s->ok[i] == status || s->ok[i] == status / 100)
			return true;
	return false;
}

int
step_failed(const struct step *s, struct error *e)
{
	return strncmp(e->msg, s->where, strlen(s->where)) == 0 ? -1 : error_in(e, "%s", s->where);
}

/* The step's own rules, then what it takes for good, then those of all. */
const struct rule *
rule_find(struct rest *r, const struct fetch_response *rs)
{
	const struct rule	*ru = r->now == NULL ? NULL : first_of(r, &r->now->errors, rs);

	if (ru != NULL || (r->now != NULL && step_takes(r->now, rs->status)))
		return ru;
	return first_of(r, &r->d->errors, rs);
}

/* A number of seconds, a date, or a time in seconds since 1970. */
static int64_t
wait_read(const char *s)
{
	int64_t	 ms, now = (int64_t)time(NULL) * 1000;

	if (s == NULL)
		return WAIT_MS;
	if (instant_read("epoch", s, &ms))
		ms = ms / 1000 >= EPOCH_S_MIN ? ms - now : ms;
	else if (instant_read("http", s, &ms) || instant_read("iso", s, &ms))
		ms -= now;
	else
		return WAIT_MS;
	return ms < 0 ? 0 : ms;
}

int64_t
answer_wait(void *arg, const struct fetch_response *rs, unsigned int attempt)
{
	const struct rule	*ru = rule_find(arg, rs);
	int64_t			 ms = FETCH_BACKOFF_MS;

	if (ru == NULL || (ru->then != THEN_WAIT && ru->then != THEN_RETRY))
		return -1;
	if (ru->then == THEN_WAIT)
		return wait_read(fetch_header(rs, ru->wait_header == NULL ? "Retry-After" : ru->wait_header));
	while (attempt-- > 1 && ms < FETCH_BACKOFF_MS_MAX)
		ms *= 2;
	return ms > FETCH_BACKOFF_MS_MAX ? FETCH_BACKOFF_MS_MAX : ms;
}

static const enum err_code	 codes[] = {
	[THEN_OK] = ERR_NONE, [THEN_NOT_FOUND] = ERR_NOT_FOUND, [THEN_EXISTS] = ERR_INVALID_REQUEST,
	[THEN_INVALID] = ERR_INVALID_REQUEST, [THEN_AUTH] = ERR_INSUFFICIENT_PERMISSION, [THEN_WAIT] = ERR_UPSTREAM,
	[THEN_RETRY] = ERR_UPSTREAM, [THEN_FATAL] = ERR_UPSTREAM, [THEN_RESTART] = ERR_UPSTREAM,
};
static_assert(N_ITEMS(codes) == THEN__MAX, "every outcome has its error");

static const char *const	 meanings[] = {
	[THEN_OK] = "", [THEN_NOT_FOUND] = "it does not exist", [THEN_EXISTS] = "it exists already",
	[THEN_INVALID] = "the source does not take it", [THEN_AUTH] = "the source does not let us",
	[THEN_WAIT] = "the source asks to wait", [THEN_RETRY] = "the source failed", [THEN_FATAL] = "the source refuses",
	[THEN_RESTART] = "the source wants the list begun anew",
};

/* The error of a rule: where, what it means, of which request and by which rule, and what the source says itself. */
static void
rule_tell(struct rest *r, const struct rule *ru, const struct fetch_response *rs, struct error *e)
{
	char		 scratch[64], words[WORDS_BYTES_READ] = "";
	const char	*shown = r->now == NULL || r->now->shown == NULL ? "" : r->now->shown;
	const char	*said = ru->message == NULL ? NULL : json_scalar_text(json_at(rs->body, ru->message), scratch,
	    sizeof(scratch));

	if (said != NULL) {
		(void)strlcpy(words, said, sizeof(words));
		redact_text(words, sizeof(words));
	}
	r->outcome = ru->then;
	r->decided = r->now;
	error_set(e, codes[ru->then], "%s: %s (%.*s%sHTTP %d%s%s)%s%.*s", r->now == NULL ? "sign-in" : r->now->where,
	    meanings[ru->then], (int)SHOWN_BYTES_MAX, shown, shown[0] == '\0' ? "" : ": ", rs->status, ru->where == NULL ? "" : ", by ",
	    ru->where == NULL ? "" : ru->where, said == NULL ? "" : ": ", (int)WORDS_BYTES_MAX, words);
}

void
answer_explain(void *arg, const struct fetch_response *rs, struct error *e)
{
	struct rest		*r = arg;
	const struct rule	*ru = rule_find(r, rs);

	if (ru != NULL && ru->then != THEN_OK)
		rule_tell(r, ru, rs, e);
	else if (r->now != NULL)
		error_in(e, "%s", r->now->where);
	/* No rule is needed for it, and one of what is not there means something else: most answer so to a state that is too old. */
	if (rs->status == STATUS_GONE && (ru == NULL || ru->then == THEN_NOT_FOUND)) {
		r->outcome = THEN_RESTART;
		r->decided = r->now;
	}
}

static enum err_code
code_of(int status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_INSUFFICIENT_PERMISSION;
	case 404:
	case 410:
		return ERR_NOT_FOUND;
	case 400:
	case 409:
	case 422:
		return ERR_INVALID_REQUEST;
	default:
		return ERR_UPSTREAM;
	}
}

int
answer_judge(struct rest *r, const struct step *s, const struct fetch_response *rs, struct error *e)
{
	const struct rule	*ru = rule_find(r, rs);

	if (ru != NULL && ru->then != THEN_OK) {
		rule_tell(r, ru, rs, e);
		return -1;
	}
	if (ru != NULL || (rs->status >= 200 && rs->status < 300) || step_takes(s, rs->status))
		return 0;
	return error_set(e, code_of(rs->status), "%s: the source answered with HTTP %d", s->where, rs->status);
}
