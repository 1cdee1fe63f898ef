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

#define STATE_ESTABLISHED	1	/* of tcpi_state; the kernel's header has no name for it */

struct kept {
	struct kept		*next;
	int			 fd;
	uint64_t		 out, in;	/* what had crossed before the worker got it: a proxy's answer */
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
record_closed(uint32_t leg)
{
	struct wire_head	h = { WIRE_VERSION, WIRE_CLOSED, leg };

	return packet_send(&h, sizeof(h));
}

static bool
measure(int fd, uint64_t *out, uint64_t *in, bool *is_open)
{
	struct tcp_info	info = { 0 };
	socklen_t	len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
	    len < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received))
		return false;
	*out = info.tcpi_bytes_acked;
	*in = info.tcpi_bytes_received;
	*is_open = info.tcpi_state == STATE_ESTABLISHED;
	return true;
}

/* Takes the one at *at out of the line. */
static int
tally(struct watch *w, struct kept **at)
{
	struct kept	*k = *at;
	uint64_t	 out, in;
	bool		 is_open;
	int		 r = 0;

	if (measure(k->fd, &out, &in, &is_open)) {
		k->c.head.type = WIRE_TALLY;
		k->c.bytes_out = out > k->out ? out - k->out : 0;
		k->c.bytes_in = in > k->in ? in - k->in : 0;
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
	uint64_t	  out, in;
	bool		  is_open;

	while (*at != NULL)
		if (measure((*at)->fd, &out, &in, &is_open) && is_open)
			at = &(*at)->next;
		else if (tally(w, at) == -1)
			return -1;
	return 0;
}

int
watch_add(struct watch *w, int fd, const struct wire_contact *c)
{
	struct kept	*k;
	bool		 is_open;

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
	if (!measure(fd, &k->out, &k->in, &is_open))
		k->out = k->in = 0;
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
