/*
 * door.c -- sockets that listen, and evhttp behind each of them.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "launcher/core/files.h"
#include "launcher/serve/conn.h"
#include "launcher/serve/door.h"
#include "launcher/serve/notify.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/slog.h"
#include "launcher/serve/tls.h"
#include "launcher/serve/upload.h"
#include "worker/contract/util.h"

#define BACKLOG		1024
#define DEFAULT_PLACE	"127.0.0.1:7080"
/* evhttp's own refusal has no problem document: let everything through to ours. */
#define METHODS		(EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | \
			    EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH)

union address {
	struct sockaddr		sa;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
	struct sockaddr_un	un;
};

static struct door	 doors[DOORS_MAX];
static size_t		 ndoors;
static bool		 paused;

static int
inet_read(const char *text, union address *a, socklen_t *n, struct error *e)
{
	const char	*colon = strrchr(text, ':');
	char		 host[64], *rest;
	unsigned long	 port = colon == NULL ? 0 : strtoul(colon + 1, &rest, 10);
	size_t		 len = colon == NULL ? 0 : (size_t)(colon - text);

	if (colon == NULL || colon[1] < '0' || colon[1] > '9' || *rest != '\0' || port > UINT16_MAX || len >= sizeof(host))
		return error_set(e, ERR_USAGE, "--listen %.100s: address:port, [v6]:port or unix:PATH is wanted", text);
	if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons((uint16_t)port);
		*n = sizeof(a->in);
	} else if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons((uint16_t)port);
		*n = sizeof(a->in6);
	} else
		return error_set(e, ERR_USAGE, "--listen: %.60s is not an IP address", host);
	return 0;
}

static int
inet_open(const char *text, struct error *e)
{
	union address	 a = { 0 };
	socklen_t	 n = 0;
	autofd		 fd = -1;
	int		 one = 1;

	if (inet_read(text, &a, &n, e) == -1)
		return -1;
	fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, &a.sa, n) == -1 || listen(fd, BACKLOG) == -1)
		return error_sys(e, "--listen %.100s", text);
	return fd_steal(&fd);
}

/* What a server that died left behind is removed; one that lives is left alone. */
static int
unix_clear(const union address *a, struct error *e)
{
	autofd		 fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat	 st;

	if (lstat(a->un.sun_path, &st) == -1)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return error_set(e, ERR_USAGE, "--listen unix:%s: something else than a socket is there", a->un.sun_path);
	if (fd != -1 && (connect(fd, &a->sa, sizeof(a->un)) == 0 || errno == EAGAIN))
		return error_set(e, ERR_USAGE, "--listen unix:%s: another server listens there", a->un.sun_path);
	if (unlink(a->un.sun_path) == -1)
		return error_sys(e, "--listen unix:%s", a->un.sun_path);
	return 0;
}

static int
unix_open(const char *path, struct error *e)
{
	union address	 a = { .un = { .sun_family = AF_UNIX } };
	autofd		 fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t		 old;
	int		 r;

	if (path[0] == '\0' || strlen(path) >= sizeof(a.un.sun_path))
		return error_set(e, ERR_USAGE, "--listen unix:PATH: a path of 1 to %zu bytes is wanted",
		    sizeof(a.un.sun_path) - 1);
	memcpy(a.un.sun_path, path, strlen(path) + 1);
	if (unix_clear(&a, e) == -1)
		return -1;
	old = umask(0777 & ~server.set.socket_mode);
	r = fd == -1 ? -1 : bind(fd, &a.sa, sizeof(a.un));
	umask(old);
	if (r == -1 || chmod(path, server.set.socket_mode) == -1 || listen(fd, BACKLOG) == -1)
		return error_sys(e, "--listen unix:%s", path);
	return fd_steal(&fd);
}

