/*
 * conn.c -- records of open connections.
 */
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>

#include "launcher/serve/conn.h"
#include "launcher/serve/door.h"
#include "launcher/serve/serve.h"
#include "worker/contract/util.h"

#define WRITE_BYTES	(256 * KIB)	/* at most in one system call; the default of 16 KiB makes one of each */

struct conn {
	LIST_ENTRY(conn)	 next;
	struct door		*door;
	struct bufferevent	*bev;		/* until the descriptor is known; then evhttp's alone */
	int			 fd;
	ino_t			 ino;		/* of the socket: the number may be another's by now */
	long			 peer;
	const struct peer	*row;		/* of --peer */
	bool			 busy;
	int64_t			 reading_ms;	/* a request comes since then; 0: none does */
	size_t			 held_bytes;	/* of its request, in this process */
};

static LIST_HEAD(, conn)	 conns = LIST_HEAD_INITIALIZER(conns);
static struct conn		**by_fd;
static size_t			 nby_fd;
static struct conn_counts	 counts;

static void
hold(struct conn *c, size_t bytes)
{
	counts.held_bytes -= c->held_bytes;
	c->held_bytes = bytes;
	counts.held_bytes += bytes;
}

void
conn_cut(struct conn *c)
{
	if (c->fd != -1)
		(void)shutdown(c->fd, SHUT_RDWR);
}

/* Bytes of a request came; from the first on its time runs. */
static void
on_input(struct evbuffer *b, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn	*c = arg;

	if (info->n_added == 0)
		return;
	hold(c, c->held_bytes + info->n_added);
	if (c->busy) {
		if (evbuffer_get_length(b) <= PIPELINE_BYTES_MAX)
			return;
		counts.cut_ahead++;
		conn_cut(c);
		return;
	}
	if (c->reading_ms == 0)
		c->reading_ms = now_ms();
	if (counts.held_bytes > (size_t)server.set.memory_bytes) {
		counts.cut_budget++;
		conn_cut(c);
	}
}

static void
forget(struct conn *c)
{
	hold(c, 0);
	if (c->fd != -1 && by_fd[c->fd] == c)
		by_fd[c->fd] = NULL;
	if (c->busy)
		counts.busy--;
	counts.open--;
	LIST_REMOVE(c, next);
	free(c);
}

static bool
alive(const struct conn *c)
{
	struct stat	 st;

	return c->bev != NULL || (fstat(c->fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_ino == c->ino);
}

static int
table_grow(int fd)
{
	size_t		 n = nby_fd == 0 ? 1024 : nby_fd;
	struct conn	**more;

	while (n <= (size_t)fd)
		n *= 2;
	if (n == nby_fd)
		return 0;
	if ((more = reallocarray(by_fd, n, sizeof(*more))) == NULL)
		return -1;
	memset(more + nby_fd, 0, (n - nby_fd) * sizeof(*more));
	by_fd = more;
	nby_fd = n;
	return 0;
}

static void
peer_settle(struct conn *c, int fd)
{
	struct ucred	 cred;
	socklen_t	 n = sizeof(cred);
	int		 domain;
	socklen_t	 ndomain = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &ndomain) == -1 || domain != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == -1)
		return;
	c->peer = (long)cred.uid;
	c->row = peers_find(server.set.peers, server.set.npeers, fd, &cred);
}

/* evhttp has given it its descriptor by now. */
static void
settle(evutil_socket_t nothing, short what, void *arg)
{
	struct conn		*c = arg;
	struct bufferevent	*bev = c->bev;
	struct stat		 st;

	(void)nothing;
	(void)what;
	c->bev = NULL;
	c->fd = bufferevent_getfd(bev);
	if (c->fd == -1 || fstat(c->fd, &st) == -1 || table_grow(c->fd) == -1) {
		if (c->fd != -1)
			(void)shutdown(c->fd, SHUT_RDWR);
		c->fd = -1;
		forget(c);
	} else {
		c->ino = st.st_ino;
		peer_settle(c, c->fd);
		if (by_fd[c->fd] != NULL)
			forget(by_fd[c->fd]);
		by_fd[c->fd] = c;
		/* Only now: a record that was forgotten must not be called. */
		evbuffer_add_cb(bufferevent_get_input(bev), on_input, c);
	}
	bufferevent_decref(bev);
}

