/*
 * leg.c -- the table of legs, and the line of those that wait for an answer.
 *
 * Every question may take equally long, so the line is in order of deadlines.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "launcher/broker/gateway.h"
#include "launcher/broker/leg.h"
#include "worker/contract/util.h"

static struct leg	*buckets[LEG_BUCKETS];
static struct leg	*oldest, *newest;
static size_t		 living;

static struct leg **
slot(uint32_t id)
{
	struct leg	**at = &buckets[id % LEG_BUCKETS];

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

struct leg *
leg_find(uint32_t id)
{
	return *slot(id);
}

struct leg *
leg_new(uint32_t id, int fd, struct policy *policy)
{
	struct leg	*l = leg_find(id) == NULL ? calloc(1, sizeof(*l)) : NULL;

	if (l == NULL) {
		close(fd);
		policy_free(policy);
		return NULL;
	}
	l->id = id;
	l->fd = fd;
	l->epoll_fd = -1;
	l->policy = *policy;
	explicit_bzero(policy, sizeof(*policy));
	*slot(id) = l;
	living++;
	return l;
}

int
leg_watch(struct leg *l, int epoll_fd)
{
	struct epoll_event	 ev = { .events = EPOLLIN, .data.u64 = l->id };

	l->epoll_fd = epoll_fd;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, l->fd, &ev);
}

void
leg_hang_up(struct leg *l)
{
	if (l->fd != -1 && l->epoll_fd != -1)
		(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL);
	fd_closep(&l->fd);
}

bool
leg_any(void)
{
	return living > 0;
}

static void
line_join(struct leg *l)
{
	l->older = newest;
	l->newer = NULL;
	if (newest != NULL)
		newest->newer = l;
	else
		oldest = l;
	newest = l;
}

static void
line_leave(struct leg *l)
{
	if (l->older != NULL)
		l->older->newer = l->newer;
	else
		oldest = l->newer;
	if (l->newer != NULL)
		l->newer->older = l->older;
	else
		newest = l->older;
	l->older = l->newer = NULL;
}

struct leg *
leg_oldest(void)
{
	return oldest;
}

void
leg_let_go(struct leg *l)
{
	if (l->job == NULL)
		return;
	atomic_store(&l->job->dial.abandoned, true);
	l->job = NULL;
	l->strays++;
	line_leave(l);
}

int
leg_free(struct leg *l)
{
	int	r = gateway_free(l);

	if (watch_end(&l->watch) == -1)
		r = -1;
	govern_leave(&l->rate, now_ms());
	if (r == 0 && (l->rate.bounded || l->rate.wait_ms > 0))
		r = record_spent(l->id, l->rate.wait_ms, l->rate.permits);
	leg_let_go(l);
	*slot(l->id) = l->next;
	leg_hang_up(l);
	policy_free(&l->policy);
	free(l);
	living--;
	return r;
}

struct job *
leg_dial(struct leg *l, bool private_ok, uint32_t stream)
{
	const struct wire_proxy	*proxy = policy_proxy(&l->policy, &l->q);
	struct job		*j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	if (proxy != NULL)
		j->dial.proxy = *proxy;
	j->leg = l->id;
	j->stream = stream;
	memcpy(j->dial.host, l->q.host, sizeof(j->dial.host));
	j->dial.port = l->q.port;
	j->dial.private_ok = private_ok;
	j->dial.fd = -1;
	j->dial.deadline_ms = now_ms() + DIAL_MS;
	atomic_init(&j->dial.abandoned, false);
	if (crew_submit(j) == -1) {
		job_free(j);
		return NULL;
	}
	return j;
}

int
leg_ask(struct leg *l, bool private_ok)
{
	struct job	*j = leg_dial(l, private_ok, 0);

	if (j == NULL)
		return -1;
	l->deadline_ms = now_ms() + DIAL_MS;
	l->job = j;
	line_join(l);
	return 0;
}

struct leg *
leg_of_job(struct job *j)
{
	struct leg	*l = leg_find(j->leg);

	if (l == NULL)
		return NULL;
	if (l->job != j) {
		l->strays--;
		return NULL;
	}
	l->job = NULL;
	line_leave(l);
	return l;
}
