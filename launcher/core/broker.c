/*
 * broker.c -- the launcher's side of the egress broker: starts it, opens legs, keeps what they did.
 *
 * The broker parses what name servers and workers send, so what it says is
 * checked here as well; nothing it can say lets a worker go further.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "launcher/core/broker.h"
#include "launcher/core/broker_wire.h"
#include "worker/contract/util.h"

#define READY_MS		SECONDS(10)	/* from exec to READY */
#define SEND_MS			SECONDS(5)	/* the broker takes no packet for this long: it is stuck */
#define READ_PACKETS_MAX	256		/* of one broker_read(), so that other descriptors get their turn */
#define BUCKETS			1024u

static_assert(BROKER_CONNECTS_MAX <= UINT32_MAX, "the wire's field holds it");

static const char *const outcome_words[] = {
	[EGRESS_OK] = "ok",
	[EGRESS_REFUSED] = "refused",
	[EGRESS_UNRESOLVED] = "unresolved",
	[EGRESS_UNREACHABLE] = "unreachable",
	[EGRESS_TIMEOUT] = "timeout",
	[EGRESS_BUDGET] = "budget",
};
static_assert(N_ITEMS(outcome_words) == EGRESS__MAX, "a word for each status");

struct contact {
	char		*host;
	char		*reason;
	uint16_t	 port;
	uint16_t	 status;
	uint64_t	 count;
};

struct leg {
	struct leg	*next;
	uint32_t	 id;
	struct contact	*contacts;
	size_t		 ncontacts;
	uint64_t	 others[EGRESS__MAX];	/* contacts that found no room */
	char		*refused;
};

