/*
 * worker.c -- a worker's birth, up to the moment when it may be given a request.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "launcher/core/far.h"
#include "launcher/core/inv.h"
#include "launcher/core/worker.h"
#include "sandbox/sandbox.h"

#define BUCKETS		1024u

/* Those that were born, by their number: each birth asks for one (worker_knows). */
static LIST_HEAD(bucket, worker) born[BUCKETS];

static struct bucket *
bucket(pid_t pid)
{
	return &born[(unsigned int)pid % BUCKETS];
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct worker	*w = arg;

	(void)fd;
	(void)what;
	w->news(w->arg);
}

static void
on_gone(evutil_socket_t fd, short what, void *arg)
{
	struct worker	*w = arg;

	(void)fd;
	(void)what;
	w->exited = true;
	w->news(w->arg);
}

static void
ends_give(struct worker *w, struct ends *p)
{
	for (int i = 0; i < FD__COUNT; i++)
		w->theirs[i] = fd_steal(&p->theirs[i]);
	w->request_fd = fd_steal(&p->request);
	w->egress_fd = fd_steal(&p->egress);
}

void
worker_listen(struct worker *w)
{
	event_assign(&w->results, core_base(), relay_result_fd(w->relay), EV_READ | EV_PERSIST, on_event, w);
	event_assign(&w->logs, core_base(), relay_log_fd(w->relay), EV_READ | EV_PERSIST, on_event, w);
}

struct worker *
worker_order(struct nursery *n, const struct nursery_plan *plan, bool to_park, void (*news)(void *), void *arg,
    struct error *e)
{
	struct worker	*w = calloc(1, sizeof(*w));
	struct ends	 p;

	if (w == NULL) {
		error_set(e, ERR_SYSTEM, "no memory for a worker");
		return NULL;
	}
	w->pidfd = w->request_fd = w->egress_fd = -1;
	for (int i = 0; i < FD__COUNT; i++)
		w->theirs[i] = -1;
	w->to_park = to_park;
	w->waived = plan->waived;
	w->memory_bytes = plan->memory_bytes;
	w->guest = plan->guest[0] != '\0';
	w->tasks = plan->tasks;
	w->news = news;
	w->arg = arg;
	w->order_ms = now_ms();
	if (ends_open(&p, e) == 0 && (w->relay = relay_new(p.result, p.log)) == NULL)
		error_set(e, ERR_SYSTEM, "no memory for the relay");
	if (w->relay == NULL) {
		ends_close(&p);
		worker_free(w);
		return NULL;
	}
	p.result = p.log = -1;
	ends_give(w, &p);
	worker_listen(w);
	nursery_order(n, w);
	return w;
}

void
worker_adopt(struct worker *w, void (*news)(void *), void *arg)
{
	w->news = news;
	w->arg = arg;
}

void
worker_born(struct worker *w, pid_t pid, int pidfd)
{
	w->state = WORKER_LOCKING;
	w->pid = pid;
	w->pidfd = pidfd;
	LIST_INSERT_HEAD(bucket(pid), w, known);
	event_assign(&w->gone, core_base(), pidfd, EV_READ | EV_PERSIST, on_gone, w);
	event_add(&w->results, NULL);
	event_add(&w->gone, NULL);
	w->news(w->arg);
}

void
worker_lose(struct worker *w, const struct error *why, bool again)
{
	w->state = WORKER_LOST;
	w->lost = *why;
	w->again = again;
	w->news(w->arg);
}

bool
worker_knows(pid_t pid)
{
	const struct worker	*w;

	LIST_FOREACH(w, bucket(pid), known)
		if (w->pid == pid)
			return true;
	return false;
}

static enum relay_news
not_confined(struct error *e, const char *why)
{
	error_set(e, ERR_SANDBOX, "the worker is not confined as it should be: it %s", why);
	return RELAY_BROKEN;
}

/* In a turn of its own: this may be told while another worker is being ended. */
static void
on_settled(void *arg)
{
	struct worker	*w = arg;

	event_active(&w->results, EV_READ, 0);
}

