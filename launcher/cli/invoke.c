/*
 * invoke.c -- `bascule invoke`: one loop over the invocation, standard output,
 * and the signals that cancel it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "launcher/cli/cli.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

#define PROGRESS_MS	100	/* between two of its lines */

struct view {
	const struct invoke_options *o;
	struct out	 out;
	uint64_t	 records;
	int64_t		 start_ms, shown_ms;
	bool		 progress;	/* a line of it stands on the terminal */
};

static void
on_record(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	struct view	*v = arg;

	v->records += f->record == REC_OUTPUT ? 1 : 0;
	if (v->o->data_only && f->record != REC_OUTPUT)
		return;
	if (v->o->data_only)
		out_add(&v->out, line + f->data_at, f->data_bytes);
	else
		out_add(&v->out, line, len);
	out_add(&v->out, "\n", 1);
}

static void
on_log(void *arg, const char *line, size_t len)
{
	const struct view	*v = arg;

	if (v->o->logs)
		fprintf(stderr, "%.*s\n", (int)len, line);
}

static bool
on_ready(void *arg)
{
	return out_ready(&((const struct view *)arg)->out);
}

static void
progress_clear(struct view *v)
{
	if (v->progress)
		fputs("\r\033[K", stderr);
	v->progress = false;
}

static void
progress_show(struct view *v)
{
	int64_t	 now = now_ms(), ms = now - v->start_ms;

	if (!v->o->progress || now - v->shown_ms < PROGRESS_MS || ms < 5 * PROGRESS_MS)
		return;
	v->shown_ms = now;
	v->progress = true;
	fprintf(stderr, "\r\033[K%llu records, %llu/s, %lld.%llds", (unsigned long long)v->records,
	    (unsigned long long)(v->records * 1000 / (uint64_t)ms), (long long)(ms / 1000), (long long)(ms / 100 % 10));
}

static int
signals_open(void)
{
	sigset_t	 set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void
signal_take(int fd, struct invocation *iv, const struct view *v)
{
	struct signalfd_siginfo	 si;
	char			 text[120];

	if (read(fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	snprintf(text, sizeof(text), "cancelled by signal %u after %llu records; what was printed is incomplete",
	    si.ssi_signo, (unsigned long long)v->records);
	inv_cancel(iv, ERR_CANCELLED, text);
}

static void
run(struct invocation *iv, struct view *v, int signals_fd)
{
	bool	 told = false;

	while (!inv_step(iv)) {
		struct pollfd	 fds[INV_POLL_MAX + 2];
		int		 wait_ms, n;

		out_flush(&v->out, false);
		if (v->out.gone && !told) {
			told = true;
			inv_cancel(iv, ERR_CLIENT_GONE, "nobody reads the results");
			continue;
		}
		progress_show(v);
		n = inv_poll(iv, fds, &wait_ms);
		fds[n++] = (struct pollfd){ .fd = signals_fd, .events = POLLIN };
		/* POLLERR of a pipe that nobody reads comes unasked. */
		fds[n++] = (struct pollfd){ .fd = v->out.gone ? -1 : STDOUT_FILENO,
		    .events = v->out.b.len > 0 ? POLLOUT : 0 };
		if (v->o->progress && (wait_ms == -1 || wait_ms > PROGRESS_MS))
			wait_ms = PROGRESS_MS;
		if (poll(fds, (nfds_t)n, wait_ms) == -1 && errno != EINTR)
			continue;
		if (fds[n - 1].revents & POLLERR && v->out.pipe)
			v->out.gone = true;
		if (fds[n - 2].revents & POLLIN)
			signal_take(signals_fd, iv, v);
	}
}

static void
receipt_write(const struct invocation *iv, const char *path)
{
	autojson	*receipt = inv_receipt(iv);
	autofd		 fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	autobuf		 b;

	buf_init(&b, REQUEST_BYTES_MAX);
	json_print(&b, receipt);
	buf_addc(&b, '\n');
	if (fd == -1 || write(fd, b.data, b.len) != (ssize_t)b.len)
		fprintf(stderr, "bascule: %s: %s\n", path, strerror(errno));
}

static int
finish(struct invocation *iv, struct view *v)
{
	const struct error	*verdict = inv_verdict(iv);
	int			 status = error_face(verdict->code)->exit;
	autobuf			 last;

	buf_init(&last, REQUEST_BYTES_MAX);
	if (v->o->verdict) {
		inv_print_verdict(iv, &last);
		out_flush(&v->out, true);
		out_add(&v->out, last.data, last.len);
	}
	out_flush(&v->out, true);
	progress_clear(v);
	if (v->o->receipt != NULL)
		receipt_write(iv, v->o->receipt);
	if (verdict->code != ERR_NONE) {
		(void)cli_fail(verdict);
		if (v->records > 0)
			fprintf(stderr, "  the output is PARTIAL: %llu records were written before that\n",
			    (unsigned long long)v->records);
	}
	return status;
}

int
cmd_invoke(int argc, char **argv)
{
	struct invoke_options	 o = { 0 };
	struct connector_ref	 ref = { 0 };
	struct request		 rq = { 0 };
	struct error		 e = ERROR_NONE;
	struct invocation	*iv = NULL;
	struct view		 v = { .o = &o };
	int			 fd = signals_open(), r, status;

	if ((r = invoke_options_read(argc, argv, &o, &e)) == 1)
		return 0;
	o.progress = !o.quiet && isatty(STDERR_FILENO);
	out_init(&v.out);
	v.start_ms = now_ms();
	if (r == 0 && connector_find(o.connector, &ref, &e) == 0 && invoke_request_make(&o, &rq, &e) == 0) {
		struct inv_request	 q = {
			.ref = &ref, .rq = &rq, .limits = o.limits, .waived = o.waived,
			.sink = { on_record, on_log, on_ready, &v }, .allow_private = o.allow_private,
		};

		iv = inv_start(&q, &e);
	}
	request_free(&rq);
	if (iv == NULL)
		status = cli_fail(&e);
	else {
		run(iv, &v, fd);
		status = finish(iv, &v);
	}
	inv_free(iv);
	core_shutdown();
	connector_free(&ref);
	buf_free(&v.out.b);
	fd_closep(&fd);
	return status;
}
