/*
 * invocation.c -- the life of one invocation: a worker is forked, seen to be
 * confined, given its request, listened to, and removed.  One writer of the
 * state, one deadline, one verdict.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "launcher/core/inv.h"
#include "sandbox/sandbox.h"

#define EXIT_MS		2000		/* from the verdict to the exit */
#define STEP_PORTIONS	64		/* of results moved by one inv_step() */

#define TO(s)	(1u << (s))
static const struct {
	const char	*name;
	unsigned int	 next;		/* states reachable from here */
} states[] = {
	[INV_LOCKING]	= { "starting",	 TO(INV_SENDING) | TO(INV_STOPPING) | TO(INV_DONE) },
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

static struct broker	*broker;	/* one for all of this process's invocations */

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

static void
rung_step(struct invocation *iv)
{
	(void)syscall(SYS_pidfd_send_signal, iv->pidfd, ladder[iv->rung].sig, NULL, 0);
	iv->rung_ms = now_ms() + ladder[iv->rung].grace_ms;
	if (iv->rung + 1 < N_ITEMS(ladder))
		iv->rung++;
}

/* The first cause of death stands; *e is it. */
static void
inv_stop(struct invocation *iv, const struct error *e)
{
	if (iv->state == INV_STOPPING || iv->state == INV_DONE)
		return;
	iv->verdict = *e;
	iv->decided = true;
	iv->rung = 0;
	fd_closep(&iv->request_fd);
	inv_goto(iv, INV_STOPPING);
	rung_step(iv);
}

void
inv_cancel(struct invocation *iv, enum err_code why, const char *text)
{
	struct error	 e = ERROR_NONE;

	if (iv->state == INV_STOPPING) {		/* asked twice: no more grace */
		iv->rung = N_ITEMS(ladder) - 1;
		rung_step(iv);
		return;
	}
	error_set(&e, why, "%s", text);
	inv_stop(iv, &e);
}

static int
broker_ready(struct error *e)
{
	char	 program[4096];

	if (broker != NULL)
		return 0;
	if (core_beside("../libexec/bascule-broker", program, sizeof(program)) == -1 &&
	    core_beside("../libexec/bascule/bascule-broker", program, sizeof(program)) == -1)
		return error_set(e, ERR_SYSTEM, "bascule-broker is not installed beside this program");
	broker = broker_start(program, e);
	return broker == NULL ? -1 : 0;
}

static int
leg_open(struct invocation *iv, const struct inv_request *rq, int *fd, struct error *e)
{
	struct egress_rule	 rules[SPEC_EGRESS_MAX];
	size_t			 n = 0;
	struct broker_policy	 policy = { .rules = rules, .allow_private = rq->allow_private,
	    .connects_max = (unsigned int)rq->limits.connects };

	if (spec_egress(&rq->ref->spec, rq->rq->config, rules, &n, e) == -1 || broker_ready(e) == -1)
		return -1;
	policy.nrules = n;
	return broker_open(broker, &policy, &iv->leg, fd, e);
}

static void
id_make(char id[REQUEST_ID_BYTES_MAX + 1])
{
	unsigned char	 r[16] = { 0 };

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		memcpy(r, &(int64_t){ now_ms() }, sizeof(int64_t));
	for (size_t i = 0; i < sizeof(r); i++)
		snprintf(id + 2 * i, 3, "%02x", r[i]);
}

static int
worker_start(struct invocation *iv, const struct inv_request *rq, struct error *e)
{
	struct nursery_plan	 plan = { .program = rq->ref->program, .waived = rq->waived,
	    .memory_bytes = iv->limits.memory_bytes, .cpu_s = iv->limits.cpu_s };
	struct ends		 p;
	int			 r = -1;

	if (ends_open(&p, e) == 0 && leg_open(iv, rq, &p.theirs[FD_EGRESS], e) == 0 &&
	    (iv->nursery = nursery_start(&plan, e)) != NULL &&
	    nursery_fork(iv->nursery, p.theirs, &iv->pid, &iv->pidfd, e) == 0) {
		iv->relay = relay_new(iv->cmd, &rq->sink, iv->limits.records, p.result, p.log);
		if (iv->relay == NULL)
			error_set(e, ERR_SYSTEM, "no memory for the relay");
		else {
			p.result = p.log = -1;
			iv->request_fd = fd_steal(&p.request);
			r = 0;
		}
	}
	ends_close(&p);
	return r;
}

static void
limits_settle(struct invocation *iv, const struct inv_limits *asked)
{
	iv->limits = *asked;
	if (iv->limits.silence_ms == 0)
		iv->limits.silence_ms = SILENCE_MS;
	if (iv->limits.memory_bytes == 0)
		iv->limits.memory_bytes = WORKER_MEMORY_BYTES;
	if (iv->limits.cpu_s == 0)
		iv->limits.cpu_s = WORKER_CPU_S;
	if (iv->limits.deadline_ms == 0)
		iv->limits.deadline_ms = command_info(iv->cmd)->deadline_ms;
	iv->deadline_ms = iv->limits.deadline_ms > 0 ? iv->start_ms + iv->limits.deadline_ms : 0;
}

struct invocation *
inv_start(const struct inv_request *rq, struct error *e)
{
	struct invocation	*iv;

	if (rq->rq->cmd != CMD_SPEC_READ && !spec_has_command(&rq->ref->spec, rq->rq->type)) {
		error_set(e, ERR_UNSUPPORTED, "%s does not offer %s", rq->ref->name, rq->rq->type);
		return NULL;
	}
	if ((iv = calloc(1, sizeof(*iv))) == NULL) {
		error_set(e, ERR_SYSTEM, "no memory");
		return NULL;
	}
	iv->pidfd = iv->request_fd = -1;
	iv->start_ms = iv->heard_ms = now_ms();
	iv->cmd = rq->rq->cmd;
	iv->waived = rq->waived;
	if (rq->rq->id[0] == '\0')
		id_make(rq->rq->id);
	snprintf(iv->id, sizeof(iv->id), "%s", rq->rq->id);
	snprintf(iv->type, sizeof(iv->type), "%s", rq->rq->type);
	snprintf(iv->connector, sizeof(iv->connector), "%s", rq->ref->name);
	limits_settle(iv, &rq->limits);
	buf_init(&iv->request, REQUEST_BYTES_MAX);
	request_print(&iv->request, rq->rq);
	if (buf_check(&iv->request, "request", e) == -1 || worker_start(iv, rq, e) == -1) {
		inv_free(iv);
		return NULL;
	}
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
		n = write(iv->request_fd, iv->request.data + iv->sent, iv->request.len - iv->sent);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == -1)
			break;		/* nobody reads it: its verdict or death says why */
		iv->sent += (size_t)n;
	}
	buf_wipe(&iv->request);
	fd_closep(&iv->request_fd);
	inv_goto(iv, INV_STREAMING);
}

