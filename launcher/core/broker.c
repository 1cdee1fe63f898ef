/*
 * broker.c -- the launcher's side of the egress broker: starts it, opens legs, keeps what they did.
 *
 * The broker parses what name servers and workers send, so what it says is
 * checked here as well; nothing it can say lets a worker go further.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "launcher/core/broker.h"
#include "launcher/core/broker_exec.h"
#include "launcher/core/broker_policy.h"
#include "launcher/core/broker_wire.h"
#include "launcher/core/contacts.h"
#include "sandbox/sandbox.h"
#include "worker/contract/util.h"

#define READY_MS		SECONDS(10)	/* from exec to READY */
#define SEND_MS			SECONDS(5)	/* the broker takes no packet for this long: it is stuck */
#define CLOSE_MS		SECONDS(2)	/* for what a leg's last bytes were; then without */
#define READ_PACKETS_MAX	256		/* of one broker_read(), so that other descriptors get their turn */
#define BUCKETS			1024u

static_assert(BROKER_CONNECTS_MAX <= UINT32_MAX, "the wire's field holds it");

struct leg {
	struct leg		*next;
	uint32_t		 id;
	bool			 closing;	/* the broker was told */
	bool			 closed;	/* the broker has no more to say about it */
	struct contacts		 contacts;
	struct broker_spent	 spent;
	char			*refused;	/* the first host that was */
	struct wire_contact	*ended;		/* why its worker was cut off; NULL: it was not */
	char			 call[SANDBOX_CALL_BYTES];	/* the forbidden one that its guest made; "": none */
};

struct broker {
	pid_t		 pid;
	int		 control_fd;
	bool		 ready;			/* it has said so */
	bool		 gone;
	bool		 ends;			/* a worker is to be ended, known since broker_ends() */
	uint32_t	 last_leg;
	struct leg	*buckets[BUCKETS];
};

