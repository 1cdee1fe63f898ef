/*
 * invocation.c -- the life of one invocation: it gets a worker that is seen to be
 * confined, gives it the request, listens to it, and removes it.  One writer of the
 * state, one deadline, one verdict.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "launcher/core/code.h"
#include "launcher/core/inv.h"
#include "launcher/core/reserve.h"
#include "sandbox/sandbox.h"

#define STEP_PORTIONS	64		/* of results moved in one turn */
#define SETTLE_MS	2000		/* for the broker's last word on a dead worker's leg */
#define LAST_PORTIONS	4		/* of the log, after the worker's death: more than its pipe holds */

#define TO(s)	(1u << (s))
static const struct {
	const char	*name;
	unsigned int	 next;		/* states reachable from here */
} states[] = {
	[INV_STARTING]	= { "starting",	 TO(INV_SENDING) | TO(INV_STOPPING) | TO(INV_DONE) },
	[INV_SENDING]	= { "sending",	 TO(INV_STREAMING) | TO(INV_STOPPING) | TO(INV_DONE) },
	[INV_STREAMING]	= { "streaming", TO(INV_STOPPING) | TO(INV_DONE) },
	[INV_STOPPING]	= { "stopping",	 TO(INV_DONE) },
	[INV_DONE]	= { "done",	 0 },
};
static_assert(N_ITEMS(states) == INV__MAX, "every state is named");

static const struct {
	int	sig;		/* sent on entering this rung */
	int	grace_ms;	/* then this long before the next */
} ladder[] = {
	{ SIGTERM,	TERM_GRACE_MS },
	{ SIGKILL,	5000 },
};

static LIST_HEAD(, invocation) live = LIST_HEAD_INITIALIZER(live);
static LIST_HEAD(, invocation) settling = LIST_HEAD_INITIALIZER(settling);

const char *
inv_state_name(enum inv_state s)
{
	return states[s].name;
}

/* The only writer of iv->state. */
static void
inv_goto(struct invocation *iv, enum inv_state to)
{
	if ((states[iv->state].next & TO(to)) == 0)
		abort();		/* a bug of ours; better no launcher than a wrong verdict */
	iv->state = to;
}

/* A turn is due, from the loop and not from within a caller's call. */
static void
turn_soon(struct invocation *iv)
{
	event_active(&iv->tick, EV_TIMEOUT, 0);
}

static bool
has_process(const struct invocation *iv)
{
	return iv->w != NULL && worker_alive(iv->w);
}

static void
rung_step(struct invocation *iv)
{
	if (has_process(iv) && !iv->reaped)
		worker_signal(iv->w, ladder[iv->rung].sig);
	iv->rung_ms = now_ms() + ladder[iv->rung].grace_ms;
	if (iv->rung + 1 < N_ITEMS(ladder))
		iv->rung++;
}

static void
request_close(struct invocation *iv)
{
	if (iv->w == NULL || iv->w->request_fd == -1)
		return;
	if (iv->sending.ev_base != NULL)	/* never assigned where the broker could not be had */
		event_del(&iv->sending);
	fd_closep(&iv->w->request_fd);
}

/* The first cause of death stands; *e is it. */
void
inv_stop(struct invocation *iv, const struct error *e)
{
	if (iv->state == INV_STOPPING || iv->state == INV_DONE || iv->settle_ms != 0)
		return;		/* it has ended, and how is settled */
	iv->verdict = *e;
	iv->decided = true;
	iv->rung = 0;
	request_close(iv);
	inv_goto(iv, INV_STOPPING);
	rung_step(iv);
	turn_soon(iv);
}

void
inv_stop_all(bool (*must)(const struct invocation *, const void *arg, struct error *why), const void *arg)
{
	struct invocation	*iv;
	struct error		 why;

	LIST_FOREACH(iv, &live, next)
		if (must(iv, arg, &why))
			inv_stop(iv, &why);
}

void
inv_cancel(struct invocation *iv, enum err_code why, const char *text)
{
	struct error	 e = ERROR_NONE;

	if (iv->settle_ms != 0)
		return;
	if (iv->state == INV_STOPPING) {		/* asked twice: no more grace */
		iv->rung = N_ITEMS(ladder) - 1;
		rung_step(iv);
		return;
	}
	error_set(&e, why, "%s", text);
	inv_stop(iv, &e);
}

void
inv_resume(struct invocation *iv)
{
	if (iv->state != INV_DONE && relay_resumable(iv->w->relay))
		turn_soon(iv);
}

static void inv_turn(void *arg);

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	inv_turn(arg);
}

/* A worker of its own, on whatever rung of its birth it is. */
static int
worker_get(struct invocation *iv, struct error *e)
{
	if ((iv->w = pool_take(&iv->plan, inv_turn, iv, e)) == NULL)
		return -1;
	relay_begin(iv->w->relay, iv->cmd, &iv->sink, iv->limits.records);
	keep_begin(iv);
	return egress_take(iv, e);	/* while its worker is born */
}

