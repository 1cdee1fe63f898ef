/*
 * keeper_names.c -- the name server of a guest without a network of its own.
 *
 * By datagrams it is spoken to over pairs of sockets that are connected to each other and to nothing else, made before the
 * keeper's walls stand: a program compares where an answer comes from, so these are sockets of the internet.  There are
 * few, and a guest that opens more of them than there are shares them with itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/contract/util.h"
#include "worker/guest/keeper.h"

#define PAIRS		8u
#define CONNECTIONS	16u
static_assert(PAIRS + CONNECTIONS == NAMES_FDS_MAX, "as many as are waited for");

static struct pair {
	int		 ours, theirs;
	uint64_t	 inode;		/* of theirs */
} pairs[PAIRS];
static size_t		 npairs, next_pair;

static struct connection {
	int		 fd;		/* -1: free */
	size_t		 have;
	uint8_t		 data[2 + STUB_BYTES_MAX];
} connections[CONNECTIONS];
static size_t		 next_connection;

static char		 names[KEEPER_NAMES_MAX][EGRESS_HOST_BYTES_MAX + 1];
static bool		 known[KEEPER_NAMES_MAX];	/* to the policy */
static size_t		 nnames;
static uint32_t		 questions;
static int		 broker;

static int
datagrams_bind(struct sockaddr_in *at)
{
	socklen_t	 len = sizeof(*at);
	int		 fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd != -1 && bind(fd, (struct sockaddr *)at, len) == 0 && getsockname(fd, (struct sockaddr *)at, &len) == 0)
		return fd;
	fd_closep(&fd);
	return -1;
}

static bool
pair_open(struct pair *p)
{
	struct sockaddr_in	 ours, theirs;
	struct stat		 st;

	p->ours = datagrams_bind(&ours);
	p->theirs = datagrams_bind(&theirs);
	if (p->ours != -1 && p->theirs != -1 && fstat(p->theirs, &st) == 0 &&
	    connect(p->ours, (struct sockaddr *)&theirs, sizeof(theirs)) == 0 &&
	    connect(p->theirs, (struct sockaddr *)&ours, sizeof(ours)) == 0) {
		p->inode = st.st_ino;
		return true;
	}
	fd_closep(&p->ours);
	fd_closep(&p->theirs);
	return false;
}

void
names_open(int broker_fd)
{
	broker = broker_fd;
	for (size_t i = 0; i < CONNECTIONS; i++)
		connections[i].fd = -1;
	while (npairs < PAIRS && pair_open(&pairs[npairs]))
		npairs++;
}

int
names_datagrams(void)
{
	return npairs == 0 ? -1 : pairs[next_pair++ % npairs].theirs;
}

bool
names_is_datagrams(uint64_t inode)
{
	for (size_t i = 0; i < npairs; i++)
		if (pairs[i].inode == inode)
			return true;
	return false;
}

/* The oldest makes room. */
int
names_connection(void)
{
	struct connection	*c = &connections[next_connection++ % CONNECTIONS];
	int			 ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		return -1;
	fd_closep(&c->fd);
	*c = (struct connection){ .fd = ends[0] };
	return ends[1];
}

/* Its number, a new one if need be; KEEPER_NAMES_MAX: there is no room.  The broker is asked of each once. */
static size_t
name_find(const char *host)
{
	size_t	 i = 0;
	int	 none;

	while (i < nnames && strcmp(names[i], host) != 0)
		i++;
	if (i < nnames || i == KEEPER_NAMES_MAX)
		return i;
	memcpy(names[i], host, strlen(host) + 1);
	known[i] = keeper_ask(broker, EGRESS_NAME, host, 0, &none).status == EGRESS_OK;
	fd_closep(&none);
	nnames++;
	return i;
}

/* 0: none. */
static size_t
answer_make(const uint8_t *packet, size_t n, uint8_t out[STUB_BYTES_MAX])
{
	struct stub_question	 q;
	struct stub_place	 place = { 0 };
	enum stub_answer	 a = STUB_NO_NAME;
	size_t			 name;

	if (questions++ >= KEEPER_QUESTIONS_MAX || stub_parse(packet, n, &q) == -1)
		return 0;
	if (q.host[0] != '\0' && (name = name_find(q.host)) < KEEPER_NAMES_MAX && known[name]) {
		a = q.kind == STUB_OTHER ? STUB_NOTHING : STUB_ADDRESS;
		place = stub_place(name);
	}
	return stub_answer(packet, &q, a, &place, out);
}

static void
datagrams_serve(int fd)
{
	uint8_t	 packet[STUB_BYTES_MAX], out[STUB_BYTES_MAX];
	ssize_t	 n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);
	size_t	 bytes;

	if (n > 0 && n <= (ssize_t)sizeof(packet) && (bytes = answer_make(packet, (size_t)n, out)) > 0)
		(void)send(fd, out, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A question behind its length, and so the answers. */
static void
connection_serve(struct connection *c)
{
	uint8_t	 out[2 + STUB_BYTES_MAX];
	ssize_t	 got = recv(c->fd, c->data + c->have, sizeof(c->data) - c->have, MSG_DONTWAIT);
	size_t	 n, bytes;

	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		fd_closep(&c->fd);
		return;
	}
	c->have += (size_t)got;
	while (c->have >= 2) {
		if ((n = (size_t)c->data[0] << 8 | c->data[1]) > STUB_BYTES_MAX) {
			fd_closep(&c->fd);
			return;
		}
		if (c->have < 2 + n)
			return;
		bytes = answer_make(c->data + 2, n, out + 2);
		out[0] = (uint8_t)(bytes >> 8);
		out[1] = (uint8_t)bytes;
		c->have -= 2 + n;
		memmove(c->data, c->data + 2 + n, c->have);
		if (bytes > 0 && send(c->fd, out, 2 + bytes, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)(2 + bytes)) {
			fd_closep(&c->fd);
			return;
		}
	}
}

size_t
names_wait(struct pollfd *fds)
{
	for (size_t i = 0; i < NAMES_FDS_MAX; i++)
		fds[i] = (struct pollfd){ .events = POLLIN,
		    .fd = i >= PAIRS ? connections[i - PAIRS].fd : i < npairs ? pairs[i].ours : -1 };
	return NAMES_FDS_MAX;
}

void
names_serve(const struct pollfd *fds)
{
	for (size_t i = 0; i < NAMES_FDS_MAX; i++) {
		if (fds[i].revents == 0)
			continue;
		if (i < PAIRS)
			datagrams_serve(fds[i].fd);
		else if (connections[i - PAIRS].fd == fds[i].fd)
			connection_serve(&connections[i - PAIRS]);
	}
}

void
names_host(const struct sockaddr *sa, char host[EGRESS_HOST_BYTES_MAX + 1])
{
	struct sockaddr_in6	 in6;
	struct in_addr		 four;
	long			 name;

	if (!stub_four(sa, &four)) {
		memcpy(&in6, sa, sizeof(in6));
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, host, INET6_ADDRSTRLEN);
	} else if ((name = stub_name(four, nnames)) != -1)
		memcpy(host, names[name], sizeof(names[name]));
	else
		(void)inet_ntop(AF_INET, &four, host, INET_ADDRSTRLEN);
}