static struct leg **
slot(struct broker *b, uint32_t id)
{
	struct leg	**at = &b->buckets[id % BUCKETS];

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static const struct leg *
leg_find(const struct broker *b, uint32_t id)
{
	const struct leg	*l = b->buckets[id % BUCKETS];

	while (l != NULL && l->id != id)
		l = l->next;
	return l;
}

static void
leg_free(struct leg *l)
{
	contacts_free(&l->contacts);
	free(l->refused);
	free(l->ended);
	free(l);
}

static int
ready_wait(struct broker *b, struct error *e)
{
	struct pollfd		p = { .fd = b->control_fd, .events = POLLIN };
	struct wire_head	h = { 0 };
	int64_t			until = now_ms() + READY_MS, left;
	ssize_t			n;

	if (b->gone)
		return error_set(e, ERR_SYSTEM, "egress broker: it ended at once, or is of another build than the launcher "
		    "(its own message is on standard error)");
	do
		left = until - now_ms();
	while (poll(&p, 1, left > 0 ? (int)left : 0) == -1 && errno == EINTR);
	n = recv(b->control_fd, &h, sizeof(h), MSG_DONTWAIT | MSG_TRUNC);
	if (n == sizeof(h) && h.version == WIRE_VERSION && h.type == WIRE_READY) {
		b->ready = true;
		return 0;
	}
	if (n > 0)
		return error_set(e, ERR_SYSTEM, "egress broker: it is of another build than the launcher");
	return error_set(e, ERR_SYSTEM, "egress broker: it %s (its own message is on standard error)",
	    n == -1 && errno == EAGAIN ? "is not ready in time" : "ended at once");
}

struct broker *
broker_begin(const char *program, struct error *e)
{
	struct broker	*b = calloc(1, sizeof(*b));
	int		 pair[2];

	if (b == NULL) {
		error_set(e, ERR_SYSTEM, "egress broker: no memory");
		return NULL;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		error_sys(e, "egress broker: socket pair");
		free(b);
		return NULL;
	}
	b->control_fd = pair[0];
	b->pid = broker_exec(program, pair[1], e);
	close(pair[1]);
	if (b->pid != -1)
		return b;
	broker_stop(b);
	return NULL;
}

struct broker *
broker_start(const char *program, struct error *e)
{
	struct broker	*b = broker_begin(program, e);

	if (b == NULL || ready_wait(b, e) == 0)
		return b;
	broker_stop(b);
	return NULL;
}

struct broker *
broker_reach(int control_fd, struct error *e)
{
	struct broker	*b = calloc(1, sizeof(*b));

	if (b == NULL) {
		error_set(e, ERR_SYSTEM, "egress broker: no memory");
		close(control_fd);
		return NULL;
	}
	b->control_fd = control_fd;
	if (ready_wait(b, e) == -1) {
		broker_stop(b);
		return NULL;
	}
	return b;
}

void
broker_kill(struct broker *b)
{
	fd_closep(&b->control_fd);
	b->gone = true;
	if (b->pid > 0)
		(void)kill(b->pid, SIGKILL);
}

void
broker_stop(struct broker *b)
{
	if (b == NULL)
		return;
	broker_kill(b);
	if (b->pid > 0) {
		while (waitpid(b->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct leg *l = b->buckets[i], *next; l != NULL; l = next) {
			next = l->next;
			leg_free(l);
		}
	free(b);
}

int
broker_fd(const struct broker *b)
{
	return b->gone ? -1 : b->control_fd;
}

/* What goes to people and receipts is visible and one line. */
static void
text_clean(char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

static void
ended_take(struct broker *b, struct leg *l, const struct wire_contact *w)
{
	b->ends = true;
	if (l->ended == NULL && (l->ended = malloc(sizeof(*w))) != NULL)
		*l->ended = *w;
}

static int
contact_take(struct broker *b, struct leg *l, struct wire_contact *w)
{
	if (w->status >= EGRESS__MAX || memchr(w->host, '\0', sizeof(w->host)) == NULL ||
	    memchr(w->address, '\0', sizeof(w->address)) == NULL || memchr(w->reason, '\0', sizeof(w->reason)) == NULL)
		return -1;
	if (l == NULL)
		return 0;
	text_clean(w->host);
	text_clean(w->address);
	text_clean(w->reason);
	if (w->head.type == WIRE_ENDED) {
		ended_take(b, l, w);
		return 0;
	}
	contacts_add(&l->contacts, w);
	if (w->head.type == WIRE_CONTACT && w->status == EGRESS_REFUSED && w->host[0] != '\0' && l->refused == NULL)
		l->refused = strdup(w->host);
	return 0;
}

union packet {
	struct wire_head	head;
	struct wire_contact	contact;
	struct wire_call	call;
	struct wire_spent	spent;
};

/* -1: it makes no sense; the broker cannot be trusted any more. */
static int
packet_take(struct broker *b, union packet *p, size_t bytes)
{
	struct wire_contact	*w = &p->contact;
	struct leg		*l;

	if (bytes < sizeof(p->head) || p->head.version != WIRE_VERSION)
		return -1;
	l = *slot(b, p->head.leg);
	switch (p->head.type) {
	case WIRE_READY:
		if (b->ready || bytes != sizeof(p->head))
			return -1;
		b->ready = true;
		return 0;
	case WIRE_CONTACT:
	case WIRE_ENDED:
	case WIRE_TALLY:
		return bytes == sizeof(*w) ? contact_take(b, l, w) : -1;
	case WIRE_CALL:
		if (bytes == sizeof(p->call) && l != NULL && l->call[0] == '\0') {
			sandbox_call_name(p->call.arch, p->call.nr, l->call);
			b->ends = true;
		}
		return bytes == sizeof(p->call) ? 0 : -1;
	case WIRE_SPENT:
		if (bytes == sizeof(p->spent) && l != NULL)
			l->spent = (struct broker_spent){ true, p->spent.wait_ms, p->spent.permits };
		return bytes == sizeof(p->spent) ? 0 : -1;
	case WIRE_CLOSED:
		if (l != NULL)
			l->closed = true;
		return bytes == sizeof(p->head) ? 0 : -1;
	default:
		return -1;
	}
}

/* Takes up to max packets that are there, or until `last` (NULL: none) is closed; marks the broker as gone if it is. */
static void
drain(struct broker *b, size_t max, const struct leg *last)
{
	union packet	p;
	ssize_t		n;

	while (!b->gone && max-- > 0 && (last == NULL || !last->closed)) {
		n = recv(b->control_fd, &p, sizeof(p), MSG_DONTWAIT | MSG_TRUNC);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0 || packet_take(b, &p, (size_t)n) == -1)
			b->gone = true;
	}
}

int
broker_read(struct broker *b, struct error *e)
{
	drain(b, READ_PACKETS_MAX, NULL);
	if (b->gone)
		return error_set(e, ERR_SYSTEM, "the egress broker is gone");
	return 0;
}

/* Bounded; takes in contacts meanwhile, because the broker may be waiting for just that. */
static int
packet_send(struct broker *b, const struct msghdr *msg, size_t bytes, struct error *e)
{
	struct pollfd	p = { .fd = b->control_fd, .events = POLLIN | POLLOUT };
	int64_t		until = now_ms() + SEND_MS, left;
	ssize_t		n;

	for (;;) {
		if (b->gone)
			return error_set(e, ERR_SYSTEM, "the egress broker is gone");
		if ((n = sendmsg(b->control_fd, msg, MSG_DONTWAIT | MSG_NOSIGNAL)) == (ssize_t)bytes)
			return 0;
		if (n == -1 && errno != EAGAIN && errno != EINTR) {
			b->gone = errno == EPIPE || errno == ECONNRESET;
			return error_sys(e, "egress broker: send");
		}
		if ((left = until - now_ms()) <= 0)
			return error_set(e, ERR_SYSTEM, "the egress broker took nothing for %d s", SEND_MS / 1000);
		if (poll(&p, 1, (int)left) > 0 && (p.revents & (POLLIN | POLLHUP)))
			drain(b, READ_PACKETS_MAX, NULL);
	}
}

static int
open_send(struct broker *b, const struct wire_open *w, int leg_fd, struct error *e)
{
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg = { { 0 } };
	size_t		 bytes = WIRE_OPEN_BYTES((size_t)w->nrules + w->nopened + w->ndirect);
	struct iovec	 iov = { (void *)(uintptr_t)w, bytes };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = leg_fd != -1 ? cmsg.buf : NULL,
	    .msg_controllen = leg_fd != -1 ? sizeof(cmsg.buf) : 0 };

	cmsg.align.cmsg_level = SOL_SOCKET;
	cmsg.align.cmsg_type = SCM_RIGHTS;
	cmsg.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&cmsg.align), &leg_fd, sizeof(int));
	return packet_send(b, &msg, bytes, e);
}

