/*
 * check.c -- bascule serve check: does a server at this place say that it is ready?
 *
 * For supervisors that can run a program but ask nothing by HTTP, as in an image without a shell.
 */
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "launcher/serve/serve.h"
#include "worker/contract/util.h"

#define CHECK_DEFAULT	"127.0.0.1:7080"
#define CHECK_S		3		/* for each step of it */
#define STATUS_BYTES	12		/* "HTTP/1.1 200" */

static int
unix_connect(const char *path, struct error *e)
{
	struct sockaddr_un	 a = { .sun_family = AF_UNIX };
	autofd			 fd = -1;

	if (strlen(path) >= sizeof(a.sun_path))
		return error_set(e, ERR_USAGE, "unix:PATH: the path is too long");
	memcpy(a.sun_path, path, strlen(path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1)
		return error_sys(e, "unix:%s", path);
	return fd_steal(&fd);
}

/* 127.0.0.1 alone: that is where nothing but HTTP is spoken, and nothing is resolved here. */
static int
loopback_connect(const char *place, struct error *e)
{
	static const char	 host[] = "127.0.0.1:";
	struct sockaddr_in	 a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char			*end = NULL;
	unsigned long		 port = 0;
	autofd			 fd = -1;

	if (strncmp(place, host, strlen(host)) == 0)
		port = strtoul(place + strlen(host), &end, 10);
	if (port == 0 || port > UINT16_MAX || *end != '\0')
		return error_set(e, ERR_USAGE, "%.100s: unix:PATH or 127.0.0.1:PORT is wanted; a server that speaks TLS "
		    "can listen at a unix socket, too", place);
	a.sin_port = htons((uint16_t)port);
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1)
		return error_sys(e, "%s", place);
	return fd_steal(&fd);
}

static int
ready_ask(const char *place, struct error *e)
{
	static const char	 ask[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	struct timeval		 most = { CHECK_S, 0 };
	char			 status[STATUS_BYTES + 1] = "";
	autofd			 fd = -1;
	size_t			 len = 0;
	ssize_t			 n = 0;

	fd = strncmp(place, "unix:", 5) == 0 ? unix_connect(place + 5, e) : loopback_connect(place, e);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)) == -1 ||
	    send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(ask) - 1)
		return error_sys(e, "%s", place);
	while (len < STATUS_BYTES && (n = recv(fd, status + len, STATUS_BYTES - len, 0)) > 0)
		len += (size_t)n;
	if (n == -1)
		return error_sys(e, "%s", place);
	if (strcmp(status, "HTTP/1.1 200") != 0)
		return error_set(e, ERR_SYSTEM, "%s: not ready (%s)", place, len == STATUS_BYTES ? status : "no answer");
	return 0;
}

int
cmd_check(int argc, char **argv)
{
	struct error	 e = ERROR_NONE;

	if (argc > 2)
		(void)error_set(&e, ERR_USAGE, "bascule serve check [unix:PATH | 127.0.0.1:PORT]");
	else if (ready_ask(argc == 2 ? argv[1] : CHECK_DEFAULT, &e) == 0)
		return 0;
	fprintf(stderr, "bascule: %s\n", e.msg);
	return error_face(e.code)->exit;
}
