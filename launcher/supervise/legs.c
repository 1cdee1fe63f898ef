/*
 * legs.c -- between the front and a broker: packets as they are, and the ends of legs that only this process has.
 *
 * The front says what a worker may reach, and hears where it went; it never holds an end of a leg, so the broker has no
 * way to hand it a connection.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "launcher/core/bounds.h"
#include "launcher/supervise/supervise.h"

union wire_packet {
	struct wire_head	head;
	struct wire_open	open;
	struct wire_contact	contact;
	struct wire_spent	spent;
};

/* One direction: a packet at a time. */
struct half {
	int			 from, to;
	bool			 to_broker;
	size_t			 bytes;		/* of the packet that waits for room; 0: none */
	int			 leg;		/* goes with it; -1: nothing */
	union wire_packet	 packet;
	struct event		 readable, writable;
	struct legs		*legs;
};

struct legs {
	LIST_ENTRY(legs)	 next;
	struct broker		*broker;
	int			 front;
	struct half		 down, up;
};

static LIST_HEAD(, legs)	 all = LIST_HEAD_INITIALIZER(all);

static void
legs_end(struct legs *l)
{
	struct half	*halves[] = { &l->down, &l->up };

	for (size_t i = 0; i < N_ITEMS(halves); i++) {
		event_del(&halves[i]->readable);
		event_del(&halves[i]->writable);
		fd_closep(&halves[i]->leg);
		explicit_bzero(&halves[i]->packet, sizeof(halves[i]->packet));	/* a proxy's password */
	}
	broker_stop(l->broker);
	fd_closep(&l->front);
	LIST_REMOVE(l, next);
	free(l);
}

/* As desk_send(). */
static int
half_send(struct half *h)
{
	return desk_send(h->to, &h->packet, h->bytes, &h->leg, h->leg != -1);
}

/* NULL, or what it is that the front asks for and never does. */
static const char *
half_check(struct half *h)
{
	struct wire_open	*o = &h->packet.open;
	const char		*broken;

	if (!h->to_broker)
		return NULL;
	if (h->bytes == sizeof(struct wire_head) && o->head.type == WIRE_CLOSE)
		return NULL;
	if (h->bytes < WIRE_OPEN_BYTES(0) || o->head.type != WIRE_OPEN)
		return "a packet that no front sends";
	if ((broken = bounds_broken(&told.bounds, o, h->bytes)) != NULL)
		return broken;
	if ((h->leg = desk_leg_take(o->worker)) == -1)
		return "a way out for a worker that it has not";
	o->worker = 0;
	return NULL;
}

/* Moves what it can; false: one side is gone, and so is h. */
static bool
half_move(struct half *h)
{
	const char	*broken;
	char		 text[160];
	ssize_t		 n;
	int		 r = 0;

	for (;;) {
		if (h->bytes > 0 && (r = half_send(h)) != 0)
			break;
		h->bytes = 0;
		fd_closep(&h->leg);
		/* Descriptors are not taken: the kernel drops them. */
		n = recv(h->from, &h->packet, sizeof(h->packet), MSG_DONTWAIT | MSG_TRUNC);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			event_add(&h->readable, NULL);
			return true;
		}
		if (n < (ssize_t)sizeof(struct wire_head) || n > (ssize_t)sizeof(h->packet))
			break;
		h->bytes = (size_t)n;
		if ((broken = half_check(h)) != NULL) {
			snprintf(text, sizeof(text), "the front asked the broker for %s: everything ends", broken);
			supervise_end(text);
			return true;
		}
	}
	if (r == 1) {
		event_del(&h->readable);
		event_add(&h->writable, NULL);
		return true;
	}
	legs_end(h->legs);
	return false;
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)half_move(arg);
}

static void
half_open(struct half *h, struct legs *l, int from, int to, bool to_broker)
{
	h->legs = l;
	h->from = from;
	h->to = to;
	h->to_broker = to_broker;
	h->leg = -1;
	event_assign(&h->readable, core_base(), from, EV_READ | EV_PERSIST, on_ready, h);
	event_assign(&h->writable, core_base(), to, EV_WRITE, on_ready, h);
	event_add(&h->readable, NULL);
}

void
legs_open(int front_fd)
{
	struct wire_head	 ready = { WIRE_VERSION, WIRE_READY, 0 };
	struct legs		*l = calloc(1, sizeof(*l));
	struct error		 e = ERROR_NONE;

	if (l == NULL || (l->broker = core_broker(&e)) == NULL || send(front_fd, &ready, sizeof(ready), MSG_DONTWAIT |
	    MSG_NOSIGNAL) != (ssize_t)sizeof(ready)) {
		fprintf(stderr, "bascule-supervise: %s\n", e.code != ERR_NONE ? e.msg : "egress broker: no memory");
		if (l != NULL)
			broker_stop(l->broker);
		free(l);
		(void)close(front_fd);
		return;
	}
	l->front = front_fd;
	half_open(&l->down, l, front_fd, broker_fd(l->broker), true);
	half_open(&l->up, l, broker_fd(l->broker), front_fd, false);
	LIST_INSERT_HEAD(&all, l, next);
}

void
legs_close(void)
{
	while (!LIST_EMPTY(&all))
		legs_end(LIST_FIRST(&all));
}