struct broker {
	pid_t		 pid;
	int		 control_fd;
	bool		 gone;
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

static void
leg_free(struct leg *l)
{
	for (size_t i = 0; i < l->ncontacts; i++) {
		free(l->contacts[i].host);
		free(l->contacts[i].reason);
	}
	free(l->contacts);
	free(l->refused);
	free(l);
}

/* Between fork and exec: the control end becomes descriptor 3 and nothing else is left. */
static void __attribute__((noreturn))
child(const char *program, int control_fd, int status_fd, pid_t parent)
{
	char	*argv[] = { (char *)(uintptr_t)"bascule-broker", NULL };
	char	*envp[] = { NULL };
	int	 control = fcntl(control_fd, F_DUPFD_CLOEXEC, WIRE_FD + 2);
	int	 status = fcntl(status_fd, F_DUPFD_CLOEXEC, WIRE_FD + 2);
	int	 tell = status_fd;
	int	 null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int	 err;
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (control != -1 && status != -1 && null != -1 && dup2(null, STDIN_FILENO) != -1 &&
	    dup2(null, STDOUT_FILENO) != -1 && dup2(control, WIRE_FD) != -1 &&
	    (tell = dup3(status, WIRE_FD + 1, O_CLOEXEC)) != -1 &&
	    syscall(SYS_close_range, WIRE_FD + 2, ~0U, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0) {
		/* One that is an orphan already will not be told. */
		if (getppid() != parent)
			_exit(1);
		execve(program, argv, envp);
	}
	err = errno;
	(void)!write(tell, &err, sizeof(err));
	_exit(1);
}

/* 0 once the program runs; the pipe closes at exec, or says why there was none. */
static int
exec_wait(int status_fd, const char *program, struct error *e)
{
	int	err = 0;
	ssize_t	n;

	while ((n = read(status_fd, &err, sizeof(err))) == -1 && errno == EINTR)
		;
	if (n == 0)
		return 0;
	return error_set(e, ERR_SYSTEM, "egress broker: %s: %s", program, strerror(n == sizeof(err) ? err : EIO));
}

static int
ready_wait(struct broker *b, struct error *e)
{
	struct pollfd		p = { .fd = b->control_fd, .events = POLLIN };
	struct wire_head	h = { 0 };
	int64_t			until = now_ms() + READY_MS, left;
	ssize_t			n;

	do
		left = until - now_ms();
	while (poll(&p, 1, left > 0 ? (int)left : 0) == -1 && errno == EINTR);
	n = recv(b->control_fd, &h, sizeof(h), MSG_DONTWAIT | MSG_TRUNC);
	if (n == sizeof(h) && h.version == WIRE_VERSION && h.type == WIRE_READY)
		return 0;
	if (n > 0)
		return error_set(e, ERR_SYSTEM, "egress broker: it is of another build than the launcher");
	return error_set(e, ERR_SYSTEM, "egress broker: it %s (its own message is on standard error)",
	    n == -1 && errno == EAGAIN ? "is not ready in time" : "ended at once");
}

static pid_t
spawn(const char *program, int control_fd, struct error *e)
{
	pid_t	parent = getpid(), pid;
	int	status[2];

	if (pipe2(status, O_CLOEXEC) == -1)
		return error_sys(e, "egress broker: pipe");
	if ((pid = fork()) == 0)
		child(program, control_fd, status[1], parent);
	close(status[1]);
	if (pid == -1)
		error_sys(e, "egress broker: fork");
	else if (exec_wait(status[0], program, e) == -1) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(status[0]);
	return pid;
}

struct broker *
broker_start(const char *program, struct error *e)
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
	b->pid = spawn(program, pair[1], e);
	close(pair[1]);
	if (b->pid == -1 || ready_wait(b, e) == -1) {
		broker_stop(b);
		return NULL;
	}
	return b;
}

void
broker_stop(struct broker *b)
{
	if (b == NULL)
		return;
	fd_closep(&b->control_fd);
	if (b->pid > 0) {
		kill(b->pid, SIGKILL);
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
	return b->control_fd;
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
contact_add(struct leg *l, const struct wire_contact *w)
{
	struct contact	*c, *grown;

	for (size_t i = 0; i < l->ncontacts; i++) {
		c = &l->contacts[i];
		if (c->port == w->port && c->status == w->status && strcmp(c->host, w->host) == 0) {
			c->count++;
			return;
		}
	}
	if (l->ncontacts == BROKER_CONTACTS_MAX ||
	    (grown = realloc(l->contacts, (l->ncontacts + 1) * sizeof(*grown))) == NULL) {
		l->others[w->status]++;
		return;
	}
	l->contacts = grown;
	c = &grown[l->ncontacts];
	*c = (struct contact){ .port = w->port, .status = w->status, .count = 1 };
	c->host = strdup(w->host);
	c->reason = strdup(w->reason);
	if (c->host == NULL || c->reason == NULL) {
		free(c->host);
		free(c->reason);
		l->others[w->status]++;
		return;
	}
	l->ncontacts++;
}

/* -1: not a contact; the broker cannot be trusted any more. */
static int
packet_take(struct broker *b, struct wire_contact *w, size_t bytes)
{
	struct leg	*l;

	if (bytes != sizeof(*w) || w->head.version != WIRE_VERSION || w->head.type != WIRE_CONTACT ||
	    w->status >= EGRESS__MAX || memchr(w->host, '\0', sizeof(w->host)) == NULL ||
	    memchr(w->reason, '\0', sizeof(w->reason)) == NULL)
		return -1;
	if ((l = *slot(b, w->head.leg)) == NULL)
		return 0;
	text_clean(w->host);
	text_clean(w->reason);
	contact_add(l, w);
	if (w->status == EGRESS_REFUSED && w->host[0] != '\0' && l->refused == NULL)
		l->refused = strdup(w->host);
	return 0;
}

/* Takes up to max packets that are there; marks the broker as gone if it is. */
static void
drain(struct broker *b, size_t max)
{
	struct wire_contact	w;
	ssize_t			n;

	while (!b->gone && max-- > 0) {
		n = recv(b->control_fd, &w, sizeof(w), MSG_DONTWAIT | MSG_TRUNC);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0 || packet_take(b, &w, (size_t)n) == -1)
			b->gone = true;
	}
}

int
broker_read(struct broker *b, struct error *e)
{
	drain(b, READ_PACKETS_MAX);
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
			drain(b, READ_PACKETS_MAX);
	}
}

/* As the broker compares: lower case, no trailing dot. */
static int
host_put(struct wire_host *w, const char *host, uint16_t port, struct error *e)
{
	size_t	n = strlen(host);

	if (n > 1 && host[n - 1] == '.')
		n--;
	if (n == 0 || n > EGRESS_HOST_BYTES_MAX)
		return error_set(e, ERR_LIMIT, "egress: a host name has 1 to %d bytes", EGRESS_HOST_BYTES_MAX);
	for (size_t i = 0; i < n; i++)
		w->host[i] = host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] - 'A' + 'a') : host[i];
	w->port = port;
	return 0;
}