static void
walls_check(struct invocation *iv)
{
	struct error	 e = ERROR_NONE;
	char		 why[200];

	if (sandbox_verify(iv->pid, iv->waived, why, sizeof(why)) == -1) {
		error_set(&e, ERR_SANDBOX, "the worker is not confined as it should be: it %s", why);
		inv_stop(iv, &e);
		return;
	}
	inv_goto(iv, INV_SENDING);
}

static void
results_move(struct invocation *iv)
{
	struct error	 e = ERROR_NONE;
	int		 left = STEP_PORTIONS;

	while (!iv->ended && left-- > 0) {
		switch (relay_results(iv->relay, &e)) {
		case RELAY_MOVED:
			iv->heard_ms = now_ms();
			if (iv->first_ms == 0)
				iv->first_ms = iv->heard_ms;
			break;
		case RELAY_LOCKED:
			if (iv->state == INV_LOCKING)
				walls_check(iv);
			break;
		case RELAY_ENDED:
			iv->ended = true;
			break;
		case RELAY_BROKEN:
			iv->ended = true;	/* nothing of it is believed any more */
			inv_stop(iv, &e);
			return;
		case RELAY_QUIET:
			return;
		}
	}
}

static bool
reap(struct invocation *iv)
{
	if (!iv->reaped && wait4(iv->pid, &iv->wait_status, WNOHANG, &iv->usage) == iv->pid) {
		iv->reaped = true;
		iv->reaped_ms = now_ms();
	}
	return iv->reaped;
}

