/*
 * main.c -- bascule-broker: gives away every privilege, then serves its launcher.
 *
 * Started by the launcher with its end of the control pair as descriptor 3 and
 * an empty environment.  Of secrets it is told one, the credentials of the
 * operator's proxy, with the legs that use it; nothing of a source's ever.
 *
 * The way of a question: gate.c takes it from a worker, policy.c compares it with
 * the leg's list, crew.c gives it a thread, resolve.c looks the name up and drops
 * what address.c forbids, connect.c connects to what is left (tunnel.c and
 * proxy.c: by way of a proxy), and record.c tells the launcher before the
 * worker has its answer.  One look-up feeds one connection; nothing is looked up twice.
 *
 * It opens what the resolver opens, makes TCP sockets, and reads and writes on
 * them only while a proxy is spoken to.  It never listens.
 */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "launcher/broker/gate.h"
#include "launcher/core/broker_wire.h"
#include "sandbox/sandbox.h"
#include "worker/contract/util.h"

#define NOBODY		65534
#define FILES_MAX	65536	/* a socket for each live leg and each running dial */

static const char usage[] = "usage: bascule-broker --help | --version\n"
    "The launcher (bascule) starts this program and talks to it on descriptor 3;\n"
    "it resolves and connects for workers, by the policy of their invocation.\n";

static bool
is_control(int fd)
{
	int		type = 0;
	socklen_t	len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

static int
limits_set(size_t *files_max, struct error *e)
{
	struct rlimit	none = { 0, 0 }, files;

	if (setrlimit(RLIMIT_CORE, &none) == -1 || getrlimit(RLIMIT_NOFILE, &files) == -1)
		return error_sys(e, "broker: limits");
	if (files.rlim_max > FILES_MAX)
		files.rlim_max = FILES_MAX;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) == -1)
		return error_sys(e, "broker: limits");
	*files_max = files.rlim_cur;
	return 0;
}

static int
privileges_drop(struct error *e)
{
	if (geteuid() == 0 && (setgroups(0, NULL) == -1 || setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
	    setresuid(NOBODY, NOBODY, NOBODY) == -1))
		return error_sys(e, "broker: become uid %d (it is not to run as root)", NOBODY);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return error_sys(e, "broker: no_new_privs");
	/* A change of ids has wiped the one set before exec; a parent that died in between shows as end of file. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		return error_sys(e, "broker: death signal");
	return 0;
}

int
main(int argc, char **argv)
{
	struct error	e = ERROR_NONE;
	size_t		files_max = 0;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("bascule-broker, wire version %d\n", WIRE_VERSION);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc != 1 || !is_control(WIRE_FD)) {
		fputs(usage, stderr);
		return error_face(ERR_USAGE)->exit;
	}
	signal(SIGPIPE, SIG_IGN);
	if (fcntl(WIRE_FD, F_SETFD, FD_CLOEXEC) == -1)
		error_sys(&e, "broker: descriptor %d", WIRE_FD);
	else if (limits_set(&files_max, &e) == 0 && privileges_drop(&e) == 0) {
		sandbox_broker_lock();
		if (gate_run(WIRE_FD, files_max, &e) == 0)
			return 0;
	}
	fprintf(stderr, "bascule-broker: %s\n", e.msg);
	return error_face(e.code)->exit;
}