struct invocation *
inv_start(const struct inv_request *rq, struct error *e)
{
	struct invocation	*iv;

	if (rq->house == NULL && rq->rq->cmd != CMD_SPEC_READ && !spec_has_command(&rq->ref->spec, rq->rq->type)) {
		error_set(e, ERR_UNSUPPORTED, "%s does not offer %s", rq->ref->name, rq->rq->type);
		return NULL;
	}
	if ((iv = calloc(1, sizeof(*iv))) == NULL) {
		error_set(e, ERR_SYSTEM, "no memory");
		return NULL;
	}
	LIST_INSERT_HEAD(&live, iv, next);
	evtimer_assign(&iv->tick, core_base(), on_tick, iv);
	if (inv_fill(iv, rq, e) == -1 || worker_get(iv, e) == -1) {
		inv_free(iv);
		return NULL;
	}
	turn_soon(iv);
	return iv;
}

/* Written only after the walls were seen from outside. */
static void
request_send(struct invocation *iv)
{
	ssize_t	 n;

	if (iv->state != INV_SENDING)
		return;
	while (iv->sent < iv->request.len) {
		n = write(iv->w->request_fd, iv->request.data + iv->sent, iv->request.len - iv->sent);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == -1)
			break;		/* nobody reads it: its verdict or death says why */
		iv->sent += (size_t)n;
	}
	buf_wipe(&iv->request);
	request_close(iv);
	inv_goto(iv, INV_STREAMING);
}

/* A nursery that died under others' hands has not seen this request: once more, from a new one. */
static void
worker_lost(struct invocation *iv)
{
	struct worker	*old = iv->w;
	struct error	 e = old->lost;

	if (!old->again || iv->retried) {
		inv_stop(iv, &e);
		return;
	}
	iv->retried = true;
	egress_close(iv);
	iv->w = NULL;
	if (worker_get(iv, &e) == -1)
		inv_stop(iv, &e);
	if (iv->w == NULL)
		iv->w = old;
	else
		worker_free(old);
}

static void
birth_follow(struct invocation *iv)
{
	struct error	 e = ERROR_NONE;

	if (iv->state != INV_STARTING)
		return;
	if (iv->w->state == WORKER_LOST)
		worker_lost(iv);
	if (iv->state != INV_STARTING || iv->w->state == WORKER_ORDERED)
		return;
	switch (iv->w->state == WORKER_READY ? RELAY_LOCKED : worker_turn(iv->w, &e)) {
	case RELAY_LOCKED:
		if (group_missing(&iv->w->group, iv->required, &e)) {
			inv_stop(iv, &e);
			break;
		}
		/* A foreign program's way out is there when it starts; a worker that has a use for it can wait. */
		if (iv->plan.guest[0] != '\0' && egress_open(iv, &e) == -1) {
			inv_stop(iv, &e);
			break;
		}
		event_assign(&iv->sending, core_base(), iv->w->request_fd, EV_WRITE | EV_PERSIST, on_tick, iv);
		iv->heard_ms = now_ms();
		inv_goto(iv, INV_SENDING);
		break;
	case RELAY_BROKEN:
		inv_stop(iv, &e);
		break;
	case RELAY_ENDED:
		iv->ended = true;
		break;
	default:
		break;
	}
}

/* After the request, so that its worker starts meanwhile: a leg that is not had ends it before it asked for anything. */
static void
leg_follow(struct invocation *iv)
{
	struct error	 e = ERROR_NONE;

	if ((iv->state == INV_SENDING || iv->state == INV_STREAMING) && iv->leg == 0 && egress_open(iv, &e) == -1)
		inv_stop(iv, &e);
}

static void
results_move(struct invocation *iv)
{
	struct error	 e = ERROR_NONE;
	int		 left = STEP_PORTIONS;

	if (iv->state != INV_SENDING && iv->state != INV_STREAMING)
		return;
	while (!iv->ended && left-- > 0) {
		switch (relay_results(iv->w->relay, &e)) {
		case RELAY_MOVED:
			iv->heard_ms = now_ms();
			if (iv->first_ms == 0)
				iv->first_ms = iv->heard_ms;
			break;
		case RELAY_ENDED:
			iv->ended = true;
			if (iv->w->far == NULL)
				ends_prepare();		/* while it exits */
			break;
		case RELAY_BROKEN:
			iv->ended = true;	/* nothing of it is believed any more */
			inv_stop(iv, &e);
			return;
		default:
			return;
		}
	}
}

static bool
reap(struct invocation *iv)
{
	if (!iv->reaped && worker_reap(iv->w, &iv->wait_status, &iv->usage)) {
		iv->reaped = true;
		iv->reaped_ms = now_ms();
	}
	return iv->reaped;
}

static void
settle_end(struct invocation *iv)
{
	if (iv->settle_ms != 0)
		LIST_REMOVE(iv, settle_next);
	iv->settle_ms = 0;
}

/*
 * Its worker is gone; what it did outside is known when the broker has had its last word.  That comes by the loop,
 * so that other invocations go on meanwhile.
 */
