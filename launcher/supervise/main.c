/*
 * main.c -- bascule-supervise: start, the end.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "launcher/core/cgroup.h"
#include "launcher/supervise/supervise.h"
#include "sandbox/sandbox.h"

#define OPEN_MS	SECONDS(10)	/* for the front's first packet */

struct desk_open		 told;
static struct event_base	*base;
static int			 status;

void
supervise_end(const char *why)
{
	if (why != NULL) {
		fprintf(stderr, "bascule-supervise: %s\n", why);
		status = 1;
	}
	event_base_loopbreak(base);
}

static void
on_signal(int sig)
{
	(void)sig;
}

/*
 * What is meant for the server goes to all of its processes where a terminal sends it, and is for the front to act on.
 * Handled, not ignored: the programs that are started here have it by default.
 */
static void
signals_open(void)
{
	static const int	 quiet[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct sigaction	 sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	sigset_t		 none;

	for (size_t i = 0; i < N_ITEMS(quiet); i++)
		(void)sigaction(quiet[i], &sa, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
files_raise(void)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
}

static int
open_take(void)
{
	struct pollfd		 p = { .fd = DESK_FD, .events = POLLIN };
	static union desk_packet packet;
	struct desk_head	 opened = { DESK_VERSION, DESK_OPENED, 0 };
	int			 fds[DESK_FDS_MAX];
	size_t			 bytes = 0;

	while (poll(&p, 1, OPEN_MS) == -1 && errno == EINTR)
		;
	if (desk_receive(DESK_FD, &packet, &bytes, fds) != 0 || bytes != sizeof(told) || packet.head.type != DESK_OPEN)
		return -1;
	told = packet.open;
	if (memchr(told.registry, '\0', sizeof(told.registry)) == NULL)
		return -1;
	return desk_send(DESK_FD, &opened, sizeof(opened), NULL, 0);
}

int
main(void)
{
	struct core_plan	 plan = { 0 };

	core_dumps_off();
	signals_open();
	if (open_take() == -1) {
		fprintf(stderr, "bascule-supervise: it is started by bascule serve, and by nobody else\n");
		return 1;
	}
	files_raise();
	cgroup_companion(getppid());
	plan.parked_min = told.parked_min;
	plan.parked_max = told.parked_max;
	plan.nursery_forks = told.nursery_forks;
	plan.nursery_age_ms = told.nursery_age_ms;
	if ((base = event_base_new()) == NULL)
		return 1;
	core_open(base, &plan);
	/* While nobody but the two of us is in our group: where it must be left, all leave it. */
	if ((told.waived & (1u << LAYER_CGROUP)) == 0)
		(void)cgroup_absent();
	desk_open(DESK_FD);
	event_base_dispatch(base);
	desk_close();
	legs_close();
	core_close();
	return status;
}
