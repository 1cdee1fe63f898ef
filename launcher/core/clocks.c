/*
 * clocks.c -- how long an invocation may take for what it is at.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/core/inv.h"

#define EXIT_MS		2000		/* from the verdict to the exit */
#define START_MS	(2 * LOCK_MS)	/* a nursery's start and a worker's */
#define TICK_MS_MAX	60000		/* between two looks at the clocks */

/* What it said itself is the better explanation, where it said anything. */
static void
linger_name(const struct invocation *iv, struct error *e)
{
	struct error	 said = ERROR_NONE;

	if (!relay_verdict(iv->w->relay, &said))
		error_set(e, ERR_PROTOCOL, "the worker closed its results and did not exit");
	else if (said.code == ERR_NONE)
		error_set(e, ERR_PROTOCOL, "the worker said \"end\" and did not exit");
	else
		error_set(e, ERR_PROTOCOL, "the worker said that it failed, and did not exit: %.300s", said.msg);
}

bool
clocks_over(const struct invocation *iv, struct error *e)
{
	struct error	 said;
	int64_t		 now = now_ms();
	bool		 spoke = iv->ended || relay_verdict(iv->w->relay, &said);

	if (iv->deadline_ms != 0 && now >= iv->deadline_ms)
		error_set(e, ERR_DEADLINE, "no end after %lld ms; raise --timeout", (long long)iv->limits.deadline_ms);
	else if (iv->state == INV_STARTING && now >= iv->start_ms + START_MS)
		error_set(e, ERR_SANDBOX, "the worker was not confined within %d s", START_MS / 1000);
	else if (spoke && now >= iv->heard_ms + EXIT_MS && !iv->reaped)
		linger_name(iv, e);
	else if (iv->reaped && !iv->ended && !relay_paused(iv->w->relay) && now >= iv->reaped_ms + EXIT_MS)
		error_set(e, ERR_PROTOCOL, "the worker is gone but something holds its results open");
	else if (now >= iv->heard_ms + iv->limits.silence_ms)
		error_set(e, ERR_IDLE, "no record for %lld ms; the connector should send keepAlive, or raise "
		    "--limit silence=TIME", (long long)iv->limits.silence_ms);
	return e->code != ERR_NONE;
}

/* When the clocks want to be looked at next. */
int64_t
clocks_next(const struct invocation *iv, int64_t now)
{
	struct error	 said;
	int64_t		 next = iv->heard_ms + iv->limits.silence_ms;

	if (iv->state == INV_STOPPING)
		return iv->rung_ms;
	if ((iv->ended || relay_verdict(iv->w->relay, &said)) && iv->heard_ms + EXIT_MS < next)
		next = iv->heard_ms + EXIT_MS;
	else if (iv->reaped && iv->reaped_ms + EXIT_MS < next)
		next = iv->reaped_ms + EXIT_MS;
	if (iv->state == INV_STARTING && iv->start_ms + START_MS < next)
		next = iv->start_ms + START_MS;
	if (iv->deadline_ms != 0 && iv->deadline_ms < next)
		next = iv->deadline_ms;
	return next - now > TICK_MS_MAX ? now + TICK_MS_MAX : next;
}
