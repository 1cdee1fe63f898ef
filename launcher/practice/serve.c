/*
 * serve.c -- binds evhttp, with its bounds, to one address.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>

#include "launcher/practice/route.h"
#include "launcher/practice/serve.h"
#include "worker/contract/util.h"

#define BACKLOG		1024
#define WRITE_BYTES	(512 * 1024)	/* at most in one system call */
#define PAUSE_MS	100	/* without accepting, when descriptors are out */

union address {
	struct sockaddr		sa;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
};

static int
address_read(const char *text, uint16_t port, union address *a, socklen_t *n, struct error *e)
{
	*a = (union address){ 0 };
	if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(port);
		*n = sizeof(a->in);
	} else if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(port);
		*n = sizeof(a->in6);
	} else
		return error_set(e, ERR_USAGE, "--listen: an IP address is wanted");
	return 0;
}

/* Accepted sockets inherit TCP_NODELAY: without it every chunked reply stalls 40 ms. */
static int
open_socket(const union address *a, socklen_t n, struct error *e)
{
	autofd	 fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int	 one = 1;

	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1 || bind(fd, &a->sa, n) == -1 ||
	    listen(fd, BACKLOG) == -1)
		return error_sys(e, "listening");
	return fd_steal(&fd);
}

static struct bufferevent *
new_bufferevent(struct event_base *base, void *arg)
{
	SSL			*ssl = arg != NULL ? SSL_new(arg) : NULL;
	struct bufferevent	*bev;

	if (arg == NULL)
		bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	else if (ssl == NULL)
		return NULL;
	else
		bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL) {
		SSL_free(ssl);
		return NULL;
	}
	if (ssl != NULL)
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	/* The default of 16 KiB makes a system call of each. */
	bufferevent_set_max_single_write(bev, WRITE_BYTES);
	return bev;
}

static void
accept_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	evconnlistener_enable(arg);
}

static void
accept_failed(struct evconnlistener *listener, void *arg)
{
	struct timeval tv = { .tv_usec = PAUSE_MS * 1000 };

	(void)arg;
	evconnlistener_disable(listener);
	if (event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, accept_again, listener, &tv) == -1)
		evconnlistener_enable(listener);
}

static int
start_http(struct practice *p, int fd, SSL_CTX *ctx)
{
	struct evconnlistener *listener;

	if ((p->http = evhttp_new(p->base)) == NULL)
		return -1;
	evhttp_set_max_headers_size(p->http, HEADERS_BYTES_MAX);
	evhttp_set_max_body_size(p->http, BODY_BYTES_MAX);
	evhttp_set_timeout(p->http, IDLE_S);
	evhttp_set_default_content_type(p->http, NULL);
	evhttp_set_allowed_methods(p->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH |
	    EVHTTP_REQ_DELETE);
	evhttp_set_gencb(p->http, route_request, p);
	evhttp_set_bevcb(p->http, new_bufferevent, ctx);
	listener = evconnlistener_new(p->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (listener == NULL || evhttp_bind_listener(p->http, listener) == NULL)
		return -1;
	evconnlistener_set_error_cb(listener, accept_failed);
	return 0;
}

int
serve_listen(struct practice *p, const char *address, uint16_t *port, SSL_CTX *ctx, struct error *e)
{
	union address	 a;
	socklen_t	 n;
	autofd		 fd = -1;

	if (address_read(address, *port, &a, &n, e) == -1 || (fd = open_socket(&a, n, e)) == -1)
		return -1;
	if (getsockname(fd, &a.sa, &n) == -1)
		return error_sys(e, "listening");
	*port = ntohs(a.sa.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
	if (start_http(p, fd, ctx) == -1)
		return error_set(e, ERR_SYSTEM, "the server could not be made");
	fd_steal(&fd);
	return 0;
}
