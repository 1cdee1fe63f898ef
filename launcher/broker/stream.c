/*
 * stream.c -- copies bytes between two sockets, as many as the slower of them takes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "launcher/broker/hello.h"
#include "launcher/broker/stream.h"
#include "worker/contract/util.h"

static size_t
room(const struct half *h)
{
	return h->ended ? 0 : h->start > 0 ? STREAM_BUFFER_BYTES - (h->end - h->start) : STREAM_BUFFER_BYTES - h->end;
}

/* -1: that side is broken. */
static int
fill(struct half *h, int fd)
{
	ssize_t	 n;

	if (fd == -1 || room(h) == 0)
		return 0;
	if (h->data == NULL && (h->data = malloc(STREAM_BUFFER_BYTES)) == NULL)
		return -1;
	if (h->start > 0) {
		memmove(h->data, h->data + h->start, h->end - h->start);
		h->end -= h->start;
		h->start = 0;
	}
	n = recv(fd, h->data + h->end, STREAM_BUFFER_BYTES - h->end, MSG_DONTWAIT);
	if (n > 0)
		h->end += (size_t)n;
	else if (n == 0)
		h->ended = true;
	else if (errno != EAGAIN && errno != EINTR)
		return -1;
	return 0;
}

static int
drain(struct half *h, int fd)
{
	ssize_t	 n;

	if (fd == -1)
		return 0;
	while (h->start < h->end) {
		if ((n = send(fd, h->data + h->start, h->end - h->start, MSG_DONTWAIT | MSG_NOSIGNAL)) == -1)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		h->start += (size_t)n;
	}
	h->start = h->end = 0;
	if (h->ended && !h->told) {
		h->told = true;
		(void)shutdown(fd, SHUT_WR);
	}
	return 0;
}

/* Nothing goes up before its first bytes are known for what they are. */
static bool
is_other_name(struct stream *s, char name[EGRESS_HOST_BYTES_MAX + 1])
{
	enum hello	 h;

	if (s->looked)
		return false;
	h = hello_look(s->up.data == NULL ? (const uint8_t *)"" : s->up.data, s->up.end, name);
	if (h == HELLO_PART && !s->up.ended && room(&s->up) > 0)
		return false;
	s->looked = h == HELLO_NONE || h == HELLO_UNNAMED || (h == HELLO_NAMED && strcmp(name, s->c.host) == 0) ||
	    (h == HELLO_PART && s->up.end == 0);
	return !s->looked;
}

enum stream_news
stream_move(struct stream *s, char name[EGRESS_HOST_BYTES_MAX + 1])
{
	if (fill(&s->up, s->in) == -1 || fill(&s->down, s->out) == -1)
		return STREAM_ENDED;
	if (s->out == -1)
		return STREAM_GOES_ON;
	if (is_other_name(s, name))
		return STREAM_OTHER_NAME;
	if ((s->looked && drain(&s->up, s->out) == -1) || drain(&s->down, s->in) == -1)
		return STREAM_ENDED;
	return s->up.told && s->down.told ? STREAM_ENDED : STREAM_GOES_ON;
}

void
stream_wants(const struct stream *s, uint32_t *in, uint32_t *out)
{
	*in = (room(&s->up) > 0 ? EPOLLIN : 0) | (s->down.end > s->down.start ? EPOLLOUT : 0);
	*out = (room(&s->down) > 0 ? EPOLLIN : 0) | (s->looked && s->up.end > s->up.start ? EPOLLOUT : 0);
}

void
stream_close(struct stream *s, bool abrupt)
{
	const struct linger	 now = { .l_onoff = 1, .l_linger = 0 };

	if (abrupt && s->in != -1)
		(void)setsockopt(s->in, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	fd_closep(&s->in);
	fd_closep(&s->out);
	free(s->up.data);
	free(s->down.data);
	s->up = s->down = (struct half){ 0 };
}