static int
policy_put(struct wire_open *w, const struct broker_policy *p, struct error *e)
{
	size_t	n = 0;

	if (p->nrules > WIRE_RULES_MAX)
		return error_set(e, ERR_LIMIT, "egress: more than %d rules", WIRE_RULES_MAX);
	for (; n < p->nrules; n++)
		if (host_put(&w->hosts[n], p->rules[n].host, p->rules[n].port, e) == -1)
			return -1;
	w->nrules = (uint16_t)n;
	for (const char *const *h = p->allow_private; h != NULL && *h != NULL; h++) {
		if (w->nopened == WIRE_OPENED_MAX)
			return error_set(e, ERR_LIMIT, "egress: more than %d hosts opened by the operator",
			    WIRE_OPENED_MAX);
		if (host_put(&w->hosts[n + w->nopened], *h, 0, e) == -1)
			return -1;
		w->nopened++;
	}
	w->connects_max = p->connects_max > 0 ? p->connects_max : BROKER_CONNECTS_MAX;
	return 0;
}

static int
open_send(struct broker *b, const struct wire_open *w, int leg_fd, struct error *e)
{
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg = { { 0 } };
	size_t		 bytes = WIRE_OPEN_BYTES((size_t)w->nrules + w->nopened);
	struct iovec	 iov = { (void *)(uintptr_t)w, bytes };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf,
	    .msg_controllen = sizeof(cmsg.buf) };

	cmsg.align.cmsg_level = SOL_SOCKET;
	cmsg.align.cmsg_type = SCM_RIGHTS;
	cmsg.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&cmsg.align), &leg_fd, sizeof(int));
	return packet_send(b, &msg, bytes, e);
}

int
broker_attach(struct broker *b, const struct broker_policy *p, int leg_fd, uint32_t *leg, struct error *e)
{
	autofree struct wire_open	*w = calloc(1, sizeof(*w));
	struct leg			*l = calloc(1, sizeof(*l));

	if (w == NULL || l == NULL || policy_put(w, p, e) == -1) {
		free(l);
		return w == NULL || l == NULL ? error_set(e, ERR_SYSTEM, "egress broker: no memory") : -1;
	}
	do
		l->id = ++b->last_leg;
	while (l->id == 0 || *slot(b, l->id) != NULL);
	w->head = (struct wire_head){ WIRE_VERSION, WIRE_OPEN, l->id };
	if (open_send(b, w, leg_fd, e) == -1) {
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
	r = broker_attach(b, p, pair[1], leg, e);
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
	const struct leg	*l = b->buckets[leg % BUCKETS];

	while (l != NULL && l->id != leg)
		l = l->next;
	return l != NULL ? l->refused : NULL;
}

static void
contact_print(cJSON *list, const char *host, uint16_t port, unsigned int status, uint64_t count, const char *reason)
{
	cJSON	*o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "host", host);
	cJSON_AddNumberToObject(o, "port", port);
	cJSON_AddStringToObject(o, "outcome", outcome_words[status]);
	cJSON_AddNumberToObject(o, "count", (double)count);
	if (reason[0] != '\0')
		cJSON_AddStringToObject(o, "reason", reason);
	cJSON_AddItemToArray(list, o);
}

cJSON *
broker_close(struct broker *b, uint32_t leg)
{
	struct wire_head	 h = { WIRE_VERSION, WIRE_CLOSE, leg };
	struct iovec		 iov = { &h, sizeof(h) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	cJSON			*list = cJSON_CreateArray();
	struct error		 ignored = ERROR_NONE;
	struct leg		*l;

	/* A contact is sent before its answer: what the worker has had is in the socket by now. */
	drain(b, SIZE_MAX);
	if ((l = *slot(b, leg)) == NULL)
		return list;
	(void)packet_send(b, &msg, sizeof(h), &ignored);
	*slot(b, leg) = l->next;
	for (size_t i = 0; i < l->ncontacts; i++) {
		const struct contact	*c = &l->contacts[i];

		contact_print(list, c->host, c->port, c->status, c->count, c->reason);
	}
	for (unsigned int s = 0; s < EGRESS__MAX; s++)
		if (l->others[s] > 0)
			contact_print(list, "(others)", 0, s, l->others[s], "");
	leg_free(l);
	return list;
}