static struct bufferevent *
bev_new(struct event_base *base, struct door *d)
{
	struct bufferevent	*bev;
	SSL			*ssl;

	if (d->ctx == NULL)
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if ((ssl = SSL_new(d->ctx)) == NULL)
		return NULL;
	bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL)
		SSL_free(ssl);
	else
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

struct bufferevent *
conn_new(struct event_base *base, void *arg)
{
	struct bufferevent	*bev = bev_new(base, arg);
	struct conn		*c = calloc(1, sizeof(*c));

	if (bev == NULL || c == NULL) {
		if (bev != NULL)
			bufferevent_free(bev);
		free(c);
		return NULL;		/* evhttp makes a plain one; without a record it is refused */
	}
	bufferevent_set_max_single_write(bev, WRITE_BYTES);
	*c = (struct conn){ .door = arg, .bev = bev, .fd = -1, .peer = -1, .reading_ms = now_ms() };
	LIST_INSERT_HEAD(&conns, c, next);
	counts.accepted++;
	if (++counts.open >= server.set.connections)
		doors_pause();
	bufferevent_incref(bev);
	if (event_base_once(base, -1, EV_TIMEOUT, settle, c, NULL) == -1) {
		bufferevent_decref(bev);
		c->bev = NULL;
		forget(c);
	}
	return bev;
}

struct conn *
conn_of(struct evhttp_request *req)
{
	struct evhttp_connection	*evcon = evhttp_request_get_connection(req);
	int				 fd;

	if (evcon == NULL)
		return NULL;
	fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evcon));
	return fd >= 0 && (size_t)fd < nby_fd ? by_fd[fd] : NULL;
}

struct door *
conn_door(const struct conn *c)
{
	return c->door;
}

long
conn_peer(const struct conn *c)
{
	return c->peer;
}

const struct peer *
conn_peer_row(const struct conn *c)
{
	return c->row;
}

void
conn_release(struct conn *c)
{
	hold(c, 0);
}

void
conns_charge(ssize_t n)
{
	counts.held_bytes += (size_t)n;
}

/* The answer went out whole. */
static void
on_complete(struct evhttp_request *req, void *arg)
{
	struct conn		*c = arg;
	struct bufferevent	*bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));
	struct timeval		 idle = { server.set.idle_ms / 1000, server.set.idle_ms % 1000 * 1000 };
	size_t			 ahead = evbuffer_get_length(bufferevent_get_input(bev));

	if (c->busy)
		counts.busy--;
	c->busy = false;
	hold(c, ahead);
	c->reading_ms = ahead > 0 ? now_ms() : 0;
	bufferevent_set_timeouts(bev, &idle, &idle);
}

void
conn_begin(struct conn *c, struct evhttp_request *req)
{
	if (!c->busy)
		counts.busy++;
	c->busy = true;
	c->reading_ms = 0;
	evhttp_request_set_on_complete_cb(req, on_complete, c);
}

void
conn_patient(struct conn *c, struct bufferevent *bev)
{
	struct timeval	 stall = { STALL_MS / 1000, 0 };

	(void)c;
	bufferevent_set_timeouts(bev, NULL, &stall);
}

bool
conns_sweep(void)
{
	int64_t		 now = now_ms();
	struct conn	*c, *next;

	for (c = LIST_FIRST(&conns); c != NULL; c = next) {
		next = LIST_NEXT(c, next);
		if (!alive(c))
			forget(c);
		else if (!c->busy && c->reading_ms != 0 && now - c->reading_ms > server.set.request_ms) {
			counts.cut_slow++;
			c->reading_ms = now;	/* once */
			conn_cut(c);
		}
	}
	return counts.open < server.set.connections;
}

struct conn_counts
conns_count(void)
{
	return counts;
}