static bool
over_memory(const struct invocation *iv)
{
	/* A refused allocation ends most programs a little below the limit. */
	return (uint64_t)iv->usage.ru_maxrss * KIB >= iv->limits.memory_bytes / 10 * 8;
}

static bool
over_cpu(const struct invocation *iv)
{
	return iv->usage.ru_utime.tv_sec + iv->usage.ru_stime.tv_sec + 1 >= (time_t)iv->limits.cpu_s;
}

static void
death_judge(const struct invocation *iv, struct error *e)
{
	int	 sig = WTERMSIG(iv->wait_status);

	if (sig == SIGSYS)
		error_set(e, ERR_SYSCALL, "the worker made a system call that is not allowed, and was killed");
	else if (sig == SIGXCPU || (sig == SIGKILL && over_cpu(iv)))
		error_set(e, ERR_CPU, "over %u s of processor time; raise --limit cpu=TIME", iv->limits.cpu_s);
	else if (over_memory(iv))
		error_set(e, ERR_MEMORY, "over %llu MiB of memory; raise --limit memory=SIZE",
		    (unsigned long long)(iv->limits.memory_bytes / MIB));
	else
		error_set(e, ERR_SIGNAL, "the worker died of signal %d (SIG%s)", sig,
		    sigabbrev_np(sig) == NULL ? "?" : sigabbrev_np(sig));
}

/* The worker is gone and its results are at their end: what was it? */
static void
inv_judge(struct invocation *iv)
{
	struct error	 said = ERROR_NONE;
	bool		 spoke = relay_verdict(iv->relay, &said);
	const char	*refused = iv->leg != 0 ? broker_refused(broker, iv->leg) : NULL;

	if (iv->decided)
		return;
	if (WIFSIGNALED(iv->wait_status))
		death_judge(iv, &iv->verdict);
	else if (!spoke && WEXITSTATUS(iv->wait_status) == SANDBOX_EXIT)
		error_set(&iv->verdict, ERR_SANDBOX, "the worker could not confine itself");
	else if (!spoke)
		error_set(&iv->verdict, ERR_PROTOCOL, "the worker ended (exit %d) without a verdict",
		    WEXITSTATUS(iv->wait_status));
	else if (said.code == ERR_NONE && WEXITSTATUS(iv->wait_status) != 0)
		error_set(&iv->verdict, ERR_PROTOCOL, "the worker said \"end\" and left with exit status %d",
		    WEXITSTATUS(iv->wait_status));
	else {
		iv->verdict = said;
		/* Only where the broker saw it: a worker's word alone is not a cause. */
		if (said.code != ERR_NONE && refused != NULL && strstr(said.msg, "no-egress") != NULL)
			iv->verdict.code = ERR_NO_EGRESS;
	}
}

static void
inv_finish(struct invocation *iv)
{
	inv_judge(iv);
	if (iv->leg != 0) {
		iv->egress = broker_close(broker, iv->leg);
		iv->leg = 0;
	}
	buf_wipe(&iv->request);
	fd_closep(&iv->request_fd);
	iv->end_ms = now_ms();
	inv_goto(iv, INV_DONE);
}

static void
clocks_check(struct invocation *iv)
{
	struct error	 e = ERROR_NONE, said;
	int64_t		 now = now_ms();
	bool		 spoke = iv->ended || relay_verdict(iv->relay, &said);

	if (relay_paused(iv->relay))
		iv->heard_ms = now;		/* the caller is slow, not the worker */
	if (iv->state == INV_STOPPING) {
		if (now >= iv->rung_ms)
			rung_step(iv);
		return;
	}
	if (iv->deadline_ms != 0 && now >= iv->deadline_ms)
		error_set(&e, ERR_DEADLINE, "no end after %lld ms; raise --timeout", (long long)iv->limits.deadline_ms);
	else if (iv->state == INV_LOCKING && now >= iv->start_ms + LOCK_MS)
		error_set(&e, ERR_SANDBOX, "the worker was not confined within %d s", LOCK_MS / 1000);
	else if (spoke && now >= iv->heard_ms + EXIT_MS && !iv->reaped)
		error_set(&e, ERR_PROTOCOL, "the worker gave its verdict or closed its results, and did not exit");
	else if (iv->reaped && !iv->ended && !relay_paused(iv->relay) && now >= iv->reaped_ms + EXIT_MS)
		error_set(&e, ERR_PROTOCOL, "the worker is gone but something holds its results open");
	else if (now >= iv->heard_ms + iv->limits.silence_ms)
		error_set(&e, ERR_IDLE, "no record for %lld ms; the connector should send keepAlive, or raise "
		    "--limit silence=TIME", (long long)iv->limits.silence_ms);
	if (e.code != ERR_NONE)
		inv_stop(iv, &e);
}