static bool
is_loopback(const union address *a)
{
	if (a->sa.sa_family == AF_INET)
		return (ntohl(a->in.sin_addr.s_addr) >> 24) == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

/* Says in *d what kind of place this is. */
static int
door_describe(struct door *d, int fd, struct error *e)
{
	union address	 a = { 0 };
	socklen_t	 n = sizeof(a);
	char		 host[INET6_ADDRSTRLEN] = "?";
	int		 one = 1;

	if (getsockname(fd, &a.sa, &n) == -1)
		return error_sys(e, "listening");
	if (a.sa.sa_family == AF_UNIX) {
		d->is_unix = true;
		snprintf(d->name, sizeof(d->name), "unix:%s", n > sizeof(sa_family_t) ? a.un.sun_path : "");
		return 0;
	}
	if (a.sa.sa_family != AF_INET && a.sa.sa_family != AF_INET6)
		return error_set(e, ERR_USAGE, "a socket that was handed over is neither TCP nor unix");
	/* Accepted sockets inherit it: without it every chunk stalls for 40 ms. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1)
		return error_sys(e, "TCP_NODELAY");
	d->loopback = is_loopback(&a);
	inet_ntop(a.sa.sa_family, a.sa.sa_family == AF_INET ? (void *)&a.in.sin_addr : &a.in6.sin6_addr, host, sizeof(host));
	snprintf(d->name, sizeof(d->name), a.sa.sa_family == AF_INET ? "%s://%s:%u" : "%s://[%s]:%u",
	    server.set.cert != NULL ? "https" : "http", host, ntohs(a.in.sin_port));
	return 0;
}

static int
door_check(const struct door *d, struct error *e)
{
	if (d->is_unix || d->loopback || (server.set.cert != NULL && server.set.tokens != NULL))
		return 0;
	return error_set(e, ERR_USAGE, "%s can be reached by others: it needs --tls-cert, --tls-key and --tokens "
	    "(see: bascule serve token add)", d->name);
}

static void
accept_failed(struct evconnlistener *l, void *arg)
{
	(void)l;
	(void)arg;
	/* Out of descriptors, mostly: the next sweep looks again. */
	slog_text(SLOG_ERROR, "accept.failed", "message", strerror(errno));
	doors_pause();
}

static int
http_open(struct door *d, int fd, void (*answer)(struct evhttp_request *, void *))
{
	struct evconnlistener	*l;
	struct timeval		 idle = { server.set.idle_ms / 1000, server.set.idle_ms % 1000 * 1000 };

	if ((d->http = evhttp_new(server.base)) == NULL)
		return -1;
	evhttp_set_max_headers_size(d->http, HEADERS_BYTES_MAX);
	evhttp_set_max_body_size(d->http, server.set.registry == NULL ? REQUEST_BYTES_MAX : UPLOAD_BYTES_MAX);
	evhttp_set_timeout_tv(d->http, &idle);
	evhttp_set_default_content_type(d->http, NULL);
	evhttp_set_allowed_methods(d->http, METHODS);
	evhttp_set_gencb(d->http, answer, d);
	evhttp_set_bevcb(d->http, conn_new, d);
	l = evconnlistener_new(server.base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (l == NULL)
		return -1;
	if ((d->bound = evhttp_bind_listener(d->http, l)) == NULL) {
		evconnlistener_free(l);
		return -1;
	}
	evconnlistener_set_error_cb(l, accept_failed);
	return 0;
}

/* Takes fd. */
static int
door_open(int fd, const char *made, void (*answer)(struct evhttp_request *, void *), struct error *e)
{
	struct door	*d = &doors[ndoors];
	autofd		 mine = fd;

	*d = (struct door){ 0 };
	if (made != NULL)
		snprintf(d->path, sizeof(d->path), "%s", made);
	ndoors++;
	if (door_describe(d, mine, e) == -1 || door_check(d, e) == -1)
		return -1;
	if (!d->is_unix && server.set.cert != NULL &&
	    (d->ctx = tls_open(server.set.cert, server.set.key, server.set.client_ca, e)) == NULL)
		return -1;
	if (http_open(d, mine, answer) == -1)
		return error_set(e, ERR_SYSTEM, "%s: the server could not be made", d->name);
	(void)fd_steal(&mine);
	slog_text(SLOG_INFO, "listening", "place", d->name);
	return 0;
}

static int
handed_open(int n, void (*answer)(struct evhttp_request *, void *), struct error *e)
{
	if (n > DOORS_MAX)
		return error_set(e, ERR_USAGE, "at most %d sockets may be handed over", DOORS_MAX);
	for (int i = 0; i < n; i++) {
		int	 fd = NOTIFY_FDS_START + i;

		if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 || fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
			return error_sys(e, "a socket that was handed over (%d)", fd);
		if (door_open(fd, NULL, answer, e) == -1)
			return -1;
	}
	return 0;
}

int
doors_open(void (*answer)(struct evhttp_request *, void *), struct error *e)
{
	struct settings	*s = &server.set;
	int		 handed = notify_handed();

	if (handed > 0)
		return handed_open(handed, answer, e);
	if (s->nlisten == 0)
		s->listen[s->nlisten++] = DEFAULT_PLACE;
	for (size_t i = 0; i < s->nlisten; i++) {
		bool	 is_unix = strncmp(s->listen[i], "unix:", 5) == 0;
		int	 fd = is_unix ? unix_open(s->listen[i] + 5, e) : inet_open(s->listen[i], e);

		if (fd == -1 || door_open(fd, is_unix ? s->listen[i] + 5 : NULL, answer, e) == -1)
			return -1;
	}
	return 0;
}

static void
each_listener(int (*what)(struct evconnlistener *))
{
	for (size_t i = 0; i < ndoors; i++)
		if (doors[i].bound != NULL)
			(void)what(evhttp_bound_socket_get_listener(doors[i].bound));
}

void
doors_pause(void)
{
	if (paused)
		return;
	paused = true;
	each_listener(evconnlistener_disable);
}

void
doors_resume(void)
{
	if (!paused)
		return;
	paused = false;
	each_listener(evconnlistener_enable);
}

void
doors_close(void)
{
	for (size_t i = 0; i < ndoors; i++) {
		if (doors[i].bound != NULL)
			evhttp_del_accept_socket(doors[i].http, doors[i].bound);
		doors[i].bound = NULL;
		if (doors[i].path[0] != '\0')
			(void)files_unlink(doors[i].path);
		doors[i].path[0] = '\0';
	}
}

int
doors_name(struct error *e)
{
	for (size_t i = 0; i < ndoors; i++)
		if (doors[i].path[0] != '\0' && files_allow(doors[i].path, FILES_REMOVE) == -1)
			return error_sys(e, "supervisor: %.100s", doors[i].path);
	return 0;
}

void
doors_free(void)
{
	doors_close();
	for (size_t i = 0; i < ndoors; i++) {
		if (doors[i].http != NULL)
			evhttp_free(doors[i].http);
		SSL_CTX_free(doors[i].ctx);
	}
	ndoors = 0;
}

int
doors_reload(struct error *e)
{
	for (size_t i = 0; i < ndoors; i++) {
		SSL_CTX	*ctx;

		if (doors[i].ctx == NULL)
			continue;
		if ((ctx = tls_open(server.set.cert, server.set.key, server.set.client_ca, e)) == NULL)
			return -1;
		/* Connections hold their own reference of the old one. */
		SSL_CTX_free(doors[i].ctx);
		doors[i].ctx = ctx;
	}
	return 0;
}