enum relay_news
worker_turn(struct worker *w, struct error *e)
{
	enum relay_news	 news;
	char		 why[200];

	if (w->far != NULL)
		return far_turn(w->far, e);
	if (!w->placed) {
		w->placed = true;
		group_join(w, on_settled, w);
	}
	if (!w->locked && (news = relay_locked(w->relay, e)) != RELAY_LOCKED)
		return news;
	w->locked = true;
	if (w->group.asked)
		return RELAY_QUIET;
	if (w->group.broken) {
		error_set(e, ERR_SANDBOX, "%s", w->group.why);
		return RELAY_BROKEN;
	}
	if (sandbox_verify(w->pid, w->waived, why, sizeof(why)) == -1)
		return not_confined(e, why);
	w->state = WORKER_READY;
	return RELAY_LOCKED;
}

bool
worker_alive(const struct worker *w)
{
	return w->far != NULL ? far_alive(w->far) : w->pid > 0;
}

void
worker_signal(struct worker *w, int sig)
{
	if (w->far != NULL)
		far_signal(w->far, sig);
	else if (w->pid > 0)
		(void)syscall(SYS_pidfd_send_signal, w->pidfd, sig, NULL, 0);
}

/* A guest without namespaces leads a process group, in which is its keeper, a child of ours too. */
static bool
is_kept(const struct worker *w)
{
	return w->guest && (w->waived & (1u << LAYER_NAMESPACES)) != 0;
}

/* While its number is its own. */
static void
kept_kill(const struct worker *w)
{
	if (is_kept(w))
		(void)kill(-w->pid, SIGKILL);
}

static void
kept_reap(const struct worker *w)
{
	while (is_kept(w) && (waitpid(-w->pid, NULL, 0) > 0 || errno == EINTR))
		;
}

bool
worker_reap(struct worker *w, int *status, struct rusage *usage)
{
	if (w->far != NULL)
		return far_reap(w->far, status, usage);
	/* Its number must stay its own until the mover has answered; that comes from the loop. */
	if (w->pid <= 0 || !w->exited || w->group.asked)
		return false;
	kept_kill(w);
	if (wait4(w->pid, status, WNOHANG, usage) != w->pid)
		return false;
	kept_reap(w);
	event_del(&w->gone);
	w->pid = 0;
	return true;
}

bool
worker_oom(const struct worker *w)
{
	return w->far != NULL ? far_oom(w->far) : cgroup_oom(w->group.of);
}

int
worker_leave(struct worker *w)
{
	return w->far != NULL ? far_leave(w->far) : group_leave(&w->group);
}

/* An event that was never assigned has no base. */
static void
event_drop(struct event *ev)
{
	if (ev->ev_base != NULL)
		event_del(ev);
}

void
worker_hush(struct worker *w)
{
	event_drop(&w->results);
	event_drop(&w->logs);
	event_drop(&w->gone);
}

/* Its order was sent when its owner gave it up: it comes to life all the same, and is killed then. */
static void
orphan(void *arg)
{
	worker_free(arg);
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	if (w->nursery != NULL && w->sent) {
		worker_adopt(w, orphan, w);
		return;
	}
	if (w->nursery != NULL)
		nursery_forget(w->nursery, w);
	worker_hush(w);
	if (w->far != NULL)
		far_free(w->far);
	if (w->pidfd != -1)
		LIST_REMOVE(w, known);
	group_settle(&w->group);
	if (w->pid > 0) {
		(void)syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
		kept_kill(w);
		while (waitpid(w->pid, NULL, 0) == -1 && errno == EINTR)
			;
		kept_reap(w);
	}
	(void)group_leave(&w->group);
	for (int i = 0; i < FD__COUNT; i++)
		fd_closep(&w->theirs[i]);
	fd_closep(&w->request_fd);
	fd_closep(&w->egress_fd);
	fd_closep(&w->pidfd);
	relay_free(w->relay);
	free(w);
}
