/*
 * main.c -- main() of a connector whose workers become guests.
 *
 * Nothing of the guest is run or looked at here.  What is made once, before a worker is ordered, is little; the time
 * goes into the program's own start, which is why workers are parked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/sandbox.h"
#include "worker/contract/egress.h"
#include "worker/contract/error.h"
#include "worker/contract/guest_word.h"
#include "worker/contract/util.h"
#include "worker/contract/worker_fd.h"
#include "worker/guest/guest.h"
#include "worker/guest/keeper.h"
#include "worker/runtime/worker.h"

struct guest_plan {
	unsigned int		 waived;
	struct sandbox_net	 net;
	struct sandbox_guest	 walls;
	const char		*programs[GUEST_PROGRAMS_MAX + 1];
	size_t			 nprograms;
};

#define LOOK_MS		20
#define ENVIRONMENT_MAX	16
#define SPARE_FD	GUEST_FD__COUNT	/* free while descriptors change places */

static void __attribute__((noreturn))
cannot(const char *what, int err)
{
	char	 text[256];
	int	 n = snprintf(text, sizeof(text), "%s%s%s\n", what, err != 0 ? ": " : "", err != 0 ? strerror(err) : "");

	(void)!write(STDERR_FILENO, text, (size_t)n);
	_exit(SANDBOX_EXIT);
}

/* Whatever the guest prints is log; results have a place that no library writes to by habit. */
static void
places_change(void)
{
	if (dup2(FD_RESULT, SPARE_FD) == -1 || dup2(FD_LOG, GUEST_FD_LOG) == -1 || dup2(SPARE_FD, GUEST_FD_RESULT) == -1)
		cannot("the guest's descriptors", errno);
	close(SPARE_FD);
}