int
broker_attach(struct broker *b, const struct broker_policy *p, int leg_fd, uint32_t worker, uint32_t *leg, struct error *e)
{
	static struct wire_open	 w;		/* all zero between two: most of a policy is room for more */
	struct leg		*l;
	int			 r = -1;

	if (!b->ready && ready_wait(b, e) == -1)
		return -1;
	if ((l = calloc(1, sizeof(*l))) == NULL)
		error_set(e, ERR_SYSTEM, "egress broker: no memory");
	else if (broker_policy_put(&w, p, e) == -1)
		explicit_bzero(&w, sizeof(w));
	else {
		do
			l->id = ++b->last_leg;
		while (l->id == 0 || *slot(b, l->id) != NULL);
		w.head = (struct wire_head){ WIRE_VERSION, WIRE_OPEN, l->id };
		w.worker = worker;
		r = open_send(b, &w, leg_fd, e);
		explicit_bzero(&w, WIRE_OPEN_BYTES((size_t)w.nrules + w.nopened + w.ndirect));
	}
	if (r == -1) {
		free(l);
		return -1;
	}
	*slot(b, l->id) = l;
	*leg = l->id;
	return 0;
}

int
broker_open(struct broker *b, const struct broker_policy *p, uint32_t *leg, int *worker_fd, struct error *e)
{
	int	pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return error_sys(e, "egress broker: socket pair");
	r = broker_attach(b, p, pair[1], 0, leg, e);
	close(pair[1]);
	if (r == -1)
		close(pair[0]);
	else
		*worker_fd = pair[0];
	return r;
}