bool
inv_step(struct invocation *iv)
{
	struct error	 e = ERROR_NONE;
	struct error	 said;
	bool		 had_ended = iv->ended, had_spoken = relay_verdict(iv->relay, &said);

	if (iv->state == INV_DONE)
		return true;
	if (broker_read(broker, &e) == -1) {
		error_in(&e, "egress broker");
		inv_stop(iv, &e);
	}
	/* Before the results: what is in the pipe when it is reaped is all there will be. */
	reap(iv);
	if (iv->state != INV_STOPPING)
		results_move(iv);
	relay_logs(iv->relay);
	request_send(iv);
	if ((iv->ended && !had_ended) || (!had_spoken && relay_verdict(iv->relay, &said)))
		iv->heard_ms = now_ms();	/* from here the exit's clock runs */
	if (iv->reaped && (iv->ended || iv->state == INV_STOPPING || relay_result_fd(iv->relay) == -1)) {
		inv_finish(iv);
		return true;
	}
	clocks_check(iv);
	return false;
}

static void
poll_add(struct pollfd *fds, int *n, int fd, short events)
{
	if (fd != -1)
		fds[(*n)++] = (struct pollfd){ .fd = fd, .events = events };
}

int
inv_poll(struct invocation *iv, struct pollfd fds[INV_POLL_MAX], int *timeout_ms)
{
	struct error	 said;
	int64_t		 now = now_ms(), next = iv->heard_ms + iv->limits.silence_ms;
	int		 n = 0;

	*timeout_ms = -1;
	if (iv->state == INV_DONE)
		return 0;
	poll_add(fds, &n, broker_fd(broker), POLLIN);
	poll_add(fds, &n, relay_log_fd(iv->relay), POLLIN);
	if (!relay_paused(iv->relay) && iv->state != INV_STOPPING)
		poll_add(fds, &n, relay_result_fd(iv->relay), POLLIN);
	if (iv->state == INV_SENDING)
		poll_add(fds, &n, iv->request_fd, POLLOUT);
	if (!iv->reaped)
		poll_add(fds, &n, iv->pidfd, POLLIN);
	if (iv->state == INV_STOPPING)
		next = iv->rung_ms;
	else if ((iv->ended || relay_verdict(iv->relay, &said)) && iv->heard_ms + EXIT_MS < next)
		next = iv->heard_ms + EXIT_MS;
	else if (iv->reaped && iv->reaped_ms + EXIT_MS < next)
		next = iv->reaped_ms + EXIT_MS;
	if (iv->state == INV_LOCKING && iv->start_ms + LOCK_MS < next)
		next = iv->start_ms + LOCK_MS;
	if (iv->state != INV_STOPPING && iv->deadline_ms != 0 && iv->deadline_ms < next)
		next = iv->deadline_ms;
	/* Lines held back for a slow caller raise no event of their own once it has caught up. */
	if (relay_resumable(iv->relay))
		next = now;
	*timeout_ms = next <= now ? 0 : next - now > 60000 ? 60000 : (int)(next - now);
	return n;
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
	if (iv->pid > 0 && !iv->reaped) {
		(void)syscall(SYS_pidfd_send_signal, iv->pidfd, SIGKILL, NULL, 0);
		while (waitpid(iv->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	if (iv->leg != 0)
		cJSON_Delete(broker_close(broker, iv->leg));
	nursery_stop(iv->nursery);
	relay_free(iv->relay);
	fd_closep(&iv->request_fd);
	fd_closep(&iv->pidfd);
	buf_wipe(&iv->request);
	cJSON_Delete(iv->egress);
	free(iv);
}

void
core_shutdown(void)
{
	broker_stop(broker);
	broker = NULL;
}