/* By a way that is the guest's no more after that. */
static void
broker_tell(const struct egress_network *m, const int *fds, size_t n)
{
	union {
		char		 buf[CMSG_SPACE(SANDBOX_NET_FDS_MAX * sizeof(int))];
		struct cmsghdr	 align;
	} cmsg = { { 0 } };
	struct iovec		 iov = { (void *)(uintptr_t)m, sizeof(*m) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf };

	cmsg.align.cmsg_level = SOL_SOCKET;
	cmsg.align.cmsg_type = SCM_RIGHTS;
	cmsg.align.cmsg_len = CMSG_LEN(n * sizeof(int));
	msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	memcpy(CMSG_DATA(&cmsg.align), fds, n * sizeof(int));
	if (sendmsg(FD_EGRESS, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(*m))
		cannot("the guest's network", errno);
	while (n > 0)
		close(fds[--n]);
}

/* The sockets of its network go to the broker. */
static void
network_give(const struct sandbox_net *net)
{
	struct egress_network	 m = { .kind = EGRESS_NETWORK, .nports = (uint16_t)net->nports };
	int			 fds[SANDBOX_NET_FDS_MAX];

	memcpy(m.ports, net->ports, sizeof(m.ports));
	broker_tell(&m, fds, sandbox_guest_net(net, fds));
}

/* So does what hears of its forbidden calls: whoever has it could let them through. */
static void
hearing_give(int fd)
{
	struct egress_network	 m = { .kind = EGRESS_HEARD };

	if (fd != -1)
		broker_tell(&m, &fd, 1);
}

/* Where namespaces are waived: a keeper beside it, and this process's walls. */
static void
keep(const struct guest_plan *p)
{
	int	 ends[2];
	pid_t	 keeper;

	sandbox_kept_begin(&p->walls, FD__COUNT);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		cannot("the guest's keeper", errno);
	if ((keeper = sandbox_fork_keeper()) == 0) {
		/* Of the guest it has nothing: neither the request, nor a place to write to. */
		for (int fd = 0; fd < FD__COUNT; fd++)
			if (fd != FD_EGRESS)
				close(fd);
		close(ends[1]);
		keeper_run(FD_EGRESS, ends[0]);
	}
	close(ends[0]);
	sandbox_kept(p->waived, &p->walls, keeper, ends[1]);
	close(FD_EGRESS);
}

/*
 * The launcher looks at this process before it sends the request, and must find it alive whatever the program does: its
 * first line comes after that look.  A parked one does not wait for a request; that look takes less.
 */
static void
request_await(bool parked)
{
	struct pollfd	 p = { .fd = FD_REQUEST, .events = POLLIN };

	while (poll(&p, 1, parked ? LOOK_MS : -1) == -1 && errno == EINTR)
		;
}

/* libc compares where a name server's datagram comes from, port and all; a connection is as good. */
static const char *const *
environment_of(const struct guest_plan *p)
{
	static const char	*all[ENVIRONMENT_MAX + 2] = { "RES_OPTIONS=use-vc attempts:1 timeout:20" };

	for (size_t i = 0; i < ENVIRONMENT_MAX && guest_environment[i] != NULL; i++)
		all[i + 1] = guest_environment[i];
	return p->walls.bare ? all : guest_environment;
}

static void __attribute__((noreturn))
become(const struct guest_start *g, const struct guest_plan *p)
{
	static const char	 locked[] = "{\"type\":\"locked\"}\n";
	const char		*argv[GUEST_ARGS_MAX] = { NULL };

	guest_arguments(g, argv);
	if (chdir(g->folder) == -1)
		cannot("the connector's folder", errno);
	if (p->walls.bare)
		keep(p);
	else {
		network_give(&p->net);
		hearing_give(sandbox_guest(p->waived, &p->walls, FD__COUNT));
	}
	if (write(FD_RESULT, locked, sizeof(locked) - 1) != (ssize_t)(sizeof(locked) - 1))
		_exit(error_face(ERR_CLIENT_GONE)->exit);
	request_await(g->parked);
	(void)signal(SIGPIPE, SIG_DFL);		/* what is ignored stays so in the program */
	places_change();
	(void)sandbox_guest_exec(g->program, (char **)(uintptr_t)argv, (char **)(uintptr_t)environment_of(p));
	cannot("the connector's program cannot be started", errno);
}

static const char usage[] =
"Runs connectors that are programs of their own; started by a launcher.  Use: bascule invoke FOLDER COMMAND --config FILE\n";

static bool
is_word(const char *arg, const char *word, const char **value)
{
	size_t	 n = strlen(word);

	*value = arg + n;
	return strncmp(arg, word, n) == 0;
}

static void
word_take(struct guest_plan *p, const char *arg)
{
	const char	*v;

	if (is_word(arg, GUEST_WORD_RUN, &v) && p->nprograms < GUEST_PROGRAMS_MAX)
		p->programs[p->nprograms++] = v;
	else if (is_word(arg, GUEST_WORD_PROCESSES, &v))
		p->walls.processes = (p->walls.tasks = (unsigned int)strtoul(v, NULL, 10)) > 1;
	else if (is_word(arg, GUEST_WORD_PORT, &v) && p->net.nports < SANDBOX_NET_PORTS_MAX)
		p->net.ports[p->net.nports++] = (uint16_t)strtoul(v, NULL, 10);
	else if (is_word(arg, GUEST_WORD_ADDRESS, &v) && p->net.naddresses < SANDBOX_NET_ADDRESSES_MAX)
		p->net.addresses[p->net.naddresses++] = inet_addr(v);
	else if (is_word(arg, GUEST_WORD_CODE, &v))
		p->walls.code = !p->walls.bare ? SANDBOX_GUEST_CODE : access(v, R_OK | X_OK) == 0 ? v : NULL;	/* it saves time only */
	else if (is_word(arg, GUEST_WORD_LINKED, &v))
		p->walls.linked = p->walls.bare ? v : SANDBOX_GUEST_LINKED;
	else
		cannot("an argument that is none", 0);
}

/* In a root of its own its files are where they are in every such root; else where they are. */
static void
places_settle(struct guest_plan *p, const char *program, const char *folder)
{
	static char	 home[PATH_MAX];

	p->walls.bare = (p->waived & (1u << LAYER_NAMESPACES)) != 0;
	p->walls.folder = p->walls.bare ? folder : SANDBOX_GUEST_FOLDER;
	snprintf(home, sizeof(home), "%.*s", (int)(strrchr(program, '/') == NULL ? 0 : strrchr(program, '/') - program), program);
	p->walls.home = p->walls.bare ? home : SANDBOX_GUEST_HOME;
}

/* The launcher names files of the folder as they are named in a root of its own. */
static void
words_settle(const struct guest_plan *p, char **words)
{
	size_t	 n = strlen(SANDBOX_GUEST_FOLDER "/");
	char	*whole;

	for (; p->walls.bare && *words != NULL; words++)
		if (strncmp(*words, SANDBOX_GUEST_FOLDER "/", n) == 0) {
			if (asprintf(&whole, "%s/%s", p->walls.folder, *words + n) == -1)
				cannot("no memory", 0);
			*words = whole;
		}
}

int
main(int argc, char **argv)
{
	struct guest_start	 g = { 0 };
	static struct guest_plan p;
	const char		*slash;
	int			 i = 5;

	if (argc < 5 || strcmp(argv[1], NURSERY_ARG) != 0) {
		(void)!write(STDERR_FILENO, usage, sizeof(usage) - 1);
		return error_face(ERR_USAGE)->exit;
	}
	p.waived = (unsigned int)strtoul(argv[2], NULL, 10);
	places_settle(&p, argv[0], argv[3]);
	for (; i < argc && strcmp(argv[i], GUEST_WORDS_END) != 0; i++)
		word_take(&p, argv[i]);
	if (i + 1 < argc) {
		words_settle(&p, argv + i + 1);
		g.words = (const char *const *)(uintptr_t)(argv + i + 1);
		g.program = g.words[0];
		p.walls.own_program = true;
	} else if (p.nprograms > 0)
		g.program = p.programs[0];
	else
		cannot("no program", 0);
	g.folder = p.walls.folder;
	g.home = p.walls.home;
	g.linked = p.walls.linked;
	g.code = p.walls.code;
	p.walls.programs = p.programs;
	slash = strrchr(argv[3], '/');
	g.name = slash == NULL ? argv[3] : slash + 1;
	g.memory_mib = strtoul(argv[4], NULL, 10);
	sandbox_guest_prepare(&p.walls);
	g.parked = nursery_run(p.waived, WORKERS_GUEST);
	become(&g, &p);
}
