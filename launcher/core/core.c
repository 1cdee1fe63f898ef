/*
 * core.c -- what all invocations of this process share: the loop, the plan, the egress broker.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "launcher/core/code.h"
#include "launcher/core/far.h"
#include "launcher/core/haste.h"
#include "launcher/core/inv.h"
#include "launcher/core/mover.h"
#include "launcher/core/reserve.h"
#include "sandbox/sandbox.h"

static struct event_base	*base;
static struct core_plan		 plan;
static struct outlet		*outlet;	/* of the broker that lives; older ones are their users' */
static void			(*at_close)(void);

void
core_at_close(void (*fn)(void))
{
	at_close = fn;
}

void
core_open(struct event_base *loop, const struct core_plan *p)
{
	base = loop;
	plan = *p;
	haste();
	receipt_look();
	if (plan.supervisor > 0)
		(void)code_base();	/* it cannot be looked for later */
	(void)sandbox_guest_program();
	if (plan.supervisor > 0)
		far_open(plan.supervisor, plan.lost);
}

void
core_dumps_off(void)
{
	static const char	 nothing[] = "0";
	struct rlimit		 none = { 0, 0 };
	int			 fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

	/*
	 * The limit holds for files; who is piped a dump gets one all the same, and then no mapping is in it.  Being
	 * undumpable would do both, but takes /proc/PID of our children away from us, and with it the maps of their ids.
	 */
	(void)setrlimit(RLIMIT_CORE, &none);
	if (fd != -1) {
		(void)!write(fd, nothing, sizeof(nothing) - 1);
		close(fd);
	}
}

struct event_base *
core_base(void)
{
	return base;
}

const struct core_plan *
core_plan(void)
{
	return &plan;
}

static void
outlet_end(struct outlet *o)
{
	if (o == outlet)
		outlet = NULL;
	event_del(&o->packets);
	broker_stop(o->broker);
	free(o);
}

/* Those of this outlet that cannot go on; what the broker said was read already. */
static bool
must_stop(const struct invocation *iv, const void *arg, struct error *why)
{
	const struct outlet	*o = arg;

	*why = ERROR_NONE;
	if (iv->outlet != o || iv->leg == 0)
		return false;
	return o->gone ? egress_lost(iv, why) == -1 : broker_ended(o->broker, iv->leg, why) == -1;
}

/* Takes what the broker says; if it has died, its users are told and another takes its place for whoever comes next. */
static void
outlet_turn(struct outlet *o)
{
	struct error	 e = ERROR_NONE;

	if (broker_read(o->broker, &e) == -1) {
		event_del(&o->packets);
		o->gone = true;
		if (o == outlet)
			outlet = NULL;
	}
	/* Most packets are of one leg that goes on; the others need not be looked at for it. */
	if (broker_ends(o->broker) || o->gone)
		inv_stop_all(must_stop, o);
	inv_settled_look(o);
	if (o->gone && o->users == 0)
		outlet_end(o);
}

static void
on_packets(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	outlet_turn(arg);
}

struct broker *
core_broker(struct error *e)
{
	char	 program[4096];

	if (plan.supervisor > 0)
		return far_broker(e);
	if (plan.broker != NULL)
		return broker_start(plan.broker, e);
	if (core_beside("bascule-broker", program, sizeof(program)) == -1 &&
	    core_beside("../libexec/bascule-broker", program, sizeof(program)) == -1 &&
	    core_beside("../libexec/bascule/bascule-broker", program, sizeof(program)) == -1) {
		error_set(e, ERR_SYSTEM, "bascule-broker is not installed beside this program");
		return NULL;
	}
	return plan.once ? broker_begin(program, e) : broker_start(program, e);
}

struct outlet *
outlet_take(struct error *e)
{
	struct outlet	*o;

	if (outlet != NULL)
		outlet_turn(outlet);
	if ((o = outlet) == NULL) {
		if ((o = calloc(1, sizeof(*o))) == NULL) {
			error_set(e, ERR_SYSTEM, "no memory");
			return NULL;
		}
		if ((o->broker = core_broker(e)) == NULL) {
			free(o);
			return NULL;
		}
		event_assign(&o->packets, base, broker_fd(o->broker), EV_READ | EV_PERSIST, on_packets, o);
		event_add(&o->packets, NULL);
		outlet = o;
	}
	o->users++;
	return o;
}

void
outlet_drop(struct outlet *o)
{
	if (o != NULL && --o->users == 0 && o->gone)
		outlet_end(o);
}

void
core_close(void)
{
	if (at_close != NULL)
		at_close();
	/* All at once; they are waited for one by one below, and have been dying meanwhile. */
	if (outlet != NULL) {
		event_del(&outlet->packets);
		broker_kill(outlet->broker);
	}
	mover_kill();
	reserve_forget();
	pool_close();
	if (plan.vault != NULL)
		plan.vault->close();
	if (outlet != NULL)
		outlet_end(outlet);
	mover_stop();
	group_forget();
	ends_forget();
	cgroup_shutdown();
	if (plan.supervisor > 0)
		far_close();
}

void
texts_free(char **list)
{
	for (char **t = list; t != NULL && *t != NULL; t++)
		free(*t);
	free(list);
}

char **
texts_copy(const char *const *list)
{
	size_t	 n = 0;
	char	**copy;

	while (list[n] != NULL)
		n++;
	if ((copy = calloc(n + 1, sizeof(*copy))) == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if ((copy[i] = strdup(list[i])) == NULL) {
			texts_free(copy);
			return NULL;
		}
	return copy;
}
