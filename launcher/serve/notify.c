/*
 * notify.c -- readiness, watchdog and handed-over sockets without libsystemd.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "launcher/serve/notify.h"
#include "worker/contract/util.h"

static int			 to = -1;	/* connected to whoever listens; -1: nobody does */
static int			 handed;
static int64_t			 watchdog_ms;

/* True if the variable names this process, or is absent where that is allowed. */
static bool
is_ours(const char *variable, bool absent)
{
	const char	*pid = getenv(variable);

	return pid == NULL ? absent : strtol(pid, NULL, 10) == (long)getpid();
}

static int64_t
number(const char *variable)
{
	const char	*text = getenv(variable);
	long long	 n = text == NULL ? 0 : strtoll(text, NULL, 10);

	return n > 0 ? n : 0;
}

/* Once: a process with walls can neither make sockets nor connect them. */
static void
listener_take(const char *path)
{
	struct sockaddr_un	 un = { .sun_family = AF_UNIX };
	size_t			 n = path == NULL ? 0 : strlen(path);

	if (n < 2 || n >= sizeof(un.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(un.sun_path, path, n);
	if (path[0] == '@')
		un.sun_path[0] = '\0';
	to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (to != -1 && connect(to, (struct sockaddr *)&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == -1)
		fd_closep(&to);
}

void
notify_open(void)
{
	static const char *const	 names[] = { "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
	    "WATCHDOG_USEC", "WATCHDOG_PID" };

	listener_take(getenv("NOTIFY_SOCKET"));
	if (is_ours("LISTEN_PID", false))
		handed = (int)(number("LISTEN_FDS") > 1024 ? 1024 : number("LISTEN_FDS"));
	if (is_ours("WATCHDOG_PID", true))
		watchdog_ms = number("WATCHDOG_USEC") / 1000 / 2;
	for (size_t i = 0; i < N_ITEMS(names); i++)
		(void)unsetenv(names[i]);
}

int
notify_handed(void)
{
	return handed;
}

int64_t
notify_watchdog_ms(void)
{
	return to == -1 ? 0 : watchdog_ms;
}

void
notify_say(const char *state)
{
	if (to != -1)
		(void)send(to, state, strlen(state), MSG_NOSIGNAL);
}