const char *
broker_refused(const struct broker *b, uint32_t leg)
{
	const struct leg	*l = leg_find(b, leg);

	return l != NULL ? l->refused : NULL;
}

bool
broker_ends(struct broker *b)
{
	bool	 any = b->ends;

	b->ends = false;
	return any;
}

int
broker_ended(const struct broker *b, uint32_t leg, struct error *e)
{
	const struct leg		*l = leg_find(b, leg);
	const struct wire_contact	*w = l != NULL ? l->ended : NULL;

	if (l != NULL && l->call[0] != '\0') {
		error_set(e, ERR_SYSCALL, "the worker made a system call that is not allowed (%s), and was killed", l->call);
		snprintf(e->what, sizeof(e->what), "%s", l->call);
		return -1;
	}
	if (w == NULL)
		return 0;
	if (w->host[0] == '\0')
		return error_set(e, ERR_PROTOCOL, "the worker sent the egress broker a malformed question, or one out of "
		    "turn");
	return error_set(e, ERR_NO_EGRESS, "no-egress: too many refused connections, the last to %s:%u: %s", w->host,
	    w->port, w->reason);
}

/* The broker's last words on a leg; bounded. */
static void
close_wait(struct broker *b, const struct leg *l)
{
	struct pollfd	p = { .fd = b->control_fd, .events = POLLIN };
	int64_t		until = now_ms() + CLOSE_MS, left;

	while (!l->closed && !b->gone && (left = until - now_ms()) > 0)
		if (poll(&p, 1, (int)left) > 0)
			drain(b, READ_PACKETS_MAX, l);
}

cJSON *
broker_close(struct broker *b, uint32_t leg)
{
	struct broker_spent	 ignored;

	return broker_close_spent(b, leg, &ignored);
}

/* Once; bounded. */
static void
close_tell(struct broker *b, struct leg *l)
{
	struct wire_head	 h = { WIRE_VERSION, WIRE_CLOSE, l->id };
	struct iovec		 iov = { &h, sizeof(h) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct error		 ignored = ERROR_NONE;

	if (l->closing)
		return;
	l->closing = true;
	/* What could not be told is not answered either. */
	l->closed = packet_send(b, &msg, sizeof(h), &ignored) == -1;
}

void
broker_close_begin(struct broker *b, uint32_t leg)
{
	struct leg	*l = *slot(b, leg);

	if (l != NULL)
		close_tell(b, l);
}

bool
broker_closed(const struct broker *b, uint32_t leg)
{
	const struct leg	*l = leg_find(b, leg);

	return b->gone || l == NULL || l->closed;
}

cJSON *
broker_close_spent(struct broker *b, uint32_t leg, struct broker_spent *spent)
{
	struct leg	*l = *slot(b, leg);
	cJSON		*list;

	*spent = (struct broker_spent){ 0 };
	if (l == NULL)
		return cJSON_CreateArray();
	close_tell(b, l);
	close_wait(b, l);
	*slot(b, leg) = l->next;
	list = contacts_print(&l->contacts);
	*spent = l->spent;
	leg_free(l);
	return list;
}
