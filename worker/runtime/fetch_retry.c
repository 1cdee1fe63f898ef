/*
 * fetch_retry.c -- whether to ask again, and when.  Decisions only.
 */
#include <errno.h>
#include <string.h>

#include "worker/runtime/fetch_priv.h"

#define EPOCH_LEAST	1000000000	/* a smaller reset value is seconds from now */

bool
retry_repeatable(const char *method, unsigned int flags)
{
	static const char *const	 methods[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS" };

	if (flags & FETCH_REPEATABLE)
		return true;
	for (size_t i = 0; i < N_ITEMS(methods); i++)
		if (strcmp(method, methods[i]) == 0)
			return true;
	return false;
}

int64_t
retry_backoff_ms(unsigned int attempt, uint32_t chance)
{
	int64_t	 most = (int64_t)FETCH_BACKOFF_MS << (attempt > 10 ? 10 : attempt > 0 ? attempt - 1 : 0);

	if (most > FETCH_BACKOFF_MS_MAX)
		most = FETCH_BACKOFF_MS_MAX;
	return (int64_t)(chance % (uint32_t)(most + 1));
}

int64_t
retry_wait_ms(const struct retry_facts *r, uint32_t chance)
{
	bool	 undone;	/* the source did not do it, whatever it was */

	if (r->flags & FETCH_ONCE || r->attempt >= r->attempts)
		return RETRY_NO;
	if (r->told)
		return r->asked_ms > FETCH_WAIT_MS_MAX ? RETRY_TOO_LONG : r->asked_ms;
	switch (r->status) {
	case 0:
		undone = !r->sent;
		break;
	case 429:
		undone = true;
		break;
	case 503:
		undone = r->asked_ms >= 0;
		break;
	case 403:
		if (r->asked_ms < 0)	/* a rate limit says when it ends; a refusal does not */
			return RETRY_NO;
		undone = true;
		break;
	case 408: case 500: case 502: case 504:
		undone = false;
		break;
	default:
		return RETRY_NO;
	}
	if (!undone && !retry_repeatable(r->method, r->flags))
		return RETRY_NO;
	if (r->asked_ms > FETCH_WAIT_MS_MAX)
		return RETRY_TOO_LONG;
	return r->asked_ms >= 0 ? r->asked_ms + (int64_t)(chance % 250) : retry_backoff_ms(r->attempt, chance);
}

static int64_t
seconds_of(const char *s)
{
	char		*rest;
	long long	 n;

	errno = 0;
	n = strtoll(s, &rest, 10);
	if (rest == s || errno != 0 || n < 0 || (*rest != '\0' && *rest != '.'))
		return -1;
	return n;
}

int64_t
retry_after_ms(const char *value, int64_t now_s)
{
	int64_t	 n = seconds_of(value);

	if (n < 0) {
		n = (int64_t)curl_getdate(value, NULL);
		if (n < 0)
			return -1;
		n = n > now_s ? n - now_s : 0;
	}
	return n > INT64_MAX / 1000 ? INT64_MAX : n * 1000;
}

int64_t
retry_asked_ms(const struct fetch_response *rs, int64_t now_s)
{
	static const struct { const char *left, *reset; } pairs[] = {
		{ "x-ratelimit-remaining", "x-ratelimit-reset" },
		{ "x-rate-limit-remaining", "x-rate-limit-reset" },
		{ "ratelimit-remaining", "ratelimit-reset" },
	};
	const char	*after = fetch_header(rs, "retry-after");
	int64_t		 n;

	if (after != NULL && (n = retry_after_ms(after, now_s)) >= 0)
		return n;
	for (size_t i = 0; i < N_ITEMS(pairs); i++) {
		const char	*left = fetch_header(rs, pairs[i].left), *reset = fetch_header(rs, pairs[i].reset);

		if (left == NULL || reset == NULL || strcmp(left, "0") != 0 || (n = seconds_of(reset)) < 0)
			continue;
		if (n >= EPOCH_LEAST)
			n = n > now_s ? n - now_s : 0;
		return n > INT64_MAX / 1000 ? INT64_MAX : n * 1000;
	}
	return -1;
}
