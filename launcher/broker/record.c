/*
 * record.c -- contacts and tallies, sent to the launcher.
 *
 * The launcher is trusted and waited for: a contact is on record before the
 * worker can use it.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "launcher/broker/record.h"
#include "worker/contract/util.h"

/* Of tcpi_state; the kernel's own header has no names for them. */
enum { STATE_ESTABLISHED = 1, STATE_TIME_WAIT = 6, STATE_CLOSE_WAIT = 8, STATE_LAST_ACK = 9, STATE_CLOSING = 11 };
#define ENDED_BY_PEER	(1u << STATE_TIME_WAIT | 1u << STATE_CLOSE_WAIT | 1u << STATE_LAST_ACK | 1u << STATE_CLOSING)

struct kept {
	struct kept		*next;
	int			 fd;
	struct mark		 begin;		/* a proxy may have been spoken to */
	struct wire_contact	 c;
};

static int	control = -1;
static size_t	kept_now, kept_most;	/* of all legs */

void
record_start(int control_fd, size_t files_max)
{
	control = control_fd;
	kept_most = files_max / 2;
}

static int
packet_send(const void *packet, size_t bytes)
{
	ssize_t	n;

	while ((n = send(control, packet, bytes, MSG_NOSIGNAL)) == -1 && errno == EINTR)
		;
	return n == (ssize_t)bytes ? 0 : -1;
}

int
record_send(const struct wire_contact *c)
{
	return packet_send(c, sizeof(*c));
}

int
record_spent(uint32_t leg, uint64_t wait_ms, uint32_t permits)
{
	struct wire_spent	s = { { WIRE_VERSION, WIRE_SPENT, leg }, wait_ms, permits, 0 };

	return packet_send(&s, sizeof(s));
}

int
record_call(uint32_t leg, uint32_t arch, int nr)
{
	struct wire_call	c = { { WIRE_VERSION, WIRE_CALL, leg }, arch, nr };

	return packet_send(&c, sizeof(c));
}

int
record_closed(uint32_t leg)
{
	struct wire_head	h = { WIRE_VERSION, WIRE_CLOSED, leg };

	return packet_send(&h, sizeof(h));
}

static bool
measure(int fd, struct mark *m, bool *is_open)
{
	struct tcp_info	info = { 0 };
	socklen_t	len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
	    len < offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof(info.tcpi_bytes_retrans))
		return false;
	/* What was acknowledged lags behind by the other end's delay, and counts the handshake. */
	m->out = info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
	m->in = info.tcpi_bytes_received;
	if (m->in > 0 && (1u << info.tcpi_state & ENDED_BY_PEER))
		m->in--;	/* the end itself counts as a byte */
	*is_open = info.tcpi_state == STATE_ESTABLISHED;
	return true;
}

/* Takes the one at *at out of the line. */
static int
tally(struct watch *w, struct kept **at)
{
	struct kept	*k = *at;
	struct mark	 now;
	bool		 is_open;
	int		 r = 0;

	if (measure(k->fd, &now, &is_open)) {
		k->c.head.type = WIRE_TALLY;
		k->c.bytes_out = now.out > k->begin.out ? now.out - k->begin.out : 0;
		k->c.bytes_in = now.in > k->begin.in ? now.in - k->begin.in : 0;
		r = record_send(&k->c);
	}
	if ((*at = k->next) == NULL)
		w->last = at;
	w->n--;
	kept_now--;
	close(k->fd);
	free(k);
	return r;
}

/* Lets go of those that the other end has closed. */
static int
sweep(struct watch *w)
{
	struct kept	**at = &w->oldest;
	struct mark	  now;
	bool		  is_open;

	while (*at != NULL)
		if (measure((*at)->fd, &now, &is_open) && is_open)
			at = &(*at)->next;
		else if (tally(w, at) == -1)
			return -1;
	return 0;
}

struct mark
watch_mark(int fd)
{
	struct mark	m = { 0 };
	bool		is_open;

	return measure(fd, &m, &is_open) ? m : (struct mark){ 0 };
}

int
watch_add(struct watch *w, int fd, const struct wire_contact *c, struct mark begin)
{
	struct kept	*k;

	if (w->last == NULL)
		w->last = &w->oldest;
	if (sweep(w) == -1 || ((w->n >= KEPT_MAX || kept_now >= kept_most) && w->n > 0 && tally(w, &w->oldest) == -1)) {
		close(fd);
		return -1;
	}
	if (kept_now >= kept_most || (k = calloc(1, sizeof(*k))) == NULL) {
		close(fd);	/* its bytes are not counted */
		return 0;
	}
	k->fd = fd;
	k->c = *c;
	k->begin = begin;
	*w->last = k;
	w->last = &k->next;
	w->n++;
	kept_now++;
	return 0;
}

int
watch_end(struct watch *w)
{
	int	r = 0;

	while (w->oldest != NULL)
		if (tally(w, &w->oldest) == -1)
			r = -1;
	return r;
}
