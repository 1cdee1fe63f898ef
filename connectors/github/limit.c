/*
 * limit.c -- GitHub's three rate-limit rules, in GitHub's order: Retry-After;
 * a spent budget until its reset; the secondary limit, a minute and doubling.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "connectors/github/github.h"

#define LIMIT_DEADLINE_MARGIN_MS	5000	/* to say why before the deadline comes */
#define LIMIT_SECONDS_MAX		INT64_C(100000000)

/* Seconds of a header; -1 where it is none. */
static int64_t
header_seconds(const char *text, int64_t max)
{
	int64_t	 n = 0;

	if (text == NULL || text[0] == '\0')
		return -1;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return -1;
		n = n * 10 + (*p - '0');
		if (n > max)
			return max;
	}
	return n;
}

static bool
says_limit(const char *message)
{
	static const char *const	 phrases[] = { "secondary rate limit", "abuse detection" };

	for (size_t i = 0; message != NULL && i < N_ITEMS(phrases); i++)
		if (strcasestr(message, phrases[i]) != NULL)
			return true;
	return false;
}

enum limit_kind
limit_judge(const struct limit_facts *lf, int64_t now_s, unsigned int attempt, int64_t *wait_ms)
{
	int64_t		 after_s, reset_s;
	unsigned int	 doublings = attempt > 1 ? attempt - 1 : 0;

	*wait_ms = -1;
	if (lf->status != 403 && lf->status != 429)
		return LIMIT_NONE;
	if ((after_s = header_seconds(lf->retry_after, LIMIT_SECONDS_MAX)) >= 0) {
		*wait_ms = after_s * 1000;
		return LIMIT_RETRY_AFTER;
	}
	if (lf->remaining != NULL && strcmp(lf->remaining, "0") == 0 &&
	    (reset_s = header_seconds(lf->reset, now_s + LIMIT_SECONDS_MAX)) >= 0) {
		*wait_ms = (reset_s > now_s ? reset_s - now_s : 0) * 1000 + LIMIT_SLACK_MS;
		return LIMIT_PRIMARY;
	}
	if (lf->status == 429 || says_limit(lf->message)) {
		*wait_ms = (int64_t)LIMIT_SECONDARY_MS << (doublings < 10 ? doublings : 10);
		return LIMIT_SECONDARY;
	}
	return LIMIT_NONE;
}

int64_t
limit_budget_ms(int64_t deadline_ms, int64_t spent_ms)
{
	int64_t	 left;

	if (deadline_ms <= 0)
		return FETCH_WAIT_MS_MAX;
	left = deadline_ms - spent_ms - LIMIT_DEADLINE_MARGIN_MS;
	if (left < 0)
		return 0;
	return left < FETCH_WAIT_MS_MAX ? left : FETCH_WAIT_MS_MAX;
}

void
limit_text(enum limit_kind kind, int64_t now_s, int64_t wait_ms, char *out, size_t n)
{
	static const char *const	 names[] = {
		[LIMIT_NONE]		= "rate limit",
		[LIMIT_RETRY_AFTER]	= "rate limit (Retry-After)",
		[LIMIT_PRIMARY]		= "rate limit (hourly budget used up)",
		[LIMIT_SECONDARY]	= "secondary rate limit",
	};
	time_t				 until = (time_t)(now_s + (wait_ms + 999) / 1000);
	struct tm			 tm;
	char				 when[32] = "later";

	if (gmtime_r(&until, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)snprintf(out, n, "GitHub's %s holds requests back until %s (%" PRId64 " s), longer than this command may "
	    "wait: run it again after that time", names[kind], when, (wait_ms + 999) / 1000);
}