static bool
settle(struct invocation *iv)
{
	int64_t		 now = now_ms(), left;
	struct timeval	 tv;

	if (egress_settled(iv))
		return true;
	if (iv->settle_ms == 0) {
		iv->settle_ms = now + SETTLE_MS;
		LIST_INSERT_HEAD(&settling, iv, settle_next);
		request_close(iv);
		worker_hush(iv->w);
	}
	if ((left = iv->settle_ms - now) <= 0)
		return true;
	tv = (struct timeval){ left / 1000, left % 1000 * 1000 };
	event_add(&iv->tick, &tv);
	return false;
}

void
inv_settled_look(const struct outlet *o)
{
	struct invocation	*iv;

	LIST_FOREACH(iv, &settling, settle_next)
		if (iv->outlet == o && egress_settled(iv))
			turn_soon(iv);
}

static void
inv_finish(struct invocation *iv)
{
	settle_end(iv);
	/* What killed it may be the last line of its log. */
	for (int i = 0; i < LAST_PORTIONS; i++)
		relay_logs(iv->w->relay);
	inv_judge(iv);
	/* It held one process at most, which is dead; what stays in there is the kernel's to explain. */
	if (worker_leave(iv->w) == -1 && iv->verdict.code == ERR_NONE)
		error_set(&iv->verdict, ERR_SANDBOX, "cgroup: something in the worker's group would not die");
	egress_close(iv);
	keep_end(iv);
	buf_wipe(&iv->request);
	request_close(iv);
	worker_hush(iv->w);
	event_del(&iv->tick);
	iv->end_ms = now_ms();
	inv_goto(iv, INV_DONE);
}

static void
clocks_check(struct invocation *iv)
{
	struct error	 e = ERROR_NONE;

	if (relay_paused(iv->w->relay))
		iv->heard_ms = now_ms();	/* the caller is slow, not the worker */
	if (iv->state == INV_STOPPING) {
		if (now_ms() >= iv->rung_ms)
			rung_step(iv);
	} else if (clocks_over(iv, &e))
		inv_stop(iv, &e);
}

static void
event_want(struct event *ev, bool wanted)
{
	if (wanted)
		event_add(ev, NULL);
	else
		event_del(ev);
}

/* What may move this invocation on from here. */
static void
rearm(struct invocation *iv)
{
	struct worker	*w = iv->w;
	int64_t		 now = now_ms(), wait = clocks_next(iv, now) - now;
	struct timeval	 tv;

	if (wait < 0)
		wait = 0;
	tv = (struct timeval){ wait / 1000, wait % 1000 * 1000 };
	event_add(&iv->tick, &tv);
	if (w->state != WORKER_LOCKING && w->state != WORKER_READY)
		return;
	event_want(&w->results, !iv->ended && iv->state != INV_STOPPING && !relay_paused(w->relay));
	event_want(&w->logs, !relay_logs_ended(w->relay));
	if (iv->state == INV_SENDING)
		event_add(&iv->sending, NULL);
}

static bool
is_over(const struct invocation *iv)
{
	if (iv->reaped)
		return iv->ended || iv->state == INV_STOPPING;
	return iv->state == INV_STOPPING && !has_process(iv);
}

/* Moves everything that can move, while there is a worker to move it. */
static void
worker_follow(struct invocation *iv)
{
	struct error	 said;
	bool		 had_ended = iv->ended, had_spoken = relay_verdict(iv->w->relay, &said);

	/* Before the results: what is in the pipe when it is reaped is all there will be. */
	reap(iv);
	birth_follow(iv);
	request_send(iv);
	leg_follow(iv);
	results_move(iv);
	if (iv->w->state != WORKER_ORDERED)
		relay_logs(iv->w->relay);
	if ((iv->ended && !had_ended) || (!had_spoken && relay_verdict(iv->w->relay, &said)))
		iv->heard_ms = now_ms();	/* from here the exit's clock runs */
	if (!is_over(iv))
		clocks_check(iv);
}

static void
inv_turn(void *arg)
{
	struct invocation	*iv = arg;

	if (iv->state == INV_DONE)
		return;
	if (iv->settle_ms == 0)
		worker_follow(iv);
	if (!is_over(iv)) {
		rearm(iv);
		return;
	}
	if (settle(iv)) {
		inv_finish(iv);
		if (iv->verdict.code == ERR_NONE)
			code_want(&iv->plan);
		iv->sink.done(iv->sink.arg);	/* it may free iv */
	}
}

bool
inv_done(const struct invocation *iv)
{
	return iv->state == INV_DONE;
}

const struct error *
inv_verdict(const struct invocation *iv)
{
	return &iv->verdict;
}

void
inv_free(struct invocation *iv)
{
	if (iv == NULL)
		return;
	LIST_REMOVE(iv, next);
	settle_end(iv);
	event_del(&iv->tick);
	request_close(iv);
	egress_close(iv);
	reserve_want(&iv->plan);	/* now: nobody waits, and the supervisor has to be told of this one anyway */
	worker_free(iv->w);
	buf_wipe(&iv->request);
	egress_free(iv);
	cJSON_Delete(iv->egress);
	free(iv);
}
